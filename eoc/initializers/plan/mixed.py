r"""Points of activations that differ by channel.

A layer behind such channels sees the means over them, so with shares s_j of channels that have phi_j, at every q

.. math:: \sigma_w^2 \sum_j s_j E[\phi_j'^2] = 1, \qquad \sigma_b^2 = q - \sigma_w^2 \sum_j s_j E[\phi_j^2]

is a point of the edge of chaos, wherever that is not negative.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import inf, sqrt

import numpy as np
from scipy.optimize import brentq

from eoc.activations import Activation
from eoc.floats import FloatArray
from eoc.gaussian.moments import moments
from eoc.operating_point import OperatingPoint

__all__ = ["of_channels"]

_AROUND = np.geomspace(1e-2, 1e2, 41)  # of q, where a point with a given sigma_b is looked for


def of_channels(place: OperatingPoint, kinds: Sequence[tuple[Activation, float]], *, holds: str = "") -> OperatingPoint:
    """The point of channels that differ, next to that of one of them.

    Parameters
    ----------
    place
        Of a channel in the middle.
    kinds
        The activations, each with its share of the channels.
    holds
        What the point was asked for with: "sigma_b" or "sigma_w", which is kept, "both" for a place of any phase.
        Else q is kept.

    Returns
    -------
    OperatingPoint
        On the edge of chaos of the channels together; where there is none close to q, one that keeps q.

    Examples
    --------
    >>> from eoc.activations import activation
    >>> from eoc.operating_point import operating_point
    >>> kinds = [(activation("relu"), 0.5), (activation("identity"), 0.5)]
    >>> round(of_channels(operating_point("relu"), kinds).sigma_w ** 2, 12)
    1.333333333333
    """
    if holds == "both" or not 0.0 < place.q < inf:
        return place
    q = _found(place, kinds, holds) if holds else place.q
    kept, slopes = (float(part[0]) for part in _means(kinds, np.array([q])))
    sigma_w = place.sigma_w if holds == "sigma_w" else slopes**-0.5
    square = place.sigma_b**2 if holds == "sigma_b" else q - sigma_w**2 * kept
    if square < 0.0 or holds:
        square = max(square, 0.0)
        sigma_w = sqrt((q - square) / kept)
    return replace(place, sigma_w=sigma_w, sigma_b=sqrt(square), q=q, chi_1=_one(sigma_w**2 * slopes), point=None)


def _one(chi_1: float) -> float:
    return 1.0 if abs(chi_1 - 1.0) < 1e-9 else chi_1


def _found(place: OperatingPoint, kinds: Sequence[tuple[Activation, float]], holds: str) -> float:
    """The q next to that of the place where the curve has its sigma_b, or its sigma_w; that of the place if nowhere."""

    def off(q: float) -> float:
        kept, slopes = (float(part[0]) for part in _means(kinds, np.array([q])))
        return q - kept / slopes - place.sigma_b**2 if holds == "sigma_b" else 1.0 / slopes - place.sigma_w**2

    grid = place.q * _AROUND
    kept, slopes = _means(kinds, grid)
    values = grid - kept / slopes - place.sigma_b**2 if holds == "sigma_b" else 1.0 / slopes - place.sigma_w**2
    turns = np.flatnonzero(np.sign(values[:-1]) * np.sign(values[1:]) < 0.0)
    if turns.size == 0:
        return place.q
    at = int(turns[np.argmin(np.abs(np.log(grid[turns] / place.q)))])
    return float(brentq(off, grid[at], grid[at + 1], rtol=1e-12))


def _means(kinds: Sequence[tuple[Activation, float]], q: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The means over the channels of E[phi^2] and of E[phi'^2]."""
    found = [(moments(phi, q, ("V", "D")), share) for phi, share in kinds]
    kept, slopes = (np.sum([share * each[name].value for each, share in found], axis=0) for name in ("V", "D"))
    return kept, slopes
