"""Ops that are linear in the second moments: dense layers, and multiplication by a number."""

from __future__ import annotations

from dataclasses import dataclass

from eoc.activations.algebra import affine
from eoc.errors import EocError
from eoc.layers.bounded import Bounded
from eoc.layers.signal import Signal, fresh_source
from eoc.sharing import cached_property

__all__ = ["Dense", "Scale"]


_MOST = 1e50  # so that squares, times any variance, stay within double precision


@dataclass(frozen=True)
class Dense:
    """y = W x + b: q' = sigma_w^2 q + sigma_b^2, G' = sigma_w^2 G, T' = sigma_w^2 T; Gaussian of mean 0.

    W has entries of variance sigma_w^2 / fan_in, b of variance sigma_b^2. Poole et al. (2016).
    """

    sigma_w: float
    sigma_b: float = 0.0

    def __post_init__(self) -> None:
        for name, value in (("sigma_w", self.sigma_w), ("sigma_b", self.sigma_b)):
            if not 0.0 <= value <= _MOST:
                raise EocError(f"{name} must be a standard deviation from 0 to {_MOST:g}, got {value:g}")

    def __call__(self, x: Signal) -> Signal:
        """The signal behind it."""
        y = _Affine(x, frozenset([fresh_source()]), self.sigma_w**2, self.sigma_b**2, 0.0)
        y.is_gaussian = True
        return y


@dataclass(frozen=True)
class Scale:
    """y = a x: q' = a^2 q, m' = a m, G' = a^2 G, T' = a^2 T."""

    factor: float

    def __post_init__(self) -> None:
        if not abs(self.factor) <= _MOST:
            raise EocError(f"a factor must be from {-_MOST:g} to {_MOST:g}, got {self.factor:g}")

    def __call__(self, x: Signal) -> Signal:
        """The signal behind it."""
        if self.factor == 1.0:
            return x
        y = _Affine(x, x.sources, self.factor**2, 0.0, self.factor)
        y.is_gaussian, y.root = x.is_gaussian, x.root
        y.phi = None if x.phi is None else affine(x.phi, self.factor)
        return y


class _Affine(Signal):
    """weight * q + bias, mean * m, and weight times all else."""

    def __init__(self, x: Signal, sources: frozenset[int], weight: float, bias: float, mean: float) -> None:
        super().__init__(x.pairs, sources)
        self._x, self._weight, self._bias, self._mean = x, weight, bias, mean

    @cached_property
    def q(self) -> Bounded:
        return self._x.q * self._weight + self._bias

    @cached_property
    def m(self) -> Bounded:
        return self._x.m * self._mean

    @cached_property
    def G(self) -> Bounded:
        return self._x.G * self._weight

    @cached_property
    def chi(self) -> Bounded:
        return self._x.chi * self._weight

    @cached_property
    def T(self) -> Bounded:
        return self._x.T * self._weight

    @cached_property
    def dq(self) -> Bounded:
        return self._x.dq * self._weight

    @cached_property
    def dm(self) -> Bounded:
        return self._x.dm * self._mean
