"""The algebra of layers: reference values of every block that it can write, properties, refusals."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from fuzz import networks
from truth import MP, expectation, rows

from eoc.activations import activation
from eoc.activations.algebra import affine, composed, product, total
from eoc.activations.base import Activation, Piece
from eoc.cli import main
from eoc.errors import EocError, UnsupportedError
from eoc.gaussian.bivariate import bivariate
from eoc.gaussian.moments import moments
from eoc.layers import LAYERS, PRESETS, Input, Network, Signal, is_network, network
from eoc.maps import CorrelationMap, VarianceMap
from eoc.propagation import propagate

SHAPED = {"DKS", "TAT smooth", "TAT leaky relu"}  # those of tests/test_shaping.py
ALL = rows("architectures.jsonl")
RECORDS = [row for row in ALL if row["case"] not in SHAPED]


# --- reference values ------------------------------------------------------------------------------------------------


def dense(row: dict[str, Any], weight: str = "sw2", bias: str = "sb2") -> str:
    return f"dense(sqrt({row[weight]}), sqrt({row.get(bias, '0')}))"


def one_layer(row: dict[str, Any]) -> str:
    by_scheme = {"const": "1", "L^-1/2": "1/sqrt(L)", "l^-1": "1/l", "l^-1/2": "1/sqrt(l)", "L^-1": "1/L"}
    scale = f"{row['mu']}*{by_scheme[row['scheme']]}"
    return f"repeat({row['L']}, residual({row['activation']}, {dense(row)}, skip={row['lam']}, scale={scale}))"


def two_layer(row: dict[str, Any]) -> str:
    phi, first, second = row["activation"], dense(row, "s1w2", "s1b2"), dense(row, "s2w2", "s2b2")
    items = {"pre2": f"{phi}, {first}, {phi}, {second}", "frn": f"{first}, {phi}, {second}"}[row["block"]]
    return f"repeat({row['L']}, residual({items}, skip={row['lam']}, scale={row['mu']}))"


def post_norm(row: dict[str, Any]) -> str:
    phi = row["activation"]
    items = f"{phi}, {dense(row)}" if row["branch"] == "one" else f"{dense(row)}, {phi}, dense(sqrt({row['s2w2']}))"
    return f"postnorm({items})"


def exponent(row: dict[str, Any]) -> str:
    phi, first = row["activation"], f"dense(sqrt({row['s1w2']}))"
    branch = f"{first}, {phi}" if row["branch"] == "ffn" else f"gate(dense(1), ({first}, {phi}))"
    return f"prenorm({branch}, dense(1))"


def fixed(row: dict[str, Any]) -> str:
    norm = "layernorm, " if row["norm"] == "LN" else ""
    return f"residual({norm}{row['activation']}, {dense(row)}, skip={row['lam']})"


def norm_after(row: dict[str, Any]) -> str:
    return f"{row['activation']}, {'layernorm' if row['norm'] == 'LN' else 'rmsnorm'}, {dense(row)}"


TEXTS: dict[str, Callable[[dict[str, Any]], str]] = {
    "one-layer branch": one_layer,
    "two-layer branch": two_layer,
    "Yang-Schoenholz RRN": lambda row: f"repeat({row['L']}, residual({dense(row)}, {row['activation']}))",
    "LN or RMS before activation": lambda row: f"layernorm, {row['activation']}, {dense(row)}",
    "norm after activation": norm_after,
    "pre-LN residual": lambda row: f"prenorm({row['activation']}, {dense(row)}, skip={row['lam']})",
    "post-LN residual": post_norm,
    "pre-LN exponent": exponent,
    "general": lambda row: f"{row['activation']}, noise({row['mu2']}), {dense(row)}",
    "GLU layer": lambda row: (
        f"gate(dense(sqrt({row['s1']})), (dense(sqrt({row['s2']})), {row['gate'].replace('linear', 'identity')})), "
        f"dense(sqrt({row['s3']}), sqrt({row['sb2']}))"
    ),
    "residual fixed point": fixed,
}


@cache
def after(text: str, q: tuple[float, ...], c: float, times: int = 1) -> Signal:
    """What so many of a block make of two inputs."""
    return network(f"repeat({times}, {text})").block()(Input(list(q), [1.0 - c]))


def fixed_point(f: Callable[[float], float], x: float) -> float:
    """Where iterates of f come to, by Steffensen's method once they are close."""
    for _ in range(20):
        x = f(x)
    for _ in range(50):
        once = f(x)
        bend = f(once) - 2.0 * once + x
        if abs(once - x) <= 4e-16 * abs(x) or bend == 0.0:
            return once
        x -= (once - x) ** 2 / bend
    raise AssertionError(f"{x} is not kept")


