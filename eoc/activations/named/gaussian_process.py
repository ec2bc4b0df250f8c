"""The mean of a Gaussian process through points, as an activation."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from eoc.activations.base import Activation, Parity, Piece
from eoc.activations.definitions import shown
from eoc.activations.named.building_blocks import (
    BOUNDED,
    MOST_WRITTEN,
    Numbers,
    distance_text,
    factory,
    increasing,
    number,
    numbers,
    parameters,
    same_length,
)
from eoc.errors import EocError
from eoc.floats import EPS, FloatArray

__all__ = ["gp_activation"]

_MOST_POINTS = 64
_SHORTEST = 1e-3
_DIGITS = 60
_CANCELLING = 50.0  # sum of |weights|, in units of the largest value, from which on rounding is carried along
_HOPELESS = 1e16
_PAIRS = 1e-29  # relative rounding of sums of pairs of doubles, with room
_FAR = 50.0  # length scales from which on the kernel is 0

_Weights = list[tuple[float, float]]  # each as the sum of two doubles


@factory
def gp_activation(
    points: Numbers = (-2.0, -1.0, 0.0, 1.0, 2.0),
    values: Numbers = (-1.0, -0.75, 0.0, 0.75, 1.0),
    length_scale: float = 1.0,
    noise: float = 0.0,
) -> Activation:
    """phi(x) = k(x, X) (K + noise I)^-1 y with k(x, x') = exp(-(x - x')^2 / (2 length_scale^2)).

    Parameters
    ----------
    points, values
        X, increasing, and y: from 1 to 64 numbers each.
    length_scale
        From 1e-3 on.
    noise
        Variance of the values, >= 0. With 0, phi goes through the points.

    Returns
    -------
    Activation
        Smooth; it vanishes at both ends. Its parameters hold the weights (K + noise I)^-1 y.

    Raises
    ------
    EocError
        For points that do not increase, all values 0, or points so close for their length scale that the weights cancel
        beyond 1e16.

    Notes
    -----
    The weights are solved for in 60 digits, more where the matrix needs it, and kept as sums of two doubles; where they
    cancel, rounding is carried along in phi as well. Its Gaussian expectations have closed forms, which the engine
    agrees with to 1e-14.

    Examples
    --------
    >>> from eoc.activations.named import named
    >>> bump = named("gp_activation", points=(0,), values=(2,))
    >>> bump.formula, bump([0.0, 40.0]).tolist()
    ('2 * exp(-x^2 / 2)', [2.0, 0.0])
    """
    places, heights = numbers("points", points, most=_MOST_POINTS), numbers("values", values)
    same_length(points=places, values=heights)
    increasing("points", places)
    length = number("length_scale", length_scale, _SHORTEST)
    spread = number("noise", noise, 0.0)
    if not any(heights):
        raise EocError("all values are 0, so that phi is the constant 0: give one that is not")
    weights = _weights(places, heights, length, spread)
    size = sum(abs(high) for high, _ in weights)
    largest = max(map(abs, heights))
    if size > _HOPELESS * largest:
        raise EocError(
            f"the points are too close for length_scale = {length:g}: the weights, {size:.1g} in all, cancel beyond "
            "what can be computed; take a shorter length scale, fewer points, or some noise"
        )
    paired = size > _CANCELLING * largest
    functions = [partial(_sum, places, weights, length, paired, order) for order in range(3)]
    return Activation(
        "gp_activation",
        _text(places, weights, length),
        (Piece(*functions),),
        growth=BOUNDED,
        parity=_parity(places, weights),
        uncertainty=partial(_errors, places, weights, length, functions if paired else None),
        parameters=parameters(
            points=places, values=heights, length_scale=length, noise=spread, weights=tuple(high for high, _ in weights)
        ),
    )


def _weights(places: Numbers, heights: Numbers, length: float, noise: float) -> _Weights:
    import mpmath

    context, n, digits = mpmath.MPContext(), len(places), _DIGITS
    while True:
        context.dps = digits
        kernel = context.matrix(n, n)
        for i, x in enumerate(places):
            for j, y in enumerate(places):
                apart = (context.mpf(x) - y) / length
                kernel[i, j] = context.exp(-apart * apart / 2) + (noise if i == j else 0)
        wanted = context.matrix([context.mpf(y) for y in heights])
        try:
            found = context.lu_solve(kernel, wanted)
            largest = max(abs(a) for a in found)
            if largest * context.mpf(10) ** (40 - digits) < max(map(abs, heights)):  # 40 digits are left
                break
        except ZeroDivisionError:
            pass
        if digits > 500:
            raise EocError(
                f"the points are too close for length_scale = {length:g}: their matrix is singular; take a shorter "
                "length scale, fewer points, or some noise"
            )
        digits *= 2
    floor = context.mpf(10) ** -38 * largest
    rounded = [context.mpf(0) if abs(a) < floor else a for a in found]
    return [(float(a), float(a - float(a))) for a in rounded]


def _parity(places: Numbers, weights: _Weights) -> Parity | None:
    if places != tuple(-x for x in reversed(places)):
        return None
    mirrored = weights[::-1]
    if all(a == b for (a, _), (b, _) in zip(weights, mirrored, strict=True)):
        return "even"
    return "odd" if all(a == -b for (a, _), (b, _) in zip(weights, mirrored, strict=True)) else None


def _text(places: Numbers, weights: _Weights, length: float) -> str:
    if len(places) > MOST_WRITTEN:
        return f"sum of w_i * exp(-((x - x_i) / {shown(length)})^2 / 2), {len(places)} terms"
    terms = []
    for x, (high, _) in zip(places, weights, strict=True):
        at = f"({distance_text(x)})" if x else "x"
        inside = f"{at}^2" if length == 1.0 else f"({at} / {shown(length)})^2"
        if high:
            terms.append(f"{shown(high)} * exp(-{inside} / 2)".removeprefix("1 * "))
    return " + ".join(terms)


def _sum(places: Numbers, weights: _Weights, length: float, paired: bool, order: int, x: FloatArray) -> FloatArray:
    """phi, phi' or phi'', from the centre outwards on both sides alike, so that it mirrors bit for bit."""
    from eoc.activations.formula.doubles import DOUBLES
    from eoc.activations.formula.pairs import PAIRS, Pair

    terms: list[Any] = []
    for place, (high, low) in zip(places, weights, strict=True):
        if not high:
            continue
        if paired:
            near = np.clip(x, place - _FAR * length, place + _FAR * length)
            z: Any = PAIRS.div(Pair(near, np.zeros_like(x)) + -place, length)
            term: Any = PAIRS.exp(z * z * -0.5) * Pair(np.float64(high), np.float64(low))
        else:
            z = np.clip((x - place) / length, -_FAR, _FAR)
            term = DOUBLES.exp(-0.5 * z * z) * high
        if order == 1:
            term = term * z * (-1.0 / length)
        elif order == 2:
            term = term * (z * z + -1.0) * (1.0 / length**2)
        terms.append(term)
    total = _added(terms)
    return np.asarray(total.high if paired else total)


def _added(terms: Sequence[Any]) -> Any:
    """The sum, each of the first half with its mirror image of the second."""
    half, count = len(terms) // 2, len(terms)
    pairs = [terms[i] + terms[count - 1 - i] for i in range(half)]
    if count % 2:
        pairs.append(terms[half])
    total = pairs[0]
    for pair in pairs[1:]:
        total = total + pair
    return total


def _errors(
    places: Numbers, weights: _Weights, length: float, paired: Sequence[Any] | None, x: FloatArray
) -> FloatArray:
    """Bounds on the errors: every term in absolute value, times its roundings; of pairs those of the result."""
    sizes = np.zeros((3, x.size))
    for place, (high, _) in zip(places, weights, strict=True):
        z = np.clip((x - place) / length, -_FAR, _FAR)
        term = abs(high) * np.exp(-0.5 * z * z) * (6.0 + len(places) + 3.0 * z * z)
        sizes += np.stack([term, term * np.abs(z) / length, term * (z * z + 1.0) / length**2])
    if paired is None:
        return EPS * sizes
    return np.stack([4.0 * EPS * np.abs(function(x)) for function in paired]) + _PAIRS * sizes
