r"""The density of J J^T, from the S-transform continued into the complex plane.

With x(u) of :mod:`eoc.jacobian.edge`, the density at x > 0 is -Im psi(u) / (pi x) at the u in the lower half-plane with
x(u) = x + i0. In tau = log u the equation

.. math:: (1 - e L) \log(1 + z) + (L - 1) \log z - L \tau = \log(x / \chi^L)

is analytic, logarithms with arguments in (-pi, 0). At -x, where u < 0, all is real and monotone: from there the solution
is followed as x exp(i theta) turns from theta = pi to 0, for all x at once, and is made exact at the end. Pennington,
Schoenholz & Ganguli (2018); derived here in this form.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import elementwise

from eoc.floats import EPS, FloatArray
from eoc.gaussian.moments import Estimate
from eoc.jacobian.slopes import ComplexArray, SlopeLaw

__all__ = ["density_at"]

_ANGLES = np.concatenate([np.linspace(1.0, 0.0625, 31)[1:], 0.0625 * 0.5 ** np.arange(1.0, 21.0), [0.0]]) * np.pi
_CORRECTIONS = 4
_SETTLED = 1e-12
_POLISHED = 5  # steps
_DOUBLE = 0.25  # of residual times curvature over slope^2, from which on two solutions are not apart


def density_at(law: SlopeLaw, log_x: FloatArray, log_error: FloatArray, depth: int, orthogonal: bool) -> Estimate:
    """x times the density at log(x / chi^L), (n,), and bounds on the errors; ``log_error`` are those of log x."""
    tau = _started(law, log_x, depth, orthogonal)
    angle = np.pi
    for after in _ANGLES:
        slope = _rough(law, tau, depth, orthogonal)[1]
        tau = _kept(tau + 1j * (after - angle) / slope, tau)
        for _ in range(_CORRECTIONS):
            value, slope = _rough(law, tau, depth, orthogonal)
            step = (log_x + 1j * after - value) / slope
            tau = _kept(tau + step, tau)
            if np.abs(step).max() < _SETTLED:
                break
        angle = after
    return _polished(law, tau, log_x, log_error, depth, orthogonal)


def _kept(tau: ComplexArray, before: ComplexArray) -> ComplexArray:
    """A step that does not leave the strip -pi <= Im tau <= 0."""
    turned = np.clip(tau.imag, 0.9 * before.imag - 0.1 * np.pi, 0.1 * before.imag)
    return tau.real + 1j * turned


def _started(law: SlopeLaw, log_x: FloatArray, depth: int, orthogonal: bool) -> ComplexArray:
    """The solution at -x: u < 0."""

    def lack(log_u: FloatArray, target: FloatArray) -> FloatArray:
        flat = np.ravel(log_u)
        value, _ = _rough(law, flat - 1j * np.pi, depth, orthogonal)
        return value.real.reshape(np.shape(log_u)) - target

    ends = elementwise.bracket_root(lack, -log_x - 1.0, -log_x + 1.0, args=(log_x,), maxiter=200)
    found = elementwise.find_root(lack, ends.bracket, args=(log_x,), tolerances={"xatol": 1e-6, "xrtol": 1e-6})
    return found.x - 1j * np.pi


def _rough(law: SlopeLaw, tau: ComplexArray, depth: int, orthogonal: bool) -> tuple[ComplexArray, ComplexArray]:
    rows = law.rough(-np.exp(tau + 1j * np.pi))
    return _value(rows[0], tau, depth, orthogonal), rows[1] * _factor(rows[0], depth, orthogonal) - depth


def _value(z: ComplexArray, tau: ComplexArray, depth: int, orthogonal: bool) -> ComplexArray:
    """The left-hand side; z in the lower half-plane."""
    below = z.real + 1j * np.minimum(z.imag, -1e-300)
    log_z = np.log(-below) - 1j * np.pi
    first = 1.0 - depth if orthogonal else 1.0
    return np.asarray(first * np.log(1.0 + below) + (depth - 1.0) * log_z - depth * tau)


def _factor(z: ComplexArray, depth: int, orthogonal: bool) -> ComplexArray:
    first = 1.0 - depth if orthogonal else 1.0
    return np.asarray(first / (1.0 + z) + (depth - 1.0) / z)


def _polished(
    law: SlopeLaw, tau: ComplexArray, log_x: FloatArray, log_error: FloatArray, depth: int, orthogonal: bool
) -> Estimate:
    """Newton's steps with certified transforms, and a bound of what is left."""
    first = 1.0 - depth if orthogonal else 1.0
    for _ in range(_POLISHED):
        rows, errors = law.transform(np.exp(tau))
        z = rows[0]
        factor = _factor(z, depth, orthogonal)
        slope = rows[1] * factor - depth
        rest = log_x - _value(z, tau, depth, orthogonal)
        rounding = 2.0 * EPS * (np.abs(first * np.log(1.0 + z)) + depth * (2.0 + np.abs(np.log(z)) + np.abs(tau)))
        known = np.abs(factor) * errors[0] + rounding + log_error + EPS * np.abs(log_x)
        if (np.abs(rest) <= known).all():
            break
        tau = _kept(tau + rest / slope, tau)
    bend = rows[2] * factor - rows[1] ** 2 * (first / (1.0 + z) ** 2 + (depth - 1.0) / z**2)
    off = np.abs(rest) + known
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = off * np.abs(bend) <= _DOUBLE * np.abs(slope) ** 2
        moved = np.where(apart, 2.0 * off / np.abs(slope), 4.0 * np.sqrt(off / np.abs(bend)))
    error = (errors[0] + np.abs(rows[1]) * moved) / np.pi + 4.0 * EPS * np.abs(z.imag)
    value = np.maximum(-z.imag / np.pi, 0.0)
    return Estimate(np.where(value <= error, 0.0, value), error)
