"""Functions of the angle: conversions that keep their digits, series, their integrals and honest bounds."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from truth import MP, error

from eoc.errors import AccuracyWarning
from eoc.gaussian.angle import Series, angle_of, cumulative, fit
from eoc.gaussian.kernels import COEFFICIENTS

EPS = float(np.finfo(float).eps)
THETA = np.linspace(0.0, np.pi, 1009)
few = settings(max_examples=40, deadline=None, derandomize=True)
FloatArray = np.ndarray[Any, np.dtype[np.float64]]

# --- angles ----------------------------------------------------------------------------------------------------------


def check_angle(theta: float, chord: float, e: float, true: Any) -> None:
    """Each to some ulp of the true angle."""
    assert error(theta, true) <= 4 * EPS * true
    assert error(chord, 2 * MP.sin(true / 2)) <= 4 * EPS * true
    assert error(e, 2 * MP.sin(true / 2) ** 2) <= 6 * EPS * true**2 / 2 + 5e-324


@few
@given(x=st.floats(-150.0, 0.49).map(lambda p: 10.0**p))
def test_a_tiny_angle_keeps_its_digits(x: float) -> None:
    at = angle_of(angle=x)
    check_angle(float(at.theta), float(at.chord), float(at.e), MP.mpf(x))


@few
@given(x=st.floats(-300.0, 0.29).map(lambda p: 10.0**p))
def test_a_tiny_one_minus_c_keeps_its_digits(x: float) -> None:
    at = angle_of(one_minus_c=x)
    condition = 1.0 / (1.0 - x / 2.0) ** 0.5  # theta is steep in e near pi
    true = 2 * MP.asin(MP.sqrt(MP.mpf(x) / 2))
    assert float(at.e) == x
    assert error(float(at.theta), true) <= 4 * EPS * condition * true
    assert error(float(at.chord), 2 * MP.sin(true / 2)) <= 2 * EPS * true


@few
@given(c=st.floats(-1.0, 1.0))
def test_a_correlation_is_what_comes_back(c: float) -> None:
    at = angle_of(c)
    assert float(at.c) == pytest.approx(c, abs=EPS)
    assert float(at.e) == pytest.approx(1.0 - c, rel=EPS)
    assert np.cos(float(at.theta)) == pytest.approx(c, abs=4 * EPS)


def test_ends() -> None:
    for theta, given_by in ((0.0, {"c": 1}), (0.5 * np.pi, {"c": 0}), (np.pi, {"c": -1})):
        assert float(angle_of(**given_by).theta) == pytest.approx(theta, abs=EPS)
    assert angle_of(angle=np.pi).e.item() == 2.0
    assert angle_of(one_minus_c=0.0).theta.item() == angle_of(angle=0).e.item() == 0.0


@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 2)])
def test_shapes(shape: tuple[int, ...]) -> None:
    for at in (angle_of(np.full(shape, 0.5)), angle_of(angle=np.full(shape, 1)), angle_of(one_minus_c=np.ones(shape))):
        assert at.theta.shape == at.chord.shape == at.e.shape == at.c.shape == shape


# --- series ----------------------------------------------------------------------------------------------------------

SMOOTH: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any], float]] = {  # g, g', size
    "cosine": (lambda x: np.cos(3 * x), lambda x: -3 * np.sin(3 * x), 1.0),
    "bell": (lambda x: np.exp(-20 * (x - 1) ** 2), lambda x: -40 * (x - 1) * np.exp(-20 * (x - 1) ** 2), 1.0),
    "peak": (lambda x: 1e-4 / (1e-4 + (x - 2) ** 2), lambda x: -2e-4 * (x - 2) / (1e-4 + (x - 2) ** 2) ** 2, 1.0),
    "flat at 0": (
        lambda x: np.exp(-1e-3 / np.maximum(x, 1e-9) ** 2),
        lambda x: 2e-3 / np.maximum(x, 1e-9) ** 3 * np.exp(-1e-3 / np.maximum(x, 1e-9) ** 2),
        1.0,
    ),
    "tiny": (lambda x: 1e-200 * np.sin(x), lambda x: 1e-200 * np.cos(x), 1e-200),
    "zero": (np.zeros_like, np.zeros_like, 1.0),
}


def exactly(g: Callable[[Any], Any], noise: float = 0.0) -> Callable[[FloatArray], tuple[FloatArray, FloatArray]]:
    return lambda x: (g(x), np.full(x.shape, noise))


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("end", [np.pi, 0.5 * np.pi])
def test_a_smooth_function_is_fitted_to_rounding(name: str, end: float) -> None:
    g, slope, size = SMOOTH[name]
    theta = np.linspace(0.0, end, 1009)

    def rounding(x: FloatArray) -> FloatArray:
        return 4 * EPS * (np.abs(g(x)) + np.abs(x * slope(x)))

    series = fit(lambda x: (g(x), rounding(x)), size, end)
    assert (series.ends[0], series.ends[-1]) == (0.0, end)
    assert (np.diff(series.ends) > 0.0).all()
    off, bound = np.abs(series(theta) - g(theta)), series.bound(theta)
    assert (off <= bound + rounding(theta)).all()
    assert (bound <= 1e-14 * size + 50 * rounding(theta).max()).all()
    steep, bound = series.derivative(), series.derivative().bound(theta)
    assert (np.abs(steep(theta) - slope(theta)) <= bound + 1e-12 * np.abs(slope(theta))).all()


def test_errors_of_the_function_are_passed_on() -> None:
    noise = np.random.default_rng(0).uniform(-1e-9, 1e-9, 100_000)
    series = fit(lambda x: (np.cos(x) + noise[: x.size], np.full(x.shape, 1e-9)), 1.0)
    assert series.ends.size == 3  # it is not bisected to follow the noise
    assert (np.abs(series(THETA) - np.cos(THETA)) <= series.bound(THETA)).all()


def test_each_error_counts_where_it_is_made() -> None:
    series = fit(lambda x: (np.cos(x), np.where(x > 0.5 * np.pi, 1e-6, 0.0)), 1.0)
    assert series.bound(np.array([0.1]))[0] < 1e-13
    assert 1e-6 <= series.bound(np.array([3.0]))[0] < 2e-6


@pytest.mark.parametrize("power", [0.3, 0.5, 1.0])
def test_what_does_not_converge_warns_and_bounds_its_error(power: float) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        series = fit(exactly(lambda x: np.abs(x - 1.0) ** power), 1.0)
    near = 1.0 + np.array([[1.0], [-1.0]]) * np.logspace(-16, -0.01, 400)
    theta = np.concatenate([THETA, near.ravel(), series.ends])
    off, bound = np.abs(series(theta) - np.abs(theta - 1.0) ** power), series.bound(theta)
    assert (off <= bound).all(), (off / bound).max()
    if power < 1.0:
        (warning,) = caught
        assert warning.category is AccuracyWarning
        achieved = float(str(warning.message).split("achieved ")[1].split(" ")[0])
        assert 1e-8 < achieved < 0.1
        assert bound.max() >= 0.9 * achieved  # printed with one digit
    else:
        assert bound.max() <= 1e-8


def test_too_many_intervals_warn() -> None:
    with pytest.warns(AccuracyWarning, match="does not converge: achieved"):
        series = fit(exactly(lambda x: np.sin(1e5 * x)), 1.0)
    assert series.ends.size <= 1000
    assert series.bound(THETA).min() >= 0.1  # nobody would call this accurate


@pytest.mark.parametrize("shape", [(), (4,), (2, 3), (0,)])
def test_values_have_the_shape_of_theta(shape: tuple[int, ...]) -> None:
    series = fit(exactly(np.cos), 1.0)
    assert series(np.full(shape, 0.3)).shape == series.bound(np.full(shape, 0.3)).shape == shape


def test_bound_belongs_to_the_interval() -> None:
    series = Series(np.array([0.0, 1.0, 2.0]), np.array([[1.0], [5.0]]) * np.eye(1, COEFFICIENTS), np.array([0.1, 0.2]))
    assert series(np.array([0.0, 0.5, 1.0, 1.5, 2.0])).tolist() == [1.0, 1.0, 1.0, 5.0, 5.0]
    assert series.bound(np.array([0.0, 0.5, 1.0, 1.5, 2.0])).tolist() == [0.1, 0.1, 0.1, 0.2, 0.2]


# --- integrals -------------------------------------------------------------------------------------------------------

INTEGRALS: dict[str, tuple[Any, Any, Any, Any]] = {  # g, weight, divisor, the quotient
    "sinc": (np.cos, np.ones_like, lambda x: x, lambda x: np.sinc(x / np.pi)),
    "one": (np.ones_like, np.sin, lambda x: 2 * np.sin(x / 2) ** 2, np.ones_like),
    "half": (np.cos, np.sin, lambda x: 2 * np.sin(x / 2) ** 2, lambda x: np.cos(x / 2) ** 2),
    "bell": (
        SMOOTH["bell"][0],
        np.ones_like,
        lambda x: x,
        lambda x: np.array(
            [float((MP.erf(MP.sqrt(20) * (MP.mpf(t) - 1)) + MP.erf(MP.sqrt(20))) * MP.sqrt(MP.pi / 80) / t) for t in x]
        ),
    ),
}


@pytest.mark.parametrize("name", INTEGRALS)
def test_quotients_of_integrals(name: str) -> None:
    g, weight, divisor, expected = INTEGRALS[name]
    theta = np.concatenate([np.logspace(-12, 0, 50), THETA[1:]])
    series = cumulative(fit(exactly(g), 1.0), weight, divisor)
    off, bound = np.abs(series(theta) - expected(theta)), series.bound(theta)
    assert (off <= bound + 4 * EPS).all()
    assert (bound <= 1e-12).all()


@pytest.mark.parametrize("name", ["sinc", "half"])
def test_errors_are_integrated_too(name: str) -> None:
    g, weight, divisor, expected = INTEGRALS[name]
    series = cumulative(fit(exactly(lambda x: g(x) + 1e-7, 1e-7), 1.0), weight, divisor)
    off = np.abs(series(THETA) - expected(THETA))
    assert (off <= series.bound(THETA)).all()
    assert (off >= 0.99e-7).all()
    assert (series.bound(THETA) <= 1.2e-7).all()
