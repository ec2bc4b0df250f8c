"""A model is predicted as it is at random: signals forward, gradients back, and what is not known is said.

Statements compare means over several random models of one kind with the prediction of each: wide ones, so that what
chance leaves is a few percent.
"""

import copy
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import eoc.diagnose
import eoc.predict
from eoc.errors import EocError
from eoc.models.padding import share_inside
from eoc.models.torch.read import read
from eoc.predict.inputs import distances, grouped

SEEDS = range(4)


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


class Residual(nn.Module):
    """Branches around a trunk, with the normalisation before them or behind the sums."""

    def __init__(self, width=256, blocks=3, *, before=True):
        super().__init__()
        self.first, self.before = nn.Linear(64, width), before
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(blocks))
        self.up = nn.ModuleList(nn.Linear(width, 2 * width) for _ in range(blocks))
        self.down = nn.ModuleList(nn.Linear(2 * width, width) for _ in range(blocks))

    def forward(self, x):
        x = self.first(x)
        for norm, up, down in zip(self.norms, self.up, self.down, strict=True):
            x = x + down(F.gelu(up(norm(x)))) if self.before else norm(x + down(F.gelu(up(x))))
        return x


class Gate(nn.Module):
    """SwiGLU."""

    def __init__(self, width=256):
        super().__init__()
        self.up, self.gate, self.down = (nn.Linear(width, width) for _ in range(3))

    def forward(self, x):
        return self.down(F.silu(self.gate(x)) * self.up(x))


class Transformer(nn.Module):
    """Pre-norm blocks with attention."""

    def __init__(self, width=128, blocks=2):
        super().__init__()
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(width, 4, 2 * width, 0.0, batch_first=True, norm_first=True)
            for _ in range(blocks)
        )
        self.head = nn.Linear(width, 32)

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return self.head(x)


def mlp():
    parts = [nn.Linear(64, 256), nn.Tanh()]
    for _ in range(6):
        parts += [nn.Linear(256, 256), nn.Tanh()]
    return nn.Sequential(*parts, nn.Linear(256, 32))


def cnn(norm=False):
    parts, channels = [], 3
    for stride in (1, 2, 1):
        parts += [nn.Conv2d(channels, 64, 3, stride, 1), *([nn.BatchNorm2d(64)] if norm else []), nn.ReLU()]
        channels = 64
    return nn.Sequential(*parts, nn.AvgPool2d(2), nn.Flatten(), nn.Linear(64 * 4, 32))


def in_eight(shape):
    return lambda seed: drawn(8, *shape, seed=seed)


