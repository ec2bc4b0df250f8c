"""What is known behind a step of a model: its signal in the algebra of layers, or why there is none.

Single inputs and pairs are followed apart: the law of relu(x + branch) is known for single inputs and not for pairs.
What the algebra refuses is gone on with as if the signal were Gaussian, of the same second moments, and said so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from eoc.activations import activation
from eoc.activations.algebra import affine
from eoc.errors import UnsupportedError
from eoc.floats import FloatArray
from eoc.layers import Input, Pairs, Signal
from eoc.layers.elementwise import Elementwise
from eoc.layers.inputs import Fresh, Moments
from eoc.layers.positions import Positions

__all__ = ["APART", "GAUSSIAN", "State", "Unknown", "begin", "known", "piece", "through", "without_mean"]

GAUSSIAN = "what an activation takes in is taken for Gaussian"
APART = "what is joined is taken for independent"

_NONE = np.empty(0)
_CENTRED = 1e-3  # share of a mean square that its mean may have, to count as none
_DIGITS = 6
_TINY = 1e-200  # stands for a variance of 0, for which there are no correlations
_ALONE = Pairs.none(strict=False)


@dataclass(frozen=True)
class Unknown:
    """Nothing is known behind a step, for a reason."""

    reason: str


@dataclass(frozen=True, eq=False)
class State:
    """A signal.

    Attributes
    ----------
    single
        Of every input alone, (P,), no pairs.
    paired
        At one point, the mean over the inputs: its pairs are two inputs each, and last two positions of one input.
    neglected
        What was taken for what it is not, on the way here; () where all is exact in wide layers.
    """

    single: Signal
    paired: Signal
    neglected: tuple[str, ...] = ()

    @property
    def power(self) -> float:
        """The mean square, over the inputs."""
        return float(np.mean(self.single.q.value))

    @property
    def one_minus_c(self) -> FloatArray:
        """1 - c of every pair of inputs."""
        return self.paired.one_minus_c.value[:-1]

    @property
    def positions(self) -> Positions:
        """What it is at one position of an input and at two."""
        power, share = self.power, float(self.paired.one_minus_c.value[-1])
        return Positions(power, float(np.mean(self.single.m.value)), power * (1.0 - share))

    def neglecting(self, *what: str) -> State:
        """The same, with what else was neglected."""
        return replace(self, neglected=tuple(dict.fromkeys((*self.neglected, *what))))

    def is_finite(self) -> bool:
        """Whether its power is a number."""
        return bool(np.isfinite(self.single.q.value).all())


def begin(q: FloatArray | float, one_minus_c: FloatArray = _NONE, positions: float = 1.0) -> State:
    """Gaussian inputs.

    Parameters
    ----------
    q
        Their variances >= 0, (P,).
    one_minus_c
        Of pairs of them, (N,).
    positions
        1 - c of two positions of one input; 1 where they are independent.
    """
    variances = np.maximum(np.atleast_1d(np.asarray(q, dtype=float)), _TINY)
    distances = np.append(one_minus_c, positions)
    return State(Input(variances, pairs=_ALONE), Input([variances.mean()], distances, _at_one(distances.size)))


def known(q: FloatArray, m: FloatArray, one_minus_c: FloatArray, neglected: tuple[str, ...] = ()) -> State:
    """Signals of known second moments and means (P,) and of no known law, with 1 - c of all pairs, positions last."""
    paired = Moments([q.mean()], [m.mean()], one_minus_c, _at_one(one_minus_c.size))
    return State(Moments(q, m, np.empty(0), _ALONE), paired, neglected)


def through(op: Callable[..., Signal], *x: State) -> State:
    """What an op makes of signals.

    Where the algebra refuses, of an activation, what it makes of Gaussian ones of the same second moments, and of a sum
    or product, of independent ones.
    """
    neglected = tuple(dict.fromkeys(what for one in x for what in one.neglected))
    instead, what = (_gaussian, GAUSSIAN) if len(x) == 1 else (Fresh, APART)
    try:
        single = op(*(one.single for one in x))
    except UnsupportedError:
        single, neglected = op(*(instead(one.single) for one in x)), (*neglected, what)
    try:
        paired = op(*(one.paired for one in x))
    except UnsupportedError:
        paired = op(*(instead(one.paired) for one in x))
    return State(single, paired, tuple(dict.fromkeys(neglected)))


def piece(x: State) -> State:
    """Other units of the same law."""
    return State(Fresh(x.single), Fresh(x.paired), x.neglected)


def without_mean(x: State) -> State:
    """What is left of signals when the mean of all their units is taken away."""
    share = float(np.mean(x.single.m.value)) ** 2 / x.power if x.power > 0.0 else 0.0
    if not 0.0 < share < 1.0:
        return x
    distances = np.clip(x.paired.one_minus_c.value / (1.0 - share), 0.0, 2.0)
    left = begin(x.single.q.value * (1.0 - share), distances[:-1], float(distances[-1]))
    return left.neglecting(*x.neglected)


def _gaussian(x: Signal) -> Signal:
    """Gaussian units of the same second moments, and of the same mean as far as inputs share one."""
    mean = float(np.mean(x.m.value))
    spread = x.q.value - mean**2
    if mean**2 < _CENTRED * float(np.mean(x.q.value)) or (spread <= 0.0).any():
        return Input(x.q, x.one_minus_c if x.pairs.size else _NONE, x.pairs)
    distances = x.one_minus_c.value * (x.q.value[0] / spread[0]) if x.pairs.size else _NONE
    moved = affine(activation("identity"), 1.0, round(mean, _DIGITS))
    return Elementwise(moved)(Input(spread, np.clip(distances, 0.0, 2.0), x.pairs))


def _at_one(pairs: int) -> Pairs:
    """So many pairs of the one point that there is."""
    return Pairs(np.zeros(pairs, np.int64), np.zeros(pairs, np.int64), strict=False, quick=True)
