"""What is brought together: positions by pooling, units by normalisations, tokens by attention, pieces of units."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from eoc.models.steps import Kind
from eoc.models.torch.read import read
from tests.frameworks.reading import Calls, seeded, steps_of

IMAGES = seeded(2, 3, 16, 16)


def only(steps, kind):
    found = [step for step in steps if step.kind is kind]
    assert len(found) == 1, [(str(step.kind), step.note) for step in steps]
    return found[0]


# --- pooling ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pool", "terms", "largest"),
    [
        (nn.MaxPool2d(2), 4, True),
        (nn.AvgPool2d((2, 3)), 6, False),
        (nn.AdaptiveAvgPool2d(1), 256, False),
        (nn.AdaptiveAvgPool2d((4, None)), 4, False),
        (nn.AdaptiveMaxPool2d(2), 64, True),
        (lambda x: F.max_pool2d(x, 3, 2), 9, True),
        (lambda x: F.avg_pool2d(x, kernel_size=(1, 2)), 2, False),
        (lambda x: F.adaptive_avg_pool2d(x, 1), 256, False),
        (lambda x: x.mean((2, 3)), 256, False),
        (lambda x: x.mean(dim=[-2, -1], keepdim=True), 256, False),
        (lambda x: x.amax((-1, -2)), 256, True),
        (lambda x: x.flatten(2).mean(-1), 256, False),
        (lambda x: x.flatten(2).transpose(1, 2).mean(1), 256, False),
        (lambda x: x.permute(0, 2, 3, 1).mean((1, 2)), 256, False),
        (lambda x: x.flatten(2).max(-1)[0], 256, True),
        (lambda x: x.flatten(2).max(dim=-1).values, 256, True),
        (lambda x: torch.relu(x).mean((2, 3)), 256, False),
    ],
)
def test_pooling_counts_its_positions(pool, terms, largest):
    model = Calls(lambda self, x: pool(self.layer(x)), layer=nn.Conv2d(3, 4, 1))
    step = only(steps_of(model, IMAGES), Kind.POOL)
    assert (step.terms, step.largest) == (terms, largest)


def test_sums_over_positions_are_means_times_their_number():
    steps = steps_of(Calls(lambda self, x: self.layer(x).sum(1), layer=nn.Linear(3, 4)), seeded(2, 7, 3))
    assert only(steps, Kind.POOL).terms == 7
    assert only(steps, Kind.SCALE).slope == 7.0


@pytest.mark.parametrize(
    ("reduce", "layer", "x"),
    [
        (lambda x: x.mean(-1), nn.Linear(3, 4), seeded(2, 7, 3)),
        (lambda x: x.mean(1), nn.Conv2d(3, 4, 1), IMAGES),
        (lambda x: x.flatten(1).sum(1), nn.Conv2d(3, 4, 1), IMAGES),
        (lambda x: x.amax(-1), nn.Linear(3, 4), seeded(2, 3)),
        (lambda x: x.mean(), nn.Linear(3, 4), seeded(2, 3)),
    ],
)
def test_means_over_features_are_no_pooling(reduce, layer, x):
    model = Calls(lambda self, x: reduce(self.layer(x)), layer=layer)
    step = only(steps_of(model, x), Kind.UNKNOWN)
    assert "over features" in step.note


def test_without_shapes_windows_are_known_and_global_pooling_is_not():
    windows = nn.Sequential(nn.Conv2d(3, 4, 1), nn.MaxPool2d(2), nn.AvgPool2d(3), nn.AdaptiveAvgPool2d(1))
    found = [(step.terms, step.largest) for step in read(windows).steps if step.kind is Kind.POOL]
    assert found == [(4, True), (9, False), (None, False)]
    tokens = Calls(lambda self, x: self.layer(x).mean(1), layer=nn.Linear(3, 4))
    assert only(read(tokens).steps, Kind.POOL).terms is None
    features = Calls(lambda self, x: self.layer(x).mean(-1), layer=nn.Linear(3, 4))
    assert only(read(features).steps, Kind.UNKNOWN).note == "the mean over features"


# --- normalisations ---------------------------------------------------------------------------------------------------


class RootMeanSquare(nn.Module):
    def __init__(self, width, around=0.0):
        super().__init__()
        self.weight, self.around = nn.Parameter(torch.ones(width) - around), around

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * (self.around + self.weight)


def by_hand(x):
    x = x - x.mean(-1, keepdim=True)
    return x / (x.var(-1, keepdim=True, unbiased=False) + 1e-5).sqrt()


@pytest.mark.parametrize(
    ("norm", "centred"),
    [
        (nn.LayerNorm(16), True),
        (nn.RMSNorm(16), False),
        (nn.GroupNorm(4, 16), True),
        (nn.BatchNorm1d(16), True),
        (RootMeanSquare(16), False),
        (RootMeanSquare(16, around=1.0), False),
        (lambda x: F.layer_norm(x, (16,)), True),
        (lambda x: F.rms_norm(x, (16,)), False),
        (by_hand, True),
        (lambda x: x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6), False),
        (lambda x: x / (x.norm(dim=-1, keepdim=True) / 4.0), False),
        (lambda x: x / x.pow(2).sum(-1, keepdim=True).div(16).sqrt(), False),
    ],
)
def test_normalisations_say_whether_they_take_away_the_mean(norm, centred):
    own = norm if isinstance(norm, nn.Module) else Calls(lambda self, x: norm(x), _=nn.Identity())
    model = Calls(lambda self, x: torch.tanh(self.norm(self.layer(x))), layer=nn.Linear(3, 16), norm=own)
    for steps in (read(model).steps, steps_of(model, seeded(8, 3))):
        step = only(steps, Kind.NORM)
        assert step.centred is centred
        scales = [step.slope for step in steps if step.kind is Kind.SCALE]
        assert math.prod(scales) == pytest.approx(1.0)
        assert not [step.note for step in steps if step.kind is Kind.UNKNOWN]


def test_vectors_of_length_one_have_small_entries():
    steps = steps_of(Calls(lambda self, x: F.normalize(self.layer(x), dim=-1), layer=nn.Linear(3, 16)), seeded(2, 3))
    assert only(steps, Kind.NORM).shape == (2, 16)
    assert only(steps, Kind.SCALE).slope == pytest.approx(0.25, rel=1e-2)


def test_weights_around_one_have_the_size_that_they_make():
    model = nn.Sequential(nn.Linear(3, 16), RootMeanSquare(16, around=1.0), nn.Linear(16, 2))
    model[1].weight.data.fill_(0.5)
    steps = steps_of(model, seeded(2, 3))
    assert only(steps, Kind.NORM).module is None
    assert only(steps, Kind.SCALE).slope == pytest.approx(1.5)


def test_what_only_looks_like_a_normalisation_is_unknown():
    model = Calls(lambda self, x: (y := self.layer(x)) / (1.0 + y.abs().mean(-1, keepdim=True)), layer=nn.Linear(3, 16))
    assert "all features" in only(steps_of(model, seeded(2, 3)), Kind.UNKNOWN).note


def test_batch_normalisation_is_over_the_batch_in_training():
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    assert only(read(model).steps, Kind.NORM).over_batch
    assert not only(read(model.eval()).steps, Kind.NORM).over_batch
    assert only(read(nn.Sequential(nn.BatchNorm1d(4, track_running_stats=False)).eval()).steps, Kind.NORM).over_batch


# --- attention and pieces ---------------------------------------------------------------------------------------------


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


def masked(how, scores, q, k, v):
    """Attention in which each token sees itself and those before it."""
    t = q.shape[-2]
    lower, far = torch.ones(t, t).tril(), float("-inf")
    if how == "fused":
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)
    if how == "fused with a mask":
        return F.scaled_dot_product_attention(q, k, v, attn_mask=lower.bool())
    if how == "masked_fill":
        return scores.masked_fill(lower == 0, far).softmax(-1) @ v
    if how == "where":
        return torch.where(lower.bool(), scores, far).softmax(-1) @ v
    if how == "add":
        return (scores + torch.full((t, t), -1e9).triu(1)).softmax(-1) @ v
    return (scores + 0.1 * lower).softmax(-1) @ v


@pytest.mark.parametrize("how", ["fused", "fused with a mask", "masked_fill", "where", "add", "not at all"])
def test_causal_attention_is_told_from_others(how):
    def forward(self, x):
        q, k, v = self.q(x), self.k(x), self.v(x)
        return masked(how, q @ k.mT / 2.0, q, k, v)

    steps = steps_of(Calls(forward, **{name: nn.Linear(4, 4) for name in "qkv"}), seeded(2, 6, 4))
    assert only(steps, Kind.ATTENTION).causal is (how != "not at all")


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
