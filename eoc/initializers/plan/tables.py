"""How large the entries of embeddings are drawn.

Behind a normalisation the size of what is looked up does not matter forward, but steps of training of one size change
small entries more: there they are as large as the weights of layers, N(0, 1 / dimension), of which trained language
models learn fastest. A table that is also the weight of the last layer is as large as that one has to be.
"""

from __future__ import annotations

from typing import Any

from eoc.initializers.plan.parameters import Parameters
from eoc.initializers.plan.settings import Settings
from eoc.initializers.plan.structure import Structure
from eoc.models.steps import Kind

__all__ = ["square_of_table"]

_PASSED = (Kind.SAME, Kind.SCALE, Kind.DROPOUT)


def square_of_table(
    model: Structure, parameters: Parameters, settings: Settings, at: int, table: Any
) -> tuple[float, str]:
    """The mean square of the entries of the table of a step, and why, if there is something to say."""
    terms = model.summed_with(at)
    heads = {term: head for term in terms if (head := _head_of(model, parameters, term)) is not None}
    if heads:
        why = "also the weight of a layer" if at in heads else "added to one that is"
        return min(_square_of_head(model, settings, head) for head in heads.values()), why
    after = model.follows(at)
    learned = all(model.steps[term].kind in (Kind.EMBEDDING, Kind.PARAMETER) for term in terms)
    if learned and after and model.steps[after[0]].kind is Kind.NORM:
        return 1.0 / table.shape[1], ""
    return settings.input_variance, ""


def _head_of(model: Structure, parameters: Parameters, at: int) -> int | None:
    """The layer whose weight is the table of an embedding as well."""
    step = model.steps[at]
    found = parameters.of(step, "weight") if step.kind is Kind.EMBEDDING else None
    if found is None:
        return None
    layers = ((later, other.affine) for later, other in enumerate(model.steps))
    return next((later for later, affine in layers if affine is not None and affine.weight is found[1]), None)


def _square_of_head(model: Structure, settings: Settings, at: int) -> float:
    """The mean square of the weights of a layer behind a normalisation, scalings before and after it counted."""
    step, gain = model.steps[at], model.gain(at)
    assert step.affine is not None
    earlier = model.steps[step.inputs[0]]
    while earlier.kind in _PASSED and earlier.inputs:
        gain *= earlier.slope**2
        earlier = model.steps[earlier.inputs[0]]
    return (settings.output_variance or 1.0) / (step.affine.fan_in * (gain or 1.0))
