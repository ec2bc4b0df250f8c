"""Functional and sequential models of Keras: the operations between their inputs and their outputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from eoc.models.keras.builder import Builder, Elements
from eoc.models.keras.layers import add_layer
from eoc.models.keras.operations import Call, add_operation
from eoc.models.steps import Kind

__all__ = ["add_model", "is_graph"]

_Given = dict[int, Elements]  # inputs of a model, by the id of the tensor
_Known = dict[int, list[Elements]]  # what calls return, by the id of the node


def is_graph(model: Any) -> bool:
    """Whether a model knows its operations: it is functional, or sequential and has seen its input."""
    owner = next((kind for kind in type(model).__mro__ if "call" in vars(kind)), type(model))
    own = owner.__module__.startswith("keras.") and owner.__name__ in ("Functional", "Sequential")
    return own and getattr(model, "inputs", None) is not None


def add_model(builder: Builder, model: Any, inputs: Sequence[Elements]) -> list[Elements]:
    """Append the steps of a model.

    Parameters
    ----------
    builder
        The steps so far.
    model
        See :func:`is_graph`.
    inputs
        What it is called with, one value for each of its inputs.

    Returns
    -------
    list
        Its outputs.
    """
    known: _Known = {}
    given = {id(tensor): value for tensor, value in zip(model.inputs, inputs, strict=True)}
    waiting = [node for tensor in reversed(model.outputs) if (node := _node(tensor, given)) is not None]
    while waiting:
        node = waiting[-1]
        before = [_node(tensor, given) for tensor in node.arguments.keras_tensors]
        missing = [each for each in before if each is not None and id(each) not in known]
        if missing:
            waiting += reversed(missing)
            continue
        waiting.pop()
        if id(node) not in known:
            known[id(node)] = _called(builder, node, given, known)
    return [_value(tensor, given, known) for tensor in model.outputs]


def _node(tensor: Any, given: _Given) -> Any:
    """The call that a tensor comes from; None for an input."""
    if id(tensor) in given:
        return None
    history = tensor._keras_history
    return history.operation._inbound_nodes[history.node_index]


def _value(tensor: Any, given: _Given, known: _Known) -> Elements:
    if id(tensor) in given:
        return given[id(tensor)]
    return known[id(_node(tensor, given))][tensor._keras_history.tensor_index]


def _called(
    builder: Builder, node: Any, given: dict[int, Elements], known: dict[int, list[Elements]]
) -> list[Elements]:
    """What a call returns."""
    operation, outputs = node.operation, node.output_tensors

    def put(leaf: Any) -> Any:
        return _value(leaf, given, known) if isinstance(leaf, keras.KerasTensor) else leaf

    args, kwargs = keras.tree.map_structure(put, (node.arguments.args, node.arguments.kwargs))
    values = [_value(tensor, given, known) for tensor in node.arguments.keras_tensors]
    if is_graph(operation):
        return add_model(builder, operation, values)
    if isinstance(operation, keras.layers.Layer):
        found = add_layer(builder, operation, values, outputs[0].shape)
    elif type(operation).__name__ == "Split":
        return _pieces(builder, operation, values, outputs)
    else:
        found = add_operation(builder, Call(operation, args, kwargs, outputs[0].shape))
    return [found, *(Elements(found.source, tensor.shape) for tensor in outputs[1:])]


def _pieces(builder: Builder, operation: Any, values: Sequence[Elements], outputs: Sequence[Any]) -> list[Elements]:
    """Several pieces of a signal, which share no units where units are cut."""
    (at,), rank = builder.indices(values), len(values[0].shape)
    cut = operation.axis % rank == rank - 1
    return [
        builder.add(operation.name, Kind.SAME, (at,), tensor.shape, piece=place if cut else None)
        for place, tensor in enumerate(outputs)
    ]
