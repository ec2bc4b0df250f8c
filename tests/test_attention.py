"""Attention: reference values, tokens one by one beside tokens that are alike, collapse, explicit weights, refusals."""

from __future__ import annotations

import doctest
import json
import math
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fuzz import networks
from truth import rows

from eoc.cli import main
from eoc.errors import EocError, UnsupportedError
from eoc.floats import FloatArray
from eoc.gaussian.moments import moments
from eoc.layers import PRESETS, Input, Pairs, Signal, network
from eoc.layers.attention import collapse_constant
from eoc.layers.bounded import Bounded
from eoc.maps import VarianceMap, deep_attention, settled_tokens
from eoc.montecarlo.experiments.verification import verify
from eoc.montecarlo.sampling.ops import draw
from eoc.propagation import propagate, propagate_positions

RECORDS = rows("attention.jsonl")


def alike(text: str, tokens: int, e: float, q: float = 1.0) -> Signal:
    """What a network makes of tokens of one variance and one correlation."""
    return network(text).block()(Input([q], [0.0, e], Pairs.tokens(1, (tokens,))))


def single(text: str, gram: FloatArray) -> Signal:
    """What it makes of tokens with these covariances, each followed by itself."""
    pairs, roots = Pairs.every(1, (len(gram),)), np.sqrt(np.diag(gram))
    e = np.where(pairs.first == pairs.second, 0.0, 1.0 - (gram / np.outer(roots, roots))[pairs.first, pairs.second])
    return network(text).block()(Input(np.diag(gram), e, pairs))


def close(found: Bounded, index: int, value: float, within: float = 1e-11) -> None:
    """Right to ``within``, and no farther off than is claimed."""
    off = abs(float(found.value[index]) - value)
    assert off <= within * abs(value)
    assert off <= float(found.error[index]) + 1e-14 * abs(value)  # records have 14 digits


@pytest.mark.parametrize("r", [r for r in RECORDS if r["quantity"] in ("q'", "c'")], ids=lambda r: r["quantity"])
def test_published_attention_layers(r: dict[str, Any]) -> None:
    text = f"attention({r['T']}, sqrt({r['sigma2']}), beta=sqrt({r['beta2']}))"
    y, value = alike(text, int(r["T"]), 1.0 - float(r["c"]), float(r["q"])), float(r["value"])
    if r["quantity"] == "q'":
        close(y.q, 0, value)
    else:
        e = y.one_minus_c
        close(Bounded(1.0 - e.value, e.error), 1, value)


def uniform(r: dict[str, Any]) -> str:
    """Blocks of attention, and of an MLP unless it has no weight."""
    norm, skip = ("layernorm, " if r["ln"] == "pre" else ""), r["ua"].replace("L", str(r["L"]))
    text = f"residual({norm}attention({r['T']}, sqrt({r['sv']})), scale=sqrt({skip}))"
    if r["uf"] != "0":
        mlp = f"{norm}dense(sqrt({r['s1']})), {r['ffn']}, dense(sqrt({r['s2']}))"
        text += f", residual({mlp}, scale=sqrt({r['uf']}))"
    return f"repeat({r['L']}, {text})"


@pytest.mark.parametrize(
    "r", [r for r in RECORDS if r["case"] == "uniform attention"], ids=lambda r: f"{r['T']} {r['L']} {r['quantity']}"
)
def test_published_blocks_of_uniform_attention(r: dict[str, Any]) -> None:
    y, value = alike(uniform(r), int(r["T"]), 1.0 - float(r["rho0"])), float(r["value"])
    if r["quantity"] == "q":
        close(y.q, 0, value)
    else:
        e = y.one_minus_c
        close(Bounded(1.0 - e.value, e.error), 1, value)


BLOCKS = [
    "attention(5, 1.3)",
    "prenorm(attention(5)), prenorm(dense(1), gelu, dense(1))",
    "repeat(2, postnorm(attention(5, 0.7)), postnorm(dense(1.2), relu, dense(0.9)))",
    "residual(rmsnorm, attention(5), scale=0.4), residual(rmsnorm, gate(dense(1), (dense(1), silu)), dense(1))",
]


