"""Real models are measured as they are, and judged by the theory for what they are.

Statistical statements are z-scores of rows against the spread of their width; Z = 4.5 leaves a correct model out once
in 150 000 layers.
"""

import copy
import dataclasses
import importlib
import math
import warnings

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import eoc
import eoc.diagnose
from eoc.errors import EocError
from eoc.initializers.torch import initialize_
from frameworks.statistics import Z

WIDTH, DEPTH = 512, 14


def mlp(activation, sigma_w, sigma_b, *, width=WIDTH, depth=DEPTH, inputs=64, seed=1):
    """Layers with an activation in between."""
    generator = torch.Generator().manual_seed(seed)
    parts = []
    for _ in range(depth):
        layer = nn.Linear(inputs, width)
        with torch.no_grad():
            layer.weight.normal_(0.0, sigma_w / inputs**0.5, generator=generator)
            layer.bias.normal_(0.0, sigma_b, generator=generator)
        parts += [layer, activation()]
        inputs = width
    return nn.Sequential(*parts[:-1])


def batch(*shape, seed=2):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def z_scores(found):
    """How far q and gradients are from what is expected, in spreads."""
    q = [(row.measured.q / row.expected.q - 1.0) / row.spread for row in found.rows if not row.why]
    gradients = [
        ((row.measured.gradient / row.expected.gradient) ** 2 - 1.0) / row.gradient_spread
        for row in found.rows
        if not row.gradient_why and row.gradient_spread > 0.0  # behind the last layer comes what is measured
    ]
    return np.array(q), np.array(gradients)


@pytest.mark.parametrize(
    ("module", "name", "sigma_w", "sigma_b", "phase"),
    [
        (nn.Tanh, "tanh", 1.0, 1.0, "ordered"),
        (nn.Tanh, "tanh", 1.30414584, 0.2, "critical"),
        (nn.Tanh, "tanh", 2.0, 0.3, "chaotic"),
        (nn.GELU, "gelu", None, 0.6, "critical"),
        (nn.ReLU, "relu", 2.0**0.5, 0.0, "critical"),
        (nn.ReLU, "relu", 1.2, 0.1, "ordered"),
    ],
)
def test_a_deep_network_does_what_the_theory_says_and_the_words_say_so(module, name, sigma_w, sigma_b, phase):
    sigma_w = eoc.edge_of_chaos(name, sigma_b=sigma_b).best.sigma_w if sigma_w is None else sigma_w
    found = eoc.diagnose.torch(mlp(module, sigma_w, sigma_b), batch(8, 64))
    q, gradients = z_scores(found)
    assert len(q) == len(gradients) + 1 == DEPTH
    assert max(abs(q).max(), abs(gradients).max()) < Z
    assert max(abs(q.sum()), abs(gradients.sum())) < Z * (DEPTH - 1) ** 0.5
    for row in found.rows[1:]:  # (1 - c) of means over 28 pairs: a tenth of it is some standard errors
        assert row.measured.one_minus_c == pytest.approx(row.expected.one_minus_c, rel=0.5)

    (stretch,) = found.stretches
    assert stretch.steps == DEPTH - 2  # the last layer is a head
    assert stretch.factor == pytest.approx(stretch.expected_factor, rel=0.02)
    sentence = found.words[0]
    kept = abs(stretch.factor - 1.0) < 0.01
    change = "keep their size" if kept else "shrink by 0." if stretch.factor < 1.0 else "grow by 1."
    assert f"on the way back gradients {change}" in sentence
    assert ("is critical (" if phase == "critical" else f"is in the {phase} phase (") in sentence
    edge = eoc.edge_of_chaos(name, sigma_b=stretch.sigma_b)
    if phase != "critical" and edge.reason is None:
        assert f"sigma_w = {edge.best.sigma_w:.5g} would be critical" in sentence
    elif phase != "critical":
        assert "sigma_w = 1.4142 with sigma_b = 0 alone is critical for relu" in sentence
    xi = eoc.phase_of(name, stretch.sigma_w, stretch.sigma_b, 1.0).xi_c
    assert any("6 xi_c" in line for line in found.words) == (phase == "ordered" and 6.0 * xi < DEPTH - 2)


