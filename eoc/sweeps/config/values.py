"""Values of parameters: numbers and texts, and why something is neither."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from eoc.errors import EocError
from eoc.messages import did_you_mean, quoted
from eoc.sweeps.task import EOC, Parameter

__all__ = ["AxisValues", "allowed", "number", "value_of", "whole_number"]

_LARGEST = 2**63 - 1  # of a whole number, as data sets keep it
_COMMA = re.compile(r"[-+]?\d+,\d+\Z")
_THOUSANDS = re.compile(r"[-+]?\d{1,3}(,\d{3})+(\.\d*)?\Z")
_COMPUTED = re.compile(r".*(\d\s*[*/^]|[*/^]\s*\d|\bsqrt\b|\bpi\b|\bexp\b|\blog\b)")
_GRID = re.compile(r"(linspace|logspace|range|geomspace|arange)\b|.*\.\.|[-+\d.e]+:[-+\d.e]+(:|\Z)")
_SEVERAL = re.compile(r"[-+\d.e]+(\s*,\s*|\s+)[-+\d.e]+")


@dataclass(frozen=True)
class AxisValues:
    """The values of one parameter.

    Attributes
    ----------
    written
        As in the configuration, with numbers of one kind and in one order.
    values
        All of them.
    constant
        Whether it is one value, and not a list or a grid.
    """

    written: Any
    values: tuple[Any, ...]
    constant: bool = False


def value_of(parameter: Parameter, given: Any) -> Any:
    """The value of a parameter: a float, an int or a text.

    Raises
    ------
    EocError
        If it is not allowed; the message says what is.

    Examples
    --------
    >>> value_of(Parameter("sigma_w", "scale of weights", least=0.0, above=True), 2)
    2.0
    """
    if parameter.kind in ("activation", "text"):
        return _text(parameter, given)
    if parameter.eoc and given == EOC:
        return EOC
    wanted = allowed(parameter)
    if parameter.eoc and isinstance(given, str) and given.strip().lower() == EOC:
        raise EocError(f"must be {wanted}, got {quoted(given)}: did you mean {EOC!r}?")
    value = (whole_number if parameter.kind == "whole" else number)(given, wanted=wanted)
    if not (parameter.least <= value <= parameter.most) or (parameter.above and value == parameter.least):
        raise EocError(f"must be {wanted}, got {quoted(given)}")
    return value


def number(given: Any, *, wanted: str = "a number") -> float:
    """A finite number; an error says what is wanted.

    Raises
    ------
    EocError
        If it is none.

    Examples
    --------
    >>> number(2), number(-0.0)
    (2.0, 0.0)
    """
    _check_number(given, wanted)
    try:
        value = float(given) + 0.0  # there is one zero
    except OverflowError:
        value = math.inf
    if not math.isfinite(value):
        raise EocError(f"must be {wanted}, got {quoted(given)}: numbers must be finite, below 1.8e308")
    return value


def whole_number(given: Any, *, wanted: str = "a whole number") -> int:
    """A whole number, which may be written as 1e3; an error says what is wanted.

    Raises
    ------
    EocError
        If it is none.

    Examples
    --------
    >>> whole_number(1e3)
    1000
    """
    _check_number(given, wanted)
    if not math.isfinite(given) or given != math.floor(given):
        raise EocError(f"must be {wanted}, got {quoted(given)}")
    if abs(given) > _LARGEST:
        raise EocError(f"must be {wanted}, got {quoted(given)}: it must be below 2^63")
    return int(given)


def _check_number(given: Any, wanted: str) -> None:
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise EocError(f"must be {wanted}, got {quoted(given)}{_hint(given)}")


def allowed(parameter: Parameter) -> str:
    """What the value of a parameter may be.

    Examples
    --------
    >>> allowed(Parameter("c", "correlation", least=-1.0, most=1.0)), allowed(Parameter("depth", "", "whole", least=1))
    ('a number >= -1 and <= 1', 'a whole number >= 1')
    """
    if parameter.kind == "activation":
        own = "a name, a formula in x, or module:function"
        return own if parameter.networks == "no" else f"{own}; or a network of layers, see eoc networks"
    if parameter.kind == "text":
        return f"one of {', '.join(parameter.choices)}" if parameter.choices else "text"
    least = [f"{'>' if parameter.above else '>='} {_plain(parameter.least)}"] if parameter.least > -math.inf else []
    most = [f"<= {_plain(parameter.most)}"] if parameter.most < math.inf else []
    noun = "a whole number" if parameter.kind == "whole" else "a number"
    return " ".join([noun, " and ".join(least + most)]).strip() + (f" or {EOC}" if parameter.eoc else "")


def _plain(value: float) -> str:
    """A bound with all its digits, if it is not too long."""
    return str(int(value)) if float(value).is_integer() and abs(value) < _LARGEST else f"{value:g}"


def _text(parameter: Parameter, given: Any) -> str:
    if not isinstance(given, str):
        quotes = ": put it in quotes" if isinstance(given, int | float) and parameter.kind == "text" else _hint(given)
        raise EocError(f"must be {allowed(parameter)}, got {quoted(given)}{quotes}")
    text = given.strip()
    if not text:
        raise EocError(f"must be {allowed(parameter)}, got an empty text")
    if parameter.kind == "text" and parameter.choices and text not in parameter.choices:
        raise EocError(f"unknown {parameter.name} {quoted(text)}; {did_you_mean(text, parameter.choices)}")
    return text


def _hint(given: Any) -> str:
    """What to write instead of something that is no number."""
    if given is None:
        return ": write a value, or remove the line"
    if isinstance(given, list):
        return ": lists cannot be inside lists"
    if isinstance(given, dict):
        return ": a mapping cannot be here"
    return f": {_spelling(given.strip())}" if isinstance(given, str) and _spelling(given.strip()) else ""


def _spelling(text: str) -> str:  # noqa: PLR0911  # one line for each trap
    if text.lower() == EOC:
        return f"only sigma_w can be {EOC}, as a value or in a list, where the task allows it"
    if re.search("[\u2010-\u2015\u2212]", text):
        return "the sign in front is not the '-' of the keyboard"
    if _GRID.match(text):
        return "a grid is written {grid: linspace, start: 0.1, stop: 2, num: 20}"
    if _COMMA.match(text) or _THOUSANDS.match(text):
        return "numbers have a point and no comma, 0.5 or 1000"
    if _SEVERAL.match(text):
        return "a list is written in brackets, [0.1, 0.2]"
    if _COMPUTED.match(text):
        return "nothing is computed here, write the number itself"
    try:
        value = float(text)
    except ValueError:
        return "it is text"
    return "write it without quotes" if math.isfinite(value) else "numbers must be finite"
