"""From a formula typed by a user to a tree. Nothing that is typed is ever run: the text is parsed, then whitelisted.

Trees are interned by :class:`Trees`: equal subtrees are the same object, so a tree is a DAG whose size stays linear
under the macros (gelu, elu, ...). Building a node rewrites the forms that overflow or cancel, e.g.
``log(1 + exp(u))`` to ``softplus(u)`` and ``1 + erf(u)`` to ``erfc(-u)``. Everything that is not smooth becomes a
``switch``: ``switch(u, a, b)`` is a where u > 0 (or u >= 0) and b elsewhere.
"""

from __future__ import annotations

import ast
import difflib
import math
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from eoc.errors import ExpressionError

__all__ = ["MAX_LENGTH", "MAX_NESTING", "MAX_NODES", "Node", "Trees", "postorder", "read"]

MAX_LENGTH = 2000  #: characters
MAX_NESTING = 50  #: brackets inside brackets, or signs in a row
MAX_DEPTH = 250  #: levels of the syntax tree (a sum of n terms has n levels)
MAX_EXPONENT = 2.0**31
MAX_NODES = 500  #: names, numbers, operators and calls


@dataclass(frozen=True, eq=False, slots=True)
class Node:
    """One operation. ``constant`` is its value in double precision when it does not depend on x, else None."""

    op: str
    args: tuple[Node, ...] = ()
    value: float = 0.0
    constant: float | None = None


def postorder(*roots: Node) -> list[Node]:
    """Every distinct node below the roots, arguments before users."""
    out: list[Node] = []
    seen: set[Node] = set()
    stack: list[tuple[Node, Iterator[Node]]] = []
    for root in roots:
        if root in seen:
            continue
        seen.add(root)
        stack.append((root, iter(root.args)))
        while stack:
            node, rest = stack[-1]
            child = next((a for a in rest if a not in seen), None)
            if child is None:
                out.append(node)
                stack.pop()
            else:
                seen.add(child)
                stack.append((child, iter(child.args)))
    return out


class Trees:
    """Builds interned nodes, simplifying as it goes.

    Examples
    --------
    >>> t = Trees()
    >>> t.make("log", t.make("add", t.number(1), t.make("exp", t.x))).op
    'softplus'
    """

    def __init__(self) -> None:
        self._table: dict[tuple[object, ...], Node] = {}
        self.x = self._intern("x", (), 0.0)

    def number(self, value: float) -> Node:
        """Make a literal: the nearest double, in every precision."""
        return self._intern("num", (), float(value))

    def make(self, op: str, *args: Node, value: float = 0.0) -> Node:
        """Make the node op(args), simplified."""
        rule = _RULES.get(op)
        simple = rule(self, *args) if rule else None
        if simple is not None:
            return simple
        if op == "switch":
            return self._switch(args, value)
        return self._intern(op, args, value)

    def rebuild(self, node: Node, args: tuple[Node, ...]) -> Node:
        """Apply the same operation to other arguments."""
        return node if args == node.args else self.make(node.op, *args, value=node.value)

    def switch(self, u: Node, a: Node, b: Node, *, strict: bool) -> Node:
        """Make the node that is a where u > 0 (strict) or u >= 0, b elsewhere."""
        return self.make("switch", u, a, b, value=float(strict))

    def _switch(self, args: tuple[Node, ...], strict: float) -> Node:
        u, a, b = args
        if a is b:
            return a
        if u.constant is not None:
            return a if u.constant > 0.0 or (u.constant == 0.0 and not strict) else b
        return self._intern("switch", args, strict)

    def _intern(self, op: str, args: tuple[Node, ...], value: float) -> Node:
        key = (op, value, math.copysign(1.0, value), args)
        node = self._table.get(key)
        if node is None:
            node = self._table[key] = Node(op, args, value, _constant(op, args, value))
        return node


def _constant(op: str, args: tuple[Node, ...], value: float) -> float | None:
    if op == "x" or any(a.constant is None for a in args):
        return None
    from eoc.activations.jets import constant_value

    return constant_value(op, [a.constant for a in args if a.constant is not None], value)


# --- rewriting ----------------------------------------------------------------------------------------------------


def _is(node: Node, value: float) -> bool:
    return node.op == "num" and node.value == value


def _integers(a: Node, b: Node) -> bool:
    return all(n.op == "num" and n.value.is_integer() and abs(n.value) < 2.0**26 for n in (a, b))


def _add(t: Trees, a: Node, b: Node) -> Node | None:
    if _integers(a, b):
        return t.number(a.value + b.value)
    for one, u in ((a, b), (b, a)):
        if _is(one, 0.0):
            return u
        if _is(one, 1.0) and u.op == "erf":
            return t.make("erfc", t.make("neg", u.args[0]))
        if _is(one, 1.0) and u.op == "neg" and u.args[0].op in ("erf", "exp"):
            return t.make("sub", one, u.args[0])
        if _is(one, -1.0) and u.op == "exp":
            return t.make("expm1", *u.args)
    return None


