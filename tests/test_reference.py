"""Expectations beside all records of values.jsonl: honest bounds, accuracy, named exceptions, the table itself."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pytest
from truth import MP, error, expectation, reference, rows, values

from eoc.gaussian.bivariate import bivariate
from eoc.gaussian.moments import moments

SINGLE, PAIRED = ("V", "D", "S", "M"), ("K", "Kd", "G", "K2")

#: How far off a value may be, as a share of its size (see `Compared`), and how large its bound may be.
ACCURACY = {"V": 2e-13, "D": 2e-13, "S": 2e-13, "M": 2e-13, "K": 5e-14, "Kd": 5e-14, "K2": 5e-14, "G": 1e-11}
TIGHTNESS = {"V": 1e-12, "D": 1e-12, "S": 1e-12, "M": 2e-12, "K": 1e-12, "Kd": 1e-12, "K2": 1e-12, "G": 1e-11}

#: Ten digits of the value itself are promised, by its bound, everywhere but here, where it is a difference of terms
#: of the size of V (of D for Kd) that cancel: (quantity, activation, 1 - c) and the variances, or () for all three.
CANCELLING: dict[tuple[str, str, str], tuple[str, ...]] = {
    **{("K", name, "1"): () for name in ("tanh", "erf", "hardtanh", "sin", "sign", "softshrink_0.5", "identity")},
    **{("K", name, e): () for name in ("relu", "relu6") for e in ("1.999", "2")},  # the supports hardly meet
    **{("Kd", name, "2"): () for name in ("relu", "relu6")},
    **{("Kd", name, "1"): () for name in ("gaussian", "abs")},  # phi' is odd
    ("K", "selu", "1"): ("1",),  # E[selu(Z)] = 0: so are its constants chosen
    ("M", "selu", ""): ("1",),
}


class Compared(NamedTuple):
    """A value of the package beside its record."""

    record: tuple[str, str, str, str]  # quantity, activation, 1 - c, q
    off: float  # |value - true|
    bound: float  # as reported
    rounding: float  # how much the value moves from the decimal 1 - c to the nearest double
    true: float
    size: float  # V, D, S and G: the value; M: sqrt(V); K, Kd, K2: V of the larger variance, at least 1


def record_of(row: dict[str, Any]) -> tuple[str, str, str, str]:
    q = row["q"] if row.get("qb", row["q"]) == row["q"] else f"{row['q']}, {row['qb']}"
    return row["quantity"], row["activation"], row.get("one_minus_c", ""), q


def rounding_of_input(name: str, key: str, q: float, q_b: float, e: Any) -> float:
    near = float(e) * np.array([1.0 - 1e-4, 1.0 + 1e-4])
    two = bivariate(reference(name), q, q_b=q_b, one_minus_c=near, names=(key,))[key].value
    return float(abs(np.diff(two)[0])) / (near[1] - near[0]) * error(float(e), e)


@cache
def compared(quantity: str, name: str) -> tuple[Compared, ...]:
    own = [row for row in rows("values.jsonl") if (row["quantity"], row["activation"]) == (quantity, name)]
    q, q_b = (np.array([float(row.get(key, row["q"])) for row in own]) for key in ("q", "qb"))
    if quantity in SINGLE:
        found = moments(reference(name), q, (quantity,))[quantity]
    else:
        key, e = quantity.removesuffix("2"), [MP.mpf(row["one_minus_c"]) for row in own]
        found = bivariate(reference(name), q, q_b=q_b, one_minus_c=np.array(e, float), names=(key,))[key]
        variances = moments(reference(name), np.maximum(q, q_b), ("V",))["V"].value.clip(1.0)
    out = []
    for i, row in enumerate(own):
        true = MP.mpf(row["value"])
        off, bound, rounding, size = error(found.value[i], true), float(found.error[i]), 0.0, float(abs(true))
        if quantity == "M":
            size = float(MP.sqrt(values("V")[name][q[i]]))
        elif quantity in ("K", "Kd", "K2"):
            size = float(variances[i])
        if quantity in PAIRED and off > bound:
            rounding = rounding_of_input(name, key, q[i], q_b[i], e[i])
        out.append(Compared(record_of(row), off, bound, rounding, float(abs(true)), size))
    return tuple(out)


def everything() -> list[Compared]:
    return [one for quantity, name in TABLES for one in compared(quantity, name)]


TABLES = sorted({(row["quantity"], row["activation"]) for row in rows("values.jsonl")})
tables = pytest.mark.parametrize(("quantity", "name"), TABLES)
NOTHING = 1e-299  # twice the bound of what is exactly 0, and more


# --- values and bounds -----------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("error")
@tables
def test_bounds_are_honest(quantity: str, name: str) -> None:
    """Everywhere, and without a tolerance."""
    assert [one for one in compared(quantity, name) if not one.off <= one.bound + one.rounding] == []


@tables
def test_values_are_accurate(quantity: str, name: str) -> None:
    bar = ACCURACY[quantity]
    assert [one for one in compared(quantity, name) if not one.off <= bar * one.size + NOTHING] == []


@tables
def test_bounds_are_tight(quantity: str, name: str) -> None:
    bar = TIGHTNESS[quantity]
    assert [one for one in compared(quantity, name) if not one.bound <= bar * one.size + NOTHING] == []


def exceptions() -> set[tuple[str, str, str, str]]:
    return {(*key, q) for key, named in CANCELLING.items() for q in named or ("0.05", "1", "6.3")}


def test_ten_digits_are_promised_but_for_named_exceptions() -> None:
    """Each that is named is there and fails, none fails that is not named: the list cannot rot."""
    assert {one.record for one in everything() if not one.bound <= 1e-10 * one.true + NOTHING} == exceptions()


def test_eleven_digits_are_there_but_for_named_exceptions() -> None:
    failing = {one.record for one in everything() if not one.off <= 1e-11 * one.true + one.rounding + NOTHING}
    assert failing <= exceptions()


# --- the table itself ------------------------------------------------------------------------------------------------


def test_no_record_stands_twice_and_none_is_missing() -> None:
    found = Counter(record_of(row) for row in rows("values.jsonl"))
    assert [record for record, times in found.items() if times > 1] == []
    counts = Counter(quantity for quantity, *_ in found)
    assert counts == {"V": 144, "D": 144, "M": 144, "S": 80, "K": 540, "Kd": 540, "G": 648, "K2": 108}


def test_what_is_written_twice_in_a_record_is_the_same() -> None:
    for row in rows("values.jsonl"):
        assert len(row["value"].lstrip("-0.").split("e")[0].replace(".", "")) <= row["digits"] + 1
        if "one_minus_c" in row:
            assert Decimal(row["c"]) == 1 - Decimal(row["one_minus_c"])


def uncertainty(row: dict[str, Any]) -> Any:
    """Of the last digit of a record."""
    return MP.mpf(10) ** (1 - row["digits"]) * abs(MP.mpf(row["value"]))


def test_distances_are_those_of_the_variances_and_covariances() -> None:
    """G = V - K."""
    by_record = {record_of(row): row for row in rows("values.jsonl")}
    checked = 0
    for (quantity, name, e, q), row in by_record.items():
        three = [row, by_record.get(("K", name, e, q)), by_record.get(("V", name, "", q))]
        if quantity == "G" and all(three):
            g, k, v = (MP.mpf(one["value"]) for one in three)
            assert abs(v - k - g) <= sum(uncertainty(one) for one in three), row
            checked += 1
    assert checked > 150


CLOSED = {
    ("V", "relu"): lambda q: q / 2,
    ("D", "leaky_relu_0.01"): lambda _: (1 + MP.mpf("0.0001")) / 2,
    ("V", "erf"): lambda q: 2 / MP.pi * MP.asin(2 * q / (1 + 2 * q)),  # Williams (1997)
    ("D", "erf"): lambda q: 4 / MP.pi / MP.sqrt(1 + 4 * q),
    ("V", "sin"): lambda q: -MP.expm1(-2 * q) / 2,
    ("S", "sin"): lambda q: -MP.expm1(-2 * q) / 2,
    ("M", "gaussian"): lambda q: 1 / MP.sqrt(1 + 2 * q),
    ("K", "erf"): lambda q, c: 2 / MP.pi * MP.asin(2 * q * c / (1 + 2 * q)),
    ("Kd", "sin"): lambda q, c: MP.exp(-q) * MP.cosh(q * c),
    ("G", "abs"): lambda q, c: q - 2 * q / MP.pi * (MP.sqrt((1 - c) * (1 + c)) + c * MP.asin(c)),
}


@pytest.mark.parametrize(("quantity", "name"), CLOSED)
def test_records_are_their_closed_forms(quantity: str, name: str) -> None:
    own = [row for row in rows("values.jsonl") if (row["quantity"], row["activation"]) == (quantity, name)]
    assert own
    with MP.workdps(90):
        for row in own:
            q, e = MP.mpf(row["q"]), row.get("one_minus_c")
            true = CLOSED[quantity, name](q, *([] if e is None else [1 - MP.mpf(e)]))
            assert abs(MP.mpf(row["value"]) - true) <= uncertainty(row) + MP.mpf("1e-80"), row


@pytest.mark.parametrize(
    ("quantity", "name", "phi"),
    [
        ("V", "softplus", lambda x: MP.log1p(MP.exp(x)) ** 2),
        ("M", "silu", lambda x: x / (1 + MP.exp(-x))),
        ("D", "tanh", lambda x: MP.sech(x) ** 4),
    ],
)
def test_records_are_expectations(quantity: str, name: str, phi: Any) -> None:
    """By another quadrature."""
    for q in (0.5, 1.0):
        assert abs(expectation(phi, q) / values(quantity)[name][q] - 1) <= 1e-22
