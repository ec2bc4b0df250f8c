"""What is computed of parameters and buffers alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch

from eoc.models.steps import Kind
from eoc.models.torch.functions import KINDS, is_in_place
from eoc.models.torch.values import Call, Fixed, Value

__all__ = ["still_fixed"]


def still_fixed(call: Call) -> Fixed:
    """What a function makes of what is fixed, computed now."""
    given = call.fixed
    sources = tuple(dict.fromkeys(name for value in given for name in value.sources))
    name = next((value.name for value in given if value.sources), given[0].name if given else Fixed().name)
    partly = any(value.tensor is None and value.again is None for value in given)
    if partly and given[0].tensor is not None and KINDS.get(call.name) is Kind.SAME:
        return given[0]  # in a shape that is not known
    if call.data or partly or is_in_place(call.function, dict(call.kwargs)):
        return Fixed(name if given else Fixed().name)

    def again(others: Mapping[str, torch.Tensor]) -> Any:
        return call.with_values(lambda value: value.computed(others) if isinstance(value, Fixed) else None)

    try:
        with torch.set_grad_enabled(len(given) == 1):  # so that views of parts of trainable weights are trainable
            made = call.with_values(_now)
    except Exception:  # whatever it needs besides
        return Fixed(name)
    if not isinstance(made, torch.Tensor):  # shapes, numbers and several tensors
        number = torch.tensor(made) if isinstance(made, int | float) else None
        return Fixed(name, number, again=again, sources=sources if _has_tensors(made) else (), plain=True)
    first = given[0] if given else Fixed()
    if len(given) == 1 and first.again is None and first.sources and _is_same(made, first.tensor):
        return replace(first, turned=made.stride() != first.tensor.stride())
    return Fixed(name, made if made._is_view() else made.detach(), again=again, sources=sources)


def _now(value: Value) -> Any:
    """What a value is now."""
    if not isinstance(value, Fixed):
        return None
    return value.again({}) if value.plain and value.again is not None else value.values


def _has_tensors(made: Any) -> bool:
    return isinstance(made, tuple | list) and any(isinstance(each, torch.Tensor) for each in made)


def _is_same(view: torch.Tensor, whole: torch.Tensor) -> bool:
    """Whether a tensor is a parameter seen as it is, or the transpose of a matrix."""
    if view.is_meta or view.data_ptr() != whole.data_ptr() or view.numel() != whole.numel():
        return False
    if view.shape == whole.shape and view.stride() == whole.stride():
        return True
    turned = whole.dim() == 2 and view.shape == whole.shape[::-1]
    return turned and view.stride() == whole.stride()[::-1]
