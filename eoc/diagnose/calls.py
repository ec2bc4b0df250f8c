"""Where a running model applies the weights of its layers, and what comes out there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from numpy.typing import NDArray

from eoc.diagnose.output_moments import Moments, moments_of
from eoc.floats import FloatArray
from eoc.models.steps import Affine, Kind, Step
from eoc.models.torch.functions import LINEAR, TRANSPOSED

__all__ = ["Applied", "Call", "Flat", "Weights"]

Flat = Callable[[FloatArray], NDArray[Any]]

_AFFINE = LINEAR | TRANSPOSED | frozenset(("addmm", "matmul", "mm", "einsum", "__matmul__", "__rmatmul__"))
_SUMS = frozenset(("add", "add_", "__add__", "__radd__", "__iadd__"))


@dataclass
class Call:
    """One use of the weight of a layer.

    Attributes
    ----------
    at
        Which step it is; None where it is used again in a way that the reading does not tell.
    step
        That step, or the one whose weight it is.
    moments
        Of what comes out.
    dead
        Which share of the units the activation behind maps to a constant for the whole batch; NaN if not asked.
    gradient
        The root mean square over samples of the norm of dL/dh; NaN too where no gradient arrives, which ``reached``
        tells.
    weight_gradient
        The norm of dL/dW over all samples; NaN where none is taken.
    """

    at: int | None
    step: Step
    moments: Moments
    dead: float = float("nan")
    gradient: float = float("nan")
    reached: bool = False
    weight_gradient: float = float("nan")


@dataclass
class Applied:
    """A function that applied a weight: several calls where that is packed.

    Attributes
    ----------
    calls
        With the rows of the weight that each is, None for all.
    edge
        What the gradient by the whole output is taken by.
    weight
        The tensor that was applied.
    axis
        Of units in the output.
    bias
        What is still to be added, before the output is the layer's.
    """

    calls: list[tuple[Call, slice | None]]
    edge: Any
    weight: Any
    axis: int
    bias: list[Any] = field(default_factory=list)


class Weights:
    """Knows the layers of a model by the memory of their weights, or by the module that computes them.

    Parameters
    ----------
    steps
        Of the model.
    samples
        How many the batch has.
    flat
        What tells, for steps among them, at which pre-activations the activation that follows is flat.

    Attributes
    ----------
    tokens
        How many tokens and samples there are where tokens come first, as inside of attention; None elsewhere.
    """

    def __init__(self, steps: Sequence[Step], samples: int, flat: Mapping[int, Flat]) -> None:
        self._steps, self._samples, self._flat = steps, samples, flat
        self._by_memory: dict[tuple[int, str], list[int]] = defaultdict(list)
        self._by_module: dict[str, list[int]] = defaultdict(list)
        self._seen: dict[int, int] = defaultdict(int)  # of each weight, how often
        self._waiting: dict[int, tuple[Any, Applied]] = {}
        self.tokens: tuple[int, int] | None = None
        for at, step in enumerate(steps):
            if step.kind is not Kind.LAYER or step.affine is None:
                continue
            self._by_memory[_memory(step.affine.weight)].append(at)
            if step.affine.sources:
                self._by_module[_owner(step.affine.sources[0])].append(at)

    def applied(
        self, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any], out: Any, module: str
    ) -> Applied | None:
        """What a function applied; None if it is none of the layers. ``module`` names the one that it was called in."""
        if not isinstance(out, torch.Tensor) or not out.is_floating_point():
            return None
        tensors = [x for x in (*args, *kwargs.values()) if isinstance(x, torch.Tensor)]
        if name in _SUMS:
            return self._biased(tensors, out)
        if name not in _AFFINE:
            return None
        for weight in tensors:
            places = self._by_memory.get(_memory(weight)) if weight.ndim > 1 else None
            if places:
                return self._of(name, weight, tensors, places, out)
        computed = self._by_module.get(module)
        if computed is not None:
            shape = self._affine(computed[0]).weight.shape
            weight = next((x for x in tensors[1:] if x.shape == shape), None)
            return None if weight is None else self._of(name, weight, tensors, computed, out)
        return None

    def recurrent(self, module: Any, out: Any) -> Applied | None:
        """What a recurrent module hands on at every step; None if the module is none, or ran more often than was read.

        Of several layers only the last one can be seen.
        """
        last = [at for at, step in enumerate(self._steps) if step.recurrence is not None and step.module is module]
        layers = getattr(module, "num_layers", 1)
        uses = last[layers - 1 :: layers]
        if not uses:
            return None
        step, at = self._next(uses)
        out = out[0] if isinstance(out, tuple) else out
        if at is None or not isinstance(out, torch.Tensor) or step.recurrence is None:
            return None  # of packed sequences, too
        weight = step.recurrence.directions[0][0].recurrent.weight
        call = Call(at, step, Moments.nothing())
        first = out if step.recurrence.first or out.ndim < 3 else out.transpose(0, 1)
        call.moments = moments_of(first.detach(), out.ndim - 1, self._samples)
        return Applied([(call, None)], None, weight if weight._base is None else weight._base, out.ndim - 1)

    def _affine(self, at: int) -> Affine:
        affine = self._steps[at].affine
        assert affine is not None
        return affine

    def _of(
        self, name: str, weight: Any, tensors: Sequence[Any], places: Sequence[int], out: torch.Tensor
    ) -> Applied | None:
        """One function that takes a weight, or several layers at once, or a part of their rows."""
        axis = out.ndim - weight.ndim + 1 if "conv" in name else out.ndim - 1
        rows = {self._affine(at).part: _rows(self._affine(at), weight) for at in places}
        calls: list[tuple[Call, slice | None]] = []
        pending = []
        for part, found in rows.items():
            if found is None:
                continue
            mine = [at for at in places if self._affine(at).part == part]
            step, at = self._next(mine)
            calls.append((Call(at, step, Moments.nothing()), found if part else None))
            bias = self._affine(mine[0]).bias
            if bias is not None and not any(_memory(bias)[0] == _memory(x)[0] for x in tensors):
                pending.append(bias)
        if not calls:
            return None
        found_out = Applied(calls, None, weight, axis, pending)
        if pending:
            self._waiting[id(out)] = out, found_out
        return self._measured(found_out, out)

    def _next(self, places: Sequence[int]) -> tuple[Step, int | None]:
        """The step that this call is: those of one weight come in the same order."""
        count = self._seen[places[0]]
        self._seen[places[0]] += 1
        return (self._steps[places[count]], places[count]) if count < len(places) else (self._steps[places[-1]], None)

    def _biased(self, tensors: Sequence[Any], out: torch.Tensor) -> Applied | None:
        """The sum of a product and the bias that belongs to it: only that is what the layer hands on."""
        found = next((self._waiting[id(x)] for x in tensors if id(x) in self._waiting), None)
        if found is None or not any(_memory(bias) == _memory(x) for bias in found[1].bias for x in tensors):
            return None
        return self._measured(found[1], out)

    def _measured(self, applied: Applied, out: torch.Tensor) -> Applied:
        whole = self._samples_first(out.detach())
        axis = applied.axis + whole.ndim - out.ndim
        for call, rows in applied.calls:
            h = whole if rows is None else whole[(slice(None),) * axis + (rows,)]
            call.moments = moments_of(h, axis, self._samples)
            flat = None if call.at is None else self._flat.get(call.at)
            if flat is not None and h.ndim > 1:
                by_unit = h.cpu().double().movedim(axis, 0).reshape(h.shape[axis], -1)
                call.dead = float(flat(by_unit.numpy()).all(axis=1).mean())
        return applied

    def _samples_first(self, out: torch.Tensor) -> torch.Tensor:
        if self.tokens is None:
            return out
        if out.ndim == 2 and len(out) == self.tokens[0] * self.tokens[1]:
            out = out.reshape(*self.tokens, -1)
        return out.transpose(0, 1) if out.ndim == 3 else out


def _owner(parameter: str) -> str:
    """The name of the module that computes a weight from a parameter, perhaps through a parametrisation."""
    return (
        parameter.partition(".parametrizations.")[0]
        if ".parametrizations." in parameter
        else parameter.rpartition(".")[0]
    )


def _memory(tensor: Any) -> tuple[int, str]:
    """Where the numbers of a tensor lie."""
    return tensor.untyped_storage().data_ptr(), str(tensor.device)


def _rows(affine: Affine, weight: Any) -> slice | None:
    """Which rows of a weight that was applied are those of a layer; None if they are not among them."""
    own = affine.weight
    if not affine.part or own.shape == weight.shape:
        return slice(0, own.shape[0]) if own.storage_offset() == weight.storage_offset() or not affine.part else None
    first = (own.storage_offset() - weight.storage_offset()) // max(own.stride(0), 1)
    return slice(first, first + own.shape[0]) if 0 <= first <= weight.shape[0] - own.shape[0] else None
