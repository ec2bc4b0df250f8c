"""Inputs followed layer by layer: closed forms of erf and ReLU, the correlation map, one wide network, refusals."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from truth import MP, error

import eoc
from eoc.errors import EocError
from eoc.maps import CorrelationMap, VarianceMap
from eoc.propagation import Trajectory, propagate, propagate_gram

Q = [0.3, 1.0, 40.0]
C = np.array([[1.0, 0.5, -0.7], [0.5, 1.0, 0.1], [-0.7, 0.1, 1.0]])

# --- closed forms ----------------------------------------------------------------------------------------------------


def erf_layers(sigma_w: float, sigma_b: float, k: Any, depth: int) -> list[Any]:
    """Covariances of every layer: E[erf(u) erf(v)] = (2/pi) asin(2 K_uv / sqrt((1 + 2 K_uu)(1 + 2 K_vv)))."""
    w2, b2, out = MP.mpf(sigma_w) ** 2, MP.mpf(sigma_b) ** 2, [k]
    for _ in range(depth):
        k, new = out[-1], MP.matrix(k.rows, k.cols)
        for a in range(k.rows):
            for b in range(k.rows):
                new[a, b] = b2 + w2 * 2 / MP.pi * MP.asin(2 * k[a, b] / MP.sqrt((1 + 2 * k[a, a]) * (1 + 2 * k[b, b])))
        out.append(new)
    return out


def covariance(q: list[float], one_minus_c: Any) -> Any:
    size, k = range(len(q)), MP.matrix(len(q), len(q))
    for a in size:
        for b in size:
            k[a, b] = (1 - MP.mpf(float(one_minus_c[a, b]))) * MP.sqrt(MP.mpf(q[a]) * MP.mpf(q[b]))
    return k


def assert_honest(run: Trajectory, layers: list[Any], w2: Any, relative: float) -> None:
    """Variances, correlations, chi and gradients are within their errors, and within ``relative``, of the layers."""
    inputs = range(run.q.shape[1])
    for n, layer in enumerate(run.layers):
        k = layers[int(layer)]
        for a in inputs:
            off = error(run.q[n, a], k[a, a])
            assert off <= run.q_error[n, a] + 2e-16 * run.q[n, a]
            assert off <= relative * k[a, a]
            true = w2 * 4 / MP.pi / MP.sqrt(1 + 4 * k[a, a])
            assert error(run.chi[n, a], true) <= relative * true
            for b in inputs:
                if a != b:
                    true = 1 - k[a, b] / MP.sqrt(k[a, a] * k[b, b])
                    off = error(run.one_minus_c[n, a, b], true)
                    assert off <= run.error[n, a, b] + 2e-16 * true
                    assert off <= relative * true
    assert (run.error <= 1e3 * relative * run.one_minus_c).all()


@pytest.mark.parametrize(("sigma_w", "sigma_b"), [(1.5, 0.2), (2.5, 0.0)])
def test_erf_with_three_variances(sigma_w: float, sigma_b: float) -> None:
    run = propagate("erf", sigma_w, sigma_b, q=Q, c=C, depth=30)
    assert_honest(run, erf_layers(sigma_w, sigma_b, covariance(Q, 1.0 - C), 30), MP.mpf(sigma_w) ** 2, 1e-12)


@pytest.mark.parametrize(("sigma_w", "sigma_b", "depth"), [(1.0, 0.3, 90), (1.6, 0.3, 300)], ids=["ordered", "chaotic"])
def test_erf_past_the_point_where_variances_have_arrived(sigma_w: float, sigma_b: float, depth: int) -> None:
    run = propagate("erf", sigma_w, sigma_b, q=[0.5, 2.0], c=-0.4, depth=depth)
    assert run.q[-1, 0] == run.q[-1, 1]
    one_minus_c = np.array([[0.0, 1.4], [1.4, 0.0]])
    layers = erf_layers(sigma_w, sigma_b, covariance([0.5, 2.0], one_minus_c), depth)
    assert_honest(run, layers, MP.mpf(sigma_w) ** 2, 1e-11)


@pytest.mark.parametrize("q", [[3.0, 3.0], [0.5, 3.0]])
@pytest.mark.parametrize("sigma_w", [1.3, 4.0, 20.0])
def test_erf_of_almost_opposite_inputs(sigma_w: float, q: list[float]) -> None:
    """Where the slope of the map is largest: f'(-c) = f'(c) without bias."""
    e = np.array([[0.0, 2.0 - 1e-10], [2.0 - 1e-10, 0.0]])
    run = propagate("erf", sigma_w, 0.01, q=q, one_minus_c=e, depth=40)
    assert_honest(run, erf_layers(sigma_w, 0.01, covariance(q, e), 40), MP.mpf(sigma_w) ** 2, 1e-5)


@pytest.mark.parametrize("q", [[3.0, 3.0], [0.5, 3.0]])
@pytest.mark.parametrize("apart", [1e-12, 1e-6, 1e-2])
def test_sign_of_almost_opposite_inputs(apart: float, q: list[float]) -> None:
    """c' = (2/pi) asin(c), with infinite slope at the ends."""
    run = propagate("sign", 1.0, 0.0, q=q, one_minus_c=2.0 - apart, depth=40)
    c = 1 - MP.mpf(2.0 - apart)
    for n in range(41):
        true = 1 - c
        assert error(run.one_minus_c[n, 0, 1], true) <= run.error[n, 0, 1] + 2e-16 * true
        c = 2 / MP.pi * MP.asin(c)
    assert (run.error <= 1e-4).all()


