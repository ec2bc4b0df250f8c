"""Constants fitted to the layers of networks: straight lines through what theory says grows evenly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from eoc.floats import FloatArray
from eoc.maps import ConvergenceLaw
from eoc.montecarlo.experiments.comparison import Comparison
from eoc.montecarlo.running.summary import Summary
from eoc.montecarlo.theory.correlations import CorrelationTheory

__all__ = ["Fit", "FittedConstant", "fit_average", "fit_constant", "fit_exponent", "fit_rate", "fits_of", "fitted"]

_GUARD = 0.25
_FEWEST = 4  # layers of a window
_EARLY = 0.2  # of the window's last layer: its first, so that orders beyond those removed are small
_SMALL = 0.01  # 1 - c from which an exponential is fitted
_LATE = 0.25  # 1 - c from which on laws of the edge of chaos can be told from what precedes them
_BEYOND = 0.01  # of a depth: a crossover between two laws that lies behind
_FAR = 10.0  # of log e
_ARRIVED = 1e-3  # of c*: distance from which c_l counts as settled
_STEP = 1e-6  # of log e, for derivatives


@dataclass(frozen=True)
class FittedConstant:
    """A constant read off every network by one fit, averaged over the networks.

    Attributes
    ----------
    quantity
        What it is.
    first, last
        The layers that are fitted.
    theory
        Its value at infinite width and depth.
    noiseless
        What the same fit makes of the infinite-width trajectory.
    systematic
        What the fit may be off at these depths, from what it changes when the trajectory is fitted at half of them.
        Infinite where these are too few, 1 - c has not become small, or the law has not taken over from another yet.
    measured, standard_error
        The mean over networks.
    truncation
        What terms of order l/N that theory leaves out may change.
    """

    quantity: str
    first: int
    last: int
    theory: float
    noiseless: float
    systematic: float
    measured: float
    standard_error: float
    truncation: float

    @property
    def comparisons(self) -> tuple[Comparison, ...]:
        """With the same fit at infinite width; and with infinite depth, where it is known what the fit is off."""
        seen = self.measured, self.standard_error
        same = Comparison(f"{self.quantity}, same fit", None, self.noiseless, *seen, self.truncation)
        if not np.isfinite(self.systematic):
            return (same,)
        return Comparison(self.quantity, None, self.theory, *seen, self.systematic + self.truncation), same


@dataclass(frozen=True, eq=False)
class Fit:
    """A number that is a function of a weighted sum over the layers of a network.

    Attributes
    ----------
    quantity
        What is fitted, as a formula.
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
    back: Callable[[float], tuple[float, float]] = lambda value: (value, 1.0)
    systematic: float = float("inf")

    def sums(self, one_minus_c: FloatArray) -> FloatArray:
        """The weighted sums of networks (M, L) or of one trajectory (L,)."""
        return np.asarray(self.transform(one_minus_c[..., self.first - 1 : self.last]) @ self.weights)

    def of(self, one_minus_c: FloatArray) -> float:
        """The number that fits a trajectory (L,)."""
        return self.back(float(self.sums(one_minus_c)))[0]

    def checked(self, others: Sequence[Fit | None], one_minus_c: FloatArray) -> Fit:
        """The same, with ``systematic`` from what changes if other layers are fitted, each time with fewer.

        What an error that falls at least like 1/l changes from half the depth is no less than itself. A quarter of the
        change before guards against an accident, such as a change of sign.
        """
        values = [self.of(one_minus_c), *(other.of(one_minus_c) for other in others if other is not None)]
        if len(values) <= len(others) or not others:
            return self
        changes = np.abs(np.diff(values))
        return replace(self, systematic=float(changes @ _GUARD ** np.arange(changes.size)))


def fit_constant(law: ConvergenceLaw, first: int, last: int) -> Fit | None:
    r"""beta_q or kappa, from the slope of (1 - c_l)^{-1/p} against l + R sqrt(l) + A log(l), p = 1 or 2.

    With the next orders of the law (:class:`eoc.ConvergenceLaw`) on the axis, the slope is constant^{-1/p} up to what
    falls faster than 1/l. Where these orders are not small yet they are left out. None if the window is too short.
    """
    if last - first + 1 < _FEWEST:
        return None
    p, name = (2.0, "kappa of (1 - c_l) l^2") if law.law == "1/l^2" else (1.0, "beta_q of (1 - c_l) l")
    return Fit(
        name,
        first,
        last,
        law.constant,
        _slope_weights(_axis(law, first, last)),
        lambda e: np.asarray(e ** (-1.0 / p)),
        lambda b: (b**-p, -p * b ** (-p - 1.0)),
    )


def fit_exponent(law: ConvergenceLaw, one_minus_c: FloatArray, first: int, last: int) -> Fit | None:
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
    p = 2.0 if law.law == "1/l^2" else 1.0
    return Fit("exponent", first, last, p, _slope_weights(-np.log(axis + offset)), np.log)


def fit_rate(xi: float, first: int, last: int) -> Fit | None:
    """1/xi_c, from the slope of log(1 - c_l) against l in the ordered phase."""
    if last - first + 1 < _FEWEST:
        return None
    return Fit("1/xi_c", first, last, 1.0 / xi, _slope_weights(-np.arange(first, last + 1.0)), np.log)


def fit_average(c_star: float, first: int, last: int) -> Fit | None:
    """The mean of c_l in the chaotic phase."""
    count = last - first + 1
    if count < 1:
        return None
    return Fit("c*", first, last, c_star, np.full(count, 1.0 / count), lambda e: 1.0 - e)


