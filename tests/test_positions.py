"""Means and largest values over positions: closed forms, limits, and draws."""

from __future__ import annotations

import math

import numpy as np
import pytest

from eoc.activations import activation
from eoc.gaussian.moments import moments
from eoc.layers.positions import Positions, averaged, largest, squared_weights


@pytest.mark.parametrize("terms", [1, 2, 9])
@pytest.mark.parametrize("e", [1.0, 0.3, 1e-3, 0.0])
@pytest.mark.parametrize("name", ["identity", "relu", "gelu", "abs(x)", "sin"])
def test_the_largest_of_correlated_positions_is_that_of_draws(name, e, terms):
    phi, rng = activation(name), np.random.default_rng(0)
    draws = 40_000
    z, x = rng.standard_normal((draws, 1)), rng.standard_normal((2, draws, terms))
    u = math.sqrt(1.7) * (math.sqrt(1.0 - e) * z + math.sqrt(e) * x)
    first, second = phi(u[0]).max(axis=1), phi(u[1]).max(axis=1)
    found = largest(phi, 1.7, e, terms)
    for got, sample in ((found.q, first**2), (found.m, first), (found.k, first * second)):
        assert abs(got - sample.mean()) <= 5.0 * sample.std() / math.sqrt(draws) + 2e-3 * (1.0 + abs(got))


@pytest.mark.parametrize("name", ["relu", "tanh", "cos"])
def test_of_one_position_or_of_equal_ones_it_is_the_activation(name):
    v = float(moments(name, [0.8], ("V",))["V"].value[0])
    for e, terms in ((0.7, 1), (0.0, 7), (1e-13, 3)):
        assert largest(activation(name), 0.8, e, terms).q == pytest.approx(v, rel=1e-3)


def test_means_are_between_the_position_and_what_positions_share():
    x = Positions(q=2.0, m=0.5, k=0.4)
    assert averaged(x, 1.0) == x
    assert averaged(x, 1.0 / 4.0) == Positions(q=0.4 + 1.6 / 4.0, m=0.5, k=0.4)
    assert averaged(x, 0.0).q == x.k


def test_squared_weights_of_random_attention():
    rng, tokens = np.random.default_rng(1), 400
    for spread in (0.0, 0.3, 1.0):
        scores = np.exp(math.sqrt(spread) * rng.standard_normal((2000, tokens)))
        weights = scores / scores.sum(axis=1, keepdims=True)
        squared = np.square(weights).sum(axis=1)
        found = squared_weights(spread, [tokens]).item()
        assert abs(found - squared.mean()) <= 4.0 * squared.std() / math.sqrt(len(squared)) + 1e-12
    assert squared_weights(1e6, [8]).item() == pytest.approx(1.0, abs=0.15)
