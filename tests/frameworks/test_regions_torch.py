"""PyTorch models as piecewise linear networks: what is read computes the same numbers, or is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from eoc.errors import EocError
from eoc.regions import along, linear_terms, piecewise_linear


class Residual(nn.Module):
    """Convolutions with groups and strides, batch normalisation, a learned slope, functions instead of modules."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm = nn.Conv2d(1, 4, 3, padding=1, stride=2), nn.BatchNorm2d(4)
        self.second, self.slope = nn.Conv2d(4, 4, 3, padding="same", groups=2, bias=False), nn.PReLU()
        self.last = nn.Linear(8, 10)
        with torch.no_grad():
            self.norm.running_mean.normal_()
            self.norm.weight.normal_()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu(self.norm(self.first(x)))
        y = F.max_pool2d(x + self.slope(self.second(x)), 2)
        z = torch.cat([y, 0.5 * y + 1], 1).mean((2, 3))
        return self.last(F.dropout(F.hardtanh(z), 0.1, self.training)).view(z.size(0), -1)


def pooled() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1, dilation=2),
        nn.ReLU(),
        nn.MaxPool2d(3, 2, 1, ceil_mode=True),
        nn.ZeroPad2d(1),
        nn.AvgPool2d(2, padding=1),
        nn.LeakyReLU(0.1),
        nn.AdaptiveMaxPool2d(3),
        nn.PixelShuffle(2),
        nn.Flatten(),
        nn.Linear(72, 5),
        nn.Hardtanh(),
        nn.Linear(5, 2),
    )


def lines() -> nn.Module:
    return nn.Sequential(
        nn.Conv1d(2, 3, 4, stride=2, padding=3), nn.BatchNorm1d(3), nn.ReLU6(), nn.AvgPool1d(2, 1), nn.Linear(5, 4)
    )


def by_channel() -> nn.Module:
    model = nn.Sequential(
        nn.Conv1d(1, 3, 2), nn.PReLU(3), nn.Conv1d(3, 4, 2), nn.ReLU(), nn.Flatten(), nn.Linear(16, 3)
    )
    with torch.no_grad():
        model[1].weight.copy_(torch.tensor([0.1, 0.9, -0.3]))
    return model


@pytest.mark.parametrize(
    ("build", "shape"), [(Residual, (1, 8, 8)), (pooled, (3, 16, 16)), (lines, (2, 9)), (by_channel, (1, 6))]
)
def test_the_network_that_is_read_is_the_model(build: Any, shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    model = build()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    net = piecewise_linear(model, np.zeros(shape))
    x = torch.randn(50, *shape)
    model.eval()
    with torch.no_grad():
        true = model(x).reshape(50, -1).numpy()
    np.testing.assert_allclose(net(x.numpy()), true, atol=2e-5 * np.abs(true).max())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    a, b = x[:2].double().numpy()
    found = along(model, a, b)
    t, y = found.outputs()
    inside = np.linspace(0.0, 1.0, 301)
    own = np.stack([np.interp(inside, t, column) for column in y.T], axis=1)
    np.testing.assert_allclose(net(a + inside.reshape(-1, *[1] * a.ndim) * (b - a)), own, atol=1e-11)
    assert found.regions > 5


@pytest.mark.parametrize(
    ("build", "shape"), [(Residual, (1, 8, 8)), (pooled, (3, 16, 16)), (lines, (2, 9)), (by_channel, (1, 6))]
)
def test_linear_terms_are_the_gradients_of_the_largest_logits(build: Any, shape: tuple[int, ...]) -> None:
    torch.manual_seed(1)
    model = build().double().eval()
    x = torch.randn(20, *shape, dtype=torch.double, requires_grad=True)
    logits = model(x).reshape(20, -1)
    largest, label = logits.max(dim=1)
    (gradient,) = torch.autograd.grad(largest.sum(), x)
    found = linear_terms(model, x.detach().numpy())
    assert found.label.tolist() == label.tolist()
    np.testing.assert_allclose(found.linear.coefficients, gradient.reshape(20, -1).numpy(), atol=1e-11)
    values = np.diagonal(found.linear(x.detach().numpy().reshape(20, -1)))
    np.testing.assert_allclose(values, largest.detach().numpy(), atol=1e-11)
    assert found.distinct() >= 15


class Turned(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(x.transpose(1, 2).flatten(1))


@pytest.mark.parametrize(
    ("model", "shape", "message"),
    [
        (nn.Sequential(nn.Linear(3, 3), nn.GELU()), (3,), "1: gelu is not made of straight lines"),
        (nn.Sequential(nn.LayerNorm(3)), (3,), "0 normalises each input by itself"),
        (nn.LSTM(3, 3), (4, 3), "lstm .* is not piecewise linear"),
        (Turned(), (3, 4), "computes other numbers than the model"),
        (pooled(), (5,), "cannot be run on the example inputs"),
        (nn.BatchNorm1d(3, track_running_stats=False), (3,), "normalises|cannot be run"),
    ],
)
def test_what_is_refused(model: nn.Module, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(EocError, match=message):
        piecewise_linear(model, np.zeros(shape))
