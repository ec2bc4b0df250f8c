"""From block to block: every pair of inputs by the algebra of layers, then any depth at once.

Once one map serves for all further blocks, because every variance has reached its fixed point, only scales, or is so
small that nothing but the tangents of the activations counts, that map is iterated (:class:`eoc.CorrelationMap`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eoc.errors import EocError
from eoc.floats import EPS, FloatArray
from eoc.gaussian.angle import Angle
from eoc.layers import Graph, Input, Network, Pairs, Renewed, Signal
from eoc.layers.bounded import Bounded
from eoc.maps import CorrelationMap, VarianceMap
from eoc.maps.variance_layer import VarianceLayer
from eoc.propagation.far import far
from eoc.propagation.growing import Growing, growing
from eoc.propagation.trajectory import Trajectory

__all__ = ["MOST_BLOCKS", "Progress", "assembled", "followed", "one_by_one"]

Progress = Callable[[float, float], None]

MOST_BLOCKS = 20_000  #: that are followed one by one while variances are on their way
_RANGE = (1e-250, 1e100)
_SETTLED = 8.0 * EPS  # relative distance from the fixed point at which a variance counts as arrived
_STAYS = 1e-9  # relative error of a variance that is kept up to which no fixed points are looked for
_WORTH = 100  # blocks from which on the law of growing ones is looked for
_STEADY = 1e-12  # relative change of that from which on linear blocks are looked for
_CLOSE = 1e-3  # relative change of a variance in a block from which on fixed points are looked for


@dataclass(frozen=True)
class _Way:
    """Signals before and behind every block, and the logarithms (P,) of what that block multiplies gradients by.

    From the last signal on, if ``then`` is not None, blocks multiply variances by ``factor`` and apply that map.
    """

    signals: list[Signal]
    log_chi: list[FloatArray]
    then: CorrelationMap | None = None
    factor: float = 1.0


def followed(
    network: Network,
    sigma_w: float | None,
    sigma_b: float,
    q: Bounded,
    at: Angle,
    error: FloatArray,
    layers: FloatArray,
    progress: Progress | None,
) -> Trajectory:
    """The trajectory of inputs with variances q (P,) and angles (P, P), recorded at ``layers``.

    ``error`` (P, P) bounds that of 1 - |c|.
    """
    first, second = np.triu_indices(q.value.size, 1)
    pairs = Pairs(first, second)
    e, rest, off = (part[first, second] for part in (at.e, at.rest, error))
    alone = network.block(sigma_w, sigma_b)(Input(q.value))
    # Of what is odd -u is as good as u, and digits of 1 + c near c = -1 are kept by following 1 - |c|.
    flip = (e > 1.0) & (alone.nature.parity == -1) & (not network.varies)
    off = off + np.where((e > 1.0) & ~flip, np.abs((2.0 - e) - rest), 0.0)
    start = Input(q, Bounded(np.where(flip, rest, e), off), pairs)
    last = float(layers[-1])
    if network.varies or not VarianceLayer(network, *_numbers(sigma_w, sigma_b)).is_closed:
        way = one_by_one(network, sigma_w, sigma_b, start, last, progress)
        return assembled(network, sigma_w, sigma_b, way, layers, flip)
    variance = VarianceMap(network, sigma_w, sigma_b)
    if last >= _WORTH and np.ptp(q.value) == 0.0 and not network.has_surrogates:
        law = growing(variance)
        if law is not None:
            return _grown(variance, law, start, layers, flip)
    return assembled(network, sigma_w, sigma_b, _alike(variance, start, last, progress), layers, flip)


def _grown(
    variance: VarianceMap, law: Growing, start: Signal, layers: FloatArray, flip: NDArray[np.bool_]
) -> Trajectory:
    """Through blocks that add the same to every variance."""
    pairs, q = start.pairs, float(start.q.value[0])
    found = [
        law.iterate(q, layers, float(e), float(off))
        for e, off in zip(start.one_minus_c.value, start.one_minus_c.error, strict=True)
    ]
    e, error = (np.stack([getattr(one, name) for one in found], axis=1) for name in ("value", "error"))
    e, error = _unflipped(e, error, flip)
    at = (q + law.amount * layers)[:, None] * np.ones(start.q.value.size)
    logs = law.log_gradients(q, layers)
    return Trajectory(
        activation=variance.network.name,
        sigma_w=variance.sigma_w,
        sigma_b=variance.sigma_b,
        layers=layers,
        q=at,
        q_error=start.q.error + law.amount_error * layers[:, None] + 2.0 * EPS * at,
        one_minus_c=_matrices(pairs, e, at.shape[1]),
        error=_matrices(pairs, np.minimum(error, 2.0), at.shape[1]),
        chi=1.0 + law.beta / at,
        log_gradient=(logs[-1] - logs)[:, None] * np.ones(at.shape[1]),
    )


def _numbers(sigma_w: float | None, sigma_b: float) -> tuple[float, float]:
    return math.nan if sigma_w is None else sigma_w, sigma_b


def one_by_one(
    network: Network, sigma_w: float | None, sigma_b: float, x: Signal, last: float, progress: Progress | None
) -> _Way:
    """Through blocks that no single map describes."""
    if last > MOST_BLOCKS:
        raise EocError(
            "blocks that differ, or that do not end Gaussian, are followed one by one: depth can be at most "
            f"{MOST_BLOCKS}, got {last:g}"
        )
    depth = int(last)
    way = _Way([x], [])
    for layer in range(1, depth + 2):
        number = min(layer, max(depth, 1)), max(depth, 1)
        _step(way, network.block(sigma_w, sigma_b, *number, surrogates=True), last, progress)
    return way


def _alike(variance: VarianceMap, x: Signal, last: float, progress: Progress | None) -> _Way:
    """Through blocks that are all the same, until one map serves for all that are left."""
    way, block = _Way([x], []), variance.block(*variance.places, surrogates=True)
    vanishes = not variance.scales and variance.F(0.0, strict=False).value == 0.0
    ends: FloatArray | None = None
    shrinks = np.zeros(x.q.value.shape)  # by how much, in the last block
    for layer in range(MOST_BLOCKS + 2):
        before = way.signals[-1]
        if variance.scales:
            return _scaled(variance, way, last)
        after = _step(way, block, last, progress)
        if layer >= last:
            return way
        last_time, shrinks = shrinks, after.q.value / before.q.value
        steady = vanishes and (np.abs(shrinks - last_time) <= _STEADY * shrinks).all()
        if steady and _is_linear(variance, before.q.value):
            then = CorrelationMap(*_place(variance), 0.0)
            return _Way(way.signals[:-1], way.log_chi, then, float(variance.slope(0.0).value))
        if (np.abs(after.q.value - before.q.value) <= _CLOSE * before.q.value).all():
            arrived = _kept(variance, way, last) if ends is None else None
            if arrived is None:
                ends = _ends(variance) if ends is None else ends
                arrived = _arrived(variance, ends, way)
            if arrived is not None:
                return arrived
        _check_depth(ends, before.q.value, layer, last)
    return way


def _step(way: _Way, block: Graph, last: float, progress: Progress | None) -> Signal:
    """A block further: what is behind it, with tangents of size 1 again."""
    layer = len(way.signals)
    y = block(way.signals[-1])
    with np.errstate(divide="ignore"):
        way.log_chi.append(np.log(y.chi.value))
    after = Renewed(y)
    if layer <= last:
        _check_size(y.q.value, layer)
        for name in ("q", "m", "G"):  # now: otherwise every block would ask the one before, deeper than Python can
            getattr(after, name)
        if progress is not None:
            progress(float(layer), last)
    way.signals.append(after)
    return after


def _check_size(q: FloatArray, layer: float) -> None:
    if not (q < _RANGE[1]).all():
        raise EocError(f"the variance exceeds {_RANGE[1]:g} after {layer:.0f} layers: it diverges")
    if not (q > _RANGE[0]).all():
        size = float(q.min())
        raise EocError(f"the variance is {size:.3g} after {layer:.0f} layers: nothing is left to follow")


def _check_depth(ends: FloatArray | None, q: FloatArray, layer: int, depth: float) -> None:
    """Refuse depths that would have to be followed layer by layer."""
    if depth <= MOST_BLOCKS:
        return
    if ends is not None and _at_ends(ends, q).any(axis=1).all():
        raise EocError(f"inputs settle at different variances, {q.tolist()}: depth can be at most {MOST_BLOCKS}")
    if layer == MOST_BLOCKS:
        raise EocError(
            f"variances are still on their way after {MOST_BLOCKS} layers, at q = {q.tolist()}; ask for a smaller depth"
        )


def _place(variance: VarianceMap) -> tuple[Network, float, float]:
    return variance.network, variance.sigma_w, variance.sigma_b


def _scaled(variance: VarianceMap, way: _Way, last: float) -> _Way:
    """Where variances only scale, and the map is the same at every variance."""
    q, factor = way.signals[-1].q.value, 1.0 if variance.is_identity else variance.gain
    if factor > 1.0:
        left = math.ceil(math.log(_RANGE[1] / q.max()) / math.log(factor))
        _check_size(np.full(1, np.inf if left <= last else 1.0), left)
    log_chi = [np.log(variance.chi_backward(q).value)]
    return _Way(way.signals, log_chi, CorrelationMap(*_place(variance), float(q[0])), factor)


def _is_linear(variance: VarianceMap, q: FloatArray) -> bool:
    """Whether the block cannot be told from its tangents at 0 by signals of these variances, which fall."""
    split = variance.at(q).split
    rest = split.rest.value if isinstance(split.rest, Bounded) else split.rest
    return bool(((split.gain > 0.0) & (split.gain < 1.0) & (np.abs(rest) <= EPS * split.gain * q)).all())


def _kept(variance: VarianceMap, way: _Way, last: float) -> _Way | None:
    """The way to here, if all variances are one that no block to come changes by more than can be told."""
    before, left = way.signals[-2], last - (len(way.signals) - 2)
    q, own = float(before.q.value[0]), float(before.q.error.max())
    if np.ptp(before.q.value) > 0.0:
        return None
    f, slope = variance.F(q), variance.slope(q)
    if not abs(f.value - q) <= f.error + EPS * q:
        return None
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        rise = np.log(np.abs(slope.value) + slope.error)
        powers = np.expm1(left * rise) / np.expm1(rise) if rise != 0.0 else left  # 1 + s + s^2 + ... of the slope s
        off = float((np.abs(f.value - q) + f.error) * powers + own * np.maximum(1.0, np.exp(left * rise)))
    return _there(variance, way, q, off) if off <= _STAYS * q else None


def _ends(variance: VarianceMap) -> FloatArray:
    """Fixed points > 0 of the variance map and their errors, (n, 2)."""
    found = [[p.q, p.q_error] for p in variance.fixed_points if np.isfinite(p.q) and p.q > 0.0]
    return np.array(found).reshape(-1, 2)


def _at_ends(ends: FloatArray, q: FloatArray) -> NDArray[np.bool_]:
    """Which variance is at which fixed point, (P, n)."""
    return np.asarray(np.abs(q[:, None] - ends[:, 0]) <= ends[:, 1] + _SETTLED * ends[:, 0])


def _arrived(variance: VarianceMap, ends: FloatArray, way: _Way) -> _Way | None:
    """The way to where all variances are at one fixed point, which takes their place; None if they are not."""
    before = way.signals[-2]
    close = _at_ends(ends, before.q.value)
    nearest = close.argmax(axis=1) if ends.size else np.zeros(1, int)
    if not (ends.size and close.any(axis=1).all() and np.ptp(nearest) == 0):
        return None
    return _there(variance, way, *ends[nearest[0]].tolist())


def _there(variance: VarianceMap, way: _Way, end: float, own: float) -> _Way:
    """The way to before the last block, from where on the variance is ``end``, known to within ``own``."""
    before = way.signals[-2]
    moved = Bounded(np.full(before.q.value.shape, end), own + np.abs(before.q.value - end) + before.q.error)
    there = Input(moved, before.one_minus_c, before.pairs)
    return _Way([*way.signals[:-2], there], way.log_chi, CorrelationMap(*_place(variance), end, own))


def assembled(
    network: Network, sigma_w: float | None, sigma_b: float, way: _Way, layers: FloatArray, flip: NDArray[np.bool_]
) -> Trajectory:
    """What was recorded of a way."""
    reached = len(way.signals) - 1 if way.then is not None else int(layers[-1])
    own = np.minimum(layers, reached).astype(int)
    recorded, pairs = [way.signals[layer] for layer in own], way.signals[0].pairs
    e = np.stack([np.clip(x.one_minus_c.value, 0.0, 2.0) for x in recorded])
    error = np.stack([np.minimum(x.one_minus_c.error, 2.0) for x in recorded])
    beyond, chi = layers - own, np.exp(np.stack(way.log_chi))
    last_chi = chi[-1]
    if way.then is not None:
        for k in range(pairs.size):
            start = float(e[-1, k] if beyond[-1] > 0.0 else 0.0), float(error[-1, k])
            found = far(way.then, beyond[beyond > 0.0], *start)
            e[beyond > 0.0, k], error[beyond > 0.0, k] = found.value, np.minimum(found.error, 2.0)
        if way.then.chi_1 == 1.0 and way.factor == 1.0 and not network.has_surrogates:
            last_chi = np.ones(last_chi.shape)  # the edge of chaos, exactly
    e, error = _unflipped(e, error, flip)
    q, q_error = (np.stack([getattr(x.q, name) for x in recorded]) for name in ("value", "error"))
    with np.errstate(divide="ignore", invalid="ignore", under="ignore"):
        scale = way.factor ** beyond[:, None]
        logs = np.stack(way.log_chi)[: own[-1]]
        behind = np.vstack([np.cumsum(logs[::-1], axis=0)[::-1], np.zeros(last_chi.shape)])[own]
        to_go = (layers[-1] - np.maximum(layers, reached))[:, None]
        log_gradient = behind + np.where(to_go > 0.0, to_go * np.log(last_chi), 0.0)
    rounding = 4.0 * EPS * np.minimum(beyond[:, None], 1e15) * q * (way.factor != 1.0)
    return Trajectory(
        activation=network.name,
        sigma_w=float("nan") if sigma_w is None else sigma_w,
        sigma_b=float("nan") if sigma_w is None else sigma_b,
        layers=layers,
        q=q * scale,
        q_error=(q_error + rounding) * scale,
        one_minus_c=_matrices(pairs, e, q.shape[1]),
        error=_matrices(pairs, error, q.shape[1]),
        chi=np.where(beyond[:, None] > 0.0, last_chi, chi[np.minimum(own, len(chi) - 1)]),
        log_gradient=log_gradient,
    )


def _unflipped(e: FloatArray, error: FloatArray, flip: NDArray[np.bool_]) -> tuple[FloatArray, FloatArray]:
    """1 - c where 1 + c was followed, (L, N)."""
    return np.where(flip, 2.0 - e, e), np.where(flip & (e > 0.0), error + EPS, error)


def _matrices(pairs: Pairs, values: FloatArray, count: int) -> FloatArray:
    """Values of pairs (L, N) as symmetric matrices (L, P, P)."""
    out = np.zeros((len(values), count, count))
    out[:, pairs.first, pairs.second] = out[:, pairs.second, pairs.first] = values
    return out
