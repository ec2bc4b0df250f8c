"""The parameters of a PyTorch model, as a plan sees them."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any

import torch
from torch import nn

from eoc.errors import EocError
from eoc.initializers.torch.draw import check_range, check_tensor, is_sharded
from eoc.models.steps import Step

__all__ = ["TorchParameters"]


class TorchParameters:
    """See :class:`eoc.initializers.plan.parameters.Parameters`."""

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._tensors = dict(model.named_parameters())
        self._names = {id(parameter): name for name, parameter in self._tensors.items()}

    def named(self) -> Iterator[tuple[str, str]]:
        """Every name, and the first of the same parameter."""
        first: dict[int, str] = {}
        for name, parameter in self._model.named_parameters(remove_duplicate=False):
            yield name, first.setdefault(id(parameter), name)

    def of(self, step: Step, label: str) -> tuple[str, Any] | None:
        """The weight or bias of the module that a step is."""
        tensor = getattr(step.module, label, None)
        name = self._names.get(id(tensor))
        return None if name is None else (name, tensor)

    def inside(self, step: Step) -> Iterator[str]:
        """All parameters of the module that a step is."""
        if isinstance(step.module, nn.Module):
            yield from (self._names[id(p)] for p in step.module.parameters() if id(p) in self._names)

    def is_free(self, name: str) -> bool:
        """Whether gradients are taken by it."""
        return name in self._tensors and bool(self._tensors[name].requires_grad)

    def key(self, name: str, tensor: torch.Tensor) -> Hashable:
        """Where it begins in the parameter."""
        return name, tensor.storage_offset()

    def square(self, tensor: torch.Tensor) -> float:
        """The mean square of its numbers."""
        found: Any = tensor.detach().double().square().mean()
        return float(found.full_tensor() if is_sharded(found) else found)

    def check(self, tensor: torch.Tensor, name: str, dimensions: int) -> None:
        """See :func:`eoc.initializers.torch.draw.check_tensor`."""
        check_tensor(tensor, name, dimensions=dimensions)
        if is_sharded(tensor) and tuple(tensor.shape) != tuple(self._tensors[name].shape):
            raise EocError(
                f"{name} is sharded over processes, and parts of it are drawn apart: initialise before fully_shard"
            )

    def check_range(self, std: float, tensor: torch.Tensor, name: str) -> None:
        """See :func:`eoc.initializers.torch.draw.check_range`."""
        check_range(std, tensor.dtype, name)
