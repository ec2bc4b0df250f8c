"""Networks with weight matrices: the same by hand, gradients by Jacobians, the theory in wide ones, refusals."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from eoc import machine
from eoc.errors import EocError
from eoc.machine import check_memory
from eoc.maps import VarianceMap
from eoc.montecarlo.samples import ExplicitRun, explicit_networks
from eoc.montecarlo.sampling import weights as explicit_weights
from eoc.montecarlo.sampling.explicit_sampler import ExplicitSampler
from eoc.montecarlo.sampling.laws import law
from eoc.montecarlo.sampling.layer import Sampler
from eoc.montecarlo.sampling.weights import backwards, forwards, matrix, product
from eoc.montecarlo.settings import generator

FloatArray = NDArray[np.float64]

LAWS = ["gaussian", "orthogonal", "rademacher", "uniform", "student_t(5)"]
WIDTHS = [40, 70, 30, 50]


def some_inputs(count: int = 3, dimension: int = 20) -> FloatArray:
    return np.random.default_rng(0).standard_normal((count, dimension))


def by_hand(run: ExplicitRun, network: int) -> list[FloatArray]:
    """Pre-activations (P, N_l) of all layers."""
    x, out = run.sampler.inputs, []
    for layer in range(1, run.sampler.depth + 1):
        weights, biases = run.sampler.parameters(layer, generator(run.seed, network, layer))
        out.append(x @ weights.T + biases)
        x = run.sampler.activation.phi(out[-1])
    return out


# --- one network at a time --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("sigma_b", [0.0, 0.4])
def test_all_that_is_seen_of_a_network(name: str, sigma_b: float) -> None:
    run = explicit_networks(
        "tanh", 1.7, sigma_b, inputs=some_inputs(), width=WIDTHS, depth=4, weights=name, seed=5, networks=2
    )
    assert run.q.shape == run.kernel.shape == run.fourth.shape == (2, 4, 3)
    for network in range(2):
        x = some_inputs()
        for layer, h in enumerate(by_hand(run, network)):
            kernel = 1.7**2 * (x**2).mean(axis=1) + sigma_b**2
            np.testing.assert_allclose(run.kernel[network, layer], kernel, rtol=1e-12)
            np.testing.assert_allclose(run.q[network, layer], (h**2).mean(axis=1), rtol=1e-12)
            np.testing.assert_allclose(run.fourth[network, layer], (h**4).mean(axis=1), rtol=1e-12)
            u = h / np.linalg.norm(h, axis=1, keepdims=True)
            np.testing.assert_allclose(run.one_minus_c[network, layer], 1.0 - u @ u.T, atol=1e-12)
            x = np.tanh(h)


@pytest.mark.parametrize("shape", [(70, 5000), (5000, 70), (3, 70_000), (1, 1)])
@pytest.mark.parametrize("name", ["gaussian", "rademacher"])
def test_blocks_make_up_the_matrix(shape: tuple[int, int], name: str) -> None:
    weights = matrix(law(name), shape, "float64", generator(1, 2, 3))
    assert weights.shape == shape
    x, g = np.random.default_rng(1).standard_normal((2, 3, max(shape)))
    x, g = x[:, : shape[1]], g[:, : shape[0]]
    got = forwards(x, law(name), shape[0], "float64", generator(1, 2, 3))
    np.testing.assert_allclose(got, x @ weights.T, rtol=1e-10, atol=1e-10)
    got = backwards(g, law(name), shape[1], "float64", generator(1, 2, 3))
    np.testing.assert_allclose(got, g @ weights, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("shape", [(1, 1, 1), (17, 3000, 40), (3, 70_000, 2), (40, 2, 9000)])
def test_products_by_tiles(shape: tuple[int, int, int]) -> None:
    rng = np.random.default_rng(1)
    a, b = rng.standard_normal(shape[:2]), rng.standard_normal(shape[:0:-1]).T
    np.testing.assert_allclose(product(a, b), a @ b, rtol=1e-12, atol=1e-12 * shape[1] ** 0.5)


def test_entries_of_different_blocks_are_different() -> None:
    weights = matrix(law("gaussian"), (300, 1000), "float64", generator(1, 0, 1))
    np.testing.assert_allclose(weights @ weights.T / 1000, np.eye(300), atol=0.25)  # 0.25 is 8 standard deviations


def test_the_number_of_threads_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {"inputs": some_inputs(), "width": 600, "depth": 3, "seed": 3, "backward": True}
    runs = []
    for threads in (1, 5):
        with ThreadPoolExecutor(threads) as pool:
            monkeypatch.setattr(explicit_weights, "_pool", lambda process, pool=pool: pool)
            runs.append(explicit_networks("tanh", 1.5, 0.1, **asked))
    assert_identical(*runs)


def assert_identical(one: ExplicitRun, other: ExplicitRun) -> None:
    for name in ("kernel", "q", "fourth", "one_minus_c", "log_gradient"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


@pytest.mark.parametrize("name", LAWS)
def test_the_same_seed_gives_the_same_bits(name: str) -> None:
    def run() -> ExplicitRun:
        return explicit_networks(
            "gelu", 1.4, 0.2, inputs=some_inputs(), width=120, depth=3, weights=name, seed=8, networks=2, backward=True
        )

    assert_identical(run(), run())


def test_networks_depend_on_neither_their_number_nor_the_depth() -> None:
    asked: dict[str, Any] = {"inputs": some_inputs(), "width": 50, "seed": 8}
    many = explicit_networks("tanh", 1.5, 0.1, depth=5, networks=3, **asked)
    one = explicit_networks("tanh", 1.5, 0.1, depth=2, **asked)
    np.testing.assert_array_equal(many.q[:1, :2], one.q)
    assert len(np.unique(many.q[:, 0, 0])) == 3
    other = explicit_networks("tanh", 1.5, 0.1, depth=2, **(asked | {"seed": 9}))
    assert (other.q != one.q).all()


def test_a_sampler_draws_its_networks_one_after_the_other() -> None:
    sampler: Sampler = ExplicitSampler("relu", 1.4, 0.3, inputs=some_inputs(), width=[30, 20], depth=2)
    together = sampler.start(3, generator(0, 0, 0))
    assert together.shape == (3, 3, 20)
    singly = together.copy()
    for layer in (1, 2):
        rng = generator(1, 0, layer)
        together, seen = sampler.step(together, layer, generator(1, 0, layer))
        parts = [sampler.step(one[None], layer, rng) for one in singly]
        singly = np.concatenate([state for state, _ in parts])
        np.testing.assert_array_equal(together, singly)
        np.testing.assert_array_equal(seen.q, np.concatenate([part.q for _, part in parts]))
    assert together.shape == (3, 3, 20)
    assert (together >= 0.0).all()


@pytest.mark.parametrize("name", ["rademacher", "orthogonal"])
def test_single_precision_of_the_same_weights(name: str) -> None:
    """These laws give the same entries in both precisions."""
    single, double = (
        explicit_networks(
            "tanh", 1.2, 0.1, inputs=some_inputs(), width=100, depth=5, weights=name, dtype=dtype, seed=1, backward=True
        )
        for dtype in ("float32", "float64")
    )
    np.testing.assert_allclose(single.q, double.q, rtol=1e-5)
    np.testing.assert_allclose(single.gradient, double.gradient, rtol=1e-4)
    assert (single.q != double.q).any()


# --- correlations -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("apart", [1e-6, 1e-3, 1.0])
def test_close_inputs_keep_their_digits(apart: float) -> None:
    """1 - c from 1e-13 on, against the same network in extended precision: relative error 1e-16 / sqrt(1 - c)."""
    x = some_inputs(1, 50)
    inputs = np.concatenate([x, x + apart * some_inputs(2, 50)[1:]])
    run = explicit_networks("tanh", 1.0, 0.3, inputs=inputs, width=60, depth=5, seed=2)
    state = inputs.astype(np.longdouble)
    for layer in range(1, 6):
        weights, biases = run.sampler.parameters(layer, generator(2, 0, layer))
        h = state @ weights.T.astype(np.longdouble) + biases
        u = h / np.sqrt((h**2).sum(axis=1, keepdims=True))
        e = float(((u[0] - u[1]) ** 2).sum() / 2)
        assert abs(run.one_minus_c[0, layer - 1, 0, 1] - e) <= 2e-14 * e**0.5
        state = np.tanh(h)


def test_equal_opposite_and_scaled_inputs() -> None:
    x = some_inputs(1)
    run = explicit_networks("tanh", 1.5, 0.0, inputs=np.concatenate([x, x, -x]), width=50, depth=4, seed=1)
    e = run.one_minus_c[0]
    assert (np.diagonal(e, axis1=1, axis2=2) == 0.0).all()
    np.testing.assert_array_equal(e, np.swapaxes(e, 1, 2))
    np.testing.assert_allclose(e[:, 0, 1], 0.0, atol=1e-28)
    np.testing.assert_allclose(e[:, :2, 2], 2.0, atol=1e-14)
    first = explicit_networks("tanh", 1.5, 0.0, inputs=np.concatenate([x, 3.0 * x]), width=50, depth=1, seed=1)
    assert first.one_minus_c[0, 0, 0, 1] <= 1e-28


def test_dead_units_have_no_direction() -> None:
    inputs = np.array([[1.0], [-1.0]])
    run = explicit_networks("relu", 1.0, inputs=inputs, width=1, depth=2, seed=1, backward=True)
    dead = (run.q[0, 1] == 0.0).nonzero()[0]
    assert dead.size == 1  # of two opposite inputs and one unit
    assert np.isnan(run.one_minus_c[0, 1, 0, 1])
    assert (np.diagonal(run.one_minus_c, axis1=2, axis2=3) == 0.0).all()
    assert run.gradient[0, 0, dead[0]] == 0.0


def test_tiny_preactivations_keep_their_correlations() -> None:
    """Their squares underflow, their angle does not change in a linear network of one orthogonal matrix a layer."""
    run = explicit_networks("identity", 1e-5, inputs=some_inputs(2), width=20, depth=40, weights="orthogonal", seed=1)
    assert run.q[0, -1, 0] == 0.0
    np.testing.assert_allclose(run.one_minus_c[0, :, 0, 1], run.one_minus_c[0, 0, 0, 1], rtol=1e-12)


# --- gradients --------------------------------------------------------------------------------------------------------


def last_layer(run: ExplicitRun, start: int) -> Callable[[FloatArray], FloatArray]:
    """h_L (N_L,) as a function of h_start."""

    def follow(h: FloatArray) -> FloatArray:
        for layer in range(start + 1, run.sampler.depth + 1):
            weights, biases = run.sampler.parameters(layer, generator(run.seed, 0, layer))
            h = weights @ run.sampler.activation.phi(h) + biases
        return h

    return follow


@pytest.mark.parametrize("name", ["tanh", "gelu"])
@pytest.mark.parametrize("weights", ["gaussian", "orthogonal"])
def test_gradients_by_finite_differences(name: str, weights: str) -> None:
    run = explicit_networks(
        name, 1.6, 0.3, inputs=some_inputs(2), width=[7, 9, 5, 6], depth=4, weights=weights, seed=4, backward=True
    )
    g = generator(4, 0, 0).standard_normal((2, 6))
    for p in range(2):
        for layer in (1, 2, 3):
            h, step = by_hand(run, 0)[layer - 1][p], 1e-6
            follow = last_layer(run, layer)
            jacobian = np.array([follow(h + step * d) - follow(h - step * d) for d in np.eye(h.size)]) / (2.0 * step)
            expected = ((jacobian @ g[p]) ** 2).sum() / (g[p] ** 2).sum()
            np.testing.assert_allclose(run.gradient[0, layer - 1, p], expected, rtol=1e-7)
    assert (run.gradient[0, -1] == 1.0).all()


def test_gradients_beyond_double_precision() -> None:
    run = explicit_networks("sin(x)", 100.0, inputs=some_inputs(1), width=20, depth=200, seed=1, backward=True)
    assert run.log_gradient is not None
    np.testing.assert_allclose(run.log_gradient[0, 0, 0], 199 * np.log(100.0**2 / 2.0), rtol=0.05)
    assert run.gradient[0, 0, 0] == np.inf


def test_the_scale_of_gradients_is_that_of_the_jacobian() -> None:
    """E_g |J^T g|^2 / |g|^2 = |J|^2 / N_L: a mean over 400 inputs that are all the same, within 5 standard errors."""
    inputs = np.repeat(some_inputs(1), 400, axis=0)
    run = explicit_networks("tanh", 1.6, 0.3, inputs=inputs, width=[12, 9], depth=2, seed=6, backward=True)
    weights, _ = run.sampler.parameters(2, generator(6, 0, 2))
    h = by_hand(run, 0)[0][0]
    true = ((weights / np.cosh(h) ** 2) ** 2).sum() / 9
    got = run.gradient[0, 0]
    assert abs(got.mean() - true) <= 5.0 * got.std() / 400**0.5


# --- the theory in wide networks --------------------------------------------------------------------------------------

WIDTH, DEPTH, NETWORKS = 300, 5, 40
FEW = 20  # of orthogonal ones, which take longest
SIGMA_W, SIGMA_B = 1.5, 0.2


def wide(name: str, **more: Any) -> ExplicitRun:
    """Inputs on the hypercube that give the first layer sigma_w^2 + sigma_b^2."""
    inputs = np.random.default_rng(7).choice([-1.0, 1.0], size=(1, WIDTH))
    networks = FEW if name == "orthogonal" else NETWORKS
    return explicit_networks(
        "tanh",
        SIGMA_W,
        SIGMA_B,
        inputs=inputs,
        width=WIDTH,
        depth=DEPTH,
        weights=name,
        seed=11,
        networks=networks,
        **more,
    )


def theory() -> tuple[FloatArray, FloatArray]:
    """Variances of the layers, and squared gradients over those of the last layer, both (DEPTH,)."""
    variance = VarianceMap("tanh", SIGMA_W, SIGMA_B)
    q = [SIGMA_W**2 + SIGMA_B**2]
    for _ in range(DEPTH - 1):
        q.append(float(variance(q[-1])))
    chi = variance.chi_1(np.array(q)).value
    return np.array(q), np.append(np.cumprod(chi[:-1][::-1])[::-1], 1.0)


@pytest.mark.parametrize("name", LAWS)
def test_variances_and_gradients_of_wide_networks(name: str) -> None:
    """Means over networks, within 5 standard errors and 1.7 % (5/N) for what is left at finite width."""
    run = wide(name, backward=True)
    q, gradient = theory()
    for got, true in ((run.q[..., 0], q), (run.gradient[..., 0], gradient)):
        error = got.std(axis=0, ddof=1) / len(got) ** 0.5
        assert (np.abs(got.mean(axis=0) - true) <= 5.0 * error + 5.0 / WIDTH * true).all()
        assert (error <= 0.08 * true).all()  # else this would say nothing


def test_single_precision_in_wide_networks() -> None:
    run = wide("gaussian", dtype="float32")
    got, error = run.q[..., 0].mean(axis=0), run.q[..., 0].std(axis=0, ddof=1) / NETWORKS**0.5
    assert (np.abs(got - theory()[0]) <= 5.0 * error + 5.0 / WIDTH * theory()[0]).all()


def test_weights_without_variance_break_the_theory() -> None:
    run = wide("student_t(1)")
    assert (run.q[..., 0] > 10.0 * theory()[0]).all()


# --- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"width": 0}, "width must be a whole number"),
        ({"width": 2.5}, "width must be a whole number"),
        ({"width": [5, 5, 5]}, "width lists 3 layers"),
        ({"width": [5, 0]}, "width must be a whole number"),
        ({"depth": 0}, "depth must be a whole number"),
        ({"depth": [1, 2]}, "depth must be one number"),
        ({"inputs": [1.0, 2.0]}, r"\(P, N_0\), got shape \(2,\)"),
        ({"inputs": np.empty((0, 3))}, r"got shape \(0, 3\)"),
        ({"inputs": [[1.0, np.nan]]}, "inputs must be finite, got nan"),
        ({"inputs": [[1e80, 1.0]]}, "inputs must be at most"),
        ({"inputs": [["a"]]}, "inputs must be a real number"),
        ({"dtype": "float16"}, "dtype must be one of float32, float64, got 'float16'"),
        ({"seed": -1}, "seed must be a whole number >= 0"),
        ({"seed": 1.5}, "seed must be a whole number >= 0"),
        ({"networks": 0}, "networks must be a whole number"),
        ({"weights": "gausian"}, "did you mean 'gaussian'"),
        ({"sigma_w": -1.0}, "sigma_w must be a standard deviation"),
        ({"sigma_b": np.nan}, "sigma_b must be a standard deviation"),
    ],
)
def test_refusals(more: dict[str, Any], message: str) -> None:
    asked: dict[str, Any] = {"sigma_w": 1.0, "inputs": [[1.0, 2.0]], "width": 5, "depth": 2, "seed": 0}
    with pytest.raises(EocError, match=message):
        explicit_networks("tanh", **(asked | more))


@pytest.mark.parametrize(("dtype", "layer"), [("float64", 8), ("float32", 4)])
def test_the_layer_that_overflows_is_named(dtype: Any, layer: int) -> None:
    with pytest.raises(EocError, match=f"layer {layer} overflow in network 0"):
        explicit_networks("relu", 1e10, inputs=some_inputs(), width=30, depth=20, dtype=dtype, seed=1)


def test_the_network_that_overflows_is_named() -> None:
    """Tails this heavy reach 1e75 in one network of several, here network 1."""
    with pytest.raises(EocError, match="layer 1 overflow in network 1"):
        explicit_networks(
            "tanh", 1.0, inputs=some_inputs(), width=5, depth=1, weights="student_t(0.025)", seed=0, networks=5
        )


def test_functions_that_overflow() -> None:
    with pytest.raises(EocError, match="layer 3 overflow"):
        explicit_networks("exp(x)", 3.0, inputs=10.0 * some_inputs(), width=30, depth=3, seed=1)


def test_activations_that_overflow_without_weights() -> None:
    with pytest.raises(EocError, match="layer 2 overflow"):
        explicit_networks("exp(x)", 0.0, 1e5, inputs=some_inputs(), width=30, depth=3, seed=1)


def test_gradients_have_to_be_asked_for() -> None:
    run = explicit_networks("tanh", 1.0, inputs=some_inputs(), width=5, depth=2, seed=1)
    with pytest.raises(EocError, match="backward=True"):
        _ = run.gradient


def test_memory_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_physical", lambda: 1e9)
    check_memory("the weights", 0.79e9)
    with pytest.raises(EocError, match=r"the weights would take 0.81 GB, this machine has 1 GB: buy more"):
        check_memory("the weights", 0.81e9, "buy more")
    asked: dict[str, Any] = {"inputs": some_inputs(), "seed": 1}
    with pytest.raises(EocError, match=r"drawing orthogonal weights would take 3\.2 GB"):
        explicit_networks("tanh", 1.0, width=10_000, depth=2, weights="orthogonal", **asked)
    with pytest.raises(EocError, match=r"pre-activations of 10000 layers .* would take 24"):
        explicit_networks("tanh", 1.0, width=100_000, depth=10_000, backward=True, **asked)


def test_memory_of_an_unknown_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(name: str) -> int:
        raise ValueError(name)

    monkeypatch.setattr("os.sysconf", unknown)
    check_memory("the weights", 1e30)
