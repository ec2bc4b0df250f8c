"""The smooth activations: one formula for all x.

Every formula keeps its relative accuracy near x = 0 and never overflows. Where a factor such as exp(-x^2) has long
become zero, x is clipped first, so that no power of x overflows either.
"""

from __future__ import annotations

import math

import numpy as np

from eoc.activations import special
from eoc.activations.base import Activation, Growth, Piece
from eoc.activations.named.building_blocks import (
    BOUNDED,
    defined,
    dlogistic,
    factory,
    linear,
    logistic,
    parameters,
    positive,
)
from eoc.floats import FloatArray

__all__ = [
    "arctan",
    "cos",
    "erf",
    "exp",
    "gaussian",
    "identity",
    "sigmoid",
    "sin",
    "snake",
    "tanh",
    "tanhshrink",
    "x_plus_half_tanh",
]


@factory
def identity() -> Activation:
    """phi(x) = x."""
    return defined("identity", (linear(1.0),), parity="odd")


# --- sigmoids ---------------------------------------------------------------------------------------------------------


def _sech2(x: FloatArray) -> FloatArray:
    """tanh'(x) = 1 / cosh(x)^2."""
    e = np.exp(-2.0 * np.abs(x))
    return 4.0 * e / (1.0 + e) ** 2


@factory
def sigmoid() -> Activation:
    """phi(x) = 1 / (1 + exp(-x))."""
    piece = Piece(logistic, dlogistic, lambda x: -dlogistic(x) * np.tanh(0.5 * x))
    return defined("sigmoid", (piece,), growth=BOUNDED)


@factory
def tanh() -> Activation:
    """phi(x) = tanh(x)."""
    piece = Piece(np.tanh, _sech2, lambda x: -2.0 * np.tanh(x) * _sech2(x))
    return defined("tanh", (piece,), growth=BOUNDED, parity="odd")


@factory
def x_plus_half_tanh() -> Activation:
    """phi(x) = x + tanh(x) / 2."""
    piece = Piece(
        lambda x: x + 0.5 * np.tanh(x),
        lambda x: 1.0 + 0.5 * _sech2(x),
        lambda x: -np.tanh(x) * _sech2(x),
    )
    return defined("x_plus_half_tanh", (piece,), parity="odd")


@factory
def tanhshrink() -> Activation:
    """phi(x) = x - tanh(x)."""
    piece = Piece(_tanhshrink, lambda x: np.tanh(x) ** 2, lambda x: 2.0 * np.tanh(x) * _sech2(x))
    return defined("tanhshrink", (piece,), parity="odd")


def _tanhshrink(x: FloatArray) -> FloatArray:
    """Evaluate x - tanh(x), for |x| < 1 as x k / (1 + k) with Lambert's fraction k = x^2 / (3 + x^2 / (5 + ...))."""
    y = np.minimum(np.abs(x), 1.0) ** 2
    k = np.zeros_like(y)
    for odd in range(19, 1, -2):
        k = y / (odd + k)
    return np.where(y < 1.0, x * (k / (1.0 + k)), x - np.tanh(x))


@factory
def erf() -> Activation:
    """phi(x) = erf(x)."""

    def slope(x: FloatArray) -> FloatArray:
        return 2.0 / math.sqrt(math.pi) * _bell(x)

    piece = Piece(special.erf, slope, lambda x: -2.0 * x * slope(x))
    return defined("erf", (piece,), growth=BOUNDED, parity="odd")


@factory
def arctan() -> Activation:
    """phi(x) = arctan(x)."""

    def slope(x: FloatArray) -> FloatArray:
        h = np.hypot(1.0, x)
        return 1.0 / h / h

    piece = Piece(np.arctan, slope, lambda x: -2.0 * slope(x) * x * slope(x))
    return defined("arctan", (piece,), growth=BOUNDED, parity="odd")


# --- waves and bells --------------------------------------------------------------------------------------------------


def _bell(x: FloatArray) -> FloatArray:
    """exp(-x^2)."""
    return np.exp(-(np.minimum(np.abs(x), 30.0) ** 2))


@factory
def gaussian() -> Activation:
    """phi(x) = exp(-x^2)."""

    def curvature(x: FloatArray) -> FloatArray:
        x = np.clip(x, -30.0, 30.0)
        return (4.0 * x * x - 2.0) * _bell(x)

    piece = Piece(_bell, lambda x: -2.0 * x * _bell(x), curvature)
    return defined("gaussian", (piece,), growth=BOUNDED, parity="even")


@factory
def sin() -> Activation:
    """phi(x) = sin(x)."""
    piece = Piece(np.sin, np.cos, lambda x: -np.sin(x))
    return defined("sin", (piece,), growth=BOUNDED, parity="odd")


@factory
def cos() -> Activation:
    """phi(x) = cos(x)."""
    piece = Piece(np.cos, lambda x: -np.sin(x), lambda x: -np.cos(x))
    return defined("cos", (piece,), growth=BOUNDED, parity="even")


@factory
def snake(a: float = 1.0) -> Activation:
    """phi(x) = x + sin(a x)^2 / a, a > 0."""
    a = positive("a", a)

    def curvature(x: FloatArray) -> FloatArray:
        s, c = np.sin(a * x), np.cos(a * x)
        return 2.0 * a * (c - s) * (c + s)

    piece = Piece(
        lambda x: x + np.sin(a * x) ** 2 / a,
        lambda x: 1.0 + 2.0 * np.sin(a * x) * np.cos(a * x),
        curvature,
    )
    return defined("snake", (piece,), parameters=parameters(a=a))


@factory
def exp() -> Activation:
    """phi(x) = exp(x), infinite for x > 709.78."""

    def phi(x: FloatArray) -> FloatArray:
        with np.errstate(over="ignore"):
            return np.exp(x)

    return defined("exp", (Piece(phi, phi, phi),), growth=Growth("exponential", 1.0))
