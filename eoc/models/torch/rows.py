"""Functions of all units of a position: normalisations that a forward writes by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from eoc.models.torch.values import Call, Elements

__all__ = ["normalised", "statistic"]

_WIDTH = 64  # where it is not known
_SCALE = 8.0  # by which the input of a normalisation may be multiplied without an effect
_CLOSE = 1e-2

_STATISTICS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "mean": lambda x: x.mean(-1, keepdim=True),
    "sum": lambda x: x.sum(-1, keepdim=True),
    "norm": lambda x: x.norm(dim=-1, keepdim=True),
    "vector_norm": lambda x: x.norm(dim=-1, keepdim=True),
    "var": lambda x: x.var(-1, keepdim=True, correction=0),
    "std": lambda x: x.std(-1, keepdim=True, correction=0),
    "normalize": lambda x: torch.nn.functional.normalize(x, dim=-1),
}


def statistic(call: Call) -> Elements | None:
    """A mean, a norm or the like over the units; None for a function that is no such thing."""
    x, function = call.data[0], _STATISTICS.get(call.name)
    keeps = call.name == "normalize" or call.kwargs.get("keepdim") or True in call.args[2:]
    if function is None or not keeps or len(call.data) > 1:
        return None
    text = f"{call.name}({x.text})"
    return Elements(x.source, text, call.node, lambda y, j: function(x(y, j)), by_channel=x.by_channel, rows=True)


def normalised(value: Elements, width: int | None) -> tuple[bool, float] | None:
    """Whether a function of rows that normalises them takes away the mean, and the root mean square that it makes.

    Parameters
    ----------
    value
        The function.
    width
        How many units there are; None where that is not known.

    Returns
    -------
    tuple
        None for what is no normalisation, or makes what depends on a width that is not known.
    """
    length = value.by_channel[0].channels if value.by_channel else width or _WIDTH
    x = torch.randn(256, length, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    def called(x: torch.Tensor) -> Any:
        return torch.as_tensor(value(x, slice(None)))

    try:
        y, larger, moved = called(x), called(_SCALE * x), called(x + _SCALE)
    except Exception:  # what a forward puts together may not fit
        return None
    if y.shape != x.shape or not torch.allclose(y, larger, rtol=_CLOSE, atol=_CLOSE * float(y.std())):
        return None
    rows = y.square().mean(-1)
    if not bool(((rows - rows.mean()).abs() < 0.5 * rows.mean()).all()):  # which depends on their mean, say
        return None
    size = float(rows.mean().sqrt())
    size = 1.0 if abs(size - 1.0) < _CLOSE else size
    if size != 1.0 and width is None:
        return None
    return bool(torch.allclose(y, moved, rtol=_CLOSE, atol=_CLOSE * size)), size
