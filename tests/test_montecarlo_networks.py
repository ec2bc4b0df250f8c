"""Networks of blocks at finite width: drawn as they are written, both ways, and compared with theory."""

import json
import random

import numpy as np
import pytest
from fuzz import networks

from eoc.cli import main
from eoc.errors import EocError
from eoc.layers import network
from eoc.montecarlo import sample_blocks, verify
from eoc.montecarlo.experiments import network_checks
from eoc.montecarlo.experiments.network_checks import VerifiedNetwork, network_groups
from eoc.montecarlo.sampling.ops import draw
from eoc.plotting import verification_figure

WRITTEN = [
    "residual(relu, dense(1.2, 0.3))",
    "repeat(3, prenorm(dense(1.1), gelu, dense(0.8)))",
    "repeat(2, postnorm(tanh, dense(1.5, 0.2), skip=0.8))",
    "tanh, dropout(0.3), dense(1.3, 0.1), relu, dropout(0.2), dense(1.4)",
    "residual(rmsnorm, gate(dense(1), (dense(1.3), silu)), dense(0.9), scale=0.7)",
    "residual(dense(1, 0.2), softplus), layernorm, dense(1.2)",
    "gate((dense(1), tanh), (dense(0.7, 0.4), sigmoid), dense(1)), dense(2)",
    "relu, layernorm, dense(0.9, 0.2), tanh, rmsnorm, dense(1.3)",
    "repeat(4, residual(residual(tanh, dense(1)), scale(0.5), dense(1), scale=1/sqrt(L)))",
    "residual(relu), scale(0.6), dense(1), residual(erf, noise(1.3), dense(1, 0.1), skip=0.5)",
    "layernorm(0.3), tanh, rmsnorm(0.2), dense(1.2)",
    "repeat(2, gru(1.5, 0.7, mu_u=0.5, sigma_b=0.2, c=0.3))",
    "repeat(2, minimalrnn(1.3, 0.8, 0.4, R=0.7, c=-0.2))",
]


