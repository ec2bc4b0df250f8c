"""Cooling the last layer of PyTorch models."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import eoc.diagnose
from eoc.calibration import cool, expected_loss
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


def test_a_hot_head_is_seen_before_training() -> None:
    """The loss at the start: as measured, as expected of the variance of the last layer, and log k."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(100, 400), nn.ReLU(), nn.Linear(400, 400), nn.ReLU(), nn.Linear(400, 10))
    for layer in model[::2]:
        nn.init.normal_(layer.weight, std=(2.0 / layer.in_features) ** 0.5)
        nn.init.zeros_(layer.bias)
    x = torch.randn(200, 100)
    found = eoc.diagnose.torch(model, x)
    assert found.start is not None
    labels = torch.randint(0, 10, (200, 50))
    losses = [nn.functional.cross_entropy(model(x), labels[:, i]).item() for i in range(50)]
    assert found.start.seen == pytest.approx(sum(losses) / 50, rel=0.03)
    assert found.start.expected == pytest.approx(expected_loss(2.0, 10).value, rel=0.05)
    assert found.start.seen == pytest.approx(found.start.expected, rel=0.15)
    assert any(word.startswith("Outputs are large for logits: of 10 classes") for word in found.words)
    cool(model, 10.0)
    assert not any("logits" in word for word in eoc.diagnose.torch(model, x).words)
    assert eoc.diagnose.torch(nn.Sequential(nn.Linear(100, 1)), x).start is None


def test_what_is_refused() -> None:
    with pytest.raises(EocError, match="does not end in a layer, but in 1"):
        cool(nn.Sequential(nn.Linear(3, 4), nn.ReLU()), 2.0)
    shared = nn.Linear(3, 3)
    with pytest.raises(EocError, match="is used elsewhere"):
        cool(nn.Sequential(shared, nn.ReLU(), shared), 2.0)