@cache
def settled(text: str) -> float:
    """The variance that a block keeps."""
    block = network(text).block()
    return fixed_point(lambda q: float(block(Input([q])).q.value[0]), 1.0)


@cache
def correlation_at_depth(text: str, q: float) -> float:
    """c*, from c = 0.3 on."""
    block = network(text).block()
    return 1.0 - fixed_point(lambda e: float(block(Input([q, q], [e])).one_minus_c.value[0]), 0.7)


def answer(row: dict[str, Any]) -> tuple[float, float | None]:
    """What is asked for, and the reported bound on its relative error; None for what is computed here of others."""
    text, quantity = TEXTS[row["case"]](row), row["quantity"]
    if row["case"] in ("one-layer branch", "two-layer branch", "Yang-Schoenholz RRN"):
        return of_depth(after(text, (float(row["qa"]), float(row.get("qb", row["qa"]))), float(row["c0"])), quantity)
    if row["case"] == "pre-LN residual" and quantity != "exponent r":
        return of_depth(after(text, (float(row["q0"]),) * 2, float(row["c0"]), int(row["L"])), quantity)
    q = float(row.get("q", 0.0)) or settled(text) if quantity not in ("r", "exponent r") else 2.0
    one = after(text, (q, q), float(row.get("c", 0.3)))
    if quantity in ("r", "exponent r"):  # (chi - 1) q / (q' - q)
        return float((one.chi.value[0] - 1.0) * q / (one.q.value[0] - q)), None
    if quantity in ("c*", "slope at c*", "xi_c"):
        end = correlation_at_depth(text, q)
        slope = float(after(text, (q, q), end).T.value[0])
        return {"c*": end, "slope at c*": slope, "xi_c": -1.0 / math.log(slope)}[quantity], None
    if quantity in ("f(1)", "c_10 from 0.3"):
        c, times = (1.0, 1) if quantity == "f(1)" else (0.3, 10)
        return of_depth(after(text, (q, q), c, times), "c")
    return of_depth(one, quantity)


def of_depth(one: Signal, quantity: str) -> tuple[float, float | None]:
    k, q, m, chi = one.k, one.q, one.m, one.chi
    e = one.one_minus_c
    if quantity == "c":
        return 1.0 - float(e.value[0]), float(e.error[0] / (1.0 - e.value[0])) + 2e-16
    if quantity == "xi":
        return 1.0 / abs(math.log(chi.value[0])), None
    found = {"k": k, "mean": m, "chi": chi, "chi_1": chi, "grad": chi, "q_b": q[np.array([1])], "grad_b": chi}.get(
        quantity, chi if quantity.startswith("grad") else q
    )
    return float(found.value[0]), float(found.error[0] / abs(found.value[0]) if found.value[0] else 0.0)


def called(row: dict[str, Any]) -> str:
    return "-".join(str(v) for k, v in row.items() if k not in ("topic", "value", "digits", "how"))


@cache
def answers(case: str) -> tuple[tuple[str, float, float | None, float], ...]:
    """Record, how far off the value is as a share of it, the bound likewise, and what rounding to 17 digits adds."""
    out = []
    for row in RECORDS:
        if row["case"] == case:
            true = float(row["value"])
            found, bound = answer(row)
            out.append((called(row), abs(found - true) / (abs(true) or 1.0), bound, 1e-15))
    return tuple(out)


