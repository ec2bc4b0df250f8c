"""Scales corrected by what a batch shows, where theory is approximate or unknown.

The model runs once, and as it runs each weight is seen where a function takes it: what the layer hands on is measured,
the weight is scaled until that has the mean square that was planned, and the run goes on with it. So every layer is
measured with those before it already right (Mishkin and Matas 2016, arXiv 1511.06422, layer by layer in one run). A
second run goes back and measures the gradients.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import isfinite, sqrt
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from eoc.errors import EocError
from eoc.initializers.plan.corrections import ALIKE, MOST, NEAR, with_measured
from eoc.initializers.plan.fills import Fill
from eoc.initializers.plan.plan import Aim
from eoc.initializers.plan.report import Row
from eoc.models.steps import Affine
from eoc.models.torch.functions import LINEAR, TRANSPOSED
from eoc.models.torch.preserve_state import preserved_state
from eoc.models.torch.structures import tensors_in
from eoc.models.torch.unwrapped import unwrapped

__all__ = ["Measured", "corrected"]

_SEED = 0


@dataclass
class Measured:
    """What a batch showed.

    Attributes
    ----------
    taken
        The mean square of what each weight was applied to, by the name of the parameter and its part.
    factors
        What the weights were multiplied by.
    output
        The mean square of what the model returns.
    gradients
        |dL/dW| of each weight and table for a random linear loss.
    """

    taken: dict[tuple[str, str], float] = field(default_factory=dict)
    factors: dict[tuple[str, str], float] = field(default_factory=dict)
    output: float = float("nan")
    gradients: dict[str, float] = field(default_factory=dict)

    def seen(self, row: Row) -> Row:
        """A row of the report with what was measured."""
        key = row.parameter, row.part
        return with_measured(row, self.taken.get(key), self.factors.get(key, 1.0))


def corrected(model: nn.Module, batch: Any, fills: Sequence[Fill], aims: Mapping[int, Aim]) -> Measured:
    """Scale the weights of a model that was filled, and measure it.

    Parameters
    ----------
    model
        A module; buffers, modes and random numbers are left as they were.
    batch
        What it is called with: a tensor, a tuple of tensors or a dict of keyword arguments.
    fills
        What its weights were filled with; weights that are set through a parametrisation are left as they are.
    aims
        What each weight's layer is to hand on, by the id of the tensor of its fill.

    Raises
    ------
    EocError
        If the model cannot be run on this batch.
    """
    found = Measured()
    watched = [fill for fill in fills if fill.affine is not None and id(fill.tensor) in aims]  # no tied tables
    with preserved_state(model, _SEED), _slow_path():
        with torch.no_grad(), _Correcting(watched, aims, found):
            _run(unwrapped(model)[0], batch)
        _measure_gradients(model, batch, fills, found)
    return found


def _run(model: nn.Module, batch: Any) -> Any:
    try:
        if isinstance(batch, Mapping):
            return model(**batch)
        return model(*batch) if isinstance(batch, tuple | list) else model(batch)
    except EocError:
        raise
    except Exception as error:  # whatever the model's own code raises
        lines = str(error).strip().splitlines()
        raise EocError(
            f"the model cannot be run on this batch: {type(error).__name__}{': ' + lines[0] if lines else ''}; give "
            "what it is called with: a tensor, a tuple of tensors, or a dict of keyword arguments"
        ) from error


@contextmanager
def _slow_path() -> Iterator[None]:
    """Attention in steps that can be seen, instead of one that is compiled."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


