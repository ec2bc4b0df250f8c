r"""Sums and products of signals: skips, branches, gates.

Of signals x and y that depend on no common Gaussian field,

.. math:: x + y: \quad q_x + q_y + 2 m_x m_y, \qquad G_x + G_y + \Delta m_x \Delta m_y, \qquad T_x + T_y,

.. math:: x y: \quad q_x q_y, \qquad \bar q_x G_y + k_y G_x + \Delta q_x \Delta q_y / 4, \qquad T_x k_y + k_x T_y,

with the difference between two points written as Delta, their mean as a bar. Of two functions of one root the sum and
the product are a function of that root: x + relu(x), x sigmoid(x). Products that share a factor are added as if they
shared nothing where another factor of one of them is independent of all else and has mean 0: u x + (1 - u) z.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from eoc.activations import activation
from eoc.activations.algebra import product, total
from eoc.activations.base import Activation
from eoc.errors import UnsupportedError
from eoc.layers.bounded import Bounded
from eoc.layers.elementwise import Elementwise
from eoc.layers.law import Law
from eoc.layers.nature import Nature
from eoc.layers.signal import Products, Signal, spread
from eoc.layers.split import ROUNDING, Split, only_rest
from eoc.sharing import cached_property

__all__ = ["Product", "Sum"]


@dataclass(frozen=True)
class Sum:
    """The sum of its inputs; Gaussian if all of them are."""

    def __call__(self, *x: Signal) -> Signal:
        """The signal behind it."""
        return reduce(_Sum, _fused(x, _added, "a sum", _uncorrelated))


@dataclass(frozen=True)
class Product:
    """The product of its inputs, unit by unit: gates."""

    def __call__(self, *x: Signal) -> Signal:
        """The signal behind it."""
        return reduce(_Product, _fused(x, _multiplied, "a product", _independent))


def _added(x: Signal, y: Signal) -> Elementwise:
    surrogates = x.backward is not None or y.backward is not None
    backward = total(*(_function(one) if one.backward is None else one.backward for one in (x, y)))
    return Elementwise(total(_function(x), _function(y)), backward if surrogates else None)


def _multiplied(x: Signal, y: Signal) -> Elementwise:
    if x.backward is not None or y.backward is not None:
        raise UnsupportedError(
            "a product of functions of one signal, of which one is a straight-through estimator: put a dense layer "
            "before one of them"
        )
    return Elementwise(product(_function(x), _function(y)))


def _independent(x: Signal, y: Signal) -> bool:
    return not x.sources & y.sources


def _uncorrelated(x: Signal, y: Signal) -> bool:
    """Whether E[x y] = 0, or both are independent, and so are their tangents."""
    return _independent(x, y) or _has_own_sign(x, y) or _has_own_sign(y, x)


def _has_own_sign(x: Signal, y: Signal) -> bool:
    """Whether a factor of x has mean 0 and is independent of its other factors and of y."""
    if not isinstance(x, _Product):
        return False
    parts = x.factors
    others = ((one, [y, *parts[:i], *parts[i + 1 :]]) for i, one in enumerate(parts))
    return any(_is_centred(one) and all(_independent(one, each) for each in rest) for one, rest in others)


def _is_centred(x: Signal) -> bool:
    """Whether the mean is 0 by symmetry."""
    if isinstance(x, _Product):
        return any(map(_is_centred, x.factors))
    return x.is_gaussian or (x.phi is not None and x.phi.parity == "odd")


def _fused(
    x: Sequence[Signal],
    join: Callable[[Signal, Signal], Elementwise],
    what: str,
    may_join: Callable[[Signal, Signal], bool],
) -> list[Signal]:
    """Functions of one root joined to one; the rest has to be independent, or for a sum uncorrelated."""
    shapes = {one.pairs.positions for one in x}
    if len(shapes) > 1:
        raise UnsupportedError(f"{what} of signals with different positions, {' and '.join(map(str, sorted(shapes)))}")
    left: list[Signal] = []
    for one in x:
        same = next(
            (i for i, other in enumerate(left) if _root(other) is not None and _root(other) is _root(one)), None
        )
        if same is None:
            left.append(one)
        else:
            root = _root(one)
            left[same] = join(left[same], one)(root or one)
    for i, one in enumerate(left):
        if not all(may_join(one, other) for other in left[i + 1 :]):
            raise UnsupportedError(
                f"{what} of signals that share units, but are no functions of one Gaussian signal: put a dense layer "
                "before one of them"
            )
    return left


def _root(x: Signal) -> Signal | None:
    return x if x.is_root else x.root


def _function(x: Signal) -> Activation:
    return activation("identity") if x.phi is None else x.phi


class _Sum(Signal):
    def __init__(self, x: Signal, y: Signal) -> None:
        super().__init__(x.pairs, x.sources | y.sources)
        self._x, self._y, self.is_gaussian = x, y, x.is_gaussian and y.is_gaussian
        self._is_centred = _is_centred(x) or _is_centred(y)  # one of them has mean 0: nothing is mixed
        self.has_law = x.is_gaussian != y.is_gaussian and (x.has_law or y.has_law)

    def laws(self, knots: tuple[float, ...]) -> tuple[Law, ...]:
        """Where one of both is Gaussian: the other one's law, spread by it."""
        smooth, rough = (self._x, self._y) if self._x.is_gaussian else (self._y, self._x)
        s, chi = smooth.q, smooth.chi
        numbers = zip(rough.laws(()), s.value, s.error, chi.value, strict=True)
        return tuple(law.plus(float(v), float(t), knots, float(off / v)) for law, v, off, t in numbers)

    @cached_property
    def q(self) -> Bounded:
        apart = self._x.q + self._y.q
        return apart if self._is_centred else apart + self._x.m * self._y.m * 2.0

    @cached_property
    def m(self) -> Bounded:
        return self._x.m + self._y.m

    @cached_property
    def G(self) -> Bounded:
        apart = self._x.G + self._y.G
        return apart if self._is_centred else apart + spread(self, self._x.m, self._y.m)

    @cached_property
    def chi(self) -> Bounded:
        return self._x.chi + self._y.chi

    def pushed(self, of: Products) -> Bounded:
        return of(self._x) + of(self._y)

    @cached_property
    def dq(self) -> Bounded:
        apart = self._x.dq + self._y.dq
        return apart if self._is_centred else apart + (self._x.dm * self._y.m + self._x.m * self._y.dm) * 2.0

    @cached_property
    def dm(self) -> Bounded:
        return self._x.dm + self._y.dm

    @cached_property
    def gap(self) -> Bounded:
        apart = self._x.gap + self._y.gap
        return apart if self._is_centred else apart - self._x.m * self._y.m * 2.0

    @cached_property
    def split(self) -> Split:
        one, two = self._x.split, self._y.split
        apart = one.rest + two.rest
        rest = apart if self._is_centred else apart + self._x.m * self._y.m * 2.0
        errors = one.less_error + two.doubt * two.gain, two.less_error + one.doubt * one.gain
        first = np.asarray(errors[0] <= errors[1])
        less = np.where(first, one.less + two.gain, two.less + one.gain)
        return Split(one.gain + two.gain, max(one.doubt, two.doubt) + ROUNDING, less, np.minimum(*errors), rest)

    @cached_property
    def nature(self) -> Nature:
        return self._x.nature.plus(self._y.nature)