#: Of these no bound is reported: they are computed here of numbers that have one.
WITHOUT_BOUND = {"c*", "slope at c*", "xi_c", "xi", "r", "exponent r"}


@pytest.mark.parametrize("case", TEXTS)
def test_bounds_of_architectures_are_honest(case: str) -> None:
    assert [one for one in answers(case) if one[2] is not None and not one[1] <= one[2] + one[3]] == []


@pytest.mark.parametrize("case", TEXTS)
def test_values_of_architectures_are_accurate(case: str) -> None:
    assert [one for one in answers(case) if not one[1] <= 1e-11] == []
    assert [one for one in answers(case) if one[2] is not None and not one[2] <= 1e-10] == []


def test_the_table_of_architectures_is_read_to_the_end() -> None:
    records = [called(row) for row in RECORDS]
    assert len(set(records)) == len(records)
    assert {row["case"] for row in ALL} == set(TEXTS) | SHAPED
    unbounded = {row["quantity"] for row in RECORDS if answer(row)[1] is None}
    assert unbounded == WITHOUT_BOUND


def test_records_of_relu_are_their_closed_forms() -> None:
    """lambda x + mu W relu(x) multiplies variances and squared gradients by lambda^2 + mu^2 sigma_w^2 / 2."""
    checked = 0
    for row in RECORDS:
        plain = row["case"] == "one-layer branch" and row["scheme"] == "const" and row["activation"] == "relu"
        if plain and row["sb2"] == "0" and row["quantity"] in ("q_a", "q_b", "grad_a"):
            factor = MP.mpf(row["lam"]) ** 2 + MP.mpf(row["mu"]) ** 2 * MP.mpf(row["sw2"]) / 2
            first = {"q_a": row["qa"], "q_b": row["qb"], "grad_a": "1"}[row["quantity"]]
            assert abs(MP.mpf(row["value"]) / (MP.mpf(first) * factor ** row["L"]) - 1) <= 1e-15
            checked += 1
    assert checked >= 3


# --- the plain network is a special case -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["tanh", "relu", "gelu", "elu", "x+sin(x)"])
def test_the_plain_block_is_the_plain_map(name: str) -> None:
    sigma_w, sigma_b = 1.3, 0.2
    q = np.array([0.1, 0.7, 3.0])
    one = network(f"{name}, dense").block(sigma_w, sigma_b)(Input(q))
    plain = VarianceMap(name, sigma_w, sigma_b)
    for found, known in ((one.q, plain.F(q)), (one.dq, plain.slope(q)), (one.chi, plain.chi_1(q))):
        assert (np.abs(found.value - known.value) <= 4e-16 * np.abs(known.value)).all()
        assert (found.error <= 1e-12 * np.abs(known.value)).all()
    f = CorrelationMap(name, sigma_w, sigma_b, q=0.7)
    for e in (1e-100, 1e-9, 0.3, 1.5):
        pair = network(f"{name}, dense").block(sigma_w, sigma_b)(Input([0.7, 0.7], [e]))
        true = f.one_minus_f(one_minus_c=e)
        assert abs(pair.one_minus_c.value[0] - float(true.value)) <= 2e-15 * float(true.value)
        assert pair.G.error[0] <= 1e-12 * pair.G.value[0]


def test_small_distances_keep_their_digits_through_every_op_that_keeps_them() -> None:
    """1 - c = 1e-100: the slope of the map, by which it is multiplied, is T q / q' at c = 1."""
    for text in PRESETS:
        found = network(text)
        if text != "mlp_dropout" and found.group is None:
            block = found.block(1.1, 0.1) if found.is_free else found.block()
            pair, alone = block(Input([1.0, 1.0], [1e-100])), block(Input([1.0]))
            slope = float(alone.chi.value[0] / alone.q.value[0])
            assert abs(pair.one_minus_c.value[0] / (1e-100 * slope) - 1.0) < 1e-12, text
            assert pair.G.error[0] <= 1e-12 * pair.G.value[0], text


