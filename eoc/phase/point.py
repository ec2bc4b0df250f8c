r"""Phases and depth scales at one (sigma_w, sigma_b): ordered, chaotic or critical, and how deep signals travel.

With q* the variance that layers settle at, chi_1 = sigma_w^2 E[phi'^2] there and c* the correlation that two inputs end
at (Poole et al. 2016; Schoenholz et al. 2017),

.. math:: \xi_q = -\frac{1}{\log |F'(q^*)|}, \qquad \xi_c = -\frac{1}{\log |f'(c^*)|}, \qquad
          \xi_\nabla = -\frac{1}{\log \chi_1}.

Networks train up to a depth of about 6 xi_c (Schoenholz et al. 2017).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eoc.errors import EocError
from eoc.gaussian.moments import checked_variance
from eoc.layers import Input
from eoc.layers.bounded import Bounded
from eoc.maps import CorrelationMap, FixedPoint, VarianceMap
from eoc.maps.batches import SettledBatch, settled_batch
from eoc.phase.result import Phase, PhaseName
from eoc.rates import e_folding

if TYPE_CHECKING:
    pass

__all__ = ["phase_of", "phases"]


_ROUNDING = 4e-16


def phases(
    activation: object, sigma_w: float | None = None, sigma_b: float = 0.0, *, backward: object = None
) -> tuple[Phase, ...]:
    """The phase of every variance that layers can settle at, in increasing order; usually one.

    Parameters
    ----------
    activation
        An activation, or whatever :func:`eoc.activation` understands: a name, a formula, a Python function. Or an
        :func:`eoc.network`, or its text.
    sigma_w, sigma_b
        Standard deviations of the weights (times sqrt(fan-in)) and of the biases, >= 0; of a network those of its
        ``dense`` without numbers, and left out if it has none.
    backward
        The function whose slope gradients see in place of that of the activation, such as "hardtanh" where a sign goes
        forward; see :class:`eoc.VarianceMap`.

    Returns
    -------
    tuple of Phase
        One for each stable or marginal fixed point of the variance map, infinity included.

    Raises
    ------
    EocError
        For a sigma_w or sigma_b out of range, or an activation that cannot be used.

    Examples
    --------
    >>> [(p.phase, round(p.q, 6)) for p in phases("silu", sigma_w=1.6, sigma_b=0.2)]  # depends on the inputs
    [('ordered', 0.132112), ('divergent', inf)]
    >>> [(p.phase, round(p.chi_1, 6)) for p in phases("postnorm(relu, dense(1))")]  # x + W relu(x), then LayerNorm
    [('critical', 1.0)]
    """
    variance = VarianceMap(activation, sigma_w, sigma_b, backward=backward)
    if variance.network.batch is not None:
        return (_of_batch(variance, settled_batch(variance.network, sigma_w, sigma_b)),)
    if variance.is_identity:
        return (_of_identity(variance),)
    return tuple(_phase_at(variance, p) for p in variance.fixed_points if p.basin is not None)


def phase_of(
    activation: object,
    sigma_w: float | None = None,
    sigma_b: float = 0.0,
    q: float | None = None,
    *,
    backward: object = None,
) -> Phase:
    """The phase in which inputs end whose first layer has the variance q; see :func:`phases` for the other arguments.

    Parameters
    ----------
    activation, sigma_w, sigma_b, backward
        As for :func:`phases`.
    q
        May be left out where all inputs end at the same variance.

    Raises
    ------
    EocError
        If q is needed and left out, is no variance, or is an unstable fixed point; and as :func:`phases`.

    Examples
    --------
    >>> found = phase_of("tanh", sigma_w=2.5, sigma_b=0.3)  # Poole et al. (2016)
    >>> found.phase, round(found.chi_1, 8), round(found.c_star, 8)
    ('chaotic', 1.58522477, 0.12210375)
    >>> binary = phase_of("sign", sigma_w=1.0, sigma_b=0.5, backward="hardtanh")  # inputs part, gradients vanish
    >>> round(binary.c_star, 8), round(binary.chi_backward, 8)
    (0.42171444, 0.62890663)
    """
    if q is not None:
        checked_variance(q)
    found = phases(activation, sigma_w, sigma_b, backward=backward)
    if len(found) == 1:
        return found[0]
    if q is None:
        ends = ", ".join(f"q = {p.q:.6g} from {p.basin[0]:.6g} ... {p.basin[1]:.6g}" for p in found)
        raise EocError(f"where variances end depends on the inputs ({ends}): give the first layer's variance q")
    end = VarianceMap(activation, sigma_w, sigma_b).limit(q)  # where gradients play no part
    for one in found:
        if one.q == end:
            return one
    raise EocError(f"the variance {q!r} is an unstable fixed point: the smallest change leaves it")


def _phase_at(variance: VarianceMap, point: FixedPoint) -> Phase:
    basin = point.basin or (point.q, point.q)
    domain = variance.domain
    if point.diverges:
        return _without_map("divergent", variance, point, basin)
    if point.q == 0.0 and not _has_tangents(variance):
        return _without_map("ordered", variance, point, basin)
    correlation = CorrelationMap(variance.network, variance.sigma_w, variance.sigma_b, point.q, point.q_error)
    return _assembled(variance, correlation, point, basin, domain[1] if domain and domain[0] == point.q else None)


def _of_batch(variance: VarianceMap, end: SettledBatch) -> Phase:
    """Of a network that normalises over a batch whose inputs are all alike."""
    growth = 1.0 if abs(end.growth - 1.0) <= end.growth_error else end.growth
    name: PhaseName = "critical" if growth == 1.0 else "ordered" if growth < 1.0 else "chaotic"
    nan, settles = float("nan"), np.isfinite(end.q)
    xi_q, _ = e_folding(end.slope, 1.0 - end.slope, 0.0)
    xi_c, xi_c_error = e_folding(end.pair_slope, 1.0 - end.pair_slope, end.pair_slope_error)
    xi_grad, xi_grad_error = e_folding(growth, 1.0 - growth, end.growth_error)
    return Phase(
        variance=variance,
        phase=name if settles else "divergent",
        q=end.q,
        q_error=end.q_error,
        slope=end.slope,
        slope_error=0.0,
        basin=(0.0, float("inf")),
        chi_1=growth,
        chi_1_error=end.growth_error,
        chi_backward=growth,
        chi_backward_error=end.growth_error,
        c_star=1.0 - end.one_minus_c,
        c_star_error=end.one_minus_c_error,
        angle=float(2.0 * np.arcsin(np.sqrt(min(0.5 * end.one_minus_c, 1.0)))),
        xi_q=float(xi_q) if settles else nan,
        xi_c=float(xi_c) if settles else nan,
        xi_grad=float(xi_grad),
        xi_q_error=0.0 if settles else nan,
        xi_c_error=float(xi_c_error) if settles else nan,
        xi_grad_error=float(xi_grad_error),
        correlation=None,
        all_pairs_merge=False,
        variance_domain=None,
        batch=variance.network.batch,
        power=end.power,
    )


def _has_tangents(variance: VarianceMap) -> bool:
    """Whether the block is proportional to inputs near 0."""
    phi = variance.network.phi
    return phi.kappa > 0.0 if phi is not None else bool(variance.slope(0.0).value > 0.0)


def _of_identity(variance: VarianceMap) -> Phase:
    """A positively homogeneous phi at its critical point: every variance is kept; q = 1 stands for all."""
    point = FixedPoint(1.0, 0.0, 1.0, 0.0, 1.0, "marginal", (0.0, float("inf")))
    correlation = CorrelationMap(variance.network, variance.sigma_w, variance.sigma_b, 1.0)
    return _assembled(variance, correlation, point, (0.0, float("inf")), None)


def _assembled(
    variance: VarianceMap,
    correlation: CorrelationMap,
    point: FixedPoint,
    basin: tuple[float, float],
    domain: float | None,
) -> Phase:
    # At q = 0 the correlation map is normalised, and chi_1 is the slope of the variance map's tangent instead.
    chi_1, error = (
        (correlation.chi_1, correlation.chi_1_error) if point.q > 0.0 else (point.chi_1, _ROUNDING * point.chi_1)
    )
    if abs(chi_1 - 1.0) <= error:
        chi_1 = 1.0
    back, back_error = _seen(correlation, point) if correlation.network.has_surrogates else (chi_1, error)
    name: PhaseName = "critical" if chi_1 == 1.0 else "ordered" if chi_1 < 1.0 else "chaotic"
    c_star, c_error, angle, slope, one_minus_slope, slope_error = np.nan, 0.0, np.nan, 1.0, 0.0, 0.0
    if not correlation.is_identity:
        end = correlation.stable_point
        c_star, c_error = end.c, end.c_error
        slope, one_minus_slope, slope_error = end.slope, end.one_minus_slope, end.slope_error
        angle = 2.0 * np.arcsin(np.sqrt(0.5 * end.one_minus_c))
    xi_q, xi_q_error = e_folding(point.slope, 1.0 - point.slope, point.slope_error)
    if point.stability == "marginal":
        xi_q, xi_q_error = np.array(np.inf), np.array(0.0 if point.slope == 1.0 else np.inf)
    (xi_c, xi_c_error), (xi_grad, xi_grad_error) = (
        e_folding(slope, one_minus_slope, slope_error),
        e_folding(back, 1.0 - back, back_error),
    )
    merge = bool(c_star == 1.0) and not correlation.is_odd
    return Phase(
        variance=variance,
        phase=name,
        q=point.q,
        q_error=point.q_error,
        slope=point.slope,
        slope_error=point.slope_error,
        basin=basin,
        chi_1=chi_1,
        chi_1_error=error,
        chi_backward=back,
        chi_backward_error=back_error,
        c_star=float(c_star),
        c_star_error=float(c_error),
        angle=float(angle),
        xi_q=float(xi_q),
        xi_c=float(xi_c),
        xi_grad=float(xi_grad),
        xi_q_error=float(xi_q_error),
        xi_c_error=float(xi_c_error),
        xi_grad_error=float(xi_grad_error),
        correlation=correlation,
        all_pairs_merge=merge,
        variance_domain=domain,
    )


def _seen(correlation: CorrelationMap, point: FixedPoint) -> tuple[float, float]:
    """By what gradients grow that see surrogates, and a bound on the error; 1 where it cannot be told from that."""
    q = Bounded(np.array([point.q]), np.array([point.q_error]))
    block = correlation.variance.block(*correlation.variance.places, surrogates=True)
    chi = block(Input(q)).chi
    value, error = float(chi.value[0]), float(chi.error[0])
    return (1.0 if abs(value - 1.0) <= error else value), error


def _without_map(name: PhaseName, variance: VarianceMap, point: FixedPoint, basin: tuple[float, float]) -> Phase:
    """Where variances end at infinity, or at 0 and phi has no slope there."""
    nan = float("nan")
    back = nan if variance.network.has_surrogates else point.chi_1
    return Phase(
        variance=variance,
        phase=name,
        q=point.q,
        q_error=0.0,
        slope=point.slope,
        slope_error=point.slope_error,
        basin=basin,
        chi_1=point.chi_1,
        chi_1_error=nan,
        chi_backward=back,
        chi_backward_error=nan,
        c_star=nan,
        c_star_error=nan,
        angle=nan,
        xi_q=nan if point.diverges else float(e_folding(point.slope, 1.0 - point.slope, 0.0)[0]),
        xi_c=nan,
        xi_grad=float("inf") if abs(back - 1.0) <= _ROUNDING else float(e_folding(back, 1.0 - back, 0.0)[0]),
        xi_q_error=nan,
        xi_c_error=nan,
        xi_grad_error=nan,
        correlation=None,
        all_pairs_merge=False,
        variance_domain=None,
    )
