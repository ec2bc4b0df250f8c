r"""Inputs with positions (images, sequences) followed through convolutions, means over positions and all other layers.

What is followed is the covariance of all pairs of positions, K(a, i; b, j) = E[x_{a,i} x_{b,j}] for inputs a, b and
positions i, j (:mod:`eoc.layers.convolution`); of networks in which positions meet only in convolutions and where they
are flattened, equal positions i = j of all pairs of inputs are enough; and of positions that are all alike, with
circular padding, pairs by their offset j - i. Xiao et al. (2018), Novak et al. (2019), Garriga-Alonso et al. (2019).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from eoc.errors import EocError, UnsupportedError
from eoc.floats import FloatArray
from eoc.layers import Pairs, Signal, understood
from eoc.layers.attention import Attention
from eoc.layers.given import Given
from eoc.layers.graph import applied, contains, in_series
from eoc.layers.mixing import Mix
from eoc.layers.pairs import Layout
from eoc.layers.pooling import AveragePool
from eoc.propagation.layers import Progress
from eoc.propagation.position_inputs import Known, inputs_with_positions
from eoc.sharing import cached_property
from eoc.validation import whole_numbers

__all__ = ["PositionStep", "PositionTrajectory", "propagate_positions"]


@dataclass(frozen=True)
class PositionStep:
    """What is known behind one layer.

    Attributes
    ----------
    place
        Which layer: "item 2, relu"; "input" before the first.
    q, q_error : (inputs, ...positions)
        Second moments and bounds on their errors; (inputs,) where positions are gone, or all alike.
    chi
        Of the same shape: the squared derivatives of a unit there by all units of the input, all positions together.
    """

    place: str
    q: FloatArray
    q_error: FloatArray
    chi: FloatArray


@dataclass(frozen=True, eq=False)
class PositionTrajectory:
    """What becomes of inputs with positions.

    Attributes
    ----------
    network
        Its name.
    steps
        What is known of the input and behind each layer.
    """

    network: str
    steps: tuple[PositionStep, ...]
    _last: Signal

    @property
    def q(self) -> FloatArray:
        """Second moments at the end."""
        return self.steps[-1].q

    @cached_property
    def covariance(self) -> FloatArray:
        """E[x x'] of all pairs that are known at the end.

        (inputs, ...positions, inputs, ...positions) of every pair; (inputs, inputs, ...positions) of equal positions,
        or by offset; (inputs, inputs) where positions are gone.
        """
        return self._arranged(self._last.k.value)

    @cached_property
    def covariance_error(self) -> FloatArray:
        """Bounds on the errors of these."""
        return self._arranged(self._last.k.error)

    @cached_property
    def one_minus_c(self) -> FloatArray:
        """1 - c of the same pairs."""
        return self._arranged(self._last.one_minus_c.value)

    @cached_property
    def one_minus_c_error(self) -> FloatArray:
        """Bounds on the errors of these."""
        return self._arranged(self._last.one_minus_c.error)

    @cached_property
    def ntk(self) -> FloatArray:
        """The neural tangent kernel of the same pairs, where it was asked for."""
        return self._arranged(self._last.ntk.value)

    @cached_property
    def ntk_error(self) -> FloatArray:
        """Bounds on the errors of these."""
        return self._arranged(self._last.ntk.error)

    def _arranged(self, values: FloatArray) -> FloatArray:
        return _arranged(self._last.pairs, values)


def propagate_positions(
    network: object,
    x: ArrayLike | None = None,
    *,
    depth: int = 1,
    sigma_w: float | None = None,
    sigma_b: float = 0.0,
    covariance: ArrayLike | None = None,
    offsets: ArrayLike | None = None,
    pairs: Known = "every",
    kernels: bool = False,
    progress: Progress | None = None,
) -> PositionTrajectory:
    """Follow inputs with positions, such as images, through a network.

    Parameters
    ----------
    network
        An :func:`eoc.network`, for example "conv(3, 1.4, pad='zero'), relu, avgpool, dense(1)".
    x
        Inputs as data, (inputs, channels, ...positions), finite: images are (inputs, channels, height, width). The
        network begins with a layer that has weights, as nothing else is known of such inputs.
    depth
        How many times the network is applied, >= 1.
    sigma_w, sigma_b
        Of its ``dense`` or ``conv`` without numbers.
    covariance
        Instead of x Gaussian inputs by their covariance, (inputs, ...positions, inputs, ...positions).
    offsets
        Instead of x Gaussian inputs whose covariance is the same all over their positions, round a circle, by the
        offset of these: (inputs, inputs, ...positions), E[x_a(i) x_b(i + offset)].
    pairs
        "every" pair of positions, or those of equal positions, "aligned": less memory by the number of positions, for
        networks in which positions meet only in ``conv`` and ``flatten``.
    kernels
        Whether the neural tangent kernel is followed too.
    progress
        Called with the number of layers that are done, and their number.

    Returns
    -------
    PositionTrajectory
        With bounds on the errors of its numbers.

    Raises
    ------
    UnsupportedError
        For layers that need what is not known: pairs of different positions, the law of what is no longer Gaussian. It
        names the place.
    EocError
        For inputs that make no sense, kernels that do not fit, and pairs that do not fit into memory.

    Notes
    -----
    Memory: of P positions of all inputs together there are P (P + 1)/2 pairs, some 200 bytes each, 12 more for each tap
    of a convolution; of 32 x 32 positions 0.1 GB. Time: on one core some 0.1 s a layer of that size.

    Examples
    --------
    >>> images = np.random.default_rng(0).standard_normal((2, 3, 8, 8))
    >>> run = propagate_positions("conv(3, sqrt(2), pad='zero'), relu, avgpool, dense(1)", images)
    >>> [step.q.shape for step in run.steps]
    [(2, 8, 8), (2, 8, 8), (2, 8, 8), (2,), (2,)]
    >>> run.covariance.shape
    (2, 2)
    """
    block = understood(network)
    block.check_free(sigma_w, sigma_b)
    number = whole_numbers("depth", depth, 1.0)
    if number.ndim:
        raise EocError(f"depth must be one number, got {depth!r}")
    times = int(number)
    signal = inputs_with_positions(x, covariance, offsets, pairs)
    ops = [
        (op, f"block {layer}, {place}" if times > 1 else place)
        for layer in range(1, times + 1)
        for op, place in in_series(block.block(sigma_w, sigma_b, layer, times, surrogates=True))
    ]
    mixed = any(contains(op, AveragePool, Mix, Attention) for op, _ in ops)  # then squares come from products
    tangents = ("T", "ntk") if kernels else ("T",) if mixed else ()
    steps = [_step("input", signal)]
    for done, (op, place) in enumerate(ops):
        if progress is not None:
            progress(float(done), float(len(ops)))
        signal = _carried(applied(op, [signal], place), tangents)
        steps.append(_step(place, signal))
    return PositionTrajectory(block.name, tuple(steps), signal)


def _carried(x: Signal, tangents: tuple[str, ...]) -> Signal:
    """A Gaussian signal as numbers, computed now: what they came from is let go. Others as they are."""
    if not x.is_gaussian:
        return x
    try:
        return Given(x.q, x.G, x.pairs, {"chi": x.chi, **{name: getattr(x, name) for name in tangents}})
    except UnsupportedError:  # of pairs nothing is known, as behind a largest value: the places that need it say so
        return x


def _step(place: str, x: Signal) -> PositionStep:
    pairs = x.pairs
    shape = (-1, *(() if pairs.layout is Layout.OFFSETS else pairs.positions))
    return PositionStep(place, *(part.reshape(shape) for part in (x.q.value, x.q.error, x.chi.value)))


def _arranged(pairs: Pairs, values: FloatArray) -> FloatArray:
    """What is known of pairs as an array; see :attr:`PositionTrajectory.covariance`."""
    positions = pairs.positions
    if pairs.layout is Layout.EVERY:
        whole = pairs.matrix(values)
        shape = (len(whole) // pairs.places, *positions)
        return whole.reshape(shape * 2)
    own, other = pairs.first[:: pairs.places], pairs.second[:: pairs.places]
    if pairs.layout is Layout.ALIGNED:
        own, other = own // pairs.places, other // pairs.places
    inputs = int(other[-1]) + 1
    parts, found = values.reshape(-1, *positions), np.empty((inputs, inputs, *positions))
    found[own, other] = parts
    axes = tuple(range(1, parts.ndim))
    back = np.roll(np.flip(parts, axes), 1, axes)  # by the opposite offset
    found[other, own] = back if pairs.layout is Layout.OFFSETS else parts
    return found
