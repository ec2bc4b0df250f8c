"""From a graph to steps, whether torch.fx traced it or it was recorded."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import fx, nn

from eoc.activations import Activation
from eoc.activations import activation as resolve
from eoc.activations.argument.channels import channels
from eoc.models.steps import Kind, Reading, needed
from eoc.models.torch.calls import value_of
from eoc.models.torch.elementwise import recognised_module
from eoc.models.torch.evaluated import Own, own_activation
from eoc.models.torch.functions import is_in_place, plain_name
from eoc.models.torch.making import ValueBuilder
from eoc.models.torch.masks import is_causal
from eoc.models.torch.modules import is_leaf
from eoc.models.torch.transformers import SEVERAL, add_leaf
from eoc.models.torch.values import Call, Elements, Fixed, Value, values_in

__all__ = ["interpret"]


def interpret(
    graph: fx.Graph,
    kinds: Mapping[str, Own | None],
    whole: nn.Module,
    model: nn.Module,
    prefix: str,
    activation: Activation | None,
) -> Reading:
    """The steps of a graph that its output depends on.

    Parameters
    ----------
    graph, kinds
        What the model computes, see :func:`eoc.models.torch.traced.trace` and
        :func:`eoc.models.torch.recorded.record`.
    whole
        What parameters are named in: the model, or the wrapper that it is in.
    model, prefix
        What was traced, and what the names of its modules begin with.
    activation
        What activations of the model's own are taken for that cannot be traced.
    """
    builder = ValueBuilder(whole)
    _Interpreter(builder, kinds, model, prefix, activation).run(graph)
    return Reading(needed(builder.steps), True, uses=builder.uses)


class _Interpreter:
    """Gives every node a value: a method for each of the kinds of nodes that fx has."""

    def __init__(
        self,
        builder: ValueBuilder,
        kinds: Mapping[str, Own | None],
        model: nn.Module,
        prefix: str,
        activation: Activation | None,
    ) -> None:
        self._builder, self._kinds, self._model, self._prefix = builder, kinds, model, prefix
        self._activation = activation
        self._values: dict[fx.Node, Value] = {}

    def run(self, graph: fx.Graph) -> None:
        for node in graph.nodes:
            value = self._shaped(getattr(self, f"_{node.op}")(node), node.meta.get("shape", ()))
            self._values[node] = value
            if self._writes(node):  # then what uses its argument later sees the result
                self._values[node.args[0]] = value

    def _shaped(self, value: Value, shape: tuple[int, ...]) -> Value:
        """A value whose shape is known."""
        if not shape or not isinstance(value, Elements):
            return value
        if value.function is not None:
            return value if value.shape else replace(value, shape=shape)
        step = self._builder.steps[value.source]
        if step.shape != shape and step.kind is not Kind.PARAMETER:
            self._builder.steps[value.source] = replace(step, shape=shape)
        return value

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
        at = self._builder.add(node.target.lstrip("*"), Kind.INPUT, ())
        if not node.meta.get("floating", True):
            self._builder.indexing.add(at)
        return Elements(at)

    def _get_attr(self, node: fx.Node) -> Value:
        name = f"{self._prefix}{node.target}"
        if "tensor" in node.meta:
            return Fixed(tensor=node.meta["tensor"])
        path, _, attribute = node.target.rpartition(".")
        tensor = getattr(self._model.get_submodule(path), attribute, None)
        sources = (name,) if self._builder.name_of(tensor) is not None else ()
        return Fixed(name, tensor if isinstance(tensor, torch.Tensor) else None, sources=sources)

    def _call_module(self, node: fx.Node) -> Value:
        module, name = self._model.get_submodule(node.target), f"{self._prefix}{node.target}"
        arguments = self._given(_arguments(module, node))
        values = values_in(list(arguments.values()))
        taken = [value for value in values if self._is_taken(module, value)]
        data = [value for value in taken if isinstance(value, Elements)]
        own = self._kinds.get(node.target)
        found = recognised_module(module) if is_leaf(module) else own_activation(module, own, self._activation)
        if found is not None and len(data) == 1:
            out = data[0].then(found[0], type(module).__name__, name, module, found[1])
            several = channels(module, resolve) if isinstance(module, nn.PReLU) else None
            return out if several is None else replace(out, mixture=tuple(zip(*several, strict=True)))
        start = len(self._builder.steps)
        at = add_leaf(self._builder, name, module, [self._builder.index(value) for value in taken], own)
        if any(isinstance(mask := arguments.get(key), Fixed) and is_causal(mask.tensor) for key in _MASKS):
            self._masked(start)
        if isinstance(module, nn.Softmax):
            self._builder.functions[at] = "softmax"
        if isinstance(module, nn.MultiheadAttention | nn.RNNBase | nn.LSTMCell):
            self._builder.tuples.add(at)
        if isinstance(module, nn.RNNBase | nn.LSTMCell) and self._builder.steps[at].kind is Kind.RECURRENT:
            self._builder.states.add(at)
        return Elements(at)

    def _masked(self, start: int) -> None:
        """Mark the attention of the steps from one on as causal, but that to a memory."""
        for at, step in enumerate(self._builder.steps[start:], start):
            if step.kind is Kind.ATTENTION and not step.name.endswith("multihead_attn"):
                self._builder.steps[at] = replace(step, causal=True)

    def _is_taken(self, module: nn.Module, value: Value) -> bool:
        """Whether a module takes a value like a signal: also learned numbers, though no indices and no masks."""
        if isinstance(value, Elements):
            return True
        for name in value.sources:
            self._builder.uses.setdefault(name, "is taken in like a signal")
        numbers = value.tensor is not None and value.tensor.is_floating_point()
        return isinstance(module, SEVERAL) or bool(value.sources) or numbers

    def _call_method(self, node: fx.Node) -> Value:
        return self._called(node, plain_name(node.target), getattr(torch.Tensor, node.target, None))

    def _call_function(self, node: fx.Node) -> Value:
        if "name" in node.meta:
            return self._called(node, plain_name(node.meta["name"]), node.target)
        # x.T is a call of getattr.
        name = plain_name(node.args[1] if node.target is getattr else node.target)
        return self._called(node, name, node.target)

    def _called(self, node: fx.Node, name: str, function: Any) -> Value:
        args, kwargs = self._given((node.args, node.kwargs))
        shape, floating = node.meta.get("shape", ()), node.meta.get("floating", True)
        causal = node.meta.get("causal", False)
        return value_of(self._builder, Call(name, node.name, function, args, kwargs, shape, floating, causal))

    def _output(self, node: fx.Node) -> Value:
        return Elements(
            self._builder.add("output", Kind.OUTPUT, self._builder.indices(values_in(self._given(node.args))))
        )

    def _given(self, structure: Any) -> Any:
        """Arguments with values instead of nodes."""
        return fx.node.map_arg(structure, lambda node: self._values[node])


_MASKS = ("attn_mask", "src_mask", "tgt_mask", "mask")  # of nn.MultiheadAttention and transformers


def _arguments(module: nn.Module, node: fx.Node) -> dict[str, Any]:
    """The arguments of a module by name, in the order of its forward, however they were given."""
    if isinstance(module, torch.jit.ScriptModule):
        return dict(enumerate(node.args)) | node.kwargs  # numbers for names
    return dict(inspect.signature(module.forward).bind(*node.args, **node.kwargs).arguments)
