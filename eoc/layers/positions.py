r"""Means and largest values over positions (pixels, tokens) that are all alike.

Positions have one second moment q, and any two of them the product k. Of a mean with weights a_i that add up to 1,

.. math:: q' = k + (q - k) \sum_i a_i^2, \qquad k' = k,

where the other mean is over other positions: 1/n for a window of n in average pooling. What is largest among n
functions of Gaussians of correlation c has the law that follows from what all positions share,

.. math:: u_i = \sqrt{q} (\sqrt{c} z + \sqrt{1 - c} x_i), \qquad
          P(\max_i \phi(u_i) \le t \,|\, z) = P(\phi(u_1) \le t \,|\, z)^n .

Attention whose scores are Gaussian of variance s^2, as at initialisation, has softmax weights whose squares add up to
what :mod:`eoc.gaussian.softmax` computes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import sqrt

import numpy as np
from scipy.special import ndtr

from eoc.activations.base import Activation
from eoc.errors import UnsupportedError
from eoc.floats import FloatArray
from eoc.gaussian.largest import Largest, largest_of_alike
from eoc.gaussian.moments import moments
from eoc.gaussian.softmax import MOST_SPREAD, squares

__all__ = ["Positions", "averaged", "largest", "slope_at_largest", "squared_weights"]

_CELLS, _REACH = 2000, 8.5  # of the law of one unit, in standard deviations
_EQUAL = 1e-5  # 1 - c below which all are one
_COMMON = 40  # nodes of what positions share


@dataclass(frozen=True)
class Positions:
    """What units are at a position and at two of them.

    Attributes
    ----------
    q
        E[x_i^2].
    m
        E[x_i].
    k
        E[x_i x_j], i != j.
    """

    q: float
    m: float
    k: float


def averaged(x: Positions, squares: float) -> Positions:
    """A mean over positions whose squared weights add up to ``squares``.

    Examples
    --------
    >>> averaged(Positions(1.0, 0.0, 0.0), 0.25).q
    0.25
    """
    return Positions(x.k + (x.q - x.k) * squares, x.m, x.k)


def squared_weights(spread: float, tokens: Sequence[int]) -> FloatArray:
    """The squared weights of softmaxes over so many tokens, added up; scores have the variance ``spread``.

    Examples
    --------
    >>> squared_weights(1.0, [1, 16]).round(6).tolist()
    [1.0, 0.132452]
    """
    return squares(np.asarray(tokens), min(spread, MOST_SPREAD)).value


@lru_cache(maxsize=256)
def largest(phi: Activation, q: float, one_minus_c: float, terms: int) -> Positions:
    """The largest of phi(u) at so many positions, u Gaussian of variance q and correlation c >= 0 between any two.

    To some 1e-14 where phi increases (:mod:`eoc.gaussian.largest`); to about 1e-4 where it does not, as it is taken
    to be constant in cells of 0.008 standard deviations then.

    Examples
    --------
    >>> from eoc.activations import activation
    >>> found = largest(activation("identity"), 1.0, 1.0, 2)  # E[max] = 1/sqrt(pi), E[max^2] = 1
    >>> abs(found.m - np.pi**-0.5) < 1e-13, abs(found.q - 1.0) < 1e-13
    (True, True)
    """
    share = min(max(one_minus_c, 0.0), 1.0)
    exact = _exactly(phi, q, share, terms)
    if exact is not None:
        v, m, apart = (float(one.value[0]) for one in (exact.q, exact.m, exact.G))
        return Positions(v, m, v - apart)
    if share < _EQUAL:
        v, m = (float(moments(phi, [q], (name,))[name].value[0]) for name in ("V", "M"))
        return Positions(v, m, v)
    values, _, law, weights = _laws(phi, q, share, terms)
    means = law @ values
    return Positions(float(weights @ (law @ values**2)), float(weights @ means), float(weights @ means**2))


@lru_cache(maxsize=256)
def slope_at_largest(phi: Activation, q: float, one_minus_c: float, terms: int) -> float:
    """E[phi'^2] where phi(u) is largest, as of :func:`largest`: what gradients find that come back from there.

    Examples
    --------
    >>> from eoc.activations import activation
    >>> round(slope_at_largest(activation("relu"), 1.0, 1.0, 4), 3)  # 1, unless all four are 0
    0.938
    """
    share = min(max(one_minus_c, 0.0), 1.0)
    exact = _exactly(phi, q, share, terms)
    if exact is not None:
        return float(exact.slope.value[0])
    if share < _EQUAL:
        return float(moments(phi, [q], ("D",))["D"].value[0])
    _, places, law, weights = _laws(phi, q, share, terms)
    return float(weights @ (law @ phi.dphi(places) ** 2))


def _exactly(phi: Activation, q: float, share: float, terms: int) -> Largest | None:
    """From the law of the largest Gaussian; None if phi does not increase."""
    try:
        return largest_of_alike(phi, q, share, terms)
    except UnsupportedError:
        return None


def _laws(phi: Activation, q: float, share: float, terms: int) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Values, where they are taken, how likely they are the largest, given what is shared, and how likely that is."""
    ends = np.linspace(-_REACH, _REACH, _CELLS + 1)
    places = sqrt(q) * 0.5 * (ends[1:] + ends[:-1])
    values = phi(places)
    ends[[0, -1]] = -np.inf, np.inf  # what lies beyond counts with the last cells
    order = np.argsort(values, kind="stable")
    z, weights = np.polynomial.hermite_e.hermegauss(_COMMON)
    below = ndtr((ends - sqrt(1.0 - share) * z[:, None]) / sqrt(share))
    each = np.clip(np.cumsum(np.diff(below, axis=1)[:, order], axis=1), 0.0, 1.0) ** terms
    return values[order], places[order], np.diff(each, axis=1, prepend=0.0), weights / weights.sum()