@pytest.mark.parametrize(("name", "sigma_w"), [("erf", 10.0), ("tanh", 3.0), ("hardtanh", 2.0), ("sign", 1.0)])
@pytest.mark.parametrize("q", [[1.0, 1.0], [1.0, 2.0]])
def test_odd_functions_keep_inputs_opposite(name: str, sigma_w: float, q: list[float]) -> None:
    """An unstable fixed point, c = -1, kept exactly; two inputs of different norms mirror those of c = 1."""
    run, mirror = (propagate(name, sigma_w, 0.0, q=q, c=c, depth=60) for c in (-1.0, 1.0))
    assert (run.one_minus_c[:, 0, 1] == 2.0 - mirror.one_minus_c[:, 0, 1]).all()
    if q[0] == q[1]:
        assert (run.one_minus_c[:, 0, 1] == 2.0).all()


def test_gram_matrix_of_inputs_that_differ_by_orders() -> None:
    run = propagate_gram("tanh", 1.0, 0.3, gram=[[1e100, 0.0], [0.0, 1.0]], depth=1)
    assert run.one_minus_c[0, 0, 1] == 1.0


def test_close_inputs_of_almost_the_same_variance_keep_their_digits() -> None:
    q, e = [1.0, 1.0000001], 1e-12
    run = propagate("erf", 1.5, 0.2, q=q, one_minus_c=e, depth=10)
    k = covariance(q, np.array([[0.0, e], [e, 0.0]]))
    assert_honest(run, erf_layers(1.5, 0.2, k, 10), MP.mpf(1.5) ** 2, 1e-10)
    assert run.one_minus_c[-1, 0, 1] < 1e-11


@pytest.mark.parametrize("sigma_w", [1.2, 2**0.5])
def test_relu_of_any_norms_follows_the_arc_cosine_recursion(sigma_w: float) -> None:
    """c' = (sqrt(1 - c^2) + (pi - arccos c) c) / pi whatever the norms (Cho & Saul 2009); q' = sigma_w^2 q / 2."""
    run = propagate("relu", sigma_w, q=Q, c=C, depth=50)
    gain = MP.mpf(sigma_w) ** 2 / 2
    for a, b in ((0, 1), (0, 2), (1, 2)):
        c = MP.mpf(C[a, b])
        for layer in range(51):
            assert error(run.one_minus_c[layer, a, b], 1 - c) <= run.error[layer, a, b] + 2e-16
            assert error(run.one_minus_c[layer, a, b], 1 - c) <= 1e-12 * (1 - c)
            c = (MP.sqrt(1 - c**2) + (MP.pi - MP.acos(c)) * c) / MP.pi
    for layer in range(51):
        assert run.q[layer] == pytest.approx(np.array(Q) * float(gain) ** layer, rel=1e-13)
        assert run.gradient[layer] == pytest.approx(float(gain) ** (50 - layer), rel=1e-12)
    if sigma_w == 2**0.5:
        assert (run.q == np.array(Q)).all()


