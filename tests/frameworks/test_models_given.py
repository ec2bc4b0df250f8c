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
from eoc.errors import EocError
from eoc.initializers.torch import eoc_bias_, eoc_normal_, eoc_orthogonal_, initialize_
from eoc.models.given import given

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
        (F.logsigmoid, "-log(1 + exp(-x))"),
        (partial(F.gelu, approximate="tanh"), "gelu_tanh"),
        (partial(F.leaky_relu, negative_slope=0.2), "leaky_relu(slope=0.2)"),
        ("elu(alpha=0.5)", "elu(alpha=0.5)"),
        (eoc.activation("erf"), "erf"),
    ],
)
def test_what_torch_has_is_the_activation_of_that_name(source, name):
    assert given(source) is eoc.activation(name)


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
    assert np.allclose(given(source)(X), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (nn.Threshold, r"Threshold is a class .* give a module, Threshold\(...\)"),
        (nn.Softmax(-1), "of that element alone"),
        (partial(F.softmax, dim=-1), "of that element alone"),
        (nn.BatchNorm1d(6), "BatchNorm1d cannot be computed"),
        (torch.softmax, 'softmax cannot be computed .*"dim"'),
        (F.threshold, "threshold cannot be computed .* missing"),
        (lambda x: torch.nothing(x) + 1, "callable cannot be computed .*nothing"),
        (lambda: 1.0, "callable cannot be computed .*arguments"),
        ("tanhh", "tanh"),
        (7, "an activation is"),
    ],
)
def test_what_is_no_activation_is_refused_in_words_about_it(source, message):
    with pytest.raises(EocError, match=message):
        given(source)


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
    found, named = (eoc.diagnose.torch(Untraceable(), torch.randn(4, 8), activation=phi) for phi in (nn.GELU(), "gelu"))
    assert [row.activation for row in found.rows] == [row.activation for row in named.rows]
