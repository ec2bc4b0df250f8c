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
_POLISHED = 12  # steps
_NOTHING = 1e-300
_ALIKE = 1.0
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
    """Steps with certified transforms, where they still change anything, and a bound of what is left."""
    shape = (tau.size,)
    (z, rise), off = np.empty((2, *shape), complex), np.empty(shape)
    (slope, bend), left = np.empty((2, *shape), complex), np.empty(shape)
    todo = np.arange(tau.size)
    for step in range(_POLISHED):
        rows, errors = law.transform(np.exp(tau[todo]))
        z[todo], rise[todo], off[todo] = rows[1], rows[2], errors[1]
        factors = _factors(rows, depth, orthogonal)
        factor, value = factors.sum(axis=0), _value(rows, tau[todo], depth, orthogonal)
        slope[todo] = rows[2] * factor - depth
        bend[todo] = rows[3] * factor - rows[2] ** 2 * (factors / rows[:2]).sum(axis=0)
        logs = depth * (2.0 + np.abs(np.log(rows[:2])).sum(axis=0) + np.abs(tau[todo])) + np.abs(log_x[todo])
        known = (np.abs(factors) * errors[:2]).sum(axis=0) + 2.0 * EPS * logs + log_error[todo]
        rest = log_x[todo] - value
        left[todo] = np.abs(rest) + known
        unsettled = np.abs(rest) > known
        todo, rest = todo[unsettled], rest[unsettled]
        if not todo.size or step == _POLISHED - 1:
            break
        tau[todo] = _kept(tau[todo] + _step(rest, slope[todo], bend[todo]), tau[todo])
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = left * np.abs(bend) <= _DOUBLE * np.abs(slope) ** 2
        moved = np.where(apart, 2.0 * left / np.abs(slope), 4.0 * np.sqrt(left / np.abs(bend)))
    error = (off + np.abs(rise) * moved) / np.pi + 4.0 * EPS * np.abs(z.imag)
    value, known = np.maximum(-z.imag / np.pi, 0.0), error < np.inf
    return Estimate(np.where(known, np.where(value <= error, 0.0, value), np.nan), np.where(known, error, np.inf))


def _step(rest: ComplexArray, slope: ComplexArray, bend: ComplexArray) -> ComplexArray:
    """The smaller root of slope s + bend s^2/2 = rest; of two that are alike, as close to an edge, the lower one."""
    root = np.sqrt(slope**2 + 2.0 * bend * rest)
    with np.errstate(divide="ignore", invalid="ignore"):
        one, two = 2.0 * rest / (slope + root), 2.0 * rest / (slope - root)
    alike = np.abs(np.log(np.abs(one) / np.abs(two))) < _ALIKE
    first = np.where(alike, one.imag <= two.imag, np.abs(one) <= np.abs(two))
    return np.where(first, one, two)
