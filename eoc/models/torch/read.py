"""From a PyTorch model to its steps."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from eoc.activations import activation as resolve
from eoc.errors import EocError
from eoc.messages import quoted
from eoc.models.steps import Kind, Reading, Step, needed
from eoc.models.torch.builder import Builder
from eoc.models.torch.graph import interpret
from eoc.models.torch.modules import is_leaf
from eoc.models.torch.offered import offered
from eoc.models.torch.ordered import in_order
from eoc.models.torch.recorded import record
from eoc.models.torch.traced import trace
from eoc.models.torch.transformers import add_leaf
from eoc.models.torch.unwrapped import unwrapped

__all__ = ["read"]


def read(
    model: nn.Module, activation: object = None, residual: Sequence[str] = (), example_inputs: Any = None
) -> Reading:
    """What a model computes, as a list of steps.

    With example inputs, a copy of the model is run on them and what it calls is recorded: any model can be read so, and
    steps know their shapes. Without, its forward is traced (``torch.fx``), which calls it with stand-ins for its
    inputs; optional arguments have their defaults, and what forward asks about shapes is answered with no, unless that
    leads to an error. Where it calls what cannot be traced, it is run on inputs of the shape that its first layer
    takes, or on those that it offers (``dummy_inputs``); and where it cannot be run on those, or decides by their
    values, the modules are taken in the order in which they were defined. No weight, buffer, mode or hook is touched.

    Parameters
    ----------
    model
        Any ``nn.Module``; of a compiled or data-parallel one the model inside.
    activation
        What activation functions of the model's own are taken for that cannot be traced, and, in module order, what
        follows every hidden layer where the model shows none: what :func:`eoc.activation` understands.
    residual
        In module order: layers with names like these end residual branches, and no activation is taken to follow them.
    example_inputs
        What the model is called with: a tensor, a tuple of arguments, or a dictionary of arguments by name. They are
        brought to the device and the floating type of its parameters. A model that is sharded over processes is not
        run, but traced.

    Returns
    -------
    Reading
        The steps that the output depends on. ``problem`` says in one line why a model could not be traced.

    Raises
    ------
    EocError
        For what is no module, for TorchScript, for lazy modules that have not seen a batch yet, and for example inputs
        that the model does not take.

    Examples
    --------
    >>> model = nn.Sequential(nn.Linear(784, 300), nn.Tanh(), nn.Linear(300, 10))
    >>> for step in read(model).steps:
    ...     print(step.name, step.kind, step.inputs, step.activation and step.activation.name)
    input input () None
    0 layer (0,) None
    1 activation (1,) tanh
    2 layer (2,) None
    output output (3,) None
    """
    if not isinstance(model, nn.Module):
        raise EocError(f"the model must be a torch.nn.Module, got {quoted(model)}")
    lazy = [name for name, parameter in model.named_parameters() if is_lazy(parameter)]
    if lazy:
        raise EocError(f"{lazy[0]} has no shape yet: run one batch through the model first")
    inner, prefix = unwrapped(model)
    if isinstance(inner, torch.jit.ScriptModule):
        raise EocError("a TorchScript model cannot be looked into: give the module that it was made from")
    phi = None if activation is None else resolve(activation)
    if is_leaf(inner):
        return Reading(_single(Builder(model), inner, prefix, example_inputs), True)
    if example_inputs is not None and not _is_sharded(inner):
        try:
            return interpret(*record(inner, example_inputs), model, inner, prefix, phi)
        except Exception as error:
            raise EocError(f"the model cannot be run on the example inputs: {_reason(error)}") from error
    try:
        graph, kinds = trace(inner)
    except Exception as error:  # whatever the model's own code raises when it meets a stand-in
        problem = _reason(error)
    else:
        return interpret(graph, kinds, model, inner, prefix, phi)
    for inputs, decides in offered(inner):
        try:
            graph, kinds = record(inner, inputs, decides)
        except Exception:  # whatever the model's own code raises for inputs that are not its own
            continue
        return interpret(graph, kinds, model, inner, prefix, phi)
    return Reading(in_order(Builder(model), inner, prefix, phi, residual), False, problem)


def _single(builder: Builder, leaf: nn.Module, prefix: str, example_inputs: Any) -> tuple[Step, ...]:
    """The steps of a module that is a leaf itself."""
    parameters = inspect.signature(leaf.forward).parameters.values()
    required = [p.name for p in parameters if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]
    given = example_inputs if isinstance(example_inputs, tuple) else (example_inputs,)
    shapes = [tuple(each.shape) if isinstance(each, torch.Tensor) else () for each in given]
    inputs = [
        builder.add(name, Kind.INPUT, (), shape=shape)
        for name, shape in zip(required, [*shapes, *[()] * len(required)], strict=False)
    ]
    builder.add("output", Kind.OUTPUT, (add_leaf(builder, prefix.removesuffix("."), leaf, inputs),))
    return needed(builder.steps)


def _is_sharded(model: nn.Module) -> bool:
    """Whether it is spread over processes: then it is not run on one of them, and not copied."""
    return any(type(parameter).__name__ == "DTensor" for parameter in model.parameters())


def _reason(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
