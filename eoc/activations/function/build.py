"""The activation that a Python function computes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from eoc.activations.base import Activation, Parity
from eoc.activations.function.breakpoints import Edge, find_edges
from eoc.activations.function.calls import Calls
from eoc.activations.function.growth import growth, reach
from eoc.activations.function.noise import Noise
from eoc.activations.function.pieces import Pieces
from eoc.errors import EocError

__all__ = ["from_callable"]

_PARITY_POINTS = np.concatenate([np.geomspace(1e-9, 6e4, 170), np.arange(1.0, 41.0) / 4.0, [np.pi, 0.1, 1e3]])


def from_callable(
    function: Callable[..., Any],
    *,
    derivative: Callable[..., Any] | None = None,
    name: str | None = None,
    knots: Iterable[float] | None = None,
    parity: Parity | None = None,
) -> Activation:
    """Return the activation that a Python function computes.

    Parameters
    ----------
    function
        phi: of a float64 array or of one number.
    derivative
        phi', if known; otherwise it comes from Chebyshev interpolants, like phi''.
    name
        For people; by default the function's own.
    knots
        All points where phi, phi' or phi'' jumps, if known; otherwise they are found between -4096 and 4096.
    parity
        "odd" or "even", if known; otherwise it is found.

    Raises
    ------
    EocError
        If the function fails, returns something else than finite real numbers, or cannot be cut into smooth pieces.
    NotPermissibleError
        If the function is unbounded near some point.

    Notes
    -----
    What cannot be seen by calling is not found: isolated features that are much narrower than their distance to zero,
    edges beyond 4096.

    Examples
    --------
    >>> from math import tanh
    >>> from_callable(lambda x: tanh(x) if x > 0.0 else 0.1 * x).knots
    (0.0,)
    """
    name = name or _name(function)
    f = Calls(function, name)
    if parity not in (None, "odd", "even"):
        raise EocError(f"parity must be 'odd', 'even' or None, got {parity!r}")
    f(np.array([0.0]))
    f.check_repeats()
    lowest, highest = reach(f, name, -1.0), reach(f, name, 1.0)
    parity = parity or _parity(f)
    noise = Noise(f, f.relative_error)
    noise.check_resolved(name)
    given = None if knots is None else _checked(knots)
    edges = find_edges(f, noise, name, (lowest, highest)) if given is None else tuple(Edge(k, -1) for k in given)
    if given is None and parity is not None:
        edges = _mirrored(edges)
    slope = None if derivative is None else Calls(derivative, f"the derivative of {name}")
    parts = Pieces(f, noise, edges, slope)
    made = Activation(
        name=name,
        formula=f"Python function {name}(x)",
        pieces=parts.pieces,
        knots=tuple(e.x for e in edges),
        growth=growth(f, lowest, highest),
        parity=parity,
        uncertainty=parts.uncertainty,
        error_of=parts.error_of,
        remake=partial(from_callable, function, derivative=derivative, name=name, knots=given, parity=parity),
    )
    parts.check_slope()
    return made


def _name(function: object) -> str:
    found = getattr(function, "__name__", None)
    if found is None and callable(function):
        found = type(function).__name__
    if found is None:
        found = repr(function)
    return "callable" if found == "<lambda>" else str(found)


def _checked(knots: Iterable[float]) -> tuple[float, ...]:
    try:
        out = np.unique(np.array(list(knots), dtype=float))
    except (TypeError, ValueError):
        raise EocError(f"knots must be numbers, got {knots!r}") from None
    if not np.isfinite(out).all():
        raise EocError(f"knots must be finite, got {out.tolist()}")
    return tuple(out.tolist())


def _mirrored(edges: tuple[Edge, ...]) -> tuple[Edge, ...]:
    right = [e for e in edges if e.x > 0.0]
    return (*(replace(e, x=-e.x) for e in reversed(right)), *(e for e in edges if e.x == 0.0), *right)


def _parity(f: Calls) -> Parity | None:
    right, left = f(_PARITY_POINTS), f(-_PARITY_POINTS)
    if np.array_equal(right, left):
        return "even"
    if np.array_equal(right, -left) and f(np.zeros(1))[0] == 0.0:
        return "odd"
    return None
