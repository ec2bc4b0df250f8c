"""Where in a model the theory of deep networks applies: layers of one kind, each with the same activation behind it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from eoc.activations import Activation
from eoc.criticality import EdgeOfChaos, edge_of_chaos
from eoc.diagnose.records import LayerRow, Stretch
from eoc.errors import EocError
from eoc.models.steps import Kind, Step
from eoc.phase import Phase, phase_of

__all__ = ["stretches"]

_DEEP = 3  # layers, a head included; two, as in residual branches, are not deep
_ALIKE = 0.8  # smallest ratio of two sigma_w that count as one: initialisations differ by more, chance by less


def stretches(steps: Sequence[Step], places: Mapping[int, int], rows: Sequence[LayerRow]) -> tuple[Stretch, ...]:
    """The longest stretches of layers of one sigma_w that each follow one other through the same activation.

    Parameters
    ----------
    steps
        What the model does.
    places
        The row of each step that is a measured layer.
    rows
        What was measured.
    """
    uses = Counter(at for step in steps for at in step.inputs)
    chains: list[tuple[list[int], Activation]] = []
    for index in sorted(places):
        found = _layer_before(steps, index, uses, places)
        if found is None:
            continue
        before, phi = places[found[0]], found[1]
        grown = next((chain for chain, own in chains if chain[-1] == before and own.name == phi.name), None)
        if grown is None:
            chains.append(([before, places[index]], phi))
        else:
            grown.append(places[index])
    return tuple(
        _stretch(part, phi, rows) for chain, phi in chains if len(chain) >= _DEEP for part in _parts(chain, phi, rows)
    )


def _parts(chain: list[int], phi: Activation, rows: Sequence[LayerRow]) -> list[list[int]]:
    """A chain without its head, cut before layers whose sigma_w is not that of the layers before them."""
    inner = chain if rows[chain[-1]].activation == phi.name else chain[:-1]
    parts = [[inner[0]]]
    for row in inner[1:]:
        after = [rows[at].sigma_w for at in parts[-1][1:]]
        if not after or _alike(rows[row].sigma_w, float(np.median(after))):
            parts[-1].append(row)
        else:
            parts.append([row])
    return [part for part in parts if len(part) >= min(_DEEP, len(inner))]


def _alike(a: float, b: float) -> bool:
    return min(a, b) >= _ALIKE * max(a, b)


def _layer_before(
    steps: Sequence[Step], index: int, uses: Mapping[int, int], places: Mapping[int, int]
) -> tuple[int, Activation] | None:
    """The measured layer whose output this layer alone takes, through one activation."""
    phi = None
    while len(steps[index].inputs) == 1:
        index = steps[index].inputs[0]
        step = steps[index]
        if uses[index] > 1:
            return None
        if index in places:
            return None if phi is None else (index, phi)
        if step.kind is Kind.ACTIVATION and phi is None:
            phi = step.activation
        elif not _passes(step):
            return None
    return None


def _passes(step: Step) -> bool:
    """Whether a step hands on what it takes, reshaped at most: dropout too, where it is off."""
    if step.kind is Kind.DROPOUT:
        return not getattr(step.module, "training", True) or getattr(step.module, "p", 1.0) == 0.0
    return step.kind in (Kind.SAME, Kind.OUTPUT)


def _stretch(chain: list[int], phi: Activation, rows: Sequence[LayerRow]) -> Stretch:
    after = [rows[at] for at in chain[1:]]
    sigma_w = float(np.median([row.sigma_w for row in after]))
    inside = float(np.median([row.inside for row in after]))
    sigma_b = float(np.median([row.sigma_b**2 for row in after])) ** 0.5
    factor = _mean_factor([(rows[at].measured.gradient, rows[to].measured.gradient) for at, to in pairwise(chain)])
    expected = _mean_factor([(rows[at].expected.gradient, rows[to].measured.gradient) for at, to in pairwise(chain)])
    phase, edge, why = _judged(phi, sigma_w, sigma_b, rows[chain[0]].measured.q)
    return Stretch(tuple(chain), phi, sigma_w, sigma_b, inside, factor, expected, phase, edge, why)


def _mean_factor(gradients: list[tuple[float, float]]) -> float:
    """The geometric mean of the ratios."""
    if not all(math.isfinite(value) and value > 0.0 for pair in gradients for value in pair):
        return float("nan")
    return math.exp(sum(math.log(below) - math.log(above) for below, above in gradients) / len(gradients))


def _judged(phi: Activation, sigma_w: float, sigma_b: float, q: float) -> tuple[Phase | None, EdgeOfChaos | None, str]:
    if not all(map(math.isfinite, (sigma_w, sigma_b, q))):
        return None, None, "weights or signals are not finite"
    try:
        return phase_of(phi, sigma_w, sigma_b, q), edge_of_chaos(phi, sigma_b=sigma_b), ""
    except EocError as error:
        return None, None, str(error)