@pytest.mark.parametrize("text", BLOCKS)
def test_tokens_that_are_alike_are_those_that_are_followed_one_by_one(text: str) -> None:
    gram = 1.7 * (0.3 + 0.7 * np.eye(5))
    one, all_of = alike(text, 5, 0.7, 1.7), single(text, gram)
    own = all_of.pairs.alike
    for name in ("q", "m", "chi"):
        assert np.abs(getattr(one, name).value - getattr(all_of, name).value).max() < 1e-13
    for name in ("G", "T", "ntk"):
        for mine, mask in zip(getattr(one, name).value, (own, ~own), strict=True):
            assert np.abs(getattr(all_of, name).value[mask] - mine).max() < 1e-12


def test_uniform_attention_of_any_tokens_is_a_product_of_matrices() -> None:
    """A k A^T, with a causal mask or without."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((4, 6))
    gram = x @ x.T / 6.0
    for mask, seen in (("none", np.ones((4, 4))), ("causal", np.tril(np.ones((4, 4))))):
        weights = seen / seen.sum(axis=1, keepdims=True)
        y = single(f"attention(4, 1.5, mask='{mask}')", gram)
        expected = 2.25 * weights @ gram @ weights.T
        assert np.abs(y.pairs.matrix(y.k.value) - expected).max() < 1e-14


def test_distances_of_close_tokens_collapse_by_the_cubic_law() -> None:
    (published,) = (float(r["value"]) for r in RECORDS if r["case"] == "rank collapse constant")
    assert collapse_constant(2, 1.0, 1.0) == published
    for tokens, beta, q in ((2, 1.0, 1.0), (8, 2.0, 1.5), (10**6, 0.3, 4.0)):
        for e in (1e-12, 1e-50):
            y = alike(f"attention({tokens}, 1.3, beta={beta})", tokens, e, q).one_minus_c
            law = collapse_constant(tokens, beta, q) * e**3
            assert abs(y.value[1] - law) <= y.error[1] + 100.0 * e * law


def test_attention_of_many_heads_with_explicit_weights() -> None:
    """Means over heads of A x x^T A^T / N, queries and keys of 400 units each, of tokens that are exactly alike."""
    rng, tokens, units, q, c, beta = np.random.default_rng(5), 6, 400, 1.2, 0.3, 1.5
    basis = np.linalg.qr(rng.standard_normal((units, tokens)))[0].T * units**0.5
    x = math.sqrt(q) * np.linalg.cholesky(c + (1.0 - c) * np.eye(tokens)) @ basis
    found = []
    for _ in range(150):
        queries, keys = (x @ rng.standard_normal((units, units)) / units**0.5 for _ in range(2))
        scores = np.exp(beta * queries @ keys.T / units**0.5)
        weights = scores / scores.sum(axis=1, keepdims=True)
        gram = weights @ (x @ x.T / units) @ weights.T
        found.append([np.trace(gram) / tokens, (gram.sum() - np.trace(gram)) / (tokens * (tokens - 1))])
    y = alike(f"attention({tokens}, beta={beta})", tokens, 1.0 - c, q)
    mean, error = np.mean(found, axis=0), np.std(found, axis=0, ddof=1) / len(found) ** 0.5
    assert (np.abs(mean - [y.q.value[0], y.k.value[1]]) <= 4.0 * error + 0.3 / units).all()


@pytest.mark.parametrize("heads", [0, 20])
def test_drawn_attention_has_the_moments_of_theory(heads: int) -> None:
    """Of layers whose heads share 2000 units, and of as many heads as units."""
    tokens, units, e = 4, 2000, 0.6
    rng, text = np.random.default_rng(1), f"attention({tokens}, 1.2, beta=1.4, heads={heads})"
    basis = np.linalg.qr(rng.standard_normal((units, tokens)))[0].T * units**0.5
    x = np.linalg.cholesky(1.0 - e + e * np.eye(tokens)) @ basis
    op, found = network(text).block(), []
    for _ in range(40):
        y = draw(op, (x,), rng, False)[0]
        gram = y @ y.T / units
        found.append([np.trace(gram) / tokens, (gram.sum() - np.trace(gram)) / (tokens * (tokens - 1))])
    y = alike(text, tokens, e)
    mean, error = np.mean(found, axis=0), np.std(found, axis=0, ddof=1) / len(found) ** 0.5
    assert (np.abs(mean - [y.q.value[0], y.k.value[1]]) <= 4.0 * error + (2.0 / 100 if heads else 2.0 / units)).all()


def test_a_whole_transformer_forward_and_backward() -> None:
    """Twelve blocks, normalised before: second moments, correlations, and gradients of all tokens."""
    tokens, units, e = 8, 700, 0.8
    net = network("repeat(12, prenorm(attention(8)), prenorm(dense(1), gelu, dense(1)))").block()
    rng, found = np.random.default_rng(2), []
    for _ in range(12):
        basis = np.linalg.qr(rng.standard_normal((units, tokens)))[0].T * units**0.5
        y, back = draw(net, (np.linalg.cholesky(1.0 - e + e * np.eye(tokens)) @ basis,), rng, False)
        g = np.linalg.qr(rng.standard_normal((units, tokens)))[0].T * units**0.5
        (pulled,) = back(g)
        gram = y @ y.T / units
        other = (gram.sum() - np.trace(gram)) / (tokens * (tokens - 1))
        found.append([np.trace(gram) / tokens, other, (pulled * pulled).sum() / (tokens * units)])
    y = alike(f"repeat(12, {PRESETS['transformer'][0].replace('64', '8')})", tokens, e)
    theory = np.array([y.q.value[0], y.k.value[1], y.chi.value[0]])
    mean, error = np.mean(found, axis=0), np.std(found, axis=0, ddof=1) / len(found) ** 0.5
    assert (np.abs(mean - theory) <= 4.0 * error + 20.0 * theory / units).all()
    assert (error < 0.05 * theory).all()


def tokens_of(units: int, tokens: int, e: float, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Tokens of variance 1 that have exactly one correlation, and directions of gradients."""
    basis, g = (np.linalg.qr(rng.standard_normal((units, tokens)))[0].T * units**0.5 for _ in range(2))
    return np.linalg.cholesky(1.0 - e + e * np.eye(tokens)) @ basis, g


