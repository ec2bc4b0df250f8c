"""How far a function that can only be called stays finite, and how it grows until then."""

from __future__ import annotations

import numpy as np

from eoc.activations.base import Growth
from eoc.activations.function.breakpoints import refuse_pole
from eoc.activations.function.calls import Calls
from eoc.activations.growth import BOUNDED, FASTER, REACH, exponential, fastest, gaussian
from eoc.errors import EocError

__all__ = ["growth", "reach"]

_FAR = 2.0**40
_OVERFLOW_FROM = 350.0  # an infinity beyond is taken for an intermediate overflow, as of log(1 + exp(x)) at x = 710


def reach(f: Calls, name: str, sign: float) -> float:
    """Return the x, of this sign, up to which f is finite; 2^40 stands for infinity.

    Raises
    ------
    EocError
        If f is infinite, and not because it overflows.
    NotPermissibleError
        If it has a pole.
    """
    x = sign * 2.0 ** np.arange(-3.0, 41.0)
    infinite = np.flatnonzero(~np.isfinite(f(np.concatenate([[0.0], x]))))
    if infinite.size == 0:
        return float(x[-1])
    if infinite[0] == 0:
        refuse_pole(f, name, 0.0)
        raise EocError(f"{name} is infinite at x = 0")
    good, bad = (0.0 if infinite[0] == 1 else float(x[infinite[0] - 2])), float(x[infinite[0] - 1])
    for _ in range(60):
        middle = 0.5 * (good + bad)
        good, bad = (middle, bad) if np.isfinite(f(np.array([middle]))[0]) else (good, middle)
    if abs(f(np.array([good]))[0]) < 1e250:
        refuse_pole(f, name, bad)
        if abs(bad) < _OVERFLOW_FROM:
            raise EocError(f"{name} is infinite at x = {bad!r}, and not because it overflows")
    return good


def growth(f: Calls, lowest: float, highest: float) -> Growth:
    """Classify the growth of |f|, finite from lowest to highest x, by the faster of the two sides."""
    return fastest(_one_sided_growth(f, lowest), _one_sided_growth(f, highest))


def _one_sided_growth(f: Calls, end: float) -> Growth:
    if abs(end) >= _FAR:
        return _slow_growth(f, np.sign(end))
    x = end * REACH
    with np.errstate(divide="ignore"):
        log = np.log(np.abs(f(x)))
    x, log = np.abs(x[np.isfinite(log)]), log[np.isfinite(log)]
    power = np.log(log[-1] / log[-9]) / np.log(x[-1] / x[-9])
    if power < 0.7:
        return Growth("polynomial", round(float((log[-1] - log[0]) / np.log(x[-1] / x[0])), 6))
    if power > 2.1:
        return FASTER
    if power > 1.7 and (found := gaussian(x, log)).rate > 0.0:
        return found
    return exponential(x, log) if power < 1.1 else Growth("exponential", float(log[-1] / x[-1]))


def _slow_growth(f: Calls, sign: float) -> Growth:
    """Bounded, or the degree of a power: from the largest values in some far octaves."""
    octave = 2.0 ** np.linspace(0.0, 1.0, 64, endpoint=False)
    near, middle, far = (float(np.abs(f(sign * 2.0**k * octave)).max()) for k in (19.0, 29.0, 39.0))
    inner = float(np.abs(f(sign * np.linspace(0.0, 2.0**10, 1025))).max())
    if far <= 1.001 * max(inner, near, middle) or middle == 0.0:
        return BOUNDED
    degree = np.log2(far / middle) / 10.0
    if degree < 1e-3:
        return BOUNDED
    close = round(degree * 12.0) / 12.0
    return Growth("polynomial", close if abs(degree - close) < 0.01 and close > 0.0 else round(float(degree), 6))
