"""Makes steps of signals, as late as possible: when more is computed from them than a function of one step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from math import prod
from typing import Any

import numpy as np

from eoc.errors import EocError
from eoc.models.jax.chains import module_of, name_of, sort_of, unscaled, with_softmax
from eoc.models.jax.evaluated import Normalised, as_activation, between, is_softmax, learned_in, normalised, signature
from eoc.models.jax.operations import CASTS, REDUCTIONS
from eoc.models.jax.parameters import Parameters
from eoc.models.jax.values import Fixed, Operation, Signal
from eoc.models.jax.views import whole
from eoc.models.lines import scaling, straight_line
from eoc.models.slots import Learned, Slot
from eoc.models.steps import Kind, Step

__all__ = ["Builder"]

_INFIX = {"add": Kind.ADD, "sub": Kind.ADD, "add_any": Kind.ADD, "mul": Kind.MULTIPLY}


class Builder:
    """The steps found so far.

    Parameters
    ----------
    parameters
        Those of the function.
    """

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = parameters
        self.steps: list[Step] = []
        self.uses: dict[str, str] = {}  # see Reading
        self.units: dict[int, tuple[int, ...]] = {}  # the axes of what a step hands on that are units of a layer
        self.products: dict[Slot, tuple[int, int]] = {}  # where a weight is first used, see Traced
        self.softmax: set[int] = set()  # steps that are weights adding up to 1
        self._made: dict[Signal, tuple[int, float]] = {}  # the step, and what it is to be multiplied by
        self._names: dict[str, int] = {}
        self._seen: dict[Any, Any] = {}

    def add(self, name: str, kind: Kind, inputs: Sequence[int], shape: Sequence[int], **details: Any) -> Signal:
        """Append a step; what it hands on."""
        self.steps.append(Step(self._unique(name), kind, tuple(inputs), shape=tuple(shape), **details))
        return self.signal_of(len(self.steps) - 1, shape)

    def _unique(self, name: str) -> str:
        count = self._names[name] = self._names.get(name, 0) + 1
        return name if count == 1 else f"{name}_{count}"

    def signal_of(self, at: int, shape: Sequence[int]) -> Signal:
        """What a step hands on, or one of several arrays that it does."""
        signal = Signal(tuple(shape), at, whole(shape))
        self._made[signal] = at, 1.0
        return signal

    def base_of(self, signal: Signal) -> int:
        """The step that a signal is a function of."""
        return self.index(signal.root)

    def times(self, signal: Signal, factor: float) -> Signal:
        """A multiple of what a step hands on, which may be undone by what comes next."""
        found = Signal(signal.shape, signal.base, signal.view)
        self._made[found] = signal.base, factor
        return found

    def parameter(self, value: Fixed) -> int:
        """The step of a learned tensor that is taken like a signal."""
        (name,) = value.leaves
        self.uses.setdefault(name, "is a signal of its own, as the model has it")
        return self.add(name, Kind.PARAMETER, (), value.shape, tensor=self.parameters.whole(name)).base

    # --- from signals to steps ----------------------------------------------------------------------------------------

    def index(self, signal: Signal) -> int:
        """The step that a signal is the output of, made where there is none yet."""
        if signal.operation is not None and signal.operation.whole:
            return self.base_of(signal)
        chain, start = [], signal
        while start not in self._made:
            chain.append(start)
            assert start.dominator is not None
            start = start.dominator
        at, factor = self._made[start]
        pairs = with_softmax(list(zip([start, *reversed(chain)], reversed(chain), strict=False)))
        runs = [(sort, list(run)) for sort, run in groupby(pairs, lambda pair: sort_of(*pair))]
        for place, (sort, run) in enumerate(runs):
            first, last = run[0][0], run[-1][1]
            if sort == "elements":
                fades = place + 1 < len(runs) and runs[place + 1][0] == "dropped"
                at, factor = self._elements(first, last, at, factor, fades), 1.0
                self._made[last] = at, factor
                continue
            if sort == "shape":
                at = self._reshaped(last, at)
                self._made[last] = at, factor
                continue
            for source, output in run:
                at, factor = self._region(source, output, at, factor)
                self._made[output] = at, factor
        if factor != 1.0:
            at = self._scaled(signal, at, factor)
            self._made[signal] = at, 1.0
        return at

    def _elements(self, source: Signal, output: Signal, at: int, factor: float, fades: bool) -> int:
        """An activation; ``fades`` where dropout follows, for which a signal is scaled up beforehand."""
        output = unscaled(output) if fades else output
        operations = [s.operation for s in between(source, output) if s.operation is not None]
        if all(operation.kind in CASTS for operation in operations):
            return at if factor == 1.0 else self._scaled(output, at, factor)
        name = name_of(operations[-1])
        try:
            numbers = tuple(value.level for operation in operations for value in operation.fixed)
            what = ("elements", factor, numbers)
            found = self._once(what, source, output, lambda: as_activation(source, output, factor))
        except EocError as error:
            return self.add(name, Kind.UNKNOWN, (at,), output.shape, note=str(error)).base
        line = straight_line(found)
        if line == (1.0, 0.0):
            return at
        learned = sorted({leaf for operation in operations for value in operation.fixed for leaf in value.leaves})
        fixed = [value for operation in operations for value in operation.fixed]
        several = any(value.number is None and np.ptp(np.asarray(value.value, dtype=float)) > 0.0 for value in fixed)
        note = f"with {', '.join(learned)} as it is now" if learned else ""
        note += ", in root mean square over channels" if several else ""
        self.uses |= dict.fromkeys(learned, f"is a part of the activation {name}")
        kind = Kind.ACTIVATION if line is None else Kind.SCALE
        return self._like(name, kind, at, output, activation=found, note=note)

    def _scaled(self, signal: Signal, at: int, factor: float) -> int:
        return self._like("times", Kind.SCALE, at, signal, activation=scaling(factor))

    def _reshaped(self, output: Signal, at: int) -> int:
        """The same numbers in another shape."""
        made = self.add(name_of(output.operation), Kind.SAME, (at,), output.shape)
        self._follow(made.base, output, at)
        return made.base

    def _region(self, source: Signal, output: Signal, at: int, factor: float) -> tuple[int, float]:
        """What lies between a signal and the next one that all of it goes through, where it is no activation."""
        operation: Any = output.operation
        steps = between(source, output)
        if len(steps) == 1:
            at = at if factor == 1.0 else self._scaled(source, at, factor)
            return self._single(operation, output, at)
        if self._once("softmax", source, output, lambda: is_softmax(source, output)):
            at = at if factor == 1.0 else self._scaled(source, at, factor)
            name = "/".join(filter(None, (operation.module, "softmax")))
            made = self._like(name, Kind.UNKNOWN, at, output, note="softmax")
            self.softmax.add(made)
            return made, 1.0
        found = self._once("norm", source, output, lambda: normalised(source, output))
        if found is not None:
            return self._norm(found, learned_in(source, output), output, at), 1.0
        at = at if factor == 1.0 else self._scaled(source, at, factor)
        if operation.kind == "sub":
            note = "what is taken away is computed from the same signal"
            return self._like(name_of(operation), Kind.UNKNOWN, at, output, note=note), 1.0
        return self.joined(operation, output.shape), 1.0

    def joined(self, operation: Operation, shape: Sequence[int]) -> int:
        """The step of an operation on signals that have become steps of their own: a sum, a product, or unknown."""
        inputs = list(dict.fromkeys(operation.signals))
        taken = [self.index(value) for value in inputs]
        kind = _INFIX.get(operation.kind, Kind.UNKNOWN) if len(inputs) == 2 else Kind.UNKNOWN
        note = f"the function {operation.kind} of several signals" if kind is Kind.UNKNOWN else ""
        made = self.add(name_of(operation), kind, taken, shape, note=note)
        units = {self.units[at] for at in taken if at in self.units}
        if len(units) == 1:
            self.units[made.base] = units.pop()
        return made.base

    # --- one operation with something fixed ---------------------------------------------------------------------------

    def _single(self, operation: Operation, output: Signal, at: int) -> tuple[int, float]:
        kind = operation.kind
        if kind in REDUCTIONS:
            return self._reduced(operation, output, at)
        if kind == "select_n":
            random = any(value.random for value in operation.fixed)
            note = "" if random else "some of the numbers are set"
            return self._like(name_of(operation), Kind.DROPOUT if random else Kind.SAME, at, output, note=note), 1.0
        fixed = operation.fixed[0]
        if kind == "mul" and fixed.random:
            return self._like(name_of(operation), Kind.DROPOUT, at, output), 1.0
        if kind in ("add", "sub", "add_any"):
            return self._plus(operation, fixed, output, at), 1.0
        if kind == "mul" or (kind == "div" and operation.inputs[1] is fixed):
            return self._times(operation, fixed, output, at), 1.0
        note = f"the function {kind} with {fixed.name}"
        self.uses |= dict.fromkeys(fixed.leaves, f"is used by {kind}")
        return self._like(name_of(operation), Kind.UNKNOWN, at, output, note=note), 1.0

    def _reduced(self, operation: Operation, output: Signal, at: int) -> tuple[int, float]:
        """A sum over positions is so many times their mean."""
        kind, before = operation.kind, operation.signals[0]
        axes = operation.params.get("axes", ())
        own = self.units.get(before.base, ())
        units = set(axes) & set(() if before.view is None else before.view.holds(own))
        if kind not in ("reduce_sum", "reduce_max") or units:
            note = f"{kind} over units" if units else f"the function {kind}"
            return self.add(name_of(operation), Kind.UNKNOWN, (at,), output.shape, note=note).base, 1.0
        terms = prod(before.shape[axis] for axis in axes)
        largest = kind == "reduce_max"
        made = self._like(name_of(operation), Kind.POOL, at, output, terms=terms, largest=largest)
        return made, 1.0 if largest else float(terms)

    def _plus(self, operation: Operation, fixed: Fixed, output: Signal, at: int) -> int:
        if fixed.state and operation.kind == "sub" and not fixed.leaves:
            return at  # a running mean
        if fixed.leaves and operation.kind != "sub" and self._biased(at, fixed):
            return at
        if fixed.chosen and len(fixed.leaves) == 1:
            added = self.parameter(fixed)
            return self._like(name_of(operation), Kind.ADD, at, output, others=(added,))
        self.uses |= dict.fromkeys(fixed.leaves, "is added to a signal")
        return self._like(name_of(operation), Kind.SAME, at, output, note=f"plus {fixed.name}")

    def _biased(self, at: int, fixed: Fixed) -> bool:
        """Make a parameter the bias of a layer or normalisation, if it is added to that; whether it is."""
        source, slot = self._unshaped(at), self.parameters.vector(fixed)
        step = self.steps[source]
        own = step.affine if step.kind is Kind.LAYER else step.module if step.kind is Kind.NORM else None
        if slot is None or own is None or own.bias is not None:
            return False
        if own.weight is not None and own.weight.shape[0] != prod(slot.shape):
            return False
        if step.affine is not None:
            self.steps[source] = replace(step, affine=replace(step.affine, bias=slot, bias_name=slot.name))
        else:
            self.steps[source] = replace(step, module=replace(own, bias=slot))
        return True

    def _unshaped(self, at: int) -> int:
        """A step before it was reshaped."""
        while self.steps[at].kind is Kind.SAME and self.steps[at].piece is None and not self.steps[at].note:
            at = self.steps[at].inputs[0]
        return at

    def _times(self, operation: Operation, fixed: Fixed, output: Signal, at: int) -> int:
        slot, source = self.parameters.vector(fixed), self._unshaped(at)
        if fixed.state:  # over the root of a running variance, in evaluation mode
            note, learned = "by its running statistics", Learned(slot)
            return self._like(module_of(operation, slot), Kind.NORM, at, output, module=learned, note=note)
        step = self.steps[source]
        bare = step.kind is Kind.NORM and step.module == Learned()
        if bare and slot is not None and operation.kind == "mul":
            self.steps[source] = replace(step, name=self._unique(module_of(operation, slot)), module=Learned(slot))
            return at
        self.uses |= dict.fromkeys(fixed.leaves, "multiplies a signal")
        size, what = (fixed.size, "times") if operation.kind == "mul" else (fixed.inverse_size, "over")
        if size is None:
            note = f"{what} {fixed.name}: taken to keep the power"
            return self._like(name_of(operation), Kind.MULTIPLY, at, output, note=note)
        note = f"{what} {fixed.name}: {size:.4g} in root mean square"
        return self._like(name_of(operation), Kind.SCALE, at, output, activation=scaling(size), note=note)

    def _norm(self, found: Normalised, parameters: Sequence[Fixed], output: Signal, at: int) -> int:
        weight, bias = (
            None if which is None else self.parameters.vector(parameters[which]) for which in (found.weight, found.bias)
        )
        name, learned = module_of(output.operation, weight, bias), Learned(weight, bias)
        details: dict[str, Any] = {"centred": found.centred, "over_batch": found.over_batch}
        made = self._like(name, Kind.NORM, at, output, module=learned, **details)
        return made if found.size == 1.0 else self._scaled(output, made, found.size)

    # --- small ones ---------------------------------------------------------------------------------------------------

    def _like(
        self, name: str, kind: Kind, at: int, output: Signal, others: tuple[int, ...] = (), **details: Any
    ) -> int:
        """A step with the units of the one that it takes in."""
        made = self.add(name, kind, (at, *others), output.shape, **details)
        self._follow(made.base, output, at)
        return made.base

    def _follow(self, made: int, output: Signal, at: int) -> None:
        """Keep track of which axes are units."""
        own = self.units.get(output.base)
        if own is None or output.view is None:
            return
        axes = output.view.holds(own)
        if axes:
            self.units[made] = axes

    def _once(self, what: Any, source: Signal, output: Signal, find: Any) -> Any:
        """What is found out about operations, once for those that are alike."""
        key = (what, signature(source, output))
        if key not in self._seen:
            self._seen[key] = find()
        return self._seen[key]
