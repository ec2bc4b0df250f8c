"""Gradients that see the slope of another function, and thresholds that unbalance what is active."""

from __future__ import annotations

import json
import math
import pickle
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
from scipy.special import ndtr

from eoc.activations import activation
from eoc.criticality import edge_of_chaos, gradient_critical
from eoc.errors import EocError, ExpressionError, UnsupportedError
from eoc.layers import Input, network
from eoc.maps import CorrelationMap, VarianceMap
from eoc.montecarlo.blocks import sample_blocks
from eoc.phase import phase_diagram, phase_of, phases
from eoc.propagation import propagate
from eoc.sweeps import open_sweep, run_sweep

TABLE = Path(__file__).parent / "reference" / "surrogates.jsonl"
RECORDS = [json.loads(line) for line in TABLE.read_text().splitlines()]
SURROGATES = {
    "identity": "identity",
    "relu 1_{x>0}": "relu",
    "hard tanh 1_{|x|<1}": "hardtanh",
    "hard tanh surrogate": "hardtanh",
    "clipped relu 1_{0<x<1}": "clip(x, 0, 1)",
    "bi-real 2-2|x| on |x|<1": "bireal",
}


def of(quantity: str) -> list[Any]:
    found = [r for r in RECORDS if r["quantity"].startswith(quantity)]
    assert found
    return [pytest.param(r, id=f"{r['case']} {list(r['parameters'].values())}") for r in found]


def close(value: float, error: float, true: str, within: float = 1e-12) -> None:
    """Right to ``within``, and no farther off than is claimed."""
    off = float(abs(mpmath.mpf(true) - mpmath.mpf(float(value))))
    assert off <= within * abs(float(true)) + 1e-15
    assert off <= error


def surrogate_of(r: dict[str, Any]) -> str:
    return SURROGATES[r["case"].removeprefix("sign forward, backward ")]


def parameters(r: dict[str, Any]) -> dict[str, float]:
    return {name: float(value) for name, value in r["parameters"].items()}


@pytest.mark.parametrize("r", of("E[g^2]"))
def test_what_gradients_are_multiplied_by(r: dict[str, Any]) -> None:
    found = VarianceMap("sign", sigma_w=1.0, backward=surrogate_of(r)).chi_backward(parameters(r)["q"])
    close(found.value.item(), found.error.item(), r["value"])


@pytest.mark.parametrize("r", [*of("sigma_w with chi_backward"), *of("all sigma_w with chi_backward")])
def test_every_sigma_w_that_keeps_gradients(r: dict[str, Any]) -> None:
    true = r["value"] if isinstance(r["value"], list) else [r["value"]]
    found = gradient_critical("sign", backward=surrogate_of(r), sigma_b=parameters(r)["sigma_b"])
    assert len(found) == len(true)
    for p, value in zip(found, true, strict=True):
        close(p.sigma_w, p.sigma_w_error, value)
        phase = phase_of("sign", p.sigma_w, p.sigma_b, backward=surrogate_of(r))
        assert phase.chi_backward == pytest.approx(1.0, abs=1e-12)
        assert phase.xi_grad == math.inf or abs(phase.xi_grad) > 1e11


@pytest.mark.parametrize("r", of("E[g(u)g(v)]"))
def test_products_of_the_gradients_of_two_inputs(r: dict[str, Any]) -> None:
    given = parameters(r)
    f = CorrelationMap("sign", sigma_w=1.0, q=given["q"], backward=surrogate_of(r))
    found = f.gradient_correlation(given["c"])
    close(found.value.item(), found.error.item(), r["value"])


def threshold(r: dict[str, Any]) -> CorrelationMap:
    given = parameters(r)
    return CorrelationMap(f"shifted_sign(threshold={given['theta']})", given["sigma_w"], given["sigma_b"])


@pytest.mark.parametrize("r", of("share of +1"))
def test_the_share_of_active_units(r: dict[str, Any]) -> None:
    f = threshold(r)
    share = f.variance.activity(f.q)
    close(share.value.item(), share.error.item() + 1e-14, r["value"])  # q is known to some 1e-14
    assert phase_of(f.network, f.sigma_w, f.sigma_b).activity == share.value.item()


@pytest.mark.parametrize("r", of("f(c)"))
def test_correlation_maps_of_thresholds(r: dict[str, Any]) -> None:
    lost = threshold(r).one_minus_f(parameters(r)["c"])
    close(1.0 - lost.value.item(), lost.error.item() + 1e-15, r["value"])


@pytest.mark.parametrize("r", of("C in 1-f(1-e)"))
def test_how_fast_thresholds_tear_equal_inputs_apart(r: dict[str, Any]) -> None:
    first = threshold(r).expansion[0]
    assert first.power == 0.5
    close(first.coefficient, first.error, r["value"])


@pytest.mark.parametrize("r", of("c* and slope"))
def test_where_correlations_end_behind_thresholds(r: dict[str, Any]) -> None:
    end = threshold(r).stable_point
    close(end.c, end.c_error, r["value"][0])
    close(end.slope, end.slope_error, r["value"][1])


