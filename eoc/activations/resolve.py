"""From whatever a person writes to an Activation."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType

from eoc.activations.base import Activation
from eoc.activations.definitions import Definition
from eoc.activations.named import canonical, named, parameters_of
from eoc.activations.named.building_blocks import number
from eoc.activations.table_file import from_table, is_table
from eoc.errors import EocError
from eoc.sharing import once

__all__ = ["activation", "check_text", "era"]

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_SYMBOLS = ("pi", "if", "else", "and", "or", "not")
_WITH_NUMBERS = re.compile(rf"\s*([A-Za-z]\w*)\s*\(\s*({_NUMBER}(?:\s*,\s*{_NUMBER})*)\s*\)\s*\Z")
_BARE_NAME = re.compile(r"\s*[A-Za-z][\w\s-]*\Z", re.ASCII)
_WITH_PARAMETERS = re.compile(r"\s*([A-Za-z]\w*)\s*\(((?:\s*[A-Za-z]\w*\s*=[^=].*)|\s*|(?:\s*\[.*))\)\s*\Z", re.DOTALL)
_DOTTED = re.compile(r"\s*[A-Za-z_]\w*\s*\.")
_LONGEST = 20_000


def activation(source: object, **parameters: object) -> Activation:
    """The activation meant by a name, a formula, a Python function or what a framework calls one.

    Parameters
    ----------
    source
        - a name such as ``"gelu"`` (:func:`eoc.activations.names` lists them), with its parameters as keywords or
          in the string: ``"elu(alpha=0.5)"``, ``"polynomial([0, 1, 0, -0.2], basis=hermite)"``,
          ``"era(target=x*tanh(x))"``;
        - a file with a table of x and phi(x), ``"learned.csv"``, joined by straight lines;
        - a formula in x such as ``"x * tanh(log(1 + exp(x)))"``; it is parsed, never executed. It may have parameters
          by name, whose values are given as keywords: ``activation("a * tanh(b*x)", a=1.2, b=0.7)``;
        - what PyTorch, JAX, Flax or Keras has: ``nn.GELU("tanh")`` with its present parameters, its class where that
          needs none, ``F.gelu`` and ``jax.nn.gelu`` with their own defaults, also in a ``functools.partial``, a layer
          such as ``keras.layers.LeakyReLU(0.2)``; or as a text, ``"torch.nn.LeakyReLU(0.2)"``, which is looked up;
        - a Python function of an array or of a number; its kinks, jumps and derivatives are found numerically. One of
          tensors is called in double precision, and known by its name if its values are those of one;
        - an :class:`Activation`, which is returned as it is.
    **parameters
        Parameters of a named activation or of a formula; ``derivative=``, ``knots=``, ``name=`` or ``parity=`` for a
        function.

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
    >>> learned = activation("a * tanh(b*x)", a=1.2, b=0.7)
    >>> learned.name, dict(learned.parameters)
    ('1.2 * tanh(0.7*x)', {'a': 1.2, 'b': 0.7})
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


def era(
    target: object = None,
    terms: int | None = None,
    fit: str | None = None,
    **coefficients: float | Sequence[float],
) -> Activation:
    r"""An enhanced rational activation (Trimmel et al. 2022), fitted to another activation or with given coefficients.

    .. math:: \phi(x) = a x + b + \sum_i \frac{c_i x + d_i}{(x - e_i)^2 + f_i^2}

    Parameters
    ----------
    target
        What to fit: whatever :func:`activation` understands; "swish" where left out, as its authors advise.
    terms
        Fractions to fit: 1, where left out, or 2.
    fit
        "optimum", where left out: the least sum of squares on linspace(-3, 3, 100000). "authors": where SciPy's dogbox
        method stops from all coefficients 1 on these points, as their code does; it takes up to a minute for 2 terms.
    **coefficients
        Instead of a target: numbers ``a`` and ``b`` and sequences ``c``, ``d``, ``e``, ``f`` of one length, f > 0. Left
        out, a, c and f are 1, and b, d and e are 0. PyTorch's version of ERA adds 1e-6 to each f^2.

    Returns
    -------
    Activation
        Smooth, with phi'' bounded, and like a x + b at both ends. Its ``parameters`` hold all coefficients.

    Raises
    ------
    EocError
        For a target and coefficients, or a target that a polynomial fits better than any of these.

    Notes
    -----
    The optimum is right to the rounding of the sums, 1e-12; it is the best of a search from many poles, which may
    miss a better one of targets that are neither odd nor even but for a multiple of x. Of swish with 2 terms the
    largest error is 1.2e-6, where the authors' method stops at 1e-4 and more.

    A network sees a fit on [-3, 3] only as far as its variances are small: fitted to relu it has no edge of chaos near
    (sqrt(2), 0), where relu has its only one.

    Examples
    --------
    >>> swish = era("swish")
    >>> round(swish.parameters["b"], 6), swish([0.0, 2.0]).round(4).tolist()
    (3.542669, [0.0023, 1.763])
    >>> era(a=0.5, c=[0], d=[-1], f=[2]).formula
    '0.5 * x + (-1) / (x^2 + 2^2)'
    """
    asked = {name: value for name, value in {"target": target, "terms": terms, "fit": fit}.items() if value is not None}
    return _named("era", asked | coefficients)


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

    if is_table(text):
        from_table(text)
    elif _from_name(text, {}) is None and _term(text) is None:
        read(text, Trees(simplified))


