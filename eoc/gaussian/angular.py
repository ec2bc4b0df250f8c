r"""E[phi(u) phi(v)] and E[phi'(u) phi'(v)] as functions of the angle, by integration from c = 1.

With y = 2 sin(theta/2), the chord, e = 1 - c = y^2/2 and sin(theta) dtheta = de, the sources tau and C of
:mod:`eoc.gaussian.sources` are integrated from theta = 0 upwards, so that differences keep full relative precision
however close the inputs are:

- a continuous phi: D - E[phi'(u) phi'(v)] = y w_1 + y^2 w_2, where y w_1 = int tau dtheta and y^2 w_2 = q int C de, and
  once more V - E[phi(u) phi(v)] = q e (D - y u_1 - y^2 u_2), where e y^p u_p = int y^p w_p de;
- a phi that jumps, or ``plain``: V - E[phi(u) phi(v)] = y w_1 + y^2 w_2. Where phi is steep, q D is much larger than V,
  and of the first form nothing would be left but rounding.

All of w_1, w_2, u_1, u_2 are smooth in theta, and are kept as :class:`eoc.gaussian.angle.Series`.
"""

from __future__ import annotations

import numpy as np

from eoc.activations.base import Activation, Smoothness
from eoc.errors import AccuracyError
from eoc.floats import EPS, FloatArray
from eoc.gaussian.angle import Angle, Series, angle_of, chord, cumulative, fit
from eoc.gaussian.angle_functions import AngleFunctions
from eoc.gaussian.hermite import products_of
from eoc.gaussian.moments import moments
from eoc.gaussian.products import Products
from eoc.gaussian.sources import Sources, refuse_singularities
from eoc.sharing import cached

__all__ = ["Angular", "angular"]

_Pair = tuple[FloatArray, FloatArray]

_USELESS = 1e-6  # an error above this fraction of E[phi^2], or of E[phi'^2], is refused instead of reported
_FLOOR = 1e-290  # errors that are always good enough
_STEADY = 2.5  # errors of tables are the same for all variances, whatever E[g^2] is there
_KEPT = 64  # variances remembered for each activation


def angular(phi: Activation, q: float, *, plain: bool = False) -> Angular:
    """The functions of the angle at the variance q > 0, computed once and kept with the activation.

    Those of a positively homogeneous phi are computed at q = 1: they scale.
    """
    return _angular(phi, 1.0 if phi.is_positively_homogeneous else float(q), plain)


@cached(_KEPT)
def _angular(phi: Activation, q: float, plain: bool) -> Angular:
    order = 1 if plain or phi.smoothness is Smoothness.JUMP else 2
    return Angular(phi, q, _tables(phi, order, int(np.frexp(q)[1]) - 1), plain=plain)


@cached()
def _tables(phi: Activation, order: int, octave: int) -> Products | None:
    """Tables for q = 2^octave (1 ... 2), a further variance then costs a tenth; None where one set cannot serve all.

    Which it is depends on the octave alone, so that values do not depend on what was asked before.
    """
    try:
        tables = products_of(phi, order, 2.0**octave, 2.0 ** (octave + 1))
        sizes = tables.sizes(2.0 ** (octave + np.linspace(0.0, 1.0, 3)))
    except AccuracyError:  # it diverges within the octave
        return None
    return tables if sizes.max() <= _STEADY * sizes.min() else None


