"""Scaled layers, parameterisations, the loss at the start and the temperature of logits."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from piecewise import RECORDS
from scipy.special import logsumexp

from eoc.calibration import cool, expected_loss, temperature
from eoc.errors import EocError
from eoc.scaling import PARAMETERIZATIONS, effective_rate

STEPS = [r for r in RECORDS if r["topic"] == "scaled layer"]
LOGITS = [r for r in RECORDS if r["topic"] == "temperature"]


@pytest.mark.parametrize("r", STEPS, ids=lambda r: r["case"])
def test_published_steps(r: dict[str, Any]) -> None:
    """One step on w1, and one on s w1 with the effective rate."""
    w1, w2, s, x, y, eta = (Fraction(r["parameters"][name]) for name in ("w1", "w2", "s", "x", "y", "eta"))
    by_product = (w2 * s * w1 * x - y) * w2 * x  # of the loss, by s w1
    optimizer = "sign" if "sign" in r["case"] else "sgd"
    scaled = effective_rate(s, optimizer, eta)
    move = by_product if optimizer == "sgd" else Fraction(int(np.sign(by_product)))
    own = s * (w1 - eta * (s * by_product if optimizer == "sgd" else Fraction(int(np.sign(by_product)))))
    assert s * w1 - scaled.rate * move == own == Fraction(r["value"])


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam", "adamw", "sign"])
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_training_with_the_effective_rate_is_training_the_product(optimizer: str, decay: float) -> None:
    """Ten steps of a quadratic loss, of w and of s w, with all moments."""
    s, eta = 3.0, 0.01
    scaled = effective_rate(s, optimizer, eta, decay)
    ends = [
        trained(optimizer, 0.7, lambda w: s * slope(s * w), eta, decay) * s,
        trained(optimizer, 0.7 * s, slope, float(scaled.rate), float(scaled.weight_decay)),
    ]
    assert ends[0] == pytest.approx(ends[1], rel=1e-12)


def slope(w: float) -> float:
    return float(2.0 * (w - 1.0) + np.sin(3.0 * w))


def trained(optimizer: str, w: float, gradient: Any, eta: float, decay: float) -> float:
    first = second = 0.0
    for step in range(1, 11):
        g = gradient(w) + (0.0 if optimizer in ("adamw", "sign") else decay * w)
        if optimizer in ("adamw", "sign"):
            w -= eta * decay * w
        if optimizer in ("adam", "adamw"):
            first, second = 0.9 * first + 0.1 * g, 0.99 * second + 0.01 * g * g
            g = first / (1 - 0.9**step) / np.sqrt(second / (1 - 0.99**step))
        elif optimizer == "momentum":
            first = 0.9 * first + g
            g = first
        elif optimizer == "sign":
            g = np.sign(g)
        w -= eta * g
    return w


def test_parameterisations() -> None:
    hidden = {name: layers["hidden"] for name, layers in PARAMETERIZATIONS.items()}
    assert (hidden["ntk"].plain().b, hidden["ntk"].plain().c) == (Fraction(1, 2), 1)
    assert hidden["standard"].is_same(hidden["mup"])
    assert not hidden["ntk"].is_same(hidden["standard"])  # with the learning rate over the width it is
    assert hidden["ntk"].at(100) == (0.1, 1.0, 1.0)
    for layers in PARAMETERIZATIONS.values():
        for one in layers.values():
            assert one.shifted(Fraction(1, 3), "adam").is_same(one, "adam")
            assert one.a + one.b == one.plain().b
    # s = n^-t in front, by effective_rate: n^-c of the product
    for optimizer in ("sgd", "adam"):
        scale, plain = hidden["ntk"].at(100)[0], hidden["ntk"].plain(optimizer)
        assert effective_rate(scale, optimizer).rate == pytest.approx(plain.at(100)[2])


@pytest.mark.parametrize(
    "r", [r for r in LOGITS if "expected cross-entropy" in r["quantity"]], ids=lambda r: str(r["parameters"])
)
def test_published_losses_at_the_start(r: dict[str, Any]) -> None:
    found = expected_loss(float(r["parameters"]["q"]), r["parameters"]["k"])
    assert abs(found.value - float(r["value"])) <= found.error + 1e-13
    assert found.error < 1e-11


@pytest.mark.parametrize(("q", "k"), [(1e-8, 10), (0.01, 100), (9.0, 3), (400.0, 50)])
def test_losses_at_the_start_beside_samples(q: float, k: int) -> None:
    rng = np.random.default_rng(0)
    drawn = logsumexp(np.sqrt(q) * rng.normal(size=(20000, k)), axis=1)
    found = expected_loss(q, k)
    assert abs(found.value - drawn.mean()) < 4.0 * drawn.std() / np.sqrt(drawn.size) + found.error
    if q < 0.1:
        assert found.value - found.chance == pytest.approx(0.5 * q * (1 - 1 / k), rel=0.02, abs=1e-13)


def test_published_temperature() -> None:
    (r,) = (r for r in LOGITS if "inverse temperature" in r["quantity"])
    found = temperature(r["parameters"]["logits"], r["parameters"]["labels"])
    assert [found.beta, found.loss] == pytest.approx(list(map(float, r["value"])), rel=1e-14)
    assert found.temperature == pytest.approx(1 / found.beta)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(2, 6), st.floats(0.01, 100.0))
def test_no_other_temperature_is_better(seed: int, classes: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    logits, labels = scale * rng.normal(size=(40, classes)), rng.integers(0, classes, 40)
    logits[np.arange(40), labels] += scale * rng.uniform(0.0, 1.0)
    found = temperature(logits, labels)

    def loss(beta: float) -> float:
        return float(np.mean(logsumexp(beta * logits, axis=1) - beta * logits[np.arange(40), labels]))

    assert found.loss == pytest.approx(loss(found.beta), rel=1e-12)
    assert found.before == pytest.approx(loss(1.0), rel=1e-12)
    assert all(
        loss(found.beta * (1 + step) + 1e-3 * step) >= found.loss * (1 - 1e-14)
        for step in (-0.1, -1e-3, 1e-3, 0.1, 1.0)
        if found.beta > 0 or step > 0
    )


def test_logits_that_say_nothing_and_those_that_are_always_right() -> None:
    wrong, right = temperature([[2, 0], [0, 1]], [1, 0]), temperature([[2, 0], [0, 1], [1, 1]], [0, 1, 0])
    assert (wrong.beta, wrong.temperature, wrong.loss) == (0.0, np.inf, pytest.approx(np.log(2)))
    assert (right.beta, right.temperature, right.loss) == (np.inf, 0.0, pytest.approx(np.log(2) / 3))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: effective_rate(0.0), "must not be 0"),
        (lambda: effective_rate(1.0, "adagrad"), "unknown optimizer"),
        (lambda: PARAMETERIZATIONS["ntk"]["input"].at(0.5), "width must be >= 1"),
        (lambda: expected_loss(-1.0, 10), "from 0 to"),
        (lambda: expected_loss(1.0, 0), "classes"),
        (lambda: temperature([[1.0, 2.0]], [2]), "whole numbers from 0 to 1"),
        (lambda: temperature([1.0, 2.0], [0]), r"\(samples, classes\)"),
        (lambda: cool(None, 0.0), "temperature must be > 0"),
    ],
)
def test_what_is_refused(call: Any, message: str) -> None:
    with pytest.raises(EocError, match=message):
        call()
