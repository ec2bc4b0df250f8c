r"""Attention at initialisation: tokens become means of each other, by weights that scores decide.

Of T tokens x_i, head h makes softmax(scores) x W_V, and all heads together, times W_O, are what attention hands on:
Gaussian units with covariances

.. math:: k'_{ab} = \sigma_w^2\, E \sum_{ij} A_{ai} A_{bj} k_{ij}, \qquad \sigma_w = \sigma_V \sigma_O .

Scores are products of queries and keys over the root of their number of units, which are many: Gaussian themselves,

.. math:: \mathrm{cov}(s_{ai}, s_{bj}) = \beta^2 k_{ab} k_{ij}, \qquad \beta = \sigma_Q \sigma_K .

Where any two tokens have the second moments q and c q, only differences of scores count, of variance
s^2 = beta^2 q^2 (1 - c), and with a and b of :mod:`eoc.gaussian.softmax`

.. math:: q' = \sigma_w^2 (q - (1 - a(s^2))\, G), \qquad G' = \sigma_w^2 (a(s^2) - b(s^2, c))\, G, \; G = q (1 - c):

close tokens become one, 1 - c' ~ beta^2 q^2 (T - 1)/T^2 (1 - c)^3. At beta = 0, as with scores divided by the number of
units itself, all weights are 1/T, whatever the tokens: A k A^T, for tangents too (:mod:`eoc.layers.mixing`).

Tangents of products chi, of a token with itself, and T, with another one, move tokens and, through queries and keys,
scores. With d_r = E sum_jk (dA_k/ds_j)(dB_k/ds_j) of queries of correlation r, b'(r)/s^2,

.. math:: \chi' = \sigma_w^2 \bigl(T + (\chi - T) a + \beta^2 G\, (\chi G + (\chi - T) q)\, d_1\bigr), \qquad
          T' = \sigma_w^2 \bigl(T + (\chi - T) b + \beta^2 G\, (T G + (\chi - T) c q)\, d_c\bigr) .

This is the mean over heads, exact for infinitely many. With H heads the covariances are random, with standard
deviations in proportion to 1/sqrt(H).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from eoc.errors import EocError, UnsupportedError
from eoc.floats import FloatArray
from eoc.gaussian.softmax import sensitivity, separation, squares
from eoc.layers.affine import Dense, checked_sigma
from eoc.layers.bounded import Bounded, exact
from eoc.layers.graph import serial
from eoc.layers.mixing import Mix, Positional
from eoc.layers.nature import Nature
from eoc.layers.pairs import Layout
from eoc.layers.signal import Products, Signal, fresh_source
from eoc.sharing import cached_property

__all__ = ["Attention", "collapse_constant"]

_MOST_TOKENS = 10**9
_STEEP = 4.0  # |d log a|, |d log (a - b)| by d log s^2 are less than 1 + 4 s^2


@dataclass(frozen=True)
class Attention:
    """Attention among so many tokens.

    Attributes
    ----------
    tokens
        T >= 1.
    sigma_w
        sigma_V sigma_O >= 0: of values and outputs, times the roots of their fan-ins.
    beta
        sigma_Q sigma_K >= 0, of queries and keys; 0 for scores without any spread.
    heads
        In networks of finite width; 0 for as many as there are units, whose scores have infinitely many units. Theory
        is that of infinitely many heads.
    causal
        Whether tokens see only themselves and those before them, which makes them different from each other.
    """

    tokens: float
    sigma_w: float = 1.0
    beta: float = 0.0
    heads: float = 0
    causal: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.tokens <= _MOST_TOKENS or self.tokens != int(self.tokens):
            raise EocError(f"tokens must be a whole number from 1 to {_MOST_TOKENS}, got {self.tokens:g}")
        checked_sigma("sigma_w", self.sigma_w)
        checked_sigma("beta (sigma_Q sigma_K of queries and keys)", self.beta)
        if not self.heads >= 0 or self.heads != int(self.heads):
            raise EocError(f"heads must be a whole number >= 0, 0 for infinitely many; got {self.heads:g}")

    @property
    def uniform(self) -> FloatArray:
        """The weights of scores without spread, (T, T)."""
        seen = np.ones((int(self.tokens), int(self.tokens)))
        seen = np.tril(seen) if self.causal else seen
        return np.asarray(seen / seen.sum(axis=1, keepdims=True))

    def __call__(self, x: Signal) -> Signal:
        """The signal behind it."""
        if x.pairs.layout in (Layout.ALIGNED, Layout.OFFSETS):
            raise UnsupportedError("attention mixes positions, of which every pair has to be known: pairs='every'")
        if x.pairs.layout not in (Layout.TOKENS, Layout.EVERY) or not x.pairs.positions:
            raise UnsupportedError(
                "attention mixes tokens: what becomes of one depends on what it shares with the others, and variances "
                "alone do not say it. eoc.settled_tokens says where tokens end, eoc.propagate follows them, eoc.verify "
                "samples them"
            )
        if x.pairs.places != self.tokens:
            raise UnsupportedError(f"this attention is among {self.tokens:g} tokens, but inputs have {x.pairs.places}")
        if x.pairs.layout is Layout.EVERY and self.beta == 0.0:
            return serial([Dense(1.0), Mix(self.uniform, x.pairs.positions), Dense(self.sigma_w)])(x)
        if x.pairs.layout is Layout.EVERY:
            raise UnsupportedError(
                "the softmax of tokens that differ from each other is not known: take tokens of one variance of which "
                "any two have the same correlation, or beta=0"
            )
        if self.causal:
            raise UnsupportedError(
                "with a causal mask tokens are not alike, as each sees another number of them: follow every token, "
                "with the correlations of them all"
            )
        return _Attended(x, self)


class _Attended(Positional):
    """Of tokens that are alike: points are inputs, pairs a token with itself and with another one."""

    is_gaussian = True

    def __init__(self, x: Signal, op: Attention) -> None:
        super().__init__(x.pairs, frozenset([fresh_source()]))
        self._x, self._op, self._weight = x, op, op.sigma_w**2

    def _other(self, one: Bounded) -> Bounded:
        """What is known of a token and another one."""
        return one[np.arange(self.pairs.size // 2, self.pairs.size)]

    def _both(self, own: Bounded, other: Bounded) -> Bounded:
        """That of pairs."""
        value, error = (np.concatenate(parts) for parts in ((own.value, other.value), (own.error, other.error)))
        return Bounded(value, error)

    @cached_property
    def _apart(self) -> Bounded:
        """G of tokens that differ."""
        return self._other(self._x.G)

    @cached_property
    def _spread(self) -> Bounded:
        """s^2."""
        return self._x.q * self._apart * self._op.beta**2

    @cached_property
    def _squares(self) -> Bounded:
        """a, as it is for each input."""
        found = [squares(int(self._op.tokens), float(s)) for s in self._spread.value]
        return self._with_error([float(one.value) for one in found], [float(one.error) for one in found], 0.0)

    @cached_property
    def _separation(self) -> Bounded:
        """Half the squared distance of the weights of two tokens, for each input."""
        e = self._other(self._x.one_minus_c)
        both = zip(self._spread.value, np.clip(e.value, 0.0, 2.0), strict=True)
        found = [separation(int(self._op.tokens), float(s), float(one)) for s, one in both]
        own = self._with_error([float(one.value) for one in found], [float(one.error) for one in found], 1.0)
        return Bounded(own.value, own.error + own.value * _relative(e))

    def _with_error(self, value: list[float], error: list[float], power: float) -> Bounded:
        """What goes like s^(2 power) at first, with what the error of s^2 makes of it."""
        found, s = np.array(value), self._spread
        moved = (power + _STEEP * s.value) * _relative(s)
        return Bounded(found, np.array(error) + found * moved)

    @cached_property
    def q(self) -> Bounded:
        return (self._x.q - self._apart * (exact(np.ones(1)) - self._squares)) * self._weight

    @cached_property
    def G(self) -> Bounded:
        none = exact(np.zeros(self.pairs.size // 2))
        other = none if self._op.beta == 0.0 else self._apart * self._separation * self._weight
        return self._both(none, other)

    @cached_property
    def m(self) -> Bounded:
        return exact(np.zeros(self._x.q.value.shape))

    @cached_property
    def dm(self) -> Bounded:
        return self.m

    @cached_property
    def _moved(self) -> tuple[Bounded, Bounded]:
        """By how much weights of a query, and of two of them, move with scores, times sigma_w^2 beta^2 G."""
        tokens, e = int(self._op.tokens), np.clip(self._other(self._x.one_minus_c).value, 0.0, 2.0)
        own, other = (
            self._with_error([float(one.value) for one in found], [float(one.error) for one in found], 0.0)
            * self._apart
            * (self._weight * self._op.beta**2)
            for found in (
                [sensitivity(tokens, float(s), 0.0) for s in self._spread.value],
                [sensitivity(tokens, float(s), float(one)) for s, one in zip(self._spread.value, e, strict=True)],
            )
        )
        return own, other

    def _pushed(self, own: Bounded, other: Bounded) -> tuple[Bounded, Bounded]:
        """Products of tangents of a token with itself and with another one, from those before."""
        apart, a = own - other, self._squares
        mean = other + apart * a, other + apart * (a - self._separation)
        moved = own * self._apart + self._x.q * apart, other * self._apart + (self._x.q - self._apart) * apart
        one, two = (part * self._weight + by * s for part, by, s in zip(mean, moved, self._moved, strict=True))
        return one, two

    @cached_property
    def chi(self) -> Bounded:
        return self._pushed(self._x.chi, self._other(self._x.T))[0]

    def pushed(self, of: Products) -> Bounded:
        before = of(self._x)
        return self._both(*self._pushed(before[np.arange(self.pairs.size // 2)], self._other(before)))

    @cached_property
    def ntk(self) -> Bounded:
        """That of all before it, and of its own: values, outputs, and queries and keys, which move the scores."""
        k = self._x.q, self._x.q - self._apart
        scores = self._both(*(one * self._apart * s for one, s in zip(k, self._moved, strict=True)))
        return super().ntk + self.k * 2.0 + scores * 2.0

    @cached_property
    def nature(self) -> Nature:
        before = self._x.nature
        scales = self._op.beta == 0.0 or before.degree == 0.0
        return self._of_unknown_size(replace(before, degree=before.degree if scales else None))


def _relative(one: Bounded) -> FloatArray:
    return np.where(one.value > 0.0, one.error / np.where(one.value > 0.0, one.value, 1.0), 0.0)


def collapse_constant(tokens: int, beta: float = 1.0, q: float = 1.0) -> float:
    r"""By what attention makes the distance of close tokens collapse: the limit of (1 - c')/(1 - c)^3 as c -> 1.

    .. math:: \beta^2 q^2 (T - 1)/T^2 .

    The cubic law is the constant behind the rank collapse of Dong, Cordonnier and Loukas (2021), where it is a bound:
    without skips the logarithm of 1 - c triples with every layer.

    Parameters
    ----------
    tokens
        T >= 1.
    beta
        sigma_Q sigma_K >= 0, of queries and keys.
    q
        The second moment >= 0 of a token.

    Raises
    ------
    EocError
        For numbers out of range.

    Examples
    --------
    >>> collapse_constant(2), collapse_constant(64, beta=2.0)
    (0.25, 0.0615234375)
    """
    op = Attention(tokens, beta=beta)
    if not 0.0 <= q < np.inf:
        raise EocError(f"q must be a second moment >= 0, got {q!r}")
    return (op.beta * q) ** 2 * (op.tokens - 1) / op.tokens**2
