r"""Phases and depth scales at one (sigma_w, sigma_b): ordered, chaotic or critical, and how deep signals travel.

With q* the variance that layers settle at, chi_1 = sigma_w^2 E[phi'^2] there and c* the correlation that two inputs end
at (Poole et al. 2016; Schoenholz et al. 2017),

.. math:: \xi_q = -\frac{1}{\log |F'(q^*)|}, \qquad \xi_c = -\frac{1}{\log |f'(c^*)|}, \qquad
          \xi_\nabla = -\frac{1}{\log \chi_1}.

Networks train up to a depth of about 6 xi_c (Schoenholz et al. 2017).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import degrees
from typing import Any, Literal

import numpy as np

from eoc.errors import EocError
from eoc.gaussian.moments import checked_variance
from eoc.layers import Input
from eoc.layers.bounded import Bounded
from eoc.maps import CorrelationMap, FixedPoint, VarianceMap
from eoc.rates import e_folding
from eoc.validation import real_number

__all__ = ["Phase", "PhaseName", "phase_of", "phases"]

PhaseName = Literal["ordered", "chaotic", "critical", "divergent"]

_TRAINABLE = 6.0
_ROUNDING = 4e-16
_SPACING = {"float16": 2.0**-10, "float32": 2.0**-23, "float64": 2.0**-52}


@dataclass(frozen=True)
class Phase:
    """What layers do to signals whose variance settles at ``q``.

    Attributes
    ----------
    phase
        "ordered" (chi_1 < 1), "chaotic" (chi_1 > 1), "critical" (chi_1 = 1 to within its error), or "divergent": the
        variance grows without bound.
    q, q_error, slope, slope_error
        The variance that layers keep and F'(q). Where every variance is kept (a linear or ReLU-like phi at its critical
        sigma_w) 1 stands for all.
    basin
        The variances of the first layer that end at q.
    chi_1, chi_1_error
        By what small differences grow in a layer, and gradients' second moment; infinite if phi jumps.
    chi_backward, chi_backward_error
        By what gradients' second moment grows where they see the slope of a surrogate (``backward``); else as chi_1.
    c_star, c_star_error
        The correlation at which two different inputs end; NaN if every correlation is kept.
    angle
        arccos(c_star).
    xi_q, xi_c, xi_grad, xi_q_error, xi_c_error, xi_grad_error
        Numbers of layers in which distances from q, distances from c* and the second moment of gradients fall by e, and
        bounds on their errors. Infinite where they do not fall exponentially (with an infinite error where F'(q) cannot
        be told from 1); xi_grad is negative where gradients grow.
    correlation
        The correlation map; None in the divergent phase, and where variances vanish faster than in proportion (at q = 0
        if phi has no slope there): then c_star is NaN.
    all_pairs_merge
        Whether c -> 1 for every pair of inputs: with ``variance_domain`` (sigma_b, sigma_w) lies in D_phi,corr.
    variance_domain
        K of D_phi,var and D_phi,corr (Hayou et al. 2019): all inputs with 0 < q_1 <= K come to this q; None if small
        ones do not.
    """

    phase: PhaseName
    q: float
    q_error: float
    slope: float
    slope_error: float
    basin: tuple[float, float]
    chi_1: float
    chi_1_error: float
    chi_backward: float
    chi_backward_error: float
    c_star: float
    c_star_error: float
    angle: float
    xi_q: float
    xi_c: float
    xi_grad: float
    xi_q_error: float
    xi_c_error: float
    xi_grad_error: float
    correlation: CorrelationMap | None
    all_pairs_merge: bool
    variance_domain: float | None

    @property
    def trainable_depth(self) -> float:
        """6 xi_c."""
        return _TRAINABLE * self.xi_c

    @property
    def activity(self) -> float:
        """P(phi(h) > 0), the share of active units: of +1 behind a sign; NaN for networks and where there is no map."""
        if self.correlation is None or self.q == 0.0:
            return float("nan")
        try:
            return float(self.correlation.variance.activity(self.q).value)
        except EocError:  # of a network, or of an activation that crosses 0 again and again
            return float("nan")

    @property
    def in_domain(self) -> bool:
        """Whether (sigma_b, sigma_w) lies in D_phi,corr: one variance and one correlation, 1, for all small inputs."""
        return self.all_pairs_merge and self.variance_domain is not None

    def to_dict(self) -> dict[str, Any]:
        """Everything by name; of the correlation map its fixed points."""
        own = {name: value for name, value in vars(self).items() if name != "correlation"}
        return own | {
            "angle_degrees": degrees(self.angle),
            "trainable_depth": self.trainable_depth,
            "activity": self.activity,
            "in_domain": self.in_domain,
            "fixed_points": [] if self.correlation is None else [asdict(p) for p in self.correlation.fixed_points],
        }

    def merging_depth(self, distance: float, dtype: str = "float32") -> float:
        """The layers after which two inputs look the same in a floating-point format; inf if never.

        Parameters
        ----------
        distance
            Of the pre-activations of the first layer, |h - h'| / |h| with |h| = |h'|, in (0, 2]: that of the inputs
            themselves if there is no bias.
        dtype
            "float16", "float32" or "float64": the distance of neighbouring numbers is 2^-10, 2^-23, 2^-52.

        Returns
        -------
        float
            The first layer with 1 - c <= 2^-(2p)/2 for a spacing 2^-p; NaN where variances diverge.

        Raises
        ------
        EocError
            For a distance or format that is not one of these.

        Examples
        --------
        >>> phase_of("tanh", sigma_w=1.0, sigma_b=0.3).merging_depth(0.1)
        77.0
        """
        distance = real_number("distance", distance)
        if not isinstance(dtype, str) or dtype not in _SPACING:
            raise EocError(f"dtype must be one of {', '.join(_SPACING)}; got {dtype!r}")
        if not 0.0 < distance <= 2.0:
            raise EocError(f"the distance |h - h'|/|h| must lie in (0, 2], got {distance!r}")
        if self.correlation is None:
            return float("nan")
        return self.correlation.depth_until(0.5 * _SPACING[dtype] ** 2, one_minus_c=0.5 * distance**2)


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
    return _assembled(correlation, point, basin, domain[1] if domain and domain[0] == point.q else None)


def _has_tangents(variance: VarianceMap) -> bool:
    """Whether the block is proportional to inputs near 0."""
    phi = variance.network.phi
    return phi.kappa > 0.0 if phi is not None else bool(variance.slope(0.0).value > 0.0)


def _of_identity(variance: VarianceMap) -> Phase:
    """A positively homogeneous phi at its critical point: every variance is kept; q = 1 stands for all."""
    point = FixedPoint(1.0, 0.0, 1.0, 0.0, 1.0, "marginal", (0.0, float("inf")))
    correlation = CorrelationMap(variance.network, variance.sigma_w, variance.sigma_b, 1.0)
    return _assembled(correlation, point, (0.0, float("inf")), None)


def _assembled(
    correlation: CorrelationMap, point: FixedPoint, basin: tuple[float, float], domain: float | None
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
