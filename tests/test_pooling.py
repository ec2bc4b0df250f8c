"""Means over windows, flattening: against matrices written out, and random networks; their text."""

from __future__ import annotations

import numpy as np
import pytest

from eoc.errors import EocError, UnsupportedError
from eoc.layers import Input, Pairs, Signal, network
from eoc.layers.given import given_array
from eoc.montecarlo.sampling.ops import draw


def images(inputs: int, shape: tuple[int, ...], channels: int = 3) -> np.ndarray:
    return np.random.default_rng(4).standard_normal((inputs, channels, *shape)) * (1.0 + np.arange(shape[-1]) / 3.0)


def behind(text: str, data: np.ndarray, *, aligned: bool = False) -> Signal:
    return network(text).block()(given_array(data, aligned=aligned))


def pooled(values: np.ndarray, size: int, stride: int) -> np.ndarray:
    """Means of (..., H, W) over windows."""
    windows = np.lib.stride_tricks.sliding_window_view(values, (size, size), axis=(-2, -1))
    return windows[..., ::stride, ::stride, :, :].mean(axis=(-2, -1))


@pytest.mark.parametrize(
    ("text", "size", "stride", "pad"),
    [("avgpool(2)", 2, 2, 0), ("avgpool(3, stride=1)", 3, 1, 0), ("avgpool(3, 2, pad='zero')", 3, 2, 1)],
)
def test_means_of_data_are_those_of_their_windows(text: str, size: int, stride: int, pad: int) -> None:
    """Whatever the law of what comes in: second moments of means are those of the means themselves."""
    data = images(2, (4, 5))
    rows = pooled(np.pad(data, [(0, 0), (0, 0), (pad, pad), (pad, pad)]), size, stride)
    y = behind(text, data)
    assert y.pairs.positions == rows.shape[2:]
    units = np.moveaxis(rows, 1, -1).reshape(-1, 3)
    assert y.pairs.matrix(y.k.value) == pytest.approx(units @ units.T / 3.0, rel=1e-12, abs=1e-13)
    assert y.m.value == pytest.approx(units.mean(axis=1), rel=1e-12, abs=1e-13)


def test_the_mean_over_all_positions_and_their_units_side_by_side() -> None:
    data = images(3, (2, 4))
    k = behind("scale(1)", data)
    blocks = k.pairs.matrix(k.k.value).reshape(3, 8, 3, 8)
    average, flat = behind("avgpool", data), behind("flatten", data)
    assert average.pairs.matrix(average.k.value) == pytest.approx(blocks.mean(axis=(1, 3)), rel=1e-12)
    assert flat.pairs.matrix(flat.k.value) == pytest.approx(np.einsum("aibi->ab", blocks) / 8.0, rel=1e-12)
    assert average.chi.value == pytest.approx([1.0 / 8.0] * 3)
    assert flat.chi.value.tolist() == [1.0] * 3
    assert average.pairs.positions == flat.pairs.positions == ()


def test_flattened_equal_positions_are_enough() -> None:
    """A network that ends flattened needs only pairs of equal positions; with a mean before it needs all."""
    data, text = images(3, (2, 4)), "conv(3, 1.4, 0.1, pad='zero'), relu, conv(2, 1.2), relu, flatten, dense(1.3, 0.2)"
    every, aligned = (behind(text, data, aligned=one) for one in (False, True))
    for name in ("q", "G", "T", "ntk", "chi", "by_weights"):
        assert getattr(aligned, name).value == pytest.approx(getattr(every, name).value, rel=1e-12, abs=1e-15)
    with pytest.raises(UnsupportedError, match="item 2, avgpool: it mixes positions"):
        behind("conv(2, 1), avgpool(2)", data, aligned=True)


