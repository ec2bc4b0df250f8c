"""The recursion over layers of finite networks: variance and mean of K_l (:mod:`eoc.montecarlo.theory.lengths`)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eoc.errors import EocError
from eoc.floats import EPS, FloatArray
from eoc.gaussian.moments import Estimate

__all__ = ["Layers", "recursion", "truncation"]

_WIDEST = 1e120
_ROUND = 4.0  # times 1/M: the relative change of noise on a sphere, against 1 to 2 that was seen
_SENSITIVITY = 8.0  # times the relative error of q: that of an expectation of fourth order


@dataclass(frozen=True)
class Layers:
    """What every layer does: F', F'' and sigma_w^4 Var(phi^2) at q~_l, with errors, (L - 1,); k_l and M_l, (L,).

    M_l is infinite for independent weights. ``cumulant`` is kappa_l, (L,).
    """

    q: Estimate
    slope: Estimate
    bend: Estimate
    noise: Estimate
    free: FloatArray
    dimensions: FloatArray
    widths: FloatArray
    exact: bool
    cumulant: FloatArray

    @property
    def sphere(self) -> FloatArray:
        """k_l^2 / M_l, what a Gaussian vector's radius would add, (L,)."""
        return self.free**2 / self.dimensions


def recursion(layers: Layers) -> tuple[Estimate, Estimate]:
    """Var K_l and E[K_l] - q~_l with bounds on the numerical errors."""
    n, q = layers.widths, layers.q.value
    kernel, kernel_error, shift, shift_error = np.zeros((4, n.size))
    for i in range(n.size - 1):
        slope, slope_error, bend = layers.slope.value[i], layers.slope.error[i], layers.bend.value[i]
        v, mu, ball = kernel[i], shift[i], layers.sphere[i]
        fresh = layers.noise.value[i] / n[i] * (1.0 + v / q[i] ** 2 if layers.exact else 1.0)
        kernel[i + 1] = slope**2 * v + max(fresh - 2.0 * slope**2 * ball, 0.0)
        shift[i + 1] = slope * mu + bend * (0.5 * v - ball + layers.cumulant[i] / 6.0)
        if not kernel[i + 1] <= _WIDEST * q[i + 1] ** 2:
            raise EocError(
                f"the variance of K_{i + 2} exceeds {_WIDEST:g} times its squared mean in networks of {n[i]:g} units: "
                f"ask for {i + 1} layers at most, or more units"
            )
        kernel_error[i + 1] = (
            slope**2 * kernel_error[i]
            + 2.0 * abs(slope) * slope_error * (v + 2.0 * ball)
            + layers.noise.error[i] / n[i]
            + _SENSITIVITY * layers.q.error[i] / q[i] * fresh
            + 4.0 * EPS * (kernel[i + 1] + fresh)
        )
        shift_error[i + 1] = (
            abs(slope) * shift_error[i]
            + slope_error * abs(mu)
            + 0.5 * abs(bend) * kernel_error[i]
            + layers.bend.error[i] * (0.5 * v + ball + abs(layers.cumulant[i]) / 6.0)
        )
    return Estimate(kernel, kernel_error), Estimate(shift, shift_error)


def truncation(layers: Layers, kernel: FloatArray, shift: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Estimates of what the next order adds to Var K_l and to E[K_l].

    Noise that changes with K, the curvature of F, and the third moment of K make it, and on a sphere of M dimensions
    relative changes of the noise by a few 1/M. Where derivatives of higher order come in, each is taken to be of the
    size of the one before, over q.
    """
    n, q = layers.widths, layers.q.value
    kernel_lost, shift_lost, third = np.zeros((3, n.size))
    if layers.exact:
        return kernel_lost, shift_lost
    slopes, bends, sphere = np.abs(layers.slope.value), np.abs(layers.bend.value), layers.sphere
    fresh = np.maximum(layers.noise.value / n[:-1] - 2.0 * slopes**2 * sphere[:-1], 0.0)
    for i in range(n.size - 1):
        slope, bend, v, mu, ball = slopes[i], bends[i], kernel[i], abs(shift[i]), sphere[i]
        curved = slope * (2.0 * mu * v + third[i]) + v**2 * (0.5 * bend + 2.0 * slope / q[i])
        ahead = 0.5 * (kernel_lost[i] + mu**2) + third[i] / q[i] + (v**2 + 2.0 * (ball + v) * ball) / q[i] ** 2
        rough = abs(layers.cumulant[i]) / q[i] ** 2
        changed = 2.0 * (v / q[i] + mu) / q[i] + _ROUND / layers.dimensions[i] + 2.0 * rough
        ahead += rough * (v + mu * q[i] + rough * q[i] ** 2) / q[i] ** 2
        kernel_lost[i + 1] = slope**2 * kernel_lost[i] + fresh[i] * changed + bend * curved
        shift_lost[i + 1] = slope * shift_lost[i] + bend * ahead
        third[i + 1] = slope**3 * third[i] + 4.0 * (slope**2 * bend * v**2 + (slope * v + fresh[i]) * fresh[i] / q[i])
    return kernel_lost, shift_lost