@pytest.mark.parametrize(
    "text",
    [
        "attention(4, 1.2, beta=1.6, heads=32)",
        "repeat(2, prenorm(attention(4, 1.2, beta=2, heads=32)), prenorm(dense(1), gelu, dense(1)))",
    ],
)
def test_gradients_go_through_the_scores(text: str) -> None:
    """Sent back from all tokens, independent of each other, and the same from all, which sees T as well."""
    tokens, units, e = 4, 1024, 0.6
    rng, op, found = np.random.default_rng(8), network(text).block(), []
    for _ in range(24):
        sums = []
        for same in (False, True):
            x, g = tokens_of(units, tokens, e, rng)
            _, back = draw(op, (x,), rng, False)
            (pulled,) = back(np.tile(g[:1], (tokens, 1)) if same else g)
            sums.append((pulled * pulled).sum() / (tokens * units))
        found.append(sums)
    y = alike(text, tokens, e)
    own, other = y.chi.value[0], y.T.value[1]
    mean, error = np.mean(found, axis=0), np.std(found, axis=0, ddof=1) / len(found) ** 0.5
    assert (np.abs(mean - [own, own + (tokens - 1) * other]) <= 4.0 * error).all()
    assert (error < 0.05 * mean).all()


def test_the_way_back_through_scores_is_the_transpose_of_the_derivative() -> None:
    op, step = network("attention(3, 1.1, beta=2, heads=5), attention(3, beta=1, heads=2, mask='causal')").block(), 1e-5
    rng = np.random.default_rng(2)
    x, t, g = rng.standard_normal((3, 3, 30))
    up, down, (_, back) = (draw(op, (at,), np.random.default_rng(7), True) for at in (x + step * t, x - step * t, x))
    assert (g * (up[0] - down[0])).sum() / (2.0 * step) == pytest.approx((back(g)[0] * t).sum(), rel=1e-6)


