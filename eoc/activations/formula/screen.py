"""Limits on what is typed, checked before and after Python parses it, and what is said where it cannot."""

from __future__ import annotations

import ast
import re

from eoc.errors import ExpressionError

__all__ = ["MAX_LENGTH", "Typed", "check_size", "check_text", "syntax_error"]

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
        if c in _TYPESET:
            raise ExpressionError(f"the character {c!r} is not allowed; write {_TYPESET[c]}", text, column)
        if c in "'\"":
            raise ExpressionError("strings are not allowed", text, column)
        if c in "#\\;" or (not c.isprintable() and not c.isspace()):
            raise ExpressionError(f"the character {c!r} is not allowed", text, column)
        depth += (c in "([{") - (c in ")]}")
        signs = signs + 1 if c in "+-~" else signs if c.isspace() else 0
        if max(depth, signs) > MAX_NESTING:
            what = "brackets" if depth > MAX_NESTING else "signs"
            raise ExpressionError(f"more than {MAX_NESTING} nested {what}", text, column)


_TYPESET = {"²": "^2", "³": "^3", "·": "*", "\u00d7": "*", "\u2212": "-", "\u2013": "-", "÷": "/"}  # times, minus, dash
_TYPESET |= {"√": "sqrt(...)", "π": "pi", "∞": "a number"}


class Typed:
    """What was typed, and the same as Python writes it: ``body`` begins with its first character and has ** for ^."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._offset = len(text) - len(text.lstrip())
        written = re.sub(r"\s", " ", text[self._offset :])
        self.body = written.replace("^", "**")
        self._carets = [m.start() + i for i, m in enumerate(re.finditer(r"\^", written))]

    def error(self, problem: str, index: int) -> ExpressionError:
        """Return the error for what stands at an index of ``body``."""
        return ExpressionError(problem, self.text, self._offset + index - sum(c < index for c in self._carets) + 1)


_NUMBER_THEN_NAME = re.compile(r"(?<![\w.])((?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)[ ]*([A-Za-z_]\w*)")
_TWO_OPERANDS = re.compile(r"[\w.)][ ]+(?=[\w(])|\)(?=\w)")
_WORDS = re.compile(r"\b(if|else|and|or|not|in|is|for|lambda)\b")


def syntax_error(error: SyntaxError, typed: Typed) -> ExpressionError:
    """Explain why Python cannot parse the body."""
    body = typed.body
    end = len(body.rstrip())
    stopped = min(error.offset - 1, len(body)) if error.offset else end
    for match in _NUMBER_THEN_NAME.finditer(body):
        number, name = match.groups()
        if not _WORDS.fullmatch(name):
            return typed.error(f"to multiply, write {number}*{name}", match.start(2))
    for match in _TWO_OPERANDS.finditer(_WORDS.sub(lambda m: "+" * len(m[0]), body)):
        return typed.error("an operator is missing here; to multiply, write *", match.end())
    if error.msg == "invalid syntax":
        return typed.error("something is missing here" if stopped >= end else "this is not a formula", stopped)
    return typed.error(error.msg, stopped)


def check_size(root: ast.AST, typed: Typed) -> None:
    """Refuse a syntax tree with too many parts or levels."""
    count, level = 0, [root]
    for _ in range(MAX_DEPTH):
        count += sum(isinstance(n, ast.expr) for n in level)
        if count > MAX_NODES:
            raise typed.error(f"the formula has more than {MAX_NODES} parts", 0)
        level = [c for n in level for c in ast.iter_child_nodes(n)]
        if not level:
            return
    raise typed.error(f"the formula is nested more than {MAX_DEPTH} levels deep", 0)