# --- the correlation map ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "sigma_w", "sigma_b"),
    [
        ("tanh", 2.5, 0.3),
        ("tanh", 1.304145840056511, 0.2),
        ("elu", 1.0, 0.2),
        ("sign", 1.0, 0.3),
        ("relu", 2**0.5, 0.0),
    ],
)
def test_at_the_fixed_point_it_is_the_iterated_map(name: str, sigma_w: float, sigma_b: float) -> None:
    f = CorrelationMap(name, sigma_w, sigma_b)
    for depth in (100, 1e12):
        run = propagate(name, sigma_w, sigma_b, c=-0.3, depth=depth)
        expected = f.iterate(run.layers, c=-0.3)
        assert run.layers[-1] == depth
        assert (run.q == f.q).all()
        np.testing.assert_allclose(run.one_minus_c[:, 0, 1], expected.value, rtol=1e-13)
        assert (run.error[:, 0, 1] >= expected.error).all()
    at = propagate(name, sigma_w, sigma_b, q=f.q, c=-0.3, depth=100)
    np.testing.assert_allclose(at.one_minus_c[:, 0, 1], f.iterate(np.arange(101), c=-0.3).value, rtol=1e-12)


def test_where_the_variance_is_kept_nothing_is_searched_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """F'(1) = 1 of shaped activations: fixed points near 1 are known to 1e-5 only, and nobody asks for them."""
    shaped = eoc.shape("gelu", 60)
    with monkeypatch.context() as patched:
        patched.setattr(VarianceMap, "fixed_points", property(lambda _: pytest.fail("searched")))
        run = propagate(shaped.activation, 1.0, q=1.0, c=0.3, depth=[0, 60, 5000])
    assert (np.abs(run.q - 1.0) <= run.q_error).all()
    assert run.q_error.max() < 1e-10
    iterated = CorrelationMap(shaped.activation, 1.0, q=1.0).iterate(60, c=0.3)
    assert abs(run.one_minus_c[1, 0, 1] - iterated.value) <= run.error[1, 0, 1] <= 1e-12
    assert shaped.one_minus_c == run.one_minus_c[1, 0, 1]
    assert run.gradient[0, 0] == 1.0


def test_one_layer_is_one_application_of_the_map() -> None:
    for c in (-1.0, -0.3, 0.9, 1.0):
        run = propagate("gelu", 1.7, 0.4, q=0.7, c=c, depth=1)
        f = CorrelationMap("gelu", 1.7, 0.4, q=0.7)
        assert run.one_minus_c[1, 0, 1] == pytest.approx(float(f.one_minus_f(c).value), rel=1e-13, abs=1e-15)
        assert run.q[1] == pytest.approx(f.next_q, rel=1e-14)


def test_marginal_variances_fall_like_one_over_2l() -> None:
    """tanh at (1, 0): 1/(2 q_l) = l - (5/12) log(l) + C, from F = q - 2 q^2 + 17 q^3 / 3."""
    run = propagate("tanh", 1.0, 0.0, q=[1.0], c=[[1.0]], depth=4000)
    late = run.layers >= 800
    layers, inverse = run.layers[late], 0.5 / run.q[late, 0]
    constant = inverse - layers + 5.0 / 12.0 * np.log(layers)
    assert constant == pytest.approx(constant[-1], abs=1e-3)
    assert np.ptp(inverse - layers) > 0.5
    assert (run.q_error[late, 0] <= 1e-8 * run.q[late, 0]).all()
    # chi = 1 - 2 q + ..., so the gradient grows like l backwards
    ratio = run.gradient[late, 0] / (layers / layers[-1])
    assert ratio == pytest.approx(1.0, abs=0.005)


# --- gradients -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("sigma_w", "depth"), [(1.0, 40), (2.0, 200)])
def test_gradient_is_the_product_of_chi(sigma_w: float, depth: int) -> None:
    run = propagate("tanh", sigma_w, 0.3, q=[0.5, 3.0], c=0.2, depth=depth)
    product = np.cumprod(run.chi[-2::-1], axis=0)[::-1]
    np.testing.assert_allclose(run.gradient[:-1], product, rtol=1e-11)
    assert (run.gradient[-1] == 1.0).all()
    f = CorrelationMap("tanh", sigma_w, 0.3)
    assert run.gradient[-20] == pytest.approx(f.chi_1**19, rel=1e-9 if depth == 200 else 1e-3)