def _axis(law: ConvergenceLaw, first: int, last: int) -> FloatArray:
    """The law's lambda_l but for its constant C; without its next orders where they are not small yet."""
    depths = np.arange(first, last + 1.0) - 1.0  # layer 1 is depth 0 of the law
    axis = depths + law.root * np.sqrt(depths) + law.log * np.log(depths)
    return np.asarray(axis if (np.diff(axis) > 0.0).all() else depths)


def _slope_weights(x: FloatArray) -> FloatArray:
    """Weights of the values at x in the slope of the least-squares line."""
    centred = x - x.mean()
    return np.asarray(centred / (centred @ centred))


def fits_of(theory: CorrelationTheory) -> tuple[Fit, ...]:
    """What can be fitted within the reliable depths."""
    law, e, depth = theory.law, theory.one_minus_c, theory.one_minus_c.size
    if law is None or not theory.settled:
        return ()
    last = int(min(depth, theory.reliable_depth))
    first = max(3, int(np.ceil(_EARLY * last)))
    makers: list[Callable[[int, int], Fit | None]]
    if law.law in ("1/l", "1/l^2") and theory.noise is not None:
        late = e[min(first, depth) - 1] <= _LATE and law.crossover <= _BEYOND * first
        shallower = [(max(3, first // k), last // k) for k in (2, 4)] if late else []
        makers = [partial(fit_constant, law), partial(fit_exponent, law, e)]
    elif law.law == "exponential" and law.limit == 1.0 and theory.noise is not None:
        close = np.flatnonzero(e <= _SMALL)
        if not (close.size and 0.0 < law.constant < np.inf):
            return ()
        first = max(first, int(close[0]) + 1)
        shallower = [(first, first + (last - first) // k) for k in (2, 4)]
        makers = [partial(fit_rate, law.constant)]
    elif law.law == "exponential":
        away = np.abs(e - (1.0 - law.limit)) > _ARRIVED * (1.0 - law.limit)
        first, last = int(np.flatnonzero(away)[-1]) + 2 if away.any() else 1, depth
        shallower = [((first + depth) // 2, depth)]
        makers = [partial(fit_average, law.limit)]
    else:
        return ()
    found = [(make(first, last), [make(*window) for window in shallower]) for make in makers]
    return tuple(fit.checked(others, e) for fit, others in found if fit is not None)


def fitted(fit: Fit, theory: CorrelationTheory, summary: Summary) -> FittedConstant:
    """The constant of the networks whose weighted sums, and 1 - c_l, are in the summary."""
    sums = summary.moments[fit.quantity]
    value, slope = fit.back(float(sums.mean))
    noiseless, truncation = fit.of(theory.one_minus_c), _truncation(fit, theory, summary, value)
    if theory.pairs is not None:  # the mean of log e strays too
        stray = np.minimum(np.abs(theory.pairs.mean_log_ratio) + theory.pairs.shift_truncation, _FAR)
        truncation += abs(fit.of(theory.one_minus_c * np.exp(stray)) - noiseless)
    return FittedConstant(
        quantity=fit.quantity,
        first=fit.first,
        last=fit.last,
        theory=fit.theory,
        noiseless=noiseless,
        systematic=fit.systematic,
        measured=value,
        standard_error=abs(slope) * max(float(sums.standard_error), _predicted_error(fit, theory, summary.networks)),
        truncation=truncation,
    )


def _truncation(fit: Fit, theory: CorrelationTheory, summary: Summary, value: float) -> float:
    """What fluctuations of e change of the mean of what is fitted, where the fit is not linear in them."""
    v = float(theory.relative_variance[fit.last - 1])
    if fit.quantity == "c*":
        law, f = theory.law, theory.phase.correlation
        assert law is not None  # nothing is fitted without one
        assert f is not None
        bent = 0.5 * abs(float(f.curvature(law.limit).value))  # E f(c) = f(E c) + f'' Var(c) / 2
        spread = float(summary.moments["1 - c"].variance[fit.first - 1 :].mean())
        return spread * bent / (1.0 - float(np.exp(-1.0 / law.constant)))
    if fit.quantity == "1/xi_c":
        return v / fit.last
    return v if fit.quantity == "exponent" else 1.5 * v * value  # the mean of e^{-1/p} grows by 1.5 v / p or less


def _predicted_error(fit: Fit, theory: CorrelationTheory, networks: int) -> float:
    """Of the mean of a weighted sum, from the spread of log e that theory predicts; 0 where it does not.

    A kick in layer k is still k/l (or, undamped, all) of what it was in layer l: so Cov(log e_k, log e_l) is that much
    of Var log e_k.
    """
    if theory.pairs is None or theory.noise is None:
        return 0.0
    window = slice(fit.first - 1, fit.last)
    e, variances = theory.one_minus_c[window], theory.pairs.spread[window] ** 2
    weights = fit.weights * (fit.transform(e * np.exp(_STEP)) - fit.transform(e * np.exp(-_STEP))) / (2 * _STEP)
    passed = np.arange(fit.first, fit.last + 1.0) if theory.noise.damped else np.ones(e.size)
    before = np.cumsum(weights * passed * variances) - weights * passed * variances
    total = float((weights**2 * variances + 2.0 * weights / passed * before).sum())
    return float(np.sqrt(max(total, 0.0) / networks))