def test_the_tangent_kernel_counts_all_four_matrices() -> None:
    """Half of it is of values and outputs, and at beta = 0 all: twice the kernel."""
    y = alike("attention(4, 1.3)", 4, 0.5)
    assert np.abs(y.ntk.value - 2.0 * y.k.value).max() < 1e-14
    by_scores = [(alike(f"attention(4, 1.3, beta={beta})", 4, 0.5).ntk.value[0]) for beta in (0.0, 1e-4, 1e-2)]
    assert (by_scores[2] - by_scores[0]) / (by_scores[1] - by_scores[0]) == pytest.approx(1e4, rel=1e-3)


def test_trajectories_of_tokens() -> None:
    """Block by block as all at once; gradients at a layer are those of the blocks behind it alone."""
    text = "prenorm(attention(6, 1.1, beta=1.3)), prenorm(dense(1), gelu, dense(1))"
    run = propagate(text, q=1.2, c=0.2, depth=4)
    for layer in range(1, 5):
        whole = alike(f"repeat({layer}, {text})", 6, 0.8, 1.2)
        assert run.q[layer] == pytest.approx(np.full(2, whole.q.value[0]), rel=1e-13)
        assert run.one_minus_c[layer, 0, 1] == pytest.approx(whole.one_minus_c.value[1], rel=1e-12)
        e, q = run.one_minus_c[4 - layer, 0, 1], run.q[4 - layer, 0]
        rest = alike(f"repeat({layer}, {text})", 6, e, q)
        assert run.gradient[4 - layer, 0] == pytest.approx(rest.chi.value[0], rel=1e-11)


def test_trajectories_of_tokens_that_are_followed_one_by_one() -> None:
    text, c = (
        "prenorm(attention(3, mask='causal')), prenorm(relu, dense(1))",
        np.array([[1, 0.5, 0], [0.5, 1, 0.2], [0, 0.2, 1]]),
    )
    run = propagate(text, q=[1.0, 2.0, 0.5], c=c, depth=3)
    gram = np.sqrt(np.outer([1.0, 2.0, 0.5], [1.0, 2.0, 0.5])) * c
    y = single(f"repeat(3, {text})", gram)
    assert run.q[-1] == pytest.approx(y.q.value, rel=1e-13)
    assert run.one_minus_c[-1] == pytest.approx(y.pairs.matrix(y.one_minus_c.value), abs=1e-13)
    assert run.gradient[0] == pytest.approx(np.full(3, y.chi.value.mean()), rel=1e-12)
    assert np.isnan(run.log_gradient[1:-1]).all()


def test_with_a_causal_mask_all_tokens_are_followed() -> None:
    """Token a is the mean of a + 1 tokens that are alike at first."""
    run = propagate("attention(4, mask='causal')", q=2.0, c=0.5, depth=1)
    assert run.q[1] == pytest.approx(1.0 + 1.0 / np.arange(1, 5), rel=1e-14)


@pytest.mark.parametrize("text", ["transformer", "transformer_swiglu", "attention(4, beta=1, heads=20), dense(1)"])
def test_verified_networks(text: str) -> None:
    small = PRESETS[text][0].replace("64", "4") if text in PRESETS else text
    found = verify(small, q=1.0, depth=2, width=80, networks=16, seed=3)
    assert {check.kind for check in found.checks} == {"signal", "gradient"}
    assert ("1/sqrt(20)" in found.place.why) == ("heads" in text)
    assert not found.failed


