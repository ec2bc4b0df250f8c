"""Batch normalisation: values of the fixed point, closed forms, real batches, and what is refused."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from truth import MP, rows

import eoc
from eoc.activations import activation
from eoc.cli import main
from eoc.errors import EocError, ExpressionError, UnsupportedError
from eoc.gaussian.moments import moments
from eoc.gaussian.sphere import sphere_moments
from eoc.layers import Input, Pairs, Renewed, Signal, network
from eoc.montecarlo import batches, sample_batches
from eoc.montecarlo.sampling.ops import draw

RECORDS = rows("batches.jsonl")


def behind(text: str, blocks: int = 2, q: float = 1.0, c: float = 0.3) -> Signal:
    """A batch behind so many blocks, with tangents of size 1 before the last one."""
    x: Signal = Input([q], [0.0, 1.0 - c], Pairs.batch())
    block = network(text).block()
    for _ in range(blocks - 1):
        x = Renewed(block(x))
    return block(x)


def growth(text: str) -> float:
    return float(behind(text).chi.value[0])


def answer(row: dict[str, Any]) -> tuple[float, float]:
    """The value of a record and its bound."""
    y = behind(f"batchnorm({row['B']}), {row['activation']}, dense(1)")
    e = y.one_minus_c
    return {
        "q*": (float(y.q.value[0]), float(y.q.error[0])),
        "c*": (1.0 - float(e.value[1]), float(e.error[1])),
        "gradient growth": (float(y.chi.value[0]), float(y.chi.error[0])),
    }[row["quantity"]]


@pytest.mark.parametrize("row", RECORDS, ids=lambda row: f"{row['activation']}-{row['B']}-{row['quantity']}")
def test_the_fixed_point(row: dict[str, Any]) -> None:
    value, bound = answer(row)
    off = abs(value - float(row["value"]))
    assert off <= 1e-11 * abs(float(row["value"]))
    assert off <= bound + 1e-16
    assert bound <= 1e-10 * abs(float(row["value"]))


@pytest.mark.parametrize("batch", [5, 6, 7, 20, 128, 10**6])
def test_closed_forms(batch: int) -> None:
    """Linear: (B - 2)/(B - 3). ReLU: ((J' + B - 1)/(1 - J) - 1)/(B - 3), J the arc-cosine kernel at -1/(B - 1)."""
    assert growth(f"batchnorm({batch}), dense(1.3)") == pytest.approx((batch - 2) / (batch - 3), rel=1e-13)
    rho = -1 / MP.mpf(batch - 1)
    theta = MP.acos(rho)
    j = (MP.sin(theta) + (MP.pi - theta) * rho) / MP.pi
    slope = (MP.pi - theta) / MP.pi
    relu = ((slope + batch - 1) / (1 - j) - 1) / (batch - 3)
    assert growth(f"batchnorm({batch}), relu, dense(0.7, 2)") == pytest.approx(float(relu), rel=1e-13)


@pytest.mark.parametrize("name", ["relu", "tanh"])
def test_infinite_batches_are_the_limit(name: str) -> None:
    """D/(V - M^2), approached like 1/B."""
    found = moments(name, 1.0, ("V", "M", "D"))
    v, m, d = (float(found[key].value) for key in "VMD")
    limit = growth(f"batchnorm, {name}, dense(1)")
    assert limit == pytest.approx(d / (v - m * m), rel=1e-12)
    near, nearer = (abs(growth(f"batchnorm({size}), {name}, dense(1)") - limit) for size in (1000, 10_000))
    assert nearer < 0.11 * near


@pytest.mark.parametrize(
    ("text", "batch"), [("clip(x, -0.3, 0.7)", 5), ("x*tanh(x)", 9), ("exp(x)", 5), ("abs(x - 0.4)", 9), ("elu", 6)]
)
def test_expectations_are_averages_over_the_sphere(text: str, batch: int) -> None:
    phi = activation(text)
    h = np.random.default_rng(3).standard_normal((batch, 200_000))
    h -= h.mean(axis=0)
    x, y = (h / np.sqrt((h * h).mean(axis=0)))[:2]
    found = sphere_moments(phi, float(batch), phi)
    samples = {
        "V": phi(x) ** 2,
        "M": phi(x),
        "G": 0.5 * (phi(x) - phi(y)) ** 2,
        "own": phi.dphi(x) ** 2 * (1.0 - (1.0 + x * x) / batch),
        "other": -phi.dphi(x) * phi.dphi(y) * (1.0 + x * y) / batch,
    }
    for name, values in samples.items():
        one = getattr(found, name)
        assert abs(values.mean() - one.value) < 4.5 * values.std() / values.size**0.5
        assert one.error < 1e-11


def test_weights_and_biases_change_nothing_of_the_growth() -> None:
    assert growth("batchnorm(8), tanh, dense(0.1, 3)") == pytest.approx(
        growth("batchnorm(8), tanh, dense(2)"), rel=1e-12
    )


def test_functions_of_what_is_normalised_are_one_function() -> None:
    one = behind("batchnorm(8), scale(0.5), tanh, dense(1)")
    other = behind("batchnorm(8), tanh(0.5*x), dense(1)")
    for name in ("q", "G", "chi", "T"):
        assert getattr(one, name).value == pytest.approx(getattr(other, name).value, rel=1e-12)


def test_the_table_of_the_documentation() -> None:
    page = Path(__file__).parent.parent / "docs" / "batch-normalisation.md"
    table = {
        line.split("|")[1].strip(): line.split("|")[2:-1] for line in page.read_text().splitlines() if "| 1" in line
    }
    for size, row in table.items():
        batch = "" if size == "infinite" else f"({size})"
        for phi, value in zip(("identity", "tanh", "elu", "relu"), row, strict=True):
            assert growth(f"batchnorm{batch}, {phi}, dense(1)") == pytest.approx(float(value), abs=6e-5)
    assert len(table) == 4


# phases and trajectories


def test_phases_say_that_gradients_explode() -> None:
    found = eoc.phase_of("batchnorm(8), relu, dense", sigma_w=1.5)
    assert (found.phase, found.batch, found.xi_q, found.xi_c) == ("chaotic", 8.0, 0.0, 0.0)
    assert found.q == pytest.approx(1.125, rel=1e-14)
    assert found.chi_1 == pytest.approx(1.7881899766587481, rel=1e-13)


def test_the_least_correlation_that_a_batch_can_have_is_kept() -> None:
    found = eoc.phase_of("batchnorm(9), dense(1.1)")
    assert found.c_star == pytest.approx(-1.0 / 8.0, rel=1e-13)
    assert found.xi_c == 0.0


def test_skips_slow_down_what_normalisation_does() -> None:
    """q' = 0.81 q + A: distances fall by 0.81, gradients grow by 0.81 + 0.19 times what the branch alone makes."""
    found = eoc.phase_of("residual(batchnorm(8), tanh, dense(1), skip=0.9)")
    alone = eoc.phase_of("batchnorm(8), tanh, dense(1)")
    assert found.q == pytest.approx(alone.q / 0.19, rel=1e-12)
    assert found.c_star == pytest.approx(alone.c_star, rel=1e-11)
    assert abs(found.chi_1 - (0.81 + 0.19 * alone.chi_1)) <= found.chi_1_error < 1e-10
    assert found.slope == pytest.approx(0.81, rel=1e-14)
    assert abs(found.xi_c + 1.0 / math.log(0.81)) <= found.xi_c_error < 1e-8


@pytest.mark.parametrize(("batch", "power"), [("(8)", 1.7881899766587481), ("", math.pi / (math.pi - 1.0))])
def test_pre_norm_branches_grow_like_a_power(batch: str, power: float) -> None:
    """q and G grow linearly, and gradients by 1 + power A / G a block: the power is what the branch alone makes."""
    text = f"residual(batchnorm{batch}, relu, dense(1))"
    found = eoc.phase_of(text)
    assert (found.phase, found.q) == ("divergent", math.inf)
    assert found.power == pytest.approx(power, rel=1e-10)
    run = eoc.propagate(text, q=1.0, c=0.3, depth=300)
    assert run.q[:, 0] == pytest.approx(1.0 + 0.5 * run.layers, rel=1e-12)
    seen = (run.log_gradient[150, 0] - run.log_gradient[299, 0]) / math.log(run.q[299, 0] / run.q[150, 0])
    assert seen == pytest.approx(power, rel=6e-3)


def test_trajectories_of_batches() -> None:
    run = eoc.propagate("batchnorm(8), elu, dense(1.4, 0.3)", q=2.0, c=-0.1, depth=6)
    assert run.c[1:, 0, 1] == pytest.approx(np.full(6, run.c[1, 0, 1]), rel=1e-12)
    assert np.diff(run.log_gradient[1:, 0]) == pytest.approx(np.full(5, -math.log(1.2911097767574189)), rel=1e-12)
    kept = eoc.propagate("batchnorm(8), elu, dense(1.4, 0.3)", c=0.0, depth=2)
    assert kept.q[:, 0] == pytest.approx(np.full(3, run.q[-1, 0]), rel=1e-13)


# real batches


def test_the_way_back_is_the_transpose_of_the_derivative() -> None:
    op, step = network("batchnorm(6), gelu, dense(1.1)").block(), 1e-5
    x, t, g = np.random.default_rng(2).standard_normal((3, 6, 30))
    up, down, (_, back) = (draw(op, (at,), np.random.default_rng(7), True) for at in (x + step * t, x - step * t, x))
    pushed = (up[0] - down[0]) / (2.0 * step)
    assert (g * pushed).sum() == pytest.approx((back(g)[0] * t).sum(), rel=1e-7)


@pytest.mark.parametrize("text", ["batchnorm(8), relu, dense(1.4, 0.3)", "residual(batchnorm(6), gelu, dense(1))"])
def test_networks_agree_with_theory(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("eoc.montecarlo.experiments.network_checks._WIDE", 1000)
    found = eoc.verify(text, q=1.0, depth=2, width=128, networks=24, seed=1)
    assert len(found.checks) >= 8
    assert not found.failed


def test_the_transient_of_a_linear_network_is_what_samples_show(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(1).standard_normal((7, 3)) * np.arange(1.0, 8.0)[:, None]
    given = {"gram": x @ x.T, "depth": 3, "seed": 5}
    exact = sample_batches("2*x", 1.3, 0.4, **given)
    assert not exact.error.any()
    assert not exact.distance_error.any()
    monkeypatch.setattr(batches, "_slope", lambda phi: None)
    sampled = sample_batches("2*x", 1.3, 0.4, **given, units=4000)
    away = np.abs(sampled.gram - exact.gram)[1:]
    assert (away <= 6.0 * sampled.error[1:]).mean() > 0.97
    assert np.abs(sampled.distance - exact.distance).max() < 0.03
    assert exact.gram[1].trace() == pytest.approx(7.0 * (4.0 * 1.69 + 0.16), rel=1e-13)


def test_batches_of_real_inputs_come_to_the_fixed_point() -> None:
    """From inputs of different sizes; what is left at the end is what finitely many units leave."""
    gram = np.diag([1.0, 1.0, 1.0, 1.0, 4.0, 4.0, 0.5, 0.5]) + 0.3
    found = sample_batches("tanh", gram=gram, depth=25, units=4000, networks=6, seed=2)
    assert found.distance[0] > 0.5
    assert found.distance[-1] < 0.1
    place = eoc.phase_of("batchnorm(8), tanh, dense(1)")
    own, other = np.eye(8, dtype=bool), ~np.eye(8, dtype=bool)
    last = found.gram[-1]
    assert last[own].mean() == pytest.approx(place.q, rel=0.01)
    assert last[other].mean() / last[own].mean() == pytest.approx(place.c_star, abs=0.01)
    again = sample_batches("tanh", gram=gram, depth=1, units=4000, networks=6, seed=2)
    assert (again.gram[1] == found.gram[1]).all()


def test_gradients_of_batches_grow_as_the_fixed_point_says() -> None:
    gram = 0.75 * np.eye(8) + 0.25
    found = sample_batches("relu", gram=gram, depth=4, units=20_000, networks=6, seed=3)
    ratios = found.gradient[1:3] / found.gradient[2:4]
    relative = (found.gradient_error / np.maximum(found.gradient, 1e-300))[1:3] + 0.004
    assert (np.abs(ratios / 1.7881899766587481 - 1.0) < 4.0 * relative).all()


def test_gradients_of_real_batches_are_those_of_networks() -> None:
    """Two layers of explicit weights, inputs of several sizes."""
    sizes = np.array([1.0, 1.0, 0.7, 1.5, 2.0, 0.8, 1.0])
    block, seen = network("batchnorm(7), tanh, dense(1.3)").block(), []
    for seed in range(24):
        rng = np.random.default_rng(seed)
        basis = np.linalg.qr(rng.standard_normal((500, 7)))[0].T * 500**0.5
        x, backs = sizes[:, None] * basis, []
        for _ in range(2):
            x, back = draw(block, (x,), rng, True)
            backs.append(back)
        g = np.linalg.qr(rng.standard_normal((500, 7)))[0].T * 500**0.5
        for back in reversed(backs):
            (g,) = back(g)
        seen.append((g * g).mean())
    found = sample_batches("tanh", 1.3, gram=np.diag(sizes**2), depth=2, seed=4)
    error = np.hypot(np.std(seen) / len(seen) ** 0.5, found.gradient_error[0])
    assert abs(np.mean(seen) - found.gradient[0]) < 3.5 * error + 0.01 * found.gradient[0]


# what is refused


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda: network("batchnorm(4), relu, dense(1)").block(), "batches of at least 5 inputs, got 4"),
        (lambda: network("batchnorm(7.5), relu, dense(1)").block(), "whole number of inputs"),
        (lambda: behind("relu, batchnorm(8), dense(1)"), "item 2, batchnorm: it normalises what is not Gaussian"),
        (lambda: behind("batchnorm(8), relu, dense(1)", c=-0.3), "at least -1/7"),
        (lambda: behind("batchnorm(8), relu, dense(1)", c=1.0), "all inputs of a batch are equal"),
        (lambda: eoc.propagate("batchnorm(8), relu, dense(1)", q=[1.0, 2.0], c=0.1, depth=2), "all alike"),
        (
            lambda: eoc.propagate(
                "batchnorm(5), relu, dense(1)", q=1.0, c=np.full((6, 6), 0.1) + 0.9 * np.eye(6), depth=2
            ),
            "have no 6 inputs",
        ),
        (lambda: eoc.propagate("residual(batchnorm, relu, dense(1))", c=0.1, depth=2), "give q, the variance"),
        (lambda: eoc.edge_of_chaos("batchnorm(8), relu, dense"), "whatever sigma_w and sigma_b are"),
        (lambda: eoc.kernel("batchnorm(8), relu, dense(1)", np.eye(3), depth=2), "mixes the inputs of a batch"),
        (lambda: eoc.phase_of("batchnorm(8), relu, dense(1), batchnorm(16), dense(1)"), "have to mix the same points"),
        (
            lambda: eoc.phase_of("conv(3, 1), batchnorm(8), relu, dense(1)"),
            "beside conv takes its means over positions",
        ),
        (lambda: eoc.verify("batchnorm, relu, dense(1)", depth=1), "infinite batch"),
        (lambda: sample_batches("relu", gram=np.ones((4, 4)), depth=1, seed=0), "all inputs of the batch are equal"),
        (lambda: sample_batches("relu", gram=np.eye(2), depth=1, seed=0), "at least 3 inputs"),
        (lambda: sample_batches("relu", 0.0, gram=np.eye(4), depth=1, seed=0), "sigma_w must be > 0"),
        (lambda: sample_batches("relu", gram=np.eye(4), depth=1, seed=0, units=3), "at least 16 units"),
    ],
)
def test_what_theory_does_not_have_is_explained(made: Any, words: str) -> None:
    with pytest.raises(EocError, match=words):
        made()


def test_errors_are_of_their_kind() -> None:
    with pytest.raises(ExpressionError):
        network("batchnorm(3), relu").block()
    with pytest.raises(UnsupportedError):
        _ = eoc.VarianceMap("batchnorm(8), relu, dense", 1.0).fixed_points


# commands


def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    monkeypatch.setattr("sys.argv", ["eoc", *arguments])
    with pytest.raises(SystemExit) as left:
        main()
    assert not left.value.code
    return capsys.readouterr().out


def test_the_commands_answer(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def run(*arguments: str) -> str:
        return command(monkeypatch, capsys, *arguments)

    out = run("phase", "batchnorm(8), relu, dense", "--sigma-w", "1.4")
    assert "grows by 1.78819 a layer" in out
    assert "two inputs of a batch of 8 end at c* = 0.25013493" in out
    assert "next: eoc propagate 'batchnorm(8), relu, dense' --sigma-w 1.4 --sigma-b 0 --q 1" in out
    assert "the power 1.78819 of the variance" in run("phase", "residual(batchnorm(8), relu, dense(1))")
    assert "at once; gradients' second moment grows by 1.78818997666" in run("rates", "batchnorm(8), relu, dense(1)")
    payload = json.loads(run("rates", "batchnorm(8), relu, dense(1)", "--json"))
    assert payload["chi_1"] == pytest.approx(1.7881899766587481, rel=1e-13)
    assert "1.78819" in run("propagate", "batchnorm(8), relu, dense(1)", "--depth", "3")
