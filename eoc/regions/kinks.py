"""How often the units of a wide random network have kinks on a curve: by layer and knot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import fsum
from typing import Any

import numpy as np

from eoc.errors import EocError
from eoc.floats import FloatArray
from eoc.validation import real_numbers

__all__ = ["ExpectedKinks", "LayerKinks"]


@dataclass(frozen=True)
class LayerKinks:
    """The kinks of one layer of activations.

    Attributes
    ----------
    block
        Which block it is in, from 1.
    activation
        Its name.
    knots
        Where it bends.
    kinks, error
        How often a unit crosses each knot on average, and bounds on the errors.
    """

    block: int
    activation: str
    knots: tuple[float, ...]
    kinks: tuple[float, ...]
    error: tuple[float, ...]

    @property
    def per_neuron(self) -> float:
        """Over all knots."""
        return fsum(self.kinks)


@dataclass(frozen=True)
class ExpectedKinks:
    """What :func:`eoc.regions.expected` returns.

    Attributes
    ----------
    network
        What was asked for.
    sigma_w, sigma_b
        Of what is free; sigma_w is None where nothing is.
    curve
        "circle" or "segment".
    layers
        One for every activation with kinks, in the order of the network.
    """

    network: str
    sigma_w: float | None
    sigma_b: float
    curve: str
    layers: tuple[LayerKinks, ...] = field(repr=False)

    @property
    def per_neuron(self) -> FloatArray:
        """Kinks of a unit of each layer, over all knots; (layers,)."""
        return np.array([layer.per_neuron for layer in self.layers])

    def regions(self, widths: int | Sequence[int]) -> float:
        """Linear regions on the curve, of networks with so many units in each layer.

        A closed curve has as many as kinks, a segment one more.
        """
        kinks = float(np.sum(self._widths(widths) * self.per_neuron))
        return max(kinks, 1.0) if self.curve == "circle" else 1.0 + kinks

    def _widths(self, widths: int | Sequence[int]) -> FloatArray:
        wide = real_numbers("widths", widths)
        if np.any(wide < 1) or (wide.ndim and wide.shape != (len(self.layers),)):
            raise EocError(
                f"widths must be one number >= 1, or one for each of the {len(self.layers)} layers; got {widths!r}"
            )
        return wide

    def crossings_on_sphere(self, widths: int | Sequence[int]) -> float:
        """How often the kinks of two units cross on a 2-sphere of inputs, abs(x)^2/d = q_0 in three dimensions.

        Kinks are curves there. In the wide limit units are independent, and those of two knots cross K_1 K_2 / 2 times
        on average, K how often each is met around a great circle. With C connected components of curves the sphere has
        crossings + C + 1 regions (Euler).

        Examples
        --------
        >>> from eoc.regions import expected
        >>> round(expected("relu", 2**0.5, depth=1, circle=1.0).crossings_on_sphere(7), 9)  # of great circles
        42.0
        """
        if self.curve != "circle":
            raise EocError("crossings on a sphere follow from kinks around a circle: give circle=q")
        wide = np.broadcast_to(self._widths(widths), (len(self.layers),))
        total, own = float(np.sum(wide * self.per_neuron)), float(np.sum(wide * self.per_neuron**2))
        return 0.25 * (total**2 - own)

    def to_dict(self) -> dict[str, Any]:
        """All of it, by the names that it has in JSON."""
        return {
            "network": self.network,
            "sigma_w": self.sigma_w,
            "sigma_b": self.sigma_b,
            "curve": self.curve,
            "layers": [
                {
                    "block": layer.block,
                    "activation": layer.activation,
                    "knots": list(layer.knots),
                    "kinks": list(layer.kinks),
                    "error": list(layer.error),
                    "per_neuron": layer.per_neuron,
                }
                for layer in self.layers
            ],
        }
