"""The kernels as plain Python: against NumPy, against their compiled selves, and once through everything.

Run these with NUMBA_DISABLE_JIT=1 as well.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from truth import MP, error, pairs, values

from eoc.activations.formula import parse
from eoc.activations.named import named
from eoc.gaussian import kernels
from eoc.gaussian.kernels import COEFFICIENTS
from eoc.gaussian.moments import moments
from eoc.maps import CorrelationMap

pytestmark = pytest.mark.unjitted
RNG = np.random.default_rng(1)


def versions(kernel: Any) -> list[Any]:
    """The kernel as plain Python and, unless jit is off, compiled."""
    plain = getattr(kernel, "py_func", kernel)
    return [plain] if plain is kernel else [plain, kernel]


@pytest.mark.parametrize("variances", [0, 1, 9])
def test_evaluate_is_a_polynomial_with_its_error(variances: int) -> None:
    pieces, functions = 3, 4
    coefficients = RNG.standard_normal((pieces, functions, kernels.TERMS))
    relative, absolute = RNG.uniform(size=(2, pieces, functions))
    t, piece = RNG.uniform(-1, 1, variances), RNG.integers(0, pieces, variances)
    for rows in ([0], [3, 1], [0, 1, 2, 3]):
        found = []
        for kernel in versions(kernels.evaluate):
            out, bound = np.full((2, len(rows), variances), np.nan)
            kernel(t, piece, np.array(rows), coefficients, relative, absolute, out, bound)
            for r, k in enumerate(rows):
                for i, p in enumerate(piece):
                    expected = np.polynomial.polynomial.polyval(t[i], coefficients[p, k])
                    assert out[r, i] == pytest.approx(expected, abs=1e-14 * np.abs(coefficients[p, k]).sum())
                    assert bound[r, i] == pytest.approx(relative[p, k] * abs(out[r, i]) + absolute[p, k], rel=1e-15)
            found.append(out)
        assert np.isfinite(found).all()
        assert np.ptp(found, axis=0).max(initial=0.0) == 0.0


def random_series(intervals: int) -> tuple[Any, Any]:
    """Ends in [0, sqrt(2)] and coefficients."""
    inside = np.sort(RNG.uniform(0.1, 1.3, max(intervals - 1, 0)))
    series = RNG.standard_normal((intervals, COEFFICIENTS)) * 0.5 ** np.arange(COEFFICIENTS)
    return np.concatenate([[0.0], inside, [2.0**0.5]]), series


def numpy_series(x: Any, ends: Any, series: Any) -> Any:
    if not len(series):
        return np.zeros(x.shape)
    i = np.clip(np.searchsorted(ends, x) - 1, 0, len(series) - 1)
    t = (2.0 * x - ends[i] - ends[i + 1]) / (ends[i + 1] - ends[i])
    return np.array([np.polynomial.chebyshev.chebval(y, series[k]) for y, k in zip(t, i, strict=True)])


@pytest.mark.parametrize("intervals", [0, 1, 2, 5])
@pytest.mark.parametrize("n", [0, 1, 512, 1100])
def test_evaluate_series_is_numpys_interval_by_interval(intervals: int, n: int) -> None:
    ends, series = random_series(intervals)
    x = np.append(RNG.uniform(0.0, ends[-1], n), ends if n == 1 else [])
    for kernel in versions(kernels.evaluate_series):
        out = np.full(x.size, np.nan)
        kernel(x, ends, series, out)
        assert out == pytest.approx(numpy_series(x, ends, series), abs=1e-13)
        assert out.tobytes() == kernels.series_at(x, ends, series).tobytes()


def map_terms(mirror: int, power: int) -> kernels.MapTerms:
    """A smooth map 1 - f close to 0.8 e."""
    parts = [random_series(n) for n in (2, 1, 3)]
    (e1, s1), (e2, s2), (e3, s3) = [(ends, 0.01 * series) for ends, series in parts]
    s3[:, 0] = 0.8
    return kernels.MapTerms(
        mirror, 1.6 if mirror < 0 else 0.1, 0.8, power, e1, s1, e2, s2, e3, s3 if mirror == 0 else s3[:0]
    )


def numpy_map(e: Any, m: kernels.MapTerms) -> Any:
    near = np.minimum(e, 2.0 - e)
    y = np.sqrt(2.0 * near)
    value = m.linear * near + y**m.power * (
        numpy_series(y, m.ends_1, m.series_1) + y * numpy_series(y, m.ends_2, m.series_2)
    )
    beyond = numpy_series(y, m.ends_3, m.series_3) if m.mirror == 0 else m.offset + m.mirror * value
    return np.where(e <= 1.0, value, beyond)


@pytest.mark.parametrize("mirror", [0, 1, -1])
@pytest.mark.parametrize("power", [1, 3])
def test_apply_map_is_its_formula(mirror: int, power: int) -> None:
    m = map_terms(mirror, power)
    e = np.concatenate([[0.0, 1e-300, 1.0, 2.0], RNG.uniform(0.0, 2.0, 600)])
    for kernel in versions(kernels.apply_map):
        out = np.full(e.size, np.nan)
        kernel(e, m, out)
        assert out == pytest.approx(numpy_map(e, m), abs=1e-14)


@pytest.mark.parametrize("mirror", [0, 1, -1])
@pytest.mark.parametrize("power", [1, 3])
@pytest.mark.parametrize("e", [0.0, 1e-200, 0.6, 1.7, 2.0])
def test_iterate_map_applies_it_again_and_again(mirror: int, power: int, e: float) -> None:
    m, depths, errors = map_terms(mirror, power), np.array([0, 1, 1, 7]), np.array([1e-10, 0.0, 0.0, 0.0, 0.0])
    if power == 1:
        m = m._replace(series_1=np.abs(m.series_1[:, :1]) * np.eye(1, COEFFICIENTS), series_2=m.series_2 * 0.0)
    layers = [np.array([e])]
    for _ in range(7):
        layers.append(np.maximum(numpy_map(layers[-1], m), 0.0))
    bits = set()
    for kernel in (*versions(kernels.iterate_map), kernels.iterate_listed):
        out, bound = np.full((2, 4), np.nan)
        kernel(e, 0.0, m, errors, depths, out, bound)
        bits.add(out.tobytes() + bound.tobytes())
        assert out == pytest.approx(np.concatenate(layers)[depths], rel=1e-13, abs=1e-300)
        assert bound[0] == 0.0
        start = np.full(4, np.nan)
        kernel(e, 1e-3, m, errors, depths, out, start)
        assert start[0] == 1e-3
        assert (start >= bound).all()
        assert bound[1] == bound[2] == pytest.approx(1e-10 if e > 0.0 else 0.0, rel=1e-12)
        assert bound[3] >= bound[1]
    assert len(bits) == 1


@pytest.mark.parametrize("name", ["relu", "elu"])
def test_a_correlation_map_stands_on_either_kernel(name: str) -> None:
    """Every kernel of two points together, on a new activation: nothing is tabulated yet."""
    fresh = {"relu": named("relu"), "elu": parse("max(x, 0) + expm1(min(x, 0))")}[name]
    f, key = CorrelationMap(fresh, 1.2, 0.3, q=1.0), {"relu": "relu", "elu": "elu_1"}[name]
    w, b = MP.mpf(1.2) ** 2, MP.mpf(0.3) ** 2
    following = b + w * values("V")[key][1.0]
    for q, _, e, g in pairs("G")[key]:
        if q == 1.0:
            rest = f.one_minus_f(one_minus_c=float(e))
            assert error(rest.value, w * g / following) <= 1e-12 * g
    c, stay = 0.9, CorrelationMap(fresh, f.sigma_w, 0.3)
    for layer in stay.iterate(np.arange(1, 4), c=0.9).value:
        c = stay(c)
        assert layer == pytest.approx(1.0 - c, rel=1e-12)


@pytest.mark.parametrize("name", ["tanh", "relu"])
def test_moments_stand_on_either_kernel(name: str) -> None:
    quantities = ("V", "D", "S") if name == "tanh" else ("V", "D")
    fresh = {"tanh": parse("tanh(x)"), "relu": named("relu")}[name]
    q = np.array([0.1, 1.0, 10.0])
    for quantity, found in moments(fresh, q, quantities).items():
        for i, x in enumerate(q):
            expected = values(quantity)[name][x]
            assert error(found.value[i], expected) <= 2e-13 * expected
            assert error(found.value[i], expected) <= found.error[i]


def _surface(jumps: bool) -> tuple[np.ndarray, np.ndarray]:
    """S = 1 + x/4 + y/5 on two intervals of theta, with the R that belongs to it."""
    ends, series = np.array([0.0, 0.5, 0.5 * math.pi]), np.zeros((2, 4, COEFFICIENTS, 2))
    series[:, 0, 0], series[:, 1, 0, 0] = [1.0, 0.25], 0.2
    if jumps:  # R = dS/dlog(y)
        series[:, 3] = series[:, 1]
    else:  # dM/dlog(e) = y R, e = y^2/2
        series[:, 2], series[:, 3] = 0.5 * series[:, 0], series[:, 1]
    return ends, series


@pytest.mark.parametrize("jumps", [False, True])
def test_solve_surface_finds_where_the_level_is_reached(jumps: bool) -> None:
    ends, series = _surface(jumps)
    x, theta = np.array([-1.0, 0.3, 1.0, 0.0]), np.array([1e-9, 0.3, 1.2, 0.5])
    y, s = 2.0 * np.sin(0.5 * theta), (1.0 + 0.25 * x) + 0.2 * 2.0 * np.sin(0.5 * theta)
    target = 0.5 * y / s if jumps else y * s
    expected_rise = 0.5 * target * (1.0 - 0.2 * y / s) if jumps else y * (0.5 * (1.0 + 0.25 * x) + 0.2 * y)
    found = []
    for solve, evaluate in zip(versions(kernels.solve_surface), versions(kernels.evaluate_surface), strict=True):
        out = [np.full(x.size, np.nan) for _ in range(4)]
        where = np.full(x.size, -1)
        solve(x, target, jumps, ends, series, out[0], where, *out[1:])
        angle, level, rise, bend = out
        assert angle == pytest.approx(theta, rel=1e-14)
        assert level == pytest.approx(target, rel=1e-14)
        assert rise == pytest.approx(expected_rise, rel=1e-14)
        assert np.isfinite(bend).all()
        assert where.tolist()[:3] == [0, 0, 1]
        again = [np.full((x.size, 1), np.nan) for _ in range(2)]
        evaluate(x, theta[:, None], jumps, ends, series, np.empty((x.size, 1), np.int64), *again)
        assert again[0][:, 0] == pytest.approx(target, rel=1e-14)
        assert again[1][:, 0] == pytest.approx(expected_rise, rel=1e-14)
        found.append(np.concatenate(out[:3]))
    assert np.ptp(found, axis=0) == pytest.approx(0.0, abs=1e-14)


@pytest.mark.parametrize("jumps", [False, True])
def test_solve_surface_takes_the_last_angle_where_the_level_stays_below(jumps: bool) -> None:
    ends, series = _surface(jumps)
    for solve in versions(kernels.solve_surface):
        angle, level, rise, bend = (np.full(1, np.nan) for _ in range(4))
        solve(np.zeros(1), np.array([np.inf]), jumps, ends, series, angle, np.empty(1, np.int64), level, rise, bend)
        assert angle[0] == ends[-1]
        y = 2.0 * math.sin(0.25 * math.pi)
        assert level[0] == pytest.approx(0.5 * y / (1.0 + 0.2 * y) if jumps else y * (1.0 + 0.2 * y), rel=1e-14)
