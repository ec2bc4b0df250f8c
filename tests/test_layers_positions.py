"""Inputs with positions: layers that mix them, against matrices written out and against random networks."""

from __future__ import annotations

import numpy as np
import pytest

from eoc.errors import EocError, UnsupportedError
from eoc.layers import Input, Pairs, Signal, network
from eoc.layers.affine import Dense
from eoc.layers.graph import serial
from eoc.layers.mixing import Mix
from eoc.montecarlo.sampling.ops import draw


def positions(inputs: int, shape: tuple[int, ...], seed: int = 0) -> Input:
    """Gaussian inputs with a random covariance of all their positions."""
    pairs = Pairs.every(inputs, shape)
    points = inputs * pairs.places
    root = np.random.default_rng(seed).standard_normal((points, points + 3)) + 1.0
    k = root @ root.T / (points + 3)
    q = np.diag(k)
    c = k / np.sqrt(np.multiply.outer(q, q))
    e = np.where(np.eye(points) == 1.0, 0.0, 1.0 - c)
    return Input(q, e[pairs.first, pairs.second], pairs)


def covariance(x: Signal) -> np.ndarray:
    return x.pairs.matrix(x.k.value)


CAUSAL = np.tril(np.ones((4, 4))) / np.arange(1.0, 5.0)[:, None]
MIXES = {
    "mean": np.full((1, 4), 0.25),
    "causal mean": CAUSAL,
    "differences": np.eye(4) - np.roll(np.eye(4), 1, axis=1),
    "some": np.random.default_rng(3).standard_normal((3, 4)),
}


@pytest.mark.parametrize("name", MIXES)
@pytest.mark.parametrize("inputs", [1, 3])
def test_positions_are_mixed_as_by_the_matrix(name: str, inputs: int) -> None:
    """K' = A K A^T and so on, A for every input, to within the bounds, which are of rounding."""
    x, a = positions(inputs, (4,)), np.kron(np.eye(inputs), MIXES[name])
    hidden = serial([network("relu, dense(1.3, 0.2)").block(), Mix(MIXES[name])])
    y, before = hidden(x), network("relu, dense(1.3, 0.2)").block()(x)
    assert y.is_gaussian
    assert y.pairs.positions == (len(MIXES[name]),)
    k, size = a @ covariance(before) @ a.T, np.abs(a) @ np.abs(covariance(before)) @ np.abs(a.T)
    for mine, true in ((y.k, k), (y.T, a @ before.pairs.matrix(before.T.value) @ a.T)):
        off = np.abs(y.pairs.matrix(mine.value) - true)
        assert (off <= y.pairs.matrix(mine.error) + 1e-15 * size).all()
        assert mine.error.max() < 1e-12
    assert y.q.value == pytest.approx(np.diag(k), rel=1e-13)
    assert (y.chi.value == y.T.value[y.pairs.alike]).all()
    ntk = a @ before.pairs.matrix(before.ntk.value) @ a.T
    assert y.pairs.matrix(y.ntk.value) == pytest.approx(ntk, rel=1e-12, abs=1e-12)


def test_means_are_mixed_too() -> None:
    x = network("relu").block()(positions(2, (2, 2)))
    assert Mix(CAUSAL)(x).m.value.reshape(2, 4) == pytest.approx(x.m.value.reshape(2, 4) @ CAUSAL.T, rel=1e-14)


def test_what_positions_share_keeps_its_digits() -> None:
    """Of positions with 1 - c = 1e-14 the difference of two has q' = 2 q (1 - c), to the digits of G."""
    pairs = Pairs.every(1, (2,))
    x = Input(np.ones(2), np.array([0.0, 1e-14, 0.0]), pairs)
    apart = Mix(np.array([[1.0, -1.0]]))(x)
    assert apart.q.value[0] == pytest.approx(2e-14, rel=1e-14)


def test_tangents_of_positions_are_independent_at_first() -> None:
    """The mean of n positions has chi = 1/n: |J|^2 of one unit by all n of them."""
    y = Mix(np.full((1, 4), 0.25))(positions(2, (4,)))
    assert y.chi.value.tolist() == [0.25, 0.25]
    assert y.T.value.tolist() == [0.25, 0.25, 0.25]


def test_mixing_agrees_with_random_networks() -> None:
    """Both ways, with width 200: second moments of what comes out, and gradients at every position."""
    x, ops = positions(2, (4,)), [Dense(1.4, 0.3), Mix(CAUSAL), network("relu").block(), Dense(1.2), Mix(MIXES["some"])]
    y, rng, seen, back_seen = serial(ops)(x), np.random.default_rng(5), [], []
    root, width = np.linalg.cholesky(covariance(x)), 200
    basis = np.linalg.qr(rng.standard_normal((width, 8)))[0].T * width**0.5
    for _ in range(200):
        out, back = draw(serial(ops), ((root @ basis).reshape(2, 4, width),), rng, False)
        rows = out.reshape(-1, width)
        seen.append(rows @ rows.T / width)
        g = rng.standard_normal((3, width))
        (pulled,) = back(np.stack([g, g]))
        back_seen.append((pulled[0] * pulled[1]).sum() / width)
    mean, error = np.mean(seen, axis=0), np.std(seen, axis=0) / 200**0.5
    assert (np.abs(mean - covariance(y)) < 4.0 * error + 0.02 * np.abs(mean)).all()
    same = y.pairs.matrix(y.T.value)[:3, 3:].trace()  # of one position of both inputs, over all gradients
    assert abs(np.mean(back_seen) - same) < 4.0 * np.std(back_seen) / 200**0.5 + 0.02 * same


@pytest.mark.parametrize(
    ("weights", "words"),
    [(np.ones(3), "matrix"), (np.array([[np.nan]]), "finite"), (np.ones((2, 3, 1)), "matrix")],
)
def test_weights_that_are_no_matrix(weights: np.ndarray, words: str) -> None:
    with pytest.raises(EocError, match=words):
        Mix(weights)


def test_positions_have_to_be_known() -> None:
    with pytest.raises(UnsupportedError, match="every pair"):
        Mix(np.ones((1, 2)))(Input([1.0, 2.0], [0.5]))
    with pytest.raises(UnsupportedError, match="5 positions, but inputs have 4"):
        Mix(np.ones((1, 5)))(positions(1, (2, 2)))
    with pytest.raises(EocError, match="shape"):
        Mix(np.ones((2, 2)), (3,))
    with pytest.raises(EocError, match="GB"):
        Pairs.every(1000, (1000, 1000))
