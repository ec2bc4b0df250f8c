"""Cooling the last layer of PyTorch models."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from eoc.calibration import cool
from eoc.errors import EocError


class Head(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body, self.head = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten()), nn.Linear(64, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(x))


@pytest.mark.parametrize("normed", [False, True])
def test_the_last_layer_is_cooled_and_classification_stays(normed: bool) -> None:
    torch.manual_seed(0)
    model = Head()
    if normed:
        model.head = nn.utils.parametrizations.weight_norm(model.head)
    x = torch.randn(20, 1, 6, 6)
    labels = torch.randint(0, 5, (20,))
    before = model(x)
    nn.functional.cross_entropy(before, labels).backward()
    names = cool(model, 4.0)
    after = model(x)
    torch.testing.assert_close(after, before / 4.0)
    assert "head.bias" in names
    # at the same error of the softmax, gradients of earlier layers are a quarter
    error = torch.randn_like(after)
    (cold,) = torch.autograd.grad(after, model.body[0].weight, error)
    cool(model, 0.25)
    (warm,) = torch.autograd.grad(model(x), model.body[0].weight, error)
    torch.testing.assert_close(cold, warm / 4.0)


def test_what_is_refused() -> None:
    with pytest.raises(EocError, match="does not end in a layer, but in 1"):
        cool(nn.Sequential(nn.Linear(3, 4), nn.ReLU()), 2.0)
    shared = nn.Linear(3, 3)
    with pytest.raises(EocError, match="is used elsewhere"):
        cool(nn.Sequential(shared, nn.ReLU(), shared), 2.0)
