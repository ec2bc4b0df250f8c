"""A diagnosis in plain sentences."""

from __future__ import annotations

import math
from collections.abc import Sequence

from eoc.criticality import NoPoint, edge_of_chaos
from eoc.diagnose.compared import NO_GRADIENT
from eoc.diagnose.health import DEAD, broken, change, factor, layers_named, named
from eoc.diagnose.output_moments import NO_SIGNAL
from eoc.diagnose.records import LayerRow, Stretch

__all__ = ["is_critical", "sentences"]

_SPREADS = 5.0  # beyond which a deviation is not chance
_FLOOR = 0.02  # relative deviations that are never named: the maps neglect terms of order 1 / width
_CRITICAL = 0.05  # how far chi_1 may be from 1 in a layer, and
_CHANGE = math.log(2.0)  # how far log chi_1 over all layers from 0, on the edge of chaos
_APART = 0.1  # how far the log of what a layer does to gradients may be from that at depth, unless it is said
_EXPECTED = ("", NO_GRADIENT)  # reasons that need no words, or have them
_WHOLE = 0.99  # share of the terms that are not padding, below which it is said
_PLACES = "; so do inputs whose variance changes from place to place"
_MOST = 5  # reasons that are listed
_SMALL = 0.01  # of 1 - c at the first layer, below which inputs are alike
_ROUGH = 0.5  # relative deviations that are named where something was neglected
_MOST_STRETCHES = 2  # that get sentences of their own


def sentences(rows: Sequence[LayerRow], stretches: Sequence[Stretch]) -> tuple[str, ...]:
    """What is to be seen in a diagnosis, the most important first."""
    return (
        *broken(rows),
        *_stretches(stretches, rows),
        *_altogether(rows, stretches),
        *_alike(rows),
        *_dead(rows),
        *_deviations(rows),
        *_reasons(rows),
    )


def _stretches(found: Sequence[Stretch], rows: Sequence[LayerRow]) -> list[str]:
    """The longest ones, in the order of the model."""
    longest = sorted(found, key=lambda one: -one.steps)[:_MOST_STRETCHES]
    shown = [one for one in found if one in longest]
    return [sentence for one in shown for sentence in _stretch(one, rows)]


def _stretch(one: Stretch, rows: Sequence[LayerRow]) -> list[str]:
    where = f"{layers_named(one.rows, rows)} with {one.activation.name}"
    if one.phase is None:
        why = f"; their phase cannot be told: {one.why}"
        return [] if math.isnan(one.factor) else [f"{where}: {_gradients(one)}{why}."]
    return [f"{where}: {_gradients(one)}; {_state(one)}.", *_apart(one, rows), *_depth(one)]


def _state(one: Stretch) -> str:
    """The phase, and what would be critical."""
    chi_1 = one.phase.chi_1 if one.phase is not None else math.nan
    at = f"sigma_w = {one.sigma_w:.4g}, sigma_b = {one.sigma_b:.4g}"
    depth = f"chi_1 = {chi_1:.4g} at depth"
    if is_critical(one):
        return f"as far as {len(one.rows)} layers can tell {at} is critical ({depth})"
    return f"{at} is in the {'ordered' if chi_1 < 1.0 else 'chaotic'} phase ({depth}); {_critical(one)}"


def is_critical(one: Stretch) -> bool:
    """As far as so many layers can tell."""
    log_chi = math.log(one.phase.chi_1) if one.phase is not None and one.phase.chi_1 > 0.0 else -math.inf
    return abs(log_chi) <= min(_CRITICAL, _CHANGE / one.steps)


def _gradients(one: Stretch) -> str:
    if math.isnan(one.factor):
        return "gradients cannot be compared from layer to layer"
    theory = "" if math.isnan(one.expected_factor) else f" (by the maps {factor(one.expected_factor)})"
    padding = f"; of what a unit sums {1.0 - one.inside:.0%} is padding" if one.inside < _WHOLE else ""
    return f"on the way back gradients {change(one.factor)} a layer{theory}{padding}"


def _critical(one: Stretch) -> str:
    if one.edge is None:
        return "what would be critical cannot be told"
    if one.edge.reason is None:
        return f"sigma_w = {one.edge.best.sigma_w:.5g} would be critical"
    if one.edge.reason is NoPoint.HOMOGENEOUS:
        alone = edge_of_chaos(one.activation).best.sigma_w
        return f"sigma_w = {alone:.5g} with sigma_b = 0 alone is critical for {one.activation.name}"
    return f"no sigma_w is critical at this sigma_b: {one.edge.message}"


