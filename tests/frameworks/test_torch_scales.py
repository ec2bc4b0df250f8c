"""Sizes of tables, of last layers and of standardised weights, and gradients that are foreseen."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from torch import nn
from torch.nn import functional

from eoc.errors import EocError
from eoc.initializers.plan.foreseen import gradients_of
from eoc.initializers.plan.plan import Plan
from eoc.initializers.plan.settings import Settings
from eoc.initializers.torch import initialize_
from eoc.initializers.torch.parameters import TorchParameters
from eoc.models.torch.read import read


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


class Words(nn.Module):
    """A table, a normalisation and a head, which may be tied to the table, and is multiplied by a number."""

    def __init__(self, norm: nn.Module, tied: bool, factor: float = 1.0) -> None:
        super().__init__()
        self.table, self.norm, self.head = nn.Embedding(50, 256), norm, nn.Linear(256, 50, bias=False)
        self.factor = factor
        if tied:
            self.head.weight = self.table.weight

    def forward(self, tokens):
        return self.factor * self.head(self.norm(self.table(tokens)))


@pytest.mark.parametrize(
    ("model", "std"),
    [
        (Words(nn.LayerNorm(256), tied=False), 1.0 / 16.0),  # as large as the weights of layers
        (Words(nn.Identity(), tied=False), 1.0),
        (Words(nn.LayerNorm(256), tied=True), 1.0 / 16.0),
        (Words(nn.LayerNorm(256), tied=True, factor=0.25), 4.0 / 16.0),  # as the head has to be
    ],
)
def test_tables(model, std):
    row = next(row for row in initialize_(model, generator=seeded()).rows if row.rule == "embedding")
    assert row.std == pytest.approx(std)
    logits = model(torch.arange(50)[None]).detach()
    logits.diagonal(dim1=1, dim2=2).zero_()  # of tied ones those of the word itself are large
    assert float(logits.square().mean()) == pytest.approx(1.0, rel=0.15)


class Sine(nn.Module):
    def forward(self, x):
        return torch.sin(30.0 * x)


@pytest.mark.parametrize(("phi", "q"), [(nn.Tanh, 1.0), (nn.GELU, 1.0), (Sine, 1.0 / 900.0)])
def test_the_last_hidden_layer_is_at_the_variance_where_its_activation_bends(phi, q):
    layers = [part for _ in range(4) for part in (nn.Linear(64, 64), phi())]
    row = initialize_(nn.Sequential(*layers, nn.Linear(64, 3)), generator=seeded()).rows[6]
    assert row.rule == "once"
    assert row.power * row.fan_in * row.std**2 == pytest.approx(q)


@pytest.mark.parametrize("phi", [nn.Tanh, nn.SELU])
def test_gradients_of_weights_are_foreseen(phi):
    sizes = (100, 500, 400, 600, 10)
    parts = [part for a, b in pairwise(sizes) for part in (nn.Linear(a, b), phi())]
    model = nn.Sequential(*parts[:-1])
    foreseen = gradients_of(Plan(TorchParameters(model), read(model), Settings(weights="gaussian")))
    initialize_(model, weights="gaussian", generator=seeded())
    y = model(torch.randn(200, 100, generator=seeded(1)))
    (y * torch.randn(y.shape, generator=seeded(2))).sum().backward()
    measured = {name: float(model.get_parameter(name).grad.norm()) for name in foreseen}
    for name in ("0.weight", "2.weight", "4.weight"):
        ratio = measured[name] / measured["6.weight"]
        assert foreseen[name] / foreseen["6.weight"] == pytest.approx(ratio, rel=0.15)


def test_vanishing_gradients_are_foreseen_without_data():
    layers = [part for _ in range(30) for part in (nn.Linear(64, 64), nn.Tanh())]
    report = initialize_(nn.Sequential(*layers, nn.Linear(64, 3)), sigma_w=0.9, sigma_b=0.5, generator=seeded())
    with pytest.raises(EocError, match=r"gradients vanish .* 0\.weight"):
        report.assert_healthy()


class Standardised(nn.Conv2d):
    """The filters have mean 0 and a size that a gain sets, as in networks without normalisation."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 3, padding=1, padding_mode="circular")
        self.gain = nn.Parameter(torch.ones(outputs, 1, 1, 1))

    def forward(self, x):
        w = self.weight - self.weight.mean((1, 2, 3), keepdim=True)
        w = self.gain * w / w.square().mean((1, 2, 3), keepdim=True).sqrt()
        return functional.conv2d(functional.pad(x, (1, 1, 1, 1), "circular"), w, self.bias)


def standardised() -> nn.Sequential:
    torch.manual_seed(0)
    first = nn.Conv2d(3, 64, 3, padding=1, padding_mode="circular")
    return nn.Sequential(first, nn.ReLU(), Standardised(64, 64), nn.ReLU(), Standardised(64, 64))


def test_standardised_filters_are_set_by_their_gains_and_see_no_mean():
    model = standardised()
    before = model[2].weight.detach().clone()
    initialize_(model, weights="gaussian", generator=seeded())
    assert torch.equal(model[2].weight, before)
    x = torch.randn(32, 3, 8, 8, generator=seeded(1))
    with torch.no_grad():
        for at in (3, 5):
            assert float(model[:at](x).square().mean()) == pytest.approx(1.0, rel=0.2)
    kept = 0.5 - 0.5 / math.pi  # of relu at q = 1, without its mean
    assert float(model[4].gain.detach().square().mean()) * 9 * 64 == pytest.approx(1.0 / kept, rel=0.02)


def test_gains_are_put_back_when_something_goes_wrong():
    model = standardised()
    with pytest.raises(EocError, match="cannot be run"):
        initialize_(model, example_inputs=torch.randn(2, 3, 8, 8), batch=torch.randn(2, 5, 8, 8), generator=seeded())
    assert bool((model[2].gain == 1.0).all())


def test_neighbours_in_a_graph_are_means_of_a_few():
    near = torch.eye(12) + torch.eye(12).roll(1, 0) + torch.eye(12).roll(-1, 0)

    class Graph(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("near", 2.0 / 3.0 * near)
            self.first, self.second, self.head = nn.Linear(64, 256), nn.Linear(256, 256), nn.Linear(256, 64)

        def forward(self, x):
            return self.head(torch.relu(self.second(self.near @ torch.relu(self.first(self.near @ x)))))

    model, x = Graph(), torch.randn(8, 12, 64, generator=seeded(1))
    steps = read(model, example_inputs=x).steps
    assert [step.terms for step in steps if step.kind == "pooling"] == [3, 3]
    initialize_(model, example_inputs=x, generator=seeded())
    # Means of relu have a third of its variance, and all of its mean; positions become alike along the way.
    assert float(model(x).detach().square().mean()) == pytest.approx(1.0, rel=0.4)
