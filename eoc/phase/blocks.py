r"""Networks of several layers on a grid: where variances end, and what becomes of pairs there, for many places at once.

Where only sums, scales and further dense layers follow the free one, F is affine in sigma_w^2 and sigma_b^2, so that
one evaluation (:meth:`eoc.layers.Network.unsolved`) gives F(q) - q at all places; where a norm decides the variance
there is nothing to be looked for. Of pairs one evaluation of the block serves all places, too
(:class:`eoc.layers.CloseInput`), so that finding c* of ten thousand takes some twenty of them.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from eoc.errors import EocError
from eoc.floats import EPS, FloatArray
from eoc.layers import CloseInput, Input, Network, Pairs, Signal
from eoc.layers.bounded import exact
from eoc.layers.close import Close
from eoc.layers.unsolved import parts_of
from eoc.maps import VarianceMap
from eoc.maps.variance_fixed_points import scanned_variances, with_errors
from eoc.maps.variance_layer import VarianceLayer
from eoc.phase.limit_variances import Ends, filled
from eoc.rates import e_folding
from eoc.scan import bracketed_roots

__all__ = ["BlockScan", "settled_blocks", "vanishing_blocks"]

_LOWEST = float(np.log(1e-290))  # of log(1 - c)
_MISSED = 0.5  # a minimum is no near miss if the parabola through it stays above this share of it


class BlockScan:
    """F(q) - q of a network tabulated for all places with these sigma_w (W,) and sigma_b (B,)."""

    def __init__(self, network: Network, sigma_w: FloatArray, sigma_b: FloatArray) -> None:
        self._network = network
        slope = VarianceMap(network, 1.0, float(sigma_b.max())).slope(1.0, strict=False)  # refuses what has no map
        self._forced = slope.value == slope.error == 0.0  # a norm has F' = 0 exactly
        self._scans = network.free_is_last and not self._forced
        if not self._scans:
            return
        self._q = scanned_variances(network, sigma_w, sigma_b)
        y, q = network.unsolved(self._q), exact(self._q)
        rest = q * (parts_of(y.chi)[0] - 1.0) - parts_of(y.gap)[0]  # what is left of F - q without the free one
        parts = [np.broadcast_arrays(part.value, part.error, self._q)[:2] for part in (rest, *parts_of(y.q)[1:])]
        self._value, self._error = np.stack(parts, axis=1)
        self._vanishes = float(VarianceLayer(network, 1.0, 0.0).F(0.0, strict=False).value) == 0.0

    def ends(self, sigma_w: FloatArray, sigma_b: FloatArray) -> Ends:
        """Where variances end at each of the places (sigma_b_i, sigma_w_j), row after row."""
        w, b = (part.ravel() for part in np.meshgrid(sigma_w, sigma_b))
        if self._forced:
            q = VarianceLayer(self._network, w, b).F(np.ones(w.shape), strict=False).value
            return Ends(q, np.ones(q.size, np.int64), ~(np.isfinite(q) & (q > 0.0)))
        if not self._scans:
            return Ends(np.full(w.shape, np.nan), np.zeros(w.size, np.int64), np.ones(w.size, bool))
        rows = [self._row(sigma_w**2, float(one) ** 2) for one in sigma_b]
        low, high, vanish, count, unsure = (np.concatenate(part) for part in zip(*rows, strict=True))
        q = np.where(vanish, 0.0, np.inf)
        between = np.isfinite(low) & ~vanish & ~unsure
        q[between] = bracketed_roots(self._relative_growth, low[between], high[between], (w[between], b[between]))
        return Ends(q, count, unsure)

    def _relative_growth(self, q: FloatArray, sigma_w: FloatArray, sigma_b: FloatArray) -> FloatArray:
        return VarianceLayer(self._network, sigma_w, sigma_b).growth(q).value / q

    def _row(
        self, weight: FloatArray, bias: float
    ) -> tuple[FloatArray, FloatArray, NDArray[np.bool_], NDArray[np.int64], NDArray[np.bool_]]:
        """Brackets of the lowest variances > 0 that attract, where 0 does, how many do, and what is unsure.

        Unsure is where F may touch the diagonal between two of the scanned variances. NaN: there is no bracket.
        """
        q, shares = self._q, np.stack([np.ones(weight.size), weight, np.full(weight.size, bias)], axis=1)
        with np.errstate(invalid="ignore", over="ignore"):
            grown = shares @ self._value
            off = shares @ self._error + 4.0 * EPS * (shares @ np.abs(self._value))
            sign = np.where(np.abs(grown) > off, np.sign(grown), 0.0)
        known, last = filled(sign)
        falls = (known[:, :-1] > 0.0) & (known[:, 1:] < 0.0)
        first, rows, found = np.argmax(falls, axis=1), np.arange(weight.size), falls.any(axis=1)
        low = np.where(found, q[last[rows, first]], np.nan)
        high = np.where(found, q[first + 1], np.nan)
        vanish = (known[:, 0] < 0.0) & (bias == 0.0) & self._vanishes
        unsure = (known[:, 0] == 0.0) | _nearly_missed(np.abs(grown) / q, sign, known)
        return low, high, vanish, falls.sum(axis=1) + vanish + (known[:, -1] > 0.0), unsure


def _nearly_missed(size: FloatArray, sign: FloatArray, known: FloatArray) -> NDArray[np.bool_]:
    """Where |F(q) - q|/q (n, Q) has a minimum that may reach 0 between the scanned variances."""
    left, middle, right = size[:, :-2], size[:, 1:-1], size[:, 2:]
    alike = (known[:, 1:-1] == known[:, :-2]) & (known[:, 1:-1] == known[:, 2:])
    least = (middle <= left) & (middle <= right) & alike
    with np.errstate(divide="ignore", invalid="ignore"):
        bottom = middle - (right - left) ** 2 / (8.0 * (left - 2.0 * middle + right))
    touches = (sign[:, 1:-1] == 0.0) & (sign[:, :-2] != 0.0) & (sign[:, 2:] != 0.0)
    return np.asarray((least & (touches | (bottom < _MISSED * middle))).any(axis=1))


@dataclass(frozen=True)
class _Blocks:
    """Blocks at places (n,) that keep q, with what :class:`eoc.CorrelationMap` knows of them at c = 1.

    Attributes
    ----------
    sigma_w, sigma_b, q, after
        The places, the variance that is kept, and F of it.
    chi_1, chi_1_error
        q chi / F, the slope of the correlation map at c = 1.
    relative
        A bound on the relative error of what is divided by F, that of q included.
    """

    sigma_w: FloatArray
    sigma_b: FloatArray
    q: FloatArray
    after: FloatArray
    chi_1: FloatArray
    chi_1_error: FloatArray
    relative: FloatArray

    def __getitem__(self, keep: NDArray[np.bool_]) -> _Blocks:
        return _Blocks(*(getattr(self, field.name)[keep] for field in fields(self)))

    def behind(self, network: Network, e: FloatArray) -> Signal:
        """Pairs with 1 - c = e behind the blocks."""
        return network.block(self.sigma_w, self.sigma_b)(CloseInput(self.q, e))

    def log_ratio(self, y: Signal, e: FloatArray) -> tuple[FloatArray, FloatArray]:
        """log((1 - f)/(1 - c)), and a bound on its error."""
        g = y.G
        with np.errstate(divide="ignore", invalid="ignore"):
            if not isinstance(g, Close):  # with noise, which keeps equal inputs apart
                return np.log(g.value / (self.after * e)), g.error / g.value + self.relative + 2.0 * EPS
            lost, error = g.loss.value / self.after, g.loss.error / self.after
            value = np.log1p((self.chi_1 - 1.0) - lost)
            return value, error + self.relative * np.abs(lost) + self.chi_1_error + 2.0 * EPS * np.abs(value)

    def slope(self, y: Signal) -> tuple[FloatArray, FloatArray, FloatArray]:
        """At fixed points 1 - f' = (q T_lost - G_lost)/F, a bound on its error, and f'(1) - f'."""
        g, t = y.G, y.T
        scale = self.q / self.after
        if isinstance(g, Close) and isinstance(t, Close):
            bent = scale * t.loss.value
            value = bent - g.loss.value / self.after
            error = scale * t.loss.error + g.loss.error / self.after + self.relative * (np.abs(bent) + np.abs(value))
            return value, error, bent
        value = 1.0 - scale * t.value
        return value, scale * t.error + self.relative * scale * t.value + 2.0 * EPS, self.chi_1 - (1.0 - value)


