"""The activations with kinks, jumps or steps in phi'': one piece a segment, each exact at its knots."""

from __future__ import annotations

import numpy as np

from eoc.activations.base import Activation, Parity, Piece
from eoc.activations.definitions import shown
from eoc.activations.named.building_blocks import (
    BOUNDED,
    MOST_WRITTEN,
    constant,
    defined,
    distance_text,
    factory,
    linear,
    number,
    parameters,
    positive,
    whole,
)
from eoc.floats import FloatArray

__all__ = [
    "abs_",
    "celu",
    "elu",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "heaviside",
    "leaky_relu",
    "quantiser",
    "relu",
    "relu6",
    "selu",
    "shifted_sign",
    "sign",
    "softshrink",
    "softsign",
]

_SELU_SCALE = 1.0507009873554804934193349852946
_SELU_ALPHA = 1.6732632423543772848170429916717
_MOST_LEVELS = 1024


# --- piecewise linear -------------------------------------------------------------------------------------------------


@factory
def relu() -> Activation:
    """phi(x) = max(x, 0)."""
    return defined("relu", (constant(0.0), linear(1.0)), (0.0,))


@factory
def leaky_relu(slope: float = 0.01) -> Activation:
    """phi(x) = x for x > 0, slope x for x < 0."""
    slope = number("slope", slope)
    parity: Parity | None = "odd" if slope == 1.0 else "even" if slope == -1.0 else None
    pieces = (linear(slope), linear(1.0))
    return defined("leaky_relu", pieces, (0.0,), parity=parity, parameters=parameters(slope=slope))


@factory
def abs_() -> Activation:
    """phi(x) = abs(x)."""
    return defined("abs", (linear(-1.0), linear(1.0)), (0.0,), parity="even")


@factory
def relu6() -> Activation:
    """phi(x) = min(max(x, 0), 6)."""
    pieces = (constant(0.0), linear(1.0), constant(6.0))
    return defined("relu6", pieces, (0.0, 6.0), growth=BOUNDED)


@factory
def hardtanh() -> Activation:
    """phi(x) = min(max(x, -1), 1)."""
    pieces = (constant(-1.0), linear(1.0), constant(1.0))
    return defined("hardtanh", pieces, (-1.0, 1.0), growth=BOUNDED, parity="odd")


@factory
def hardsigmoid(slope: float = 1.0 / 6.0) -> Activation:
    """phi(x) = min(max(slope x + 1/2, 0), 1), slope > 0: 1/6 in PyTorch, JAX and Keras 3, 0.2 in Keras 2."""
    slope = positive("slope", slope)
    half = 0.5 / slope
    pieces = (constant(0.0), linear(slope, 0.0, -half), constant(1.0))
    return defined("hardsigmoid", pieces, (-half, half), growth=BOUNDED, parameters=parameters(slope=slope))


@factory
def softshrink(threshold: float = 0.5) -> Activation:
    """phi(x) = sign(x) max(abs(x) - threshold, 0), threshold > 0."""
    t = positive("threshold", threshold)
    return defined(
        "softshrink",
        (linear(1.0, 0.0, -t), constant(0.0), linear(1.0, 0.0, t)),
        (-t, t),
        parity="odd",
        parameters=parameters(threshold=t),
    )


# --- jumps ------------------------------------------------------------------------------------------------------------


@factory
def hardshrink(threshold: float = 0.5) -> Activation:
    """phi(x) = x for abs(x) > threshold > 0, else 0."""
    t = positive("threshold", threshold)
    return defined(
        "hardshrink",
        (linear(1.0), constant(0.0), linear(1.0)),
        (-t, t),
        parity="odd",
        parameters=parameters(threshold=t),
    )


@factory
def sign() -> Activation:
    """phi(x) = sign(x)."""
    return defined("sign", (constant(-1.0), constant(1.0)), (0.0,), growth=BOUNDED, parity="odd")


@factory
def heaviside() -> Activation:
    """phi(x) = 1 for x > 0, 0 for x < 0."""
    return defined("heaviside", (constant(0.0), constant(1.0)), (0.0,), growth=BOUNDED)


