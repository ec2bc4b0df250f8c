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

Normalised before the branches, second moments grow by the same A in every block, and what a block does to all else
falls like 1/q: 1 - c of close tokens and squared gradients go like powers of q,

.. math:: p = \lim_{q \to \infty} \frac{q}{A} \Bigl(\frac{1 - c'}{1 - c} - 1\Bigr) .
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eoc.errors import AccuracyError, EocError
from eoc.floats import EPS, FloatArray
from eoc.layers import Graph, Input, Network, Signal, network
from eoc.layers.attention import Attention
from eoc.layers.group import Group
from eoc.layers.signal import products_behind
from eoc.shown import Shown

__all__ = ["SettledTokens", "angle_exponent", "deep_attention", "settled_tokens"]

_MOST = 5000  # blocks
_STILL = 16.0 * EPS  # relative change of q in a block
_LARGEST = 1e100  # of q
_SOONEST, _STEADY = 8, 1e-9  # after so many blocks, what they add is the same, relatively
_CLOSE = 1e-34  # 1 - c, in place of its limit 0: kinks change distances by its root
_FAR = 1e5  # q where what blocks do is taken to fall like 1/q
_NEAREST = 1e-12  # 1 - c* that is told from 0
_TOLERANCE = 4e-15


@dataclass(frozen=True)
class SettledTokens(Shown, report="tokens.write_tokens"):
    """Where tokens that are all alike end.

    Attributes
    ----------
    name, tokens
        The network, and how many tokens attention is among.
    q, q_error
        The second moment that blocks keep; infinite where it grows.
    exponent, exponent_error
        lambda_a: the logarithm of the factor by which distances between close tokens grow in a block.
    c_star, c_star_error
        The correlation of two tokens in the end: 1 where they collapse, NaN where second moments grow and they do not.
    growth
        By what squared gradients grow in a block there.
    amount
        By what a block raises q, where it grows; 0 where it is kept.
    power, gradient_power
        Of q: like which 1 - c of close tokens and squared gradients go then; 0 where it is kept. To about 1e-8.
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
    amount: float = 0.0
    power: float = 0.0
    gradient_power: float = 0.0

    @property
    def phase(self) -> str:
        """Ordered where tokens collapse, chaotic where they spread, critical where neither is told; or divergent."""
        if self.q == np.inf:
            return "divergent"
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
        Without attention, or where blocks differ.
    AccuracyError
        If second moments come to no end within 5000 blocks and do not grow by the same in each of them.

    Examples
    --------
    >>> found = settled_tokens("transformer_postnorm")
    >>> found.phase, round(found.exponent, 6), found.c_star
    ('ordered', -0.671884, 1.0)
    >>> spread = settled_tokens("postnorm(attention(64), scale=0.4), postnorm(dense(2), tanh, dense(sqrt(2)))")
    >>> spread.phase, round(spread.exponent, 6), spread.c_star < 1.0
    ('chaotic', 0.145926, True)
    >>> grows = settled_tokens("transformer")  # 1 - c and squared gradients go like these powers of q
    >>> grows.phase, round(grows.amount, 6), round(grows.power, 6), round(grows.gradient_power, 6)
    ('divergent', 1.425221, -0.680154, 1.021491)
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
        """The second moment that is kept at this 1 - c, and a bound on its error; or infinity, and what blocks add."""
        q, last = 1.0, 0.0
        for number in range(_MOST):
            found = self.op(self.inputs(q, e)).q
            after, added = float(found.value[0]), float(found.value[0]) - q
            if abs(added) <= _STILL * after:
                return after, float(found.error[0]) + abs(added)
            if number >= _SOONEST and added > 0.0 and abs(added - last) <= _STEADY * added:
                return np.inf, added
            if not 0.0 < after < _LARGEST:
                break
            q, last = after, added
        raise AccuracyError(
            f"second moments of tokens come to no end in blocks of {self.name!r}, q = {q:.3g} after some: normalise, "
            "or follow tokens with eoc.propagate"
        )

    def log_ratio(self, log_e: float) -> float:
        """log((1 - c')/(1 - c))."""
        e = float(np.exp(log_e))
        return float(np.log(self.op(self.inputs(self.kept(e)[0], e)).one_minus_c.value[1]) - log_e)

    def powers(self, amount: float) -> tuple[float, float]:
        """Of q, like which 1 - c of close tokens and squared gradients go: terms of order 1/q cancel."""
        found = []
        for q in (_FAR, 2.0 * _FAR):
            e = float(self.op(self.inputs(q, _CLOSE)).one_minus_c.value[1])
            found.append([(ratio - 1.0) * q / amount for ratio in (e / _CLOSE, self.growth(q, 0.0))])
        power, gradient_power = 2.0 * np.array(found[1]) - np.array(found[0])
        return float(power), float(gradient_power)

    def growth(self, q: float, e: float) -> float:
        """The larger eigenvalue of the map of products of tangents."""
        before = self.inputs(q, e)
        after = self.op(before)
        columns: list[FloatArray] = [products_behind(after, before, one) for one in np.eye(2)]
        return float(np.abs(np.linalg.eigvals(np.stack(columns, axis=1))).max())


def _settled(made: Network, block: _Block) -> SettledTokens:
    tokens = int(block.group.size)
    q, q_error = block.kept(0.0)
    if q == np.inf:
        power, gradients = block.powers(q_error)
        c_star = 1.0 if power < 0.0 else np.nan
        return SettledTokens(made.name, tokens, q, 0.0, 0.0, 0.0, c_star, 0.0, 1.0, q_error, power, gradients)
    close = block.op(block.inputs(q, _CLOSE)).one_minus_c
    with np.errstate(divide="ignore"):
        exponent = float(np.log(close.value[1] / _CLOSE))
    error = float(close.error[1] / close.value[1]) if close.value[1] > 0.0 else 0.0
    error += q_error / q + 4.0 * EPS
    e, e_error = 0.0, 0.0
    if exponent > error:
        low, high = np.log(_NEAREST), np.log(tokens / (tokens - 1.0)) if tokens > 1 else 0.0
        if block.log_ratio(low) > 0.0 > block.log_ratio(high):
            from scipy.optimize import brentq

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
