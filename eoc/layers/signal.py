r"""What flows through a wide network: second moments of an elementwise function of independent Gaussian fields.

A signal is a column of units for each of P points (inputs). At infinite width its units are independent, and what is
known of them is

======  ===================================================  ====================================================
``q``   E[x_a^2], (P,)                                       second moment
``m``   E[x_a], (P,)                                         mean over units
``G``   E[(x_a - x_b)^2] / 2, (N,)                           half the squared distance of each of N pairs
``chi`` E[t_a^2], (P,)                                       t: a random tangent pushed forward, E[t^2] = 1 at first
``T``   E[t_a t_b], (N,)                                     the same for pairs
``dq``  dq/dq_0, ``dm`` dm/dq_0, (P,)                        by the variance of the input
======  ===================================================  ====================================================

The covariance of a pair is (q_a + q_b)/2 - G: nothing is ever subtracted from 1, so that G = 1e-100 keeps its digits.
All are computed when they are asked for. Whether two signals are independent is decided by their ``sources``, the
Gaussian fields that their units depend on; what an activation does to a signal is known where that is Gaussian
(``is_gaussian``) or a function ``phi`` of a Gaussian ``root``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from itertools import count

import numpy as np
from numpy.typing import ArrayLike

from eoc.activations.base import Activation
from eoc.floats import EPS, FloatArray, IntArray
from eoc.layers.bounded import Bounded, exact
from eoc.layers.close import close
from eoc.layers.nature import OF_INPUTS, Nature
from eoc.sharing import cached_property

__all__ = [
    "ROUNDING",
    "CloseInput",
    "Input",
    "Pairs",
    "Renewed",
    "Signal",
    "Split",
    "apart",
    "fresh_source",
    "only_rest",
    "proportional",
    "spread",
]


ROUNDING = 2.0 * EPS  #: relative, of the gain of one op
_BETTER = 0.25  # of the other bound: that of the parts is usually far larger than their error
_NOTHING = np.empty(0, np.int64)


@dataclass(frozen=True, eq=False)
class Pairs:
    """Which points are compared: the pair k is (first[k], second[k]).

    Where not ``strict``, what cannot be computed is NaN with an infinite error instead of an exception: for scans.
    """

    first: IntArray
    second: IntArray
    strict: bool = True

    @classmethod
    def none(cls, *, strict: bool = True) -> Pairs:
        """Single points."""
        return cls(_NOTHING, _NOTHING, strict)

    @classmethod
    def all_of(cls, points: int) -> Pairs:
        """Every pair a < b."""
        return cls(*np.triu_indices(points, 1))

    @property
    def size(self) -> int:
        """How many there are."""
        return self.first.size


@dataclass(frozen=True, eq=False)
class Split:
    """q = gain q_0 + rest in the variance q_0 of the input, so that q - q_0 = less q_0 + rest loses no digits.

    Attributes
    ----------
    gain, doubt
        gain >= 0, and a bound on its relative error, which is rounding: numbers, or arrays (P,).
    less, less_error
        gain - 1 with its own digits, and a bound on its absolute error.
    rest
        (P,), or 0.
    """

    gain: float | FloatArray
    doubt: float
    less: float | FloatArray
    less_error: float | FloatArray
    rest: Bounded | float

    def affine(self, weight: Bounded | float, bias: Bounded | float) -> Split:
        """That of weight q + bias."""
        rest = self.rest * weight + bias
        if isinstance(weight, float) and weight == 1.0:
            return Split(self.gain, self.doubt, self.less, self.less_error, rest)
        gain = self.gain * (weight if isinstance(weight, float) else weight.value)
        return proportional(gain, self.doubt + ROUNDING, rest)

    def growth(self, q: FloatArray, after: Bounded) -> Bounded:
        """Q' - q from these parts or from q' itself, whichever knows more digits."""
        linear = self.less * q
        rest = self.rest if isinstance(self.rest, Bounded) else exact(self.rest)
        value, direct = linear + rest.value, after.value - q
        error = self.less_error * q + rest.error + EPS * (np.abs(linear) + np.abs(value))
        direct_error = after.error + EPS * np.abs(direct)
        better = direct_error < _BETTER * error
        return Bounded(np.where(better, direct, value), np.where(better, direct_error, error))


def proportional(gain: float | FloatArray, doubt: float, rest: Bounded | float) -> Split:
    """The split with a gain of this relative error."""
    return Split(gain, doubt, gain - 1.0, doubt * gain, rest)


def only_rest(q: Bounded) -> Split:
    """Where no part of q is known to be proportional to the variance of the input."""
    return Split(0.0, 0.0, -1.0, 0.0, q)


class Signal(ABC):
    """A signal; see the module.

    Attributes
    ----------
    pairs
        The pairs of points that ``G`` and ``T`` are of.
    sources
        The independent Gaussian fields that its units depend on.
    root, phi
        Where units are phi(root), root a Gaussian signal; both None where they are not, or where the signal is
        Gaussian itself.
    is_gaussian
        Whether its units are Gaussian of mean 0.
    is_input
        Whether it is the input, whose tangents and derivatives by itself are 1.
    """

    root: Signal | None = None
    phi: Activation | None = None
    is_gaussian = is_input = False

    def __init__(self, pairs: Pairs, sources: frozenset[int]) -> None:
        self.pairs = pairs
        self.sources = sources

    @property
    @abstractmethod
    def q(self) -> Bounded:
        """Second moments, (P,)."""

    @property
    @abstractmethod
    def m(self) -> Bounded:
        """Means over units, (P,)."""

    @property
    @abstractmethod
    def G(self) -> Bounded:
        """Half squared distances of pairs, (N,)."""

    @property
    @abstractmethod
    def chi(self) -> Bounded:
        """Squared size of a tangent that was 1, (P,)."""

    @property
    @abstractmethod
    def T(self) -> Bounded:
        """Products of the tangents of pairs, (N,)."""

    @property
    @abstractmethod
    def dq(self) -> Bounded:
        """Derivative of q by the variance of the input, (P,)."""

    @property
    @abstractmethod
    def dm(self) -> Bounded:
        """Derivative of m by the variance of the input, (P,)."""

    @property
    @abstractmethod
    def split(self) -> Split:
        """The part of q that is proportional to the variance of the input, and the rest."""

    @property
    @abstractmethod
    def nature(self) -> Nature:
        """What holds at every variance of the input."""

    def of_pairs(self, one: Bounded) -> tuple[Bounded, Bounded]:
        """What is known of points, at the first and at the second of each pair."""
        return one[self.pairs.first], one[self.pairs.second]

    @cached_property
    def mean_q(self) -> Bounded:
        """(q_a + q_b)/2 of each pair."""
        a, b = self.of_pairs(self.q)
        return (a + b) * 0.5

    @cached_property
    def k(self) -> Bounded:
        """The covariance E[x_a x_b] of each pair."""
        return self.mean_q - self.G

    @cached_property
    def one_minus_c(self) -> Bounded:
        """1 - c of each pair, c = E[x_a x_b] / sqrt(q_a q_b): (G - (sqrt(q_a) - sqrt(q_b))^2/2) / sqrt(q_a q_b)."""
        roots = self.q.root()
        a, b = self.of_pairs(roots)
        return (self.G - spread(self, roots, roots) * 0.5) / (a * b)


def spread(signal: Signal, one: Bounded, two: Bounded) -> Bounded:
    """(one_a - one_b)(two_a - two_b) for each pair; exactly 0 where both points are alike, whose errors they share."""
    (a, b), (c, d) = signal.of_pairs(one), signal.of_pairs(two)
    found = (a - b) * (c - d)
    alike = (a.value == b.value) & (c.value == d.value)
    return Bounded(np.where(alike, 0.0, found.value), np.where(alike, 0.0, found.error))


def apart(a: FloatArray, b: FloatArray) -> FloatArray:
    """(sqrt(a) - sqrt(b))^2 / 2: the least half squared distance of points of these variances, without cancellation."""
    return np.asarray(0.5 * ((a - b) / (np.sqrt(a) + np.sqrt(b))) ** 2)


_sources = count()


def fresh_source() -> int:
    """A Gaussian field that nothing else depends on."""
    return next(_sources)


class Input(Signal):
    """Gaussian inputs of given variances.

    Parameters
    ----------
    q
        Their variances > 0, (P,), with bounds on their errors or without.
    one_minus_c
        1 - c of each pair, or one for all; the same.
    pairs
        Which points are compared; left out: all.
    """

    is_gaussian = is_input = True

    def __init__(
        self, q: ArrayLike | Bounded, one_minus_c: ArrayLike | Bounded = (), pairs: Pairs | None = None
    ) -> None:
        self._known = q if isinstance(q, Bounded) else exact(np.atleast_1d(np.asarray(q, dtype=float)))
        self._q = self._known.value
        super().__init__(Pairs.all_of(self._q.size) if pairs is None else pairs, frozenset([fresh_source()]))
        self._e = one_minus_c if isinstance(one_minus_c, Bounded) else exact(one_minus_c)

    @property
    def q(self) -> Bounded:
        """Second moments, (P,)."""
        return self._known

    @cached_property
    def m(self) -> Bounded:
        """Means over units, (P,)."""
        return exact(np.zeros(self._q.shape))

    @cached_property
    def G(self) -> Bounded:
        """Half squared distances of pairs, (N,)."""
        a, b = self.of_pairs(self.q)
        least, moved = apart(a.value, b.value), a.error / np.sqrt(a.value) + b.error / np.sqrt(b.value)
        off = np.where(a.value == b.value, 0.0, np.sqrt(2.0 * least) * moved + moved**2 + 4.0 * EPS * least)
        return Bounded(least, off) + (a.root() * b.root()) * self.one_minus_c

    @cached_property
    def one_minus_c(self) -> Bounded:
        """As given."""
        shape = self.pairs.first.shape
        return Bounded(*(np.broadcast_to(part, shape) for part in (self._e.value, self._e.error)))

    @cached_property
    def chi(self) -> Bounded:
        """Squared size of a tangent that was 1, (P,)."""
        return exact(np.ones(self._q.shape))

    @cached_property
    def T(self) -> Bounded:
        """Products of the tangents of pairs, (N,)."""
        return exact(np.ones(self.pairs.size))

    @cached_property
    def dq(self) -> Bounded:
        """Derivative of q by the variance of the input, (P,)."""
        return exact(np.ones(self._q.shape))

    @cached_property
    def dm(self) -> Bounded:
        """Derivative of m by the variance of the input, (P,)."""
        return exact(np.zeros(self._q.shape))

    @cached_property
    def split(self) -> Split:
        """All of q is the input."""
        return Split(1.0, 0.0, 0.0, 0.0, 0.0)

    @property
    def nature(self) -> Nature:
        """That of inputs."""
        return OF_INPUTS


class CloseInput(Input):
    """Two Gaussian inputs of one variance at many distances, whose G and T are :class:`eoc.layers.close.Close`.

    Parameters
    ----------
    q
        Their variance > 0.
    one_minus_c
        1 - c > 0, (N,).
    """

    def __init__(self, q: float, one_minus_c: FloatArray) -> None:
        alone = np.zeros(one_minus_c.size, np.int64)
        super().__init__(q, one_minus_c, Pairs(alone, alone))

    @cached_property
    def G(self) -> Bounded:
        """Half squared distances of pairs, (N,)."""
        return close(self._e.value, 1, self.q, exact(np.zeros(1)))

    @cached_property
    def T(self) -> Bounded:
        """Products of the tangents of pairs, (N,)."""
        return close(self._e.value, 0, exact(np.ones(1)), exact(np.zeros(1)))


def _inverse(chi: Bounded) -> Bounded:
    """1 / chi; 0 where a tangent is infinite, as behind a jump, or nothing is left of it."""
    known = np.isfinite(chi.value) & (chi.value > 0.0)
    inverse = exact(np.ones(known.shape)) / Bounded(np.where(known, chi.value, 1.0), np.where(known, chi.error, 0.0))
    return Bounded(np.where(known, inverse.value, 0.0), np.where(known, inverse.error, 0.0))


class Renewed(Signal):
    """The same signal with tangents of size 1 again, so that those of many blocks neither overflow nor vanish.

    What it is a function of changes with it. Derivatives by the variance of the input stay as they are.
    """

    def __init__(self, x: Signal, factor: Bounded | None = None) -> None:
        super().__init__(x.pairs, x.sources)
        self._x, self._whole = x, factor is None
        self._factor = _inverse(x.chi) if factor is None else factor
        self.is_gaussian, self.phi = x.is_gaussian, x.phi
        self.root = None if x.root is None else Renewed(x.root, self._factor)

    @cached_property
    def q(self) -> Bounded:
        """As it was."""
        return self._x.q

    @cached_property
    def m(self) -> Bounded:
        """As it was."""
        return self._x.m

    @cached_property
    def G(self) -> Bounded:
        """As it was."""
        return self._x.G

    @cached_property
    def chi(self) -> Bounded:
        """1, and of what it is a function of so much that this one has 1."""
        return exact(np.ones(self.q.value.shape)) if self._whole else self._x.chi * self._factor

    @cached_property
    def T(self) -> Bounded:
        """Products of tangents, times the roots of both factors."""
        a, b = self.of_pairs(self._factor)
        return self._x.T * a.root() * b.root()

    @cached_property
    def dq(self) -> Bounded:
        """As it was."""
        return self._x.dq

    @cached_property
    def dm(self) -> Bounded:
        """As it was."""
        return self._x.dm

    @property
    def split(self) -> Split:
        """As it was."""
        return self._x.split

    @property
    def nature(self) -> Nature:
        """As it was."""
        return self._x.nature
