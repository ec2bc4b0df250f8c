"""PyTorch's attention, transformer and gate modules, taken apart into the steps that they compute."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

from eoc.activations import activation
from eoc.models.steps import Kind
from eoc.models.torch.builder import Builder
from eoc.models.torch.evaluated import Own
from eoc.models.torch.modules import add_activation, add_module, affine_of, is_foreign
from eoc.models.torch.recurrent import RECURRENT, add_recurrent

__all__ = ["SEVERAL", "add_gate", "add_leaf"]

#: What takes several inputs that are not alike.
SEVERAL = (nn.MultiheadAttention, nn.TransformerDecoderLayer, nn.TransformerDecoder, nn.Transformer)


def add_leaf(builder: Builder, name: str, module: nn.Module, inputs: Sequence[int], own: Own | None = None) -> int:
    """Append the steps of a module that is not looked into and return the one that is its output.

    Parameters
    ----------
    builder
        The steps so far.
    name
        The module's name in the model.
    module, own
        The module, as for :func:`eoc.models.torch.modules.add_module`.
    inputs
        The steps that it is called with: query, key and value; source and target; target and memory. Where fewer are
        given, as in module order, the last stands for the rest.
    """
    if isinstance(module, RECURRENT) and not is_foreign(module):
        return add_recurrent(builder, name, module, inputs)
    steps = None if is_foreign(module) else next((f for cls, f in _EXPANDED if isinstance(module, cls)), None)
    if steps is None:
        return add_module(builder, name, module, inputs, own)
    return steps(builder, name, module, (tuple(inputs) + tuple(inputs[-1:]) * 2)[:3])


def add_gate(builder: Builder, name: str, module: Any, inputs: Sequence[int], axis: int = -1) -> int:
    """Add x * sigmoid(y), with the halves x and y of what it takes, along an axis."""
    shape = list(builder.steps[inputs[0]].shape)
    if shape:
        shape[axis] //= 2
    x, y = (
        builder.add(_inside(name, half), Kind.SAME, inputs[:1], piece=k, shape=tuple(shape))
        for k, half in enumerate(("x", "y"))
    )
    gate = builder.add(_inside(name, "sigmoid"), Kind.ACTIVATION, (y,), activation=activation("sigmoid"))
    return builder.add(name, Kind.MULTIPLY, (x, gate), module=module)


def _inside(name: str, child: str) -> str:
    return f"{name}.{child}" if name else child


def _attention(builder: Builder, name: str, module: Any, inputs: Sequence[int]) -> int:
    own, width = module._parameters, module.embed_dim
    packed, bias = own.get("in_proj_weight"), own.get("in_proj_bias")
    rows = [(at * width, (at + 1) * width) for at in range(3)]
    with torch.enable_grad():  # so that views of the rows of a trainable weight are trainable also under no_grad
        if packed is None:
            separate = [own.get(f"{letter}_proj_weight") for letter in "qkv"]
            affines = [
                builder.affine(weight, bias, bias_rows=part) for weight, part in zip(separate, rows, strict=True)
            ]
        else:
            affines = [builder.affine(packed, bias, rows=part) for part in rows]
    projected = [
        builder.layer(_inside(name, letter), (step,), affine)
        for letter, step, affine in zip("qkv", inputs, affines, strict=True)
    ]
    keys = builder.steps[projected[1]].shape
    terms = keys[1 if module.batch_first else 0] if len(keys) == 3 else keys[0] if keys else None
    mixed = builder.add(name, Kind.ATTENTION, projected, module=module, terms=terms)
    return builder.layer(_inside(name, "out_proj"), (mixed,), affine_of(builder, module.out_proj))


def _transformer(builder: Builder, name: str, module: Any, inputs: Sequence[int]) -> int:
    source, target = inputs[:2]
    memory = add_leaf(builder, _inside(name, "encoder"), module.encoder, (source,))
    return add_leaf(builder, _inside(name, "decoder"), module.decoder, (target, memory))


def _encoder(builder: Builder, name: str, module: Any, inputs: Sequence[int]) -> int:
    x = inputs[0]
    for at, layer in enumerate(module.layers):
        x = add_leaf(builder, _inside(name, f"layers.{at}"), layer, (x,))
    return x if module.norm is None else add_module(builder, _inside(name, "norm"), module.norm, (x,))


def _decoder(builder: Builder, name: str, module: Any, inputs: Sequence[int]) -> int:
    x, memory = inputs[:2]
    for at, layer in enumerate(module.layers):
        x = add_leaf(builder, _inside(name, f"layers.{at}"), layer, (x, memory))
    return x if module.norm is None else add_module(builder, _inside(name, "norm"), module.norm, (x,))


def _encoder_layer(builder: Builder, name: str, layer: Any, inputs: Sequence[int]) -> int:
    x = _residual(builder, name, layer, inputs[0], 1, lambda h: _mixed(builder, name, layer, "self_attn", (h, h, h)))
    return _residual(builder, name, layer, x, 2, lambda h: _feed_forward(builder, name, layer, h))


def _decoder_layer(builder: Builder, name: str, layer: Any, inputs: Sequence[int]) -> int:
    x, memory = inputs[:2]
    x = _residual(builder, name, layer, x, 1, lambda h: _mixed(builder, name, layer, "self_attn", (h, h, h)))
    seen = (memory, memory)
    x = _residual(builder, name, layer, x, 2, lambda h: _mixed(builder, name, layer, "multihead_attn", (h, *seen)))
    return _residual(builder, name, layer, x, 3, lambda h: _feed_forward(builder, name, layer, h))


def _residual(builder: Builder, name: str, layer: Any, x: int, number: int, branch: Callable[[int], int]) -> int:
    """The sum x + dropout(branch(norm(x))), or norm(x + dropout(branch(x))) with normalisation last."""

    def child(which: str, step: int) -> int:
        return add_module(builder, _inside(name, f"{which}{number}"), getattr(layer, f"{which}{number}"), (step,))

    out = child("dropout", branch(child("norm", x) if layer.norm_first else x))
    total = builder.add(_inside(name, f"add{number}"), Kind.ADD, (x, out))
    return total if layer.norm_first else child("norm", total)


def _mixed(builder: Builder, name: str, layer: Any, which: str, inputs: Sequence[int]) -> int:
    return add_leaf(builder, _inside(name, which), getattr(layer, which), inputs)


def _feed_forward(builder: Builder, name: str, layer: Any, x: int) -> int:
    x = add_module(builder, _inside(name, "linear1"), layer.linear1, (x,))
    x = add_activation(builder, _inside(name, "activation"), layer.activation, x)
    x = add_module(builder, _inside(name, "dropout"), layer.dropout, (x,))
    return add_module(builder, _inside(name, "linear2"), layer.linear2, (x,))


_EXPANDED = (
    (nn.MultiheadAttention, _attention),
    (nn.TransformerEncoderLayer, _encoder_layer),
    (nn.TransformerDecoderLayer, _decoder_layer),
    (nn.TransformerEncoder, _encoder),
    (nn.TransformerDecoder, _decoder),
    (nn.Transformer, _transformer),
    (nn.GLU, lambda builder, name, module, inputs: add_gate(builder, name, module, inputs[:1], module.dim)),
)
