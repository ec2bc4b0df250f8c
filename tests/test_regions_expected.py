"""Expected kinks along curves: published values, closed forms of the first layer, and what holds at every depth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from contourpy import contour_generator
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal, norm

from eoc.activations import Activation, activation
from eoc.activations.named import named
from eoc.errors import EocError
from eoc.layers import network
from eoc.layers.bounded import exact
from eoc.regions import expected, expected_in_disc
from eoc.regions.curves import followed, start

TABLE = Path(__file__).parent / "reference" / "geometry.jsonl"
RECORDS = [r for r in map(json.loads, TABLE.read_text().splitlines()) if r["topic"] == "regions"]
ACTIVATIONS = {
    "relu": "relu",
    "leaky_relu_0.1": "leaky_relu(slope=0.1)",
    "hardtanh": "hardtanh",
    "three slopes 0.1,1,0.5 knots -1,1": named("spline", knots=(-1.0, 1.0), slopes=(0.1, 1.0, 0.5), through=(0, 0)),
}


def number(text: str) -> float:
    return 2.0**0.5 if text == "sqrt2" else float(text)


def curve(given: dict[str, Any]) -> dict[str, Any]:
    if "input_mean_square" in given:
        return {"circle": given["input_mean_square"]}
    return {"segment": (given["mean_square_a"], given["mean_square_b"], given["c"])}


ON_CURVES = [r for r in RECORDS if "kink crossings" in r["quantity"]]


@pytest.mark.parametrize("r", ON_CURVES, ids=lambda r: f"{r['case']} {r['quantity'][50:70]}")
def test_published_kinks(r: dict[str, Any]) -> None:
    given = r["parameters"]
    sigmas = float(given["sigma_w"]), float(given["sigma_b"])
    found = expected(ACTIVATIONS[r["case"]], *sigmas, depth=len(r["value"]), **curve(given))
    assert [layer.knots for layer in found.layers] == [tuple(given["knots"])] * len(r["value"])
    kinks, error = (np.array([getattr(layer, name) for layer in found.layers]) for name in ("kinks", "error"))
    true = np.array(r["value"])
    assert np.all(np.abs(kinks - true) <= error + 10.0 ** -(r["digits"] - 1) * true)
    assert np.all(error <= 1e-12 * true)


@pytest.mark.parametrize("r", [r for r in RECORDS if "disk" in r["case"]], ids=lambda r: r["quantity"])
def test_published_regions_of_a_disc(r: dict[str, Any]) -> None:
    given = r["parameters"]
    sigmas = number(given["sigma_w"]), number(given["sigma_b"])
    found = expected_in_disc("relu", *sigmas, neurons=given.get("neurons", 1), radius_squared=given["R2_over_d"])
    if r["quantity"] == "expected regions":
        assert abs(found.regions - float(r["value"])) <= found.error + 1e-12
    else:
        assert [found.meets[0], found.crosses[0][0]] == pytest.approx(list(map(float, r["value"])), rel=1e-15)


def test_first_layer_of_a_segment_is_known_in_closed_form() -> None:
    a, b, c, weight, bias = 0.7, 2.5, -0.4, 1.3, 0.6
    found = expected("hardtanh", weight, bias, depth=1, segment=(a, b, c)).layers[0].kinks
    q = weight**2 * np.array([a, b]) + bias**2
    k = weight**2 * c * np.sqrt(a * b) + bias**2
    both = multivariate_normal(cov=[[q[0], k], [k, q[1]]], abseps=1e-12, releps=0.0).cdf([1.0, 1.0])
    alone = norm.cdf(1.0 / np.sqrt(q))
    assert found == pytest.approx([float(alone.sum() - 2.0 * both)] * 2, abs=1e-10)
    rho = k / np.sqrt(q[0] * q[1])
    assert expected("relu", weight, bias, depth=1, segment=(a, b, c)).per_neuron[0] == pytest.approx(
        np.arccos(rho) / np.pi, rel=1e-14
    )


@settings(max_examples=10, deadline=None, derandomize=True)
@given(st.floats(0.2, 3.0), st.floats(0.2, 3.0), st.floats(-0.9, 0.9), st.floats(0.1, 0.9))
def test_kinks_add_up_along_a_segment(a: float, b: float, c: float, share: float) -> None:
    k = c * np.sqrt(a * b)
    middle = (1 - share) ** 2 * a + share**2 * b + 2 * share * (1 - share) * k
    to_a, to_b = (1 - share) * a + share * k, (1 - share) * k + share * b
    whole = expected("hardtanh", 2.5, 0.3, depth=3, segment=(a, b, c)).per_neuron
    parts = [
        expected("hardtanh", 2.5, 0.3, depth=3, segment=(q, middle, float(np.clip(p / np.sqrt(q * middle), -1, 1))))
        for q, p in ((a, to_a), (b, to_b))
    ]
    np.testing.assert_allclose(parts[0].per_neuron + parts[1].per_neuron, whole, rtol=1e-9)


@pytest.mark.parametrize("phi", ["relu", "leaky_relu(slope=0.3)", "abs(x)"])
def test_without_bias_relu_like_networks_have_two_kinks_a_neuron_around_every_circle(phi: str) -> None:
    found = expected(phi, 0.7, depth=30, circle=3.0).per_neuron
    np.testing.assert_allclose(found, 2.0, rtol=1e-12)
    np.testing.assert_allclose(expected(phi, 5.0, depth=7, segment=(1.0, 9.0, -0.5)).per_neuron, 2 / 3, rtol=1e-12)


def test_variances_that_vanish_or_overflow() -> None:
    """Of networks that scale with their inputs nothing but ratios counts; far from its knots a unit has no kinks."""
    for sigma_w in (0.01, 100.0):
        found = expected("relu", sigma_w, depth=80, segment=(1.0, 2.0, 0.3)).per_neuron
        np.testing.assert_allclose(found, np.arccos(0.3) / np.pi, rtol=1e-12)
    np.testing.assert_array_equal(expected("hardtanh", 0.01, depth=50, circle=1.0).per_neuron[1:], 0.0)
    with pytest.raises(EocError, match=r"the variance has fallen to .*, where nothing is left of inputs"):
        expected("hardtanh", 0.01, depth=80, circle=1.0)
    with pytest.raises(EocError, match="the variance before relu is"):
        expected("relu", 1e3, 1.0, depth=60, circle=1.0)


def test_bounded_activations_lose_or_gain_kinks_by_phase() -> None:
    ordered, chaotic = (expected("hardtanh", w, 0.3, depth=60, circle=1.0).per_neuron for w in (0.8, 2.5))
    assert ordered[-1] < 1e-6 < ordered[0]
    assert chaotic[-1] / chaotic[-2] == pytest.approx(chaotic[-2] / chaotic[-3], rel=1e-6)
    assert chaotic[-1] > 1e6


@pytest.mark.parametrize("phi", ["tanh", "hardtanh", "elu(alpha=0.5)"])
def test_velocity_behind_an_activation(phi: str) -> None:
    """E[(phi'(h) h')^2] of a Gaussian pair (h, h'), by quadrature on both sides of the knots."""
    q, r, g = 1.3, -0.7, 2.1
    behind = followed(network(f"{phi}, dense(1)").block(), start(exact([q]), exact([r]), exact([g])), lambda *_: None)
    f = activation(phi)
    nodes, weights = np.polynomial.legendre.leggauss(200)
    ends = [-12.0, *(knot / np.sqrt(q) for knot in f.knots), 12.0]
    half = np.diff(ends)[:, None] / 2
    z = np.array(ends[:-1])[:, None] + half * (1 + nodes)
    h = np.sqrt(q) * z
    square = f.dphi(h) ** 2 * ((r / q * h) ** 2 + g - r * r / q)
    true = float(np.sum(half * weights * square * norm.pdf(z)))
    assert abs(behind.speed.value[0] - true) <= behind.speed.error[0] + 1e-13
    assert behind.speed.value[0] == pytest.approx(true, rel=1e-9)


@pytest.mark.parametrize(
    ("text", "kinks"),
    [
        ("residual(relu, dense(1))", 2.0),
        ("relu, dense(1.4, pruned=0.1)", 2.0),
        ("residual(rmsnorm, gate(dense(1), (dense(1), relu)), dense(1))", None),
    ],
)
def test_networks_of_several_layers(text: str, kinks: float | None) -> None:
    found = expected(text, depth=3, circle=1.0)
    assert [layer.block for layer in found.layers] == [1, 2, 3]
    assert found.per_neuron[0] == pytest.approx(2.0, rel=1e-14)
    if kinks is not None:
        np.testing.assert_allclose(found.per_neuron, kinks, rtol=1e-12)
    assert found.to_dict()["layers"][0]["activation"] == "relu"


def test_regions_follow_from_widths() -> None:
    found = expected("relu", 2**0.5, depth=2, circle=1.0)
    assert found.regions(50) == pytest.approx(200.0)
    assert found.regions([10, 20]) == pytest.approx(60.0)
    along = expected("relu", 2**0.5, depth=2, segment=(1.0, 1.0, 0.0))
    assert along.regions(10) == pytest.approx(11.0)
    with pytest.raises(EocError, match="one for each of the 2 layers"):
        found.regions([1, 2, 3])


def test_crossings_on_a_sphere_beside_random_networks() -> None:
    """Sign changes of units of layer 2 along the zeros of units of layer 1, which are lines on a grid of angles."""
    rng, n, few = np.random.default_rng(9), 300, 30
    theta, phi = np.linspace(0.0, np.pi, 101), np.linspace(0.0, 2.0 * np.pi, 201)
    counts = []
    for _ in range(8):
        w, b = rng.normal(0, 1.2 / np.sqrt(3), (n, 3)), rng.normal(0, 0.4, (n, 1))
        v, c = rng.normal(0, 1.2 / np.sqrt(n), (few, n)), rng.normal(0, 0.4, (few, 1))
        first = w[:few] @ on_sphere(*np.meshgrid(phi, theta)).reshape(3, -1) + b[:few]
        for values in first.reshape(few, theta.size, phi.size):
            lines = contour_generator(phi, theta, values).lines(0.0)
            above = [v @ np.maximum(w @ on_sphere(*line.T) + b, 0) + c > 0 for line in lines]
            counts.append(np.mean(sum(np.sum(one[:, 1:] != one[:, :-1], axis=1) for one in above)))
    found = expected("relu", 1.2, 0.4, depth=2, circle=1.0)
    true = 0.5 * found.per_neuron[0] * found.per_neuron[1]
    assert abs(np.mean(counts) - true) < 4.0 * np.std(counts) / np.sqrt(len(counts))
    pairs = [found.crossings_on_sphere(widths) for widths in ([1, 1], [2, 1])]
    assert pairs[0] == pytest.approx(true)
    assert pairs[1] == pytest.approx(2 * true + 0.5 * found.per_neuron[0] ** 2)
    with pytest.raises(EocError, match="give circle=q"):
        expected("relu", 1.2, depth=1, segment=(1.0, 1.0, 0.0)).crossings_on_sphere(3)


def on_sphere(phi: Any, theta: Any) -> Any:
    """Inputs of three features with mean square 1."""
    return np.sqrt(3) * np.stack([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)])


