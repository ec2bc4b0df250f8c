"""From layer to layer: variances first, then every pair, then any depth at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from eoc.errors import EocError
from eoc.floats import EPS, FloatArray
from eoc.gaussian.angle import Angle
from eoc.gaussian.bivariate import bivariate
from eoc.gaussian.moments import Estimate, moments
from eoc.maps import CorrelationMap, VarianceMap
from eoc.propagation.trajectory import Trajectory

__all__ = ["Progress", "followed"]

Progress = Callable[[float, float], None]

_Q_LIMIT = 1e100
_SINGLE = 20_000  # layers followed one by one while variances are still on their way
_SETTLED = 8.0 * EPS  # relative distance from the fixed point at which a variance counts as arrived


@dataclass(frozen=True)
class _Variances:
    """Variances (n + 1, P) of the layers 0 to n, with error bounds, and chi = sigma_w^2 E[phi'^2].

    From layer n on, if ``then`` is not None, every layer multiplies them by ``factor`` and applies the map ``then``.
    """

    q: FloatArray
    error: FloatArray
    chi: FloatArray
    then: CorrelationMap | None
    factor: float


@dataclass(frozen=True)
class _Pairs:
    """1 - c of every pair and bounds on the errors, (P, P)."""

    e: FloatArray
    error: FloatArray


def followed(
    variance: VarianceMap, q: Estimate, at: Angle, error: FloatArray, layers: FloatArray, progress: Progress | None
) -> Trajectory:
    """The trajectory of inputs with variances q (P,) and angles (P, P), recorded at ``layers``.

    ``error`` (P, P) bounds that of 1 - |c|.
    """
    single = _followed_variances(variance, q, float(layers[-1]))
    first = len(single.q) - 1
    # Odd phi without bias: -u is as good as u, and digits of 1 + c near c = -1 are kept by following 1 - |c|.
    flip = (at.e > 1.0) & (variance.activation.parity == "odd") & (variance.sigma_b == 0.0)
    far = np.where((at.e > 1.0) & ~flip, np.abs((2.0 - at.e) - at.rest), 0.0)
    pairs = _Pairs(np.where(flip, at.rest, at.e), np.where(np.eye(len(far), dtype=bool), 0.0, error + far))
    records = {0.0: pairs}
    for layer in range(first):
        pairs = _next(variance, single, layer, pairs)
        records[layer + 1.0] = pairs
        if progress is not None:
            progress(layer + 1.0, float(layers[-1]))
    if single.then is not None:
        records |= _jumps(single.then, pairs, first, layers[layers > first])
    return _assembled(variance, single, [_flipped(records[layer], flip) for layer in layers], layers)


def _flipped(pairs: _Pairs, flip: NDArray[np.bool_]) -> _Pairs:
    error = np.where(flip & (pairs.e > 0.0), pairs.error + EPS, pairs.error)
    return _Pairs(np.where(flip, 2.0 - pairs.e, pairs.e), error)


def _followed_variances(variance: VarianceMap, q: Estimate, depth: float) -> _Variances:
    """Layer by layer until every variance has arrived, or to the depth asked for."""
    all_q, errors, chis = [q.value], [q.error], [variance.chi_1(q.value).value]
    ends = _ends(variance)
    then, factor, layer = _arrived(variance, ends, all_q, errors), 1.0, 0
    while then is None and layer < depth:
        _check_depth(ends, all_q[-1], layer, depth)
        new, slope = variance.F(all_q[-1]), variance.slope(all_q[-1])
        layer += 1
        _check_size(new.value, layer)
        errors.append(np.abs(slope.value) * errors[-1] + new.error)
        all_q.append(new.value)
        chis.append(variance.chi_1(new.value).value)
        then = _arrived(variance, ends, all_q, errors)
    if then is not None and (then.q == 0.0 or variance.activation.is_positively_homogeneous):
        factor = variance.sigma_w**2 * variance.activation.kappa if not variance.is_identity else 1.0
        if factor > 1.0:
            left = float(np.ceil(np.log(_Q_LIMIT / all_q[-1].max()) / np.log(factor)))
            _check_size(np.full(1, _Q_LIMIT if layer + left <= depth else 1.0), layer + left)
    return _Variances(np.stack(all_q), np.stack(errors), np.stack(chis), then, factor)


def _check_size(q: FloatArray, layer: float) -> None:
    if not (q < _Q_LIMIT).all():
        raise EocError(f"the variance exceeds {_Q_LIMIT:g} after {layer:.0f} layers: it diverges")
    if not (q > 0.0).all():
        raise EocError(f"the variance is 0 after {layer:.0f} layers: nothing is left to follow")


def _check_depth(ends: FloatArray, q: FloatArray, layer: int, depth: float) -> None:
    """Refuse depths that would have to be followed layer by layer."""
    if depth <= _SINGLE:
        return
    if _at_ends(ends, q).any(axis=1).all():
        raise EocError(f"inputs settle at different variances, {q.tolist()}: depth can be at most {_SINGLE}")
    if layer == _SINGLE:
        raise EocError(
            f"variances are still on their way after {_SINGLE} layers, at q = {q.tolist()}; ask for a smaller depth"
        )


def _at_ends(ends: FloatArray, q: FloatArray) -> NDArray[np.bool_]:
    """Which variance is at which fixed point, (P, n)."""
    return np.asarray(np.abs(q[:, None] - ends[:, 0]) <= ends[:, 1] + _SETTLED * ends[:, 0])


def _ends(variance: VarianceMap) -> FloatArray:
    """Fixed points > 0 of the variance map and their errors, (n, 2)."""
    if variance.is_identity:
        return np.empty((0, 2))
    found = [[p.q, p.q_error] for p in variance.fixed_points if np.isfinite(p.q) and p.q > 0.0]
    return np.array(found).reshape(-1, 2)


def _arrived(
    variance: VarianceMap, ends: FloatArray, q: list[FloatArray], errors: list[FloatArray]
) -> CorrelationMap | None:
    """The map of all further layers, once one map serves for all: at a fixed point, or where variances only scale.

    At a fixed point the last variances are put exactly there.
    """
    phi, last = variance.activation, q[-1]
    sigma = variance.sigma_w, variance.sigma_b
    if phi.is_positively_homogeneous and variance.sigma_b == 0.0:
        return CorrelationMap(phi, *sigma, float(last[0]))
    if ends.size:
        close = _at_ends(ends, last)
        nearest = close.argmax(axis=1)
        if close.any(axis=1).all() and np.ptp(nearest) == 0:
            end, own = ends[nearest].T
            errors[-1] = own + np.abs(last - end) + errors[-1]
            q[-1] = end
            return CorrelationMap(phi, *sigma, float(end[0]), float(own[0]))
    if variance.sigma_b == 0.0 and _is_linear(variance, last):
        return CorrelationMap(phi, *sigma, 0.0)
    return None


def _is_linear(variance: VarianceMap, q: FloatArray) -> bool:
    """Whether phi cannot be told from its tangents at 0 by signals of these variances, which fall."""
    phi = variance.activation
    if phi.kappa == 0.0 or variance.sigma_w**2 * phi.kappa >= 1.0 or not phi.vanishes_at_zero:
        return False
    excess = moments(phi, q, ("excess",), strict=False)["excess"]
    return bool((np.abs(excess.value) <= EPS * phi.kappa * q).all())


def _next(variance: VarianceMap, single: _Variances, layer: int, pairs: _Pairs) -> _Pairs:
    """One layer further."""
    e, error = np.zeros(pairs.e.shape), np.zeros(pairs.e.shape)
    for a, b in combinations(range(single.q.shape[1]), 2):
        e[a, b], error[a, b] = _next_pair(variance, single, layer, pairs, a, b)
    return _Pairs(e + e.T, error + error.T)


def _next_pair(
    variance: VarianceMap, single: _Variances, layer: int, pairs: _Pairs, a: int, b: int
) -> tuple[float, float]:
    """1 - c of a pair after a layer, and a bound on its error."""
    weight, e = variance.sigma_w**2, pairs.e[a, b]
    (q_a, q_b), (new_a, new_b) = single.q[layer : layer + 2, [a, b]].tolist()
    relative = float((single.error[layer : layer + 2, [a, b]] / single.q[layer : layer + 2, [a, b]]).sum())
    g = bivariate(variance.activation, q_a, None, ("G",), q_b=q_b, one_minus_c=e)["G"]
    scale = float(np.sqrt(new_a) * np.sqrt(new_b))
    apart = (new_a - new_b) / (np.sqrt(new_a) + np.sqrt(new_b))
    # What two variances have in common is not an error of their difference.
    apart_error = relative * (abs(apart) + EPS * np.sqrt(max(new_a, new_b))) if q_a == q_b else relative * scale**0.5
    distance = weight * float(g.value) / scale
    value = distance - 0.5 * apart**2 / scale
    fresh = weight * float(g.error) + abs(apart) * apart_error + 4.0 * EPS * (weight * float(g.value) + apart**2)
    value = float(min(max(value, 0.0), 2.0))
    near = min(e, 2.0 - e) - pairs.error[a, b]  # 1 - |c| at the worse end of the error
    steepest = _steepest(variance, single, layer, (a, b), near, distance)
    carried = pairs.error[a, b] * steepest if pairs.error[a, b] > 0.0 else 0.0  # the slope may be infinite
    return value, float(min(carried + fresh / scale + relative * value, 2.0))


def _steepest(
    variance: VarianceMap, single: _Variances, layer: int, pair: tuple[int, int], near: float, distance: float
) -> float:
    """A bound on the slope by which an error of c is carried through a layer, where 1 - |c| >= near.

    With a_n, b_n >= 0 the sizes of the Hermite coefficients of phi at the two variances and x = |c|, dK/dc is at most
    sum n a_n b_n x^(n-1), the geometric mean of A = sum n a_n^2 x^(n-1) and its fellow B or less. Now A is at most
    q E[phi'^2] = sum n a_n^2; at most V = sum a_n^2 times the largest n x^(n-1); and, by the chord to x = 1, at most
    sum a_n^2 (1 - x^n) / (1 - x), whose mean with that of B is at most G / (1 - x). ``distance`` is
    sigma_w^2 G / sqrt(q_a' q_b').
    """
    q, new = single.q[layer : layer + 2, pair]
    slopes = q * single.chi[layer, pair]
    if near <= 0.0:
        return float(np.sqrt((slopes / new).prod()))
    decay = -np.log1p(-min(near, 1.0 - EPS))
    largest = 1.0 if decay >= 1.0 else np.exp(decay - 1.0) / decay
    slopes = np.minimum(slopes, (new - variance.sigma_b**2) * largest)
    return min(float(np.sqrt((slopes / new).prod())), distance / near)


def _jumps(f: CorrelationMap, pairs: _Pairs, first: int, layers: FloatArray) -> dict[float, _Pairs]:
    """Layers beyond those followed singly, by the map that holds from there on."""
    e, error = np.zeros((layers.size, *pairs.e.shape)), np.zeros((layers.size, *pairs.e.shape))
    for a, b in combinations(range(len(pairs.e)), 2):
        found = f.iterate(layers - first, one_minus_c=pairs.e[a, b])
        carried = _carried_far(f, layers - first, pairs.e[a, b], pairs.error[a, b])
        e[:, a, b] = e[:, b, a] = found.value
        error[:, a, b] = error[:, b, a] = np.minimum(found.error + carried, 2.0)
    return {float(layer): _Pairs(e[i], error[i]) for i, layer in enumerate(layers)}


def _carried_far(f: CorrelationMap, layers: FloatArray, e: float, error: float) -> FloatArray:
    """Bounds on what an error of 1 - c = e becomes in so many layers of one map.

    Any number of layers is a power series g in c with coefficients >= 0 and g(1) = 1, so that |g(b) - g(a)| is at most
    1 - g(1 - |b - a|), and at most |b - a| times the slope of the chord from the larger of |a| and |b| to 1.
    """
    if error == 0.0:
        return np.zeros(layers.shape)
    from_one = f.iterate(layers, one_minus_c=min(error, 1.0))
    bound = from_one.value + from_one.error
    near = min(e, 2.0 - e) - error
    if near > 0.0:
        chord = f.iterate(layers, one_minus_c=near)
        bound = np.minimum(bound, (chord.value + chord.error) * (error / near))
    return bound


def _assembled(variance: VarianceMap, single: _Variances, pairs: list[_Pairs], layers: FloatArray) -> Trajectory:
    first = len(single.q) - 1
    own = np.minimum(layers, first).astype(int)
    beyond = (layers - own)[:, None]
    final_chi = single.chi[-1]
    if single.then is not None and single.then.chi_1 == 1.0 and single.factor == 1.0:
        final_chi = np.ones(final_chi.shape)  # the edge of chaos, exactly
    with np.errstate(divide="ignore", invalid="ignore", under="ignore"):
        scale = single.factor**beyond
        logs = np.log(single.chi[: own[-1]])
        backwards = np.vstack([np.cumsum(logs[::-1], axis=0)[::-1], np.zeros(final_chi.shape)])[own]
        to_go = (layers[-1] - np.maximum(layers, first))[:, None]
        log_gradient = backwards + np.where(to_go > 0.0, to_go * np.log(final_chi), 0.0)
    return Trajectory(
        activation=variance.activation.name,
        sigma_w=variance.sigma_w,
        sigma_b=variance.sigma_b,
        layers=layers,
        q=single.q[own] * scale,
        q_error=(single.error[own] + 4.0 * EPS * np.minimum(beyond, 1e15) * single.q[own] * (single.factor != 1.0))
        * scale,
        one_minus_c=np.stack([p.e for p in pairs]),
        error=np.stack([p.error for p in pairs]),
        chi=np.where(beyond > 0.0, final_chi, single.chi[own]),
        log_gradient=log_gradient,
    )
