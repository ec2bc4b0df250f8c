"""Tensors in what models take and return: nested tuples, lists, dictionaries and dataclasses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import torch

__all__ = ["mapped", "tensors_in"]


def tensors_in(structure: Any) -> Iterator[torch.Tensor]:
    """All tensors in nested containers and dataclasses."""
    if isinstance(structure, torch.Tensor):
        yield structure
    elif isinstance(structure, Mapping):
        for each in structure.values():
            yield from tensors_in(each)
    elif isinstance(structure, tuple | list):
        for each in structure:
            yield from tensors_in(each)
    elif isinstance(structure, slice):
        yield from tensors_in((structure.start, structure.stop, structure.step))
    elif is_dataclass(structure) and not isinstance(structure, type):
        for field in fields(structure):
            yield from tensors_in(getattr(structure, field.name, None))


def mapped(structure: Any, change: Callable[[Any], Any]) -> Any:
    """Arguments with something else for every tensor."""
    if isinstance(structure, tuple | list):
        parts = [mapped(each, change) for each in structure]
        return tuple(parts) if isinstance(structure, tuple) else parts
    if isinstance(structure, Mapping):
        return {str(key): mapped(each, change) for key, each in structure.items()}
    if isinstance(structure, slice):
        return slice(*(mapped(each, change) for each in (structure.start, structure.stop, structure.step)))
    return change(structure)
