"""Kernels of wide networks: reference values, invariants, what is refused."""

from __future__ import annotations

import json
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import eoc
from eoc.errors import EocError, UnsupportedError
from eoc.gaussian.bivariate import bivariate
from eoc.kernels import Kernel, kernel_diagonals

ROWS = list(map(json.loads, (Path(__file__).parent / "reference" / "kernels.jsonl").read_text().splitlines()))
CASES: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
for _row in ROWS:
    _about = {k: v for k, v in _row.items() if k not in ("quantity", "value", "digits", "how", "topic")}
    CASES[tuple(f"{k}={v}" for k, v in _about.items())].append(_row)
SCHEMES = {"const": "1", "L^-1/2": "1/sqrt(L)"}
PLACES = {"11": (0, 0), "12": (0, 1), "22": (1, 1)}


def _number(row: dict[str, Any], name: str) -> float:
    return float(row[name])


@cache
def kernel_of(case: tuple[str, ...]) -> Kernel:
    row = CASES[case][0]
    phi, depth = row["activation"], int(row["L"])
    if row["case"] == "NNGP and NTK":
        gram = [[_number(row, "S11"), _number(row, "S12")], [_number(row, "S12"), _number(row, "S22")]]
        sigmas = {"sigma_w": _number(row, "sw2") ** 0.5, "sigma_b": _number(row, "sb2") ** 0.5}
        return eoc.kernel(phi, gram=gram, depth=depth, **sigmas)
    e = 1.0 - _number(row, "c0")
    if row["case"] == "residual NTK":
        last = f"dense({_number(row, 'sw2') ** 0.5!r}, {_number(row, 'sb2') ** 0.5!r})"
        first = f"dense({_number(row, 's1w2') ** 0.5!r}, {_number(row, 's1b2') ** 0.5!r}), "
        branch = f"{'' if row['block'] == 'one' else first}{phi}, {last}"
        network = f"residual({branch}, scale={row['mu']}*{SCHEMES[row['scheme']]})"
        return eoc.kernel(network, q=[_number(row, "qa")] * 2, one_minus_c=e, depth=depth)
    if row["case"] == "condition number":
        sigmas = {"sigma_w": _number(row, "sw2") ** 0.5, "sigma_b": _number(row, "sb2") ** 0.5}
        found = eoc.VarianceMap(phi, **sigmas).fixed_points
        q = 1.0 if sigmas["sigma_b"] == 0.0 and phi == "relu" else max(p.q for p in found)
        return eoc.kernel(phi, q=[q] * int(row["inputs"]), one_minus_c=e, depth=depth, **sigmas)
    point = eoc.edge_of_chaos(phi, sigma_b=_number(row, "sb")).best
    q = 1.0 if point.any_q else point.q
    sigmas = {"sigma_w": point.sigma_w, "sigma_b": point.sigma_b}
    return eoc.kernel(phi, q=[q] * 2, one_minus_c=e, depth=depth, **sigmas)


def values(row: dict[str, Any], found: Kernel) -> tuple[float, float]:
    """What was computed for a record, and the bound on its error."""
    name = row["quantity"]
    if name == "T12/T11":
        ratio = found.ntk[0, 1] / found.ntk[0, 0]
        return ratio, ratio * float((found.ntk_error / found.ntk)[0].sum())
    if name == "T11/q":
        return found.ntk[0, 0] / found.nngp[0, 0], 1e-11 * found.ntk[0, 0]
    if name == "1-c":
        return found.one_minus_c[0, 1], found.one_minus_c_error[0, 1]
    if name.startswith("kappa"):
        spectrum = found.spectrum("nngp" if "NNGP" in name else "ntk")
        least, number = spectrum.eigenvalues[-1], spectrum.condition_number
        return number, number * spectrum.error * (1.0 / least + 1.0 / spectrum.eigenvalues[0]) * 1.01
    matrix, error = (found.nngp, found.nngp_error) if name[0] == "K" else (found.ntk, found.ntk_error)
    return matrix[PLACES[name[1:]]], error[PLACES[name[1:]]]


RECORDS = [(case, row) for case, rows in CASES.items() for row in rows if row["quantity"] != "chi_1"]


