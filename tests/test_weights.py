"""Weights that are pruned, quantised or of low rank: their moments, networks with them, theory at finite width."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from truth import MP, rows

import eoc
from eoc.errors import EocError
from eoc.layers import Input, network
from eoc.montecarlo import law, length_process, length_theory
from eoc.montecarlo.sampling.ops import draw

RECORDS = rows("weights.jsonl")


def answer(row: dict[str, Any]) -> float:
    quantity = row["quantity"]
    if row["case"] == "magnitude pruning":
        names = {"E w^2 kept": "second_moment"}
        return float(getattr(eoc.pruned(float(row["keep"])), names.get(quantity, quantity)))
    if row["case"] == "equally spaced levels":
        return eoc.quantised(row["N"]).kurtosis
    how = {"magnitude": "pruned", "random": "sparse"}[row["pruning"]]
    found = eoc.phase_of(f"{row['activation']}, dense(sqrt({row['sw2']}), sqrt({row['sb2']}), {how}={row['keep']})")
    return float({"q*": found.q, "chi_1": found.chi_1, "xi_c": found.xi_c}[quantity])


@pytest.mark.parametrize("row", RECORDS, ids=lambda row: "-".join(str(v) for v in list(row.values())[1:-3]))
def test_records(row: dict[str, Any]) -> None:
    assert answer(row) == pytest.approx(float(row["value"]), rel=1e-12)


@pytest.mark.parametrize("keep", [1.0, 0.9999, 0.50001, 0.5, 0.3, 1e-3, 1e-9])
def test_moments_of_what_is_left(keep: float) -> None:
    """E[w^2] and E[w^4] are twice the integrals over the tail; t solves P(|w| > t) = keep."""
    found, exact = eoc.pruned(keep), MP.mpf(keep)
    t = MP.mpf(0) if keep == 1.0 else MP.findroot(lambda t: MP.erfc(t / MP.sqrt(2)) - exact, found.threshold)
    tail = MP.sqrt(2 / MP.pi) * t * MP.exp(-t * t / 2)
    second, fourth = exact + tail, 3 * exact + tail * (t * t + 3)
    assert found.threshold == pytest.approx(float(t), rel=1e-13)
    assert found.second_moment == pytest.approx(float(second), rel=1e-13)
    assert found.kurtosis == pytest.approx(float(fourth / second**2), rel=1e-13)
    assert found.rescale**2 * found.second_moment == pytest.approx(1.0, rel=1e-14)


def test_the_critical_sigma_w_grows_by_the_rescaling() -> None:
    plain = eoc.edge_of_chaos("tanh", q=0.5).best
    for how, left in (("pruned", eoc.pruned(0.2)), ("sparse", eoc.pruned(0.2, by="random"))):
        found = eoc.edge_of_chaos(f"tanh, dense({how}=0.2)", q=0.5).best
        assert found.sigma_w == pytest.approx(plain.sigma_w * left.rescale, rel=1e-12)
        assert found.sigma_b == pytest.approx(plain.sigma_b, rel=1e-10)


def test_levels_and_rank_change_nothing_at_infinite_width() -> None:
    plain = eoc.phase_of("tanh, dense(1.6, 0.1)")
    for how in ("levels=2", "rank=0.3", "pruned=1", "sparse=1"):
        found = eoc.phase_of(f"tanh, dense(1.6, 0.1, {how})")
        assert (found.q, found.chi_1, found.c_star) == (plain.q, plain.chi_1, plain.c_star)


def test_weights_that_are_0_are_not_trained() -> None:
    """The tangent kernel of random pruning is that of a narrower layer; by size less of it comes from weights."""
    x = Input([2.0, 2.0], [0.5])
    left = eoc.pruned(0.3)
    for text, second in (("sparse", 0.3), ("pruned", left.second_moment)):
        y = network(f"dense(1.5, 0.4, {text}=0.3), dense(1, sparse=0.5)").block()(x)
        first = 2.25 * 0.3 * 1.0 + 0.16  # of k = 1
        own = 0.5 * (2.25 * second * 1.0 + 0.16)
        assert y.ntk.value[0] == pytest.approx(0.5 * first + own, rel=1e-14)
        assert y.by_weights.value[0] == pytest.approx(0.5 * 0.3 + own, rel=1e-14)


# finite networks


@pytest.mark.parametrize(
    "text",
    [
        "tanh, dense(1.8, 0.1, pruned=0.2)",
        "relu, dense(2, sparse=0.3)",
        "residual(tanh, dense(1.2, 0.2, levels=3))",
        "residual(dense(0.7, rank=0.1)), tanh, dense(1.4)",
    ],
)
def test_networks_agree_with_theory(text: str) -> None:
    found = eoc.verify(text, q=1.2, depth=2, width=160, networks=24, seed=3)
    assert len([one for one in found.checks if "matrices" in one.comparison.quantity]) >= 5
    assert not found.failed


@pytest.mark.parametrize("how", ["pruned=0.2", "sparse=0.4", "levels=4", "rank=0.2"])
def test_the_way_back_has_the_same_weights(how: str) -> None:
    x, g = np.random.default_rng(2).standard_normal((2, 3, 30))
    y, back = draw(network(f"dense(1.3, {how})").block(), (x,), np.random.default_rng(7), True)
    assert np.abs(g @ y.T - back(g)[0] @ x.T).max() < 1e-12


def test_products_of_low_rank() -> None:
    found = law("low_rank(0.1)")
    w = found.draw(np.random.default_rng(1), (200, 80), "float64")
    assert found.whole
    assert np.linalg.matrix_rank(w) == 8
    assert (w**2).mean() == pytest.approx(1.0, abs=0.2)


@pytest.mark.parametrize("weights", ["pruned(0.1)", "sparse(0.3)"])
def test_theory_knows_the_kurtosis(weights: str) -> None:
    """The mean of K moves, by more than chance, to where theory has it; the spread does not."""
    how = {"q": 1.6, "width": 20, "depth": 2, "networks": 6000}
    run = length_process("tanh", 1.5, 0.3, **how, seed=1, weights=weights)
    assert run.comparisons
    assert all(one.agrees for one in run.comparisons)
    gaussian = length_theory("tanh", 1.5, 0.3, q=1.6, widths=[20, 20])
    shift, error = run.kernel.mean[1], run.kernel.standard_error[1]
    assert abs(shift - run.theory.shift.value[1]) < 4.0 * error + run.theory.shift_truncation[1]
    assert abs(shift - gaussian.shift.value[1]) > 4.0 * error
    assert run.theory.kernel_variance.value == pytest.approx(gaussian.kernel_variance.value, rel=1e-12)


def test_gaussian_weights_are_a_special_case() -> None:
    """Sparse weights of which all are left, and a share p of which the kurtosis is 3/p."""
    how = {"q": 1.0, "widths": [50, 40, 30]}
    plain, same = (length_theory("gelu", 1.4, 0.1, **how, weights=one) for one in ("gaussian", "sparse(1)"))
    assert (same.shift.value == plain.shift.value).all()
    thin = length_theory("gelu", 1.4, 0.1, **how, fan_in=10, weights="sparse(0.25)")
    assert thin.cumulant[0] == pytest.approx(9.0 / 10.0 * (0.99 / 1.0) ** 2, rel=1e-12)
    assert thin.kurtosis == pytest.approx(plain.kurtosis + thin.cumulant, rel=1e-12)


# what is refused


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda: eoc.pruned(0.0), "from 1e-12 to 1, got 0"),
        (lambda: eoc.pruned(1.5), "from 1e-12 to 1, got 1.5"),
        (lambda: eoc.pruned(0.5, by="size"), "'magnitude' or by 'random'"),
        (lambda: eoc.quantised(1), "levels >= 2, got 1"),
        (lambda: eoc.quantised(2.5), "levels >= 2, got 2.5"),
        (lambda: network("dense(1, pruned=0.5, sparse=0.5)").block(), "give pruned or sparse"),
        (lambda: network("dense(1, pruned=0)").block(), "column 1: the share of weights"),
        (lambda: network("dense(1, rank=2)").block(), "the rank, as a share of the width"),
        (lambda: network("dense(1, levels=1)").block(), "levels >= 2, got 1"),
        (lambda: law("levels(1.5)"), "whole number n from 2"),
        (lambda: law("pruned(0)"), "pruned.p. needs a probability"),
        (lambda: length_theory("tanh", 1.0, q=1.0, widths=[10], weights="student_t(4)"), "not known, or infinite"),
        (lambda: length_theory("tanh", 1.0, q=1.0, widths=[10], weights="low_rank(0.5)"), "not known, or infinite"),
    ],
)
def test_what_makes_no_sense_is_explained(made: Any, words: str) -> None:
    with pytest.raises(EocError, match=words):
        made()


def test_the_table_of_the_documentation() -> None:
    page = Path(__file__).parent.parent / "docs" / "weights.md"
    table = [line.split("|")[1:-1] for line in page.read_text().splitlines() if line.startswith("| 0")]
    for row in table:
        keep, *numbers = map(float, row)
        found = [
            (one.second_moment, one.rescale, one.kurtosis) for one in (eoc.pruned(keep), eoc.pruned(keep, "random"))
        ]
        assert numbers == pytest.approx([value for one in found for value in one], rel=2e-5)
    assert len(table) == 3
