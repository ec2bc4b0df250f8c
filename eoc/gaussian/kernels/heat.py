"""Gaussian means over what two points have in common, of functions that are known as piecewise polynomials."""

from __future__ import annotations

import math

import numpy as np

from eoc.floats import FloatArray
from eoc.gaussian._jit import inlined, jit
from eoc.gaussian.kernels.plain import COEFFICIENTS, NODES, HeatPanels

__all__ = ["common_means"]

_EPS = 2.220446049250313e-16
_CLOSE = 0.25


@inlined
def _contracted(heat: HeatPanels, p: int, s: float, out: FloatArray) -> None:
    """The series of panel p at the scale s, (2, COEFFICIENTS)."""
    a, b, power = heat.argument[p]
    x = a + b * (math.log(s) if power == 0.0 else s if power == 1.0 else s * s)
    series = heat.series[p]
    before, here = 1.0, x
    for f in range(2):
        for k in range(COEFFICIENTS):
            out[f, k] = series[0, f, k] + x * series[1, f, k]
    for n in range(2, heat.terms[p]):
        before, here = here, 2.0 * x * here - before
        for f in range(2):
            for k in range(COEFFICIENTS):
                out[f, k] += here * series[n, f, k]


@inlined
def _along(t: FloatArray, c: FloatArray, out: FloatArray) -> None:
    """The Chebyshev series c at every t."""
    for j in range(t.size):
        x = t[j]
        twice = 2.0 * (2.0 * x * x - 1.0)
        even, even_before, odd, odd_before = 0.0, 0.0, 0.0, 0.0
        for k in range(COEFFICIENTS // 2 - 1, 0, -1):
            even, even_before = c[2 * k] + twice * even - even_before, even
            odd, odd_before = c[2 * k + 1] + twice * odd - odd_before, odd
        out[j] = c[0] + 0.5 * twice * even - even_before + x * (c[1] + (twice - 1.0) * odd - odd_before)


@jit
def _smoothed(heat: HeatPanels, w: FloatArray, s: float, out: FloatArray, error: FloatArray, t: FloatArray) -> None:
    """Phi and Phi' at ascending w (n,) into ``out`` and bounds on the errors, both (2, n); t (n,) is scratch."""
    c = np.empty((2, COEFFICIENTS))
    group = 0 if s <= heat.low else 1 + int(math.log(s / heat.low) / math.log(heat.ratio))
    group = min(group, heat.first.size - 2)
    p, last = heat.first[group], heat.first[group + 1] - 1
    start = 0
    while start < w.size:
        while p < last and (s > heat.most[p] or w[start] > heat.end[p, 0] + s * heat.end[p, 1]):
            p += 1
        stop, end = start + 1, heat.end[p, 0] + s * heat.end[p, 1]
        while stop < w.size and (p == last or w[stop] <= end):
            stop += 1
        _contracted(heat, p, s, c)
        centre, half = heat.centre[p, 0] + s * heat.centre[p, 1], heat.half[p, 0] + s * heat.half[p, 1]
        for j in range(start, stop):
            t[j] = (w[j] - centre) / half
        for f in range(2):
            _along(t[start:stop], c[f], out[f, start:stop])
            error[f, start:stop] = heat.error[p, f]
        start = stop


@inlined
def _put(edges: FloatArray, count: int, x: float, low: float, high: float) -> int:
    edges[count] = x
    return count + (low < x < high)


@inlined
def _cuts(
    edges: FloatArray, fixed: FloatArray, knots: FloatArray, a: float, b: float, width: float, low: float, high: float
) -> int:
    """The ends of the panels of Z from low to high, ascending."""
    edges[0], edges[1] = low, high
    count = 2
    x = -high + 2.0
    while x < high:
        count = _put(edges, count, x, low, high)
        x += 2.0
    for scale in (a, b):
        for edge in fixed:
            count = _put(edges, count, edge / scale, low, high)
    for scale in (a, b):
        for knot in knots:
            x = knot / scale
            if x != 0.0 or scale == a:
                count = _put(edges, count, x, low, high)
                for step in (2.5 * width, 5.0 * width, 10.0 * width):  # beyond, the knot is not seen
                    count = _put(edges, _put(edges, count, x - step, low, high), x + step, low, high)
    edges[:count].sort()
    kept, before = 1, 1e300
    for i in range(1, count):  # what is much narrower than both of its neighbours is not needed
        here, after = edges[i] - edges[kept - 1], edges[i + 1] - edges[i] if i < count - 1 else 1e300
        if here > _CLOSE * min(before, after) and here > 0.0:
            edges[kept] = edges[i]
            kept, before = kept + 1, here
    edges[kept - 1] = high
    return kept


@jit
def common_means(
    heat: HeatPanels,
    q_a: FloatArray,
    q_b: FloatArray,
    e: FloatArray,
    sign: float,
    fixed: FloatArray,
    knots: FloatArray,
    reach: float,
    half: bool,
    nodes: FloatArray,
    weights: FloatArray,
    nulls: FloatArray,
    out: FloatArray,
    error: FloatArray,
) -> None:
    r"""E[Phi_a Phi_b], E[Phi'_a Phi'_b] and E[(Phi_a - Phi_b)^2] / 2 over a standard Gaussian Z, (n, 3), with bounds.

    Phi_a = Phi(sqrt(q_a (1 - e)) Z; sqrt(q_a e)) and Phi_b = Phi(+- sqrt(q_b (1 - e)) Z; sqrt(q_b e)).

    Parameters
    ----------
    heat
        The heat extension of phi.
    q_a, q_b, e : (n,)
        Variances, and e in (0, 1].
    sign
        1 or -1, in Phi_b.
    fixed, knots
        Ends of the panels of phi itself, and those of them where it is not smooth.
    reach
        How many standard deviations matter.
    half
        Whether Z > 0 is enough, the products being even.
    nodes, weights, nulls : (NODES,), (NODES,), (2, NODES)
        The rule of a panel, and its null rules.
    out, error : (n, 3)
        Overwritten.
    """
    most = 2 * fixed.size + 14 * knots.size + int(reach) + 16
    edges = np.empty(most)
    z, w, t = np.empty(most * NODES), np.empty(most * NODES), np.empty(most * NODES)
    one, two = np.empty((2, most * NODES)), np.empty((2, most * NODES))
    off_one, off_two = np.empty((2, most * NODES)), np.empty((2, most * NODES))
    low = 0.0 if half else -reach
    for i in range(q_a.size):
        a, b = math.sqrt(q_a[i] * (1.0 - e[i])), math.sqrt(q_b[i] * (1.0 - e[i]))
        width = math.sqrt(e[i] / (1.0 - e[i])) if e[i] < 1.0 else 1e300
        count = _cuts(edges, fixed, knots, max(a, 1e-300), sign * max(b, 1e-300), width, low, reach)
        n = (count - 1) * NODES
        for p in range(count - 1):
            middle, radius = 0.5 * (edges[p] + edges[p + 1]), 0.5 * (edges[p + 1] - edges[p])
            for k in range(NODES):
                z[p * NODES + k] = middle + radius * nodes[k]
        for j in range(n):
            w[j] = a * z[j]
        _smoothed(heat, w[:n], math.sqrt(q_a[i] * e[i]), one, off_one, t)
        for j in range(n):
            w[j] = b * z[j] if sign > 0.0 else -b * z[n - 1 - j]
        _smoothed(heat, w[:n], math.sqrt(q_b[i] * e[i]), two, off_two, t)
        total, bound = np.zeros(3), np.zeros(3)
        for p in range(count - 1):
            radius = 0.5 * (edges[p + 1] - edges[p]) / math.sqrt(2.0 * math.pi)
            sums, first, second, size = np.zeros(3), np.zeros(3), np.zeros(3), np.zeros(3)
            for k in range(NODES):
                j = p * NODES + k
                m = j if sign > 0.0 else n - 1 - j
                density = radius * math.exp(-0.5 * z[j] * z[j])
                x, y, dx, dy = one[0, j], two[0, m], one[1, j], two[1, m]
                values = (x * y, dx * dy, 0.5 * (x - y) * (x - y))
                noise = (
                    abs(x) * off_two[0, m] + abs(y) * off_one[0, j],
                    abs(dx) * off_two[1, m] + abs(dy) * off_one[1, j],
                    abs(x - y) * (off_one[0, j] + off_two[0, m]),
                )
                for f in range(3):
                    value = density * values[f]
                    sums[f] += weights[k] * value
                    first[f] += nulls[0, k] * value
                    second[f] += nulls[1, k] * value
                    size[f] += weights[k] * density * (noise[f] + 4.0 * _EPS * abs(values[f]))
            for f in range(3):
                total[f] += sums[f]
                bound[f] += abs(first[f]) + abs(second[f]) + size[f]
        for f in range(3):
            out[i, f] = total[f] * (2.0 if half else 1.0)
            error[i, f] = bound[f] * (2.0 if half else 1.0)
