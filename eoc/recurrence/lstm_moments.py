r"""Second and fourth moment of the cell of an LSTM, c' = f c + i g, step by step, at given variances of its gates.

With fresh weights at every step f, i, g and c are independent, and g = tanh of a Gaussian has mean 0, so that

.. math:: E[c'^2] = E[f^2] E[c^2] + E[i^2] E[g^2], \qquad
          E[c'^4] = E[f^4] E[c^4] + 6 E[f^2] E[i^2] E[c^2] E[g^2] + E[i^4] E[g^4]

(derived here; Gilboa et al. 2019, arXiv 1901.08987, for the mean-field theory of LSTMs). The law of c is not Gaussian.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np

from eoc.activations import activation
from eoc.activations.algebra import product
from eoc.activations.base import Activation
from eoc.errors import EocError
from eoc.gaussian.moments import moments
from eoc.layers.bounded import Bounded, exact
from eoc.layers.recurrent import shifted_sigmoid
from eoc.validation import real_number

__all__ = ["CellMoments", "lstm_moments"]

_MOST = 1_000_000  # steps


@dataclass(frozen=True)
class CellMoments:
    """Moments of a cell after some steps, and in the end.

    Attributes
    ----------
    second, fourth
        E[c^2] and E[c^4] after these steps.
    second_limit, fourth_limit
        After many.
    second_error, fourth_error, second_limit_error, fourth_limit_error
        Bounds on their errors.
    """

    second: float
    second_error: float
    fourth: float
    fourth_error: float
    second_limit: float
    second_limit_error: float
    fourth_limit: float
    fourth_limit_error: float

    def to_dict(self) -> Mapping[str, float]:
        """Everything by name."""
        return asdict(self)


def lstm_moments(
    mu_f: float = 1.0,
    v_f: float = 1.0,
    mu_i: float = 0.0,
    v_i: float = 1.0,
    v_g: float = 1.0,
    *,
    steps: int,
    second: float = 0.0,
    fourth: float = 0.0,
) -> CellMoments:
    """Moments of the cell of an LSTM whose gates see pre-activations of given means and variances.

    Parameters
    ----------
    mu_f, v_f
        Mean, from -100 to 100, and variance >= 0 of the pre-activations of the forget gate.
    mu_i, v_i
        Those of the input gate.
    v_g
        The variance of those of the candidate, whose mean is 0.
    steps
        How many, from 0 to a million.
    second, fourth
        E[c^2] >= 0 and E[c^4] >= E[c^2]^2 at first.

    Raises
    ------
    EocError
        For a number out of its range.

    Examples
    --------
    >>> found = lstm_moments(mu_f=1.0, v_f=0.5, v_i=0.5, steps=20)
    >>> round(found.second, 12), round(found.fourth, 12)
    (0.228324290527, 0.150011469012)
    """
    if isinstance(steps, bool) or not isinstance(steps, int) or not 0 <= steps <= _MOST:
        raise EocError(f"steps must be a whole number from 0 to {_MOST}, got {steps!r}")
    m2, m4 = real_number("second", second), real_number("fourth", fourth)
    if not 0.0 <= m2**2 <= m4 < np.inf:
        raise EocError(f"moments must be second >= 0 and fourth >= second^2, got {m2:g} and {m4:g}")
    (f2, f4), (i2, i4) = (powers(shifted_sigmoid(mu), v) for mu, v in ((mu_f, v_f), (mu_i, v_i)))
    g2, g4 = powers(activation("tanh"), v_g)
    first, last = (exact([m2]), exact([m4])), _limits(f2, f4, i2, i4, g2, g4)
    kept2, kept4 = first
    for _ in range(steps):
        kept2, kept4 = f2 * kept2 + i2 * g2, f4 * kept4 + f2 * i2 * kept2 * g2 * 6.0 + i4 * g4
    return CellMoments(*(number for one in (kept2, kept4, *last) for number in _numbers(one)))


def powers(phi: Activation, variance: float) -> tuple[Bounded, Bounded]:
    """E[phi^2] and E[phi^4] of a Gaussian of this variance."""
    found = (moments(one, [variance], ("V",))["V"] for one in (phi, product(phi, phi)))
    second, fourth = (Bounded(one.value, one.error) for one in found)
    return second, fourth


def _limits(f2: Bounded, f4: Bounded, i2: Bounded, i4: Bounded, g2: Bounded, g4: Bounded) -> tuple[Bounded, Bounded]:
    one = exact([1.0])
    second = i2 * g2 / (one - f2)
    return second, (f2 * i2 * second * g2 * 6.0 + i4 * g4) / (one - f4)


def _numbers(one: Bounded) -> tuple[float, float]:
    return float(one.value[0]), float(one.error[0])
