"""What networks are given by: how many layers, units and networks, which weights, which seed; or an error naming it."""

from __future__ import annotations

import numbers
from typing import Literal, cast, get_args

import numpy as np
from numpy.typing import ArrayLike

from eoc.errors import EocError
from eoc.validation import real_number, real_numbers

__all__ = [
    "Weights",
    "checked_count",
    "checked_depth",
    "checked_seed",
    "checked_weights",
    "checked_widths",
    "generator",
]

Weights = Literal["gaussian", "orthogonal"]  # those of which theory knows the moments, and the exact sampler the law

_MOST = 2**33  # networks or units; more take hours for a single layer
_DEEPEST = 10**6  # layers; theory of more takes longer than anybody waits for


def checked_count(name: str, value: object, most: int = _MOST) -> int:
    """A whole number >= 1, such as how many networks there are; 1e6 is one too.

    Examples
    --------
    >>> checked_count("networks", 1e6)
    1000000
    """
    number = real_number(name, value)  # type: ignore[arg-type]
    shown = int(number) if number.is_integer() else number
    if not (number >= 1.0 and number.is_integer()):
        raise EocError(f"{name} must be a whole number >= 1, got {shown!r}")
    if number > most:
        raise EocError(f"{name} must be at most {most}, or a run never ends; got {shown!r}")
    return int(number)


def checked_depth(depth: object) -> int:
    """The number of layers, from 1 to a million."""
    return checked_count("depth", depth, _DEEPEST)


def checked_widths(width: ArrayLike, depth: object = None) -> tuple[int, ...]:
    """Units of each layer, from one width for ``depth`` layers or from a width for each.

    Examples
    --------
    >>> checked_widths(100, depth=3), checked_widths([4, 2])
    ((100, 100, 100), (4, 2))
    """
    widths = real_numbers("width", width)
    if widths.ndim > 1 or widths.size == 0:
        raise EocError(f"width is one number or a list with one for each layer, got shape {widths.shape}")
    each = tuple(checked_count("width", w) for w in widths.reshape(-1).tolist())
    if widths.ndim == 0 and depth is None:
        raise EocError("give the depth, or a list of widths, one for each layer")
    layers = len(each) if depth is None else checked_depth(depth)
    if widths.ndim and len(each) != layers:
        raise EocError(f"depth is {layers}, but width lists {len(each)} layers: leave depth out, or make them agree")
    return each if widths.ndim else each * layers


def checked_weights(weights: str) -> Weights:
    """Return the law of the weights, if it is one of the two that theory knows."""
    if weights not in get_args(Weights):
        raise EocError(f"weights must be 'gaussian' or 'orthogonal', got {weights!r}; others need real matrices")
    return cast(Weights, weights)


def generator(seed: int, *where: int) -> np.random.Generator:
    """The generator of one place, such as (batch, layer): streams of other places are independent of it.

    Examples
    --------
    >>> generator(1, 0, 2).integers(100, size=4).tolist() == generator(1, 0, 2).integers(100, size=4).tolist()
    True
    """
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence(seed, spawn_key=where)))


def checked_seed(seed: object) -> int:
    """The seed, or an EocError if it is not a whole number >= 0."""
    if isinstance(seed, bool) or not isinstance(seed, numbers.Integral) or int(seed) < 0:
        raise EocError(f"seed must be a whole number >= 0, got {seed!r}")
    return int(seed)
