"""Which grid a mapping is, or may be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from eoc.sweeps.config.grids import GRIDS
from eoc.sweeps.config.model import key_names
from eoc.sweeps.config.problems import Fault, Place
from eoc.wording import closest, did_you_mean, quoted, shortened

__all__ = ["kind_of", "spelled_out", "unknown_keys"]

_NUMPY = {"arange": "range", "geomspace": "logspace"}


def spelled_out(given: Mapping[str, Any]) -> str:
    """How {linspace: [16, 256, 5]} has to be written; "" if it is not of that form.

    Examples
    --------
    >>> spelled_out({"linspace": [16, 256, 5]}), spelled_out({"grid": "linspace"})
    ('{grid: linspace, start: 16, stop: 256, num: 5}', '')
    """
    kind = _meant(next(iter(given))) if len(given) == 1 else None
    if kind is None:
        return ""
    (inside,) = given.values()
    keys = [key for key in key_names(GRIDS[kind]) if key != "grid"]
    values = dict(zip(keys, inside, strict=False)) if isinstance(inside, list) else inside
    if not isinstance(values, dict) or not values:
        values = dict.fromkeys(keys, "...")
    return f"{{{', '.join([f'grid: {kind}', *(f'{key}: {_plain(value)}' for key, value in values.items())])}}}"


def kind_of(given: Mapping[str, Any], place: Place) -> tuple[str | None, list[Fault]]:
    """Which grid it is, or if that is wrong, which it may be, and what is wrong.

    Examples
    --------
    >>> kind_of({"grid": "geomspace"}, ())
    ('logspace', [Fault(place=('grid',), message="unknown grid 'geomspace'; did you mean 'logspace'?", ...)])
    """
    if "grid" not in given:
        return None, [Fault(place, f"a grid needs the key grid, one of {', '.join(GRIDS)}, got {quoted(given)}")]
    kind = given["grid"]
    if isinstance(kind, str) and kind in GRIDS:
        return kind, []
    meant = _meant(str(kind))
    hint = did_you_mean(meant or str(kind), list(GRIDS))
    return meant, [Fault((*place, "grid"), f"unknown grid {quoted(kind)}; {hint}")]


def unknown_keys(given: Mapping[str, Any], place: Place) -> Iterator[Fault]:
    """Keys that no grid has.

    Examples
    --------
    >>> [fault.message for fault in unknown_keys({"start": 0, "stp": 1}, ())]
    ["unknown key 'stp'; did you mean 'stop'?"]
    """
    known = list(dict.fromkeys(key for grid in GRIDS.values() for key in key_names(grid)))
    for key in given:
        if key not in known:
            yield Fault((*place, key), f"unknown key {quoted(key)}; {did_you_mean(key, known)}", key=True)


def _meant(name: str) -> str | None:
    return _NUMPY.get(name) or closest(name, list(GRIDS))


def _plain(value: Any) -> str:
    return shortened(value) if isinstance(value, str) else quoted(value)
