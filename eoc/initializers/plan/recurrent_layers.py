"""The part of a plan that decides for the parameters of recurrent layers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from eoc.floats import FloatArray
from eoc.initializers.plan.fills import Fill
from eoc.initializers.plan.layer_variances import power_of
from eoc.initializers.plan.parameters import Parameters
from eoc.initializers.plan.recurrent import Drawn, drawn, time_scales
from eoc.initializers.plan.report import Row
from eoc.initializers.plan.roles import Rule
from eoc.initializers.plan.structure import Structure
from eoc.models.steps import Affine, Recurrence
from eoc.predict.recurrent import of_gates, recurred
from eoc.predict.state import State, Unknown

__all__ = ["RecurrentLayers"]


class RecurrentLayers(ABC):
    """What a plan needs to know, and what it does for a recurrent layer."""

    fills: list[Fill]
    structure: Structure
    parameters: Parameters
    _squares: dict[Hashable, float]

    @abstractmethod
    def _weight(self, affine: Affine, sigma_w: float, row: Row, notes: list[str], asked: str) -> float:
        """Plan a weight; the mean square of its entries."""

    @abstractmethod
    def _constant(self, name: str, tensor: Any, value: float, rule: str, part: str = "") -> None:
        """Plan numbers that are all alike."""

    @abstractmethod
    def _is_decided(self, key: Hashable, name: str, tensor: Any, part: str, asked: str) -> bool:
        """Whether a parameter was met before, is frozen, or is left as asked."""

    @abstractmethod
    def _add(self, row: Row) -> None:
        """Note what is done with a parameter."""

    def _recurrent(
        self, at: int, own: Recurrence, x: State | Unknown, states: Sequence[State | Unknown]
    ) -> State | Unknown:
        """Plan the gates of a recurrent layer, and what it hands on with them."""
        power, rules = power_of(x), drawn(own)
        shifts: dict[int, FloatArray] = {}  # biases, by the id of their tensor
        for gate in (gate for way in own.directions for gate in way):
            rule = rules[gate.name]
            seen = (rule.inputs / (power or 1.0)) ** 0.5
            for affine, kind, sigma in (
                (gate.inputs, Rule.INPUTS, seen),
                (gate.recurrent, Rule.RECURRENT, rule.recurrent),
            ):
                row = Row(affine.weight_name, kind, fan_in=affine.fan_in, power=power if kind is Rule.INPUTS else None)
                self._weight(affine, sigma, row, [] if power else ["input variance unknown"], "")
                if affine.bias is not None:
                    first = kind is Rule.INPUTS
                    shifts[id(affine.bias)] = self._shift(affine, rule if first else Drawn(0.0, 0.0))
        for affine in own.projections:
            self._weight(affine, 1.0, Row(affine.weight_name, Rule.RECURRENT, fan_in=affine.fan_in), [], "")

        def variance(affine: Affine) -> float:
            return affine.fan_in * self._squares[self.parameters.key(affine.weight_name, affine.weight)]

        def biases(affine: Affine) -> FloatArray:
            return shifts.get(id(affine.bias), np.zeros(1))

        return recurred(self.structure.steps, at, x, states, *of_gates(own, variance, biases))

    def _shift(self, affine: Affine, rule: Drawn) -> FloatArray:
        """Plan the biases of a gate; their values, or where they are left, numbers as large."""
        name, tensor = affine.bias_name, affine.bias
        self.parameters.check(tensor, name, 0)
        key, units = self.parameters.key(name, tensor), int(tensor.shape[0])
        values = time_scales(rule.scales, units) if rule.scales else np.full(1, rule.bias)
        if self._is_decided(key, name, tensor, affine.part, ""):
            same = self._squares[key] == float(np.mean(values**2))  # planned at its first use
            return values if same else np.full(1, self._squares[key] ** 0.5)
        self._squares[key] = float(np.mean(values**2))
        if rule.scales:
            self.fills.append(Fill(name, tensor, "scales", rule.scales))
            self._add(Row(name, Rule.RECURRENT, affine.part, value=rule.scales, method="scales"))
        else:
            self._constant(name, tensor, rule.bias, Rule.RECURRENT, affine.part)
        return values
