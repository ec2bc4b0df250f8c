r"""Recurrent cells in the long run: what second moments and correlations settle at, and how long cells remember.

With fresh weights at every step a cell is a block of layers, and time is depth (:mod:`eoc.layers.recurrent`); an LSTM,
whose state is more than a second moment, is followed by its law (:mod:`eoc.recurrence.lstm_law`). Small differences of
states grow by chi a step in the square, and so do gradients on their way back; the correlation of two input sequences
settles at c* with the slope f'(c*). The time scales are

.. math:: \xi_{grad} = -1/\log\chi, \qquad \xi_c = -1/\log f'(c^*).

Real cells have the same weights at every step. For h' = phi(W h + V s + b) nothing changes at equal times, as the
pre-activations of one step depend on second moments of the step before alone; gates and states of other cells become
dependent, and the theory of fresh weights is an approximation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf, isfinite, isnan, nan
from typing import Any

from eoc.errors import UnsupportedError
from eoc.gaussian.moments import moments
from eoc.phase import Phase, phase_of
from eoc.rates import e_folding
from eoc.recurrence.cells import Cell, cell_of
from eoc.recurrence.lstm import kept_lstm
from eoc.shown import Shown

__all__ = ["Recurrent", "recurrent"]


@dataclass(frozen=True, kw_only=True)
class Recurrent(Shown, report="recurrent.write_recurrent"):
    """A cell where its variances have settled; errors are bounds.

    Attributes
    ----------
    cell, activation, numbers
        What it is; ``activation`` is "" but for an "rnn".
    q, q_error
        What is kept: E[h^2], of an "rnn" the variance of its pre-activations, of an "lstm" E[c^2] of its cell.
    hidden, hidden_error
        E[h^2] of what the cell hands on.
    fourth, fourth_error
        E[c^4] of the cell of an "lstm"; NaN for others.
    chi, chi_error
        By what squared tangents and gradients grow a step.
    c_star, c_star_error
        The correlation that states of two input sequences of correlation c settle at; of an "rnn" that of its
        pre-activations, of an "lstm" that of h. NaN where states vanish.
    slope, slope_error
        f'(c*), by what distances from c* shrink a step; NaN in the same cases.
    xi_grad, xi_grad_error, xi_c, xi_c_error
        Time scales, in steps: -1 / log chi, negative where gradients grow, and -1 / log slope.
    """

    cell: str
    activation: str
    numbers: Mapping[str, float]
    q: float
    q_error: float
    hidden: float
    hidden_error: float
    chi: float
    chi_error: float
    c_star: float = nan
    c_star_error: float = inf
    slope: float = nan
    slope_error: float = inf
    fourth: float = nan
    fourth_error: float = inf

    @property
    def xi_grad(self) -> float:
        """-1 / log chi."""
        return _scale(self.chi, self.chi_error)[0]

    @property
    def xi_grad_error(self) -> float:
        """A bound."""
        return _scale(self.chi, self.chi_error)[1]

    @property
    def xi_c(self) -> float:
        """-1 / log slope."""
        return _scale(self.slope, self.slope_error)[0]

    @property
    def xi_c_error(self) -> float:
        """A bound."""
        return _scale(self.slope, self.slope_error)[1]

    @property
    def tied_is_exact(self) -> bool:
        """Whether all this holds for the same weights at every step, too."""
        return self.cell == "rnn"

    @property
    def verdict(self) -> str:
        """What it means, in a sentence."""
        if not isfinite(self.q):
            return f"states of this {self.cell} grow without end"
        if self.chi > 1.0 + self.chi_error:
            return (
                f"gradients of this {self.cell} grow by {self.chi:.4g} a step, in the square, and its memory is chaotic"
            )
        if self.chi >= 1.0 - self.chi_error:
            return f"this {self.cell} is critical: gradients neither grow nor vanish"
        return (
            f"this {self.cell} remembers for {self.xi_grad:.4g} steps: squared gradients fall by {self.chi:.4g} a step"
        )

    def to_dict(self) -> dict[str, Any]:
        """Everything by name."""
        own = {name: value for name, value in vars(self).items() if name != "numbers"}
        scales = {name: getattr(self, name) for name in ("xi_grad", "xi_grad_error", "xi_c", "xi_c_error")}
        said = {"tied_is_exact": self.tied_is_exact, "verdict": self.verdict}
        return {**own, "numbers": dict(self.numbers), **scales, **said}


def recurrent(cell: object, *, activation: object = None, tied: bool = False, **numbers: float) -> Recurrent:
    """What a recurrent cell settles at, with fresh weights at every step.

    Parameters
    ----------
    cell
        "rnn", "minimalrnn", "gru" or "lstm", perhaps with numbers: "gru(sigma_w=2, mu_u=1)".
    activation
        Of an "rnn": phi, tanh if left out.
    tied
        Whether theory is asked for the same weights at every step, which is exact for an "rnn" only.
    numbers
        By name, see :data:`eoc.recurrence.CELLS`: sigma_w of the recurrent weights (of a "gru" those of the candidate,
        with sigma_u and sigma_r of its gates), sigma_v of the input weights, sigma_b of the biases, each >= 0 and
        times the root of the fan-in where it is of weights; ``mu_...`` means of the biases of gates, from -100 to 100;
        R >= 0, the second moment of inputs, and c, the correlation of two of them.

    Returns
    -------
    Recurrent
        With bounds on all errors.

    Raises
    ------
    EocError
        For a cell or a number that is not known or out of range, and where states settle at several variances.
    UnsupportedError
        For ``tied`` weights of a cell with gates.

    Notes
    -----
    Chen, Pennington and Schoenholz (2018, arXiv 1806.05394) for "rnn" and "minimalrnn".

    Examples
    --------
    >>> found = recurrent("minimalrnn", mu=3.0, sigma_w=2.0, c=0.5)
    >>> round(found.q, 10), round(found.chi, 10), round(found.c_star, 10), round(found.xi_grad, 4)
    (0.0981122801, 0.8900212525, 0.3140581775, 8.583)
    >>> print(recurrent("lstm(mu_f=3)").verdict)
    this lstm remembers for 8.486 steps: squared gradients fall by 0.8888 a step
    """
    found = cell_of(cell, activation, numbers)
    if tied and found.name != "rnn":
        raise UnsupportedError(
            f"theory of {found.name!r} with the same weights at every step needs correlations of states at two times, "
            "which are not known: sample it, eoc.recurrent_networks(...), beside the theory of fresh weights"
        )
    return _of_lstm(found) if found.name == "lstm" else _of_network(found)


def _scale(factor: float, error: float) -> tuple[float, float]:
    """-1 / log of a factor a step, and a bound."""
    if not isfinite(factor):
        return nan, inf
    found, off = e_folding(factor, 1.0 - factor, error)
    return float(found), float(off)


def _of_network(cell: Cell) -> Recurrent:
    at = phase_of(cell.text)
    hidden = _handed_on(cell, at)
    pair = None if at.correlation is None or isnan(at.c_star) else at.correlation.stable_point
    return Recurrent(
        cell=cell.name,
        activation=cell.activation,
        numbers=cell.numbers,
        q=at.q,
        q_error=at.q_error,
        hidden=hidden[0],
        hidden_error=hidden[1],
        chi=at.chi_1,
        chi_error=at.chi_1_error,
        c_star=at.c_star,
        c_star_error=at.c_star_error,
        slope=nan if pair is None else pair.slope,
        slope_error=inf if pair is None else pair.slope_error,
    )


def _handed_on(cell: Cell, at: Phase) -> tuple[float, float]:
    if cell.name != "rnn":
        return at.q, at.q_error
    if not isfinite(at.q):
        return inf, 0.0
    found = moments(cell.activation, [at.q], ("V", "D", "P"))
    slope = abs(found["D"].value[0]) + abs(found["P"].value[0])
    return float(found["V"].value[0]), float(found["V"].error[0] + slope * at.q_error)


def _of_lstm(cell: Cell) -> Recurrent:
    at = kept_lstm(cell.numbers)
    return Recurrent(
        cell=cell.name,
        activation="",
        numbers=cell.numbers,
        q=at.cell.second_limit,
        q_error=at.cell.second_limit_error,
        hidden=at.hidden,
        hidden_error=at.hidden_error,
        chi=at.chi,
        chi_error=at.chi_error,
        c_star=at.c,
        c_star_error=at.c_error,
        slope=at.slope,
        slope_error=at.slope_error,
        fourth=at.cell.fourth_limit,
        fourth_error=at.cell.fourth_limit_error,
    )