def test_the_whole_prediction_starts_at_the_first_layer_and_ends_near_the_last():
    found = eoc.diagnose.torch(mlp(nn.Tanh, 1.0, 1.0, width=1024, depth=10), batch(8, 64))
    first, last = found.rows[0], found.rows[-1]
    assert first.predicted.q == pytest.approx(first.measured.q, rel=0.1)  # of these inputs
    assert last.predicted.q == pytest.approx(1.46385089, rel=0.1)
    assert last.predicted.one_minus_c == pytest.approx(last.measured.one_minus_c, rel=0.5)
    assert first.predicted.gradient == pytest.approx(first.measured.gradient, rel=0.3)
    assert first.predicted.gradient / found.rows[-1].measured.gradient == pytest.approx(0.39887901**4.5, rel=0.3)


class Everything(nn.Module):
    """In-place activations, running statistics, dropout, a frozen layer, a shared layer and a spectral norm."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(16, 32)
        self.first.requires_grad_(False)
        self.norm = nn.BatchNorm1d(32)
        self.shared = nn.Linear(32, 32)
        self.spectral = nn.utils.parametrizations.spectral_norm(nn.Linear(32, 32))
        self.dropout = nn.Dropout(0.3)
        self.head = nn.Linear(32, 4)

    def forward(self, x):
        x = F.relu_(self.norm(self.first(x)))
        x = F.relu_(self.shared(x))
        x = torch.tanh_(self.shared(x))
        return self.head(self.dropout(torch.tanh(self.spectral(x))))


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("broken", [False, True])
def test_the_model_is_left_exactly_as_it_was(training, broken):
    model = Everything().train(training)
    model.head.weight.grad = torch.full_like(model.head.weight, 3.0)
    x = batch(6, 16)
    state, inputs = copy.deepcopy(model.state_dict()), x.clone()
    before = torch.get_rng_state()
    if broken:
        with pytest.raises(RuntimeError, match="on purpose"):
            eoc.diagnose.torch(model, x, loss=fail)
    else:
        eoc.diagnose.torch(model, x)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(x, inputs)
    assert not x.requires_grad
    after = model.state_dict()
    assert list(after) == list(state)
    assert all(torch.equal(after[name], state[name]) for name in state)
    assert model.training is training
    assert all(not module._forward_hooks for module in model.modules())
    for name, parameter in model.named_parameters():
        assert parameter.requires_grad == (not name.startswith("first"))
        if name == "head.weight":
            assert (parameter.grad == 3.0).all()
        else:
            assert parameter.grad is None


def fail(output):
    raise RuntimeError("on purpose")


def test_every_call_of_a_shared_layer_is_a_row_and_in_place_activations_do_not_matter():
    torch.manual_seed(4)
    model, x = Everything().eval(), batch(6, 16)
    found = eoc.diagnose.torch(model, x)
    assert [row.name for row in found.rows] == ["first", "shared", "shared", "spectral", "head"]
    h = model.first(x).detach()
    assert found.rows[0].measured.q == pytest.approx(float(h.square().mean()), rel=1e-6)
    h = model.shared(F.relu(model.norm(h))).detach()
    assert found.rows[1].measured.q == pytest.approx(float(h.square().mean()), rel=1e-6)
    cosine = F.cosine_similarity(h[:, None], h[None], dim=-1)[np.triu_indices(6, 1)]
    assert found.rows[1].measured.c == pytest.approx(float(cosine.mean()), rel=1e-5)


def test_gradients_are_those_of_autograd():
    torch.manual_seed(5)
    first, second = nn.Linear(5, 7), nn.Linear(7, 3)
    x, target = batch(4, 5), batch(4, 3, seed=9)
    h = first(x).detach().requires_grad_()
    (gradient,) = torch.autograd.grad(F.mse_loss(second(torch.tanh(h)), target), h)
    model = nn.Sequential(first, nn.Tanh(), second)
    found = eoc.diagnose.torch(model, x, loss=lambda output: F.mse_loss(output, target))
    assert found.rows[0].measured.gradient == pytest.approx(float(gradient.square().sum() / 4) ** 0.5, rel=1e-5)


def test_a_convolutional_network_follows_the_maps_with_its_padding():
    generator = torch.Generator().manual_seed(6)
    parts, channels = [], 3
    for stride in (1, 1, 2, 1, 1):
        layer = nn.Conv2d(channels, 128, 3, padding=1, stride=stride, bias=False)
        with torch.no_grad():
            layer.weight.normal_(0.0, (2.0 / layer.weight[0].numel()) ** 0.5, generator=generator)
        parts += [layer, nn.ReLU(inplace=True)]
        channels = 128
    model = nn.Sequential(*parts, nn.Flatten(), nn.Linear(128 * 16, 64))
    found = eoc.diagnose.torch(model, batch(4, 3, 8, 8))
    q, gradients = z_scores(found)
    assert max(abs(q).max(), abs(gradients).max()) < Z
    assert found.rows[0].inside == pytest.approx((22.0 / 24.0) ** 2)  # 22 of 24 places on a side of 8
    assert found.rows[2].inside == pytest.approx((11.0 / 12.0) ** 2)
    assert "is padding" in found.words[0]


def test_a_transposed_convolution_sums_what_its_stride_leaves():
    torch.manual_seed(7)
    up = nn.ConvTranspose1d(64, 256, 4, stride=2, padding=1)
    nn.init.normal_(up.weight, std=1.5 / (64 * 4 / 2) ** 0.5)
    nn.init.zeros_(up.bias)
    found = eoc.diagnose.torch(nn.Sequential(nn.Conv1d(2, 64, 1), nn.ReLU(), up), batch(4, 2, 16))
    row = found.rows[1]
    assert row.sigma_w == pytest.approx(1.5, rel=0.02)
    assert row.inside == pytest.approx(62.0 / 64.0)
    assert abs(row.measured.q / row.expected.q - 1.0) < Z * row.spread


class Residual(nn.Module):
    """A residual stream with an attention layer, normalised before each branch."""

    def __init__(self, width=64):
        super().__init__()
        self.embed = nn.Embedding(20, width)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, 4, batch_first=True)
        self.up, self.down = nn.Linear(width, 512), nn.Linear(512, width)

    def forward(self, tokens):
        x = self.embed(tokens)
        y = self.norm1(x)
        x = x + self.attention(y, y, y, need_weights=False)[0]
        return x + self.down(F.gelu(self.up(self.norm2(x))))


def test_a_transformer_is_measured_and_what_the_maps_do_not_know_is_said():
    torch.manual_seed(8)
    tokens = torch.randint(20, (5, 7), generator=torch.Generator().manual_seed(1))
    found = eoc.diagnose.torch(Residual(), {"tokens": tokens})
    up, down = (next(row for row in found.rows if row.name == name) for name in ("up", "down"))
    assert abs(up.measured.q / up.expected.q - 1.0) < Z * up.spread  # the norm makes q 1, whatever it was
    assert up.expected.one_minus_c == pytest.approx(up.measured.one_minus_c, rel=0.2)  # from how many tokens differ
    assert abs(down.measured.q / down.expected.q - 1.0) < Z * down.spread
    assert found.stretches == ()
    assert [row.name for row in found.rows[:4]] == [f"attention.{part}" for part in ("q", "k", "v", "out_proj")]
    for row in found.rows[:3]:
        assert abs(row.measured.q / row.expected.q - 1.0) < Z * row.spread
    (attention,) = found.attention
    assert (attention.name, attention.tokens) == ("attention", 7)
    assert attention.evenness > 0.9
    assert 0.1 < attention.kept < 0.4  # 1/7, and more for tokens that come twice
    assert "gradients" in " ".join(found.words)


class Stream(nn.Module):
    """Residual branches without normalisation."""

    def __init__(self, width=512, blocks=3):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(width, width) for _ in range(2 * blocks))
        self.first = nn.Linear(64, width)
        self.last = nn.Linear(width, width)

    def forward(self, x):
        x = self.first(x)
        for inner, outer in zip(self.layers[::2], self.layers[1::2], strict=True):
            x = x + outer(torch.tanh(inner(torch.tanh(x))))
        return self.last(torch.tanh(x))


def test_residual_branches_add_variances_and_gradients():
    torch.manual_seed(9)
    found = eoc.diagnose.torch(Stream(), batch(8, 64))
    q, gradients = z_scores(found)
    assert len(q) == len(gradients) + 1 == len(found.rows)
    assert max(abs(q).max(), abs(gradients).max()) < Z


class Branching(nn.Module):
    """Decides by its data, so that it cannot be traced."""

    def __init__(self):
        super().__init__()
        self.parts = mlp(nn.Tanh, 1.0, 1.0, depth=4)

    def forward(self, x):
        return self.parts(x) if x.sum() > -1e9 else x


def test_what_cannot_be_traced_is_read_as_it_runs():
    found = eoc.diagnose.torch(Branching(), batch(8, 64))
    traced = eoc.diagnose.torch(Branching().parts, batch(8, 64))
    assert [row.measured for row in found.rows] == [row.measured for row in traced.rows]
    assert [row.expected for row in found.rows] == [row.expected for row in traced.rows]


class Again(nn.Module):
    """A layer that is called as often as the data ask for."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(64, 64)

    def forward(self, x):
        for _ in range(3 if x.sum() > -1e9 else 1):
            x = torch.tanh(self.layer(x))
        return x


