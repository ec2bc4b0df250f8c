"""Quadrature along many lines at once: panels of x, each on a line of its own, bisected until they are resolved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eoc.errors import AccuracyError
from eoc.floats import EPS, FloatArray
from eoc.gaussian.nodes import NULL_RULES, WEIGHTS

__all__ = ["Panels", "Sizes", "between", "bisected", "bounds_of", "sizes_of"]

_TOLERANCE = 1e-15  # of the scale of the integrand: what a panel may miss
_LEVELS = 40
_MAX_PANELS = 200_000


@dataclass(frozen=True)
class Panels:
    """Panels [a, b], each on a line, with the integrand at the nodes and bounds on its errors, (P, N)."""

    a: FloatArray
    b: FloatArray
    line: NDArray[np.int64]
    values: FloatArray
    noise: FloatArray

    def __getitem__(self, keep: NDArray[np.generic]) -> Panels:
        return Panels(self.a[keep], self.b[keep], self.line[keep], self.values[keep], self.noise[keep])


@dataclass(frozen=True)
class Sizes:
    """Per panel: truncation, noise and integral of |integrand| with the weight, the largest for any weight."""

    truncation: FloatArray
    noise: FloatArray
    magnitude: FloatArray


Evaluate = Callable[[FloatArray, FloatArray, NDArray[np.int64]], Panels]
Density = Callable[[Panels], FloatArray]


def between(marks: FloatArray) -> tuple[FloatArray, FloatArray, NDArray[np.int64]]:
    """The panels between marks (L, M), in any order, on L lines: ends a and b, and the line of each."""
    marks = np.sort(marks, axis=1)
    lines = np.broadcast_to(np.arange(len(marks))[:, None], (len(marks), marks.shape[1] - 1))
    keep = marks[:, 1:] > marks[:, :-1]
    return marks[:, :-1][keep], marks[:, 1:][keep], lines[keep]


def sizes_of(panels: Panels, density: FloatArray) -> Sizes:
    """What the weights ``density``, (S, P, N), make of the panels."""
    weighted = density * panels.values
    truncation = sum(np.abs(weighted @ null) for null in NULL_RULES)
    noise, magnitude = (density * panels.noise) @ WEIGHTS, np.abs(weighted) @ WEIGHTS
    return Sizes(np.max(truncation, axis=0), noise.max(axis=0), magnitude.max(axis=0))


def bounds_of(panels: Panels, density: FloatArray, reach: float, lines: int) -> FloatArray:
    """Bounds on the errors of the integrals along each line, (lines,): what lies beyond ``reach`` included."""
    sizes = sizes_of(panels, density)
    low, high = np.abs(density * panels.values).max(axis=0)[:, [0, -1]].T
    beyond = np.where(panels.b >= reach, high, 0.0) + np.where(panels.a <= -reach, low, 0.0)
    error = sizes.truncation + sizes.noise + 16.0 * EPS * sizes.magnitude + beyond
    return np.bincount(panels.line, error, lines).astype(float)


def bisected(
    evaluate: Evaluate, density: Density, scale: FloatArray, a: FloatArray, b: FloatArray, line: NDArray[np.int64]
) -> Panels:
    """The panels, bisected until the truncation is rounding of the scale of their line, in order of the lines."""
    done: list[Panels] = []
    for level in range(_LEVELS):
        if a.size > _MAX_PANELS:
            raise AccuracyError(
                "the integrand has too many kinks, or changes too fast, to be resolved; use a smaller q"
            )
        panels = evaluate(a, b, line)
        sizes = sizes_of(panels, density(panels))
        floor = np.maximum(_TOLERANCE * scale[line], 4.0 * EPS * sizes.magnitude + 2.0 * sizes.noise)
        good = (sizes.truncation <= floor) | (level == _LEVELS - 1)
        done.append(panels[good])
        a, b, line = a[~good], b[~good], line[~good]
        if a.size == 0:
            break
        middle = 0.5 * (a + b)
        a, b, line = np.concatenate([a, middle]), np.concatenate([middle, b]), np.concatenate([line, line])
    fields = ("a", "b", "line", "values", "noise")
    found = Panels(*(np.concatenate([getattr(part, f) for part in done]) for f in fields))
    return found[np.argsort(found.line, kind="stable")]
