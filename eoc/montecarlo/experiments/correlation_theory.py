r"""What theory expects of the correlation of two inputs in networks of finite width.

The infinite-width trajectory e~_l = 1 - c~_l, the law that it obeys, and how far networks of N units stray from it
(:mod:`eoc.montecarlo.theory.noise`): Var log e_l = l / D + O(l^2/N^2), D the departure depth (3N/s on the edge of
chaos, N/s in the ordered phase). What is seen are the empirical correlations of the N units of a layer, whose own
sampling adds (2 - e)^2 / N (Gaussian weights: 1 - r of N pairs with correlation c has the variance (1 - c^2)^2 / N);
with orthogonal weights only the biases are sampled, and with k = q - sigma_b^2 it is 2 (1 - (k/q)^2) / N for small e.

Which depths to trust. The mean of log e_l falls by about half its variance, l / 2D, which is what mean-field theory
leaves out. Up to the *reliable depth* L_r, D / 100 for inputs that do not start close, the spread of networks is below
10% and that bias below 1%.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from eoc.activations.base import Smoothness
from eoc.convergence import ConvergenceLaw, convergence_law
from eoc.criticality import edge_of_chaos
from eoc.errors import EocError
from eoc.gaussian.angle import angle_of
from eoc.gaussian.moments import Estimate
from eoc.maps import CorrelationMap, VarianceMap
from eoc.montecarlo.theory.noise import CorrelationNoise, correlation_noise
from eoc.phase import Phase, phase_of
from eoc.propagation import Trajectory
from eoc.propagation.inputs import checked_inputs
from eoc.propagation.layers import followed

__all__ = ["Expected", "expected"]

FloatArray = NDArray[np.float64]

_SPREAD = 0.01  # relative variance up to which finite width does not dominate
_LINEAR = 1e-3  # (chi_1 - 1) L below which L layers cannot be told from the edge of chaos
_SETTLED = 1e-6  # relative distance of q from q*, up to which the noise at q* holds


@dataclass(frozen=True, eq=False)
class Expected:
    """What theory says of L layers of N units.

    Attributes
    ----------
    phase
        Where variances and correlations end.
    one_minus_c, error : (L,)
        1 - c~_l of infinite width, layer 1 first, and bounds on its error.
    law
        What 1 - c~_l obeys; None where variances do not settle.
    noise
        How networks stray from it; None in the chaotic phase, where phi jumps, and where theory has no answer.
    width
        N.
    own : (L,)
        Relative variance of e_l by the sampling of its own layer's units.
    smooth
        Whether phi has no kinks and weights are Gaussian.
    settled
        Whether variances stay what they are in the first layer.
    """

    phase: Phase
    one_minus_c: FloatArray
    error: FloatArray
    law: ConvergenceLaw | None
    noise: CorrelationNoise | None
    width: int
    own: FloatArray
    smooth: bool
    settled: bool

    @cached_property
    def relative_variance(self) -> FloatArray:
        """What kicks make of Var log e_l, (L,): followed through the layers where theory can, else l / D."""
        depth = self.one_minus_c.size
        if self.noise is None:
            return np.zeros(depth)
        close = int((self.one_minus_c < 1.0).argmax())  # from here on inputs are on the same side
        if not self.settled or not 0.0 < self.one_minus_c[close] < 1.0:
            return np.asarray(np.arange(1.0, depth + 1.0) / self.noise.departure_depth(self.width))
        grown = self.noise.followed(self.width, depth - close, float(self.one_minus_c[close]))
        return np.concatenate([np.zeros(close), grown**2])

    @property
    def departure_depth(self) -> float:
        """Where the spread of log e is 1: D, or sooner for inputs that start close; infinite if never, or unknown."""
        return self._depth_of(1.0)

    @property
    def reliable_depth(self) -> float:
        """L_r, up to which finite width does not dominate."""
        return self._depth_of(_SPREAD)

    def _depth_of(self, variance: float) -> float:
        """The first layer with so large a relative variance, or where that is to be expected."""
        if self.noise is None:
            return float("inf")
        late = variance * self.noise.departure_depth(self.width)
        if self.relative_variance[-1] >= variance:
            return float(np.argmax(self.relative_variance >= variance) + 1)
        return max(late, float(self.one_minus_c.size))

    @property
    def spread(self) -> FloatArray | None:
        """Standard deviation of log e_l over networks, (L,); None where it is not known."""
        if self.noise is None or not self.settled:
            return None
        return np.asarray(np.sqrt(self.relative_variance + self.own))

    @property
    def spread_truncation(self) -> FloatArray:
        """What ``spread`` may be off, relative, (L,): higher orders in its square and in e."""
        depths = np.arange(1.0, self.one_minus_c.size + 1.0)
        weights = depths**2 if self.noise is not None and self.noise.damped else np.ones(depths.size)
        e = np.minimum(self.one_minus_c, 1.0)
        # as seen in simulations at e = 0.001 to 0.9; smooth phi and Gaussian weights have an expansion in e
        off = 0.25 * e if self.smooth else 0.35 * np.sqrt(e)
        return np.asarray(self.relative_variance + self.own + np.cumsum(weights * off) / np.cumsum(weights))


def expected(
    variance: VarianceMap,
    q: FloatArray,
    c: float | None,
    one_minus_c: float | None,
    *,
    width: int,
    depth: int,
    weights: str = "gaussian",
) -> Expected:
    """What theory says of two inputs of variances q (2,) in the first of ``depth`` layers, for a law of the weights."""
    phi = variance.activation
    at = angle_of(c, one_minus_c=one_minus_c)
    first, pair = checked_inputs(q, at)
    none = np.zeros(first.shape)
    layers = np.arange(float(depth))
    run = followed(variance, Estimate(first, none), pair, np.zeros(pair.e.shape), layers, None)
    place = _critical_twin(variance)
    phase = phase_of(phi, place.sigma_w, place.sigma_b, None if place.is_identity else float(first.max()))
    law, noise = _law(phase, place, depth), None
    end = float(first[0]) if place.is_identity else phase.q
    if phase.chi_1 <= 1.0 + _LINEAR / depth and end > 0.0 and weights in ("gaussian", "orthogonal"):
        noise = _noise(place, end, weights)
    scales = phi.is_positively_homogeneous and variance.sigma_b == 0.0
    settled = bool((np.abs(first - end) <= _SETTLED * end).all()) or (scales and bool(first[0] == first[-1]))
    return Expected(
        phase,
        run.one_minus_c[:, 0, 1],
        run.error[:, 0, 1],
        law,
        noise,
        width,
        _own(run, width, weights),
        weights == "gaussian" and phi.smoothness is not Smoothness.KINK,
        settled,
    )


def _critical_twin(variance: VarianceMap) -> VarianceMap:
    """The critical sigma_w of a positively homogeneous phi without bias: all of them give the same correlations."""
    phi = variance.activation
    if phi.is_positively_homogeneous and variance.sigma_b == 0.0 and variance.sigma_w > 0.0:
        return VarianceMap(phi, phi.kappa**-0.5)
    return variance


def _law(phase: Phase, variance: VarianceMap, depth: int) -> ConvergenceLaw | None:
    if phase.correlation is None:
        return None
    f = phase.correlation
    if phase.chi_1 != 1.0 and abs(phase.chi_1 - 1.0) * depth <= _LINEAR:
        edge = edge_of_chaos(variance.activation, q=phase.q)
        if edge.reason is None:
            f = CorrelationMap(variance.activation, edge.best.sigma_w, edge.best.sigma_b, edge.best.q)
    return convergence_law(f, depth)


def _noise(variance: VarianceMap, q: float, weights: str) -> CorrelationNoise | None:
    try:
        return correlation_noise(variance.activation, variance.sigma_w, q, weights=weights)  # type: ignore[arg-type]
    except EocError:  # an unstable q, moments that are infinite
        return None


def _own(run: Trajectory, width: int, weights: str) -> FloatArray:
    apart = (2.0 - run.one_minus_c[:, 0, 1]) ** 2
    if weights != "orthogonal":
        return np.asarray(apart / width)
    free = np.maximum(run.q - run.sigma_b**2, 0.0) / run.q
    return np.asarray(0.5 * apart * (1.0 - free.prod(axis=1)) / width)