def _apart(one: Stretch, rows: Sequence[LayerRow]) -> list[str]:
    """That gradients do something else than at depth, and why."""
    phase, last = one.phase, one.rows[-1]
    if phase is None or not 0.0 < phase.chi_1 < math.inf or math.isnan(one.factor * one.expected_factor):
        return []
    depth = math.sqrt(phase.chi_1)
    shared = len({rows[at].name for at in one.rows}) < len(one.rows)
    factors = (one.expected_factor, one.factor) if shared else (one.expected_factor,)
    if max(abs(math.log(factor / depth)) for factor in factors) <= min(_APART, _CHANGE / one.steps):
        return []
    if shared:
        return [
            "  These layers share weights, which the maps take to be independent: the phase, where gradients "
            f"{change(depth)} a layer, is that of layers with weights of their own."
        ]
    return [
        f"  These layers do not do what deeper ones would: q = {rows[last].measured.q:.3g} in layer {last + 1}, but "
        f"{phase.q:.3g} at depth, where gradients {change(depth)} a layer."
    ]


def _depth(one: Stretch) -> list[str]:
    """How deep signals go, where that is not deep enough."""
    phase = one.phase
    if phase is None or is_critical(one):
        return []
    if phase.phase == "divergent":
        return ["  Variances grow without bound with depth."]
    if not phase.trainable_depth < one.steps:
        return []
    return [
        f"  Correlations of all inputs come to one value, by e in xi_c = {phase.xi_c:.3g} layers; networks train up to "
        f"about 6 xi_c = {phase.trainable_depth:.3g} of them, these are {len(one.rows)}."
    ]


def _altogether(rows: Sequence[LayerRow], stretches: Sequence[Stretch]) -> list[str]:
    """How gradients change, where no stretch says it."""
    if len(rows) == 1:
        return ["One layer was measured: there is no depth for the theory to speak of."]
    last, first = rows[-1].measured.gradient, rows[0].measured.gradient
    if stretches or not (0.0 < first < math.inf and 0.0 < last < math.inf):
        return []
    return [
        f"From the last layer back to the first, gradients {change(first / last)}. Nowhere do three layers of one "
        "sigma_w follow each other through one activation alone, so that the model as a whole is in no phase."
    ]


def _alike(rows: Sequence[LayerRow]) -> list[str]:
    """Where inputs become alike."""
    distances = [row.measured.one_minus_c for row in rows]
    where = [at for at, one in enumerate(distances) if one < _SMALL * distances[0]]
    if not where:
        return []
    return [
        f"From layer {named(where[0], rows)} on different inputs are alike: 1 - c is {distances[where[0]]:.2g} there, "
        f"and {distances[0]:.2g} at the first layer."
    ]


def _dead(rows: Sequence[LayerRow]) -> list[str]:
    where = [index for index, row in enumerate(rows) if row.dead >= DEAD]
    if where:
        share = min(rows[index].dead for index in where)
        name = rows[where[0]].activation
        return [f"{layers_named(where, rows)}: {name} is flat at {share:.0%} of the units or more for the whole batch."]
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
            f"{layers_named(off, rows)}: {'gradients differ' if square == 2 else 'q differs'} from the theory for "
            "independent random weights by more than chance, most in "
            f"{named(worst, rows)}: {getattr(row.measured, quantity):.3g}, not {getattr(row.expected, quantity):.3g}. "
            f"{_neglected(row, quantity)}Weights that depend on each other do that, as trained ones{places}."
        )
    return out


def _ratio(row: LayerRow, quantity: str) -> float:
    measured, expected = getattr(row.measured, quantity), getattr(row.expected, quantity)
    return measured / expected if measured > 0.0 and expected > 0.0 and math.isfinite(measured) else float("nan")


def _is_off(row: LayerRow, quantity: str, power: int, spread: float) -> bool:
    """By more than chance, and by more than is neglected."""
    ratio = _ratio(row, quantity)
    allowed = _SPREADS * spread + (_ROUGH if _neglected(row, quantity) else _FLOOR)
    return not math.isnan(ratio) and not 1.0 / (1.0 + allowed) < ratio**power < 1.0 + allowed


def _neglected(row: LayerRow, quantity: str) -> str:
    what = row.neglected if quantity == "q" else row.gradient_neglected
    return f"The theory is approximate there: {'; '.join(what)}. " if what else ""


def _reasons(rows: Sequence[LayerRow]) -> list[str]:
    """Why there is no theory: a sentence for signals and one for gradients."""
    known = _EXPECTED if all(0.0 < row.measured.q < math.inf for row in rows) else (*_EXPECTED, NO_SIGNAL)
    out = []
    for what, why in (("", "why"), (" of gradients", "gradient_why")):
        by_reason: dict[str, list[int]] = {}
        for index, row in enumerate(rows):
            if getattr(row, why) not in known:
                by_reason.setdefault(getattr(row, why).partition(" (")[0], []).append(index)
        parts = [f"{layers_named(where, rows)}, because {_reason(where, rows, why)}" for where in by_reason.values()]
        if parts:
            rest = len(parts) - _MOST
            out.append(
                f"No theory{what}: {'; '.join(parts[:_MOST])}{f'; and {rest} more reasons' if rest > 0 else ''}."
            )
    return out


def _reason(where: Sequence[int], rows: Sequence[LayerRow], why: str) -> str:
    """One reason, with what it says in brackets as an example if that differs from layer to layer."""
    own = list(dict.fromkeys(getattr(rows[index], why) for index in where))
    return own[0] if len(own) == 1 else own[0].replace(" (", " (for example ", 1)
