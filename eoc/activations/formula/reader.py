"""From text to a tree. Nothing that is typed is ever run: Python parses it, then only what is listed here passes."""

from __future__ import annotations

import ast
import difflib
import math
import warnings
from collections.abc import Mapping
from functools import cache

from eoc.activations.formula.functions import DEFINED, FUNCTIONS, MACROS, NAMES, PRIMITIVES, called
from eoc.activations.formula.rewrite import MAX_EXPONENT
from eoc.activations.formula.screen import MAX_LENGTH, Typed, check_size, check_text, syntax_error
from eoc.activations.formula.tree import Node, Trees
from eoc.errors import ExpressionError
from eoc.sharing import Lock

__all__ = ["read"]

_PARSING = Lock()  # the filters of warnings belong to the process: two threads would restore each other's

_BINARY = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div", ast.Pow: "pow"}
_NONE: Mapping[str, Node] = {}
_REFUSED = {
    ast.Attribute: "attributes (a dot after a name) are not allowed",
    ast.Lambda: "lambda is not allowed",
    ast.NamedExpr: "':=' is not allowed",
    ast.JoinedStr: "strings are not allowed",
    ast.Subscript: "square brackets are not allowed",
    ast.Starred: "'*' before an argument is not allowed",
    ast.Tuple: "a comma is allowed only between the arguments of a function",
}


def read(text: str, trees: Trees, parameters: Mapping[str, Node] = _NONE) -> Node:
    """Read the tree of a formula; of one that names ``parameters`` besides x the size is not looked at.

    Raises
    ------
    ExpressionError
        If the text is not a formula in x, with the column of the first thing that is wrong.
    """
    if len(text) <= MAX_LENGTH:
        text = text.encode(errors="replace").decode()  # lone surrogates cannot be printed
    typed = Typed(text)
    if not parameters:
        check_text(text)
    parsed = _parsed(typed)
    if not parameters:
        check_size(parsed, typed)
    tree = _Walker(typed, trees, {"x": trees.x, **parameters}).expression(parsed)
    if tree.constant is not None:
        raise typed.error("the formula does not depend on x; an activation is a function of x, such as tanh(x)", 0)
    return tree


def _parsed(typed: Typed) -> ast.expr:
    try:
        with _PARSING, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(typed.body, mode="eval").body
    except SyntaxError as error:
        raise syntax_error(error, typed) from None
    except (RecursionError, MemoryError):
        raise typed.error("the formula is nested too deeply", 0) from None
    except ValueError:
        raise typed.error("the formula contains a character that cannot be read", 0) from None


@cache
def _definition(name: str) -> tuple[Typed, ast.expr]:
    typed = Typed(DEFINED[name].formula)
    return typed, _parsed(typed)


