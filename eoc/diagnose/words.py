"""A diagnosis in plain sentences."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from eoc.diagnose.diagnosis import LayerRow, Stretch
from eoc.diagnose.walks import FIRST, LAST

if TYPE_CHECKING:
    from eoc.diagnose.diagnosis import Diagnosis

__all__ = ["words"]

_SPREADS = 5.0  # beyond which a deviation is not chance
_FLOOR = 0.02  # relative deviations that are never named: the maps neglect terms of order 1 / width
_CRITICAL = 0.05  # how far chi_1 may be from 1 in a layer, and
_CHANGE = math.log(2.0)  # how far log chi_1 over all layers from 0, on the edge of chaos
_DEAD = 0.9
_EXPECTED = ("", FIRST, LAST)  # reasons that need no words
_WHOLE = 0.99  # share of the terms that are not padding, below which it is said
_PLACES = "; so do inputs whose variance changes from place to place"
_MOST = 5  # stretches that get a sentence of their own


def words(found: Diagnosis) -> tuple[str, ...]:
    """What is to be seen in a diagnosis, the most important first."""
    rows = found.rows
    out = [
        *_broken(rows),
        *(sentence for one in _longest(found.stretches) for sentence in _stretch(one, rows)),
        *_altogether(found),
        *_dead(rows),
        *_deviations(rows),
        *_reasons(rows),
        *found.notes,
    ]
    if found.samples == 1:
        out.append("Correlations need a batch of at least two samples: they were not measured.")
    return tuple(out)


def _longest(found: Sequence[Stretch]) -> list[Stretch]:
    """Those at least half as long as the longest, in the order of the model."""
    longest = max((one.steps for one in found), default=0)
    return [one for one in found if 2 * one.steps >= longest][:_MOST]


def _stretch(one: Stretch, rows: Sequence[LayerRow]) -> list[str]:
    where = f"{_layers(one.rows, rows)} with {one.activation.name}"
    if one.phase is None:
        return [f"{where}: {_gradients(one)}. {one.why[:1].upper()}{one.why[1:]}."]
    phase, steps = one.phase, one.steps
    log_chi = math.log(phase.chi_1) if phase.chi_1 > 0.0 else -math.inf
    at = f"(sigma_w = {one.sigma_w:.4g}, sigma_b = {one.sigma_b:.4g}, chi_1 = {phase.chi_1:.4g})"
    if abs(log_chi) <= min(_CRITICAL, _CHANGE / steps):
        return [f"{where}: {_gradients(one)}; as far as {steps + 1} layers can tell the network is critical {at}."]
    state = f"the network is in the {_phase(phase.chi_1)} phase {at}"
    return [f"{where}: {_gradients(one)}; {state}; {_critical(one)}.", *_depth(one)]


def _phase(chi_1: float) -> str:
    return "ordered" if chi_1 < 1.0 else "chaotic"


def _gradients(one: Stretch) -> str:
    if math.isnan(one.factor):
        return "gradients cannot be compared from layer to layer"
    verb = "shrink" if one.factor < 1.0 else "grow"
    theory = "" if math.isnan(one.expected_factor) else f" (theory: sqrt(chi_1) = {one.expected_factor:.3g})"
    padding = f"; of what a unit sums {1.0 - one.inside:.0%} is padding" if one.inside < _WHOLE else ""
    return f"on the way back gradients {verb} by {one.factor:.3g} a layer{theory}{padding}"


def _critical(one: Stretch) -> str:
    if one.edge is None or one.edge.reason is not None:
        return f"no sigma_w is critical at this sigma_b: {one.edge.message if one.edge else one.why}"
    return f"sigma_w = {one.edge.best.sigma_w:.5g} would be critical"


def _depth(one: Stretch) -> list[str]:
    """How deep signals go, where that is not deep enough."""
    phase = one.phase
    if phase is None:
        return []
    if phase.phase == "divergent":
        return ["  Variances grow without bound with depth."]
    if not phase.trainable_depth < one.steps:
        return []
    return [
        f"  Correlations of all inputs come to one value, by e in xi_c = {phase.xi_c:.3g} layers; networks train up to "
        f"about 6 xi_c = {phase.trainable_depth:.3g} of them, these are {one.steps + 1}."
    ]


def _altogether(found: Diagnosis) -> list[str]:
    """How gradients change, where no stretch says it."""
    last, first = found.rows[-1].measured.gradient, found.rows[0].measured.gradient
    if found.stretches or len(found.rows) == 1 or not (0.0 < first < math.inf and 0.0 < last < math.inf):
        return []
    verb = "shrink" if first < last else "grow"
    return [
        f"From the last layer back to the first, gradients {verb} by {first / last:.3g}. "
        "No three layers follow each other through activations alone, so that the model as a whole is in no phase."
    ]


def _broken(rows: Sequence[LayerRow]) -> list[str]:
    """Zeros and overflows."""
    tests: list[tuple[str, Callable[[LayerRow], bool]]] = [
        ("pre-activations are not finite", lambda row: not math.isfinite(row.measured.q)),
        ("pre-activations are all zero", lambda row: row.measured.q == 0.0),
        ("no gradient arrives", lambda row: math.isnan(row.measured.gradient)),
        ("gradients overflow", lambda row: math.isinf(row.measured.gradient)),
        ("gradients are exactly zero", lambda row: row.measured.gradient == 0.0),
    ]
    out = []
    for what, test in tests:
        where = [index for index, row in enumerate(rows) if test(row)]
        if where:
            out.append(f"{_layers(where, rows)}: {what}.")
    return out


def _dead(rows: Sequence[LayerRow]) -> list[str]:
    where = [index for index, row in enumerate(rows) if row.dead >= _DEAD]
    if where:
        share = min(rows[index].dead for index in where)
        name = rows[where[0]].activation
        return [f"{_layers(where, rows)}: {name} is flat at {share:.0%} of the units or more for the whole batch."]
    return []


def _deviations(rows: Sequence[LayerRow]) -> list[str]:
    """Where the model does something else than the maps, by more than chance."""
    out = []
    for quantity, square, spread in (("q", 1, "spread"), ("gradient", 2, "gradient_spread")):
        off = [index for index, row in enumerate(rows) if _is_off(row, quantity, square, getattr(row, spread))]
        if not off:
            continue
        worst = max(off, key=lambda index: abs(math.log(_ratio(rows[index], quantity))))
        row = rows[worst]
        places = _PLACES if row.layer.startswith("Conv") else ""
        out.append(
            f"{_layers(off, rows)}: {'gradients differ' if square == 2 else 'q differs'} from the theory for "
            "independent random weights by more than chance, most in "
            f"{_named(worst, rows)}: {getattr(row.measured, quantity):.3g}, not {getattr(row.expected, quantity):.3g}. "
            f"Weights that depend on each other do that, as trained ones{places}."
        )
    return out


def _ratio(row: LayerRow, quantity: str) -> float:
    measured, expected = getattr(row.measured, quantity), getattr(row.expected, quantity)
    return measured / expected if measured > 0.0 and expected > 0.0 and math.isfinite(measured) else float("nan")


def _is_off(row: LayerRow, quantity: str, power: int, spread: float) -> bool:
    ratio = _ratio(row, quantity)
    return not math.isnan(ratio) and abs(ratio**power - 1.0) > _SPREADS * spread + _FLOOR


def _reasons(rows: Sequence[LayerRow]) -> list[str]:
    """Why there is no theory."""
    out = []
    for what, why in (("", "why"), (" of gradients", "gradient_why")):
        for reason in dict.fromkeys(getattr(row, why) for row in rows):
            where = [index for index, row in enumerate(rows) if getattr(row, why) == reason]
            if reason not in _EXPECTED:
                out.append(f"{_layers(where, rows)}: no theory{what}, because {reason}.")
    return out


def _layers(where: Sequence[int], rows: Sequence[LayerRow]) -> str:
    """For example "layer 3 (fc2)", "layers 1 to 30 (fc0 to fc29)" or "layers 2, 5 and 7"."""
    if len(where) == 1:
        return f"layer {_named(where[0], rows)}"
    if where[-1] - where[0] == len(where) - 1:
        return f"layers {where[0] + 1} to {where[-1] + 1} ({rows[where[0]].name} to {rows[where[-1]].name})"
    few = [str(index + 1) for index in where[:_MOST]]
    rest = len(where) - len(few)
    return f"layers {', '.join(few[:-1])} and {few[-1]}" if not rest else f"layers {', '.join(few)} and {rest} more"


def _named(index: int, rows: Sequence[LayerRow]) -> str:
    return f"{index + 1} ({rows[index].name})" if rows[index].name else str(index + 1)
