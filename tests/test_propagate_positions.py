"""Images and sequences followed through networks: data, covariances, those by offset; what is said and refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import eoc
from eoc.errors import EocError, UnsupportedError
from eoc.layers import network
from eoc.layers.given import given_array
from eoc.montecarlo.sampling.ops import draw
from eoc.propagation import propagate_positions

TEXT = "conv(3, 1.4, 0.1, pad='zero'), repeat(2, relu, conv(3, 1.3, 0.2)), relu, avgpool(2), flatten, dense(1.2)"


def images(inputs: int = 2, shape: tuple[int, ...] = (4, 4)) -> np.ndarray:
    return np.random.default_rng(3).standard_normal((inputs, 3, *shape)) + 0.2


def test_layer_by_layer_as_at_once() -> None:
    run, alone = (propagate_positions(TEXT, images(), kernels=kernels) for kernels in (True, False))
    once = network(TEXT).block()(given_array(images()))
    assert run.covariance == pytest.approx(once.pairs.matrix(once.k.value), rel=1e-12)
    assert run.ntk == pytest.approx(once.pairs.matrix(once.ntk.value), rel=1e-12)
    assert run.one_minus_c == pytest.approx(once.pairs.matrix(once.one_minus_c.value), rel=1e-10, abs=1e-15)
    assert run.steps[-1].chi == pytest.approx(once.chi.value, rel=1e-12)
    assert [step.chi.tolist() for step in alone.steps] == [step.chi.tolist() for step in run.steps]
    assert (run.covariance_error < 1e-11).all()
    assert (run.ntk_error < 1e-11).all()
    places = [step.place for step in run.steps]
    assert places[:4] == [
        "input",
        "item 1, conv",
        "item 2, repeat, block 1, item 1, relu",
        "item 2, repeat, block 1, item 2, conv",
    ]
    assert [step.q.shape for step in run.steps[-4:]] == [(2, 4, 4), (2, 2, 2), (2,), (2,)]


def test_a_residual_network_with_zero_padding_agrees_with_random_ones() -> None:
    block = "residual(relu, conv(3, 1, pad='zero'), relu, conv(3, 1, pad='zero'))"
    down = "relu, conv(3, 1.4, 0.1, pad='zero', stride=2)"
    text = f"conv(3, 1.4, pad='zero'), {block}, {down}, {block}, relu, avgpool, dense(1.2)"
    width, networks, rng = 150, 50, np.random.default_rng(4)
    data = rng.standard_normal((1, width, 4, 4)) * (1.0 + np.arange(4) / 3.0)
    run, op, seen = propagate_positions(text, data), network(text).block(), []
    for _ in range(networks):
        out, back = draw(op, (np.moveaxis(data, 1, -1),), rng, False)
        (pulled,) = back(rng.standard_normal(out.shape))
        seen.append([(out * out).mean(), (pulled * pulled).sum() / out.size])
    true = np.array([run.q[0], run.steps[-1].chi[0]])
    mean, error = np.mean(seen, axis=0), np.std(seen, axis=0) / networks**0.5
    assert (np.abs(mean - true) < 4.0 * error + 4.0 / width * true).all()


def test_equal_positions_alone() -> None:
    text = "conv(3, 1.4, 0.1, pad='zero'), relu, conv(3, 1.2, stride=2), relu"
    every, aligned = (propagate_positions(text, images(), pairs=one, kernels=True) for one in ("every", "aligned"))  # type: ignore[arg-type]
    for name in ("covariance", "one_minus_c", "ntk"):
        of_equal = np.einsum("aijbij->abij", getattr(every, name))
        assert getattr(aligned, name) == pytest.approx(of_equal, rel=1e-12, abs=1e-14)
    alone = propagate_positions(f"{text}, flatten, dense(1.1)", images(), pairs="aligned")
    assert alone.covariance == pytest.approx(1.21 * of_equal_mean(every.covariance), rel=1e-12)


def of_equal_mean(k: np.ndarray) -> Any:
    return np.einsum("aijbij->ab", k) / (k.shape[1] * k.shape[2])


def test_blocks_again_and_again() -> None:
    """depth, and sigma_w and sigma_b of what is free."""
    free = propagate_positions("conv(3, pad='zero'), relu", images(), depth=3, sigma_w=1.4, sigma_b=0.2)
    text = "repeat(3, conv(3, 1.4, 0.2, pad='zero'), relu)"
    assert free.q.tolist() == propagate_positions(text, images()).q.tolist()
    assert free.steps[-1].place == "block 3, item 2, relu"


def test_covariances_as_given() -> None:
    """Of Gaussian inputs, which an activation can act on at once; by offset where these are alike."""
    n, rho = 6, 0.7
    apart = np.minimum(np.arange(n), n - np.arange(n))
    by_offset = np.stack([[1.5 * rho**apart, 0.4 * rho**apart], [0.4 * rho**apart, 0.9 * rho**apart]])
    whole = np.stack([np.roll(by_offset, i, axis=2) for i in range(n)], axis=1)  # (a, i, b, j)
    text = "tanh, conv(3, 1.4, 0.1, profile=(1, 2, 0)), relu, conv(3, 1.2)"
    every = propagate_positions(text, covariance=whole, kernels=True)
    offsets = propagate_positions(text, offsets=by_offset, kernels=True)
    for name in ("covariance", "ntk", "one_minus_c"):
        assert getattr(offsets, name) == pytest.approx(getattr(every, name)[:, 0], rel=1e-10, abs=1e-12)
    assert offsets.q == pytest.approx(every.q[:, 0], rel=1e-13)


@pytest.mark.parametrize(
    "text",
    [
        "conv(3, 1.4, 0.1, stride=2), relu, conv(2, 1.2)",
        "conv(3, 1.4), relu, avgpool(2), conv(2, 1.2), relu, avgpool",
        "conv(3, 1.4), relu, avgpool(3, 2, pad='circular')",
        "conv(3, 1.4), relu, flatten, dense(1.1)",
    ],
)
def test_strides_and_means_round_a_circle(text: str) -> None:
    """Of two inputs on 4 x 6 positions, one of them shifted: by offset, and by every pair."""
    i, j = np.indices((4, 6))
    own = 1.4 * 0.6 ** (np.minimum(i, 4 - i) + np.minimum(j, 6 - j))
    across = 0.4 * np.roll(own, (1, 2), axis=(0, 1))
    back = np.roll(np.flip(across, (0, 1)), 1, (0, 1))
    by_offset = np.array([[own, across], [back, 0.9 * own]])
    rolled = [[np.roll(by_offset, (down, right), axis=(2, 3)) for right in range(6)] for down in range(4)]
    whole = np.moveaxis(np.array(rolled), (0, 1, 2), (1, 2, 0))  # (a, i, j, b, k, l)
    every = propagate_positions(text, covariance=whole, kernels=True)
    offsets = propagate_positions(text, offsets=by_offset, kernels=True)
    for name in ("covariance", "ntk", "one_minus_c"):
        true = getattr(every, name)
        true = true if true.ndim == 2 else true[:, 0, 0]
        assert getattr(offsets, name) == pytest.approx(true, rel=1e-9, abs=1e-12)
    assert offsets.steps[-1].chi == pytest.approx(every.steps[-1].chi.reshape(2, -1)[:, 0], rel=1e-12)


def test_covariances_by_an_offset_that_is_not_even() -> None:
    """Of two inputs one may be shifted: E[x_a(i) x_b(i + d)] is not that of -d."""
    own = np.array([1.0, 0.2, 0.1, 0.2])
    across = 0.5 * np.roll(own, 1)
    run = propagate_positions("conv(1, 1)", offsets=np.array([[own, across], [np.roll(across[::-1], 1), own]]))
    assert run.covariance[0, 1] == pytest.approx(across, rel=1e-14)
    assert run.covariance[1, 0] == pytest.approx(np.roll(across[::-1], 1), rel=1e-14)


def test_signals_behind_a_jump_whose_gradients_are_infinite() -> None:
    run = propagate_positions("conv(3, 1.2, 0.1), sign, conv(3, 1), avgpool", images(1, (3,)))
    assert np.isfinite(run.covariance).all()
    assert np.isinf(run.steps[-1].chi).all()


def test_progress_is_told() -> None:
    told: list[tuple[float, float]] = []
    propagate_positions("repeat(3, conv(3, 1))", images(), progress=lambda done, whole: told.append((done, whole)))
    assert told == [(0.0, 3.0), (1.0, 3.0), (2.0, 3.0)]


def test_a_name_of_the_package() -> None:
    run = eoc.propagate_positions("conv(3, 1.4), relu, avgpool, dense(1)", images())
    assert isinstance(run, eoc.PositionTrajectory)
    assert run.network == "conv(3, 1.4), relu, avgpool, dense(1)"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "in one way"),
        ({"x": images(), "offsets": [[[1.0]]]}, "in one way"),
        ({"x": np.ones((2, 3))}, r"\(inputs, channels, ...positions\), got shape \(2, 3\)"),
        ({"x": np.full((1, 1, 3), np.nan)}, "finite"),
        ({"x": np.empty((0, 3, 4))}, "finite numbers, got none"),
        ({"x": images(), "pairs": "some"}, "'every' or 'aligned'"),
        ({"x": images(), "depth": 0}, "whole number"),
        ({"x": images(), "sigma_w": 1.0}, "no dense or conv without sigma_w"),
        ({"covariance": np.ones((2, 3, 2))}, "twice"),
        ({"covariance": -np.ones((1, 3, 1, 3))}, "> 0"),
        ({"offsets": np.ones((2, 1, 3))}, r"\(inputs, inputs, ...positions\)"),
        ({"offsets": [[[1.0, 2.0, 1.0]]]}, "covariance"),
        ({"offsets": [[[1.0, -0.9, -0.9]]]}, "Fourier transform"),
        ({"offsets": [[[0.0, 0.0]]]}, "> 0"),
        ({"offsets": [[[1.0, 0.5]]], "pairs": "aligned"}, "leave out pairs"),
    ],
)
def test_inputs_that_make_no_sense(given: dict[str, Any], words: str) -> None:
    with pytest.raises(EocError, match=words):
        propagate_positions("conv(1, 1), relu", **given)


def test_places_are_named() -> None:
    with pytest.raises(UnsupportedError, match=r"item 1, relu: .*neither Gaussian"):
        propagate_positions("relu, conv(3, 1)", images())
    with pytest.raises(UnsupportedError, match=r"block 3, item 1, conv: the kernel \(3, 3\) is larger"):
        propagate_positions("conv(3, 1, stride=2), relu", images(1, (8, 8)), depth=3)
