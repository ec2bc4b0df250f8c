"""Points that the layers of a network mix, all of them alike: the inputs of a batch, the tokens of an input."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from math import isfinite

from eoc.errors import EocError
from eoc.layers.pairs import Pairs
from eoc.layers.reading import Series

__all__ = ["Group", "group_of", "largest_kernel"]

_OF_POSITIONS = {"conv", "avgpool", "flatten"}
_NUMBERS = {"batchnorm": "batch", "attention": "tokens"}  # of the layers that mix points: how many these are
_KERNELS = {"conv": "kernel", "avgpool": "size", "maxpool": "size", "flatten": ""}  # and of those with positions


@dataclass(frozen=True)
class Group:
    """Points that are mixed with each other.

    Attributes
    ----------
    layer
        By which layer: "batchnorm", of the inputs of a batch, or "attention", of the tokens of an input.
    size
        How many they are; infinite for an infinite batch.
    """

    layer: str
    size: float

    @property
    def tokens(self) -> int | None:
        """How many tokens; None for a batch."""
        return int(self.size) if self.layer == "attention" else None

    @property
    def batch(self) -> float | None:
        """How many inputs of a batch; None for tokens."""
        return self.size if self.layer == "batchnorm" else None

    @property
    def pairs(self) -> Pairs:
        """One of them, with itself and with another one."""
        return Pairs.batch() if self.tokens is None else Pairs.tokens(1, (self.tokens,))

    def __str__(self) -> str:
        if self.tokens is not None:
            return f"{self.size:g} tokens"
        return f"a batch of {self.size:g} inputs" if isfinite(self.size) else "an infinite batch"


def group_of(series: Series, name: str) -> Group | None:
    """The points that layers mix; None if every point is on its own.

    Raises
    ------
    EocError
        If layers disagree about them, or batches are normalised whose inputs have positions.
    """
    found, names = _groups(series), _names(series)
    if "batchnorm" in names and names & _OF_POSITIONS:
        positions = " and ".join(sorted(names & _OF_POSITIONS))
        raise EocError(
            f"batch normalisation beside {positions} takes its means over positions too, which theory does not have: "
            "its batches are of inputs without positions"
        )
    if len(found) > 1:
        said = " and ".join(sorted(map(str, found)))
        raise EocError(f"layers of {name!r} mix {said}: all of them have to mix the same points")
    return next(iter(found), None)


def largest_kernel(series: Series) -> int:
    """The largest number of neighbouring positions that a layer takes together; 0 where no layer knows of positions."""
    own = (int(one.numbers[_KERNELS[one.name]](_FIRST)) if one.numbers else 1 for one in series if one.name in _KERNELS)
    return max((*own, *(largest_kernel(part) for one in series for part in one.inside)), default=0)


def heads_of(series: Series) -> Set[int]:
    """The numbers of heads that softmaxes are given; none where all are of infinitely many.

    Examples
    --------
    >>> from eoc.layers import network
    >>> heads_of(network("attention(4, beta=1, heads=8), attention(4)").series)
    {8}
    """
    own = [one.numbers for one in series if one.name == "attention"]
    found = {int(one["heads"](_FIRST)) for one in own if one["heads"](_FIRST) > 0.0 and one["beta"](_FIRST) > 0.0}
    return found.union(*(heads_of(part) for one in series for part in one.inside))


def is_causal(series: Series) -> bool:
    """Whether tokens see only themselves and those before them, in some layer.

    Examples
    --------
    >>> from eoc.layers import network
    >>> is_causal(network("residual(attention(4, mask='causal'))").series)
    True
    """
    own = any(one.choices.get("mask") == "causal" for one in series if one.name == "attention")
    return own or any(is_causal(part) for one in series for part in one.inside)


def _groups(series: Series) -> Set[Group]:
    own = {Group(one.name, one.numbers[_NUMBERS[one.name]](_FIRST)) for one in series if one.name in _NUMBERS}
    return own.union(*(_groups(part) for one in series for part in one.inside))


def _names(series: Series) -> Set[str]:
    return {one.name for one in series}.union(*(_names(part) for one in series for part in one.inside))


_FIRST = {"l": 1.0, "L": 1.0}
