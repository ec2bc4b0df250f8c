"""Shaped activations: the four numbers of DKS and TAT, what they make of networks, and what is refused."""

from __future__ import annotations

import json
import math
import pickle
from pathlib import Path

import numpy as np
import pytest
from test_cli import run, run_json

import eoc
from eoc.errors import EocError, UnsupportedError
from eoc.layers import understood
from eoc.shaping.conditions import Conditions
from eoc.shaping.means import means
from eoc.shaping.solutions import solutions
from eoc.shaping.target import bend_of_each

RECORDS = [
    row
    for row in map(json.loads, (Path(__file__).parent / "reference" / "architectures.jsonl").read_text().splitlines())
    if row["topic"] == "9 dks"
]
FIELD = "resnet:0.36:3,4,23,3"  # branches of three layers, skips 0.6, projections where groups begin


def field_network(name: str) -> str:
    branch = ", ".join([f"{name}, dense(1)"] * 3)
    first = f"sum(({name}, dense(1), scale(0.6)), ({branch}, scale(0.8)))"
    groups = [f"{first}, repeat({n - 1}, residual({branch}, skip=0.6, scale=0.8))" for n in (3, 4, 23, 3)]
    return ", ".join([*groups, f"{name}, dense(1)"])


@pytest.fixture(scope="module")
def field():
    """What each activation of the field network may bend."""
    block = eoc.network(field_network("tanh"))
    totals = {"dks": 1.2, "tat": 0.2}
    return {method: bend_of_each(block, eoc.activation("tanh"), 1, method, total) for method, total in totals.items()}


def rows_of(case: str) -> dict[tuple[str, str], dict[str, float]]:
    """Of each activation and network: quantity -> value, and what was asked for."""
    out: dict[tuple[str, str], dict[str, float]] = {}
    for row in RECORDS:
        if row["case"] == case:
            here = out.setdefault((row.get("activation", "relu"), f"{row['net']} {row['D']}"), {})
            here[row["quantity"]] = float(row["value"])
            here |= {name: float(row[name]) for name in ("zeta", "tau", "eta", "D") if name in row}
    return out


def close(found: float, value: float, error: float) -> None:
    assert found == pytest.approx(value, rel=1e-11)
    assert abs(found - value) <= error + 2e-16 * abs(value)


@pytest.mark.parametrize("case", ["DKS", "TAT smooth"])
def test_published_numbers(case, field):
    """Those that the reference implementation publishes, to the digits of the sheet, with honest bounds."""
    method, each, asked = ("dks", "C'(1)", "zeta") if case == "DKS" else ("tat", "C''(1)", "tau")
    rows = rows_of(case)
    assert rows
    for (name, net), row in rows.items():
        if net.startswith(FIELD):
            goal, error = field[method]
            found = solutions(eoc.activation(name), tuple(Conditions(method, goal, s) for s in (1.0, -1.0)), error)
            kept = next(s for s in found if s.alpha == pytest.approx(row["alpha"], rel=1e-6) and s.beta > 0.0)
            own = goal + (method == "dks")
        else:
            whole = eoc.shape(name, row["D"], method=method, **{asked: row[asked]})
            kept, own = whole, whole.each
        assert own == pytest.approx(row[each], rel=1e-14)
        errors = kept.errors if isinstance(kept, eoc.Shaping) else [getattr(kept, f"{n}_error") for n in NUMBERS]
        for number, error in zip(NUMBERS, errors, strict=True):
            close(getattr(kept, number), row[number], error)


NUMBERS = ("alpha", "beta", "gamma", "delta")


def test_published_slopes_of_leaky_relus():
    rows = rows_of("TAT leaky relu")
    assert len(rows) == 3
    for (_, net), row in rows.items():
        block = field_network("relu") if net.startswith(FIELD) else None
        found = eoc.shape("relu", row["D"] or 1, network=block, eta=row["eta"])
        close(found.negative_slope, row["negative_slope"], found.errors[4])
        close(found.gamma, row["gamma"], found.errors[2])


def test_the_second_solution_of_tanh_is_known_and_not_kept():
    """Theory sheet, section 9: dks rejects what has alpha gamma >= 2."""
    found = eoc.shape("tanh", 50)
    second = next(s for s in found.others if s.beta > 0.0)
    published = (0.0488311, 1.08873, -0.794736, 55.7073)
    assert (second.alpha, second.beta, second.delta, second.gamma) == pytest.approx(published, rel=5e-6)
    assert found.alpha * found.gamma < 2.0 < second.alpha * second.gamma
    mirrored = eoc.shape("sigmoid", 50)  # is (1 + tanh(x/2))/2
    assert mirrored.alpha == pytest.approx(2.0 * found.alpha, rel=1e-11)
    assert mirrored.beta == pytest.approx(2.0 * found.beta, rel=1e-11)
    assert mirrored.gamma == pytest.approx(2.0 * found.gamma, rel=1e-10)