def test_flattening_positions_that_are_alike() -> None:
    pairs = Pairs.offsets(2, (3,))
    e = np.array([0.0, 0.3, 0.3, 0.5, 0.6, 0.7, 0.0, 0.2, 0.2])
    y = network("conv(3, 1.4), flatten, dense(1)").block()(Input([1.0, 1.0], e, pairs))
    assert y.q.value == pytest.approx([1.96, 1.96])
    assert y.k.value == pytest.approx([1.96, 0.98, 1.96])


def test_pooling_agrees_with_random_networks() -> None:
    text = "conv(3, 1.4, 0.2, pad='zero'), relu, avgpool(2), conv(2, 1.2, pad='zero'), relu, flatten, dense(1.1, 0.1)"
    width, networks, rng = 250, 100, np.random.default_rng(6)
    data, seen, back_seen = images(2, (4, 4), width), [], []
    y, op = behind(text, data), network(text).block()
    for _ in range(networks):
        out, back = draw(op, (np.moveaxis(data, 1, -1),), rng, False)
        seen.append(out @ out.T / out.shape[1])
        g = rng.standard_normal(out.shape[1])
        (pulled,) = back(np.stack([g, g]))
        back_seen.append([(pulled[0] ** 2).sum(), (pulled[0] * pulled[1]).sum()])
    mean, error = np.mean(seen, axis=0), np.std(seen, axis=0) / networks**0.5
    assert (np.abs(mean - y.pairs.matrix(y.k.value)) < 4.0 * error + 4.0 / width * mean.max()).all()
    true = np.array([y.chi.value[0], y.pairs.matrix(y.T.value)[0, 1]]) * out.shape[1]
    found, spread = np.mean(back_seen, axis=0), np.std(back_seen, axis=0) / networks**0.5
    assert (np.abs(found - true) < 4.0 * spread + 4.0 / width * true).all()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("conv(3, 1.4, pad='zeros')", "column 18: pad is one of 'circular', .* did you mean 'zero'"),
        ("conv(3, 1.4, pad=zero)", "in quotes; did you mean 'zero'"),
        ("conv()", "column 1: conv needs kernel"),
        ("conv(3, sigma_b=1)", "conv needs sigma_w"),
        ("conv(3, 1, profile=(1, 2))", "profile has 2 numbers, but the kernel has 3 taps"),
        ("conv(3, 1, profile=2)", "column 20: profile is a list of numbers"),
        ("conv(3, 1, profile=(1, -1, 1))", "variances >= 0"),
        ("conv(2.5, 1)", "kernel must be a whole number"),
        ("conv(3, 1, stride=1.5)", "stride must be a whole number"),
        ("conv(3, 1, taps=2)", "taps is no number of conv; it has kernel, sigma_w, sigma_b, stride, pad, profile"),
        ("avgpool(0)", "size of a window must be a whole number"),
        ("avgpool(2, pad='reflect')", "pad is one of 'none', 'zero', 'circular'"),
        ("avgpool(stride=2)", "avgpool needs size"),
        ("conv(9, 1)", "item 1, conv: .*larger than the input"),
        ("avgpool(9)", "item 1, avgpool: .*larger than the input"),
        ("sum(conv(3, 1), avgpool(2))", "different positions"),
    ],
)
def test_what_is_written_wrongly(text: str, words: str) -> None:
    with pytest.raises(EocError, match=words):
        behind(text, images(1, (4, 4))).q  # noqa: B018


def test_positions_have_to_be_given() -> None:
    for text in ("avgpool", "avgpool(2)"):
        with pytest.raises(UnsupportedError, match="nothing is known of positions"):
            network(text).block()(Input([1.0]))


def test_a_convolution_without_sigma_w_is_free() -> None:
    data, found = images(1, (4, 4)), network("relu, conv(3, profile=(1, 2, 1), pad='zero')")
    assert found.is_free
    assert found.free_is_last
    conv = behind("conv(3, 1.4, 0.3, profile=(1, 2, 1), pad='zero')", data)
    free = network("conv(3, profile=(1, 2, 1), pad='zero')").block(1.4, 0.3)(given_array(data))
    assert conv.G.value.tolist() == free.G.value.tolist()
