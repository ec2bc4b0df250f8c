"""Where variances end, for every place of a grid: the lowest fixed point that attracts, and how many do.

F(q) - q is linear in sigma_w^2 and sigma_b^2, so V, tabulated once, gives its sign at a few hundred variances for any
number of places. Two fixed points can only appear between neighbouring variances at a fold, where F'(q) = 1 too: at
sigma_b^2 = q - V/V'. These q are found for each sigma_b and looked at as well, so that none is missed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eoc.activations.base import Activation
from eoc.floats import EPS, FloatArray
from eoc.gaussian.moments import Estimate
from eoc.layers import Input, Pairs, Signal
from eoc.layers.bounded import Bounded, exact
from eoc.layers.elementwise import Elementwise
from eoc.layers.split import ROUNDING, proportional
from eoc.layers.understood import plain
from eoc.maps.variance_fixed_points import scanned_variances
from eoc.maps.variance_layer import VarianceLayer
from eoc.scan import bracketed_roots

__all__ = ["Ends", "Scan", "filled"]

Index = NDArray[np.int64]


@dataclass(frozen=True)
class Ends:
    """The lowest variance at which inputs may end, inf if they diverge, and the number of such variances, all (n,).

    ``unsure`` marks places that need a closer look: on a fold to within rounding, or where every variance is kept.
    """

    q: FloatArray
    count: Index
    unsure: NDArray[np.bool_]


class Scan:
    """F(q) - q tabulated for all places with these sigma_w (W,) and sigma_b (B,), either all > 0 or all 0."""

    def __init__(self, phi: Activation, sigma_w: FloatArray, sigma_b: FloatArray) -> None:
        q = scanned_variances(plain(phi), sigma_w, sigma_b)
        self._phi = phi
        self._q = q[np.isfinite(_rest(self._behind(q)).value)]
        self._known = self._behind(self._q)
        self._fold = _fold(self._known, self._q)

    def _behind(self, q: FloatArray) -> Signal:
        """The signal behind phi."""
        return Elementwise(self._phi)(Input(q, pairs=Pairs.none(strict=False)))

    def ends(self, sigma_w: FloatArray, sigma_b: FloatArray) -> Ends:
        """Where variances end at each of the places (sigma_b_i, sigma_w_j), row after row."""
        shape = sigma_b.size, sigma_w.size
        q, count, unsure = np.full(shape, np.inf), np.empty(shape, np.int64), np.empty(shape, bool)
        low, high = np.full(shape, np.nan), np.full(shape, np.nan)
        folds = self._folds(sigma_b**2)
        for i, b in enumerate(sigma_b):
            at, rest, variance = self._with(folds[i])
            weight, bias = exact(sigma_w[:, None] ** 2), float(b**2)
            grown = (
                proportional(self._phi.kappa, ROUNDING, rest).affine(weight, bias).growth(at, variance * weight + bias)
            )
            sign = np.sign(grown.value) * (np.abs(grown.value) > grown.error)
            known, last_known = filled(sign)
            falls = (known[:, :-1] > 0.0) & (known[:, 1:] < 0.0)
            first, rows = np.argmax(falls, axis=1), np.arange(sigma_w.size)
            found = falls.any(axis=1)
            low[i, found] = at[last_known[rows, first]][found]
            high[i, found] = at[first + 1][found]
            at_zero = (known[:, 0] < 0.0) & (b == 0.0) & self._phi.vanishes_at_zero
            diverges = (known[:, -1] > 0.0) | np.isfinite(self._phi.growth.q_max)
            q[i, at_zero] = 0.0
            count[i] = falls.sum(axis=1) + at_zero + diverges
            on_fold = (sign[:, np.isin(at, folds[i])] == 0.0).any(axis=1)
            unsure[i] = on_fold | (known[:, 0] == 0.0)
        between = np.isfinite(low) & (q > 0.0)
        if between.any():
            row, column = np.nonzero(between)
            w, b = sigma_w[column], sigma_b[row]
            q[between] = bracketed_roots(self._relative_growth, low[between], high[between], (w, b))
        return Ends(q.ravel(), count.ravel(), unsure.ravel())

    def _relative_growth(self, q: FloatArray, sigma_w: FloatArray, sigma_b: FloatArray) -> FloatArray:
        return VarianceLayer(self._phi, sigma_w, sigma_b).growth(q).value / q

    def _with(self, extra: FloatArray) -> tuple[FloatArray, Bounded, Bounded]:
        """The tabulated variances and some more, with V - kappa q and V there."""
        q, known = self._q, self._known
        if extra.size == 0:
            return q, _rest(known), known.q
        more, order = self._behind(extra), np.argsort(np.append(q, extra))

        def both(one: Bounded, two: Bounded) -> Bounded:
            return Bounded(np.append(one.value, two.value)[order], np.append(one.error, two.error)[order])

        return np.append(q, extra)[order], both(_rest(known), _rest(more)), both(known.q, more.q)

    def _folds(self, squared_b: FloatArray) -> list[FloatArray]:
        """The variances at which F = q and F' = 1 with each sigma_b^2, whatever sigma_w."""
        apart = self._fold.value - squared_b[:, None]
        sign = np.where(np.abs(apart) > self._fold.error, np.sign(apart), 0.0)
        known, last_known = filled(sign)
        row, column = np.nonzero(known[:, :-1] * known[:, 1:] < 0.0)
        if row.size == 0:
            return [np.empty(0)] * squared_b.size

        def residual(q: FloatArray, target: FloatArray) -> FloatArray:
            return (_fold(self._behind(q), q).value - target) / q

        bracket = self._q[last_known[row, column]], self._q[column + 1]
        roots = bracketed_roots(residual, *bracket, (squared_b[row],))
        return [roots[row == i] for i in range(squared_b.size)]


def _rest(behind: Signal) -> Bounded:
    rest = behind.split.rest
    return rest if isinstance(rest, Bounded) else exact(rest)


def _fold(behind: Signal, q: FloatArray) -> Estimate:
    """The sigma_b^2 = q - V/V' with which q is a double fixed point, for some sigma_w."""
    v, slope = behind.q, behind.dq
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ratio = v.value / slope.value
        relative = v.error / v.value + slope.error / np.abs(slope.value)
        return Estimate(q - ratio, np.abs(ratio) * relative + 4.0 * EPS * (q + np.abs(ratio)))


def filled(sign: FloatArray) -> tuple[FloatArray, Index]:
    """Signs (B, n) with the unknown ones, 0 or NaN, replaced by the last known before them, and where that one is."""
    known = np.abs(sign) > 0.0
    first = np.argmax(known, axis=1)[:, None]
    index = np.maximum(np.maximum.accumulate(np.where(known, np.arange(sign.shape[1]), 0), axis=1), first)
    return np.nan_to_num(np.take_along_axis(sign, index, axis=1)), index
