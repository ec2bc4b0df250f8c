"""Samples of the edge of chaos in a window of sigma_b, ready to be plotted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eoc.activations.base import Activation
from eoc.criticality.branches import Branch, bias_and_weight, squared_bias_value
from eoc.criticality.curves import Curve, curve
from eoc.criticality.sampling import Line, plane_of, spread
from eoc.floats import FloatArray
from eoc.inversion import inverse

__all__ = ["sampled", "windowed"]

_Piece = tuple[FloatArray, FloatArray, FloatArray, FloatArray]

_RIM = 1e-6


def sampled(
    phi: Activation, parts: tuple[Branch, ...], changes: Sequence[float], window: float, points: int
) -> tuple[Curve, ...]:
    """About ``points`` samples of the curve with sigma_b <= window, in connected pieces.

    Ends and turning points are among them, and the q of ``changes``.
    """
    pieces = [piece for branch in parts for piece in windowed(phi, branch, changes, window)]
    if not pieces:
        return ()
    plane = plane_of(window, np.concatenate([sigma_w for _, _, sigma_w, _ in pieces]))
    lines = [Line(q, *plane(sigma_b, sigma_w), keep) for q, sigma_b, sigma_w, keep in pieces]
    samples = spread(lambda q: plane(*_place(*bias_and_weight(phi, q))), lines, points)
    return tuple(_exact_ends(parts, curve(phi, q), window) for q in samples)


def _place(squared_bias: FloatArray, d: FloatArray) -> tuple[FloatArray, FloatArray]:
    return np.sqrt(np.maximum(squared_bias, 0.0)), d**-0.5


def windowed(phi: Activation, branch: Branch, changes: Sequence[float], window: float) -> list[_Piece]:
    """For each stretch with sigma_b <= window: q, sigma_b and sigma_w of the table, and the q that have to stay."""
    rim = inverse(lambda q: squared_bias_value(phi, q), branch.bias, np.array([window**2])).ravel()
    edges = np.unique([branch.q[0], *rim[np.isfinite(rim)], branch.q[-1]])
    inside = [q for q in changes if branch.q[0] <= q <= branch.q[-1]]
    keep = np.unique([*edges, *inside, *(t.q for t in branch.turning_points)])
    new = np.setdiff1d(keep, branch.q)
    q = np.append(branch.q, new)
    order = np.argsort(q)
    known = zip((branch.squared_bias, branch.d), bias_and_weight(phi, new), strict=True)
    squared, d = (np.append(old, more)[order] for old, more in known)
    out, q = [], q[order]
    shown = squared_bias_value(phi, 0.5 * (edges[:-1] + edges[1:])) <= window**2
    for low, high in zip(edges[:-1][shown], edges[1:][shown], strict=True):
        part = (q >= low) & (q <= high)
        out.append((q[part], *_place(squared[part], d[part]), keep[(keep >= low) & (keep <= high)]))
    return out


def _exact_ends(parts: tuple[Branch, ...], along: Curve, window: float) -> Curve:
    """The samples with sigma_b = 0 where the curve ends there, and sigma_b_max at the rim of the window."""
    sigma_b = along.sigma_b.copy()
    outer = np.array([0, -1])  # q near a zero of sigma_b^2 leaves sigma_b with fewer digits than the rim has
    sigma_b[outer[np.abs(sigma_b[outer] / window - 1.0) <= _RIM]] = window
    zeros = [end for b in parts for end, crosses in zip(b.q[[0, -1]], b.crosses, strict=True) if crosses]
    sigma_b[np.isin(along.q, [0.0, *zeros])] = 0.0
    return Curve(along.q, sigma_b, along.sigma_w, along.slope)
