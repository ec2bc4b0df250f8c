"""Spectra of Jacobians: reference values, closed forms, densities against moments, isometry, real networks."""

from __future__ import annotations

import json
import math
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import eoc
from eoc.errors import EocError, UnsupportedError
from eoc.jacobians import JacobianSpectrum, sample_jacobians

ROWS = list(map(json.loads, (Path(__file__).parent / "reference" / "jacobian.jsonl").read_text().splitlines()))
WEIGHTS = {"gauss": "gaussian", "orth": "orthogonal"}


@cache
def spectrum(activation: str, weights: str, sw2: str, depth: int, q: str) -> JacobianSpectrum:
    name = {"linear": "identity"}.get(activation, activation)
    return eoc.jacobian(name, float(sw2) ** 0.5, depth=depth, weights=WEIGHTS[weights], q=float(q))


def computed(row: dict[str, Any]) -> tuple[float, float]:
    """What was computed for a record, and the bound on its error."""
    name = row.get("activation", "relu" if "p" in row else "linear")
    found = spectrum(name, row.get("weights", "gauss"), row.get("sw2", "1"), row["L"], row.get("q", "1"))
    if row["quantity"] == "density":
        at = found.density(float(row["x"]))
        return float(at.value), float(at.error)
    if row["quantity"] == "s_max^2":
        return found.largest, found.largest_error
    if row["quantity"] == "var/mean^2":
        return found.variance, found.variance_error
    k = int(row["quantity"][1]) - 1
    return float(found.moments[k]), float(found.moments_error[k])


@pytest.mark.parametrize("row", ROWS, ids=[f"{i}-{row['case']}-{row['quantity']}" for i, row in enumerate(ROWS)])
def test_values_are_those_of_the_table_within_their_bounds(row):
    value, error = computed(row)
    true = float(row["value"])
    assert abs(value - true) <= error + 10.0 ** (1 - row["digits"]) * abs(true)
    assert abs(value - true) <= 1e-11 * abs(true)
    assert error <= 1e-11 * abs(true)


@pytest.mark.parametrize("depth", [1, 2, 3, 10, 100])
def test_gaussian_linear_layers_have_the_density_of_fuss_and_catalan(depth):
    found = eoc.jacobian("identity", 1.0, depth=depth)
    assert found.largest == pytest.approx((depth + 1) * (1 + 1 / depth) ** depth, rel=1e-12)
    t = np.linspace(0.02, 0.98, 25) * math.pi / (depth + 1)
    s, top, low = np.sin(t), np.sin((depth + 1) * t), np.sin(depth * t)
    x, rho = top ** (depth + 1) / (s * low**depth), s**2 * low ** (depth - 1) / (math.pi * top**depth)
    at = found.density(x)
    # x itself is rounded, which x rho feels by the slope
    assert (abs(at.value - rho) <= 1e-10 * rho).all()
    assert (abs(at.value - rho) <= at.error + depth * 1e-14 * rho).all()
    assert found.density(found.largest * 1.01).value == 0.0


@pytest.mark.parametrize("depth", [2, 3, 5, 30, 1000])
def test_relu_with_orthogonal_weights_has_the_edge_of_gaussian_linear_layers_of_one_less(depth):
    found = eoc.jacobian("relu", depth=depth, weights="orthogonal")
    assert found.largest == pytest.approx(depth * (depth / (depth - 1)) ** (depth - 1), rel=1e-12)
    assert [(a.value, a.mass) for a in found.atoms] == [(0.0, 0.5)]
    assert found.largest == pytest.approx(eoc.jacobian("identity", 1.0, depth=depth - 1).largest, rel=1e-12)


def test_slopes_that_most_units_share_make_an_atom_at_the_edge():
    q, depth = 0.2, 10
    p = math.erf(1.0 / math.sqrt(2.0 * q))
    found = eoc.jacobian("hardtanh", 1.02, depth=depth, weights="orthogonal", q=q)
    zero, top = found.atoms
    assert zero.mass == pytest.approx(1.0 - p, rel=1e-12)
    assert top.value == found.largest == pytest.approx(1.02 ** (2 * depth), rel=1e-13)
    assert top.mass == pytest.approx(1.0 - depth * (1.0 - p), rel=1e-13)
    assert len(eoc.jacobian("hardtanh", 1.02, depth=60, weights="orthogonal", q=q).atoms) == 1


