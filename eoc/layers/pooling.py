r"""Layers that gather positions: means over windows or over all of them, and flattening.

A mean over a window mixes positions by fixed weights (:mod:`eoc.layers.mixing`). Flattened, the units of all S
positions stand side by side as those of one input, of which second moments are means over units:

.. math:: q' = \frac1S \sum_i q_i, \qquad m' = \frac1S \sum_i m_i, \qquad
          G'(a, b) = \frac1S \sum_i G(a_i, b_i), \qquad T'(a, b) = \frac1S \sum_i T(a_i, b_i),

which a dense layer behind it sees of them: a convolution whose kernel is as large as the input.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eoc.errors import EocError, UnsupportedError
from eoc.floats import EPS, FloatArray
from eoc.layers.bounded import Bounded
from eoc.layers.mixing import Averaged, Mix
from eoc.layers.offsets import averaged_offsets, mean_of_offsets
from eoc.layers.pairs import Layout, Pairs
from eoc.layers.signal import Products, Signal
from eoc.layers.taps import Taps, checked_pad, taps
from eoc.sharing import cached_property

__all__ = ["AveragePool", "Flatten", "Window"]

_GIVE = "give inputs that have them to eoc.propagate_positions (eoc images)"


@dataclass(frozen=True)
class Window:
    """Windows of a size, that begin every so many positions.

    Attributes
    ----------
    size, stride
        Along every axis, whole numbers >= 1.
    pad
        "none", or as of :class:`eoc.layers.convolution.Conv`.
    """

    size: float
    stride: float
    pad: str = "none"

    def __post_init__(self) -> None:
        checked_pad(self.pad)
        for name in ("size", "stride"):
            value = getattr(self, name)
            if not (value >= 1 and value == int(value)):
                raise EocError(f"the {name} of a window must be a whole number of positions >= 1, got {value!r}")

    def over(self, positions: tuple[int, ...]) -> Taps:
        """The positions that it sees."""
        if not positions:
            raise UnsupportedError(f"nothing is known of positions of the inputs, which it takes together: {_GIVE}")
        return taps(positions, (int(self.size),) * len(positions), self.pad, int(self.stride))


@dataclass(frozen=True)
class AveragePool:
    """The mean over a window, in which a padding of zeros counts; or over all positions (``window`` None).

    Examples
    --------
    >>> from eoc.layers.given import given_array
    >>> x = given_array(np.array([[[1.0, 3.0, 0.0, 2.0]]]))  # one input, one channel, four positions
    >>> AveragePool(Window(2, 2))(x).q.value.tolist(), AveragePool()(x).q.value.tolist()
    ([4.0, 1.0], [2.25])
    """

    window: Window | None = None

    def mix(self, positions: tuple[int, ...]) -> Mix:
        """The weights of positions of this shape."""
        if self.window is None:
            places = int(np.prod(positions))
            return Mix(np.full((1, places), 1.0 / places), ())
        of = self.window.over(positions)
        weights = np.zeros((len(of.seen), of.places + 1))
        np.add.at(weights, (np.arange(len(of.seen))[:, None], of.seen), 1.0 / of.seen.shape[1])
        return Mix(weights[:, :-1], of.shape)

    def __call__(self, x: Signal) -> Signal:
        """The signal behind it."""
        if not x.pairs.positions:
            raise UnsupportedError(f"nothing is known of positions of the inputs, over which means are taken: {_GIVE}")
        if x.pairs.layout is Layout.OFFSETS:
            return self._round_a_circle(x)
        if x.pairs.layout is not Layout.TOKENS:
            return self.mix(x.pairs.positions)(x)
        if self.window is None:
            return _MeanOfAlike(x, x.pairs.places, ())
        if self.window.stride < self.window.size or self.window.pad != "none":
            raise UnsupportedError(
                "windows that overlap or are padded are not alike: take a stride as large as they are"
            )
        of = self.window.over(x.pairs.positions)
        return _MeanOfAlike(x, of.seen.shape[1], of.shape)

    def _round_a_circle(self, x: Signal) -> Signal:
        if self.window is None:
            return mean_of_offsets(x)
        window = self.window
        if window.pad != "circular" and (window.pad != "none" or window.size != window.stride):
            raise UnsupportedError(
                "windows stay alike round a circle with pad='circular', or where they are as far apart as they are "
                "large: give inputs with all their positions"
            )
        return averaged_offsets(x, window.over(x.pairs.positions).kernel, int(window.stride))


class _MeanOfAlike(Averaged):
    """Means over so many positions of which any two are alike: q' = q - (1 - 1/n) G, and G' = G/n of two windows."""

    def __init__(self, x: Signal, terms: int, positions: tuple[int, ...]) -> None:
        inputs = x.q.value.size
        own = np.arange(inputs)
        alone = Pairs(own, own, diagonal=True)
        super().__init__(x.pairs.arranged(positions, inputs) if positions else alone, x.sources)
        self._x, self._share, self.is_gaussian = x, 1.0 / terms, x.is_gaussian

    def _other(self, one: Bounded) -> Bounded:
        """What is known of two positions, for each input."""
        return one[np.arange(self._x.q.value.size, 2 * self._x.q.value.size)]

    @cached_property
    def q(self) -> Bounded:
        return self._x.q - self._other(self._x.G) * (1.0 - self._share)

    @cached_property
    def G(self) -> Bounded:
        return (self._x.G * self._share)[np.arange(self.pairs.size)]

    @cached_property
    def chi(self) -> Bounded:
        return self._x.chi * self._share + self._other(self._x.T) * (1.0 - self._share)

    def pushed(self, of: Products) -> Bounded:
        before, inputs = of(self._x), self._x.q.value.size
        other = self._other(before)
        own = before[np.arange(inputs)] * self._share + other * (1.0 - self._share)
        if not self.pairs.positions:
            return own
        return Bounded(*(np.concatenate(side) for side in ((own.value, other.value), (own.error, other.error))))


@dataclass(frozen=True)
class Flatten:
    """The units of all positions side by side."""

    def __call__(self, x: Signal) -> Signal:
        """The signal behind it."""
        return _Flat(x) if x.pairs.positions else x


class _Flat(Averaged):
    def __init__(self, x: Signal) -> None:
        self._places = x.pairs.places
        self._alike = x.pairs.layout in (Layout.OFFSETS, Layout.TOKENS)  # one point stands for all positions
        if x.pairs.layout is Layout.TOKENS and x.q.value.size > 1:
            raise UnsupportedError("nothing is known of pairs of inputs: give one")
        inputs = x.q.value.size if self._alike else x.q.value.size // self._places
        super().__init__(Pairs.every(inputs, ()), x.sources)
        self._x = x

    def _of_points(self, one: Bounded) -> Bounded:
        return one if self._alike else self._mean(one)

    def _of_pairs(self, one: Bounded) -> Bounded:
        """Means over equal positions."""
        pairs = self._x.pairs
        if self._alike:
            return one[np.flatnonzero(pairs.at_one_position)]
        if pairs.layout is Layout.ALIGNED:
            return self._mean(one)
        own, other = np.triu_indices(self._x.q.value.size // self._places)
        at = np.arange(self._places)
        first, second = (np.add.outer(end * self._places, at).ravel() for end in (own, other))
        return self._mean(one[pairs.number(first, second)])

    def _mean(self, one: Bounded) -> Bounded:
        value, error = (part.reshape(-1, self._places) for part in (one.value, one.error))
        return Bounded(_means(value), _means(error + EPS * (self._places + 2) * np.abs(value)))

    @cached_property
    def q(self) -> Bounded:
        return self._of_points(self._x.q)

    @cached_property
    def G(self) -> Bounded:
        return self._of_pairs(self._x.G)

    @cached_property
    def chi(self) -> Bounded:
        return self._of_points(self._x.chi)

    def pushed(self, of: Products) -> Bounded:
        return self._of_pairs(of(self._x))


def _means(rows: FloatArray) -> FloatArray:
    return np.asarray(rows.mean(axis=1))
