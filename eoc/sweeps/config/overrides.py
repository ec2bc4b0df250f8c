"""Values on the command line in place of those in the file: ``axes.sigma_b.num=50``."""

from __future__ import annotations

from collections.abc import Sequence

from eoc.errors import EocError
from eoc.sweeps.config.naming import is_parameter
from eoc.sweeps.config.problems import ConfigError, Fault, Origin, Place, dotted
from eoc.sweeps.config.reading import Document, parse
from eoc.wording import did_you_mean, quoted, shortened

__all__ = ["override"]


def override(document: Document, texts: Sequence[str]) -> None:
    """Put values into a document, each given as ``keys.to.it=value`` in YAML; what is wrong goes to its faults.

    Examples
    --------
    >>> from eoc.sweeps.config.reading import parse
    >>> found = parse("axes: {depth: 10}", "sweep.yaml")
    >>> override(found, ["axes.depth=[10, 20]"])
    >>> found.value
    {'axes': {'depth': [10, 20]}}
    """
    for text in texts:
        origin = Origin(f"--set {text}")
        try:
            _put(document, text, origin)
        except ConfigError as error:  # of YAML in the value
            document.faults += [Fault((), problem.message, origin=origin) for problem in error.problems]
        except EocError as error:
            document.faults.append(Fault((), str(error), origin=origin))


def _put(document: Document, text: str, origin: Origin) -> None:
    keys, equals, value = text.partition("=")
    place = tuple(key.strip() for key in keys.split("."))
    if not equals or "" in place:
        raise EocError("write it as axes.NAME=VALUE or axes.NAME.num=VALUE")
    if is_parameter(place[0]):
        raise EocError(f"{place[0]} is a parameter: write --set axes.{dotted(place)}={shortened(value.strip())}")
    new = parse(value, origin.path)
    parent = document.value
    for i, key in enumerate(place):
        if not isinstance(parent, dict):
            where = dotted(place[:i]) or "the file"
            whole = f"set it as a whole, {where}={{grid: linspace, ...}}"
            raise EocError(f"{where} is {quoted(parent)} and has no keys: {whole}")
        if i < len(place) - 1:
            if key not in parent:
                raise EocError(f"there is no {dotted(place[: i + 1])}; {did_you_mean(key, list(parent))}")
            parent = parent[key]
    _forget(document, place)
    parent[place[-1]] = new.value
    document.values[place] = document.keys[place] = origin
    document.faults += [Fault((*place, *fault.place), fault.message, fault.key) for fault in new.faults]


def _forget(document: Document, place: Place) -> None:
    """Remove what is known about what was there before."""
    for known in (document.values, document.keys):
        for old in [old for old in known if old[: len(place)] == place]:
            del known[old]
    document.faults = [fault for fault in document.faults if fault.place[: len(place)] != place or not fault.place]
