"""What to fill with what: the whole initialisation of a model, before any of its numbers is changed."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from math import isfinite, sqrt
from typing import Any

from eoc.errors import EocError
from eoc.initializers.plan.fills import Fill, Method
from eoc.initializers.plan.layer_variances import LayerVariances, power_of
from eoc.initializers.plan.parameters import Parameters
from eoc.initializers.plan.recurrent_layers import RecurrentLayers
from eoc.initializers.plan.report import Row
from eoc.initializers.plan.roles import Role, Rule
from eoc.initializers.plan.settings import Settings
from eoc.initializers.plan.structure import structure
from eoc.initializers.plan.tables import square_of_table
from eoc.layers.affine import Dense, Scale
from eoc.models.padding import inside
from eoc.models.steps import Affine, Kind, Reading, Step
from eoc.predict.forward import Forward
from eoc.predict.state import State, Unknown, begin, through, without_mean

__all__ = ["Aim", "Plan"]


@dataclass(frozen=True)
class Aim:
    """What the weights of a layer, without its biases, are to hand on.

    Attributes
    ----------
    weights
        The mean square.
    is_exact
        Whether theory says that they do, and neglects nothing, so that they may be off by what chance makes of it.
    """

    weights: float
    is_exact: bool


class Plan(RecurrentLayers):
    """Goes through the steps of a model, predicts their signals, and decides for each parameter.

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
    states
        What is predicted behind every step.
    aims
        What each weight that is filled is to hand on, by the id of its tensor.
    gains
        Of each layer: by what its weights multiply mean squares.
    by_weights
        Of each layer: the share of the variance of what it hands on that its weights have, the rest being of biases.
    """

    def __init__(
        self, parameters: Parameters, reading: Reading, settings: Settings, inputs: State | None = None
    ) -> None:
        self.fills: list[Fill] = []
        self.rows: dict[str, list[Row]] = {}
        self.aims: dict[int, Aim] = {}
        self.gains: dict[int, float] = {}
        self.by_weights: dict[int, float] = {}
        self.settings, self.structure = settings, structure(reading.steps)
        self.parameters = parameters
        self._rules = LayerVariances(self.structure, settings)
        self.unscaled = [reading.steps[branch.output].name for branch in self.structure.branches if branch.end is None]
        self._squares: dict[Hashable, float] = {}  # mean squares of the entries of what is decided
        start = begin(settings.input_variance) if inputs is None else inputs
        self._walk = Forward(reading.steps, start, self._layer, self.size)
        self.states = self._walk.run()
        self.points = tuple(dict.fromkeys(self._rules.points.values()))
        self.depth = self._rules.depth if any(point.recommendation for point in self.points) else None

    @property
    def chooses_weights(self) -> bool:
        """Whether some weights were drawn orthogonal because that is recommended."""
        rows = (row for several in self.rows.values() for row in several if row.rule != Rule.RECURRENT)
        return self.settings.weights == "recommended" and any(row.method == "orthogonal" for row in rows)

    # --- layers -------------------------------------------------------------------------------------------------------

    def _layer(self, at: int, x: State | Unknown) -> State | Unknown:
        """Plan the parameters of a layer; what it hands on."""
        step = self.structure.steps[at]
        if step.recurrence is not None:
            return self._recurrent(at, step.recurrence, x, self._walk.states)
        assert step.affine is not None
        share = inside(step, self.structure.steps[step.inputs[0]])  # zeros of the padding add nothing
        affine = replace(step.affine, fan_in=step.affine.fan_in * share)
        x = without_mean(x) if affine.centred and isinstance(x, State) else x
        power, found = self._taken(at, x), self._rules.role(at)
        try:
            sigma_w, sigma_b = self._rules.layer(at, found, power, self._walk.states)
        except EocError as error:
            raise EocError(f"layer {step.name!r}: {error}") from None
        row, notes = self._row(at, found, affine, power), [found.note, step.note]
        notes.append("input variance unknown" if power is None else "")
        times = len(self.structure.repeats.get(at, ()))
        notes.append(f"used {times} times, one after the other" if times else "")
        if sigma_b > 0.0 and affine.bias is None:
            notes.append(f"has no bias, where sigma_b = {sigma_b:.4g} is meant: its variance is lower, off the point")
        asked = self._left_as_asked(row.rule)
        self._aim(at, found, x, power, sigma_w)
        square = self._weight(affine, sigma_w, row, notes, asked)
        shift = 0.0 if affine.bias is None else self._bias(affine, sigma_b, row.rule, asked)
        self.gains[at] = affine.fan_in * square
        whole = self.gains[at] * (power or 1.0) + shift
        self.by_weights[at] = 1.0 - shift / whole if whole > 0.0 else 1.0
        return self._handed_on(at, found, x, sqrt(self.gains[at]), sqrt(shift))

    def _handed_on(self, at: int, found: Role, x: State | Unknown, sigma_w: float, sigma_b: float) -> State | Unknown:
        if not isinstance(x, State):
            settled = self._rules.settled(found)
            return x if settled is None else begin(settled)
        out = through(Dense(sigma_w, sigma_b), x)
        # The trunk that a named layer is added to has n times its variance.
        return through(Scale(sqrt(self._rules.residuals)), out) if at in self._rules.named else out

    def _aim(self, at: int, found: Role, x: State | Unknown, power: float | None, sigma_w: float) -> None:
        """What the weights of a layer are meant to hand on, at their first use."""
        affine = self.structure.steps[at].affine
        assert affine is not None
        wanted = self._wanted(at, found, sigma_w) if power is None else sigma_w**2 * power
        if wanted is not None:
            exact = isinstance(x, State) and not x.neglected and self.structure.taken(at).kind is not Kind.INPUT
            exact = exact and found.rule is not Rule.HEAD  # which no other layer has to go with
            self.aims.setdefault(id(affine.weight), Aim(wanted, exact))

    def _wanted(self, at: int, found: Role, sigma_w: float) -> float | None:
        """The same where nobody knows what the layer takes in."""
        if at in self._rules.ends:
            return self._rules.added(at, self._walk.states)
        if found.rule is Rule.HEAD:
            return self.settings.output_variance
        settled = self._rules.settled(found)
        if settled is not None and found.activation is not None and found.rule is Rule.HIDDEN:
            return settled - self._rules.sigma_b(found) ** 2
        return 1.0 if found.rule in (Rule.NORMALISED, Rule.GATE) else settled

    def _taken(self, at: int, x: State | Unknown) -> float | None:
        """The power that a layer takes in; behind attention that of the values: tokens may be alike or not."""
        earlier = self.structure.steps[at].inputs[0]
        step = self.structure.steps[earlier]
        while step.kind in (Kind.SAME, Kind.DROPOUT) and step.inputs:
            earlier = step.inputs[0]
            step = self.structure.steps[earlier]
        if step.kind is Kind.ATTENTION:
            return power_of(self._walk.states[step.inputs[-1]])
        return power_of(x)

    def _row(self, at: int, found: Role, affine: Affine, power: float | None) -> Row:
        phi, rule = found.activation, found.rule
        if at in self._rules.ends or at in self._rules.named:
            rule = Rule.BRANCH
        name = "" if phi is None else phi.name
        return Row(affine.weight_name, rule, fan_in=affine.fan_in, power=power, activation=name)

    def _left_as_asked(self, rule: str) -> str:
        """Why layers of a rule are left, if that was asked for."""
        if (rule == Rule.BRANCH and self.settings.ends == "keep") or (
            rule == Rule.HEAD and self.settings.heads == "keep"
        ):
            return "kept: as asked"
        return ""

    def _weight(self, affine: Affine, sigma_w: float, row: Row, notes: list[str], asked: str) -> float:
        """Plan a weight; the mean square of its entries."""
        self.parameters.check(affine.weight, affine.weight_name, 2)
        key = self.parameters.key(affine.weight_name, affine.weight)
        if self._is_decided(key, affine.weight_name, affine.weight, affine.part, affine.fixed or asked):
            return self._squares[key]
        method, fan_in = self._method(affine, row.rule), affine.fan_in
        if method == "orthogonal" and affine.transposed and len(affine.weight.shape) > 2:
            method = "normal"
            notes.append("transposed convolutions are drawn normal")
        elif method == "orthogonal":
            fan_in = float(affine.weight.shape[0 if affine.transposed else 1])  # one tap of a kernel
        std = sigma_w / fan_in**0.5 if fan_in else 0.0
        self.parameters.check_range(std, affine.weight, affine.weight_name)
        number = std if method == "normal" else sigma_w
        self.fills.append(Fill(affine.weight_name, affine.weight, method, number, affine))
        note = "; ".join(filter(None, notes))
        self._add(replace(row, part=affine.part, std=std, method=method, fan_in=fan_in, note=note))
        self._squares[key] = sigma_w**2 / affine.fan_in if affine.fan_in else 0.0
        return self._squares[key]

    def _method(self, affine: Affine, rule: str) -> Method:
        """How a weight is drawn; what is recommended was found out with dense layers of plain networks."""
        if rule == Rule.RECURRENT:
            return "normal" if self.settings.weights == "gaussian" else "orthogonal"
        if self.settings.weights != "recommended":
            return "normal" if self.settings.weights == "gaussian" else "orthogonal"
        plain = (
            not self._rules.residuals and rule in (Rule.HIDDEN, Rule.ONCE, Rule.HEAD) and len(affine.weight.shape) == 2
        )
        recommended = {point.weights for point in self._rules.points.values()}
        return "orthogonal" if plain and recommended == {"orthogonal"} else "normal"

    def _bias(self, affine: Affine, sigma_b: float, rule: str, asked: str) -> float:
        """Plan a bias; its mean square."""
        self.parameters.check(affine.bias, affine.bias_name, 0)
        key = self.parameters.key(affine.bias_name, affine.bias)
        if not self._is_decided(key, affine.bias_name, affine.bias, affine.part, asked):
            self._squares[key] = sigma_b**2
            self.parameters.check_range(sigma_b, affine.bias, affine.bias_name)
            if sigma_b == 0.0:
                self._constant(affine.bias_name, affine.bias, 0.0, rule, affine.part)
            else:
                self.fills.append(Fill(affine.bias_name, affine.bias, "normal", sigma_b))
                self._add(Row(affine.bias_name, rule, affine.part, std=sigma_b, method="normal"))
        return self._squares[key]

    # --- other numbers ------------------------------------------------------------------------------------------------

    def size(self, at: int) -> float | None:
        """Plan the numbers of an embedding or a normalisation; their mean square."""
        step = self.structure.steps[at]
        if step.kind is Kind.PARAMETER:
            return None if step.tensor is None else self.parameters.square(step.tensor)
        return self._embedding(at, step) if step.kind is Kind.EMBEDDING else self._norm(at, step)

    def _embedding(self, at: int, step: Step) -> float | None:
        found = self.parameters.of(step, "weight")
        if found is None:
            return None
        name, table = found
        self.parameters.check(table, name, 2)
        key = self.parameters.key(name, table)
        asked = "kept: as asked" if self.settings.embeddings == "keep" else ""
        if not self._is_decided(key, name, table, "", asked):
            square, why = square_of_table(self.structure, self.parameters, self.settings, at, table)
            self.parameters.check_range(square**0.5, table, name)
            zero_row = getattr(step.module, "padding_idx", None)
            self.fills.append(Fill(name, table, "normal", square**0.5, zero_row=zero_row))
            note = "; ".join(filter(None, [why, "" if zero_row is None else f"row {zero_row} is 0"]))
            self._add(Row(name, Rule.EMBEDDING, std=square**0.5, method="normal", note=note))
            self._squares[key] = square
        return self._squares[key]

    def _norm(self, at: int, step: Step) -> float:
        """Plan the weights and biases of a normalisation."""
        is_named = at in self._rules.named
        rule, target = Rule.NORMALISATION, 1.0
        if at in self._rules.ends or is_named:
            added = None if is_named else self._rules.added(at, self._walk.states)
            rule, target = Rule.BRANCH, added or 1.0 / self._rules.residuals
            target = 0.0 if self.settings.ends == "zero" else target
        power = self._scaling(step, "weight", target**0.5, rule, missing=1.0) + self._scaling(step, "bias", 0.0, rule)
        return 1.0 if is_named else power

    def _scaling(self, step: Step, label: str, value: float, rule: Rule, missing: float = 0.0) -> float:
        """Plan a weight or bias of a normalisation; its mean square."""
        found = self.parameters.of(step, label)
        if found is None:
            return missing
        name, tensor = found
        self.parameters.check(tensor, name, 0)
        key = self.parameters.key(name, tensor)
        if not self._is_decided(key, name, tensor, "", self._left_as_asked(rule)):
            self._squares[key] = value**2
            self._constant(name, tensor, value, rule)
        return self._squares[key]

    def _constant(self, name: str, tensor: Any, value: float, rule: str, part: str = "") -> None:
        self.fills.append(Fill(name, tensor, "constant", value))
        self._add(Row(name, rule, part, value=value, method="constant"))

    def _is_decided(self, key: Hashable, name: str, tensor: Any, part: str, asked: str) -> bool:
        """Whether a parameter was met before, is frozen, or is left as asked: then it is measured."""
        if key in self._squares:
            return True
        why = "" if self.parameters.is_free(name) else "frozen: it is not trained"
        why = why or ("left out: as asked" if self.settings.leaves(name) else asked)
        if not why:
            return False
        square = self.parameters.square(tensor)
        if not isfinite(square):
            raise EocError(f"{name} is {why.partition(':')[0]} and not all of its numbers are finite")
        self._squares[key] = square
        self._add(Row(name, Rule.LEFT, part, note=why))
        return True

    def _add(self, row: Row) -> None:
        self.rows.setdefault(row.parameter, []).append(row)
