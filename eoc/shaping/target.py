r"""How much each activation of a network may bend, so that the whole network bends by what is asked for.

The correlation maps of layers in series are composed: slopes at c = 1 multiply, and where they are 1 curvatures add. Of
the map of a network, and of those of its branches alone, the greatest slope (DKS) or curvature (TAT) is to be the
target, as in Martens et al. (2021), section 5, and Zhang et al. (2022). What a block makes of the slope and curvature
of its activations comes from the algebra of layers: the activation is replaced by

.. math:: b_0^{1/2} + b_1^{1/2} x + b_2^{1/2} (x^2 - 1) / 2^{1/2},

whose correlation map at variance 1 is b_0 + b_1 c + b_2 c^2, and two inputs are followed that differ by nearly nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from eoc.activations import Activation, activation
from eoc.errors import EocError, UnsupportedError
from eoc.floats import EPS
from eoc.layers import CloseInput, Network, Signal
from eoc.layers.affine import Dense
from eoc.layers.close import Close
from eoc.layers.elementwise import Elementwise
from eoc.layers.graph import Graph, Op, Repeat
from eoc.layers.norms import Norm
from eoc.layers.reading import Series
from eoc.layers.words import Given, graph_of
from eoc.shaping.conditions import Method

__all__ = ["Part", "bend_of_each", "greatest_is_one", "parts_of", "stand_in", "through"]

Part = tuple[Series, int]  #: items, and how often they are repeated

_LEAST, _MOST = math.log(1e-7), math.log(0.999)  # of the bend of an activation, as logarithms
_AROUND, _ROUNDING = math.log(3.0), 1e-12
_NEAR = np.array([1e-30])  # 1 - c: what is left of 1 - c^2 of it is lost
_KEPT = 1e-9  # of the variance 1 that activations are to see


def bend_of_each(network: Network, phi: Activation, depth: int, method: Method, total: float) -> tuple[float, float]:
    """The kappa (TAT) or eps (DKS) of each activation, and a bound on its relative error.

    Parameters
    ----------
    network
        Whose blocks hold the activation; a free ``dense`` has sigma_w = 1 and sigma_b = 0.
    phi
        The activation that is shaped.
    depth
        Number of blocks.
    method
        "tat" or "dks".
    total
        tau or zeta: the curvature or the slope of the whole network.

    Raises
    ------
    EocError
        If the activation is not in the network, does not see the variance 1 in it, or would have to bend too much.
    UnsupportedError
        If the network adds noise.
    """
    if network.phi is not None:  # plain: the same without a search
        each = total / depth if method == "tat" else math.expm1(math.log(total) / depth)
        return each, 4.0 * EPS
    goal = total if method == "tat" else math.log(total)

    def bend(part: Part, log_each: float) -> tuple[float, float]:
        return _bend(part, network.varies, phi=phi, method=method, each=math.exp(log_each))

    def share(part: Part, log_each: float) -> float:
        return bend(part, log_each)[0] / goal

    def around(log_each: float) -> tuple[float, float]:
        return log_each - _AROUND, min(log_each + _AROUND, _MOST)

    most = max(share(part, _LEAST) for part in parts_of(network, depth))
    guess = _LEAST - math.log(most) if most > 0.0 else _MOST  # shares are nearly proportional to the bend of each
    found = greatest_is_one(parts_of(network, depth), share, around, min(guess, _MOST))
    if found is None:
        raise EocError(
            f"{depth} blocks of {network.name!r} cannot bend by just {total:g}, however {phi.name} is shaped: ask for "
            "another value, or for more blocks"
        )
    off = max(bend(part, found)[1] for part in parts_of(network, depth)) / goal
    return math.exp(found), 2.0 * off + 8.0 * EPS * (1.0 - found)  # a bend is nearly proportional to that of each


def parts_of(network: Network, depth: int) -> list[Part]:
    """The blocks of a network, and what is inside of its residual blocks, gates and sums: each branch is one alone."""
    return [(network.series, depth), *((branch, 1) for branch in _branches(network.series))]


def _branches(series: Series) -> Iterator[Series]:
    for one in series:
        for inside in one.inside:
            yield inside
            yield from _branches(inside)


def greatest_is_one(
    parts: list[Part],
    share: Callable[[Part, float], float],
    around: Callable[[float], tuple[float, float]],
    guess: float,
) -> float | None:
    """Where the greatest share of all parts is 1; None if one is not 1 anywhere ``around`` where it is looked for.

    Which part has it hardly depends on where: seldom more than two are solved for.
    """
    at, shares = guess, [share(part, guess) for part in parts]
    while True:
        most = int(np.argmax(shares))
        found = _where_one(partial(share, parts[most]), *around(at))
        if found is None:
            return None
        at, shares = found, [share(part, found) if i != most else 1.0 for i, part in enumerate(parts)]
        if max(shares) <= 1.0 + _ROUNDING:
            return at


def _where_one(f: Callable[[float], float], low: float, high: float) -> float | None:
    from scipy.optimize import toms748

    if (f(low) - 1.0) * (f(high) - 1.0) > 0.0:
        return None
    return float(toms748(lambda x: f(float(x)) - 1.0, low, high, k=2, xtol=1e-16, rtol=4.0 * EPS))


def through(part: Part, varies: bool, elementwise: Callable[..., Op], x: Signal) -> tuple[Signal, int]:
    """The signal behind a part, and how often that is still to be repeated: blocks that keep the variance 1 go once."""
    series, depth = part

    def block(layer: int) -> Graph:
        return graph_of(series, Given({"l": float(layer), "L": float(depth)}, Dense(1.0), elementwise))

    y = block(1)(x)
    if depth == 1 or (not varies and abs(float(y.q.value[0]) - 1.0) <= _KEPT):
        return y, depth
    return Repeat(block, depth)(x), 1


def _bend(part: Part, varies: bool, *, phi: Activation, method: Method, each: float) -> tuple[float, float]:
    """Logarithm of the slope (DKS), or curvature (TAT), at c = 1 of items that are repeated; a bound on its error."""
    watched = _Watched(Elementwise(stand_in(method, each)))
    y, times = through(part, varies, partial(_op, phi=phi, watched=watched), CloseInput(1.0, _NEAR))
    g, q = y.G, float(y.q.value[0])
    wrong = next((v for v in watched.variances if abs(v - 1.0) > _KEPT), None)
    if wrong is not None:
        raise EocError(
            f"{phi.name} sees the variance {wrong:.6g} in this network, and is shaped for 1: write dense(1), and sums "
            "that keep the variance, such as residual(..., skip=sqrt(1 - 1/4), scale=sqrt(1/4)), or normalise before it"
        )
    if not isinstance(g, Close):
        raise UnsupportedError("this network adds noise, so that equal inputs do not stay equal: shape without it")
    (gain, gain_off), (loss, loss_off) = (map(float, (*one.value, *one.error)) for one in (g.gain, g.loss))
    log_slope, curvature = math.log(gain / q), 2.0 * loss / float(_NEAR[0]) / q
    off = times * (gain_off / gain + float(y.q.error[0]) / q)
    if method == "dks":
        return times * log_slope, off
    growth = math.expm1(times * log_slope) / math.expm1(log_slope) if abs(log_slope) > EPS else float(times)
    whole = curvature * math.exp((times - 1) * log_slope) * growth  # (g o f)'' = g'' f'^2 + g' f''
    return whole, whole * (2.0 * off + loss_off / loss)


@dataclass
class _Watched:
    """The op of the activation, which looks at the variance that it gets, and takes its rounding from it."""

    op: Op
    variances: list[float] = field(default_factory=list)

    def __call__(self, x: Signal) -> Signal:
        self.variances.append(float(x.q.value[0]))
        return self.op(Norm(centred=False)(x))


def _op(one: Activation, backward: Activation | None, *, phi: Activation, watched: _Watched) -> Op:
    """The op of an activation of the network."""
    return watched if one is phi else Elementwise(one, backward)


def stand_in(method: Method, each: float) -> Activation:
    """An activation with the slope 1 + each (DKS), or the slope 1 and the curvature ``each`` (TAT), at variance 1."""
    b0, b1, b2 = (0.5 * each, 1.0 - each, 0.5 * each) if method == "tat" else (0.0, 1.0 - each, each)
    half = math.sqrt(0.5 * b2)
    return activation("polynomial", coefficients=(math.sqrt(b0) - half, math.sqrt(b1), half))
