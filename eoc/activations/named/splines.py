"""Splines of straight lines: by the values at their knots, or by the slopes between these."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

import numpy as np

from eoc.activations.base import Activation, Growth, Parity, Piece
from eoc.activations.definitions import shown
from eoc.activations.named.building_blocks import (
    BOUNDED,
    MOST_WRITTEN,
    Numbers,
    distance_text,
    factory,
    increasing,
    linear,
    number,
    numbers,
    parameters,
    polynomial_text,
    same_length,
)
from eoc.errors import EocError

__all__ = ["spline"]

_Points = list[tuple[float, float]]
_MOST_KNOTS = 2000


@factory
def spline(
    knots: Numbers = (0.0,),
    slopes: Numbers | None = None,
    through: tuple[float, float] | None = None,
    *,
    values: Numbers | None = None,
) -> Activation:
    r"""Straight lines that meet at knots, given by their slopes or by the values at the knots.

    Parameters
    ----------
    knots
        Where the lines meet, increasing; one or more, at most 2000.
    slopes
        Without ``values``: the slopes left of the first knot, between the knots and right of the last, one more than
        there are knots. With ``values``: the two outer slopes (left, right), by default those of the first and the last
        segment, of which there must be one then.
    through
        Without ``values``: a point (x, y) that phi goes through; (0, 0) where left out.
    values
        phi at the knots.

    Returns
    -------
    Activation
        Its name holds what was given. Without any parameters it is the ReLU.

    Raises
    ------
    EocError
        For knots that do not increase, numbers that do not match the knots, or slopes beyond 1e6.

    Notes
    -----
    phi is continuous, has kinks where slopes differ, and grows like \|x\| or is bounded. 0 always becomes a knot, so
    that phi is as accurate near 0 as a function that is written for it. The maps are closed sums over the kinks, right
    to some 1e-14; of 1000 knots a correlation map takes ten seconds. The form with slopes is that of Aziznejad et al.
    (2020), "Deep neural networks with trainable activations and controlled Lipschitz constant".

    Examples
    --------
    >>> from eoc.activations.named import named
    >>> hardtanh = named("spline", knots=(-1, 1), slopes=(0, 1, 0))
    >>> hardtanh([-2.0, 0.5, 2.0]).tolist()
    [-1.0, 0.5, 1.0]
    >>> named("spline", knots=(-1, 0, 2), values=(0.5, 0, 1))([-3.0, 4.0]).tolist()
    [1.5, 2.0]
    """
    knots = numbers("knots", knots, most=_MOST_KNOTS)
    increasing("knots", knots)
    if values is None:
        points, rates, given = _by_slopes(knots, slopes, through)
    elif through is None:
        points, rates, given = _by_values(knots, values, slopes)
    else:
        raise EocError(f"values say already what the spline goes through: leave through={through!r} out, or the values")
    pieces = _segments(points, rates)
    template = _of_values(len(knots)) if values is not None else _of_slopes(knots, _point(through))
    return Activation(
        "spline",
        _lines(points, rates),
        pieces,
        tuple(k for k, _ in points),
        growth=Growth("polynomial", 1.0) if rates[0] or rates[-1] else BOUNDED,
        parity=_parity(points, rates),
        parameters=parameters(knots=knots, **given),
        template=template if len(knots) <= MOST_WRITTEN else "",
    )


def _of_slopes(knots: Numbers, through: tuple[float, float]) -> str:
    """The spline as a sum; a knot that it goes through is written as a number, as what it does differs by direction."""
    names = [f"knots_{i}" if k != through[0] else shown(k) for i, k in enumerate(knots)]
    start = "through_0" if through[0] not in knots else shown(through[0])
    bends = [
        f" + (slopes_{i + 1} - slopes_{i}) * (max(x - {name}, 0) - max({start} - {name}, 0))"
        for i, name in enumerate(names)
    ]
    return f"through_1 + slopes_0 * (x - {start}){''.join(bends)}"


def _of_values(count: int) -> str:
    """The spline piece by piece, between points and with the outer slopes."""
    rises = [
        f"values_{i} + (values_{i + 1} - values_{i}) * (x - knots_{i}) / (knots_{i + 1} - knots_{i})"
        for i in range(count - 1)
    ]
    last = count - 1
    lines = ["values_0 + slopes_0 * (x - knots_0)", *rises, f"values_{last} + slopes_1 * (x - knots_{last})"]
    return "".join(f"{line} if x < knots_{i} else " for i, line in enumerate(lines[:-1])) + lines[-1]


def _by_slopes(knots: Numbers, slopes: object, through: object) -> tuple[_Points, list[float], dict[str, object]]:
    """The knots with their values, 0 among them, and the slopes around them: exact sums, rounded once."""
    if slopes is None:
        if len(knots) > 1:
            raise EocError(f"a spline with {len(knots)} knots needs slopes, {len(knots) + 1} of them, or values")
        slopes = (0.0, 1.0)
    rates = list(numbers("slopes", slopes))
    if len(rates) != len(knots) + 1:
        raise EocError(
            f"slopes must be {len(knots) + 1} numbers, one more than the knots: left of the first, between them, right "
            f"of the last; got {len(rates)}"
        )
    x, y = point = _point(through)
    places = sorted({*knots, x, 0.0})
    between = [
        Fraction(rates[bisect(knots, left)]) * (Fraction(right) - Fraction(left)) for left, right in pairwise(places)
    ]
    start = places.index(x)
    heights = {x: Fraction(y)}
    for i in range(start, len(places) - 1):
        heights[places[i + 1]] = heights[places[i]] + between[i]
    for i in range(start, 0, -1):
        heights[places[i - 1]] = heights[places[i]] - between[i - 1]
    own = sorted({*knots, 0.0})
    points = [(k, number(f"the value at the knot {k}", float(heights[k]))) for k in own]
    if 0.0 not in knots:
        rates.insert(bisect(knots, 0.0), rates[bisect(knots, 0.0)])
    return points, rates, {"slopes": tuple(numbers("slopes", slopes)), "through": point}


def _point(through: object) -> tuple[float, float]:
    found = numbers("through", (0.0, 0.0) if through is None else through)
    if len(found) != 2:
        raise EocError(f"through must be a point (x, y), got {through!r}")
    return found[0], found[1]


def _by_values(knots: Numbers, values: object, slopes: object) -> tuple[_Points, list[float], dict[str, object]]:
    heights = numbers("values", values)
    same_length(knots=knots, values=heights)
    points = list(zip(knots, heights, strict=True))
    inner = [
        number(f"the slope between knots {k0} and {k1}", (v1 - v0) / (k1 - k0))
        for (k0, v0), (k1, v1) in pairwise(points)
    ]
    if slopes is None and not inner:
        raise EocError(f"one point, {points[0]}, makes no line: give knots and values of two or more, or slopes")
    outer = (inner[0], inner[-1]) if slopes is None else numbers("slopes", slopes)
    if len(outer) != 2:
        raise EocError(f"beside values, slopes must be two numbers, left and right of all knots; got {slopes!r}")
    rates = [outer[0], *inner, outer[1]]
    if 0.0 not in knots:
        i = bisect(knots, 0.0)
        points.insert(i, (0.0, float(_segments(points, rates)[i].phi(np.zeros(1))[0])))
        rates.insert(i, rates[i])
    return points, rates, {"values": heights, "slopes": outer}


def _lines(points: _Points, rates: Sequence[float]) -> str:
    if len(points) > MOST_WRITTEN:
        return f"straight lines that meet at {len(points)} knots"
    anchors = [points[0], *points]
    parts = [_line(*point, rate) for point, rate in zip(anchors, rates, strict=True)]
    conditions = [f" if x < {shown(k)} else " for k, _ in points] + [""]
    return "".join(part + condition for part, condition in zip(parts, conditions, strict=True))


def _line(knot: float, value: float, slope: float) -> str:
    """The line of that slope through (knot, value)."""
    if not slope:
        return shown(value)
    rise = f"{shown(slope)} * ({distance_text(knot)})".removeprefix("1 * ") if knot else polynomial_text((0.0, slope))
    return f"{shown(value)} + {rise}" if value else rise


def _segments(points: _Points, rates: Sequence[float]) -> tuple[Piece, ...]:
    """Draw the pieces between and outside the points; ``rates`` are their slopes."""
    return (
        linear(rates[0], points[0][1], points[0][0]),
        *(_segment(rate, *ends) for rate, ends in zip(rates[1:-1], pairwise(points), strict=True)),
        linear(rates[-1], points[-1][1], points[-1][0]),
    )


def _segment(slope: float, start: tuple[float, float], end: tuple[float, float]) -> Piece:
    """Draw the line from start to end, exact at both, in a form that mirrors bit for bit."""
    (k0, v0), (k1, v1) = start, end
    length = k1 - k0
    return Piece(
        lambda x: v0 * ((k1 - x) / length) + v1 * ((x - k0) / length),
        lambda x: np.full_like(x, slope),
        np.zeros_like,
    )


def _parity(points: _Points, rates: list[float]) -> Parity | None:
    bent = [i for i, (k, _) in enumerate(points) if not k or rates[i] != rates[i + 1]]
    points, rates = [points[i] for i in bent], [*(rates[i] for i in bent), rates[-1]]
    if points == [(-k, -v) for k, v in reversed(points)] and rates == rates[::-1]:
        return "odd"
    if points == [(-k, v) for k, v in reversed(points)] and rates == [-r for r in reversed(rates)]:
        return "even"
    return None
