"""Which activation or normalisation some operations are: found out by calling them in double precision."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from eoc.activations import Activation
from eoc.activations import activation as resolve
from eoc.activations.argument.by_values import GRID, activation_with_values
from eoc.activations.argument.computed import formula_in, sampled
from eoc.errors import EocError
from eoc.floats import FloatArray
from eoc.models.jax.operations import apply, bound
from eoc.models.jax.values import Fixed, Operation, Signal

__all__ = ["SOFTMAX", "Normalised", "as_activation", "between", "is_softmax", "learned_in", "normalised", "signature"]

SOFTMAX = "softmax"
_CLOSE = 1e-3
_SPREAD, _SHIFT = 1e5, 3e5  # of trial inputs, beside which what is added to variances is nothing
_MOST = 2  # parameters of a normalisation

Numbers = Callable[[Fixed], Any]
Apply = Callable[[Operation, Sequence[Any]], Any]


def between(source: Signal, output: Signal) -> list[Signal]:
    """What is computed on the way from one signal to another, in order, the other one last."""
    found: dict[Signal, None] = {}
    waiting: list[tuple[Signal, bool]] = [(output, False)]
    while waiting:
        signal, done = waiting.pop()
        if signal is source or signal in found or signal.operation is None:
            continue
        if done:
            found[signal] = None
            continue
        waiting.append((signal, True))
        waiting += [(each, False) for each in signal.operation.signals]
    return list(found)


def signature(source: Signal, output: Signal) -> tuple[Any, ...]:
    """What tells operations apart whose results may differ; parameters are told apart by their shapes alone."""
    places: dict[Signal, int] = {source: 0}
    said: list[Any] = [source.shape]
    for place, signal in enumerate(between(source, output), 1):
        places[signal] = place
        operation = signal.operation
        assert operation is not None
        inputs = [places[value] if isinstance(value, Signal) else _told(value) for value in operation.inputs]
        said.append((operation.kind, str(dict(operation.params)), signal.shape, str(inputs)))
    return tuple(said)


def _told(value: Fixed) -> Any:
    if value.leaves:
        return value.shape, "learned"
    return value.shape, value.number if value.uniform else id(value)


def _called(source: Signal, output: Signal, numbers: Numbers, apply: Apply) -> Callable[[Any], Any]:
    """A function of arrays: from the numbers of one signal to those of another."""
    steps = between(source, output)

    def function(x: Any) -> Any:
        known: dict[Signal, Any] = {source: x}
        for signal in steps:
            operation = signal.operation
            assert operation is not None
            values = [known[value] if isinstance(value, Signal) else numbers(value) for value in operation.inputs]
            known[signal] = apply(operation, _alike(values) if operation.kind == "select_n" else values)
        return known[output]

    return function


_in_double = partial(apply, double=True)


def _alike(values: Sequence[Any]) -> list[Any]:
    """Single numbers repeated to the shape of the others, which other primitives do by themselves."""
    shape = max((np.shape(value) for value in values), key=len)
    return [value if np.shape(value) or not shape else np.broadcast_to(value, shape) for value in values]


def _number(value: Fixed) -> Any:
    """A number, in double precision if it is no truth value or integer."""
    one = np.asarray(value.value).ravel()[0]
    return value.level if np.issubdtype(one.dtype, np.floating) or "float" in str(one.dtype) else one


# --- activations ------------------------------------------------------------------------------------------------------


def as_activation(source: Signal, output: Signal, factor: float = 1.0) -> Activation:
    """What operations on single numbers make of ``factor`` times a signal.

    Raises
    ------
    EocError
        Where it is no activation: not a number somewhere, unbounded.
    """
    name = _short(output)

    def scaled(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return function if factor == 1.0 else lambda x: function(factor * x)

    function = scaled(_called(source, output, _number, _in_double))
    try:
        with np.errstate(all="ignore"):
            values = np.asarray(function(GRID), dtype=float)
            single: Any = values.astype(np.float32)
    except Exception as error:  # whatever functions of integers raise for other numbers
        raise EocError(f"{name} cannot be computed: {error}") from error
    # Constants such as sqrt(2) are in single precision in the function, where the formula has all digits.
    known = activation_with_values(values) or activation_with_values(single)
    if known is not None:
        return known
    return sampled(function, name, formula_in("jax", scaled(_called(source, output, _number, bound)), resolve))


def _short(signal: Signal) -> str:
    return "function" if signal.operation is None else signal.operation.function or signal.operation.kind


# --- normalisations ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Normalised:
    """What a normalisation is.

    Attributes
    ----------
    centred
        Whether it takes away means.
    over_batch
        Whether its means are over the inputs too.
    size
        The root mean square of what it hands on, without its parameters.
    weight, bias
        Which of the parameters that it takes in multiplies it, and which is added.
    """

    centred: bool
    over_batch: bool
    size: float
    weight: int | None
    bias: int | None


def normalised(source: Signal, output: Signal) -> Normalised | None:
    """The normalisation that operations are; None if they are none."""
    learned = learned_in(source, output)
    if len(learned) > _MOST or int(np.prod(source.shape)) != int(np.prod(output.shape)):
        return None
    x = _trial(source.shape)
    for ones in product((1.0, 0.0), repeat=len(learned)):
        values = dict(zip(learned, ones, strict=True))
        f = _of_arrays(source, output, values)
        size, y = _size_if_normalised(f, x), f(x)
        if size is None or not _is_linear(source, output, values, y):
            continue
        changed = x.copy()
        changed[0] = 2.0 * x[0][::-1] + _SHIFT if x[0].ndim else x[0]
        over_batch = x.ndim > 1 and x.shape[0] > 1 and not _close(f(changed)[1:], y[1:])
        centred = _close(f(x + _SHIFT), y)
        weight, bias = (ones.index(value) if value in ones else None for value in (1.0, 0.0))
        return Normalised(centred, over_batch, size, weight, bias)
    return None


def is_softmax(source: Signal, output: Signal) -> bool:
    """Whether operations turn numbers into weights that add up to 1 along an axis."""
    if int(np.prod(source.shape)) != int(np.prod(output.shape)) or learned_in(source, output) or not source.shape:
        return False
    x = _trial(source.shape) / _SPREAD
    y = _of_arrays(source, output, {})(x)
    sums = (y.sum(axis=axis) for axis in range(y.ndim))
    return bool(np.all(y >= 0.0)) and any(np.allclose(each, 1.0, atol=_CLOSE) for each in sums)


def learned_in(source: Signal, output: Signal) -> list[Fixed]:
    """The parameters among what operations take in, each once."""
    fixed = (value for s in between(source, output) if s.operation is not None for value in s.operation.fixed)
    return list(dict.fromkeys(value for value in fixed if value.leaves))


def _of_arrays(source: Signal, output: Signal, values: Mapping[Fixed, float]) -> Callable[[FloatArray], FloatArray]:
    """A function of NumPy's arrays, with numbers for parameters."""

    def numbers(value: Fixed) -> Any:
        if value in values:
            return np.full(value.shape, values[value])
        if value.uniform:
            return _number(value)
        found = np.asarray(value.value)
        return found.astype(float) if np.issubdtype(found.dtype, np.floating) else found

    return _called(source, output, numbers, _in_double)


def _trial(shape: tuple[int, ...]) -> FloatArray:
    rng = np.random.default_rng(0)
    return _SPREAD * (rng.standard_normal(shape) + 1.0)


def _size_if_normalised(f: Callable[[FloatArray], FloatArray], x: FloatArray) -> float | None:
    """The root mean square of f(x), if it is the same for every x."""
    y = f(x)
    size = float(np.sqrt(np.mean(y**2)))
    other = float(np.sqrt(np.mean(f(x * np.abs(x)) ** 2)))  # of another law
    if not np.isfinite(size) or size == 0.0 or abs(other - size) > _CLOSE * size or not _close(f(0.1 * x), y):
        return None
    return 1.0 if abs(size - 1.0) < 10.0 * _CLOSE else size


def _is_linear(source: Signal, output: Signal, values: Mapping[Fixed, float], y: FloatArray) -> bool:
    """Whether weights multiply what is normalised, and biases are added to it."""
    for one, value in values.items():
        found = _of_arrays(source, output, {**values, one: value + 1.0})(_trial(source.shape))
        if not _close(found, 2.0 * y if value == 1.0 else y + 1.0):
            return False
    return True


def _close(a: FloatArray, b: FloatArray) -> bool:
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=_CLOSE, atol=_CLOSE))
