"""Enhanced rational activations (ERA): a line and partial fractions, given or fitted to another activation."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from eoc.activations.base import Activation, Growth
from eoc.activations.definitions import shown
from eoc.activations.named.building_blocks import (
    BOUNDED,
    Numbers,
    distance_text,
    factory,
    number,
    numbers,
    parameters,
    polynomial_text,
    positive,
    same_length,
    whole,
)
from eoc.activations.named.era_fit import FITS, Coefficients, fitted
from eoc.activations.named.rectifiers import silu
from eoc.activations.named.summed import Summed
from eoc.errors import EocError
from eoc.floats import FloatArray

__all__ = ["era"]

_MOST_TERMS = 2
#: The optimum of one term for silu, the default, as :func:`fitted` finds it: a name is to be there at once.
_OF_SILU = Coefficients(
    a=0.5,
    b=3.542669119286007,
    c=(0.0,),
    d=(-51.749893149506065,),
    e=(0.0,),
    f=(3.8232561247853534,),
)


@factory
def era(
    target: Activation | None = None,
    terms: int | None = None,
    fit: str | None = None,
    *,
    a: float | None = None,
    b: float | None = None,
    c: Numbers | None = None,
    d: Numbers | None = None,
    e: Numbers | None = None,
    f: Numbers | None = None,
) -> Activation:
    """phi(x) = a x + b + sum_i (c_i x + d_i) / ((x - e_i)^2 + f_i^2), fitted to a target or with given coefficients.

    See :func:`eoc.era`. Coefficients that are left out beside given ones are 1, and 0 for b, d and e.
    """
    given = {
        name: value for name, value in {"a": a, "b": b, "c": c, "d": d, "e": e, "f": f}.items() if value is not None
    }
    if not given:
        return _fitted(silu() if target is None else target, 1 if terms is None else terms, fit or "optimum")
    asked = {name: value for name, value in {"target": target, "terms": terms, "fit": fit}.items() if value is not None}
    if asked:
        raise EocError(
            f"era takes coefficients, or a target to fit them to: got {', '.join(given)} and {', '.join(asked)}"
        )
    found = Coefficients(
        number("a", given.get("a", 1.0)),
        number("b", given.get("b", 0.0)),
        numbers("c", given.get("c", (1.0,))),
        numbers("d", given.get("d", (0.0,))),
        numbers("e", given.get("e", (0.0,))),
        tuple(positive(f"f[{i}]", value) for i, value in enumerate(numbers("f", given.get("f", (1.0,))))),
    )
    same_length(c=found.c, d=found.d, e=found.e, f=found.f)
    if not found.a and not any(found.c) and not any(found.d):
        raise EocError(f"a, c and d are 0, so that phi is the constant {found.b:g}: give one of them that is not 0")
    return _with_coefficients(found, {})


def _fitted(target: object, terms: object, fit: str) -> Activation:
    if not isinstance(target, Activation):
        raise EocError(f"target must be an activation, got {target!r}")
    if fit not in FITS:
        raise EocError(f"fit must be one of {', '.join(FITS)}, got {fit!r}")
    count = whole("terms", terms, 1, _MOST_TERMS)
    is_default = target is silu() and (count, fit) == (1, "optimum")
    found = _OF_SILU if is_default else fitted(target, count, fit)
    return _with_coefficients(found, {"target": target.name, "terms": count, "fit": fit})


def _with_coefficients(k: Coefficients, fit: dict[str, object]) -> Activation:
    summed = Summed(partial(_value, k), partial(_sizes, k))
    return Activation(
        "era",
        " + ".join(part for part in (polynomial_text((k.b, k.a)), *map(_ratio, k.c, k.d, k.e, k.f)) if part != "0"),
        (summed.piece,),
        growth=Growth("polynomial", 1.0) if k.a else BOUNDED,
        parity="odd" if k.b == 0.0 and not any(k.d) and not any(k.e) else None,
        uncertainty=summed.errors,
        error_of=summed.error,
        parameters=parameters(**fit, a=k.a, b=k.b, c=k.c, d=k.d, e=k.e, f=k.f),
        template="a * x + b" + "".join(f" + (c_{i} * x + d_{i}) / ((x - e_{i})^2 + f_{i}^2)" for i in range(len(k.c))),
    )


def _ratio(c: float, d: float, e: float, f: float) -> str:
    if not c and not d:
        return "0"
    above = polynomial_text((d, c)) if c else shown(d)
    centre = f"({distance_text(e)})^2" if e else "x^2"
    return f"({above}) / ({centre} + {shown(f)}^2)" if c and d else f"{above} / ({centre} + {shown(f)}^2)"


def _value(k: Coefficients, ops: Any, order: int, x: Any) -> Any:
    """phi, phi' or phi'': of a fraction n/h with n = c x + d and h = (x - e)^2 + f^2."""
    total = x * ops.number(k.a) + k.b if order == 0 else x * 0.0 + (k.a if order == 1 else 0.0)
    for c, d, e, f in zip(k.c, k.d, k.e, k.f, strict=True):
        z, n = x + -e, x * ops.number(c) + d
        h = z * z + ops.number(f) * f
        ratio = ops.div(n, h)
        if order == 0:
            total = total + ratio
        elif order == 1:
            total = total + ops.div(z * ratio * -2.0 + c, h)
        else:
            total = total + ops.div(ops.div(z * (z * ratio * 4.0 + -2.0 * c) + -n, h), h) * 2.0
    return total


def _sizes(k: Coefficients, order: int, x: FloatArray) -> FloatArray:
    total = np.abs(k.a * x) + abs(k.b) if order == 0 else np.full_like(x, abs(k.a) if order == 1 else 0.0)
    for c, d, e, f in zip(k.c, k.d, k.e, k.f, strict=True):
        z, n = np.abs(x - e), np.abs(c * x) + abs(d)
        h = np.hypot(z, f)
        if order == 0:
            total = total + n / h / h
        elif order == 1:
            total = total + (abs(c) + 2.0 * (z / h) * (n / h)) / h / h
        else:
            total = total + (8.0 * (z / h) ** 2 * (n / h) + 4.0 * abs(c) * (z / h) + 2.0 * (n / h)) / h / h / h
    return 8.0 * total