@pytest.mark.parametrize("r", of("all variance fixed points"))
def test_variances_behind_steps(r: dict[str, Any]) -> None:
    given = parameters(r)
    found = VarianceMap(f"heaviside(x - {given['theta']})", given["sigma_w"], given["sigma_b"]).fixed_points
    assert len(found) == len(r["value"])
    for p, value in zip(found, r["value"], strict=True):
        close(p.q, p.q_error, value)


# What holds whatever the surrogate


def test_an_activation_as_its_own_surrogate_changes_nothing() -> None:
    own, plain = VarianceMap("tanh", 1.3, 0.2, backward="tanh"), VarianceMap("tanh", 1.3, 0.2)
    q = np.array([0.1, 1.0, 10.0])
    assert own.chi_backward(q).value.tolist() == plain.chi_1(q).value.tolist() == plain.chi_backward(q).value.tolist()
    assert gradient_critical("tanh", backward="tanh", sigma_b=0.2)[0].sigma_w == pytest.approx(
        edge_of_chaos("tanh", sigma_b=0.2).best.sigma_w, rel=1e-12
    )
    f = CorrelationMap("tanh", 1.3, 0.2)
    product = f.gradient_correlation([-0.5, 0.3, 1.0])
    scale = f.next_q / f.q  # f' is that of K / F
    np.testing.assert_allclose(product.value, f.slope([-0.5, 0.3, 1.0]).value * scale, rtol=1e-12)


def test_surrogates_change_gradients_and_nothing_else() -> None:
    with_surrogate, without = phase_of("sign", 1.0, 0.5, backward="bireal"), phase_of("sign", 1.0, 0.5)
    differ = {"chi_backward", "chi_backward_error", "xi_grad", "xi_grad_error", "variance", "correlation"}
    for name, value in vars(without).items():
        if name not in differ:
            assert getattr(with_surrogate, name) == value, name
    assert without.chi_backward == without.chi_1 == math.inf
    assert with_surrogate.chi_1 == math.inf


def test_an_activation_and_its_network_say_the_same() -> None:
    alone = phase_of("sign", 1.2, 0.3, backward="hardtanh")
    written = phase_of("ste(sign, hardtanh), dense", 1.2, 0.3)
    for name in ("q", "chi_backward", "c_star", "xi_grad"):
        assert getattr(alone, name) == pytest.approx(getattr(written, name), rel=1e-12)
    assert gradient_critical("ste(sign, hardtanh), dense", sigma_b=0.3) == gradient_critical(
        "sign", backward="hardtanh", sigma_b=0.3
    )
    again = pickle.loads(pickle.dumps(alone.correlation))
    assert again.gradient_correlation(0.5).value == alone.correlation.gradient_correlation(0.5).value  # type: ignore[union-attr]


def test_alone_it_is_that_of_a_layer_in_sweeps_too(tmp_path: Path) -> None:
    """As an activation is, whose place sigma_w and sigma_b are."""
    assert network("ste(sign, hardtanh)").text == "ste(sign, hardtanh), dense"
    assert pickle.loads(pickle.dumps(network("ste(sign, hardtanh)"))).is_free
    assert not network("residual(ste(sign, hardtanh))").is_free
    axes = {"activation": ["ste(sign, hardtanh)", "tanh"], "sigma_w": 1.2, "sigma_b": [0.1, 0.3]}
    run_sweep({"schema": 1, "task": "phase", "axes": axes}, tmp_path / "s.zarr", workers=1)
    found = open_sweep(tmp_path / "s.zarr").sel(activation="ste(sign, hardtanh)")
    for sigma_b in (0.1, 0.3):
        one, here = phase_of("sign", 1.2, sigma_b, backward="hardtanh"), found.sel(sigma_b=sigma_b)
        assert (float(here.c_star), float(here.xi_grad)) == pytest.approx((one.c_star, one.xi_grad), rel=1e-12)


def test_a_saturation_before_the_sign_is_part_of_the_chain() -> None:
    """Of ste(sign, s) after clip(x, -2, 2): 1 where |x| < 2 times s'(clip(x))."""
    found = VarianceMap("clip(x, -2, 2), ste(sign, clip(x, -3, 3)), dense", 1.0).chi_backward(1.0)
    assert found.value.item() == pytest.approx(ndtr(2.0) - ndtr(-2.0), rel=1e-13)
    block = VarianceMap("residual(ste(sign, identity), dense, skip=0.5)", 1.0)
    assert block.chi_backward(1.0).value.item() == pytest.approx(1.25, rel=1e-13)
    fused = VarianceMap("residual(ste(sign, bireal)), dense", 1.0).chi_backward(1.0)  # x + sign(x)
    share = 1.0 + 2.0 * float(mpmath.quad(lambda x: (2 - 2 * abs(x)) * mpmath.npdf(x), [-1, 0, 1]))
    assert fused.value.item() == pytest.approx(share + 1.01420524682691112870722531, rel=1e-12)


