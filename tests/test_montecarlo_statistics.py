"""Statistics of parts, merged, against all data at once; intervals against how often they cover."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import reduce
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from eoc.errors import EocError
from eoc.montecarlo.running.quantiles import RELATIVE, Quantiles
from eoc.montecarlo.running.statistics import Moments, Proportions
from eoc.montecarlo.running.summary import Summary

FloatArray = NDArray[np.float64]

RNG = np.random.default_rng(20261205)
BATCHES = st.lists(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=8), min_size=1, max_size=6)
PROPERTIES = (
    "mean",
    "variance",
    "std",
    "standard_error",
    "variance_error",
    "rms",
    "rms_error",
    "relative_variance",
    "relative_variance_error",
)


def parts(values: FloatArray) -> Iterator[FloatArray]:
    """The networks in parts of several sizes, one of them a single network."""
    return iter(np.split(values, sorted({1, len(values) // 3, len(values) // 2})))


def merged(kind: Any, values: NDArray[Any]) -> Any:
    return reduce(kind.merged, map(kind.of, parts(values)))


@settings(deadline=None, max_examples=150, derandomize=True)
@given(BATCHES)
def test_merged_moments_are_those_of_all_data(batches: list[list[float]]) -> None:
    found = reduce(Moments.merged, (Moments.of(np.array(batch)) for batch in batches))
    data = [Fraction(x) for batch in batches for x in batch]
    mean = sum(data, Fraction(0)) / len(data)
    assert found.count == len(data)
    largest = float(max(map(abs, data)))
    assert float(found.mean) == pytest.approx(float(mean), rel=1e-14, abs=1e-14 * largest)
    for k, sums in enumerate((found.second, found.third, found.fourth), start=2):
        unit = 2.0 ** float(found.exponent)
        size = float(sum(abs(x - mean) ** k for x in data))
        exact = float(sum((x - mean) ** k for x in data))
        # what rounding of the values themselves, 1e-16 of the largest, does to the sum
        spread = float(max(abs(x - mean) for x in data))
        assert abs(float(sums) * unit**k - exact) <= 1e-13 * size + 1e-14 * largest * spread ** (k - 1) * len(data)


def test_merging_is_stable_where_the_mean_is_large() -> None:
    deviations = RNG.standard_normal((3000, 2))
    found = merged(Moments, 1e8 + deviations)
    assert found.variance == pytest.approx(deviations.var(axis=0, ddof=1), rel=1e-7)
    assert found.variance_error == pytest.approx(Moments.of(deviations).variance_error, rel=1e-6)


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1e-90, 1e90, 1e150])
def test_no_scale_overflows_or_vanishes(scale: float) -> None:
    values = RNG.gamma(3.0, size=(500, 3))
    plain, scaled = merged(Moments, values), merged(Moments, scale * values)
    for name in ("mean", "std", "standard_error", "rms", "rms_error"):
        assert getattr(scaled, name) / scale == pytest.approx(getattr(plain, name), rel=1e-12)
    for name in ("relative_variance", "relative_variance_error"):
        assert getattr(scaled, name) == pytest.approx(getattr(plain, name), rel=1e-12)


def test_parts_of_very_different_scales() -> None:
    tiny, zero, large = np.full((4, 1), 1e-250), np.zeros((3, 1)), np.array([[1e120], [3e120]])
    found = reduce(Moments.merged, map(Moments.of, (zero, tiny, zero, large, tiny)))
    everything = np.concatenate([zero, tiny, zero, large, tiny]) / 1e120
    assert found.mean / 1e120 == pytest.approx(everything.mean(axis=0), rel=1e-14)
    assert found.std / 1e120 == pytest.approx(everything.std(axis=0, ddof=1), rel=1e-14)
    nothing = Moments.of(zero).merged(Moments.of(zero))
    assert [float(getattr(nothing, name)[0]) for name in PROPERTIES] == [0.0] * len(PROPERTIES)


def test_properties_are_those_of_numpy() -> None:
    values = RNG.gamma(2.0, size=(400, 5))
    found = merged(Moments, values)
    assert found.variance == pytest.approx(values.var(axis=0, ddof=1), rel=1e-12)
    assert found.standard_error == pytest.approx(stats.sem(values, axis=0), rel=1e-12)
    assert found.rms == pytest.approx(np.sqrt((values**2).mean(axis=0)), rel=1e-12)
    error_of_square = stats.sem(values**2, axis=0)
    assert found.rms_error == pytest.approx(error_of_square / (2.0 * found.rms), rel=1e-11)
    low, high = found.interval(0.9)
    expected = stats.t.interval(0.9, 399, loc=values.mean(axis=0), scale=stats.sem(values, axis=0))
    assert (low, high) == (pytest.approx(expected[0], rel=1e-12), pytest.approx(expected[1], rel=1e-12))


@pytest.mark.parametrize(
    ("name", "error"),
    [("variance", "variance_error"), ("rms", "rms_error"), ("relative_variance", "relative_variance_error")],
)
def test_standard_errors_are_the_spread_over_repetitions(name: str, error: str) -> None:
    found = Moments.of(RNG.gamma(4.0, size=(400, 4000)))  # 4000 repetitions of 400 networks
    spread = getattr(found, name).std(ddof=1)
    # the spread is known to 1.5 % or so; the errors are of leading order in 1/400, that of the skewed rest 2 %
    assert np.sqrt((getattr(found, error) ** 2).mean()) == pytest.approx(spread, rel=0.06)


def test_students_interval_covers_as_often_as_it_says() -> None:
    low, high = Moments.of(RNG.standard_normal((5, 20_000))).interval(0.9)
    covered = int(((low <= 0.0) & (high >= 0.0)).sum())
    assert stats.binomtest(covered, 20_000, 0.9).pvalue > 1e-4


def test_one_network_has_no_fluctuations_and_says_so() -> None:
    single = Moments.of(np.array([[2.0, 3.0]]))
    assert single.mean.tolist() == [2.0, 3.0]
    for name in PROPERTIES[1:5]:
        with pytest.raises(EocError, match="at least 2 networks, got 1"):
            getattr(single, name)
    with pytest.raises(EocError, match="at least 2 networks"):
        single.interval()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", [Moments, Quantiles])
def test_what_is_not_finite_is_refused(kind: Any, bad: float) -> None:
    with pytest.raises(EocError, match="must be finite"):
        kind.of(np.array([[1.0], [bad]]))


@pytest.mark.parametrize("kind", [Moments, Quantiles, Proportions])
def test_other_shapes_and_no_networks_are_refused(kind: Any) -> None:
    values = np.ones((3, 2)) if kind is not Proportions else np.ones((3, 2), bool)
    with pytest.raises(EocError, match=r"one shape.*\(2,\).*\(1,\)"):
        kind.of(values).merged(kind.of(values[:, :1]))
    with pytest.raises(EocError, match="at least 1"):
        kind.of(values[:0])


# -- Quantiles ---------------------------------------------------------------------------------------------------------

NUMBERS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False), st.sampled_from([0.0, -0.0, 1.0, -1.0, 5e-324]), st.floats(-1, 1)
)


@settings(deadline=None, max_examples=200, derandomize=True)
@given(st.lists(st.lists(NUMBERS, min_size=1, max_size=6), min_size=1, max_size=5), st.floats(0.0, 1.0))
def test_quantiles_are_within_their_error_of_an_order_statistic(batches: list[list[float]], p: float) -> None:
    found = reduce(Quantiles.merged, (Quantiles.of(np.array(batch)) for batch in batches)).quantile(p)
    data = sorted(x for batch in batches for x in batch)
    true = data[max(int(np.ceil(p * len(data))), 1) - 1]
    assert abs(found.value / 2.0 - true / 2.0) <= found.error / 2.0  # halves cannot overflow
    if true == 0.0:
        assert (found.value, found.error) == (0.0, 0.0)
    elif abs(true) >= np.finfo(float).tiny:
        assert found.error <= RELATIVE * abs(true)
    else:
        assert found.error < 1e-310


def test_quantiles_of_layers_at_once() -> None:
    values = np.exp(3.0 * RNG.standard_normal((5000, 4, 3)))
    probabilities = np.array([[0.0, 0.001, 0.25], [0.5, 0.999, 1.0]])
    found = merged(Quantiles, values).quantile(probabilities)
    expected = np.quantile(values, probabilities, axis=0, method="inverted_cdf")
    assert found.value.shape == (2, 3, 4, 3)
    assert (np.abs(found.value - expected) <= found.error).all()
    assert (found.error <= RELATIVE * expected).all()


def test_the_order_of_merging_changes_nothing() -> None:
    pieces = [Quantiles.of(RNG.standard_cauchy((n, 7))) for n in (1, 40, 300, 5)]
    forwards, backwards = reduce(Quantiles.merged, pieces), reduce(Quantiles.merged, pieces[::-1])
    by_pairs = pieces[2].merged(pieces[0]).merged(pieces[3].merged(pieces[1]))
    for other in (backwards, by_pairs):
        assert other.count == forwards.count == 346
        assert np.array_equal(other.bins, forwards.bins)
        assert np.array_equal(other.counts, forwards.counts)
    assert forwards.counts.sum() == 346 * 7


def test_memory_is_bounded_by_decades_not_by_networks() -> None:
    values = 10.0 ** RNG.uniform(-1.0, 1.0, size=(200_000, 1))
    assert Quantiles.of(values).bins.size == Quantiles.of(-values).bins.size <= 1750


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_intervals_of_quantiles_cover_at_least_as_often_as_they_say(p: float) -> None:
    low, high = Quantiles.of(RNG.standard_normal((60, 5000))).interval(p, 0.8)
    covered = int(((low <= stats.norm.ppf(p)) & (stats.norm.ppf(p) <= high)).sum())
    assert stats.binomtest(covered, 5000, 0.8, alternative="less").pvalue > 1e-4
    assert covered < 0.93 * 5000  # and not much more often: of 60 networks, ranks are coarse


def test_intervals_of_quantiles_are_open_where_networks_are_too_few() -> None:
    sketch = Quantiles.of(np.arange(1.0, 11.0)[:, None])
    low, high = sketch.interval([0.0, 0.01, 0.5, 0.99, 1.0], 0.95)
    assert low[:, 0].tolist() == [-np.inf, -np.inf, 2.0, pytest.approx(9.0, rel=4e-3), pytest.approx(10.0, rel=4e-3)]
    assert high[:, 0].tolist() == [pytest.approx(x, rel=4e-3) for x in (1.0, 2.0, 9.0)] + [np.inf, np.inf]
    ranks = [int(stats.binom.ppf(tail, 10, 0.5)) for tail in (0.025, 0.975)]
    assert [low[2, 0], np.floor(high[2, 0])] == [ranks[0], ranks[1] + 1]


@pytest.mark.parametrize("p", [-0.1, 1.1, np.nan, "median"])
def test_probabilities_are_checked(p: Any) -> None:
    with pytest.raises(EocError, match=r"p must be"):
        Quantiles.of(np.ones(3)).quantile(p)


# -- Proportions -------------------------------------------------------------------------------------------------------


def test_proportions() -> None:
    happened = RNG.random((300, 4)) < [0.0, 0.01, 0.5, 1.0]
    found = merged(Proportions, happened)
    assert found.proportion == pytest.approx(happened.mean(axis=0))
    for events, low, high in zip(found.events, *found.interval(0.99), strict=True):
        exact = stats.binomtest(int(events), 300).proportion_ci(0.99, method="exact")
        assert (low, high) == (pytest.approx(exact.low, abs=1e-12), pytest.approx(exact.high, abs=1e-12))


@pytest.mark.parametrize("level", [0.0, 1.0, 95.0, np.nan])
def test_levels_are_checked(level: float) -> None:
    for kept in (Proportions.of(np.ones(3, bool)), Moments.of(np.ones(3))):
        with pytest.raises(EocError, match="level must be"):
            kept.interval(level)


# -- Summaries ---------------------------------------------------------------------------------------------------------


def test_a_summary_becomes_arrays_and_back() -> None:
    q = RNG.gamma(2.0, size=(50, 4))
    seen = Summary.of({"q": q, "a/b": q[:, 0], "large": q > 3.0}, quantiles=["q"])
    arrays = seen.to_arrays()
    again = Summary.from_arrays(arrays)
    assert again.networks == 50
    assert set(again.moments) == {"q", "a/b"}
    assert set(again.quantiles) == {"q"}
    for key, array in again.to_arrays().items():
        assert array.dtype == arrays[key].dtype
        assert np.array_equal(array, arrays[key])
    assert np.array_equal(again.merged(seen).moments["q"].fourth, seen.merged(again).moments["q"].fourth)


def test_summaries_refuse_what_they_cannot_keep() -> None:
    q = np.ones((3, 2))
    with pytest.raises(EocError, match=r"quantiles can be asked of \['q'\], got \['r'\]"):
        Summary.of({"q": q}, quantiles=["r"])
    with pytest.raises(EocError, match="floats or booleans"):
        Summary.of({"q": q.astype(complex)})
    with pytest.raises(EocError, match="first axis"):
        Summary.of({"q": q, "r": q[:2]})
    with pytest.raises(EocError, match="first axis"):
        Summary.of({})