def _sub(t: Trees, a: Node, b: Node) -> Node | None:
    if a is b:
        return t.number(0.0)
    if b.op == "num":
        return t.make("add", a, t.number(-b.value))
    if _is(a, 0.0):
        return t.make("neg", b)
    if _is(a, 1.0) and b.op == "erf":
        return t.make("erfc", *b.args)
    if _is(a, 1.0) and b.op == "exp":
        return t.make("neg", t.make("expm1", *b.args))
    return None


def _neg(t: Trees, a: Node) -> Node | None:
    if a.op == "num":
        return t.number(-a.value)
    return a.args[0] if a.op == "neg" else None


def _mul(t: Trees, a: Node, b: Node) -> Node | None:
    if _integers(a, b):
        return t.number(a.value * b.value)
    for c, u in ((a, b), (b, a)):
        if _is(c, 0.0):
            return t.number(0.0)
        if _is(c, 1.0):
            return u
        if _is(c, -1.0):
            return t.make("neg", u)
    return None


def _div(t: Trees, a: Node, b: Node) -> Node | None:
    if _is(b, 1.0):
        return a
    u = _one_plus_exp(b)
    if u is None:
        return None
    if a.op == "exp" and a.args[0] is u:
        return t.make("sigmoid", u)
    return t.make("mul", a, t.make("sigmoid", t.make("neg", u)))


def _log(t: Trees, a: Node) -> Node | None:
    u = _one_plus_exp(a)
    if u is not None:
        return t.make("softplus", u)
    if a.op == "exp":
        return a.args[0]
    if a.op == "add" and a.constant is None:
        for one, v in (a.args, a.args[::-1]):
            if _is(one, 1.0):
                return t.make("log1p", v)
    return None


def _log1p(t: Trees, a: Node) -> Node | None:
    return t.make("softplus", *a.args) if a.op == "exp" else None


def _pow(t: Trees, a: Node, b: Node) -> Node | None:
    if a.op == "e":
        return t.make("exp", b)
    if b.constant is None:
        return t.make("exp", t.make("mul", b, t.make("log", a)))
    if b.constant.is_integer() and abs(b.constant) < MAX_EXPONENT:
        if b.constant == 0.0:
            return t.number(1.0)
        return a if b.constant == 1.0 else t.make("powi", a, value=b.constant)
    return t.make("sqrt", a) if b.constant == 0.5 else None


def _one_plus_exp(node: Node) -> Node | None:
    """Return u if the node is 1 + exp(u)."""
    if node.op == "add":
        for one, e in (node.args, node.args[::-1]):
            if _is(one, 1.0) and e.op == "exp":
                return e.args[0]
    return None


_RULES: dict[str, Callable[..., Node | None]] = {
    "add": _add,
    "sub": _sub,
    "neg": _neg,
    "mul": _mul,
    "div": _div,
    "log": _log,
    "log1p": _log1p,
    "pow": _pow,
}

# --- functions a formula may call ---------------------------------------------------------------------------------


def _max(t: Trees, a: Node, b: Node) -> Node:
    return t.switch(t.make("sub", a, b), a, b, strict=True)


def _min(t: Trees, a: Node, b: Node) -> Node:
    return t.switch(t.make("sub", a, b), b, a, strict=True)


def _clip(t: Trees, u: Node, low: Node, high: Node) -> Node:
    return _min(t, _max(t, u, low), high)


def _abs(t: Trees, u: Node) -> Node:
    return t.switch(u, u, t.make("neg", u), strict=True)


def _sign(t: Trees, u: Node) -> Node:
    below = t.switch(t.make("neg", u), t.number(-1), t.number(0), strict=True)
    return t.switch(u, t.number(1), below, strict=True)


def _relu(t: Trees, u: Node) -> Node:
    return t.switch(u, u, t.number(0), strict=True)


def _leaky_relu(t: Trees, u: Node, slope: Node | None = None) -> Node:
    return t.switch(u, u, t.make("mul", slope or t.number(0.01), u), strict=True)


def _elu(t: Trees, u: Node, alpha: Node | None = None) -> Node:
    return t.switch(u, u, t.make("mul", alpha or t.number(1), t.make("expm1", u)), strict=True)


def _selu(t: Trees, u: Node) -> Node:
    scale, alpha = t.number(1.0507009873554804934193349852946), t.number(1.6732632423543772848170429916717)
    return t.make("mul", scale, _elu(t, u, alpha))


