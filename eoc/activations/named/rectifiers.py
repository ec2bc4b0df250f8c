"""The smooth rectifiers: about x for x > 0 and bounded or small for x < 0, one formula for all x.

As in :mod:`eoc.activations.named.smooth`, no formula loses accuracy near x = 0 or overflows.
"""

from __future__ import annotations

import math

import numpy as np

from eoc.activations.base import Activation, Piece
from eoc.activations.named.building_blocks import defined, dlogistic, factory, logistic, parameters, positive
from eoc.activations.special import ndtr
from eoc.floats import FloatArray

__all__ = [
    "gelu",
    "gelu_tanh",
    "mish",
    "shifted_softplus",
    "silu",
    "softplus",
    "squareplus",
]


@factory
def gelu() -> Activation:
    """phi(x) = x Phi(x), with the normal distribution function Phi."""

    def density(x: FloatArray) -> FloatArray:
        return np.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)

    def slope(x: FloatArray) -> FloatArray:
        x = np.clip(x, -40.0, 40.0)
        return ndtr(x) + x * density(x)

    def curvature(x: FloatArray) -> FloatArray:
        x = np.clip(x, -40.0, 40.0)
        return (2.0 - x * x) * density(x)

    piece = Piece(lambda x: x * ndtr(x), slope, curvature)
    return defined("gelu", (piece,))


@factory
def gelu_tanh() -> Activation:
    """phi(x) = x/2 (1 + tanh(u)) = x sigmoid(2u), u = sqrt(2/pi) (x + 0.044715 x^3)."""
    k = 2.0 * math.sqrt(2.0 / math.pi)
    m = 0.044715

    def inner(x: FloatArray) -> FloatArray:
        x = np.clip(x, -30.0, 30.0)
        return k * x * (1.0 + m * x * x)

    def slope(x: FloatArray) -> FloatArray:
        x = np.clip(x, -30.0, 30.0)
        u = inner(x)
        return logistic(u) + x * dlogistic(u) * k * (1.0 + 3.0 * m * x * x)

    def curvature(x: FloatArray) -> FloatArray:
        x = np.clip(x, -30.0, 30.0)
        u, du, ddu = inner(x), k * (1.0 + 3.0 * m * x * x), k * 6.0 * m * x
        return dlogistic(u) * (2.0 * du + x * (ddu - np.tanh(0.5 * u) * du * du))

    piece = Piece(lambda x: x * logistic(inner(x)), slope, curvature)
    return defined("gelu_tanh", (piece,))


@factory
def silu(beta: float = 1.0) -> Activation:
    """phi(x) = x sigmoid(beta x), beta > 0; also called swish."""
    beta = positive("beta", beta)

    def slope(x: FloatArray) -> FloatArray:
        z = beta * x
        return logistic(z) + z * dlogistic(z)

    def curvature(x: FloatArray) -> FloatArray:
        z = beta * x
        return beta * dlogistic(z) * (2.0 - z * np.tanh(0.5 * z))

    piece = Piece(lambda x: x * logistic(beta * x), slope, curvature)
    return defined("silu", (piece,), parameters=parameters(beta=beta))


@factory
def mish() -> Activation:
    """phi(x) = x t, t = tanh(log(1 + n)) = n (n + 2) / d, d = n (n + 2) + 2, n = exp(x)."""

    def parts(x: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        x = np.clip(x, -750.0, 350.0)  # d does not overflow, and all that is clipped are terms below 1e-150
        n = np.exp(x)
        d = n * (n + 2.0) + 2.0
        return x, n, d, n / d

    def phi(x: FloatArray) -> FloatArray:
        _, n, _, p = parts(x)
        return x * (p * (n + 2.0))

    def slope(x: FloatArray) -> FloatArray:
        x, n, d, p = parts(x)
        return p * (n + 2.0) + x * 4.0 * p * (n + 1.0) / d

    def curvature(x: FloatArray) -> FloatArray:
        x, n, d, p = parts(x)
        dt = 4.0 * p * (n + 1.0) / d
        ddt = 4.0 * p * ((2.0 * n + 1.0) / d - 4.0 * p * (1.0 - 1.0 / d))
        return 2.0 * dt + x * ddt

    return defined("mish", (Piece(phi, slope, curvature),))


@factory
def softplus(beta: float = 1.0) -> Activation:
    """phi(x) = log(1 + exp(beta x)) / beta, beta > 0."""
    beta = positive("beta", beta)
    piece = Piece(
        lambda x: np.logaddexp(0.0, beta * x) / beta,
        lambda x: logistic(beta * x),
        lambda x: beta * dlogistic(beta * x),
    )
    return defined("softplus", (piece,), parameters=parameters(beta=beta))


@factory
def shifted_softplus() -> Activation:
    """phi(x) = log(1 + exp(x)) - log(2) = max(x, 0) + log(1 - (1 - exp(-abs(x))) / 2)."""
    piece = Piece(
        lambda x: np.maximum(x, 0.0) + np.log1p(0.5 * np.expm1(-np.abs(x))),
        logistic,
        dlogistic,
    )
    return defined("shifted_softplus", (piece,))


@factory
def squareplus(b: float = 4.0) -> Activation:
    """phi(x) = (x + h) / 2, h = sqrt(x^2 + b), b > 0; written with h - abs(x) = b / (h + abs(x))."""
    b = positive("b", b)
    root = math.sqrt(b)

    def phi(x: FloatArray) -> FloatArray:
        return np.maximum(x, 0.0) + 0.5 * b / (np.hypot(x, root) + np.abs(x))

    def slope(x: FloatArray) -> FloatArray:
        h = np.hypot(x, root)
        small = 0.5 * b / h / (h + np.abs(x))
        return np.where(x > 0.0, 1.0 - small, small)

    def curvature(x: FloatArray) -> FloatArray:
        h = np.hypot(x, root)
        return 0.5 * b / h / h / h

    return defined("squareplus", (Piece(phi, slope, curvature),), parameters=parameters(b=b))
