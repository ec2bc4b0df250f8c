"""Which axes move together."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from eoc.sweeps.config.axes import Entry
from eoc.sweeps.config.problems import Fault, Place
from eoc.sweeps.plan import Axis
from eoc.wording import did_you_mean, quoted

__all__ = ["axes_of", "zip_faults"]


def zip_faults(
    zipped: Sequence[Sequence[str]],
    inner: Collection[str],
    given: Mapping[str, Any],
    entries: Mapping[str, Entry],
) -> Iterator[Fault]:
    """What is wrong with the groups of axes that move together.

    Parameters
    ----------
    zipped
        The groups.
    inner
        Parameters that every point takes as a whole.
    given
        What is written under ``axes``.
    entries
        Those of them that are right by themselves.
    """
    seen: dict[str, int] = {}
    for i, group in enumerate(zipped):
        if len(group) < 2:
            yield Fault(("zip", i), f"a group has at least two axes that move together, got {quoted(list(group))}")
        for j, name in enumerate(group):
            message = _member_fault(name, inner, given)
            if name in seen:
                where = "this group" if seen[name] == i else "another group"
                message = f"{quoted(name)} is in {where} already: an axis can be in one group only, once"
            seen.setdefault(name, i)
            if message:
                yield Fault(("zip", i, j), message)
        yield from _joint_faults(("zip", i), group, entries)


def _joint_faults(place: Place, group: Sequence[str], entries: Mapping[str, Entry]) -> Iterator[Fault]:
    """What is wrong with axes together, which are right each by itself."""
    lists = {name: entries[name].values for name in group if name in entries and not entries[name].constant}
    if len({len(values) for values in lists.values()}) > 1:
        lengths = ", ".join(f"{name} has {len(values)}" for name, values in lists.items())
        yield Fault(place, f"axes that move together must be equally long, but {lengths} values")
    elif len(lists) == len(group):
        yield from _repeated(place, lists)


def _repeated(place: Place, lists: Mapping[str, Sequence[Any]]) -> Iterator[Fault]:
    seen = set()
    for point in zip(*lists.values(), strict=True):
        if point in seen:
            same = ", ".join(f"{name} = {value}" for name, value in zip(lists, point, strict=True))
            yield Fault(place, f"{same} is there twice: remove one, points are told apart by their values")
        seen.add(point)


def _member_fault(name: str, inner: Collection[str], given: Mapping[str, Any]) -> str:
    if name not in given:
        return f"{quoted(name)} is not among the axes; {did_you_mean(name, list(given))}"
    if name in inner:
        return f"{name} cannot be zipped: every point takes all its values"
    if not isinstance(given[name], list | dict):
        return f"{name} has one value and cannot be zipped: give a list, or leave it out of the group"
    return ""


def axes_of(entries: Mapping[str, Entry], zipped: Sequence[Sequence[str]]) -> tuple[Axis, ...]:
    """The dimensions of the points, in the order of their first names.

    Examples
    --------
    >>> some = {name: Entry([1, 2], (1, 2)) for name in ("a", "b", "c")}
    >>> [axis.dim for axis in axes_of(some, [["c", "a"]])]
    ['c_and_a', 'b']
    """
    groups = {name: tuple(group) for group in zipped for name in group}
    order = dict.fromkeys(groups.get(name, (name,)) for name in entries)
    return tuple(Axis({name: entries[name].values for name in group}) for group in order)
