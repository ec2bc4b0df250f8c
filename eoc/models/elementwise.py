"""Functions of tensors as activations of eoc, and back."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

import numpy as np
import torch

from eoc.activations import Activation
from eoc.activations import activation as resolve
from eoc.activations.base import FloatArray
from eoc.errors import EocError
from eoc.models.symbolic import formula_of
from eoc.sharing import once

__all__ = ["as_activation", "as_function", "straight_line"]

_LONGEST = 60  # characters of a name
# Where two functions with the same text have to agree to be taken for one, and a line has to be straight.
_GRID = np.concatenate([-np.geomspace(1e4, 1e-4, 120), [0.0], np.geomspace(1e-4, 1e4, 120)])
_CLOSE = 1e-13
_SAME = 1e-9


def as_function(activation: Activation) -> Callable[[torch.Tensor], torch.Tensor]:
    """An activation as a function of tensors in double precision."""
    return lambda x: torch.tensor(activation.phi(x.numpy()))


def as_activation(function: Callable[[torch.Tensor], torch.Tensor], text: str) -> Activation:
    """A function of tensors as an activation: the same object for functions that say and do the same.

    Raises
    ------
    EocError
        Where it is no activation: not a number somewhere, unbounded.
    """

    def of_arrays(x: FloatArray) -> FloatArray:
        with torch.no_grad(), np.errstate(all="ignore"):
            return function(torch.as_tensor(x, dtype=torch.float64)).to(torch.float64).numpy()

    text = text[1:-1] if text.startswith("(") else text
    name = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
    try:
        values = of_arrays(_GRID)
    except Exception as error:  # whatever the function raises
        raise EocError(f"{name} cannot be computed: {error}") from error
    spelt = formula_of(function)
    if spelt is not None and _agree(spelt, values):
        return spelt
    return _activation(_Sampled((name, values.tobytes()), of_arrays))


def _agree(activation: Activation, values: FloatArray) -> bool:
    """Whether a formula has the values that a function has, to what cancellation in either leaves."""
    with np.errstate(all="ignore"):
        return bool(np.allclose(activation.phi(_GRID), values, rtol=_SAME, atol=_SAME))


def straight_line(activation: Activation) -> tuple[float, float] | None:
    """The a and b of phi(x) = a x + b; None for any other function."""
    with np.errstate(all="ignore"):
        values, b = activation(_GRID), float(activation(0.0))
        a = float(activation(1.0)) - b
        off = np.abs(values - (a * _GRID + b))
    return (a, b) if np.all(off <= _CLOSE * (np.abs(a * _GRID) + abs(b))) else None


@dataclass(frozen=True)
class _Sampled:
    """A function that is told from others by its name and its values."""

    key: Hashable
    function: Callable[[FloatArray], FloatArray] = field(compare=False)


@once(256)
def _activation(sampled: _Sampled) -> Activation:
    return resolve(sampled.function, name=sampled.key[0])  # type: ignore[index]
