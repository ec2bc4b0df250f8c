"""The activations by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from types import MappingProxyType

from eoc.activations.base import Activation
from eoc.activations.definitions import ALIASES, DEFINITIONS, NOT_ELEMENTWISE, key
from eoc.activations.named import (
    era,
    gaussian_process,
    pade,
    piecewise,
    polynomials,
    rectifiers,
    smooth,
    splines,
    trigonometric,
)
from eoc.activations.named.building_blocks import by_formula
from eoc.errors import EocError

__all__ = ["FAMILIES", "STANDARD", "canonical", "named", "names", "parameters_of"]

_OF_FAMILIES = (splines, polynomials, trigonometric, era, pade, gaussian_process)
_BY_HAND = {
    name.rstrip("_"): getattr(module, name)
    for module in (smooth, rectifiers, piecewise, *_OF_FAMILIES)
    for name in module.__all__
}

#: The names that mean nothing without their parameters.
FAMILIES = frozenset(["quantiser", *(name for module in _OF_FAMILIES for name in module.__all__)])

#: Every activation with a name, as the function that builds it.
STANDARD: Mapping[str, Callable[..., Activation]] = MappingProxyType(
    _BY_HAND | {name: by_formula(name) for name in DEFINITIONS if name not in _BY_HAND}
)

_BY_KEY = {key(name): name for name in STANDARD} | dict(ALIASES)


def canonical(name: str) -> str | None:
    """The name in :data:`STANDARD` of what is meant; None if nothing is.

    Examples
    --------
    >>> canonical("Leaky-ReLU"), canonical("swish"), canonical("gelo")
    ('leaky_relu', 'silu', None)
    """
    return _BY_KEY.get(key(name))


def parameters_of(name: str) -> tuple[str, ...]:
    """The parameters of the activation of that name.

    Examples
    --------
    >>> parameters_of("elu"), parameters_of("tanh")
    (('alpha',), ())
    """
    return tuple(inspect.signature(STANDARD[name]).parameters)


def names() -> tuple[str, ...]:
    """Return the names of all activations, sorted.

    Examples
    --------
    >>> names()[:3]
    ('abs', 'arctan', 'bireal')
    """
    return tuple(sorted(STANDARD))


def named(name: str, **parameters: object) -> Activation:
    """Return the activation of that name; case, spaces, hyphens and underscores do not matter.

    The same name with the same parameters gives the same object.

    Raises
    ------
    EocError
        For an unknown name or parameter, or a value outside the allowed range.

    Examples
    --------
    >>> named("Leaky-ReLU", slope=0.2).name
    'leaky_relu(slope=0.2)'
    >>> named("swish") is named("silu", beta=1.0)
    True
    """
    found = canonical(name)
    if found is None:
        raise _unknown(name)
    make = STANDARD[found]
    known = parameters_of(found)
    for parameter in parameters:
        if parameter not in known:
            has = f"its parameters: {', '.join(known)}" if known else "it has none"
            raise EocError(f"{found} has no parameter {parameter!r}; {has}")
    return make(**parameters)


def _unknown(name: str) -> EocError:
    why = NOT_ELEMENTWISE.get(key(name))
    if why is not None:
        return EocError(f"{name!r} is no activation of each element alone: {why}")
    close = [_BY_KEY[one] for one in get_close_matches(key(name), _BY_KEY)]
    hint = f"did you mean {' or '.join(map(repr, dict.fromkeys(close)))}?" if close else _KNOWN
    return EocError(f"unknown activation {name!r}; {hint}")


_KNOWN = "'eoc activations' lists the names; a formula is written in x, such as x*tanh(x)"
