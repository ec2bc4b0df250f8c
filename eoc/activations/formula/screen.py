"""Limits on what is typed, checked before and after Python parses it, and what is said where it cannot."""

from __future__ import annotations

import ast
import re

from eoc.errors import ExpressionError

__all__ = ["MAX_LENGTH", "check_size", "check_text", "syntax_error"]

MAX_LENGTH = 2000  #: characters
MAX_NESTING = 50  #: brackets inside brackets, or signs in a row
MAX_DEPTH = 250  #: levels of the syntax tree (a sum of n terms has n levels)
MAX_NODES = 500  #: names, numbers, operators and calls


def check_text(text: str) -> None:
    """Refuse what is too long, nested too deeply, or has a character that no formula has."""
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


def syntax_error(error: SyntaxError, text: str, body: str, offset: int) -> ExpressionError:
    """Explain why Python cannot parse ``body``, the text without its first ``offset`` characters."""
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


def check_size(root: ast.AST, text: str, column: int) -> None:
    """Refuse a syntax tree with too many parts or levels."""
    count, level = 0, [root]
    for _ in range(MAX_DEPTH):
        count += sum(isinstance(n, ast.expr) for n in level)
        if count > MAX_NODES:
            raise ExpressionError(f"the formula has more than {MAX_NODES} parts", text, column)
        level = [c for n in level for c in ast.iter_child_nodes(n)]
        if not level:
            return
    raise ExpressionError(f"the formula is nested more than {MAX_DEPTH} levels deep", text, column)
