"""Condition numbers with depth beside exact kernels, published values and their laws in the three phases."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import eoc
from eoc.errors import EocError, UnsupportedError
from eoc.kernels import condition_numbers

TABLE = Path(__file__).parent / "reference" / "kernels.jsonl"
ROWS = [r for r in map(json.loads, TABLE.read_text().splitlines()) if r["case"] == "condition number"]
EDGE = 1.304145840056512  # of tanh at sigma_b = 0.2


@pytest.mark.parametrize(
    "row",
    [r for r in ROWS if r["quantity"].startswith("kappa")],
    ids=lambda r: f"{r['activation']} {r['sw2']} {r['L']} {r['quantity']}",
)
def test_published_condition_numbers(row):
    sigmas = float(row["sw2"]) ** 0.5, float(row["sb2"]) ** 0.5
    found = condition_numbers(row["activation"], *sigmas, inputs=int(row["inputs"]), c=float(row["c0"]), depth=row["L"])
    name = "nngp" if "NNGP" in row["quantity"] else "ntk"
    value, error = getattr(found, name)[0], getattr(found, f"{name}_error")[0]
    assert abs(value - float(row["value"])) <= error + 1e-15 * value
    assert value == pytest.approx(float(row["value"]), rel=1e-11)


@settings(max_examples=25, deadline=None)
@given(
    place=st.sampled_from([("relu", 2**0.5, 0.0), ("relu", 1.1, 0.3), ("tanh", 2.0, 0.1), ("elu", 0.9, 0.2)]),
    inputs=st.integers(2, 5),
    share=st.floats(0.01, 0.99),
    depth=st.integers(0, 6),
)
def test_they_are_those_of_kernels(place, inputs, share, depth):
    phi, sigma_w, sigma_b = place
    e = share * inputs / (inputs - 1.0)
    found = condition_numbers(phi, sigma_w, sigma_b, inputs=inputs, one_minus_c=e, depth=[depth])
    exact = eoc.kernel(phi, q=[found.f.q] * inputs, one_minus_c=e, depth=depth, sigma_w=sigma_w, sigma_b=sigma_b)
    for name in ("nngp", "ntk"):
        spectrum = exact.spectrum(name)
        off = spectrum.condition_number * spectrum.error * (2.0 / spectrum.eigenvalues[-1])
        assert abs(getattr(found, name)[0] - spectrum.condition_number) <= getattr(found, f"{name}_error")[0] + off


@pytest.mark.parametrize(("phi", "place", "p"), [("relu", (2**0.5, 0.0), 3.0), ("tanh", (EDGE, 0.2), 2.0)])
def test_on_the_edge_of_chaos_the_ratio_is_a_quarter_or_a_third(phi, place, p):
    found = condition_numbers(phi, *place, inputs=10, c=0.3, depth=[100, 1000, 10_000])
    assert found.law.phase == "edge"
    assert found.law.ratio == 1.0 / (1.0 + p)
    assert found.law.ntk(found.depth)[0] == pytest.approx((10.0 + p) / p)
    off = np.abs(found.law.ntk(found.depth) / found.ntk - 1.0)
    of_nngp = np.abs(found.law.nngp(found.depth) / found.nngp - 1.0)
    for one in (off, of_nngp):
        assert (one < 10.0 * np.log(found.depth) / found.depth).all()


@pytest.mark.parametrize(("phi", "sigma_w", "sigma_b"), [("erf", 0.8**0.5, 0.3), ("elu", 1.0, 0.2), ("silu", 1.0, 0.5)])
def test_in_the_ordered_phase_smooth_ones_follow_the_law_of_xiao(phi, sigma_w, sigma_b):
    found = condition_numbers(phi, sigma_w, sigma_b, inputs=5, c=0.0, depth=[50, 200])
    assert (found.law.phase, found.law.has_kinks) == ("ordered", False)
    off = np.abs(found.law.ntk(found.depth) / found.ntk - 1.0)
    assert off[1] < 0.02
    assert off[1] == pytest.approx(0.25 * off[0], rel=0.3)
    assert found.law.nngp(found.depth)[1] == pytest.approx(found.nngp[1], rel=1e-9)


@pytest.mark.parametrize(
    ("phi", "sigma_w", "sigma_b"), [("relu", 1.5**0.5, 0.3), ("hardtanh", 1.0, 0.5), ("leaky_relu", 1.0, 1.0)]
)
def test_in_the_ordered_phase_kinked_ones_follow_a_law_of_their_own(phi, sigma_w, sigma_b):
    found = condition_numbers(phi, sigma_w, sigma_b, inputs=5, c=0.0, depth=[20, 60])
    assert (found.law.phase, found.law.has_kinks) == ("ordered", True)
    off = np.abs(found.law.ntk(found.depth) / found.ntk - 1.0)
    assert (off <= 15.0 * found.law.chi ** (0.5 * found.depth)).all()
    slope = np.log(found.ntk[1] / found.ntk[0]) / 40.0
    assert slope == pytest.approx(-0.5 * np.log(found.law.chi), rel=0.02)


@pytest.mark.parametrize(("phi", "sigma_w", "sigma_b"), [("erf", 3**0.5, 0.05**0.5), ("hardtanh", 1.2, 0.2)])
def test_in_the_chaotic_phase_the_ntk_becomes_a_multiple_of_one(phi, sigma_w, sigma_b):
    found = condition_numbers(phi, sigma_w, sigma_b, inputs=10, c=0.3, depth=[50, 80])
    assert (found.law.phase, found.law.ratio) == ("chaotic", 0.0)
    assert found.law.nngp(found.depth)[1] == pytest.approx(found.nngp[1], rel=0.02)
    off = np.abs((found.law.ntk(found.depth) - 1.0) / (found.ntk - 1.0) - 1.0)
    assert off[1] < 0.5 * off[0] < 0.1
    assert found.ntk[1] == pytest.approx(1.0, abs=1e-2)


def test_linear_networks_keep_their_condition_numbers():
    found = condition_numbers("identity", 1.0, inputs=4, c=0.5, depth=[0, 7])
    assert found.law.phase == "constant"
    np.testing.assert_allclose(found.nngp, 5.0, rtol=1e-13)
    np.testing.assert_allclose(found.ntk, 5.0, rtol=1e-13)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"inputs": 1}, "inputs"),
        ({"c": 1.0}, "must lie in"),
        ({"c": -0.9}, "must lie in"),
        ({"c": None}, "as c or as one_minus_c"),
        ({"depth": [5, 5]}, "increasing"),
        ({"depth": 10**7}, "10000"),
        ({"sigma_w": None}, "sigma_w"),
    ],
)
def test_what_cannot_be_is_refused(given, message):
    with pytest.raises(EocError, match=message):
        condition_numbers("relu", **{"sigma_w": 1.0, "sigma_b": 0.1, "inputs": 3, "c": 0.3, "depth": 3, **given})


def test_networks_and_jumps_are_refused():
    with pytest.raises(UnsupportedError, match="is a network"):
        condition_numbers("resnet", 1.0, inputs=3, c=0.3, depth=3, q=1.0)
    with pytest.raises(UnsupportedError, match="jumps"):
        condition_numbers("sign", 1.0, inputs=3, c=0.3, depth=3)
