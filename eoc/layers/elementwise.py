r"""Activations.

With u, v the units of a Gaussian signal of two points,

.. math:: q' = V(q), \quad m' = M(q), \quad G' = E[(\phi(u) - \phi(v))^2]/2, \quad T' = T E[\phi'(u) \phi'(v)],

and dq' = (D + P) dq, dm' = E[phi''] dq / 2 (:mod:`eoc.gaussian.moments`). Of phi(root) another activation is the
composition of both, of the same root.

A straight-through estimator goes forward by phi and back by the slope of another function s, its surrogate: then
chi' = chi E[s'^2] and T' = T E[s'(u) s'(v)], and all else is that of phi.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eoc.activations import activation
from eoc.activations.algebra import composed
from eoc.activations.base import Activation, Smoothness
from eoc.errors import EocError, UnsupportedError
from eoc.floats import FloatArray
from eoc.gaussian.moments import Estimate
from eoc.layers.batches import on_sphere
from eoc.layers.bounded import Bounded, exact
from eoc.layers.close import Close
from eoc.layers.evolved import Evolved
from eoc.layers.law import Law, behind, gaussian
from eoc.layers.nature import Nature
from eoc.layers.pair_moments import PairExpectations, Sensitivity, of_close, quick_distances
from eoc.layers.point_moments import STEP, by_differences, moments_at
from eoc.layers.signal import Products, Signal
from eoc.layers.split import ROUNDING, Split, proportional
from eoc.sharing import cached_property

__all__ = ["Elementwise", "surrogate"]

_CURVED = 10.0  # times the relative error of q: by how much slopes change within it


@dataclass(frozen=True)
class Elementwise:
    """y = phi(x) for every unit; gradients see the slope of ``backward`` in place of that of phi, if there is one."""

    phi: Activation
    backward: Activation | None = None

    def __call__(self, x: Signal) -> Signal:
        """The signal behind it."""
        if x.is_root:
            return _of_root(x, self.phi, self.backward)
        if x.root is not None and x.phi is not None:
            if x.backward is not None:
                raise UnsupportedError(
                    f"{self.phi.name} acts on what comes from a straight-through estimator, {x.phi.name}: put a dense "
                    "layer between them"
                )
            backward = None if self.backward is None else composed(self.backward, x.phi)
            return _of_root(x.root, composed(self.phi, x.phi), backward, x)
        if x.pairs.size == 0 and x.has_law:
            return Evolved(x, self.phi, self.backward)
        raise UnsupportedError(
            f"{self.phi.name} acts on a signal that is neither Gaussian nor a function of a Gaussian one, such as "
            "numbers that are given, or a sum or a product with what comes from an activation: put a dense or a conv "
            "layer before it"
        )


def _of_root(root: Signal, phi: Activation, backward: Activation | None, of: Signal | None = None) -> Signal:
    """A function of a root, whose units also depend on what ``of`` does."""
    if root.is_gaussian:
        return _Elementwise(root, phi, backward, of)
    return on_sphere(root, phi, backward, root.sources if of is None else of.sources)


def surrogate(source: object) -> Activation:
    """The function whose slope gradients see in place of that of an activation.

    Parameters
    ----------
    source
        Whatever :func:`eoc.activation` understands: "hardtanh" for 1 where abs(x) < 1, "identity" for 1, "bireal" for
        2 - 2 abs(x) where abs(x) < 1.

    Raises
    ------
    EocError
        As :func:`eoc.activation`, and for a function that jumps, which has no slope.

    Examples
    --------
    >>> surrogate("clip(x, 0, 1)").name  # 1 where 0 < x < 1: the clipped ReLU
    'clip(x, 0, 1)'
    """
    found = activation(source)
    if found.smoothness is Smoothness.JUMP:
        raise EocError(
            f"backward must be a function with a slope, which gradients see in place of that of the activation, such "
            f"as 'hardtanh' for 1 where abs(x) < 1; {found.name} jumps"
        )
    return found


class _Elementwise(Signal):
    """phi of a Gaussian root."""

    has_law = True

    def __init__(self, root: Signal, phi: Activation, backward: Activation | None, of: Signal | None = None) -> None:
        super().__init__(root.pairs, root.sources if of is None else of.sources)
        self.root, self.phi, self._phi, self.backward = root, phi, phi, backward
        self._seen = phi if backward is None else backward  # what tangents see the slope of
        self._known: dict[str, Estimate] = {}

    def laws(self, knots: tuple[float, ...]) -> tuple[Law, ...]:
        """That of phi of a Gaussian."""
        q, chi = self._root.q, self._root.chi
        return tuple(
            behind(self._phi, gaussian(float(v), float(t), self._knots, float(off / v)), self._seen)
            for v, off, t in zip(q.value, q.error, chi.value, strict=True)
        )

    @property
    def _knots(self) -> tuple[float, ...]:
        return tuple(sorted({*self._phi.knots, *self._seen.knots}))

    @property
    def _root(self) -> Signal:
        assert self.root is not None
        return self.root

    def _moments(self, *names: str) -> tuple[Estimate, ...]:
        """Moments of phi at the variances of the root, computed together and kept."""
        known = self._known
        if not known.keys() >= {*names}:
            known |= moments_at(self._phi, self._root.q.value, names, strict=self.pairs.strict)
        return tuple([known[name] for name in names])

    @cached_property
    def _slopes(self) -> tuple[Estimate, Estimate, Estimate]:
        """D, P and their sum V', which is finite where they are not."""
        q, strict = self._root.q.value, self.pairs.strict
        found = moments_at(self._phi, q, ("D", "P"), strict=False)
        d, p = found["D"], found["P"]
        if np.isfinite(d.error).all():
            self._known["D"] = d
        with np.errstate(invalid="ignore"):
            value, error = d.value + p.value, d.error + p.error
        unknown = np.isnan(value)
        if unknown.any():
            other = by_differences(self._phi, q, "V", 0.0, strict=strict)  # V is analytic in q all the same
            value, error = np.where(unknown, other.value, value), np.where(unknown, other.error, error)
        return d, p, Estimate(value, error)

    @cached_property
    def q(self) -> Bounded:
        (v,), root = self._moments("V"), self._root.q
        if root.is_exact:
            return Bounded(v.value, v.error)
        return Bounded(v.value, v.error + self._steepest * root.error)

    @cached_property
    def _steepest(self) -> FloatArray:
        """A bound on |V'| within the error of q."""
        d, p, slope = self._slopes
        with np.errstate(invalid="ignore"):  # none times a slope without bound
            around = _CURVED * self._relative * (d.value + np.abs(p.value))
        return np.abs(slope.value) + np.where(np.isnan(around), 0.0, around)

    @cached_property
    def m(self) -> Bounded:
        (m,), root = self._moments("M"), self._root.q
        if root.is_exact:
            return Bounded(m.value, m.error)
        size = np.sqrt(self._moments("V")[0].value) / self._root.q.value
        slope = np.abs(self._mean_slope.value) + self._mean_slope.error + _CURVED * self._relative * size
        return Bounded(m.value, m.error + slope * root.error)

    @cached_property
    def _relative(self) -> FloatArray:
        """The relative error of the root's q."""
        q = self._root.q
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(q.error > 0.0, q.error / q.value, 0.0)

    @cached_property
    def chi(self) -> Bounded:
        q = self._root.q.value
        if self._seen.smoothness is Smoothness.JUMP:
            return self._root.chi * Bounded(np.full_like(q, np.inf), np.zeros_like(q))
        return self._carried("chi", self._seen_slope)

    @cached_property
    def _seen_slope(self) -> Bounded:
        """E[s'^2] of what tangents see."""
        q, own = self._root.q.value, self._seen is self._phi
        d = self._moments("D")[0] if own else moments_at(self._seen, q, ("D",), strict=self.pairs.strict)["D"]
        if self._root.q.is_exact:
            return Bounded(d.value, d.error)
        return Bounded(d.value, d.error + self._log_slopes("D")[0] * self._relative * d.value)

    def _carried(self, name: str, factor: Bounded) -> Bounded:
        """The factor times what the root has of this name, which is 1 for the input."""
        before: Bounded | None = None if self._root.is_input else getattr(self._root, name)
        return factor if before is None else before * factor

    @cached_property
    def dq(self) -> Bounded:
        d, p, slope = self._slopes
        if self._root.q.is_exact:
            return self._carried("dq", Bounded(slope.value, slope.error))
        moved = self._log_slopes("P")[0] * self._relative * (np.abs(d.value) + np.abs(p.value))
        return self._root.dq * Bounded(slope.value, slope.error + moved)

    @cached_property
    def dm(self) -> Bounded:
        return self._root.dq * self._mean_slope

    @cached_property
    def gap(self) -> Bounded:
        if self._seen is not self._phi:
            own = self._root.q * self._seen_slope - self.q
        else:
            gap, moves = self._moments("D", "gap")[1], bool(self._relative.any())
            moved = self._log_slopes("gap")[0] * self._relative * np.abs(gap.value) if moves else 0.0
            own = Bounded(gap.value, gap.error + moved)
        return own if self._root.is_input else self._root.gap * self._seen_slope + own

    @cached_property
    def split(self) -> Split:
        excess = self._moments("V", "excess")[1]  # V too: it is asked for next
        off, own, kappa = self._root.q.error, self._root.split, self._phi.kappa
        moved = (self._steepest + kappa) * off if off.any() else 0.0
        curved = Bounded(excess.value, excess.error + moved)
        rest = curved if self._root.is_input else own.rest * kappa + curved
        return proportional(own.gain * kappa, own.doubt + ROUNDING, rest)

    @cached_property
    def nature(self) -> Nature:
        return self._root.nature.through(self._phi)

    @cached_property
    def _mean_slope(self) -> Bounded:
        """dM/dq, by differences of M, which is analytic in log q: E[phi''] has deltas, which those of M know."""
        size = np.sqrt(self._moments("V")[0].value)
        found = by_differences(self._phi, self._root.q.value, "M", size, strict=self.pairs.strict)
        return Bounded(found.value, found.error)

    def _log_slopes(self, *names: str) -> tuple[FloatArray, ...]:
        """|d ln V|, |d ln D|, |d ln gap| or, as "P", |d ln (D + |P|)| by d ln q, of the shape of q.

        "D" is of what tangents see.
        """
        around = np.multiply.outer(np.array([1.0 - STEP, 1.0 + STEP]), self._root.q.value)
        m = moments_at(self._phi, around, names if "P" not in names else ("D", "P"), strict=False)
        if "D" in names and self._seen is not self._phi:
            m |= moments_at(self._seen, around, ("D",), strict=False)
        sizes = {name: one.value for name, one in m.items()}
        if "P" in names:
            sizes["P"] = sizes["D"] + np.abs(sizes["P"])
        with np.errstate(divide="ignore", invalid="ignore"):
            slopes = [np.abs(np.diff(np.log(sizes[name]), axis=0)[0]) / (2.0 * STEP) for name in names]
        return tuple(np.nan_to_num(one, nan=float(name == "V")) for name, one in zip(names, slopes, strict=True))

    @cached_property
    def _by_q(self) -> Sensitivity:
        """The sensitivity to q of every pair, at the more sensitive of both points; 0 where all variances are exact."""
        a, b = self.pairs.first, self.pairs.second
        if self._root.q.is_exact:
            return Sensitivity(np.ones(a.size), np.zeros(a.size))
        v, d = self._log_slopes("V", "D")
        return Sensitivity(np.maximum(v[a], v[b]), np.maximum(d[a], d[b]))

    @cached_property
    def _of_close(self) -> tuple[Bounded, Bounded] | None:
        """G' and E[phi' phi'] of pairs that are known to be close."""
        g = self._root.G
        if not isinstance(g, Close):
            return None
        return of_close(self._phi, self._root.q, g, self._by_q if self._relative.any() else None)

    @cached_property
    def G(self) -> Bounded:
        if self.pairs.size == 0:
            return exact(np.empty(0))
        if self._of_close is not None:
            return self._of_close[0]
        if self.pairs.quick:
            return quick_distances(self._phi, self._root.q, self._root.one_minus_c)
        return self._at_pairs.half_distances(self._by_q)

    @cached_property
    def _at_pairs(self) -> PairExpectations:
        return PairExpectations(self._phi, self._root.q, self.pairs, self._root.one_minus_c)

    def pushed(self, of: Products) -> Bounded:
        return of(self._root) * self._products

    @cached_property
    def _products(self) -> Bounded:
        """E[s'(u) s'(v)] of what tangents see."""
        if self._seen.smoothness is Smoothness.JUMP:
            raise UnsupportedError(f"{self._seen.name} jumps: the tangents of two inputs have no product behind it")
        if self._seen is self._phi and self._of_close is not None:
            return self._of_close[1]
        if self._seen is self._phi:
            return self._at_pairs.slopes(self._by_q)
        return PairExpectations(self._seen, self._root.q, self.pairs, self._root.one_minus_c).slopes(self._by_q)
