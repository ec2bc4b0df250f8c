"""The law of the units of a signal, for a single input: points, probabilities, and the tangents that go with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eoc.activations.base import Activation
from eoc.errors import EocError
from eoc.floats import EPS, FloatArray
from eoc.gaussian.nodes import WEIGHTS, N, nodes_of
from eoc.sharing import cached_property

__all__ = ["Law", "behind", "gaussian"]

_REACH = 9.0  # standard deviations: beyond, 1e-19 is left
_PANEL = 1.8  # longest panel, in standard deviations
_MOST = 8000  # nodes: their square is what a block costs
_NOTHING = 1e-24  # probability that is dropped
_STEP_ERROR = 2e-15  # relative, of a sum over nodes


@dataclass(frozen=True, eq=False)
class Law:
    """Points (n,) with their probabilities, and p_i E[t^2 | x_i] of tangents t.

    ``error`` bounds how far second moments may be off, relatively, and means beside their roots.
    """

    points: FloatArray
    weights: FloatArray
    tangents: FloatArray
    error: float

    def affine(self, factor: float, offset: float = 0.0, error: float = 0.0) -> Law:
        """That of factor x + offset."""
        return Law(factor * self.points + offset, self.weights, factor**2 * self.tangents, self.error + error)

    def plus(self, s: float, chi: float, knots: Sequence[float], error: float) -> Law:
        """That of the sum with an independent Gaussian of variance s, whose tangents have the square size chi.

        In panels that end at the knots of what comes next.
        """
        sigma = float(np.sqrt(s))
        low, high = self.points.min() - _REACH * sigma, self.points.max() + _REACH * sigma
        count = int(np.ceil((high - low) / (_PANEL * sigma)))
        if count * N > _MOST:
            raise EocError(
                "what is added to a signal that is not Gaussian is too small beside it for its law to be followed: "
                f"a variance of {s:.3g}, where units reach {high - low:.3g}"
            )
        z, width = _panels(np.linspace(low, high, count + 1), knots)
        apart = (z[:, None] - self.points) / sigma
        density = np.exp(-0.5 * apart**2) * (width[:, None] / (sigma * np.sqrt(2.0 * np.pi)))
        weights, tangents = density @ self.weights, density @ self.tangents
        lost = abs(float(weights.sum()) - float(self.weights.sum()))
        kept = weights > _NOTHING
        off = max(self.error, error) + lost + _STEP_ERROR  # what both are off by changes their sum by no more
        return Law(z[kept], weights[kept], (tangents + chi * weights)[kept], off)

    @classmethod
    def mixed(cls, laws: Sequence[Law], shares: Sequence[float]) -> Law:
        """That of units of several kinds side by side, in these shares."""
        both = list(zip(laws, shares, strict=True))
        return cls(
            np.concatenate([law.points for law in laws]),
            np.concatenate([share * law.weights for law, share in both]),
            np.concatenate([share * law.tangents for law, share in both]),
            max(law.error for law in laws) + EPS,
        )

    def through(self, phi: Activation, seen: Activation) -> Law:
        """That of phi(x), whose tangents see the slope of another function."""
        return Law(phi(self.points), self.weights, seen.dphi(self.points) ** 2 * self.tangents, self.error + 4.0 * EPS)

    @cached_property
    def moments(self) -> tuple[float, float, float]:
        """E[x^2], E[x] and E[t^2]."""
        return (
            float(self.weights @ self.points**2),
            float(self.weights @ self.points),
            float(self.tangents.sum()),
        )


def gaussian(q: float, chi: float, knots: Sequence[float], error: float) -> Law:
    """The law of a Gaussian signal of variance q whose tangents have the square size chi."""
    at_zero = Law(np.zeros(1), np.ones(1), np.zeros(1), 0.0)
    return at_zero.plus(q, chi, knots, error)


def behind(phi: Activation, law: Law, seen: Activation) -> Law:
    """What phi makes of a law, tangents seeing the slope of ``seen``; equal values, as behind relu, are one point."""
    found = law.through(phi, seen)
    points, where = np.unique(found.points, return_inverse=True)
    weights, tangents = np.zeros(points.size), np.zeros(points.size)
    np.add.at(weights, where, found.weights)
    np.add.at(tangents, where, found.tangents)
    return Law(points, weights, tangents, found.error)


def _panels(ends: FloatArray, knots: Sequence[float]) -> tuple[FloatArray, FloatArray]:
    """Nodes and weights of panels between the ends, and between the knots that lie among them."""
    ends = np.unique([*ends, *(k for k in knots if ends[0] < k < ends[-1])])
    a, b = ends[:-1], ends[1:]
    return nodes_of(a, b).ravel(), (0.5 * (b - a)[:, None] * WEIGHTS).ravel()