class _Product(Signal):
    def __init__(self, x: Signal, y: Signal) -> None:
        super().__init__(x.pairs, x.sources | y.sources)
        self._x, self._y = x, y

    @property
    def factors(self) -> tuple[Signal, ...]:
        """What is multiplied, independent of each other."""
        return (*(self._x.factors if isinstance(self._x, _Product) else (self._x,)), self._y)

    @cached_property
    def q(self) -> Bounded:
        return self._x.q * self._y.q

    @cached_property
    def m(self) -> Bounded:
        return self._x.m * self._y.m

    @cached_property
    def G(self) -> Bounded:
        x, y = self._x, self._y
        return x.mean_q * y.G + y.k * x.G + spread(self, x.q, y.q) * 0.25

    @cached_property
    def chi(self) -> Bounded:
        return self._x.chi * self._y.q + self._x.q * self._y.chi

    def pushed(self, of: Products) -> Bounded:
        return of(self._x) * self._y.k + self._x.k * of(self._y)

    @cached_property
    def dq(self) -> Bounded:
        return self._x.dq * self._y.q + self._x.q * self._y.dq

    @cached_property
    def dm(self) -> Bounded:
        return self._x.dm * self._y.m + self._x.m * self._y.dm

    @cached_property
    def gap(self) -> Bounded:
        return self._x.gap * self._y.q + self._x.q * self._y.gap + self.q

    @cached_property
    def split(self) -> Split:
        return only_rest(self.q)

    @cached_property
    def nature(self) -> Nature:
        return self._x.nature.by(self._y.nature)
