"""The smooth activations: one formula for all x.

Every formula keeps its relative accuracy near x = 0 and never overflows. Where a factor such as exp(-x^2) has long
become zero, x is clipped first, so that no power of x overflows either.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from eoc.activations.base import Activation, FloatArray, Function, Growth, Piece
from eoc.activations.parts import BOUNDED, factory, linear, parameters, positive

__all__ = [
    "arctan",
    "cos",
    "erf",
    "exp",
    "gaussian",
    "gelu",
    "gelu_tanh",
    "identity",
    "mish",
    "shifted_softplus",
    "sigmoid",
    "silu",
    "sin",
    "snake",
    "softplus",
    "squareplus",
    "tanh",
    "tanhshrink",
    "x_plus_half_tanh",
]


@factory
def identity() -> Activation:
    """phi(x) = x."""
    return Activation("identity", "x", (linear(1.0),), parity="odd")


_expit: Function = special.expit
_ndtr: Function = special.ndtr


# --- sigmoids ---------------------------------------------------------------------------------------------------------


def _dsigmoid(x: FloatArray) -> FloatArray:
    """sigmoid'(x) = sigmoid(x) sigmoid(-x)."""
    return _expit(x) * _expit(-x)


def _sech2(x: FloatArray) -> FloatArray:
    """tanh'(x) = 1 / cosh(x)^2."""
    e = np.exp(-2.0 * np.abs(x))
    return 4.0 * e / (1.0 + e) ** 2


@factory
def sigmoid() -> Activation:
    """phi(x) = 1 / (1 + exp(-x))."""
    piece = Piece(_expit, _dsigmoid, lambda x: -_dsigmoid(x) * np.tanh(0.5 * x))
    return Activation("sigmoid", "1 / (1 + exp(-x))", (piece,), growth=BOUNDED)


@factory
def tanh() -> Activation:
    """phi(x) = tanh(x)."""
    piece = Piece(np.tanh, _sech2, lambda x: -2.0 * np.tanh(x) * _sech2(x))
    return Activation("tanh", "tanh(x)", (piece,), growth=BOUNDED, parity="odd")


@factory
def x_plus_half_tanh() -> Activation:
    """phi(x) = x + tanh(x) / 2."""
    piece = Piece(
        lambda x: x + 0.5 * np.tanh(x),
        lambda x: 1.0 + 0.5 * _sech2(x),
        lambda x: -np.tanh(x) * _sech2(x),
    )
    return Activation("x_plus_half_tanh", "x + tanh(x)/2", (piece,), parity="odd")


@factory
def tanhshrink() -> Activation:
    """phi(x) = x - tanh(x)."""
    piece = Piece(_tanhshrink, lambda x: np.tanh(x) ** 2, lambda x: 2.0 * np.tanh(x) * _sech2(x))
    return Activation("tanhshrink", "x - tanh(x)", (piece,), parity="odd")


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
    return Activation("erf", "erf(x)", (piece,), growth=BOUNDED, parity="odd")


@factory
def arctan() -> Activation:
    """phi(x) = arctan(x)."""

    def slope(x: FloatArray) -> FloatArray:
        h = np.hypot(1.0, x)
        return 1.0 / h / h

    piece = Piece(np.arctan, slope, lambda x: -2.0 * slope(x) * x * slope(x))
    return Activation("arctan", "arctan(x)", (piece,), growth=BOUNDED, parity="odd")


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
    return Activation("gaussian", "exp(-x^2)", (piece,), growth=BOUNDED, parity="even")


@factory
def sin() -> Activation:
    """phi(x) = sin(x)."""
    piece = Piece(np.sin, np.cos, lambda x: -np.sin(x))
    return Activation("sin", "sin(x)", (piece,), growth=BOUNDED, parity="odd")