def test_noise_has_no_fixed_point_at_one() -> None:
    pair = network("tanh, dropout(0.5), dense(1)").block()(Input([1.0, 1.0], [0.0]))
    assert pair.one_minus_c.value[0] == pytest.approx(0.5, rel=1e-14)
    assert pair.T.value[0] == pytest.approx(0.5 * pair.chi.value[0], rel=1e-14)


# --- propagation -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sigmas", [(1.1, 0.3), (3.0, 0.1)])
def test_blocks_of_a_plain_network_are_its_layers(sigmas: tuple[float, float]) -> None:
    inputs = {"q": [0.3, 2.0], "c": 0.4, "depth": 30}
    plain, blocks = propagate("tanh", *sigmas, **inputs), propagate(network("tanh, dense"), *sigmas, **inputs)
    for name, bound in (("q", "q_error"), ("one_minus_c", "error")):
        off = np.abs(getattr(plain, name) - getattr(blocks, name))
        assert (off <= getattr(plain, bound) + getattr(blocks, bound)).all(), name
        assert (getattr(blocks, bound) <= 1e-9).all(), name
    assert plain.chi == pytest.approx(blocks.chi, rel=1e-13)
    assert plain.log_gradient == pytest.approx(blocks.log_gradient, abs=1e-11)


def test_gradients_of_deep_networks_neither_overflow_nor_vanish() -> None:
    """Every block of x + W relu(x), W^2 = 2/N, doubles q and the squared gradient; normalised, chi = 3 a block."""
    run = propagate(network("residual(relu, dense(sqrt(2))), rmsnorm"), q=1.0, c=0.0, depth=600)
    assert run.log_gradient[0, 0] == pytest.approx(0.0, abs=1e-9)
    run = propagate(network("residual(identity, dense(sqrt(2)))"), q=1.0, c=0.5, depth=200)
    assert run.log_gradient[0] == pytest.approx(200.0 * math.log(3.0), rel=1e-14)
    assert run.one_minus_c[-1, 0, 1] == pytest.approx(0.5, rel=1e-13)


def test_pre_norm_grows_linearly_and_its_gradients_as_a_power() -> None:
    """q_l = q_0 + l A; of ReLU the product of the factors is q_L / q_0."""
    run = propagate(network("prenorm(relu, dense(sqrt(2)))"), q=1.0, c=0.3, depth=[0, 10, 1000])
    assert run.q[:, 0] == pytest.approx([1.0, 11.0, 1001.0], rel=1e-14)
    assert run.log_gradient[0, 0] == pytest.approx(math.log(1001.0), rel=1e-13)


def test_what_networks_refuse_to_follow() -> None:
    with pytest.raises(EocError, match="variances diverge"):
        propagate(network("prenorm(relu, dense(1))"), c=0.0, depth=3)
    with pytest.raises(EocError, match="differ from layer to layer: give q"):
        propagate(network("residual(relu, dense(1), scale=1/l)"), c=0.0, depth=3)
    with pytest.raises(EocError, match=r"after 5\d\d layers"):
        propagate(network("residual(relu, dense(1))"), q=1.0, c=0.0, depth=1000)
    with pytest.raises(EocError, match="at most 20000"):
        propagate(network("residual(relu, dense(1), scale=1/l)"), q=1.0, c=0.0, depth=1e6)
    with pytest.raises(EocError, match="give sigma_w"):
        propagate("tanh", q=1.0, c=0.0, depth=3)


