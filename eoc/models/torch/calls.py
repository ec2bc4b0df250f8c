"""The steps of functions and of methods of tensors."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch

from eoc.models.steps import Kind
from eoc.models.torch.fixed import still_fixed
from eoc.models.torch.functions import ELEMENTWISE, KINDS, LINEAR, NUMBERS, TRANSPOSED, UNCHANGED
from eoc.models.torch.making import ValueBuilder
from eoc.models.torch.masks import is_causal
from eoc.models.torch.pointwise import pointwise
from eoc.models.torch.pooled import normalisation, pooling
from eoc.models.torch.products import convolution, embedding, is_masked, linear, looked_up, product
from eoc.models.torch.transformers import add_gate
from eoc.models.torch.values import Call, Elements, Fixed, Value

__all__ = ["value_of"]


def value_of(builder: ValueBuilder, call: Call) -> Value:
    """What a call returns, and the steps that it takes."""
    if (call.name in NUMBERS and call.data) or not (call.data or _is_of_parameter(call)):
        return still_fixed(call)
    for value in call.fixed:
        for name in value.sources:
            builder.uses.setdefault(name, _USES.get(call.name, f"is used by {call.name}"))
    if call.name in UNCHANGED and isinstance(call.values[0], Elements):
        return call.values[0]
    if not call.floating and (call.name not in ELEMENTWISE or any(x.source in builder.indexing for x in call.data)):
        out = builder.step(call, Kind.SAME, note="indices or answers, made of values")
        builder.indexing.add(out.source)
        return out
    make = _SPECIAL.get(call.name) or _OF_KIND.get(KINDS.get(call.name, Kind.UNKNOWN), _unknown)
    return make(builder, call)


def _is_of_parameter(call: Call) -> bool:
    """Whether it is a layer that takes a parameter like a signal, or looks up rows at fixed places."""
    first = call.values[0] if call.values else None
    return call.name in _TABLES or (call.name in LINEAR and isinstance(first, Fixed) and bool(first.sources))


def _reshaped(builder: ValueBuilder, call: Call) -> Value:
    if isinstance(call.values[0], Fixed):
        return looked_up(builder, call, call.data[0], call.values[0])
    source = call.data[0]
    out = builder.step(call, Kind.SAME, builder.indices((source,)))

    def reshape(given: Sequence[Any]) -> Any:
        return call.with_values(
            lambda value: value.values if isinstance(value, Fixed) else given[0] if value is source else None
        )

    builder.units.reshapes[out.source] = reshape
    if call.name == "masked_fill":
        builder.masking(call, out)
    if call.name in _SPLITTING:
        builder.functions[out.source] = "pieces"
    if call.name in _SELECTING:
        piece = builder.units.piece(out.source) if call.shape else _piece(builder, call, source)
        builder.steps[out.source] = replace(builder.steps[out.source], piece=piece)
    return out


def _piece(builder: ValueBuilder, call: Call, source: Elements) -> int | None:
    """Which piece is taken, where shapes are not known: of what was split, or a slice of the last axis."""
    which = call.args[1] if call.name == "getitem" else None
    if isinstance(which, int):
        return which if builder.functions.get(source.source) == "pieces" else None
    if not isinstance(which, tuple) or not which or which[0] is not Ellipsis or not isinstance(which[-1], slice):
        return None
    seen = builder.slices.setdefault(source.source, [])
    if str(which) not in seen:
        seen.append(str(which))
    return seen.index(str(which))


def _item(builder: ValueBuilder, call: Call) -> Value:
    source, which = call.args
    if isinstance(source, Elements) and source.source in builder.tuples and source.function is None:
        if source.source in builder.states:
            return _part_of_states(builder, call, source.source, which)
        note = "a state, the weights of attention, or which one is the largest"
        return source if which == 0 else builder.step(call, Kind.UNKNOWN, note=note)
    return _reshaped(builder, call)


def _part_of_states(builder: ValueBuilder, call: Call, source: int, which: Any) -> Value:
    """What a recurrent layer returns: its output, and its last states, for an LSTM h and then its cell."""
    out = builder.step(call, Kind.SAME, (source,))
    found = builder.steps[source].recurrence
    if which == 1 and found is not None and found.cell == "lstm" and found.times != 1:
        builder.tuples.add(out.source)
        builder.states.add(out.source)
    return out


def _packed(builder: ValueBuilder, call: Call) -> Value:
    """Sequences packed, or unpacked: of the two results the numbers come first; padding is taken for more of them."""
    out = builder.step(call, Kind.SAME, builder.indices(call.data[:1]))
    builder.tuples.add(out.source)
    if call.name == "pack_padded_sequence":
        builder.packed.add(out.source)
    return out


def _beside(builder: ValueBuilder, call: Call) -> Value:
    """Signals and learned tensors side by side."""
    taken = [value for value in call.values if isinstance(value, Elements) or value.sources]
    out = builder.step(call, Kind.CONCATENATE, [builder.index(value) for value in taken])
    if len(taken) == len(call.values):
        places = {id(value): k for k, value in enumerate(taken)}
        builder.units.reshapes[out.source] = lambda given: call.with_values(lambda value: given[places[id(value)]])
    return out


def _gate(builder: ValueBuilder, call: Call) -> Value:
    axis = call.arguments("input", "dim")[1]
    inputs = builder.indices(call.data)
    return Elements(add_gate(builder, call.node, None, inputs, -1 if axis is None else axis))


def _dropout(builder: ValueBuilder, call: Call) -> Value:
    return builder.step(call, Kind.DROPOUT, builder.indices(call.data[:1]))


def _softmax(builder: ValueBuilder, call: Call) -> Value:
    out = builder.step(call, Kind.UNKNOWN, builder.indices(call.data[:1]))
    builder.functions[out.source] = "softmax"
    return out


def _attention(builder: ValueBuilder, call: Call) -> Value:
    names = ("query", "key", "value", "attn_mask", "dropout_p", "is_causal", "scale")
    *taken, mask, _, causal, scale = call.arguments(*names)
    causal = bool(causal) or call.causal or (isinstance(mask, Fixed) and is_causal(mask.tensor))
    inputs = [builder.index(value) for value in taken]
    if isinstance(mask, Elements):
        at = builder.index(mask)
        causal = causal or is_masked(builder, at)
        inputs[2:2] = [at] if builder.learns(at) else []
    keys = builder.steps[inputs[1]].shape
    terms, width = (None, 1) if len(keys) < 2 else keys[-2:]
    sharpness = 1.0 if scale is None or terms is None else scale * width**0.5
    return builder.step(call, Kind.ATTENTION, inputs, terms=terms, causal=causal, sharpness=sharpness)


def _many_heads(builder: ValueBuilder, call: Call) -> Value:
    """What ``nn.MultiheadAttention`` calls: projections, attention, and a projection."""
    names = ("query", "key", "value", "", "", "in_proj_weight", "in_proj_bias", "", "", "", "", "out_w", "out_b")
    *taken, _, _, weight, bias, _, _, _, _, out_weight, out_bias = call.arguments(*names)
    out_weight, out_bias = call.kwargs.get("out_proj_weight", out_weight), call.kwargs.get("out_proj_bias", out_bias)
    separate = [call.kwargs.get(f"{letter}_proj_weight") for letter in "qkv"]
    weights = _thirds(call, weight) if separate[0] is None else separate
    projected = []
    for x, w, b in zip(taken, weights, _thirds(call, bias), strict=True):
        shape = builder.steps[builder.index(x)].shape
        projected.append(linear(builder, _of(call, "linear", torch.nn.functional.linear, (x, w, b), shape)))
    inputs = builder.indices(projected)
    keys = builder.steps[inputs[1]].shape
    mixed = builder.step(call, Kind.ATTENTION, inputs, terms=keys[0] if keys else None)
    mixed = _with_shape(builder, mixed, builder.steps[inputs[0]].shape)
    last = _of(call, "linear", torch.nn.functional.linear, (mixed, out_weight, out_bias), call.shape)
    out = linear(builder, last)
    builder.tuples.add(builder.index(out))
    return out


def _thirds(call: Call, packed: Any) -> list[Any]:
    """What queries, keys and values are projected with."""
    if packed is None:
        return [None] * 3
    parts = still_fixed(_of(call, "chunk", torch.chunk, (packed, 3)))
    return [still_fixed(_of(call, "getitem", operator.getitem, (parts, k))) for k in range(3)]


def _of(call: Call, name: str, function: Any, args: tuple[Any, ...], shape: tuple[int, ...] = ()) -> Call:
    """Another call at the same node."""
    return replace(call, name=name, function=function, args=args, kwargs={}, shape=shape)


def _with_shape(builder: ValueBuilder, value: Elements, shape: tuple[int, ...]) -> Elements:
    builder.steps[value.source] = replace(builder.steps[value.source], shape=shape)
    return value


def _added_product(builder: ValueBuilder, call: Call) -> Value:
    """The addcmul of x, y and z: x + y z."""
    x, y, z = call.arguments("input", "tensor1", "tensor2")
    product = _of(call, "mul", torch.mul, (y, z), call.shape)
    added = pointwise(builder, product) if product.data else still_fixed(product)
    factor = call.kwargs.get("value", 1)
    return value_of(builder, replace(call, name="add", function=torch.add, args=(x, added), kwargs={"alpha": factor}))


def _unknown(builder: ValueBuilder, call: Call) -> Value:
    if isinstance(call.function, type):  # a dataclass or named tuple that holds what the model returns
        return builder.step(call, Kind.CONCATENATE)
    return builder.step(call, Kind.UNKNOWN)


_Make = Callable[[ValueBuilder, Call], Value]
_SPLITTING = ("chunk", "split", "tensor_split", "unbind", "unsafe_chunk", "unsafe_split")
_SELECTING = ("getitem", "select", "narrow", "index_select")
_TABLES = ("embedding", "embedding_bag")
_SPECIAL: dict[str, _Make] = {
    **dict.fromkeys(ELEMENTWISE, pointwise),
    **dict.fromkeys(_TABLES, embedding),
    **dict.fromkeys(("matmul", "addmm", "baddbmm", "einsum", "grouped_mm"), product),
    **dict.fromkeys(LINEAR | TRANSPOSED, convolution),
    "addcmul": _added_product,
    "multi_head_attention_forward": _many_heads,
    "linear": linear,
    "getitem": _item,
    **dict.fromkeys(("pack_padded_sequence", "pad_packed_sequence"), _packed),
    "glu": _gate,
    "softmax": _softmax,
}
_OF_KIND: dict[Kind, _Make] = {
    Kind.SAME: _reshaped,
    Kind.DROPOUT: _dropout,
    Kind.POOL: pooling,
    Kind.NORM: normalisation,
    Kind.CONCATENATE: _beside,
    Kind.ATTENTION: _attention,
}
# What is done with a parameter.
_USES = {
    "add": "is added to a signal",
    "sub": "is added to a signal",
    "mul": "scales a signal",
    "div": "scales a signal",
    "cat": "stands beside a signal",
}
