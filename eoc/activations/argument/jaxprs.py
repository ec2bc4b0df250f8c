"""The formula of a function of JAX's arrays, read off its jaxpr: what JAX itself makes of the function.

Functions of Keras on JAX are functions of JAX's arrays too. Whatever formulas do not have ends the attempt.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eoc.activations.formula.functions import FUNCTIONS

__all__ = ["formula_of_jax"]

_INFIX = {"add": "+", "sub": "-", "mul": "*", "div": "/", "pow": "**", "gt": ">", "lt": "<", "ge": ">=", "le": "<="}
_CALLED = {"max": "max({}, {})", "min": "min({}, {})", "logistic": "sigmoid({})", "atan": "arctan({})"}
_CALLED |= {"neg": "(-{})", "square": "({} ** 2)", "exp2": "(2 ** {})", "rsqrt": "(1 / sqrt({}))"}
_CALLED |= {"sqrt": "sqrt({})", "logaddexp": "(softplus({0} - {1}) + {1})", "integer_pow": "({} ** {})"}
_CALLED |= {"select_n": "where({0}, {2}, {1})", "clamp": "min(max({1}, {0}), {2})"}
_UNCHANGED = ("broadcast_in_dim", "copy", "reshape", "squeeze", "stop_gradient")
_INSIDE = ("jaxpr", "call_jaxpr", "fun_jaxpr")
_LONGEST = 2000  # characters: beyond, sampling is quicker than reading


class _NoFormulaError(Exception):
    """The function does something that formulas have not."""


def formula_of_jax(function: Callable[[Any], Any]) -> str | None:
    """What a function of JAX's arrays computes, as a formula in x.

    Parameters
    ----------
    function
        Of one array, which it changes element by element.

    Returns
    -------
    str
        None where the function does anything that formulas do not have. That both have the same values is for the
        caller to see.
    """
    import jax

    try:
        closed = jax.make_jaxpr(function)(jax.ShapeDtypeStruct((3,), "float64"))
        (found,) = _outputs(closed.jaxpr, closed.consts, ["x"])
    except Exception:  # whatever the function does when it is traced
        return None
    return found.removeprefix("(").removesuffix(")") if _is_bracketed(found) else found


def _is_bracketed(text: str) -> bool:
    """Whether the first bracket is closed by the last character."""
    depth = 0
    for i, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth == 0:
            return i == len(text) - 1 and text.startswith("(")
    return False


def _outputs(jaxpr: Any, consts: Any, inputs: list[str]) -> list[str]:
    """The formulas of what a jaxpr returns for those of what it is given."""
    known: dict[Any, str] = dict(zip(jaxpr.invars, inputs, strict=True))
    known |= {variable: _number(value) for variable, value in zip(jaxpr.constvars, consts, strict=True)}

    def read(atom: Any) -> str:
        return _number(atom.val) if hasattr(atom, "val") else known[atom]

    for equation in jaxpr.eqns:
        found = _applied(equation, [read(atom) for atom in equation.invars])
        if any(len(text) > _LONGEST for text in found):
            raise _NoFormulaError
        known |= zip(equation.outvars, found, strict=False)
    return [read(atom) for atom in jaxpr.outvars]


def _applied(equation: Any, words: list[str]) -> list[str]:
    """The formulas of what an equation defines."""
    name, parameters = equation.primitive.name, equation.params
    inside = next((parameters[key] for key in _INSIDE if key in parameters), None)
    if inside is not None and _is_logaddexp(inside):
        return [_spelt("logaddexp", words)]
    if inside is not None:
        return _outputs(getattr(inside, "jaxpr", inside), getattr(inside, "consts", ()), words)
    if name in _UNCHANGED or (name == "convert_element_type" and "float" in str(parameters["new_dtype"])):
        return words[:1]  # what is meant has no rounding errors of other types
    return [_spelt(name, [*words, _number(parameters["y"])] if name == "integer_pow" else words)]


def _is_logaddexp(inside: Any) -> bool:
    """Whether it is log(exp(a) + exp(b)), whose kinks cancel: only as softplus it is known to be smooth."""
    told = getattr(getattr(inside, "jaxpr", inside), "debug_info", None)
    return str(getattr(told, "func_src_info", "")).startswith("logaddexp ")


def _spelt(name: str, words: list[str]) -> str:
    if name == "logaddexp" and words[1] == "0.0":
        return f"softplus({words[0]})"
    if name in _INFIX and len(words) == 2:
        return f"({words[0]} {_INFIX[name]} {words[1]})"
    if name in _CALLED:
        return _CALLED[name].format(*words)
    if name not in FUNCTIONS:
        raise _NoFormulaError
    return f"{name}({', '.join(words)})"


def _number(value: Any) -> str:
    if getattr(value, "size", 0) and (value == value.ravel()[0]).all():
        value = value.ravel()[0]
    single = str(getattr(value, "dtype", "")) == "float32"
    number = float(str(value)) if single else float(value)  # an array of several numbers is none
    return f"({number!r})" if number < 0.0 else repr(number)
