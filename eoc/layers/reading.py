"""From the text of a network to its items: what Python parses, and only what is listed here."""

from __future__ import annotations

import ast
import difflib
import math
import operator
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from eoc.activations import activation
from eoc.activations.base import Activation
from eoc.activations.definitions import NOT_ELEMENTWISE, key
from eoc.activations.named import canonical
from eoc.errors import EocError, ExpressionError
from eoc.layers.elementwise import surrogate
from eoc.sharing import Lock

__all__ = ["Item", "Layer", "Number", "Numbers", "Series", "constant", "read"]

_MAX_LENGTH = 5000
_MAX_DEPTH = 60
_PARSING = Lock()  # the filters of warnings belong to the process

Numbers = Mapping[str, float]
Number = Callable[[Numbers], float]


@dataclass(frozen=True)
class Layer:
    """A word of the language.

    Attributes
    ----------
    meaning
        What it does, for ``eoc networks``.
    numbers
        Its numbers by name, in order, with their defaults; NaN where there is none.
    items
        What else it takes: "none", "series", "branches", which are two or more, or "surrogate": two activations.
    optional
        Those of its numbers that may be left out together.
    choices
        Words in quotes by name, with those that it knows; the first one is meant where none is given.
    lists
        Numbers in brackets by name, as many as there may be; () where left out.
    """

    meaning: str
    numbers: Numbers = field(default_factory=dict)
    items: str = "none"
    optional: tuple[str, ...] = ()
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    lists: tuple[str, ...] = ()


@dataclass(frozen=True)
class Item:
    """A layer with its numbers and items, or an activation.

    ``fail`` makes the error that points to it; gradients see the slope of ``backward`` in place of that of ``phi``.
    """

    name: str
    numbers: Mapping[str, Number]
    inside: tuple[Series, ...]
    phi: Activation | None
    fail: Callable[[str], ExpressionError]
    backward: Activation | None = None
    choices: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, tuple[Number, ...]] = field(default_factory=dict)


Series = tuple[Item, ...]


def read(text: str, layers: Mapping[str, Layer]) -> tuple[Series, bool]:
    """The items of a text, and whether its numbers depend on l or L outside of what is repeated.

    Raises
    ------
    ExpressionError
        With the column of the first thing that is wrong.
    """
    if len(text) > _MAX_LENGTH:
        problem = f"the network has {len(text)} characters; at most {_MAX_LENGTH} are allowed"
        raise ExpressionError(problem, text, _MAX_LENGTH + 1)
    if not text.strip():
        raise ExpressionError("the network is empty; write layers such as: tanh, dense(1.2)", text, 1)
    text = text.encode(errors="replace").decode()
    reader = _Reader(text, layers)
    return reader.series(_parsed(text).elts, 0), reader.varies


def _parsed(text: str) -> ast.Tuple:
    written = "(" + text.replace("\n", " ").replace("\r", " ") + "\n,)"
    try:
        with _PARSING, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = ast.parse(written, mode="eval").body
    except SyntaxError as error:
        column = min(max((error.offset or 1) - 1, 1), len(text) + 1) if error.lineno == 1 else len(text) + 1
        problem = "numbers by name come last" if "follows keyword" in error.msg else f"this is no network: {error.msg}"
        raise ExpressionError(problem, text, column) from None
    except (RecursionError, MemoryError):
        raise ExpressionError("the network is nested too deeply", text, 1) from None
    except ValueError:
        raise ExpressionError("the network contains a character that cannot be read", text, 1) from None
    if not isinstance(found, ast.Tuple):
        raise ExpressionError("the brackets of this network do not match", text, 1)
    return found


