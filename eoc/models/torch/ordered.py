"""The steps of a model that cannot be traced: its modules in the order in which they are defined."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from torch import nn

from eoc.activations import Activation
from eoc.models.steps import Kind, Step
from eoc.models.torch.builder import Builder
from eoc.models.torch.elementwise import recognised_module
from eoc.models.torch.evaluated import evaluated, own_activation
from eoc.models.torch.modules import CONTAINERS, is_layer, is_leaf
from eoc.models.torch.transformers import add_leaf
from eoc.models.torch.unwrapped import unwrapped

__all__ = ["in_order"]

Shown = tuple[str, nn.Module | None, Activation, str]  # the name, module, activation and note of a step


def in_order(
    builder: Builder, model: nn.Module, prefix: str, activation: Activation | None, residual: Sequence[str] = ()
) -> tuple[Step, ...]:
    """The steps of a model as if each of its modules took the output of the one that is defined before it.

    An activation module that is defined once is often called after many layers. So what follows a layer, unless an
    activation comes before the next layer anyway, is the given activation, else the only one that the model has. Layers
    with names like ``residual`` are followed by sums.
    """
    parts = [(name, module, *_seen(module, activation)) for name, module in _leaves(prefix, model)]
    layers = [at for at, (_, module, *_) in enumerate(parts) if is_layer(module)] or [0]
    shown = [(name, module, *found) for name, module, _, found in parts if found is not None]
    fill = _fill(shown, activation)
    # One module that is called after many layers may be defined anywhere: before the first or after the last, too.
    roams = activation is None and fill is not None and len(shown) < len(layers) - 1
    x, waiting = builder.add("input", Kind.INPUT, ()), False
    for at, (name, module, own, found) in enumerate(parts):
        if found is not None:
            if at > layers[0] and not (roams and (at > layers[-1] or not waiting)):
                x, waiting = _add_activation(builder, (name, module, *found), x), False
            continue
        if waiting and fill is not None and is_layer(module):
            x = _add_activation(builder, fill, x)
        x = add_leaf(builder, name, module, (x,), own)
        if is_layer(module):
            waiting = not any(fnmatchcase(name, pattern) for pattern in residual)
        elif builder.steps[x].kind is Kind.LAYER:
            waiting = False
    builder.add("output", Kind.OUTPUT, (x,))
    return tuple(builder.steps)


def _leaves(name: str, model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    for child_name, wrapped in model.named_children():
        child, inside = unwrapped(wrapped)
        path = f"{name}{child_name}" + (f".{inside[:-1]}" if inside else "")
        if is_leaf(child) or not (isinstance(child, CONTAINERS) or any(True for _ in child.children())):
            yield path, child
        else:
            yield from _leaves(f"{path}.", child)


def _seen(module: nn.Module, given: Activation | None) -> tuple[Kind | None, tuple[Activation, str] | None]:
    """What a module of the user's own does, and the activation with a note that a module is."""
    if is_leaf(module):
        return None, recognised_module(module)
    own = evaluated(module)
    return own, own_activation(module, own, given)


def _fill(shown: Sequence[Shown], given: Activation | None) -> Shown | None:
    """What follows layers that no activation is seen to follow."""
    if given is not None:
        return "activation", None, given, "as asked"
    if len({activation for _, _, activation, _ in shown}) != 1:
        return None
    name, module, activation, _ = shown[0]
    return name, module, activation, "the only activation of the model: taken to follow every hidden layer"


def _add_activation(builder: Builder, shown: Shown, x: int) -> int:
    name, module, activation, note = shown
    return builder.add(name, Kind.ACTIVATION, (x,), module=module, activation=activation, note=note)
