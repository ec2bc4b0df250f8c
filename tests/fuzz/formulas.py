"""Random formulas, some of them mistyped: read, and their expectations computed."""

from __future__ import annotations

import random
import re
import time
import traceback
import warnings

import numpy as np

import eoc
from eoc.activations.formula.functions import DEFINED, MACROS, PRIMITIVES
from eoc.errors import AccuracyWarning, EocError

from .kind import Kind
from .watch import SILENCE, TooLongError, watched

__all__ = ["KIND"]

_ONE = [*PRIMITIVES, *DEFINED, *(name for name, (counts, _) in MACROS.items() if 1 in counts)]
_TWO = ["max", "min", "leaky_relu", "silu", "elu", "pow"]
_NUMBERS = ["0", "1", "2", "3", "-1", "0.5", "0.1", "1.702", "10", "1e-3", "100", "pi", "e", "7/3"]
_TOKENS = [*"x()+-*/^.,<>=0123456789 eE_", "**", "tan", "exp(", "if", "else", "é", "\n"]
_DEEPEST = 4


def _draw(rng: random.Random) -> str:
    text = _formula(rng, rng.randint(1, _DEEPEST))
    return _mistyped(rng, text) if rng.random() < 0.15 else text


def _formula(rng: random.Random, depth: int) -> str:
    if depth == 0:
        return "x" if rng.random() < 0.75 else _number(rng)

    def inner() -> str:
        return _formula(rng, rng.randrange(depth))

    make = (
        lambda: f"{rng.choice(_ONE)}({_formula(rng, depth - 1)})",
        lambda: f"({inner()} {rng.choice('+-**/')} {inner()})",
        lambda: f"({inner()})**{rng.choice(['2', '3', '-1', '0.5', '1.5', '-2', '4'])}",
        lambda: f"{rng.choice(_TWO)}({inner()}, {inner()})",
        lambda: f"where({inner()} {rng.choice(['<', '<=', '>', '>='])} {inner()}, {inner()}, {inner()})",
        lambda: f"({inner()} if {inner()} > {inner()} else {inner()})",
    )
    return rng.choices(make, (40, 35, 8, 5, 6, 6))[0]()


def _number(rng: random.Random) -> str:
    return rng.choice(_NUMBERS) if rng.random() < 0.7 else f"{rng.gauss(0.0, 10.0 ** rng.randint(-1, 1)):.3g}"


def _mistyped(rng: random.Random, text: str) -> str:
    for _ in range(rng.randint(1, 3)):
        i, j = sorted(rng.randrange(len(text) + 1) for _ in range(2))
        change = rng.choices(("drop", "insert", "cut"), (2, 2, 1))[0]
        text = text[:i] + {"drop": text[i + 1 :], "insert": rng.choice(_TOKENS) + text[i:], "cut": text[j:]}[change]
    return text


def _check(text: str) -> list[str]:
    rng = random.Random(text)
    q, c = 10.0 ** rng.uniform(-3.0, 3.0), rng.uniform(-1.0, 1.0)
    start = time.process_time()
    problems: list[str] = []
    try:
        with watched(), warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", AccuracyWarning)
            problems = _tried(text, q, c)
    except KeyboardInterrupt:
        problems = []  # it took long and could be stopped: its time is said below
    except TooLongError:
        problems = ["does not end"]
    except Exception:
        problems = [traceback.format_exc(limit=-3)]
    spent = time.process_time() - start
    return problems + [f"{spent:.1f} s of processor time"] * (spent > SILENCE[0])


def _tried(text: str, q: float, c: float) -> list[str]:
    try:
        phi = eoc.activation(text)
        found = {name: (e.value, e.error) for name, e in eoc.moments(phi, q, ("M", "V", "D", "P", "gap")).items()}
    except EocError as error:
        return _unclear(str(error))
    return [
        f"{name} = {value} +- {error} at q = {q}"
        for name, (value, error) in found.items()
        if np.isnan(value) or not error >= 0.0
    ]


def _unclear(message: str) -> list[str]:
    bad = not message.strip() or re.search(r"Traceback|object at 0x|numpy\.", message)
    return [f"the error says {message!r}"] if bad else []


KIND = Kind("formulas", _draw, _check)
