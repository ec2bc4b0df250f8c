r"""The law of the cell of an LSTM with fresh weights at every step, by its characteristic function.

c' = f c + i g with independent f, c, i, g, and g as often positive as negative, so that psi(t) = E[cos(t c)] obeys

.. math:: \psi'(t) = \psi_{ig}(t) \, E_f[\psi(f t)], \qquad
          E[\tanh^2 c] = \int_0^\infty \frac{t}{\sinh(\pi t/2)} (1 - \psi(t)) \, dt.

As 0 < f < 1, all happens on [0, T], and as the kernel decays like exp(-pi t/2), T = 30 is enough. There 1 - psi is a
polynomial at Chebyshev points, f acts on it as a matrix, and where variances are kept psi solves a linear system.

Tangents: with b = E[(dh)^2] the pre-activations of all gates have squared tangents sigma_w^2 b, and
phi(t) = E[(dc)^2 cos(t c)] and b go on by

.. math:: \phi'(t) = \psi_{ig} E[f^2 \phi(f t)] + \sigma_w^2 b \,
              E[(c^2 \dot f^2 + g^2 \dot i^2 + i^2 \dot g^2) \cos(t c')], \qquad
          b' = \sigma_w^2 b \, E[\dot o^2] E[\tanh^2 c'] + E[o^2] E[(dc')^2 \operatorname{sech}^4 c'],

.. math:: E[(dc)^2 \operatorname{sech}^4 c] = \int_0^\infty \frac{t (t^2 + 4)}{6 \sinh(\pi t/2)} \phi(t) \, dt,

a linear map whose largest eigenvalue chi is the factor by which squared tangents grow a step. Derived here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy.special import expit

from eoc.floats import FloatArray
from eoc.sharing import cached_property

__all__ = ["CellLaw", "Gates"]

_LAST = 30.0  # T
_FURTHEST = 9.0  # standard deviations
_STEP, _STEEP = 0.3, 0.18  # of the trapezoidal rule in a Gaussian; its error is exp(-2 pi d / step), d to the next pole


@dataclass(frozen=True)
class Gates:
    """What the gates of an LSTM see: means of their biases, and the variance of their pre-activations."""

    mu_f: float
    mu_i: float
    mu_o: float
    variance: float


@dataclass(frozen=True, eq=False)
class Gate:
    """Values and slopes of a function of a Gaussian at the nodes of a rule, with weights."""

    value: FloatArray
    slope: FloatArray
    weight: FloatArray

    def mean(self, *what: FloatArray) -> float:
        """The expectation of a product."""
        return float(np.prod([self.weight, *what], axis=0).sum())


class CellLaw:
    """The law that a cell keeps, at given gates.

    Parameters
    ----------
    gates
        What they see.
    points
        Chebyshev points on [0, T].
    """

    def __init__(self, gates: Gates, points: int) -> None:
        self._gates, self._points = gates, points
        self.f, self.i, self.o = (self._sigmoid(mu) for mu in (gates.mu_f, gates.mu_i, gates.mu_o))
        z, weight = self.rule
        g = np.tanh(sqrt(gates.variance) * z)
        self.g = Gate(g, 1.0 - g * g, weight)

    @cached_property
    def rule(self) -> tuple[FloatArray, FloatArray]:
        """Nodes and weights of a rule in a Gaussian."""
        step = min(_STEP, _STEEP / max(sqrt(self._gates.variance), 1e-9))
        half = int(_FURTHEST / step) + 1
        z = step * np.arange(-half, half + 1)
        weight = np.exp(-0.5 * z * z)
        return np.asarray(z, float), np.asarray(weight / weight.sum(), float)

    def _sigmoid(self, mu: float) -> Gate:
        z, weight = self.rule
        e = mu + sqrt(self._gates.variance) * z
        open_, shut = (np.asarray(expit(sign * e)) for sign in (1.0, -1.0))
        return Gate(open_, open_ * shut, weight)

    # --- functions of t -----------------------------------------------------------------------------------------------

    @cached_property
    def t(self) -> FloatArray:
        """The Chebyshev points."""
        return np.asarray(0.5 * _LAST * (1.0 - np.cos(np.pi * np.arange(self._points) / (self._points - 1))))

    @cached_property
    def quadrature(self) -> FloatArray:
        """Weights of Clenshaw and Curtis."""
        n = self._points - 1
        k = np.arange(self._points)
        ends = np.where((k == 0) | (k == n), 0.5, 1.0)
        means = np.zeros(self._points)
        means[::2] = ends[::2] / (1.0 - k[::2] ** 2.0)
        return np.asarray(2.0 * _LAST / n * ends * (np.cos(np.pi * np.outer(k, k) / n) @ means))

    def thinned(self, gate: Gate, factor: FloatArray | float = 1.0) -> FloatArray:
        """The matrix of E[factor(f) u(f t)] on functions u, of a gate f."""
        n, t = self._points, self.t
        sign = (-1.0) ** np.arange(n)
        sign[[0, -1]] *= 0.5
        found = np.zeros((n, n))
        for f, weight in zip(gate.value, gate.weight * factor, strict=True):
            apart = (f * t)[:, None] - t
            hit = apart == 0.0
            terms = sign / np.where(hit, 1.0, apart)
            rows = terms / terms.sum(axis=1, keepdims=True)
            met = hit.any(axis=1)
            rows[met] = hit[met]
            found += weight * rows
        return found

    def of_candidate(self, wave: Callable[[FloatArray], FloatArray], factor: FloatArray | float = 1.0) -> FloatArray:
        """E[factor(g) wave(t g)]."""
        g = self.g
        return np.asarray(wave(np.outer(self.t, g.value)) @ (g.weight * factor))

    def _solved(self, matrix: FloatArray, right: FloatArray, first: float | None) -> FloatArray:
        """The u = psi_ig matrix u + right; with a value at t = 0 where that leaves it open."""
        system = np.eye(self._points) - self._psi_ig[:, None] * matrix
        if first is not None:
            system[0], right = np.eye(self._points)[0], np.concatenate([[first], right[1:]])
        return np.asarray(np.linalg.solve(system, right))

    @cached_property
    def _lost_ig(self) -> FloatArray:
        """1 - psi_ig."""
        return np.asarray(self.thinned(self.i) @ self.of_candidate(lambda a: 2.0 * np.sin(0.5 * a) ** 2))

    @cached_property
    def _psi_ig(self) -> FloatArray:
        return 1.0 - self._lost_ig

    @cached_property
    def _f0(self) -> FloatArray:
        return self.thinned(self.f)

    @cached_property
    def _f2(self) -> FloatArray:
        return self.thinned(self.f, self.f.value**2)

    @cached_property
    def lost(self) -> FloatArray:
        """1 - psi."""
        return self._solved(self._f0, self._lost_ig, 0.0)

    @cached_property
    def _kernel(self) -> FloatArray:
        """The kernel t / sinh(pi t / 2) with the weights of the quadrature."""
        t = self.t[1:]
        return np.asarray(self.quadrature * np.concatenate([[2.0 / np.pi], t / np.sinh(0.5 * np.pi * t)]))

    # --- what is asked for --------------------------------------------------------------------------------------------

    @cached_property
    def seen(self) -> float:
        """E[tanh^2 c]."""
        return float(self._kernel @ self.lost)

    @property
    def hidden(self) -> float:
        """E[h^2] = E[o^2] E[tanh^2 c]."""
        return self.o.mean(self.o.value**2) * self.seen

    def chi(self, sigma_w: float) -> float:
        """By what squared tangents grow a step."""
        weight = sigma_w**2
        kernel = self._kernel * (self.t**2 + 4.0) / 6.0
        kept = self._psi_ig[:, None] * self._f2
        source = weight * self._source
        open_, slope = self.o.mean(self.o.value**2), self.o.mean(self.o.slope**2)
        last = weight * slope * self.seen + open_ * float(kernel @ source)
        matrix = np.block([[kept, source[:, None]], [open_ * (kernel @ kept)[None, :], np.array([[last]])]])
        return float(np.abs(np.linalg.eigvals(matrix)).max())

    @cached_property
    def _source(self) -> FloatArray:
        """E[(c^2 f'^2 + g^2 i'^2 + i^2 g'^2) cos(t c')]."""
        f, i, g = self.f, self.i, self.g
        psi = 1.0 - self._f0 @ self.lost  # E psi(f t)
        f1, i1, i2 = (self.thinned(*one) for one in ((f, f.value), (i, i.value), (i, i.value**2)))
        sines = i1 @ self.of_candidate(np.sin, g.value)  # E[c sin(t c)] of what comes in
        first = self._solved(f1, psi * sines, 0.0)
        squares = psi * (i2 @ self.of_candidate(np.cos, g.value**2)) - 2.0 * (f1 @ first) * sines
        second = self._solved(self._f2, squares, None)  # E[c^2 cos(t c)]
        new = self.thinned(i, i.slope**2) @ self.of_candidate(np.cos, g.value**2)
        new = new + i2 @ self.of_candidate(np.cos, g.slope**2)
        return np.asarray(self._psi_ig * (self.thinned(f, f.slope**2) @ second) + psi * new)