@pytest.mark.parametrize(
    ("name", "depth", "method"),
    [("gelu", 7, "tat"), ("silu", 90, "dks"), ("x*tanh(x)", 300, "tat"), ("softplus", 2, "dks"), ("selu", 30, "dks")],
)
def test_all_conditions_hold_for_the_finished_function(name, depth, method):
    found = eoc.shape(name, depth, method=method)
    assert len(found.conditions) == 4
    for one in found.conditions:
        assert abs(one.value - one.asked) <= one.error + 1e-12 * max(abs(one.asked), 1e-3)
    f = eoc.CorrelationMap(found.activation, 1.0, 0.0, q=1.0)
    if method == "dks":
        assert f.chi_1**depth == pytest.approx(1.5, rel=1e-10)
    else:
        assert f.chi_1 == pytest.approx(1.0, abs=1e-13)
        assert -2.0 * f.expansion[1].coefficient * depth == pytest.approx(0.3, rel=1e-9)


@pytest.mark.parametrize(
    ("network", "depth"),
    [
        ("residual(gelu, dense(1), skip=0.8, scale=0.6)", 40),
        ("residual(gelu, dense(1), gelu, dense, skip=0.6, scale=0.8)", 20),
        ("layernorm, gelu, dense", 30),
        ("gelu, dense(1), tanh, dense(1.5936)", 6),
    ],
)
def test_networks_of_the_algebra_bend_by_what_was_asked(network, depth):
    """The curvature of the finished network, composed from the expansion of its block at c = 1."""
    if "tanh" in network:  # a foreign activation that is off the edge: sees 1, gives what its own map gives
        with pytest.raises(EocError, match="sees the variance"):
            eoc.shape("gelu", depth, network=network)
        return
    found = eoc.shape("gelu", depth, network=network)
    sigma = (1.0, 0.0) if found.shaped_network.is_free else (None, 0.0)
    f = eoc.CorrelationMap(found.shaped_network, *sigma, q=1.0)
    assert f.next_q == pytest.approx(1.0, abs=1e-12)
    assert f.chi_1 == pytest.approx(1.0, abs=1e-12)
    assert -2.0 * f.expansion[1].coefficient * depth == pytest.approx(0.3, rel=1e-7)


def test_blocks_that_differ_and_blocks_that_grow_are_followed_through():
    varying = eoc.shape("gelu", 10, network="residual(gelu, dense(1), skip=sqrt(1 - 1/L), scale=sqrt(1/L))")
    assert varying.each == pytest.approx(0.3, rel=1e-10)  # ten blocks, a tenth of each; a branch alone may have 0.3
    normed = eoc.shape("gelu", 10, network="residual(layernorm, dense(1), gelu, dense(1), scale=0.3)")
    assert normed.each > 0.03  # skips pass on what is not bent
    assert normed.trains


@pytest.mark.parametrize(("method", "total"), [("tat", 0.3), ("dks", 1.001)])
def test_errors_of_what_each_may_bend_are_bounded(method, total):
    """Two activations a block, as if there were blocks of one: this is known without a search."""
    phi = eoc.activation("tanh")
    found, error = bend_of_each(eoc.network("dense, tanh, dense, tanh"), phi, 30, method, total)
    plain, own = bend_of_each(understood("tanh"), phi, 60, method, total)
    true = total / 60 if method == "tat" else math.expm1(math.log(total) / 60)
    assert abs(plain - true) <= own * true
    assert abs(found - true) <= error * true
    assert error < 1e-8


def test_networks_that_cannot_be_shaped():
    with pytest.raises(EocError, match=r"2 blocks of .* cannot bend by just 3, however gelu is shaped"):
        eoc.shape("gelu", 2, tau=3.0, network="residual(gelu, dense(1), skip=0.8, scale=0.6)")
    with pytest.raises(EocError, match="sees the variance 2 in this network"):
        eoc.shape("gelu", 3, network="residual(gelu, dense(1))")
    with pytest.raises(EocError, match="does not stand in the network"):
        eoc.shape("gelu", 3, network="resnet")
    with pytest.raises((EocError, UnsupportedError), match=r"noise|variance"):
        eoc.shape("gelu", 3, network="gelu, dropout(0.1), scale(sqrt(0.9)), dense(1)")