@factory
def shifted_sign(threshold: float = 1.0) -> Activation:
    """phi(x) = sign(x - threshold)."""
    t = number("threshold", threshold)
    return defined(
        "shifted_sign",
        (constant(-1.0), constant(1.0)),
        (t,),
        growth=BOUNDED,
        parity="odd" if t == 0.0 else None,
        parameters=parameters(threshold=t),
    )


# --- curved pieces ----------------------------------------------------------------------------------------------------


@factory
def hardswish() -> Activation:
    """phi(x) = x min(max(x + 3, 0), 6) / 6."""
    middle = Piece(
        lambda x: x * (x + 3.0) / 6.0,
        lambda x: (2.0 * x + 3.0) / 6.0,
        lambda x: np.full_like(x, 1.0 / 3.0),
    )
    return defined("hardswish", (constant(0.0), middle, linear(1.0)), (-3.0, 3.0))


def _exponential(scale: float, length: float) -> Piece:
    """phi(x) = scale (exp(x / length) - 1)."""
    return Piece(
        lambda x: scale * np.expm1(x / length),
        lambda x: scale / length * np.exp(x / length),
        lambda x: scale / length**2 * np.exp(x / length),
    )


@factory
def elu(alpha: float = 1.0) -> Activation:
    """phi(x) = x for x > 0, alpha (exp(x) - 1) for x < 0."""
    alpha = number("alpha", alpha)
    pieces = (_exponential(alpha, 1.0), linear(1.0))
    return defined("elu", pieces, (0.0,), parameters=parameters(alpha=alpha))


@factory
def celu(alpha: float = 1.0) -> Activation:
    """phi(x) = x for x > 0, alpha (exp(x / alpha) - 1) for x < 0, alpha > 0."""
    alpha = positive("alpha", alpha)
    pieces = (_exponential(alpha, alpha), linear(1.0))
    return defined("celu", pieces, (0.0,), parameters=parameters(alpha=alpha))


@factory
def selu() -> Activation:
    """phi(x) = s x for x > 0, s a (exp(x) - 1) for x < 0, s = 1.0507..., a = 1.6732... (Klambauer et al. 2017)."""
    pieces = (_exponential(_SELU_SCALE * _SELU_ALPHA, 1.0), linear(_SELU_SCALE))
    return defined("selu", pieces, (0.0,))


@factory
def softsign() -> Activation:
    """phi(x) = x / (1 + abs(x)); phi'' jumps from 2 to -2 at 0."""

    def half(sign: float) -> Piece:
        def inverse(x: FloatArray) -> FloatArray:
            return 1.0 / (1.0 + sign * x)

        return Piece(
            lambda x: x / (1.0 + sign * x),
            lambda x: inverse(x) ** 2,
            lambda x: -2.0 * sign * inverse(x) ** 3,
        )

    return defined("softsign", (half(-1.0), half(1.0)), (0.0,), growth=BOUNDED, parity="odd")


@factory
def quantiser(levels: int = 4, step: float | None = None) -> Activation:
    """phi(x) = the k-th of N = levels values from -1 to 1, k = how many of the N - 1 jumps lie below x.

    Jump k = 1 ... N-1 is at step (k - N/2). The default step, 2 / (N - 1), rounds x to the nearest level. Two levels
    are the sign, three with step t have their jumps at -t/2 and t/2.
    """
    n = whole("levels", levels, 2, _MOST_LEVELS)
    step = 2.0 / (n - 1) if step is None else positive("step", step)
    return Activation(
        "quantiser",
        _steps(n, step),
        tuple(constant((2 * k - (n - 1)) / (n - 1)) for k in range(n)),
        tuple(step * (k - n / 2) for k in range(1, n)),
        growth=BOUNDED,
        parity="odd",
        parameters=parameters(levels=n, step=step),
    )


def _steps(n: int, step: float) -> str:
    if n > MOST_WRITTEN:
        return "-1 + 2/(levels - 1) for every jump below x, at step (k - levels/2)"
    jumps = [f"heaviside({distance_text(step * (k - n / 2))})" for k in range(1, n)]
    return f"{shown(2.0 / (n - 1))} * ({' + '.join(jumps)}) - 1"
