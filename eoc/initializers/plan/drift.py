"""Warnings of what no initialisation of a model can mend, before anything of it is changed."""

from __future__ import annotations

from collections.abc import Iterator
from math import log10

from eoc.initializers.plan.gates import MOST_GATES, gates_in_series, reactions
from eoc.initializers.plan.layer_variances import power_of
from eoc.initializers.plan.plan import Plan
from eoc.models.steps import Kind
from eoc.predict.sequences import Recurred

__all__ = ["warnings_of"]

_MOST = 100.0  # by which the power may drift


def warnings_of(plan: Plan) -> tuple[str, ...]:
    """A sentence for each thing that is wrong with a planned model."""
    return (*_gates(plan), *_drifts(plan))


def _gates(plan: Plan) -> Iterator[str]:
    """A product of two signals has q' = q_1 q_2: without biases relative changes of q double in each."""
    count = gates_in_series(plan.structure)
    if count <= MOST_GATES:
        return
    most = max(reactions(plan.structure.steps, plan.states, plan.by_weights))
    if most > 2.0**MOST_GATES:
        yield (
            f"{count} gates follow each other without a normalisation or a residual sum between them, and nothing "
            f"keeps the variance of such a stack: a change of 1 % becomes {most:.3g} %. Normalise before each gate, "
            "give the layers before it biases, or add its output to what it takes in"
        )


def _drifts(plan: Plan) -> Iterator[str]:
    """Where layers take in much more or less than the model does; recurrent layers hand on what their gates leave."""
    steps, start = plan.structure.steps, plan.settings.input_variance
    worst, most = "", _MOST
    for step in steps:
        taken = plan.states[step.inputs[0]] if step.kind is Kind.LAYER else None
        power = None if taken is None or isinstance(taken, Recurred) else power_of(taken)
        ratio = 1.0 if power is None else max(power / max(start, 1.0), min(start, 1.0) / power)
        if ratio > most and power is not None:
            worst, most = f"{step.name} takes in the mean square {power:.3g}", ratio
    if worst:
        yield (
            f"the power drifts by a factor of 10^{log10(most):.0f} along the model: {worst}. Nothing in it keeps the "
            "variance there: put a normalisation before, or give another point of its activation with points="
        )