def test_gradients_beyond_double_precision_keep_their_logarithm() -> None:
    run = propagate("tanh", 2.5, 0.3, c=0.2, depth=10**6)
    log_chi = np.log(CorrelationMap("tanh", 2.5, 0.3).chi_1)
    assert run.log_gradient[0] == pytest.approx(1e6 * log_chi, rel=1e-9)
    assert np.isinf(run.gradient[0]).all()
    within = run.log_gradient < 700.0
    assert (run.gradient[within] == np.exp(run.log_gradient[within])).all()


def test_gradient_of_a_discontinuous_function_is_infinite() -> None:
    run = propagate("sign", 1.0, 0.3, c=0.5, depth=5)
    assert np.isinf(run.gradient[:-1]).all()
    assert (run.gradient[-1] == 1.0).all()


def test_gradient_is_0_where_nothing_passes() -> None:
    for name in ("tanh", "sign"):
        run = propagate(name, 0.0, 0.3, q=[1.0, 2.0], c=0.5, depth=3)
        assert run.gradient.tolist() == [[0.0, 0.0]] * 3 + [[1.0, 1.0]]


# --- a wide network --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("sigma_w", "sigma_b"), [(2.5, 0.3), (1.0, 0.5)], ids=["chaotic", "ordered"])
def test_a_network_of_width_2000(sigma_w: float, sigma_b: float) -> None:
    rng = np.random.default_rng(0)
    width, depth, q, c = 2000, 5, np.array([0.5, 2.0]), 0.6
    run = propagate("tanh", sigma_w, sigma_b, q=q, c=c, depth=depth)
    first = np.array([[1.0, c], [c, 1.0]]) * np.sqrt(np.outer(q, q))
    h, weights = [rng.standard_normal((width, 2)) @ np.linalg.cholesky(first).T], []
    for _ in range(depth):
        weights.append(sigma_w * width**-0.5 * rng.standard_normal((width, width)))
        h.append(weights[-1] @ np.tanh(h[-1]) + sigma_b * rng.standard_normal((width, 1)))
    k = np.array([x.T @ x / width for x in h])
    tolerance = 5.0 / width**0.5
    found = k[:, [0, 1], [0, 1]]
    assert found == pytest.approx(run.q, rel=tolerance)
    assert k[:, 0, 1] / np.sqrt(found[:, 0] * found[:, 1]) == pytest.approx(run.c[:, 0, 1], abs=tolerance)
    for a in (0, 1):
        backwards = rng.standard_normal((width, 50))
        sizes = [float((backwards**2).mean())]
        for layer in reversed(range(depth)):
            backwards = (1.0 - np.tanh(h[layer][:, a : a + 1]) ** 2) * (weights[layer].T @ backwards)
            sizes.append(float((backwards**2).mean()))
        assert np.array(sizes[::-1]) / sizes[0] == pytest.approx(run.gradient[:, a], rel=tolerance)


# --- shapes and forms ------------------------------------------------------------------------------------------------


def test_gram_matrix_is_another_way_to_say_it() -> None:
    q = np.array(Q)
    gram = C * np.sqrt(np.outer(q, q))
    one, other = (
        propagate_gram("silu", 1.2, 0.3, gram=gram, depth=3),
        propagate("silu", 1.2, 0.3, q=q, c=C, depth=3),
    )
    np.testing.assert_allclose(one.q, other.q, rtol=1e-14)
    np.testing.assert_allclose(one.one_minus_c, other.one_minus_c, rtol=1e-12)


def test_gram_matrix_of_close_inputs_loses_no_digits() -> None:
    """1 - c is (q - K)/q, exact here; 1 - K/q would be off by 1e-16."""
    gram = [[1.0, 1.0 - 2.0**-52], [1.0 - 2.0**-52, 1.0]]
    assert propagate_gram("relu", 2**0.5, gram=gram, depth=0).one_minus_c[0, 0, 1] == 2.0**-52


@pytest.mark.parametrize("name", ["tanh", "relu", "gelu", "heaviside"])
def test_correlations_are_symmetric_and_bounded(name: str) -> None:
    run = propagate(name, 1.4, 0.3, q=Q, c=C, depth=4)
    assert run.one_minus_c.shape == run.error.shape == (5, 3, 3)
    assert run.q.shape == run.chi.shape == run.gradient.shape == (5, 3)
    assert (run.one_minus_c == run.one_minus_c.transpose(0, 2, 1)).all()
    assert (run.error == run.error.transpose(0, 2, 1)).all()
    assert (np.diagonal(run.one_minus_c, axis1=1, axis2=2) == 0.0).all()
    assert ((run.one_minus_c >= 0.0) & (run.one_minus_c <= 2.0)).all()
    assert (np.linalg.eigvalsh(run.c) >= -1e-12).all()
    assert (run.c == 1.0 - run.one_minus_c).all()


