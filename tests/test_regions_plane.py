"""Plane sections: published counts, polygons that tile the disc, affine maps that are those of the network."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from piecewise import RECORDS, drawn, pattern, pooled, tiny

import eoc.machine
from eoc.errors import EocError
from eoc.regions import PiecewiseLinear, PlaneSection, along, dense, expected_in_disc, plane
from eoc.regions.polygons import area_in_disc

(COUNTS,) = (r for r in RECORDS if "distinct activation patterns" in r["quantity"])


@pytest.mark.parametrize("exact", [True, False])
def test_published_counts(exact: bool) -> None:
    side = COUNTS["parameters"]["s"]
    found = plane(tiny(exact=exact), [0, 0], [1, 0], [0, 1], side, shape="square")
    assert [found.cells, found.distinct_patterns, found.distinct_maps] == COUNTS["value"]
    assert found.areas.sum() == (Fraction(16) if exact else pytest.approx(16.0, rel=1e-14))


def directions(rng: np.random.Generator, features: int) -> Any:
    return np.linalg.qr(rng.normal(size=(features, 2)))[0].T


def inside(rng: np.random.Generator, found: PlaneSection) -> Any:
    """A random place in every polygon."""
    weights = rng.dirichlet(np.ones(found.vertices.shape[1]), size=found.cells)
    return (weights[..., None] * found.vertices).sum(axis=1)


def check(rng: np.random.Generator, net: PiecewiseLinear, found: PlaneSection, whole: float) -> None:
    assert abs(found.areas.sum() / whole - 1.0) < 1e-10
    assert (found.areas > 0.0).all()
    place = inside(rng, found)
    x = found.inputs(place)
    one = np.concatenate([place, np.ones((found.cells, 1))], axis=1)
    own = (found.maps @ one[..., None])[..., 0]
    true = net(x)
    np.testing.assert_allclose(own, true, atol=1e-10 * np.abs(true).max())
    assert np.mean((pattern(net, x) == found.patterns).all(axis=1)) > 0.99  # the others are next to an edge
    assert found.distinct_maps <= found.distinct_patterns <= found.cells


@settings(max_examples=15, deadline=None, derandomize=True)
@given(
    st.integers(0, 10**6),
    st.sampled_from(["relu", "hardtanh", "spline(knots=(-1, 0.5), slopes=(0.1, 2, -1))"]),
    st.integers(1, 3),
    st.floats(0.1, 3.0),
    st.sampled_from(["disc", "square"]),
)
def test_polygons_tile_the_section(seed: int, phi: str, depth: int, radius: float, shape: Any) -> None:
    rng = np.random.default_rng(seed)
    net = drawn(rng, phi, 1.8, 0.4, 8, depth, 4)
    u, v = directions(rng, 4)
    found = plane(net, rng.normal(size=4), u, v, radius, shape=shape)
    check(rng, net, found, (np.pi if shape == "disc" else 4.0) * radius**2)


def test_maxima_and_residual_sums() -> None:
    rng = np.random.default_rng(2)
    net = pooled(rng)
    u, v = directions(rng, 36)
    found = plane(net, rng.normal(size=(1, 6, 6)), u.reshape(1, 6, 6), v.reshape(1, 6, 6), 1.0)
    check(rng, net, found, np.pi)
    assert found.cells > 100


def test_every_chord_meets_the_regions_that_it_has_by_itself() -> None:
    rng = np.random.default_rng(3)
    net = drawn(rng, "relu", 1.8, 0.4, 10, 2, 3)
    u, v = directions(rng, 3)
    found = plane(net, np.zeros(3), u, v, 2.0)
    chord = along(net, -2.0 * u, 2.0 * u)
    ends = np.concatenate([[0.0], chord.places, [1.0]])
    middles = -2.0 + 4.0 * (ends[1:] + ends[:-1]) / 2
    patterns = {row.tobytes() for row in found.patterns}
    assert all(row.tobytes() in patterns for row in pattern(net, middles[:, None] * u))


def test_parts_that_fit_into_memory_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    rng = np.random.default_rng(4)
    net = drawn(rng, "hardtanh", 2.0, 0.3, 10, 2, 3)
    u, v = directions(rng, 3)
    whole = plane(net, np.zeros(3), u, v)
    monkeypatch.setattr(sys.modules["eoc.regions.plane"], "_MOST", 500)
    seen: list[tuple[float, float]] = []
    parts = plane(net, np.zeros(3), u, v, progress=lambda done, total: seen.append((done, total)))
    assert sorted(row.tobytes() for row in whole.patterns) == sorted(row.tobytes() for row in parts.patterns)
    assert len(seen) > 3
    assert seen[-1][0] == pytest.approx(seen[-1][1])


def test_one_hidden_layer_beside_what_is_expected() -> None:
    rng = np.random.default_rng(6)
    u, v = directions(rng, 10) * np.sqrt(10)
    counts = [plane(drawn(rng, "hardtanh", 1.0, 0.5, 15, 1, 10), np.zeros(10), u, v).cells for _ in range(60)]
    true = expected_in_disc("hardtanh", 1.0, 0.5, neurons=15).regions
    assert abs(np.mean(counts) - true) < 4.0 * np.std(counts) / np.sqrt(60)


def test_the_part_of_a_polygon_in_a_disc() -> None:
    square = np.array([[[-1.0, -1], [1, -1], [1, 1], [-1, 1]]])
    assert area_in_disc(square, 2.0)[0] == pytest.approx(4.0, rel=1e-15)
    assert area_in_disc(square, 0.5)[0] == pytest.approx(np.pi / 4, rel=1e-15)
    assert area_in_disc(square + 1.0, 1.0)[0] == pytest.approx(np.pi / 4, rel=1e-15)
    assert area_in_disc(square + 5.0, 1.0)[0] == pytest.approx(0.0, abs=1e-15)
    assert area_in_disc(square, 1.2)[0] == pytest.approx(  # four segments are cut off
        np.pi * 1.44 - 4 * (1.44 * np.arccos(1 / 1.2) - np.sqrt(0.44)), rel=1e-14
    )


def stopped(done: float, whole: float) -> None:
    raise KeyboardInterrupt


def test_it_can_be_stopped_and_refuses_what_does_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    net = dense([np.eye(2), np.eye(2)])
    with pytest.raises(KeyboardInterrupt):
        plane(net, [0, 0], [1, 0], [0, 1], progress=stopped)
    monkeypatch.setattr(eoc.machine, "_physical", lambda: 1e6)
    with pytest.raises(EocError, match=r"polygons with their patterns would take .* use a smaller radius"):
        plane(net, [0, 0], [1, 0], [0, 1])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"u": [1, 0], "v": [2, 0]}, "not parallel"),
        ({"u": [0, 0]}, "not parallel"),
        ({"radius": 0.0}, "radius must be > 0"),
        ({"shape": "cube"}, "'disc' or 'square'"),
        ({"centre": [0, 0, 0]}, "shape"),
        ({"model": tiny()}, "give shape='square'"),
        ({"model": "relu"}, "must be a torch.nn.Module"),
        ({"centre": [[0, 0], [1, 1]]}, "single inputs"),
    ],
)
def test_what_is_refused(given: dict[str, Any], message: str) -> None:
    usual = {"model": dense([np.eye(2), np.eye(2)]), "centre": [0, 0], "u": [1, 0], "v": [0, 1]}
    with pytest.raises(EocError, match=message):
        plane(**usual | given)
