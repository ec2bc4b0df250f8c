"""Linear and tropical terms: published fractions, the identities behind them, angles at initialisation."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from piecewise import RECORDS, TINY, drawn, pooled, tiny

from eoc.errors import EocError
from eoc.regions import PiecewiseLinear, dense, expected_cosines, linear_terms
from eoc.regions.model import Affine, Bend, Largest
from eoc.regions.pieces import straight_pieces
from eoc.regions.windows import convolution, positions

KINDS = ("linear", "positive", "negative")
OF_POINTS = [r for r in RECORDS if r["quantity"].startswith("logits, pattern")]
(OF_IMAGE,) = (r["value"] for r in RECORDS if r["case"].startswith("conv 4x4"))


def texts(numbers: Any) -> list[str]:
    return [str(Fraction(one)) for one in numbers]


@pytest.mark.parametrize("r", OF_POINTS, ids=lambda r: str(r["parameters"]["x"]))
def test_published_terms(r: dict[str, Any]) -> None:
    found, true = linear_terms(tiny(), np.array([r["parameters"]["x"]], dtype=object)), r["value"]
    assert texts(found.logits[0]) == true["logits"]
    assert [part[0].tolist() for part in found.pattern] == true["pattern"]
    assert found.label[0] == true["label"]
    for kind in KINDS:
        terms = getattr(found, kind)
        assert [str(terms.bias[0]), texts(terms.coefficients[0])] == true[kind]


def test_published_number_of_regions_and_angles() -> None:
    number, cosines = (
        next(r["value"] for r in RECORDS if r["quantity"].startswith(text))
        for text in ("number of distinct", "cosines between")
    )
    points = np.vectorize(lambda x: float(Fraction(x)))(TINY["points"])
    for found in (linear_terms(tiny(), points), linear_terms(tiny(exact=False), points)):
        assert found.distinct() == number
        np.testing.assert_allclose(found.cosines(), cosines, atol=1e-15)


def convolutional() -> PiecewiseLinear:
    kernel = np.array(OF_IMAGE["filter"], float).reshape(1, 1, 9)
    places = positions((4, 4), (3, 3), (1, 1), [(1, 1)] * 2, (1, 1))
    last = np.array(OF_IMAGE["dense"], float), np.array([float(Fraction(b)) for b in OF_IMAGE["dense_bias"]])
    return PiecewiseLinear(
        16,
        (
            Affine((0,), convolution(kernel, places, 16), np.full(16, float(OF_IMAGE["filter_bias"]))),
            Bend((1,), straight_pieces("relu"), 16),
            Largest((2,), positions((4, 4), (2, 2), (2, 2), [(0, 0)] * 2, (1, 1))),
            Affine((3,), *last),
        ),
        (1, 4, 4),
    )


@pytest.mark.parametrize("exact", [True, False])
def test_published_terms_of_a_convolution_with_pooling(exact: bool) -> None:
    net = convolutional().exact() if exact else convolutional()
    found = linear_terms(net, np.array(OF_IMAGE["image"])[None, None])
    assert texts(found.logits[0]) == OF_IMAGE["logits"]
    assert found.label.tolist() == [OF_IMAGE["label"]]
    assert net.nodes[2].chosen(found.pattern[1])[0].tolist() == OF_IMAGE["pool_argmax"]
    for kind in KINDS:
        terms = getattr(found, kind)
        assert [texts(terms.bias)[0], texts(terms.coefficients[0])] == OF_IMAGE[kind]


@pytest.mark.parametrize(
    "r", [r for r in RECORDS if "input gradients" in r["quantity"]], ids=lambda r: str(r["parameters"])
)
def test_published_cosines_at_initialisation(r: dict[str, Any]) -> None:
    found = expected_cosines("relu", 2**0.5, depth=r["parameters"]["L"], c=float(r["parameters"]["c"]))
    assert abs(found.value - float(r["value"])) <= found.error
    assert found.error < 1e-13


def check(net: PiecewiseLinear, x: Any) -> None:
    found = linear_terms(net, x)
    logits = found.logits[np.arange(len(x)), found.label]
    rows = net.rows(x)
    size = np.abs(found.positive.coefficients).max()
    own, positive, negative = (np.diagonal(getattr(found, kind)(rows)) for kind in KINDS)
    np.testing.assert_allclose(positive - negative, logits, atol=1e-12 * size)
    np.testing.assert_allclose(own, logits, atol=1e-12 * size)
    np.testing.assert_allclose(
        found.positive.coefficients - found.negative.coefficients, found.linear.coefficients, atol=1e-12 * size
    )
    for kind in KINDS[1:]:
        assert getattr(found, kind).coefficients.min() >= 0.0
    # the largest of all terms at a sample is its own: of its label for P, of all for N
    assert np.all(found.negative(rows) <= negative[:, None] + 1e-12 * size)
    same = found.label[:, None] == found.label
    assert np.all(np.where(same, found.positive(rows), -np.inf) <= positive[:, None] + 1e-12 * size)
    at_samples = found.tropical(x)[np.arange(len(x)), found.label]
    np.testing.assert_allclose(at_samples, logits, atol=1e-11 * size)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(
    st.integers(0, 10**6),
    st.sampled_from(["relu", "leaky_relu(slope=0.1)", "spline(knots=(-1, 0.5), slopes=(0.1, 0.5, 2))"]),
    st.integers(1, 4),
)
def test_the_difference_of_the_terms_is_the_network(seed: int, phi: str, depth: int) -> None:
    rng = np.random.default_rng(seed)
    check(drawn(rng, phi, 1.5, 0.3, 10, depth, 5), rng.normal(size=(12, 5)))


@pytest.mark.parametrize("seed", range(3))
def test_terms_of_maxima_and_residual_sums(seed: int) -> None:
    rng = np.random.default_rng(seed)
    check(pooled(rng), rng.normal(size=(10, 1, 6, 6)))


def test_terms_generalise_where_samples_are_dense() -> None:
    rng = np.random.default_rng(1)
    net = drawn(rng, "relu", 1.5, 0.3, 6, 1, 2)
    found, x = linear_terms(net, rng.normal(size=(500, 2))), rng.normal(size=(300, 2))
    assert found.agreement(x) > 0.99
    assert found.cross_share(x) < 0.05
    few = linear_terms(net, rng.normal(size=(3, 2)))
    assert few.agreement(x) < found.agreement(x)
    assert few.distinct() <= 3 < found.distinct()


def test_angles_at_initialisation_are_those_expected() -> None:
    """Means over networks of width 300, each with one logit's gradient at two inputs, within 4 standard errors."""
    rng = np.random.default_rng(8)
    basis = np.linalg.qr(rng.normal(size=(50, 2)))[0].T * np.sqrt(50)
    x = np.stack([basis[0], 0.6 * basis[0] + 0.8 * basis[1]])
    found = []
    for _ in range(60):
        net = drawn(rng, "hardtanh", 1.5, 0.2, 300, 3, 50)
        one = PiecewiseLinear(50, (*net.nodes[:-1], Affine((6,), rng.normal(size=(1, 300)), np.zeros(1))))
        found.append(linear_terms(one, x).cosines()[0, 1])
    true = expected_cosines("hardtanh", 1.5, 0.2, depth=3, c=0.6).value
    assert abs(np.mean(found) - true) < 4.0 * np.std(found) / np.sqrt(60) + 0.02  # and 1/width


def test_what_is_refused() -> None:
    rng = np.random.default_rng(0)
    hard = linear_terms(drawn(rng, "hardtanh", 1.0, 0.0, 5, 1, 2), [[1.0, 2.0]])
    assert hard.linear.coefficients.shape == (1, 2)
    with pytest.raises(EocError, match="not convex and increasing: there are only linear terms"):
        _ = hard.positive
    with pytest.raises(EocError, match="samples along the first axis"):
        linear_terms(dense([np.eye(2)]), [1.0, 2.0])
    with pytest.raises(EocError, match="'linear', 'positive' or 'negative'"):
        hard.cosines("both")  # type: ignore[arg-type]
    with pytest.raises(EocError, match=r"in \[-1, 1\]"):
        expected_cosines("relu", 1.0, depth=1, c=2.0)