def test_scales_and_norms_carry_surrogates_along() -> None:
    plain = VarianceMap("ste(sign, hardtanh), dense", 1.0).chi_backward(0.5).value
    assert VarianceMap("ste(sign, hardtanh), scale(2), dense", 0.5).chi_backward(0.5).value == pytest.approx(plain)
    assert VarianceMap("ste(sign, hardtanh), rmsnorm, dense", 1.0).chi_backward(0.5).value == pytest.approx(plain)
    half = VarianceMap("ste(heaviside, hardtanh), layernorm, dense", 1.0).chi_backward(0.5).value  # std 1/2
    assert half == pytest.approx(4.0 * plain)


def test_deep_networks_follow_the_surrogate() -> None:
    run = propagate("ste(sign, hardtanh), dense", 1.2, 0.3, q=4.0, c=0.3, depth=10**5)
    at = phase_of("sign", 1.2, 0.3, backward="hardtanh")
    assert run.chi[-1, 0] == pytest.approx(at.chi_backward, rel=1e-12)
    assert run.one_minus_c[-1, 0, 1] == pytest.approx(1.0 - at.c_star, rel=1e-10)


def test_signs_of_sums_that_are_not_gaussian() -> None:
    """Of x + tanh(W x): tangents are as large as the value of the unit says."""
    block = network("residual(dense(1), tanh), ste(sign, bireal), dense(1)").block(surrogates=True)
    w, step = np.linspace(-7.0, 7.0, 2801, retstep=True)
    x = w[1400:-1, None] + 0.5 * step  # the other half is the same
    u, tangent = x + np.tanh(w), 1.0 + np.cosh(w) ** -4.0
    density = np.exp(-0.5 * (x**2 + w**2)) * step**2 / (2.0 * np.pi)
    true = 2.0 * (activation("bireal").dphi(u) ** 2 * tangent * density).sum()
    assert block(Input([1.0])).chi.value[0] == pytest.approx(true, rel=1e-5)


def test_random_networks_have_these_gradients() -> None:
    block = network("ste(shifted_sign(threshold=0.5), bireal), dense")
    seen = sample_blocks(block, 1.1, 0.2, q=(1.0, 1.0), c=0.4, depth=3, width=400, networks=60, seed=1, backward=True)
    told = propagate(block, 1.1, 0.2, q=1.0, c=0.4, depth=3)
    error = seen.chi.std() / len(seen.chi) ** 0.5
    assert abs(seen.chi[:, 0].mean() - told.gradient[0, 0]) < 4.0 * error


def test_bireal_is_the_sign_that_is_trained_on() -> None:
    phi = activation("ApproxSign")
    assert phi is activation("bireal")
    assert phi([-2.0, -0.5, 0.0, 0.5, 2.0]).tolist() == [-1.0, -0.75, 0.0, 0.75, 1.0]
    assert phi.dphi([-0.5, 0.25, 1.5]).tolist() == [1.0, 1.5, 0.0]
    assert phi.parity == "odd"


@pytest.mark.parametrize("phi", ["relu", "x*x - 1", "tanh(x) - 0.5"])
def test_activity_is_the_share_above_zero(phi: str) -> None:
    z = np.random.default_rng(0).standard_normal(200_000)
    share = VarianceMap(phi, 1.0).activity(2.0).value.item()
    assert share == pytest.approx((activation(phi)(2.0**0.5 * z) > 0.0).mean(), abs=5e-3)


@pytest.mark.parametrize(
    ("ask", "kind", "says"),
    [
        (lambda: VarianceMap("sign", 1.0, backward="sign"), EocError, "sign jumps"),
        (lambda: phases("sign, dense", 1.0, backward="hardtanh"), EocError, "write it there"),
        (lambda: network("ste(sign, sign), dense"), ExpressionError, "column 11.*sign jumps"),
        (lambda: network("ste(sign), dense"), ExpressionError, "two activations"),
        (lambda: gradient_critical("tanh"), EocError, "eoc.edge_of_chaos"),
        (lambda: gradient_critical("dense, ste(sign, relu)"), UnsupportedError, "follows the dense"),
        (lambda: gradient_critical("ste(sign, relu), dense(1)"), EocError, "no dense without numbers"),
        (lambda: edge_of_chaos("ste(sign, relu), dense"), UnsupportedError, "eoc.gradient_critical"),
        (lambda: phase_diagram("ste(sign, relu), dense", [1.0], [0.1]), UnsupportedError, "eoc.phases"),
        (lambda: VarianceMap("ste(sign, relu), tanh, dense", 1.0).chi_backward(1.0), UnsupportedError, "dense layer"),
        (lambda: VarianceMap("gate(tanh, ste(sign, relu)), dense", 1.0).chi_backward(1.0), UnsupportedError, "product"),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_to_do(ask: Any, kind: type[Exception], says: str) -> None:
    with pytest.raises(kind, match=f"(?s){says}"):
        ask()
