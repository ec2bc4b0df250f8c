r"""What an activation makes of pairs of Gaussian points: G' = E[(phi(u) - phi(v))^2]/2 and E[phi'(u) phi'(v)].

With errors: f is a power series in c with coefficients >= 0, so that d ln(1 - f) / d ln(1 - c) <= 1 for c >= 0: what is
relative in G stays relative. What is off in q moves V and D, and with them both, by the logarithmic slopes.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eoc.activations.base import Activation, Smoothness
from eoc.errors import EocError, UnsupportedError
from eoc.floats import EPS, FloatArray
from eoc.gaussian.angle import angle_of
from eoc.gaussian.angular import angular
from eoc.gaussian.bivariate import bivariate
from eoc.gaussian.moments import Estimate, moments
from eoc.gaussian.pairs import pair_moments
from eoc.gaussian.quick import quick_half_distances
from eoc.gaussian.surface import levels
from eoc.layers.bounded import Bounded
from eoc.layers.close import Close, close
from eoc.layers.pairs import Pairs
from eoc.layers.signal import apart
from eoc.sharing import cached_property

__all__ = ["PairExpectations", "Sensitivity", "of_close", "quick_distances"]

_NEXT_TO_NONE = 1e-30  # of the largest variance: units of 1e-15 of the largest
_MANY = 12  # pairs of different variances: from tables, which have G and Kd


@dataclass(frozen=True)
class Sensitivity:
    """|d ln V| and |d ln D| by d ln q, at points (P,) or at pairs (N,)."""

    of_v: FloatArray
    of_d: FloatArray

    @property
    def of_distance(self) -> FloatArray:
        """By how much G' changes relatively with q at fixed c."""
        return self.of_v + 2.0 * np.maximum(np.abs(self.of_v - 1.0), self.of_d)


