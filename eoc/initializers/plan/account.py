"""What the report of a whole model says: its rows and its notes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import prod

from eoc.initializers.plan.layer_variances import power_of
from eoc.initializers.plan.parameters import Parameters
from eoc.initializers.plan.plan import Plan
from eoc.initializers.plan.report import Row
from eoc.initializers.plan.roles import Rule
from eoc.models.steps import Kind, Reading, Step
from eoc.predict.state import State

__all__ = ["notes_of", "rows_of"]

_FEW = 3  # names that a note lists
_NOTHING = 1e-150  # what stands for a variance of 0 is less
_UNSEEN = 1e-2  # of the power of what a learned tensor is added to


def rows_of(parameters: Parameters, reading: Reading, plan: Plan) -> tuple[Row, ...]:
    """One for each parameter; parts that were treated alike together."""
    reasons = _reasons(parameters, reading)
    rows: list[Row] = []
    for name, earlier in parameters.named():
        if earlier != name:
            rows.append(Row(name, Rule.LEFT, note=f"tied to {earlier}"))
        elif name in plan.rows:
            together = {replace(row, part="") for row in plan.rows[name]}
            rows += together if len(together) == 1 else plan.rows[name]
        elif not parameters.is_free(name):
            rows.append(Row(name, Rule.LEFT, note="frozen: it is not trained"))
        else:
            reason = reasons.get(name) or reading.uses.get(name, "no part of a layer that was recognised")
            rows.append(Row(name, Rule.LEFT, note=reason))
    return tuple(rows)


def _reasons(parameters: Parameters, reading: Reading) -> dict[str, str]:
    """Why the parameters of steps that are no layers are left alone, by name."""
    reasons: dict[str, str] = {}
    for step in reading.steps:
        reason = "learned parameter of an activation" if step.kind is Kind.ACTIVATION else step.note
        if reason:
            reasons |= dict.fromkeys(parameters.inside(step), reason)
    return reasons


def notes_of(parameters: Parameters, reading: Reading, plan: Plan) -> tuple[str, ...]:
    """What holds for the model as a whole, and what was found out about its steps."""
    found: dict[str, list[str]] = {}
    for name in plan.unscaled:
        found.setdefault("ends a residual branch without weights to scale", []).append(name)
    for step in reading.steps:
        if step.note and step.kind is not Kind.LAYER and step.name not in found.setdefault(step.note, []):
            found[step.note].append(step.name)
    return (*_of_model(parameters, reading, plan), *(f"{_listed(names)}: {note}" for note, names in found.items()))


def _of_model(parameters: Parameters, reading: Reading, plan: Plan) -> Iterator[str]:
    if not reading.traced:
        yield (
            f"not traced ({reading.problem}): layers follow each other as their modules are defined; residual branches "
            "cannot be seen, name the layers that end them with residual="
        )
    if plan.depth is not None:
        yield f"points are those recommended for {plan.depth} layers, the longest chain; depth= says another number"
    if plan.chooses_weights:
        yield (
            "orthogonal matrices, scaled to the std, are recommended for the dense layers of plain networks; all other "
            'weights, convolutions too, are Gaussian; weights="gaussian" makes all of them so'
        )
    left, layers = _count_layers(parameters, reading, plan)
    if left:
        yield f"{left} of {layers} layers were left as they are: they are not on the edge of chaos"
    if any(step.kind is Kind.DROPOUT and getattr(step.module, "p", 1.0) for step in reading.steps):
        yield "dropout raises variances while training, and leaves no edge of chaos"
    yield from _of_prediction(reading, plan)


def _of_prediction(reading: Reading, plan: Plan) -> Iterator[str]:
    """What was neglected, and what is too small to be seen."""
    neglected: dict[str, None] = {}
    for state in plan.states:
        neglected |= dict.fromkeys(state.neglected if isinstance(state, State) else ())
    yield from neglected
    for step in reading.steps:
        if step.kind is not Kind.ADD:
            continue
        powers = {earlier: power_of(plan.states[earlier]) for earlier in step.inputs}
        most = max((power or 0.0 for power in powers.values()), default=0.0)
        for earlier, power in powers.items():
            learned = reading.steps[earlier]
            if learned.kind is Kind.PARAMETER and _differs(learned) and (power or 0.0) < _UNSEEN * most:
                size = (power or 0.0) ** 0.5 if (power or 0.0) > _NOTHING else 0.0
                yield (
                    f"{learned.name} is hardly seen at first: root mean square {size:.2g} beside {most**0.5:.2g}; "
                    f"draw it with a standard deviation of about {most**0.5:.2g} if the model needs it from the start"
                )


def _differs(step: Step) -> bool:
    """Whether a learned tensor differs from position to position, as no bias does; zeros are meant as they are."""
    shape = step.shape or tuple(getattr(step.tensor, "shape", ()))
    return prod(shape[:-1]) > 1


def _listed(names: list[str]) -> str:
    return ", ".join(names[:_FEW]) + (f" and {len(names) - _FEW} more" if len(names) > _FEW else "")


def _count_layers(parameters: Parameters, reading: Reading, plan: Plan) -> tuple[int, int]:
    """How many layers are not set, and how many there are; what is unknown and has weights counts as a layer."""
    names = {step.affine.weight_name for step in reading.steps if step.affine is not None}
    recurrent = [step.recurrence for step in reading.steps if step.recurrence is not None]
    names |= {affine.weight_name for own in recurrent for affine in own.affines}
    left = sum(not row.is_set for name in names for row in plan.rows[name][:1])
    unknown = {step.name for step in reading.steps if step.kind is Kind.UNKNOWN and any(parameters.inside(step))}
    return left + len(unknown), len(names) + len(unknown)
