"""The activations of PyTorch, JAX, Flax and Keras by name.

Each is a Python function with the parameters and defaults that the framework documents (version 2 of PyTorch, 3 of
Keras); it returns what :func:`eoc.activation` makes the same function of. A text serves here because it needs nothing
else: neither a framework nor an activation is made to look one up.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from inspect import Parameter, signature
from numbers import Real
from typing import Any

from eoc.activations.definitions import DEFINITIONS
from eoc.errors import EocError

__all__ = ["NOT_ELEMENTWISE", "families", "known_names", "leaky_text", "term"]

#: What frameworks count among their activations although each output depends on several inputs.
NOT_ELEMENTWISE = frozenset(("GLU", "LogSoftmax", "MultiheadAttention", "Softmax", "Softmax2d", "Softmin")).union(
    ("glu", "log_softmax", "softmax", "softmin", "sparsemax")
)

Maker = Callable[..., str]


def term(family: str, name: str, args: Iterable[object] = (), kwargs: Mapping[str, object] | None = None) -> str | None:
    """What eoc calls an activation of a framework.

    Parameters
    ----------
    family
        "torch" and "torch.nn", "jax", "keras" and "keras.layers": functions, and classes of modules and layers.
    name
        Of the function or class.
    args, kwargs
        What it is called with: a function besides x, a class to make an instance.

    Returns
    -------
    str
        None for a name that is not known, and for parameters that are arrays or that it does not have.

    Raises
    ------
    EocError
        For parameters that the framework refuses too.

    Examples
    --------
    >>> term("torch", "leaky_relu", (0.2,)), term("torch.nn", "GELU", (), {"approximate": "tanh"})
    ('leaky_relu(slope=0.2)', 'gelu_tanh')
    >>> term("keras.layers", "LeakyReLU"), term("keras", "leaky_relu"), term("jax", "leaky_relu")
    ('leaky_relu(slope=0.3)', 'leaky_relu(slope=0.2)', 'leaky_relu(slope=0.01)')
    """
    make = _FAMILIES[family].get(name)
    if make is None:
        return None
    kept = {key: value for key, value in (kwargs or {}).items() if key not in _NO_MATTER}
    known, places = signature(make), list(args)
    if len(places) == len(known.parameters) + 1 and isinstance(places[-1], bool):
        places.pop()  # inplace
    try:
        given = known.bind(*places, **kept)
    except TypeError:  # a parameter that it does not have, or lacks; calling it says so
        return None
    given.apply_defaults()
    if not all(_fits(value, known.parameters[key]) for key, value in given.arguments.items()):
        return None
    return make(*given.args, **given.kwargs)


def _fits(value: object, parameter: Parameter) -> bool:
    """Whether a value is a number, or a word or nothing where that has a meaning."""
    if isinstance(value, str):
        return isinstance(parameter.default, str) or parameter.name == "activation"
    return isinstance(value, Real) or (value is None and parameter.default is None)


_NO_MATTER = ("dtype", "inplace", "input", "name", "trainable")  # for what the function is


def families() -> tuple[str, ...]:
    """The names that :func:`term` takes as ``family``."""
    return tuple(_FAMILIES)


def known_names(family: str) -> Mapping[str, Maker]:
    """The activations of a family."""
    return _FAMILIES[family]


def leaky_text(slope: float) -> str:
    """A leaky ReLU of any slope, 0 included."""
    return _with("leaky_relu", slope=slope) if slope else "relu"


# --- parameters and defaults as the frameworks have them --------------------------------------------------------------


def _with(name: str, **parameters: Any) -> str:
    return f"{name}({', '.join(f'{key}={float(value)!r}' for key, value in parameters.items())})"


def _called(text: str) -> Maker:
    return lambda: text


def _alpha(name: str) -> Maker:
    return lambda alpha=1.0: _with(name, alpha=alpha)


def _gelu(approximate: str = "none") -> str:
    if approximate not in ("none", "tanh"):
        raise EocError(f"approximate must be 'none' or 'tanh', got {approximate!r}")
    return "gelu_tanh" if approximate == "tanh" else "gelu"


def _leaky_torch(negative_slope: float = 0.01) -> str:
    return leaky_text(negative_slope)


def _leaky_keras(negative_slope: float = 0.2) -> str:
    return leaky_text(negative_slope)


def _leaky_layer(negative_slope: float = 0.3, alpha: float | None = None) -> str:
    return leaky_text(negative_slope if alpha is None else alpha)  # alpha in Keras 2


def _prelu(num_parameters: int = 1, init: float = 0.25) -> str:
    return leaky_text(init)


def _rrelu(lower: float = 1.0 / 8.0, upper: float = 1.0 / 3.0, training: bool = False) -> str:
    """In training the slope a is uniform: a layer's second moments are those of the slope sqrt(E a^2)."""
    mean_square = (lower * lower + lower * upper + upper * upper) / 3.0
    return leaky_text(math.sqrt(mean_square) if training else 0.5 * (lower + upper))


def _rrelu_module(lower: float = 1.0 / 8.0, upper: float = 1.0 / 3.0) -> str:
    return _rrelu(lower, upper, True)