SHAPES = {
    "relu gaussian": ("relu", {"depth": 2, "weights": "gaussian"}, 2e-6),
    "leaky relu": ("leaky_relu(slope=0.3)", {"depth": 3, "weights": "orthogonal"}, 2e-3),
    "hardtanh": ("hardtanh", {"q": 0.5, "depth": 4, "weights": "orthogonal"}, 2e-3),
    "tanh": ("tanh", {"sigma_b": 0.3, "depth": 2, "weights": "orthogonal"}, 2e-6),
    "elu": ("elu", {"q": 1.0, "depth": 3, "weights": "gaussian"}, 2e-6),
    "silu": ("silu", {"q": 1.0, "depth": 2, "weights": "gaussian"}, 2e-6),
}


@pytest.mark.parametrize("case", SHAPES, ids=list(SHAPES))
def test_densities_and_atoms_have_the_moments(case):
    phi, options, within = SHAPES[case]  # less where there is an edge in between, too
    found = eoc.jacobian(phi, **options)
    # x = top (1 - r^2)^4: smooth where the density ends like a root at the top, and close to 0
    r, weight = np.polynomial.legendre.leggauss(120)
    r, weight = 0.5 * (r + 1.0), 0.5 * weight
    x, steps = found.largest * (1.0 - r**2) ** 4, found.largest * 8.0 * r * (1.0 - r**2) ** 3 * weight
    at = found.density(x)
    for k, moment in enumerate(found.moments, start=1):
        known = sum(a.mass * a.value**k for a in found.atoms)
        assert known + (at.value * x**k) @ steps == pytest.approx(moment, rel=within)


@settings(max_examples=12)
@given(
    st.sampled_from(["tanh", "gelu", "elu", "softplus", "relu6", "sin"]),
    st.floats(0.01, 5.0),
    st.integers(1, 50),
    st.sampled_from(["gaussian", "orthogonal"]),
)
def test_moments_grow_as_moments_do_and_the_edge_lies_between_its_bounds(phi, q, depth, weights):
    found = eoc.jacobian(phi, 1.0, depth=depth, weights=weights, q=q)
    ratios = found.moments[1:] / found.moments[:-1]
    assert (np.diff(ratios) >= -1e-9 * ratios[1:]).all()
    assert found.variance >= -found.variance_error
    assert found.largest >= ratios[-1] * (1.0 - 1e-9)
    limit = found.chi_1 * found.slopes.largest * (4.0 if weights == "gaussian" else 1.0)
    assert found.largest <= limit**depth * (1.0 + 1e-9)
    assert found.largest_error < 1e-9 * found.largest


def test_on_the_edge_of_chaos_the_mean_is_exactly_1_at_any_depth():
    for phi in ("tanh", "relu", "gelu"):
        options = {} if phi == "relu" else {"sigma_b": 0.5}
        found = eoc.jacobian(phi, depth=10**5, **options)
        assert (found.moments[0], found.moments_error[0], found.chi_1) == (1.0, 0.0, 1.0)
        assert found.largest_error < 1e-6 * found.largest


def test_a_correlation_map_stands_for_its_place():
    f = eoc.CorrelationMap("tanh", 1.5, 0.2)
    one, two = eoc.jacobian(f, depth=7), eoc.jacobian("tanh", 1.5, 0.2, depth=7)
    assert (one.moments == two.moments).all()
    assert eoc.jacobian("tanh", 1.5, depth=7, q=f.q).moments == pytest.approx(one.moments, rel=1e-12)


def test_slopes_without_bound_have_moments_and_no_largest_value():
    found = eoc.jacobian("x*x/4 + x", 1.0, depth=1, weights="orthogonal", q=0.1)
    # phi' = 1 + X/2, X/2 of variance 0.025
    v = 0.025
    assert found.moments[:2] == pytest.approx([1.0 + v, 1.0 + 6.0 * v + 3.0 * v**2], rel=1e-13)
    assert found.largest == math.inf


def test_where_slopes_come_close_the_largest_value_follows_from_the_variance_alone():
    for phi in ("tanh", "sin"):
        found = eoc.isometry(phi, 4.0, depth=10**5)
        ((low, high),) = found.ranges
        assert low == 0.0
        spectrum = eoc.jacobian(phi, q=high, depth=10**5, weights="orthogonal")
        assert spectrum.largest == pytest.approx(4.0, rel=1e-7)
        assert spectrum.variance == pytest.approx(0.7195126, rel=0.01)  # off by O(1/sqrt(depth))