def test_as_many_calls_as_the_data_ask_for_are_measured():
    found = eoc.diagnose.torch(Again(), batch(8, 64), activation="tanh")
    assert [row.name for row in found.rows] == ["layer"] * 3
    assert all(math.isfinite(row.measured.gradient) for row in found.rows)
    assert not any(row.why for row in found.rows)


def test_dead_units_zero_gradients_and_wrong_variances_are_named():
    model = mlp(nn.ReLU, 1.0, 0.0, width=32, depth=4)
    nn.init.constant_(model[2].bias, -100.0)
    words = " ".join(eoc.diagnose.torch(model, batch(4, 64)).words)
    assert "layer 2 (2): relu is flat at 100% of the units" in words
    assert "layers 1 to 3 (0 to 4): gradients are exactly zero" in words
    assert "layers 3 to 4 (4 to 6): pre-activations are all zero" in words
    model = mlp(nn.Tanh, 1.5, 0.0, depth=4)
    with torch.no_grad():
        model[4].weight[:] = model[4].weight[0]  # all units the same
    off = [line for line in eoc.diagnose.torch(model, batch(4, 64)).words if "more than chance" in line]
    assert off


def test_whatever_is_zero_is_named_and_nothing_else_breaks():
    model = mlp(nn.Tanh, 1.0, 0.0, width=32, depth=5)
    nn.init.zeros_(model[-1].weight)
    words = eoc.diagnose.torch(model, batch(4, 64)).words
    assert words[0] == "layer 5 (8): weights are all zero."
    assert words[2] == "layers 1 to 4 (0 to 6): gradients are exactly zero."
    for layers, sigma_w in ((40, 1e-3), (10, 0.3)):
        dying = eoc.diagnose.torch(
            mlp(nn.Softshrink if layers == 10 else nn.ReLU, sigma_w, 0.0, width=32, depth=layers), batch(4, 64)
        )
        assert "pre-activations are all zero" in dying.words[0]
        assert len(dying.words) <= 8


