"""Critical initial values: for which number of a cell, others given, squared gradients keep their size."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite

import numpy as np
from scipy.optimize import brentq, newton

from eoc.errors import EocError
from eoc.layers import Input, Pairs, network
from eoc.messages import did_you_mean
from eoc.recurrence.cells import CELLS, Cell, cell_of
from eoc.recurrence.lstm import hidden_kept, law_at
from eoc.recurrence.theory import Recurrent, recurrent
from eoc.validation import real_number

__all__ = ["critical_recurrent"]

_POINTS = 17  # values that are looked at first
_COARSE, _FINE = 64, 128  # Chebyshev points of the law of an LSTM: chi to about 1e-7, and 1e-12
_SIZES, _MEANS = (1e-2, 30.0), (-8.0, 8.0)
_STEPS, _SETTLED, _FLAT = 400, 1e-12, 1.0 - 1e-9
_NOTHING, _TOO_MUCH = 1e-30, 1e100
_PRECISE, _AROUND = 1e-12, 1e-5


def critical_recurrent(
    cell: object,
    vary: str,
    *,
    chi: float = 1.0,
    between: tuple[float, float] | None = None,
    activation: object = None,
    **numbers: float,
) -> tuple[Recurrent, ...]:
    """The values of one number of a cell at which squared gradients change by ``chi`` a step: 1 is critical.

    Parameters
    ----------
    cell, activation, numbers
        As of :func:`eoc.recurrent`.
    vary
        The number that is looked for: "sigma_w", "mu_f" ...
    chi
        > 0. A memory of xi steps is chi = exp(-1 / xi).
    between
        Where it is looked for; left out, from 0.01 to 30 of standard deviations, from -8 to 8 of means of biases.

    Returns
    -------
    tuple of Recurrent
        One for each value that was found, in increasing order; () if there is none in that range. Pairs of values
        closer than a sixteenth of the range (of standard deviations, of its logarithm) may be missed.

    Raises
    ------
    EocError
        As :func:`eoc.recurrent`, and for a number that the cell does not have, or a range that is none.

    Examples
    --------
    >>> (found,) = critical_recurrent("lstm", "mu_f", chi=0.99)  # gradients that fall by e in 100 steps
    >>> round(found.numbers["mu_f"], 4), round(found.chi, 9)
    (5.2082, 0.99)
    """
    given = cell_of(cell, activation, numbers)
    if vary not in CELLS[given.name].numbers:
        raise EocError(
            f"{vary!r} is no number of {given.name!r}; {did_you_mean(vary, list(CELLS[given.name].numbers))}"
        )
    if not 0.0 < real_number("chi", chi) < np.inf:
        raise EocError(f"chi must be > 0, got {chi:g}")
    spread = not vary.startswith("mu") and vary != "c"
    low, high = between or (_SIZES if spread else _MEANS if vary != "c" else (-1.0, 1.0))
    if not (low < high and (low > 0.0 or not spread)):
        raise EocError(
            f"between must be two numbers, the smaller one first and > 0 for {vary}, got {low:g} and {high:g}"
        )
    at: Callable[[float], float] = np.exp if spread else float

    def off(x: float, points: int = _COARSE) -> float:
        return _chi(given.but(vary, float(at(x))), points) - chi

    x = np.linspace(float(np.log(low)), float(np.log(high)), _POINTS) if spread else np.linspace(low, high, _POINTS)
    values = [off(one) for one in x]
    crossed = [
        (a, b)
        for a, b, one, other in zip(x[:-1], x[1:], values[:-1], values[1:], strict=True)
        if isfinite(one) and isfinite(other) and (one < 0.0) != (other < 0.0)
    ]
    roots = [float(brentq(off, a, b, xtol=_PRECISE, rtol=_PRECISE)) for a, b in crossed]
    if given.name == "lstm":
        roots = [float(newton(off, root, x1=root + _AROUND, args=(_FINE,), tol=_PRECISE)) for root in roots]
    return tuple(recurrent(given.but(vary, float(at(root)))) for root in roots)


def _chi(cell: Cell, points: int) -> float:
    """Where variances settle from a state of variance 1, quickly; NaN where they grow without end."""
    if cell.name == "lstm":
        hidden, _ = hidden_kept(cell.numbers, points)
        return law_at(cell.numbers, hidden, points).chi(cell.numbers["sigma_w"])
    block, q = network(cell.text).block(), 1.0
    for _ in range(_STEPS):
        x = block(Input([q], pairs=Pairs.none(strict=False)))
        after, slope = float(x.q.value[0]), float(x.dq.value[0])
        if not _NOTHING < after < _TOO_MUCH:
            return float(x.chi.value[0]) if after <= _NOTHING else np.nan
        step = (after - q) / (1.0 - slope) if slope < _FLAT else after - q
        if abs(step) <= _SETTLED * q:
            return float(x.chi.value[0])
        q = q + step if q + step > 0.0 else after
    return np.nan
