"""Kinks of random networks of finite width, counted exactly: what to put beside :func:`eoc.regions.expected`."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from eoc.errors import EocError
from eoc.floats import FloatArray, IntArray
from eoc.layers import checked_sigma
from eoc.regions.along import along
from eoc.regions.model import PiecewiseLinear, dense
from eoc.regions.pieces import StraightPieces, straight_pieces
from eoc.validation import real_number, real_numbers, whole_numbers

__all__ = ["CountedKinks", "count_kinks", "random_network"]

_CHORDS = 256  # of the polygon that stands for a circle


@dataclass(frozen=True, eq=False)
class CountedKinks:
    """What :func:`count_kinks` returns.

    Attributes
    ----------
    counts
        Kinks of each network by layer; (networks, depth).
    width
        Units of a layer.
    """

    counts: IntArray = field(repr=False)
    width: int

    @property
    def per_neuron(self) -> FloatArray:
        """The mean over networks of the kinks of a unit, (depth,)."""
        return np.asarray(self.counts.mean(axis=0) / self.width)

    @property
    def standard_error(self) -> FloatArray:
        """Of ``per_neuron``; NaN of one network."""
        n = len(self.counts)
        if n == 1:
            return np.full(self.counts.shape[1], np.nan)
        return np.asarray(self.counts.std(axis=0, ddof=1) / self.width / np.sqrt(n))


def random_network(
    activation: object,
    sigma_w: float,
    sigma_b: float,
    *,
    width: int,
    depth: int,
    features: int,
    rng: np.random.Generator,
) -> PiecewiseLinear:
    """A fully connected network with weights N(0, sigma_w^2 / fan_in) and biases N(0, sigma_b^2), and one output.

    Examples
    --------
    >>> random_network("relu", 1.4, 0.1, width=5, depth=2, features=3, rng=np.random.default_rng(0))
    PiecewiseLinear(3 -> 5, 5 -> 1)
    """
    sizes = [features, *[width] * depth, 1]
    weights = [rng.normal(0.0, sigma_w / np.sqrt(m), (n, m)) for m, n in pairwise(sizes)]
    return dense(weights, [rng.normal(0.0, sigma_b, n) for n in sizes[1:]], activation)


def count_kinks(
    activation: object,
    sigma_w: float,
    sigma_b: float = 0.0,
    *,
    depth: int,
    width: int,
    networks: int,
    circle: float | None = None,
    segment: tuple[float, float, float] | None = None,
    seed: int = 0,
) -> CountedKinks:
    """How often a unit of random networks has a kink along a curve of inputs, counted exactly in each.

    Parameters
    ----------
    activation
        One made of straight lines: what :func:`eoc.activation` understands.
    sigma_w, sigma_b, depth, circle, segment
        As of :func:`eoc.regions.expected`. A circle is an inscribed polygon of 256 chords.
    width, networks
        Units of a layer, and how many networks; >= 1.
    seed
        That all of them follow from.

    Examples
    --------
    >>> found = count_kinks("relu", 2**0.5, depth=2, width=50, networks=20, segment=(1.0, 1.0, 0.0))
    >>> bool((abs(found.per_neuron - 0.5) < 4.0 * found.standard_error).all())
    True
    """
    pieces = straight_pieces(activation)
    sigmas = checked_sigma("sigma_w", sigma_w), checked_sigma("sigma_b", sigma_b)
    layers, units, count = (
        int(whole_numbers(name, real_number(name, value), 1.0))
        for name, value in (("depth", depth), ("width", width), ("networks", networks))
    )
    points = _points(circle, segment)
    drawn = [
        _counted(pieces, sigmas, units, layers, points, np.random.default_rng(one))
        for one in np.random.SeedSequence(seed).spawn(count)
    ]
    return CountedKinks(np.stack(drawn), units)


def _counted(
    pieces: StraightPieces,
    sigmas: tuple[float, float],
    width: int,
    depth: int,
    points: FloatArray,
    rng: np.random.Generator,
) -> IntArray:
    network = random_network(pieces, *sigmas, width=width, depth=depth, features=2, rng=rng)
    return along(network, *points).per_layer


def _points(circle: float | None, segment: tuple[float, float, float] | None) -> FloatArray:
    """Inputs of two features, which are as good as any number of them: weights are Gaussian."""
    if (circle is None) == (segment is None):
        raise EocError("give the curve: circle=q, or segment=(q_a, q_b, c), and not both")
    if circle is not None:
        angles = np.linspace(0.0, 2.0 * np.pi, _CHORDS + 1)
        angles[-1] = 0.0
        return np.sqrt(2.0 * real_number("circle", circle)) * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    a, b, c = real_numbers("segment", segment).tolist()  # type: ignore[arg-type]
    return np.sqrt(2.0) * np.array([[np.sqrt(a), 0.0], [np.sqrt(b) * c, np.sqrt(b) * np.sqrt(1.0 - c**2)]])
