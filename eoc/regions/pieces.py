"""Activations made of straight pieces: their knots, and the line on each piece."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eoc.activations import activation as resolve
from eoc.activations.base import Activation, Smoothness
from eoc.errors import UnsupportedError

__all__ = ["Exact", "StraightPieces", "straight", "straight_pieces"]

Exact = float | Fraction  #: a number, or a fraction where arithmetic is to be exact

_LINEAR = 1e-12  # by how much, relatively, a value may be off the line of its piece
_PROBES = np.array([0.01, 0.3, 0.5, 0.7, 0.99])
_FAR = np.array([1e-3, 1.0, 30.0, 1e3, 1e6])


@dataclass(frozen=True)
class StraightPieces:
    """A continuous function made of straight lines.

    Attributes
    ----------
    knots
        Where it bends, increasing; (K,).
    slopes, offsets
        On piece i it is ``slopes[i] * x + offsets[i]``; (K + 1,). Piece i lies between the knots i - 1 and i.

    Examples
    --------
    >>> relu = StraightPieces((0,), (0, 1), (0, 0))
    >>> relu.index(np.array([-2, 3])).tolist(), relu(np.array([-2, 3])).tolist()
    ([0, 1], [0, 3])
    """

    knots: tuple[Exact, ...]
    slopes: tuple[Exact, ...]
    offsets: tuple[Exact, ...]

    def __call__(self, x: NDArray[Any]) -> NDArray[Any]:
        """The function, for an array of floats or of fractions."""
        at = self.index(x)
        return self._table(self.slopes, x)[at] * x + self._table(self.offsets, x)[at]

    def index(self, x: NDArray[Any]) -> NDArray[np.int16]:
        """On which piece every number lies; at a knot, on the one to its left."""
        at = np.zeros(x.shape, np.int16)
        for knot in self.knots:
            at += x > knot
        return at

    def slope(self, index: NDArray[Any], like: NDArray[Any]) -> NDArray[Any]:
        """The slope of each piece, in the arithmetic of ``like``."""
        return self._table(self.slopes, like)[index]

    def offset(self, index: NDArray[Any], like: NDArray[Any]) -> NDArray[Any]:
        """The offset of each piece, in the arithmetic of ``like``."""
        return self._table(self.offsets, like)[index]

    def places(self, like: NDArray[Any]) -> NDArray[Any]:
        """The knots, in the arithmetic of ``like``."""
        return self._table(self.knots, like)

    @staticmethod
    def _table(numbers: tuple[Exact, ...], like: NDArray[Any]) -> NDArray[Any]:
        return np.array([Fraction(x) for x in numbers] if like.dtype == object else numbers, like.dtype)

    @property
    def is_convex(self) -> bool:
        """Whether slopes increase."""
        return all(a <= b for a, b in pairwise(self.slopes))


def straight(phi: Activation) -> StraightPieces | None:
    """The pieces of an activation; None if one of them is no straight line, or if it jumps.

    Knots at which it does not bend are left out.
    """
    if phi.smoothness is Smoothness.JUMP or not _is_straight(phi):
        return None
    slopes = [float(phi.dphi(np.array(x))) for x in _middles(phi)]
    offsets = [float(phi.phi(np.array(x))) - slope * x for x, slope in zip(_middles(phi), slopes, strict=True)]
    kept = [i for i in range(len(phi.knots)) if slopes[i] != slopes[i + 1]]
    pieces = [0, *(i + 1 for i in kept)]
    return StraightPieces(
        tuple(phi.knots[i] for i in kept), tuple(slopes[i] for i in pieces), tuple(offsets[i] for i in pieces)
    )


def straight_pieces(source: object) -> StraightPieces:
    """The pieces of whatever stands for an activation.

    Parameters
    ----------
    source
        :class:`StraightPieces` themselves, or what :func:`eoc.activation` understands.

    Raises
    ------
    EocError
        For an activation that is not made of straight lines, or jumps.

    Examples
    --------
    >>> straight_pieces("hardtanh")
    StraightPieces(knots=(-1.0, 1.0), slopes=(0.0, 1.0, 0.0), offsets=(-1.0, 0.0, 1.0))
    >>> straight_pieces("gelu")
    Traceback (most recent call last):
    ...
    eoc.errors.UnsupportedError: gelu is not made of straight lines: networks with it have no linear regions
    """
    if isinstance(source, StraightPieces):
        return source
    phi = resolve(source)
    found = straight(phi)
    if found is not None:
        return found
    if phi.smoothness is Smoothness.JUMP:
        raise UnsupportedError(f"{phi.name} jumps: networks with it are not continuous")
    raise UnsupportedError(f"{phi.name} is not made of straight lines: networks with it have no linear regions")


def _middles(phi: Activation) -> list[float]:
    knots = phi.knots
    if not knots:
        return [0.0]
    between = [0.5 * (a + b) for a, b in pairwise(knots)]
    return [_rounded(knots[0] - 1.0), *between, _rounded(knots[-1] + 1.0)]


def _rounded(x: float) -> float:
    """A number with few digits, so that the offset of a line through the origin is 0."""
    return float(np.round(x)) if abs(x) < 2.0**50 else x


def _is_straight(phi: Activation) -> bool:
    ends = phi.knots or (0.0,)
    inside = [a + (b - a) * _PROBES for a, b in pairwise(ends)]
    for x in [ends[0] - _FAR, *inside, ends[-1] + _FAR]:
        slopes, values = phi.dphi(x), phi.phi(x)
        if not np.isfinite(values).all() or np.any(slopes != slopes[0]):
            return False
        off = np.abs(np.diff(values) - slopes[0] * np.diff(x))
        if np.any(off > _LINEAR * (np.abs(values).max() + np.abs(x).max() * abs(slopes[0]) + 1e-300)):
            return False
    return True
