"""What named activations are made of: constant and linear pieces, sigmoids, checked parameters, one object a name."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType
from typing import Any, ParamSpec

import numpy as np

from eoc.activations import special
from eoc.activations.base import Activation, Function, Growth, Piece
from eoc.activations.definitions import DEFINITIONS
from eoc.errors import EocError
from eoc.floats import FloatArray
from eoc.sharing import once

__all__ = [
    "BOUNDED",
    "by_formula",
    "constant",
    "defined",
    "dlogistic",
    "factory",
    "linear",
    "logistic",
    "number",
    "parameters",
    "positive",
]

BOUNDED = Growth("bounded", 0.0)

#: 1 / (1 + exp(-x)).
logistic: Function = special.expit

_LARGE = 1e6  # parameters of this size leave room for x up to 1e300
_SMALL = 1e-6

P = ParamSpec("P")


def constant(value: float) -> Piece:
    """phi(x) = value."""
    return Piece(lambda x: np.full_like(x, value), np.zeros_like, np.zeros_like)


def linear(slope: float, value: float = 0.0, at: float = 0.0) -> Piece:
    """phi(x) = value + slope (x - at), exactly ``value`` where x = at."""
    return Piece(lambda x: value + slope * (x - at), lambda x: np.full_like(x, slope), np.zeros_like)


def defined(name: str, pieces: tuple[Piece, ...], knots: tuple[float, ...] = (), **rest: Any) -> Activation:
    """The activation of that name, with the formula that defines it."""
    return Activation(name, DEFINITIONS[name].with_values(rest.get("parameters", {})), pieces, knots, **rest)


def by_formula(name: str) -> Callable[..., Activation]:
    """What makes the activation of that name, evaluated as a formula."""
    definition = DEFINITIONS[name]

    def make(**given: object) -> Activation:
        from eoc.activations.formula import parse

        values = {n: positive(n, v) if n in definition.positive else number(n, v) for n, v in given.items()}
        return replace(parse(definition.with_values(values)), name=name, parameters=parameters(**values))

    keyword = inspect.Parameter.KEYWORD_ONLY
    taken = [inspect.Parameter(n, keyword, default=value) for n, value in definition.parameters.items()]
    make.__signature__ = inspect.Signature(taken)  # type: ignore[attr-defined]
    make.__name__, make.__doc__ = name, f"phi(x) = {definition.formula}."
    return factory(make)


def dlogistic(x: FloatArray) -> FloatArray:
    """sigmoid'(x) = sigmoid(x) sigmoid(-x)."""
    return logistic(x) * logistic(-x)


def number(name: str, value: object, low: float = -_LARGE, high: float = _LARGE) -> float:
    """Return the parameter ``name`` as a float, or raise an error that says what is allowed."""
    if not isinstance(value, int | float | np.integer | np.floating) or not low <= value <= high:
        raise EocError(f"{name} must be a number from {low:g} to {high:g}, got {value!r}")
    return float(value)


def positive(name: str, value: object) -> float:
    """Return the positive parameter ``name`` as a float."""
    return number(name, value, low=_SMALL)


def parameters(**values: object) -> MappingProxyType[str, object]:
    """Collect the parameters of an activation."""
    return MappingProxyType(values)


def _hashable(value: object) -> object:
    if isinstance(value, np.ndarray):
        value = value.tolist()
    return tuple(map(_hashable, value)) if isinstance(value, list | dict | set) else value


def factory(make: Callable[P, Activation]) -> Callable[P, Activation]:
    """Let equal arguments give the same object, whose name shows every argument that is not the default."""
    signature = inspect.signature(make)

    @once()
    def build(arguments: tuple[tuple[str, object], ...]) -> Activation:
        made = make(**dict(arguments))  # type: ignore[call-arg,arg-type]
        changed = [name for name, value in arguments if value != signature.parameters[name].default]
        shown = ", ".join(f"{name}={made.parameters[name]}" for name in changed)
        name = f"{made.name}({shown})" if shown else made.name
        return replace(made, name=name, remake=functools.partial(cached, **dict(arguments)))  # type: ignore[arg-type]

    @functools.wraps(make)
    def cached(*args: P.args, **kwargs: P.kwargs) -> Activation:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return build(tuple((name, _hashable(value)) for name, value in bound.arguments.items()))

    return cached
