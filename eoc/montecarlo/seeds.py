"""Where random numbers come from: every layer of every batch of networks has a generator of its own."""

from __future__ import annotations

import numbers

import numpy as np

from eoc.errors import EocError

__all__ = ["checked_seed", "generator"]


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
