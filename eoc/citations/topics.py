"""Which papers are behind a command, a part of eoc, an activation, a layer."""

from __future__ import annotations

from types import MappingProxyType

__all__ = ["OF_PARTS", "OF_WORDS"]

_PHASES = ("poole2016", "schoenholz2017")
_EDGE = (*_PHASES, "hayou2019")
_JACOBIAN = ("pennington2017", "pennington2018")
_KERNELS = ("lee2018", "jacot2018", "lee2019")
_WIDTH = ("long2019", "roberts2022")
_SHAPING = ("martens2021", "zhang2022")
_GATES = ("chen2018", "gilboa2019")
_USUAL = ("he2015", "glorot2010")

#: Results, by the part of eoc that they are made in: of several that fit the longest counts.
OF_PARTS = MappingProxyType(
    {
        "eoc.calibration": ("guo2017",),
        "eoc.comparison": (*_EDGE, *_USUAL),
        "eoc.convergence": ("hayou2019",),
        "eoc.criticality": _EDGE,
        "eoc.criticality.padded": (*_EDGE, "xiao2018"),
        "eoc.diagnose": _PHASES,
        "eoc.gains": (*_EDGE, *_USUAL),
        "eoc.gaussian": ("poole2016",),
        "eoc.initializers": _EDGE,
        "eoc.jacobians": _JACOBIAN,
        "eoc.kernels": _KERNELS,
        "eoc.kernels.condition": (*_KERNELS, "xiao2020"),
        "eoc.kernels.two_layer": ("panigrahi2020",),
        "eoc.layers": ("poole2016", "yang2017"),
        "eoc.maps": ("poole2016",),
        "eoc.maps.laws": ("hayou2019",),
        "eoc.montecarlo": _WIDTH,
        "eoc.phase": _PHASES,
        "eoc.phase.modes": (*_PHASES, "xiao2018"),
        "eoc.predict": _PHASES,
        "eoc.propagation": _PHASES,
        "eoc.propagation.positions": (*_PHASES, "xiao2018"),
        "eoc.recommendation": _EDGE,
        "eoc.recurrence": _GATES,
        "eoc.regions": ("hanin2019",),
        "eoc.regions.fewest": ("petzka2020",),
        "eoc.regions.landscape": ("he2020",),
        "eoc.regions.loss_cells": ("he2020",),
        "eoc.regions.symmetry": ("petzka2020",),
        "eoc.regions.terms": ("trimmel2021",),
        "eoc.regions.two_layer": ("petzka2020",),
        "eoc.scaling": ("yang2021",),
        "eoc.sensitivities": ("hayou2019",),
        "eoc.shaping": _SHAPING,
    }
)

#: Commands, tasks of sweeps, activations, initialisations and layers, as they are typed.
OF_WORDS = MappingProxyType(
    {
        "compare": OF_PARTS["eoc.comparison"],
        "curve": _EDGE,
        "diagnose": _PHASES,
        "diagram": _PHASES,
        "gain": OF_PARTS["eoc.gains"],
        "images": OF_PARTS["eoc.propagation.positions"],
        "init": _EDGE,
        "jacobian": _JACOBIAN,
        "kernel": _KERNELS,
        "maps": ("poole2016",),
        "montecarlo": _WIDTH,
        "phase": _PHASES,
        "propagate": _PHASES,
        "rates": ("hayou2019",),
        "recurrent": _GATES,
        "regions": ("hanin2019", "trimmel2021"),
        "sensitivity": ("hayou2019",),
        "shape": _SHAPING,
        "symmetry": ("petzka2020",),
        "verify": (*_PHASES, *_WIDTH),
        "conditions": OF_PARTS["eoc.kernels.condition"],
        "edge_of_chaos": _EDGE,
        "kinks": ("hanin2019",),
        "phase_diagram": _PHASES,
        "propagation": _PHASES,
        "elu": ("clevert2016",),
        "era": ("trimmel2022",),
        "gelu": ("hendrycks2016",),
        "gelu_tanh": ("hendrycks2016",),
        "mish": ("misra2020",),
        "pau": ("molina2020",),
        "rational": ("molina2020",),
        "relu": ("cho2009",),  # its expectations at two points
        "selu": ("klambauer2017",),
        "silu": ("hendrycks2016", "ramachandran2017"),
        "swish": ("ramachandran2017",),
        "attention": ("dong2021",),
        "batchnorm": ("yang2019",),
        "conv": ("xiao2018",),
        "gru": _GATES,
        "lstm": _GATES,
        "minimalrnn": ("chen2018",),
        "rnn": ("chen2018",),
        "residual": ("yang2017", "hayou2021"),
        "postln": ("yang2017",),
        "preln": ("yang2017", "hayou2021"),
    }
)
