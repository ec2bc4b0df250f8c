r"""The density of J J^T, from the S-transform continued into the complex plane.

With x(u) of :mod:`eoc.jacobians.edge`, the density at x > 0 is -Im psi(u) / (pi x) at the u in the lower half-plane
with x(u) = x + i0. In tau = log u the equation

.. math:: (1 - e L) \log(1 + z) + (L - 1) \log z - L \tau = \log(x / \chi^L)

is analytic, logarithms with arguments in (-pi, 0). At -x, where u < 0, all is real and monotone: from there the
solution is followed as x exp(i theta) turns from theta = pi to 0, for all x at once, and is made exact at the end.
Pennington, Schoenholz & Ganguli (2018); derived here in this form.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import elementwise

from eoc.floats import EPS, FloatArray
from eoc.gaussian.moments import Estimate
from eoc.jacobians.slopes import ComplexArray, SlopeLaw

__all__ = ["density_at"]

_ANGLES = np.concatenate([np.linspace(1.0, 0.0625, 31)[1:], 0.0625 * 0.5 ** np.arange(1.0, 21.0), [0.0]]) * np.pi
_CORRECTIONS = 4
_SETTLED = 1e-12
_POLISHED = 5  # steps
_NOTHING = 1e-300
_DOUBLE = 0.25  # of residual times curvature over slope^2, from which on two solutions are not apart


def density_at(law: SlopeLaw, log_x: FloatArray, log_error: FloatArray, depth: int, orthogonal: bool) -> Estimate:
    """The density times x at log(x / chi^L), (n,), and bounds on the errors; ``log_error`` are those of log x."""
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
        value, _ = _rough(law, np.asarray(flat - 1j * np.pi, dtype=np.complex128), depth, orthogonal)
        return value.real.reshape(np.shape(log_u)) - target

    ends = elementwise.bracket_root(lack, -log_x - 1.0, -log_x + 1.0, args=(log_x,), maxiter=200)
    found = elementwise.find_root(lack, ends.bracket, args=(log_x,), tolerances={"xatol": 1e-6, "xrtol": 1e-6})
    return np.asarray(found.x - 1j * np.pi, dtype=np.complex128)


def _rough(law: SlopeLaw, tau: ComplexArray, depth: int, orthogonal: bool) -> tuple[ComplexArray, ComplexArray]:
    """The left-hand side and its derivative in tau."""
    rows = law.rough(-np.exp(tau + 1j * np.pi))
    factors = _factors(rows, depth, orthogonal)
    return _value(rows, tau, depth, orthogonal), rows[2] * factors.sum(axis=0) - depth


def _value(rows: ComplexArray, tau: ComplexArray, depth: int, orthogonal: bool) -> ComplexArray:
    """The left-hand side, with arguments of 1 + z and z in [-pi, 0]."""
    above, z = (one.real + 1j * np.minimum(one.imag, -_NOTHING) for one in rows[:2])
    first = 1.0 - depth if orthogonal else 1.0
    return np.asarray(first * np.log(above) + (depth - 1.0) * np.log(z) - depth * tau)


def _factors(rows: ComplexArray, depth: int, orthogonal: bool) -> ComplexArray:
    """The derivatives of both logarithms in z, with their factors, (2, n)."""
    return np.stack([(1.0 - depth if orthogonal else 1.0) / rows[0], (depth - 1.0) / rows[1]])


def _polished(
    law: SlopeLaw, tau: ComplexArray, log_x: FloatArray, log_error: FloatArray, depth: int, orthogonal: bool
) -> Estimate:
    """Newton's steps with certified transforms, where they still change anything, and a bound of what is left."""
    first = 1.0 - depth if orthogonal else 1.0
    rows, errors = np.empty((4, tau.size), complex), np.empty((4, tau.size))
    rest, known = np.empty(tau.size, complex), np.empty(tau.size)
    slope, factor = np.empty(tau.size, complex), np.empty(tau.size, complex)
    todo = np.arange(tau.size)
    for step in range(_POLISHED):
        rows[:, todo], errors[:, todo] = law.transform(np.exp(tau[todo]))
        some, off, target = rows[:, todo], errors[:2, todo], log_x[todo]
        factors = _factors(some, depth, orthogonal)
        factor[todo] = factors.sum(axis=0)
        slope[todo] = some[2] * factor[todo] - depth
        rest[todo] = target - _value(some, tau[todo], depth, orthogonal)
        logs = np.abs(first * np.log(some[0])) + depth * (2.0 + np.abs(np.log(some[1])) + np.abs(tau[todo]))
        known[todo] = (np.abs(factors) * off).sum(axis=0) + 2.0 * EPS * (logs + np.abs(target)) + log_error[todo]
        todo = np.flatnonzero(np.abs(rest) > known)
        if not todo.size:
            break
        if step < _POLISHED - 1:
            tau[todo] = _kept(tau[todo] + rest[todo] / slope[todo], tau[todo])
    bend = rows[3] * factor - rows[2] ** 2 * (first / rows[0] ** 2 + (depth - 1.0) / rows[1] ** 2)
    off = np.abs(rest) + known
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = off * np.abs(bend) <= _DOUBLE * np.abs(slope) ** 2
        moved = np.where(apart, 2.0 * off / np.abs(slope), 4.0 * np.sqrt(off / np.abs(bend)))
    imaginary = rows[1].imag
    error = (errors[1] + np.abs(rows[2]) * moved) / np.pi + 4.0 * EPS * np.abs(imaginary)
    value = np.maximum(-imaginary / np.pi, 0.0)
    known = error < np.inf
    return Estimate(np.where(known, np.where(value <= error, 0.0, value), np.nan), np.where(known, error, np.inf))
