"""What to fill with what: the whole initialisation of a model, before any of its numbers is changed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

import torch

from eoc.errors import EocError
from eoc.initializers.torch.draw import check_range, check_tensor
from eoc.initializers.torch.power import Signal, after, normal
from eoc.initializers.torch.report import Row
from eoc.initializers.torch.roles import Rule, role
from eoc.initializers.torch.scales import Scales, Settings
from eoc.initializers.torch.structure import structure
from eoc.models.steps import Affine, Kind, Reading, Step

__all__ = ["Fill", "Plan"]


@dataclass(frozen=True)
class Fill:
    """One tensor and what it is filled with.

    Attributes
    ----------
    tensor
        The tensor.
    method
        "normal", "orthogonal" or "constant".
    number
        The standard deviation, sigma_w, or the constant.
    groups
        Of a convolution.
    zero_row
        A row that stays zero, the padding of an embedding; None for none.
    """

    tensor: torch.Tensor
    method: str
    number: float
    groups: int = 1
    zero_row: int | None = None


class Plan:
    """Goes through the steps of a model, follows the power, and decides for each parameter.

    Attributes
    ----------
    fills
        What to do, in the order of the steps.
    rows
        What the report says about each parameter that was met, by name.
    points
        The points that layers were drawn at, each once.
    depth
        Layers that points were recommended for; None where all points were given.
    unscaled
        The names of the steps that end residual branches and have no weights to scale.
    """

    def __init__(self, model: Any, reading: Reading, settings: Settings) -> None:
        self.fills: list[Fill] = []
        self.rows: dict[str, list[Row]] = {}
        self._settings = settings
        self._structure = structure(reading.steps)
        self._scales = Scales(self._structure, settings)
        self.unscaled = [reading.steps[branch.output].name for branch in self._structure.branches if branch.end is None]
        self._parameters = dict(model.named_parameters())
        self._names = {id(parameter): name for name, parameter in self._parameters.items()}
        self._squares: dict[tuple[str, int], float] = {}  # mean squares of the entries of what is decided
        self._signals: list[Signal] = []
        for at, step in enumerate(reading.steps):
            self._signals.append(self._step(at, step))
        self.points = tuple(dict.fromkeys(self._scales.points.values()))
        self.depth = self._scales.depth if any(point.recommendation for point in self.points) else None

    @property
    def chooses_weights(self) -> bool:
        """Whether some weights were drawn orthogonal because that is recommended."""
        return self._settings.weights == "recommended" and any(fill.method == "orthogonal" for fill in self.fills)

    def _step(self, at: int, step: Step) -> Signal:
        """Plan the parameters of a step; what it hands on."""
        inputs = [self._signals[earlier] for earlier in step.inputs]
        if step.kind is Kind.EMBEDDING:
            return self._embedding(at, step)
        if not inputs:
            return normal(self._settings.input_variance if step.kind is Kind.INPUT else None, at)
        if step.affine is not None:
            return self._layer(at, step, step.affine, inputs[0].power)
        signal = after(step, at, inputs, self._scales.points.get(at))
        return self._norm(at, step, signal) if step.kind is Kind.NORM else signal

    def _layer(self, at: int, step: Step, affine: Affine, power: float | None) -> Signal:
        found = role(self._structure, at)
        try:
            sigma_w, sigma_b = self._scales.layer(at, found, power, self._signals)
        except EocError as error:
            raise EocError(f"layer {step.name!r}: {error}") from None
        times = len(self._structure.repeats.get(at, ()))
        notes = [found.note, step.note, "input variance unknown" if power is None else ""]
        notes.append(f"used {times} times, one after the other" if times else "")
        if sigma_b > 0.0 and affine.bias is None:
            notes.append(f"has no bias, where sigma_b = {sigma_b:.4g} is meant: its variance is lower, off the point")
        row = Row(
            affine.weight_name,
            Rule.BRANCH if at in self._scales.ends or at in self._scales.named else found.rule,
            fan_in=affine.fan_in,
            power=power,
            activation=found.activation.name if found.activation is not None else "",
        )
        square = self._weight(affine, sigma_w, row, notes)
        shift = 0.0 if affine.bias is None else self._bias(affine, sigma_b, row.rule)
        if power is None:
            return normal(self._scales.settled(found), at)
        # The trunk that a named layer is added to has n times its variance.
        times = self._scales.residuals if at in self._scales.named else 1
        return normal(times * (affine.fan_in * square * power + shift), at)

    def _weight(self, affine: Affine, sigma_w: float, row: Row, notes: list[str]) -> float:
        """Plan a weight; the mean square of its entries."""
        check_tensor(affine.weight, affine.weight_name, dimensions=2)
        key = _key(affine.weight_name, affine.weight)
        if self._is_decided(key, affine.weight, affine.part):
            return self._squares[key]
        method, fan_in = self._method(affine, row.rule), affine.fan_in
        if method == "orthogonal" and affine.transposed:
            method = "normal"
            notes.append("transposed convolutions are drawn normal")
        elif method == "orthogonal":
            fan_in = float(affine.weight.shape[1])  # one tap of a kernel
        std = sigma_w / fan_in**0.5 if fan_in else 0.0
        check_range(std, affine.weight.dtype, affine.weight_name)
        self.fills.append(Fill(affine.weight, method, std if method == "normal" else sigma_w, affine.groups))
        note = "; ".join(filter(None, notes))
        self._add(replace(row, part=affine.part, std=std, method=method, fan_in=fan_in, note=note))
        self._squares[key] = sigma_w**2 / affine.fan_in if affine.fan_in else 0.0
        return self._squares[key]

    def _method(self, affine: Affine, rule: str) -> str:
        """How a weight is drawn; what is recommended was found out with dense layers of plain networks."""
        if self._settings.weights != "recommended":
            return "normal" if self._settings.weights == "gaussian" else "orthogonal"
        plain = not self._scales.residuals and rule in (Rule.HIDDEN, Rule.HEAD) and affine.weight.dim() == 2
        recommended = {point.weights for point in self._scales.points.values()}
        return "orthogonal" if plain and recommended == {"orthogonal"} else "normal"

    def _bias(self, affine: Affine, sigma_b: float, rule: str) -> float:
        """Plan a bias; its mean square."""
        check_tensor(affine.bias, affine.bias_name, dimensions=0)
        key = _key(affine.bias_name, affine.bias)
        if not self._is_decided(key, affine.bias, affine.part):
            self._squares[key] = sigma_b**2
            check_range(sigma_b, affine.bias.dtype, affine.bias_name)
            if sigma_b == 0.0:
                self._constant(affine.bias_name, affine.bias, 0.0, rule, affine.part)
            else:
                self.fills.append(Fill(affine.bias, "normal", sigma_b))
                self._add(Row(affine.bias_name, rule, affine.part, std=sigma_b, method="normal"))
        return self._squares[key]

    def _embedding(self, at: int, step: Step) -> Signal:
        weight: Any = getattr(step.module, "weight", None)
        name = self._names.get(id(weight), "")
        if not name:
            return normal(None, at)
        check_tensor(weight, name, dimensions=2)
        key = _key(name, weight)
        if not self._is_decided(key, weight):
            tied = {term for term in self._structure.summed_with(at) if self._is_tied(term)}
            square = 1.0 / weight.shape[1] if tied else self._settings.input_variance
            check_range(square**0.5, weight.dtype, name)
            zero_row = getattr(step.module, "padding_idx", None)
            self.fills.append(Fill(weight, "normal", square**0.5, zero_row=zero_row))
            why = "also the weight of a layer" if at in tied else "added to one that is" if tied else ""
            note = "; ".join(filter(None, [why, "" if zero_row is None else f"row {zero_row} is 0"]))
            self._add(Row(name, Rule.EMBEDDING, std=square**0.5, method="normal", note=note))
            self._squares[key] = square
        return normal(self._squares[key], at)

    def _is_tied(self, at: int) -> bool:
        """Whether a step is an embedding whose table is the weight of a layer as well."""
        step = self._structure.steps[at]
        table = step.module.weight if step.kind is Kind.EMBEDDING else None
        return table is not None and any(
            other.affine is not None and other.affine.weight is table for other in self._structure.steps
        )

    def _norm(self, at: int, step: Step, signal: Signal) -> Signal:
        """Plan the weights and biases of a normalisation."""
        is_named = at in self._scales.named
        rule, target = Rule.NORMALISATION, 1.0
        if at in self._scales.ends or is_named:
            added = None if is_named else self._scales.added(at, self._signals)
            rule, target = Rule.BRANCH, added or 1.0 / self._scales.residuals
        power = self._scaling(step, "weight", target**0.5, rule, missing=1.0) + self._scaling(step, "bias", 0.0, rule)
        return replace(signal, power=1.0 if is_named else power)

    def _scaling(self, step: Step, label: str, value: float, rule: Rule, missing: float = 0.0) -> float:
        """Plan a weight or bias of a normalisation; its mean square."""
        tensor: Any = getattr(step.module, label, None)
        name = self._names.get(id(tensor), "")
        if not name:
            return missing
        check_tensor(tensor, name, dimensions=0)
        key = _key(name, tensor)
        if not self._is_decided(key, tensor):
            self._squares[key] = value**2
            self._constant(name, tensor, value, rule)
        return self._squares[key]

    def _constant(self, name: str, tensor: torch.Tensor, value: float, rule: str, part: str = "") -> None:
        self.fills.append(Fill(tensor, "constant", value))
        self._add(Row(name, rule, part, value=value, method="constant"))

    def _is_decided(self, key: tuple[str, int], tensor: torch.Tensor, part: str = "") -> bool:
        """Whether a parameter was met before, or is frozen: then it is left, and measured."""
        if key not in self._squares and not self._parameters[key[0]].requires_grad:
            square = float(tensor.detach().double().square().mean())
            if not isfinite(square):
                raise EocError(f"{key[0]} is frozen and not all of its numbers are finite")
            self._squares[key] = square
            self._add(Row(key[0], Rule.LEFT, part, note="frozen: requires_grad is False"))
        return key in self._squares

    def _add(self, row: Row) -> None:
        self.rows.setdefault(row.parameter, []).append(row)


def _key(name: str, tensor: torch.Tensor) -> tuple[str, int]:
    """What tells parts of one parameter apart: where they begin."""
    return name, tensor.storage_offset()