def lines(rng: np.random.Generator, sigma_b: float, knots: tuple[float, ...], neurons: int, radius: float) -> int:
    """Regions of one network in the disc: 1 + lines + crossings."""
    w, b = rng.normal(size=(neurons, 2)), sigma_b * rng.normal(size=neurons)
    w, b = np.repeat(w, len(knots), 0), np.tile(knots, neurons) - np.repeat(b, len(knots))
    count = int(np.sum(np.abs(b) < radius * np.linalg.norm(w, axis=1)))
    first, second = np.triu_indices(b.size, 1)
    det = w[first, 0] * w[second, 1] - w[first, 1] * w[second, 0]
    keep = first // len(knots) != second // len(knots)
    first, second, det = first[keep], second[keep], det[keep]
    x = (b[first] * w[second, 1] - b[second] * w[first, 1]) / det
    y = (w[first, 0] * b[second] - w[second, 0] * b[first]) / det
    return 1 + count + int(np.sum(x * x + y * y < radius**2))


@pytest.mark.parametrize(("phi", "sigma_b"), [("hardtanh", 0.5), ("hardtanh", 0.0), ("relu", 0.3)])
def test_regions_of_a_disc_beside_random_lines(phi: str, sigma_b: float) -> None:
    rng = np.random.default_rng(7)
    found = expected_in_disc(phi, 1.0, sigma_b, neurons=30, radius_squared=2.0)
    counted = [lines(rng, sigma_b, found.knots, 30, 2.0**0.5) for _ in range(1000)]
    assert abs(np.mean(counted) - found.regions) < 4.0 * np.std(counted) / np.sqrt(len(counted))


