"""The mean of a Gaussian process through points, as an activation."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from eoc.activations.base import Activation, Parity
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
from eoc.activations.named.summed import Pairs, Summed
from eoc.errors import EocError
from eoc.floats import FloatArray

__all__ = ["gp_activation"]

_MOST_POINTS = 64
_SHORTEST = 1e-3
_DIGITS = 60
_HOPELESS = 1e16
_NEGLIGIBLE = 1e-20  # of the weights
_FAR = 40.0  # length scales from which on the kernel is 0


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
    The weights are solved for in 60 digits, more where the matrix needs it, and kept as sums of two doubles; where
    terms cancel, rounding is carried along. Its Gaussian expectations have closed forms, with which the engine agrees
    to 1e-14.

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
    size, largest = sum(abs(high) for high, _ in weights), max(map(abs, heights))
    if size > _HOPELESS * largest:
        raise EocError(
            f"the points are too close for length_scale = {length:g}: the weights, {size:.1g} in all, cancel beyond "
            "what can be computed; take a shorter length scale, fewer points, or some noise"
        )
    summed = Summed(
        partial(_value, places, weights, length), partial(_sizes, places, weights, length), _NEGLIGIBLE * size
    )
    return Activation(
        "gp_activation",
        _text(places, weights, length),
        (summed.piece,),
        growth=BOUNDED,
        parity=_parity(places, weights),
        uncertainty=summed.errors,
        error_of=summed.error,
        parameters=parameters(
            points=places, values=heights, length_scale=length, noise=spread, weights=tuple(high for high, _ in weights)
        ),
    )


def _weights(places: Numbers, heights: Numbers, length: float, noise: float) -> Pairs:
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
    return tuple((float(a), float(a - float(a))) for a in rounded)


def _parity(places: Numbers, weights: Pairs) -> Parity | None:
    if places != tuple(-x for x in reversed(places)):
        return None
    mirrored = weights[::-1]
    if all(a == b for (a, _), (b, _) in zip(weights, mirrored, strict=True)):
        return "even"
    return "odd" if all(a == -b for (a, _), (b, _) in zip(weights, mirrored, strict=True)) else None


def _text(places: Numbers, weights: Pairs, length: float) -> str:
    if len(places) > MOST_WRITTEN:
        return f"sum of w_i * exp(-((x - x_i) / {shown(length)})^2 / 2), {len(places)} terms"
    terms = []
    for x, (high, _) in zip(places, weights, strict=True):
        at = f"({distance_text(x)})" if x else "x"
        inside = f"{at}^2" if length == 1.0 else f"({at} / {shown(length)})^2"
        if high:
            terms.append(f"{shown(high)} * exp(-{inside} / 2)".removeprefix("1 * "))
    return " + ".join(terms)


def _value(places: Numbers, weights: Pairs, length: float, ops: Any, order: int, x: Any) -> Any:
    """phi, phi' or phi'': each term is added to its mirror image first, so that the sum mirrors bit for bit."""
    if isinstance(x, np.ndarray):  # so that nothing overflows: it is 0 there
        x = np.clip(x, places[0] - _FAR * length, places[-1] + _FAR * length)
    terms = []
    for place, (high, low) in zip(places, weights, strict=True):
        z = ops.div(x + -place, length)
        term = ops.exp(z * z * -0.5) * (ops.number(high) + ops.number(low))
        if order == 1:
            term = term * z * (-1.0 / length)
        elif order == 2:
            term = term * (z * z + -1.0) * (1.0 / length**2)
        terms.append(term)
    half, count = len(terms) // 2, len(terms)
    pairs = [terms[i] + terms[count - 1 - i] for i in range(half)] + ([terms[half]] if count % 2 else [])
    total = pairs[0]
    for pair in pairs[1:]:
        total = total + pair
    return total


def _sizes(places: Numbers, weights: Pairs, length: float, order: int, x: FloatArray) -> FloatArray:
    total = np.zeros_like(x)
    for place, (high, _) in zip(places, weights, strict=True):
        z = np.abs(x - place) / length
        factor = (1.0, z / length, (z * z + 1.0) / length**2)[order]
        total = total + np.where(
            z < _FAR, abs(high) * np.exp(-0.5 * z * z) * (6.0 + len(places) + 3.0 * z * z) * factor, 0.0
        )
    return total
