"""Mean-field theory of wide networks at initialisation: maps, phases and the edge of chaos, to the last digit.

Everything here is imported on first use, so ``import eoc`` costs nothing. Threads may share everything, activations and
maps too, and get the same bits as one thread alone. A forked process keeps the tables of its parent, a spawned one
fills its own; activations, and what holds them, can be pickled (of Python functions, those that pickle can name).

>>> import eoc
>>> point = eoc.edge_of_chaos("tanh", sigma_b=0.2).best  # how to initialise: W ~ N(0, sigma_w^2 / fan_in)
>>> round(point.sigma_w, 8), point.stability
(1.30414584, 'stable')
>>> eoc.VarianceMap("silu", sigma_w=1.6, sigma_b=0.2).limit(1.0)  # doctest: +NUMBER
0.132112
>>> relu = eoc.CorrelationMap("relu", sigma_w=2**0.5)
>>> relu.iterate(10**12, c=0.0).value.item()  # 1 - c after 10^12 layers: 9 pi^2 / (2 l^2)  # doctest: +NUMBER
4.44132e-23
>>> eoc.moments("x * tanh(x)", q=1.0)["V"].value.round(6).item()  # doctest: +NUMBER
0.75789
>>> run = eoc.sample_networks("relu", 2**0.5, width=10**6, depth=3, c=0.0, seed=1)  # no weight matrix is made
>>> run.one_minus_c[0, :, 0, 1].round(2).tolist()  # three layers of a million units
[1.0, 0.68, 0.51]
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eoc.activations import Activation, activation, era
    from eoc.activations.named import fourier, gp_activation, pau, polynomial, rational, spline
    from eoc.citations import Citation, citation
    from eoc.comparison import Comparison, compare
    from eoc.convergence import Convergence, convergence_of
    from eoc.criticality import (
        Curve,
        EdgeOfChaos,
        EocCurve,
        EocPoint,
        GradientCritical,
        NoPoint,
        OrderedPoint,
        PaddedEdge,
        curve,
        edge_of_chaos,
        eoc_curve,
        gradient_critical,
        nearest_ordered,
        padded_edge,
        transitions,
    )
    from eoc.errors import AccuracyError, AccuracyWarning, EocError, ExpressionError, NotPermissibleError
    from eoc.explorer import explore
    from eoc.gains import Gain, gain
    from eoc.gaussian.bivariate import bivariate
    from eoc.gaussian.moments import Estimate, moments
    from eoc.jacobians import JacobianSpectrum, isometric_depth, isometry, jacobian
    from eoc.kernels import ConditionNumbers, Ensemble, Kernel, condition_numbers, ensemble, kernel, two_layer_gram
    from eoc.layers import (
        Network,
        WeightMoments,
        collapse_constant,
        mixture,
        mode_factor,
        network,
        padding_eigenvalue,
        pruned,
        quantised,
    )
    from eoc.maps import (
        ConvergenceLaw,
        CorrelationFixedPoint,
        CorrelationMap,
        FixedPoint,
        SettledTokens,
        VarianceMap,
        angle_exponent,
        convergence_law,
        deep_attention,
        settled_tokens,
    )
    from eoc.montecarlo import (
        correlation_process,
        explicit_networks,
        gaussianity,
        length_process,
        length_scaling,
        recurrent_networks,
        sample_batches,
        sample_networks,
        second_layer,
        verify,
    )
    from eoc.phase import ModeDecay, Phase, mode_decay, phase_diagram, phase_of, phases
    from eoc.propagation import PositionTrajectory, Trajectory, propagate, propagate_gram, propagate_positions
    from eoc.recommendation import Recommendation, recommend
    from eoc.recurrence import Recurrent, critical_recurrent, lstm_moments, recurrent
    from eoc.sensitivities import Sensitivity, sensitivity
    from eoc.shaping import Shaping, shape
    from eoc.sweeps import open_sweep, run_sweep

from eoc._version import __version__ as __version__

_WHERE = {
    "eoc.activations": ("Activation", "activation", "era"),
    "eoc.activations.named": ("fourier", "gp_activation", "pau", "polynomial", "rational", "spline"),
    "eoc.criticality": (
        "Curve",
        "EdgeOfChaos",
        "EocCurve",
        "EocPoint",
        "GradientCritical",
        "NoPoint",
        "OrderedPoint",
        "PaddedEdge",
        "curve",
        "edge_of_chaos",
        "eoc_curve",
        "gradient_critical",
        "nearest_ordered",
        "padded_edge",
        "transitions",
    ),
    "eoc.citations": ("Citation", "citation"),
    "eoc.comparison": ("Comparison", "compare"),
    "eoc.convergence": ("Convergence", "convergence_of"),
    "eoc.explorer": ("explore",),
    "eoc.errors": ("AccuracyError", "AccuracyWarning", "EocError", "ExpressionError", "NotPermissibleError"),
    "eoc.gains": ("Gain", "gain"),
    "eoc.gaussian.bivariate": ("bivariate",),
    "eoc.gaussian.moments": ("Estimate", "moments"),
    "eoc.jacobians": ("JacobianSpectrum", "isometric_depth", "isometry", "jacobian"),
    "eoc.kernels": (
        "ConditionNumbers",
        "Ensemble",
        "Kernel",
        "condition_numbers",
        "ensemble",
        "kernel",
        "two_layer_gram",
    ),
    "eoc.layers": (
        "Network",
        "WeightMoments",
        "collapse_constant",
        "mixture",
        "mode_factor",
        "network",
        "padding_eigenvalue",
        "pruned",
        "quantised",
    ),
    "eoc.maps": (
        "ConvergenceLaw",
        "CorrelationFixedPoint",
        "CorrelationMap",
        "FixedPoint",
        "SettledTokens",
        "VarianceMap",
        "angle_exponent",
        "convergence_law",
        "deep_attention",
        "settled_tokens",
    ),
    "eoc.montecarlo": (
        "correlation_process",
        "explicit_networks",
        "gaussianity",
        "length_process",
        "length_scaling",
        "recurrent_networks",
        "sample_batches",
        "sample_networks",
        "second_layer",
        "verify",
    ),
    "eoc.phase": ("ModeDecay", "Phase", "mode_decay", "phase_diagram", "phase_of", "phases"),
    "eoc.propagation": ("PositionTrajectory", "Trajectory", "propagate", "propagate_gram", "propagate_positions"),
    "eoc.recommendation": ("Recommendation", "recommend"),
    "eoc.recurrence": ("Recurrent", "critical_recurrent", "lstm_moments", "recurrent"),
    "eoc.sensitivities": ("Sensitivity", "sensitivity"),
    "eoc.shaping": ("Shaping", "shape"),
    "eoc.sweeps": ("open_sweep", "run_sweep"),
}
_MODULE = {name: module for module, names in _WHERE.items() for name in names}
_PARTS = ("calibration", "diagnose", "initializers", "regions", "scaling")  # rooms of their own, some for frameworks

__all__ = [
    "AccuracyError",
    "AccuracyWarning",
    "Activation",
    "Citation",
    "Comparison",
    "ConditionNumbers",
    "Convergence",
    "ConvergenceLaw",
    "CorrelationFixedPoint",
    "CorrelationMap",
    "Curve",
    "EdgeOfChaos",
    "Ensemble",
    "EocCurve",
    "EocError",
    "EocPoint",
    "Estimate",
    "ExpressionError",
    "FixedPoint",
    "Gain",
    "GradientCritical",
    "JacobianSpectrum",
    "Kernel",
    "ModeDecay",
    "Network",
    "NoPoint",
    "NotPermissibleError",
    "OrderedPoint",
    "PaddedEdge",
    "Phase",
    "PositionTrajectory",
    "Recommendation",
    "Recurrent",
    "Sensitivity",
    "SettledTokens",
    "Shaping",
    "Trajectory",
    "VarianceMap",
    "WeightMoments",
    "activation",
    "angle_exponent",
    "bivariate",
    "citation",
    "collapse_constant",
    "compare",
    "condition_numbers",
    "convergence_law",
    "convergence_of",
    "correlation_process",
    "critical_recurrent",
    "curve",
    "deep_attention",
    "edge_of_chaos",
    "ensemble",
    "eoc_curve",
    "era",
    "explicit_networks",
    "explore",
    "fourier",
    "gain",
    "gaussianity",
    "gp_activation",
    "gradient_critical",
    "isometric_depth",
    "isometry",
    "jacobian",
    "kernel",
    "length_process",
    "length_scaling",
    "lstm_moments",
    "mixture",
    "mode_decay",
    "mode_factor",
    "moments",
    "nearest_ordered",
    "network",
    "open_sweep",
    "padded_edge",
    "padding_eigenvalue",
    "pau",
    "phase_diagram",
    "phase_of",
    "phases",
    "polynomial",
    "propagate",
    "propagate_gram",
    "propagate_positions",
    "pruned",
    "quantised",
    "rational",
    "recommend",
    "recurrent",
    "recurrent_networks",
    "run_sweep",
    "sample_batches",
    "sample_networks",
    "second_layer",
    "sensitivity",
    "settled_tokens",
    "shape",
    "spline",
    "transitions",
    "two_layer_gram",
    "verify",
]


def __getattr__(name: str) -> object:
    if name in _PARTS:
        return import_module(f"eoc.{name}")
    if name not in _MODULE:
        raise AttributeError(f"module 'eoc' has no attribute {name!r}")
    value = getattr(import_module(_MODULE[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, *_PARTS, "__version__"])