@factory
def cos() -> Activation:
    """phi(x) = cos(x)."""
    piece = Piece(np.cos, lambda x: -np.sin(x), lambda x: -np.cos(x))
    return Activation("cos", "cos(x)", (piece,), growth=BOUNDED, parity="even")


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
    return Activation("snake", "x + sin(a x)^2 / a", (piece,), parameters=parameters(a=a))


@factory
def exp() -> Activation:
    """phi(x) = exp(x), infinite for x > 709.78."""

    def phi(x: FloatArray) -> FloatArray:
        with np.errstate(over="ignore"):
            return np.exp(x)

    return Activation("exp", "exp(x)", (Piece(phi, phi, phi),), growth=Growth("exponential", 1.0))


# --- smooth rectifiers ------------------------------------------------------------------------------------------------


@factory
def gelu() -> Activation:
    """phi(x) = x Phi(x), with the normal distribution function Phi."""

    def density(x: FloatArray) -> FloatArray:
        return np.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)

    def slope(x: FloatArray) -> FloatArray:
        x = np.clip(x, -40.0, 40.0)
        return _ndtr(x) + x * density(x)

    def curvature(x: FloatArray) -> FloatArray:
        x = np.clip(x, -40.0, 40.0)
        return (2.0 - x * x) * density(x)

    piece = Piece(lambda x: x * _ndtr(x), slope, curvature)
    return Activation("gelu", "x * Phi(x)", (piece,))


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
        return _expit(u) + x * _dsigmoid(u) * k * (1.0 + 3.0 * m * x * x)

    def curvature(x: FloatArray) -> FloatArray:
        x = np.clip(x, -30.0, 30.0)
        u, du, ddu = inner(x), k * (1.0 + 3.0 * m * x * x), k * 6.0 * m * x
        return _dsigmoid(u) * (2.0 * du + x * (ddu - np.tanh(0.5 * u) * du * du))

    piece = Piece(lambda x: x * _expit(inner(x)), slope, curvature)
    return Activation("gelu_tanh", "x/2 * (1 + tanh(sqrt(2/pi) * (x + 0.044715 x^3)))", (piece,))


@factory
def silu(beta: float = 1.0) -> Activation:
    """phi(x) = x sigmoid(beta x), beta > 0; also called swish."""
    beta = positive("beta", beta)

    def slope(x: FloatArray) -> FloatArray:
        z = beta * x
        return _expit(z) + z * _dsigmoid(z)

    def curvature(x: FloatArray) -> FloatArray:
        z = beta * x
        return beta * _dsigmoid(z) * (2.0 - z * np.tanh(0.5 * z))

    piece = Piece(lambda x: x * _expit(beta * x), slope, curvature)
    return Activation("silu", "x * sigmoid(beta x)", (piece,), parameters=parameters(beta=beta))


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

    return Activation("mish", "x * tanh(log(1 + exp(x)))", (Piece(phi, slope, curvature),))


@factory
def softplus(beta: float = 1.0) -> Activation:
    """phi(x) = log(1 + exp(beta x)) / beta, beta > 0."""
    beta = positive("beta", beta)
    piece = Piece(
        lambda x: np.logaddexp(0.0, beta * x) / beta,
        lambda x: _expit(beta * x),
        lambda x: beta * _dsigmoid(beta * x),
    )
    return Activation("softplus", "log(1 + exp(beta x)) / beta", (piece,), parameters=parameters(beta=beta))


@factory
def shifted_softplus() -> Activation:
    """phi(x) = log(1 + exp(x)) - log(2) = max(x, 0) + log(1 - (1 - exp(-abs(x))) / 2)."""
    piece = Piece(
        lambda x: np.maximum(x, 0.0) + np.log1p(0.5 * np.expm1(-np.abs(x))),
        _expit,
        _dsigmoid,
    )
    return Activation("shifted_softplus", "log(1 + exp(x)) - log(2)", (piece,))


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

    return Activation(
        "squareplus", "(x + sqrt(x^2 + b)) / 2", (Piece(phi, slope, curvature),), parameters=parameters(b=b)
    )