def test_order_of_the_inputs_does_not_matter() -> None:
    order = [2, 0, 1]
    one = propagate("tanh", 1.4, 0.3, q=Q, c=C, depth=3)
    other = propagate("tanh", 1.4, 0.3, q=np.array(Q)[order], c=C[np.ix_(order, order)], depth=3)
    np.testing.assert_allclose(other.q, one.q[:, order], rtol=1e-15)
    np.testing.assert_allclose(other.one_minus_c, one.one_minus_c[:, order][:, :, order], rtol=1e-12)


def test_no_layers_at_all() -> None:
    run = propagate("tanh", 1.4, 0.3, q=[0.5, 2.0], c=0.25, depth=0)
    assert run.layers.tolist() == [0.0]
    assert run.q.tolist() == [[0.5, 2.0]]
    assert run.one_minus_c.tolist() == [[[0.0, 0.75], [0.75, 0.0]]]
    assert run.error.max() == run.q_error.max() == 0.0
    assert run.gradient.tolist() == [[1.0, 1.0]]


def test_every_layer_is_kept_up_to_1000_and_some_200_beyond() -> None:
    layers = propagate("relu", 2**0.5, c=0.1, depth=1000).layers
    assert layers.tolist() == list(range(1001))
    layers = propagate("relu", 2**0.5, c=0.1, depth=10**9).layers
    assert (layers[0], layers[1], layers[-1]) == (0.0, 1.0, 1e9)
    assert 150 <= layers.size <= 201
    assert (np.diff(layers) > 0.0).all()


@pytest.mark.parametrize(("sigma_w", "sigma_b"), [(1.4, 0.3), (2**0.5, 0.0)])
def test_layers_that_are_listed_are_those_of_all_layers(sigma_w: float, sigma_b: float) -> None:
    wanted = [0, 1, 7, 40, 200]
    name = "relu" if sigma_b == 0.0 else "tanh"
    some, every = (propagate(name, sigma_w, sigma_b, q=Q, c=C, depth=depth) for depth in (wanted, 200))
    assert some.layers.tolist() == wanted
    for field in ("q", "q_error", "one_minus_c", "error", "chi", "log_gradient"):
        np.testing.assert_allclose(getattr(some, field), getattr(every, field)[wanted], rtol=1e-12, atol=0.0)


def test_inputs_that_settle_at_different_variances() -> None:
    """tanh(x)^3 with two stable variances, as a fixed point equation and by plain steps."""
    name, sigma_w, sigma_b = "tanh(x)**3", 2.5, 0.1
    run = propagate(name, sigma_w, sigma_b, q=[0.02, 5.0], c=0.5, depth=70)
    assert run.q[-1] == pytest.approx([0.01008393062, 2.050363593], rel=1e-8)
    assert run.q[-1, 0] == CorrelationMap(name, sigma_w, sigma_b, q=run.q[-1, 0]).q
    assert 0.5 < run.one_minus_c[-1, 0, 1] < 1.0
    with pytest.raises(EocError, match=r"inputs settle at different variances.*depth can be at most 20000"):
        propagate(name, sigma_w, sigma_b, q=run.q[-1], c=0.5, depth=1e9)


def test_progress_is_told_after_every_single_layer() -> None:
    seen: list[tuple[float, float]] = []
    propagate("tanh", 1.4, 0.3, q=1.0, c=0.3, depth=5, progress=lambda *now: seen.append(now))
    assert seen == [(n, 5.0) for n in (1.0, 2.0, 3.0, 4.0, 5.0)]
    propagate_gram("tanh", 1.4, 0.3, gram=[[1.0, 0.3], [0.3, 1.0]], depth=2, progress=lambda *now: seen.append(now))
    assert seen[5:] == [(1.0, 2.0), (2.0, 2.0)]


# --- files -----------------------------------------------------------------------------------------------------------