MODELS = {
    "mlp": (mlp, in_eight((64,))),
    "cnn": (cnn, in_eight((3, 8, 8))),
    "batch norm": (lambda: cnn(True), in_eight((3, 8, 8))),
    "pre-norm": (Residual, in_eight((64,))),
    "post-norm": (lambda: Residual(before=False), in_eight((64,))),
    "gate": (lambda: nn.Sequential(Gate(512)), in_eight((512,))),
    "transformer": (Transformer, in_eight((24, 128))),
    "dropout": (
        lambda: nn.Sequential(nn.Linear(64, 512), nn.ReLU(), nn.Dropout(0.5), nn.Linear(512, 32)),
        in_eight((64,)),
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_signals_and_gradients_are_those_of_random_models(name):
    build, inputs = MODELS[name]
    ratios = {"q": [], "gradient": [], "distance": []}
    for seed in SEEDS:
        torch.manual_seed(seed)
        model, x = build(), inputs(seed)
        found = eoc.diagnose.torch(model, x, seed=seed)
        rows = {row.name: row for row in eoc.predict.torch(model, x).rows if row.kind == "layer"}
        assert not [row.name for row in found.rows if row.why or row.gradient_why]
        ratios["q"].append([row.measured.q / rows[row.name].mean_square for row in found.rows])
        ratios["distance"].append([row.measured.one_minus_c / rows[row.name].one_minus_c for row in found.rows])
        relative = [row.measured.gradient / found.output.gradient for row in found.rows]
        ratios["gradient"].append(
            [one / rows[row.name].gradient for one, row in zip(relative, found.rows, strict=True)]
        )
    allowed = {"q": 0.12, "gradient": 0.15, "distance": 0.25}
    for quantity, all_of in ratios.items():
        mean = np.mean(np.log(all_of), axis=0)
        assert abs(mean).max() < allowed[quantity], (quantity, mean.round(2))


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize(
    ("kernel", "settings", "size"),
    [
        (3, {"padding": 1}, 8), (3, {"padding": 1}, 1), (5, {"padding": 2, "stride": 2}, 7), (3, {"padding": 0}, 6),
        (3, {"padding": 2, "dilation": 2}, 6), (4, {"padding": 1, "stride": 2}, 8), (3, {"padding": "same"}, 5),
    ],
)  # fmt: skip
def test_what_is_padding_is_counted(kernel, settings, size, transposed):
    if transposed and settings["padding"] == "same":
        return
    module = (nn.ConvTranspose1d if transposed else nn.Conv1d)(1, 1, kernel, bias=False, **settings)
    nn.init.ones_(module.weight)
    terms = kernel / (settings.get("stride", 1) if transposed else 1)
    counted = float(module(torch.ones(1, 1, size)).mean().detach()) / terms
    assert share_inside(module, (kernel,), (size,), transposed=transposed) == pytest.approx(counted, rel=1e-6)


def test_a_kernel_of_3x3_on_one_pixel_sees_a_ninth():
    model = nn.Sequential(nn.Conv2d(64, 512, 3, padding=1, bias=False))
    row = eoc.predict.torch(model, drawn(16, 64, 1, 1)).rows[1]
    whole = eoc.predict.torch(model).rows[1]
    assert row.mean_square == pytest.approx(whole.mean_square / 9.0, rel=0.1)


def test_largest_values_and_gradients_through_them():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(64, 256, 1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(256, 64, 1))
    found = eoc.diagnose.torch(model, drawn(8, 64, 8, 8))
    first, last = found.rows
    assert last.measured.q == pytest.approx(last.expected.q, rel=0.1)
    assert first.measured.gradient == pytest.approx(first.expected.gradient, rel=0.1)


def test_causal_attention_averages_over_earlier_tokens():
    class Causal(nn.Module):
        def __init__(self):
            super().__init__()
            self.q, self.k, self.v, self.o = (nn.Linear(128, 128, bias=False) for _ in range(4))

        def forward(self, x):
            return self.o(F.scaled_dot_product_attention(self.q(x), self.k(x), self.v(x), is_causal=True))

    torch.manual_seed(1)
    found = eoc.diagnose.torch(Causal(), drawn(8, 64, 128))
    assert found.rows[-1].measured.q == pytest.approx(found.rows[-1].expected.q, rel=0.25)
    harmonic = sum(1.0 / n for n in range(1, 65)) / 64.0
    assert found.attention[0].kept == pytest.approx(harmonic, rel=0.25)


def test_embeddings_are_as_far_apart_as_their_words():
    torch.manual_seed(2)
    model = nn.Sequential(nn.Embedding(50, 256), nn.Linear(256, 64))
    words = torch.randint(50, (4, 32), generator=torch.Generator().manual_seed(0))
    words[1] = words[0]
    found = eoc.diagnose.torch(model, words)
    assert found.rows[0].expected.one_minus_c == pytest.approx(found.rows[0].measured.one_minus_c, rel=0.1)


def test_running_statistics_are_what_they_are():
    torch.manual_seed(3)
    norm = nn.BatchNorm1d(256)
    norm.running_var.fill_(0.25)
    rows = eoc.predict.torch(nn.Sequential(nn.Linear(64, 256), norm).eval(), drawn(8, 64)).rows
    assert rows[2].mean_square == pytest.approx(4.0 * rows[1].mean_square, rel=1e-4)


def test_what_is_known_is_said():
    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.last = nn.Linear(8, 8), nn.Linear(8, 4)

        def forward(self, x):
            return self.last(torch.cumsum(self.first(x), -1))

    found = eoc.predict.torch(Odd(), drawn(4, 8))
    first, last = (next(row for row in found.rows if row.name == name) for name in ("first", "last"))
    assert (str(first.known), str(first.gradient_known)) == ("exact", "unknown")
    assert (str(last.known), str(last.gradient_known)) == ("unknown", "exact")
    assert "cumsum" in last.why
    text = str(found).splitlines()
    assert text[0] == found.verdict
    assert text[-1] == found.remedy
    pooled = eoc.predict.torch(cnn(), drawn(2, 3, 8, 8)).rows[-1]
    assert (str(pooled.known), "positions" in pooled.why) == ("approximate", True)
    assert found.to_dict()["steps"][1]["name"] == "first"


def test_problems_are_named_before_the_model_is_run():
    torch.manual_seed(4)
    deep = nn.Sequential(*[part for _ in range(30) for part in (nn.Linear(64, 64), nn.Tanh())])
    assert "gradients vanish" in eoc.predict.torch(deep, drawn(4, 64)).verdict.lower()
    from eoc.initializers.torch import initialize_

    initialize_(deep, generator=torch.Generator().manual_seed(0))
    assert eoc.predict.torch(deep, drawn(4, 64)).problems == ()


def test_the_model_is_left_as_it_was_and_bad_input_is_refused():
    model = cnn(True)
    state, mode = copy.deepcopy(model.state_dict()), model.training
    eoc.predict.torch(model, drawn(4, 3, 8, 8))
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert model.training is mode
    for bad, options, message in (
        (torch.tanh, {}, "torch.nn.Module"),
        (nn.Linear(2, 2, device="meta"), {}, "meta device"),
        (nn.Linear(2, 2), {"input_variance": 0.0}, "finite number > 0"),
        (cnn(), {"example_inputs": torch.zeros(2, 3)}, "example inputs"),
    ):
        with pytest.raises(EocError, match=message):
            eoc.predict.torch(bad, **options)


def test_inputs_are_grouped_by_size_without_changing_the_mean():
    q = np.random.default_rng(0).exponential(size=13)
    assert grouped(q).size == 8
    assert grouped(q).mean() == pytest.approx(q.mean())
    assert grouped(q[:5]) is not None
    assert grouped(q[:5]).tolist() == q[:5].tolist()
    x = np.random.default_rng(1).standard_normal((3, 40))
    cosine = (x @ x.T) / np.sqrt(np.outer((x * x).sum(1), (x * x).sum(1)))
    assert distances(x @ x.T / 40) == pytest.approx(1.0 - cosine[np.triu_indices(3, 1)])


def test_a_reading_without_inputs_is_predicted_too():
    found = eoc.predict.torch(mlp(), input_variance=2.0)
    assert found.rows[0].mean_square == 2.0
    assert all(math.isnan(row.one_minus_c) for row in found.rows)
    assert len(found.rows) == len(read(mlp()).steps)


def test_weights_that_are_not_random_are_said():
    model = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 8))
    assert all(str(row.known) == "exact" for row in eoc.predict.torch(model).rows)
    with torch.no_grad():
        model[2].weight.abs_()
    behind = [row for row in eoc.predict.torch(model).rows if row.name in ("2", "3", "4")]
    assert all("weights whose mean is not 0" in row.why for row in behind)
