r"""How many kinks wide random networks have along a curve of inputs, by layer and knot.

On a great circle abs(x)^2/d = q_0 every signal has one variance, and its velocity is independent of it: a unit crosses
the knot tau

.. math:: 2 \sqrt{g/q} \; e^{-\tau^2/2q}

times, with q its variance and g that of its velocity: q_1 = sigma_w^2 q_0 + sigma_b^2, g_1 = sigma_w^2 q_0 in the first
layer, g_{l+1} = chi_1(q_l) g_l from there on. Without bias, positively homogeneous activations (ReLU) therefore have
exactly 2 kinks a unit in every layer, whatever sigma_w and the depth.

On a straight segment the rate of :mod:`eoc.regions.curves` is integrated over s, the angle from the point of the line
that is closest to the origin, in the space that has the bias as one more coordinate, sigma_b/sigma_w: then the rate of
the first layer at tau = 0 is the constant 1/pi, and that of others smooth. Derived here, after Rice's formula; compare
Hanin & Rolnick (2019), who bound these numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import atan2
from typing import Any

import numpy as np

from eoc.activations.base import Activation
from eoc.errors import EocError, UnsupportedError
from eoc.layers import Network, checked_sigma, understood
from eoc.layers.bounded import Bounded, exact
from eoc.regions.curves import Curve, Visit, crossing_rate, followed, start
from eoc.regions.kinks import ExpectedKinks, LayerKinks
from eoc.validation import real_number, real_numbers, whole_numbers

__all__ = ["expected"]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(32)
_MOST_PANELS = 64
_ENOUGH = 1e-14  # relative change from twice as many panels
_DEEPEST = 2000


def expected(
    activation: object,
    sigma_w: float | None = None,
    sigma_b: float = 0.0,
    *,
    depth: int,
    circle: float | None = None,
    segment: tuple[float, float, float] | None = None,
    first: tuple[float, float] | None = None,
) -> ExpectedKinks:
    """How often a unit of a wide random network has a kink along a curve of inputs.

    Parameters
    ----------
    activation
        An activation with kinks, or whatever :func:`eoc.activation` understands; or an :func:`eoc.network`, of dense
        layers, activations, scales, normalisations, sums and products of independent branches.
    sigma_w, sigma_b
        Standard deviations of the weights (times sqrt(fan-in)) and of the biases, >= 0; of a network those of its
        ``dense`` without numbers, and left out if it has none.
    depth
        Blocks, 1 to 2000: of a plain network hidden layers.
    circle
        abs(x)^2 / d > 0 of the inputs on a great circle. One of ``circle`` and ``segment`` is given.
    segment
        The same of both ends, >= 0, and the cosine of the angle between them: (q_a, q_b, c).
    first
        sigma_w and sigma_b of the layer before the first block, which takes in the inputs. Left out: ``sigma_w`` and
        ``sigma_b``, or (1, 0) where nothing is free.

    Returns
    -------
    ExpectedKinks
        By layer and knot. The number of regions follows, once widths are given.

    Raises
    ------
    EocError
        For an activation without kinks, a segment of length zero or through the origin where there is no bias, and
        layers through which curves are not followed.

    Examples
    --------
    >>> expected("relu", 2**0.5, depth=3, circle=1.0).per_neuron.round(12).tolist()
    [2.0, 2.0, 2.0]
    >>> found = expected("hardtanh", 2.5, 0.3, depth=2, circle=1.0)
    >>> [round(kinks, 6) for kinks in found.layers[1].kinks], round(found.regions(100), 2)
    ([2.801587, 2.801587], 927.35)
    >>> expected("relu", 2**0.5, depth=4, segment=(1.0, 2.0, 0.0)).per_neuron.round(12).tolist()  # angle / pi
    [0.5, 0.5, 0.5, 0.5]
    """
    network = understood(activation)
    network.check_free(sigma_w, sigma_b)
    _check_kinks(network)
    blocks = int(whole_numbers("depth", real_number("depth", depth), 1.0))
    if blocks > _DEEPEST:
        raise EocError(f"depth must be from 1 to {_DEEPEST}, got {blocks}")
    weight, bias = _first(sigma_w, sigma_b, first)
    if (circle is None) == (segment is None):
        raise EocError("give the curve: circle=q, or segment=(q_a, q_b, c), and not both")
    way = _Way(network, sigma_w, sigma_b, blocks)
    if circle is not None:
        counts, curve = _on_circle(way, weight, bias, real_number("circle", circle)), "circle"
    else:
        counts, curve = _on_segment(way, weight, bias, segment), "segment"
    layers = tuple(
        LayerKinks(at.block, at.name, at.knots, tuple(one.value.tolist()), tuple(one.error.tolist()))
        for at, one in zip(way.places, counts, strict=True)
    )
    return ExpectedKinks(network.name, sigma_w, float(sigma_b), curve, layers)


def _check_kinks(network: Network) -> None:
    activations = network.activations()
    for phi in activations:
        if phi.jumps:
            raise UnsupportedError(f"{phi.name} jumps: behind it curves are not continuous, and have no length")
    if not any(phi.kinks for phi in activations):
        names = ", ".join(sorted({phi.name for phi in activations})) or "no activation"
        raise UnsupportedError(f"{network.name!r} has no kinks ({names}): there are no linear regions to count")


def _first(sigma_w: float | None, sigma_b: float, first: tuple[float, float] | None) -> tuple[float, float]:
    given = (1.0 if sigma_w is None else sigma_w, sigma_b) if first is None else first
    try:
        weight, bias = given
    except (TypeError, ValueError):
        raise EocError(f"first must be (sigma_w, sigma_b), got {first!r}") from None
    weight, bias = checked_sigma("sigma_w", weight), checked_sigma("sigma_b", bias)
    if weight == 0.0:
        raise EocError("sigma_w of the first layer must be > 0: nothing of the inputs is left behind it")
    return weight, bias


@dataclass(frozen=True)
class _Place:
    block: int
    name: str
    knots: tuple[float, ...]


class _Way:
    """All blocks, and where in them kinks are."""

    def __init__(self, network: Network, sigma_w: float | None, sigma_b: float, blocks: int) -> None:
        self._network, self._sigmas, self._blocks = network, (sigma_w, sigma_b), blocks
        self.places: list[_Place] = []

    def crossings(self, x: Curve) -> list[Bounded]:
        """The rates of all layers, each (knots, P)."""
        rates: list[Bounded] = []
        self.places = []
        for block in range(1, self._blocks + 1):
            visit = self._visit(block, rates)
            x = followed(self._network.block(*self._sigmas, layer=block, layers=self._blocks), x, visit)
        return rates

    def _visit(self, block: int, rates: list[Bounded]) -> Visit:
        def visit(phi: Activation, x: Curve) -> None:
            knots = tuple(kink.x for kink in phi.kinks)
            if knots:
                self.places.append(_Place(block, phi.name, knots))
                found = [crossing_rate(x, tau) for tau in knots]
                rates.append(Bounded(*(np.stack([getattr(one, part) for one in found]) for part in ("value", "error"))))

        return visit


def _on_circle(way: _Way, weight: float, bias: float, q: float) -> list[Bounded]:
    if not 0.0 < q < np.inf:
        raise EocError(f"circle must be the mean square of the inputs, > 0, got {q:g}")
    square = exact([q]) * weight**2
    rates = way.crossings(start(square + bias**2, exact([0.0]), square))
    return [Bounded(rate.value[:, 0], rate.error[:, 0]) * (2.0 * np.pi) for rate in rates]


def _on_segment(way: _Way, weight: float, bias: float, given: Any) -> list[Bounded]:
    line = _line(given, bias / weight)
    panels, before = 1, _integral(way, line, weight, 1)
    while True:
        panels *= 2
        after = _integral(way, line, weight, panels)
        changes = [np.abs(a.value - b.value) for a, b in zip(after, before, strict=True)]
        done = all(np.all(c <= _ENOUGH * a.value + 1e-300) for c, a in zip(changes, after, strict=True))
        if done or panels >= _MOST_PANELS:
            return [Bounded(a.value, a.error + c) for a, c in zip(after, changes, strict=True)]
        before = after


@dataclass(frozen=True)
class _Line:
    """A segment: its least distance from the origin, and the angles of its ends seen from there."""

    distance: float  # sqrt(abs(x)^2/d + (sigma_b/sigma_w)^2) at the closest point of the line
    begin: float
    end: float


def _line(given: Any, bias: float) -> _Line:
    numbers = real_numbers("segment", given)
    if numbers.shape != (3,):
        raise EocError(f"segment must be (q_a, q_b, c), got {given!r}")
    a, b, c = numbers.tolist()
    if not (0.0 <= a < np.inf and 0.0 <= b < np.inf and -1.0 <= c <= 1.0):
        raise EocError(
            f"segment must be mean squares q_a, q_b >= 0 and a cosine c in [-1, 1], got ({a:g}, {b:g}, {c:g})"
        )
    root = float(np.sqrt(a) * np.sqrt(b))
    length = float((np.sqrt(a) - np.sqrt(b)) ** 2 + 2.0 * root * (1.0 - c))  # of the difference, squared
    if length <= 0.0:
        raise EocError(f"the segment ({a:g}, {b:g}, {c:g}) has length zero: its ends must differ")
    plane = a * b * (1.0 - c) * (1.0 + c) / length  # squared distance of the line from the origin
    distance = float(np.hypot(np.sqrt(plane), bias))
    if distance == 0.0:
        raise EocError(
            f"the line through the segment ({a:g}, {b:g}, {c:g}) meets the origin, where without bias all kinks at 0 "
            "are met at once: take c away from 1 and -1, or a bias"
        )
    step = float(np.sqrt(length))
    along_a, along_b = (root * c - a) / step, (b - root * c) / step  # places on the line, from its closest point
    return _Line(distance, atan2(along_a, distance), atan2(along_b, distance))


def _integral(way: _Way, line: _Line, weight: float, panels: int) -> list[Bounded]:
    edges = np.linspace(line.begin, line.end, panels + 1)
    half = 0.5 * np.diff(edges)[:, None]
    s = (0.5 * (edges[:-1] + edges[1:])[:, None] + half * _NODES).ravel()
    at = (half * _WEIGHTS).ravel()
    tangent, far = np.tan(s), (weight * line.distance / np.cos(s)) ** 2  # q = sigma_w^2 distance^2 / cos(s)^2
    q, r, g = exact(far), exact(far * tangent), exact(far / np.cos(s) ** 2)
    rates = way.crossings(start(q, r, g))
    return [Bounded(rate.value @ at, rate.error @ at) for rate in rates]
