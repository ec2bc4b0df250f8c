"""PyTorch's activations are the activations of eoc that they are taken for."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from eoc.activations.argument.terms import NOT_ELEMENTWISE
from eoc.models.steps import Kind
from eoc.models.torch.elementwise import recognised_function, recognised_module
from eoc.models.torch.read import read

GRID = torch.cat([torch.linspace(-18.0, 18.0, 1441), torch.tensor([0.5, -0.5, 1e-9, -1e-9])]).double() + 1e-3

MODULES = [getattr(nn, name)() for name in nn.modules.activation.__all__ if name not in (*NOT_ELEMENTWISE, "Threshold")]
OTHERS = [
    nn.Threshold(0.1, 20.0),
    nn.Threshold(0.0, 0.0),
    nn.ReLU(inplace=True),
    nn.LeakyReLU(0.2),
    nn.LeakyReLU(0.0),
    nn.PReLU(1, 0.3),
    nn.ELU(0.5),
    nn.CELU(2.0),
    nn.GELU("tanh"),
    nn.Softplus(0.7),
    nn.Softplus(1.0, 3.0),
    nn.Hardtanh(-2.0, 3.0),
    nn.Hardtanh(0.0, 6.0),
    nn.Softshrink(0.3),
    nn.Softshrink(0.0),
    nn.Hardshrink(0.7),
]


@pytest.mark.parametrize("module", MODULES + OTHERS, ids=str)
def test_each_activation_of_torch_is_the_one_it_is_taken_for(module):
    module = module.double().eval()  # RReLU is no function in training
    known = recognised_module(module)
    assert known is not None, "a new activation of torch: recognise it, or list it as not elementwise"
    ours = known[0](GRID.numpy())
    theirs = module(GRID.clone()).detach().numpy()
    assert np.allclose(ours, theirs, rtol=1e-12, atol=1e-12)


def test_softplus_without_its_threshold_is_off_by_less_than_single_precision_resolves():
    x = torch.linspace(0.0, 40.0, 4001, dtype=torch.float64)
    ours, theirs = recognised_module(nn.Softplus())[0](x.numpy()), nn.Softplus()(x).numpy()
    assert np.abs(ours - theirs).max() < np.exp(-20.0)
    assert np.allclose(ours, theirs, rtol=2e-10, atol=0.0)


def test_what_depends_on_several_inputs_is_no_activation():
    modules = [nn.GLU(), nn.Softmax(-1), nn.LogSoftmax(-1), nn.Softmin(-1), nn.Softmax2d(), nn.MultiheadAttention(2, 1)]
    assert {type(module).__name__ for module in modules} == NOT_ELEMENTWISE & set(dir(nn))
    assert [recognised_module(module) for module in modules] == [None] * len(modules)


CALLS = [
    lambda x: F.leaky_relu(x, 0.2),
    lambda x: F.leaky_relu(x, negative_slope=0.2, inplace=True),
    lambda x: F.leaky_relu_(x, 0.2),
    lambda x: F.relu(input=x),
    lambda x: F.elu(x, 0.5),
    lambda x: F.gelu(x, approximate="tanh"),
    lambda x: F.softplus(x, 0.7),
    lambda x: F.softplus(x, beta=2.0, threshold=25.0),
    lambda x: F.hardtanh(x, -2.0, 2.0),
    F.logsigmoid,
    lambda x: F.rrelu(x, 0.1, 0.3),
    lambda x: F.threshold(x, 0.1, 2.0),
    lambda x: F.softshrink(x, 0.2),
    F.selu,
    lambda x: torch.clamp(x, min=0),
    lambda x: torch.clamp(x, -1, 1.5),
    lambda x: x.clamp(max=2.0),
    lambda x: x.clamp_min(0.25),
    lambda x: x.tanh_(),
    lambda x: x.sigmoid(),
    torch.special.expit,
    lambda x: x * torch.sigmoid(1.702 * x),
    lambda x: torch.relu(x) ** 2,
    lambda x: x.relu().square(),
    lambda x: torch.where(x > 0, x, 0.3 * x),
    lambda x: torch.maximum(x, 0.1 * x),
    lambda x: 1.7159 * torch.tanh(2.0 / 3.0 * x) + 0.1 * x,
    lambda x: F.softplus(x) - 0.6931471805599453,
    lambda x: x - x.tanh(),
    lambda x: torch.sin(x) + x,
    lambda x: -x,
    lambda x: x / (1 + x.abs()),
]


class Function(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


class Between(nn.Module):
    """A function between two layers, seen by the tracer and not as a module."""

    def __init__(self, function):
        super().__init__()
        self.first, self.second, self.function = nn.Linear(3, 3), nn.Linear(3, 3), function

    def forward(self, x):
        return self.second(self.function(self.first(x)))


@pytest.mark.parametrize("call", CALLS, ids=range(len(CALLS)))
def test_functions_and_what_is_put_together_from_them_are_one_activation(call):
    steps = read(Between(call)).steps
    assert [str(step.kind) for step in steps[:2]] == ["input", "layer"]
    assert len(steps) == 5
    assert steps[2].kind in (Kind.ACTIVATION, Kind.SCALE)
    theirs = call(GRID.clone()).numpy()
    assert np.allclose(steps[2].activation(GRID.numpy()), theirs, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("call", CALLS[-3:], ids=range(3))
def test_a_module_of_ones_own_is_the_same_as_its_function(call):
    model = nn.Sequential(nn.Linear(3, 3), Function(call), nn.Linear(3, 3))
    step = read(model).steps[2]
    assert step.name == "1"
    assert step.module is model[1]
    assert np.allclose(step.activation(GRID.numpy()), call(GRID.clone()).numpy(), rtol=1e-12, atol=1e-12)


def test_equal_functions_are_one_object_and_others_are_not():
    layers = [nn.Linear(2, 2), Function(lambda x: x * torch.sigmoid(x)), nn.Linear(2, 2)]
    layers += [Function(lambda x: x * torch.sigmoid(x)), nn.Linear(2, 2), Function(lambda x: x * torch.tanh(x))]
    phis = [step.activation for step in read(nn.Sequential(*layers)).steps if step.kind is Kind.ACTIVATION]
    assert phis[0] is phis[1]
    assert phis[0] is not phis[2]


def test_functions_called_with_tensors_as_parameters_are_not_taken_for_those_with_numbers():
    assert recognised_function("clamp", (torch.zeros(3),), {}) is None
    assert recognised_function("softmax", (-1,), {}) is None
