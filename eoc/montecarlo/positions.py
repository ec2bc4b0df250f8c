"""Two inputs with positions in a row, for networks whose layers take positions together, and what is seen of them.

Positions of one input have correlations that fall with their distance, those of both inputs c times these. What is
looked at is the first position of the first input, and the middle one of the second.
"""

from __future__ import annotations

import numpy as np

from eoc.floats import FloatArray
from eoc.layers import Input, Network, Pairs, Signal
from eoc.layers.bounded import Bounded

__all__ = ["drawn_positions", "mean_over_positions", "places_of", "positions_input", "watched", "watched_pair"]

_FEWEST = 8
_NEAR = 0.6  # the correlation of neighbouring positions


def places_of(network: Network) -> int:
    """How many positions inputs of a network have: 8, or as many as its largest kernel; 0 where it knows of none."""
    return max(_FEWEST, network.largest_kernel) if network.largest_kernel else 0


def _covariance(q: tuple[float, float], c: float, places: int) -> FloatArray:
    """(2 S, 2 S)."""
    apart = np.abs(np.subtract.outer(np.arange(places), np.arange(places)))
    size = np.sqrt(q)
    return np.asarray(np.kron(np.outer(size, size) * [[1.0, c], [c, 1.0]], _NEAR**apart))


def positions_input(q: tuple[float, float], c: float, places: int) -> Input:
    """Both inputs, with every pair of their positions."""
    pairs, k = Pairs.every(2, (places,)), _covariance(q, c, places)
    own = np.diag(k)
    e = np.where(np.eye(len(k)) == 1.0, 0.0, 1.0 - k / np.sqrt(np.outer(own, own)))
    return Input(own, e[pairs.first, pairs.second], pairs)


def drawn_positions(rng: np.random.Generator, width: int, q: tuple[float, float], c: float, places: int) -> FloatArray:
    """Gaussian units (2, S, N) of exactly these moments."""
    values, vectors = np.linalg.eigh(_covariance(q, c, places))
    basis = np.linalg.qr(rng.standard_normal((width, 2 * places)))[0].T * width**0.5
    return np.asarray((vectors * np.sqrt(np.maximum(values, 0.0))) @ basis).reshape(2, places, width)


def watched(x: FloatArray) -> FloatArray:
    """The units (2, N) of both points that are looked at; of inputs without positions, of both inputs."""
    rows = x.reshape(len(x), -1, x.shape[-1])
    return np.stack([rows[0, 0], rows[1, rows.shape[1] // 2]])


def watched_pair(x: Signal) -> tuple[int, int]:
    """The second of these points, and their pair, as theory numbers them; the first is 0."""
    pairs = x.pairs
    if not pairs.diagonal:
        return 1, -1
    second = pairs.places + pairs.places // 2
    return second, int(pairs.number(np.zeros(1, np.int64), np.array([second]))[0])


def mean_over_positions(x: Signal) -> tuple[tuple[float, float], tuple[float, float]]:
    """Of chi at all positions of the first input, and of T at equal positions of both: with bounds on their errors."""
    first = np.arange(x.pairs.places)
    return _mean(x.chi[first]), _mean(x.T[x.pairs.number(first, first + x.pairs.places)])


def _mean(one: Bounded) -> tuple[float, float]:
    return float(one.value.mean()), float(one.error.mean())
