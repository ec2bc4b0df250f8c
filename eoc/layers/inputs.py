"""Where signals begin: inputs of given variances and correlations, and signals whose tangents begin anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from eoc.errors import UnsupportedError
from eoc.floats import EPS, FloatArray
from eoc.layers.bounded import Bounded, exact
from eoc.layers.close import close
from eoc.layers.law import Law
from eoc.layers.nature import OF_INPUTS, Nature
from eoc.layers.pairs import Pairs
from eoc.layers.signal import Products, Signal, apart, fresh_source
from eoc.layers.split import Split
from eoc.sharing import cached_property

__all__ = ["Carried", "CloseInput", "Fresh", "Input", "Moments", "Renewed", "Unknown"]


_NO_PAIRS = exact(())


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
        self, q: ArrayLike | Bounded, one_minus_c: ArrayLike | Bounded = _NO_PAIRS, pairs: Pairs | None = None
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
        first, second = self.of_pairs(self.q.root())
        return Bounded(least, off) + (first * second) * self.one_minus_c

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
        """Products of the tangents of pairs, (N,): those of different positions are independent."""
        return exact(self.pairs.at_one_position.astype(float))

    @cached_property
    def ntk(self) -> Bounded:
        """0: no weights come before."""
        return exact(np.zeros(self.pairs.size))

    @cached_property
    def by_weights(self) -> Bounded:
        """0, as well."""
        return exact(np.zeros(self.pairs.size))

    @cached_property
    def by_biases(self) -> Bounded:
        """0, as well."""
        return exact(np.zeros(self.pairs.size))

    def pushed(self, of: Products) -> Bounded:
        """Nothing is before it."""
        return of(self)

    @cached_property
    def dq(self) -> Bounded:
        """Derivative of q by the variance of the input, (P,)."""
        return exact(np.ones(self._q.shape))

    @cached_property
    def dm(self) -> Bounded:
        """Derivative of m by the variance of the input, (P,)."""
        return exact(np.zeros(self._q.shape))

    @cached_property
    def gap(self) -> Bounded:
        """0: tangents are the signal's own."""
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
    """Pairs of Gaussian inputs of one variance, whose G and T are :class:`eoc.layers.close.Close`.

    Parameters
    ----------
    q
        Their variance > 0, or one for each pair, (N,).
    one_minus_c
        1 - c > 0, (N,); at most 1 where pairs have variances of their own.
    """

    def __init__(self, q: float | FloatArray, one_minus_c: FloatArray) -> None:
        alone = np.zeros(one_minus_c.size, np.int64) if np.ndim(q) == 0 else np.arange(one_minus_c.size)
        super().__init__(q, one_minus_c, Pairs(alone, alone))

    @cached_property
    def G(self) -> Bounded:
        """Half squared distances of pairs, (N,)."""
        return close(self._e.value, 1, self.q, exact(np.zeros(1)))

    @cached_property
    def T(self) -> Bounded:
        """Products of the tangents of pairs, (N,)."""
        return close(self._e.value, 0, exact(np.ones(1)), exact(np.zeros(1)))


class Carried(Input):
    """A Gaussian signal as the input of what follows: its numbers, and not what they were computed from.

    Parameters
    ----------
    x
        The signal.
    kernels
        Those of ``ntk``, ``by_weights`` and ``by_biases`` that are wanted, by name.
    """

    def __init__(self, x: Signal, kernels: Mapping[str, Bounded]) -> None:
        super().__init__(x.q, x.one_minus_c, x.pairs)
        self._distances = Bounded(x.G.value, x.G.error)
        self._kernels = kernels

    @property
    def G(self) -> Bounded:
        """As it was."""
        return self._distances

    @property
    def ntk(self) -> Bounded:
        """As given."""
        return self._kernels["ntk"]

    @property
    def by_weights(self) -> Bounded:
        """As given."""
        return self._kernels["by_weights"]

    @property
    def by_biases(self) -> Bounded:
        """As given."""
        return self._kernels["by_biases"]


class Unknown(Input):
    """An input of which only second moments are known: not its law, nor its mean.

    What can be computed of it holds whatever a block before it hands on.
    """

    is_gaussian = is_input = False

    @property
    def m(self) -> Bounded:
        """Refused."""
        raise UnsupportedError("the mean of this signal is not known")

    @property
    def dm(self) -> Bounded:
        """Refused."""
        raise UnsupportedError("the mean of this signal is not known")


class Moments(Input):
    """An input of which second moments and means are known, and not its law.

    Parameters
    ----------
    q, one_minus_c, pairs
        As of :class:`Input`.
    m
        Means, (P,).
    """

    is_gaussian = is_input = False

    def __init__(
        self, q: ArrayLike | Bounded, m: ArrayLike, one_minus_c: ArrayLike | Bounded, pairs: Pairs | None = None
    ) -> None:
        super().__init__(q, one_minus_c, pairs)
        self._m = exact(np.broadcast_to(np.asarray(m, dtype=float), self._q.shape))

    @property
    def m(self) -> Bounded:
        """As given."""
        return self._m


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
        self.is_gaussian, self.sphere, self.phi, self.backward = x.is_gaussian, x.sphere, x.phi, x.backward
        self.root = None if x.root is None else Renewed(x.root, self._factor)
        self.has_law = x.has_law

    def laws(self, knots: tuple[float, ...]) -> tuple[Law, ...]:
        """As they were, with other tangents."""
        both = zip(self._x.laws(knots), self._factor.value, strict=True)
        return tuple(replace(law, tangents=law.tangents * factor) for law, factor in both)

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

    def pushed(self, of: Products) -> Bounded:
        """Products of tangents, times the roots of both factors."""
        a, b = self.of_pairs(self._factor)
        return of(self._x) * a.root() * b.root()

    @cached_property
    def dq(self) -> Bounded:
        """As it was."""
        return self._x.dq

    @cached_property
    def dm(self) -> Bounded:
        """As it was."""
        return self._x.dm

    @property
    def gap(self) -> Bounded:
        """With the other tangents."""
        return (self._x.gap + self._x.q) * self._factor - self._x.q

    @property
    def split(self) -> Split:
        """As it was."""
        return self._x.split

    @property
    def nature(self) -> Nature:
        """As it was."""
        return self._x.nature


class Fresh(Renewed):
    """The same signal of other units, which share nothing with it: another piece of what a layer hands on."""

    def __init__(self, x: Signal) -> None:
        super().__init__(x, exact(np.ones(1)))
        self.sources = frozenset([fresh_source()])
        self.root = None if x.root is None else Fresh(x.root)