def test_isometry_is_had_or_not():
    q = eoc.isometry("hardtanh", 4.0, depth=10).point.q
    assert eoc.jacobian("hardtanh", q=q * (1 - 1e-6), depth=10, weights="orthogonal").largest < 4.0
    assert eoc.jacobian("hardtanh", q=q * (1 + 1e-6), depth=10, weights="orthogonal").largest > 4.0
    assert eoc.isometry("tanh", 4.0, depth=10, weights="gaussian").ranges == ()
    assert eoc.isometry("tanh", 4.0, depth=10, weights="gaussian").least == pytest.approx(11 * 1.1**10, rel=1e-6)
    depth = eoc.isometric_depth("tanh", 4.0, sigma_b=0.05)
    largest = [eoc.jacobian("tanh", sigma_b=0.05, depth=n, weights="orthogonal").largest for n in (depth, depth + 1)]
    assert largest[0] <= 4.0 < largest[1]
    assert eoc.isometric_depth("identity", 4.0, 1.0) == 10**6
    assert eoc.isometric_depth("relu", 2.0, 2.0) == 0


@pytest.mark.parametrize("weights", ["gaussian", "orthogonal"])
@pytest.mark.parametrize("phi", ["tanh", "relu"])
def test_networks_with_weight_matrices_agree(phi, weights):
    options = {"sigma_b": 0.3} if phi == "tanh" else {}
    found = sample_jacobians(eoc.jacobian(phi, depth=3, weights=weights, **options), width=60, networks=30, seed=5)
    assert (abs(found.z) < 4.0).all()  # eight of them at 6e-5
    zeros = sum(a.mass for a in found.spectrum.atoms if a.value == 0.0)
    assert (found.squared < 1e-20).mean() >= 0.9 * zeros
    assert (found.squared > 1.2 * found.spectrum.largest).mean() < 0.01


@pytest.mark.parametrize("weights", ["gaussian", "orthogonal"])
def test_histograms_of_networks_are_the_density(weights):
    found = eoc.jacobian("hardtanh", q=0.5, depth=3, weights=weights)
    networks = sample_jacobians(found, width=100, networks=15, seed=2)
    r, weight = np.polynomial.legendre.leggauss(60)
    r, weight = 0.5 * (r + 1.0), 0.5 * weight
    for share in (0.1, 0.3, 0.6):  # of the largest value, from which on singular values are counted
        span = found.largest * (1.0 - share)
        x = found.largest - span * r**2
        above = found.density(x).value @ (2.0 * span * r * weight) + sum(a.mass for a in found.atoms if a.value > 0.0)
        counted = (networks.squared > share * found.largest).mean(axis=1)
        assert abs(counted.mean() - above) < 0.01 + 4.0 * counted.std(ddof=1) / 15**0.5


def test_bad_input_is_explained():
    for arguments, options, words in (
        (("tanh", 1.0), {"depth": 0}, "depth must be a whole number"),
        (("tanh", 1.0), {"depth": 2.5}, "depth must be a whole number"),
        (("tanh", 1.2, 0.1), {"depth": 2, "weights": "dense"}, "'gaussian' or 'orthogonal'"),
        (("tanh", 1.2, 0.1), {"depth": 2, "q": 1.0}, "give sigma_b or q"),
        (("tanh", -1.0), {"depth": 2, "q": 1.0}, "sigma_w must be > 0"),
        (("x*x", 0.2), {"depth": 2}, "give a q > 0"),
    ):
        with pytest.raises(EocError, match=words):
            eoc.jacobian(*arguments, **options)
    with pytest.raises(UnsupportedError, match="jumps"):
        eoc.jacobian("sign", 1.0, depth=2, q=1.0)
    with pytest.raises(UnsupportedError, match="is a network"):
        eoc.jacobian("tanh, dropout(0.1), dense", 1.0, depth=2)
    with pytest.raises(EocError, match="x must be > 0"):
        eoc.jacobian("tanh", 1.2, 0.1, depth=2).density([1.0, 0.0])
    with pytest.raises(UnsupportedError, match="take depth >= 2"):
        eoc.jacobian("tanh", 1.2, 0.1, depth=1, weights="orthogonal").density(1.0)
    with pytest.raises(EocError, match="vanish with depth"):
        eoc.isometric_depth("tanh", 4.0, 0.5, 0.1)
    with pytest.raises(EocError, match="largest must be > 0"):
        eoc.isometry("tanh", 0.0, depth=3)
    with pytest.raises(EocError, match="no sigma_b keeps"):
        sample_jacobians(eoc.jacobian("tanh", 3.0, depth=2, q=0.1))
