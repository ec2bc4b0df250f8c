"""Exact kinks along segments: published fractions, dense sampling, and random networks beside what is expected."""

from __future__ import annotations

from importlib import import_module
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from piecewise import RECORDS, drawn, pattern, pooled, tiny

from eoc.errors import EocError
from eoc.regions import PiecewiseLinear, along, dense, expected
from eoc.regions.model import Largest

SEGMENTS = [r for r in RECORDS if "breakpoints" in r["quantity"]]


@pytest.mark.parametrize("r", SEGMENTS, ids=lambda r: str(r["parameters"]))
def test_published_breakpoints(r: dict[str, Any]) -> None:
    ends = r["parameters"]["x0"], r["parameters"]["x1"]
    found, floats = along(tiny(), *ends), along(tiny(exact=False), *ends)
    assert [[str(t), layer, unit] for t, layer, unit in zip(found.t, found.layer, found.neuron, strict=True)] == r[
        "value"
    ]
    np.testing.assert_allclose(floats.t, found.t.astype(float), rtol=1e-15)
    assert floats.layer.tolist() == found.layer.tolist()


def sampled(net: PiecewiseLinear, a: Any, b: Any, t: Any) -> Any:
    return net(a + t[:, None] * (b - a))


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    st.integers(0, 10**6),
    st.sampled_from(["relu", "hardtanh", "leaky_relu(slope=0.2)", "spline(knots=(-1, 0.5), slopes=(0.1, 2, -1))"]),
    st.integers(1, 4),
)
def test_between_breakpoints_the_network_is_linear_and_nowhere_else(seed: int, phi: str, depth: int) -> None:
    rng = np.random.default_rng(seed)
    net = drawn(rng, phi, 2.0, 0.3, 12, depth, 3)
    a, b = rng.normal(size=(2, 3))
    found = along(net, a, b)
    t, y = found.outputs()
    inside = np.linspace(0.0, 1.0, 501)
    lines = np.stack([np.interp(inside, t, column) for column in y.T], axis=1)
    np.testing.assert_allclose(sampled(net, a, b, inside), lines, atol=1e-10 * np.abs(y).max())
    # activation patterns of the midpoints differ from stretch to stretch, in the units that are named
    patterns = pattern(net, a + ((t[1:] + t[:-1]) / 2)[:, None] * (b - a))
    assert found.regions == t.size - 1
    changes = [set(zip(*np.nonzero(one != other), strict=True)) for one, other in pairwise(patterns)]
    for place, changed in zip(t[1:-1], changes, strict=True):
        here = found.t == place
        assert {
            (0, int(unit) + 12 * (int(layer) - 1))
            for layer, unit in zip(found.layer[here], found.neuron[here], strict=True)
        } == {(0, int(unit)) for (unit,) in changed}


@pytest.mark.parametrize("seed", range(3))
def test_convolutions_maxima_and_residual_sums(seed: int) -> None:
    rng = np.random.default_rng(seed)
    net = pooled(rng)
    a, b = rng.normal(size=(2, 1, 6, 6))
    found = along(net, a, b)
    assert all(found.per_layer > 0)
    t, y = found.outputs()
    inside = np.linspace(0.0, 1.0, 2001)
    lines = np.stack([np.interp(inside, t, column) for column in y.T], axis=1)
    true = net(a + inside[:, None, None, None] * (b - a))
    np.testing.assert_allclose(true, lines, atol=1e-11)
    exact = along(net.exact(), a, b)
    assert exact.layer.tolist() == found.layer.tolist()
    assert exact.neuron.tolist() == found.neuron.tolist()
    np.testing.assert_allclose(found.t, exact.t.astype(float), atol=1e-12)


def test_halves_of_a_segment_and_points_between_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    net = drawn(rng, "hardtanh", 2.5, 0.3, 30, 4, 4)
    a, b = rng.normal(size=(2, 4))
    whole = along(net, a, b)
    by_way = along(net, a, a + 0.25 * (b - a), b)
    np.testing.assert_allclose(np.where(by_way.t < 1, by_way.t / 4, 0.25 + 0.75 * (by_way.t - 1)), whole.t, atol=1e-11)
    monkeypatch.setattr(import_module("eoc.regions.along"), "_MOST", 300)
    in_parts = along(net, a, b)
    np.testing.assert_allclose(in_parts.t, whole.t, atol=1e-11)
    assert in_parts.neuron.tolist() == whole.neuron.tolist()