#: Of inputs with positions.
PLACED = [
    "conv(3, 1.4, 0.1, pad='zero'), relu, conv(3, 1.3, 0.2, pad='reflect'), relu, avgpool(2), conv(2, 1.2)",
    "relu, conv(3, 1.4, profile=(1, 2, 1)), relu, flatten, dense(1.1)",
    "repeat(2, residual(relu, conv(3, 1, pad='zero')))",
]


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Sizes that take a moment."""
    monkeypatch.setattr(network_checks, "_WIDE", 1000)


def compared(text, seed, q=(0.8, 1.7), c=0.4):
    """All comparisons of one block, in networks without and with matrices."""
    place = VerifiedNetwork(network(text), q=q, c=c, depth=1, width=128, networks=24)
    return [one for i, (_, group) in enumerate(network_groups(place, 1)) for one in group(seed=seed + i)]


def wrong(found):
    return [(one.quantity, one.theory, one.measured, one.z) for one in found if not one.agrees]


@pytest.mark.parametrize("text", [*WRITTEN, *PLACED])
def test_networks_agree_with_theory(text):
    found = compared(text, 10)
    assert len(found) >= 4
    assert not wrong(found)


#: Those of the random networks that theory follows, and soon; the rest is refused, or compositions of compositions.
NUMBERS = (1, 19, 24, 44, 47, 74, 83, 97, 127, 132, 143, 156, 169, 197, 198, 215, 227, 236, 242, 247, 279, 286)


@pytest.mark.parametrize("number", NUMBERS)
def test_random_networks_agree_with_theory(number):
    text = f"{networks.drawn(random.Random(number), 3, networks.TAME)}, dense(1.2, 0.1)"
    found = compared(text, number, q=(1.0, 1.0))
    assert len(found) >= 4
    assert not wrong(found), text


# what is drawn

OPS = [
    "dense(1.3, 0.2)",
    "scale(-0.7)",
    "tanh",
    "layernorm(0.2)",
    "rmsnorm",
    "dropout(0.4)",
    "residual(dense(1), gelu, skip=0.8, scale=0.3)",
    "gate((dense(1), tanh), sigmoid, scale(2))",
    "repeat(3, postnorm(dense(1), erf, scale=1/l))",
    "repeat(2, gru(1.5, 0.7), input(0.3))",
    "minimalrnn(1.3, 0.8, 0.4)",
    "prenorm(attention(2, 1.2)), residual(attention(2, mask='causal'))",
]


@pytest.mark.parametrize("text", OPS)
def test_the_way_back_is_the_transpose_of_the_derivative(text):
    """<g, J t> = <J^T g, t>, J t by differences of networks with the same weights."""
    op, step = network(text).block(), 1e-5
    rng = np.random.default_rng(2)
    x, t, g = rng.standard_normal((3, 2, 30))
    up, down, (_, back) = (draw(op, (at,), np.random.default_rng(7), True) for at in (x + step * t, x - step * t, x))
    pushed = (up[0] - down[0]) / (2.0 * step)
    assert (g * pushed).sum() == pytest.approx((back(g)[0] * t).sum(), rel=1e-7)


@pytest.mark.parametrize("units", [1, 2, 40])
def test_without_matrices_weights_are_the_same_both_ways(units):
    """W is linear: <g_b, W x_a> = <W^T g_b, x_a> for all pairs, with equal inputs and equal gradients too."""
    rng = np.random.default_rng(3)
    x, g = rng.standard_normal((2, 3, units))
    x[2], g[2] = x[0], g[1]
    y, back = draw(network("dense(1.4)").block(), (x,), rng, False)
    (pulled,) = back(g)
    assert np.abs(g @ y.T - pulled @ x.T).max() < 1e-13 * units
    assert np.abs(y[2] - y[0]).max() < 1e-14
    assert np.abs(pulled[2] - pulled[1]).max() < 1e-14


def test_weights_have_their_variance_both_ways():
    """E |W x|^2 = sigma_w^2 |x|^2 + N sigma_b^2 and E |W^T g|^2 = sigma_w^2 |g|^2, also given W x."""
    rng, op = np.random.default_rng(4), network("dense(1.4, 0.5)").block()
    x, g = rng.standard_normal((2, 2, 50))
    for matrices in (False, True):
        seen = []
        for _ in range(2000):
            y, back = draw(op, (x,), rng, matrices)
            (pulled,) = back(g)
            seen.append([y[0] @ y[1], y[0] @ y[0], *(pulled[0] @ pulled.T)])
        expected = [1.96 * x[0] @ x[1] + 12.5, 1.96 * x[0] @ x[0] + 12.5, 1.96 * g[0] @ g[0], 1.96 * g[0] @ g[1]]
        mean, error = np.mean(seen, axis=0), np.std(seen, axis=0) / 2000**0.5
        assert (np.abs(mean - expected) < 4.0 * error).all()


def test_networks_depend_on_seed_and_number_alone():
    block = network("prenorm(dense(1), dropout(0.3), gelu, dense(1))")
    for matrices in (False, True):
        how = {"depth": 2, "width": 40, "seed": 5, "matrices": matrices, "backward": True}
        one, three = (sample_blocks(block, networks=6, workers=workers, **how) for workers in (1, 3))
        fewer = sample_blocks(block, networks=4, **how)
        for name in ("q", "m", "one_minus_c", "chi", "T"):
            assert (getattr(one, name) == getattr(three, name)).all()
            assert (getattr(one, name)[:4] == getattr(fewer, name)).all()
    other = sample_blocks(block, networks=6, **{**how, "seed": 6})
    assert (one.q != other.q).all()


def test_what_cannot_be_sampled_is_refused():
    block = network("scale(10)")
    with pytest.raises(EocError, match="units overflow in block"):
        sample_blocks(block, depth=1000, width=10, networks=1, seed=0)
    with pytest.raises(EocError, match="units of the networks would take"):
        sample_blocks(block, depth=1000, width=10**9, networks=1, seed=0, backward=True)
    with pytest.raises(EocError, match="q must be a variance > 0"):
        sample_blocks(block, q=(0.0, 1.0), width=10, networks=1, seed=0)
    with pytest.raises(EocError, match=r"c must be a correlation in \[-1, 1\]"):
        sample_blocks(block, c=1.5, width=10, networks=1, seed=0)
    with pytest.raises(EocError, match="no op that networks"):
        draw(object(), (np.zeros((2, 5)),), np.random.default_rng(0), True)


# eoc verify


def test_networks_of_other_weights_fail(monkeypatch):
    right, wrong = "residual(tanh, dense(1.5))", network("residual(tanh, dense(1.7))")
    assert not verify(right, q=1.0, depth=3, networks=32, width=100, seed=1).failed
    real = network_checks.sample_blocks
    monkeypatch.setattr(network_checks, "sample_blocks", lambda **how: real(**{**how, "network": wrong}))
    found = verify(right, q=1.0, depth=3, networks=64, width=100, seed=1)
    assert {one.comparison.quantity for one in found.failed} >= {"q of 1000 units", "gradient^2 of 1000 units"}


def command(monkeypatch, capsys, *arguments):
    monkeypatch.setattr("sys.argv", ["eoc", "verify", *arguments])
    with pytest.raises(SystemExit) as left:
        main()
    out, err = capsys.readouterr()
    return left.value.code or 0, out, err


SMALL = ("--q", "1", "--depth", "2", "--width", "64", "--networks", "40", "--seed", "1")


def test_the_command_verifies_networks(monkeypatch, capsys, tmp_path):
    picture = tmp_path / "z.png"
    code, out, _ = command(monkeypatch, capsys, "preln", "--sigma-w", "1.1", *SMALL, "--plot", str(picture))
    assert code == 0
    assert out.startswith("PASS: theory and simulation agree in all 12 checks")
    assert out.splitlines()[-1].startswith("next: eoc propagate preln --sigma-w 1.1 --sigma-b 0 --q 1 --depth 2 ")
    assert "prenorm(dense(1), gelu, dense)" in out
    assert picture.stat().st_size > 10_000
    code, out, _ = command(monkeypatch, capsys, "sign, dense(1)", *SMALL)
    assert code == 0
    assert "SKIPPED groups of checks: 2" in " ".join(out.split())


def test_the_command_fails_with_exit_code_1(monkeypatch, capsys):
    real = network_checks.sample_blocks
    monkeypatch.setattr(network_checks, "sample_blocks", lambda **how: real(**{**how, "sigma_w": 1.3}))
    code, out, _ = command(monkeypatch, capsys, "preln", "--sigma-w", "1", *SMALL, "--json")
    found = json.loads(out)
    assert code == 1
    assert found["failed"] == sum(not one["agrees"] for one in found["checks"]) > 0
    assert (found["network"], found["sigma_w"], found["depth"], found["width"]) == ("preln", 1.0, 2, 64)
    code, out, _ = command(monkeypatch, capsys, "preln", "--sigma-w", "1", *SMALL)
    assert code == 1
    assert "next: eoc verify preln --sigma-w 1 --sigma-b 0 --q 1 --depth 2 --width 64 --networks 40 --seed 2" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("preln",), "give sigma_w"),
        (("tanh", "--depth", "3"), "depth: what is checked of an activation"),
        (("preln", "--sigma-w", "1", "--q", "2", "--depth", "0"), "depth must be a whole number from 1 to 1000"),
        (("preln", "--sigma-w", "1", "--q", "2", "--width", "20000"), "width must be a whole number from 16 to 1000"),
        (("preln", "--sigma-w", "1", "--q", "-1"), "q must be a variance > 0"),
        (("residual(relu, dense(1)), relu",), "neither Gaussian"),
    ],
)
def test_the_command_refuses(monkeypatch, capsys, arguments, words):
    code, out, err = command(monkeypatch, capsys, *arguments)
    assert (code, out) == (2, "")
    assert words in err


def test_the_picture_of_a_network():
    found = verify("residual(relu, dense(1))", depth=1, width=64, networks=8, seed=1)
    (ax,) = verification_figure(found).axes
    assert len(ax.get_yticklabels()) == len(found.checks)
