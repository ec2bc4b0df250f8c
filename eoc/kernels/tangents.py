"""Which parameters a network is trained by: those of the NTK parameterisation, or weights and biases themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from eoc.errors import EocError
from eoc.layers import Signal
from eoc.layers.bounded import Bounded, exact
from eoc.layers.inputs import Carried
from eoc.validation import real_number

__all__ = ["Parameterization", "Tangents", "tangents_of"]

Parameterization = Literal["ntk", "standard"]


@dataclass(frozen=True)
class Tangents:
    """What is followed through the layers, and what the kernel is of it.

    Attributes
    ----------
    width
        The fan-in of hidden layers; None for the NTK parameterisation.
    features
        The fan-in of the first layer.
    biases
        Whether biases are trained; of "standard".
    bias
        sigma_b / sigma_w where that is one of the features.
    """

    width: float | None = None
    features: int = 0
    biases: bool = False
    bias: float = 0.0

    @property
    def names(self) -> tuple[str, ...]:
        """What is followed."""
        return ("ntk",) if self.width is None else ("by_weights", "by_biases")[: 1 + self.biases]

    def first(self, x: Signal, y: Signal) -> Signal:
        """The first layer y of inputs x."""
        if self.width is None:
            return self.carried(y)
        own = (x.k - self.bias**2) * (self.features / self.width)
        return Carried(y, {"by_weights": own, "by_biases": exact(np.ones(x.pairs.size))})

    def carried(self, y: Signal) -> Signal:
        """The numbers of a signal."""
        return Carried(y, {name: getattr(y, name) for name in self.names})

    def of(self, y: Signal) -> Bounded:
        """The neural tangent kernel."""
        if self.width is None:
            return y.ntk
        by_weights = y.by_weights * self.width
        return by_weights + y.by_biases if self.biases else by_weights


def tangents_of(
    parameterization: Parameterization, width: float | None, biases: bool, features: int | None, bias: float
) -> Tangents:
    """What is trained of networks with inputs of so many features, one more for a ``bias`` that is not 0.

    Raises
    ------
    EocError
        For an unknown name, a width that is none, or inputs whose number of features is not known.
    """
    if parameterization not in ("ntk", "standard"):
        raise EocError(f"parameterization must be 'ntk' or 'standard', got {parameterization!r}")
    if parameterization == "ntk":
        if width is not None:
            raise EocError(f"width = {width!r} is for parameterization='standard': the other NTK does not depend on it")
        return Tangents()
    if width is None or not real_number("width", width) >= 1.0:
        raise EocError(f"width must be the fan-in of hidden layers, >= 1, got {width!r}")
    if features is None:
        raise EocError("parameterization='standard' needs inputs as vectors, x1: their number is a fan-in")
    return Tangents(float(width), features, biases, bias)
