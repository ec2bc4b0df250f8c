r"""What flows through a wide network: second moments of an elementwise function of independent Gaussian fields.

A signal is a column of units for each of P points: inputs, or positions of inputs (:mod:`eoc.layers.pairs`). At
infinite width its units are independent, and what is known of them is

======  ===================================================  ====================================================
``q``   E[x_a^2], (P,)                                       second moment
``m``   E[x_a], (P,)                                         mean over units
``G``   E[(x_a - x_b)^2] / 2, (N,)                           half the squared distance of each of N pairs
``chi`` E[t_a^2], (P,)                                       t: a random tangent pushed forward, E[t^2] = 1 at first
``T``   E[t_a t_b], (N,)                                     the same for pairs
``ntk`` sum of dx_a/dw dx_b/dw over the weights so far, (N,) mapped as T is, and each dense layer adds its own
``dq``  dq/dq_0, ``dm`` dm/dq_0, (P,)                        by the variance of the input
``gap`` q_0 chi - q, (P,)                                    what a block whose chi is 1 lacks of its input
======  ===================================================  ====================================================

``ntk`` is that of parameters w ~ N(0, 1), where a weight is sigma_w / sqrt(fan-in) times one; ``by_weights`` and
``by_biases`` are those of weights, over their fan-in, and of biases themselves.

Tangents of different positions of an input are independent at first, so that the sum of chi over positions is the
squared Frobenius norm of the Jacobian, by all positions, over units.

The covariance of a pair is (q_a + q_b)/2 - G: nothing is ever subtracted from 1, so that G = 1e-100 keeps its digits.
All are computed when they are asked for. Whether two signals are independent is decided by their ``sources``, the
Gaussian fields that their units depend on; what an activation does to a signal is known where that is Gaussian
(``is_gaussian``) or a function ``phi`` of a Gaussian ``root``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from itertools import count
from operator import attrgetter

import numpy as np

from eoc.activations.base import Activation
from eoc.errors import UnsupportedError
from eoc.floats import FloatArray
from eoc.layers.bounded import Bounded, exact
from eoc.layers.law import Law
from eoc.layers.nature import Nature
from eoc.layers.pairs import Pairs
from eoc.layers.split import Split
from eoc.sharing import cached_property

__all__ = ["Products", "Signal", "apart", "fresh_source", "products_behind", "spread"]


Products = Callable[["Signal"], Bounded]  #: what is known of the tangents of pairs of a signal


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
    backward
        What tangents see the slope of in place of phi'; None: phi itself.
    is_gaussian
        Whether its units are Gaussian of mean 0.
    sphere
        The size of the batch whose normalised entries its units are, on a sphere; None: they are no such entries.
    is_input
        Whether it is the input, whose tangents and derivatives by itself are 1.
    """

    root: Signal | None = None
    phi: Activation | None = None
    backward: Activation | None = None
    sphere: float | None = None
    is_gaussian = is_input = False

    def __init__(self, pairs: Pairs, sources: frozenset[int]) -> None:
        self.pairs = pairs
        self.sources = sources

    @property
    def is_root(self) -> bool:
        """Whether expectations of functions of its units are known: it is Gaussian, or on a sphere."""
        return self.is_gaussian or self.sphere is not None

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

    @abstractmethod
    def pushed(self, of: Products) -> Bounded:
        """Products of tangents of pairs, (N,), where those of what this one is made of are ``of``: a linear map."""

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
    def gap(self) -> Bounded:
        """q_0 chi - q without cancellation, q_0 the variance of the input, (P,)."""

    @property
    @abstractmethod
    def split(self) -> Split:
        """The part of q that is proportional to the variance of the input, and the rest."""

    @property
    @abstractmethod
    def nature(self) -> Nature:
        """What holds at every variance of the input."""

    @cached_property
    def T(self) -> Bounded:
        """Products of the tangents of pairs, (N,)."""
        return self.pushed(attrgetter("T"))

    @cached_property
    def ntk(self) -> Bounded:
        """The neural tangent kernel of pairs, (N,): products of the derivatives by all weights and biases so far."""
        return self.pushed(attrgetter("ntk"))

    @cached_property
    def by_weights(self) -> Bounded:
        """The same of weights that are trained themselves, over their fan-in: each dense layer adds E[x_a x_b]."""
        return self.pushed(attrgetter("by_weights"))

    @cached_property
    def by_biases(self) -> Bounded:
        """The same of biases that are trained themselves: each dense layer adds 1."""
        return self.pushed(attrgetter("by_biases"))

    has_law = False  #: whether ``laws`` are known

    def laws(self, knots: tuple[float, ...]) -> tuple[Law, ...]:
        """The law of the units of every single input, in panels that end at the knots."""
        raise UnsupportedError("the law of this signal is not known")

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
        """1 - c of each pair, c = E[x_a x_b] / sqrt(q_a q_b): (G - (sqrt(q_a) - sqrt(q_b))^2/2) / sqrt(q_a q_b).

        Points that are 0 are like each other, and independent of all others.
        """
        roots = self.q.root()
        a, b = self.of_pairs(roots)
        found = (self.G - spread(self, roots, roots) * 0.5) / (a * b)
        if roots.value.all():
            return found
        none = (a.value == 0.0) | (b.value == 0.0)
        value = np.where(none, np.where(a.value == b.value, 0.0, 1.0), found.value)
        return Bounded(value, np.where(none, 0.0, found.error))


def spread(signal: Signal, one: Bounded, two: Bounded) -> Bounded:
    """(one_a - one_b)(two_a - two_b) for each pair; exactly 0 where both points are alike, whose errors they share."""
    (a, b), (c, d) = signal.of_pairs(one), signal.of_pairs(two)
    found = (a - b) * (c - d)
    alike = (a.value == b.value) & (c.value == d.value)
    return Bounded(np.where(alike, 0.0, found.value), np.where(alike, 0.0, found.error))


def products_behind(after: Signal, before: Signal, products: FloatArray) -> FloatArray:
    """What becomes of such products of the tangents of pairs (N,) between two signals: a linear map."""

    def of(x: Signal) -> Bounded:
        return exact(products) if x is before else x.pushed(of)

    return of(after).value


def apart(a: FloatArray, b: FloatArray) -> FloatArray:
    """(sqrt(a) - sqrt(b))^2 / 2: the least half squared distance of points of these variances, without cancellation."""
    return np.asarray(0.5 * ((a - b) / (np.sqrt(a) + np.sqrt(b))) ** 2)


_sources = count()


def fresh_source() -> int:
    """A Gaussian field that nothing else depends on."""
    return next(_sources)
