"""Functions of tensors that are put together from known ones are formulas: exact, and as quick as what is named."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

import eoc
from eoc.activations.argument.symbolic import formula_of
from eoc.models.torch.elementwise import as_activation
from eoc.models.torch.read import read

GRID = np.linspace(-6.0, 6.0, 241) + 1e-3
SPELT = [
    (lambda x: F.silu(x) / 0.596, "silu(x) / 0.596"),
    (torch.tanh, "tanh"),
    (lambda x: x.tanh() * 1.7, "tanh(x) * 1.7"),
    (lambda x: torch.sin(30 * x), "sin((30.0 * x))"),
    (lambda x: torch.relu(x) ** 2, "relu(x) ** 2.0"),
    (lambda x: torch.square(F.relu(x)), "(relu(x))**2"),
    (lambda x: F.leaky_relu(x, 0.3), "leaky_relu(x, 0.3)"),
    (lambda x: F.elu(x, alpha=0.5), "elu(x, 0.5)"),
    (lambda x: x.clamp(-1, 2), "min(max(x, (-1.0)), 2.0)"),
    (lambda x: x.clamp(min=0.5), "max(x, 0.5)"),
    (lambda x: torch.where(x > 0, x, 0.1 * x), "where((x > 0.0), x, (0.1 * x))"),
    (lambda x: torch.maximum(x, 0.2 * x), "max(x, (0.2 * x))"),
    (lambda x: 1 - torch.exp(-x.abs()), "1.0 - exp((-(abs(x))))"),
    (lambda x: torch.tensor(3.0) * x / (1.0 + x * x).sqrt(), "(3.0 * x) / sqrt((1.0 + (x * x)))"),
]
OTHERS = [
    lambda x: x if x > 0.0 else 0.1 * x,  # which way depends on the values
    lambda x: torch.cumsum(x, 0),
    lambda x: x.add(x.tanh(), alpha=2),
    lambda x: F.gelu(x, approximate="tanh"),
    lambda x: F.softplus(x, beta=100),
    lambda x: torch.randn_like(x) * x,
    lambda x: x.reshape(-1)[0] * x,
    lambda x: torch.tensor([1.0, 2.0]) * x,
    lambda x: 3.0,
]


@pytest.mark.parametrize(("function", "name"), SPELT, ids=[name for _, name in SPELT])
def test_what_is_made_of_known_functions_is_spelt_and_computed_as_a_formula(function, name):
    found = formula_of(function)
    assert found == name
    expected = function(torch.tensor(GRID)).numpy()
    assert np.allclose(eoc.activation(found)(GRID), expected, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("function", OTHERS)
def test_anything_else_has_no_formula(function):
    assert formula_of(function) is None


def test_a_formula_that_does_not_have_the_values_of_the_function_is_not_taken():
    def early_line(x):  # writes over what it uses again, which a formula does not
        return x.tanh_() * x

    phi = as_activation(lambda x: early_line(x.clone()), "own")
    assert np.allclose(phi(GRID), np.tanh(GRID) ** 2, rtol=1e-14)


class Magnitude(nn.Module):
    def forward(self, x):
        return F.silu(x) / 0.596


class Wrapped(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def test_a_module_of_ones_own_is_one_activation_for_all_its_copies():
    model = nn.Sequential(nn.Linear(4, 4), Magnitude(), nn.Linear(4, 4), Magnitude(), nn.Linear(4, 1))
    first, second = (step.activation for step in read(model).steps if step.activation is not None)
    assert first is second
    assert first.name == "silu(x) / 0.596"


def test_a_known_function_in_a_module_of_ones_own_goes_by_its_own_name():
    model = nn.Sequential(nn.Linear(4, 4), Wrapped(torch.tanh), nn.Linear(4, 1))
    assert [step.activation.name for step in read(model).steps if step.activation is not None] == ["tanh"]
