r"""Expectations over a batch that is normalised: two coordinates of a random point on a sphere.

A Gaussian vector of B inputs that are all alike, without its mean and divided by its standard deviation, is sqrt(B)
times a random direction u orthogonal to (1, ..., 1). Two of its entries are

.. math:: x_1 = z \cos \vartheta, \quad x_2 = z \cos(\vartheta - \beta), \qquad \cos \beta = -\frac{1}{B - 1},

with theta uniform and z in [0, sqrt(B - 1)] of the density
(B - 3)/(B - 1) z (1 - z^2/(B - 1))^{(B - 5)/2}, which is z exp(-z^2/2) as B grows (derived here; Yang et al. 2019).
Everything that is integrated is symmetric in both entries, so that half of the circle is enough.

The integrals over theta end at the knots of phi, and as functions of z they are smooth but where a knot is reached,
like a square root, or where two cross: between these places z = a + (b - a) sin^2(pi v / 2) makes them smooth up to the
ends. Panels are halved until nothing changes, and what the last halving changed is the bound on the error.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np

from eoc.activations.base import Activation
from eoc.errors import AccuracyError, EocError
from eoc.floats import EPS, FloatArray
from eoc.gaussian.moments import Estimate
from eoc.gaussian.nodes import WEIGHTS, N, nodes_of
from eoc.sharing import cached

__all__ = ["LEAST_BATCH", "SphereMoments", "checked_batch", "sphere_moments"]

LEAST_BATCH = 5  #: inputs: of three E[1/|h|^2] is infinite, of four its mean is made by rare units
_MOST_BATCH = 10**9
_EDGES = np.array([0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 38.0])  # of z: beyond, the density is 0 in double precision
_SETTLED = 2e-14  # relative change at which panels are fine enough
_LEVELS = 8
_MOST_NODES = 1e7
_STEEP = 8.0  # by how much an interval of z may be longer than the next one
_ALIKE = 1e-9  # relative difference of ends between which nothing happens that counts
_FEW_KNOTS = 12  # of which places where two cross are found
_BLOCK = 2**18  # nodes at a time
_UNKNOWN = 1e-3  # relative error beyond which nothing is known


@dataclass(frozen=True)
class SphereMoments:
    """Expectations of phi over a normalised batch of B inputs, 0-dimensional, with bounds on their errors.

    Attributes
    ----------
    V, M
        E[phi(x_1)^2] and E[phi(x_1)].
    G
        E[(phi(x_1) - phi(x_2))^2] / 2.
    own, other
        E[phi'(x_1)^2 (1 - 1/B - x_1^2/B)] and -E[phi'(x_1) phi'(x_2) (1 + x_1 x_2) / B]: by what the entries of
        Delta (I - 1 1^T / B - u u^T) Delta are known on average, Delta = diag(phi').
    """

    V: Estimate
    M: Estimate
    G: Estimate
    own: Estimate
    other: Estimate


def checked_batch(batch: float) -> float:
    """The size of a batch, from 5 on, or infinity; EocError says why no other one will do."""
    whole = batch == np.inf or (np.isfinite(batch) and batch == int(batch))
    if not (whole and batch >= 1.0):
        raise EocError(f"a batch has a whole number of inputs, from {LEAST_BATCH} on, or inf; got {batch!r}")
    if batch < LEAST_BATCH:
        raise EocError(
            f"theory of batch normalisation needs batches of at least {LEAST_BATCH} inputs, got {batch:g}: of smaller "
            "ones the second moment of gradients is infinite, or made by rare units whose inputs are almost equal; "
            "sample them with eoc.sample_batches"
        )
    if batch != np.inf and batch > _MOST_BATCH:
        raise EocError(f"a batch has at most {_MOST_BATCH:g} inputs, or inf; got {batch:g}")
    return float(batch)


@cached()
def sphere_moments(phi: Activation, batch: float, backward: Activation) -> SphereMoments:
    """Expectations of phi over a normalised batch, and of the slope of ``backward``.

    Raises
    ------
    AccuracyError
        Where they cannot be computed to three digits.

    Examples
    --------
    >>> from eoc.activations import activation
    >>> one = activation("identity")
    >>> found = sphere_moments(one, 8.0, one)
    >>> round(float(found.V.value), 12), round(float(found.G.value), 12)  # 1, and 8/7
    (1.0, 1.142857142857)
    """
    panels = [1, 1]  # of z and of theta between two places where panels have to end
    found, size, noise, nodes = _integrals(phi, batch, backward, *panels)
    change = np.full((2, 5), np.inf)  # until something is known
    for which, most in ((1, _MOST_NODES / 16.0), (0, _MOST_NODES), (1, _MOST_NODES)):
        for _ in range(_LEVELS):
            if 2.0 * nodes > most:
                break
            before = found
            panels[which] *= 2
            found, size, noise, nodes = _integrals(phi, batch, backward, *panels)
            change[which] = np.abs(found - before)
            if (change[which] <= _SETTLED * size + noise).all():
                break
    error = change.sum(axis=0) + noise + (8.0 + nodes**0.25) * EPS * size
    if not (error <= _UNKNOWN * size).all():
        raise AccuracyError(
            f"expectations of {phi.name} over a batch of {batch:g} cannot be computed to three digits: it changes or "
            "grows too fast"
        )
    return SphereMoments(*(Estimate(*np.broadcast_arrays(value, off)) for value, off in zip(found, error, strict=True)))


def _integrals(
    phi: Activation, batch: float, backward: Activation, radial: int, angular: int
) -> tuple[FloatArray, FloatArray, FloatArray, int]:
    """All expectations, those of their absolute values, what errors of phi add, each (5,), and how many nodes."""
    knots = np.array(sorted({*phi.knots, *backward.knots}))
    beta = np.arccos(-1.0 / (batch - 1.0))
    z, density = _radii(knots, batch, beta, radial)
    per_radius = max(1, _BLOCK // ((4 * knots.size + 3) * angular * N))
    total, count = np.zeros((3, 5)), 0
    for first in range(0, z.size, per_radius):
        some = slice(first, first + per_radius)
        angles, weights = _angles(z[some], knots, beta, angular)
        weights = weights * density[some, None]
        x, y = z[some, None] * np.cos(angles), z[some, None] * np.cos(angles - beta)
        total += np.stack([part @ weights.ravel() for part in _rows(phi, backward, batch, x.ravel(), y.ravel())])
        count += angles.size
    return total[0], total[1], total[2], count


def _radii(knots: FloatArray, batch: float, beta: float, panels: int) -> tuple[FloatArray, FloatArray]:
    """Nodes of z and their weights, the density included."""
    end = (batch - 1.0) ** 0.5
    near = knots[:_FEW_KNOTS] if knots.size <= _FEW_KNOTS else knots[:0]
    pairs = combinations_with_replacement(near, 2)
    crossing = [(k * k + m * m - 2.0 * np.cos(beta) * k * m) ** 0.5 / np.sin(beta) for k, m in pairs]
    edges = np.unique(np.concatenate([_EDGES, np.abs(knots), crossing, [end]]))
    edges = edges[np.append(True, np.diff(edges) > _ALIKE * edges[1:])]
    edges = _graded(edges[edges <= min(end, _EDGES[-1])])
    v, step = nodes_of(np.arange(panels) / panels, np.arange(1, panels + 1) / panels).ravel(), 0.5 / panels
    a, b = edges[:-1, None], edges[1:, None]
    z = a + (b - a) * np.sin(0.5 * np.pi * v) ** 2
    left = (end - b) + (b - a) * np.cos(0.5 * np.pi * v) ** 2  # end - z, without cancellation
    slope = (b - a) * 0.5 * np.pi * np.sin(np.pi * v)
    with np.errstate(divide="ignore", invalid="ignore", under="ignore"):
        inside = left * (end + z) / (batch - 1.0)
        log = np.where(inside < 0.5, np.log(inside), np.log1p(-z * z / (batch - 1.0)))
        power = np.exp(0.5 * (batch - 5.0) * log) if batch > LEAST_BATCH else np.ones(z.shape)
    density = (batch - 3.0) / (batch - 1.0) * z * power
    weights = density * slope * step * np.tile(WEIGHTS, panels)
    return z.ravel(), weights.ravel()


def _graded(edges: FloatArray) -> FloatArray:
    """More ends, so that no interval is much longer than its neighbours: close ones are singular for each other."""
    while True:
        lengths = np.diff(edges)
        below, above = _STEEP * lengths[:-1], _STEEP * lengths[1:]
        left, right = np.flatnonzero(lengths[1:] > below) + 1, np.flatnonzero(lengths[:-1] > above)
        if not left.size and not right.size:
            return edges
        new = edges[left] + 0.5 * _STEEP * lengths[left - 1], edges[right + 1] - 0.5 * _STEEP * lengths[right + 1]
        edges = np.unique(np.concatenate([edges, *new]))


def _angles(z: FloatArray, knots: FloatArray, beta: float, panels: int) -> tuple[FloatArray, FloatArray]:
    """Nodes on half of the circle for every z (n, A), and their weights, which add up to 1."""
    low, high = 0.5 * beta, 0.5 * beta + np.pi
    at = np.arccos(np.clip(knots / z[:, None], -1.0, 1.0))
    ends = np.concatenate([at, -at, beta + at, beta - at, np.zeros((z.size, 1)), np.full((z.size, 1), beta)], axis=1)
    ends = np.clip(low + (ends - low) % (2.0 * np.pi), low, high)
    ends = np.concatenate([np.full((z.size, 1), low), np.sort(ends, axis=1), np.full((z.size, 1), high)], axis=1)
    a, b = ends[:, :-1, None], ends[:, 1:, None]
    parts = np.arange(panels + 1) / panels
    a, b = a + (b - a) * parts[:-1], a + (b - a) * parts[1:]
    shape = (z.size, a[0].size * N)
    nodes = nodes_of(a.ravel(), b.ravel()).reshape(shape)
    weights = ((0.5 / np.pi) * (b - a).ravel()[:, None] * WEIGHTS).reshape(shape)
    return nodes, weights


def _rows(
    phi: Activation, backward: Activation, batch: float, x: FloatArray, y: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """All integrands at (x, y), their absolute values and bounds on their errors, each (5, n)."""
    both = np.concatenate([x, y])
    f, df = phi.phi(both), backward.dphi(both)
    f_off, df_off = phi.errors(both)[0], backward.errors(both)[1]
    (f1, f2), (d1, d2), (e1, e2), (s1, s2) = (part.reshape(2, -1) for part in (f, df, f_off, df_off))
    rest = [np.maximum(1.0 - (1.0 + part**2) / batch, 0.0) for part in (x, y)]
    mixed = (1.0 + x * y) / batch
    apart = f1 - f2
    values = np.stack(
        [
            0.5 * (f1**2 + f2**2),
            0.5 * (f1 + f2),
            0.5 * apart**2,
            0.5 * (d1**2 * rest[0] + d2**2 * rest[1]),
            -d1 * d2 * mixed,
        ]
    )
    size = np.abs(values)
    size[1], size[4] = 0.5 * (np.abs(f1) + np.abs(f2)), np.abs(d1 * d2) * (1.0 + np.abs(x * y)) / batch
    noise = np.stack(
        [
            np.abs(f1) * e1 + np.abs(f2) * e2,
            0.5 * (e1 + e2),
            np.abs(apart) * (e1 + e2),
            np.abs(d1) * s1 * rest[0] + np.abs(d2) * s2 * rest[1],
            (np.abs(d1) * s2 + np.abs(d2) * s1) * np.abs(mixed),
        ]
    )
    return values, size, noise
