"""Learned tensors: taken like signals, or parameters of activations."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

import eoc
from eoc.models.steps import Kind
from eoc.models.torch.read import read
from tests.frameworks.reading import Calls, named, seeded, steps_of

X = np.linspace(-4.0, 4.0, 81) + 1e-3


def learned(*shape: int, std: float = 1.0) -> nn.Parameter:
    return nn.Parameter(std * seeded(*shape, seed=7))


# --- taken like signals -----------------------------------------------------------------------------------------------


def embedded(self, x):
    """Patches, a class token and position embeddings, as of a ViT."""
    x = self.patch(x).flatten(2).transpose(1, 2)
    x = torch.cat([self.token.expand(len(x), -1, -1), x], 1) + self.places[:, : x.shape[1] + 1]
    return self.head(self.norm(x)[:, 0])


def test_class_tokens_and_position_embeddings_are_steps_of_known_values():
    parts = {"patch": nn.Conv2d(3, 8, 4, 4), "norm": nn.LayerNorm(8), "head": nn.Linear(8, 2)}
    model = Calls(embedded, token=learned(1, 1, 8), places=learned(1, 20, 8, std=0.02), **parts)
    steps = steps_of(model, seeded(2, 3, 16, 16))
    token, places = (step for step in steps if step.kind is Kind.PARAMETER)
    assert (token.name, token.shape) == ("token", (2, 1, 8))
    assert (places.name, places.shape) == ("places", (1, 17, 8))
    assert torch.equal(places.tensor, model.places[:, :17])
    beside = next(step for step in steps if step.kind is Kind.CONCATENATE)
    added = next(step for step in steps if step.kind is Kind.ADD)
    assert [steps[at].name for at in beside.inputs] == ["token", "transpose"]
    assert [steps[at].name for at in added.inputs] == [beside.name, "places"]
    assert (beside.shape, added.shape) == ((2, 17, 8), (2, 17, 8))


def test_layers_of_a_parameter_take_it_as_their_input():
    def forward(self, x):
        return self.out(torch.relu(self.k(x) + self.q(self.latent)))

    model = Calls(forward, latent=learned(1, 8), **{name: nn.Linear(8, 8) for name in ("q", "k", "out")})
    for steps in (read(model).steps, steps_of(model, seeded(2, 8))):
        layer = next(step for step in steps if step.name == "q")
        assert layer.kind is Kind.LAYER
        assert [(steps[at].kind, steps[at].name) for at in layer.inputs] == [(Kind.PARAMETER, "latent")]
        assert steps[layer.inputs[0]].tensor is model.latent


def test_learned_queries_and_functional_layers_of_them():
    def forward(self, x):
        queries = F.linear(self.latents, self.w).expand(len(x), -1, -1)
        return self.attention(self.norm(queries), x, x)[0]

    parts = {"norm": nn.LayerNorm(8), "attention": nn.MultiheadAttention(8, 2, batch_first=True)}
    steps = steps_of(Calls(forward, latents=learned(1, 3, 8), w=learned(8, 8), **parts), seeded(2, 5, 8))
    layers = [step.name for step in steps if step.kind is Kind.LAYER]
    assert layers == ["w", "attention.q", "attention.k", "attention.v", "attention.out_proj"]
    attention = next(step for step in steps if step.kind is Kind.ATTENTION)
    assert attention.terms == 5
    assert attention.shape == (2, 3, 8)


def test_buffers_that_are_added_stay_and_have_their_size():
    model = nn.Sequential(Calls(lambda self, x: self.layer(x) + self.table, layer=nn.Linear(4, 4)), nn.Linear(4, 2))
    model[0].register_buffer("table", 0.5 * torch.ones(3, 4))
    step = next(step for step in steps_of(model, seeded(2, 3, 4)) if step.kind is Kind.PARAMETER)
    assert step.note == "no parameter: it stays as it is"
    assert float(step.tensor.square().mean()) == 0.25


def test_tables_that_are_looked_up_are_embeddings_or_parameters():
    def forward(self, ids):
        rows = self.module.weight[ids] + F.embedding(ids, self.module.weight) + torch.embedding(self.module.weight, ids)
        return self.head(rows + self.table[ids] + F.embedding(ids, self.table))

    model = Calls(forward, module=nn.Embedding(9, 4), table=learned(9, 4), head=nn.Linear(4, 2))
    for steps in (read(model).steps, steps_of(model, torch.arange(6).reshape(2, 3))):
        assert named(steps, Kind.EMBEDDING) == ["module"] * 3
        assert named(steps, Kind.PARAMETER) == ["table"] * 2
        assert all(step.inputs == (0,) for step in steps if step.kind in (Kind.EMBEDDING, Kind.PARAMETER))
        assert named(steps, Kind.UNKNOWN) == []


# --- parameters of activations ----------------------------------------------------------------------------------------


def between(function, **parts):
    """A function of one unit between layers, and what it becomes: traced, and recorded."""
    model = Calls(
        lambda self, x: self.second(function(self, self.first(x))),
        first=nn.Linear(4, 8),
        second=nn.Linear(8, 2),
        **parts,
    )
    both = read(model).steps, steps_of(model, seeded(3, 4))
    return [next(step for step in steps if step.activation is not None) for steps in both]


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda self, x: torch.tanh(10 * self.a * x), "tanh(7.0 * x)"),
        (lambda self, x: torch.tanh(10.0 * x * self.a), "tanh(7.0 * x)"),
        (lambda self, x: x * torch.sigmoid(x * torch.exp(self.a)), f"x * sigmoid({math.exp(0.7)!r} * x)"),
        (lambda self, x: torch.sin(F.softplus(self.a) * x), f"sin({math.log1p(math.exp(0.7))!r} * x)"),
        (lambda self, x: torch.tanh(x / self.a.clamp(1.0, 2.0)), "tanh"),
        (lambda self, x: torch.relu(x) * self.a.reciprocal() - self.a, f"relu(x) / {0.7} - {0.7}"),
        (lambda self, x: torch.where(x > 0, x, self.a.square() * x), f"leaky_relu(slope={0.7 * 0.7})"),
        (lambda self, x: 1 - torch.exp(-self.a * x.abs()), "1 - exp(-0.7 * abs(x))"),
    ],
)
def test_learned_numbers_are_taken_at_their_present_values_through_any_operation(function, expected):
    for step in between(function, a=nn.Parameter(torch.tensor(0.7, dtype=torch.float64))):
        assert step.kind is Kind.ACTIVATION
        assert np.allclose(step.activation(X), eoc.activation(expected)(X), rtol=1e-12, atol=1e-12)
        assert step.mixture == ()


class Adaptive(nn.Module):
    def __init__(self, a=0.7, n=10):
        super().__init__()
        self.a, self.n = nn.Parameter(torch.tensor(a)), n

    def forward(self, x):
        return torch.tanh(self.n * self.a * x)


def test_an_adaptive_activation_in_a_module_of_ones_own_is_a_formula():
    model = nn.Sequential(nn.Linear(4, 8), Adaptive(), nn.Linear(8, 8), Adaptive(), nn.Linear(8, 1))
    steps = [step for step in read(model).steps if step.kind is Kind.ACTIVATION]
    assert len(steps) == 2
    assert steps[0].activation is steps[1].activation
    assert np.allclose(steps[0].activation(X), np.tanh(10 * model[1].a.item() * X), rtol=1e-6)


@pytest.mark.parametrize("shape", [(8,), (1, 8), (8, 1)])
def test_parameters_of_channels_make_a_mixture(shape):
    a = torch.tensor([0.5, 0.5, 1.0, 2.0, 2.0, 2.0, 2.0, 2.0])

    def function(self, x):
        x = x if len(shape) == 1 or shape[0] == 1 else x.unsqueeze(-1)
        return torch.tanh(self.a * x).reshape(-1, 8)

    for step in between(function, a=nn.Parameter(a.reshape(shape))):
        assert [share for _, share in step.mixture] == [0.25, 0.125, 0.625]  # by what they hand on
        assert step.activation is step.mixture[2][0]
        for (phi, _), slope in zip(step.mixture, (0.5, 1.0, 2.0), strict=True):
            assert np.allclose(phi(X), np.tanh(slope * X), rtol=1e-12)


def test_channels_with_equal_parameters_are_one_activation():
    for step in between(lambda self, x: x * torch.sigmoid(self.beta * x), beta=nn.Parameter(torch.ones(8))):
        assert step.activation.name == "silu"
        assert step.mixture == ()


def test_many_channels_are_stood_for_by_some_and_that_is_said():
    model = Calls(
        lambda self, x: self.second(torch.tanh(self.a * self.first(x))),
        first=nn.Linear(4, 500),
        a=learned(500),
        second=nn.Linear(500, 2),
    )
    step = next(step for step in read(model).steps if step.kind is Kind.ACTIVATION)
    assert len(step.mixture) == 12
    assert sum(share for _, share in step.mixture) == pytest.approx(1.0)
    assert "12 of its channels stand for all" in step.note


def test_prelu_with_slopes_for_channels_is_two_of_their_mean_and_mean_square():
    prelu = nn.PReLU(4)
    prelu.weight.data = torch.tensor([0.0, 0.1, 0.2, 0.9])
    step = next(step for step in read(nn.Sequential(nn.Linear(2, 4), prelu)).steps if step.kind is Kind.ACTIVATION)
    slopes = [float(-phi(-1.0)) for phi, _ in step.mixture]
    assert np.mean(slopes) == pytest.approx(0.3)
    assert np.mean(np.square(slopes)) == pytest.approx(prelu.weight.square().mean().item())


@pytest.mark.parametrize("gamma", [torch.full((4,), 1e-4), torch.tensor([0.1, 0.2, -0.3, 0.0])])
def test_scales_of_channels_are_scalings_of_their_size(gamma):
    model = Calls(lambda self, x: x + self.gamma * self.layer(x), layer=nn.Linear(4, 4), gamma=nn.Parameter(gamma))
    for steps in (read(model).steps, steps_of(model, seeded(2, 4))):
        step = next(step for step in steps if step.kind is Kind.SCALE)
        assert abs(step.slope) == pytest.approx(float(gamma.square().mean().sqrt()))
        assert step.tensor is model.gamma


def test_random_slopes_are_those_of_their_second_moment_in_training():
    step = next(step for step in read(nn.Sequential(nn.Linear(2, 2), nn.RReLU())).steps if step.activation)
    assert eoc.edge_of_chaos(step.activation).best.sigma_w == pytest.approx(1.37612, abs=1e-5)


class Wrapped(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (torch.tanh, "tanh"),
        (F.gelu, "gelu"),
        (lambda x: F.gelu(x, approximate="tanh"), "gelu_tanh"),
        (lambda x: 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))), "gelu_tanh"),
        (lambda x: x * torch.sigmoid(x.float()).type_as(x), "silu"),
        (nn.SiLU(), "silu"),
    ],
)
def test_known_functions_go_by_their_names_wherever_they_are(function, name, monkeypatch):
    monkeypatch.setattr("eoc.activations.argument.computed.from_callable", None)  # nothing is searched for edges
    model = nn.Sequential(nn.Linear(4, 4), Wrapped(function), nn.Linear(4, 1))
    for steps in (read(model).steps, steps_of(model, seeded(2, 4))):
        assert [step.activation.name for step in steps if step.activation] == [name]
    assert named(steps, Kind.UNKNOWN) == []


def test_limits_that_no_formula_has_and_bools_are_read():
    def clamped(self, x):
        return self.second(torch.clamp(F.softplus(self.first(x)), 0.0, math.inf))

    model = Calls(clamped, first=nn.Linear(4, 4), second=nn.Linear(4, 2))
    found = [step for step in read(model).steps if step.kind is Kind.ACTIVATION]
    assert np.allclose(found[-1].activation(X), np.logaddexp(0.0, X))
