"""Experiments with random networks of finite width, each beside what theory predicts.

Layers are numbered 1 .. L: layer 1 holds the first pre-activations, which are layer 0 of :func:`eoc.propagate`.
"""

from eoc.montecarlo.experiments.comparison import Comparison
from eoc.montecarlo.experiments.correlations import CorrelationProcess, Read, correlation_process
from eoc.montecarlo.experiments.divergence import Divergence, divergence
from eoc.montecarlo.experiments.gaussianity import Gaussianity, gaussianity
from eoc.montecarlo.experiments.lengths import LengthProcess, length_process
from eoc.montecarlo.experiments.scaling import LengthScaling, PowerLaw, length_scaling
from eoc.montecarlo.experiments.second_layer import (
    RECIPROCAL,
    SecondLayer,
    cauchy_comparisons,
    covariance_comparisons,
    second_layer,
)
from eoc.montecarlo.experiments.verification import Check, Skipped, Verification, verify

__all__ = [
    "RECIPROCAL",
    "Check",
    "Comparison",
    "CorrelationProcess",
    "Divergence",
    "Gaussianity",
    "LengthProcess",
    "LengthScaling",
    "PowerLaw",
    "Read",
    "SecondLayer",
    "Skipped",
    "Verification",
    "cauchy_comparisons",
    "correlation_process",
    "covariance_comparisons",
    "divergence",
    "gaussianity",
    "length_process",
    "length_scaling",
    "second_layer",
    "verify",
]
