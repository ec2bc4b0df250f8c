"""What the functions of ``keras.ops`` are where they stand in a functional model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from eoc.models.keras.builder import Builder, Elements
from eoc.models.lines import scaling
from eoc.models.steps import Kind

__all__ = ["Call", "add_operation"]

_OF_ONE_NUMBER = """
    Abs Absolute Add Arccos Arccosh Arcsin Arcsinh Arctan Arctan2 Arctanh Cast Cbrt Ceil Celu Clip Copy Cos Cosh Divide
    DivideNoNan Elu Equal Erf Erfc Erfinv Exp Exp2 Expm1 Fabs Floor Gelu Greater GreaterEqual HardShrink HardSigmoid
    HardSilu HardTanh LeakyRelu Less LessEqual Log Log10 Log1p Log2 LogSigmoid Logaddexp Maximum Minimum Multiply
    Negative NotEqual Power Reciprocal Relu Relu6 Round Rsqrt Selu Sigmoid Sign Silu Sin Sinc Sinh SoftShrink Softplus
    Softsign SparsePlus SparseSigmoid Sqrt Square Squareplus StopGradient Subtract Tan TanhShrink Tanh Threshold
    TrueDivide Trunc Where
"""
_OF_SHAPES = """
    BroadcastTo DepthToSpace ExpandDims Flip Moveaxis Pad Ravel Repeat Reshape Roll SpaceToDepth Squeeze Swapaxes Take
    Tile Transpose
