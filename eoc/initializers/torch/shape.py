"""A whole model with shaped activations, so that it trains at its depth."""

from __future__ import annotations

import operator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import fx, nn
from torch.nn import functional

from eoc.activations import Activation
from eoc.errors import EocError
from eoc.initializers.plan.bending import bending_layers, shaped_place
from eoc.initializers.plan.report import Report
from eoc.initializers.plan.settings import Settings
from eoc.initializers.torch.filled import check_model, filled
from eoc.initializers.torch.parameters import TorchParameters
from eoc.models.steps import Kind, Reading, Step
from eoc.models.torch.read import read
from eoc.shaping import Shaping, shape

__all__ = ["ShapeReport", "shape_"]


@dataclass(frozen=True)
class ShapeReport:
    """What :func:`shape_` did. ``print`` it.

    Attributes
    ----------
    shapings
        One for each activation of the model, as :func:`eoc.shape` found it.
    modules
        The names of the modules that were replaced.
    depth
        Layers in a chain that bend distances as much as the model does, or as many as were asked for.
    initialisation
        What was drawn, and how.
    """

    shapings: tuple[Shaping, ...]
    modules: tuple[str, ...]
    depth: int
    initialisation: Report

    @property
    def said(self) -> tuple[str, ...]:
        """The shaped functions, and the modules that compute them now."""
        lines = [
            f"{s.original}, shaped by {s.method.upper()} for {self.depth} layers: phi(x) = {s.activation.name}"
            for s in self.shapings
        ]
        count = f"{len(self.modules)} module{'s' if len(self.modules) != 1 else ''} replaced: {', '.join(self.modules)}"
        return (*lines, count)

    def __str__(self) -> str:
        """The shaped functions, the modules that compute them now, and what was drawn."""
        return "\n".join([*self.said, "", str(self.initialisation)])


def shape_(
    module: nn.Module,
    depth: int | None = None,
    *,
    method: str | None = None,
    tau: float | None = None,
    zeta: float | None = None,
    eta: float | None = None,
    weights: str = "orthogonal",
    input_variance: float = 1.0,
    output_variance: float | None = 1.0,
    generator: torch.Generator | None = None,
) -> ShapeReport:
    """Replace the activations of a model by shaped ones, and draw all its weights and biases anew.

    phi becomes gamma (phi(alpha x + beta) + delta), see :func:`eoc.shape`, with the numbers for the depth of the model,
    and weights are drawn so that pre-activations have variance 1, by the rules of :func:`initialize_`.

    Parameters
    ----------
    module
        The model. Its activations have to be modules such as ``nn.GELU()``; those that multiply something (gates) are
        left. It is changed in place.
    depth
        Layers in a chain that bend distances as much as the model does; None: found by following two inputs through it.
        In a plain model these are its activations, in one with residual sums fewer.
    method, tau, zeta, eta
        As of :func:`eoc.shape`; ``eta`` is for ReLU and leaky ReLU, the others for all else.
    weights, input_variance, output_variance, generator
        As of :func:`initialize_`.

    Returns
    -------
    ShapeReport
        What was put where, and what was drawn.

    Raises
    ------
    EocError
        Before anything is changed: if an activation cannot be shaped, or is a function in the forward of the model, and
        whatever :func:`initialize_` refuses.

    Notes
    -----
    What is put in is a ``torch.fx.GraphModule`` around the module that was there: it can be copied, pickled, compiled,
    and moved between devices, and needs no eoc.

    Examples
    --------
    >>> model = nn.Sequential(nn.Linear(64, 64), nn.GELU(), nn.Linear(64, 64), nn.GELU(), nn.Linear(64, 10))
    >>> report = shape_(model, generator=torch.Generator().manual_seed(0))
    >>> report.modules, report.depth, round(report.shapings[0].gamma, 6)
    (('1', '3'), 2, 2.902801)
    """
    check_model(module, generator)
    reading = read(module)
    steps = _shaped_steps(reading)
    chosen = {id(step) for step in steps}
    settings = Settings(weights=weights, input_variance=input_variance, output_variance=output_variance)
    layers = depth or max(1, round(bending_layers(TorchParameters(module), reading, chosen, settings)))
    asked = {"tau": tau, "zeta": zeta, "eta": eta}
    shapings = {phi: _shape(phi, layers, method, asked) for phi in dict.fromkeys(s.activation for s in steps) if phi}
    new = tuple(
        replace(step, activation=shapings[step.activation].activation)
        if id(step) in chosen and step.activation in shapings
        else step
        for step in reading.steps
    )
    places = {found.activation: shaped_place(found.activation) for found in shapings.values()}
    settings = replace(settings, depth=layers, places=places)
    report = filled(module, replace(reading, steps=new), settings, generator)
    modules = {id(step.module): shapings[step.activation] for step in steps if step.activation in shapings}
    return ShapeReport(tuple(shapings.values()), _put(module, modules), layers, report)


def _shaped_steps(reading: Reading) -> list[Step]:
    """The activations of a model, gates aside."""
    multiplied = {at for step in reading.steps if step.kind is Kind.MULTIPLY for at in step.inputs}
    found = [step for at, step in enumerate(reading.steps) if step.kind is Kind.ACTIVATION and at not in multiplied]
    if not reading.traced:
        raise EocError(f"the model cannot be traced, so that nobody knows what follows what: {reading.problem}")
    if not found:
        raise EocError("the model has no activation that could be shaped")
    for step in found:
        if not isinstance(step.module, nn.Module):
            name = step.activation.name if step.activation else "activation"
            raise EocError(
                f"{name} ({step.name}) is a function in the forward of the model, which cannot be replaced: make it a "
                f"module of the model, such as self.act = torch.nn.{name.upper()}()"
            )
    return found


def _shape(phi: Activation, depth: int, method: str | None, asked: dict[str, float | None]) -> Shaping:
    """With those of the targets that are for this activation."""
    own = {"eta": asked["eta"]} if phi.is_positively_homogeneous else {k: v for k, v in asked.items() if k != "eta"}
    return shape(phi, depth, method=method, **own)


def _put(model: nn.Module, shapings: dict[int, Shaping]) -> tuple[str, ...]:
    """Replace modules; the names of those that were."""
    names = []
    made: dict[int, nn.Module] = {}
    for prefix, parent in list(model.named_modules()):
        for name, child in list(parent.named_children()):
            found = shapings.get(id(child))
            if found is not None:
                made.setdefault(id(child), _module(child, found))
                setattr(parent, name, made[id(child)])
                names.append(f"{prefix}.{name}".removeprefix("."))
    return tuple(names)


def _module(phi: nn.Module, found: Shaping) -> fx.GraphModule:
    """The shaped function around a module; of ReLU, a leaky one in its place."""
    graph = fx.Graph()
    x: Any = graph.placeholder("x")
    if found.negative_slope is not None:
        y = graph.call_function(functional.leaky_relu, (x, found.negative_slope))
    else:
        scaled = graph.call_function(operator.mul, (x, found.alpha))
        moved = graph.call_function(operator.add, (scaled, found.beta))
        y = graph.call_function(operator.add, (graph.call_module("phi", (moved,)), found.delta))
    graph.output(graph.call_function(operator.mul, (y, found.gamma)))
    return fx.GraphModule({"phi": phi} if found.negative_slope is None else {}, graph, "Shaped")
