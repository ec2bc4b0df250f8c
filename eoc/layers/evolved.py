r"""Activations of sums that are not Gaussian, relu(x + branch): the law of the units is followed itself.

As in the first residual networks (He et al. 2016). A law is points x_i with probabilities p_i. Added to an independent
Gaussian of variance s it has the density sum_i p_i N(z; x_i, s), which is integrated on panels that end where the
activation has a knot. Tangents are followed beside it as p_i E[t^2 | x_i]: how large they are goes with the value of
the unit, and without that gradients would be wrong (derived here). Two inputs would need their joint law.
"""

from __future__ import annotations

from typing import NoReturn

import numpy as np

from eoc.activations.base import Activation
from eoc.errors import UnsupportedError
from eoc.floats import EPS
from eoc.layers.bounded import Bounded, exact
from eoc.layers.law import Law, behind
from eoc.layers.nature import Nature
from eoc.layers.signal import Products, Signal
from eoc.layers.split import Split
from eoc.sharing import cached_property

__all__ = ["Evolved"]


class Evolved(Signal):
    """phi of a signal whose law is known, for single inputs."""

    has_law = True

    def __init__(self, x: Signal, phi: Activation, backward: Activation | None = None) -> None:
        super().__init__(x.pairs, x.sources)
        self._x, self._phi, self._seen = x, phi, phi if backward is None else backward

    def laws(self, knots: tuple[float, ...]) -> tuple[Law, ...]:
        """One for each input; ``knots`` play no part, as these are points already."""
        return self._laws

    @cached_property
    def _laws(self) -> tuple[Law, ...]:
        knots = tuple(sorted({*self._phi.knots, *self._seen.knots}))
        return tuple(behind(self._phi, law, self._seen) for law in self._x.laws(knots))

    def _moment(self, which: int) -> Bounded:
        values = np.array([law.moments[which] for law in self._laws])
        sizes = np.array([np.sqrt(law.moments[0]) if which == 1 else law.moments[which] for law in self._laws])
        return Bounded(values, np.array([law.error + 2.0 * EPS for law in self._laws]) * sizes)

    @cached_property
    def q(self) -> Bounded:
        """Second moments, (P,)."""
        return self._moment(0)

    @cached_property
    def m(self) -> Bounded:
        """Means over units, (P,)."""
        return self._moment(1)

    @cached_property
    def chi(self) -> Bounded:
        """Squared size of a tangent that was 1, (P,)."""
        return self._moment(2)

    @property
    def G(self) -> Bounded:
        """Refused, but of no pairs."""
        return exact(np.empty(0)) if self.pairs.size == 0 else self._refuse("pairs of inputs")

    def pushed(self, of: Products) -> Bounded:
        """Refused, but of no pairs."""
        return exact(np.empty(0)) if self.pairs.size == 0 else self._refuse("tangents of pairs of inputs")

    @property
    def dq(self) -> Bounded:
        """Refused."""
        self._refuse("derivatives by the variance of the input")

    @property
    def dm(self) -> Bounded:
        """Refused."""
        self._refuse("derivatives by the variance of the input")

    @property
    def gap(self) -> Bounded:
        """Refused."""
        self._refuse("critical places")

    @property
    def split(self) -> Split:
        """Refused."""
        self._refuse("changes of its variance")

    @property
    def nature(self) -> Nature:
        """Nothing is known of other variances."""
        unknown = np.full(1, np.nan)
        return Nature(None, 0, unknown, unknown, unknown)

    def _refuse(self, what: str) -> NoReturn:
        raise UnsupportedError(
            f"{self._phi.name} acts on a sum that is not Gaussian: its law is followed for single inputs, {what} are "
            "not known; sample it (eoc verify), or put a dense layer between them"
        )
