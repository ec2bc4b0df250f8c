"""What a plan has to know of a model's numbers, whatever framework they are in."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any, Protocol

from eoc.models.steps import Step

__all__ = ["Parameters"]


class Parameters(Protocol):
    """The parameters of a model, by name; tensors are those of its framework."""

    def named(self) -> Iterator[tuple[str, str]]:
        """Every name, in the model's order, and the first name of the same parameter."""

    def of(self, step: Step, label: str) -> tuple[str, Any] | None:
        """The name and tensor of the "weight" or the "bias" of a normalisation or an embedding; None without one."""

    def inside(self, step: Step) -> Iterator[str]:
        """The names of all parameters of what a step is."""

    def is_free(self, name: str) -> bool:
        """Whether it is trained: others are left and measured."""

    def key(self, name: str, tensor: Any) -> Hashable:
        """What tells parts of one parameter apart."""

    def square(self, tensor: Any) -> float:
        """The mean square of its numbers."""

    def check(self, tensor: Any, name: str, dimensions: int) -> None:
        """Refuse what cannot be filled."""

    def check_range(self, std: float, tensor: Any, name: str) -> None:
        """Refuse a standard deviation that its numbers cannot hold."""
