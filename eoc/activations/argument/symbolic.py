"""The formula of a function of tensors, found by calling it with a symbol in place of a tensor.

What a function puts together from operations that formulas have, such as ``F.silu(x) / 0.596``, is then an activation
with exact derivatives, as cheap as one that is known by name. Whatever it does besides ends the attempt.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from eoc.activations.argument.objects import plain_name
from eoc.activations.formula.functions import FUNCTIONS
from eoc.errors import EocError

__all__ = ["called", "formula_of"]

_INFIX = {"add": "+", "sub": "-", "mul": "*", "div": "/", "pow": "**", "gt": ">", "lt": "<", "ge": ">=", "le": "<="}
_UNARY = {"neg": "-({})", "square": "({})**2", "reciprocal": "1/({})", "rsqrt": "1/sqrt({})"}
_TWO = {"maximum": "max", "minimum": "min", "fmax": "max", "fmin": "min"}
_UNCHANGED = ("clone", "contiguous", "detach", "double", "float", "half", "bfloat16", "to", "type", "type_as")
_SECOND = {"leaky_relu": "negative_slope", "elu": "alpha"}  # what formulas call with a second argument
_DEFAULTS = {"inplace": False, "approximate": "none", "beta": 1, "threshold": 20, "out": None, "alpha": 1}
_LONGEST = 2000  # characters: beyond, sampling is quicker than reading


class _Symbol:
    """A tensor of which only the formula is known."""

    ndim = 4  # as of images, for what asks

    def __init__(self, text: str) -> None:
        self.text = text

    def dim(self) -> int:
        """Of how many axes."""
        return self.ndim

    @classmethod
    def __torch_function__(
        cls, function: Any, _types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> _Symbol:
        return _applied(plain_name(function), args, kwargs or {})

    def __bool__(self) -> bool:
        raise EocError("which of two ways is taken depends on the values")

    def __getattr__(self, method: str) -> Callable[..., _Symbol]:
        if method.startswith("__"):
            raise AttributeError(method)
        return lambda *args, **kwargs: _applied(plain_name(method), (self, *args), kwargs)


def _operator(name: str, turned: bool) -> Callable[[Any, Any], _Symbol]:
    return lambda self, other: _applied(name, (other, self) if turned else (self, other), {})


for _name, _method in {**{name: name for name in _INFIX}, "div": "truediv"}.items():
    setattr(_Symbol, f"__{_method}__", _operator(_name, turned=False))
    if _name in ("add", "sub", "mul", "div", "pow"):
        setattr(_Symbol, f"__r{_method}__", _operator(_name, turned=True))
setattr(_Symbol, "__neg__", lambda self: _applied("neg", (self,), {}))  # noqa: B010 - beside its twins
setattr(_Symbol, "__abs__", lambda self: _applied("abs", (self,), {}))  # noqa: B010


def formula_of(function: Callable[[Any], Any]) -> str | None:
    """What a function of PyTorch's tensors computes, as the formula that its operations spell.

    Parameters
    ----------
    function
        Of one tensor, which it changes element by element.

    Returns
    -------
    str
        A name or a formula; None where the function does anything that formulas do not have. That both have the same
        values is for the caller to see: ``torch.nn.functional.softplus`` switches to a line at its threshold.

    Examples
    --------
    >>> formula_of(lambda x: 1.7 * x.tanh()), formula_of(lambda x: x.tanh())
    ('1.7 * tanh(x)', 'tanh')
    >>> formula_of(lambda x: x.cumsum(0)) is None
    True
    """
    try:
        found = function(_Symbol("x"))
        return _told(found.text) if isinstance(found, _Symbol) and len(found.text) <= _LONGEST else None
    except Exception:  # whatever the function does with a tensor that is none
        return None


def called(name: str, x: Any) -> Any:
    """The symbol for an activation of a symbol, by its name: that of a function, perhaps with one number, or a formula.

    Raises
    ------
    EocError
        For names that say no function of x.
    """
    number = re.fullmatch(r"(\w+)\(\w+=([^(),=]+)\)", name)
    if number is not None:
        return _Symbol(f"{number[1]}({x.text}, {number[2]})")
    if name.isidentifier():
        return _Symbol(f"{name}({x.text})")
    text, times = re.subn(r"\bx\b", lambda _: f"({x.text})", name)
    if not times:
        raise EocError(f"{name} is no formula")
    return _Symbol(f"({text})")


def _told(text: str) -> str:
    """The formula, or the name where one function is all."""
    name = text.removesuffix("(x)")
    return name if name.isidentifier() else text[1:-1] if text.startswith("(") else text


def _applied(name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> _Symbol:
    """The symbol for a function of symbols and numbers; EocError if formulas have none such."""
    if name in _UNCHANGED:
        return args[0]
    if name in ("clamp", "clip"):
        return _clamped(*args, **kwargs)
    second = kwargs.get(_SECOND.get(name, ""))
    words = [_word(value) for value in args if second is None] or [_word(args[0]), _word(second)]
    if second is None and any(value != _DEFAULTS.get(key, _Symbol) for key, value in kwargs.items()):
        raise EocError(f"{name} with {sorted(kwargs)} has no formula")
    if name in _INFIX and len(words) == 2:
        return _Symbol(f"({words[0]} {_INFIX[name]} {words[1]})")
    if name in _UNARY and len(words) == 1:
        return _Symbol(f"({_UNARY[name].format(*words)})")
    called = _TWO.get(name, name)
    if called not in FUNCTIONS:
        raise EocError(f"{name} is no function of formulas")
    return _Symbol(f"{called}({', '.join(words)})")


def _clamped(x: _Symbol, min: Any = None, max: Any = None) -> _Symbol:
    text = x.text if min is None else f"max({x.text}, {_word(min)})"
    return _Symbol(text if max is None else f"min({text}, {_word(max)})")


def _word(value: Any) -> str:
    if isinstance(value, _Symbol):
        return value.text
    number = float(value.detach() if hasattr(value, "detach") else value)  # of a tensor with one element too
    return f"({number!r})" if number < 0.0 else repr(number)
