"""What is brought together: positions by pooling, units by normalisations."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from eoc.models.steps import Kind
from eoc.models.torch.read import read
from tests.frameworks.reading import Calls, seeded, steps_of

IMAGES = seeded(2, 3, 16, 16)


def only(steps, kind):
    found = [step for step in steps if step.kind is kind]
    assert len(found) == 1, [(str(step.kind), step.note) for step in steps]
    return found[0]


# --- pooling ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pool", "terms", "largest"),
    [
        (nn.MaxPool2d(2), 4, True),
        (nn.AvgPool2d((2, 3)), 6, False),
        (nn.AdaptiveAvgPool2d(1), 256, False),
        (nn.AdaptiveAvgPool2d((4, None)), 4, False),
        (nn.AdaptiveMaxPool2d(2), 64, True),
        (lambda x: F.max_pool2d(x, 3, 2), 9, True),
        (lambda x: F.avg_pool2d(x, kernel_size=(1, 2)), 2, False),
        (lambda x: F.adaptive_avg_pool2d(x, 1), 256, False),
        (lambda x: x.mean((2, 3)), 256, False),
        (lambda x: x.mean(dim=[-2, -1], keepdim=True), 256, False),
        (lambda x: x.amax((-1, -2)), 256, True),
        (lambda x: x.flatten(2).mean(-1), 256, False),
        (lambda x: x.flatten(2).transpose(1, 2).mean(1), 256, False),
        (lambda x: x.permute(0, 2, 3, 1).mean((1, 2)), 256, False),
        (lambda x: x.flatten(2).max(-1)[0], 256, True),
        (lambda x: x.flatten(2).max(dim=-1).values, 256, True),
        (lambda x: torch.relu(x).mean((2, 3)), 256, False),
    ],
)
def test_pooling_counts_its_positions(pool, terms, largest):
    model = Calls(lambda self, x: pool(self.layer(x)), layer=nn.Conv2d(3, 4, 1))
    step = only(steps_of(model, IMAGES), Kind.POOL)
    assert (step.terms, step.largest) == (terms, largest)


@pytest.mark.parametrize(
    "pool",
    [
        lambda x: x.amin((2, 3)),
        lambda x: x.flatten(2).min(-1)[0],
        lambda x: F.lp_pool2d(x, 2, 2),
        nn.LPPool2d(2, 2),
    ],
)
def test_smallest_values_and_other_means_are_not_taken_for_largest_ones(pool):
    model = Calls(lambda self, x: pool(self.layer(x)), layer=nn.Conv2d(3, 4, 1))
    assert all(step.kind is not Kind.POOL for step in steps_of(model, IMAGES))


def test_sums_over_positions_are_means_times_their_number():
    steps = steps_of(Calls(lambda self, x: self.layer(x).sum(1), layer=nn.Linear(3, 4)), seeded(2, 7, 3))
    assert only(steps, Kind.POOL).terms == 7
    assert only(steps, Kind.SCALE).slope == 7.0


@pytest.mark.parametrize(
    ("reduce", "layer", "x"),
    [
        (lambda x: x.mean(-1), nn.Linear(3, 4), seeded(2, 7, 3)),
        (lambda x: x.mean(1), nn.Conv2d(3, 4, 1), IMAGES),
        (lambda x: x.flatten(1).sum(1), nn.Conv2d(3, 4, 1), IMAGES),
        (lambda x: x.amax(-1), nn.Linear(3, 4), seeded(2, 3)),
        (lambda x: x.mean(), nn.Linear(3, 4), seeded(2, 3)),
    ],
)
def test_means_over_features_are_no_pooling(reduce, layer, x):
    model = Calls(lambda self, x: reduce(self.layer(x)), layer=layer)
    step = only(steps_of(model, x), Kind.UNKNOWN)
    assert "over features" in step.note


def test_without_shapes_windows_are_known_and_global_pooling_is_not():
    windows = nn.Sequential(nn.Conv2d(3, 4, 1), nn.MaxPool2d(2), nn.AvgPool2d(3), nn.AdaptiveAvgPool2d(1))
    found = [(step.terms, step.largest) for step in read(windows).steps if step.kind is Kind.POOL]
    assert found == [(4, True), (9, False), (None, False)]
    tokens = Calls(lambda self, x: self.layer(x).mean(1), layer=nn.Linear(3, 4))
    assert only(read(tokens).steps, Kind.POOL).terms is None
    features = Calls(lambda self, x: self.layer(x).mean(-1), layer=nn.Linear(3, 4))
    assert only(read(features).steps, Kind.UNKNOWN).note == "the mean over features"


# --- normalisations ---------------------------------------------------------------------------------------------------


class RootMeanSquare(nn.Module):
    def __init__(self, width, around=0.0):
        super().__init__()
        self.weight, self.around = nn.Parameter(torch.ones(width) - around), around

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * (self.around + self.weight)


def by_hand(x):
    x = x - x.mean(-1, keepdim=True)
    return x / (x.var(-1, keepdim=True, unbiased=False) + 1e-5).sqrt()


@pytest.mark.parametrize(
    ("norm", "centred"),
    [
        (nn.LayerNorm(16), True),
        (nn.RMSNorm(16), False),
        (nn.GroupNorm(4, 16), True),
        (nn.BatchNorm1d(16), True),
        (RootMeanSquare(16), False),
        (RootMeanSquare(16, around=1.0), False),
        (lambda x: F.layer_norm(x, (16,)), True),
        (lambda x: F.rms_norm(x, (16,)), False),
        (by_hand, True),
        (lambda x: x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6), False),
        (lambda x: x / (x.norm(dim=-1, keepdim=True) / 4.0), False),
        (lambda x: x / x.pow(2).sum(-1, keepdim=True).div(16).sqrt(), False),
    ],
)
def test_normalisations_say_whether_they_take_away_the_mean(norm, centred):
    own = norm if isinstance(norm, nn.Module) else Calls(lambda self, x: norm(x), _=nn.Identity())
    model = Calls(lambda self, x: torch.tanh(self.norm(self.layer(x))), layer=nn.Linear(3, 16), norm=own)
    for steps in (read(model).steps, steps_of(model, seeded(8, 3))):
        step = only(steps, Kind.NORM)
        assert step.centred is centred
        scales = [step.slope for step in steps if step.kind is Kind.SCALE]
        assert math.prod(scales) == pytest.approx(1.0)
        assert not [step.note for step in steps if step.kind is Kind.UNKNOWN]


def test_vectors_of_length_one_have_small_entries():
    steps = steps_of(Calls(lambda self, x: F.normalize(self.layer(x), dim=-1), layer=nn.Linear(3, 16)), seeded(2, 3))
    assert only(steps, Kind.NORM).shape == (2, 16)
    assert only(steps, Kind.SCALE).slope == pytest.approx(0.25, rel=1e-2)


def test_weights_around_one_have_the_size_that_they_make():
    model = nn.Sequential(nn.Linear(3, 16), RootMeanSquare(16, around=1.0), nn.Linear(16, 2))
    model[1].weight.data.fill_(0.5)
    steps = steps_of(model, seeded(2, 3))
    assert only(steps, Kind.NORM).module is None
    assert only(steps, Kind.SCALE).slope == pytest.approx(1.5)


def test_what_only_looks_like_a_normalisation_is_unknown():
    model = Calls(lambda self, x: (y := self.layer(x)) / (1.0 + y.abs().mean(-1, keepdim=True)), layer=nn.Linear(3, 16))
    assert "all features" in only(steps_of(model, seeded(2, 3)), Kind.UNKNOWN).note


def test_batch_normalisation_is_over_the_batch_in_training():
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    assert only(read(model).steps, Kind.NORM).over_batch
    assert not only(read(model.eval()).steps, Kind.NORM).over_batch
    assert only(read(nn.Sequential(nn.BatchNorm1d(4, track_running_stats=False)).eval()).steps, Kind.NORM).over_batch
