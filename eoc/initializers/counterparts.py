"""What users of JAX and Keras give as an activation. The two call their functions alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from inspect import signature
from types import ModuleType
from typing import Any

import numpy as np

from eoc.activations import Activation
from eoc.activations import activation as resolve
from eoc.errors import EocError
from eoc.sharing import once

__all__ = ["given"]

Function = Callable[..., Any]


def given(source: object, owner: ModuleType, in_double: Callable[[Function], Function]) -> Activation | None:
    """The activation meant by an argument ``activation``.

    Parameters
    ----------
    source
        What :func:`eoc.activation` understands, a function of ``owner``, with its own defaults and also in a
        ``functools.partial``, or a Python function of arrays of the framework.
    owner
        ``jax.nn`` or ``keras.activations``.
    in_double
        Makes a function of arrays of the framework one of NumPy arrays in double precision.

    Returns
    -------
    Activation
        None for None.

    Raises
    ------
    EocError
        As :func:`eoc.activation`.
    """
    if source is None:
        return None
    if not callable(source) or isinstance(source, Activation):
        return resolve(source)
    name = getattr(source, "__name__", type(source).__name__).replace("<lambda>", "callable")
    # A bound method is equal to itself and has a hash, whatever it is bound to.
    return _counterpart(source, owner) or _computed(source.__call__, name, in_double)


def _counterpart(function: Function, owner: ModuleType) -> Activation | None:
    """The activation of eoc that a function of a framework is."""
    keywords: dict[str, Any] = {}
    if isinstance(function, partial) and not function.args:
        keywords, function = function.keywords, function.func
    name = getattr(function, "__name__", "")
    if name not in _COUNTERPARTS or getattr(owner, name, None) is not function:
        return None
    try:
        call = signature(function).bind(None, **keywords)
    except TypeError:  # a keyword that it does not have; calling it says so
        return None
    call.apply_defaults()
    _, *parameters = call.arguments.values()
    numbers = all(isinstance(value, int | float | None) for value in parameters)
    return _COUNTERPARTS[name](*parameters) if numbers else None


@once(64)
def _computed(function: Function, name: str, in_double: Callable[[Function], Function]) -> Activation:
    of_arrays = in_double(function)
    _check(of_arrays, name)
    try:
        return resolve(of_arrays, name=name)
    except EocError as error:
        error.add_note(_NAME_IT)
        raise


_NAME_IT = "Give it as a text, by a name or a formula in x, which is computed to all digits."


def _check(of_arrays: Function, name: str) -> None:
    """Refuse at once what could only be found out slowly."""
    x = np.linspace(-2.0, 3.0, 8)
    try:
        whole, part = of_arrays(x), of_arrays(x[2:5])
    except Exception:  # of numbers only, or none at all; calling it says so
        return
    if whole.shape != x.shape or not np.allclose(whole[2:5], part, rtol=1e-3, equal_nan=True):
        raise EocError(f"{name} is no activation: it has to change each element by a function of that element alone")
    if whole.dtype.kind == "f" and whole.dtype != np.float64:
        raise EocError(f"{name} returns {whole.dtype}, also for double precision: too few digits. {_NAME_IT}")


def _named(name: str, *parameters: str) -> Function:
    return lambda *values: resolve(name, **dict(zip(parameters, map(float, values), strict=True)))


def _gelu(approximate: bool) -> Activation:
    return resolve("gelu_tanh" if approximate else "gelu")


def _leaky(slope: float) -> Activation:
    return resolve("leaky_relu", slope=float(slope)) if slope else resolve("relu")


def _relu(negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Activation | None:
    """With the parameters of Keras; None where eoc has none like it."""
    return _leaky(negative_slope) if max_value is None and not threshold else None


# By name, with the parameters that follow x, in order.
_COUNTERPARTS: Mapping[str, Callable[..., Activation | None]] = {
    "celu": _named("celu", "alpha"),
    "elu": _named("elu", "alpha"),
    "exponential": _named("exp"),
    "gelu": _gelu,
    "hard_shrink": _named("hardshrink", "threshold"),
    "hard_sigmoid": _named("hardsigmoid"),
    "hard_silu": _named("hardswish"),
    "hard_tanh": _named("hardtanh"),
    "identity": _named("identity"),
    "leaky_relu": _leaky,
    "linear": _named("identity"),
    "log_sigmoid": _named("-log(1 + exp(-x))"),
    "mish": _named("mish"),
    "relu": _relu,
    "relu6": _named("relu6"),
    "selu": _named("selu"),
    "sigmoid": _named("sigmoid"),
    "silu": _named("silu"),
    "soft_shrink": _named("softshrink", "threshold"),
    "soft_sign": _named("softsign"),
    "softplus": _named("softplus"),
    "softsign": _named("softsign"),
    "sparse_plus": _named("max(x, 0) + max(1 - abs(x), 0)**2/4"),
    "sparse_sigmoid": _named("min(max((x + 1)/2, 0), 1)"),
    "squareplus": _named("squareplus", "b"),
    "tanh": _named("tanh"),
    "tanh_shrink": _named("tanhshrink"),
}
