"""What follows what in a model: the activation that a layer feeds, and where residual branches end."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass

from eoc.models.steps import Kind, Step

__all__ = ["Branch", "Structure", "structure"]

# What leaves the question open what a layer feeds.
_PASSED = (Kind.SAME, Kind.SCALE, Kind.DROPOUT, Kind.POOL, Kind.ADD, Kind.CONCATENATE)
_WITHIN_BRANCH = (Kind.SAME, Kind.SCALE, Kind.DROPOUT, Kind.POOL, Kind.ACTIVATION)
# What a trunk may go through, besides one layer, beside its branches.
_WITHIN_TRUNK = (Kind.SAME, Kind.SCALE, Kind.DROPOUT, Kind.POOL, Kind.NORM)
_BETWEEN = (Kind.SAME, Kind.SCALE, Kind.DROPOUT, Kind.POOL, Kind.ADD)
_WITHIN_SUM = (Kind.SAME, Kind.DROPOUT, Kind.ADD)


@dataclass(frozen=True)
class Branch:
    """A residual branch.

    Attributes
    ----------
    end
        The step whose weights come last in it; None if no layer or normalisation does.
    trunk
        The step that it is added to.
    output
        The step that is added.
    gain
        By how much scalings between end and output multiply the power.
    factors
        The steps by which the branch is multiplied there: gates.
    """

    end: int | None
    trunk: int
    output: int
    gain: float
    factors: tuple[int, ...]


@dataclass(frozen=True)
class Structure:
    """The steps of a model and how they hang together.

    Attributes
    ----------
    steps
        All steps.
    consumers
        Of each step: the steps that take its output.
    branches
        All residual branches.
    summands
        Of each sum that is no end of residual branches: of how many terms.
    continues
        Of each step: whether weights come after it.
    repeats
        Of each layer that is used several times, the later uses after the first: all of them.
    inside
        The steps in residual branches, as bits of a whole number.
    """

    steps: tuple[Step, ...]
    consumers: tuple[tuple[int, ...], ...]
    branches: tuple[Branch, ...]
    summands: dict[int, int]
    continues: tuple[bool, ...]
    repeats: dict[int, tuple[int, ...]]
    inside: int

    @property
    def depth(self) -> int:
        """The layers of the longest chain: normalisations begin a new one, and residual branches do not count."""
        ends = {branch.output for branch in self.branches}
        layers: list[int] = []
        for step in self.steps:
            inputs = [at for at in step.inputs if step.kind is not Kind.ADD or at not in ends]
            before = max((layers[at] for at in inputs), default=0)
            layers.append(0 if step.kind is Kind.NORM else before + (step.kind is Kind.LAYER))
        return max([1, *layers])

    def follows(self, at: int) -> tuple[int, ...]:
        """The steps that decide how the output of a step is used, in order of computation, the first of them first.

        Reshaping, dropout, pooling, sums and concatenations are passed.
        """
        return tuple(end for end, _ in self._ends(at))

    def gain(self, at: int) -> float:
        """By how much the variance of a layer is multiplied on the way to the pre-activation that it feeds.

        By as many as the terms are that are summed, if they are of equal rank; by the squares of scalings.
        """
        return next((gain for _, gain in self._ends(at)), 1.0)

    def taken(self, at: int) -> Step:
        """The step that a layer takes in, reshaping, dropout and pooling aside."""
        step = self.steps[self.steps[at].inputs[0]]
        while step.kind in (Kind.SAME, Kind.DROPOUT, Kind.POOL) and step.inputs:
            step = self.steps[step.inputs[0]]
        return step

    def is_normed(self, at: int) -> bool:
        """Whether a layer takes in what was normalised just before, perhaps scaled, or mixed with more of that."""
        waiting = [self.steps[at].inputs[0]]
        while waiting:
            step = self.steps[waiting.pop()]
            if step.kind in _BETWEEN and step.inputs:
                waiting += step.inputs
            elif step.kind is not Kind.NORM:
                return False
        return True

    def is_once(self, at: int, activation: int) -> bool:
        """Whether the map of the activation behind a layer is not iterated.

        So it is before the last layer of all, and before a normalisation. Behind one it is so in a residual branch, and
        elsewhere where no layer behind the activation feeds another activation.
        """
        after, normed = self.follows(activation), self.is_normed(at)
        if not after or self.inside >> at & 1:
            return normed
        if self.steps[after[0]].kind is not Kind.LAYER:
            return normed or self.steps[after[0]].kind is Kind.NORM
        later = self.follows(after[0])
        kind = self.steps[later[0]].kind if later else Kind.OUTPUT
        return kind is Kind.OUTPUT or (normed and kind is not Kind.ACTIVATION)

    def summed_with(self, at: int) -> set[int]:
        """The terms of the sum that a step is a term of, itself among them; reshaping and dropout are passed."""
        while len(self.consumers[at]) == 1 and self.steps[self.consumers[at][0]].kind in _WITHIN_SUM:
            at = self.consumers[at][0]
        terms, waiting = set(), [at]
        while waiting:
            here = waiting.pop()
            if self.steps[here].kind in _WITHIN_SUM:
                waiting += self.steps[here].inputs
            else:
                terms.add(here)
        return terms

    def _ends(self, at: int) -> Iterator[tuple[int, float]]:
        """The deciding steps, and the gain on the way."""
        waiting = [(later, 1.0) for later in self.consumers[at]]
        seen = set(self.consumers[at])
        heapq.heapify(waiting)
        found = False
        while waiting:
            here, gain = heapq.heappop(waiting)
            step = self.steps[here]
            if step.kind not in _PASSED:
                found = True
                yield here, gain
            elif not (found and step.kind is Kind.ADD):  # what comes after later sums is another layer's business
                for later in set(self.consumers[here]) - seen:
                    seen.add(later)
                    heapq.heappush(waiting, (later, gain * self.summands.get(here, 1) * step.slope**2))


def structure(steps: tuple[Step, ...]) -> Structure:
    """How the steps hang together.

    A sum ends residual branches if one of its terms, the trunk, has fewer layers of its own than each of the others,
    and another begins where it does: the trunk is the input of that branch, perhaps reshaped, pooled, normalised or
    projected by one layer, and the main path back from the branch meets it. That goes by the inputs that depend on most
    of the model's inputs; so what a conditioning signal adds is no trunk. Sums of sums count as one.
    """
    consumers = _consumers(steps)
    continues = [False] * len(steps)
    for at in range(len(steps) - 1, -1, -1):
        continues[at] = any(continues[later] or _has_weights(steps[later]) for later in consumers[at])
    before = _before(steps)
    main = _main_path(steps, before)
    weighted = sum(1 << at for at, step in enumerate(steps) if _has_weights(step))
    branches: list[Branch] = []
    summands: dict[int, int] = {}
    for at, step in enumerate(steps):
        if step.kind is not Kind.ADD or _within_sum(steps, consumers, at):
            continue
        terms = _terms(steps, consumers, at)
        trunk = _trunk(terms, before, weighted)
        if trunk is None or not any(_leads_to(_sources(steps, trunk), term, main) for term in terms if term != trunk):
            summands[at] = max(1, sum(steps[term].kind is not Kind.PARAMETER for term in terms))
        else:
            branches += [_branch(steps, main, term, trunk, before[trunk]) for term in terms if term != trunk]
    inside = 0
    for branch in branches:
        inside |= before[branch.output] & ~before[branch.trunk]
    return Structure(steps, consumers, tuple(branches), summands, tuple(continues), _repeats(steps, before), inside)


def _consumers(steps: tuple[Step, ...]) -> tuple[tuple[int, ...], ...]:
    consumers: list[list[int]] = [[] for _ in steps]
    for at, step in enumerate(steps):
        for earlier in dict.fromkeys(step.inputs):
            consumers[earlier].append(at)
    return tuple(map(tuple, consumers))


def _has_weights(step: Step) -> bool:
    """Whether it mixes its inputs by parameters that are not all known to leave the variance alone."""
    unknown = step.kind is Kind.UNKNOWN and step.module is not None and any(True for _ in step.module.parameters())
    return step.kind in (Kind.LAYER, Kind.RECURRENT) or unknown


def _before(steps: tuple[Step, ...]) -> list[int]:
    """For each step the steps that its output depends on, itself included, as bits of a whole number."""
    before: list[int] = []
    for at, step in enumerate(steps):
        bits = 1 << at
        for earlier in step.inputs:
            bits |= before[earlier]
        before.append(bits)
    return before


def _main_path(steps: tuple[Step, ...], before: list[int]) -> list[int | None]:
    """For each step the input that depends on most of the model's inputs.

    Of equals it is one that others come from, then one that depends on the first of the model's inputs.
    """
    inputs = sum(1 << at for at, step in enumerate(steps) if step.kind is Kind.INPUT)
    main: list[int | None] = []
    for step in steps:
        seen = {at: before[at] & inputs for at in step.inputs}
        most = max((bits.bit_count() for bits in seen.values()), default=0)
        best = [at for at, bits in seen.items() if bits.bit_count() == most]
        source = (at for at in best if any(before[other] >> at & 1 for other in best if other != at))
        main.append(next(source, min(best, key=lambda at: seen[at] & -seen[at], default=None)))
    return main


def _repeats(steps: tuple[Step, ...], before: list[int]) -> dict[int, tuple[int, ...]]:
    uses: dict[tuple[str, str], list[int]] = {}
    for at, step in enumerate(steps):
        if step.affine is not None:
            uses.setdefault((step.affine.weight_name, step.affine.part), []).append(at)
    several = (group for group in uses.values() if any(before[later] >> group[0] & 1 for later in group[1:]))
    return {at: tuple(group) for group in several for at in group}


def _within_sum(steps: tuple[Step, ...], consumers: tuple[tuple[int, ...], ...], at: int) -> bool:
    """Whether a sum only is a term of another sum."""
    return len(consumers[at]) == 1 and steps[consumers[at][0]].kind is Kind.ADD


def _terms(steps: tuple[Step, ...], consumers: tuple[tuple[int, ...], ...], at: int) -> list[int]:
    """The terms of a sum, with those of sums that only are terms of it in their places."""
    terms, waiting = [], list(reversed(steps[at].inputs))
    while waiting:
        term = waiting.pop()
        if steps[term].kind is Kind.ADD and _within_sum(steps, consumers, term):
            waiting += reversed(steps[term].inputs)
        else:
            terms.append(term)
    return terms


def _trunk(terms: list[int], before: list[int], weighted: int) -> int | None:
    """The term with the fewest layers of its own; None if several have as few, or none has any."""
    own = []
    for term in terms:
        others = 0
        for other in terms:
            others |= before[other] if other != term else 0
        own.append((before[term] & ~others & weighted).bit_count())
    fewest = min(own)
    return terms[own.index(fewest)] if own.count(fewest) == 1 else None


def _sources(steps: tuple[Step, ...], trunk: int) -> set[int]:
    """The trunk and what it was before it was reshaped, pooled, normalised and, once, projected."""
    found, at, layers = {trunk}, trunk, 0
    while True:
        layers += steps[at].kind is Kind.LAYER
        if layers > 1 or steps[at].kind not in (*_WITHIN_TRUNK, Kind.LAYER) or not steps[at].inputs:
            return found
        at = steps[at].inputs[0]
        found.add(at)


def _leads_to(sources: set[int], at: int | None, main: list[int | None]) -> bool:
    """Whether the main path from a step back meets one of these."""
    while at is not None and at not in sources:
        at = main[at]
    return at is not None


def _branch(steps: tuple[Step, ...], main: list[int | None], output: int, trunk: int, shared: int) -> Branch:
    """The branch with this output; its last weights come before anything that it shares with the trunk."""
    at: int | None = output
    gain = 1.0
    factors: tuple[int, ...] = ()
    while at is not None and not shared >> at & 1:
        step = steps[at]
        if step.kind is Kind.LAYER or (step.kind is Kind.NORM and getattr(step.module, "weight", None) is not None):
            return Branch(at, trunk, output, gain, factors)
        if step.kind is Kind.MULTIPLY:
            factors += tuple(other for other in step.inputs if other != main[at])
        elif step.kind not in _WITHIN_BRANCH:
            break
        at, gain = main[at], gain * step.slope**2
    return Branch(None, trunk, output, gain, factors)
