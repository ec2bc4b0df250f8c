"""Times, sizes and lists of values as people say them."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["duration", "size", "values_in_words"]

_FEW = 6  # values that are all listed
_TIMES = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"), (1e-3, "ms"))
_SIZES = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1.0, "bytes"))


def duration(seconds: float) -> str:
    """A time to about two digits.

    Examples
    --------
    >>> duration(0.00123), duration(0.4), duration(12.3), duration(80.0), duration(8000.0)
    ('1.2 ms', '400 ms', '12 s', '1.3 min', '2.2 h')
    """
    return _in_units(seconds, _TIMES)


def size(count: float) -> str:
    """A number of bytes to about two digits.

    Examples
    --------
    >>> size(12.0), size(1234.0), size(5.6e7)
    ('12 bytes', '1.2 kB', '56 MB')
    """
    return _in_units(count, _SIZES)


def _in_units(value: float, units: Sequence[tuple[float, str]]) -> str:
    """In the largest unit of which it is at least one, else in the smallest."""
    length, unit = next((one for one in units if value >= one[0]), units[-1])
    digits = 1 if value < 10.0 * length and value != round(value / length) * length else 0
    return f"{value / length:.{digits}f} {unit}"


def values_in_words(values: Sequence[object]) -> str:
    """All values, or their number, the first ones and the last.

    Examples
    --------
    >>> values_in_words([0.1, 0.25]), values_in_words(range(100))
    ('0.1, 0.25', '100 values: 0, 1, 2 ... 99')
    """
    shown = [f"{value:.6g}" if isinstance(value, float) else str(value) for value in values]
    if len(shown) <= _FEW:
        return ", ".join(shown)
    return f"{len(shown)} values: {', '.join(shown[: _FEW // 2])} ... {shown[-1]}"
