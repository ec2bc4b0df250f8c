"""A function that can only be called, as the activation with a name that has its values."""

from __future__ import annotations

import inspect

import numpy as np

from eoc.activations.base import Activation
from eoc.activations.named import FAMILIES, STANDARD
from eoc.floats import FloatArray
from eoc.sharing import once

__all__ = ["GRID", "activation_with_values"]

_FAR = np.geomspace(1e-4, 1e4, 120)
_NEAR = np.linspace(0.0137, 12.0, 401)
#: Where two functions that agree are the same one.
GRID: FloatArray = np.sort(np.concatenate([-_FAR, -_NEAR, [0.0], _NEAR, _FAR]))

_ROUNDINGS = 8.0  # a formula of some operations is off by


def activation_with_values(values: FloatArray) -> Activation | None:
    """The named activation that has these values at ``GRID``, to rounding errors of their type.

    None if there is none; a leaky ReLU may have any slope.

    Examples
    --------
    >>> activation_with_values(0.5 * GRID * (1.0 + np.tanh(0.5 * GRID))).name
    'silu'
    >>> activation_with_values(np.maximum(GRID, 0.2 * GRID)).name, activation_with_values(GRID**2)
    ('leaky_relu(slope=0.2)', None)
    """
    if values.shape != GRID.shape or values.dtype.kind != "f":
        return None
    accuracy = _ROUNDINGS * float(np.finfo(values.dtype).eps)
    values = values.astype(float)
    candidates = (*_known(), *_leaky(values))
    return next((phi for phi, theirs in candidates if _same(values, theirs, accuracy)), None)


@once()
def _known() -> tuple[tuple[Activation, FloatArray], ...]:
    """All names that mean one function, short ones first: elu before celu, which is the same one."""
    others = {*FAMILIES, "prelu", "rrelu"}  # leaky ReLUs with slopes of their own
    of_one = [make for name, make in STANDARD.items() if name not in others and _needs_nothing(make)]
    found = [make() for make in of_one]
    found.sort(key=lambda phi: (len(phi.name), phi.name))
    with np.errstate(all="ignore"):
        return tuple((phi, phi.phi(GRID)) for phi in found)


def _needs_nothing(make: object) -> bool:
    parameters = inspect.signature(make).parameters.values()  # type: ignore[arg-type]  # a function
    return all(parameter.default is not parameter.empty for parameter in parameters)


def _leaky(values: FloatArray) -> tuple[tuple[Activation, FloatArray], ...]:
    slope = float(f"{values[0] / GRID[0]:.14g}")
    if not np.isfinite(slope) or values[-1] != GRID[-1]:
        return ()
    phi = STANDARD["leaky_relu"](slope=slope)
    return ((phi, phi.phi(GRID)),)


def _same(a: FloatArray, b: FloatArray, accuracy: float) -> bool:
    with np.errstate(all="ignore"):
        return bool(np.all((a == b) | (np.abs(a - b) <= accuracy * (np.abs(b) + np.abs(GRID)))))
