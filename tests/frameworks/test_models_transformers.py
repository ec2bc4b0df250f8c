"""Attention and transformers, PyTorch's and others, are read as their layers, sums and normalisations."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from eoc.models.steps import Kind
from eoc.models.torch.read import read
from tests.frameworks.reading import shown, unseen
from tests.frameworks.reading_models import Transformer


@pytest.mark.parametrize("how", ["module", "fused", "buffer", "made"])
def test_a_pre_norm_transformer_is_a_trunk_with_branches(how):
    model = Transformer(how)
    reading = read(model)
    lines = [line for line in shown(reading) if "reshaping" not in line]
    assert reading.traced, reading.problem
    assert lines[:4] == [
        "ids: input",
        "tokens: embedding of ids",
        "places: embedding",
        "add: addition of tokens, places",
    ]
    branch = next(at for at, line in enumerate(lines) if line.startswith("blocks.0.norm2"))
    trunk = lines[branch].removeprefix("blocks.0.norm2: normalisation of ")
    assert lines[branch - 1].startswith(f"{trunk}: addition of add, blocks.0.attention.out")
    assert lines[branch + 1 : branch + 4] == [
        "blocks.0.fc1: layer of blocks.0.norm2",
        "gelu: activation gelu of blocks.0.fc1",
        "blocks.0.fc2: layer of gelu",
    ]
    assert lines[branch + 4].endswith(f": addition of {trunk}, blocks.0.fc2")
    attention = [step for step in reading.steps if step.kind is Kind.ATTENTION]
    assert [len(step.inputs) for step in attention] == [3, 3]
    assert reading.steps[-2].affine.weight_name == "tokens.weight"  # tied
    assert not unseen(model, reading)


def test_attention_takes_queries_keys_and_values_from_the_right_rows():
    model = Transformer("module")
    steps = {step.name: step for step in read(model).steps}
    packed = model.blocks[1].attention.in_proj_weight
    for at, letter in enumerate("qkv"):
        affine = steps[f"blocks.1.attention.{letter}"].affine
        assert affine.weight_name == "blocks.1.attention.in_proj_weight"
        assert affine.part == f"rows {8 * at} to {8 * at + 7}"
        assert affine.fan_in == 8.0
        assert affine.weight.data_ptr() == packed[8 * at :].data_ptr()
        assert affine.weight.requires_grad
        assert affine.bias.shape == (8,)


@pytest.mark.parametrize("norm_first", [True, False])
@pytest.mark.parametrize("activation", ["gelu", nn.ELU(0.5)])
def test_transformer_layers_of_torch_are_taken_apart(norm_first, activation):
    layer = nn.TransformerEncoderLayer(8, 2, 16, activation=activation, norm_first=norm_first, batch_first=True)
    model = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
    reading = read(model)
    phi = "gelu" if activation == "gelu" else "elu(alpha=0.5)"
    ends = ["layers.0.linear2: layer of layers.0.dropout", "layers.0.dropout2: dropout of layers.0.linear2"]
    if norm_first:
        rest = ["layers.0.norm2: normalisation of layers.0.add1", "layers.0.linear1: layer of layers.0.norm2"]
        ends += ["layers.0.add2: addition of layers.0.add1, layers.0.dropout2"]
    else:
        rest = ["layers.0.norm1: normalisation of layers.0.add1", "layers.0.linear1: layer of layers.0.norm1"]
        ends += ["layers.0.add2: addition of layers.0.norm1, layers.0.dropout2"]
        ends += ["layers.0.norm2: normalisation of layers.0.add2"]
    rest += [f"layers.0.activation: activation {phi} of layers.0.linear1"]
    lines = shown(reading)
    start = lines.index(rest[0])
    middle = ["layers.0.dropout: dropout of layers.0.activation"]
    assert lines[start : start + len([*rest, *middle, *ends])] == [*rest, *middle, *ends]
    assert not unseen(model, reading)


def test_transformer_layers_have_activations_of_the_users_own():
    class Swish(nn.Module):
        def forward(self, x):
            return x * torch.sigmoid(x)

    steps = read(nn.TransformerEncoderLayer(8, 2, 16, activation=Swish(), batch_first=True)).steps
    own = next(step for step in steps if step.kind is Kind.ACTIVATION)
    assert float(own.activation(1.0)) == pytest.approx(1.0 / (1.0 + math.exp(-1.0)))


def test_decoders_see_the_memory():
    model = nn.Transformer(8, 2, 1, 1, 16, batch_first=True)
    reading = read(model)
    lines = shown(reading)
    assert lines[:2] == ["src: input", "tgt: input"]
    assert "decoder.layers.0.multihead_attn.q: layer of decoder.layers.0.norm1" in lines
    assert "decoder.layers.0.multihead_attn.v: layer of encoder.norm" in lines
    assert not unseen(model, reading)