@pytest.mark.parametrize("r", [r for r in RECORDS if r["case"] == "angle exponent"], ids=lambda r: r["quantity"])
def test_published_angle_exponents(r: dict[str, Any]) -> None:
    """Whatever the scores; attention without weight leaves the first fraction, whose excess is what keeps distances."""
    mlp = f"postnorm(dense(sqrt({r['s1']})), {r['ffn']}, dense(sqrt({r['s2']})), scale=sqrt({r['uf']}))"
    if r["quantity"] == "lambda_a":
        found = settled_tokens(f"postnorm(attention(8, sqrt({r['sv']}), beta=0.7), scale=sqrt({r['ua']})), {mlp}")
        value, error = found.exponent, found.exponent_error
    else:
        found = settled_tokens(f"postnorm(attention(8, 0)), {mlp}")
        value, error = math.expm1(found.exponent), math.exp(found.exponent) * found.exponent_error
    assert abs(value - float(r["value"])) <= min(error, 1e-13) + 1e-16


@pytest.mark.parametrize("quantity", ["q", "rho"])
def test_published_limit_of_many_blocks(quantity: str) -> None:
    (r,) = (r for r in RECORDS if r["case"] == "uniform, 1/L limit" and r["quantity"] == quantity)
    found = deep_attention(int(r["T"]), float(r["rho0"]), float(r["s"]))
    assert found[quantity == "rho"] == pytest.approx(float(r["value"]), rel=1e-15)
    y = alike(f"repeat(2000, residual(attention({r['T']}), scale=1/sqrt(L)))", int(r["T"]), 1.0 - float(r["rho0"]))
    assert (y.q.value[0], 1.0 - y.one_minus_c.value[1]) == pytest.approx(found, rel=1e-3)


def test_tokens_end_where_blocks_lead_them() -> None:
    text = "postnorm(attention(16, beta=1), scale=0.4), postnorm(dense(2), tanh, dense(sqrt(2)))"
    found = settled_tokens(text)
    run = propagate(text, q=1.0, c=found.c_star, depth=12)
    assert found.phase == "chaotic"
    assert np.abs(run.c[:, 0, 1] - found.c_star).max() <= 1e-11
    assert math.exp(run.log_gradient[0, 0] - run.log_gradient[1, 0]) == pytest.approx(found.growth, rel=1e-3)


def test_what_is_normalised_before_goes_like_powers() -> None:
    """A = 1 + V, 1 - c like q^(D/A - 1), squared gradients like q^((1 + D)/A), V and D of GELU at 1."""
    v, d = (float(moments("gelu", 1.0, (name,))[name].value) for name in "VD")
    found = settled_tokens("transformer")
    assert (found.phase, found.q, found.c_star) == ("divergent", math.inf, 1.0)
    expected = (1.0 + v, d / (1.0 + v) - 1.0, (1.0 + d) / (1.0 + v))
    assert (found.amount, found.power, found.gradient_power) == pytest.approx(expected, abs=1e-8)


_MIXED = (
    "attention(3)",
    "attention(3, 0.7)",
    "prenorm(attention(3))",
    "dense(1.1, 0.2)",
    "layernorm",
    "scale(0.7)",
    "relu",
)


@pytest.mark.parametrize("number", range(12))
def test_random_networks_of_tokens_are_the_same_one_by_one(number: int) -> None:
    text = networks.drawn(random.Random(number), 2, _MIXED)
    try:
        one = alike(text, 3, 0.6, 1.4)
    except (EocError, UnsupportedError):
        return
    y = single(text, 1.4 * (0.4 + 0.6 * np.eye(3)))
    own, size = y.pairs.alike, 1.0 + y.q.value.max()
    for name in ("q", "m", "chi"):
        assert np.abs(getattr(one, name).value - getattr(y, name).value).max() < 1e-12 * size
    for name in ("G", "T"):
        for mine, mask in zip(getattr(one, name).value, (own, ~own), strict=True):
            assert np.abs(getattr(y, name).value[mask] - mine).max() < 1e-12 * size


def test_positions_of_images_are_tokens_too() -> None:
    """Four pixels in two rows, followed through attention and a convolution."""
    covariance = (0.3 + 0.7 * np.eye(4)).reshape(1, 2, 2, 1, 2, 2)
    run = propagate_positions("attention(4), conv(1, 1)", covariance=covariance)
    assert run.q == pytest.approx(np.full((1, 2, 2), 0.475), rel=1e-13)
    with pytest.raises(UnsupportedError, match="every pair has to be known"):
        propagate_positions("attention(4)", np.ones((1, 3, 2, 2)), pairs="aligned")