@pytest.mark.parametrize(
    ("source", "asked", "problem"),
    [
        ("sign", {}, "jumps"),
        ("identity", {}, "is linear"),
        ("abs", {}, "no leaky ReLU"),
        ("hardtanh", {}, "meets the four conditions of DKS"),
        ("hardtanh", {"method": "tat"}, "has kinks.*take method 'dks'"),
        ("relu", {"method": "dks"}, "take 'tat'"),
        ("relu", {"depth": 2}, "train as they are"),
        ("relu", {"tau": 0.3}, "takes eta"),
        ("gelu", {"tau": -1.0}, "tau must be above 0"),
        ("gelu", {"method": "dks", "zeta": 1.0}, "zeta must be above 1"),
        ("gelu", {"method": "newton"}, "'tat' or 'dks', got 'newton'"),
        ("gelu", {"depth": 0}, "depth"),
        ("elu(alpha=0.5)", {}, "shape another activation"),
    ],
)
def test_what_is_refused(source, asked, problem):
    with pytest.raises(EocError, match=problem):
        eoc.shape(source, **asked)


def test_a_shaped_activation_is_one_like_others():
    found = eoc.shape("elu(alpha=1.2)", 20, method="dks")
    assert eoc.activation(found.activation.name) is found.activation
    assert pickle.loads(pickle.dumps(found.activation)) is found.activation
    own = eoc.shape(lambda x: np.tanh(x) + 0.1 * np.sin(x), 20)  # of a function no formula is known
    x = np.linspace(-3.0, 3.0, 7)
    inner = own.alpha * x + own.beta
    meant = own.gamma * (np.tanh(inner) + 0.1 * np.sin(inner) + own.delta)
    assert own.activation(x) == pytest.approx(meant, rel=1e-12)
    assert eoc.CorrelationMap(own.activation, 1.0, 0.0, q=1.0).chi_1 == 1.0


def test_wide_networks_do_what_the_map_says():
    """1 - c after 30 layers of a shaped GELU, 100 networks of width 1000: within 4 standard errors and 1/width."""
    found = eoc.shape("gelu", 30)
    drawn = eoc.sample_networks(found.activation, 1.0, width=1000, depth=31, c=0.3, q=1.0, networks=100, seed=4)
    last = drawn.one_minus_c[:, -1, 0, 1]
    spread = last.std() / math.sqrt(last.size)
    assert abs(last.mean() - found.one_minus_c) < 4.0 * spread + 30.0 / 1000.0


def test_means_agree_with_high_precision():
    """Against mpmath: E r, E r'^2 - Var r and the rest, where alpha is small and all of it cancels."""
    mp = pytest.importorskip("mpmath")
    alpha, beta = 0.01, 0.4
    found = means(eoc.activation("tanh"), np.array([alpha]), np.array([beta]), curved=True)
    with mp.workdps(40):
        a, b = mp.mpf(alpha), mp.mpf(beta)
        tangent = a * (1 - mp.tanh(b) ** 2)

        def r(z):
            return mp.tanh(a * z + b) - mp.tanh(b) - tangent * z

        def dr(z):
            return a * (1 - mp.tanh(a * z + b) ** 2) - tangent

        def mean(g):
            return mp.quad(lambda z: g(z) * mp.npdf(z), mp.linspace(-14, 14, 29))

        exact = {
            "r": mean(r),
            "excess": mean(lambda z: dr(z) ** 2) - mean(lambda z: r(z) ** 2) + mean(r) ** 2,
            "skew": mean(lambda z: (z * z - 1) * dr(z)),
            "mixed": mean(lambda z: r(z) * dr(z) * z),
            "tilt": mean(lambda z: z * dr(z)),
        }
        for name, value in exact.items():
            one = getattr(found, name)
            assert abs(one.value[0] - float(value)) <= one.error[0]
            assert one.error[0] < 1e-9 * abs(float(value)) + 1e-18


def test_the_command():
    done = run("shape", "gelu", "--depth", "60")
    assert done.stdout.startswith("60 layers of gelu, shaped by TAT, should train: ")
    assert done.stdout.splitlines()[-1].startswith("next: eoc shape gelu --depth 60 --framework torch")
    code, found = run_json("shape", "softplus", "--depth", "50", "--method", "dks")
    assert code == 0
    assert found["alpha"] == pytest.approx(0.32662517297793249, rel=1e-12)
    assert [one["name"] for one in found["conditions"]] == ["Q(1)", "Q'(1)", "C'(1)", "C(0)"]
    refused = run("shape", "hardtanh")
    assert refused.returncode == 2
    assert "shape another activation" in refused.stderr


def test_init_and_compare_offer_it_where_networks_will_not_train():
    for command in ("init", "compare"):
        assert "next: eoc shape gelu --depth 60" in run(command, "gelu", "--depth", "60").stdout
        assert "eoc shape" not in run(command, "tanh").stdout
