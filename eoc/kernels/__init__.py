"""Infinitely wide networks as models of data: NNGP and NTK of any network, what they say, and prediction with them.

``kernel`` computes both for inputs (``inputs`` checks them), block by block; ``result`` is what it returns, with
``spectra`` of it. ``condition`` follows condition numbers to any depth, beside ``condition_laws``; ``two_layer`` is the
matrix by which the hidden layer of a two-layer network learns. ``ensemble`` predicts as networks do that gradient
descent has trained, and ``sklearn`` has the kernels for the estimators of scikit-learn.
"""

from eoc.kernels.condition import ConditionNumbers, condition_numbers
from eoc.kernels.condition_laws import ConditionLaw, condition_law
from eoc.kernels.ensemble import Ensemble, LearningCurve, Prediction, ensemble
from eoc.kernels.kernel import kernel, kernel_diagonals
from eoc.kernels.result import Kernel
from eoc.kernels.spectra import Spectrum
from eoc.kernels.two_layer import SmoothnessLaw, TwoLayerGram, smoothness_law, two_layer_gram

__all__ = [
    "ConditionLaw",
    "ConditionNumbers",
    "Ensemble",
    "Kernel",
    "LearningCurve",
    "Prediction",
    "SmoothnessLaw",
    "Spectrum",
    "TwoLayerGram",
    "condition_law",
    "condition_numbers",
    "ensemble",
    "kernel",
    "kernel_diagonals",
    "smoothness_law",
    "two_layer_gram",
]
