"""Random formulas, some of them mistyped: read, and their expectations computed.

Whether the errors are honest is seen without another library: b phi(a x) at q has b^2 times the V and K of phi at
a^2 q, |K| <= V, G = V - K, and D >= 0, each within the errors that are said.
"""

from __future__ import annotations

import random
import re
import time
import traceback
import warnings
from typing import NamedTuple

import numpy as np

import eoc
from eoc.activations.formula.functions import DEFINED, MACROS, PRIMITIVES
from eoc.errors import AccuracyWarning, EocError
from eoc.gaussian.moments import Estimate

from .kind import Kind
from .watch import SILENCE, TooLongError, watched

__all__ = ["KIND"]

_ONE = [*PRIMITIVES, *DEFINED, *(name for name, (counts, _) in MACROS.items() if 1 in counts)]
_TWO = ["max", "min", "leaky_relu", "silu", "elu", "pow"]
_NUMBERS = ["0", "1", "2", "3", "-1", "0.5", "0.1", "1.702", "10", "1e-3", "100", "pi", "e", "7/3"]
_TOKENS = [*"x()+-*/^.,<>=0123456789 eE_", "**", "tan", "exp(", "if", "else", "é", "\n"]
_DEEPEST = 4
_SCALES = [(2.0, 1.0), (0.5, 3.0), (4.0, 0.25), (0.25, 7.0), (1.0, 0.1)]  # a, powers of two: a^2 q is exact; and b
_SEARCHED = 0.2  # of the formulas: so many are solved for, in each of two ways half of them
_EPS = float(np.finfo(float).eps)


class _Place(NamedTuple):
    """Where a formula is tried: variance, correlation, scales, and a number in [0, 1) that decides what else."""

    q: float
    c: float
    a: float
    b: float
    more: float


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
    place = _Place(10.0 ** rng.uniform(-3.0, 3.0), rng.uniform(-1.0, 1.0), *rng.choice(_SCALES), rng.random())
    start = time.process_time()
    problems: list[str] = []
    try:
        with watched(), warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", AccuracyWarning)
            problems = _tried(text, place)
    except KeyboardInterrupt:
        problems = []  # it took long and could be stopped: its time is said below
    except TooLongError:
        problems = ["does not end"]
    except Exception:
        problems = [traceback.format_exc(limit=-3)]
    spent = time.process_time() - start
    return problems + [f"{spent:.1f} s of processor time"] * (spent > SILENCE[0])


def _tried(text: str, place: _Place) -> list[str]:
    q, c, *_, more = place
    try:
        phi = eoc.activation(text)
        found = _pairs(eoc.moments(phi, q, ("M", "V", "D", "P", "gap")))
        problems = [f"D = {found['D'][0]}"] if found["D"][0] < 0.0 else []
        if more < _SEARCHED:
            problems += _searched(phi, more < _SEARCHED / 2.0)
        found |= _pairs(eoc.bivariate(phi, q, c, ("K", "G")))
        problems += _unlike(found)
        if text.isascii():
            problems += _scaled(text, place)
    except EocError as error:
        return _unclear(str(error))
    problems += [f"{k} = {v} +- {error}" for k, (v, error) in found.items() if np.isnan(v) or not error >= 0.0]
    return [f"{problem} at q = {q}, c = {c}" for problem in problems]


def _pairs(estimates: dict[str, Estimate]) -> dict[str, tuple[float, float]]:
    return {name: (float(one.value), float(one.error)) for name, one in estimates.items()}


def _unlike(found: dict[str, tuple[float, float]]) -> list[str]:
    """What cannot be of V, K and G."""
    (v, v_error), (k, k_error), (g, g_error) = (found[name] for name in "VKG")
    problems = []
    if abs(k) > v + v_error + k_error:
        problems.append(f"|K| = {abs(k)!r} +- {k_error} above V = {v!r} +- {v_error}")
    if abs(g - (v - k)) > v_error + k_error + g_error + 4.0 * _EPS * (v + abs(k)):
        problems.append(f"G = {g!r} +- {g_error} is not V - K = {v!r} +- {v_error} - {k!r} +- {k_error}")
    if g < -g_error:
        problems.append(f"G = {g!r} +- {g_error} below 0")
    return problems


def _scaled(text: str, place: _Place) -> list[str]:
    """V and K of b phi(a x) at q against those of phi at a^2 q, where both are computed."""
    q, c, a, b, _ = place
    inner = re.sub(r"\bx\b", f"({a!r}*x)", text)
    of = [(f"{b!r}*({inner})", q, 1.0), (text, a * a * q, b * b)]
    both = []
    for one, variance, size in of:
        phi = eoc.activation(one)
        found = _pairs(eoc.moments(phi, variance, ("V",)) | eoc.bivariate(phi, variance, c, ("K",)))
        both.append({name: (size * value, size * error) for name, (value, error) in found.items()})
    return [
        f"{name} = {both[0][name]} scaled by {a}, {b}, but {both[1][name]}"
        for name in "VK"
        if abs(both[0][name][0] - both[1][name][0])
        > both[0][name][1] + both[1][name][1] + 4.0 * _EPS * abs(both[1]["V"][0])
    ]


def _searched(phi: eoc.Activation, recommended: bool) -> list[str]:
    """What cannot be of the recommended place, or of the edge of chaos."""
    if recommended:
        place = eoc.recommend(phi)
        values = {name: getattr(place, name) for name in ("sigma_w", "sigma_b", "q", "chi_1", "gradient_ratio")}
    else:
        points = eoc.edge_of_chaos(phi, sigma_b=0.1).points
        values = {f"{name} of point {i}": getattr(p, name) for i, p in enumerate(points) for name in ("sigma_w", "q")}
    return [f"{name} = {value}" for name, value in values.items() if not value >= 0.0]


def _unclear(message: str) -> list[str]:
    bad = not message.strip() or re.search(r"Traceback|object at 0x|numpy\.", message)
    return [f"the error says {message!r}"] if bad else []


KIND = Kind("formulas", _draw, _check)