def test_a_gradient_that_is_no_number_is_not_one_that_does_not_arrive():
    model, x = mlp(nn.Tanh, 1.0, 1.0, width=32, depth=4), batch(4, 64)
    broken = eoc.diagnose.torch(model, x, loss=lambda y: y.sum() * math.nan)
    assert broken.words[0] == "layers 1 to 4 (0 to 6): gradients are not finite."
    cut = eoc.diagnose.torch(model, x, loss=lambda y: y.detach().sum())
    assert cut.words[0] == "layers 1 to 4 (0 to 6): no gradient arrives."
    assert [row.reached for row in (*broken.rows, *cut.rows)] == [True] * 4 + [False] * 4


def test_many_reasons_are_few_sentences():
    parts = [part for _ in range(12) for part in (nn.Linear(64, 64), nn.ReLU(), nn.MaxPool1d(1), nn.LayerNorm(64))]
    found = eoc.diagnose.torch(nn.Sequential(*parts, nn.Linear(64, 3)), batch(4, 64))
    assert len(found.words) <= 8
    assert sum("normalisation comes" in line for line in found.words) <= 2


def test_overflow_is_named():
    model = mlp(nn.ReLU, 2.0, 0.0, width=16, depth=4)
    with torch.no_grad():
        model[4].weight.fill_(math.inf)
    words = " ".join(eoc.diagnose.torch(model, batch(4, 64)).words)
    assert "layers 3 to 4 (4 to 6): pre-activations are not finite" in words


def test_heads_and_other_weights_do_not_count_as_layers_of_a_stretch():
    model = mlp(nn.Tanh, 1.30414584, 0.2, depth=12).append(nn.Tanh()).append(nn.Linear(WIDTH, 10))
    initialize_(model, sigma_b=0.2, generator=torch.Generator().manual_seed(0))
    (one,) = eoc.diagnose.torch(model, batch(8, 64)).stretches
    assert one.rows == tuple(range(12))
    assert one.factor == pytest.approx(1.0, abs=0.03)
    with torch.no_grad():
        model[12].weight *= 3.0
    found = eoc.diagnose.torch(model, batch(8, 64))
    assert [one.rows for one in found.stretches] == [tuple(range(6)), tuple(range(6, 12))]
    for one in found.stretches:
        assert one.sigma_w == pytest.approx(1.30414584, rel=0.02)
        assert one.factor == pytest.approx(one.expected_factor, rel=0.03)


