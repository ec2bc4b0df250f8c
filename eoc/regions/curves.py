r"""A curve through wide networks: what becomes of its points, and of its velocity.

Along a curve x(t) the units of a signal are independent copies of one process. Of it flow

.. math:: q = E[x^2], \qquad r = E[x x'] = q'/2, \qquad g = E[x'^2],

the first two by the algebra of layers, with r = dq/dq_0 times that of the input, and g by

====================  =====================================================================================
activation            g D(q) + 2 r^2 D'(q),  D(q) = E[phi'^2]: x' is r x / q and, independent of x, the rest
dense                 sigma_w^2 g
a x                   a^2 g
x + y, independent    g_x + g_y + 2 m_x' m_y'
x y, independent      g_x q_y + 2 r_x r_y + q_x g_y
normalisation         (g - m'^2)/s^2 - 2 k^2/s^4 + k^2 v/s^6,  v = q - m^2, s^2 = v + eps, k = r - m m'
====================  =====================================================================================

Where an activation takes in a Gaussian signal, its units cross a level tau at the rate (Kac, Rice)

.. math:: N(\tau; 0, q) \; E|N(r \tau / q, \; g - r^2/q)|.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import erf

from eoc.activations.base import Activation
from eoc.errors import UnsupportedError
from eoc.layers.affine import Dense, Scale
from eoc.layers.bounded import Bounded, exact
from eoc.layers.elementwise import Elementwise
from eoc.layers.graph import Graph, Op, Repeat
from eoc.layers.inputs import Input
from eoc.layers.joined import Product, Sum
from eoc.layers.norms import Norm
from eoc.layers.pairs import Pairs
from eoc.layers.point_moments import by_differences, moments_at
from eoc.layers.signal import Signal
from eoc.regions.pieces import straight

__all__ = ["Curve", "Visit", "crossing_rate", "followed", "start"]


@dataclass(frozen=True)
class Curve:
    """A signal along a curve.

    Attributes
    ----------
    signal
        At P points of the curve.
    speed
        g, (P,).
    drift
        r of the input that the signal is computed from, (P,).
    """

    signal: Signal
    speed: Bounded
    drift: Bounded

    @property
    def r(self) -> Bounded:
        """E[x x'], (P,)."""
        return self.signal.dq * self.drift

    @property
    def mean_speed(self) -> Bounded:
        """m', (P,)."""
        return self.signal.dm * self.drift * 2.0


_LEAST = 1e-250  # variances of which moments are known, with room for a layer
_NOTHING = 740.0  # exp(-740) is no double

Visit = Callable[[Activation, Curve], None]  #: told every activation and what it takes in


def start(q: Bounded, r: Bounded, g: Bounded) -> Curve:
    """A Gaussian curve with these moments."""
    return Curve(Input(q, pairs=Pairs.none()), g, r)


def followed(block: Graph, x: Curve, visit: Visit) -> Curve:
    """The curve behind a block; Gaussian ones begin anew, so that any number of blocks can follow.

    Where the block scales with its input, all knots are at 0, and the curve is brought to variance 1 everywhere: zeros
    stay where they are.

    Raises
    ------
    UnsupportedError
        For layers through which curves are not followed, activations of what is not Gaussian, and variances that
        vanish.
    """
    out = _graph(block, [x], visit)
    if not out.signal.is_gaussian:
        return out
    q, r, g = out.signal.q, out.r, out.speed
    if out.signal.nature.degree == 1.0:
        ones = np.ones(q.value.shape)
        return start(exact(ones), exact(0.0 * ones), g / q - (r / q) * (r / q))
    if q.value.min() < _LEAST:
        raise UnsupportedError(
            f"the variance has fallen to {q.value.min():.2g}, where nothing is left of inputs: take fewer layers, or a "
            "bias"
        )
    return start(q, r, g)


def crossing_rate(x: Curve, tau: float) -> Bounded:
    """How often a unit crosses tau, by unit of the parameter of the curve, (P,)."""
    q, r, g = x.signal.q, x.r, x.speed
    mean, spread = r * tau / q, (g - r * (r / q)).root()
    off = mean.error + np.sqrt(2.0 / np.pi) * spread.error
    with np.errstate(divide="ignore", invalid="ignore", under="ignore", over="ignore"):
        ratio = np.where(spread.value > 0.0, mean.value / (np.sqrt(2.0) * spread.value), np.inf * np.sign(mean.value))
        ratio = np.nan_to_num(ratio, nan=0.0, posinf=np.inf, neginf=-np.inf)
        size = spread.value * np.sqrt(2.0 / np.pi) * np.exp(-(ratio**2)) + mean.value * erf(ratio)
        far = 0.5 * tau**2 / q.value
        density = np.exp(-far) / np.sqrt(2.0 * np.pi * q.value)
        of_density = density * (far + 0.5) * q.error / q.value
    if tau and not np.all(far < _NOTHING):  # the variance is nothing beside the knot
        near = far < _NOTHING
        density, of_density, size, off = (np.where(near, one, 0.0) for one in (density, of_density, size, off))
    return Bounded(density, of_density) * Bounded(size, off)


def _graph(graph: Graph, x: Sequence[Curve], visit: Visit) -> Curve:
    values = [*x]
    for node in graph.nodes:
        try:
            values.append(_behind(node.op, [values[i] for i in node.inputs], visit))
        except UnsupportedError as error:
            problem = str(error).removeprefix(f"{error.place}: ")
            raise UnsupportedError(problem, ", ".join(filter(None, (node.place, error.place)))) from None
    return values[-1]


def _behind(op: Op, x: Sequence[Curve], visit: Visit) -> Curve:
    if isinstance(op, Graph):
        return _graph(op, x, visit)
    if isinstance(op, Repeat):
        out = x[0]
        for layer in range(1, op.times + 1):
            out = _behind(op.block(layer), [out], visit)
        return out
    speed = _SPEEDS.get(type(op))
    if speed is not None:
        if isinstance(op, Elementwise):
            _check_gaussian(op.phi, x[0])
            visit(op.phi, x[0])
        return Curve(op(*(one.signal for one in x)), speed(op, x), x[0].drift)
    raise UnsupportedError(
        f"curves are not followed through {type(op).__name__.lower()}: count the kinks of sampled networks (along)"
    )


def _check_gaussian(phi: Activation, x: Curve) -> None:
    if not x.signal.is_gaussian:
        raise UnsupportedError(
            f"{phi.name} acts on a signal that is not Gaussian, whose crossings are not known: put a dense layer "
            "between, or count the kinks of sampled networks (along)"
        )


def _elementwise(op: Elementwise, x: Sequence[Curve]) -> Bounded:
    (one,) = x
    q = one.signal.q
    slope = _slope_of_slopes(op.phi, q)
    found = moments_at(op.phi, q.value, ("D",), strict=True)["D"]
    d = Bounded(found.value, found.error + np.abs(slope.value) * q.error)
    return one.speed * d + one.r * one.r * slope * 2.0


def _slope_of_slopes(phi: Activation, q: Bounded) -> Bounded:
    """D'(q) for D = E[phi'^2], (P,): of straight pieces sum of (jump of phi'^2) tau N(tau; 0, q) / (2 q)."""
    pieces = straight(phi)
    if pieces is None:
        found = by_differences(phi, q.value, "D", 0.0, strict=True)
        return Bounded(found.value, found.error + np.abs(found.value) * q.error / q.value)
    total = exact(np.zeros(q.value.shape))
    for i, knot in enumerate(pieces.knots):
        tau, jump = float(knot), float(pieces.slopes[i + 1]) ** 2 - float(pieces.slopes[i]) ** 2
        if tau:
            with np.errstate(under="ignore", divide="ignore", over="ignore", invalid="ignore"):
                far = 0.5 * tau**2 / q.value
                value = jump * tau * np.exp(-far) / np.sqrt(2.0 * np.pi * q.value) / (2.0 * q.value)
                error = np.abs(value) * (far + 1.5) * q.error / q.value
            near = far < _NOTHING
            total = total + Bounded(np.where(near, value, 0.0), np.where(near, error, 0.0))
    return total


def _check_independent(x: Sequence[Curve]) -> None:
    for i, one in enumerate(x):
        if any(one.signal.sources & other.signal.sources for other in x[i + 1 :]):
            raise UnsupportedError(
                "the velocity of signals that share units is not known: put a dense layer before one of them"
            )


def _summed(op: Sum, x: Sequence[Curve]) -> Bounded:
    _check_independent(x)
    speed, mean = x[0].speed, x[0].mean_speed
    for one in x[1:]:
        speed, mean = speed + one.speed + mean * one.mean_speed * 2.0, mean + one.mean_speed
    return speed


def _multiplied(op: Product, x: Sequence[Curve]) -> Bounded:
    _check_independent(x)
    q, r, g = x[0].signal.q, x[0].r, x[0].speed
    for one in x[1:]:
        g = g * one.signal.q + r * one.r * 2.0 + q * one.speed
        q, r = q * one.signal.q, r * one.signal.q + q * one.r
    return g


def _normed(op: Norm, x: Sequence[Curve]) -> Bounded:
    (one,) = x
    none = exact(np.zeros(one.speed.value.shape))
    m, dm = (one.signal.m, one.mean_speed) if op.centred else (none, none)
    v, k = one.signal.q - m * m, one.r - m * dm
    s = v + op.eps
    return (one.speed - dm * dm) / s - k * k * 2.0 / (s * s) + k * k * v / (s * s * s)


_SPEEDS: dict[type, Callable[..., Bounded]] = {
    Dense: lambda op, x: x[0].speed * (float(op.sigma_w) ** 2 * op.weights.second_moment),
    Scale: lambda op, x: x[0].speed * op.factor**2,
    Elementwise: _elementwise,
    Sum: _summed,
    Product: _multiplied,
    Norm: _normed,
}
