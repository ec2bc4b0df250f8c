"""A whole model on the edge of chaos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

import torch
from torch import nn

from eoc.errors import EocError
from eoc.initializers.torch.account import notes_of, rows_of
from eoc.initializers.torch.draw import check_generator, draw_normal, draw_orthogonal
from eoc.initializers.torch.plan import Fill, Plan
from eoc.initializers.torch.report import Report
from eoc.initializers.torch.roles import explained
from eoc.initializers.torch.scales import Settings
from eoc.messages import did_you_mean, quoted, shortened
from eoc.models.steps import Kind, Reading
from eoc.models.torch.read import read
from eoc.validation import real_number

__all__ = ["check_model", "filled", "initialize_"]

_WEIGHTS = ("recommended", "gaussian", "orthogonal")
_OF_POINTS = ("sigma_w", "sigma_b", "q")


def initialize_(
    module: nn.Module,
    activation: object = None,
    *,
    sigma_w: float | None = None,
    sigma_b: float | None = None,
    q: float | None = None,
    depth: int | None = None,
    weights: str = "recommended",
    input_variance: float = 1.0,
    output_variance: float | None = 1.0,
    residual: str | Sequence[str] = (),
    points: Mapping[str, Mapping[str, float]] | None = None,
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
    sigma_w, sigma_b, q
        Which point, for each activation: see :func:`eoc.operating_point.operating_point`. None of them: the recommended
        one. sigma_w and sigma_b both: this place of any phase.
    depth
        Layers of the network, for which points are recommended; None: as many as follow each other in the model, in the
        longest chain. A normalisation begins a new chain, and residual branches are none.
    weights
        "gaussian"; "orthogonal" as in :func:`eoc_orthogonal_`, all of them; or "recommended": orthogonal where training
        has shown that it helps (:func:`eoc.recommend`), which is in the dense layers of models without residual
        branches, before activations and before the output; all others Gaussian, convolutions too.
    input_variance
        > 0, the mean square of one input feature; 1 for standardised data.
    output_variance
        > 0, that of one output at initialisation; None: the last layer is drawn as the hidden ones before it.
    residual
        Names of the layers that end residual branches, or patterns as in a shell ("blocks.*.fc2"), for models that
        cannot be traced. They keep the power, divided by the number of branches.
    points
        The point of single activations, for those that have none to recommend: by their names, as the report has them,
        what :func:`eoc.operating_point.operating_point` takes, ``{"softplus": {"sigma_w": 1.4, "sigma_b": 0.0}}``.
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
        lazy modules) or cannot be written to, if frozen ones are not finite, if the model has no layer, or if no
        activation can be seen; for values out of range.

    Notes
    -----
    Frozen parameters are left and measured. Weights that are used several times are set at their first use; a layer
    that is used again and again, each time after the last, has the sigmas of its point, where variances settle at q.
    Maps are those of wide layers without dropout, whose zeros leave no edge of chaos (Schoenholz et al. 2017,
    arXiv 1611.01232).
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
    check_model(module, weights, generator)
    settings = Settings(
        sigma_w,
        sigma_b,
        q,
        depth,
        weights,
        _variance("input_variance", input_variance),
        None if output_variance is None else _variance("output_variance", output_variance),
        _patterns(residual),
        _points(points),
    )
    reading = read(module, activation, settings.residual)
    return filled(module, reading, settings, generator)


def filled(module: nn.Module, reading: Reading, settings: Settings, generator: torch.Generator | None) -> Report:
    """Fill all parameters of a model that was read: :func:`initialize_` without its checks."""
    _check_reading(reading)
    plan = Plan(module, reading, settings)
    for fill in plan.fills:
        _write(fill, generator)
    rows = rows_of(module, reading, plan)
    return Report(rows, plan.points, plan.depth, notes_of(reading, plan), explained({row.rule for row in rows}))


def check_model(module: Any, weights: Any, generator: Any) -> None:
    """Refuse what is no model, and what does not say how to draw."""
    if isinstance(module, type):
        raise EocError(
            f"module must be a model, got the class {module.__name__}: make one of it, {module.__name__}(...)"
        )
    if not isinstance(module, nn.Module):
        raise EocError(f"module must be a torch.nn.Module, got {type(module).__name__}; for a tensor take eoc_normal_")
    if weights not in _WEIGHTS:
        raise EocError(f"weights must be one of {', '.join(map(repr, _WEIGHTS))}; got {shortened(repr(weights))}")
    check_generator(generator)


def _variance(name: str, value: float) -> float:
    number = real_number(name, value)
    if not (isfinite(number) and number > 0.0):
        raise EocError(f"{name} must be a finite number > 0, got {number!r}")
    return number


def _patterns(residual: Any) -> tuple[str, ...]:
    patterns = (residual,) if isinstance(residual, str) else residual
    if not isinstance(patterns, Sequence) or not all(isinstance(pattern, str) for pattern in patterns):
        raise EocError(
            f"residual must be a name of a layer, a pattern such as 'blocks.*.fc2' or a list of them; got "
            f"{shortened(repr(residual))}"
        )
    return tuple(patterns)


def _points(points: Any) -> Mapping[str, Mapping[str, float]]:
    given = {} if points is None else points
    if not isinstance(given, Mapping) or not all(isinstance(place, Mapping) for place in given.values()):
        raise EocError(
            "points must say by the names of activations which point is meant, "
            f"{{'softplus': {{'sigma_w': 1.4, 'sigma_b': 0.0}}}}; got {shortened(repr(points))}"
        )
    for name, place in given.items():
        for key in place:
            if key not in _OF_POINTS:
                raise EocError(f"points: unknown {quoted(key)} for {name}; {did_you_mean(str(key), _OF_POINTS)}")
    return given


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
