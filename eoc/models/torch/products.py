"""The values and steps of functions with weights: layers without modules, products of matrices, attention."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

from torch import nn

from eoc.models.steps import Affine, Kind
from eoc.models.torch.functions import TRANSPOSED
from eoc.models.torch.making import ValueBuilder
from eoc.models.torch.values import Call, Elements, Fixed, Value
from eoc.models.torch.weights import computed_by

__all__ = ["convolution", "embedding", "is_masked", "linear", "looked_up", "product"]

_UNIT = 1e-6
_ADDED = {"addmm": ("mat1", "mat2"), "baddbmm": ("batch1", "batch2")}
# What lies between the product of queries and keys, its softmax, and the product with the values.
_BETWEEN = (Kind.SAME, Kind.SCALE, Kind.ADD, Kind.MULTIPLY, Kind.DROPOUT, Kind.UNKNOWN, Kind.LAYER, Kind.CONCATENATE)


def embedding(builder: ValueBuilder, call: Call) -> Value:
    """Rows of a table, which comes second, or first in ATen."""
    first, second = call.arguments("input", "weight")
    return looked_up(builder, call, *((second, first) if _is_floating(first) else (first, second)))


def _is_floating(value: Any) -> bool:
    return isinstance(value, Fixed) and value.tensor is not None and bool(value.tensor.is_floating_point())


def looked_up(builder: ValueBuilder, call: Call, places: Any, table: Any) -> Value:
    """Rows of a table that is a module's, or a parameter."""
    inputs = builder.indices([places])
    fixed = isinstance(table, Fixed) and bool(table.sources) and table.tensor is not None
    owner = builder.owner(table.tensor) if fixed else None
    if isinstance(owner, nn.Embedding | nn.EmbeddingBag):
        at = builder.add(table.name.removesuffix(".weight"), Kind.EMBEDDING, inputs, module=owner, shape=call.shape)
        return Elements(at)
    if not fixed:
        return builder.step(call, Kind.UNKNOWN, inputs, note="looks up rows of a table")
    details = {"tensor": table.tensor, "note": "rows of it are looked up", "shape": call.shape}
    at = builder.add(table.name, Kind.PARAMETER, inputs, **details)
    return Elements(at)


def linear(builder: ValueBuilder, call: Call) -> Value:
    """A matrix times x, plus a bias."""
    x, weight, bias = call.arguments("input", "weight", "bias")
    return _layer(builder, call, x, weight, bias, transposed=getattr(weight, "turned", False))


def convolution(builder: ValueBuilder, call: Call) -> Value:
    """A convolution, perhaps a transposed one."""
    between = "output_padding" if call.name in TRANSPOSED else "dilation"
    x, weight, bias, stride, _, _, groups = call.arguments(
        "input", "weight", "bias", "stride", "padding", between, "groups"
    )
    turned = getattr(weight, "turned", False)  # of a kernel that is no convolution's any more
    details = {"groups": groups or 1, "transposed": call.name in TRANSPOSED, "stride": _strides(call, stride)}
    return _layer(builder, call, x, None if turned else weight, bias, **details)


def product(builder: ValueBuilder, call: Call) -> Value:
    """A matrix product: with a parameter a layer, else perhaps a part of attention."""
    bias = None
    if call.name in _ADDED:
        bias, x, weight = call.arguments("input", *_ADDED[call.name])
    elif call.name == "grouped_mm":
        x, weight = call.values[:2]
    elif len(call.values) != 2:
        return builder.step(call, Kind.UNKNOWN)
    else:
        x, weight = call.values  # einsum has its equation before them
    if isinstance(x, Fixed) and isinstance(weight, Fixed):
        return builder.step(call, Kind.UNKNOWN)
    if not isinstance(x, Fixed) and not isinstance(weight, Fixed):
        return _attention(builder, call, x, weight)
    if call.name == "einsum":
        return _contraction(builder, call, x, weight)
    return _with_matrix(builder, call, x, weight, bias)


def _with_matrix(builder: ValueBuilder, call: Call, x: Any, weight: Any, bias: Any) -> Value:
    """A product with a matrix on the right, which mixes units, or on the left."""
    if isinstance(weight, Fixed):
        terms = _length(weight, -2)
        return _layer(builder, call, x, weight, bias, transposed=not weight.turned, fan_in=terms)
    if _is_mean(x):
        return _mean(builder, call, x, weight)
    return _layer(builder, call, weight, x, bias, transposed=x.turned, fan_in=_length(x, -1))


def _is_mean(weight: Fixed) -> bool:
    """Whether it is a matrix of numbers >= 0 that nobody learns, as of the neighbours in a graph."""
    if weight.sources or weight.tensor is None or weight.tensor.is_meta or weight.tensor.dim() != 2:
        return False
    return bool((weight.tensor >= 0.0).all()) and bool(weight.tensor.any())


def _mean(builder: ValueBuilder, call: Call, weight: Fixed, x: Elements) -> Elements:
    """Positions that such a matrix mixes: means over as many as its squares say, times what its rows add up to."""
    rows = weight.values.double()
    whole, squares = float(rows.sum(1).square().mean()), float(rows.square().sum(1).mean())
    at = builder.add(call.node, Kind.POOL, (builder.index(x),), terms=round(whole / squares), shape=call.shape)
    return Elements(at if abs(whole - 1.0) < _UNIT else builder.scaled(call.node, at, whole**0.5))


