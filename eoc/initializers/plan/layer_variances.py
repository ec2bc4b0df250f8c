"""The standard deviations of each layer: the rules as numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from math import inf, isclose, prod

import numpy as np

from eoc.activations import Activation
from eoc.errors import EocError
from eoc.initializers.plan.gates import MOST_GATES, bias_share, gates_in_series
from eoc.initializers.plan.mixed import of_channels
from eoc.initializers.plan.roles import Role, Rule, role
from eoc.initializers.plan.settings import Settings
from eoc.initializers.plan.structure import Branch, Structure
from eoc.messages import did_you_mean, quoted
from eoc.models.steps import Kind, Step
from eoc.operating_point import OperatingPoint, operating_point
from eoc.predict.state import State, Unknown, begin
from eoc.predict.steps import after

__all__ = ["LayerVariances", "power_of"]

_COORDINATES = 3.0  # features, at most, of data that are places
_FAST = 5.0
_PHASES = np.array([0.1, 0.35, 0.8, 1.3, 4.0])
_SELF_NORMALISING = {"sigma_w": 1.0, "sigma_b": 0.0, "q": 1.0}  # of SELU: Klambauer et al. (2017)


def power_of(state: State | Unknown) -> float | None:
    """The mean square of what a step hands on; None if unknown, or zero."""
    power = state.power if isinstance(state, State) else 0.0
    return power if 0.0 < power < inf else None


class LayerVariances:
    """Applies the rules to the layers of a model, one after the other.

    Attributes
    ----------
    residuals
        n, the number of residual branches.
    named
        The layers that end residual branches because the user says so.
    ends
        Those that do because their output is added to what came before, with their branches.
    depth
        Layers that points are recommended for.
    points
        Of the activations that follow layers, by step.
    """

    def __init__(self, model: Structure, settings: Settings) -> None:
        self._model, self._settings = model, settings
        self.ends: dict[int, Branch] = {branch.end: branch for branch in model.branches if branch.end is not None}
        self.named = _named(model.steps, settings.residual) - set(self.ends)
        self.residuals = len(model.branches) + len(self.named)
        self.depth = settings.depth or model.depth
        self.points: dict[int, OperatingPoint] = {}
        self._mixed: dict[int, OperatingPoint] = {}  # of activations that differ by channel, by step
        self._gates = gates_in_series(model)
        self._noisy = any(step.kind is Kind.DROPOUT and _is_alpha(step) for step in model.steps)
        _check_points(model.steps, settings.points)

    def role(self, at: int) -> Role:
        """The rule for a layer; where no point was asked for, with those of fast sines and of maps not iterated."""
        found = role(self._model, at)
        phi, settings = found.activation, self._settings
        if found.rule is not Rule.HIDDEN or phi is None or found.next is None:
            return found
        if not settings.is_recommended(phi):
            return found
        alike = phi.is_positively_homogeneous and not self._model.is_normed(at)  # at every variance
        if self._model.is_once(at, found.next) and not alike:
            return replace(found, rule=Rule.ONCE)
        affine = self._model.steps[at].affine
        is_first = self._model.taken(at).kind is Kind.INPUT and affine is not None
        coordinates = is_first and affine is not None and affine.fan_in <= _COORDINATES
        return replace(found, rule=Rule.FIRST) if is_first and (coordinates or _is_fast_sine(phi)) else found

    def layer(
        self, at: int, found: Role, power: float | None, states: Sequence[State | Unknown]
    ) -> tuple[float, float]:
        """(sigma_w, sigma_b) of a layer.

        Parameters
        ----------
        at, found
            The layer and its rule.
        power
            The mean square of what it takes in; None if unknown.
        states
            What all steps before it hand on.
        """
        sigma_w, sigma_b = self._alone(at, found, power)
        if at in self.ends:
            return self._ending(at, found, power, (sigma_w, sigma_b), states)
        gain = self.residuals if at in self.named else 1.0
        if found.rule in (Rule.HIDDEN, Rule.ONCE, Rule.NORMALISED, Rule.HEAD):
            gain *= self._model.gain(at) or 1.0  # times a parameter that is 0 at first
        return sigma_w / gain**0.5, sigma_b / gain**0.5

    def added(self, at: int, states: Sequence[State | Unknown]) -> float | None:
        """The power with which the end of a branch adds 1/n of the power of its trunk; None if that is unknown.

        No more than the power of the trunk: where the model scales its branches down, they are left small. Gates that
        are computed later are taken to keep the power.
        """
        branch = self.ends[at]
        power = self._trunk(branch.trunk, states)
        gates = prod(power_of(states[step]) or 1.0 for step in branch.factors if step < len(states))
        return None if power is None else power / max(1.0, self.residuals * branch.gain * gates)

    def sigma_b(self, found: Role) -> float:
        """Of the point of the activation that follows."""
        place = self._place(found)
        return 0.0 if place is None else place.sigma_b

    def settled(self, found: Role) -> float | None:
        """The variance of a layer before an activation if all is as it should be; None for others."""
        if found.rule is Rule.ONCE and found.activation is not None:
            return _easy(found.activation)
        place = self._place(found) if found.rule is Rule.HIDDEN else None
        return place.q if place is not None and 0.0 < place.q < inf else None

    def _trunk(self, trunk: int, states: Sequence[State | Unknown]) -> float | None:
        """The power of a trunk, also where a projection of it is computed after the branch."""
        while trunk >= len(states):
            step = self._model.steps[trunk]
            settled = self.settled(self.role(trunk)) if step.kind is Kind.LAYER else None
            if settled is not None or step.kind is Kind.NORM:
                return settled or 1.0
            trunk = step.inputs[0]
        return power_of(states[trunk])

    def _alone(self, at: int, found: Role, power: float | None) -> tuple[float, float]:
        """As if the layer ended no residual branch."""
        place = self._place(found) if found.rule is Rule.HIDDEN else None
        if place is not None and found.next is not None:
            self.points[found.next] = place
            last = self._model.repeats.get(at, (at,))[-1]
            again = last != at and self._model.taken(last).activation is found.activation
            return (place.sigma_w, place.sigma_b) if again else _keeping(place, power)
        if found.rule is Rule.GATE and self._gates > MOST_GATES and found.next is not None:
            share = bias_share(self._model, found.next, self._gates) if self._has_biases(at) else 0.0
            return ((1.0 - share) / (power or 1.0)) ** 0.5, share**0.5
        if found.rule in (Rule.ONCE, Rule.NORMALISED, Rule.GATE):
            return ((self.settled(found) or 1.0) / (power or 1.0)) ** 0.5, 0.0
        if found.rule is Rule.FIRST and found.activation is not None:
            return self._first(at, found.activation, power)
        return self._head(at, power) if found.rule is Rule.HEAD else (1.0, 0.0)

    def _has_biases(self, at: int) -> bool:
        affine = self._model.steps[at].affine
        return affine is not None and affine.bias is not None

    def _first(self, at: int, phi: Activation, power: float | None) -> tuple[float, float]:
        """Of a layer that takes in coordinates: the constant counts as one more, so that functions are not all odd."""
        affine = self._model.steps[at].affine
        features = 1.0 if affine is None else affine.fan_in
        if _is_fast_sine(phi):
            return (3.0 * features) ** -0.5, 0.0
        q = max(1.0, self._point(phi).q)
        share = 1.0 / (features + 1.0)
        return (q * (1.0 - share) / (power or 1.0)) ** 0.5, (q * share) ** 0.5

    def _head(self, at: int, power: float | None) -> tuple[float, float]:
        """Before the output."""
        if self._settings.heads == "zero":
            return 0.0, 0.0
        affine, before = self._model.steps[at].affine, self._preceding(at)
        if self._settings.output_variance is not None:
            sigma_w = (self._settings.output_variance / (power or 1.0)) ** 0.5
        else:
            sigma_w = 1.0 if before is None else self._point(before).sigma_w
        fan_in = affine.fan_in if affine is not None and self._settings.heads == "mup" else 1.0
        if self._settings.output_variance is None and before is not None:
            return sigma_w / fan_in**0.5, self._point(before).sigma_b
        return sigma_w / fan_in**0.5, 0.0

    def _ending(
        self,
        at: int,
        found: Role,
        power: float | None,
        alone: tuple[float, float],
        states: Sequence[State | Unknown],
    ) -> tuple[float, float]:
        """Of a layer that ends a residual branch, perhaps with an activation after it."""
        if self._settings.ends == "zero":
            return 0.0, 0.0
        added, (sigma_w, sigma_b) = self.added(at, states), alone
        if found.next is None or found.next > self.ends[at].output:
            return ((added / power) ** 0.5 if added and power else self.residuals**-0.5), 0.0
        activated = None
        if power is not None:
            activated = power_of(self._activated(found.next, sigma_w**2 * power + sigma_b**2))
        scale = (added / activated if added and activated else 1.0 / self.residuals) ** 0.5
        return sigma_w * scale, sigma_b * scale

    def _activated(self, at: int, q: float) -> State | Unknown:
        """Behind the activation of a step, of a Gaussian signal."""
        return after(self._model.steps[at], [begin(q)], self._model.steps) or Unknown("")

    def _place(self, found: Role) -> OperatingPoint | None:
        """The point of what follows a layer; None where no activation does."""
        if found.activation is None or found.next is None:
            return None
        kinds = self._model.steps[found.next].mixture
        if not kinds:
            return self._point(found.activation)
        if found.next not in self._mixed:
            place, asked = self._point(found.activation), self._asked(found.activation)
            self._mixed[found.next] = of_channels(place, kinds, holds=asked)
        return self._mixed[found.next]

    def _asked(self, phi: Activation) -> str:
        """Which of the sigmas of an activation was asked for."""
        settings = self._settings
        own = settings.points.get(phi.name, {name: getattr(settings, name) for name in ("sigma_w", "sigma_b")})
        given = [name for name in ("sigma_w", "sigma_b") if own.get(name) is not None]
        return "both" if len(given) == 2 else "".join(given)

    def _point(self, phi: Activation) -> OperatingPoint:
        own, settings = self._settings.points.get(phi.name), self._settings
        if phi in settings.places:
            return settings.places[phi]
        if self._noisy and settings.is_recommended(phi) and phi.name == "selu":
            own = _SELF_NORMALISING  # what alpha dropout adds is made for it, and would drown a small q
        if own is not None:
            return self._at(phi, own.get("sigma_w"), own.get("sigma_b"), own.get("q"))
        try:
            return self._at(phi, settings.sigma_w, settings.sigma_b, settings.q)
        except EocError as error:
            one = f"points={{{phi.name!r}: {{'sigma_w': ..., 'sigma_b': ...}}}}"
            raise EocError(f"{error}. For this activation alone: {one}") from None

    def _at(self, phi: Activation, sigma_w: float | None, sigma_b: float | None, q: float | None) -> OperatingPoint:
        return operating_point(phi, sigma_w=sigma_w, sigma_b=sigma_b, q=q, depth=self.depth)

    def _preceding(self, at: int) -> Activation | None:
        """The activation before a layer."""
        step = self._model.steps[at]
        while step.inputs:
            step = self._model.steps[step.inputs[0]]
            if step.kind is Kind.ACTIVATION:
                return step.activation
        return None


def _keeping(place: OperatingPoint, power: float | None) -> tuple[float, float]:
    """(sigma_w, sigma_b) that make q of this power.

    Those of the point itself where its own activation came before, where the power is unknown, and where variances
    settle at no q > 0.
    """
    if not power or not 0.0 < place.q < inf or isclose(power, place.power, rel_tol=1e-9):
        return place.sigma_w, place.sigma_b
    return ((place.q - place.sigma_b**2) / power) ** 0.5, place.sigma_b


def _easy(phi: Activation) -> float:
    """The variance at which an activation bends: 1, or less of a steeper one, such as tanh(7x) and sin(30x)."""
    slope = abs(float(phi.dphi(0.0)))
    return min(1.0, slope**-2) if 0.0 < slope < inf else 1.0


def _is_fast_sine(phi: Activation) -> bool:
    """Whether a function is sin(w x) with w >= 5, as in networks that represent pictures (Sitzmann et al. 2020)."""
    w = float(phi.dphi(0.0))
    return abs(w) >= _FAST and bool(np.allclose(phi(_PHASES / w), np.sin(_PHASES), rtol=0.0, atol=1e-9))


def _is_alpha(step: Step) -> bool:
    """Whether dropout adds noise of a size of its own."""
    return "alpha" in f"{type(step.module).__name__} {step.name}".lower()


def _check_points(steps: Sequence[Step], points: Mapping[str, Mapping[str, float]]) -> None:
    """Refuse points of activations that the model does not have."""
    known = sorted({step.activation.name for step in steps if step.activation and step.kind is Kind.ACTIVATION})
    for name in points:
        if name not in known:
            raise EocError(f"points: the model has no activation {quoted(name)}; {did_you_mean(str(name), known)}")


def _named(steps: Sequence[Step], patterns: Sequence[str]) -> set[int]:
    """The layers and normalisations whose names match, each pattern at least once."""
    candidates = [(at, step.name) for at, step in enumerate(steps) if step.kind in (Kind.LAYER, Kind.NORM)]
    found: set[int] = set()
    for pattern in patterns:
        matched = {at for at, name in candidates if fnmatchcase(name, pattern)}
        if not matched:
            names = ", ".join(name for _, name in candidates[:12])
            raise EocError(f"residual: no layer or normalisation has a name like {pattern!r}; there are {names}")
        found |= matched
    return found
