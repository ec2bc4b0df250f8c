"""Means of a function under Gaussians that are centred anywhere."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from eoc.floats import FloatArray
from eoc.gaussian.lines import Panels, between, bisected, bounds_of, sizes_of
from eoc.gaussian.nodes import WEIGHTS, nodes_of

__all__ = ["Function", "Integrand", "shifted_mean"]

Function = Callable[[FloatArray], tuple[FloatArray, FloatArray]]
Integrand = Callable[[FloatArray, FloatArray, NDArray[np.int64]], tuple[FloatArray, FloatArray]]

_GRID = np.array([-4.0, -2.0, -1.0, 0.0, 1.0, 2.0, 4.0])


def shifted_mean(
    integrand: Integrand, mean: FloatArray, width: FloatArray, marks: FloatArray, reach: float
) -> tuple[FloatArray, FloatArray]:
    """E[g] and bounds on the absolute errors, (n,), of functions g of m + s Z, for means m and widths s > 0, (n,).

    Parameters
    ----------
    integrand
        Maps x = m + s z, z, and which of the n means it is, all (k,), to g and bounds on its errors.
    mean, width
        m and s.
    marks
        Where g is not smooth, and points graded around the scale on which it changes: values of Z (n, M), not of
        m + s Z, so that a knot close to m is where it is to the last digit.
    reach
        How many standard deviations matter.
    """
    lines = mean.size
    fixed = np.tile(np.concatenate([[-reach], _GRID, [reach]]), (lines, 1))
    a, b, line = between(np.clip(np.concatenate([marks, fixed], axis=1), -reach, reach))

    def evaluate(a: FloatArray, b: FloatArray, line: NDArray[np.int64]) -> Panels:
        z = nodes_of(a, b)
        x = mean[line][:, None] + width[line][:, None] * z
        values, noise = integrand(x.ravel(), z.ravel(), np.repeat(line, z.shape[1]))
        return Panels(a, b, line, values.reshape(x.shape), noise.reshape(x.shape))

    first = evaluate(a, b, line)
    scale = np.bincount(line, sizes_of(first, _density(first)).magnitude, lines).astype(float)
    panels = bisected(evaluate, _density, scale, a, b, line)
    density = _density(panels)
    total = np.bincount(panels.line, (density[0] * panels.values) @ WEIGHTS, lines).astype(float)
    return total, bounds_of(panels, density, reach, lines)


def _density(panels: Panels) -> FloatArray:
    z = nodes_of(panels.a, panels.b)
    half = 0.5 * (panels.b - panels.a)[:, None]
    return (half * np.exp(-0.5 * z**2) / np.sqrt(2.0 * np.pi))[None]
