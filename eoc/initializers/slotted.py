"""Models whose parameters are named arrays: planned and filled without a framework, for JAX and Keras."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eoc.errors import EocError, InitializationWarning
from eoc.initializers.plan.account import notes_of, rows_of
from eoc.initializers.plan.corrections import with_measured
from eoc.initializers.plan.draws import normal_numbers, orthogonal_matrices
from eoc.initializers.plan.drift import warnings_of
from eoc.initializers.plan.fills import Fill
from eoc.initializers.plan.foreseen import gradients_of
from eoc.initializers.plan.health import problems_of, problems_of_gradients
from eoc.initializers.plan.plan import Aim, Plan
from eoc.initializers.plan.report import Report, Row
from eoc.initializers.plan.roles import explained
from eoc.initializers.plan.settings import Settings
from eoc.models.slots import Learned, Slot
from eoc.models.steps import Kind, Reading, Step

__all__ = ["Array", "Key", "Measure", "Measured", "SlotParameters", "filled", "patterns"]

Array = NDArray[Any]
Key = tuple[str, Any]  # the name of a parameter, and the ranges of its part

_WIDEST = 16.0  # standard deviations: no draw is ever further out


class SlotParameters:
    """See :class:`eoc.initializers.plan.parameters.Parameters`; tensors are :class:`eoc.models.slots.Slot` s.

    Parameters
    ----------
    values
        The parameters, by name: arrays that NumPy understands.
    frozen
        The names of those that are not trained.
    """

    def __init__(self, values: Mapping[str, Any], frozen: Sequence[str] = ()) -> None:
        self.values, self._frozen = values, frozenset(frozen)

    def named(self) -> Iterator[tuple[str, str]]:
        """Every name; each is a parameter of its own."""
        return ((name, name) for name in self.values)

    def of(self, step: Step, label: str) -> tuple[str, Slot] | None:
        """The weight or bias of a normalisation or an embedding."""
        slot = getattr(step.module, label, None) if isinstance(step.module, Learned) else None
        return None if slot is None else (slot.name, slot)

    def inside(self, step: Step) -> Iterator[str]:
        """The parameters of a normalisation or an embedding."""
        found = (self.of(step, label) for label in ("weight", "bias"))
        return (one[0] for one in found if one is not None)

    def is_free(self, name: str) -> bool:
        """Whether it is trained."""
        return name not in self._frozen

    def key(self, name: str, tensor: Slot) -> Hashable:
        """The parameter, and which part of it."""
        return name, tensor.ranges

    def square(self, tensor: Slot) -> float:
        """The mean square of its numbers."""
        return float(np.mean(np.square(tensor.taken(self.numbers(tensor.name).astype(float)))))

    def numbers(self, name: str) -> Array:
        """A parameter as an array of NumPy's."""
        return np.asarray(self.values[name])

    def check(self, tensor: Slot, name: str, dimensions: int) -> None:
        """Refuse what holds no numbers, and numbers that are not real."""
        dtype = _dtype(self.values[name])
        if "float" not in dtype.name:
            raise EocError(f"{name} must be of real floating-point numbers, got {dtype.name}")
        if len(tensor.shape) < dimensions:
            raise EocError(f"{name} must have inputs and outputs, got the shape {tuple(self.values[name].shape)}")

    def check_range(self, std: float, tensor: Slot, name: str) -> None:
        """Refuse a standard deviation that its numbers cannot hold."""
        import ml_dtypes

        dtype = _dtype(self.values[name])
        limits = ml_dtypes.finfo(dtype)
        least, most = float(limits.tiny), float(limits.max) / _WIDEST
        if std != 0.0 and not least <= std <= most:
            raise EocError(
                f"{name} would have the standard deviation {std:.3g}, which {dtype.name} cannot hold (from {least:.3g} "
                f"to {most:.3g}); initialise in float32 and convert after"
            )


@dataclass(frozen=True)
class Measured:
    """What a batch showed.

    Attributes
    ----------
    taken
        The mean square of what each weight was applied to.
    factors
        What each weight is to be multiplied by; 1 where it stays.
    output
        The mean square of what the model returns, with those weights.
    gradients
        |dL/dW| of each weight and table for a random linear loss.
    """

    taken: Mapping[Key, float]
    factors: Mapping[Key, float]
    output: float
    gradients: Mapping[str, float]

    def scaled(self, values: Mapping[str, Array], fills: Sequence[Fill]) -> dict[str, Array]:
        """Parameters with their weights multiplied."""
        found = dict(values)
        for fill in fills:
            slot, factor = fill.tensor, self.factors.get((fill.name, fill.tensor.ranges), 1.0)
            if factor != 1.0:
                before = found[fill.name]
                found[fill.name] = slot.placed(before, (factor * slot.taken(before.astype(float))).astype(before.dtype))
        return found

    def seen(self, row: Row, keys: Mapping[tuple[str, str], Key]) -> Row:
        """A row of the report with what was measured."""
        key = keys.get((row.parameter, row.part))
        return row if key is None else with_measured(row, self.taken.get(key), self.factors.get(key, 1.0))


