"""An LSTM where its variances are kept: the second moment of h that its own gates see, and what follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import inf, nan

from eoc.errors import AccuracyError
from eoc.recurrence.lstm_law import CellLaw, Gates
from eoc.recurrence.lstm_moments import CellMoments, lstm_moments
from eoc.recurrence.lstm_pair import kept_pair

__all__ = ["KeptLstm", "hidden_kept", "kept_lstm", "law_at"]

_POINTS = (64, 96, 144, 216, 324, 486)  # Chebyshev points, until two agree
_OF_PAIRS = ((48, 24), (64, 32))  # points, and Hermite polynomials
_ENOUGH = 1e-11
_STEPS, _STEEP, _SETTLED = 100, 0.9, 1e-14
_SOME, _NOTHING = 1e-2, 1e-30  # of E[h^2], where nothing comes in
_ROUNDING = 1e-13  # relative


@dataclass(frozen=True)
class KeptLstm:
    """Second moment of h, growth of tangents, and what two states correlate, with errors; and moments of c."""

    hidden: float
    hidden_error: float
    chi: float
    chi_error: float
    cell: CellMoments
    c: float = nan
    c_error: float = inf
    slope: float = nan
    slope_error: float = inf


def kept_lstm(numbers: Mapping[str, float]) -> KeptLstm:
    """Where second moments settle from a state of zeros.

    Errors are what a finer grid changes, twice, and what that of h changes in turn.

    Raises
    ------
    AccuracyError
        Where even the finest grid is not enough: cells that hardly forget are very wide.
    """
    hidden, slope = hidden_kept(numbers, _POINTS[0])
    chi = law_at(numbers, hidden, _POINTS[0]).chi(numbers["sigma_w"])
    for points in _POINTS[1:]:
        before = hidden, chi
        hidden, slope = hidden_kept(numbers, points, hidden)
        chi = law_at(numbers, hidden, points).chi(numbers["sigma_w"])
        off = abs(hidden - before[0]), abs(chi - before[1])
        if off[0] <= _ENOUGH * hidden and off[1] <= _ENOUGH * chi:
            break
    else:
        raise AccuracyError("the law of the cell is too wide to be followed: take a smaller mu_f")
    rounding = _ROUNDING / max(1.0 - slope, _ROUNDING)
    error = 2.0 * off[0] + rounding * hidden
    moved = law_at(numbers, hidden * (1.0 + 1e-5), points).chi(numbers["sigma_w"])
    chi_error = 2.0 * off[1] + _ROUNDING * chi + abs(moved - chi) / (1e-5 * max(hidden, 1e-300)) * error
    found = KeptLstm(hidden, error, chi, chi_error, _moments(numbers, hidden, error))
    return _with_pair(numbers, found) if hidden > 0.0 else found


def _with_pair(numbers: Mapping[str, float], found: KeptLstm) -> KeptLstm:
    """With the correlation that two states settle at: of one sequence 1, as long as that is stable."""
    if numbers["c"] == 1.0 and found.chi < 1.0:
        return replace(found, c=1.0, c_error=0.0, slope=found.chi, slope_error=found.chi_error)
    shared = numbers["sigma_v"] ** 2 * numbers["R"] * numbers["c"] + numbers["sigma_b"] ** 2
    weight = numbers["sigma_w"] ** 2
    coarse, fine = (
        kept_pair(law_at(numbers, h, n), h, shared, weight, weight * h + _fed(numbers), orders)
        for h, n, orders in ((hidden_kept(numbers, n, found.hidden)[0], n, orders) for n, orders in _OF_PAIRS)
    )
    off = 2.0 * abs(fine.c - coarse.c) + (_ROUNDING + found.hidden_error / found.hidden) / max(
        1.0 - fine.slope, _ROUNDING
    )
    doubt = 2.0 * abs(fine.slope - coarse.slope) + 10.0 * fine.slope_error + _ROUNDING
    return replace(found, c=fine.c, c_error=off, slope=fine.slope, slope_error=doubt)


def law_at(numbers: Mapping[str, float], hidden: float, points: int) -> CellLaw:
    """The law of cells whose gates see this second moment of h."""
    variance = numbers["sigma_w"] ** 2 * hidden + _fed(numbers)
    return CellLaw(Gates(numbers["mu_f"], numbers["mu_i"], numbers["mu_o"], variance), points)


def hidden_kept(numbers: Mapping[str, float], points: int, start: float = 0.0) -> tuple[float, float]:
    """E[h^2] that is kept, by Newton's method with differences from ``start``, and the slope of its map there.

    Without inputs and biases 0 is kept, too; it is meant where it is stable.
    """
    at = start or (0.0 if _fed(numbers) else _SOME)
    after, slope = law_at(numbers, at, points).hidden, 0.0
    for _ in range(_STEPS):
        ahead = max(at + (after - at) / (1.0 - min(slope, _STEEP)), 0.0)
        if ahead <= _NOTHING:
            return 0.0, slope
        if abs(ahead - at) <= _SETTLED * ahead:
            break
        found = law_at(numbers, ahead, points).hidden
        slope = (found - after) / (ahead - at)
        at, after = ahead, found
    return after, slope


def _fed(numbers: Mapping[str, float]) -> float:
    """The variance of pre-activations that does not come from h."""
    return numbers["sigma_v"] ** 2 * numbers["R"] + numbers["sigma_b"] ** 2


def _moments(numbers: Mapping[str, float], hidden: float, error: float) -> CellMoments:
    """Moments of c, with what the error of E[h^2] makes of them."""

    def at(h: float) -> CellMoments:
        v = numbers["sigma_w"] ** 2 * h + _fed(numbers)
        return lstm_moments(numbers["mu_f"], v, numbers["mu_i"], v, v, steps=0)

    found, moved = at(hidden), at(hidden * (1.0 + 1e-5))
    share = error / (1e-5 * max(hidden, 1e-300))
    return CellMoments(
        found.second,
        found.second_error,
        found.fourth,
        found.fourth_error,
        found.second_limit,
        found.second_limit_error + share * abs(moved.second_limit - found.second_limit),
        found.fourth_limit,
        found.fourth_limit_error + share * abs(moved.fourth_limit - found.fourth_limit),
    )
