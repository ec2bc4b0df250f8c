"""Families of activations: closed forms at any parameters, what is fitted, basins, kinks, and what pickles."""

from __future__ import annotations

import math
import pickle
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from truth import MP, error

import eoc
from eoc.activations import Activation, activation
from eoc.criticality import edge_of_chaos
from eoc.gaussian.bivariate import bivariate
from eoc.gaussian.hinges import expectation_of_lines
from eoc.gaussian.moments import moments
from eoc.maps import VarianceMap

few = settings(max_examples=6, deadline=None, derandomize=True)
coefficient = st.floats(-2, 2).map(lambda v: round(v, 3))
variance = st.floats(-1.5, 1).map(lambda v: round(10**v, 4))
correlation = st.floats(-0.95, 0.95).map(lambda v: round(v, 3))


def agrees(phi: Activation, q: float, c: float, true: dict[str, Any], size: float = 0.0) -> None:
    """All that is given, to 1e-12 of what is integrated and within the bounds."""
    single, paired = ([name for name in true if name in names] for names in ("MVD", ("K", "Kd")))
    found = moments(phi, q, tuple(single)) | bivariate(phi, q, c=c, names=tuple(paired))
    for name, value in true.items():
        scale = max(abs(value), true["D" if name in ("D", "Kd") else "V"], size)
        assert error(float(found[name].value), value) <= float(found[name].error) + 1e-15 * scale
        assert float(found[name].error) <= 2e-12 * scale


# --- polynomials ------------------------------------------------------------------------------------------------------


