"""Attention however it is written: its tokens, masks and scores, and which pieces of units it takes."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from eoc.models.steps import Kind
from eoc.models.torch.read import read
from tests.frameworks.reading import Calls, seeded, steps_of


def only(steps, kind):
    found = [step for step in steps if step.kind is kind]
    assert len(found) == 1, [(str(step.kind), step.note) for step in steps]
    return found[0]


def attention(how):
    """Of four heads over six tokens."""

    def forward(self, x):
        b, t, c = x.shape
        q, k, v = _parts(how, self.qkv(x), b, t, c)
        if how == "einsum":
            weights = torch.softmax(torch.einsum("bhqd,bhkd->bhqk", q, k) * (c // 4) ** -0.5, -1)
            y = torch.einsum("bhqk,bhkd->bhqd", weights, v)
        elif how == "bmm":
            q, k, v = (each.reshape(b * 4, t, -1) for each in (q, k, v))
            weights = torch.baddbmm(torch.zeros(b * 4, t, t), q, k.transpose(1, 2), alpha=0.5).softmax(-1)
            y = torch.bmm(F.dropout(weights, 0.1, self.training), v).view(b, 4, t, -1)
        elif how == "fused":
            y = F.scaled_dot_product_attention(q, k, v)
        else:
            y = (q @ k.transpose(-2, -1) / 2.0 + self.bias(torch.ones(1, 1, 1, 1)).view(1, 4, 1, 1)).softmax(-1) @ v
        return self.out(y.transpose(1, 2).reshape(b, t, c))

    return Calls(forward, qkv=nn.Linear(16, 48), out=nn.Linear(16, 16), bias=nn.Linear(1, 4))


def _parts(how, x, b, t, c):
    if how == "einsum":
        return x.reshape(b, t, 3, 4, c // 4).permute(2, 0, 3, 1, 4).unbind(0)
    if how == "bmm":
        x = x.view(b, t, 3, 4, c // 4).permute(2, 0, 3, 1, 4)
        return x[0], x[1], x[2]
    if how == "fused":
        return (each.view(b, t, 4, c // 4).transpose(1, 2) for each in x.split(c, -1))
    return (x[..., k * c : (k + 1) * c].view(b, t, 4, c // 4).transpose(1, 2) for k in range(3))


@pytest.mark.parametrize("how", ["einsum", "bmm", "fused", "biased"])
def test_attention_is_seen_however_it_is_written(how):
    steps = steps_of(attention(how), seeded(2, 6, 16))
    found = only(steps, Kind.ATTENTION)
    assert (found.terms, found.causal) == (6, False)
    assert found.sharpness == pytest.approx(1.0)
    assert len(found.inputs) == (4 if how == "biased" else 3)
    pieces = []
    for at in (*found.inputs[:2], found.inputs[-1]):
        step = steps[at]
        while step.kind is not Kind.LAYER:
            pieces += [] if step.piece is None else [step.piece]
            step = steps[step.inputs[0]]
        assert step.name == "qkv"
    assert pieces == [0, 1, 2]
    assert [step.name for step in steps if step.kind is Kind.LAYER][-1] == "out"


def fused(q, k, v, mask):
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)


LOWER = torch.ones(6, 6).tril()
FAR = float("-inf")
# Attention of scores s, queries, keys and values in which each token sees itself and those before it.
CAUSAL = {
    "fused": lambda s, q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True),
    "fused with a mask": lambda s, q, k, v: fused(q, k, v, LOWER.bool()),
    "masked_fill": lambda s, q, k, v: s.masked_fill(LOWER == 0, FAR).softmax(-1) @ v,
    "where": lambda s, q, k, v: torch.where(LOWER.bool(), s, FAR).softmax(-1) @ v,
    "add": lambda s, q, k, v: (s + torch.full((6, 6), -1e9).triu(1)).softmax(-1) @ v,
    "with padding": lambda s, q, k, v: fused(q, k, v, LOWER.bool() & (q[..., :1].mT > -100.0)),
    "padding added": lambda s, q, k, v: (s + (q[..., :1].mT - 1e9).where(LOWER == 0, 0.0)).softmax(-1) @ v,
}
OTHERS = {
    "biased": lambda s, q, k, v: (s + 0.1 * LOWER).softmax(-1) @ v,
    "plain": lambda s, q, k, v: fused(q, k, v, None),
}


@pytest.mark.parametrize("how", [*CAUSAL, *OTHERS])
def test_causal_attention_is_told_from_others(how):
    def forward(self, x):
        q, k, v = self.q(x), self.k(x), self.v(x)
        return (CAUSAL | OTHERS)[how](q @ k.mT / 2.0, q, k, v)

    steps = steps_of(Calls(forward, **{name: nn.Linear(4, 4) for name in "qkv"}), seeded(2, 6, 4))
    assert only(steps, Kind.ATTENTION).causal is (how in CAUSAL)


@pytest.mark.parametrize(
    ("function", "sharpness"),
    [
        (lambda q, k, v: F.scaled_dot_product_attention(q, k, v, scale=1.0), 4.0),
        (F.scaled_dot_product_attention, 1.0),
        (lambda q, k, v: (q @ k.mT).softmax(-1) @ v, 4.0),
        (lambda q, k, v: (q @ k.mT / 16.0).softmax(-1) @ v, 0.25),
        (lambda q, k, v: (q * 0.25 @ k.mT).softmax(-1) @ v, 4.0),  # the queries are smaller
    ],
)
def test_scores_that_are_not_over_the_root_of_the_width_are_sharper_or_not(function, sharpness):
    model = Calls(lambda self, x: function(self.q(x), self.k(x), self.v(x)), **{n: nn.Linear(4, 16) for n in "qkv"})
    assert only(steps_of(model, seeded(2, 6, 4)), Kind.ATTENTION).sharpness == pytest.approx(sharpness)


def test_masks_of_modules_count_for_their_own_tokens():
    model = Calls(
        lambda self, x: self.layer(x, x, tgt_mask=nn.Transformer.generate_square_subsequent_mask(5)),
        layer=nn.TransformerDecoderLayer(8, 2, 16, batch_first=True),
    )
    own, memory = (step for step in steps_of(model, seeded(2, 5, 8)) if step.kind is Kind.ATTENTION)
    assert (own.causal, memory.causal) == (True, False)
    assert (own.terms, memory.terms) == (5, 5)


@pytest.mark.parametrize("separate", [True, False])
def test_the_function_behind_multihead_attention_is_taken_apart(separate):
    """As the attention pooling of CLIP calls it."""

    def forward(self, x):
        layers = (self.q, self.k, self.v)
        weights = {f"{name}_proj_weight": layer.weight for name, layer in zip("qkv", layers, strict=True)}
        packed = {"in_proj_weight": None, **weights} if separate else {"in_proj_weight": self.packed}
        bias = torch.cat([layer.bias for layer in layers])
        settings = {"dropout_p": 0.0, "training": False, "use_separate_proj_weight": separate}
        out = {"out_proj_weight": self.out.weight, "out_proj_bias": self.out.bias}
        nothing = {"bias_k": None, "bias_v": None, "add_zero_attn": False, "in_proj_bias": bias}
        return F.multi_head_attention_forward(x[:1], x, x, 8, 2, **packed, **nothing, **settings, **out)[0]

    model = Calls(forward, **{name: nn.Linear(8, 8) for name in ("q", "k", "v", "out")})
    model.packed = nn.Parameter(seeded(24, 8))
    steps = steps_of(model, seeded(6, 2, 8))
    affines = [step.affine for step in steps if step.affine]
    names = ["q.weight", "k.weight", "v.weight"] if separate else ["packed"] * 3
    assert [affine.weight_name for affine in affines] == [*names, "out.weight"]
    assert [affine.part for affine in affines][1] == ("" if separate else "rows 8 to 15")
    assert [affine.bias is None for affine in affines] == [True] * 3 + [False]  # those are added
    assert (only(steps, Kind.ATTENTION).terms, only(steps, Kind.ATTENTION).shape) == (6, (1, 2, 8))
    assert steps[-2].shape == (1, 2, 8)


def test_pieces_of_units_are_told_apart_and_positions_are_none():
    def forward(self, x):
        y = self.layer(x)
        a, b = y.chunk(2, -1)
        return (a * torch.sigmoid(b))[:, 0] + y[..., :4].mean(1) + y[:, 1, 4:]

    model = Calls(forward, layer=nn.Linear(3, 8))
    steps = steps_of(model, seeded(2, 5, 3))
    found = [(step.shape, step.piece) for step in steps if step.kind is Kind.SAME and step.shape]
    assert found == [((2, 5, 4), 0), ((2, 5, 4), 1), ((2, 4), None), ((2, 5, 4), 0), ((2, 4), 1)]
    gates = Calls(lambda self, x: (y := self.layer(x))[..., :4] * torch.tanh(y[..., 4:]), layer=nn.Linear(3, 8))
    for steps in (read(gates).steps, steps_of(gates, seeded(2, 3))):
        assert [step.piece for step in steps if step.kind is Kind.SAME] == [0, 1]


def rotated(x, cos, sin):
    half = x.shape[-1] // 2
    return x * cos + torch.cat([-x[..., half:], x[..., :half]], -1) * sin


def test_rotations_by_positions_keep_what_they_turn():
    def forward(self, x):
        angles = torch.outer(torch.arange(x.shape[1]).float(), torch.tensor([1.0, 0.1])).repeat(1, 2)
        q, k, v = (layer(x) for layer in (self.q, self.k, self.v))
        q, k = (rotated(each, angles.cos(), angles.sin()) for each in (q, k))
        return F.scaled_dot_product_attention(q, k, v)

    model = Calls(forward, **{name: nn.Linear(8, 4) for name in ("q", "k", "v")})
    steps = steps_of(model, seeded(2, 6, 8))
    assert [str(step.kind) for step in steps] == [
        "input",
        "layer",
        "layer",
        "layer",
        *["reshaping"] * 2,
        "attention",
        "output",
    ]
    assert steps[4].note == "turned by an angle for each position"


def test_memory_of_keys_without_a_product_still_weighs_values():
    def forward(self, x):
        weights = self.scores(x).softmax(1)
        return weights.transpose(1, 2) @ self.values(x)

    steps = steps_of(Calls(forward, scores=nn.Linear(8, 2), values=nn.Linear(8, 4)), seeded(2, 6, 8))
    found = only(steps, Kind.ATTENTION)
    assert [steps[at].name for at in found.inputs] == ["scores", "values"]