def test_lines_through_the_origin_meet_in_one_point() -> None:
    assert expected_in_disc("relu", 1.0, neurons=7).regions == pytest.approx(14.0)


def hard(phi: str | Activation = "relu", **other: Any) -> dict[str, Any]:
    return {"activation": phi, "sigma_w": 1.0, "depth": 1, "circle": 1.0} | other


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (hard("tanh"), "has no kinks"),
        (hard("sign"), "sign jumps"),
        (hard(circle=None), "give the curve"),
        (hard(segment=(1.0, 1.0, 0.0)), "not both"),
        (hard(circle=0.0), "mean square of the inputs, > 0"),
        (hard(circle=None, segment=(1.0, 1.0, 1.0)), "length zero"),
        (hard(circle=None, segment=(1.0, 2.0, -1.0)), "meets the origin"),
        (hard(circle=None, segment=(1.0, 2.0)), r"must be \(q_a, q_b, c\)"),
        (hard(circle=None, segment=(1.0, 2.0, 1.5)), r"cosine c in \[-1, 1\]"),
        (hard(depth=0), "depth"),
        (hard(depth=10**6), "from 1 to 2000"),
        (hard(sigma_w=None), "give sigma_w"),
        (hard(sigma_w=0.0), "must be > 0"),
        (hard("relu, dropout(0.1), dense"), "item 2, dropout: curves are not followed through noise"),
        (hard("relu, hardtanh, dense"), "item 2, hardtanh: hardtanh acts on a signal that is not Gaussian"),
    ],
)
def test_what_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(EocError, match=message):
        expected(**given)