class _Reader:
    def __init__(self, text: str, layers: Mapping[str, Layer]) -> None:
        self.text, self.layers = text, layers
        self.varies, self._repeats = False, 0

    def fail(self, node: ast.AST) -> Callable[[str], ExpressionError]:
        """What makes errors that point to a node."""
        before = ("(" + self.text).encode()[: getattr(node, "col_offset", 1)].decode(errors="replace")
        return lambda problem: ExpressionError(problem, self.text, max(len(before), 1))

    def series(self, nodes: list[ast.expr], depth: int) -> Series:
        return tuple(item for node in nodes for item in self.items(node, depth))

    def items(self, node: ast.expr, depth: int) -> Series:
        """One item, or those in brackets."""
        if depth > _MAX_DEPTH:
            raise self.fail(node)(f"more than {_MAX_DEPTH} networks inside each other")
        if isinstance(node, ast.Tuple):
            return self.series(node.elts, depth + 1)
        if isinstance(node, ast.Name) and node.id in self.layers:
            return (self._layer(node, node.id, [], [], depth),)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in self.layers:
            return (self._layer(node, node.func.id, node.args, node.keywords, depth),)
        return (self._activation(node),)

    def _layer(self, node: ast.expr, name: str, args: list[ast.expr], keywords: list[ast.keyword], depth: int) -> Item:
        layer, fail = self.layers[name], self.fail(node)
        if layer.items == "surrogate":
            return self._surrogate(node, name, args, keywords)
        numbers: dict[str, Number] = {}
        inside = list(args)
        own = list(layer.numbers)
        if layer.items == "none" or name == "repeat":
            count = 1 if name == "repeat" else len(own)
            if layer.items == "none" and len(args) > count:
                has = f"{', '.join(own)}" if own else "no numbers"
                raise fail(f"{name} takes {has}; got {len(args)} things in brackets")
            for parameter, value in zip(own[:count], args, strict=False):
                numbers[parameter] = self.number(value)
            inside = args[count:]
        choices = {word: known[0] for word, known in layer.choices.items()}
        lists: dict[str, tuple[Number, ...]] = dict.fromkeys(layer.lists, ())
        for keyword in keywords:
            if keyword.arg in choices:
                choices[keyword.arg] = self._choice(keyword, layer.choices[keyword.arg])
            elif keyword.arg in lists:
                lists[keyword.arg] = self._list(keyword)
            elif keyword.arg not in layer.numbers or keyword.arg in numbers:
                names = [*own, *choices, *lists]
                known = f"it has {', '.join(names)}" if names else "it has no numbers"
                twice = "is given twice" if keyword.arg in numbers else f"is no number of {name}; {known}"
                raise self.fail(keyword)(f"{keyword.arg or '**'} {twice}")
            else:
                numbers[str(keyword.arg)] = self.number(keyword.value)
        self._complete(name, layer, numbers, fail)
        self._repeats += name == "repeat"
        branches = [self.items(one, depth + 1) for one in inside]
        self._repeats -= name == "repeat"
        if layer.items == "branches":
            if len(branches) < 2:
                raise fail(f"{name} joins two branches or more, each an item or several in brackets: {name}(a, (b, c))")
            return Item(name, numbers, tuple(branches), None, fail)
        if layer.items == "series" and not branches:
            raise fail(f"{name} needs items: {name}({'10, ' if name == 'repeat' else ''}tanh, dense(1))")
        series = tuple(item for branch in branches for item in branch)
        inner = (series,) if layer.items == "series" else ()
        return Item(name, numbers, inner, None, fail, choices=choices, lists=lists)

    def _choice(self, keyword: ast.keyword, known: tuple[str, ...]) -> str:
        """A word in quotes."""
        given = keyword.value
        if isinstance(given, ast.Constant) and given.value in known:
            return str(given.value)
        written = given.id if isinstance(given, ast.Name) else getattr(given, "value", "")
        close = difflib.get_close_matches(str(written), known, 1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise self.fail(keyword.value)(f"{keyword.arg} is one of {', '.join(map(repr, known))}, in quotes{hint}")

    def _list(self, keyword: ast.keyword) -> tuple[Number, ...]:
        """Numbers in brackets."""
        if not isinstance(keyword.value, ast.Tuple | ast.List):
            raise self.fail(keyword.value)(f"{keyword.arg} is a list of numbers in brackets: {keyword.arg}=(1, 2, 1)")
        return tuple(self.number(one) for one in keyword.value.elts)

    def _surrogate(self, node: ast.expr, name: str, args: list[ast.expr], keywords: list[ast.keyword]) -> Item:
        """An activation that goes forward, and the one whose slope gradients see."""
        fail = self.fail(node)
        if len(args) != 2 or keywords:
            raise fail(f"{name} takes two activations: {name}(sign, hardtanh) is sign, with the gradient of hardtanh")
        forward, backward = (self._activation(one) for one in args)
        try:
            seen = surrogate(backward.phi)
        except EocError as error:
            raise backward.fail(str(error)) from None
        return Item(f"{name}({forward.name}, {backward.name})", {}, (), forward.phi, fail, seen)

    def _complete(self, name: str, layer: Layer, numbers: dict[str, Number], fail: Callable[[str], Exception]) -> None:
        """Fill in defaults, and refuse what lacks a number."""
        left_out = layer.optional if numbers.keys().isdisjoint(layer.optional) else ()
        for parameter, default in layer.numbers.items():
            if parameter not in numbers and parameter not in left_out:
                if math.isnan(default):
                    raise fail(f"{name} needs {parameter}: {name}({parameter}=...)")
                numbers[parameter] = constant(default)

    def _activation(self, node: ast.expr) -> Item:
        fail = self.fail(node)
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        else:
            encoded = ("(" + self.text).encode()
            text = encoded[node.col_offset : node.end_col_offset].decode()
        if isinstance(node, ast.Name) and text == "x":
            text = "identity"
        if isinstance(node, ast.Name) and canonical(text) is None and key(text) not in NOT_ELEMENTWISE:
            close = difflib.get_close_matches(text, [*self.layers, *_usual()], 2)
            hint = f"did you mean {' or '.join(map(repr, close))}?" if close else "'eoc networks' lists the layers"
            raise fail(f"{text!r} is no layer and no activation; {hint}")
        if isinstance(node, ast.Starred | ast.Lambda | ast.Await | ast.JoinedStr | ast.List | ast.Dict | ast.Set):
            raise fail("this is neither a layer nor an activation")
        try:
            return Item(text, {}, (), activation(text), fail)
        except ExpressionError as error:
            called = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
            close = difflib.get_close_matches(called, self.layers, 1)
            hint = f"; did you mean the layer {close[0]!r}?" if close else ""
            raise fail(f"{error.problem} (in the activation {text!r}){hint}") from None
        except EocError as error:
            raise fail(str(error)) from None

    def number(self, node: ast.expr) -> Number:
        """A number, written with + - * / **, sqrt, pi, l and L."""
        fail = self.fail(node)
        if isinstance(node, ast.Constant):
            value = node.value
            if isinstance(value, int | float) and not isinstance(value, bool):
                return constant(_applied(float, fail, constant(value))({}))
        if isinstance(node, ast.Name) and node.id in ("l", "L"):
            self.varies |= not self._repeats
            return _given(node.id)
        if isinstance(node, ast.Name) and node.id == "pi":
            return constant(math.pi)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
            return _applied(
                operator.neg if isinstance(node.op, ast.USub) else operator.pos, fail, self.number(node.operand)
            )
        if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
            return _applied(_OPERATORS[type(node.op)], fail, self.number(node.left), self.number(node.right))
        is_root = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "sqrt"
        if is_root and isinstance(node, ast.Call) and len(node.args) == 1 and not node.keywords:
            return _applied(math.sqrt, fail, self.number(node.args[0]))
        raise fail("this is no number; numbers are written with + - * / ** sqrt pi, and l and L of repeated blocks")


_OPERATORS: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: math.pow,
}


def constant(value: float) -> Number:
    """A number that depends on nothing."""
    return lambda given: value


def _given(name: str) -> Number:
    return lambda given: given[name]


def _applied(function: Callable[..., float], fail: Callable[[str], ExpressionError], *parts: Number) -> Number:
    def value(given: Numbers) -> float:
        try:
            return _finite(float(function(*(part(given) for part in parts))), fail)
        except (ArithmeticError, ValueError):
            raise fail("this number is not finite") from None

    return value


def _finite(value: float, fail: Callable[[str], ExpressionError]) -> float:
    if not math.isfinite(value):
        raise fail("this number is not finite")
    return value


def _usual() -> tuple[str, ...]:
    from eoc.activations.named import names

    return names()