@pytest.mark.parametrize("name", ["transformer", "postnorm(attention(4)), postnorm(relu, dense(2))"])
def test_the_command_tells_what_is_torn_apart(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["eoc", "rates", name, "--json"])
    with pytest.raises(SystemExit):
        main()
    payload = json.loads(capsys.readouterr().out)
    monkeypatch.setattr("sys.argv", ["eoc", "phase", name])
    with pytest.raises(SystemExit):
        main()
    assert ("diverges" if payload["phase"] == "divergent" else payload["phase"]) in capsys.readouterr().out


def test_the_command_says_where_tokens_end(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).parent.parent / "docs" / "attention.md").read_text()
    said = {}
    for name in ("phase", "rates"):
        monkeypatch.setattr("sys.argv", ["eoc", name, "transformer_postnorm"])
        with pytest.raises(SystemExit) as end:
            main()
        said[name] = capsys.readouterr().out
        assert end.value.code == 0
    assert said["phase"] == said["rates"]
    assert said["phase"].strip() in page


def test_the_documentation_says_what_is_computed() -> None:
    page = Path(__file__).parent.parent / "docs" / "attention.md"
    assert doctest.testfile(str(page), module_relative=False).failed == 0


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("attention", "attention needs tokens"),
        ("attention(0)", "tokens must be a whole number from 1"),
        ("attention(2.5)", "tokens must be a whole number from 1"),
        ("attention(4, beta=-1)", "beta .* must be a standard deviation >= 0"),
        ("attention(4, heads=1.5)", "heads must be a whole number >= 0"),
        ("attention(4, -1)", "sigma_w must be a standard deviation >= 0"),
        ("attention(4, mask='diagonal')", "mask"),
    ],
)
def test_numbers_that_make_no_sense(text: str, problem: str) -> None:
    with pytest.raises(EocError, match=problem):
        network(text).block()


def test_what_is_not_known_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="attention mixes tokens"):
        VarianceMap("transformer")
    with pytest.raises(EocError, match="or correlations of all tokens, as a matrix"):
        propagate("transformer", q=[1.0, 2.0], c=0.5, depth=1)
    with pytest.raises(EocError, match=r"64 tokens cannot all have the correlation -0\.5"):
        propagate("transformer", q=1.0, c=-0.5, depth=1)
    with pytest.raises(EocError, match="mixes 64 tokens, and which variance"):
        propagate("transformer", c=0.5, depth=1)
    with pytest.raises(EocError, match="second moments of tokens come to no end"):
        settled_tokens("attention(4, 2)")
    with pytest.raises(EocError, match="has no attention"):
        settled_tokens("postln", 1.0)
    with pytest.raises(EocError, match="differ from layer to layer"):
        settled_tokens("postnorm(attention(4), scale=1/l)")
    with pytest.raises(EocError, match="correlations from -1"):
        deep_attention(3, -0.9)
    with pytest.raises(UnsupportedError, match="softmax of tokens that differ"):
        single("attention(3, beta=1)", np.eye(3))
    with pytest.raises(UnsupportedError, match="among 4 tokens, but inputs have 3"):
        single("attention(4)", np.eye(3))
    with pytest.raises(UnsupportedError, match="causal mask"):
        alike("attention(4, mask='causal')", 4, 0.5)
    with pytest.raises(EocError, match="mix 2 tokens and 3 tokens"):
        _ = network("attention(2), attention(3)").group
    with pytest.raises(EocError, match="30 units cannot be shared by 4 heads"):
        draw(network("attention(2, heads=4)").block(), (np.ones((2, 30)),), np.random.default_rng(0), True)
    _, back = draw(network("attention(2, beta=1)").block(), (np.ones((2, 30)),), np.random.default_rng(0), True)
    with pytest.raises(EocError, match="give attention a number of heads"):
        back(np.ones((2, 30)))
