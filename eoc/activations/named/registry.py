"""The activations by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from types import MappingProxyType

from eoc.activations.base import Activation
from eoc.activations.named import families, piecewise, rectifiers, smooth
from eoc.errors import EocError

__all__ = ["STANDARD", "named", "names"]

#: Every activation with a name, as the function that builds it.
STANDARD: Mapping[str, Callable[..., Activation]] = MappingProxyType(
    {
        name.rstrip("_"): getattr(module, name)
        for module in (smooth, rectifiers, piecewise, families)
        for name in module.__all__
    }
)

_ALIASES = {
    "atan": "arctan",
    "linear": "identity",
    "logistic": "sigmoid",
    "quantizer": "quantiser",
    "step": "heaviside",
    "swish": "silu",
}


def _key(name: str) -> str:
    return name.lower().replace("-", "").replace(" ", "").replace("_", "")


_BY_KEY = {_key(name): name for name in STANDARD} | _ALIASES


def names() -> tuple[str, ...]:
    """Return the names of all activations, sorted.

    Examples
    --------
    >>> names()[:3]
    ('abs', 'arctan', 'celu')
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
    found = _BY_KEY.get(_key(name))
    if found is None:
        close = [_BY_KEY[key] for key in get_close_matches(_key(name), _BY_KEY)]
        hint = (
            f"did you mean {' or '.join(map(repr, dict.fromkeys(close)))}?" if close else f"known: {', '.join(names())}"
        )
        raise EocError(f"unknown activation {name!r}; {hint}")
    make = STANDARD[found]
    known = inspect.signature(make).parameters
    for parameter in parameters:
        if parameter not in known:
            has = f"its parameters: {', '.join(known)}" if known else "it has none"
            raise EocError(f"{found} has no parameter {parameter!r}; {has}")
    return make(**parameters)
