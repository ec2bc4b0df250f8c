r"""How fast differences between positions decay, wave by wave, where convolutions are circular.

Linearised around covariances that are the same everywhere, a deviation at a fixed offset that is a wave over positions
is multiplied in each layer by

.. math:: \chi \, |\hat A(k)|,

with chi = f'(c*) the slope of the correlation map where correlations end (chi_1 at c* = 1), or F'(q*) of the variances
themselves, and A(k) what the convolution keeps of the wave (:func:`eoc.mode_factor`). So differences of neighbouring
positions are forgotten first; with a single tap (delta-orthogonal) all last as long as in a fully connected network.
Xiao et al. (2018).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from eoc.errors import EocError, UnsupportedError
from eoc.layers import Network, network
from eoc.layers.convolution import Conv
from eoc.layers.graph import contains, in_series
from eoc.layers.modes import checked_positions, mode_factor
from eoc.phase.point import phase_of
from eoc.phase.result import Phase
from eoc.rates import e_folding

__all__ = ["ModeDecay", "mode_decay"]

Of = Literal["correlation", "variance"]


@dataclass(frozen=True)
class ModeDecay:
    """What becomes of a wave over positions.

    Attributes
    ----------
    factor
        What convolutions keep of it, |A(k)|, those of a block multiplied.
    chi
        By what deviations that are the same everywhere are multiplied in a block.
    rate, error
        chi factor, by which the wave is multiplied in a block, and a bound on its error.
    depth_scale, depth_scale_error
        -1/log(rate): blocks in which it falls by e; negative where it grows.
    """

    factor: float
    chi: float
    rate: float
    error: float
    depth_scale: float
    depth_scale_error: float


def mode_decay(
    source: object,
    sigma_w: float | None = None,
    sigma_b: float = 0.0,
    *,
    positions: int | tuple[int, ...],
    mode: int | tuple[int, ...],
    of: Of = "correlation",
) -> ModeDecay:
    """How fast a wave over positions decays in a convolutional network at its fixed point.

    Parameters
    ----------
    source
        An :func:`eoc.network`, or its text, with circular convolutions one after the other: "tanh, conv(3)".
    sigma_w, sigma_b
        Of its ``conv`` without sigma_w; left out if it has none.
    positions
        How many, or their shape.
    mode
        Waves along the axis, or along each axis; 0 is what is the same everywhere.
    of
        Deviations of correlations from c* ("correlation"), or of variances from q* ("variance").

    Returns
    -------
    ModeDecay

    Raises
    ------
    UnsupportedError
        For convolutions that are not circular, that have a stride, or that stand in branches.
    EocError
        If variances settle nowhere; and as :func:`eoc.phase_of` and :func:`eoc.mode_factor`.

    Examples
    --------
    >>> found = mode_decay("erf, conv(3)", 0.8**0.5, 0.1**0.5, positions=8, mode=1)
    >>> round(found.rate, 6), round(found.depth_scale, 6)
    (0.556424, 1.705832)
    """
    if of not in get_args(Of):
        raise EocError(f"of must be 'correlation' or 'variance', got {of!r}")
    block, shape = network(source), checked_positions(positions)
    factor = math.prod([mode_factor(conv.profile, shape, mode) for conv in _convolutions(block, sigma_w, sigma_b)])
    phase = phase_of(block, sigma_w, sigma_b)
    chi, chi_error = _slope(phase, of)
    rate, error = chi * factor, chi_error * factor + 4e-16 * chi
    scale, scale_error = e_folding(rate, 1.0 - rate, error)
    return ModeDecay(factor, chi, rate, error, float(scale), float(scale_error))


def _slope(phase: Phase, of: Of) -> tuple[float, float]:
    """By what deviations are multiplied, and a bound on its error."""
    if not math.isfinite(phase.q):
        raise EocError(f"variances of {phase.variance!r} settle nowhere: there is nothing to deviate from")
    if of == "variance":
        return abs(phase.slope), phase.slope_error
    if phase.phase != "chaotic" and phase.c_star == 1.0:
        return phase.chi_1, phase.chi_1_error
    slope = math.exp(-1.0 / phase.xi_c)
    return slope, slope * (phase.xi_c_error / phase.xi_c**2 + 4e-16)


def _convolutions(block: Network, sigma_w: float | None, sigma_b: float) -> list[Conv]:
    """Those of a block, one after the other."""
    block.check_free(sigma_w, sigma_b)
    found = []
    for op, place in in_series(block.block(sigma_w, sigma_b)):
        if isinstance(op, Conv):
            if op.pad != "circular" or op.stride != 1:
                raise UnsupportedError("waves stay waves with pad='circular' and stride 1 only", place)
            found.append(op)
        elif contains(op, Conv):
            raise UnsupportedError("a convolution in a branch: waves are followed through layers in series only", place)
    if not found:
        raise EocError(f"{block.name!r} has no convolution: write conv(3) for a free one with three taps")
    return found