class _Walker:
    """Syntax tree -> Node, admitting only what is listed above and ``names``."""

    def __init__(self, typed: Typed, trees: Trees, names: Mapping[str, Node]) -> None:
        self.typed, self.t, self.names = typed, trees, names

    def error(self, problem: str, node: ast.AST) -> ExpressionError:
        start = self.typed.body.encode()[: getattr(node, "col_offset", 0)].decode(errors="replace")
        return self.typed.error(problem, len(start))

    def expression(self, node: ast.AST) -> Node:
        visit = getattr(self, "_" + type(node).__name__.lower(), None)
        if visit is None:
            default = f"{type(node).__name__} is not allowed in a formula"
            raise self.error(_REFUSED.get(type(node), default), node)
        out: Node = visit(node)
        if out.constant is not None and not math.isfinite(out.constant):
            raise self.error("this constant is too large or undefined", node)
        return out

    def _constant(self, node: ast.Constant) -> Node:
        if type(node.value) not in (int, float):
            raise self.error(f"{node.value!r:.30} is not a number that can be used here", node)
        try:
            value = float(node.value)  # type: ignore[arg-type]
        except OverflowError:
            value = math.inf
        if math.isinf(value):
            raise self.error("this number is too large", node)
        return self.t.number(value)

    def _name(self, node: ast.Name) -> Node:
        if node.id in self.names:
            return self.names[node.id]
        if node.id in NAMES:
            return self.t.make(node.id)
        if called(node.id) in FUNCTIONS:
            raise self.error(f"'{node.id}' is a function; write {node.id}(x)", node)
        hint = _suggest(node.id, NAMES + FUNCTIONS)
        raise self.error(f"unknown name '{node.id:.30}'{hint or '; the variable is x'}", node)

    def _unaryop(self, node: ast.UnaryOp) -> Node:
        if isinstance(node.op, ast.Not):
            return self.condition(node, self.t.number(1), self.t.number(0))
        if isinstance(node.op, ast.Invert):
            raise self.error("'~' is not allowed", node)
        inner = self.expression(node.operand)
        return inner if isinstance(node.op, ast.UAdd) else self.t.make("neg", inner)

    def _binop(self, node: ast.BinOp) -> Node:
        op = _BINARY.get(type(node.op))
        if op is None:
            raise self.error("the operators are + - * / and ^ (or **)", node)
        a, b = self.expression(node.left), self.expression(node.right)
        if op == "div" and b.constant == 0.0:
            raise self.error("division by zero", node.right)
        if op == "pow" and abs(b.constant or 0.0) >= MAX_EXPONENT:
            raise self.error("this exponent is too large", node.right)
        return self.t.make(op, a, b)

    def _compare(self, node: ast.Compare) -> Node:
        return self.condition(node, self.t.number(1), self.t.number(0))

    def _boolop(self, node: ast.BoolOp) -> Node:
        return self.condition(node, self.t.number(1), self.t.number(0))

    def _ifexp(self, node: ast.IfExp) -> Node:
        return self.condition(node.test, self.expression(node.body), self.expression(node.orelse))

    def condition(self, node: ast.AST, a: Node, b: Node) -> Node:
        """Make the node that is a where the condition holds, b elsewhere."""
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return self.condition(node.operand, b, a)
        if isinstance(node, ast.BoolOp):
            for part in reversed(node.values):
                if isinstance(node.op, ast.And):
                    a = self.condition(part, a, b)
                else:
                    b = self.condition(part, a, b)
            return a if isinstance(node.op, ast.And) else b
        if not isinstance(node, ast.Compare):
            raise self.error("a condition such as x > 0 is needed here", node)
        operands = [self.expression(n) for n in (node.left, *node.comparators)]
        for i in reversed(range(len(node.ops))):
            u, strict = self._comparison(node, node.ops[i], operands[i], operands[i + 1])
            a = self.t.switch(u, a, b, strict=strict)
        return a

    def _comparison(self, node: ast.Compare, op: ast.cmpop, u: Node, v: Node) -> tuple[Node, bool]:
        """Return a node that is positive where the comparison holds, and whether 0 is left out."""
        if isinstance(op, ast.Lt | ast.LtE):
            u, v = v, u
        elif not isinstance(op, ast.Gt | ast.GtE):
            raise self.error("the comparisons are <, <=, > and >=", node)
        return self.t.make("sub", u, v), isinstance(op, ast.Lt | ast.Gt)

    def _call(self, node: ast.Call) -> Node:
        name = self._function(node)
        if name == "where":
            return self.condition(node.args[0], *(self.expression(n) for n in node.args[1:]))
        args = [self.expression(n) for n in node.args]
        if name in DEFINED:
            return self._defined(name, args, {str(k.arg): self.expression(k.value) for k in node.keywords})
        return self.t.make(PRIMITIVES[name], *args) if name in PRIMITIVES else MACROS[name][1](self.t, *args)

    def _defined(self, name: str, args: list[Node], keywords: dict[str, Node]) -> Node:
        """Make the formula of a named activation, with an expression for x."""
        typed, parsed = _definition(name)
        defaults = DEFINED[name].parameters
        values = {n: self.t.number(value) for n, value in defaults.items()}
        given = dict(zip(("x", *defaults), args, strict=False))
        return _Walker(typed, self.t, values | keywords | given).expression(parsed)

    def _function(self, node: ast.Call) -> str:
        """Return the name of the function that is called, rightly."""
        if not isinstance(node.func, ast.Name):
            if isinstance(node.func, ast.Attribute):
                raise self.error(_REFUSED[ast.Attribute], node.func)
            raise self.error("only a named function can be called; to multiply, write *", node)
        name = called(node.func.id)
        if name in NAMES:
            raise self.error(f"'{name}' is not a function; to multiply, write {name}*(...)", node)
        if name not in FUNCTIONS:
            raise self.error(f"unknown function '{name:.30}'{_suggest(name, FUNCTIONS)}", node)
        for arg in node.args:
            if isinstance(arg, ast.Starred):
                raise self.error(_REFUSED[ast.Starred], arg)
        own = tuple(DEFINED[name].parameters) if name in DEFINED else ()
        for keyword in node.keywords:
            if keyword.arg not in own[len(node.args) - 1 :] or not node.args:
                has = f"parameters are {', '.join(own)}, after x" if own else "arguments are given without names"
                raise self.error(has, keyword)
        allowed = (
            range(1, len(own) + 2) if own else (3,) if name == "where" else MACROS[name][0] if name in MACROS else (1,)
        )
        if len(node.args) not in allowed:
            plural = "argument" if tuple(allowed) == (1,) else "arguments"
            counts = " or ".join(map(str, allowed))
            raise self.error(f"{name} takes {counts} {plural}, not {len(node.args)}", node)
        return name


def _suggest(name: str, known: tuple[str, ...]) -> str:
    for k in known:
        if sorted(k) == sorted(name.lower()):
            return f"; did you mean '{k}'?"
    close = difflib.get_close_matches(name[:30], known, n=1, cutoff=0.6)
    lowered = difflib.get_close_matches(name[:30].lower(), known, n=1, cutoff=0.6)
    return f"; did you mean '{(close or lowered)[0]}'?" if close or lowered else ""
