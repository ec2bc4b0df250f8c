"""Softmax weights of random scores: reference values, closed forms in mpmath, identities, draws, bad input."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import mpmath
import numpy as np
import pytest
from truth import rows

from eoc.errors import EocError
from eoc.gaussian.moments import Estimate
from eoc.gaussian.softmax import overlap, separation, squares

RECORDS = rows("attention.jsonl")
SIZES, SPREADS = (2, 3, 64, 10**6), (1e-12, 1e-3, 0.3, 4.0)


def close(found: Estimate, value: float, within: float) -> None:
    """Right to ``within``, and no farther off than is claimed."""
    assert abs(float(found.value) - value) <= within * abs(value)
    assert abs(float(found.value) - value) <= float(found.error) + 1e-14 * abs(value)


@pytest.mark.parametrize("row", [r for r in RECORDS if r["quantity"] == "E sum A^2"], ids=lambda r: str(r["T"]))
def test_published_participation(row: dict[str, Any]) -> None:
    close(squares(int(row["T"]), float(row["s2"])), float(row["value"]), 1e-12)


@pytest.mark.parametrize("row", [r for r in RECORDS if r["quantity"] in ("a_T", "b_T")], ids=lambda r: r["quantity"])
def test_published_weights_of_attention_layers(row: dict[str, Any]) -> None:
    e = 1.0 - float(row["c"])
    spread = float(row["beta2"]) * float(row["q"]) ** 2 * e
    found = squares(int(row["T"]), spread) if row["quantity"] == "a_T" else overlap(int(row["T"]), spread, e)
    close(found, float(row["value"]), 1e-12)


@pytest.mark.parametrize("spread", [1e-6, 0.7, 50.0])
def test_squares_of_two_tokens_are_those_of_a_logistic_function(spread: float) -> None:
    """a = 2 E sigma(d)^2, Var d = 2 s^2."""
    with mpmath.workdps(25):
        s = mpmath.sqrt(2 * spread)
        value = mpmath.quad(lambda z: 2 / (1 + mpmath.exp(-s * z)) ** 2 * mpmath.npdf(z), mpmath.linspace(-12, 12, 25))
    close(squares(2, spread), float(value), 1e-12)


@pytest.mark.parametrize("tokens", SIZES)
@pytest.mark.parametrize("spread", SPREADS)
def test_distances_and_squares_add_up(tokens: int, spread: float) -> None:
    """Queries that are independent share 1/T: a - 1/T is an integral of its own."""
    apart, whole = separation(tokens, spread, 1.0), squares(tokens, spread)
    assert abs(float(whole.value - apart.value) * tokens - 1.0) <= float(whole.error + apart.error) * tokens + 1e-15
    both = overlap(tokens, spread, 0.6)  # from r = 0; the other way from r = 1
    other = float(whole.value - separation(tokens, spread, 0.6).value)
    assert abs(float(both.value) - other) <= float(both.error + whole.error) + 1e-13 * other


@pytest.mark.parametrize("tokens", SIZES)
def test_queries_that_are_nearly_one(tokens: int) -> None:
    """To first order s^2 (1 - r)(T - 1)/T^2, however small."""
    first = (tokens - 1) / tokens**2
    for spread, e in ((1e-50, 1e-50), (1e-20, 1.0), (1e-15, 1e-3)):
        close(separation(tokens, spread, e), spread * e * first, 1e-11)


def test_opposite_queries_of_two_tokens() -> None:
    """A_1 B_1 + A_2 B_2 at r = -1 is 2 E sigma(d) (1 - sigma(d)) = 1 - a."""
    for spread in (3.0, 20.0):
        whole, both = squares(2, spread), overlap(2, spread, 2.0)
        assert abs(float(both.value) - (1.0 - float(whole.value))) <= float(both.error + whole.error)


@pytest.mark.parametrize(("tokens", "spread", "r"), [(5, 4.0, 0.6), (40, 9.0, 0.95), (3, 1.0, -0.4)])
def test_weights_are_those_of_draws(tokens: int, spread: float, r: float) -> None:
    rng, count = np.random.default_rng(3), 40_000
    z = rng.standard_normal((2, count, tokens))
    both = np.exp(math.sqrt(spread) * np.stack([z[0], r * z[0] + math.sqrt(1.0 - r * r) * z[1]]))
    a, b = both / both.sum(axis=2, keepdims=True)
    for found, seen in (
        (squares(tokens, spread), (a * a).sum(axis=1)),
        (separation(tokens, spread, 1.0 - r), 0.5 * ((a - b) ** 2).sum(axis=1)),
        (overlap(tokens, spread, 1.0 - r), (a * b).sum(axis=1)),
    ):
        assert abs(float(found.value) - seen.mean()) <= 4.0 * seen.std() / math.sqrt(count)


def test_one_token_has_all_the_weight() -> None:
    assert float(squares(1, 3.0).value) == pytest.approx(1.0, abs=1e-14)
    assert float(separation(1, 3.0, 0.5).value) == 0.0


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        (partial(squares, 0, 1.0), "tokens must be a whole number >= 1, got 0"),
        (partial(squares, 2, -1.0), "variance from 0 to 10000, got -1"),
        (partial(overlap, 2, 200.0, 0.5), "variance from 0 to 100, got 200"),
        (partial(separation, 2, 1.0, 2.5), "1 - r must be from 0 to 2"),
    ],
)
def test_what_is_out_of_range_is_refused(call: Any, problem: str) -> None:
    with pytest.raises(EocError, match=problem):
        call()