def _name(one: Any) -> str:
    return one["quantity"] if isinstance(one, dict) else " ".join(one)


@pytest.mark.parametrize(("case", "row"), RECORDS, ids=_name)
def test_published_kernels(case, row):
    got, error = values(row, kernel_of(case))
    true = float(row["value"])
    assert abs(got - true) <= error + 1e-15 * abs(true)
    assert got == pytest.approx(true, rel=1e-11)


def test_vectors_a_gram_matrix_and_two_sets_give_the_same():
    x = np.random.default_rng(0).standard_normal((5, 7))
    place = {"depth": 3, "sigma_w": 1.3, "sigma_b": 0.2}
    whole = eoc.kernel("tanh", x, **place)
    gram = eoc.kernel("tanh", gram=x @ x.T / 7, **place)
    parts = eoc.kernel("tanh", x[:2], x[2:], **place)
    for name in ("nngp", "ntk"):
        matrix = getattr(whole, name)
        np.testing.assert_allclose(matrix, matrix.T, rtol=0, atol=0)
        np.testing.assert_allclose(getattr(gram, name), matrix, rtol=1e-12)
        np.testing.assert_allclose(getattr(parts, name), matrix[:2, 2:], rtol=1e-12)
    assert not parts.symmetric


def test_inputs_that_are_nearly_the_same_keep_their_distance():
    x = np.array([1.0, 2.0, 3.0])
    close = np.stack([x, x * (1.0 + 1e-9) + np.array([1e-9, 0.0, 0.0])])
    found = eoc.kernel("erf", close, depth=0, sigma_w=1.0)
    a, b = (row / np.linalg.norm(row) for row in close)
    assert found.one_minus_c[0, 1] == pytest.approx(0.5 * float(np.square(a - b).sum()), rel=1e-6)
    assert found.one_minus_c_error[0, 1] < 1e-6 * found.one_minus_c[0, 1] + 3e-23


NETWORKS = (
    "relu",
    "erf",
    "residual(relu, dense(1))",
    "layernorm, relu, dense(1.4)",
    "relu, dropout(0.2), dense(1)",
)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), network=st.sampled_from(NETWORKS))
def test_kernels_are_positive_semidefinite_and_of_permuted_inputs_permuted(seed, network):
    rng = np.random.default_rng(seed)
    x, order = rng.standard_normal((4, 6)), rng.permutation(4)
    sigmas = {} if "dense" in network else {"sigma_w": 1.4, "sigma_b": 0.1}
    found, turned = (eoc.kernel(network, one, depth=2, **sigmas) for one in (x, x[order]))
    for name in ("nngp", "ntk"):
        matrix = getattr(found, name)
        assert np.linalg.eigvalsh(matrix)[0] > -1e-12 * np.trace(matrix)
        np.testing.assert_allclose(getattr(turned, name), matrix[np.ix_(order, order)], rtol=1e-11)


def test_noise_raises_the_diagonal_alone():
    x = np.eye(3) * 3**0.5
    plain, noisy = (eoc.kernel(f"relu, {noise}dense(sqrt(2))", x, depth=1) for noise in ("", "dropout(0.5), "))
    assert noisy.nngp[0, 0] == pytest.approx(2.0 * plain.nngp[0, 0])
    assert noisy.nngp[0, 1] == pytest.approx(plain.nngp[0, 1])
    assert noisy.ntk[0, 1] == pytest.approx(plain.ntk[0, 1])
    assert noisy.ntk[0, 0] == pytest.approx(2.0 * plain.ntk[0, 0])


def test_spectra():
    found = eoc.kernel("relu", np.eye(4) * 2.0, depth=1, sigma_w=2**0.5)
    a, b = found.nngp[0, 0], found.nngp[0, 1]
    spectrum = found.spectrum("nngp")
    np.testing.assert_allclose(spectrum.eigenvalues, [a + 3 * b, a - b, a - b, a - b], rtol=1e-12)
    assert found.condition_number("nngp") == pytest.approx((a + 3 * b) / (a - b))
    assert 1.0 < spectrum.effective_dimension < 4.0
    twice = eoc.kernel("relu", np.ones((2, 3)), depth=1, sigma_w=2**0.5).spectrum()
    assert twice.is_singular
    assert twice.condition_number == np.inf
    assert 0.0 < twice.jitter < 1e-12 * twice.eigenvalues[0] * 10


