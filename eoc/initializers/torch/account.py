"""What the report of a whole model says: its rows and its notes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from torch import nn

from eoc.initializers.torch.plan import Plan
from eoc.initializers.torch.report import Row
from eoc.initializers.torch.roles import Rule
from eoc.models.steps import Kind, Reading, Step

__all__ = ["notes_of", "rows_of"]

_FEW = 3  # names that a note lists


def rows_of(module: nn.Module, reading: Reading, plan: Plan) -> tuple[Row, ...]:
    """One for each parameter; parts that were treated alike together."""
    reasons = _reasons(reading)
    first: dict[int, str] = {}
    rows: list[Row] = []
    for name, parameter in module.named_parameters(remove_duplicate=False):
        earlier = first.setdefault(id(parameter), name)
        if earlier != name:
            rows.append(Row(name, Rule.LEFT, note=f"tied to {earlier}"))
        elif name in plan.rows:
            together = {replace(row, part="") for row in plan.rows[name]}
            rows += together if len(together) == 1 else plan.rows[name]
        elif not parameter.requires_grad:
            rows.append(Row(name, Rule.LEFT, note="frozen: requires_grad is False"))
        else:
            reason = reasons.get(id(parameter)) or reading.uses.get(name, "no part of a layer that was recognised")
            rows.append(Row(name, Rule.LEFT, note=reason))
    return tuple(rows)


def _reasons(reading: Reading) -> dict[int, str]:
    """Why the parameters of steps that are no layers are left alone."""
    reasons: dict[int, str] = {}
    for step in reading.steps:
        reason = "learned parameter of an activation" if step.kind is Kind.ACTIVATION else step.note
        if step.module is not None and reason:
            reasons |= {id(parameter): reason for parameter in step.module.parameters()}
    return reasons


def notes_of(reading: Reading, plan: Plan) -> tuple[str, ...]:
    """What holds for the model as a whole, and what was found out about its steps."""
    found: dict[str, list[str]] = {}
    for name in plan.unscaled:
        found.setdefault("ends a residual branch without weights to scale", []).append(name)
    for step in reading.steps:
        if step.note and step.kind is not Kind.LAYER and step.name not in found.setdefault(step.note, []):
            found[step.note].append(step.name)
    return (*_of_model(reading, plan), *(f"{_listed(names)}: {note}" for note, names in found.items()))


def _of_model(reading: Reading, plan: Plan) -> Iterator[str]:
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
    left, layers = _count_layers(reading, plan)
    if left:
        yield f"{left} of {layers} layers were left as they are: they are not on the edge of chaos"
    if any(step.kind is Kind.DROPOUT and getattr(step.module, "p", 1.0) for step in reading.steps):
        yield "dropout raises variances while training, and leaves no edge of chaos"
    pools = [_is_of_largest(step) for step in reading.steps if step.kind is Kind.POOL]
    if any(pools):
        yield "max pooling raises variances, which is not followed"
    if not all(pools):
        yield "average pooling lowers variances, which is not followed"


def _listed(names: list[str]) -> str:
    return ", ".join(names[:_FEW]) + (f" and {len(names) - _FEW} more" if len(names) > _FEW else "")


def _count_layers(reading: Reading, plan: Plan) -> tuple[int, int]:
    """How many layers are not set, and how many there are; what is unknown and has weights counts as a layer."""
    names = {step.affine.weight_name for step in reading.steps if step.affine is not None}
    left = sum(not row.is_set for name in names for row in plan.rows[name][:1])
    unknown = {step.name for step in reading.steps if step.kind is Kind.UNKNOWN and _has_parameters(step)}
    return left + len(unknown), len(names) + len(unknown)


def _has_parameters(step: Step) -> bool:
    return step.module is not None and any(True for _ in step.module.parameters())


def _is_of_largest(step: Step) -> bool:
    return "max" in f"{type(step.module).__name__} {step.name}".lower()