def _attention(builder: ValueBuilder, call: Call, x: Any, y: Any) -> Value:
    """The values weighted by a softmax of queries and keys, or of anything; else a product."""
    left, right = builder.indices((x, y))
    for weights, values in ((left, right), (right, left)):
        softmax, mixed = _back(builder, weights, "softmax")
        if softmax is not None:
            before = builder.steps[softmax].inputs[0]
            scores, besides = _back(builder, before, "product")
            taken = builder.steps[softmax if scores is None else scores].inputs
            terms = builder.steps[softmax].shape[-1:]
            return builder.step(
                call,
                Kind.ATTENTION,
                (*taken, *besides, *mixed, values),
                terms=terms[0] if terms else None,
                causal=is_masked(builder, before),
                sharpness=1.0 if scores is None else _sharpness(builder, before, scores),
            )
    out = builder.step(call, Kind.UNKNOWN, (left, right), note="a product of two signals that mixes units")
    builder.functions[out.source] = "product"
    if call.kwargs.get("alpha", 1) != 1:
        builder.factors[out.source] = float(call.kwargs["alpha"])
    return out


def _back(builder: ValueBuilder, at: int, function: str) -> tuple[int | None, list[int]]:
    """The step of this function that a step was computed from by masking, scaling, dropout and the like.

    And what is computed by layers that came in between: biases of positions, mixtures of heads.
    """
    besides = []
    while builder.functions.get(at) != function:
        before = builder.steps[at]
        if before.kind not in _BETWEEN or not before.inputs:
            return None, []
        besides += [at] if before.kind is Kind.LAYER else [each for each in before.inputs[1:] if builder.learns(each)]
        at = before.inputs[0]
    return at, besides


def is_masked(builder: ValueBuilder, at: int) -> bool:
    """Whether a step on the way to one leaves of each token's scores those of itself and of those before it."""
    while at not in builder.masked:
        step = builder.steps[at]
        if step.kind not in _BETWEEN or not step.inputs or builder.functions.get(at) == "product":
            return False
        at = step.inputs[0]
    return True


def _sharpness(builder: ValueBuilder, at: int, scores: int) -> float:
    """What scores are multiplied by, times the root of how many numbers queries have."""
    queries = builder.steps[builder.steps[scores].inputs[0]].shape
    if not queries:
        return 1.0
    factor = builder.factors.get(scores, 1.0)
    while at != scores:
        factor *= abs(builder.steps[at].slope)
        at = builder.steps[at].inputs[0]
    return float(factor * queries[-1] ** 0.5)


def _contraction(builder: ValueBuilder, call: Call, x: Value, y: Value) -> Value:
    """An einsum with a weight: each output sums over the letters of the weight that the result does not have."""
    weight, of_weight = (y, 1) if isinstance(y, Fixed) else (x, 0)
    equation = call.args[0] if isinstance(call.args[0], str) else ""
    terms, _, result = equation.replace(" ", "").partition("->")
    letters = terms.split(",")
    data = x if isinstance(x, Elements) else y
    if len(letters) != 2 or not result or "." in letters[of_weight] or weight.tensor is None:  # type: ignore[union-attr]
        return _layer(builder, call, data, None, None)
    own, other = letters[of_weight], letters[1 - of_weight]
    shape = weight.values.shape  # type: ignore[union-attr]
    summed = [letter for letter in own if letter not in result]
    fan_in = float(prod(length for letter, length in zip(own, shape, strict=True) if letter in summed))
    if not summed or not any(letter not in other for letter in own):
        return _layer(builder, call, data, None, None)
    first = own.startswith(tuple(summed))
    return _layer(builder, call, data, weight, None, transposed=first != weight.turned, fan_in=fan_in)  # type: ignore[union-attr]


def _layer(builder: ValueBuilder, call: Call, x: Any, weight: Any, bias: Any, **details: Any) -> Value:
    """A function with a weight that is, or is not, a parameter of the model."""
    inputs = (builder.index(x),)
    if not isinstance(weight, Fixed) or weight.tensor is None:
        return builder.step(call, Kind.UNKNOWN, inputs, note="its weight is computed from what is not known")
    own = bias if isinstance(bias, Fixed) and builder.name_of(bias.tensor) is not None else None
    affine = _affine(builder, weight, own, **details)
    name = weight.name.removesuffix(".weight") if weight.sources else call.node
    at = builder.layer(name, inputs, affine, shape=call.shape)
    if bias is None or own is not None:
        return Elements(at)
    return builder.step(call, Kind.ADD, (at, builder.index(bias)), note="its bias")


def _affine(
    builder: ValueBuilder, weight: Fixed, bias: Fixed | None, fan_in: float | None = None, **details: Any
) -> Affine:
    found = None
    if weight.again is None or weight.tensor._is_view():
        found = builder.affine(weight.tensor, None if bias is None else bias.tensor, **details)
    if found is None:
        found = builder.affine_by(computed_by(builder, weight), None if bias is None else bias.tensor, **details)
    return found if fan_in is None else replace(found, fan_in=fan_in)


def _length(weight: Fixed, axis: int) -> float | None:
    """Of an axis of a matrix, or of several of them."""
    known = weight.tensor is not None and weight.tensor.dim() > 1
    return float(weight.values.shape[axis]) if known else None


def _strides(call: Call, stride: Any) -> tuple[int, ...]:
    """Of all dimensions."""
    return tuple(stride) if isinstance(stride, tuple | list) else (stride or 1,) * int(call.name[-2])