"""
_ELEMENTWISE, _SHAPES = frozenset(_OF_ONE_NUMBER.split()), frozenset(_OF_SHAPES.split())
_MEANS = ("Mean", "Sum", "Max", "Amax")
_BETWEEN = (Kind.SAME, Kind.SCALE, Kind.ADD, Kind.MULTIPLY, Kind.DROPOUT)


class Call:
    """A call of an operation.

    Parameters
    ----------
    operation
        Of Keras.
    args, kwargs
        With :class:`Elements` for what depends on the input of the model.
    shape
        Of what it returns.
    """

    def __init__(self, operation: Any, args: Sequence[Any], kwargs: Mapping[str, Any], shape: Any) -> None:
        self.operation, self.args, self.kwargs, self.shape = operation, tuple(args), dict(kwargs), shape
        self.kind, self.name = type(operation).__name__, str(operation.name)
        self.values = values_in((self.args, self.kwargs))

    @property
    def numbers(self) -> list[Any]:
        """Arrays among the other arguments, of more than one number."""
        given = (*self.args, *self.kwargs.values())
        arrays = [each for each in given if hasattr(each, "shape") and not isinstance(each, Elements)]
        return [each for each in arrays if prod(each.shape) > 1]

    def on(self, x: Any) -> Any:
        """What it makes of a tensor in the place of the step that all its values are functions of."""
        args, kwargs = _filled((self.args, self.kwargs), x)
        return self.operation.call(*args, **kwargs)


def values_in(structure: Any) -> list[Elements]:
    """All values in nested tuples, lists and dictionaries, in order."""
    if isinstance(structure, Elements):
        return [structure]
    if isinstance(structure, Mapping):
        structure = list(structure.values())
    if isinstance(structure, list | tuple):
        return [value for part in structure for value in values_in(part)]
    return []


def _filled(structure: Any, x: Any) -> Any:
    if isinstance(structure, Elements):
        return structure(x)
    if isinstance(structure, Mapping):
        return {key: _filled(part, x) for key, part in structure.items()}
    if isinstance(structure, list | tuple):
        return type(structure)(_filled(part, x) for part in structure)
    return structure


def add_operation(builder: Builder, call: Call) -> Elements:
    """What a function returns: a function of one step, or a step of its own."""
    if call.kind in _ELEMENTWISE:
        return _elementwise(builder, call)
    if call.kind in _SHAPES:
        return builder.add(call.name, Kind.SAME, builder.indices(call.values[:1]), call.shape)
    if call.kind in _MEANS:
        return _reduced(builder, call)
    special = _SPECIAL.get(call.kind)
    if special is not None:
        return special(builder, call)
    note = f"the function {call.kind}"
    return builder.add_unknown(call.name, builder.indices(call.values), call.shape, note)


def _elementwise(builder: Builder, call: Call) -> Elements:
    if len({value.source for value in call.values}) > 1:
        kind = {"Add": Kind.ADD, "Subtract": Kind.ADD, "Multiply": Kind.MULTIPLY}.get(call.kind, Kind.UNKNOWN)
        taken = builder.indices(call.values)
        if kind is Kind.UNKNOWN:
            return builder.add_unknown(call.name, taken, call.shape, f"the function {call.kind} of several signals")
        return builder.add(call.name, kind, taken, call.shape)
    if not call.numbers:
        return Elements(call.values[0].source, call.shape, call.on, call.name)
    taken = builder.indices(call.values)
    if call.kind in ("Add", "Subtract"):
        return builder.add(call.name, Kind.SAME, taken, call.shape, note="plus fixed numbers")
    if call.kind == "Multiply":
        size = float(np.sqrt(np.mean(np.square(np.asarray(call.numbers[0], dtype=float)))))
        note = f"times fixed numbers, of root mean square {size:.4g}"
        return builder.add(call.name, Kind.SCALE, taken, call.shape, activation=scaling(size), note=note)
    return builder.add_unknown(call.name, taken, call.shape, f"the function {call.kind} with fixed numbers")


def _reduced(builder: Builder, call: Call) -> Elements:
    """Over positions: the mean, or so many times it, or the largest."""
    (before, *_), axes = call.values, getattr(call.operation, "axis", None)
    rank = len(before.shape)
    over = [axis % rank for axis in ([axes] if isinstance(axes, int) else axes or range(rank))]
    taken = builder.indices(call.values)
    if rank - 1 in over:
        return builder.add_unknown(call.name, taken, call.shape, f"{call.kind} over units")
    lengths = [before.shape[axis] for axis in over]
    terms = None if None in lengths else prod(int(length) for length in lengths if length is not None)
    largest = "ax" in call.kind
    out = builder.add(call.name, Kind.POOL, taken, call.shape, terms=terms, largest=largest)
    if call.kind != "Sum":
        return out
    if terms is None:
        return builder.add_unknown(call.name, (out.source,), call.shape, "a sum over positions, of unknown number")
    return builder.add(call.name, Kind.SCALE, (out.source,), call.shape, activation=scaling(terms))


def _item(builder: Builder, call: Call) -> Elements:
    """Some of the numbers; a piece where units are cut."""
    (before, *_), key = call.values, call.args[-1] if len(call.args) > 1 else call.kwargs.get("key")
    places = key if isinstance(key, tuple) else (key,)
    piece = None
    if Ellipsis in places or len(places) == len(before.shape):
        piece = _piece(places[-1], before.shape[-1])
    return builder.add(call.name, Kind.SAME, builder.indices(call.values), call.shape, piece=piece)


def _piece(place: Any, length: int | None) -> int | None:
    if not isinstance(place, slice) or length is None:
        return None
    start, stop, _ = place.indices(length)
    return None if (start, stop) == (0, length) or stop <= start else start // (stop - start)


def _beside(builder: Builder, call: Call) -> Elements:
    return builder.add(call.name, Kind.CONCATENATE, builder.indices(call.values), call.shape)


def _softmax(builder: Builder, call: Call) -> Elements:
    called = "softmax" if call.kind == "Softmax" else "log_softmax"
    return builder.add_softmax(call.name, builder.index(call.values[0]), call.shape, called)


def _product(builder: Builder, call: Call) -> Elements:
    """Of two signals: scores, or what attention hands on."""
    taken = builder.indices(call.values)
    if len(taken) == 2:
        for weights, values in (taken, taken[::-1]):
            softmax = _back(builder, weights, builder.softmax)
            scores = None if softmax is None else _back(builder, builder.steps[softmax].inputs[0], builder.products)
            if softmax is not None and scores is not None:
                shape = builder.steps[softmax].shape
                inputs = (*builder.products[scores], values)
                return builder.add(call.name, Kind.ATTENTION, inputs, call.shape, terms=shape[-1] if shape else None)
        out = builder.add(call.name, Kind.UNKNOWN, taken, call.shape, note="a product of two signals")
        builder.products[out.source] = (taken[0], taken[1])
        return out
    return builder.add_unknown(call.name, taken, call.shape, "a product with fixed numbers")


def _back(builder: Builder, at: int, wanted: Any) -> int | None:
    """The step among those wanted that a step is computed from by scalings, masks and the like."""
    while at not in wanted:
        step = builder.steps[at]
        if step.kind not in _BETWEEN or not step.inputs:
            return None
        at = step.inputs[0]
    return at


def _attention(builder: Builder, call: Call) -> Elements:
    taken = builder.indices(call.values[:3])
    tokens = call.values[1].shape[1]
    return builder.add(call.name, Kind.ATTENTION, taken, call.shape, terms=tokens)


_SPECIAL: Mapping[str, Callable[[Builder, Call], Elements]] = {
    "Concatenate": _beside,
    "DotProductAttention": _attention,
    "Einsum": _product,
    "GetItem": _item,
    "LogSoftmax": _softmax,
    "Matmul": _product,
    "Softmax": _softmax,
    "Stack": _beside,
}
