r"""The correlation map of a block of layers, fitted once: series in the angle, as those of an activation.

With y = 2 sin(theta/2) the chord and e = 1 - c = y^2/2, a block makes e (D - loss) of e, times its variance q. The loss
comes from the algebra to full relative precision (:mod:`eoc.layers.close`), like y with kinks and like y^2 without, and
loss / y^k is smooth in theta: its Chebyshev series, and that of what is lost of the tangents, say all. Blocks that
jump have G = y w instead, and where noise keeps equal inputs apart G itself is fitted. Iterating, the fixed points,
the laws and the flow are those of single activations.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from eoc.floats import EPS, FloatArray
from eoc.gaussian.angle import Angle, Series, chord, fit
from eoc.gaussian.angle_functions import AngleFunctions
from eoc.layers import CloseInput, Graph, Input, Network, Pairs, Signal
from eoc.layers.bounded import Bounded
from eoc.layers.close import Close
from eoc.sharing import cached

__all__ = ["compiled"]

_Pair = tuple[FloatArray, FloatArray]

_KEPT = 64  # places remembered for each network
_PROBES = np.array([1e-36, 1e-28, 1.0])  # 1 - c where the loss is looked at, its power at the first two
_SMALL = 0.75  # powers of 1 - c below which a loss is that of kinks


@cached(_KEPT)
def compiled(network: Network, sigma_w: float, sigma_b: float, q: float) -> AngleFunctions:
    """What a block does to two inputs of the variance q > 0, as functions of the angle between them.

    Raises
    ------
    UnsupportedError
        Where no formula is known.
    """
    return _Compiled(network.block(sigma_w, sigma_b) if network.is_free else network.block(), q, network)


class _Compiled(AngleFunctions):
    """K is E[x_a x_b] behind the block, biases included, and D its derivative by q c at c = 1."""

    def __init__(self, block: Graph, q: float, network: Network) -> None:
        self.q = q
        noisy = bool(_distances(block, q, np.zeros(1)).G.value[0] > 0.0)
        self.plain = network.jumps or noisy
        behind = partial(_distances if self.plain else _close, block, q)
        probe = behind(_PROBES)
        self.parity = probe.nature.parity
        self.V, self.V_error = float(probe.q.value[0]), float(probe.q.error[0])
        self.D = self.D_error = float("nan")
        self.w1 = self.w2 = self.u1 = self.u2 = None
        fitted = partial(_fitted, behind, np.pi if self.parity == 0 else 0.5 * np.pi)
        if noisy:
            self.D, self.D_error = float(probe.chi.value[0]), float(probe.chi.error[0])
            self.w0 = fitted(lambda y: (y.G.value, y.G.error), 0)
            return
        whole = probe.G
        if not isinstance(whole, Close):
            self.w1 = fitted(lambda y: (y.G.value, y.G.error), 1)
            return
        self.D, self.D_error = float(whole.gain.value[0]) / q, float(whole.gain.error[0]) / q
        loss = whole.loss.value
        if not (loss > whole.loss.error).any():  # linear
            return
        kinks = loss[1] > loss[0] > 0.0 and np.log(loss[1] / loss[0]) < _SMALL * np.log(_PROBES[1] / _PROBES[0])
        power = 1 if kinks else 2
        u = fitted(lambda y: _lost(y.G, 1.0 / q), power)
        w = fitted(lambda y: _lost(y.T, 1.0), power)
        if kinks:
            self.u1, self.w1 = u, w
        else:
            self.u2, self.w2 = u, w

    def rise(self, at: Angle) -> _Pair:
        """The slope in 1 - c of w_0 + y w_1 + y^2 w_2, the sum of p y^{p-2} w_p + y^{p-1} w_p', derivatives by y."""
        value, error = np.zeros(at.e.shape), np.zeros(at.e.shape)
        with np.errstate(divide="ignore", invalid="ignore"):
            for power, series in enumerate((self.w0, self.w1, self.w2)):
                if series is None:
                    continue
                (own, slope), (off, slope_off) = _with_slope(series, at)
                factor = at.chord ** (power - 2.0)
                value = value + power * factor * own + factor * at.chord * slope
                error = error + np.abs(factor) * (power * off + at.chord * slope_off)
        return value, error + 4.0 * EPS * np.abs(value)

    def _bend(self, at: Angle) -> _Pair:
        """The slope in c of ``rise``: w_1 / y^3 - w_1' / y^2 - w_1'' / y, or w_0' / y^3 - w_0'' / y^2."""
        series, power = (self.w1, 1) if self.w0 is None else (self.w0, 0)
        if series is None:
            return np.zeros(at.e.shape), np.zeros(at.e.shape)
        (own, slope), (off, slope_off) = _with_slope(series, at)
        twice = series.derivative().derivative()
        cosine = np.cos(0.5 * at.theta)
        with np.errstate(divide="ignore", invalid="ignore"):
            bend = twice(at.theta) / cosine**2 + slope * np.tan(0.5 * at.theta) / (2.0 * cosine)
            bend_off = twice.bound(at.theta) / cosine**2 + slope_off * np.tan(0.5 * at.theta) / (2.0 * cosine)
            y = at.chord
            if power == 0:
                value, error = slope / y**3 - bend / y**2, slope_off / y**3 + bend_off / y**2
            else:
                value = own / y**3 - slope / y**2 - bend / y
                error = off / y**3 + slope_off / y**2 + bend_off / y
            return value, error + 8.0 * EPS * np.abs(value)


def _close(block: Graph, q: float, e: FloatArray) -> Signal:
    """The signal behind the block, of pairs with 1 - c = e, with what is lost of their distance."""
    return block(CloseInput(q, e))


def _distances(block: Graph, q: float, e: FloatArray) -> Signal:
    """The same with distances alone."""
    alone = np.zeros(e.size, np.int64)
    return block(Input([q], e, Pairs(alone, alone)))


def _fitted(behind: Callable[[FloatArray], Signal], end: float, part: Callable[[Signal], _Pair], power: int) -> Series:
    """The series of a part of the signal over y^power on [0, end]."""

    def at(theta: FloatArray) -> _Pair:
        y = chord(theta)
        value, error = part(behind(0.5 * y**2))
        return value / y**power, error / y**power

    scale = float(np.abs(at(np.linspace(0.1, 1.0, 8) * end)[0]).max())
    return fit(at, scale, end)


def _lost(one: Bounded, factor: float) -> _Pair:
    """The loss of a number of close pairs."""
    assert isinstance(one, Close)
    return one.loss.value * factor, one.loss.error * factor


def _with_slope(series: Series, at: Angle) -> tuple[_Pair, _Pair]:
    """Values and derivatives by y = 2 sin(theta/2), and bounds on the errors of both."""
    slope, cosine = series.derivative(), np.cos(0.5 * at.theta)
    return (series(at.theta), slope(at.theta) / cosine), (series.bound(at.theta), slope.bound(at.theta) / cosine)
