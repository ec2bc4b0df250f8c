"""Which tokens attention sees, where a mask of fixed numbers says that."""

from __future__ import annotations

from typing import Any

import torch

from eoc.models.torch.values import Call, Elements, Fixed

__all__ = ["is_causal", "mask_of"]

_FAR = -1e3  # scores below count as none


def mask_of(call: Call) -> Any:
    """Which scores a call leaves, as a tensor of answers; None where it masks none, or that is not known.

    Sums with scores of minus infinity, ``masked_fill`` and ``where``.
    """
    tensors = [value for value in call.args if isinstance(value, Fixed) and isinstance(value.tensor, torch.Tensor)]
    if not tensors or tensors[0].tensor.is_meta:
        return None
    mask = tensors[0].values
    if call.name == "masked_fill":
        return ~mask if mask.dtype is torch.bool else None
    if call.name == "where":
        first = isinstance(call.args[1], Elements)
        return None if mask.dtype is not torch.bool else mask if first else ~mask
    return mask > _FAR if mask.is_floating_point() and bool((mask <= _FAR).any()) else None


def is_causal(mask: Any) -> bool:
    """Whether the last two axes of a mask are those of tokens that see themselves and those before them."""
    if not isinstance(mask, torch.Tensor) or mask.dim() < 2 or mask.is_meta or mask.shape[-1] < 2:
        return False
    seen = mask if mask.dtype is torch.bool else mask > _FAR
    return seen.shape[-1] == seen.shape[-2] and bool((seen == torch.ones_like(seen).tril()).all())