def _shrink(name: str, default: float = 0.5) -> Maker:
    return lambda lambd=default: _with(name, threshold=lambd) if lambd > 0.0 else "identity"


def _shrink_keras(name: str) -> Maker:
    return lambda threshold=0.5: _with(name, threshold=threshold) if threshold > 0.0 else "identity"


def _hardtanh(min_val: float = -1.0, max_val: float = 1.0) -> str:
    if not min_val < max_val:
        raise EocError(f"min_val must be below max_val, got {min_val!r} and {max_val!r}")
    if (min_val, max_val) == (0.0, 6.0):
        return "relu6"
    return "hardtanh" if (min_val, max_val) == (-1.0, 1.0) else _clamp(min_val, max_val)


def _clamp(min: float | None = None, max: float | None = None) -> str:
    """Bounds on x, of which one may be missing."""
    if min == 0.0 and max is None:
        return "relu"
    text = "x" if min is None else f"max(x, {float(min)!r})"
    return text if max is None else f"min({text}, {float(max)!r})"


_EXACT = 20.0  # exp(-20) / 20 = 1e-10 of phi: below what single precision resolves


def _softplus(beta: float = 1.0, threshold: float = _EXACT) -> str:
    """PyTorch returns x itself where beta x > threshold; that is off by less than exp(-threshold) / beta."""
    if threshold >= _EXACT:
        return _with("softplus", beta=beta)
    beta = float(beta)
    return f"where(x > {threshold / beta!r}, x, softplus({beta!r}*x)/{beta!r})"


def _threshold(threshold: float, value: float) -> str:
    threshold, value = float(threshold), float(value)
    if threshold == value:
        return _clamp(threshold)
    return f"where(x > {threshold!r}, x, {value!r})"


def _relu_keras(negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> str:
    """Slope 1 from the threshold to the largest value; below the threshold a line through it."""
    if not threshold:
        if max_value is None:
            return leaky_text(negative_slope)
        if not negative_slope:
            return "relu6" if max_value == 6.0 else _clamp(0.0, max_value)
    above = "x" if max_value is None else f"min(x, {float(max_value)!r})"
    below = f"{float(negative_slope)!r}*(x - {float(threshold)!r})" if negative_slope else "0"
    return f"where(x < {float(threshold)!r}, {below}, {above})"


def _relu_layer(max_value: float | None = None, negative_slope: float = 0.0, threshold: float = 0.0) -> str:
    return _relu_keras(negative_slope, max_value, threshold)


def _threshold_keras(threshold: float, default_value: float) -> str:
    return _threshold(threshold, default_value)


def _squareplus(b: float = 4.0) -> str:
    return _with("squareplus", b=b)


def _activation_layer(activation: str) -> str:
    return term("keras", activation) or activation


# Parameterless functions stand with their definitions; the attributes of a module have the names of these parameters.
_WITH_PARAMETERS: Mapping[str, Mapping[str, Maker]] = {
    "torch": {
        "celu": _alpha("celu"),
        "clamp": _clamp,
        "elu": _alpha("elu"),
        "gelu": _gelu,
        "hardshrink": _shrink("hardshrink"),
        "hardtanh": _hardtanh,
        "leaky_relu": _leaky_torch,
        "rrelu": _rrelu,
        "softplus": _softplus,
        "softshrink": _shrink("softshrink"),
        "threshold": _threshold,
    },
    "torch.nn": {
        "CELU": _alpha("celu"),
        "ELU": _alpha("elu"),
        "GELU": _gelu,
        "Hardshrink": _shrink("hardshrink"),
        "Hardtanh": _hardtanh,
        "LeakyReLU": _leaky_torch,
        "PReLU": _prelu,
        "RReLU": _rrelu_module,
        "Softplus": _softplus,
        "Softshrink": _shrink("softshrink"),
        "Threshold": _threshold,
    },
    "jax": {
        "celu": _alpha("celu"),
        "elu": _alpha("elu"),
        "gelu": lambda approximate=True: "gelu_tanh" if approximate else "gelu",
        "leaky_relu": _leaky_torch,
        "squareplus": _squareplus,
        "PReLU": lambda negative_slope_init=0.01: leaky_text(negative_slope_init),  # a module of Flax
    },
    "keras": {
        "celu": _alpha("celu"),
        "elu": _alpha("elu"),
        "gelu": lambda approximate=False: "gelu_tanh" if approximate else "gelu",
        "hard_shrink": _shrink_keras("hardshrink"),
        "leaky_relu": _leaky_keras,
        "relu": _relu_keras,
        "soft_shrink": _shrink_keras("softshrink"),
        "squareplus": _squareplus,
        "threshold": _threshold_keras,
    },
    "keras.layers": {
        "Activation": _activation_layer,
        "ELU": _alpha("elu"),
        "LeakyReLU": _leaky_layer,
        "PReLU": _called("relu"),  # its slopes begin at 0 and are learned
        "ReLU": _relu_layer,
    },
}

_FAMILIES: Mapping[str, Mapping[str, Maker]] = {
    family: {**{one: _called(name) for name, d in DEFINITIONS.items() for one in d.called.get(family, ())}, **makers}
    for family, makers in _WITH_PARAMETERS.items()
}
