"""Local minima that are not global: published points, what makes them minima, and better points."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from piecewise import RECORDS, drawn

from eoc.errors import EocError
from eoc.regions import SpuriousMinimum, cell, dense, spurious_minimum
from eoc.regions.derivatives import loss_of
from eoc.regions.subsets import reducing

OWN = [r for r in RECORDS if r["topic"] == "spurious minima"]
(DATA,) = (r["value"] for r in OWN if "coefficients" in str(r["value"]))
POINTS = [r for r in OWN if "Hessian" in r["quantity"]]
NAMES = {"relu": "relu", "leaky_relu_0.1": "leaky_relu(slope=0.1)", "hard tanh": "hardtanh"}


def texts(numbers: Any) -> list[list[str]]:
    return [[str(one) for one in row] for row in numbers]


def rank(hessian: Any) -> int:
    return len(reducing(hessian, 0.0 if hessian.dtype == object else 1e-9 * np.abs(hessian).max())[1])


def checked(found: SpuriousMinimum) -> None:
    """The gradient is 0, the Hessian positive semidefinite, its rank as said, the network affine on the data."""
    is_exact = found.network.is_exact
    here = found.derivatives()
    assert here.value == (found.loss if is_exact else pytest.approx(found.loss, rel=1e-9, abs=1e-24))
    size = np.abs(here.hessian).max()
    assert np.abs(here.gradient).max() <= (0 if is_exact else 1e-11 * size)
    assert rank(here.hessian) == found.rank
    assert np.linalg.eigvalsh(here.hessian.astype(float)).min() >= -1e-12 * size
    own = cell(found.network, found.x)
    assert (own.distinct, own.is_affine) == (1, True)


@pytest.mark.parametrize("r", POINTS, ids=lambda r: r["case"].partition(";")[2])
@pytest.mark.parametrize("exact", [True, False])
def test_published_points(r: dict[str, Any], exact: bool) -> None:
    name, depth = r["case"].partition("; ")[2].split(", ")
    x, y = (texts(DATA[part]) if exact else np.array(DATA[part], float) for part in "XY")
    found = spurious_minimum([2] * int(depth.split()[0]), NAMES[name], x, y)
    assert texts(found.fit) == DATA["coefficients"] if exact else True
    loss, own_rank, parameters = r["value"]
    assert float(found.loss) == pytest.approx(float(Fraction(loss)), rel=1e-15)
    assert found.loss == Fraction(loss) if exact else True
    assert (found.rank, found.derivatives().hessian.shape[0]) == (own_rank, parameters)
    given = r["parameters"]
    own = float(found.piece.middle), float(found.piece.slope), float(found.piece.offset)
    assert own == (given["piece_centre"], given["slope"], given["offset"])
    checked(found)
    better = loss_of(found.better(), found.x, found.y).value
    assert better == 0 if exact else better < 1e-20  # relu(x) fits, and the others bend there too
    for factor in (Fraction(1, 3), Fraction(3, 2)):
        other = found.valley(factor if exact else float(factor))
        assert other.step == found.step * (factor if exact else float(factor))
        checked(other)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(
    st.integers(0, 10**6),
    st.sampled_from(["relu", "hardtanh", "spline(knots=(-1, 0.5), slopes=(0.1, 2, -1))"]),
    st.integers(1, 3),
    st.integers(1, 2),
)
def test_no_nearby_point_is_better_but_a_distant_one(seed: int, phi: str, depth: int, outputs: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(9, 3)), rng.normal(size=(9, outputs))
    found = spurious_minimum([outputs + 1] * depth, phi, x, y)
    checked(found)
    layers = [node for node in found.network.nodes if hasattr(node, "weight")]
    for _ in range(30):
        moved = [
            [part + 1e-4 * found.step * rng.normal(size=part.shape) for part in (node.weight, node.bias)]
            for node in layers
        ]
        near = dense([one[0] for one in moved], [one[1] for one in moved], phi)
        assert np.mean((near(x) - y) ** 2) * outputs >= found.loss * (1.0 - 1e-9)
    better = found.better()
    assert [node.units for node in better.nodes] == [node.units for node in found.network.nodes]
    assert float(np.mean((better(x) - y) ** 2)) * outputs < 0.999 * found.loss


def test_derivatives_beside_differences() -> None:
    rng = np.random.default_rng(4)
    net, x, y = drawn(rng, "hardtanh", 1.5, 0.5, 4, 2, 3), rng.normal(size=(5, 3)), rng.normal(size=(5, 2))
    layers = [node for node in net.nodes if hasattr(node, "weight")]
    flat = np.concatenate([np.concatenate([node.weight.ravel(), node.bias]) for node in layers])

    def at(parameters: Any) -> Any:
        weights, biases, first = [], [], 0
        for node in layers:
            for part, out in ((node.weight, weights), (node.bias, biases)):
                out.append(parameters[first : first + part.size].reshape(part.shape))
                first += part.size
        return loss_of(dense(weights, biases, "hardtanh"), x, y)

    here, step = at(flat), 1e-5
    for i in range(flat.size):
        up, down = (at(flat + sign * step * np.eye(flat.size)[i]) for sign in (1, -1))
        assert (up.value - down.value) / (2 * step) == pytest.approx(here.gradient[i], abs=1e-8)
        np.testing.assert_allclose((up.gradient - down.gradient) / (2 * step), here.hessian[:, i], atol=1e-7)


def test_data_of_less_rank_have_a_hessian_of_less_rank() -> None:
    x = [["1", "2"], ["2", "4"], ["3", "6"], ["-1", "-2"]]
    found = spurious_minimum([3, 2], "relu", x, [["1"], ["0"], ["0"], ["2"]])
    assert found.rank == 2
    checked(found)


def test_cells() -> None:
    rng = np.random.default_rng(5)
    net, x = drawn(rng, "relu", 1.5, 0.5, 6, 2, 3), rng.normal(size=(40, 3))
    found = cell(net, x)
    assert found.patterns.shape == (40, 12)
    assert found.distinct > 5
    assert not found.is_affine


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: spurious_minimum(1, "relu", [[1.0]], [[1.0, 2.0]]), "at least the number of outputs, 2"),
        (lambda: spurious_minimum(2, "relu", [[1.0]], [[1.0], [2.0]]), "as many rows"),
        (lambda: spurious_minimum(2, "relu", [[1.0]], [[1.0]], piece=0), r"one of \[1\]"),
        (lambda: spurious_minimum(2, "gelu", [[1.0]], [[1.0]]), "not made of straight lines"),
        (
            lambda: spurious_minimum(1, "relu", [[1.0], [2.0], [4.0]], [[0.0], [1.0], [0.0]]).better(),
            "widths of 2 and more",
        ),
        (lambda: spurious_minimum(2, "relu", [["1"], ["2"]], [["0"], ["1"]]).better(), "no better point"),
        (lambda: spurious_minimum(2, "relu", [["1"], ["2"]], [["0"], ["1"]]).valley(2), "< 2"),
    ],
)
def test_what_is_refused(call: Any, message: str) -> None:
    with pytest.raises(EocError, match=message):
        call()