class _Correcting(TorchFunctionMode):
    """Looks at every function that takes a weight, and scales the weight when it is first seen."""

    def __init__(self, fills: Sequence[Fill], aims: Mapping[int, Aim], found: Measured) -> None:
        super().__init__()
        self._waiting: dict[tuple[int, int], list[Fill]] = {}
        for fill in fills:  # a packed projection has several parts
            self._waiting.setdefault(_place(fill.tensor), []).append(fill)
        self._aims, self._found = aims, found

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        seen = _affine(func, args, kwargs, out) if self._waiting else None
        fills = None if seen is None else self._waiting.pop(_place(seen.weight), None)
        if seen is None or fills is None:
            return out
        moved = [self._scale(fill, fill.affine, seen) for fill in fills if fill.affine is not None]
        return func(*args, **kwargs) if any(moved) else out

    def _scale(self, fill: Fill, affine: Affine, seen: _Seen) -> bool:
        """Scale a weight if it has to be; whether it was."""
        key, aim = (fill.name, affine.part), self._aims[id(fill.tensor)]
        if seen.taken is not None:
            self._found.taken[key] = float(seen.taken.double().square().mean())
        have = seen.size(fill)
        if not (have > 0.0 and isfinite(have) and aim.weights > 0.0 and isfinite(aim.weights)):
            return False
        factor = min(max(sqrt(aim.weights / have), 1.0 / MOST), MOST)
        if abs(factor - 1.0) <= (ALIKE if aim.is_exact else NEAR):
            return False
        fill.tensor.mul_(factor)
        self._found.factors[key] = factor
        return True


@dataclass(frozen=True)
class _Seen:
    """A function that applies a weight: what to, if that can be seen, and what comes out but for biases."""

    weight: torch.Tensor
    taken: torch.Tensor | None
    handed_on: torch.Tensor

    def size(self, fill: Fill) -> float:
        """The mean square of what the rows of a fill hand on, where it is not zero as at padded positions."""
        axis = -1 if self.weight.dim() == 2 else 1
        rows, y = fill.tensor.shape[0], self.handed_on
        if fill.affine and fill.affine.part and y.shape[axis] != rows:
            y = y.narrow(axis, fill.tensor.storage_offset() // fill.tensor.stride(0), rows)
        squares = y.double().square().mean(axis)
        return float(squares.sum() / max(int(squares.count_nonzero()), 1))


def _affine(func: Any, args: Any, kwargs: Any, out: Any) -> _Seen | None:
    name = getattr(func, "__name__", "")
    if name == "multi_head_attention_forward":  # its last projection
        weight, bias = args[11:13] if len(args) > 12 else (None, None)
        return None if weight is None else _Seen(weight, None, out[0] if bias is None else out[0] - bias)
    if name not in _AFFINE or not isinstance(out, torch.Tensor):
        return None
    tensors = [x for x in (*args, *kwargs.values()) if isinstance(x, torch.Tensor)]
    parameters = [x for x in tensors if isinstance(x, nn.Parameter) or not x.is_floating_point()]
    weight = next((x for x in parameters if x.dim() > 1 and x.is_floating_point()), None)
    taken = next((x for x in tensors if x is not weight and x.dim() > 1), None)
    bias = next((x for x in parameters if x.dim() == 1), None)
    if weight is None or taken is None:
        return None
    shape = (-1, *[1] * (weight.dim() - 2))
    return _Seen(weight, taken, out if bias is None else out - bias.reshape(shape))


def _place(tensor: torch.Tensor) -> tuple[int, int]:
    """Where in memory its parameter lies."""
    return tensor.untyped_storage().data_ptr(), tensor.device.index or 0


_AFFINE = LINEAR | TRANSPOSED | frozenset(("addmm", "matmul", "mm", "einsum", "__matmul__", "__rmatmul__"))


def _measure_gradients(model: nn.Module, batch: Any, fills: Sequence[Fill], found: Measured) -> None:
    """Of weights and tables, by the names that they have in the model, wrappers included."""
    weights = (fill.name for fill in fills if fill.method != "constant" and fill.tensor.dim() > 1)
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    leaves = {name: trained[name] for name in weights if name in trained}  # in the order of the computation
    with torch.enable_grad():
        outputs = [y for y in tensors_in(_run(unwrapped(model)[0], batch)) if y.is_floating_point()]
        flat = [y.detach().double().flatten() for y in outputs]
        found.output = float(torch.cat(flat).square().mean()) if flat else 0.0
        generator = torch.Generator().manual_seed(_SEED)
        loss = sum((y * torch.randn(y.shape, generator=generator).to(y)).sum() for y in outputs if y.requires_grad)
        if not isinstance(loss, torch.Tensor) or not leaves:
            return
        gradients = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True)
    for name, g in zip(leaves, gradients, strict=True):
        if g is not None:
            found.gradients[name] = float(g.double().norm())
