"""The values and steps of functions of each element: activations, sums, products and scalings."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import fx

from eoc.activations import activation
from eoc.models.steps import Kind
from eoc.models.torch.elementwise import as_activation, recognised_function
from eoc.models.torch.making import ValueBuilder
from eoc.models.torch.masks import mask_of
from eoc.models.torch.rows import normalised
from eoc.models.torch.values import Call, Elements, Fixed, Value

__all__ = ["pointwise"]

_INFIX = {"add": "+", "sub": "-", "mul": "*", "div": "/", "pow": "**", "gt": ">", "lt": "<", "ge": ">=", "le": "<="}
_TURNED = {"rsub": torch.sub, "rdiv": torch.div, "rtruediv": torch.div, "rpow": torch.pow}
_CLOSE = 1e-3  # of cos^2 + sin^2 to 1; tables may be in half precision


def pointwise(builder: ValueBuilder, call: Call) -> Value:
    """What a function of each element of its arguments returns."""
    call = _behind_norms(builder, call)
    if len({value.source for value in call.data}) > 1:
        return _of_several(builder, call)
    fixed = [value for value in call.fixed if value.number is None]
    if all(value.size is not None and value.channels for value in fixed):
        if call.name == "add" and fixed and builder.biased(call.data[0], fixed[0]):
            return call.data[0]
        adds = call.name in ("add", "sub") and fixed
        lengths = {value.channels for value in (*fixed, *(each for x in call.data for each in x.by_channel))}
        if not adds and len(lengths) <= 1:
            return _function_of_elements(call, tuple(fixed))
        if not fixed:
            return _of_several(builder, call)
    return _with_tensor(builder, call, fixed[0])


def _behind_norms(builder: ValueBuilder, call: Call) -> Call:
    """A call of what is normalised by hand, with steps for that."""
    rows = [x for x in call.data if x.rows and normalised(x, builder.width(x.source)) is not None]
    made = {x: Elements(builder.index(x)) for x in rows}
    if not made:
        return call
    args, kwargs = fx.node.map_aggregate(
        (call.args, dict(call.kwargs)), lambda leaf: made.get(leaf, leaf) if isinstance(leaf, Elements) else leaf
    )
    return replace(call, args=args, kwargs=kwargs)


def _of_several(builder: ValueBuilder, call: Call) -> Value:
    """Of several steps."""
    first, *others = call.data
    if call.name in ("add", "sub") and len(call.data) == 2:
        factor = call.kwargs.get("alpha", 1) * (1 if call.name == "add" else -1)
        second = others[0] if factor == 1 else _times(others[0], factor, call.node)
        rotated = _rotated(builder, first, second)
        if rotated is not None:
            return builder.step(call, Kind.SAME, (rotated,), note="turned by an angle for each position")
        return builder.masking(call, builder.step(call, Kind.ADD, builder.indices((first, second))))
    if call.name == "mul":
        return builder.step(call, Kind.MULTIPLY)
    if call.name == "where":
        taken = [x for x in call.args[1:] if isinstance(x, Elements)]
        kind = Kind.SAME if len(taken) == 1 else Kind.CONCATENATE  # some of the one and some of the other
        return builder.masking(call, builder.step(call, kind, builder.indices(taken)))
    return builder.step(call, Kind.UNKNOWN)


def _with_tensor(builder: ValueBuilder, call: Call, fixed: Fixed) -> Value:
    """Of one step and of a tensor: what is added to it or scales it."""
    x = call.data[0]
    if fixed.tensor is not None and not fixed.tensor.is_floating_point():
        return builder.masking(call, builder.step(call, Kind.SAME, note="some of them are masked"))
    if call.name in ("add", "sub") and fixed.size is not None and mask_of(call) is None:
        return builder.step(call, Kind.ADD, (builder.index(x), builder.index(fixed)))
    if call.name in ("add", "sub", "where"):
        return builder.masking(call, builder.step(call, Kind.SAME, note=f"{call.name} with {fixed.name}"))
    over = call.name == "div" and call.args[0] is x
    if call.name != "mul" and not over:
        return builder.step(call, Kind.UNKNOWN, note=f"the function {call.name} with {fixed.name}")
    what = f"{'over' if over else 'times'} {fixed.name}"
    size = Fixed(tensor=fixed.tensor.double().reciprocal()).size if over and fixed.size else fixed.size
    if size is None:
        return builder.step(call, Kind.MULTIPLY, note=f"{what}: taken to keep the power")
    phi, note = as_activation(lambda x: size * x, f"{size:g} * x"), f"{what}, of root mean square {size:.4g}"
    return builder.step(call, Kind.SCALE, activation=phi, note=note, tensor=None if over else fixed.tensor)


def _rotated(builder: ValueBuilder, first: Elements, second: Elements) -> int | None:
    """The x in cos * x + sin * (x turned by a right angle), as rotary position embeddings are; None for others."""
    indices = builder.indices((first, second))
    steps = [builder.steps[at] for at in indices]
    tensors = [step.tensor for step in steps]
    if any(step.kind is not Kind.SCALE or step.tensor is None for step in steps):
        return None
    cos, sin = (tensor.detach().double() for tensor in tensors)
    try:
        radius = cos.square() + sin.square()
    except RuntimeError:  # shapes that do not fit
        return None
    if radius.is_meta or not torch.allclose(radius, torch.ones_like(radius), rtol=_CLOSE, atol=_CLOSE):
        return None
    x = steps[0].inputs[0]
    return x if x in _behind(builder, steps[1].inputs[0], x) else None


def _behind(builder: ValueBuilder, at: int, end: int) -> set[int]:
    """The steps that one was put together from by reshaping and changes of sign, to one of them."""
    found, waiting = set(), [at]
    while waiting:
        at = waiting.pop()
        step = builder.steps[at]
        found.add(at)
        if at != end and (step.kind in (Kind.SAME, Kind.CONCATENATE) or (step.kind is Kind.SCALE and step.slope == -1)):
            waiting += step.inputs
    return found


def _times(x: Elements, factor: float, name: str) -> Elements:
    return x.then(activation(f"{factor!r} * x"), f"{factor:g} *", name)


def _function_of_elements(call: Call, by_channel: tuple[Fixed, ...]) -> Elements:
    """A function of the elements of one step: one that is known, or whatever is put together."""
    if len(call.data) == 1 and not call.fixed:
        x, besides = call.arguments("input")[0], {k: v for k, v in call.kwargs.items() if k != "input"}
        known = recognised_function(call.name, call.args[1:], besides)
        if known is not None and isinstance(x, Elements):
            return x.then(known, call.name, call.node)
    turned = _TURNED.get(call.name)
    plain = call if turned is None else Call(turned.__name__, call.node, turned, call.args[::-1], {})
    channels = tuple(dict.fromkeys(each for each in (*by_channel, *(e for x in call.data for e in x.by_channel))))

    rows = any(x.rows for x in call.data)

    def function(x: Any, channel: int | slice) -> Any:
        """Also of a symbol in place of a tensor, which makes a formula."""
        symbolic = not isinstance(x, torch.Tensor)

        def value(leaf: Any) -> Any:
            if isinstance(leaf, Elements):
                return leaf(x, channel)
            number = leaf.numbers[0 if leaf.numbers.numel() == 1 else channel]
            return float(number) if symbolic else number

        if symbolic:
            return plain.with_values(value, partial(_symbolic, x))
        y = torch.as_tensor(plain.with_values(value))
        if rows:
            return y
        return y.expand(x.shape) if y.numel() == 1 else y.reshape(x.shape)

    note = f"with the present {', '.join(value.name for value in call.fixed)}" if call.fixed else ""
    notes = dict.fromkeys(each for each in (*(x.note for x in call.data), note) if each)
    source, text, joined = call.data[0].source, _text(plain), "; ".join(notes)
    return Elements(source, text, call.node, function, note=joined, by_channel=channels, rows=rows)


def _symbolic(symbol: Any, function: Any, args: Any, kwargs: Any) -> Any:
    return type(symbol).__torch_function__(function, (), args, kwargs)


def _text(call: Call) -> str:
    """A function in x, for people."""
    words = [_word(value) for value in (*call.args, *call.kwargs.values())]
    if call.name in _INFIX and len(words) == 2:
        return f"({words[0]} {_INFIX[call.name]} {words[1]})"
    return f"{call.name}({', '.join(words)})"


def _word(value: Any) -> str:
    if isinstance(value, Elements):
        return value.text
    if isinstance(value, Fixed):
        return value.name if value.number is None else f"{value.number:g}"
    return str(value)