def test_a_phase_that_the_layers_are_not_in_yet_is_explained():
    found = eoc.diagnose.torch(mlp(nn.GELU, 1.4, 0.0, depth=12), batch(8, 64))
    (stretch,) = found.stretches
    assert stretch.expected_factor > 1.1 * stretch.phase.chi_1**0.5
    assert "but 0 at depth, where gradients shrink by 0.7" in found.words[1]
    layer = mlp(nn.GELU, 1.4, 0.0, inputs=256, width=256, depth=1)[0]
    again = nn.Sequential(*[part for _ in range(8) for part in (layer, nn.GELU())])
    assert "share weights" in eoc.diagnose.torch(again, batch(4, 256)).words[1]
    near = mlp(nn.Tanh, 1.30414584, 0.2, depth=12)  # its variance is that of depth from the start
    assert len(eoc.diagnose.torch(near, batch(8, 64)).words) == 1


def test_one_sample_and_half_precision_are_measured():
    model = mlp(nn.Tanh, 1.0, 1.0, width=128, depth=5).bfloat16()
    found = eoc.diagnose.torch(model, batch(1, 64).bfloat16())
    assert all(math.isnan(row.measured.c) and math.isfinite(row.measured.gradient) for row in found.rows)
    assert any("at least two samples" in line for line in found.words)
    pair = eoc.diagnose.torch(model, batch(4, 64).bfloat16())
    exact = eoc.diagnose.torch(copy.deepcopy(model).double(), batch(4, 64).bfloat16().double())
    assert pair.rows[-1].measured.q == pytest.approx(exact.rows[-1].measured.q, rel=0.02)


