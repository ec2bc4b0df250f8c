r"""Where the tokens of an input end behind many blocks with attention: at one direction, or apart from each other.

Of tokens that are all alike, of second moment q and correlation c, a block makes others. Near c = 1 the distances
between tokens grow like exp(lambda_a) in a block,

.. math:: \lambda_a = \lim_{c \to 1} \ln \frac{1 - c'}{1 - c},

the *angle exponent* (Cowsik et al. 2024): below 0 tokens collapse to one, above they spread until they have the
correlation c* with each other. With normalisation behind every skip, attention of weight u sigma_w^2 adds the same to
all tokens and dilutes what differs,

.. math:: \lambda_a = \ln \frac{1 + u_f \sigma_1^2 \sigma_2^2 D(\sigma_1^2)}{1 + u_f \sigma_2^2 V(\sigma_1^2)}
          - \ln(1 + u \sigma_w^2),

whatever the scores; here it follows from the algebra, for any block. Squared gradients grow like the larger eigenvalue
of what a block does to the products of tangents of a token with itself and with another one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from eoc.errors import AccuracyError, EocError
from eoc.floats import EPS, FloatArray
from eoc.layers import Graph, Input, Network, Signal, network
from eoc.layers.attention import Attention
from eoc.layers.group import Group
from eoc.layers.signal import products_behind

__all__ = ["SettledTokens", "angle_exponent", "deep_attention", "settled_tokens"]

_MOST = 5000  # blocks
_STILL = 16.0 * EPS  # relative change of q in a block
_LARGEST = 1e100  # of q
_SOONEST, _STEADY = 8, 1e-9  # after so many blocks, what they add is the same, relatively
_CLOSE = 1e-34  # 1 - c, in place of its limit 0: kinks change distances by its root
_NEAREST = 1e-12  # 1 - c* that is told from 0
_TOLERANCE = 4e-15


@dataclass(frozen=True)
class SettledTokens:
    """Where tokens that are all alike end.

    Attributes
    ----------
    name, tokens
        The network, and how many tokens attention is among.
    q, q_error
        The second moment that blocks keep.
    exponent, exponent_error
        lambda_a: the logarithm of the factor by which distances between close tokens grow in a block.
    c_star, c_star_error
        The correlation of two tokens in the end: 1 where they collapse.
    growth
        By what squared gradients grow in a block there.
    """

    name: str
    tokens: int
    q: float
    q_error: float
    exponent: float
    exponent_error: float
    c_star: float
    c_star_error: float
    growth: float

    @property
    def phase(self) -> str:
        """Ordered where tokens collapse, chaotic where they spread, critical where that cannot be told."""
        if abs(self.exponent) <= self.exponent_error:
            return "critical"
        return "ordered" if self.exponent < 0.0 else "chaotic"


def settled_tokens(source: object, sigma_w: float | None = None, sigma_b: float = 0.0) -> SettledTokens:
    """Where the tokens of a network with attention end.

    Parameters
    ----------
    source
        A network, as :func:`eoc.network` makes it, or its text: one of its blocks, again and again.
    sigma_w, sigma_b
        Of its free ``dense``, if it has one.

    Raises
    ------
    EocError
        Without attention; where blocks differ, or second moments grow without end, as they do where blocks are
        normalised before.
    AccuracyError
        If second moments are still on their way after 5000 blocks.

    Examples
    --------
    >>> found = settled_tokens("transformer_postnorm")
    >>> found.phase, round(found.exponent, 6), found.c_star
    ('ordered', -0.671884, 1.0)
    >>> spread = settled_tokens("postnorm(attention(64), scale=0.4), postnorm(dense(2), tanh, dense(sqrt(2)))")
    >>> spread.phase, round(spread.exponent, 6), spread.c_star < 1.0
    ('chaotic', 0.145926, True)
    """
    made = network(source)
    if made.group is None or made.group.tokens is None:
        raise EocError(f"{made.name!r} has no attention, whose tokens it could be about: see eoc.phase_of")
    if made.varies:
        raise EocError(f"the blocks of {made.name!r} differ from layer to layer: follow tokens with eoc.propagate")
    return _settled(made, _Block(made.block(sigma_w, sigma_b), made.group, made.name))


def angle_exponent(source: object, sigma_w: float | None = None, sigma_b: float = 0.0) -> float:
    """lambda_a of one block of a network with attention; parameters and errors as of :func:`settled_tokens`.

    Examples
    --------
    >>> angle_exponent("postnorm(attention(8)), postnorm(dense(1), relu, dense(sqrt(2)))")  # -log 2  # doctest: +NUMBER
    -0.693147180560
    """
    return settled_tokens(source, sigma_w, sigma_b).exponent


def deep_attention(tokens: int, c: float, sigma_w: float = 1.0, q: float = 1.0) -> tuple[float, float]:
    r"""Second moment and correlation behind L blocks x + attention(x)/sqrt(L) of equal weights, as L grows.

    What differs between tokens, q (1 - c), is kept, and what they share grows with their mean m = q (1 + (T - 1) c)/T:

    .. math:: q' = m\, e^{\sigma_w^2} + q (1 - c) \frac{T - 1}{T}, \qquad 1 - c' = \frac{q (1 - c)}{q'} .

    Tokens do not collapse then: Noci et al. (2022).

    Parameters
    ----------
    tokens
        T >= 1.
    c
        The correlation of any two tokens, from -1/(T - 1) to 1.
    sigma_w
        sigma_V sigma_O >= 0, of values and outputs.
    q
        The second moment > 0 of a token.

    Raises
    ------
    EocError
        For numbers out of range.

    Examples
    --------
    >>> [round(one, 9) for one in deep_attention(8, 0.2)]
    [1.515484549, 0.47211603]
    """
    op = Attention(tokens, sigma_w)
    if not 0.0 < q < np.inf:
        raise EocError(f"q must be a second moment > 0, got {q!r}")
    if not -1.0 <= (op.tokens - 1) * c <= op.tokens - 1:
        raise EocError(f"{op.tokens:g} tokens can have correlations from -1/(T - 1) to 1 with each other, got {c!r}")
    apart, mean = q * (1.0 - c), q * (1.0 + (op.tokens - 1) * c) / op.tokens
    after = mean * float(np.exp(op.sigma_w**2)) + apart * (op.tokens - 1) / op.tokens
    return after, 1.0 - apart / after


@dataclass(frozen=True)
class _Block:
    """A block, and the tokens that it mixes."""

    op: Graph
    group: Group
    name: str

    def inputs(self, q: float, e: float) -> Signal:
        """Tokens of this second moment and 1 - c."""
        return Input([q], [0.0, e], self.group.pairs)

    def kept(self, e: float) -> tuple[float, float]:
        """The second moment that is kept at this 1 - c, and a bound on its error."""
        q, last = 1.0, 0.0
        for number in range(_MOST):
            found = self.op(self.inputs(q, e)).q
            after, added = float(found.value[0]), float(found.value[0]) - q
            if abs(added) <= _STILL * after:
                return after, float(found.error[0]) + abs(added)
            grows = number >= _SOONEST and added > 0.0 and abs(added - last) <= _STEADY * added
            if grows or not 0.0 < after < _LARGEST:
                break
            q, last = after, added
        raise AccuracyError(
            f"second moments of tokens are not kept by blocks of {self.name!r}, q = {q:.3g} after some: then distances "
            "follow no exponent; normalise behind the skip (postnorm), or follow tokens with eoc.propagate"
        )

    def log_ratio(self, log_e: float) -> float:
        """log((1 - c')/(1 - c))."""
        e = float(np.exp(log_e))
        return float(np.log(self.op(self.inputs(self.kept(e)[0], e)).one_minus_c.value[1]) - log_e)

    def growth(self, q: float, e: float) -> float:
        """The larger eigenvalue of the map of products of tangents."""
        before = self.inputs(q, e)
        after = self.op(before)
        columns: list[FloatArray] = [products_behind(after, before, one) for one in np.eye(2)]
        return float(np.abs(np.linalg.eigvals(np.stack(columns, axis=1))).max())


def _settled(made: Network, block: _Block) -> SettledTokens:
    q, q_error = block.kept(0.0)
    close = block.op(block.inputs(q, _CLOSE)).one_minus_c
    with np.errstate(divide="ignore"):
        exponent = float(np.log(close.value[1] / _CLOSE))
    error = float(close.error[1] / close.value[1]) if close.value[1] > 0.0 else 0.0
    error += q_error / q + 4.0 * EPS
    e, e_error = 0.0, 0.0
    tokens = int(block.group.size)
    if exponent > error:
        low, high = np.log(_NEAREST), np.log(tokens / (tokens - 1.0)) if tokens > 1 else 0.0
        if block.log_ratio(low) > 0.0 > block.log_ratio(high):
            log_e = float(brentq(block.log_ratio, low, high, xtol=_TOLERANCE, rtol=_TOLERANCE))
            e = float(np.exp(log_e))
            slope = abs(block.log_ratio(log_e + 1e-4) - block.log_ratio(log_e - 1e-4)) / 2e-4
            e_error = e * (error / max(slope, EPS) + _TOLERANCE)
            q, q_error = block.kept(e)
    return SettledTokens(
        name=made.name,
        tokens=tokens,
        q=q,
        q_error=q_error,
        exponent=exponent,
        exponent_error=error,
        c_star=1.0 - e,
        c_star_error=e_error,
        growth=block.growth(q, e),
    )
