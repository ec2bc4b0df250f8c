"""What eoc says of the usual initialisations is what the frameworks draw."""

from __future__ import annotations

import math

import flax.linen
import jax
import keras
import numpy as np
import pytest
import torch
from torch import nn

import eoc
from eoc.gains import torch_gain
from eoc.usual import usual

pytestmark = pytest.mark.usefixtures("quick_compilation")

WIDTH = 1024


def expected(name, activation="gelu"):
    return usual(name, eoc.activation(activation), WIDTH)[0]


def agrees(drawn, sigma):
    """Whether values have this standard deviation: to 6 of its standard errors for a law with kurtosis 3 or less."""
    drawn = np.asarray(drawn, dtype=float).ravel()
    return abs(np.sqrt(np.mean(drawn**2)) / sigma - 1.0) < 6.0 * math.sqrt(0.5 / drawn.size)


def test_the_default_of_torch():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layer = nn.Linear(WIDTH, WIDTH)
    said = expected("torch")
    assert agrees(layer.weight.detach() * WIDTH**0.5, said.sigma_w)
    assert agrees(layer.bias.detach(), said.sigma_b)


@pytest.mark.parametrize(
    ("activation", "nonlinearity", "parameter"),
    [
        ("relu", "relu", None),
        ("leaky_relu(slope=0.2)", "leaky_relu", 0.2),
        ("gelu", "relu", None),
    ],
)
def test_kaiming(activation, nonlinearity, parameter):
    weight = torch.empty(WIDTH, WIDTH)
    generator = torch.Generator().manual_seed(1)
    for draw in (nn.init.kaiming_normal_, nn.init.kaiming_uniform_):
        draw(weight, a=parameter or 0.0, nonlinearity=nonlinearity, generator=generator)
        assert agrees(weight * WIDTH**0.5, expected("kaiming", activation).sigma_w)


@pytest.mark.parametrize(("activation", "nonlinearity"), [("tanh", "tanh"), ("relu", "relu"), ("selu", "selu")])
def test_xavier(activation, nonlinearity):
    weight = torch.empty(WIDTH, WIDTH)
    nn.init.xavier_normal_(weight, nn.init.calculate_gain(nonlinearity), generator=torch.Generator().manual_seed(2))
    assert agrees(weight * WIDTH**0.5, expected("xavier", activation).sigma_w)


def test_the_default_of_keras():
    keras.utils.set_random_seed(0)
    layer = keras.layers.Dense(WIDTH)
    layer.build((1, WIDTH))
    assert agrees(np.asarray(layer.kernel.value) * WIDTH**0.5, expected("keras").sigma_w)
    assert not np.asarray(layer.bias.value).any()


def test_the_default_of_flax():
    layer = flax.linen.Dense(WIDTH)
    drawn = layer.init(jax.random.key(0), np.zeros((1, WIDTH), dtype=np.float32))["params"]
    assert agrees(np.asarray(drawn["kernel"]) * WIDTH**0.5, expected("lecun").sigma_w)
    assert not np.asarray(drawn["bias"]).any()


@pytest.mark.parametrize(
    ("name", "nonlinearity", "parameter"),
    [
        ("identity", "linear", None),
        ("sigmoid", "sigmoid", None),
        ("tanh", "tanh", None),
        ("relu", "relu", None),
        ("leaky_relu", "leaky_relu", None),
        ("leaky_relu(slope=0.3)", "leaky_relu", 0.3),
        ("selu", "selu", None),
    ],
)
def test_gains_are_those_of_calculate_gain(name, nonlinearity, parameter):
    assert torch_gain(eoc.activation(name)) == pytest.approx(nn.init.calculate_gain(nonlinearity, parameter), rel=1e-15)


@pytest.mark.parametrize("name", ["gelu", "silu", "softplus", "elu", "mish", "relu6"])
def test_there_are_none_where_torch_raises(name):
    assert torch_gain(eoc.activation(name)) is None
    with pytest.raises(ValueError, match="nonlinearity"):
        nn.init.calculate_gain(name)
