r"""What is foreseen of the gradients of a model that is planned, before anything is written.

Of a layer that takes in h and gets the gradient g by what it hands on, with n positions and correlations c of two,

.. math:: |dL/dW|^2 = |g|^2 \, n_{in} \, \overline{h^2} \, (1 + (n - 1) c_g c_h).
"""

from __future__ import annotations

from math import prod, sqrt

from eoc.initializers.plan.plan import Plan
from eoc.models.steps import Kind, Step
from eoc.predict.backward import Gradient, backward
from eoc.predict.state import State, Unknown

__all__ = ["gradients_of"]


def gradients_of(plan: Plan) -> dict[str, float]:
    """|dL/dW| of the layers and tables where it is known, in the order of the computation, in some unit.

    Nothing if it is not known of the first of them, or of the last.
    """
    steps = plan.structure.steps

    def back(at: int, gradient: Gradient | Unknown) -> Gradient | Unknown:
        if isinstance(gradient, Unknown):
            return gradient
        return gradient.times(plan.gains[at]) if at in plan.gains else Unknown(steps[at].name)

    found = backward(steps, plan.states, plan.size, back, Gradient(1.0))
    sizes: dict[str, float | None] = {}
    for step, gradient in zip(steps, found, strict=True):
        table = plan.parameters.of(step, "weight") if step.kind is Kind.EMBEDDING else None
        if table is not None:
            sizes.setdefault(table[0], sqrt(gradient.squared) if isinstance(gradient, Gradient) else None)
        elif step.kind is Kind.LAYER:
            name = step.name if step.affine is None else step.affine.weight_name
            sizes.setdefault(name, _by_weight(step, gradient, plan.states[step.inputs[0]]))
    if any(one is None for one in list(sizes.values())[:: max(len(sizes) - 1, 1)]):
        return {}
    return {name: size for name, size in sizes.items() if size is not None}


def _by_weight(step: Step, gradient: Gradient | Unknown, taken: State | Unknown) -> float | None:
    if step.affine is None or not isinstance(gradient, Gradient) or not isinstance(taken, State) or not taken.power:
        return None
    places = prod(step.shape) / (step.shape[0] * step.affine.weight.shape[0]) if len(step.shape) > 1 else 1.0
    square = gradient.squared * step.affine.fan_in * taken.power
    if places <= 1.0 or gradient.shared <= 0.0:
        return sqrt(square)
    return sqrt(square * (1.0 + (places - 1.0) * gradient.shared * max(taken.positions.k, 0.0) / taken.power))
