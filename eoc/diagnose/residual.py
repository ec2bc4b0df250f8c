"""Sums in a model whose parts do not count: branches that a trunk drowns, or that drown it, and positions unseen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from eoc.models.steps import Kind, Step
from eoc.predict.state import State, Unknown

__all__ = ["Drowned", "drowned"]

_SMALL = 0.01  # of the power of the other part
_ALL = 0.05  # of that of the trunk, of all its branches together: then they are not small because they are many


@dataclass(frozen=True)
class Drowned:
    """A sum of which one part is too small to be seen.

    Attributes
    ----------
    name
        Of the sum.
    what
        "branch", "trunk" or "parameter": which part is small.
    part
        The name of the step that is small.
    ratio
        Its power over that of the other part.
    """

    name: str
    what: str
    part: str
    ratio: float

    def to_dict(self) -> dict[str, object]:
        """By name."""
        return {"name": self.name, "what": self.what, "part": self.part, "ratio": self.ratio}


def drowned(steps: Sequence[Step], states: Sequence[State | Unknown]) -> tuple[Drowned, ...]:
    """The sums of a model of which one part is below one percent of the other.

    Parameters
    ----------
    steps, states
        Of the model, with what is behind each.
    """
    sums = [_parts(at, steps, states) for at, step in enumerate(steps) if step.kind is Kind.ADD]
    known = [one for one in sums if one is not None]
    branches = [one for one in known if one[1] == "branch"]
    together = sum(power / trunk if trunk > 0.0 else 0.0 for _, _, _, power, trunk in branches)
    out = []
    for at, what, part, power, other in known:
        if what == "branch" and other < _SMALL * power:
            trunk = next(earlier for earlier in steps[at].inputs if earlier != part)
            out.append(Drowned(steps[at].name, "trunk", steps[trunk].name, other / power))
        elif power < _SMALL * other and (what == "parameter" or together < _ALL):
            out.append(Drowned(steps[at].name, what, steps[part].name, power / other))
    return tuple(out)


_Part = tuple[int, str, int, float, float]


def _parts(at: int, steps: Sequence[Step], states: Sequence[State | Unknown]) -> _Part | None:
    """The sum, what its one part is, that part, and the powers of it and of the other part."""
    inputs = steps[at].inputs
    both = [states[earlier] for earlier in inputs]
    powers = [one.power for one in both if isinstance(one, State)]
    if len(inputs) != 2 or len(powers) != 2 or not all(map(isfinite, powers)):
        return None
    for one, other in ((0, 1), (1, 0)):
        if _is_learned(steps, inputs[one]):
            return at, "parameter", inputs[one], powers[one], powers[other]
    for one, other in ((0, 1), (1, 0)):
        if _leads_to(steps, inputs[other], inputs[one]):
            return at, "branch", inputs[one], powers[one], powers[other]
    return None


def _is_learned(steps: Sequence[Step], at: int) -> bool:
    """Whether a step is a learned tensor or a table of positions, reshaped at most."""
    while steps[at].kind is Kind.SAME and steps[at].inputs:
        at = steps[at].inputs[0]
    return steps[at].kind is Kind.PARAMETER or (steps[at].kind is Kind.EMBEDDING and not steps[at].inputs)


def _leads_to(steps: Sequence[Step], trunk: int, end: int) -> bool:
    """Whether the end of a branch is computed from the trunk."""
    waiting, seen = [end], set()
    while waiting:
        at = waiting.pop()
        if at == trunk:
            return True
        if at < trunk or at in seen:
            continue
        seen.add(at)
        waiting.extend(steps[at].inputs)
    return False
