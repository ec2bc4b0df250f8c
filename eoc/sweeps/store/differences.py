"""How two configurations differ, in words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from eoc.wording import shortened

__all__ = ["differences"]

_MOST = 20  # lines


def differences(then: object, now: object) -> str:
    """One line for each entry that differs, or is in another order; "" if none does.

    Parameters
    ----------
    then, now
        What is in the store and what is given now, as read from JSON.

    Examples
    --------
    >>> print(differences({"axes": {"sigma_b": {"num": 50}}}, {"axes": {"sigma_b": {"num": 60}, "width": 8}}))
      axes.sigma_b.num: 50 in the store, 60 now
      axes.width: absent in the store, 8 now
    >>> print(differences({"axes": {"c": 0, "q": 1}}, {"axes": {"q": 1, "c": 0}}))  # that of the dimensions
      order of axes: c, q in the store, q, c now
    """
    old, new = dict(_entries("", then)), dict(_entries("", now))
    lines = [
        f"  {key}: {shortened(old.get(key, 'absent'))} in the store, {shortened(new.get(key, 'absent'))} now"
        for key in old | new
        if old.get(key) != new.get(key)
    ]
    lines += _orders("", then, now)
    if len(lines) > _MOST:
        lines[_MOST:] = [f"  ... and {len(lines) - _MOST} more"]
    return "\n".join(lines)


def _entries(place: str, value: Any) -> Iterator[tuple[str, str]]:
    """Every number and text with its place, and what is empty."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _entries(f"{place}.{key}" if place else key, inner)
    elif isinstance(value, list) and value:
        for number, inner in enumerate(value):
            yield from _entries(f"{place}[{number}]", inner)
    else:
        yield place, json.dumps(value)


def _orders(place: str, then: Any, now: Any) -> Iterator[str]:
    """Where the same keys are in another order."""
    if isinstance(then, dict) and isinstance(now, dict):
        if list(then) != list(now) and set(then) == set(now):
            yield f"  order of {place or 'the keys'}: {', '.join(then)} in the store, {', '.join(now)} now"
        for key in (key for key in then if key in now):
            yield from _orders(f"{place}.{key}" if place else key, then[key], now[key])