def crossings(h: Any) -> float:
    """Sign changes of a unit, columns being places along the curve."""
    return float(np.mean(np.sum((h[:, 1:] > 0) != (h[:, :-1] > 0), axis=1)))


def layer(rng: np.random.Generator, x: Any, sigma_w: float, sigma_b: float = 0.0) -> Any:
    n = len(x)
    return rng.normal(0, sigma_w / np.sqrt(n), (n, n)) @ x + rng.normal(0, sigma_b, (n, 1))


def normed(x: Any) -> Any:
    return (x - x.mean(axis=0)) / x.std(axis=0)


def prenorm(rng: np.random.Generator, x: Any) -> tuple[Any, Any]:
    h = layer(rng, normed(x), 1.3)
    return x + layer(rng, np.maximum(h, 0), 1.0, 0.3), h


def postnorm(rng: np.random.Generator, x: Any) -> tuple[Any, Any]:
    h = layer(rng, x, 1.0, 0.2)
    return layer(rng, normed(np.maximum(h, 0)), 1.5), h  # of relu the mean is not 0


def gated(rng: np.random.Generator, x: Any) -> tuple[Any, Any]:
    h = layer(rng, x, 1.0, 0.5)
    return layer(rng, layer(rng, x, 1.2) * np.maximum(h, 0), 1.0), h


def summed(rng: np.random.Generator, x: Any) -> tuple[Any, Any]:
    h = layer(rng, x, 1.0, 0.5)
    return layer(rng, np.maximum(h, 0) + np.maximum(layer(rng, x, 1.0), 0), 1.0, 0.2), h


BLOCKS = {
    "prenorm(dense(1.3), relu, dense(1, 0.3))": prenorm,
    "dense(1, 0.2), relu, layernorm, dense(1.5)": postnorm,
    "gate((dense(1.2)), (dense(1, 0.5), relu)), dense(1)": gated,
    "sum((dense(1, 0.5), relu), (dense(1), relu)), dense(1, 0.2)": summed,
}


@pytest.mark.parametrize(("text", "block"), BLOCKS.items(), ids=lambda one: one if isinstance(one, str) else "")
def test_blocks_beside_wide_random_networks(text: str, block: Any) -> None:
    """Crossings of 0 in the first relu of each of two blocks, in networks of width 400, by sampling the segment."""
    rng = np.random.default_rng(12)
    a, b, c, width, places = 1.0, 3.0, 0.2, 400, 400
    ends = np.sqrt([a, b]) * np.array([[1.0, c], [0.0, np.sqrt(1 - c * c)]])  # columns
    t = np.linspace(0.0, 1.0, places)
    counts = []
    for _ in range(12):
        x = rng.normal(0, 1.0, (width, 2)) @ (ends[:, :1] * (1 - t) + ends[:, 1:] * t)
        own = []
        for _ in range(2):
            x, h = block(rng, x)
            own.append(crossings(h))
        counts.append(own)
    found = expected(text, depth=2, segment=(a, b, c)).per_neuron
    true = found[[0, len(found) // 2]]
    mean, error = np.mean(counts, axis=0), np.std(counts, axis=0) / np.sqrt(len(counts))
    assert np.all(np.abs(mean - true) <= 4.0 * error + 0.01 * true)
