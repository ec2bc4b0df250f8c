"""A whole model on the edge of chaos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import isfinite
from typing import Any

import torch
from torch import nn

from eoc.checks import real_number
from eoc.errors import EocError
from eoc.initializers.torch.draw import check_generator, draw_normal, draw_orthogonal
from eoc.initializers.torch.plan import Fill, Plan
from eoc.initializers.torch.report import Report, Row
from eoc.initializers.torch.roles import RULES, Rule
from eoc.initializers.torch.scales import Settings
from eoc.models.read import read
from eoc.models.steps import Kind, Reading
from eoc.wording import quoted

__all__ = ["initialize_"]

_METHODS = ("normal", "orthogonal")


def initialize_(
    module: nn.Module,
    activation: object = None,
    *,
    sigma_b: float | None = None,
    q: float | None = None,
    sigma_w: float | None = None,
    method: str = "normal",
    input_variance: float = 1.0,
    output_variance: float | None = 1.0,
    residual: str | Sequence[str] = (),
    generator: torch.Generator | None = None,
) -> Report:
    """Draw all weights and biases of a model anew, on the edge of chaos of its own activations.

    Every layer is drawn so that the pre-activations it feeds have the variance q of the activation that follows:

        weights N(0, (q - sigma_b^2) / (power fan_in)),  biases N(0, sigma_b^2).

    (sigma_w, sigma_b, q) is the point of the edge of chaos of that activation, and the power is the mean square of what
    the layer takes in, which is followed through the model: V(q) = E[phi(sqrt(q) Z)^2] after an activation, 1 after a
    normalisation, the sum of the powers after a sum. In a chain of one activation it is sigma_w^2 / fan_in. Where one
    activation follows another, a layer multiplies squared gradients by chi_1 = (q_2 - sigma_b2^2) / (q_1 - sigma_b1^2);
    the product over any number of layers is this of the first and the last of them. Heads, embeddings, normalisations,
    gates and residual branches have rules of their own, listed in :data:`eoc.initializers.torch.RULES` and in the
    report.

    Parameters
    ----------
    module
        The model. What follows what is read off its computation by ``torch.fx``; where that fails, off the order in
        which its modules are defined.
    activation
        What an activation that cannot be recognised is taken for, and what follows every hidden layer of a model that
        cannot be traced and shows none; given as in :func:`eoc_normal_`.
    sigma_b, q, sigma_w
        Which point, for each activation: see :func:`eoc.initializers.point.point`. None of them: the recommended one.
        sigma_w and sigma_b both: this place of any phase.
    method
        "normal", or "orthogonal" as in :func:`eoc_orthogonal_`.
    input_variance
        > 0, the mean square of one input feature; 1 for standardised data.
    output_variance
        > 0, that of one output at initialisation; None: the last layer is drawn as the hidden ones before it.
    residual
        Names of the layers that end residual branches, or patterns as in a shell ("blocks.*.fc2"), for models that
        cannot be traced. Their variances are divided by the number of branches.
    generator
        Source of random numbers; None: torch's global one. One seed gives the same weights again.

    Returns
    -------
    Report
        What was set, by which rule, and what was left alone and why: every parameter of the model. ``print`` it.

    Raises
    ------
    EocError
        Before any weight is changed: if an activation has no usable point, if weights hold no numbers yet (meta device,
        lazy modules), if the model has no layer, or if no activation can be seen; for values out of range.

    Notes
    -----
    Frozen parameters are left and measured. Weights that are used several times are set at their first use. Maps are
    those of wide layers without dropout, whose zeros leave no edge of chaos (Schoenholz et al. 2017, arXiv 1611.01232).
    Residual branches follow "Stable ResNet" (Hayou et al. 2021, arXiv 2010.12859).

    Examples
    --------
    >>> model = nn.Sequential(nn.Linear(64, 512), nn.Tanh(), nn.Linear(512, 512), nn.Tanh(), nn.Linear(512, 10))
    >>> report = initialize_(model, sigma_b=0.2, generator=torch.Generator().manual_seed(0))
    >>> for row in report.set:
    ...     print(f"{row.parameter:9} {row.rule:7} {row.std or row.value:.5f} {row.activation}")
    0.weight  hidden  0.08588 tanh
    0.bias    hidden  0.20000
    2.weight  hidden  0.05764 tanh
    2.bias    hidden  0.20000
    4.weight  head    0.08388
    4.bias    head    0.00000
    """
    _check(module, method, generator)
    settings = Settings(
        sigma_b,
        q,
        sigma_w,
        method,
        _variance("input_variance", input_variance),
        None if output_variance is None else _variance("output_variance", output_variance),
        (residual,) if isinstance(residual, str) else tuple(residual),
    )
    reading = read(module, activation)
    _check_reading(reading)
    plan = Plan(module, reading, settings)
    for fill in plan.fills:
        _write(fill, generator)
    return Report(_rows(module, reading, plan), _notes(reading, plan), RULES)


def _check(module: Any, method: Any, generator: Any) -> None:
    if not isinstance(module, nn.Module):
        raise EocError(f"module must be a torch.nn.Module, got {type(module).__name__}; for a tensor take eoc_normal_")
    if method not in _METHODS:
        raise EocError(f"method must be one of {', '.join(_METHODS)}; got {quoted(method)}")
    check_generator(generator)


def _variance(name: str, value: float) -> float:
    number = real_number(name, value)
    if not (isfinite(number) and number > 0.0):
        raise EocError(f"{name} must be a finite number > 0, got {number!r}")
    return number


def _check_reading(reading: Reading) -> None:
    kinds = [step.kind for step in reading.steps]
    if Kind.LAYER not in kinds:
        raise EocError("the model has no linear or convolutional layer whose weights could be set")
    if not reading.traced and kinds.count(Kind.LAYER) > 1 and Kind.ACTIVATION not in kinds:
        raise EocError(
            f"no activation can be seen between the layers ({reading.problem}): say which one follows the hidden "
            "layers, for example activation='relu'"
        )


@torch.no_grad()
def _write(fill: Fill, generator: torch.Generator | None) -> None:
    if fill.tensor.numel() == 0:
        return
    if fill.method == "constant":
        fill.tensor.fill_(fill.number)
    elif fill.method == "orthogonal":
        draw_orthogonal(fill.tensor, fill.number, fill.groups, generator)
    else:
        draw_normal(fill.tensor, fill.number, generator)
    if fill.zero_row is not None:
        fill.tensor[fill.zero_row] = 0.0


def _rows(module: nn.Module, reading: Reading, plan: Plan) -> tuple[Row, ...]:
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
            rows.append(Row(name, Rule.LEFT, note=reasons.get(id(parameter), "no part of a layer that was recognised")))
    return tuple(rows)


def _reasons(reading: Reading) -> dict[int, str]:
    """Why the parameters of steps that are no layers are left alone."""
    reasons: dict[int, str] = {}
    for step in reading.steps:
        reason = "learned parameter of an activation" if step.kind is Kind.ACTIVATION else step.note
        if step.module is not None and reason:
            reasons |= {id(parameter): reason for parameter in step.module.parameters()}
    return reasons


def _notes(reading: Reading, plan: Plan) -> tuple[str, ...]:
    notes = []
    if not reading.traced:
        notes.append(
            f"not traced ({reading.problem}): layers follow each other as their modules are defined; residual branches "
            "cannot be seen, name the layers that end them with residual="
        )
    if any(step.kind is Kind.DROPOUT and getattr(step.module, "p", 1.0) for step in reading.steps):
        notes.append("dropout raises variances while training, and leaves no edge of chaos")
    if any(
        step.kind is Kind.POOL and "max" in f"{type(step.module).__name__} {step.name}".lower()
        for step in reading.steps
    ):
        notes.append("max pooling raises variances, which is not followed")
    notes += [f"the residual branch that ends in {name} has no last weight to scale" for name in plan.unscaled]
    seen = (step for step in reading.steps if step.note and step.kind is not Kind.LAYER)
    notes += dict.fromkeys(f"{step.name}: {step.note}" for step in seen)
    return tuple(notes)