def _silu(t: Trees, u: Node, beta: Node | None = None) -> Node:
    return t.make("mul", u, t.make("sigmoid", t.make("mul", beta or t.number(1), u)))


_CALLS: dict[str, tuple[tuple[int, ...], Callable[..., Node]]] = {
    "heaviside": ((1,), lambda t, u: t.switch(u, t.number(1), t.number(0), strict=False)),
    "abs": ((1,), _abs),
    "sign": ((1,), _sign),
    "relu": ((1,), _relu),
    "relu6": ((1,), lambda t, u: _clip(t, u, t.number(0), t.number(6))),
    "hardtanh": ((1,), lambda t, u: _clip(t, u, t.number(-1), t.number(1))),
    "leaky_relu": ((1, 2), _leaky_relu),
    "elu": ((1, 2), _elu),
    "selu": ((1,), _selu),
    "silu": ((1, 2), _silu),
    "swish": ((1, 2), _silu),
    "gelu": ((1,), lambda t, u: t.make("mul", u, t.make("Phi", u))),
    "mish": ((1,), lambda t, u: t.make("mul", u, t.make("tanh", t.make("softplus", u)))),
    "softsign": ((1,), lambda t, u: t.make("div", u, t.make("add", t.number(1), _abs(t, u)))),
    "sech": ((1,), lambda t, u: t.make("div", t.number(1), t.make("cosh", u))),
    "max": ((2,), _max),
    "min": ((2,), _min),
    "clip": ((3,), _clip),
    "pow": ((2,), lambda t, u, v: t.make("pow", u, v)),
}
_PRIMITIVES = {
    **{n: n for n in ("exp", "expm1", "log", "log1p", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh")},
    **{n: n for n in ("arcsin", "arccos", "arctan", "arcsinh", "erf", "erfc", "sigmoid", "softplus", "Phi")},
    **{"ln": "log", "asin": "arcsin", "acos": "arccos", "atan": "arctan", "asinh": "arcsinh"},
    **{"logistic": "sigmoid", "expit": "sigmoid"},
}
_FUNCTIONS = (*_PRIMITIVES, *_CALLS, "where")
_NAMES = ("x", "pi", "e")
_BINARY = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div", ast.Pow: "pow"}
_REFUSED = {
    ast.Attribute: "attributes (a dot after a name) are not allowed",
    ast.Lambda: "lambda is not allowed",
    ast.NamedExpr: "':=' is not allowed",
    ast.JoinedStr: "strings are not allowed",
    ast.Subscript: "square brackets are not allowed",
    ast.Starred: "'*' before an argument is not allowed",
    ast.Tuple: "a comma is allowed only between the arguments of a function",
}

# --- text to tree -------------------------------------------------------------------------------------------------


def read(text: str, trees: Trees) -> Node:
    """Read the tree of a formula.

    Raises
    ------
    ExpressionError
        If the text is not a formula in x, with the column of the first thing that is wrong.
    """
    if len(text) <= MAX_LENGTH:
        text = text.encode(errors="replace").decode()  # lone surrogates cannot be printed
    _screen(text)
    clean = re.sub(r"\s", " ", text)
    offset = len(clean) - len(clean.lstrip())
    body = clean[offset:]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parsed = ast.parse(body, mode="eval").body
    except SyntaxError as error:
        raise _syntax_error(error, text, body, offset) from None
    except (RecursionError, MemoryError):
        raise ExpressionError("the formula is nested too deeply", text, offset + 1) from None
    except ValueError:
        raise ExpressionError("the formula contains a character that cannot be read", text, offset + 1) from None
    _check_size(parsed, text, offset + 1)
    tree = _Walker(text, body.encode(), offset, trees).expression(parsed)
    if tree.constant is not None:
        raise ExpressionError(
            "the formula does not depend on x; an activation is a function of x, such as tanh(x)", text, offset + 1
        )
    return tree


def _screen(text: str) -> None:
    if len(text) > MAX_LENGTH:
        raise ExpressionError(
            f"the formula has {len(text)} characters; at most {MAX_LENGTH} are allowed", text, MAX_LENGTH + 1
        )
    if not text.strip():
        raise ExpressionError("the formula is empty; write a function of x such as tanh(x)", text, 1)
    depth = signs = 0
    for column, c in enumerate(text, 1):
        if c == "^":
            raise ExpressionError("'^' is not a power; write ** instead, for example x**2", text, column)
        if c in "'\"":
            raise ExpressionError("strings are not allowed", text, column)
        if c in "#\\;" or (not c.isprintable() and not c.isspace()):
            raise ExpressionError(f"the character {c!r} is not allowed", text, column)
        depth += (c in "([{") - (c in ")]}")
        signs = signs + 1 if c in "+-~" else signs if c.isspace() else 0
        if max(depth, signs) > MAX_NESTING:
            what = "brackets" if depth > MAX_NESTING else "signs"
            raise ExpressionError(f"more than {MAX_NESTING} nested {what}", text, column)


_NUMBER_THEN_NAME = re.compile(r"(?<![\w.])((?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)[ ]*([A-Za-z_]\w*)")
_TWO_OPERANDS = re.compile(r"[\w.)][ ]+(?=[\w(])|\)(?=\w)")
_WORDS = re.compile(r"\b(if|else|and|or|not|in|is|for|lambda)\b")


def _syntax_error(error: SyntaxError, text: str, body: str, offset: int) -> ExpressionError:
    stopped = error.offset or 0
    column = offset + (min(stopped, len(body) + 1) if stopped > 0 else len(body.rstrip()) + 1)
    for match in _NUMBER_THEN_NAME.finditer(body):
        number, name = match.groups()
        if not _WORDS.fullmatch(name):
            return ExpressionError(f"to multiply, write {number}*{name}", text, offset + match.start(2) + 1)
    for match in _TWO_OPERANDS.finditer(_WORDS.sub(lambda m: "+" * len(m[0]), body)):
        return ExpressionError("an operator is missing here; to multiply, write *", text, offset + match.end() + 1)
    problem = {"invalid syntax": "this is not a formula"}.get(error.msg, error.msg)
    return ExpressionError(problem, text, column)


def _check_size(root: ast.AST, text: str, column: int) -> None:
    count, level = 0, [root]
    for _ in range(MAX_DEPTH):
        count += sum(isinstance(n, ast.expr) for n in level)
        if count > MAX_NODES:
            raise ExpressionError(f"the formula has more than {MAX_NODES} parts", text, column)
        level = [c for n in level for c in ast.iter_child_nodes(n)]
        if not level:
            return
    raise ExpressionError(f"the formula is nested more than {MAX_DEPTH} levels deep", text, column)


class _Walker:
    """Syntax tree -> Node, admitting only what is listed above."""

    def __init__(self, text: str, body: bytes, offset: int, trees: Trees) -> None:
        self.text, self.body, self.offset, self.t = text, body, offset, trees

    def error(self, problem: str, node: ast.AST) -> ExpressionError:
        start = self.body[: getattr(node, "col_offset", 0)].decode(errors="replace")
        return ExpressionError(problem, self.text, self.offset + len(start) + 1)

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
        if node.id == "x":
            return self.t.x
        if node.id in _NAMES:
            return self.t.make(node.id)
        if node.id in _FUNCTIONS:
            raise self.error(f"'{node.id}' is a function; write {node.id}(x)", node)
        hint = _suggest(node.id, _NAMES + _FUNCTIONS)
        raise self.error(f"unknown name '{node.id:.30}'{hint}; the variable is x", node)

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
            raise self.error("the operators are + - * / and **", node)
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
        if not isinstance(node.func, ast.Name):
            if isinstance(node.func, ast.Attribute):
                raise self.error(_REFUSED[ast.Attribute], node.func)
            raise self.error("only a named function can be called; to multiply, write *", node)
        name = node.func.id
        if name in _NAMES:
            raise self.error(f"'{name}' is not a function; to multiply, write {name}*(...)", node)
        if name not in _FUNCTIONS:
            raise self.error(f"unknown function '{name:.30}'{_suggest(name, _FUNCTIONS)}", node)
        for keyword in node.keywords:
            raise self.error("arguments are given without names", keyword)
        for arg in node.args:
            if isinstance(arg, ast.Starred):
                raise self.error(_REFUSED[ast.Starred], arg)
        allowed = (3,) if name == "where" else (1,) if name in _PRIMITIVES else _CALLS[name][0]
        if len(node.args) not in allowed:
            plural = "argument" if allowed == (1,) else "arguments"
            counts = " or ".join(map(str, allowed))
            raise self.error(f"{name} takes {counts} {plural}, not {len(node.args)}", node)
        if name == "where":
            return self.condition(node.args[0], *(self.expression(n) for n in node.args[1:]))
        args = [self.expression(n) for n in node.args]
        return self.t.make(_PRIMITIVES[name], *args) if name in _PRIMITIVES else _CALLS[name][1](self.t, *args)


def _suggest(name: str, known: tuple[str, ...]) -> str:
    for k in known:
        if sorted(k) == sorted(name.lower()):
            return f"; did you mean '{k}'?"
    close = difflib.get_close_matches(name[:30], known, n=1, cutoff=0.6)
    lowered = difflib.get_close_matches(name[:30].lower(), known, n=1, cutoff=0.6)
    return f"; did you mean '{(close or lowered)[0]}'?" if close or lowered else ""
