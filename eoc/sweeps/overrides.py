"""Values on the command line in place of those in the file: ``axes.sigma_b.num=50``."""

from __future__ import annotations

from collections.abc import Sequence

from eoc.sweeps.problems import ConfigError, Fault, Origin, Place, did_you_mean, dotted, quoted
from eoc.sweeps.reading import Document, parse

__all__ = ["overridden"]


def override(document: Document, text: str) -> None:
    """Put the value of ``keys.to.it=value`` (in YAML) into a document; what is wrong is added to its faults.

    Examples
    --------
    >>> from eoc.sweeps.reading import parse
    >>> found = parse("axes: {depth: 10}", "sweep.yaml")
    >>> override(found, "axes.depth=[10, 20]")
    >>> found.value
    {'axes': {'depth': [10, 20]}}
    """
    origin = Origin(f"--set {text}")
    keys, equals, value = text.partition("=")
    place: Place = tuple(key.strip() for key in keys.split("."))
    if not equals or "" in place:
        document.faults.append(Fault((), "write it as axes.NAME=VALUE or axes.NAME.num=VALUE", origin=origin))
        return
    try:
        new = parse(value, origin.path)
    except ConfigError as error:
        document.faults += [Fault((), problem.message, origin=origin) for problem in error.problems]
        return
    parent = document.value
    for i, key in enumerate(place[:-1]):
        if not isinstance(parent, dict) or key not in parent:
            document.faults.append(Fault((), _missing(parent, place[: i + 1]), origin=origin))
            return
        parent = parent[key]
    if not isinstance(parent, dict):
        document.faults.append(Fault((), _no_mapping(place[:-1], parent), origin=origin))
        return
    _forget(document, place)
    parent[str(place[-1])] = new.value
    document.values[place] = document.keys[place] = origin
    document.faults += [Fault((*place, *fault.place), fault.message, fault.key) for fault in new.faults]


def _missing(parent: object, place: Place) -> str:
    if not isinstance(parent, dict):
        return _no_mapping(place[:-1], parent)
    return f"there is no {dotted(place)}; {did_you_mean(str(place[-1]), list(parent))}"


def _no_mapping(place: Place, value: object) -> str:
    where = dotted(place) or "the file"
    return f"{where} is {quoted(value)} and has no keys: set it as a whole, {where}={{grid: linspace, ...}}"


def _forget(document: Document, place: Place) -> None:
    """Remove what is known about what was there before."""
    for known in (document.values, document.keys):
        for old in [old for old in known if old[: len(place)] == place]:
            del known[old]
    document.faults = [fault for fault in document.faults if fault.place[: len(place)] != place or not fault.place]


def overridden(document: Document, texts: Sequence[str]) -> None:
    """Put all values into a document, one after the other."""
    for text in texts:
        override(document, text)
