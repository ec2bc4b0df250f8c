"""The Gram matrix of two-layer networks: published values, symmetries, and the law of its smallest eigenvalue."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import eoc
from eoc.errors import EocError, UnsupportedError
from eoc.floats import FloatArray
from eoc.kernels import TwoLayerGram, smoothness_law, two_layer_gram

TABLE = Path(__file__).parent / "reference" / "gram.jsonl"
RECORDS = list(map(json.loads, TABLE.read_text().splitlines()))
NAMES = {"quadratic x^2": "polynomial(coefficients=(0, 0, 1))"}


def circle(points: int) -> FloatArray:
    angles = 2.0 * np.pi * np.arange(points) / points
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def equicorrelated(points: int, rho: float) -> FloatArray:
    """Unit vectors as rows with all inner products rho."""
    gram = np.full((points, points), rho) + (1.0 - rho) * np.eye(points)
    values, vectors = np.linalg.eigh(gram)
    return vectors * np.sqrt(np.maximum(values, 0.0))


def fraction(text: str) -> float:
    above, _, below = text.partition("/")
    return float(above) / float(below or 1)


def gram_of(record: dict[str, Any]) -> TwoLayerGram:
    given = record["parameters"]
    if "points" in given:
        x = np.array([[fraction(one) for one in row] for row in given["points"]])
    elif "rho" in given:
        x = equicorrelated(given["n"], float(given["rho"]))
    else:
        x = circle(given["n"])
    return two_layer_gram(NAMES.get(record["case"], record["case"]), x)


EIGENVALUES = [r for r in RECORDS if "eigenvalue" in r["quantity"]]


@pytest.mark.parametrize("record", EIGENVALUES, ids=lambda r: f"{r['case']} {r['parameters']}")
def test_published_eigenvalues(record):
    spectrum = gram_of(record).spectrum()
    values, true = spectrum.eigenvalues, record["value"]
    if record["quantity"].startswith("eigenvalues of"):
        got = values[::-1]
    elif record["quantity"].startswith("eigenvalues kappa"):
        got = np.array([values[-1], values[0]])
        np.testing.assert_allclose(values[1:], values[-1], rtol=1e-11)
    elif record["quantity"].startswith("smallest and largest"):
        got = values[[-1, 0]]
    else:
        got, true = values[[-1]], true[:1]
    off = np.abs(got - np.array(true, dtype=float))
    digits = 10.0 ** -float(record["digits"])
    assert (off <= spectrum.error + digits).all()
    assert off.max() <= 1e-14 * values[0]


@pytest.mark.parametrize("record", [r for r in RECORDS if "rank" in r["quantity"]], ids=lambda r: r["case"])
def test_antipodal_points_lower_the_rank(record):
    spectrum = gram_of(record).spectrum()
    assert int((spectrum.eigenvalues > spectrum.error).sum()) == record["value"]
    assert spectrum.is_singular
    assert smoothness_law(record["case"]).on_circle(record["parameters"]["n"]) == 0.0


@pytest.mark.parametrize(
    "record", [r for r in RECORDS if "Fourier" in r["quantity"]], ids=lambda r: str(r["parameters"])
)
def test_eigenvalues_on_the_circle_are_aliased_fourier_coefficients(record):
    n, k = 400, record["parameters"]["k"]
    row = two_layer_gram("relu", circle(n)[: n // 2 + 1]).matrix[0]  # even in the angle
    coefficient = np.fft.rfft(np.concatenate([row, row[-2:0:-1]])).real[k] / n
    assert coefficient == pytest.approx(float(record["value"]), abs=2.0 / n**2)


@pytest.mark.parametrize(
    ("phi", "points", "within"),
    [
        ("relu", 201, 1e-3),
        ("hardtanh", 101, 1e-3),
        ("max(x - 0.5, 0)", 101, 5e-3),
        ("max(x - 0.5, 0)", 102, 5e-3),
        ("x*max(x, 0) + max(x - 1, 0)^2", 101, 1e-2),
        ("x*max(x, 0) + max(x - 1, 0)^2", 102, 1e-2),
    ],
)
def test_the_smallest_eigenvalue_follows_the_law_of_smoothness(phi, points, within):
    found = two_layer_gram(phi, circle(points))
    assert found.spectrum().eigenvalues[-1] == pytest.approx(found.law.on_circle(points), rel=within)


def test_the_law_of_elu_is_reached_slowly():
    off = [two_layer_gram("elu", circle(n)).spectrum().eigenvalues[-1] / smoothness_law("elu").on_circle(n) - 1.0
           for n in (101, 401)]  # fmt: skip
    assert 0.0 < off[1] < 0.6 * off[0]


def test_a_matrix_of_lengths_is_half_the_ntk_without_the_last_layer():
    """sigma_w^2 E[phi' phi'] Theta of one hidden layer, from the kernels."""
    x = np.random.default_rng(0).standard_normal((3, 4))
    found = two_layer_gram("tanh", x)
    both = eoc.kernel("tanh", x, depth=1, sigma_w=1.0)  # pre-activations x.w / sqrt(d)
    scaled = two_layer_gram("tanh", x / 2.0)
    np.testing.assert_allclose(both.ntk - both.nngp, scaled.matrix, rtol=1e-11)
    assert (np.diag(found.matrix) > np.diag(scaled.matrix)).all()


def test_polynomials_have_a_bounded_rank():
    phi = "polynomial(coefficients=(0, 1, 0, 1))"  # phi' = 1 + 3 x^2: c and c^3
    x = np.random.default_rng(1).standard_normal((9, 2))
    found = two_layer_gram(phi, x / np.linalg.norm(x, axis=1, keepdims=True))
    spectrum = found.spectrum()
    assert int((spectrum.eigenvalues > spectrum.error).sum()) == found.law.rank(2) == 4.0
    assert smoothness_law("tanh").rank(2) == np.inf
    assert smoothness_law("tanh").exponent == np.inf


def test_what_has_no_gram_matrix_is_refused():
    with pytest.raises(UnsupportedError, match="jumps"):
        two_layer_gram("sign", np.eye(2))
    with pytest.raises(UnsupportedError, match="jumps"):
        smoothness_law("sign")
    with pytest.raises(EocError, match="row 0 of x1 is zero"):
        two_layer_gram("relu", np.zeros((2, 2)))
    with pytest.raises(EocError, match="points"):
        smoothness_law("relu").on_circle(0)
