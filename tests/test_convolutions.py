"""Convolutions: reference values, the recursion written out, random networks, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from truth import rows

from eoc.errors import EocError, UnsupportedError
from eoc.layers import Input, Pairs, Signal, network
from eoc.layers.convolution import Conv, uniform
from eoc.layers.given import given_array
from eoc.layers.graph import Op, serial
from eoc.montecarlo.sampling.ops import draw

RECORDS = rows("convolutions.jsonl")
TOP = {"one": (1.0,), "uniform3": (1.0, 1.0, 1.0), "uneven": (1.0, 2.0, 0.5, 0.0)}


def named(case: str) -> list[Any]:
    return [
        pytest.param(r, id=f"{r.get('activation', '')} {r['quantity']} {i}")
        for i, r in enumerate(RECORDS)
        if r["case"] == case
    ]


def phi(name: str) -> Op:
    return network(f"{name}, scale(1)").block()


def waves(n: int, rho: float, amp: float) -> Input:
    """q_a = (1 + amp cos(2 pi a/n))^2, correlations rho^distance round the circle."""
    a, pairs = np.arange(n), Pairs.every(1, (n,))
    apart = np.abs(a[:, None] - a)
    c = rho ** np.minimum(apart, n - apart)
    return Input((1.0 + amp * np.cos(2.0 * np.pi * a / n)) ** 2, (1.0 - c)[pairs.first, pairs.second], pairs)


@pytest.mark.parametrize("r", named("covariance recursion"))
def test_covariances_of_positions(r: dict[str, Any]) -> None:
    n, sigma_w, sigma_b = int(r["n"]), float(r["sw2"]) ** 0.5, float(r["sb2"]) ** 0.5
    x: Signal = waves(n, float(r["rho"]), float(r["amp"]))
    for _ in range(int(r["L"])):
        x = Conv(uniform(3), sigma_w, sigma_b, r["pad"])(phi(r["activation"])(x))
    true, i = float(r["value"]), 1 if r["quantity"] == "c[0,1]" else n // 2
    if r["quantity"].startswith("q"):
        place = 0 if r["quantity"] == "q[0]" else i
        value, error = x.q.value[place], x.q.error[place]
    else:
        pair = (x.pairs.first == 0) & (x.pairs.second == i)
        value, error = 1.0 - x.one_minus_c.value[pair].item(), x.one_minus_c.error[pair].item()
    assert value == pytest.approx(true, rel=1e-13)
    assert abs(value - true) <= error < 1e-11


# --- the recursion, written out ---------------------------------------------------------------------------------------

MODES = {"circular": "wrap", "reflect": "reflect", "replicate": "edge", "zero": "constant"}


def written_out(k: np.ndarray, inputs: int, shape: tuple[int, ...], profile: np.ndarray, pad: str, stride: int) -> Any:
    """sum_d v_d k(s a + d, s b + d) of covariances (P, P), and the shape of what is left."""
    axes, kernel = len(shape), profile.shape
    padded = k.reshape(inputs, *shape, inputs, *shape)
    if pad != "none":
        own = [((size - 1) // 2, size // 2) for size in kernel]
        padded = np.pad(padded, [(0, 0), *own, (0, 0), *own], MODES[pad])
    after = tuple((padded.shape[1 + i] - kernel[i]) // stride + 1 for i in range(axes))
    total = np.zeros((inputs, *after, inputs, *after))
    for tap in np.ndindex(kernel):
        window = tuple(slice(d, d + stride * (n - 1) + 1, stride) for d, n in zip(tap, after, strict=True))
        total += profile[tap] * padded[(slice(None), *window, slice(None), *window)]
    return total.reshape(inputs * int(np.prod(after)), -1), after


GEOMETRIES = [
    *[((7,), TOP[name], pad, stride) for name in TOP for pad in (*MODES, "none") for stride in (1, 2)],
    ((3, 4), (1.0, 1.0, 1.0), "zero", 1),
    ((3, 4), (0.5, 1.0), "circular", 1),
    ((5, 4), ((1.0, 2.0), (3.0, 0.0), (0.5, 0.1)), "reflect", 2),
    ((3, 3, 2), (1.0, 1.0), "none", 1),
    ((1, 1), (1.0, 1.0, 1.0), "zero", 1),
]


def images(inputs: int, shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((inputs, 3, *shape)) + 0.3


@pytest.mark.parametrize(("shape", "taps", "pad", "stride"), GEOMETRIES)
def test_every_pair_and_equal_positions_as_written_out(
    shape: tuple[int, ...], taps: Any, pad: str, stride: int
) -> None:
    op, data = Conv(np.array(taps), 1.3, 0.4, pad, stride), images(2, shape)
    profile, of = op.over(shape)
    assert profile.sum() == pytest.approx(1.0, rel=1e-15)
    every, aligned = (op(given_array(data, aligned=one)) for one in (False, True))
    x = np.moveaxis(data, 1, -1).reshape(-1, 3)
    k, after = written_out(x @ x.T / 3.0, 2, shape, profile, pad, stride)
    k, t = (
        1.69 * k + 0.16,
        1.69 * written_out(np.kron(np.ones((2, 2)), np.eye(len(x) // 2)), 2, shape, profile, pad, stride)[0],
    )
    assert every.pairs.positions == aligned.pairs.positions == of.shape == after
    assert every.pairs.matrix(every.k.value) == pytest.approx(k, rel=1e-13, abs=1e-13)
    assert every.pairs.matrix(every.T.value) == pytest.approx(t, rel=1e-13, abs=1e-13)
    for y, kernel, tangents in ((every, k, t), (aligned, k, t)):
        at = y.pairs.first, y.pairs.second
        for mine, true in ((y.k, kernel[at]), (y.T, tangents[at]), (y.ntk, kernel[at])):
            assert (np.abs(mine.value - true) <= mine.error + 1e-15 * np.abs(true) + 1e-15).all()
        assert y.q.value == pytest.approx(np.diag(kernel), rel=1e-14)
        assert y.chi.value == pytest.approx(np.diag(tangents), rel=1e-14)
        assert not y.G.value[y.pairs.alike].any()


def test_the_neural_tangent_kernel_of_positions() -> None:
    """Theta' = Sigma' + sigma_w^2 sum_d v_d (K' Theta)(a + d, b + d), and that of weights over the fan-in."""
    op, data, profile = Conv(np.array([1.0, 2.0, 1.0]), 1.3, 0.4, "zero"), images(2, (5,)), np.array([0.25, 0.5, 0.25])
    first = op(given_array(data))
    hidden = phi("relu")(first)
    y = op(hidden)

    def over(k: np.ndarray, weights: np.ndarray = profile) -> Any:
        return written_out(k, 2, (5,), weights, "zero", 1)[0]

    def whole(x: Signal, name: str) -> Any:
        return x.pairs.matrix(getattr(x, name).value)

    slopes = whole(hidden, "T") / np.where(whole(first, "T") == 0.0, 1.0, whole(first, "T"))
    theta = whole(hidden, "ntk")
    expected = whole(y, "k") + 1.69 * over(theta)
    assert whole(y, "ntk") == pytest.approx(expected, rel=1e-13)
    same = whole(first, "T") != 0.0
    assert (theta / whole(first, "ntk"))[same] == pytest.approx(slopes[same], rel=1e-12)
    mean = np.full(3, 1.0 / 3.0)
    by_weights = over(whole(hidden, "k"), mean) + 1.69 * over(whole(hidden, "by_weights"))
    assert whole(y, "by_weights") == pytest.approx(by_weights, rel=1e-13)
    assert whole(y, "by_biases") == pytest.approx(1.0 + 1.69 * over(whole(hidden, "by_biases")), rel=1e-13)


def test_positions_that_are_all_alike_have_pairs_by_offset() -> None:
    """Circular padding of a covariance that is invariant under translation: a dense layer, offset by offset."""
    n, apart = 6, np.arange(6)
    c = 0.6 ** np.minimum(apart, n - apart)
    offsets = Input([1.4], 1.0 - c, Pairs.offsets(1, (n,)))
    pairs = Pairs.every(1, (n,))
    every = Input(np.full(n, 1.4), (1.0 - c)[(pairs.second - pairs.first) % n], pairs)
    deep = serial([Conv(np.array([1.0, 3.0, 2.0]), 1.5, 0.2), phi("erf"), Conv(uniform(3), 1.5, 0.2), phi("relu")])
    one, all_of = deep(offsets), deep(every)
    first = all_of.pairs.first == 0
    for name in ("G", "ntk", "T", "one_minus_c"):
        assert getattr(one, name).value == pytest.approx(getattr(all_of, name).value[first], rel=1e-12, abs=1e-15)
    assert one.pairs.alike.tolist() == [True] + [False] * 5


def test_a_dense_layer_where_nothing_is_known_of_positions() -> None:
    for pad in ("circular", "reflect", "replicate", "none"):
        conv, dense = (
            op(Input([1.0, 2.0], [0.5])) for op in (Conv(uniform(3), 1.3, 0.4, pad), network("dense(1.3, 0.4)").block())
        )
        assert (conv.q.value.tolist(), conv.G.value.tolist()) == (dense.q.value.tolist(), dense.G.value.tolist())


def test_a_black_border_has_no_variance() -> None:
    """Positions where the input is 0, without biases: exactly 0 behind the layer, and relu acts on them."""
    data = images(2, (6,))
    data[:, :, :3] = 0.0
    y = phi("relu")(Conv(uniform(3), 1.4, 0.0, "zero")(given_array(data)))
    k = y.pairs.matrix(y.k.value)
    assert not y.q.value[[0, 1, 6, 7]].any()
    assert np.abs(k[[0, 1]]).max() < 1e-14
    data = images(1, (4,))
    data[:, :, :2] = 0.0
    y = phi("sigmoid")(Conv(uniform(3), 1.4, 0.0, "zero")(given_array(data)))
    assert y.pairs.matrix(y.k.value)[0] == pytest.approx([0.25] * 4, rel=1e-12)


# --- random networks --------------------------------------------------------------------------------------------------

STACKS = {
    "zero padding, two dimensions, stride": (
        (4, 3),
        [Conv(uniform(3), 1.4, 0.3, "zero"), phi("relu"), Conv(uniform(2), 1.2, 0.1, "zero", 2), phi("relu")],
    ),
    "circular, one tap, reflecting": (
        (5,),
        [
            Conv(np.array([1.0, 2.0, 1.0]), 1.4),
            phi("relu"),
            Conv(np.array([0.0, 1.0, 0.0]), 1.3, 0.2),
            phi("abs(x)"),
            Conv(uniform(4), 1.1, 0.1, "reflect"),
        ],
    ),
}


@pytest.mark.parametrize("name", STACKS)
@pytest.mark.parametrize("matrices", [False, True])
def test_random_networks_agree_both_ways(name: str, matrices: bool) -> None:
    shape, ops = STACKS[name]
    width, networks, rng, op = (
        (60, 50, np.random.default_rng(5), serial(ops))
        if matrices
        else (300, 120, np.random.default_rng(6), serial(ops))
    )
    data = np.random.default_rng(1).standard_normal((2, width, *shape)) * (1.0 + np.arange(shape[-1]) / 3.0)
    y = op(given_array(data))
    x, outputs = np.moveaxis(data, 1, -1), y.pairs.places
    seen, back_seen = [], []
    for _ in range(networks):
        out, back = draw(op, (x,), rng, matrices)
        flat = out.reshape(-1, width)
        seen.append(flat @ flat.T / width)
        g = rng.standard_normal(out.shape[1:])
        (pulled,) = back(np.stack([g, g]))
        back_seen.append([(pulled[0] ** 2).sum() / width, (pulled[0] * pulled[1]).sum() / width])
    mean, error = np.mean(seen, axis=0), np.std(seen, axis=0) / networks**0.5
    assert (np.abs(mean - y.pairs.matrix(y.k.value)) < 4.0 * error + 4.0 / width * np.diag(mean).max()).all()
    products = y.pairs.matrix(y.T.value)
    true = np.array([y.chi.value[:outputs].sum(), products[:outputs, outputs:].trace()])
    found, spread = np.mean(back_seen, axis=0), np.std(back_seen, axis=0) / networks**0.5
    assert (np.abs(found - true) < 4.0 * spread + 4.0 / width * true).all()


def test_the_way_back_is_the_transpose_of_the_derivative() -> None:
    op, rng, step = serial(STACKS["zero padding, two dimensions, stride"][1]), np.random.default_rng(2), 1e-5
    x, t = rng.standard_normal((2, 2, 4, 3, 20))
    up, down, (y, back) = (draw(op, (at,), np.random.default_rng(7), True) for at in (x + step * t, x - step * t, x))
    g = rng.standard_normal(y.shape)
    pushed = (up[0] - down[0]) / (2.0 * step)
    assert (g * pushed).sum() == pytest.approx((back(g)[0] * t).sum(), rel=1e-7)


# --- refused ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: uniform(0), "kernel must be a whole number of taps from 1"),
        (lambda: uniform(2.5), "kernel must be a whole number"),
        (lambda: Conv(np.array([0.0, 0.0]), 1.0), "not all of them 0"),
        (lambda: Conv(np.array([1.0, -1.0]), 1.0), "variances >= 0"),
        (lambda: Conv(uniform(3), -1.0), "sigma_w must be"),
        (lambda: Conv(uniform(3), 1.0, pad="zeros"), "did you mean 'zero'"),
        (lambda: Conv(uniform(3), 1.0, stride=0), "stride must be a whole number"),
        (lambda: Conv(uniform(9), 1.0)(given_array(images(1, (8,)))), "larger than the input"),
        (lambda: Conv(uniform(20), 1.0, pad="zero")(given_array(images(1, (8,)))), "at most 17"),
        (lambda: Conv(uniform(3), 1.0, stride=9)(given_array(images(1, (8,)))), "stride 9 is larger"),
        (lambda: Conv(np.ones((3, 3)), 1.0)(given_array(images(1, (8,)))), r"\(3, 3\) does not go with"),
        (lambda: Pairs.every(10, (1000, 1000)), "GB"),
    ],
)
def test_what_makes_no_sense(make: Any, words: str) -> None:
    with pytest.raises(EocError, match=words):
        make()


def test_edges_need_positions() -> None:
    free = network("tanh, conv(3, pad='zero')")
    for made in (lambda: free.block(1.2)(Input([1.0])), lambda: free.unsolved(np.ones(1))):
        with pytest.raises(UnsupportedError, match="item 2, conv: near the edges"):
            made()
    with pytest.raises(UnsupportedError, match="near the edges"):
        Conv(uniform(3), 1.0, pad="zero")(Input([1.0]))
    with pytest.raises(UnsupportedError, match="near the edges"):
        Conv(uniform(3), 1.0, pad="reflect")(Input([1.0], np.zeros(4), Pairs.offsets(1, (4,))))
    with pytest.raises(UnsupportedError, match="no multiple of the stride 3"):
        Conv(uniform(3), 1.0, stride=3)(Input([1.0], np.zeros(4), Pairs.offsets(1, (4,))))
