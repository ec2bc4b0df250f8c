"""Published and recomputed laws and critical places of networks of several layers, to 17 digits."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from eoc.criticality import edge_of_chaos
from eoc.maps import CorrelationMap, VarianceMap, convergence_law
from eoc.phase import phase_of

TABLE = Path(__file__).parent / "reference" / "network_maps.jsonl"
RECORDS = [json.loads(line) for line in TABLE.read_text().splitlines()]
GATES = {"linear": "identity"}


def named(case: str, *quantities: str) -> list[Any]:
    found = [r for r in RECORDS if r["case"] == case and (not quantities or r["quantity"] in quantities)]
    assert found
    return [pytest.param(r, id=f"{r.get('activation', r.get('gate', ''))} {r['quantity']}") for r in found]


def close(value: float, error: float, record: dict[str, Any], within: float = 1e-11) -> None:
    """Right to ``within``, and no farther off than is claimed."""
    true = float(record["value"])
    assert value == pytest.approx(true, rel=within, abs=within)
    assert abs(value - true) <= error + 4e-16 * abs(true)


@pytest.mark.parametrize("case", ["relu 1-c law", "leaky relu 1-c law"])
def test_residual_laws(case: str) -> None:
    for r in RECORDS:
        if r["case"] == case:
            phi = "relu" if "slope" not in r else f"leaky_relu(x, {r['slope']})"
            text = f"residual({phi}, dense(sqrt({r['sw2']})), skip={r['lam']}, scale={r['mu']})"
            law = convergence_law(CorrelationMap(text, q=1.0))
            close(law.constant, law.error, r)


@pytest.mark.parametrize("r", named("norm after activation, critical"))
def test_edges_with_a_norm_behind_the_activation(r: dict[str, Any]) -> None:
    p = edge_of_chaos(f"{r['activation']}, layernorm, dense", sigma_w=math.sqrt(float(r["sw2"]))).best
    close(p.sigma_b**2, 2.0 * p.sigma_b * p.sigma_b_error, r)


@pytest.mark.parametrize("r", named("relu noise-critical"))
def test_relu_with_noise_at_its_critical_weights(r: dict[str, Any]) -> None:
    point = edge_of_chaos(f"relu, noise({r['mu2']}), dense").best
    if r["quantity"] == "sigma_w^2":
        close(point.sigma_w**2, 2.0 * point.sigma_w * point.sigma_w_error, r)
        return
    phase = phase_of(f"relu, noise({r['mu2']}), dense", point.sigma_w)
    if r["quantity"] == "c*":
        close(phase.c_star, phase.c_star_error, r)
    else:
        close(phase.xi_c, phase.xi_c_error, r)


@pytest.mark.parametrize("r", named("noise edge of chaos"))
def test_edges_with_noise(r: dict[str, Any]) -> None:
    text, sigma_b = f"{r['activation']}, noise({r['mu2']}), dense", float(r["sb"])
    p = edge_of_chaos(text, sigma_b=sigma_b).best
    phase = phase_of(text, p.sigma_w, sigma_b)
    found = {
        "sigma_w": (p.sigma_w, p.sigma_w_error),
        "q*": (p.q, p.q_error),
        "c*": (phase.c_star, phase.c_star_error + 1e-12),  # of the place, which is known to some 1e-13
        "xi_c": (phase.xi_c, phase.xi_c_error + 1e-11),
    }
    close(*found[r["quantity"]], r)


@pytest.mark.parametrize("r", named("GLU edge of chaos"))
def test_edges_of_gated_layers(r: dict[str, Any]) -> None:
    gate = GATES.get(r["gate"], r["gate"])
    found = edge_of_chaos(f"gate(dense(1), (dense({r['s2']}), {gate})), dense", q=float(r["q"]))
    (p,) = found.points
    values = {
        "s1*s3": (p.sigma_w**2, 2.0 * p.sigma_w * p.sigma_w_error),  # the squares' product: only it matters
        "sigma_b^2": (p.sigma_b**2, 2.0 * p.sigma_b * p.sigma_b_error),
        "F'(q)": (p.slope, p.slope_error),
    }
    close(*values[r["quantity"]], r)


@pytest.mark.parametrize("r", named("GLU, variance kept"))
def test_a_gated_layer_without_bias_multiplies_gradients_where_it_keeps_its_variance(r: dict[str, Any]) -> None:
    gate = GATES.get(r["gate"], r["gate"])
    open_gate = VarianceMap(f"gate(dense(1), (dense(1), {gate})), dense", 1.0)
    ratio = float(open_gate.chi_1(1.0).value) / float(open_gate.F(1.0).value)  # sigma_w^2 = 1/F(1) keeps q = 1
    assert ratio == pytest.approx(float(r["value"]), rel=1e-12)


@pytest.mark.parametrize("r", named("LN critical line"))
def test_critical_lines_of_layers_behind_a_norm(r: dict[str, Any]) -> None:
    """sigma_b^2 = slope sigma_w^2, and chi at sigma_b = 0."""
    block = f"layernorm, {r['activation']}, dense"
    if r["quantity"] == "chi at sigma_b=0":
        one = VarianceMap(block, 1.0)
        q = one.F(1.0)
        assert float(one.chi_1(float(q.value)).value) == pytest.approx(float(r["value"]), rel=1e-12)
    elif float(r["value"]) > 0.0:
        p = edge_of_chaos(block, sigma_w=1.3).best
        assert p.sigma_b**2 / 1.3**2 == pytest.approx(float(r["value"]), rel=1e-11)
        assert abs(p.sigma_b**2 / 1.3**2 - float(r["value"])) <= 2.0 * p.sigma_b * p.sigma_b_error + 1e-15


@pytest.mark.parametrize("r", named("residual critical line"))
def test_critical_lines_of_residual_layers(r: dict[str, Any]) -> None:
    p = edge_of_chaos(f"residual({r['activation']}, dense, skip={r['lam']})", q=float(r["q"])).best
    values = {
        "sigma_w^2": (p.sigma_w**2, 2.0 * p.sigma_w * p.sigma_w_error),
        "sigma_b^2": (p.sigma_b**2, 2.0 * p.sigma_b * p.sigma_b_error),
    }
    close(*values[r["quantity"]], r)


def test_the_table_has_no_record_twice() -> None:
    keys = [json.dumps({k: v for k, v in r.items() if k not in ("value", "digits", "how")}) for r in RECORDS]
    assert len(set(keys)) == len(keys) == 53
