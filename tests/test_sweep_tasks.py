"""The tasks of sweeps: what they declare is what they compute, and that is what the functions of eoc return."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import eoc
from eoc.criticality import Regime
from eoc.errors import EocError
from eoc.sweeps.functions import activation_of
from eoc.sweeps.plan import Batch, Result
from eoc.sweeps.running.work import compute
from eoc.sweeps.task import EOC, Values
from eoc.sweeps.tasks import TASKS, task

ONE_INPUT = {
    "activation": "tanh",
    "sigma_w": EOC,
    "sigma_b": 0.3,
    "width": 20,
    "depth": 3,
    "networks": 60,
    "weights": "gaussian",
    "random_seed": 5,
}
WITHOUT_WIDTH = {name: value for name, value in ONE_INPUT.items() if name != "width"}
BLOCK = "residual(tanh, dense, skip=0.8)"
INPUTS = Path(tempfile.mkdtemp()) / "inputs.npy"
np.save(INPUTS, np.random.default_rng(0).standard_normal((5, 3)))
CASES: dict[str, tuple[str, dict[str, Any], dict[str, tuple[Any, ...]]]] = {
    "edge, recommended": ("edge_of_chaos", {"activation": "tanh"}, {}),
    "edge at sigma_b": ("edge_of_chaos", {"activation": "tanh", "sigma_b": 0.2}, {}),
    "edge at q": ("edge_of_chaos", {"activation": "tanh", "q": 0.5}, {}),
    "edge at sigma_w": ("edge_of_chaos", {"activation": "tanh", "sigma_w": 1.3}, {}),
    "edge at depth": ("edge_of_chaos", {"activation": "tanh", "correlation_depth": 30.0}, {}),
    "edge, none": ("edge_of_chaos", {"activation": "softplus", "sigma_b": 0.1}, {}),
    "curve over q": ("curve", {"activation": "gelu"}, {"q": (0.1, 1.0, 10.0)}),
    "curve over sigma_b": ("curve", {"activation": "gelu"}, {"sigma_b": (0.0, 0.1, 0.5)}),
    "curve over sigma_w": ("curve", {"activation": "gelu"}, {"sigma_w": (1.0, 1.4)}),
    "phase diagram": ("phase_diagram", {"activation": "tanh", "sigma_b": 0.3}, {"sigma_w": (0.5, 1.3, 2.5)}),
    "phase": ("phase", {"activation": "tanh", "sigma_w": 2.5, "sigma_b": 0.3}, {}),
    "phase on the edge": ("phase", {"activation": "tanh", "sigma_w": EOC, "sigma_b": 0.3}, {}),
    "propagation": (
        "propagation",
        {"activation": "tanh", "sigma_w": EOC, "sigma_b": 0.3, "c": 0.1},
        {"depth": (0, 1, 100)},
    ),
    "rates": ("rates", {"activation": "tanh", "sigma_w": EOC, "sigma_b": 0.3, "c": 0.1, "depth": 1000}, {}),
    "rates off the edge": ("rates", {"activation": "tanh", "sigma_w": 1.5, "sigma_b": 0.3, "c": 0.1, "depth": 100}, {}),
    "conditions": (
        "conditions",
        {"activation": "tanh", "sigma_w": EOC, "sigma_b": 0.3, "c": 0.1, "inputs": 10},
        {"depth": (0, 5, 100)},
    ),
    "kernel": (
        "kernel",
        {"activation": "relu", "sigma_w": 1.4, "sigma_b": 0.1, "depth": 2, "data": str(INPUTS), "size": 3, "block": 1},
        {},
    ),
    "kinks": (
        "kinks",
        {"activation": "hardtanh", "sigma_w": 2.0, "sigma_b": 0.3, "c": 0.5, "mean_square": 1.0, "depth": 2}
        | {"width": 20, "networks": 3, "seed": 0},
        {},
    ),
    "edge of a network": ("edge_of_chaos", {"activation": BLOCK, "sigma_b": 0.1}, {}),
    "edge of noise": ("edge_of_chaos", {"activation": "mlp_dropout", "sigma_b": 0.3}, {}),
    "no edge of a network": ("edge_of_chaos", {"activation": "preln", "sigma_b": 0.1}, {}),
    "diagram of a network": ("phase_diagram", {"activation": BLOCK, "sigma_b": 0.3}, {"sigma_w": (0.5, 1.2)}),
    "phase of a network": ("phase", {"activation": "postln", "sigma_w": 1.0, "sigma_b": 0.0}, {}),
    "phase without a free dense": ("phase", {"activation": "postnorm(relu, dense(1.5))", "sigma_b": 0.0}, {}),
    "propagation through blocks that differ": (
        "propagation",
        {"activation": "residual(relu, dense, scale=1/l)", "sigma_w": 1.0, "sigma_b": 0.0, "q": 1.0, "c": 0.1},
        {"depth": (0, 1, 20)},
    ),
    "rates of a network": (
        "rates",
        {"activation": BLOCK, "sigma_w": EOC, "sigma_b": 0.1, "c": 0.1, "depth": 1000},
        {},
    ),
    "lengths": ("montecarlo/length_process", ONE_INPUT, {}),
    "lengths beyond": ("montecarlo/length_process", ONE_INPUT, {"eps": (0.01, 0.1)}),
    "scaling": ("montecarlo/length_scaling", WITHOUT_WIDTH, {"width": (10, 40)}),
    "gaussianity": ("montecarlo/gaussianity", ONE_INPUT, {}),
    "correlations": ("montecarlo/correlation_process", ONE_INPUT | {"width": 500, "depth": 8, "networks": 20}, {}),
    "second layer": (
        "montecarlo/second_layer",
        {"activation": "relu", "sigma_w": 1.0, "sigma_b": 0.0, "width": 10, "networks": 200, "units": 2}
        | {"random_seed": 1},
        {},
    ),
    "second layer of 1/x": (
        "montecarlo/second_layer",
        {"activation": "1/x", "sigma_w": 1.0, "sigma_b": 0.0, "width": 10, "networks": 200, "units": 1}
        | {"random_seed": 1},
        {},
    ),
    "divergence": (
        "montecarlo/divergence",
        {"a": 0.5, "sigma_w": 1.0, "sigma_b": 0.0, "networks": 100, "random_seed": 1},
        {"width": (10, 100)},
    ),
}


def computed(name: str, point: Mapping[str, Any], inner: Values | None = None) -> Result:
    (found,) = compute(Batch(name, "", inner or {}, {0: dict(point)}), 60.0)
    return found


def outputs_of(name: str, point: Mapping[str, Any], inner: Values | None = None) -> Mapping[str, Any]:
    found = computed(name, point, inner)
    assert found.error == ""
    return found.outputs


def values_of(point: Mapping[str, Any], inner: Values) -> Values:
    given = {"seed" if name == "random_seed" else name: (value,) for name, value in point.items()}
    return given | dict(inner)


# What is declared


@pytest.mark.parametrize("case", CASES)
def test_outputs_are_those_declared(case: str) -> None:
    name, point, inner = CASES[case]
    of, values = task(name), values_of(point, inner)
    declared, found = of.outputs(values), dict(outputs_of(name, point, inner))
    used = found.pop("sigma_w_used", None)
    if "sigma_w" in point:
        assert used > 0.0
        assert point["sigma_w"] in (EOC, used)
    assert set(found) == set(declared)
    assert not set(declared) & (set(values) | {"status", "error", "seconds", "random_seed", "sigma_w_used"})
    sizes = {key: len(numbers) for key, numbers in inner.items()}
    sizes |= {key: len(coordinate.values) for key, coordinate in of.coordinates(values).items()}
    for key, output in declared.items():
        assert found[key].shape == tuple(sizes[dim] for dim in output.dims), key
        kept = found[key].astype(output.dtype)
        assert np.array_equal(kept, found[key], equal_nan=output.dtype.kind == "f"), key
        if output.flags:
            assert ((kept >= -1) & (kept < len(output.flags))).all(), key


@pytest.mark.parametrize("case", CASES)
def test_the_same_point_gives_the_same_bits(case: str) -> None:
    name, point, inner = CASES[case]
    first, second = (outputs_of(name, point, inner) for _ in range(2))
    assert all(first[key].tobytes() == second[key].tobytes() for key in first)


@pytest.mark.parametrize("case", CASES)
def test_cases_have_no_problems_and_an_estimate(case: str) -> None:
    name, point, inner = CASES[case]
    of = task(name)
    assert list(of.problems(values_of(point, inner))) == []
    whole = {**point, **{key: np.array(numbers) for key, numbers in inner.items()}}
    assert 0.0 < of.seconds(whole) < 1.0
    assert 0.0 <= of.bytes(whole) < 1e8


@pytest.mark.parametrize("name", TASKS)
def test_parameters_and_names_are_consistent(name: str) -> None:
    of = task(name)
    names = [parameter.name for parameter in of.parameters]
    assert of.name == name
    assert len(set(names)) == len(names)
    assert of.random == ("seed" in names)
    for parameter in of.parameters:
        assert parameter.about
        assert parameter.least < parameter.most
        if isinstance(parameter.default, int | float):
            assert parameter.least <= parameter.default <= parameter.most


def test_an_unknown_task_is_named() -> None:
    with pytest.raises(EocError, match=r"there is no task 'rate', did you mean 'rates'; there are edge_of"):
        task("rate")


# What is wrong together


@pytest.mark.parametrize(
    ("name", "values", "problem"),
    [
        (
            "edge_of_chaos",
            {"sigma_b": (0.1,), "q": (1.0,)},
            ("q", "at most one of sigma_b, q, sigma_w, corr"),
        ),
        ("curve", {}, ("q", "give one of q, sigma_b and sigma_w")),
        ("curve", {"q": (1.0,), "sigma_w": (1.0,)}, ("sigma_w", "give only one of q, sigma_b and sigma_w")),
        ("phase_diagram", {"sigma_w": (1.0, 2.0, 1.5)}, ("sigma_w", "must increase, but 2.0 is followed by 1.5")),
        ("propagation", {"depth": (1,)}, ("c", "give c or one_minus_c: the correlation of the two inputs")),
        ("propagation", {"c": (0.1,), "one_minus_c": (0.1,)}, ("one_minus_c", "give only one of c and one_minus_c")),
        ("propagation", {"c": (0.1,), "depth": (3, 3)}, ("depth", "must increase, but 3 is followed by 3")),
        ("propagation", {"c": (0.1,), "sigma_w": (1.0,), "q2": (1.0,)}, ("q2", "give q, the variance of the first")),
        ("rates", {"c": (0.5, 1.0)}, ("c", "must be less than 1")),
        ("phase", {"activation": ("tanh", "postln")}, ("sigma_w", "missing: 'tanh' is an activation")),
        ("phase", {"activation": ("postln",)}, ("sigma_w", "missing: 'postln' has a dense without numbers")),
        ("phase", {"activation": ("tanh, dense(1)",), "sigma_b": (0.1,)}, ("sigma_b", "leave sigma_b out")),
        ("phase_diagram", {"activation": ("relu, dense(1)",), "sigma_w": (1.0,)}, ("activation", "has numbers: leave")),
        ("edge_of_chaos", {"activation": ("relu, dense(1)",)}, ("activation", "every dense of 'relu, dense.1.' has")),
        (
            "edge_of_chaos",
            {"activation": ("tanh", "preln"), "correlation_depth": (30.0,)},
            ("correlation_depth", "not looked for of networks"),
        ),
        ("rates", {"activation": ("relu, dense(1)",), "sigma_w": (EOC,)}, ("activation", "has numbers: leave those")),
        ("montecarlo/verify", {"activation": ("tanh", "resnet")}, ("sigma_w", "missing: 'resnet' has a dense")),
        ("montecarlo/length_process", {"weights": ("gausian",)}, ("weights", "gaussian")),
        ("montecarlo/length_scaling", {"width": (10,)}, ("width", "at least two different widths")),
        ("montecarlo/correlation_process", {"c": (0.1,), "one_minus_c": (0.1,)}, ("one_minus_c", "give only one of")),
        ("montecarlo/divergence", {"width": (10, 20), "a": (0.1,)}, ("a", r"at q = 1 < 1/\(4a\) = 2.5")),
        ("montecarlo/divergence", {"width": (10, 20), "q": (0.1, 0.2)}, ("q", r"at q = 0.2 < 1/\(4a\) = 0.5")),
    ],
)
def test_problems_of_parameters_together(name: str, values: Values, problem: tuple[str, str]) -> None:
    ((where, what),) = task(name).problems(values)
    assert where == problem[0]
    with pytest.raises(EocError, match=problem[1]):
        raise EocError(what)


# What is computed


def test_edge_of_chaos_is_the_best_point() -> None:
    found, point = outputs_of(*CASES["edge at sigma_b"]), eoc.edge_of_chaos("tanh", sigma_b=0.2).best
    for name in ("sigma_w", "sigma_w_error", "q", "q_error", "slope", "slope_error"):
        assert found[name] == getattr(point, name)
    assert (found["constant"], found["depth_scale"]) == (point.law.constant, point.law.depth)
    words = ("law", "stability", "any_q", "points", "usable_points", "reason")
    assert [int(found[name]) for name in words] == [0, 0, 0, 1, 1, 0]


@pytest.mark.parametrize(
    ("activation", "reason"),
    [("relu", "homogeneous"), ("gelu", "unstable"), ("softplus", "no solution"), ("sign", "infinite chi_1")],
)
def test_that_there_is_no_point_is_an_answer(activation: str, reason: str) -> None:
    point = {"activation": activation, "sigma_b": 0.1}
    found, declared = outputs_of("edge_of_chaos", point), task("edge_of_chaos").outputs(values_of(point, {}))
    assert declared["reason"].flags[found["reason"]] == reason
    assert declared["reason"].flags == ("found", *eoc.NoPoint)
    assert np.isnan(found["sigma_w"])
    assert found["law"] == -1


@pytest.mark.parametrize("activation", ["tanh", "gelu", "silu", "relu", "elu", "sin(x)", "softplus", "sign"])
def test_curve_at_sigma_b_is_the_best_usable_point(activation: str) -> None:
    sigma_b = (0.0, 0.1, 0.3, 0.6, 1.5)
    found = outputs_of("curve", {"activation": activation}, {"sigma_b": sigma_b})
    for i, value in enumerate(sigma_b):
        edge = eoc.edge_of_chaos(activation, sigma_b=value)
        if edge.reason is None:
            expected = edge.best
            assert found["usable"][i] == 1
            law = [expected.sigma_w, expected.q, expected.slope, expected.law.constant, expected.law.depth]
            names = ("sigma_w", "q", "slope", "constant", "depth_scale")
            assert [found[name][i] for name in names] == pytest.approx(law, rel=1e-11)
            assert ("1/l", "1/l^2", "constant")[found["law"][i]] == expected.law.law
        else:
            assert np.isnan([found[name][i] for name in ("sigma_w", "q", "slope", "constant")]).all()
            assert found["usable"][i] == found["law"][i] == -1


@pytest.mark.parametrize("text", ["residual(tanh, dense, skip=0.8)", "postln", "resnet"])
def test_curve_takes_networks(text: str) -> None:
    sigma_b = (0.0, 0.1, 0.5)
    found = outputs_of("curve", {"activation": text}, {"sigma_b": sigma_b})
    laws = task("curve").outputs({"sigma_b": sigma_b})["law"].flags
    for i, value in enumerate(sigma_b):
        edge = eoc.edge_of_chaos(text, sigma_b=value)
        if edge.reason is not None:
            assert np.isnan(found["sigma_w"][i])
            continue
        assert found["sigma_w"][i] == pytest.approx(edge.best.sigma_w, rel=1e-12)
        assert laws[int(found["law"][i])] == edge.best.law.law
        assert found["constant"][i] == pytest.approx(edge.best.law.constant, rel=1e-8)


def test_curve_at_sigma_w_is_the_best_usable_point() -> None:
    sigma_w = (1.0, 1.42, 1.4)  # none, none that is usable, and two that are
    found = outputs_of("curve", {"activation": "gelu"}, {"sigma_w": sigma_w})
    edges = [eoc.edge_of_chaos("gelu", sigma_w=value) for value in sigma_w]
    assert [edge.reason is None for edge in edges] == [False, False, True]
    assert np.isnan(found["sigma_b"][:2]).all()
    assert found["sigma_b"][2] == pytest.approx(edges[2].best.sigma_b, rel=1e-10)
    assert found["depth_scale"][2] == pytest.approx(edges[2].best.law.depth, rel=1e-9)


def test_curve_at_q_is_that_of_the_function() -> None:
    q = (0.5, 2.0, 20.0)
    found, expected = outputs_of("curve", {"activation": "gelu"}, {"q": q}), eoc.curve("gelu", q)
    for name in ("sigma_b", "sigma_w", "slope"):
        assert found[name].tolist() == getattr(expected, name).tolist()


def test_curve_marks_the_branch_that_cannot_be_used() -> None:
    found = outputs_of("curve", {"activation": "gelu"}, {"q": (0.5, 5.0)})  # F' = 1 at q = 1.9
    assert (found["usable"].tolist(), np.isfinite(found["sigma_w"]).all()) == ([0, 1], True)
    assert outputs_of("curve", {"activation": "relu"}, {"q": (0.5, 5.0)})["usable"].tolist() == [1, 1]


def test_curve_is_vectorised() -> None:
    sigma_b = tuple(np.linspace(0.01, 2.0, 1000).tolist())
    found = outputs_of("curve", {"activation": "tanh"}, {"sigma_b": sigma_b})
    assert found["sigma_w"].shape == (1000,)
    assert (np.diff(found["sigma_w"]) > 0.0).all()


@pytest.mark.parametrize("activation", ["tanh", "silu", "relu"])
def test_a_row_of_a_phase_diagram_is_that_of_the_whole(activation: str) -> None:
    sigma_w, sigma_b = np.linspace(0.5, 3.0, 40), np.array([0.0, 0.2, 0.9])
    whole = eoc.phase_diagram(activation, sigma_w, sigma_b)
    for i, value in enumerate(sigma_b):
        point, inner = {"activation": activation, "sigma_b": float(value)}, {"sigma_w": tuple(sigma_w)}
        row, declared = outputs_of("phase_diagram", point, inner), task("phase_diagram").outputs({})
        for name in whole.data_vars:
            expected = whole[name].values[i]
            if name in ("phase", "ends"):
                assert row[str(name)].tolist() == expected.tolist()
            elif not str(name).endswith("_error"):
                error = row.get(f"{name}_error", np.array(1e-12))
                np.testing.assert_allclose(
                    row[str(name)], expected, rtol=1e-14, atol=np.nan_to_num(error, posinf=0.0).max()
                )
            assert declared[str(name)].about == whole[name].attrs["long_name"]
            assert declared[str(name)].symbol == whole[name].attrs.get("symbol", "") or str(name).endswith("_error")
        assert " ".join(declared["phase"].flags) == whole["phase"].attrs["flag_meanings"]


def test_phase_is_that_of_phase_of() -> None:
    found, expected = outputs_of(*CASES["phase"]), eoc.phase_of("tanh", 2.5, 0.3)
    assert found["q_star"] == expected.q
    for name in ("slope", "chi_1", "chi_1_error", "c_star", "xi_q", "xi_c", "xi_c_error", "xi_grad"):
        assert found[name] == getattr(expected, name)
    on_edge = outputs_of(*CASES["phase on the edge"])
    assert on_edge["sigma_w_used"] == eoc.edge_of_chaos("tanh", sigma_b=0.3).best.sigma_w
    assert task("phase").outputs({})["phase"].flags[on_edge["phase"]] == "critical"


def test_edges_of_networks_have_their_law_and_regime() -> None:
    laws, regimes = (task("edge_of_chaos").outputs({})[name].flags for name in ("law", "regime"))
    for activation, law, regime in ((BLOCK, "1/l", "settles"), ("mlp_dropout", "exponential", "settles")):
        found = outputs_of("edge_of_chaos", {"activation": activation, "sigma_b": 0.3})
        best = eoc.edge_of_chaos(activation, sigma_b=0.3).best
        assert (found["sigma_w"], laws[found["law"]], regimes[found["regime"]]) == (best.sigma_w, law, regime)
    found = outputs_of("edge_of_chaos", {"activation": "preln", "sigma_b": 0.3})
    assert (regimes[found["regime"]], found["usable_points"]) == ("grows", 0)
    assert regimes == tuple(Regime)
    assert outputs_of("edge_of_chaos", {"activation": "tanh", "sigma_b": 0.3})["regime"] == -1
    assert laws[:3] == ("1/l", "1/l^2", "constant")  # as data sets of before have them


def test_eoc_is_the_edge_of_a_network_too() -> None:
    best = eoc.edge_of_chaos(BLOCK, sigma_b=0.1).best
    found = outputs_of("rates", CASES["rates of a network"][1])
    assert (found["sigma_w_used"], found["variance"], found["on_edge"]) == (best.sigma_w, best.q, 1)
    assert found["constant"] == pytest.approx(best.law.constant, rel=1e-9)


def test_networks_are_verified(monkeypatch: pytest.MonkeyPatch) -> None:
    from eoc.montecarlo.experiments import network_checks

    monkeypatch.setattr(network_checks, "_WIDE", 200)
    monkeypatch.setattr(network_checks, "_WIDTH", 40)
    monkeypatch.setattr(network_checks, "_DEPTH", 2)
    point = {"activation": "residual(relu, dense)", "sigma_w": 1.2, "random_seed": 1, "q": 2.0}
    found = outputs_of("montecarlo/verify", point)
    assert found["checks"] > 5
    assert (found["verified_sigma_w"], found["verified_q"], found["on_edge"]) == (1.2, 2.0, -1)
    fixed = outputs_of("montecarlo/verify", {"activation": "residual(relu, dense(1.2))", "random_seed": 1, "q": 2.0})
    assert np.isnan(fixed["verified_sigma_w"])
    assert fixed["rms_z"] == found["rms_z"]


def test_propagation_is_that_of_propagate() -> None:
    point = {"activation": "tanh", "sigma_w": 1.4, "sigma_b": 0.3, "q": 0.5, "q2": 2.0, "one_minus_c": 1e-3}
    found = outputs_of("propagation", point, {"depth": (0, 3, 10)})
    run = eoc.propagate("tanh", 1.4, 0.3, q=[0.5, 2.0], one_minus_c=1e-3, depth=10)
    at = [0, 3, 10]
    assert found["variance"].tolist() == run.q[at, 0].tolist()
    assert found["variance_2"].tolist() == run.q[at, 1].tolist()
    assert found["one_minus_correlation"].tolist() == run.one_minus_c[at, 0, 1].tolist()
    assert found["one_minus_correlation_error"].tolist() == run.error[at, 0, 1].tolist()
    assert found["log_gradient_2"].tolist() == pytest.approx(run.log_gradient[at, 1].tolist(), rel=1e-12)


def test_rates_on_and_off_the_edge() -> None:
    best = eoc.edge_of_chaos("tanh", sigma_b=0.3).best
    found = outputs_of(*CASES["rates"])
    expected = eoc.convergence_of(eoc.CorrelationMap("tanh", best.sigma_w, 0.3, best.q), 1000)
    assert (found["on_edge"], found["chi_1"], found["variance"]) == (1, 1.0, best.q)
    law = expected.law
    assert (found["constant"], found["root"], found["log"]) == (law.constant, law.root, law.log)
    assert found["one_minus_correlation"] == expected.one_minus_c[-1]
    assert expected.exponent is not None
    assert found["measured_exponent"] == expected.exponent.value
    off = outputs_of(*CASES["rates off the edge"])
    assert (off["on_edge"], off["constant"]) == (0, pytest.approx(eoc.phase_of("tanh", 1.5, 0.3).xi_c, rel=1e-12))
    assert np.isnan(off["measured_exponent"])


def test_conditions_are_those_of_the_function() -> None:
    found = outputs_of(*CASES["conditions"])
    best = eoc.edge_of_chaos("tanh", sigma_b=0.3).best
    f = eoc.CorrelationMap("tanh", best.sigma_w, 0.3, best.q)
    expected = eoc.condition_numbers(f, inputs=10, c=0.1, depth=[0, 5, 100])
    for name in ("nngp", "nngp_error", "ntk", "ntk_error"):
        assert found[name].tolist() == getattr(expected, name).tolist()
    assert found["ntk_law"].tolist() == [6.0, 6.0, 6.0]
    assert (found["phase"], found["chi_1"], found["variance"]) == (1, 1.0, best.q)


def test_kinks_are_those_of_the_functions() -> None:
    found = outputs_of(*CASES["kinks"])
    given = {"depth": 2, "segment": (1.0, 1.0, 0.5)}
    assert found["kinks"].tolist() == eoc.regions.expected("hardtanh", 2.0, 0.3, **given).per_neuron.tolist()
    counted = eoc.regions.count_kinks("hardtanh", 2.0, 0.3, **given, width=20, networks=3)
    assert found["counted"].tolist() == counted.per_neuron.tolist()
    values = {"activation": ("tanh", "hardtanh", "elu(alpha=0.5)"), "networks": (5,)}
    assert [name for name, _ in task("kinks").problems(values)] == ["activation", "activation"]


def test_conditions_of_correlations_that_no_inputs_have_are_a_mistake() -> None:
    values = {"c": (-0.2, 0.5), "inputs": (10,), "depth": (0, 5)}
    assert [name for name, _ in task("conditions").problems(values)] == ["c"]


def test_a_printed_sigma_w_is_the_point_of_the_edge() -> None:
    printed = {**CASES["rates"][1], "sigma_w": float(f"{eoc.edge_of_chaos('tanh', sigma_b=0.3).best.sigma_w:.10f}")}
    assert outputs_of("rates", printed)["constant"] == outputs_of(*CASES["rates"])["constant"]


def test_length_process_is_that_of_the_function() -> None:
    found = outputs_of(*CASES["lengths beyond"])
    best = eoc.edge_of_chaos("tanh", sigma_b=0.3).best
    run = eoc.length_process(
        "tanh", best.sigma_w, 0.3, q=best.q, width=20, depth=3, networks=60, seed=5, eps=[0.01, 0.1]
    )
    assert found["difference"].tolist() == run.difference.mean.tolist()
    assert found["predicted_rms"].tolist() == run.predicted_rms.tolist()
    assert found["rms"].tolist() == run.rms.tolist()
    assert found["beyond"].tolist() == run.beyond.proportion.tolist()
    assert found["predicted_ever_beyond_high"].tolist() == run.predicted_ever_beyond[1].tolist()
    z = [one.z for one in run.comparisons]
    assert [*found["difference_z"], *found["rms_z"]] == z
    assert (found["worst_z"], found["agrees"]) == (max(map(abs, z)), 1)


def test_shallower_networks_have_the_layers_that_they_have() -> None:
    name, point, _ = CASES["gaussianity"]
    coordinates = task(name).coordinates({"depth": (2, 5, 3)})
    assert coordinates["layer"].values.tolist() == [1, 2, 3, 4, 5]
    assert outputs_of(name, {**point, "depth": 2})["predicted_kurtosis"].shape == (2,)


def test_every_comparison_has_its_z() -> None:
    for case, names in {
        "scaling": ("exponent_z", "constant_z"),
        "gaussianity": ("kurtosis_of_units_z", "kurtosis_of_kernel_z"),
        "correlations": ("log_ratio_z", "spread_z"),
        "second layer": ("covariance_z", "units_covariance_z"),
        "second layer of 1/x": ("cauchy_z", "levy_z", "log_median"),
        "divergence": ("laplace_z",),
    }.items():
        found = outputs_of(*CASES[case])
        assert all(np.isfinite(found[name]).any() for name in names), case
        assert (found["worst_z"] <= 4.0, found["agrees"]) == (True, 1), case


def test_correlations_in_each_phase_have_their_reads() -> None:
    name, point, _ = CASES["correlations"]
    wide = {**point, "width": 20_000, "depth": 40, "networks": 4, "c": 0.9}
    for sigma_w, reads in ((EOC, ("constant", "exponent")), (1.0, ("rate",)), (2.5, ("average",))):
        found = outputs_of(name, {**wide, "sigma_w": sigma_w})
        every = ("constant", "exponent", "rate", "average")
        assert [read for read in every if np.isfinite(found[read])] == list(reads)
        assert all(found[f"{read}_error"] > 0.0 for read in reads)


def test_other_laws_of_weights_have_no_comparisons() -> None:
    name, point, _ = CASES["lengths"]
    found = outputs_of(name, {**point, "weights": "student_t(4)"})
    assert (np.isnan(found["worst_z"]), found["agrees"]) == (True, -1)
    assert np.isfinite(found["rms"]).all()


def test_verify_counts_its_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    from eoc.montecarlo.experiments import verification

    monkeypatch.setattr(
        verification, "groups_of", lambda variance, q, workers: [("gradient", _no_gradients), ("map", _one_check)]
    )
    found = outputs_of("montecarlo/verify", {"activation": "tanh", "sigma_b": 0.3, "random_seed": 2})
    assert set(found) == set(task("montecarlo/verify").outputs({}))
    assert [int(found[name]) for name in ("checks", "failed", "skipped", "on_edge", "agrees")] == [1, 1, 1, 1, 0]
    assert (found["worst_z"], found["verified_sigma_b"]) == (5.0, 0.3)


def _no_gradients(seed: int) -> tuple[eoc.montecarlo.Comparison, ...]:
    raise EocError("there are no gradients")


def _one_check(seed: int) -> tuple[eoc.montecarlo.Comparison, ...]:
    from eoc.montecarlo import Comparison

    return (Comparison("something", None, 0.0, 5.0, 1.0),)


# What fails


@pytest.mark.parametrize(
    ("name", "point", "inner", "error"),
    [
        ("phase", {"activation": "relu", "sigma_w": EOC, "sigma_b": 0.1}, {}, "relu is positively homogeneous"),
        ("phase", {"activation": "silu", "sigma_w": 1.6, "sigma_b": 0.2}, {}, "give the first layer's variance q"),
        (
            "propagation",
            {"activation": "tanh", "sigma_w": EOC, "sigma_b": 0.0, "c": 0.1},
            {"depth": (1,)},
            "keep no variance but 0: give q",
        ),
        (
            "rates",
            {"activation": "gelu", "sigma_w": 3.0, "sigma_b": 0.5, "c": 0.1, "depth": 100},
            {},
            "variances diverge at sigma_w = 3",
        ),
        ("montecarlo/length_process", {**ONE_INPUT, "q": 0.01, "weights": "orthogonal"}, {}, "sigma_b"),
        ("edge_of_chaos", {"activation": "no such"}, {}, "no such"),
    ],
)
def test_a_point_without_an_answer_says_why(
    name: str, point: dict[str, Any], inner: dict[str, tuple[Any, ...]], error: str
) -> None:
    found = computed(name, point, inner)
    assert error in found.error
    assert found.outputs == {}
    assert not found.error.startswith("ValueError")


# Activations


def test_modules_of_one_name_in_two_folders_are_not_confused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    for name, factor in (("one", 1), ("two", 2)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "namesake.py").write_text(
            f"import numpy as np\ndef phi(x):\n    return np.tanh({factor}*x)\n"
        )
    assert activation_of("namesake:phi", str(tmp_path / "one")).name == "phi"
    with pytest.raises(EocError, match=r"namesake was imported from .*one.namesake.py before, not from .*two"):
        activation_of("namesake:phi", str(tmp_path / "two"))
    two = activation_of("namesake.py:phi", str(tmp_path / "two"))
    assert two(np.array([0.5])) == np.tanh(1.0)


def test_activations_are_found_in_a_folder_and_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "own_of_sweeps.py").write_text("import numpy as np\ndef phi(x):\n    return np.tanh(2 * x)\n")
    folder = str(tmp_path)
    by_file, by_module = (activation_of(text, folder) for text in ("own_of_sweeps.py:phi", "own_of_sweeps:phi"))
    assert by_file is activation_of("own_of_sweeps.py:phi", folder)
    assert by_file.name == by_module.name == "phi"
    own, named = (eoc.edge_of_chaos(phi, sigma_b=0.2).best for phi in (by_file, "tanh(2*x)"))
    assert own.sigma_w == pytest.approx(named.sigma_w, rel=1e-9)
    with pytest.raises(EocError, match=r"there is no file nothing\.py in "):
        activation_of("nothing.py:phi", folder)
    with pytest.raises(EocError, match="own_of_sweeps has no 'psi'"):
        activation_of("own_of_sweeps:psi", folder)


@pytest.mark.parametrize("activation", ["gelu", "relu", "sign", "shifted_softplus", "tanh", "identity"])
def test_curve_says_why_there_is_no_point_as_edge_of_chaos_does(activation: str) -> None:
    sigma_b = (0.0, 0.1, 0.3, 1.0)
    found = outputs_of("curve", {"activation": activation}, {"sigma_b": sigma_b})
    words = task("curve").outputs({"sigma_b": sigma_b})["reason"].flags
    reasons = [eoc.edge_of_chaos(activation, sigma_b=b).reason for b in sigma_b]
    assert [words[i] for i in found["reason"]] == ["found" if reason is None else str(reason) for reason in reasons]
