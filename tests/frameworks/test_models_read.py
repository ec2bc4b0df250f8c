"""Models are read as the steps that they compute."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from eoc.models.steps import Kind
from eoc.models.torch.read import read
from tests.frameworks.reading import fans, named, shown, unseen
from tests.frameworks.reading_models import BasicBlock, Functional, Gated, InPlace

# --- chains -----------------------------------------------------------------------------------------------------------


def test_modules_and_functions_give_the_same_chain():
    modules = nn.Sequential(nn.Linear(4, 8), nn.ELU(0.5), nn.Dropout(0.1), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 2))
    assert shown(read(modules)) == [
        "input: input",
        "0: layer of input",
        "1: activation elu(alpha=0.5) of 0",
        "2: dropout of 1",
        "3: layer of 2",
        "4: activation tanh of 3",
        "5: layer of 4",
        "output: output of 5",
    ]
    assert shown(read(Functional())) == [
        "x: input",
        "flatten: reshaping of x",
        "fc1: layer of flatten",
        "elu: activation elu(alpha=0.5) of fc1",
        "dropout: dropout of elu",
        "fc2: layer of dropout",
        "tanh: activation tanh of fc2",
        "fc3: layer of tanh",
        "mul: reshaping of fc3",
        "output: output of mul",
    ]
    assert read(modules).traced
    assert read(modules).problem == ""


def test_convolutions_count_their_kernels_groups_and_strides():
    model = nn.Sequential(
        nn.Conv2d(6, 12, (3, 5), groups=3),
        nn.BatchNorm2d(12),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.ConvTranspose2d(12, 8, 4, stride=2, groups=2),
        nn.Upsample(scale_factor=2),
        nn.Conv2d(8, 4, 1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 2),
    )
    reading = read(model)
    assert fans(reading) == {"0": 2 * 15, "4": 6 * 16 / 4, "6": 8, "9": 4}
    assert [str(step.kind) for step in reading.steps] == [
        *("input", "layer", "normalisation", "activation", "pooling", "layer", "reshaping", "layer", "pooling"),
        *("reshaping", "layer", "output"),
    ]
    transposed = reading.steps[5].affine
    assert transposed.transposed
    assert transposed.groups == 2
    assert transposed.weight is model[4].weight


class FunctionalLayers(nn.Module):
    """Layers without modules, as Hugging Face's GPT-2 and many others write them."""

    def __init__(self):
        super().__init__()
        self.w1, self.b1 = nn.Parameter(torch.randn(4, 6)), nn.Parameter(torch.zeros(6))
        self.w2, self.w3 = nn.Parameter(torch.randn(6, 6)), nn.Parameter(torch.randn(2, 6))
        self.kernel = nn.Parameter(torch.randn(4, 1, 3))

    def forward(self, x):
        x = torch.addmm(self.b1, x, self.w1).relu()
        x = F.linear(torch.relu_(x @ self.w2), self.w3)
        x = F.conv1d(x.view(-1, 2, 1).repeat(1, 2, 3), self.kernel, groups=4)
        return F.linear(x.flatten(1), (self.w1 * 2.0).T)


def test_layers_without_modules_are_layers_if_their_weight_is_a_parameter():
    reading = read(FunctionalLayers())
    layers = [step for step in reading.steps if step.affine]
    assert [(step.name, step.affine.fan_in) for step in layers] == [
        *(("w1", 4), ("w2", 6), ("w3", 6), ("kernel", 3), ("w1", 4))
    ]
    assert [step.affine.transposed for step in layers] == [True, True, False, False, False]
    assert named(reading.steps, Kind.ACTIVATION) == ["relu", "relu_"]


def test_a_model_of_one_module_is_read_too():
    assert shown(read(nn.Linear(3, 4))) == ["input: input", "linear: layer of input", "output: output of linear"]
    assert [step.affine.weight_name for step in read(nn.Linear(3, 4)).steps if step.affine] == ["weight"]
    assert len(named(read(nn.MultiheadAttention(4, 2)).steps, Kind.INPUT)) == 3


# --- branches ---------------------------------------------------------------------------------------------------------


def test_residual_branches_end_in_sums():
    model = nn.Sequential(BasicBlock(4, 4), BasicBlock(4, 8, 2))
    reading = read(model)
    assert shown(reading)[1:8] == [
        "0.conv1: layer of input",
        "0.bn1: normalisation of 0.conv1",
        "0.relu: activation relu of 0.bn1",
        "0.conv2: layer of 0.relu",
        "0.bn2: normalisation of 0.conv2",
        "add: addition of 0.bn2, input",
        "0.relu: activation relu of add",
    ]
    assert shown(reading)[-4:-1] == [
        "1.downsample.1: normalisation of 1.downsample.0",
        "add_1: addition of 1.bn2, 1.downsample.1",
        "1.relu: activation relu of add_1",
    ]
    assert not unseen(model, reading)


def test_what_is_written_over_is_seen_where_it_is_used_later():
    assert "add: addition of relu, second" in shown(read(InPlace()))


class Scaled(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc2, self.gamma = nn.Linear(4, 4), nn.Linear(4, 4), nn.Parameter(torch.full((4,), 0.5))
        self.shift = nn.Parameter(torch.zeros(4))
        self.slope = nn.Parameter(torch.tensor(2.0))

    def forward(self, x):
        x = x + 0.1 * self.fc1(x)
        x = (x + self.gamma * self.fc2(x)) / math.sqrt(2.0)
        return (x + self.shift) * torch.sigmoid(self.slope * (x + self.shift))


def test_fixed_factors_are_steps_of_their_own():
    reading = read(Scaled())
    scales = [step for step in reading.steps if step.kind is Kind.SCALE]
    assert [float(step.activation(1.0)) for step in scales] == pytest.approx([0.1, 0.5, math.sqrt(0.5)], rel=1e-12)
    assert scales[1].note == "times gamma, of root mean square 0.5"
    shifts = [step for step in reading.steps if step.kind is Kind.PARAMETER]
    assert [step.name for step in shifts] == ["shift"]
    assert torch.equal(shifts[0].tensor, torch.zeros(4))
    assert reading.steps[-2].kind is Kind.MULTIPLY  # of two sums, as far as can be seen


def test_gates_are_products():
    assert shown(read(Gated()))[1:] == [
        "gate: layer of x",
        "up: layer of x",
        "silu: activation silu of gate",
        "mul: multiplication of silu, up",
        "down: layer of mul",
        "fused: layer of x",
        "glu.x: reshaping of fused",
        "glu.y: reshaping of fused",
        "glu.sigmoid: activation sigmoid of glu.y",
        "glu: multiplication of glu.x, glu.sigmoid",
        "add: addition of down, glu",
        "output: output of add",
    ]