class Angular(AngleFunctions):
    """One activation at one variance q > 0; see the module's docstring for the symbols.

    Parameters
    ----------
    phi, q
        The activation and the variance.
    products
        Tables for a range of variances that holds q, if there are some already.
    edges
        Intervals of the angle to begin with, from 0 to pi/2, if no larger angles are asked for.
    plain
        Whether to integrate phi' once, as where phi jumps, instead of phi'' twice: for values only.

    Attributes
    ----------
    phi, q
        As given.
    V, V_error, D, D_error
        E[phi^2] and E[phi'^2] with error bounds.
    plain
        Whether phi jumps, or this form was asked for; then there are no u_1, u_2.
    w1, w2, u1, u2
        The series; None where they vanish.
    sources
        tau and C; tau has a closed form.
    source, plane
        C and its first term as series; None where they vanish.
    parity
        1, -1 or 0 for an even phi, an odd one, or neither. With parity all series end at theta = pi/2.
    """

    def __init__(
        self,
        phi: Activation,
        q: float,
        products: Products | None = None,
        edges: FloatArray | None = None,
        *,
        plain: bool = False,
    ) -> None:
        refuse_singularities(phi)
        self.phi, self.q = phi, q
        m = moments(phi, q, ("V", "D"))  # first: it names the largest variance allowed
        self.sources = sources = Sources(phi, q, products, plain)
        self.plain, self.parity = sources.plain, sources.parity
        self.V, self.V_error = float(m["V"].value), float(m["V"].error)
        self.D, self.D_error = float(m["D"].value), float(m["D"].error)
        end = np.pi if self.parity == 0 and edges is None else 0.5 * np.pi
        self.source = self.plane = self.w1 = self.w2 = self.u1 = self.u2 = None
        if sources.tau_size > 0.0:
            self.w1 = _integral_of_tau(sources, end, edges)
        if sources.size > 0.0:
            self.plane = fit(sources.plane, sources.size, end, edges)
            self.source = _with_cross(sources, self.plane, end, edges) if self.w1 else self.plane
            self.w2 = _integral_of_source(self.source, q)
        if not self.plain:
            self.u1, self.u2 = _second_integral(self.w1, 1), _second_integral(self.w2, 2)

    def at(self, name: str, q: float, at: Angle) -> _Pair:
        """K, Kd or G at angles (n,), and bounds on the errors; q differs from the own one for a homogeneous phi."""
        function = {"K": self.kernel, "Kd": self.slopes, "G": self.half_distance}[name]
        scale = q / self.q if name != "Kd" else 1.0
        value, error = function(at)
        if not (error <= _USELESS * (self.D if name == "Kd" else self.V) + _FLOOR).all():
            raise AccuracyError(
                f"{name} of {self.phi.name} cannot be computed at q = {q:g}: too many digits cancel; use a smaller q"
            )
        return scale * value, scale * error

    def slopes(self, at: Angle) -> _Pair:
        """Kd = E[phi'(u) phi'(v)] almost everywhere."""
        near, flip = self._folded(at)
        value, error = self._plane(near) if self.plain else self._slopes(near)
        return np.where(flip, -float(self.parity), 1.0) * value, error

    def _plane(self, at: Angle) -> _Pair:
        if self.plane is None:
            return np.zeros(at.e.shape), np.zeros(at.e.shape)
        return self.plane(at.theta), self.plane.bound(at.theta)

    def rise(self, at: Angle) -> _Pair:
        """The sum tau / sin(theta) + q C; for a continuous phi the slope of ``slope_loss`` in 1 - c."""
        value, error = np.zeros(at.e.shape), np.zeros(at.e.shape)
        if self.source is not None:
            value, error = self.q * self.source(at.theta), self.q * self.source.bound(at.theta)
        if self.w1 is not None:
            tau, bound = self.sources.tau(at)
            value = value + _over(tau, at.sine)
            error = error + _over(bound, at.sine) + 4.0 * EPS * np.abs(value)
        return value, error

    def _bend(self, at: Angle) -> _Pair:
        """d/dc of tau / sin(theta) + q C."""
        value, error = np.zeros(at.e.shape), np.zeros(at.e.shape)
        sine = at.sine
        if self.source is not None:
            series = self.source.derivative()
            rise, bound = series(at.theta), series.bound(at.theta)
            value = value - self.q * _over(np.where((sine == 0.0) & (np.abs(rise) <= bound), 0.0, rise), sine)
            error = error + self.q * _over(bound, sine)
        if self.w1 is not None:
            (tau, tau_error), (slope, slope_error) = self.sources.tau(at), self.sources.tau_slope(at)
            strongest = (sine == 0.0) & (tau != 0.0)  # of the infinite terms
            value = np.where(strongest, 0.0, value) + _over(tau * at.c, sine**3) - _over(slope, sine**2)
            error = error + _over(tau_error, sine**3) + _over(slope_error, sine**2) + 8.0 * EPS * np.abs(value)
        return value, error


def _over(value: FloatArray, divisor: FloatArray) -> FloatArray:
    """The quotient, 0 where the value is, also over 0."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.where(value == 0.0, 0.0, value / divisor)


def _with_cross(sources: Sources, plane: Series, end: float, edges: FloatArray | None) -> Series:
    """C, where both of its terms are there."""

    def both(theta: FloatArray) -> _Pair:
        value, error = sources.cross(theta)
        return plane(theta) + value, plane.bound(theta) + error

    return fit(both, sources.size + sources.cross_size, end, edges)


def _integral_of_tau(sources: Sources, end: float, edges: FloatArray | None) -> Series:
    """w_1 with y w_1 = integral of tau."""
    tau = fit(lambda theta: sources.tau(angle_of(angle=theta)), sources.tau_size, end, edges)
    return cumulative(tau, np.ones_like, chord)


def _integral_of_source(source: Series, q: float) -> Series:
    """w_2 with y^2 w_2 = q integral of C sin(theta)."""
    return cumulative(source, lambda x: q * np.sin(x), lambda x: chord(x) ** 2)


def _second_integral(w: Series | None, power: int) -> Series | None:
    """The u with e y^power u = integral of y^power w sin(theta)."""
    if w is None:
        return None
    return cumulative(w, lambda x: np.sin(x) * chord(x) ** power, lambda x: 0.5 * chord(x) ** (power + 2))
