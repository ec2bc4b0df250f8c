"""Infinitely wide networks as models of data: NNGP and NTK of any network, what they say, and prediction with them.

``kernel`` computes both for inputs (``inputs`` checks them), block by block; ``result`` is what it returns, with
``spectra`` of it. ``condition`` follows condition numbers to any depth, beside ``condition_laws``; ``two_layer`` is the
matrix by which the hidden layer of a two-layer network learns. ``by_depth`` collects
spectra of data, and with ``accuracy`` how well labels are predicted. ``ensemble`` predicts as networks do that gradient
descent has trained, and ``sklearn`` has the kernels for the estimators of scikit-learn. ``torch`` and ``jax`` have the
kernel of an activation as a function of these frameworks, from ``duals``.
"""

from eoc.kernels.accuracy import Score, cross_validated
from eoc.kernels.by_depth import ByDepth, kernels_by_depth
from eoc.kernels.condition import ConditionNumbers, condition_numbers
from eoc.kernels.condition_laws import ConditionLaw, condition_law
from eoc.kernels.ensemble import Ensemble, LearningCurve, Prediction, ensemble
from eoc.kernels.kernel import kernel, kernel_diagonals
from eoc.kernels.result import Kernel, Which
from eoc.kernels.spectra import Spectrum
from eoc.kernels.two_layer import SmoothnessLaw, TwoLayerGram, smoothness_law, two_layer_gram

__all__ = [
    "ByDepth",
    "ConditionLaw",
    "ConditionNumbers",
    "Ensemble",
    "Kernel",
    "LearningCurve",
    "Prediction",
    "Score",
    "SmoothnessLaw",
    "Spectrum",
    "TwoLayerGram",
    "Which",
    "condition_law",
    "condition_numbers",
    "cross_validated",
    "ensemble",
    "kernel",
    "kernel_diagonals",
    "kernels_by_depth",
    "smoothness_law",
    "two_layer_gram",
]
