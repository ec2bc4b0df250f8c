"""What a configuration says about its axes: each a value, a list of values or a grid, some of which move together."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from eoc.errors import EocError
from eoc.messages import did_you_mean, quoted
from eoc.sweeps.config.grids import values_of_grid
from eoc.sweeps.config.problems import Fault, KeyPath
from eoc.sweeps.config.values import AxisValues, value_of
from eoc.sweeps.plan import Axis
from eoc.sweeps.task import Parameter

__all__ = ["axes_of", "default_values", "values_of", "zip_faults"]


def values_of(parameter: Parameter, given: Any, zipped: bool = False) -> tuple[AxisValues | None, list[Fault]]:
    """The values of a parameter, or what is wrong with them, at places from ("axes", NAME) on.

    Values of a list differ, but where the parameter moves together with others, which tell its points apart.

    Examples
    --------
    >>> sigma_b = Parameter("sigma_b", "scale of biases", least=0.0)
    >>> values_of(sigma_b, {"grid": "linspace", "start": 0, "stop": 1, "num": 3})[0].values
    (0.0, 0.5, 1.0)
    >>> values_of(sigma_b, [1, 2, -1])[1]
    [Fault(place=('axes', 'sigma_b', 2), message='must be a number >= 0, got -1', key=False, origin=None, beside=())]
    """
    place = ("axes", parameter.name)
    if isinstance(given, dict):
        return values_of_grid(parameter, given, place)
    if isinstance(given, list):
        return _of_list(parameter, given, place, zipped)
    try:
        value = value_of(parameter, given)
    except EocError as error:
        return None, [Fault(place, str(error))]
    return AxisValues(value, (value,), constant=True), []


def default_values(parameter: Parameter) -> AxisValues:
    """The values of a parameter that is not given and has a default."""
    if isinstance(parameter.default, tuple):
        return AxisValues(list(parameter.default), parameter.default)
    return AxisValues(parameter.default, (parameter.default,), constant=True)


def _of_list(
    parameter: Parameter, given: list[Any], place: KeyPath, zipped: bool
) -> tuple[AxisValues | None, list[Fault]]:
    values, faults = [], []
    seen = set()
    for i, one in enumerate(given):
        try:
            value = value_of(parameter, one)
        except EocError as error:
            faults.append(Fault((*place, i), str(error)))
            continue
        values.append(value)
        if value in seen and not zipped:
            again = f"{quoted(one)} is in the list twice: remove one, points are told apart by their values"
            faults.append(Fault((*place, i), again))
        seen.add(value)
    if not given:
        faults.append(Fault(place, "the list is empty: give at least one value"))
    return (None if faults else AxisValues(values, tuple(values))), faults


def zip_faults(
    zipped: Sequence[Sequence[str]], inner: Collection[str], given: Mapping[str, Any], known: Mapping[str, AxisValues]
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
    known
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
        yield from _joint_faults(("zip", i), group, known)


def _joint_faults(place: KeyPath, group: Sequence[str], known: Mapping[str, AxisValues]) -> Iterator[Fault]:
    """What is wrong with axes together, which are right each by itself."""
    lists = {name: known[name].values for name in group if name in known and not known[name].constant}
    if len({len(values) for values in lists.values()}) > 1:
        lengths = ", ".join(f"{name} has {len(values)}" for name, values in lists.items())
        yield Fault(place, f"axes that move together must be equally long, but {lengths} values")
    elif len(lists) == len(group):
        yield from _repeated(place, lists)


def _repeated(place: KeyPath, lists: Mapping[str, Sequence[Any]]) -> Iterator[Fault]:
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


def axes_of(known: Mapping[str, AxisValues], zipped: Sequence[Sequence[str]]) -> tuple[Axis, ...]:
    """The dimensions of the points, in the order of their first names.

    Examples
    --------
    >>> some = {name: AxisValues([1, 2], (1, 2)) for name in ("a", "b", "c")}
    >>> [axis.dim for axis in axes_of(some, [["c", "a"]])]
    ['c_and_a', 'b']
    """
    groups = {name: tuple(group) for group in zipped for name in group}
    order = dict.fromkeys(groups.get(name, (name,)) for name in known)
    return tuple(Axis({name: known[name].values for name in group}) for group in order)