CASES = [
    ("relu", 2**0.5, 0.0),
    ("relu", 2**0.5, 0.5),
    ("hardtanh", 0.8, 0.3),
    ("hardtanh", 1.05, 0.1),
    ("hardtanh", 2.0, 0.3),
]


@pytest.mark.parametrize(("phi", "sigma_w", "sigma_b"), CASES)
def test_random_networks_have_as_many_kinks_as_expected(phi: str, sigma_w: float, sigma_b: float) -> None:
    """Means over networks of width 200 within 4 standard errors or 4 %, in every layer; inputs of unequal norms."""
    rng = np.random.default_rng(11)
    features, width, depth, networks = 100, 200, 5, 30
    a, b = (np.linalg.qr(rng.normal(size=(features, 2)))[0] * np.sqrt(features)).T
    b = 1.5 * (0.3 * a + np.sqrt(1 - 0.3**2) * b)
    counts = np.array(
        [along(drawn(rng, phi, sigma_w, sigma_b, width, depth, features), a, b).per_layer for _ in range(networks)]
    )
    mean, error = counts.mean(axis=0) / width, counts.std(axis=0) / width / np.sqrt(networks)
    true = expected(phi, sigma_w, sigma_b, depth=depth, segment=(1.0, 2.25, 0.3)).per_neuron
    assert np.all(np.abs(mean - true) <= np.maximum(4.0 * error, 0.04 * true))


def test_around_a_circle_beside_what_is_expected() -> None:
    """An inscribed polygon; two kinks a unit around the circle."""
    rng = np.random.default_rng(3)
    angles = np.linspace(0.0, 2.0 * np.pi, 129)
    circle = (
        np.sqrt(50) * np.stack([np.cos(angles), np.sin(angles)], axis=1) @ np.linalg.qr(rng.normal(size=(50, 2)))[0].T
    )
    circle[-1] = circle[0]
    counts = np.array([along(drawn(rng, "relu", 1.0, 0.0, 100, 3, 50), *circle).per_layer for _ in range(10)])
    np.testing.assert_allclose(counts[:, 0], 200)
    np.testing.assert_allclose(counts.mean(axis=0) / 100, 2.0, rtol=0.05)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: along(dense([np.eye(2)]), [1.0, 2.0], [1.0, 2.0]), "length zero"),
        (lambda: along(dense([np.eye(2)]), [1.0, 2.0]), "two inputs or more"),
        (lambda: along(dense([np.eye(2)]), [1.0, 2.0], [1.0, 2.0, 3.0]), "shape"),
        (lambda: along(dense([np.eye(2)]), [1.0, 2.0], [1.0, np.nan]), "finite"),
        (lambda: along("relu", [1.0], [2.0]), "must be a torch.nn.Module, or made by"),
        (lambda: dense([np.eye(2)], activation="gelu"), "gelu is not made of straight lines"),
        (lambda: dense([np.eye(2)], activation="sign"), "sign jumps"),
        (lambda: dense([np.eye(2), np.eye(3)]), r"must be \(outputs, 2\)"),
        (lambda: dense([np.eye(2)], [[1.0]]), r"must be \(outputs, 2\)"),
        (lambda: dense([[[1.0, "x"]]]), "finite numbers"),
        (lambda: dense([]), "one or more weights"),
    ],
)
def test_what_is_refused(call: Any, message: str) -> None:
    with pytest.raises(EocError, match=message):
        call()


def test_a_network_without_kinks_on_the_segment_has_one_region() -> None:
    found = along(dense([np.eye(2), np.eye(2)], [[5.0, 5.0], None]), [0.0, 0.0], [1.0, 1.0])
    assert (found.regions, found.t.size, found.per_layer.tolist()) == (1, 0, [0])
    assert Largest((0,), np.array([[0, 1]]))(np.array([[1.0, 3.0]])).tolist() == [[3.0]]
