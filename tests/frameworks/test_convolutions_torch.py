"""Positions that the taps of convolutions and windows of pooling see: those of PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

from eoc.layers.pooling import AveragePool, Window
from eoc.layers.taps import taps

torch = pytest.importorskip("torch")

NAMES = {"zero": "zeros", "circular": "circular", "reflect": "reflect", "replicate": "replicate"}


@pytest.mark.parametrize("pad", [*NAMES, "none"])
@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (3, 2), (5, 1), (1, 2), (5, 3)])
def test_taps_see_what_those_of_pytorch_see(pad: str, kernel: int, stride: int) -> None:
    """A weight of 1 at one tap alone hands on the numbers of the positions that it sees."""
    shape = (6, 7)
    of = taps(shape, (kernel, kernel), pad, stride)
    padding = 0 if pad == "none" else (kernel - 1) // 2
    conv = torch.nn.Conv2d(1, 1, kernel, stride, padding, padding_mode=NAMES.get(pad, "zeros"), bias=False)
    places = torch.arange(1.0, 43.0).reshape(1, 1, *shape)
    for tap in range(kernel**2):
        with torch.no_grad():
            conv.weight.zero_()
            conv.weight.view(-1)[tap] = 1.0
            seen = conv(places)[0, 0].numpy()
        assert seen.shape == of.shape
        mine = np.append(np.arange(1.0, 43.0), 0.0)[of.seen[:, tap]]
        assert mine.tolist() == seen.ravel().tolist()


@pytest.mark.parametrize(("size", "stride", "pad"), [(2, 2, "none"), (3, 1, "none"), (3, 2, "zero")])
def test_means_over_windows_are_those_of_pytorch(size: int, stride: int, pad: str) -> None:
    x = np.random.default_rng(0).standard_normal((1, 4, 5))
    pool = torch.nn.AvgPool2d(size, stride, padding=1 if pad == "zero" else 0)
    mix = AveragePool(Window(size, stride, pad)).mix((4, 5))
    theirs = pool(torch.tensor(x)).numpy()[0]
    assert (mix.weights @ x.ravel()).reshape(mix.shape) == pytest.approx(theirs, rel=1e-12)
