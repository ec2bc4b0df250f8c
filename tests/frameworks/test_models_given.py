"""Activations that are given in PyTorch's own terms."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

import eoc
from eoc.activations.imported import from_source
from eoc.errors import EocError
from eoc.initializers.torch import eoc_bias_, eoc_normal_, eoc_orthogonal_, initialize_

X = np.linspace(-6.0, 6.0, 241) + 1e-3
OWN = 1.7 * np.tanh(X)


class Scaled(nn.Module):
    """With a parameter and a part: nothing that is known by name."""

    def __init__(self):
        super().__init__()
        self.scale, self.inner = nn.Parameter(torch.tensor(1.5)), nn.Tanh()

    def forward(self, x):
        return self.scale * self.inner(x)


def relu(x):  # has the name of a function of torch
    return x * torch.sigmoid(x)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        (nn.Tanh(), "tanh"),
        (nn.Tanh, "tanh"),
        (nn.PReLU, "leaky_relu(slope=0.25)"),
        (nn.GELU(approximate="tanh"), "gelu_tanh"),
        (nn.Identity(), "identity"),
        (torch.tanh, "tanh"),
        (torch.relu_, "relu"),
        (torch.special.expit, "sigmoid"),
        (F.gelu, "gelu"),
        (F.relu, "relu"),
        (F.logsigmoid, "logsigmoid"),
        (partial(F.gelu, approximate="tanh"), "gelu_tanh"),
        (partial(F.leaky_relu, negative_slope=0.2), "leaky_relu(slope=0.2)"),
        ("elu(alpha=0.5)", "elu(alpha=0.5)"),
        (eoc.activation("erf"), "erf"),
    ],
)
def test_what_torch_has_is_the_activation_of_that_name(source, name):
    assert eoc.activation(source) is eoc.activation(name)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (lambda x: x * torch.sigmoid(x), X / (1.0 + np.exp(-X))),
        (relu, X / (1.0 + np.exp(-X))),
        (lambda x: x.tanh_().mul_(1.7), OWN),
        (lambda x: x.tanh() * 1.7, OWN),
        (Scaled(), 1.5 * np.tanh(X)),
        (torch.Tensor.tanh, np.tanh(X)),
        (lambda x: 1.7 * np.tanh(x), OWN),  # of arrays
        (lambda x: 1.7 * math.tanh(x), OWN),  # of numbers
        (lambda x: np.where(x > 0.0, x, 0.1 * x), np.where(X > 0.0, X, 0.1 * X)),
        (lambda x: x if x > 0.0 else 0.1 * x, np.where(X > 0.0, X, 0.1 * X)),
    ],
)
def test_functions_of_tensors_arrays_and_numbers_are_computed_in_double_precision(source, expected):
    assert np.allclose(eoc.activation(source)(X), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (nn.Threshold, r"Threshold is a class .* give a module, Threshold\(...\)"),
        (nn.Softmax(-1), "of that element alone"),
        (partial(F.softmax, dim=-1), "of that element alone"),
        (nn.BatchNorm1d(6), "BatchNorm1d cannot be computed"),
        (torch.softmax, 'softmax cannot be computed .*"dim"'),
        (F.threshold, "threshold cannot be computed .* missing"),
        (lambda x: torch.nothing(x) + 1, "callable raises AttributeError .*nothing"),
        (lambda: 1.0, "callable raises TypeError .*arguments"),
        ("tanhh", "tanh"),
        (7, "an activation is"),
    ],
)
def test_what_is_no_activation_is_refused_in_words_about_it(source, message):
    with pytest.raises(EocError, match=message):
        eoc.activation(source)


@pytest.mark.parametrize("fill", [eoc_normal_, eoc_orthogonal_, eoc_bias_])
def test_tensors_are_filled_as_for_the_name(fill):
    named, same = (
        fill(torch.empty(20, 20), phi, sigma_b=0.2, generator=torch.Generator().manual_seed(0))
        for phi in ("tanh", torch.tanh)
    )
    assert torch.equal(named, same)


class Untraceable(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(8, 8), nn.Linear(8, 8)

    def forward(self, x):
        h = self.first(x)
        return self.second(F.gelu(h) if h.sum() > 0.0 else h)


def test_models_that_cannot_be_traced_are_told_in_the_same_terms():
    report = initialize_(Untraceable(), activation=F.gelu)
    assert report.set[0].activation == "gelu"
    with pytest.raises(EocError, match="of that element alone"):
        initialize_(Untraceable(), activation=nn.Softmax(-1))
    with pytest.raises(EocError, match="of that element alone"):
        eoc.diagnose.torch(Untraceable(), torch.randn(4, 8), activation=nn.Softmax(-1))
    model, batch = Untraceable(), torch.randn(4, 8)  # whose values decide
    found, named = (eoc.diagnose.torch(model, batch, activation=phi) for phi in (nn.GELU(), "gelu"))
    assert [row.activation for row in found.rows] == [row.activation for row in named.rows]


class Wrapped(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


class Naive(nn.Module):
    """A formula that loses digits, as many people write it."""

    def forward(self, x):
        return 0.5 * x * (1.0 + torch.erf(x / math.sqrt(2.0)))


@pytest.mark.parametrize(
    ("source", "name"),
    [
        (Wrapped(torch.tanh), "tanh"),
        (Wrapped(F.gelu), "gelu"),
        (Wrapped(nn.Mish()), "mish"),
        (Wrapped(lambda x: F.gelu(x, approximate="tanh")), "gelu_tanh"),
        (nn.Sequential(nn.Tanh(), nn.Identity()), "tanh"),
        (Naive(), "gelu"),
        (lambda x: F.leaky_relu(x, 0.3), "leaky_relu(slope=0.3)"),
        (lambda x: x * torch.sigmoid(x), "silu"),
        (lambda x: torch.tanh(x.float()).type_as(x), "tanh"),  # single precision shows which it is
        (torch.Tensor.tanh, "tanh"),
    ],
)
def test_known_functions_in_modules_and_closures_go_by_their_names(source, name, monkeypatch):
    monkeypatch.setattr("eoc.activations.argument.computed.from_callable", None)  # nothing is searched for edges
    assert eoc.activation(source) is eoc.activation(name)


def test_random_slopes_in_training_keep_second_moments_and_in_evaluation_are_the_mean():
    lower, upper = 0.125, 1.0 / 3.0
    square = (lower**2 + lower * upper + upper**2) / 3.0
    best = eoc.edge_of_chaos(nn.RReLU()).best
    assert best.sigma_w == pytest.approx(math.sqrt(2.0 / (1.0 + square)), rel=1e-14)
    assert best.sigma_w == pytest.approx(1.37612, abs=1e-5)
    assert eoc.activation(nn.RReLU().eval()) is eoc.activation("leaky_relu", slope=0.5 * (lower + upper))
    report = initialize_(nn.Sequential(nn.Linear(8, 8), nn.RReLU(), nn.Linear(8, 2)))
    assert report.set[0].activation == eoc.activation(nn.RReLU()).name


def test_slopes_of_many_channels_count_by_their_squares():
    prelu = nn.PReLU(2)
    prelu.weight.data = torch.tensor([0.0, 1.0])
    assert eoc.activation(prelu) is eoc.activation("leaky_relu", slope=math.sqrt(0.5))


def test_derivatives_of_functions_of_tensors_may_be_given():
    phi = eoc.activation(lambda x: torch.tanh(2.0 * x), derivative=lambda x: 2.0 / torch.cosh(2.0 * x) ** 2, name="t")
    assert phi.name == "t"
    assert np.allclose(phi.dphi(X), 2.0 / np.cosh(2.0 * X) ** 2, rtol=1e-13)


def test_everything_that_takes_an_activation_takes_it_in_these_terms(tmp_path):
    named, same = (eoc.edge_of_chaos(phi, sigma_b=0.2).best for phi in ("tanh", nn.Tanh()))
    assert named.sigma_w == same.sigma_w
    (tmp_path / "mine.py").write_text("import torch\nphi = torch.nn.GELU()\nown = lambda x: torch.sin(x) + x\n")
    for name, expected in (("phi", eoc.activation("gelu")(X)), ("own", np.sin(X) + X)):
        phi = from_source(f"{tmp_path}/mine.py:{name}")
        assert np.allclose(phi(X), expected, rtol=1e-12, atol=1e-12)
