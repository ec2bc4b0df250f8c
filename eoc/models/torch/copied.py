"""Copies of models that share their tensors, for what reading them may write."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn

__all__ = ["tensors_of", "twin"]


def twin(model: nn.Module, shared: dict[int, Any]) -> nn.Module:
    """A copy of the model that shares these objects, and what cannot be copied, such as locks and generators.

    Parameters
    ----------
    model
        Any module.
    shared
        By their identities.
    """
    try:
        return copy.deepcopy(model, dict(shared))
    except Exception:
        for module in model.modules():
            for value in [value for key, value in vars(module).items() if key != "_modules"]:
                try:
                    copy.deepcopy(value, dict(shared))
                except Exception:
                    shared[id(value)] = value
        return copy.deepcopy(model, shared)


def tensors_of(model: nn.Module) -> dict[str, torch.Tensor]:
    """Parameters, buffers and other tensors that modules own, by name."""
    found = dict(model.named_parameters()) | dict(model.named_buffers())
    for name, module in model.named_modules():
        own = {key: value for key, value in vars(module).items() if isinstance(value, torch.Tensor)}
        found |= {f"{name}.{key}" if name else key: value for key, value in own.items()}
    return found