def settled_blocks(
    network: Network, sigma_w: FloatArray, sigma_b: FloatArray, q: FloatArray
) -> tuple[dict[str, FloatArray], FloatArray, NDArray[np.bool_]]:
    """Every field at places (n,) where variances settle at q > 0, the sign of chi_1 - 1, and what needs a closer look.

    That is where chi_1 or F'(q) cannot be told from 1, and all of it where a block knows no losses, as with jumps.
    """
    layer = VarianceLayer(network, sigma_w, sigma_b)
    slope, q_error = with_errors(layer, q)
    after, chi = layer.F(q), layer.chi_1(q)
    relative = after.error / after.value + 6.0 * EPS
    relative += layer.sensitivity(q, slope.value * q / after.value) * q_error / q
    chi_1 = chi.value * q / after.value
    chi_1_error = chi_1 * relative + chi.error * q / after.value
    here = _Blocks(sigma_w, sigma_b, q, after.value, chi_1, chi_1_error, relative)
    found = {"q": q, "q_error": q_error, "slope": slope.value, "slope_error": slope.error}
    found |= {"chi_1": chi_1, "chi_1_error": chi_1_error}
    found["xi_q"], found["xi_q_error"] = e_folding(slope.value, 1.0 - slope.value, slope.error)
    xi_grad = e_folding(chi_1, 1.0 - chi_1, chi_1_error)
    found["xi_grad"], found["xi_grad_error"] = xi_grad
    unclear = ~(np.abs(chi_1 - 1.0) > chi_1_error + 4.0 * EPS) | ~(np.abs(slope.value) + slope.error < 1.0)
    try:
        noisy = not isinstance(here.behind(network, np.full(q.shape, 0.5)).G, Close)
        inside = ~unclear & ((chi_1 > 1.0) | noisy)
        ends = _interior(network, here[inside])
    except EocError:  # of single places: each says why by itself
        return found, np.sign(chi_1 - 1.0), np.ones(q.shape, bool)
    at_one = (np.ones(q.shape), np.zeros(q.shape), np.zeros(q.shape), *xi_grad)
    for name, outside, part in zip(_OF_PAIRS, at_one, ends, strict=True):
        found[name] = outside.copy()
        found[name][inside] = part
    return found, np.sign(chi_1 - 1.0), unclear | (inside & np.isnan(found["c_star"]))