def test_npz_round_trip(tmp_path: Path) -> None:
    run = propagate("selu", 1.1, 0.2, q=Q, c=C, depth=2)
    run.save(tmp_path / "run.npz")
    again = Trajectory.load(tmp_path / "run.npz")
    assert (again.activation, again.sigma_w, again.sigma_b) == ("selu", 1.1, 0.2)
    for name in ("layers", "q", "q_error", "one_minus_c", "error", "chi", "log_gradient"):
        assert (getattr(again, name) == getattr(run, name)).all(), name


def test_csv_has_a_row_for_each_layer(tmp_path: Path) -> None:
    run = propagate("tanh", 1.1, 0.2, q=Q, c=C, depth=2)
    run.save(str(tmp_path / "run.csv"))
    with (tmp_path / "run.csv").open() as file:
        rows = list(csv.DictReader(file))
    names = ["layer"] + [f"{key}_{a}" for key in ("q", "chi", "log_gradient") for a in range(3)]
    names += [f"{key}_{pair}" for key in ("one_minus_c", "error") for pair in ("0_1", "0_2", "1_2")]
    assert list(rows[0]) == names
    assert len(rows) == 3
    for n, row in enumerate(rows):
        assert float(row["layer"]) == n
        assert float(row["q_2"]) == run.q[n, 2]
        assert float(row["chi_1"]) == run.chi[n, 1]
        assert float(row["log_gradient_0"]) == run.log_gradient[n, 0]
        assert float(row["one_minus_c_1_2"]) == run.one_minus_c[n, 1, 2]
        assert float(row["error_0_2"]) == run.error[n, 0, 2]


def test_other_file_formats_are_refused(tmp_path: Path) -> None:
    with pytest.raises(EocError, match=r"saved as \.npz or \.csv, got .*run\.txt"):
        propagate("relu", 2**0.5, c=0.1, depth=1).save(tmp_path / "run.txt")
    assert not list(tmp_path.iterdir())


# --- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"q": [1.0, 2.0, 3.0], "c": [[1.0, 0.5], [0.5, 1.0]]}, r"matrix \(3, 3\), got shape \(2, 2\)"),
        ({"q": [1.0, 2.0], "c": [0.5, 0.5]}, r"got shape \(2,\)"),
        ({"q": [[1.0, 2.0]], "c": 0.5}, r"variances are one number or an array"),
        ({"q": [1.0, 2.0], "c": [[1.0, 0.5], [0.4, 1.0]]}, "symmetric matrix"),
        ({"q": [1.0, 2.0], "c": [[0.9, 0.5], [0.5, 1.0]]}, "ones on its diagonal"),
        ({"q": 1.0, "c": 1.5}, r"c must lie between -1 and 1, got 1\.5"),
        ({"q": 1.0, "one_minus_c": 2.5}, r"got 2\.5"),
        ({"q": 1.0}, "exactly one of c, one_minus_c"),
        ({"q": 1.0, "c": 0.5, "one_minus_c": 0.5}, "exactly one of c, one_minus_c"),
        ({"q": 0.0, "c": 0.5}, "variances of inputs must be finite and > 0, got 0"),
        ({"q": [1.0, -1.0], "c": 0.5}, "variances of inputs must be finite and > 0, got -1"),
        ({"q": float("nan"), "c": 0.5}, "variances of inputs must be finite and > 0, got nan"),
        ({"q": 1.0, "c": 0.5, "depth": 1.5}, r"depth must be a whole number of layers >= 0, got 1\.5"),
        ({"q": 1.0, "c": 0.5, "depth": -1}, "depth must be a whole number of layers >= 0, got -1"),
        ({"q": 1.0, "c": 0.5, "depth": float("inf")}, "depth must be a whole number of layers >= 0, got inf"),
        ({"q": 1.0, "c": 0.5, "depth": [[3, 4]]}, r"one number or a list of layers to record, .* shape \(1, 2\)"),
        ({"q": 1.0, "c": 0.5, "depth": []}, r"one number or a list of layers to record, .* shape \(0,\)"),
        ({"q": 1.0, "c": 0.5, "depth": [3, 7, 7]}, "layers of depth must increase, but 7 is followed by 7"),
        ({"q": 1.0, "c": 0.5, "depth": [0, 2.5]}, r"depth must be a whole number of layers >= 0, got 2\.5"),
        ({"q": [], "c": np.empty((0, 0))}, "q is empty"),
        ({"q": [[1.0, 2.0], [3.0]], "c": 0.5}, "q must be a real number or an array"),
    ],
)
def test_inputs_that_make_no_sense_are_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(EocError, match=words):
        propagate("tanh", 1.4, 0.3, **({"depth": 3} | given))


