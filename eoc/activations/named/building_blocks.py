"""What named activations are made of: pieces, sigmoids, formulas as texts, checked parameters, one object a name."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from types import MappingProxyType
from typing import Any, ParamSpec

import numpy as np

from eoc.activations import special
from eoc.activations.base import Activation, Function, Growth, Piece
from eoc.activations.definitions import DEFINITIONS, shown
from eoc.errors import EocError
from eoc.floats import FloatArray
from eoc.sharing import once

__all__ = [
    "BOUNDED",
    "MOST_WRITTEN",
    "Numbers",
    "by_formula",
    "constant",
    "defined",
    "distance_text",
    "dlogistic",
    "factory",
    "increasing",
    "linear",
    "logistic",
    "number",
    "numbers",
    "parameters",
    "polynomial_text",
    "positive",
    "same_length",
    "whole",
]

BOUNDED = Growth("bounded", 0.0)

#: 1 / (1 + exp(-x)).
logistic: Function = special.expit

#: Knots, jumps or terms that are written as a formula that can be typed.
MOST_WRITTEN = 24

Numbers = tuple[float, ...]

_LARGE = 1e6  # parameters of this size leave room for x up to 1e300
_SMALL = 1e-6
_MOST_NAMED = 64  # numbers of a parameter that stand in a name

P = ParamSpec("P")


def constant(value: float) -> Piece:
    """phi(x) = value."""
    return Piece(lambda x: np.full_like(x, value), np.zeros_like, np.zeros_like)


def linear(slope: float, value: float = 0.0, at: float = 0.0) -> Piece:
    """phi(x) = value + slope (x - at), exactly ``value`` where x = at."""
    return Piece(lambda x: value + slope * (x - at), lambda x: np.full_like(x, slope), np.zeros_like)


def defined(name: str, pieces: tuple[Piece, ...], knots: tuple[float, ...] = (), **rest: Any) -> Activation:
    """The activation of that name, with the formula that defines it."""
    definition = DEFINITIONS[name]
    rest = {"template": definition.formula, **rest} if definition.parameters else rest
    return Activation(name, definition.with_values(rest.get("parameters", {})), pieces, knots, **rest)


def by_formula(name: str) -> Callable[..., Activation]:
    """What makes the activation of that name, evaluated as a formula."""
    definition = DEFINITIONS[name]

    def make(**given: object) -> Activation:
        from eoc.activations.formula import parse

        values = {n: positive(n, v) if n in definition.positive else number(n, v) for n, v in given.items()}
        found, template = parse(definition.with_values(values)), definition.formula if values else ""
        return replace(found, name=name, parameters=parameters(**values), template=template)

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


def whole(name: str, value: object, low: int, high: int) -> int:
    """Return the parameter ``name`` as an integer from low to high."""
    found = number(name, value, low, high)
    if found != int(found) or isinstance(value, bool):
        raise EocError(f"{name} must be an integer from {low} to {high}, got {value!r}")
    return int(found)


def numbers(name: str, values: object, least: int = 1, most: int | None = None) -> Numbers:
    """Return the parameter ``name`` as a tuple of floats."""
    if not isinstance(values, tuple) or len(values) < least:
        raise EocError(f"{name} must be a tuple of {least} or more numbers, got {values!r}")
    if most is not None and len(values) > most:
        raise EocError(f"{name} must be a tuple of at most {most} numbers, got {len(values)}")
    return tuple(number(f"{name}[{i}]", value) for i, value in enumerate(values))


def same_length(**tuples: Numbers) -> None:
    """Refuse tuples of different lengths."""
    lengths = {name: len(values) for name, values in tuples.items()}
    if len(set(lengths.values())) > 1:
        raise EocError(f"{', '.join(lengths)} must have the same length, got {', '.join(map(str, lengths.values()))}")


def increasing(name: str, values: Numbers) -> None:
    """Refuse numbers of which one is not larger than the one before."""
    for i, (before, value) in enumerate(pairwise(values)):
        if value <= before:
            what = "is there twice" if value == before else f"comes after {before!r}"
            raise EocError(f"{name} must increase, but {name}[{i + 1}] = {value!r} {what}")


def polynomial_text(coefficients: Numbers) -> str:
    """The formula c0 + c1 x + c2 x^2 + ..."""
    powers = ["", *(" * x" if i == 1 else f" * x^{i}" for i in range(1, len(coefficients)))]
    terms = [shown(c) + power for c, power in zip(coefficients, powers, strict=True) if c]
    return " + ".join(term.removeprefix("1 * ") for term in terms) or "0"


def distance_text(x: float) -> str:
    """The distance to a point x, as a formula."""
    return f"x - {shown(x)}" if x > 0.0 else f"x + {shown(-x)}" if x < 0.0 else "x"


def parameters(**values: object) -> MappingProxyType[str, object]:
    """Collect the parameters of an activation."""
    return MappingProxyType(values)


def _brief(value: object) -> str:
    """A parameter as it stands in the name; of very many numbers the ends."""
    if isinstance(value, tuple) and len(value) > _MOST_NAMED:
        return f"({value[0]}, ... {len(value)} numbers ..., {value[-1]})"
    return str(value)


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
        given = ", ".join(f"{name}={_brief(made.parameters[name])}" for name in changed)
        name = f"{made.name}({given})" if given else made.name
        return replace(made, name=name, remake=functools.partial(cached, **dict(arguments)))  # type: ignore[arg-type]

    @functools.wraps(make)
    def cached(*args: P.args, **kwargs: P.kwargs) -> Activation:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return build(tuple((name, _hashable(value)) for name, value in bound.arguments.items()))

    return cached