def _from_text(text: str, parameters: dict[str, object]) -> Activation:
    if is_table(text) and not parameters:
        return from_table(text)
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
    if _is_name(text):
        return _named(text.strip(), parameters)
    if parameters:
        return _with_values(text, tuple((name, number(name, value)) for name, value in parameters.items()))
    call = _WITH_PARAMETERS.match(text) if len(text) <= _LONGEST else None
    if call is not None:
        return _named(call[1], _keywords(text, call[1], call[2]))
    call = _WITH_NUMBERS.match(text) if len(text) <= _LONGEST else None
    return None if call is None else _with_numbers(call[1], call[2])


def _named(name: str, parameters: dict[str, object]) -> Activation:
    """The one of that name; what it is fitted to may be anything that means an activation."""
    target = parameters.get("target")
    return named(name, **(parameters if target is None else parameters | {"target": activation(target)}))


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


def _keywords(text: str, name: str, arguments: str) -> dict[str, object]:
    """``[-1, 0], alpha=0.5, target=x*tanh(x)`` as a dictionary of numbers, lists of them, and texts for all else."""
    try:
        written = f"f({arguments})"
        call = ast.parse(written, mode="eval").body
        if not isinstance(call, ast.Call) or any(k.arg is None for k in call.keywords):
            raise ValueError
        found = {str(k.arg): _parameter(k.value, written) for k in call.keywords}
        known = canonical(name)
        own = parameters_of(known) if known else [f"{i}" for i in range(len(call.args))]  # of what named refuses
        given = dict(zip(own, (_parameter(value, written) for value in call.args), strict=False))
        if len(given) < len(call.args) or len(found) < len(call.keywords) or given.keys() & found.keys():
            raise ValueError
        return given | found
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        raise EocError(
            f"cannot read the parameters in {text!r}: write them as name=number, e.g. elu(alpha=0.5)"
        ) from None


def _parameter(node: ast.expr, text: str) -> object:
    """The number, tuple or text that is written there; what is no literal is a text without quotes."""
    try:
        return ast.literal_eval(node)
    except ValueError:
        return ast.get_source_segment(text, node) or ""


@once(256)
def _parsed(text: str) -> Activation:
    from eoc.activations.formula import parse

    return replace(parse(text), remake=partial(_parsed, text))


@once(256)
def _with_values(text: str, values: tuple[tuple[str, float], ...]) -> Activation:
    """A formula in x and parameters, with these values: by the name that it has with the numbers written out."""
    from eoc.activations.formula import parse
    from eoc.activations.formula.functions import FUNCTIONS, NAMES

    for name, _ in values:
        if name in NAMES or name in FUNCTIONS or not re.search(rf"\b{name}\b", text):
            what = "has another meaning in formulas" if name in NAMES or name in FUNCTIONS else f"is not in {text!r}"
            raise EocError(f"the parameter {name!r} {what}; the parameters of a formula are names in it besides x")
    found = parse(Definition(text, dict(values), frozenset(), {}).with_values(dict(values)))
    remake = partial(_with_values, text, values)
    return replace(found, parameters=MappingProxyType(dict(values)), template=" ".join(text.split()), remake=remake)


def _from_function(function: Callable[..., object], parameters: dict[str, object]) -> Activation:
    from eoc.activations.argument import object_term
    from eoc.activations.argument.channels import channels
    from eoc.activations.argument.computed import computed
    from eoc.activations.function import from_callable

    unknown = sorted(set(parameters) - {"derivative", "knots", "name", "parity"})
    if unknown:
        raise EocError(f"a function takes derivative=, knots=, name= and parity=; got {unknown[0]}=")
    term = None if parameters else object_term(function)
    if term is not None:
        return _from_text(term, {})
    own = None if parameters else channels(function, activation)
    if own is not None:
        if len(own[0]) > 1:
            raise EocError(
                f"the channels of this {type(function).__name__} have different parameters, so that it is several "
                "activations: maps, phases and whatever takes networks takes it as a mixture of them"
            )
        return own[0][0]
    return computed(function, parameters, activation) or from_callable(function, **parameters)  # type: ignore[arg-type]
