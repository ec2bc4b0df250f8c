"""From whatever a person writes to an Activation."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from eoc.activations.base import Activation
from eoc.activations.named import canonical, named, parameters_of
from eoc.errors import EocError
from eoc.sharing import once

__all__ = ["activation", "check_text"]

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_SYMBOLS = ("pi", "if", "else", "and", "or", "not")
_WITH_NUMBERS = re.compile(rf"\s*([A-Za-z]\w*)\s*\(\s*({_NUMBER}(?:\s*,\s*{_NUMBER})*)\s*\)\s*\Z")
_BARE_NAME = re.compile(r"\s*[A-Za-z][\w\s-]*\Z", re.ASCII)
_WITH_PARAMETERS = re.compile(r"\s*([A-Za-z]\w*)\s*\(((?:\s*[A-Za-z]\w*\s*=[^=].*)|\s*)\)\s*\Z", re.DOTALL)
_DOTTED = re.compile(r"\s*[A-Za-z_]\w*\s*\.")
_LONGEST = 20_000


def activation(source: object, **parameters: object) -> Activation:
    """The activation meant by a name, a formula, a Python function or what a framework calls one.

    Parameters
    ----------
    source
        - a name such as ``"gelu"`` (:func:`eoc.activations.names` lists them), with its parameters as keywords or
          in the string: ``"elu(alpha=0.5)"``;
        - a formula in x such as ``"x * tanh(log(1 + exp(x)))"``; it is parsed, never executed;
        - what PyTorch, JAX, Flax or Keras has: ``nn.GELU("tanh")`` with its present parameters, its class where that
          needs none, ``F.gelu`` and ``jax.nn.gelu`` with their own defaults, also in a ``functools.partial``, a layer
          such as ``keras.layers.LeakyReLU(0.2)``; or as a text, ``"torch.nn.LeakyReLU(0.2)"``, which is looked up;
        - a Python function of an array or of a number; its kinks, jumps and derivatives are found numerically. One of
          tensors is called in double precision, and known by its name if its values are those of one;
        - an :class:`Activation`, which is returned as it is.
    **parameters
        Parameters of a named activation; ``derivative=``, ``knots=``, ``name=`` or ``parity=`` for a function.

    Returns
    -------
    Activation
        The same object for the same name or formula.

    Raises
    ------
    EocError
        For an unknown name (with a suggestion), a bad parameter, an unreadable formula, a function that fails or is
        none of each element alone.
    NotPermissibleError
        If phi is unbounded on a finite interval, such as 1/x.

    Examples
    --------
    >>> activation("leaky_relu", slope=0.2).name
    'leaky_relu(slope=0.2)'
    >>> activation("leaky_relu(slope=0.2)") is activation("leaky_relu", slope=0.2)
    True
    >>> str(activation("max(x, 0.2*x)").smoothness)
    'kink'
    """
    if isinstance(source, Activation):
        if parameters:
            raise EocError(f"{source.name} is an activation already; it takes no parameters {sorted(parameters)}")
        return source
    if isinstance(source, str):
        return _from_text(source, parameters)
    if callable(source):
        return _from_function(source, parameters)
    raise EocError(f"an activation is a name, a formula in x or a Python function; got {source!r}")


def check_text(text: str) -> None:
    """Refuse a text that is neither a name nor a formula that can be read; what the function does is not looked at.

    Raises
    ------
    EocError
        As :func:`activation`, except for what comes out only where the formula is computed.

    Examples
    --------
    >>> check_text("elu(alpha=0.5)")
    >>> check_text("1/x")  # can be read, although it has no Gaussian expectations
    """
    from eoc.activations.formula.reader import read
    from eoc.activations.formula.rewrite import simplified
    from eoc.activations.formula.tree import Trees

    if _from_name(text, {}) is None and _term(text) is None:
        read(text, Trees(simplified))


def _from_text(text: str, parameters: dict[str, object]) -> Activation:
    found = _from_name(text, parameters)
    if found is not None:
        return found
    term = _term(text)
    return _parsed(text) if term is None else _from_text(term, {})


def _term(text: str) -> str | None:
    """What eoc calls what is written as in the code of a framework; no formula has a dot after a letter."""
    if not _DOTTED.match(text):
        return None
    from eoc.activations.argument import text_term

    return text_term(text)


def _from_name(text: str, parameters: dict[str, object]) -> Activation | None:
    """None for what is a formula."""
    if parameters or _is_name(text):
        return named(text.strip(), **parameters)
    call = _WITH_PARAMETERS.match(text) if len(text) <= _LONGEST else None
    if call is not None:
        return named(call[1], **_keywords(text, call[2]))
    call = _WITH_NUMBERS.match(text) if len(text) <= _LONGEST else None
    return None if call is None else _with_numbers(call[1], call[2])


def _is_name(text: str) -> bool:
    """Whether a text is meant as a name: one that is known, or words of which none is a symbol of formulas."""
    if not _BARE_NAME.match(text):
        return False
    words = re.split(r"[\s-]+", text.strip())
    return canonical(text) is not None or not any(len(w) == 1 or w in _SYMBOLS for w in words)


def _with_numbers(name: str, numbers: str) -> Activation | None:
    """``leaky_relu(0.2)``: no x, so these are the parameters. None for what has none."""
    found = canonical(name)
    own = list(parameters_of(found)) if found else []
    values = numbers.split(",")
    if found is None or not own:
        return None
    if len(values) > len(own):
        raise EocError(f"{name} has the parameters {', '.join(own)}; got {len(values)} numbers")
    return named(found, **dict(zip(own, map(float, values), strict=False)))


def _keywords(text: str, arguments: str) -> dict[str, object]:
    """``alpha=0.5, knots=(-1, 0)`` as a dictionary of numbers and tuples of numbers; nothing else is read."""
    try:
        call = ast.parse(f"f({arguments})", mode="eval").body
        if not isinstance(call, ast.Call) or call.args or any(k.arg is None for k in call.keywords):
            raise ValueError
        found = {str(k.arg): ast.literal_eval(k.value) for k in call.keywords}
        if len(found) < len(call.keywords):
            raise ValueError
        return found
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        raise EocError(
            f"cannot read the parameters in {text!r}: write them as name=number, e.g. elu(alpha=0.5)"
        ) from None


@once(256)
def _parsed(text: str) -> Activation:
    from eoc.activations.formula import parse

    return replace(parse(text), remake=partial(_parsed, text))


def _from_function(function: Callable[..., object], parameters: dict[str, object]) -> Activation:
    from eoc.activations.argument import object_term
    from eoc.activations.argument.computed import computed
    from eoc.activations.function import from_callable

    unknown = sorted(set(parameters) - {"derivative", "knots", "name", "parity"})
    if unknown:
        raise EocError(f"a function takes derivative=, knots=, name= and parity=; got {unknown[0]}=")
    term = None if parameters else object_term(function)
    if term is not None:
        return _from_text(term, {})
    return computed(function, parameters, activation) or from_callable(function, **parameters)  # type: ignore[arg-type]
