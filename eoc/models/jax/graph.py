"""What each operation that depends on the input of the model is: a function of a step, or a step of its own."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import replace
from math import isclose, prod
from typing import Any

from eoc.models.jax.builder import Builder
from eoc.models.jax.operations import is_elementwise, is_local
from eoc.models.jax.products import Product, layer_of, owner, product_of, slot_of
from eoc.models.jax.values import Fixed, Operation, Signal, Value, common_dominator
from eoc.models.jax.views import moved
from eoc.models.slots import Learned
from eoc.models.steps import Kind

__all__ = ["Graph"]

Shapes = Sequence[tuple[int, ...]]

# What lies between the product of queries and keys, its softmax, and the product with the values.
_BETWEEN = (Kind.SAME, Kind.SCALE, Kind.ADD, Kind.MULTIPLY, Kind.DROPOUT)


class Graph:
    """Tells :class:`eoc.models.jax.interpreter.Interpreter` what operations on signals return.

    Parameters
    ----------
    builder
        Where steps go.
    """

    def __init__(self, builder: Builder) -> None:
        self._builder = builder
        self._scores: dict[int, tuple[int, int, int]] = {}  # products, perhaps of queries and keys, and their width

    def __call__(self, operation: Operation, shapes: Shapes) -> list[Value]:
        """What an operation returns."""
        kind, signals = operation.kind, operation.signals
        special = _SPECIAL.get(kind)
        if operation.whole and not is_local(kind):  # places, which embeddings look up
            return [self._builder.signal_of(self._builder.index(signals[0]), shape) for shape in shapes]
        if special is not None:
            return special(self, operation, shapes)
        if is_local(kind) and len({signal.root for signal in signals}) == 1:
            return [self._local(operation, shapes[0])]
        if kind == "select_n" or not is_elementwise(kind):
            return self._chosen(operation, shapes) if kind == "select_n" else self._unknown(operation, shapes)
        return [self._step(self._builder.joined(operation, shapes[0]), shapes[0])]

    def _local(self, operation: Operation, shape: tuple[int, ...]) -> Signal:
        """A function of one step."""
        signals = operation.signals
        dominator = common_dominator(signals)
        view = next((signal.view for signal in signals if len(signal.shape) == len(signals[0].shape)), None)
        now = moved(view, operation.kind, operation.params, shape)
        return Signal(shape, dominator.base, now, operation, dominator, dominator.rank + 1, dominator.root)

    def _step(self, at: int, shape: tuple[int, ...]) -> Signal:
        return self._builder.signal_of(at, shape)

    # --- layers and tables --------------------------------------------------------------------------------------------

    def _dot(self, operation: Operation, shapes: Shapes) -> list[Value]:
        found = product_of(operation)
        if isinstance(found.other, Signal):
            return [self._of_two(operation, shapes[0])]
        if _is_one_hot(found.signal) and found.affine is not None:
            return [self._embedded(operation, found.signal, found.other, shapes[0])]
        return [self._layer(operation, found, shapes[0])]

    def _convolution(self, operation: Operation, shapes: Shapes) -> list[Value]:
        found = layer_of(operation)
        return self._unknown(operation, shapes) if found is None else [self._layer(operation, found, shapes[0])]

    def _layer(self, operation: Operation, found: Product, shape: tuple[int, ...]) -> Signal:
        build, at = self._builder, self._builder.index(found.signal)
        if found.affine is None:
            leaves = () if isinstance(found.other, Signal) else found.other.leaves
            build.uses |= dict.fromkeys(leaves, "is a part of a computed weight")
            note = "a product with fixed numbers"
            if leaves:
                note = f"its weight is computed from {', '.join(sorted(leaves))}"
            return build.add(operation.name, Kind.UNKNOWN, (at,), shape, note=note)
        affine = replace(found.affine, weight=build.parameters.same(found.affine.weight))
        if operation.product:
            side = next(at for at, value in enumerate(operation.inputs) if value is found.signal)
            build.products.setdefault(affine.weight, (operation.product, side))
        made = build.add(owner(affine.weight_name), Kind.LAYER, (at,), shape, affine=affine, module=found.window)
        build.units[made.base] = found.units
        return made

    def _gather(self, operation: Operation, shapes: Shapes) -> list[Value]:
        table, places = operation.inputs
        if isinstance(table, Fixed) and isinstance(places, Signal):
            if table.view is not None and len(table.leaves) == 1 and len(table.shape) == 2:
                return [self._embedded(operation, places, table, shapes[0])]
            note = f"looks up {table.name}"
            at = self._builder.index(places)
            return [self._builder.add(operation.name, Kind.UNKNOWN, (at,), shapes[0], note=note)]
        return self._some(operation, shapes)

    def _embedded(self, operation: Operation, places: Signal, table: Fixed, shape: tuple[int, ...]) -> Signal:
        """Rows of a table; what is computed of their numbers beforehand does not matter."""
        at = self._builder.index(places) if places.operation is None else self._builder.base_of(places)
        learned = Learned(self._builder.parameters.same(slot_of(table, [0], [1])))
        made = self._builder.add(owner(table.name), Kind.EMBEDDING, (at,), shape, module=learned)
        self._builder.units[made.base] = (len(shape) - 1,)
        return made

    # --- attention ----------------------------------------------------------------------------------------------------

    def _of_two(self, operation: Operation, shape: tuple[int, ...]) -> Signal:
        """A product of two signals: scores, or what attention hands on."""
        build = self._builder
        taken = [build.index(value) for value in operation.signals]
        for weights, values in (taken, reversed(taken)):
            softmax, _ = self._back(weights, build.softmax)
            if softmax is None:
                continue
            scores, slope = self._back(build.steps[softmax].inputs[0], self._scores)
            if scores is not None:
                terms = build.steps[softmax].shape[-1]
                return self._attention(operation, self._scores[scores], slope, values, shape, terms)
        note = "a product of two signals"
        made = build.add(operation.name, Kind.UNKNOWN, tuple(dict.fromkeys(taken)), shape, note=note)
        (sums, _), _ = operation.params["dimension_numbers"]
        width = prod(operation.signals[0].shape[axis] for axis in sums)
        self._scores[made.base] = (taken[0], taken[-1], width)
        return made

    def _attention(
        self, operation: Operation, scores: tuple[int, int, int], slope: float, values: int, shape: Any, terms: int
    ) -> Signal:
        """Attention; products of its queries and keys are over the root of their width, so other scales are told."""
        build, (queries, keys, width) = self._builder, scores
        (queries, one), (keys, other) = self._unscaled(queries), self._unscaled(keys)
        scale = slope * one * other * width**0.5
        name = operation.module or "attention"
        if not isclose(scale, 1.0, rel_tol=1e-3):
            scaled = build.times(build.signal_of(queries, build.steps[queries].shape), scale)
            queries = build.index(scaled)
        return build.add(name, Kind.ATTENTION, (queries, keys, values), shape, terms=terms)

    def _unscaled(self, at: int) -> tuple[int, float]:
        """A step before it was multiplied by numbers, and their product."""
        slope = 1.0
        while self._builder.steps[at].kind is Kind.SCALE:
            slope *= self._builder.steps[at].slope
            at = self._builder.steps[at].inputs[0]
        return at, slope

    def _back(self, at: int, wanted: Container[int]) -> tuple[int | None, float]:
        """The step among those wanted that a step is computed from by scalings, masks and the like; their slope."""
        steps, slope = self._builder.steps, 1.0
        while at not in wanted:
            step = steps[at]
            before = [one for one in step.inputs if steps[one].kind not in (Kind.PARAMETER, Kind.INPUT)]
            if step.kind not in _BETWEEN or not before:
                return None, slope
            slope *= step.slope
            at = before[0]
        return at, slope

    # --- pieces and positions -----------------------------------------------------------------------------------------

    def _some(self, operation: Operation, shapes: Shapes) -> list[Value]:
        """Some of the numbers, or all of them and others that are fixed."""
        at = self._builder.index(operation.signals[0])
        return [self._builder.add(operation.name, Kind.SAME, (at,), shape) for shape in shapes]

    def _slice(self, operation: Operation, shapes: Shapes) -> list[Value]:
        (signal,) = operation.signals
        starts, stops = operation.params["start_indices"], operation.params["limit_indices"]
        return [self._cut(operation, signal, [(starts, stops)], shapes)[0]]

    def _split(self, operation: Operation, shapes: Shapes) -> list[Value]:
        (signal,) = operation.signals
        axis, cuts, done = operation.params["axis"], [], 0
        for size in operation.params["sizes"]:
            starts, stops = [0] * len(signal.shape), list(signal.shape)
            starts[axis], stops[axis] = done, done + size
            cuts.append((starts, stops))
            done += size
        return self._cut(operation, signal, cuts, shapes)

    def _cut(
        self, operation: Operation, signal: Signal, cuts: Sequence[tuple[Sequence[int], ...]], shapes: Shapes
    ) -> list[Value]:
        build = self._builder
        at = build.index(signal)
        units = build.units.get(at, (len(signal.shape) - 1,))
        found: list[Value] = []
        for (starts, stops), shape in zip(cuts, shapes, strict=True):
            axis = next((axis for axis in units if (starts[axis], stops[axis]) != (0, signal.shape[axis])), None)
            piece = None if axis is None else int(starts[axis] // max(stops[axis] - starts[axis], 1))
            made = build.add(operation.name, Kind.SAME, (at,), shape, piece=piece)
            build.units[made.base] = units
            found.append(made)
        return found

    def _beside(self, operation: Operation, shapes: Shapes) -> list[Value]:
        build = self._builder
        learned = [value for value in operation.fixed if value.chosen and len(value.leaves) == 1]
        taken = [
            build.index(value) if isinstance(value, Signal) else build.parameter(value)
            for value in operation.inputs
            if isinstance(value, Signal) or value in learned
        ]
        kind = Kind.CONCATENATE if len(taken) > 1 else Kind.SAME  # padded with fixed numbers
        return [build.add(operation.name, kind, taken, shapes[0])]

    def _pooled(self, operation: Operation, shapes: Shapes) -> list[Value]:
        build, (signal,) = self._builder, operation.signals
        at, params = build.index(signal), operation.params
        terms, largest = prod(params["window_dimensions"]), operation.kind == "reduce_window_max"
        made = build.add(operation.name, Kind.POOL, (at,), shapes[0], terms=terms, largest=largest)
        if at in build.units:
            build.units[made.base] = build.units[at]
        return [made if largest else build.times(made, float(terms))]

    def _chosen(self, operation: Operation, shapes: Shapes) -> list[Value]:
        """One of several numbers, by a mask that is computed from something else."""
        which, *choices = operation.inputs
        signals = [value for value in choices if isinstance(value, Signal)]
        if len({signal.root for signal in signals}) != 1 or not isinstance(which, Signal):
            return self._unknown(operation, shapes)
        at = self._builder.index(signals[0])
        return [self._builder.add(operation.name, Kind.SAME, (at,), shapes[0], note="some of the numbers are set")]

    def _through(self, operation: Operation, shapes: Shapes) -> list[Value]:
        return list(operation.inputs)

    def _recurrent(self, operation: Operation, shapes: Shapes) -> list[Value]:
        leaves = sorted({leaf for value in operation.fixed for leaf in value.leaves})
        why = "recurrent: its weights are used again at every step"
        self._builder.uses |= dict.fromkeys(leaves, why)
        return self._unknown(operation, shapes, why)

    def _unknown(self, operation: Operation, shapes: Shapes, note: str = "") -> list[Value]:
        note = note or f"the function {operation.kind}"
        leaves = {leaf for value in operation.fixed for leaf in value.leaves}
        self._builder.uses |= dict.fromkeys(leaves - self._builder.uses.keys(), f"is used by {operation.kind}")
        taken = list(dict.fromkeys(self._builder.index(value) for value in operation.signals))
        at = self._builder.add(operation.name, Kind.UNKNOWN, taken, shapes[0] if shapes else (), note=note).base
        return [self._builder.signal_of(at, shape) for shape in shapes]


def _is_one_hot(signal: Signal) -> bool:
    """Whether a signal says by 0 and 1 which whole number another one is."""
    operation = signal.operation
    while operation is not None and operation.kind in ("convert_element_type", "stop_gradient", "copy"):
        operation = operation.signals[0].operation
    return operation is not None and operation.kind == "eq" and any(not value.uniform for value in operation.fixed)


_SPECIAL: Mapping[str, Callable[[Graph, Operation, Shapes], list[Value]]] = {
    "concatenate": Graph._beside,
    "conv_general_dilated": Graph._convolution,
    "dot_general": Graph._dot,
    "dynamic_slice": Graph._some,
    "gather": Graph._gather,
    "optimization_barrier": Graph._through,
    "pad": Graph._some,
    "reduce_window_max": Graph._pooled,
    "reduce_window_sum": Graph._pooled,
    "scan": Graph._recurrent,
    "sharding_constraint": Graph._through,
    "slice": Graph._slice,
    "split": Graph._split,
    "while": Graph._recurrent,
}
