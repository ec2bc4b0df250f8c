"""The steps of a model that cannot be traced: its modules in the order in which they are defined."""

from __future__ import annotations

import re
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

# Layers that no activation follows: those of attention, by the names that they have in most models.
_OF_ATTENTION = re.compile(
    r"([qkv]|[qkv]_?proj|q_?k_?v(_proj)?|in_proj|to_[qkv]+|(to_)?out|o_proj|wo|w[qkv]|c_attn|c_proj|out_proj|(to_)?queries|"
    r"query|key|value|query_key_value|attn_?out|[qkv]_lin|out_lin)"
)


def in_order(
    builder: Builder, model: nn.Module, prefix: str, activation: Activation | None, residual: Sequence[str] = ()
) -> tuple[Step, ...]:
    """The steps of a model as if each of its modules took the output of the one that is defined before it.

    Where a forward of the model's own calls activation modules is not known, so only those in ``nn.Sequential`` are
    taken to be where they are defined. Where an activation is given, it follows every layer but the last that none of
    those follows, but layers with names like ``residual``, which are followed by sums, and the projections of
    attention.
    """
    parts = list(_leaves(prefix, model, isinstance(model, nn.Sequential)))
    last = max((at for at, (_, module, _) in enumerate(parts) if is_layer(module)), default=0)
    x, waiting = builder.add("input", Kind.INPUT, ()), False
    for at, (name, module, in_chain) in enumerate(parts):
        own = None if is_leaf(module) else evaluated(module)
        found = recognised_module(module) if is_leaf(module) else own_activation(module, own, activation)
        if found is not None:
            if in_chain:
                phi, note = found
                x, waiting = builder.add(name, Kind.ACTIVATION, (x,), module=module, activation=phi, note=note), False
            continue
        if waiting and activation is not None and is_layer(module):
            x = builder.add("activation", Kind.ACTIVATION, (x,), activation=activation, note="as asked")
        x = add_leaf(builder, name, module, (x,), own)
        if is_layer(module):
            named = any(fnmatchcase(name, pattern) for pattern in residual)
            waiting = at < last and not named and not _OF_ATTENTION.fullmatch(name.rpartition(".")[2].lower())
        elif builder.steps[x].kind is Kind.LAYER:
            waiting = False
    builder.add("output", Kind.OUTPUT, (x,))
    return tuple(builder.steps)


def _leaves(name: str, model: nn.Module, in_chain: bool) -> Iterator[tuple[str, nn.Module, bool]]:
    """Modules that are steps, their names, and whether they stand in a chain of modules."""
    for child_name, wrapped in model.named_children():
        child, inside = unwrapped(wrapped)
        path = f"{name}{child_name}" + (f".{inside[:-1]}" if inside else "")
        if is_leaf(child) or not (isinstance(child, CONTAINERS) or any(True for _ in child.children())):
            yield path, child, in_chain
        else:
            yield from _leaves(f"{path}.", child, isinstance(child, nn.Sequential))
