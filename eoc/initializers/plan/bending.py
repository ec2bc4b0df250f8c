"""How many layers in a chain bend distances between inputs as much as a whole model does.

The correlation maps of layers in series are composed, and where their slopes at c = 1 are 1 their curvatures add up
(:mod:`eoc.shaping`). A model with residual sums passes a part of the trunk on as it is, and bends less than it has
activations. Each of them is replaced by a stand-in of little curvature, the model planned for it, and two inputs are
followed through the plan that differ by next to nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from eoc.activations import Activation
from eoc.initializers.plan.parameters import Parameters
from eoc.initializers.plan.plan import Plan
from eoc.initializers.plan.settings import Settings
from eoc.layers import CloseInput, Input, Pairs
from eoc.layers.close import Close
from eoc.models.steps import Reading
from eoc.operating_point import OperatingPoint
from eoc.predict.state import State, Unknown
from eoc.shaping.target import stand_in

__all__ = ["bending_layers", "shaped_place"]

_EACH = 1e-4  # curvature of a stand-in: what is left out is smaller by as much
_NEAR = np.array([1e-30])


def bending_layers(parameters: Parameters, reading: Reading, shaped: Collection[int], settings: Settings) -> float:
    """The curvature at c = 1 of a model, or of its most curved part, in units of that of one activation.

    Parameters
    ----------
    parameters, reading, settings
        As of :class:`eoc.initializers.plan.plan.Plan`.
    shaped
        The steps whose activations are to be shaped, by their ids.
    """
    phi = stand_in("tat", _EACH)
    steps = tuple(replace(step, activation=phi) if id(step) in shaped else step for step in reading.steps)
    q = settings.input_variance
    inputs = State(Input([q], pairs=Pairs.none(strict=False)), CloseInput(q, _NEAR))
    at_one = replace(settings, places={**settings.places, phi: shaped_place(phi)})
    plan = Plan(parameters, replace(reading, steps=steps), at_one, inputs)
    return max(map(_bend, plan.states), default=0.0) / _EACH


def shaped_place(phi: Activation) -> OperatingPoint:
    """Where shaped activations are drawn: sigma_w = 1, sigma_b = 0, which keep q = 1 and gradients."""
    return OperatingPoint(phi, 1.0, 0.0, 1.0, 1.0, None)


def _bend(state: State | Unknown) -> float:
    """The curvature of the correlation map from the inputs to here; 0 where it is not known."""
    g = state.paired.G if isinstance(state, State) else None
    if not isinstance(g, Close) or not isinstance(state, State):
        return 0.0
    return 2.0 * float(g.loss.value[0]) / float(_NEAR[0]) / float(state.paired.q.value[0])
