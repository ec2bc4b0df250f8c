"""Times, sizes, numbers of points and values of parameters as people say them, and options as they type them."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

__all__ = ["command_line", "duration", "options_at", "parameters_in_words", "points_are", "size", "values_in_words"]

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


def parameters_in_words(values: Mapping[str, object]) -> str:
    """Names and values.

    Examples
    --------
    >>> parameters_in_words({"activation": "tanh", "sigma_b": 0.1})
    'activation = tanh, sigma_b = 0.1'
    """
    return ", ".join(f"{name} = {value}" for name, value in values.items())


def options_at(values: Mapping[str, object]) -> str:
    """What a shell understands as these values of parameters.

    Examples
    --------
    >>> options_at({"layer": 5, "activation": "x*tanh(x)"})
    "--at layer=5 --at 'activation=x*tanh(x)'"
    """
    return " ".join(f"--at {shlex.quote(f'{name}={value}')}" for name, value in values.items())


def command_line(command: str, source: str, **options: object) -> str:
    """What to type for a command on an activation; options that are None are left out.

    Examples
    --------
    >>> command_line("phase", "tanh(2*x)", sigma_w=1.30414584005651, sigma_b=0.2, q=None)
    "eoc phase 'tanh(2*x)' --sigma-w 1.30414584006 --sigma-b 0.2"
    >>> command_line("init", "-x", framework="torch")
    'eoc init --framework torch -- -x'
    """
    given = {f"--{name.replace('_', '-')}": value for name, value in options.items() if value is not None}
    typed = [part for k, v in given.items() for part in (k, f"{v:.12g}" if isinstance(v, float) else str(v))]
    parts = [*typed, "--", source] if source.startswith("-") else [source, *typed]
    return shlex.join(["eoc", command, *parts])


def points_are(count: int, state: str) -> str:
    """The subject and verb of a sentence on points that are not done.

    Examples
    --------
    >>> points_are(1, "failed"), points_are(2, "failed"), points_are(2, "pending")
    ('1 point failed and is', '2 points failed and are', '2 points are pending and')
    """
    points, verb = ("1 point", "is") if count == 1 else (f"{count} points", "are")
    return f"{points} failed and {verb}" if state == "failed" else f"{points} {verb} {state} and"
