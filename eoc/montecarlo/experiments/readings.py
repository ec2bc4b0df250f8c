"""Constants read off the layers of one network: straight lines fitted to what theory says grows evenly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from eoc.convergence import ConvergenceLaw
from eoc.floats import FloatArray

__all__ = ["Reading", "read_average", "read_constant", "read_exponent", "read_rate"]

_GUARD = 0.25
_FEWEST = 4  # layers of a window


@dataclass(frozen=True, eq=False)
class Reading:
    """A number that is a function of a weighted sum over the layers of a network.

    Attributes
    ----------
    quantity
        What is read off, as a formula.
    first, last
        The window, layers first .. last (from 1).
    theory
        What theory says of large depths.
    weights : (last - first + 1,)
        Of the layers.
    transform
        What is summed, a function of 1 - c.
    back
        The number and its derivative, from the sum.
    systematic
        What the number may be off, without any noise, because the layers are not deep enough.
    """

    quantity: str
    first: int
    last: int
    theory: float
    weights: FloatArray
    transform: Callable[[FloatArray], FloatArray]
    back: Callable[[float], tuple[float, float]]
    systematic: float = float("inf")

    def sums(self, one_minus_c: FloatArray) -> FloatArray:
        """The weighted sums of networks (M, L) or of one trajectory (L,)."""
        return np.asarray(self.transform(one_minus_c[..., self.first - 1 : self.last]) @ self.weights)

    def of(self, one_minus_c: FloatArray) -> float:
        """The number read off a trajectory (L,)."""
        return self.back(float(self.sums(one_minus_c)))[0]

    def checked(self, others: Sequence[Reading | None], one_minus_c: FloatArray) -> Reading:
        """The same, with ``systematic`` from what changes if other layers are read, each time with fewer.

        What an error that falls at least like 1/l changes from half the depth is no less than itself. A quarter of the
        change before guards against an accident, such as a change of sign.
        """
        values = [self.of(one_minus_c), *(other.of(one_minus_c) for other in others if other is not None)]
        if len(values) <= len(others) or not others:
            return self
        changes = np.abs(np.diff(values))
        return replace(self, systematic=float(changes @ _GUARD ** np.arange(changes.size)))


def read_constant(law: ConvergenceLaw, first: int, last: int) -> Reading | None:
    r"""beta_q or kappa, from the slope of (1 - c_l)^{-1/p} against l + R sqrt(l) + A log(l), p = 1 or 2.

    With the next orders of the law (:class:`eoc.ConvergenceLaw`) on the axis, the slope is constant^{-1/p} up to what
    falls faster than 1/l. Where these orders are not small yet they are left out. None if the window is too short.
    """
    if last - first + 1 < _FEWEST:
        return None
    p, name = (2.0, "kappa") if law.law == "1/l^2" else (1.0, "beta_q")
    return Reading(
        f"{name} of (1 - c_l) l{'^2' if p == 2.0 else ''}",
        first,
        last,
        law.constant,
        _slope_weights(_axis(law, first, last)),
        lambda e: np.asarray(e ** (-1.0 / p)),
        lambda b: (b**-p, -p * b ** (-p - 1.0)),
    )


def read_exponent(law: ConvergenceLaw, one_minus_c: FloatArray, first: int, last: int) -> Reading | None:
    """The exponent p of l^-p, from the slope of log(1 - c_l) against log(lambda_l).

    lambda = l + R sqrt(l) + A log(l) + C with the next orders of the law, C from the trajectory (L,) of infinite width;
    against log(l) where lambda is not positive yet. None if the window is too short.
    """
    if last - first + 1 < _FEWEST:
        return None
    axis = _axis(law, first, last)
    offset = float((law.linear(one_minus_c[first - 1 : last]) - axis).mean())
    if not (axis + offset > 0.0).all():
        axis, offset = np.arange(first, last + 1.0), 0.0
    weights = _slope_weights(-np.log(axis + offset))
    p = 2.0 if law.law == "1/l^2" else 1.0
    return Reading("exponent", first, last, p, weights, np.log, _itself)


def read_rate(xi: float, first: int, last: int) -> Reading | None:
    """1/xi_c, from the slope of log(1 - c_l) against l in the ordered phase."""
    if last - first + 1 < _FEWEST:
        return None
    return Reading("1/xi_c", first, last, 1.0 / xi, _slope_weights(-np.arange(first, last + 1.0)), np.log, _itself)


def read_average(c_star: float, first: int, last: int) -> Reading | None:
    """The mean of c_l in the chaotic phase."""
    count = last - first + 1
    if count < 1:
        return None
    return Reading("c*", first, last, c_star, np.full(count, 1.0 / count), lambda e: 1.0 - e, _itself)


def _axis(law: ConvergenceLaw, first: int, last: int) -> FloatArray:
    """The law's lambda_l but for its constant C; without its next orders where they are not small yet."""
    depths = np.arange(first, last + 1.0) - 1.0  # layer 1 is depth 0 of the law
    axis = depths + law.root * np.sqrt(depths) + law.log * np.log(depths)
    return np.asarray(axis if (np.diff(axis) > 0.0).all() else depths)


def _slope_weights(x: FloatArray) -> FloatArray:
    """Weights of the values at x in the slope of the least-squares line."""
    centred = x - x.mean()
    return np.asarray(centred / (centred @ centred))


def _itself(value: float) -> tuple[float, float]:
    return value, 1.0
