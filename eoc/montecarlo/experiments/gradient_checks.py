r"""chi_1 beside gradients that are sent back through networks with real weight matrices.

In a layer |g|^2 is multiplied by sigma_w^2 mean(phi'(h)^2), on average over the matrix that is not tied to h. So

.. math:: E \frac{|g_{l-1}|^2}{|g_l|^2} = \chi(\tilde q_{l-1}) + O(1/N).

Of the terms of order 1/N, those by fluctuations of q are estimated with length theory, chi' times the mean shift and
chi''/2 times Var K; the tie, by which W maps x to h and back, by 2 chi/N.
"""

from __future__ import annotations

import numpy as np

from eoc.gaussian.moments import moments
from eoc.maps import VarianceMap
from eoc.montecarlo.exact.inputs import hypercube
from eoc.montecarlo.experiments.comparison import Comparison
from eoc.montecarlo.explicit.networks import explicit_networks
from eoc.montecarlo.theory.differences import derivatives
from eoc.montecarlo.theory.lengths import length_theory

__all__ = ["gradient_checks"]

_WIDTH = 512
_DEPTH = 8
_NETWORKS = 96


def gradient_checks(variance: VarianceMap, q: float, seed: int) -> tuple[Comparison, ...]:
    """By what a layer multiplies |g|^2 in networks that start at the variance q, on average over their layers."""
    phi, w, b = variance.activation, variance.sigma_w, variance.sigma_b
    theory = length_theory(phi, w, b, q=q, widths=[_WIDTH] * _DEPTH)
    inner = theory.q.value[:-1]
    chi = variance.chi_1(inner)
    first, second = derivatives(lambda x: w**2 * moments(phi, x, ("D",))["D"].value, inner)
    if phi.is_positively_homogeneous:
        first, second = np.zeros(inner.size), np.zeros(inner.size)
    shift = np.abs(theory.shift.value[:-1]) + theory.shift_truncation[:-1]
    spread = theory.variance.value[:-1] + theory.variance_truncation[:-1]
    lost = 2.0 * chi.value / _WIDTH + np.abs(first) * shift + 0.5 * np.abs(second) * spread + chi.error
    inputs = np.sqrt(max(q - b**2, 0.0)) / w * hypercube(1, _WIDTH, seed)
    run = explicit_networks(
        phi, w, b, inputs=inputs, width=_WIDTH, depth=_DEPTH, seed=seed, networks=_NETWORKS, backward=True
    )
    assert run.log_gradient is not None  # it was asked for
    ratios = np.exp(-np.diff(run.log_gradient[:, :, 0], axis=1)).mean(axis=1)
    error = float(ratios.std(ddof=1) / np.sqrt(_NETWORKS))
    name = "chi_1 by gradients"
    return (Comparison(name, None, float(chi.value.mean()), float(ratios.mean()), error, float(lost.mean())),)
