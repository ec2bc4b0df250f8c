r"""What theory expects of the correlation of two inputs in networks of finite width.

The infinite-width trajectory e~_l = 1 - c~_l, the law that it obeys, and how far networks of N units stray from it, to
order 1/N (:mod:`eoc.montecarlo.theory.pairs`): the spread and the mean of log e_l, e_l the empirical correlation of the
N units of a layer. The larger l, the closer its variance comes to l / D, D the departure depth
(:mod:`eoc.montecarlo.theory.noise`: 3N/s on the edge of chaos, N/s in the ordered phase).

Which depths to trust. The mean of log e_l falls by about half its variance, l / 2D, which is what mean-field theory
leaves out. Up to the *reliable depth* L_r, D / 100 for inputs that do not start close, the spread of networks is below
10% and that bias below 1%.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import get_args

import numpy as np

from eoc.criticality import edge_of_chaos
from eoc.errors import EocError
from eoc.floats import FloatArray
from eoc.gaussian.angle import angle_of
from eoc.layers.bounded import exact
from eoc.maps import ConvergenceLaw, CorrelationMap, VarianceMap, convergence_law
from eoc.montecarlo.settings import Weights, checked_weights
from eoc.montecarlo.theory.noise import CorrelationNoise, correlation_noise
from eoc.montecarlo.theory.pairs import PairNoise, noise_along
from eoc.phase import Phase, phase_of
from eoc.propagation.inputs import checked_inputs
from eoc.propagation.layers import followed

__all__ = ["CorrelationTheory", "correlation_theory"]

_SPREAD = 0.01  # relative variance up to which finite width does not dominate
_BIAS = 0.01  # of the mean of log e, likewise
_LINEAR = 1e-3  # (chi_1 - 1) L below which L layers cannot be told from the edge of chaos
_SETTLED = 1e-6  # relative distance of q from q*, up to which the noise at q* holds


@dataclass(frozen=True, eq=False)
class CorrelationTheory:
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
        How far apart networks are for close inputs, which gives D; None in the chaotic phase, where phi jumps, and
        where theory has no answer.
    pairs
        How networks stray from infinite width in these layers; None where theory has no answer.
    width
        N.
    settled
        Whether variances stay what they are in the first layer.
    """

    phase: Phase
    one_minus_c: FloatArray
    error: FloatArray
    law: ConvergenceLaw | None
    noise: CorrelationNoise | None
    pairs: PairNoise | None
    width: int
    settled: bool

    @property
    def relative_variance(self) -> FloatArray:
        """Var log e_l without what the sampling of a layer's own units adds, (L,); 0 where it is not known."""
        return np.zeros(self.one_minus_c.size) if self.pairs is None else self.pairs.variance

    @property
    def departure_depth(self) -> float:
        """Where the spread of log e is 1: D, or sooner for inputs that start close; infinite if never, or unknown."""
        return self._depth_of(1.0)

    @property
    def reliable_depth(self) -> float:
        """L_r, up to which finite width does not dominate."""
        depth = self._depth_of(_SPREAD)
        biased = np.zeros(1, dtype=bool) if self.pairs is None else np.abs(self.pairs.shift) >= _BIAS
        return min(depth, float(np.argmax(biased) + 1)) if biased.any() else depth

    def _depth_of(self, variance: float) -> float:
        """The first layer with so large a relative variance, or where that is to be expected."""
        reached = self.relative_variance >= variance
        if reached.any():
            return float(np.argmax(reached) + 1)
        if self.noise is None:
            return float("inf")
        return max(variance * self.noise.departure_depth(self.width), float(reached.size))


def correlation_theory(
    variance: VarianceMap,
    q: FloatArray,
    c: float | None,
    one_minus_c: float | None,
    *,
    width: int,
    depth: int,
    weights: str = "gaussian",
) -> CorrelationTheory:
    """What theory says of two inputs of variances q (2,) in the first of ``depth`` layers, for a law of the weights."""
    phi = variance.activation
    at = angle_of(c, one_minus_c=one_minus_c)
    first, pair = checked_inputs(q, at)
    own, layers = (variance.network, variance.sigma_w, variance.sigma_b), np.arange(float(depth))
    run = followed(*own, exact(first), pair, np.zeros(pair.e.shape), layers, None)
    place = _critical_twin(variance)
    phase = phase_of(phi, place.sigma_w, place.sigma_b, None if place.is_identity else float(first.max()))
    law, noise = _law(phase, place, depth), None
    end = float(first[0]) if place.is_identity else phase.q
    e, pairs = run.one_minus_c[:, 0, 1], None
    if weights in get_args(Weights):
        known = checked_weights(weights)
        with suppress(EocError):  # moments that are infinite, or cannot be computed; inputs that become the same
            pairs = noise_along(variance, run.q, e, width, known)
        if phase.chi_1 <= 1.0 + _LINEAR / depth and end > 0.0:
            with suppress(EocError):  # an unstable q, moments that are infinite
                noise = correlation_noise(phi, place.sigma_w, end, weights=known)
    scales = phi.is_positively_homogeneous and variance.sigma_b == 0.0
    settled = bool((np.abs(first - end) <= _SETTLED * end).all()) or (scales and bool(first[0] == first[-1]))
    return CorrelationTheory(phase, e, run.error[:, 0, 1], law, noise, pairs, width, settled)


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