def of_close(phi: Activation, q: Bounded, g: Close, by_q: Sensitivity | None) -> tuple[Bounded, Bounded]:
    """G' = G (D - loss) and E[phi' phi'] = D - loss of pairs of one variance (1,), or of one each, (N,) with c >= 0.

    ``by_q`` is needed where q has an error.
    """
    if phi.smoothness is Smoothness.JUMP:
        raise UnsupportedError(f"{phi.name} jumps: what is lost of the distance of two inputs has no expansion")
    e = np.clip(g.value / q.value, 0.0, 2.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        off = np.where(e > 0.0, g.error / g.value, 0.0)
    d, loss, slope_loss, rise = (_at_one if q.value.size == 1 else _at_many)(phi, q.value, e, bool(off.any()))
    moved = 0.0 if by_q is None else q.error / q.value * (by_q.of_distance + 1.0)
    d = Bounded(d.value, d.error + moved * d.value)
    # By ln e the loss changes by slope_loss - loss, the other one by e times the curvature: twice, within the error.
    moves = 2.0 * np.abs(slope_loss.value - loss.value) * off
    lost = Bounded(loss.value, loss.error + moves + moved * np.abs(loss.value))
    slope_lost = Bounded(slope_loss.value, slope_loss.error + 2.0 * rise * off + moved * np.abs(slope_loss.value))
    return g * close(g.e, 0, d, lost), close(g.e, 0, d, slope_lost)


_Losses = tuple[Bounded, Bounded, Bounded, FloatArray]


def _at_one(phi: Activation, q: FloatArray, e: FloatArray, moves: bool) -> _Losses:
    """D, both losses, and by how much the second moves with ln e, at one variance: from its series in the angle."""
    of_angle, at = angular(phi, float(q[0])), angle_of(one_minus_c=e)
    d = Bounded(np.array([of_angle.D]), np.array([of_angle.D_error]))
    with np.errstate(invalid="ignore"):  # infinite curvature at c = 1
        rise = np.where(e > 0.0, e * np.abs(of_angle.curvature(at)[0]), 0.0) if moves else np.zeros(e.shape)
    return d, Bounded(*of_angle.loss(at)), Bounded(*of_angle.slope_loss(at)), rise


def _at_many(phi: Activation, q: FloatArray, e: FloatArray, moves: bool) -> _Losses:
    """The same at many: from surfaces over the variance and the angle.

    E[phi'(u) phi'(v)] is convex in c >= 0, so that e times its slope is at most what it lacks of D.
    """
    d = moments(phi, q, ("D",))["D"]
    found = levels(phi, q, np.minimum(angle_of(one_minus_c=e).theta, 0.5 * np.pi)[:, None])
    loss, loss_error, rise, rise_error = (
        part[:, 0] for part in (found.level, found.level_error, found.rise, found.rise_error)
    )
    slope_loss = Bounded(loss + rise, loss_error + rise_error + EPS * np.abs(loss + rise))
    return Bounded(d.value, d.error), Bounded(loss, loss_error), slope_loss, slope_loss.value * moves


class PairExpectations:
    """What an activation makes of pairs of points of variances q (P,), with 1 - c of each pair (N,).

    Points of variance 0, such as the black border of an image, are taken for points of next to none.
    """

    def __init__(self, phi: Activation, q: Bounded, pairs: Pairs, one_minus_c: Bounded) -> None:
        self._phi, self._q, self._e, self._e_error = (
            phi,
            _positive(q),
            np.clip(one_minus_c.value, 0.0, 2.0),
            one_minus_c.error,
        )
        self._ends = pairs.first, pairs.second
        self._known: dict[str, Estimate] = {}

    def half_distances(self, by_q: Sensitivity) -> Bounded:
        """G' of the pairs."""
        found, (qa, qb) = self._of("G"), self._of_points(self._q.value)
        if not (self._e_error.any() or self._q.error.any()):
            return Bounded(found.value, found.error)
        m, relative = moments(self._phi, self._q.value, ("V", "D", "P"), strict=False), self._relative
        jumps = self._phi.smoothness is Smoothness.JUMP
        at_one = np.full(self._q.value.shape, np.inf) if jumps else self._q.value * m["D"].value
        ends = self._of_points(at_one), self._of_points(m["V"].value)
        slope = _steepest(self._e, self._e_error, ends[0], ends[1], found.value)
        carried = np.where(self._e_error > 0.0, slope, 0.0) * self._e_error  # the slope may be infinite
        shared = carried + by_q.of_distance * relative * found.value
        bends = np.nan_to_num(m["D"].value + np.abs(m["P"].value), nan=np.inf)
        # Apart from the diagonal G' is quadratic in sqrt(q_a) - sqrt(q_b), which has errors of its own.
        roots = self._of_points(self._q.error / np.sqrt(self._q.value)).sum(axis=0)
        bend, far = self._of_points(bends).max(axis=0), np.sqrt(2.0 * apart(qa, qb))
        own = np.where(roots > 0.0, 2.0 * bend * (far + roots) * roots, 0.0)
        return Bounded(found.value, found.error + shared + np.where(qa == qb, 0.0, own))

    def slopes(self, by_q: Sensitivity) -> Bounded:
        """E[phi'(u) phi'(v)] of the pairs."""
        found = self._of("Kd")
        at_one = np.sqrt(self._of_points(self._d.value).prod(axis=0))
        off, e = self._e_error, self._e
        with np.errstate(divide="ignore", invalid="ignore"):
            of_e = np.where(off > 0.0, np.where(off < e, off / e, 1.0), 0.0)
        moved = np.abs(at_one - found.value) * of_e + 2.0 * by_q.of_d * self._relative * at_one
        return Bounded(found.value, found.error + moved)

    def _of_points(self, one: FloatArray) -> FloatArray:
        """What is known of points, at both ends of each pair, (2, N)."""
        return np.stack([one[end] for end in self._ends])

    @cached_property
    def _relative(self) -> FloatArray:
        """The sum of the relative errors of both variances."""
        return np.asarray(self._of_points(self._q.error / self._q.value).sum(axis=0))

    @cached_property
    def _d(self) -> Estimate:
        return moments(self._phi, self._q.value, ("D",), strict=False)["D"]

    def _of(self, name: str) -> Estimate:
        """G or Kd; from tables both come at once, and are kept."""
        if name not in self._known:
            qa, qb = self._of_points(self._q.value)
            different, apart = qa != qb, (self._e > 0.0) | (qa != qb)
            many = np.count_nonzero(different) > _MANY
            names = ("G", "Kd") if many and not self._phi.is_positively_homogeneous else (name,)  # tables have both
            of_tables = different if many else np.zeros(apart.shape, dtype=bool)
            self._known |= {one: self._of_like(one) for one in names}
            self._fill(
                names,
                apart & ~of_tables,
                lambda here: bivariate(self._phi, qa[here], None, names, q_b=qb[here], one_minus_c=self._e[here]),
            )
            first, second = self._ends
            self._fill(
                names,
                of_tables,
                lambda here: pair_moments(
                    self._phi, self._q.value, first[here], second[here], None, names, one_minus_c=self._e[here]
                ),
            )
        return self._known[name]

    def _fill(
        self, names: tuple[str, ...], here: NDArray[np.bool_], of: Callable[[NDArray[np.bool_]], dict[str, Estimate]]
    ) -> None:
        """Compute some of the pairs."""
        if here.any():
            found = of(here)
            for name in names:
                known = self._known[name]
                known.value[here], known.error[here] = found[name].value, found[name].error

    def _of_like(self, name: str) -> Estimate:
        """That of pairs of a point with its like: 0, or E[phi'^2] at the first."""
        if name == "G":
            return Estimate(np.zeros(self._e.size), np.zeros(self._e.size))
        return Estimate(self._d.value[self._ends[0]], self._d.error[self._ends[0]])


def _positive(q: Bounded) -> Bounded:
    """Variances with those of 0 replaced: what an activation makes of these differs by less than rounding."""
    if q.value.all():
        return q
    tiny = _NEXT_TO_NONE * (q.value.max() or 1.0)
    return Bounded(np.where(q.value == 0.0, tiny, q.value), q.error)


def quick_distances(phi: Activation, q: Bounded, one_minus_c: Bounded) -> Bounded:
    """G' of pairs of one variance q (1,) and correlations (N,), to five digits; NaN where it cannot be computed."""
    e, known = np.clip(one_minus_c.value, 0.0, 2.0), np.isfinite(one_minus_c.value)
    value, error = np.full(e.shape, np.nan), np.full(e.shape, np.inf)
    if known.any() and np.isfinite(q.value[0]) and q.value[0] > 0.0:
        with suppress(EocError):
            found = quick_half_distances(phi, float(q.value[0]), e[known])
            value[known], error[known] = found.value, found.error
    return Bounded(value, error)


def _steepest(
    e: FloatArray, e_error: FloatArray, at_one: FloatArray, v: FloatArray, distance: FloatArray
) -> FloatArray:
    """A bound on dK/dc of pairs (N,) within the error of e = 1 - c; ``at_one``, q D, and ``v`` are of both, (2, N).

    With a_n, b_n >= 0 the sizes of the Hermite coefficients of phi at the two variances and x = |c|, dK/dc is at most
    sum n a_n b_n x^(n-1), the geometric mean of A = sum n a_n^2 x^(n-1) and its fellow B or less. Now A is at most
    q E[phi'^2] = sum n a_n^2; at most V = sum a_n^2 times the largest n x^(n-1); and, by the chord to x = 1, at most
    sum a_n^2 (1 - x^n) / (1 - x), whose mean with that of B is at most G / (1 - x), G = ``distance``.
    """
    near = np.minimum(e, 2.0 - e) - e_error  # 1 - |c| at the worse end
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        decay = -np.log1p(-np.clip(near, 0.0, 1.0 - EPS))
        largest = np.where(decay >= 1.0, 1.0, np.exp(np.minimum(decay, 1.0) - 1.0) / decay)
        bound = np.sqrt(np.fmin(at_one, v * np.where(near > 0.0, largest, np.inf)).prod(axis=0))
        return np.where(near > 0.0, np.fmin(bound, distance / near), bound)