def polynomial_values(powers: Sequence[Fraction], q: Fraction, c: Fraction) -> dict[str, Any]:
    """K = sum_k k! alpha_k^2 c^k, exactly: alpha_k are the coefficients of phi(sqrt(q) z) in He_k."""

    def kernel(p: Sequence[Fraction], c: Fraction) -> Any:
        total = MP.mpf(0)
        for k in range(len(p)):
            alpha = MP.mpf(0)
            for i in range(k, len(p), 2):
                count = Fraction(
                    math.factorial(i), math.factorial(k) * math.factorial((i - k) // 2) * 2 ** ((i - k) // 2)
                )
                alpha += number(p[i] * count) * MP.sqrt(number(q)) ** i
            total += math.factorial(k) * alpha**2 * number(c) ** k
        return total

    slopes = [i * a for i, a in enumerate(powers)][1:]
    one = Fraction(1)
    return {"V": kernel(powers, one), "D": kernel(slopes, one), "K": kernel(powers, c), "Kd": kernel(slopes, c)}


def number(value: Fraction) -> Any:
    return MP.mpf(value.numerator) / value.denominator


BASES = {
    "monomial": ([1], [0, 1], [0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 0, 1]),
    "hermite": ([1], [0, 1], [-1, 0, 1], [0, -3, 0, 1], [3, 0, -6, 0, 1]),
    "legendre": ([1], [0, 1], [Fraction(-1, 2), 0, Fraction(3, 2)], [0, Fraction(-3, 2), 0, Fraction(5, 2)]),
    "chebyshev": ([1], [0, 1], [-1, 0, 2], [0, -3, 0, 4], [1, 0, -8, 0, 8]),
}


@few
@given(
    basis=st.sampled_from(list(BASES)),
    given=st.lists(coefficient, min_size=2, max_size=4).filter(lambda c: any(c[1:])),
    q=variance,
    c=correlation,
)
def test_polynomials_have_exact_closed_forms(basis: str, given: list[float], q: float, c: float) -> None:
    powers = [Fraction(0)] * len(given)
    for a, own in zip(given, BASES[basis], strict=False):
        for i, part in enumerate(own):
            powers[i] += Fraction(a) * part
    agrees(eoc.polynomial(given, basis=basis), q, c, polynomial_values(powers, Fraction(q), Fraction(c)))


@few
@given(basis=st.sampled_from(list(BASES)), k=st.integers(1, 12), j=st.integers(1, 12))
def test_normalised_polynomials_are_standardised(basis: str, k: int, j: int) -> None:
    """E = 0 and V = 1 at q = 1; Hermite polynomials are then orthogonal, with K = sum b_k^2 c^k."""
    one = moments(eoc.polynomial([0] * k + [1], basis=basis, normalised=True), 1.0, ("M", "V"))
    assert abs(float(one["M"].value)) <= float(one["M"].error)
    assert float(one["V"].value) == pytest.approx(1.0, abs=1e-12)
    if basis == "hermite" and j != k:
        both = eoc.polynomial([2.0 if i == k else 1.0 if i == j else 0.0 for i in range(13)], basis, normalised=True)
        found = bivariate(both, 1.0, c=0.6, names=("K",))["K"]
        assert float(found.value) == pytest.approx(4 * 0.6**k + 0.6**j, abs=1e-11)


@pytest.mark.parametrize("basis", ["legendre", "chebyshev"])
def test_high_degrees_do_not_cancel(basis: str) -> None:
    """T_20 and P_20 have coefficients up to 1e7, and values up to 1 between -1 and 1."""
    phi = eoc.polynomial([0] * 20 + [1], basis=basis)
    x = np.linspace(-1, 1, 41)
    true = [getattr(MP, basis)(20, t) if basis == "legendre" else MP.chebyt(20, t) for t in x]
    assert all(error(value, t) <= 4e-15 for value, t in zip(phi(x), true, strict=True))
    assert all(error(v, t) <= bound for v, t, bound in zip(phi(x), true, phi.errors(x)[0], strict=True))


@few
@given(a=st.floats(0.02, 0.5), share=st.floats(0.05, 0.9))
def test_basins_of_cubics(a: float, share: float) -> None:
    """x - a x^3 at its point with q = share / (3a): F - q is a cubic, of which q is a root."""
    (p,) = edge_of_chaos(f"polynomial(coefficients=(0, 1, 0, {-a!r}))", q=share / (3 * a)).points
    w = p.sigma_w**2
    roots = np.roots([15 * a**2 * w, -6 * a * w, w - 1, p.sigma_b**2])
    largest = max(float(r.real) for r in roots if abs(r.imag) < 1e-9)
    assert p.stability == "stable"
    assert p.overflows_above == pytest.approx(largest, rel=1e-9)
    variances = VarianceMap(f"polynomial(coefficients=(0, 1, 0, {-a!r}))", p.sigma_w, p.sigma_b)
    assert variances.limit(0.99 * largest) == pytest.approx(p.q, rel=1e-9)
    assert variances.limit(1.01 * largest) == math.inf


def test_only_what_grows_faster_than_x_has_a_basin() -> None:
    for name in ("tanh", "gelu", "era"):
        assert all(p.overflows_above == math.inf for p in edge_of_chaos(name, sigma_b=0.3).points)
    (p,) = edge_of_chaos("x^2", sigma_b=0.3).points
    assert p.overflows_above == pytest.approx(p.q, rel=1e-12)  # unstable itself


# --- Fourier series ---------------------------------------------------------------------------------------------------


@few
@given(
    sines=st.lists(coefficient, max_size=3),
    cosines=st.lists(coefficient, min_size=1, max_size=3).filter(any),
    frequency=st.floats(0.1, 3).map(lambda v: round(v, 2)),
    q=variance,
    c=correlation,
)
def test_fourier_series_have_closed_forms(
    sines: list[float], cosines: list[float], frequency: float, q: float, c: float
) -> None:
    phi = eoc.fourier(sines, cosines, frequency, constant=0.25)
    waves = [(MP.mpf(k * frequency), b, a) for k, b, a in _padded(sines, cosines)]
    slopes = [(w, -w * a, w * b) for w, b, a in waves]
    true = {
        "M": waves_mean(waves, q) + 0.25,
        "V": waves_kernel(waves, q, 1) + 0.5 * waves_mean(waves, q) + 0.0625,
        "D": waves_kernel(slopes, q, 1),
        "K": waves_kernel(waves, q, c) + 0.5 * waves_mean(waves, q) + 0.0625,
        "Kd": waves_kernel(slopes, q, c),
    }
    agrees(phi, q, c, true, size=sum(map(abs, sines)) + sum(map(abs, cosines)))


def _padded(sines: list[float], cosines: list[float]) -> list[tuple[int, float, float]]:
    count = max(len(sines), len(cosines))
    rows = [row + [0.0] * (count - len(row)) for row in (sines, cosines)]
    return [(k + 1, b, a) for k, (b, a) in enumerate(zip(*rows, strict=True))]


def waves_mean(waves: list[Any], q: float) -> Any:
    return sum(a * MP.exp(-q * w * w / 2) for w, _, a in waves)


def waves_kernel(waves: list[Any], q: float, c: float) -> Any:
    """E cos cos = (e^-A + e^-B)/2 and E sin sin = (e^-A - e^-B)/2, A, B = q (w^2 + w'^2 -+ 2 c w w')/2."""
    total = MP.mpf(0)
    for w, b, a in waves:
        for v, d, e in waves:
            near, far = (MP.exp(-q * (w * w + v * v - s * 2 * MP.mpf(c) * w * v) / 2) for s in (1, -1))
            total += a * e * (near + far) / 2 + b * d * (near - far) / 2
    return total


def test_fast_oscillations_lose_no_digits() -> None:
    m = moments(eoc.fourier([1.0], frequencies=30.1), 4.0, ("V", "D"))
    w = MP.mpf(30.1)
    assert error(float(m["V"].value), -MP.expm1(-8 * w * w) / 2) <= float(m["V"].error) <= 1e-12
    assert error(float(m["D"].value), w * w * (1 + MP.exp(-8 * w * w)) / 2) <= float(m["D"].error) <= 1e-9


# --- Gaussian processes -----------------------------------------------------------------------------------------------


@settings(max_examples=4, deadline=None, derandomize=True)
@given(
    points=st.lists(st.integers(-6, 6), min_size=1, max_size=6, unique=True).map(sorted),
    data=st.data(),
    length=st.floats(0.4, 1.5).map(lambda v: round(v, 2)),
    noise=st.sampled_from([0.0, 0.01, 0.5]),
    q=variance,
    c=correlation,
)
def test_gaussian_processes_have_closed_forms(
    points: list[int], data: st.DataObject, length: float, noise: float, q: float, c: float
) -> None:
    values = data.draw(st.lists(coefficient, min_size=len(points), max_size=len(points)).filter(any))
    x = [MP.mpf(p) / 2 for p in points]
    phi = eoc.gp_activation([p / 2 for p in points], values, length, noise)
    with MP.workdps(60):
        gram = MP.matrix([[MP.exp(-(((a - b) / length) ** 2) / 2) for b in x] for a in x]) + MP.mpf(noise) * MP.eye(
            len(x)
        )
        weights = list(MP.lu_solve(gram, MP.matrix(values)))
        true = {"M": kernels_mean(x, weights, length, q), **kernels_kernel(x, weights, length, q, 1, ("V", "D"))}
        true |= kernels_kernel(x, weights, length, q, c, ("K", "Kd"))
    if noise == 0.0:
        np.testing.assert_allclose(phi([p / 2 for p in points]), values, rtol=1e-14, atol=1e-300)
    agrees(phi, q, c, true)


def kernels_mean(x: list[Any], weights: list[Any], length: float, q: float) -> Any:
    spread = MP.mpf(length) ** 2 + q
    return sum(w * length / MP.sqrt(spread) * MP.exp(-p * p / (2 * spread)) for w, p in zip(weights, x, strict=True))


def kernels_kernel(
    x: list[Any], weights: list[Any], length: float, q: float, c: float, names: tuple[str, str]
) -> dict[str, Any]:
    """sum of w_i w_j l^2 det(A)^-1/2 exp(-x^T A^-1 x / 2), A = [[q + l^2, qc], [qc, q + l^2]]; d/dc of it over q."""
    a, b = MP.mpf(q) + MP.mpf(length) ** 2, MP.mpf(q) * MP.mpf(c)
    det = a * a - b * b
    value, slope = MP.mpf(0), MP.mpf(0)
    for w, p in zip(weights, x, strict=True):
        for v, r in zip(weights, x, strict=True):
            s = (a * (p * p + r * r) - 2 * b * p * r) / det
            term = w * v * length**2 / MP.sqrt(det) * MP.exp(-s / 2)
            value += term
            slope += term * (b / det + p * r / det - b * s / det)
    return {names[0]: value, names[1]: slope}


# --- splines ----------------------------------------------------------------------------------------------------------


@few
@given(
    knots=st.lists(st.integers(-30, 30), min_size=1, max_size=6, unique=True).map(sorted),
    data=st.data(),
    through=st.tuples(coefficient, coefficient),
    q=variance,
)
def test_splines_by_slopes_have_closed_forms(
    knots: list[int], data: st.DataObject, through: tuple[float, float], q: float
) -> None:
    slopes = data.draw(st.lists(coefficient, min_size=len(knots) + 1, max_size=len(knots) + 1))
    places = [k / 10 for k in knots]
    phi = eoc.spline(places, slopes, through)
    assert phi(through[0]) == pytest.approx(through[1], abs=1e-14)
    s = MP.sqrt(MP.mpf(q))
    ends = [-MP.inf, *(MP.mpf(k) for k in places), MP.inf]
    d = sum(
        MP.mpf(m) ** 2 * (MP.ncdf(b / s) - MP.ncdf(a / s)) for m, (a, b) in zip(slopes, pairwise(ends), strict=True)
    )
    found = moments(phi, q, ("D", "V", "P"))
    assert error(float(found["D"].value), d) <= float(found["D"].error) + 1e-300
    density = [MP.npdf(MP.mpf(k) / s) / s for k in places]
    bends = [MP.mpf(b) - MP.mpf(a) for a, b in pairwise(slopes)]
    p = sum(bend * float(phi(k)) * at for bend, k, at in zip(bends, places, density, strict=True))
    assert error(float(found["P"].value), p) <= float(found["P"].error) + 1e-15


def test_a_spline_by_values_is_the_one_by_its_slopes() -> None:
    by_values = eoc.spline([-2, -0.5, 1, 3], values=[1, 0.25, 0.5, -1], slopes=[0.125, 0.0])
    by_slopes = eoc.spline([-2, -0.5, 1, 3], [0.125, -0.5, 1 / 6, -0.75, 0.0], through=(3, -1))
    x = np.linspace(-5, 5, 101)
    np.testing.assert_allclose(by_slopes(x), by_values(x), rtol=1e-14, atol=1e-15)


def test_many_kinks_are_summed_in_closed_form() -> None:
    """tanh through 200 points: correlations too, where an integral over the plane would have 20 000 corners."""
    x = np.linspace(-6, 6, 200)
    phi = eoc.spline(x, values=np.tanh(x))
    found, tanh = (bivariate(one, 1.0, c=[-0.5, 0.3, 0.9], names=("K", "Kd")) for one in (phi, "tanh"))
    for name, within in (("K", 1e-3), ("Kd", 3e-3)):
        np.testing.assert_allclose(found[name].value, tanh[name].value, rtol=within)
        assert (found[name].error <= 1e-13).all()
    law = edge_of_chaos(phi, sigma_b=0.2).best.law
    assert law.law == "1/l^2"


def test_many_kinks_at_two_variances() -> None:
    """The same line by line as by an integral over the plane, and close to tanh where there are too many for that."""
    few, many = (
        eoc.spline(x, values=np.tanh(x) + 0.3 * x**2) for x in (np.linspace(-2, 2.5, 7), np.linspace(-2, 2.5, 13))
    )
    for c in (-1.0, -0.6, 0.0, 0.4, 0.99, 1.0):
        for slopes, name in ((False, "K"), (True, "Kd")):
            true = bivariate(few, 0.7, q_b=2.0, c=c, names=(name,))[name]
            value, bound = expectation_of_lines(few, slopes, 0.7, 2.0, 1.0 - c)
            assert abs(value - float(true.value)) <= bound + float(true.error)
            assert bound <= 1e-12
        same = bivariate(many, 1.3, q_b=1.3 * (1.0 + 1e-12), c=c)
        equal = bivariate(many, 1.3, c=c)
        for name in ("K", "Kd", "G"):
            assert float(same[name].value) == pytest.approx(float(equal[name].value), abs=2e-11)
    x = np.linspace(-6, 6, 150)
    phi = eoc.spline(x, values=np.tanh(x))
    found, tanh = (bivariate(one, 1.0, q_b=2.0, c=[-0.5, 0.9], names=("K",))["K"] for one in (phi, "tanh"))
    np.testing.assert_allclose(found.value, tanh.value, rtol=2e-3)


# --- all --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "era(target=relu)",
        "era(a=0.5, c=[1], f=[2])",
        "pau(published=tanh, version=B)",
        "rational([0, 1], [1], version=B)",
        "polynomial([0, 1, 0.5], basis=hermite, normalised=True)",
        "fourier([1, 0.5], cosines=[0.1], frequencies=0.5)",
        "gp_activation([-1, 0, 1], [-1, 0, 1], length_scale=0.8)",
        "spline([-1, 1], [0.1, 1, 0.5], through=[0, 0])",
    ],
)
def test_texts_objects_and_pickles_are_one(text: str) -> None:
    phi = activation(text)
    assert activation(phi.name) is phi
    assert pickle.loads(pickle.dumps(phi)) is phi
    assert edge_of_chaos(text, sigma_b=0.3).points == edge_of_chaos(phi, sigma_b=0.3).points