def test_commands_take_networks(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def command(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["eoc", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), *capsys.readouterr()

    code, out, _ = command("networks")
    assert code == 0
    assert all(word in out for word in (*LAYERS, *PRESETS))
    code, out, _ = command("propagate", "preln", "--sigma-w", "1", "--q", "1", "--depth", "30", "--json")
    found = json.loads(out)
    assert (code, found["network"], found["text"]) == (0, "preln", PRESETS["preln"][0])
    assert found["q"][-1][0] == pytest.approx(13.7566444771, rel=1e-11)
    code, out, _ = command("propagate", "residual(relu, dense(sqrt(2)), scale=1/sqrt(L))", "--q", "1,2", "--depth", "9")
    assert code == 0
    assert "after 9 layers" in out
    assert "nan" not in out
    code, _, err = command("propagate", "tanh, dens(1)", "--depth", "3")
    assert code == 2
    assert "unknown function 'dens'" in err


# --- activations combined --------------------------------------------------------------------------------------------

COMBINED = [
    (total(activation("identity"), activation("relu")), "x + max(x, 0)"),
    (product(activation("identity"), activation("sigmoid")), "silu"),
    (composed(activation("tanh"), activation("relu")), "tanh(max(x, 0))"),
    (composed(activation("relu"), activation("x^2 - 1")), "max(x^2 - 1, 0)"),
    (composed(activation("hardtanh"), activation("x^3")), "clip(x^3, -1, 1)"),
    (affine(activation("gelu"), 1.3, -0.2), "1.3*gelu(x) - 0.2"),
]


@pytest.mark.parametrize(("combined", "formula"), COMBINED, ids=[formula for _, formula in COMBINED])
def test_combined_activations_are_their_formulas(combined: Any, formula: str) -> None:
    written = activation(formula)
    assert combined.smoothness is written.smoothness
    assert combined.knots == pytest.approx(written.knots, abs=1e-15)
    assert combined.growth.kind == written.growth.kind
    q = np.array([0.03, 0.8, 20.0])
    ours, theirs = moments(combined, q, ("M", "V", "D", "P")), moments(written, q, ("M", "V", "D", "P"))
    for name, one in ours.items():
        off = np.abs(one.value - theirs[name].value)
        assert (off <= one.error + theirs[name].error + 1e-300).all(), name
        assert (one.error <= 1e-11 * np.maximum(np.abs(one.value), theirs["V"].value / q)).all(), name
    ours, theirs = bivariate(combined, 0.8, 0.3), bivariate(written, 0.8, 0.3)
    for name, one in ours.items():
        assert abs(one.value - theirs[name].value) <= one.error + theirs[name].error, name


@pytest.mark.parametrize("depth", [4, 8])
def test_what_is_added_to_itself_again_and_again_is_evaluated_once_each_time(depth: int) -> None:
    """x + phi(x), of that x + phi(x), ...: one evaluation of each order a time, not two to the power of the depth."""
    calls: list[int] = []

    def counted(order: int) -> Any:
        def function(x: Any) -> Any:
            calls.append(order)
            return np.sin(x + order * np.pi / 2.0)

        return function

    phi = Activation("counted", "sin(x)", (Piece(counted(0), counted(1), counted(2)),))
    nested = activation("identity")
    for _ in range(depth):
        nested = total(nested, composed(phi, nested))
    calls.clear()
    x, expected = np.array([0.3, -1.2]), np.array([0.3, -1.2])
    for _ in range(depth):
        expected = expected + np.sin(expected)
    assert nested(x) == pytest.approx(expected, rel=1e-13)
    nested.ddphi(x)
    assert len(calls) <= 5 * depth
    calls.clear()
    nested.derivative(2, x)
    assert len(calls) <= 40 * depth


@pytest.mark.parametrize("text", ["gelu, scale(3.3), relu6", "x^2, layernorm, relu", "mish, layernorm, leaky_relu"])
def test_rounding_makes_no_jump_of_a_kink(text: str) -> None:
    """Where an activation comes to a kink of the next one, both sides have one value, and chi stays finite."""
    for q in np.geomspace(0.3, 4.0, 24):
        one = network(f"{text}, dense(1)").block()(Input([q]))
        assert np.isfinite(one.chi.value).all(), q


def test_behind_a_jump_gradients_are_infinite_and_nothing_is_nan() -> None:
    run = propagate(network("sign, dense(1)"), q=1.0, c=0.3, depth=3)
    assert run.one_minus_c[-1, 0, 1] == pytest.approx(
        propagate("sign", 1.0, q=1.0, c=0.3, depth=3).one_minus_c[-1, 0, 1]
    )
    assert np.isposinf(run.log_gradient[:3]).all()
    assert (run.log_gradient[3] == 0.0).all()
    with pytest.raises(UnsupportedError, match="sign jumps"):
        _ = network("sign, dense(1)").block()(Input([1.0, 1.0], [0.3])).T


def test_names_of_parameters_make_no_network() -> None:
    assert not is_network("star_relu(scale=0.5)")
    assert is_network("star_relu(scale=0.5), scale(2)")


def test_the_product_of_functions_of_one_root_is_a_function_of_it() -> None:
    """x sigmoid(x) as a gate without weights of its own is silu; x + relu(x) is leaky ReLU, scaled."""
    inputs = Input([1.0, 2.0], [0.4])
    pairs = [
        ("gate(scale(1), sigmoid), dense(1)", "silu, dense(1)"),
        ("residual(relu), dense(1)", "2*leaky_relu(x, 0.5), dense(1)"),
    ]
    for fused, known in pairs:
        one, two = network(fused).block()(inputs), network(known).block()(inputs)
        for name in ("q", "G", "chi", "T", "dq"):
            assert np.abs(getattr(one, name).value / getattr(two, name).value - 1.0).max() < 1e-13, (fused, name)


def test_a_sum_of_branches_is_what_residual_blocks_are() -> None:
    inputs = Input([1.0, 2.0], [0.4])
    told, known = "sum((tanh, dense(1.2, 0.1)), scale(0.5))", "residual(tanh, dense(1.2, 0.1), skip=0.5)"
    one, two = network(told).block()(inputs), network(known).block()(inputs)
    for name in ("q", "G", "chi", "T", "dq"):
        assert np.abs(getattr(one, name).value / getattr(two, name).value - 1.0).max() < 1e-14, name
    assert network("sum((relu, dense(1)), (tanh, dense))").free_is_last
    assert not network("sum((relu, dense(1)), (dense, tanh))").free_is_last
    with pytest.raises(UnsupportedError, match="sum of signals that share units"):
        _ = network("sum(relu, dense(1), (gate(tanh, (dense(1), relu))))").block()(inputs).q
    centred = network("sum(relu, dense(1), (gate(tanh, dense(1))))").block()(inputs)  # W x has a sign of its own
    apart = [network(text).block()(inputs).q.value for text in ("relu", "dense(1)", "gate(tanh, dense(1))")]
    assert np.abs(centred.q.value - sum(apart)).max() < 1e-14


def test_a_second_activation_is_a_composition() -> None:
    one = network("relu, tanh, dense(1)").block()(Input([1.5]))
    true = expectation(lambda x: MP.tanh(x) ** 2, 1.5) / 2
    assert abs(one.q.value[0] - float(true)) < 1e-15
    assert abs(one.q.value[0] - true) <= one.q.error[0]


# --- text ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("gelo, dense(1)", 1, "did you mean 'gelu'"),
        ("tanh, dens(1)", 7, "unknown function 'dens'"),
        ("scale(1, 2)", 1, "scale takes factor"),
        ("tanh, dense(sigma=1)", 13, "sigma is no number of dense"),
        ("residual()", 1, "needs items"),
        ("gate(dense(1))", 1, "two branches or more"),
        ("tanh, scale", 7, "scale needs factor"),
        ("dense(1e999)", 7, "not finite"),
        ("dense(abs(1))", 7, "this is no number"),
        ("tanh, , dense", 7, "this is no network"),
        ("(tanh, dense(1)", 1, "never closed"),
        ("", 1, "empty"),
        ("dense(True)", 7, "this is no number"),
        ("é, dense(1)", 1, "no layer and no activation"),
        ("dense(1, sigma_w=2)", 10, "given twice"),
        ("residul(tanh, dense(1))", 1, "did you mean the layer 'residual'"),
        ("softmax, dense(1)", 1, "depends on several inputs"),
        ("residual(scale=0.5, relu, dense(1))", 35, "numbers by name come last"),
    ],
)
def test_what_cannot_be_read_is_pointed_at(text: str, column: int, words: str) -> None:
    with pytest.raises(EocError, match=words) as caught:
        network(text)
    assert getattr(caught.value, "column", None) == column


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("residual(relu, dense(1)), relu, dropout(2)", "rate of dropout"),
        ("repeat(1.5, tanh)", "whole number"),
        ("dense(-1)", "sigma_w must be a standard deviation"),
        ("tanh, dense", "give sigma_w"),
        ("noise(0.5)", "must be >= 1"),
        ("layernorm(-1)", "eps must be >= 0"),
        ("dense(1/(l-1))", "not finite"),
        ("scale(1e200)", "a factor must be from"),
        ("repeat(1000, repeat(1000, tanh))", "1e[+]06 blocks are repeated in all"),
        ("repeat(5000, scale(1.1)), tanh, dense(1)", "scale or normalise what comes before"),
        ("repeat(5000, scale(1.1)), rmsnorm, tanh, dense(1)", "before a norm is infinite"),
        ("relu, scale(-1), relu, layernorm, dense(1)", "before a norm is 0"),
        ("repeat(4, dense(1e50))", "beyond double precision"),
    ],
)
def test_numbers_out_of_range_are_refused(text: str, words: str) -> None:
    with pytest.raises(EocError, match=words):
        _ = network(text).block()(Input([1.0])).q