Measure = Callable[[Mapping[str, Array], Mapping[Key, Aim], Sequence[Fill]], Measured]


def filled(
    reading: Reading, parameters: SlotParameters, settings: Settings, seed: int, measure: Measure | None = None
) -> tuple[dict[str, Array], Report]:
    """New values of the parameters of a model that was read, and the report. Nothing is changed.

    Parameters
    ----------
    reading
        The steps of the model.
    parameters
        Its parameters.
    settings
        How.
    seed
        One seed gives the same weights in all frameworks, see :mod:`eoc.initializers.plan.draws`.
    measure
        Measures the model on a batch, for values of its parameters, what its weights are to hand on, and what they
        were filled with; None for theory alone.

    Raises
    ------
    EocError
        If nothing can be set, or not as asked.
    """
    if all(step.kind is not Kind.LAYER for step in reading.steps):
        raise EocError("the model has no dense or convolutional layer whose weights could be set")
    plan = Plan(parameters, reading, settings)
    problems = warnings_of(plan)
    for problem in problems:
        warnings.warn(problem, InitializationWarning, stacklevel=4)
    values = _drawn(plan.fills, parameters, seed)
    rows = rows_of(parameters, reading, plan)
    if measure is None:
        problems = (*problems, *problems_of_gradients(gradients_of(plan)))
    else:
        weights = [fill for fill in plan.fills if len(fill.tensor.shape) > 1 and fill.method != "constant"]
        scaled = [fill for fill in weights if id(fill.tensor) in plan.aims]
        aims = {(fill.name, fill.tensor.ranges): plan.aims[id(fill.tensor)] for fill in scaled}
        found = measure(values, aims, weights)
        values = found.scaled(values, weights)
        keys = {(fill.name, fill.tensor.part): (fill.name, fill.tensor.ranges) for fill in scaled}
        rows = tuple(found.seen(row, keys) for row in rows)
        problems = (*problems, *problems_of(found.output, settings.output_variance, found.gradients))
    notes = (*problems, *notes_of(parameters, reading, plan))
    report = Report(rows, plan.points, plan.depth, notes, explained({row.rule for row in rows}), problems)
    return values, report


def _drawn(fills: Sequence[Fill], parameters: SlotParameters, seed: int) -> dict[str, Array]:
    """Whole parameters, those parts of them that fills say anew."""
    found: dict[str, Array] = {}
    stream = 0
    for fill in fills:
        before = found.get(fill.name)
        before = parameters.numbers(fill.name) if before is None else before
        dtype = _dtype(parameters.values[fill.name])
        wide = np.dtype("float64" if dtype == np.dtype("float64") else "float32")  # few bits make a coarse normal law
        numbers = _numbers(fill, seed, stream).astype(wide)
        if fill.zero_row is not None:
            numbers[fill.zero_row] = 0.0
        found[fill.name] = fill.tensor.placed(before, numbers.astype(dtype))
        stream += fill.method != "constant"
    return found


def _numbers(fill: Fill, seed: int, stream: int) -> Array:
    """What a fill says, of the shape (outputs, inputs, ...)."""
    shape = fill.tensor.shape
    if fill.method == "constant":
        return np.full(shape, fill.number)
    if fill.method == "normal" or 0 in shape:
        return fill.number * normal_numbers(shape, seed, stream)
    groups = 1 if fill.affine is None else fill.affine.groups
    return fill.number * orthogonal_matrices(shape, groups, seed, stream)


def _dtype(value: Any) -> np.dtype[Any]:
    """The type of an array of any framework, by its name."""
    import ml_dtypes

    name = str(getattr(value.dtype, "name", value.dtype)).rpartition(".")[2]
    return np.dtype(getattr(ml_dtypes, name, name))


def patterns(given: Any) -> Any:
    """Patterns of names, also as they are within a path: "Dense_0" for params/Dense_0/kernel."""
    each = (given,) if isinstance(given, str) else given
    if not isinstance(each, Sequence) or not all(isinstance(pattern, str) for pattern in each):
        return given  # what is wrong with it is said where settings are checked
    return tuple(form for pattern in each for form in (pattern, f"{pattern}/*", f"*/{pattern}", f"*/{pattern}/*"))