def test_sequences_that_layers_take_flattened_keep_their_samples():
    class Flat(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(6, 50)

        def forward(self, x):
            return self.layer(x.flatten(0, 1))

    model, x = Flat(), batch(3, 4, 6)
    flat, whole = eoc.diagnose.torch(model, x), eoc.diagnose.torch(nn.Sequential(model.layer), x)
    assert flat.rows[0].measured.c == pytest.approx(whole.rows[0].measured.c)


class Own(nn.Linear):
    """A forward of the user's own, which may do more than the layer."""

    def __init__(self, layer, factor=1.0):
        super().__init__(layer.in_features, layer.out_features)
        self.load_state_dict(layer.state_dict())
        self.factor = factor

    def forward(self, x):
        out = F.linear(x, self.weight, self.bias)
        return out if self.factor == 1.0 else self.factor * out


class Turned(nn.Module):
    """Weights with their inputs first, as in GPT-2."""

    def __init__(self, layer):
        super().__init__()
        self.weight, self.bias = nn.Parameter(layer.weight.T.contiguous()), layer.bias

    def forward(self, x):
        return torch.addmm(self.bias, x, self.weight)


@dataclasses.dataclass
class Output:
    logits: torch.Tensor
    loss: None = None


class Wrapped(nn.Module):
    """Returns a dataclass, and calls a layer by keyword."""

    def __init__(self, model):
        super().__init__()
        self.model, self.head = model, nn.Linear(32, 32)

    def forward(self, x):
        return Output(self.head(input=torch.tanh(self.model(x))))


def test_layers_are_measured_wherever_their_weight_is_applied():
    model, x = mlp(nn.Tanh, 1.0, 1.0, width=32, depth=3), batch(4, 64)
    plain = eoc.diagnose.torch(model, x)
    for own in (Own, Turned):
        found = eoc.diagnose.torch(nn.Sequential(own(model[0]), nn.Tanh(), own(model[2]), nn.Tanh(), model[4]), x)
        for row, same in zip(found.rows, plain.rows, strict=True):
            assert row.sigma_w == pytest.approx(same.sigma_w)
            for values, others in ((row.measured, same.measured), (row.expected, same.expected)):
                assert dataclasses.astuple(values) == pytest.approx(dataclasses.astuple(others), rel=1e-4, nan_ok=True)
    own = nn.Sequential(model[0], nn.Tanh(), Own(model[2], 2.0), nn.Tanh(), model[4])
    found = eoc.diagnose.torch(own, x)  # what the layer in it hands on, before the factor
    assert found.rows[1].measured.q == pytest.approx(plain.rows[1].measured.q)
    assert found.rows[2].expected.q > 1.1 * plain.rows[2].expected.q


def test_dataclasses_and_keywords_are_followed():
    found = eoc.diagnose.torch(Wrapped(mlp(nn.Tanh, 1.0, 1.0, width=32, depth=3)), batch(4, 64))
    assert len(found.rows) == 4
    assert all(row.reached for row in found.rows)


def test_inaccurate_theory_is_a_sentence_and_no_warning(monkeypatch):
    module = importlib.import_module("eoc.diagnose.run")
    known = module.stretches

    def rough(*arguments):
        warnings.warn("achieved 1e-3 of its scale", eoc.AccuracyWarning, stacklevel=1)
        return known(*arguments)

    monkeypatch.setattr(module, "stretches", rough)
    found = eoc.diagnose.torch(mlp(nn.SELU, 1e3, 0.0, width=32, depth=2), batch(2, 64))
    assert "The theory has fewer digits than usual: achieved 1e-3 of its scale." in found.words


def test_one_layer_has_its_words():
    assert "no depth" in eoc.diagnose.torch(nn.Linear(64, 32), batch(4, 64)).words[0]


def test_a_diagnosis_is_a_table_and_plain_data():
    found = eoc.diagnose.torch(mlp(nn.Tanh, 1.0, 1.0, width=32, depth=3), batch(4, 64))
    lines = str(found).splitlines()
    assert lines[:3] == [found.verdict, "", "all layers: Linear"]
    assert "64 -> 32" in lines[4]
    assert lines[7] == ""
    assert lines[-1] == found.remedy
    data = found.to_dict()
    assert [layer["measured"]["q"] for layer in data["layers"]] == [row.measured.q for row in found.rows]
    assert data["stretches"][0]["phase"] == "ordered"
    assert data["stretches"][0]["why"] == ""
    wide = str(eoc.diagnose.torch(mlp(nn.Tanh, 1.0, 0.1, depth=12), batch(4, 64))).splitlines()[2:16]
    assert max(map(len, wide)) <= 80


def test_the_same_seed_gives_the_same_diagnosis():
    model, x = Everything(), batch(6, 16)
    first, second, other = (eoc.diagnose.torch(model, x, seed=seed).to_dict() for seed in (1, 1, 2))
    assert repr(first) == repr(second) != repr(other)


@pytest.mark.parametrize(
    ("model", "x", "options", "message"),
    [
        (nn.Linear(3, 2), np.zeros((2, 3)), {}, "torch.from_numpy"),
        (nn.Linear(3, 2), torch.zeros(0, 3), {}, "at least one sample"),
        (nn.Linear(3, 2), torch.zeros(2, 4), {}, "cannot take this batch"),
        (nn.Tanh(), torch.zeros(2, 4), {}, "no Linear layer or convolution"),
        (nn.Linear(3, 2, device="meta"), torch.zeros(2, 3), {}, "meta device"),
        (nn.Linear(3, 2), torch.zeros(2, 3), {"loss": lambda y: y}, "one number"),
        (nn.Linear(3, 2), torch.zeros(2, 3), {"loss": lambda y: 1.0}, "one number"),
        (torch.tanh, torch.zeros(2, 3), {}, "torch.nn.Module"),
        (nn.Linear(3, 2), torch.zeros(2, 3), {"loss": 3}, "loss must be a function"),
        *(
            (nn.Linear(3, 2), torch.zeros(2, 3), {"seed": seed}, "whole number from 0")
            for seed in ("a", 1.5, 2**64, -1)
        ),
    ],
)
def test_what_cannot_be_measured_is_refused(model, x, options, message):
    with pytest.raises(EocError, match=message):
        eoc.diagnose.torch(model, x, **options)


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
def test_models_without_outputs_and_with_a_number_as_output_are_diagnosed():
    class Loss(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = nn.Linear(8, 8), nn.Linear(8, 1)

        def forward(self, x):
            return self.two(torch.tanh(self.one(x))).square().mean()

    empty = nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 0))
    assert "cannot train" in str(eoc.diagnose.torch(empty, torch.randn(4, 8)))
    assert len(eoc.diagnose.torch(Loss(), torch.randn(4, 8)).rows) == 2
