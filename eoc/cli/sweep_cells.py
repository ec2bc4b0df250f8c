"""The cells of the table that ``eoc sweep show`` prints, with the digits that mean something."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from eoc.cli.common import number

if TYPE_CHECKING:
    import pandas
    import xarray

__all__ = ["cells", "in_digits", "values_of"]

_PLAIN = 8  # digits of a number whose error is not known
_ROUGH = 3  # digits of z-scores and times
_LEAST = 2  # digits of a number whose error is a standard error, however large
_ESTIMATES = ("standard error", "estimate")  # how descriptions of errors begin that are no bounds


def cells(sweep: xarray.Dataset, points: pandas.DataFrame, names: Sequence[str], digits: int) -> list[list[str]]:
    """Rows of texts, numbers with at most ``digits`` digits; the column "point" counts the rows."""
    columns = [_column(sweep, points, name, digits) for name in names]
    return [list(row) for row in zip(*columns, strict=True)]


def _column(sweep: xarray.Dataset, points: pandas.DataFrame, name: str, digits: int) -> list[str]:
    if name == "point":  # a sweep without axes
        return [str(i) for i in range(len(points))]
    values = values_of(points[name])
    if f"{name}_error" not in points:
        most = _ROUGH if name.endswith("_z") or name == "seconds" else _PLAIN
        return [in_digits(value, min(digits, most)) for value in values]
    estimated = str(sweep[f"{name}_error"].attrs.get("long_name", "")).startswith(_ESTIMATES)
    pairs = zip(values, points[f"{name}_error"].tolist(), strict=True)
    return [_with_error(value, error, digits, estimated) for value, error in pairs]


def values_of(column: pandas.Series[Any]) -> list[Any]:
    """As Python has them; None where there is no word or no whole number."""
    if column.dtype.kind == "f":
        return column.tolist()
    return [None if missing else value for value, missing in zip(column.tolist(), column.isna(), strict=True)]


def in_digits(value: Any, digits: int = _PLAIN) -> str:
    """A word or a number.

    Examples
    --------
    >>> in_digits(0.1 + 0.2), in_digits("tanh"), in_digits(None)
    ('0.3', 'tanh', '')
    """
    if value is None:
        return ""
    return number(value, digits=digits) if isinstance(value, float) else str(value)


def _with_error(value: Any, error: float, digits: int, estimated: bool) -> str:
    """With the digits that its error leaves certain, or if that is ``estimated`` up to its second digit."""
    if not (isinstance(value, float) and math.isfinite(value) and error > 0.0):
        return in_digits(value, digits)
    if math.isinf(error):
        return f"{value:.3g} +- inf"
    if not estimated or value == 0.0:
        return number(value, error, digits)
    meant = math.floor(math.log10(abs(value))) - math.floor(math.log10(error)) + 2
    return number(value, digits=min(max(meant, _LEAST), digits))
