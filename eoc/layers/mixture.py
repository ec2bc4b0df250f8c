r"""Units of several kinds side by side: each goes through one of the branches, a share s_j of them through branch j.

As where an activation has parameters for every channel. What is known of a signal is a mean over units, so that

.. math:: q' = \sum_j s_j q_j, \quad m' = \sum_j s_j m_j, \quad G' = \sum_j s_j G_j, \quad
          \chi' = \sum_j s_j \chi_j, \quad T' = \sum_j s_j T_j.

No single activation has these moments: E[phi^2] of a mean is not the mean of E[phi^2]. A dense layer behind it sees
nothing else, whatever the order of the channels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any, TypeVar

import numpy as np

from eoc.errors import EocError
from eoc.layers.bounded import Bounded
from eoc.layers.law import Law
from eoc.layers.nature import Nature, mixed
from eoc.layers.signal import Products, Signal
from eoc.layers.split import ROUNDING, Split, proportional
from eoc.sharing import cached_property

__all__ = ["Mixture"]

_T = TypeVar("_T")  # what can be added and multiplied by shares
_WHOLE = 1e-12  # of shares: their sum is 1


@dataclass(frozen=True)
class Mixture:
    """Units of every input, in these shares."""

    shares: tuple[float, ...]

    def __post_init__(self) -> None:
        if not all(0.0 < share <= 1.0 for share in self.shares) or abs(sum(self.shares) - 1.0) > _WHOLE:
            raise EocError(f"shares must be positive and add up to 1, got {self.shares}")

    def __call__(self, *x: Signal) -> Signal:
        """The signal behind it."""
        return _Mixture(x, self.shares)


class _Mixture(Signal):
    def __init__(self, x: Sequence[Signal], shares: Sequence[float]) -> None:
        super().__init__(x[0].pairs, frozenset().union(*(one.sources for one in x)))
        self._x, self._shares = x, shares
        self.has_law = all(one.has_law for one in x)

    def _mean(self, part: Callable[[Signal], _T]) -> _T:
        """The mean of what is known of the branches."""
        each: Callable[[Signal], Any] = part
        whole: _T = reduce(add, (each(one) * share for one, share in zip(self._x, self._shares, strict=True)))
        return whole

    def laws(self, knots: tuple[float, ...]) -> tuple[Law, ...]:
        """Those of all branches together."""
        return tuple(Law.mixed(each, self._shares) for each in zip(*(one.laws(()) for one in self._x), strict=True))

    @cached_property
    def q(self) -> Bounded:
        return self._mean(lambda x: x.q)

    @cached_property
    def m(self) -> Bounded:
        return self._mean(lambda x: x.m)

    @cached_property
    def G(self) -> Bounded:
        return self._mean(lambda x: x.G)

    @cached_property
    def chi(self) -> Bounded:
        return self._mean(lambda x: x.chi)

    def pushed(self, of: Products) -> Bounded:
        return self._mean(of)

    @cached_property
    def dq(self) -> Bounded:
        return self._mean(lambda x: x.dq)

    @cached_property
    def dm(self) -> Bounded:
        return self._mean(lambda x: x.dm)

    @cached_property
    def gap(self) -> Bounded:
        return self._mean(lambda x: x.gap)

    @cached_property
    def split(self) -> Split:
        gain = self._mean(lambda x: np.asarray(x.split.gain))
        doubt = max(x.split.doubt for x in self._x) + len(self._x) * ROUNDING
        return proportional(gain, doubt, self._mean(lambda x: x.split.rest))

    @cached_property
    def nature(self) -> Nature:
        return mixed([x.nature for x in self._x], self._shares)