def test_what_no_formula_is_known_for_is_refused_with_its_place() -> None:
    for text, place in [
        ("tanh, residual(dense(1)), relu", "item 3, relu: relu acts on a signal that is neither Gaussian"),
        ("relu, residual(residual(dense(1)), relu)", "item 2, residual, item 2, relu: relu acts"),
        ("residual(residual(relu, dense(1)), relu)", "item 1, residual, sum: a sum of signals that share units"),
        ("dense(1), residual(tanh, noise(2))", "item 2, residual, sum: a sum of signals that share units"),
        ("repeat(3, residual(relu, dense(1)), tanh)", "item 1, repeat, block 2, item 2, tanh: tanh acts"),
        ("gate(dense(1), (dense(2), noise(2), erf))", "item 1, gate, branch 2, item 3, erf: erf acts"),
    ]:
        with pytest.raises(UnsupportedError) as caught:
            network(text).block()(Input([1.0, 2.0], [0.3]))
        assert str(caught.value).startswith(place), caught.value
        assert caught.value.place == place.split(":")[0]
    with pytest.raises(EocError, match="no dense without numbers"):
        network("tanh, dense(1)").block(sigma_w=1.0)
    with pytest.raises(EocError, match="name of a preset"):
        network(3)


def test_a_network_is_what_was_typed() -> None:
    typed = "residual(layernorm, dense(1.4), gelu, dense(1), scale=1/sqrt(L))"
    found = network(typed)
    assert str(found) == typed
    assert (found.is_free, found.varies) == (False, True)
    assert network(found) is found
    assert not network("repeat(3, residual(relu, dense(1), scale=1/sqrt(L)))").varies
    assert isinstance(network("preln"), Network)


@pytest.mark.parametrize("number", range(40))
def test_random_networks_are_computed_or_refused(number: int) -> None:
    """No NaN, covariances within Cauchy-Schwarz, equal inputs stay equal unless there is noise, refusals say where."""
    assert not networks._tried(networks.drawn(random.Random(number), 2, networks.TAME))
