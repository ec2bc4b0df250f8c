"""Quotients of two polynomials and their derivatives, right to a few roundings of their terms for all x."""

from __future__ import annotations

import numpy as np

from eoc.floats import EPS, FloatArray

__all__ = ["Quotient"]

_Row = list[tuple[float, float]]  # coefficients up to |x| = 1 and beyond, the highest power first


class Quotient:
    """P/Q, by powers of x up to 1 and of 1/x beyond.

    With P^(k) = x^(m-k) p_k(1/x), and the same for Q of degree n, the k-th derivative is x^(m-n-k) g_k with g_0 =
    p_0/q_0, g_1 = (p_1 - g_0 q_1)/q_0 and g_2 = (p_2 - 2 g_1 q_1 - g_0 q_2)/q_0: nothing overflows before phi does.

    Parameters
    ----------
    above, below
        Coefficients of P and Q, the highest of them not 0.
    bends, least
        Where Q is ``least``, exactly: or a kink would be a jump of its rounding.
    """

    def __init__(
        self, above: tuple[float, ...], below: tuple[float, ...], bends: tuple[float, ...], least: float
    ) -> None:
        self.degrees = len(above) - 1, len(below) - 1
        self._p, self._q = ([_row(c, k) for k in range(3)] for c in (above, below))
        self._sizes = [[_row(tuple(map(abs, c)), k) for k in range(3)] for c in (above, below)]
        self._bends = [(x, least / (x if abs(x) > 1.0 else 1.0) ** self.degrees[1]) for x in bends]
        self._unit = 4.0 * EPS * (max(self.degrees) + 2)

    def derivative(self, order: int, x: FloatArray) -> FloatArray:
        """Phi (order 0), phi' (1) or phi'' (2), of the shape of x."""
        return np.asarray(_solved(order, *self._polynomials(order, x))[order] * self._power(order, x))

    def error(self, order: int, x: FloatArray) -> FloatArray:
        """A bound on the absolute error of it."""
        p, q = self._polynomials(order, x)
        g = _solved(order, p, q)
        at = np.abs(x)
        dp, dq = ([self._unit * _summed(row, at) for row in rows[: order + 1]] for rows in self._sizes)
        e: list[FloatArray] = []
        for k in range(order + 1):
            off = dp[k] + np.abs(g[k]) * dq[0]
            for j in range(k):
                twice = 2.0 if (j, k) == (1, 2) else 1.0
                off = off + twice * (np.abs(g[j]) * dq[k - j] + e[j] * np.abs(q[k - j]))
            e.append(off / np.abs(q[0]) + self._unit * np.abs(g[k]))
        return np.asarray(e[order] * np.abs(self._power(order, x)))

    def turn(self, left: Quotient, x: float) -> tuple[float, float]:
        """phi'(x+) - phi'(x-) at a bend, with ``left`` before it, from Q' alone, and a bound on its error."""
        at = np.array([x])
        (p, _), (q, slope) = self._polynomials(1, at)
        rise, unit = slope - left._polynomials(1, at)[1][1], self._power(1, at) / q**2
        above, below = (_summed(self._sizes[i][i], np.abs(at)) for i in (0, 1))
        off = self._unit * (above * np.abs(rise) + 2.0 * below * np.abs(p) + np.abs(p * rise)) * np.abs(unit)
        return float((-p * rise * unit)[0]), float(off[0])

    def _power(self, k: int, x: FloatArray) -> FloatArray:
        """1 up to |x| = 1, and x^(m - n - k) beyond."""
        with np.errstate(over="ignore", under="ignore"):
            return np.asarray(np.where(np.abs(x) <= 1.0, 1.0, x) ** float(self.degrees[0] - self.degrees[1] - k))

    def _polynomials(self, order: int, x: FloatArray) -> tuple[list[FloatArray], list[FloatArray]]:
        """p_k and q_k up to the order."""
        p, q = ([_summed(row, x) for row in rows[: order + 1]] for rows in (self._p, self._q))
        for bend, value in self._bends:
            q[0] = np.where(x == bend, value, q[0])
        return p, q


def _solved(order: int, p: list[FloatArray], q: list[FloatArray]) -> list[FloatArray]:
    g = [p[0] / q[0]]
    if order > 0:
        g.append((p[1] - g[0] * q[1]) / q[0])
    if order > 1:
        g.append((p[2] - 2.0 * g[1] * q[1] - g[0] * q[2]) / q[0])
    return g


def _row(c: tuple[float, ...], k: int) -> _Row:
    """The k-th derivative of the polynomial, in x and, over x^(degree - k), in 1/x."""
    falling = [value * float(np.prod(np.arange(i - k + 1, i + 1))) for i, value in enumerate(c)]
    low = falling[k:] + [0.0] * min(k, len(c))
    return list(zip(low, falling[::-1], strict=True))[::-1]


def _summed(row: _Row, x: FloatArray) -> FloatArray:
    near = np.abs(x) <= 1.0
    if near.all():
        return _horner([low for low, _ in row], x)
    beyond = _horner([high for _, high in row], 1.0 / np.where(near, 1.0, x))
    return np.where(near, _horner([low for low, _ in row], np.where(near, x, 0.0)), beyond) if near.any() else beyond


def _horner(c: list[float], t: FloatArray) -> FloatArray:
    total = np.full_like(t, c[0])
    for value in c[1:]:
        total *= t
        total += value
    return total
