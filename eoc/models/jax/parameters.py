"""The parameters of a function of JAX: where in them the weights of its steps stand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from eoc.models.jax.products import slot_of
from eoc.models.jax.values import Fixed
from eoc.models.slots import Slot

__all__ = ["Parameters"]


class Parameters:
    """Makes slots of what is computed from parameters.

    Parameters
    ----------
    shapes, values
        Of the parameters, by name; values where they are known.
    """

    def __init__(self, shapes: Mapping[str, tuple[int, ...]], values: Mapping[str, Any]) -> None:
        self._shapes, self._values = shapes, values
        self._slots: dict[Slot, Slot] = {}

    def same(self, slot: Slot) -> Slot:
        """The first slot that is equal to this one: layers and tables that share a parameter share it."""
        return self._slots.setdefault(slot, slot)

    def whole(self, name: str, added: float = 0.0) -> Slot:
        """All of a parameter, as a vector."""
        shape = self._shapes[name]
        return Slot(name, shape, tuple(range(len(shape))), added=added)

    def vector(self, value: Fixed) -> Slot | None:
        """Where one parameter, or what one parameter makes, stands as a vector; None for several of them."""
        if len(value.leaves) != 1:
            return None
        if value.view is not None:
            return slot_of(value, range(len(value.view.shape)))
        (name,) = value.leaves
        return self.whole(name, self._added(value, name))

    def _added(self, value: Fixed, name: str) -> float:
        """What was added to a parameter, where that is one number: 1 of scales that begin at 0."""
        given = self._values.get(name)
        if given is None or value.value is None or np.size(value.value) != np.size(given):
            return 0.0
        found = np.ravel(np.asarray(value.value, dtype=float)) - np.ravel(np.asarray(given, dtype=float))
        return float(found[0]) if np.allclose(found, found[0]) else 0.0
