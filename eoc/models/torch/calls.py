"""The steps of functions and of methods of tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import fx, nn

from eoc.models.steps import Kind
from eoc.models.torch.elementwise import as_activation, recognised_function
from eoc.models.torch.functions import ELEMENTWISE, KINDS, LINEAR, NUMBERS, TRANSPOSED
from eoc.models.torch.transformers import add_gate
from eoc.models.torch.values import Elements, Fixed, Value, ValueBuilder

__all__ = ["Call", "Calls"]

_INFIX = {"add": "+", "sub": "-", "mul": "*", "div": "/", "pow": "**", "gt": ">", "lt": "<", "ge": ">=", "le": "<="}
_OF_TWO = {"add": Kind.ADD, "sub": Kind.ADD, "mul": Kind.MULTIPLY}
_TURNING = ("t", "T", "mT")
# How many of the earlier steps in its arguments a function takes in; all where nothing is said.
_TAKES = {Kind.SAME: 1, Kind.DROPOUT: 1, Kind.POOL: 1, Kind.NORM: 1, Kind.ATTENTION: 3}
# What lies between the product of queries and keys, its softmax, and the product with the values.
_BETWEEN = (Kind.SAME, Kind.SCALE, Kind.ADD, Kind.MULTIPLY, Kind.DROPOUT, Kind.UNKNOWN)


@dataclass(frozen=True)
class Call:
    """A call of a function.

    Attributes
    ----------
    name
        Of the function, see :func:`eoc.models.torch.functions.plain_name`.
    node
        The name of the node.
    function
        What is called.
    args, kwargs
        With :data:`eoc.models.torch.values.Value` s for nodes.
    """

    name: str
    node: str
    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]

    @property
    def values(self) -> list[Value]:
        """The values among the arguments, in order."""
        return values_in((self.args, dict(self.kwargs)))

    @property
    def data(self) -> list[Elements]:
        """Those that depend on the input of the model."""
        return [value for value in self.values if isinstance(value, Elements)]

    @property
    def fixed(self) -> list[Fixed]:
        """The others."""
        return [value for value in self.values if isinstance(value, Fixed)]

    def arguments(self, *names: str) -> list[Any]:
        """The first arguments, which have these names; None for what is not given."""
        given = dict(zip(names, self.args, strict=False)) | dict(self.kwargs)
        return [given.get(name) for name in names]


def values_in(structure: Any) -> list[Value]:
    """All values in nested tuples, lists and dictionaries, in order."""
    found: list[Value] = []
    fx.node.map_aggregate(structure, lambda leaf: found.append(leaf) if isinstance(leaf, Elements | Fixed) else None)
    return found


class Calls:
    """Makes values and steps of calls.

    Parameters
    ----------
    builder
        Where steps go.
    model, prefix
        What was traced, and what the names of its modules begin with.
    """

    def __init__(self, builder: ValueBuilder, model: nn.Module, prefix: str) -> None:
        self._builder, self._model, self._prefix = builder, model, prefix
        self.functions: dict[int, str] = {}  # of the steps that attention written by hand consists of
        self.tuples: set[int] = set()  # steps that return tuples of which the first counts

    def value(self, call: Call) -> Value:
        """What a call returns."""
        if call.name == "embedding":
            return self._embedding(call)
        if call.name in NUMBERS or not call.data:
            return _still_fixed(call)
        for value in call.fixed:
            self._builder.uses.setdefault(
                f"{self._prefix}{value.name}", _USES.get(call.name, f"is used by {call.name}")
            )
        if call.name in ELEMENTWISE:
            return self._elementwise(call)
        if call.name in LINEAR or call.name in TRANSPOSED:
            return self._linear(call)
        special = _SPECIAL.get(call.name, Calls._step)
        return special(self, call)

    # --- functions of elements ----------------------------------------------------------------------------------------

    def _elementwise(self, call: Call) -> Value:
        if len({value.source for value in call.data}) > 1:
            return self._add(call, _OF_TWO.get(call.name, Kind.UNKNOWN))
        if all(value.number is not None for value in call.fixed):
            return _function_of_elements(call)
        fixed = next(value for value in call.fixed if value.number is None)
        if call.name in ("add", "sub"):
            biased = call.name == "add" and self._builder.biased(call.data[0], fixed)
            return call.data[0] if biased else self._add(call, Kind.SAME, note=f"plus {fixed.name}")
        if call.name == "mul" and (size := fixed.size) is not None:
            note = f"times {fixed.name}, of root mean square {size:.4g}"
            return self._add(call, Kind.SCALE, activation=as_activation(lambda x: size * x, f"{size:g} * x"), note=note)
        if call.name == "mul" or (call.name == "div" and call.args[0] is call.data[0]):
            what = "times" if call.name == "mul" else "over"
            return self._add(call, Kind.MULTIPLY, note=f"{what} {fixed.name}: taken to keep the power")
        return self._add(call, Kind.UNKNOWN, note=f"the function {call.name} with {fixed.name}")

    # --- functions with weights ---------------------------------------------------------------------------------------

    def _embedding(self, call: Call) -> Value:
        positions, table = call.arguments("input", "weight")
        owner = None
        if isinstance(table, Fixed) and table.tensor is not None:
            owner = self._model.get_submodule(table.name.rpartition(".")[0])
        inputs = self._builder.indices([positions])
        if not isinstance(owner, nn.Embedding):
            return Elements(self._builder.add(call.node, Kind.UNKNOWN, inputs, note="looks up rows of a table"))
        name = f"{self._prefix}{table.name}".removesuffix(".weight")
        return Elements(self._builder.add(name, Kind.EMBEDDING, inputs, module=owner))

    def _linear(self, call: Call) -> Value:
        if call.name == "linear":
            x, weight, bias = call.arguments("input", "weight", "bias")
            return self._layer(call, x, weight, bias, transposed=getattr(weight, "turned", False))
        between = "output_padding" if call.name in TRANSPOSED else "dilation"
        x, weight, bias, stride, _, _, groups = call.arguments(
            "input", "weight", "bias", "stride", "padding", between, "groups"
        )
        turned = getattr(weight, "turned", False)  # of a kernel that is no convolution's any more
        details = {"groups": groups or 1, "transposed": call.name in TRANSPOSED, "stride": _strides(call, stride)}
        return self._layer(call, x, None if turned else weight, bias, **details)

    def _product(self, call: Call) -> Value:
        """A matrix product: with a parameter a layer, else perhaps a part of attention."""
        if call.name == "addmm":
            bias, x, weight = call.arguments("input", "mat1", "mat2")
        else:
            bias, (x, weight) = None, (call.values * 2)[:2]  # einsum has its equation before them
        if isinstance(weight, Fixed) and call.name != "einsum":
            return self._layer(call, x, weight, bias, transposed=not weight.turned)
        inputs = self._builder.indices([x, weight])
        weights = self._back(inputs[0], "softmax") if len(inputs) > 1 else None
        scores = None if weights is None else self._back(self._builder.steps[weights].inputs[0], "product")
        if scores is None:
            return self._step(call)
        queries_and_keys = self._builder.steps[scores].inputs
        return Elements(self._builder.add(call.node, Kind.ATTENTION, (*queries_and_keys, inputs[1])))

    def _layer(self, call: Call, x: Any, weight: Any, bias: Any, **details: Any) -> Value:
        """A function with a weight that is, or is not, a parameter of the model."""
        affine = None
        if isinstance(weight, Fixed) and weight.tensor is not None and isinstance(bias, Fixed | None):
            affine = self._builder.affine(weight.tensor, None if bias is None else bias.tensor, **details)
        if isinstance(bias, Fixed) and bias.tensor is None:
            affine = None
        name = call.node if affine is None else affine.weight_name.removesuffix(".weight")
        return Elements(self._builder.layer(name, self._builder.indices([x]), affine))

    # --- other functions ----------------------------------------------------------------------------------------------

    def _item(self, call: Call) -> Value:
        source, which = call.args
        if not isinstance(source, Elements) or source.source not in self.tuples or source.function is not None:
            return self._step(call)
        return source if which == 0 else self._add(call, Kind.UNKNOWN, note="a state, or the weights of attention")

    def _glu(self, call: Call) -> Value:
        return Elements(add_gate(self._builder, call.node, None, self._builder.indices(call.data)))

    def _step(self, call: Call) -> Value:
        """One step, known by its name or unknown."""
        kind = KINDS.get(call.name, Kind.UNKNOWN)
        if isinstance(call.function, type):  # a dataclass or named tuple that holds what the model returns
            kind = Kind.CONCATENATE
        if kind is Kind.ATTENTION:
            call = replace(call, args=tuple(call.arguments("query", "key", "value")), kwargs={})
        if kind in _TAKES and isinstance(call.values[0], Fixed):
            kind = Kind.UNKNOWN  # a table that is looked up
        out = self._add(call, kind)
        if call.name in _OF_ATTENTION:
            self.functions[out.source] = _OF_ATTENTION[call.name]
        return out

    def _add(self, call: Call, kind: Kind, note: str = "", **details: Any) -> Elements:
        inputs = self._builder.indices(call.data[: _TAKES.get(kind)])
        note = note or (f"the function {call.name}" if kind is Kind.UNKNOWN else "")
        return Elements(self._builder.add(call.node, kind, inputs, note=note, **details))

    def _back(self, step: int, function: str) -> int | None:
        """The step of this function that a step was computed from by masking, scaling, dropout and the like."""
        while self.functions.get(step) != function:
            before = self._builder.steps[step]
            if before.kind not in _BETWEEN or not before.inputs:
                return None
            step = before.inputs[0]
        return step


_SPECIAL = {
    "matmul": Calls._product,
    "addmm": Calls._product,
    "einsum": Calls._product,
    "getitem": Calls._item,
    "glu": Calls._glu,
}
# What is done with a parameter.
_USES = {
    "add": "is added to a signal",
    "sub": "is added to a signal",
    "mul": "scales a signal",
    "div": "scales a signal",
    "cat": "stands beside a signal",
}
_OF_ATTENTION = {"matmul": "product", "einsum": "product", "softmax": "softmax"}


def _still_fixed(call: Call) -> Fixed:
    """A function of what is fixed; of a parameter only the transpose is one."""
    first = call.values[0] if call.values else Fixed()
    if call.name in NUMBERS or not isinstance(first, Fixed):
        return Fixed()
    return replace(first, turned=not first.turned) if call.name in _TURNING else Fixed(first.name)


def _strides(call: Call, stride: Any) -> tuple[int, ...]:
    """Of all dimensions."""
    return tuple(stride) if isinstance(stride, tuple | list) else (stride or 1,) * int(call.name[-2])


def _function_of_elements(call: Call) -> Elements:
    """A function of the elements of one step: one that is known, or whatever is put together."""
    if len(call.data) == 1 and not call.fixed:
        x, besides = call.arguments("input")[0], {k: v for k, v in call.kwargs.items() if k != "input"}
        known = recognised_function(call.name, call.args[1:], besides)
        if known is not None and isinstance(x, Elements):
            return x.then(known, call.name, call.node)

    def function(x: torch.Tensor) -> torch.Tensor:
        def value(argument: Any) -> Any:
            if isinstance(argument, Fixed):
                return argument.tensor.detach().double().cpu()
            return argument(x) if isinstance(argument, Elements) else argument

        args, kwargs = fx.node.map_aggregate((call.args, dict(call.kwargs)), value)
        return torch.as_tensor(call.function(*args, **kwargs)).reshape(x.shape)

    note = f"with the present {', '.join(value.name for value in call.fixed)}" if call.fixed else ""
    return Elements(call.data[0].source, _text(call), call.node, function, note=note)


def _text(call: Call) -> str:
    """A function in x, for people."""
    words = [_word(value) for value in (*call.args, *call.kwargs.values())]
    if call.name in _INFIX and len(words) == 2:
        return f"({words[0]} {_INFIX[call.name]} {words[1]})"
    return f"{call.name}({', '.join(words)})"


def _word(value: Any) -> str:
    if isinstance(value, Elements):
        return value.text
    return f"{value.number:g}" if isinstance(value, Fixed) else str(value)
