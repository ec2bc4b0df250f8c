"""What the tests hold for true: reference values, and Gaussian expectations by mpmath."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import mpmath

from eoc.activations import Activation, activation

MP = mpmath.MPContext()
MP.dps = 40
REFERENCE = Path(__file__).parent / "reference"
_SOURCES = {
    "leaky_relu_0.01": "leaky_relu(slope=0.01)",
    "elu_1": "elu(alpha=1)",
    "softshrink_0.5": "softshrink(threshold=0.5)",
}


def reference(name: str) -> Activation:
    """The activation that the reference files call so."""
    return activation(_SOURCES.get(name, name))


@cache
def rows(file: str) -> tuple[dict[str, Any], ...]:
    return tuple(json.loads(line) for line in (REFERENCE / file).read_text().splitlines())


@cache
def values(quantity: str) -> dict[str, dict[float, Any]]:
    """activation -> q -> value as an mpf."""
    out: dict[str, dict[float, Any]] = {}
    for row in rows("values.jsonl"):
        if row["quantity"] == quantity:
            out.setdefault(row["activation"], {})[float(row["q"])] = MP.mpf(row["value"])
    return out


@cache
def pairs(quantity: str) -> dict[str, tuple[tuple[float, float, Any, Any], ...]]:
    """activation -> (q, q_b, 1 - c, value) of every row, the last two as mpf."""
    out: dict[str, list[tuple[float, float, Any, Any]]] = {}
    for row in rows("values.jsonl"):
        if row["quantity"] == quantity:
            q = float(row["q"])
            one = (q, float(row.get("qb", q)), MP.mpf(row["one_minus_c"]), MP.mpf(row["value"]))
            out.setdefault(row["activation"], []).append(one)
    return {name: tuple(found) for name, found in out.items()}


def expectation(g: Callable[[Any], Any], q: float, knots: Iterable[float] = ()) -> Any:
    """E[g(sqrt(q) Z)] to some 25 digits; g has to be smooth between the knots and to change over scales >= 0.05."""
    s = MP.sqrt(MP.mpf(q))
    ends = sorted({MP.mpf(k) / s for k in knots if abs(k) < 15 * s} | {MP.mpf(z) for z in range(-15, 16)})
    return MP.quad(lambda z: g(s * z) * MP.npdf(z), ends)


def error(got: float, true: Any) -> float:
    """|got - true|, computed in 40 digits."""
    return float(abs(MP.mpf(float(got)) - true))
