"""Symmetries of two-layer networks: published cases, and what no change of parameters of one function can alter."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from piecewise import RECORDS

from eoc.errors import EocError
from eoc.regions import TwoLayer, canonical, dense, equivalent, fewest, flips, two_layer
from eoc.regions.model import exactly
from eoc.regions.subsets import factors, subsets
from eoc.regions.symmetry import flipped
from eoc.regions.two_layer import of_network

OWN = [r for r in RECORDS if r["topic"] == "symmetry"]
PAIRS = [r for r in OWN if "first" in r["parameters"]]
ALONE = [r for r in OWN if "first" not in r["parameters"]]


def net(given: dict[str, Any], *, exact: bool = True) -> TwoLayer:
    parts = [given[name] for name in "WbVc"]
    return two_layer(*(parts if exact else (exactly(part).astype(float) for part in parts)))


def texts(numbers: Any) -> list[str]:
    return [str(one) for one in numbers]


@pytest.mark.parametrize("r", PAIRS, ids=lambda r: r["case"])
def test_published_pairs(r: dict[str, Any]) -> None:
    for exact in (True, False):
        first, second = (net(r["parameters"][name], exact=exact) for name in ("first", "second"))
        assert bool(equivalent(first, second)) == r["value"]
        x = np.random.default_rng(0).integers(-9, 9, (20, first.W.shape[1]))
        if exact:
            assert bool((first(x) == second(x)).all()) == r["value"]


@pytest.mark.parametrize("r", ALONE, ids=lambda r: f"{r['case']} {r['quantity'][:10]}")
def test_published_forms_and_flips(r: dict[str, Any]) -> None:
    own = net(r["parameters"])
    if r["quantity"].startswith("subsets"):
        assert list(map(list, flips(own))) == r["value"]
        assert list(map(list, flips(net(r["parameters"], exact=False)))) == r["value"]
        assert all(equivalent(own, flipped(own, some)) for some in flips(own))
        return
    form = canonical(own)
    assert [[texts(h), texts(k)] for h, k in zip(form.hyperplanes, form.kappa, strict=True)] == r["value"][
        "hyperplanes"
    ]
    assert [texts(row) for row in form.A] == r["value"]["A"]
    assert texts(form.B) == r["value"]["B"]


small = st.integers(-2, 2)


@st.composite
def networks(draw: Any) -> TwoLayer:
    n, d, k = draw(st.integers(1, 5)), draw(st.integers(1, 3)), draw(st.integers(1, 2))
    numbers = [draw(st.lists(small, min_size=size, max_size=size)) for size in (n * d, n, k * n, k)]
    W, b, V, c = (exactly(one) for one in numbers)
    return two_layer(W.reshape(n, d), b, V.reshape(k, n), c, draw(st.sampled_from(["relu", "leaky_relu(slope=0.25)"])))


def made(like: TwoLayer, W: Any, b: Any, V: Any, c: Any) -> TwoLayer:
    return TwoLayer(W, b, V, c, like.mu, like.shift)


def rewritten(own: TwoLayer, rng: np.random.Generator) -> TwoLayer:
    """The same function: rescaled, one neuron split in two, a linear term spread over opposite ones, shuffled."""
    scale = exactly(rng.integers(1, 5, own.neurons)) / exactly(rng.integers(1, 5, own.neurons))
    W, b, V = own.W * scale[:, None], own.b * scale, own.V / scale
    W, b = np.concatenate([W, W[:1] * 3]), np.concatenate([b, b[:1] * 3])
    V = np.concatenate([V, V[:, :1] / 6], axis=1)
    V[:, 0] = V[:, 0] / 2
    g, t = exactly(rng.integers(-2, 3, (1, W.shape[1]))), exactly(rng.integers(-2, 3, (1,)))
    y = exactly(rng.integers(-2, 3, (V.shape[0], 1)))
    # y phi(g) - y phi(-g) - (the same in other words) adds nothing
    W, b = np.concatenate([W, g, -g, 2 * g, -2 * g]), np.concatenate([b, t, -t, 2 * t, -2 * t])
    V = np.concatenate([V, y, -y, -y / 2, y / 2], axis=1)
    order = rng.permutation(len(b))
    return made(own, W[order], b[order], V[:, order], own.c)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(networks(), st.integers(0, 10**6))
def test_the_canonical_form_is_that_of_the_function(own: TwoLayer, seed: int) -> None:
    rng = np.random.default_rng(seed)
    other = rewritten(own, rng)
    x = rng.integers(-9, 9, (30, own.W.shape[1]))
    assert (own(x) == other(x)).all()
    first, second = canonical(own), canonical(other)
    for name in ("hyperplanes", "kappa", "A", "B"):
        assert np.array_equal(getattr(first, name), getattr(second, name))
    assert equivalent(own, other)
    kappas = np.abs(x @ first.hyperplanes[:, :-1].T + first.hyperplanes[:, -1])
    assert (kappas @ first.kappa + x @ first.A.T + first.B == own(x)).all()
    floats = [made(one, *(part.astype(float) for part in (one.W, one.b, one.V, one.c))) for one in (own, other)]
    assert equivalent(*floats)
    changed = made(own, own.W, own.b, own.V, own.c + Fraction(1, 7))
    assert not equivalent(changed, other)
    assert "constant" in equivalent(changed, own).reason


@settings(max_examples=30, deadline=None, derandomize=True)
@given(networks(), st.integers(0, 10**6))
def test_no_more_neurons_than_needed(own: TwoLayer, seed: int) -> None:
    found = fewest(rewritten(own, np.random.default_rng(seed)))
    assert equivalent(own, found.network)
    assert found.is_proved
    assert len(canonical(own).kappa) <= found.neurons <= own.neurons
    if own.V.shape[0] == 1:
        assert found.neurons <= len(canonical(own).kappa) + 2


@settings(max_examples=20, deadline=None, derandomize=True)
@given(networks())
def test_flips_are_all_that_leave_the_function(own: TwoLayer) -> None:
    """All subsets are tried."""
    found = set(flips(own))
    for bits in range(2**own.neurons):
        some = tuple(i for i in range(own.neurons) if bits >> i & 1)
        if some in found:
            assert equivalent(own, flipped(own, some))
        else:
            with pytest.raises(EocError, match="is no symmetry: their linear parts"):
                flipped(own, some)


def test_networks_of_several_outputs_may_need_two_further_neurons_for_each_rank() -> None:
    """f = (x0, x1): no kinks, a linear part of rank 2."""
    own = two_layer(
        [[1, 0], [-1, 0], [0, 1], [0, -1], [1, 1], [-1, -1]], None, [["1", -1, 0, 0, 0, 0], [0, 0, 1, -1, 0, 0]]
    )
    found = fewest(own)
    assert (found.neurons, found.is_proved) == (4, True)
    assert equivalent(own, found.network)
    constant = fewest(two_layer([["0", 0]], [3], [[2]], [1]))
    assert (constant.neurons, texts(constant.network.c)) == (0, ["7"])


def test_large_networks_in_doubles() -> None:
    rng = np.random.default_rng(1)
    W, b, V = rng.normal(size=(100, 20)), rng.normal(size=100), rng.normal(size=(4, 100))
    order, scale = rng.permutation(100), rng.uniform(0.1, 10.0, 100)
    first = two_layer(W, b, V)
    second = two_layer((W * scale[:, None])[order], (b * scale)[order], (V / scale)[:, order])
    assert equivalent(first, second)
    V[2, 7] += 1e-6
    reason = equivalent(two_layer(W, b, V), second).reason
    assert reason.startswith("they bend differently where h = 1 x0 + ")
    doubled = two_layer(np.concatenate([W, 2 * W]), np.concatenate([b, 2 * b]), np.concatenate([V, V], axis=1))
    found = fewest(doubled)
    assert (found.neurons, found.is_proved) == (100, True)
    assert equivalent(doubled, found.network)


@pytest.mark.parametrize("size", [1e-9, 1e9])
def test_numbers_of_any_size(size: float) -> None:
    """Opposite neurons on two of five hyperplanes, outputs of any size."""
    rng = np.random.default_rng(3)
    W, b, V = rng.normal(size=(5, 4)), rng.normal(size=5), size * rng.normal(size=(2, 5))
    more = two_layer(
        np.concatenate([W, -W[:2]]), np.concatenate([b, -b[:2]]), np.concatenate([V, 2 * V[:, :2]], axis=1)
    )
    found = fewest(more)
    assert (found.neurons, found.is_proved) == (7, True)
    assert equivalent(more, found.network)
    assert not equivalent(more, two_layer(W, b, V))


def test_abs_needs_no_signs() -> None:
    own = two_layer([[1, 2], ["-1", -2]], [1, -1], [[3, 4]], activation="abs(x)")
    assert fewest(own).neurons == 1
    assert len(flips(own)) == 4


def test_subsets_and_factors() -> None:
    rng = np.random.default_rng(2)
    vectors = rng.integers(-2, 3, (12, 2)).astype(float)
    target = np.array([1.0, -2.0])
    true = [
        some
        for bits in range(2**12)
        for some in [tuple(i for i in range(12) if bits >> i & 1)]
        if (vectors[list(some)].sum(axis=0) == target).all()
    ]
    assert sorted(subsets(vectors, target, 0.0)) == sorted(true)
    matrix = rng.normal(size=(4, 2)) @ rng.normal(size=(2, 5))
    outer, inner = factors(matrix, 1e-12)
    assert inner.shape == (2, 5)
    np.testing.assert_allclose(outer @ inner, matrix, atol=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: two_layer([[1.0]], None, [[1.0]], activation="hardtanh"), "one kink, at 0"),
        (lambda: two_layer([[1.0]], None, [[1.0, 2.0]]), "do not fit"),
        (lambda: of_network(dense([np.eye(2)] * 3)), "one hidden layer"),
        (lambda: flips(two_layer(np.ones((80, 1)), None, np.ones((1, 80)))), "too many to be tried"),
        (lambda: flips(two_layer(np.zeros((20, 1)), None, np.ones((1, 20)))), "more than 65536"),
    ],
)
def test_what_is_refused(call: Any, message: str) -> None:
    with pytest.raises(EocError, match=message):
        call()


def test_different_shapes_are_no_equal_functions() -> None:
    assert (
        "different numbers of inputs"
        in equivalent(two_layer([[1]], None, [[1]]), two_layer([[1, 1]], None, [[1]])).reason
    )