@pytest.mark.parametrize(
    ("gram", "words"),
    [
        ([[1.0, 0.5]], r"square, \(P, P\) for P inputs, got shape \(1, 2\)"),
        ([1.0, 2.0], r"square, \(P, P\) for P inputs, got shape \(2,\)"),
        (np.empty((0, 0)), r"got shape \(0, 0\)"),
        ([[1.0, 0.5], [0.5]], "gram must be a real number or an array"),
        ([[1.0, np.nan], [np.nan, 1.0]], "holds finite numbers, got nan"),
        ([[1.0, 0.5], [0.4, 1.0]], "symmetric"),
        ([[1.0, 2.0], [2.0, 1.0]], "not positive semidefinite"),
        ([[1.0, -1.1], [-1.1, 1.0]], "not positive semidefinite"),
        ([[0.0, 0.0], [0.0, 1.0]], "variances > 0, got 0"),
    ],
)
def test_matrices_that_are_no_gram_matrices_are_refused(gram: Any, words: str) -> None:
    with pytest.raises(EocError, match=words):
        propagate_gram("tanh", 1.4, 0.3, gram=gram, depth=3)


def test_variances_that_diverge_or_vanish_are_refused() -> None:
    with pytest.raises(EocError, match=r"exceeds 1e\+100 after 933 layers: it diverges"):
        propagate("relu", 1.6, q=[1.0], c=[[1.0]], depth=1000)  # 1.28^933 > 1e100
    with pytest.raises(EocError, match="the variance is 0 after 1 layers"):
        propagate("tanh", 0.0, q=1.0, c=0.5, depth=2)
    with pytest.raises(EocError, match="keep no variance but 0: give q"):
        propagate("tanh", 0.9, c=0.5, depth=2)
    with pytest.raises(EocError, match="variances diverge"):
        propagate("silu", 3.0, 0.5, c=0.5, depth=2)
    with pytest.raises(EocError, match=r"several stable variances.*give the q"):
        propagate("tanh(x)**3", 2.5, 0.1, c=0.5, depth=2)


def test_deep_networks_whose_variances_are_on_their_way_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eoc.propagation.layers.MOST_BLOCKS", 20)
    assert propagate("tanh", 1.0, q=[1.0], c=[[1.0]], depth=20).layers[-1] == 20.0
    with pytest.raises(EocError, match="still on their way after 20 layers"):
        propagate("tanh", 1.0, q=[1.0], c=[[1.0]], depth=1e12)
    assert propagate("tanh", 1.0, 1.0, q=[1.464], c=[[1.0]], depth=1e12).layers[-1] == 1e12  # arrives in time


@pytest.mark.parametrize("name", ["run.npz", "run.NPZ", "run.csv", "run.CSV"])
def test_endings_in_capitals_are_endings(tmp_path: Path, name: str) -> None:
    propagate("relu", 2**0.5, c=0.1, depth=1).save(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_what_holds_no_trajectory_is_refused(tmp_path: Path) -> None:
    run, good = propagate("relu", 2**0.5, c=0.1, depth=3), tmp_path / "good.npz"
    run.save(good)
    stored = dict(np.load(good))
    np.savez(tmp_path / "words.npz", **(stored | {"q": np.array([["a", "b"]] * 4)}))
    np.savez(tmp_path / "shapes.npz", **(stored | {"chi": stored["chi"][1:]}))
    np.savez(tmp_path / "less.npz", q=stored["q"])
    np.save(tmp_path / "array.npy", stored["q"])
    (tmp_path / "empty.npz").write_bytes(b"")
    (tmp_path / "text.npz").write_text("layer,q\n0,1\n")
    (tmp_path / "cut.npz").write_bytes(good.read_bytes()[:-100])
    for path in sorted(set(tmp_path.iterdir()) - {good}):
        with pytest.raises(EocError, match=f"{path.name} holds no trajectory, or is damaged"):
            Trajectory.load(path)
    with pytest.raises(FileNotFoundError):
        Trajectory.load(tmp_path / "none.npz")
