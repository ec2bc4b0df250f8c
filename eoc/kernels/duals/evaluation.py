r"""K, Kd and their slopes by q_a, q_b and k from the tables, in operations that PyTorch and JAX have alike.

K changes with k by Kd. At a fixed correlation both change with the larger variance by log q_a and by delta, with the
smaller one by delta alone; Kd changes with c by -(1/y) dKd/dy, where y = sqrt(2 (1 - c)) is kept from 0.

Pairs are sorted by their boxes and padded to blocks of one box each, so that one product of matrices sums the series.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import log
from typing import Any, NamedTuple

from eoc.kernels.duals.tables import TERMS, DualTables

__all__ = ["MOST", "Arrays", "Slopes", "is_covered", "slopes", "values"]

MOST = 2**16  #: pairs that are evaluated together
_BLOCK, _BLOCKS_A_BOX = 64, 4
_ROOT = 2.0**0.5
_ROUNDING = 1e-9  # by which |k| may be above sqrt(q_a q_b)
_TINY = 1e-200
# The least y at which the slope of Kd is taken. Where it is finite, rounding is divided by it.
_CLOSEST, _CLOSEST_OF_KINKS = 1e-5, 1e-7

_Array = Any


@dataclass(frozen=True)
class Arrays:
    """Tables as a framework's arrays, and what its name is there for what is done with them.

    Attributes
    ----------
    of
        The numbers that are no arrays.
    xp
        The module: ``torch`` or ``jax.numpy``.
    arange
        Whole numbers from 0 on.
    leading
        The leading half of the digits of a number.
    constant
        A number without its slopes.
    for_blocks
        Applies a function to arrays by their first axis, or to all of them at once: what is faster.
    roots, tree, at, spans, ends, series
        As of :class:`DualTables`.
    """

    of: DualTables
    xp: Any
    arange: Callable[[int], _Array]
    leading: Callable[[_Array], _Array]
    constant: Callable[[_Array], _Array]
    for_blocks: Callable[[Callable[..., list[_Array]], list[_Array]], list[_Array]]
    roots: _Array
    tree: _Array
    at: _Array
    spans: _Array
    ends: _Array
    series: _Array


class Slopes(NamedTuple):
    """Derivatives, by the names of what changes and by what."""

    k_by_first: _Array
    k_by_second: _Array
    kd_by_first: _Array
    kd_by_second: _Array
    kd_by_k: _Array


class _Pairs(NamedTuple):
    """Pairs with the larger variance first."""

    first: _Array  # whether that of u is the larger one
    larger: _Array
    smaller: _Array
    unit: _Array  # sqrt(q_a q_b)
    octave: _Array
    x: _Array  # log q_a in [-1, 1]
    delta: _Array
    y: _Array
    far: _Array  # whether c < 0


class _Sums(NamedTuple):
    """K / sqrt(q_a q_b) and Kd, (N, 2), and their slopes by x, delta and y."""

    value: _Array
    by_x: _Array
    by_delta: _Array
    by_y: _Array


def is_covered(t: Arrays, q_a: _Array, q_b: _Array, k: _Array) -> _Array:
    """Whether variances are in the range of the tables and |k| is at most sqrt(q_a q_b); not where anything is NaN."""
    least, most = t.of.low * (1.0 - _ROUNDING), t.of.high * (1.0 + _ROUNDING)
    inside = (q_a >= least) & (q_b >= least) & (q_a <= most) & (q_b <= most) & (q_a > 0.0) & (q_b > 0.0)
    return inside & (t.xp.abs(k) <= t.xp.sqrt(q_a) * t.xp.sqrt(q_b) * (1.0 + _ROUNDING))


def values(t: Arrays, q_a: _Array, q_b: _Array, k: _Array) -> tuple[_Array, _Array]:
    """K and Kd of pairs, (N,): NaN of those that are not covered."""
    p, covered = _pairs(t, q_a, q_b, k)
    return _parts(t, p, covered, _sums(t, p, p.y, with_slopes=False))


def slopes(t: Arrays, q_a: _Array, q_b: _Array, k: _Array) -> Slopes:
    """The derivatives of both."""
    p, covered = _pairs(t, q_a, q_b, k)
    here = _sums(t, p, p.y, with_slopes=True)
    value, kd = _parts(t, p, covered, here)
    closest = _CLOSEST if t.of.is_smooth else _CLOSEST_OF_KINKS
    y = t.xp.clip(p.y, closest)
    sign_k, sign_kd = _signs(t, p.far)
    by_c = t.xp.where(p.far, 1.0, -1.0) * sign_kd * _sums(t, p, y, with_slopes=True).by_y[:, 1] / y
    by_x = 2.0 / log(2.0) * here.by_x
    s_a, s_b = t.xp.sqrt(p.larger), t.xp.sqrt(p.smaller)
    apart = ((s_a + s_b) / (4.0 * t.xp.sqrt(p.unit)))[:, None] * here.by_delta  # by log q_a
    turned = 0.5 * k / p.unit * by_c
    ends = []
    for q, moved in ((p.larger, by_x + apart), (p.smaller, -apart)):
        of_k = 0.5 * value + sign_k * p.unit * moved[:, 0] - 0.5 * k * kd
        ends.append((of_k / q, (sign_kd * moved[:, 1] - turned) / q))
    (k_larger, kd_larger), (k_smaller, kd_smaller) = ends
    return Slopes(
        t.xp.where(p.first, k_larger, k_smaller),
        t.xp.where(p.first, k_smaller, k_larger),
        t.xp.where(p.first, kd_larger, kd_smaller),
        t.xp.where(p.first, kd_smaller, kd_larger),
        by_c / p.unit,
    )


def _parts(t: Arrays, p: _Pairs, covered: _Array, sums: _Sums) -> tuple[_Array, _Array]:
    sign_k, sign_kd = _signs(t, p.far)
    nan = float("nan")
    k, kd = sign_k * p.unit * sums.value[:, 0], sign_kd * sums.value[:, 1]
    return t.xp.where(covered, k, nan), t.xp.where(covered, kd, nan)


def _signs(t: Arrays, far: _Array) -> tuple[_Array, _Array]:
    """Those of K and Kd: with parity c < 0 is as c > 0."""
    one = t.xp.where(far, float(t.of.parity), 1.0) if t.of.parity else t.xp.ones_like(far, dtype=t.at.dtype)
    return one, (t.xp.where(far, -one, one) if t.of.parity else one)


def _pairs(t: Arrays, q_a: _Array, q_b: _Array, k: _Array) -> tuple[_Pairs, _Array]:
    """Pairs, those that are not covered replaced by any others, and which are."""
    xp, covered = t.xp, is_covered(t, q_a, q_b, k)
    any_q = 1.0 if t.of.is_homogeneous else t.of.low
    q_a, q_b, k = xp.where(covered, q_a, any_q), xp.where(covered, q_b, any_q), xp.where(covered, k, 0.0)
    first = q_a >= q_b
    larger, smaller = xp.where(first, q_a, q_b), xp.where(first, q_b, q_a)
    s_a, s_b = xp.sqrt(larger), xp.sqrt(smaller)
    unit = s_a * s_b
    y = xp.sqrt(2.0 * _one_minus(t, larger, smaller, unit, xp.abs(k)))
    if t.of.is_homogeneous:  # y alone counts
        nothing = xp.zeros_like(unit)
        octave = xp.zeros_like(first, dtype=t.tree.dtype)
        return _Pairs(first, larger, smaller, unit, octave, nothing, nothing, y, k < 0.0), covered
    scale = xp.log(larger / t.of.low) / log(2.0)
    octave = xp.clip(xp.floor(t.constant(scale)), 0, len(t.roots) - 1)
    x = 2.0 * (scale - octave) - 1.0
    delta = (larger - smaller) / ((s_a + s_b) * xp.sqrt(unit))
    octave = xp.asarray(octave, dtype=t.tree.dtype)
    return _Pairs(first, larger, smaller, unit, octave, x, delta, y, k < 0.0), covered


def _one_minus(t: Arrays, q_a: _Array, q_b: _Array, unit: _Array, k: _Array) -> _Array:
    """1 - k / sqrt(q_a q_b) from q_a q_b - k^2, whose products are exact in halves of the digits."""
    a, b, c = (t.constant(t.leading(one)) for one in (q_a, q_b, k))
    a_rest, b_rest, c_rest = q_a - a, q_b - b, k - c
    apart = (a * b - c * c) + (a * b_rest + a_rest * b - 2.0 * c * c_rest) + (a_rest * b_rest - c_rest * c_rest)
    return t.xp.clip(apart / (unit * (unit + k)), _TINY, 1.0)


def _sums(t: Arrays, p: _Pairs, y: _Array, with_slopes: bool) -> _Sums:
    """The series at the pairs, with another y."""
    xp, delta = t.xp, p.delta
    apart, close = delta > _ROOT, delta <= y
    r = xp.where(close & ~apart, y, delta)
    some = xp.where(delta > 0.0, delta, 1.0)
    tau = xp.where(apart, y / _ROOT, xp.where(close, delta / y, y / some))
    chart = xp.where(apart, 2, xp.where(close, 0, 1)) + xp.where(p.far, 3, 0)
    box = _boxes(t, t.roots[p.octave, chart], t.constant(r), t.constant(tau))
    blocks = _blocks(t, box)
    columns = [blocks.box, xp.stack([p.x, r, tau], -1)[blocks.pair], t.spans[blocks.box]]
    found = t.for_blocks(lambda box, at, span: _series(t, box, at, span, with_slopes), columns)
    value, *by = (part.reshape(-1, 2)[blocks.slot] for part in found)
    if not with_slopes:
        return _Sums(value, value, value, value)
    by_x, by_r, by_tau = by
    # by_r and by_tau are of f; those by R of R f, and by tau over R, are:
    along, across = by_r, by_tau
    turning = tau[:, None] * across
    apart, close = apart[:, None], close[:, None]
    by_delta = xp.where(apart, along, xp.where(close, across, along - turning))
    by_y = xp.where(apart, (r / _ROOT)[:, None] * across, xp.where(close, along - turning, across))
    return _Sums(value, by_x, by_delta, by_y)


def _boxes(t: Arrays, node: _Array, r: _Array, tau: _Array) -> _Array:
    """The boxes that the trees lead to."""
    for _ in range(t.of.levels):
        along, below, above = t.tree[node, 0], t.tree[node, 1], t.tree[node, 2]
        beyond = t.xp.where(along == 0, r, tau) > t.at[node]
        node = t.xp.where(along < 0, node, t.xp.where(beyond, above, below))
    return t.tree[node, 1]


class _Blocks(NamedTuple):
    """Pairs sorted into blocks of one box each."""

    box: _Array  # (blocks,)
    pair: _Array  # (blocks, slots): of what is there besides, any
    slot: _Array  # (N,) of the pairs


def _blocks(t: Arrays, box: _Array) -> _Blocks:
    xp, n, boxes = t.xp, len(box), len(t.spans)
    size = _BLOCK
    while size > 1 and n < _BLOCKS_A_BOX * boxes * size:
        size //= 2
    if size == 1:
        return _Blocks(box, t.arange(n)[:, None], t.arange(n))
    order = xp.argsort(box)
    place, ordered = xp.argsort(order), box[order]
    ends = xp.searchsorted(ordered, t.arange(boxes + 1))  # of the boxes before
    counts = ends[1:] - ends[:-1]
    blocks = (counts + size - 1) // size
    after = xp.cumsum(blocks, 0)
    number = t.arange(n // size + boxes)
    of_block = xp.clip(xp.searchsorted(after, number, side="right"), 0, boxes - 1)
    first = (after - blocks) * size
    slots = number[:, None] * size + t.arange(size)
    pair = order[xp.clip(slots - (first - ends[:-1])[of_block][:, None], 0, n - 1)]
    return _Blocks(of_block, pair, place + (first - ends[:-1])[box])


def _series(t: Arrays, box: _Array, at: _Array, span: _Array, with_slopes: bool) -> list[_Array]:
    """f_0 + R f at places (..., slots, 3) of blocks; where asked for its slope by x, f + R f_R and f_tau."""
    xp, terms = t.xp, TERMS if not t.of.is_homogeneous else (1, TERMS[1], 1)
    low, high = span[..., None, :2], span[..., None, 2:]
    z = (2.0 * at[..., 1:] - low - high) / (high - low)
    scale, r = 2.0 / (high - low), at[..., 1, None]
    places = (at[..., 0], z[..., 0], z[..., 1])
    (in_q, by_q), (in_r, by_r), (in_tau, by_tau) = (
        _chebyshev(xp, x, n, with_slopes) for x, n in zip(places, terms, strict=True)
    )
    series, ends = t.series[box], t.ends[box]

    def summed(of_q: _Array, of_r: _Array, of_tau: _Array) -> _Array:
        products = (of_q[..., :, None] * of_r[..., None, :]).reshape(*of_q.shape[:-1], -1)
        return ((products @ series).reshape(*of_q.shape[:-1], terms[2], 2) * of_tau[..., None]).sum(-2)

    f = summed(in_q, in_r, in_tau)
    value = in_q @ ends + r * f
    if not with_slopes:
        return [value]
    return [
        value,
        by_q @ ends + r * summed(by_q, in_r, in_tau),
        f + r * scale[..., 0, None] * summed(in_q, by_r, in_tau),
        scale[..., 1, None] * summed(in_q, in_r, by_tau),
    ]


def _chebyshev(xp: Any, x: _Array, n: int, with_slopes: bool) -> tuple[_Array, _Array]:
    """T_0 to T_(n-1) at x along a new last axis, and their derivatives."""
    one, nothing = xp.ones_like(x), xp.zeros_like(x)
    here, slope = [one, x], [nothing, one]
    for _ in range(2, n):
        if with_slopes:
            slope.append(2.0 * here[-1] + 2.0 * x * slope[-1] - slope[-2])
        here.append(2.0 * x * here[-1] - here[-2])
    values = xp.stack(here[:n], -1)
    return values, xp.stack(slope[:n], -1) if with_slopes else values
