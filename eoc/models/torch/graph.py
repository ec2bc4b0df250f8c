"""From a graph of torch.fx to steps."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import torch
from torch import fx, nn

from eoc.activations import Activation
from eoc.models.steps import Kind, Reading
from eoc.models.torch.calls import Call, Calls, values_in
from eoc.models.torch.elementwise import recognised_module
from eoc.models.torch.evaluated import own_activation
from eoc.models.torch.functions import is_in_place, plain_name
from eoc.models.torch.modules import is_leaf
from eoc.models.torch.transformers import SEVERAL, add_leaf
from eoc.models.torch.values import Elements, Fixed, Value, ValueBuilder

__all__ = ["interpret"]


def interpret(
    graph: fx.Graph,
    kinds: Mapping[str, Kind | None],
    whole: nn.Module,
    model: nn.Module,
    prefix: str,
    activation: Activation | None,
) -> Reading:
    """The steps of a graph that its output depends on.

    Parameters
    ----------
    graph, kinds
        What the model computes, see :func:`eoc.models.torch.traced.trace`.
    whole
        What parameters are named in: the model, or the wrapper that it is in.
    model, prefix
        What was traced, and what the names of its modules begin with.
    activation
        What activations of the model's own are taken for that cannot be traced.
    """
    builder = ValueBuilder(whole)
    _Interpreter(builder, kinds, model, prefix, activation).run(graph)
    return Reading(builder.needed(), True, uses=builder.uses)


class _Interpreter:
    """Gives every node a value: a method for each of the kinds of nodes that fx has."""

    def __init__(
        self,
        builder: ValueBuilder,
        kinds: Mapping[str, Kind | None],
        model: nn.Module,
        prefix: str,
        activation: Activation | None,
    ) -> None:
        self._builder, self._kinds, self._model, self._prefix = builder, kinds, model, prefix
        self._activation = activation
        self._calls = Calls(builder, model, prefix)
        self._values: dict[fx.Node, Value] = {}

    def run(self, graph: fx.Graph) -> None:
        for node in graph.nodes:
            value = getattr(self, f"_{node.op}")(node)
            self._values[node] = value
            if self._writes(node):  # then what uses its argument later sees the result
                self._values[node.args[0]] = value

    def _writes(self, node: fx.Node) -> bool:
        """Whether a node changes its first argument."""
        if not node.args or not isinstance(node.args[0], fx.Node):
            return False
        if node.op == "call_module":
            return bool(getattr(self._model.get_submodule(node.target), "inplace", False))
        return node.op != "output" and is_in_place(node.target, node.kwargs)

    def _placeholder(self, node: fx.Node) -> Value:
        if node.args:  # optional: traced with its default
            return Fixed()
        return Elements(self._builder.add(node.target.lstrip("*"), Kind.INPUT, ()))

    def _get_attr(self, node: fx.Node) -> Value:
        path, _, name = node.target.rpartition(".")
        tensor = getattr(self._model.get_submodule(path), name, None)
        return Fixed(node.target, tensor if isinstance(tensor, torch.Tensor) else None)

    def _call_module(self, node: fx.Node) -> Value:
        module, name = self._model.get_submodule(node.target), f"{self._prefix}{node.target}"
        values = values_in(self._given(_in_order(module, node)))
        if isinstance(module, SEVERAL):  # which of its inputs is which goes by their places
            values = [self._started(value) for value in values]
        data = [value for value in values if isinstance(value, Elements)]
        own = self._kinds.get(node.target)
        found = recognised_module(module) if is_leaf(module) else own_activation(module, own, self._activation)
        if found is not None and len(data) == 1:
            return data[0].then(found[0], type(module).__name__, name, module, found[1])
        out = add_leaf(self._builder, name, module, self._builder.indices(data), own)
        if isinstance(module, nn.Softmax):
            self._calls.functions[out] = "softmax"
        if isinstance(module, nn.MultiheadAttention | nn.RNNBase | nn.LSTMCell):
            self._calls.tuples.add(out)
        return Elements(out)

    def _started(self, value: Value) -> Elements:
        """A value that may be fixed, such as learned queries, as what a step takes in."""
        if isinstance(value, Elements):
            return value
        self._builder.uses.setdefault(f"{self._prefix}{value.name}", "is taken in like a signal")
        return Elements(self._builder.add(value.name, Kind.UNKNOWN, (), note="does not depend on the input"))

    def _call_method(self, node: fx.Node) -> Value:
        return self._called(node, plain_name(node.target), getattr(torch.Tensor, node.target, None))

    def _call_function(self, node: fx.Node) -> Value:
        # x.T is a call of getattr.
        name = plain_name(node.args[1] if node.target is getattr else node.target)
        return self._called(node, name, node.target)

    def _called(self, node: fx.Node, name: str, function: Any) -> Value:
        args, kwargs = self._given((node.args, node.kwargs))
        return self._calls.value(Call(name, node.name, function, args, kwargs))

    def _output(self, node: fx.Node) -> Value:
        return Elements(
            self._builder.add("output", Kind.OUTPUT, self._builder.indices(values_in(self._given(node.args))))
        )

    def _given(self, structure: Any) -> Any:
        """Arguments with values instead of nodes."""
        return fx.node.map_arg(structure, lambda node: self._values[node])


def _in_order(module: nn.Module, node: fx.Node) -> Any:
    """The arguments of a module in the order of its forward, however they were given."""
    if isinstance(module, torch.jit.ScriptModule):
        return node.args, node.kwargs
    return list(inspect.signature(module.forward).bind(*node.args, **node.kwargs).arguments.values())