def test_saved_and_loaded(tmp_path):
    found = eoc.kernel("residual(relu, dense(1))", np.eye(2), depth=2)
    found.save(tmp_path / "kernel.npz")
    again = Kernel.load(tmp_path / "kernel.npz")
    assert (again.network, again.sigma_w, again.depth, again.symmetric) == (found.network, None, 2, True)
    assert (again.ntk == found.ntk).all()
    assert found.to_xarray()["ntk"].dims == ("input", "input2")
    (tmp_path / "other.npz").write_bytes(b"nothing")
    with pytest.raises(EocError, match="holds no kernel"):
        Kernel.load(tmp_path / "other.npz")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"x1": [[1.0, np.nan]]}, "row 0 of x1 is not finite"),
        ({"x1": [[1.0, 2.0], [0.0, 0.0]]}, "row 1 of x1 is zero"),
        ({"x1": [1.0, 2.0]}, "vectors as rows"),
        ({"x1": np.eye(2), "x2": np.eye(3)}, "x1 has 2 features and x2 3"),
        ({"x1": np.eye(2), "gram": np.eye(2)}, "in one way"),
        ({"x2": np.eye(2), "gram": np.eye(2)}, "x2 goes with x1"),
        ({}, "in one way"),
        ({"gram": [[1.0, 2.0], [2.0, 1.0]]}, "not positive semidefinite"),
        ({"gram": [[1.0, 0.9, -0.9], [0.9, 1.0, 0.9], [-0.9, 0.9, 1.0]]}, "eigenvalue -0.8, and no inputs"),
        ({"one_minus_c": [[0.0, 0.1, 1.9], [0.1, 0.0, 0.1], [1.9, 0.1, 0.0]]}, "not positive semidefinite"),
        ({"q": [1.0, -1.0], "one_minus_c": 0.5}, "variances > 0"),
        ({"q": [1.0, 1.0]}, "needs one_minus_c"),
        ({"one_minus_c": [[0.0, 3.0], [3.0, 0.0]]}, "from 0 to 2"),
        ({"x1": np.eye(2), "depth": 1.5}, "depth"),
        ({"x1": np.eye(2), "depth": 10**6}, "20000"),
    ],
)
def test_what_is_no_input_is_refused(given, message):
    with pytest.raises(EocError, match=message):
        eoc.kernel("relu", **{"depth": 1, "sigma_w": 1.0, **given})


def test_networks_that_are_not_gaussian_are_refused_with_the_reason():
    with pytest.raises(UnsupportedError, match="neither Gaussian"):
        eoc.kernel("residual(dense(1), relu), tanh, dense(1)", np.eye(2), depth=2)
    with pytest.raises(EocError, match="sigma_w must be a number"):
        eoc.kernel("relu", np.eye(2), depth=2)
    with pytest.raises(UnsupportedError, match="jumps"):
        _ = eoc.kernel("sign", np.eye(2), depth=2, sigma_w=1.0)


def test_a_bias_gives_vectors_of_length_0_a_direction():
    x = np.array([[0.0, 0.0], [1.0, 2.0]])
    found = eoc.kernel("relu", x, depth=1, sigma_w=1.3, sigma_b=0.4)
    closed = eoc.kernel("relu", gram=1.3**2 * x @ x.T / 2.0 + 0.4**2, depth=1, sigma_w=1.0)
    np.testing.assert_allclose(found.nngp[0, 1], 1.3**2 * closed.nngp[0, 1] + 0.4**2, rtol=1e-13)


def test_lengths_that_differ_by_rounding_are_one():
    x = np.random.default_rng(0).standard_normal((20, 5))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    assert np.unique(np.diag(eoc.kernel("tanh", x, depth=2, sigma_w=1.5).nngp)).size == 1


def test_diagonals_are_those_of_the_matrices():
    x = np.random.default_rng(0).standard_normal((3, 5))
    for options in ({}, {"parameterization": "standard", "width": 64, "biases": False}):
        place = {"depth": 2, "sigma_w": 1.5, "sigma_b": 0.1, **options}
        found = eoc.kernel("relu", x, **place)
        nngp, ntk = kernel_diagonals("relu", x, **place)
        np.testing.assert_allclose(nngp, np.diag(found.nngp), rtol=1e-13)
        np.testing.assert_allclose(ntk, np.diag(found.ntk), rtol=1e-13)


