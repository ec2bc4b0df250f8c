"""Activations of sums that are not Gaussian, as in the first residual networks: laws followed for single inputs."""

from __future__ import annotations

import math

import numpy as np
import pytest

from eoc.errors import UnsupportedError
from eoc.layers import Input, Network, network
from eoc.layers.bounded import Bounded
from eoc.propagation import propagate


def behind(text: str, q: float = 1.0) -> tuple[Bounded, Bounded, Bounded]:
    found: Network = network(text)
    y = found.block()(Input([q]))
    return y.q, y.m, y.chi


@pytest.mark.parametrize("times", [1, 2, 5, 20])
def test_a_reflected_walk_has_the_mean_of_spitzer(times: int) -> None:
    """x -> max(x + g, 0) from 0, g of variance s: E[x_l] = sqrt(s / 2 pi) sum_k k^(-1/2) (Spitzer 1956)."""
    _, mean, _ = behind(f"repeat({times}, residual(rmsnorm, dense(1.3)), relu)", q=1e-20)
    expected = 1.3 / math.sqrt(2.0 * math.pi) * sum(k**-0.5 for k in range(1, times + 1))
    assert mean.value[0] == pytest.approx(expected, rel=1e-12)
    assert abs(mean.value[0] - expected) <= mean.error[0] + 1e-15
    assert mean.error[0] <= 1e-12 * times


def test_where_the_sum_is_gaussian_the_law_is_that_of_gaussians() -> None:
    """Of a tiny skip nothing is left: a plain layer."""
    q, mean, chi = behind("dense(1), relu, residual(dense(1.4), skip=1e-14), relu")
    assert q.value[0] == pytest.approx(0.5 * 0.98, rel=1e-12)
    assert mean.value[0] == pytest.approx(math.sqrt(0.98 / (2.0 * math.pi)), rel=1e-12)
    assert chi.value[0] == pytest.approx(0.25 * 1.96, rel=1e-12)


@pytest.mark.parametrize("phi", ["relu", "tanh", "gelu"])
def test_laws_agree_with_random_networks(phi: str) -> None:
    """Six blocks x -> phi(x + W x) of 600 units, 60 times, and tangents on the same way: |z| <= 4."""
    q, mean, chi = behind(f"repeat(6, residual(dense(0.8)), {phi})")
    activation = network(f"{phi}, dense").activations()[0]
    rng, n = np.random.default_rng(7), 600
    found = []
    for _ in range(60):
        x, t = rng.standard_normal((2, n))
        for _ in range(6):
            w = rng.standard_normal((n, n)) * (0.8 / math.sqrt(n))
            z, tangent = x + w @ x, t + w @ t
            x, t = activation(z), activation.dphi(z) * tangent
        found.append([(x**2).mean(), x.mean(), (t**2).mean()])
    measured, error = np.mean(found, axis=0), np.std(found, axis=0) / math.sqrt(len(found))
    theory = np.array([q.value[0], mean.value[0], chi.value[0]])
    assert (np.abs(measured - theory) <= 4.0 * error + 4.0 / n * np.abs(theory)).all()


def test_a_repeated_part_hands_its_law_on() -> None:
    one = behind("dense(1), relu, repeat(2, residual(dense(0.8))), relu")
    two = behind("dense(1), relu, residual(dense(0.8)), residual(dense(0.8)), relu")
    for a, b in zip(one, two, strict=True):
        assert a.value[0] == pytest.approx(b.value[0], rel=1e-14)


def test_propagation_follows_single_inputs_through_such_blocks() -> None:
    text = "residual(dense(0.8)), relu"
    run = propagate(text, q=[1.0], c=[[1.0]], depth=12)
    q, _, chi = behind(f"repeat(12, {text})")
    assert run.q[-1, 0] == pytest.approx(q.value[0], rel=1e-12)
    assert run.log_gradient[0, 0] == pytest.approx(math.log(chi.value[0]), abs=1e-11)
    with pytest.raises(UnsupportedError, match="neither Gaussian"):
        propagate(text, q=1.0, c=0.3, depth=12)


def test_what_needs_two_inputs_or_their_change_is_refused() -> None:
    block = network("dense(1), relu, residual(dense(1)), relu").block()
    with pytest.raises(UnsupportedError, match="neither Gaussian nor a function of a Gaussian"):
        block(Input([1.0, 2.0], [0.3]))
    with pytest.raises(UnsupportedError, match="its law is followed for single inputs, derivatives"):
        _ = block(Input([1.0])).dq