def vanishing_blocks(
    network: Network, sigma_w: FloatArray
) -> tuple[dict[str, FloatArray], FloatArray, NDArray[np.bool_]]:
    """The same at places (n,) without bias where variances vanish, so that blocks are those of the tangents at 0.

    These scale: f'(1) = 1, and c* = 1 if they have kinks; else every correlation is kept. With noise, and where F'(0)
    cannot be told from 1 or is 0, a closer look is needed.
    """
    layer, zero, ones = VarianceLayer(network, sigma_w, 0.0), np.zeros(sigma_w.shape), np.ones(sigma_w.shape)
    slope, chi = layer.slope(zero), layer.chi_1(zero)
    found = {"q": zero, "q_error": zero, "slope": slope.value, "slope_error": slope.error}
    found |= {"chi_1": chi.value, "chi_1_error": chi.error + 4.0 * EPS * chi.value}
    found["xi_q"], found["xi_q_error"] = e_folding(slope.value, 1.0 - slope.value, slope.error)
    found["xi_grad"], found["xi_grad_error"] = e_folding(chi.value, 1.0 - chi.value, found["chi_1_error"])
    unclear = ~((slope.value > 0.0) & (slope.value + slope.error < 1.0))
    try:
        g = network.tangents().block(sigma_w, zero)(CloseInput(ones, ones)).G
    except EocError:
        return found, np.sign(chi.value - 1.0), np.ones(sigma_w.shape, bool)
    if not isinstance(g, Close):
        return found, np.sign(chi.value - 1.0), np.ones(sigma_w.shape, bool)
    kept = np.broadcast_to(g.loss.value <= g.loss.error, sigma_w.shape)
    parts = np.where(kept, np.nan, 1.0), zero, np.where(kept, np.nan, 0.0), np.full(zero.shape, np.inf), zero
    return found | dict(zip(_OF_PAIRS, parts, strict=True)), np.sign(chi.value - 1.0), unclear


_OF_PAIRS = ("c_star", "c_star_error", "one_minus_c_star", "xi_c", "xi_c_error")


def _interior(network: Network, here: _Blocks) -> tuple[FloatArray, ...]:
    """c* < 1 and its error, 1 - c*, xi_c and its error; NaN where they are lost in their errors."""
    log_e = np.zeros(here.q.shape)
    unbiased = Input(1.0, pairs=Pairs.none(strict=False))
    odd = (here.sigma_b == 0.0) & (network.block(1.0, 0.0)(unbiased).nature.parity == -1)

    def excess(log_e: FloatArray, *parts: FloatArray) -> FloatArray:
        places, e = _Blocks(*parts), np.exp(log_e)
        return places.log_ratio(places.behind(network, e), e)[0]

    parts = tuple(getattr(here, field.name) for field in fields(here))
    apart = ~odd
    if apart.any():
        apart[apart] = excess(log_e[apart], *(part[apart] for part in parts)) < 0.0
    if apart.any():
        low = np.full(int(apart.sum()), _LOWEST)
        log_e[apart] = bracketed_roots(excess, low, log_e[apart], tuple(part[apart] for part in parts))
    e = np.exp(log_e)
    y = here.behind(network, e)
    drop, drop_error, bent = here.slope(y)
    with np.errstate(divide="ignore", invalid="ignore"):
        off = here.log_ratio(y, e)[1] / np.maximum(drop, EPS) + 4.0 * EPS * (1.0 - log_e)
    drop_error = drop_error + bent * off  # f' is convex in c >= 0: e f'' is at most f'(1) - f'
    c, c_error = np.where(odd, 0.0, 1.0 - e), np.where(odd, 0.0, e * off + EPS)
    xi_c, xi_c_error = e_folding(1.0 - drop, drop, drop_error)
    known = (c_error < 1.0) & (drop_error < drop)
    return tuple(np.where(known, part, np.nan) for part in (c, c_error, np.where(odd, 1.0, e), xi_c, xi_c_error))