@pytest.mark.parametrize("biases", [True, False])
@pytest.mark.parametrize("sigma_b", [0.0, 0.3])
def test_the_standard_parameterisation_is_that_of_neural_tangents(biases, sigma_b):
    """Theta' = width k + 1 + sigma_w^2 Kd Theta, of the arc-cosine kernel."""
    x, width, sigma_w = np.random.default_rng(0).standard_normal((4, 3)), 100.0, 1.3
    options = {"parameterization": "standard", "width": width, "biases": biases}
    found = eoc.kernel("relu", x, depth=3, sigma_w=sigma_w, sigma_b=sigma_b, **options)
    s = x @ x.T / 3.0
    k, theta = sigma_b**2 + sigma_w**2 * s, 3.0 * s + biases
    for _ in range(3):
        size = np.sqrt(np.outer(np.diag(k), np.diag(k)))
        c = np.where(np.eye(4) > 0.0, 1.0, k / size)
        angle = np.arccos(c)
        after = size * (np.sin(angle) + (np.pi - angle) * c) / (2.0 * np.pi)
        theta = width * after + biases + sigma_w**2 * (np.pi - angle) / (2.0 * np.pi) * theta
        k = sigma_b**2 + sigma_w**2 * after
    np.testing.assert_allclose(found.ntk, theta, rtol=1e-12)
    assert (np.abs(found.ntk - theta) <= found.ntk_error + 1e-13 * theta).all()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"parameterization": "mup"}, "'ntk' or 'standard'"),
        ({"parameterization": "standard"}, "width must be"),
        ({"width": 10}, "does not depend on it"),
        ({"parameterization": "standard", "width": 10, "x1": None, "gram": np.eye(2)}, "inputs as vectors"),
    ],
)
def test_parameterisations_that_are_none_are_refused(given, message):
    with pytest.raises(EocError, match=message):
        eoc.kernel("relu", **{"x1": np.eye(2), "depth": 1, "sigma_w": 1.0, **given})


@pytest.mark.parametrize("network", ["gelu", "clip(x, -0.5, 1)", "residual(silu, dense)"])
def test_many_inputs_of_different_lengths_give_what_two_give(network):
    """Few pairs are integrated over the plane, many come from tables: within the bounds of both."""
    x = np.random.default_rng(1).standard_normal((6, 3))
    x[1] = 1.001 * x[0]
    place = {"depth": 1, "sigma_w": 1.3, "sigma_b": 0.2}
    whole = eoc.kernel(network, x, **place)
    for a, b in ((0, 1), (0, 3), (2, 5)):
        two = eoc.kernel(network, x[[a, b]], **place)
        for name in ("nngp", "ntk", "one_minus_c"):
            got, error = getattr(whole, name)[a, b], getattr(whole, f"{name}_error")[a, b]
            exact, off = getattr(two, name)[0, 1], getattr(two, f"{name}_error")[0, 1]
            assert abs(got - exact) <= error + off
            assert error < 1e-9 * (1.0 if name == "one_minus_c" else abs(getattr(whole, name)).max())


def test_gradients_that_see_a_surrogate_have_its_kernel():
    gram = np.array([[1.2, 0.5], [0.5, 0.8]])
    found = eoc.kernel("ste(sign, hardtanh), dense", gram=gram, depth=1, sigma_w=1.3, sigma_b=0.2)
    first = 1.3**2 * gram + 0.2**2
    q, e = np.diag(first), 1.0 - first[0, 1] / np.sqrt(first[0, 0] * first[1, 1])
    slopes = bivariate("hardtanh", q[0], q_b=q[1], one_minus_c=e, names=("Kd",))["Kd"].value
    nngp = 1.3**2 * 2.0 / np.pi * np.arcsin(1.0 - e) + 0.2**2
    assert found.nngp[0, 1] == pytest.approx(nngp, rel=1e-12)
    assert found.ntk[0, 1] == pytest.approx(nngp + 1.3**2 * float(slopes) * first[0, 1], rel=1e-12)
