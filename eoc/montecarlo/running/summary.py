"""All that is kept of what was observed in networks."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from eoc.errors import EocError
from eoc.montecarlo.running.quantiles import Quantiles
from eoc.montecarlo.running.statistics import Moments, Proportions

__all__ = ["Summary"]

Accumulators = Mapping[str, Any]

_KINDS = {"moments": Moments, "quantiles": Quantiles, "proportions": Proportions}


@dataclass(frozen=True)
class Summary:
    """Statistics over networks by the name of the observable: what is true or false is counted, numbers are averaged.

    Attributes
    ----------
    networks
        The number of networks.
    moments
        Of every observable that is a number.
    quantiles
        Of those that were asked for.
    proportions
        Of every observable that is true or false.

    Examples
    --------
    >>> q = np.array([[1.0, 2.0], [1.5, 4.0]])  # 2 networks, 2 layers
    >>> seen = Summary.of({"q": q, "grows": q > 1.75}, quantiles=["q"])
    >>> seen.moments["q"].mean.tolist(), seen.quantiles["q"].quantile(1.0).value.round(1).tolist()
    ([1.25, 3.0], [1.5, 4.0])
    >>> seen.proportions["grows"].proportion.tolist()
    [0.0, 1.0]
    """

    networks: int
    moments: Mapping[str, Moments]
    quantiles: Mapping[str, Quantiles]
    proportions: Mapping[str, Proportions]

    @classmethod
    def of(cls, observed: Mapping[str, NDArray[Any]], quantiles: Collection[str] = ()) -> Self:
        """The statistics of observables (M, ...) of M networks, quantiles of the named ones among them.

        Raises
        ------
        EocError
            For values that are not finite, different M, or quantiles of what is no number.
        """
        numbers = {name: values for name, values in observed.items() if values.dtype.kind == "f"}
        events = {name: values for name, values in observed.items() if values.dtype.kind == "b"}
        if unknown := set(quantiles) - set(numbers):
            raise EocError(f"quantiles can be asked of {sorted(numbers)}, got {sorted(unknown)}")
        if other := set(observed) - set(numbers) - set(events):
            raise EocError(f"observations must be floats or booleans, which {sorted(other)} are not")
        counts = {values.shape[:1] for values in observed.values()}
        if len(counts) != 1 or () in counts:
            raise EocError(f"observations must have the networks as their first axis, got lengths {sorted(counts)}")
        return cls(
            counts.pop()[0],
            {name: Moments.of(values) for name, values in numbers.items()},
            {name: Quantiles.of(numbers[name]) for name in quantiles},
            {name: Proportions.of(values) for name, values in events.items()},
        )

    def merged(self, other: Self) -> Self:
        """The statistics of all networks of both."""
        kinds = (
            {name: mine.merged(getattr(other, kind)[name]) for name, mine in getattr(self, kind).items()}
            for kind in _KINDS
        )
        return type(self)(self.networks + other.networks, *kinds)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Everything as plain arrays, under kind/attribute/name."""
        return {
            f"{kind}/{attribute.name}/{name}": np.asarray(getattr(kept, attribute.name))
            for kind in _KINDS
            for name, kept in getattr(self, kind).items()
            for attribute in fields(kept)
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """What :meth:`to_arrays` has made arrays of."""
        found: dict[str, dict[str, dict[str, Any]]] = {kind: {} for kind in _KINDS}
        for key, array in arrays.items():
            kind, attribute, name = key.split("/", 2)
            found[kind].setdefault(name, {})[attribute] = int(array) if attribute == "count" else array
        kinds = {kind: {name: make(**found[kind][name]) for name in found[kind]} for kind, make in _KINDS.items()}
        networks = {kept.count for by_name in kinds.values() for kept in by_name.values()}
        (count,) = networks
        return cls(count, **kinds)
