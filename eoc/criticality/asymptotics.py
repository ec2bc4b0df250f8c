r"""Where the edge of chaos begins and ends, over all variances, and how it approaches its limits there.

That is measured: f - limit ~ constant t^exponent as t -> 0. Values at t = t_0 2^-j are extrapolated to t = 0 by
eliminating t^{1/2}, t, t^{3/2}, ... in turn, as Romberg does with even powers: those are the powers in which Gaussian
expectations of piecewise smooth functions expand, in q at 0 and in 1/q at infinity. Where other powers or logarithms
occur the extrapolation gains less, and its error says so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from eoc.criticality.branches import Branch
from eoc.criticality.explicit import edge_moments, squared_bias
from eoc.criticality.point import d_at_zero, starts_at_zero
from eoc.floats import EPS, FloatArray, simplest
from eoc.layers import Network

__all__ = ["Approach", "End", "approach", "ends", "extrapolated"]

_COLUMNS = 8
_SAFETY = 4.0  # that two steps of the extrapolation come close by accident makes it look better than it is
_CLEAR = 1e-6  # relative error up to which a value takes part
_FEWEST = 4
_RESOLVED = 2.0**-26  # relative distance from a finite end below which differences from it are rounding
_NEAREST = 20  # values that a power law is read from
_VAGUE = 0.05  # error of an exponent above which there is no power law to speak of
_WEAK = 1e-2  # the same for the relative error of a constant
_GROWING, _STEEP, _AGAIN = 1.15, 8.0, 3  # local exponents beyond all powers: growing so much, so large, so often


@dataclass(frozen=True)
class Approach:
    """f -> limit as t -> 0, and how.

    Attributes
    ----------
    limit, limit_error
        0, inf or a number.
    law
        "power": f - limit ~ constant t^exponent (f itself where the limit is infinite). "faster": faster than any
        power. "unknown": no power law was found, as for logarithms.
    constant, constant_error, exponent
        Of the power law, NaN if there is none. An exponent that is a multiple of 1/2, or another simple number, to
        within its error is taken for that number; the constant is measured with it.
    """

    limit: float
    limit_error: float
    law: Literal["power", "faster", "unknown"]
    constant: float
    constant_error: float
    exponent: float


def extrapolated(values: FloatArray, errors: FloatArray) -> tuple[float, float]:
    """The limit of values at t_0, t_0/2, t_0/4, ..., and an estimate of its error; see the module.

    Examples
    --------
    >>> t = 0.5 ** np.arange(2.0, 14.0)
    >>> value, error = extrapolated(np.exp(np.sqrt(t)), np.full(t.size, 1e-16))
    >>> bool(abs(value - 1.0) < error < 1e-9)
    True
    """
    if values.size < 2:
        return float(values[0]) if values.size else float("nan"), float("inf")
    table, noise = values, errors
    best, least = float(values[-1]), float(abs(values[-1] - values[-2]) + errors[-1]) * values.size
    for k in range(1, min(_COLUMNS, values.size - 1) + 1):
        factor = 2.0 ** (0.5 * k)
        new = (factor * table[1:] - table[:-1]) / (factor - 1.0)
        noise = (factor * noise[1:] + noise[:-1]) / (factor - 1.0)
        if new.size > 1:
            change = np.maximum(np.abs(np.diff(new)), np.abs(new[1:] - table[2:])) + noise[1:]
            i = int(np.argmin(change))
            if change[i] < least:
                best, least = float(new[i + 1]), float(change[i])
        table = new
    return best, _SAFETY * least


def approach(t: FloatArray, values: FloatArray, errors: FloatArray, exact: float | None = None) -> Approach:
    """The law of f as t -> 0.

    Parameters
    ----------
    t
        t_0, t_0/2, t_0/4, ...
    values, errors
        f there, with bounds on the errors.
    exact
        The limit, if theory knows it; it is believed if the values agree.

    Examples
    --------
    >>> t = 0.5 ** np.arange(3.0, 30.0)
    >>> law = approach(t, 2.0 + 3.0 * t**1.5 * (1.0 + t), np.full(t.size, 1e-15))
    >>> law.law, round(law.limit, 9), law.exponent, round(law.constant, 6)
    ('power', 2.0, 1.5, 3.0)
    """
    limit, limit_error = extrapolated(values, errors)
    if values.size == 0:
        return _nothing(limit, limit_error) if exact is None else _nothing(exact, 4.0 * EPS * exact)
    if exact is not None and abs(exact - limit) <= limit_error + 1e-9 * abs(limit):
        return _law(t, values, errors, exact, 4.0 * EPS * exact)
    exponent, error = _exponent(values, errors)
    if np.isfinite(exponent) and abs(exponent) <= max(error, EPS) < _VAGUE:
        if limit_error > _WEAK * abs(limit):
            return _nothing(limit, limit_error)
        return _law(t, values, errors, limit, limit_error)
    falls = exponent > 0.0 if np.isfinite(exponent) else abs(values[-1]) < abs(values[0])
    return _law(t, values, errors, 0.0 if falls else float("inf"), 0.0)


def _nothing(limit: float, limit_error: float, law: Literal["faster", "unknown"] = "unknown") -> Approach:
    nan = float("nan")
    return Approach(limit, limit_error, law, nan, nan, nan)


def _law(t: FloatArray, values: FloatArray, errors: FloatArray, limit: float, limit_error: float) -> Approach:
    """The power law of f - limit, or of f where the limit is infinite."""
    from_limit = values if np.isinf(limit) else values - limit
    errors = errors + limit_error + (0.0 if np.isinf(limit) else 4.0 * EPS * abs(limit))
    where = _clear(from_limit, errors)
    if _is_faster(from_limit, errors, where):
        return _nothing(limit, limit_error, "faster")
    where = where[-_NEAREST:]  # further off the function may do something else first
    t, from_limit, errors = t[where], from_limit[where], errors[where]
    exponent, error = _exponent(from_limit, errors)
    if not error < _VAGUE:
        return _nothing(limit, limit_error)
    exponent, error = _simple(exponent, error)
    with np.errstate(over="ignore"):
        scale = t**exponent
    constant, constant_error = extrapolated(from_limit / scale, errors / scale)
    constant_error += abs(constant * np.log(t[-1])) * error
    if not constant_error < _WEAK * abs(constant):
        return _nothing(limit, limit_error)
    return Approach(limit, limit_error, "power", constant, constant_error, exponent)


def _clear(values: FloatArray, errors: FloatArray) -> NDArray[np.intp]:
    """The longest run of values of one sign that are known well, the one nearest to t = 0 if there are several."""
    good = np.flatnonzero((errors <= _CLEAR * np.abs(values)) & (values != 0.0) & np.isfinite(values))
    breaks = (np.diff(good) > 1) | (np.diff(np.sign(values[good])) != 0.0)
    return max(reversed(np.split(good, np.flatnonzero(breaks) + 1)), key=len)


def _is_faster(values: FloatArray, errors: FloatArray, where: NDArray[np.intp]) -> bool:
    """Whether values fall or rise faster and faster, or are lost in rounding from the start."""
    if where.size < _FEWEST:
        return bool((np.abs(values) <= errors)[-_FEWEST:].all())
    local = np.abs(_local_exponents(values[where]))[-_AGAIN - 1 :]
    return bool(local[-1] > _STEEP and (local[1:] > _GROWING * local[:-1]).all())


def _local_exponents(values: FloatArray) -> FloatArray:
    return np.log2(np.abs(values[:-1] / values[1:]))


def _exponent(values: FloatArray, errors: FloatArray) -> tuple[float, float]:
    where = _clear(values, errors)
    if where.size < _FEWEST:
        return float("nan"), float("inf")
    relative = errors[where] / np.abs(values[where]) + EPS
    return extrapolated(_local_exponents(values[where]), (relative[1:] + relative[:-1]) / np.log(2.0))


def _simple(exponent: float, error: float) -> tuple[float, float]:
    """The exponent that is meant, and what is left of its error."""
    half = round(2.0 * exponent) / 2.0
    if abs(half - exponent) <= max(3.0 * error, 1e-9):
        return half, 0.0
    short = simplest(exponent, max(error, 1e-9))
    return short, 0.0 if short != exponent else error


@dataclass(frozen=True, kw_only=True)
class End:
    """One end of a connected stretch of the edge of chaos.

    Attributes
    ----------
    q
        0, inf, a root of sigma_b^2(q), or the variance beyond which E[phi^2] is infinite.
    sigma_w, sigma_b
        Their limits there.
    squared_bias, squared_weight
        How sigma_b^2 and sigma_w^2 approach their limits: powers of q where q -> 0 or inf, else of the distance from q.
    """

    q: float
    sigma_w: float
    sigma_b: float
    squared_bias: Approach
    squared_weight: Approach


def ends(network: Network, branch: Branch) -> tuple[End, End]:
    """The end at small and the end at large variance."""
    low, high = float(branch.q[branch.q > 0.0][0]), float(branch.q[-1])
    return (
        _crossing(network, low, 1.0, high - low) if branch.crosses[0] else _zero(network, low, high),
        _crossing(network, high, -1.0, high - low) if branch.crosses[1] else _beyond(network, low, high),
    )


def _zero(network: Network, low: float, high: float) -> End:
    q = 2.0 ** np.arange(min(0.0, np.floor(np.log2(high))), np.log2(low), -1.0)
    d, begins = d_at_zero(network), starts_at_zero(network) is not None
    return _end(network, 0.0, q, q, 0.0 if begins else None, 1.0 / d if d > 0.0 else None)


def _beyond(network: Network, low: float, high: float) -> End:
    q_max = network.q_max
    if q_max < np.inf:
        t = (q_max - low) * 2.0 ** -np.arange(1.0, np.log2((q_max - low) / (q_max - high)))
        return _end(network, q_max, q_max - t, t, q_max, 0.0)
    q = 2.0 ** np.arange(max(0.0, np.ceil(np.log2(low))), np.log2(high))
    end = _end(network, float("inf"), q, 1.0 / q, None, _linear_limit(network))
    return replace(end, squared_bias=_in_q(end.squared_bias), squared_weight=_in_q(end.squared_weight))


def _crossing(network: Network, q0: float, direction: float, length: float) -> End:
    t = 0.25 * min(q0, length) * 2.0 ** -np.arange(0.0, -np.log2(_RESOLVED))
    d = float(edge_moments(network, np.array([q0]), ("D",))["D"].value[0])
    return _end(network, q0, q0 + direction * t, t, 0.0, 1.0 / d)


def _end(
    network: Network, at: float, q: FloatArray, t: FloatArray, bias: float | None, squared_weight: float | None
) -> End:
    squared = squared_bias(network, q)
    d = edge_moments(network, q, ("D",))["D"]
    with np.errstate(divide="ignore", over="ignore"):
        weight, weight_error = 1.0 / d.value, d.error / d.value**2 + 2.0 * EPS / d.value
    moved = EPS * np.abs(q) if np.isfinite(at) and at > 0.0 else 0.0  # rounding of at +- t
    b = approach(t, squared.value, squared.error + moved, bias)
    w = approach(t, weight, weight_error, squared_weight)
    sigma_w, sigma_b = max(w.limit, 0.0) ** 0.5, max(b.limit, 0.0) ** 0.5
    return End(q=at, sigma_w=sigma_w, sigma_b=sigma_b, squared_bias=b, squared_weight=w)


def _linear_limit(network: Network) -> float | None:
    """2/(s+^2 + s-^2) for a phi that becomes a straight line on either side; of networks it is measured."""
    phi = network.phi
    if phi is None or phi.growth.kind not in ("bounded", "polynomial") or phi.growth.rate > 1.0:
        return None
    left, right = phi.asymptotic_slopes
    both = left**2 + right**2
    return 2.0 / both if both > EPS else None


def _in_q(law: Approach) -> Approach:
    """A power of 1/q as a power of q."""
    return Approach(law.limit, law.limit_error, law.law, law.constant, law.constant_error, -law.exponent)
