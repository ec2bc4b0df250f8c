r"""Condition numbers of the NNGP and the NTK of plain networks at any depth, for equally correlated inputs.

With r = 1 - Theta_12 / Theta_11, i = q / Theta_11 and e = 1 - c one layer of an activation makes

.. math:: i' = \frac{i}{i + \chi_1}, \qquad
          r' = i' e' + (1 - i') \Big( \frac{f'(1) - f'(c)}{\chi_1} + \frac{f'(c)}{\chi_1} r \Big), \qquad
          \kappa = \frac{m}{r} - (m - 1),

from r = e, i = 1 in the first layer: sums of what is >= 0 for c >= 0, in which no digits are lost however close inputs
have become. For negative correlations, r > 1, kappa is the inverse. Derived here from the recursion of the NTK (Jacot
et al. 2018).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from eoc.activations.base import Smoothness
from eoc.errors import EocError, UnsupportedError
from eoc.floats import EPS, FloatArray
from eoc.gaussian.angle import angle_of
from eoc.gaussian.moments import Estimate
from eoc.kernels.condition_laws import ConditionLaw, condition_law
from eoc.maps import CorrelationMap
from eoc.validation import real_number, real_numbers, whole_numbers

__all__ = ["ConditionNumbers", "condition_numbers"]

_MOST = 10_000  # layers


@dataclass(frozen=True, eq=False)
class ConditionNumbers:
    """Condition numbers of kernels with depth, beside their laws.

    Attributes
    ----------
    f
        The correlation map.
    inputs, one_minus_c
        How many there are, and 1 - c in the first layer.
    depth
        (n,), activations.
    nngp, nngp_error, ntk, ntk_error
        (n,), and bounds on their errors.
    law
        What they do at large depth.
    """

    f: CorrelationMap
    inputs: int
    one_minus_c: float
    depth: FloatArray
    nngp: FloatArray
    nngp_error: FloatArray
    ntk: FloatArray
    ntk_error: FloatArray
    law: ConditionLaw

    def to_dict(self) -> dict[str, Any]:
        """Everything by name."""
        numbers = {name: getattr(self, name) for name in ("depth", "nngp", "nngp_error", "ntk", "ntk_error")}
        return {
            "q": self.f.q,
            "chi_1": self.f.chi_1,
            "inputs": self.inputs,
            "one_minus_c": self.one_minus_c,
            **numbers,
            "phase": self.law.phase,
            "nngp_law": self.law.nngp(self.depth),
            "ntk_law": self.law.ntk(self.depth),
        }


def condition_numbers(
    activation: object,
    sigma_w: float | None = None,
    sigma_b: float = 0.0,
    *,
    inputs: int,
    depth: ArrayLike,
    c: float | None = None,
    one_minus_c: float | None = None,
    q: float | None = None,
) -> ConditionNumbers:
    """Condition numbers of NNGP and NTK at depths, for inputs of one variance and one correlation.

    Parameters
    ----------
    activation
        Whatever :func:`eoc.activation` understands, or a :class:`eoc.CorrelationMap` in place of it and the sigmas.
    sigma_w, sigma_b
        Of all layers.
    inputs
        m >= 2.
    depth
        Activations, whole numbers from 0 to 10^4, in increasing order or one.
    c, one_minus_c
        One of both: the correlation of each two inputs in the first layer, in (-1/(m - 1), 1), or 1 minus it.
    q
        Their variance, which layers have to keep; left out: what they keep.

    Raises
    ------
    UnsupportedError
        For networks, and for activations that jump.
    EocError
        For numbers out of range, and as :class:`eoc.CorrelationMap`.

    Examples
    --------
    >>> found = condition_numbers("relu", 2**0.5, inputs=10, c=0.3, depth=[5, 20])
    >>> found.ntk.round(6).tolist(), found.law.ntk(found.depth).round(6).tolist()
    ([6.459934, 5.737631], [4.333333, 4.333333])
    """
    f = (
        activation
        if isinstance(activation, CorrelationMap)
        else CorrelationMap(activation, _given(sigma_w), sigma_b, q)
    )
    _check_plain(f)
    depths, count, e = _depths(depth), _count(inputs), _distance(c, one_minus_c)
    if not 0.0 < e < 1.0 + 1.0 / (count - 1.0):
        raise EocError(f"1 - c of {count} inputs must lie in (0, {1.0 + 1.0 / (count - 1.0):.6g}), got {e:g}")
    every = np.arange(depths[-1] + 1.0)
    here = depths.astype(np.int64)
    apart = f.iterate(every, one_minus_c=e)
    lacks = _ntk_lacks(f, apart)
    nngp, ntk = (_condition(one.value[here], one.error[here], count) for one in (apart, lacks))
    return ConditionNumbers(f, count, e, depths, *nngp, *ntk, condition_law(f, count, e))


def _given(sigma_w: float | None) -> float:
    if sigma_w is None:
        raise EocError("sigma_w must be a number, got None: give that of all layers")
    return sigma_w


def _check_plain(f: CorrelationMap) -> None:
    if f.network.phi is None:
        raise UnsupportedError(
            f"{f.network.name!r} is a network: condition numbers at any depth are those of plain layers, use "
            "eoc.kernel for this one"
        )
    if f.activation.smoothness is Smoothness.JUMP:
        raise UnsupportedError(f"{f.activation.name} jumps: its networks have no NTK")


def _depths(depth: ArrayLike) -> FloatArray:
    wanted = np.atleast_1d(whole_numbers("depth", depth))
    if wanted.ndim > 1 or wanted.size == 0 or (np.diff(wanted) <= 0.0).any() or wanted[-1] > _MOST:
        raise EocError(f"depth must be whole numbers from 0 to {_MOST} in increasing order, got {depth!r}")
    return wanted


def _count(inputs: int) -> int:
    if not isinstance(inputs, int | np.integer) or inputs < 2:
        raise EocError(f"inputs must be a whole number >= 2, got {inputs!r}")
    return int(inputs)


def _distance(c: float | None, one_minus_c: float | None) -> float:
    if (c is None) == (one_minus_c is None):
        raise EocError("give the correlation of the inputs as c or as one_minus_c")
    return 1.0 - real_number("c", c) if one_minus_c is None and c is not None else _number(one_minus_c)


def _number(one_minus_c: float | None) -> float:
    return float(real_numbers("one_minus_c", 0.0 if one_minus_c is None else one_minus_c))


def _condition(r: FloatArray, error: FloatArray, m: int) -> tuple[FloatArray, FloatArray]:
    """The number m / r - (m - 1), or its inverse where correlations are negative, and a bound on its error."""
    other, other_error = m - (m - 1.0) * r, (m - 1.0) * error + 2.0 * EPS * (m + m * r)
    upright = r <= 1.0
    least, most, off, other_off = (
        np.where(upright, one, two) for one, two in ((r, other), (other, r), (error, other_error), (other_error, error))
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        value = most / least
        bound = value * (off / (least - off) + other_off / most) + 4.0 * EPS * value
    return value, np.where(least > off, bound, np.inf)


def _ntk_lacks(f: CorrelationMap, apart: Estimate) -> Estimate:
    """1 - Theta_12 / Theta_11 at all depths, (L + 1,), of 1 - c there."""
    chi, chi_error = f.chi_1, f.slope_error + 4.0 * EPS * f.chi_1
    lost, off = _slope_losses(f, apart)
    e, e_error = apart.value, apart.error
    r, r_error, i, i_error = np.empty(e.size), np.empty(e.size), 1.0, 0.0
    r[0], r_error[0] = e[0], e_error[0]
    for layer in range(1, e.size):
        loss, loss_error = lost[layer - 1] / chi, off[layer - 1] / chi
        whole = i + chi
        i, i_error = i / whole, (chi * i_error + i * chi_error) / whole**2 + EPS * i / whole
        kept = loss + (1.0 - loss) * r[layer - 1]
        kept_error = loss_error * (1.0 - r[layer - 1]) + abs(1.0 - loss) * r_error[layer - 1] + 4.0 * EPS * kept
        r[layer] = i * e[layer] + (1.0 - i) * kept
        own = i * e_error[layer] + i_error * (e[layer] + kept)
        r_error[layer] = own + (1.0 - i) * kept_error + 4.0 * EPS * r[layer]
    return Estimate(r, r_error)


def _slope_losses(f: CorrelationMap, apart: Estimate) -> tuple[FloatArray, FloatArray]:
    """f'(1) - f'(c) at 1 - c, and bounds on the errors.

    |f''(c)| <= f''(|c|) as all Hermite coefficients count with their squares, and that is at most the slope of the
    chord of the convex f' to c = 1.
    """
    e = np.clip(apart.value, 0.0, 2.0)
    value, error = _losses(f, e)
    near = np.minimum(e, 2.0 - e)
    chord, _ = _losses(f, near)
    with np.errstate(divide="ignore", invalid="ignore"):
        steep = np.where(apart.error > 0.0, chord / np.maximum(near - apart.error, 0.0), 0.0)
        moved = np.where(near > apart.error, steep * apart.error, np.abs(f.chi_1) * 2.0)
    return value, error + np.where(apart.error > 0.0, moved, 0.0)


def _losses(f: CorrelationMap, e: FloatArray) -> tuple[FloatArray, FloatArray]:
    at = angle_of(one_minus_c=e)
    if f.angular.plain:
        slope = f.slope(one_minus_c=e)
        value = f.chi_1 - slope.value
        return value, slope.error + f.slope_error + 2.0 * EPS * f.chi_1
    scale = f.gain * f.angular.q
    value, error = f.angular.slope_loss(at)
    return scale * value, scale * (error + f.relative_error * np.abs(value))
