"""The largest of windows: closed forms and quadrature, random networks, and what has no law that is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import ndtr

from eoc.activations import activation
from eoc.errors import EocError, UnsupportedError
from eoc.gaussian.largest import larger_of_two, largest_of_alike
from eoc.layers import Input, Pairs, network
from eoc.layers.given import given_array
from eoc.montecarlo.sampling.ops import draw

ROOT_PI = np.pi**0.5


@pytest.mark.parametrize(
    ("terms", "mean"), [(2, 1.0 / ROOT_PI), (3, 1.5 / ROOT_PI), (4, 1.02937537300396), (5, 1.16296447364052)]
)
@pytest.mark.parametrize("e", [1.0, 0.3, 1e-4, 1e-10])
def test_means_of_the_largest(terms: int, mean: float, e: float) -> None:
    """E max = sqrt(q (1 - c)) times that of independent ones, and E max^2 = q (c + (1 - c) E X^2)."""
    found = largest_of_alike(activation("identity"), 2.0, e, terms)
    assert found.m.value[0] == pytest.approx((2.0 * e) ** 0.5 * mean, rel=1e-12, abs=1e-14)
    assert abs(found.m.value[0] - (2.0 * e) ** 0.5 * mean) <= found.m.error[0] + 2e-15
    second = {2: 1.0, 3: 1.0 + 3.0**0.5 / (2.0 * np.pi)}.get(terms)
    if second is not None:
        assert found.q.value[0] == pytest.approx(2.0 * (1.0 - e + e * second), rel=1e-13)
        assert found.G.value[0] == pytest.approx(2.0 * e * (second - mean**2), rel=1e-12)
    assert found.slope.value[0] == pytest.approx(1.0, rel=1e-13)


@pytest.mark.parametrize("name", ["relu", "hardtanh", "elu", "tanh"])
def test_activations_of_independent_ones(name: str) -> None:
    """By one integral over the largest, whose density is n N(t) Phi(t)^(n-1)."""
    phi, n = activation(name), 5

    def over(part: object) -> float:
        density = lambda t: n * np.exp(-0.5 * t * t) / (2.0 * np.pi) ** 0.5 * ndtr(t) ** (n - 1)  # noqa: E731
        return sum(
            quad(lambda t: part(t) * density(t), *ends, epsabs=1e-14)[0] for ends in ((-9, -1), (-1, 0), (0, 1), (1, 9))
        )  # type: ignore[operator]

    found = largest_of_alike(phi, 1.0, 1.0, n)
    assert found.q.value[0] == pytest.approx(over(lambda t: phi(np.array([t]))[0] ** 2), rel=1e-12)
    assert found.m.value[0] == pytest.approx(over(lambda t: phi(np.array([t]))[0]), rel=1e-12)
    assert found.slope.value[0] == pytest.approx(over(lambda t: phi.dphi(np.array([t]))[0] ** 2), rel=1e-12)


@pytest.mark.parametrize("name", ["identity", "relu", "elu", "tanh", "hardtanh"])
@pytest.mark.parametrize("e", [1.0, 0.4, 1e-3, 1e-9])
def test_both_ways_agree_for_two_of_one_variance(name: str, e: float) -> None:
    phi = activation(name)
    alike, two = largest_of_alike(phi, 1.3, e, 2), larger_of_two(phi, *np.full((2, 1), 1.3), np.array([e]))
    slope = two.first.value + two.second.value
    for one, other in ((alike.q, two.q.value), (alike.m, two.m.value), (alike.slope, slope)):
        assert abs(one.value[0] - other[0]) <= one.error[0] + 1e-14


def test_two_of_any_variances() -> None:
    """Clark: E max = sqrt(a^2/(2 pi)) with a^2 = E (u - v)^2, E max^2 = (q_a + q_b)/2; where both are one, that."""
    q_a, q_b, e = np.array([1.0, 2.0, 0.3, 1.0]), np.array([2.0, 0.1, 0.3, 4.0]), np.array([0.5, 1.7, 1e-6, 0.0])
    found = larger_of_two(activation("identity"), q_a, q_b, e)
    apart = q_a + q_b - 2.0 * (1.0 - e) * np.sqrt(q_a * q_b)
    assert found.m.value == pytest.approx(np.sqrt(apart / (2.0 * np.pi)), rel=1e-9)
    assert found.q.value == pytest.approx(0.5 * (q_a + q_b), rel=1e-13)
    relu = larger_of_two(activation("relu"), q_a, q_b, e)
    assert relu.first.value + relu.second.value == pytest.approx(0.5 + np.arccos(1.0 - e) / (2.0 * np.pi), rel=1e-13)


def equal(places: int, q: float, c: float) -> tuple[Input, Input]:
    """Positions that are all alike, as every pair and as one of them with another."""
    pairs = Pairs.every(1, (places,))
    whole = Input(np.full(places, q), np.where(pairs.alike, 0.0, 1.0 - c), pairs)
    return whole, Input([q], [0.0, 1.0 - c], Pairs.tokens(1, (places,)))


@pytest.mark.parametrize(
    "text", ["relu, maxpool(3)", "maxpool(3)", "tanh, scale(2), maxpool(2)", "relu, avgpool(2)", "avgpool"]
)
def test_positions_that_are_alike_both_ways(text: str) -> None:
    every, tokens = (network(text).block()(x) for x in equal(6, 1.4, 0.3))
    for name in ("q", "m", "chi"):
        first = getattr(tokens, name)
        assert np.full(every.q.value.shape, first.value) == pytest.approx(getattr(every, name).value, rel=1e-11)
        assert 0.0 <= first.error[0] < 1e-10
    behind = network(f"{text}, conv(1, 1.2, 0.1)").block()
    assert behind(equal(6, 1.4, 0.3)[1]).q.value[0] == pytest.approx(1.44 * tokens.q.value[0] + 0.01, rel=1e-13)


def test_random_networks_with_maxima() -> None:
    """Positions that are alike, through windows of three twice; and images through windows of two."""
    rng, width, networks = np.random.default_rng(7), 400, 150
    c, places = 0.4, 9
    root = np.linalg.cholesky(np.where(np.eye(places) == 1.0, 1.0, c) * 1.3)
    basis = np.linalg.qr(rng.standard_normal((width, places)))[0].T * width**0.5
    alike = network("dense(1.4, 0.2), relu, maxpool(3), dense(1.3), relu, maxpool(3), dense(1.1)").block()
    images = network("conv(3, 1.4, 0.2, pad='zero'), relu, maxpool(2), conv(2, 1.2, pad='zero')").block()
    data = rng.standard_normal((1, width, 6)) * (1.0 + np.arange(6) / 3.0)
    for op, theory, x in (
        (alike, alike(equal(places, 1.3, c)[1]), (root @ basis)[None]),
        (images, images(given_array(data)), np.moveaxis(data, 1, -1)),
    ):
        seen, back_seen = [], []
        for _ in range(networks):
            out, back = draw(op, (x,), rng, False)
            seen.append((out * out).mean(axis=-1).ravel())
            (pulled,) = back(rng.standard_normal(out.shape))
            back_seen.append((pulled * pulled).sum() / out.size)
        mean, error = np.mean(seen, axis=0), np.std(seen, axis=0) / networks**0.5
        assert (np.abs(mean - theory.q.value) < 4.0 * error + 4.0 / width * mean).all()
        found, spread, true = np.mean(back_seen), np.std(back_seen) / networks**0.5, theory.chi.value.mean()
        assert abs(found - true) < 4.0 * spread + 4.0 / width * true


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("conv(3, 1, pad='zero'), maxpool(3)", "the largest of 3 positions that differ in their variances"),
        (
            "conv(3, 1), relu, maxpool(2), conv(2, 1), relu, maxpool(2)",
            "what the largest of two windows have in common",
        ),
        ("conv(3, 1), abs(x), maxpool(2)", "does not increase"),
        ("maxpool(2)", "neither Gaussian nor functions"),
        ("conv(3, 1), maxpool(9)", "larger than the input"),
    ],
)
def test_what_has_no_law(text: str, words: str) -> None:
    data = np.random.default_rng(2).standard_normal((1, 3, 6))
    with pytest.raises(EocError, match=words):
        network(text).block()(given_array(data)).q  # noqa: B018


def test_windows_that_are_not_alike() -> None:
    tokens = equal(6, 1.0, 0.2)[1]
    for text in ("maxpool(3, 1)", "avgpool(3, 1)"):
        with pytest.raises(UnsupportedError, match="overlap"):
            network(text).block()(tokens)
    with pytest.raises(UnsupportedError, match="negative"):
        network("maxpool(3)").block()(equal(3, 1.0, -0.2)[1]).q  # noqa: B018
    with pytest.raises(UnsupportedError, match="every pair of its positions"):
        network("conv(2, 1), maxpool(2)").block()(given_array(np.ones((1, 2, 4)), aligned=True))
    with pytest.raises(UnsupportedError, match="product"):
        network("conv(2, 1), maxpool(2)").block()(given_array(np.ones((1, 2, 4)))).T  # noqa: B018
