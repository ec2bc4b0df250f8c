"""How large the rounding errors of a function are, seen in its values alone.

They are measured from sixth differences of values at points some 2^-32 apart (Moré & Wild 2011), where a smooth
function has none.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from eoc.activations.base import Function
from eoc.activations.tables import octave
from eoc.errors import EocError
from eoc.floats import EPS, FloatArray

__all__ = ["Noise"]

_UNDERFLOW = 1e-290


class Noise:
    """The standard deviation of the rounding errors of a function, measured for each sign and octave of x.

    It is absolute + relative |f(x)|: the first from where |f| varies little within an octave (and nowhere less than
    nearer to zero), the second from where it varies much.
    """

    _LOW, _HIGH = -100, 40
    _BASES = np.round(np.array([1.1374, 1.3261, 1.5519, 1.8143]) * 2.0**20) / 2.0**20
    _RANGE = float(np.sqrt(924.0))  # of a sixth difference of unit noise
    _NEGLIGIBLE = 2.0**-62  # times the largest |f| nearer to zero
    _STEEP = 16.0
    _MODERATE, _WILD = (-40, 5), 1e-3  # octaves where differences that large, as a part of |f|, cannot be rounding

    def __init__(self, f: Function, relative_error: float) -> None:
        k = np.arange(self._LOW, self._HIGH + 1.0)[:, None, None]
        fine = np.maximum(2.0 ** (k - 48.0), 2.0 ** np.minimum(k - 32.0, -20.0))
        coarse = np.where(k < 0.0, 2.0 ** (k - 18.0), fine)  # in x - tanh(x) the noise of neighbours is the same
        x = 2.0**k * self._BASES[:, None] + np.stack([fine, coarse]) * np.arange(12.0)
        values = f(np.stack([x, -x], axis=1))
        with np.errstate(invalid="ignore", over="ignore", divide="ignore", under="ignore"):
            sigma = np.sqrt((np.diff(values, 6, axis=-1) ** 2).mean(axis=-1)).max(axis=0) / self._RANGE
            values = values[0]
            size = np.abs(values).max(axis=-1)
            steep = ~(size.max(axis=-1) <= self._STEEP * size.min(axis=-1)) & (size.min(axis=-1) > 0.0)
            ratio = self._typical(np.where(size > 0.0, sigma / size, 0.0))
        absolute = np.where(steep, 0.0, self._typical(sigma))
        inner = np.maximum.accumulate(np.abs(values).max(axis=(0, 2, 3), where=np.isfinite(values), initial=0.0))
        inner = np.concatenate([[0.0], inner[:-1]]) + _UNDERFLOW / self._NEGLIGIBLE
        self._absolute = np.maximum.accumulate(np.maximum(absolute, self._NEGLIGIBLE * inner), axis=1)
        self._size = np.append(inner[1:], inner[-1])
        self._relative = np.maximum(np.where(steep, ratio, 0.0), max(relative_error, 0.5 * EPS))

    def check_resolved(self, name: str) -> None:
        """Refuse what takes all its values between neighbouring points: its differences are no rounding errors."""
        near = slice(self._MODERATE[0] - self._LOW, self._MODERATE[1] - self._LOW)
        side, k = np.nonzero(self._absolute[:, near] > self._WILD * self._size[near])
        if k.size:
            x = float((1 - 2 * side[0]) * 2.0 ** (k[0] + self._MODERATE[0]))
            change = self._absolute[side[0], near][k[0]]
            raise EocError(
                f"{name} is not resolved: near x = {x:.3g} it changes by {change:.2g} between neighbouring "
                "points; it must not oscillate that fast, or without end, as sin(1/x) does towards 0"
            )

    @staticmethod
    def _typical(samples: FloatArray) -> FloatArray:
        """Return the second largest of four, as one may sit on an edge."""
        return np.sort(np.where(np.isfinite(samples), samples, 0.0), axis=-1)[..., 2]

    def _octave(self, x: FloatArray) -> NDArray[np.intp]:
        return octave(x, self._LOW, self._HIGH) - self._LOW

    def at(self, x: FloatArray, values: FloatArray) -> FloatArray:
        """Return the noise of f at x, where f is ``values``."""
        side, k = (x < 0.0).astype(int), self._octave(x)
        with np.errstate(invalid="ignore", over="ignore"):
            return np.asarray(self._absolute[side, k] + self._relative[side, k] * np.abs(values))

    def on(self, a: FloatArray, b: FloatArray, size: FloatArray) -> FloatArray:
        """Return the noise of f on [a, b], where |f| <= size."""
        right, left = np.where(b > 0.0, self._octave(b), 0), np.where(a < 0.0, self._octave(a), 0)
        absolute = np.maximum(self._absolute[0, right], self._absolute[1, left])
        return np.asarray(absolute + np.maximum(self._relative[0, right], self._relative[1, left]) * size)
