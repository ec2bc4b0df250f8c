"""Ops that are linear in the second moments: dense layers, and multiplication by a number."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter

import numpy as np

from eoc.activations import activation
from eoc.activations.algebra import affine
from eoc.errors import EocError
from eoc.floats import EPS, FloatArray, all_finite
from eoc.layers.bounded import Bounded, exact
from eoc.layers.law import Law
from eoc.layers.nature import Nature
from eoc.layers.signal import Products, Signal, fresh_source
from eoc.layers.split import Split
from eoc.layers.unsolved import unsolved
from eoc.layers.weights import GAUSSIAN, WeightMoments
from eoc.sharing import cached_property

__all__ = ["Dense", "Scale", "checked_sigma", "unsolved_dense"]

_RANGE = (1e-130, 1e50)  # so that squares, times any variance, stay within double precision


def checked_sigma(name: str, value: float) -> float:
    """A standard deviation as a float, or an error that names it."""
    try:
        out = float(value)
    except (TypeError, ValueError, OverflowError):
        raise EocError(f"{name} must be a number, got {value!r}") from None
    low, high = _RANGE
    if not (out == 0.0 or low <= out <= high):
        raise EocError(f"{name} must be a standard deviation >= 0: 0, or from {low:g} to {high:g}; got {value!r}")
    return out


@dataclass(frozen=True, eq=False)
class Dense:
    """y = W x + b: q' = sigma_w^2 q + sigma_b^2, G' = sigma_w^2 G, T' = sigma_w^2 T; Gaussian of mean 0.

    W has entries of variance sigma_w^2 / fan_in, b of variance sigma_b^2. Poole et al. (2016). For single points both
    may be arrays (P,): the points are then in networks of their own. Of ``weights`` that are pruned afterwards sigma_w
    is that before, and sigma_w^2 counts times their second moment.
    """

    sigma_w: float | FloatArray
    sigma_b: float | FloatArray = 0.0
    weights: WeightMoments = GAUSSIAN

    def __post_init__(self) -> None:
        for name, value in (("sigma_w", self.sigma_w), ("sigma_b", self.sigma_b)):
            if not isinstance(value, np.ndarray):
                checked_sigma(name, value)

    def __call__(self, x: Signal) -> Signal:
        """The signal behind it."""
        weight = _squared(self.sigma_w)
        if self.weights.keep == 1.0:
            return _Dense(x, weight, _squared(self.sigma_b))
        return _Pruned(x, weight, _squared(self.sigma_b), self.weights)


def unsolved_dense(x: Signal) -> Signal:
    """The op of a dense layer that is to be solved for: all behind it is affine in sigma_w^2 and sigma_b^2."""
    zero, one = exact(np.zeros(1)), exact(np.ones(1))
    return _Dense(x, unsolved(zero, one, zero), unsolved(zero, zero, one))


@dataclass(frozen=True)
class Scale:
    """y = a x: q' = a^2 q, m' = a m, G' = a^2 G, T' = a^2 T."""

    factor: float

    def __post_init__(self) -> None:
        if not abs(self.factor) <= _RANGE[1]:
            raise EocError(f"a factor must be from {-_RANGE[1]:g} to {_RANGE[1]:g}, got {self.factor:g}")

    def __call__(self, x: Signal) -> Signal:
        """The signal behind it."""
        return x if self.factor == 1.0 else _Scaled(x, self.factor)


class _Affine(Signal):
    """weight q + bias, and weight times all else but the mean."""

    def __init__(self, x: Signal, sources: frozenset[int], weight: Bounded | float, bias: Bounded | float) -> None:
        super().__init__(x.pairs, sources)
        self._x, self._weight, self._bias = x, weight, bias

    @cached_property
    def q(self) -> Bounded:
        return self._x.q * self._weight + self._bias

    @cached_property
    def G(self) -> Bounded:
        return self._x.G * self._weight

    @cached_property
    def chi(self) -> Bounded:
        return _lost(self._x.chi * self._weight, self._weight)

    def pushed(self, of: Products) -> Bounded:
        return of(self._x) * self._weight

    @cached_property
    def dq(self) -> Bounded:
        return _lost(self._x.dq * self._weight, self._weight)

    @cached_property
    def gap(self) -> Bounded:
        return self._x.gap * self._weight - self._bias

    @cached_property
    def split(self) -> Split:
        return self._x.split.affine(self._weight, self._bias)


class _Dense(_Affine):
    is_gaussian = True

    @cached_property
    def q(self) -> Bounded:
        q = self._x.q * self._weight + self._bias
        if self.pairs.strict and not all_finite(q.value):
            raise EocError("the variance behind a dense layer is beyond double precision: scale what comes before")
        return q

    def __init__(self, x: Signal, weight: Bounded | float, bias: Bounded | float) -> None:
        super().__init__(x, frozenset([fresh_source()]), weight, bias)

    @cached_property
    def ntk(self) -> Bounded:
        """That of all before it, and of its own: sigma_w^2 k for the weights, sigma_b^2 for the biases."""
        return super().ntk + self.k

    @cached_property
    def by_weights(self) -> Bounded:
        """That of all before it, and of its own."""
        return super().by_weights + self._x.k

    @cached_property
    def by_biases(self) -> Bounded:
        """That of all before it, and of its own."""
        return super().by_biases + 1.0

    @cached_property
    def m(self) -> Bounded:
        return exact(np.zeros(self._x.q.value.shape))

    @cached_property
    def dm(self) -> Bounded:
        return exact(np.zeros(self._x.q.value.shape))

    @cached_property
    def nature(self) -> Nature:
        return self._x.nature.dense(_value(self._weight), _value(self._bias))


class _Pruned(_Dense):
    """Of the derivatives by weights those by weights that are left."""

    def __init__(self, x: Signal, weight: Bounded | float, bias: Bounded | float, left: WeightMoments) -> None:
        super().__init__(x, weight * left.second_moment, bias)
        self._whole, self._keep = weight, left.keep

    @cached_property
    def ntk(self) -> Bounded:
        return self.pushed(attrgetter("ntk")) + (self._x.k * self._whole * self._keep + self._bias)

    @cached_property
    def by_weights(self) -> Bounded:
        return self.pushed(attrgetter("by_weights")) + self._x.k * self._keep


class _Scaled(_Affine):
    def __init__(self, x: Signal, factor: float) -> None:
        super().__init__(x, x.sources, factor**2, 0.0)
        self._factor, self.has_law = factor, x.has_law
        self.is_gaussian, self.root = x.is_gaussian, x if x.sphere is not None else x.root
        phi = activation("identity") if x.sphere is not None else x.phi
        self.phi, self.backward = (None if one is None else affine(one, factor) for one in (phi, x.backward))

    def laws(self, knots: tuple[float, ...]) -> tuple[Law, ...]:
        """Those of x, scaled."""
        return tuple(law.affine(self._factor, error=EPS) for law in self._x.laws(()))

    @cached_property
    def m(self) -> Bounded:
        return self._x.m * self._factor

    @cached_property
    def dm(self) -> Bounded:
        return self._x.dm * self._factor

    @cached_property
    def nature(self) -> Nature:
        return self._x.nature.times(self._factor)


def _squared(sigma: float | FloatArray) -> Bounded | float:
    return exact(np.square(sigma)) if isinstance(sigma, np.ndarray) and sigma.ndim else float(sigma) ** 2


def _value(one: Bounded | float) -> FloatArray:
    return np.asarray(one.value if isinstance(one, Bounded) else one)


def _lost(product: Bounded, weight: Bounded | float) -> Bounded:
    """0 where the weight is, also times infinity."""
    if isinstance(weight, float) and weight != 0.0:
        return product
    none = _value(weight) == 0.0
    if not np.any(none):
        return product
    return Bounded(np.where(none, 0.0, product.value), np.where(none, 0.0, product.error))
