"""Models that cannot be traced are run on example inputs, and what they call is recorded."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from eoc.errors import EocError
from eoc.models.steps import Kind
from eoc.models.torch.read import read
from tests.frameworks.reading import Calls, kinds, named, seeded, shape_of, steps_of
from tests.frameworks.reading_models import BasicBlock, Functional, Gated, InPlace, Transformer, Writes

IDS = torch.arange(16).reshape(2, 8)


@pytest.mark.parametrize(
    ("model", "inputs"),
    [
        (Functional(), seeded(2, 4)),
        (nn.Sequential(BasicBlock(4, 4), BasicBlock(4, 8, 2)), seeded(2, 4, 8, 8)),
        (InPlace(), seeded(2, 3)),
        (Gated(), seeded(2, 4)),
        *((Transformer(how), IDS) for how in ("module", "fused", "buffer", "made")),
        (nn.Sequential(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), nn.GLU()), seeded(2, 5, 8)),
    ],
    ids=lambda each: type(each).__name__,
)
def test_what_is_recorded_is_what_is_traced(model, inputs):
    traced, recorded = read(model), read(model, example_inputs=inputs)
    assert shape_of(recorded) == shape_of(traced)
    assert [step.activation for step in recorded.steps] == [step.activation for step in traced.steps]
    assert all(step.shape for step in recorded.steps if step.kind not in (Kind.SAME, Kind.OUTPUT))


@dataclass
class Outputs:
    logits: torch.Tensor
    other: dict[str, object]


class Careless(nn.Module):
    """Asks for lengths and values, and returns a dataclass."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.third = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x, *, more=None):
        h = torch.tanh(self.first(x)).reshape(len(x), -1)
        if h.sum().item() > -100.0 and more is not None:
            h = F.gelu(self.second(h)) + more["y"]
        return Outputs(h, {"unused": None, "list": [self.third(h)]})


def test_lengths_values_dictionaries_and_dataclasses_are_no_obstacle():
    reading = read(Careless(), example_inputs={"x": seeded(2, 4), "more": {"y": seeded(2, 4)}})
    assert [step.name for step in reading.steps if step.kind is Kind.INPUT] == ["x", "more_y"]
    assert kinds(reading)[2:] == [
        *("layer", "activation", "reshaping", "layer", "activation", "addition", "layer", "output")
    ]
    assert len(reading.steps[-1].inputs) == 2
    assert reading.steps[2].shape == (2, 4)


def test_what_cannot_be_traced_is_run_on_numbers_of_the_shape_of_the_first_layer_unless_their_values_decide():
    by_length = Calls(lambda self, x: self.layer(x).reshape(len(x), -1).tanh(), layer=nn.Linear(5, 3))
    assert kinds(read(by_length)) == ["input", "layer", "reshaping", "activation", "output"]
    images = Calls(lambda self, x: self.layer(x)[: len(x)], layer=nn.Conv2d(3, 4, 3))
    assert read(images).traced
    tokens = Calls(lambda self, x: self.head(self.table(x)[: len(x)]), table=nn.Embedding(9, 4), head=nn.Linear(4, 2))
    assert kinds(read(tokens)) == ["input", "embedding", "reshaping", "layer", "output"]
    by_value = Calls(lambda self, x: self.layer(x) if bool(x.sum() > 0.0) else x, layer=nn.Linear(5, 3))
    assert not read(by_value).traced
    assert "control flow" in read(by_value).problem


class Offers(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.dummy_inputs = nn.Linear(5, 3), {"x": seeded(2, 3, 5)}

    def forward(self, x):
        return self.layer(x.mean(1)) if bool((x > -100.0).all()) and len(x) == 2 else None


def test_inputs_that_a_model_offers_are_taken():
    assert kinds(read(Offers())) == ["input", "pooling", "layer", "output"]


def swish(x: torch.Tensor) -> torch.Tensor:
    return x * torch.sigmoid(x)


class Own(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return torch.tanh(x)


def test_functions_in_torchscript_and_of_autograd_are_seen():
    with pytest.warns(DeprecationWarning, match="jit"):
        scripted = torch.jit.script(swish)

    def forward(self, x):
        return Own.apply(self.second(scripted(self.first(x))))

    steps = steps_of(Calls(forward, first=nn.Linear(4, 4), second=nn.Linear(4, 4)), seeded(2, 4))
    assert [step.activation.name for step in steps if step.activation] == ["silu", "tanh"]


@pytest.mark.parametrize("training", [True, False])
def test_recording_leaves_no_trace(training):
    called = []

    def forward(self, x):
        return self.norm(self.dropout(self.spectral(self.writes(x)))) + self.table(torch.arange(2))

    model = Calls(
        forward,
        writes=Writes(),
        spectral=nn.utils.parametrizations.spectral_norm(nn.Linear(3, 3)),
        dropout=nn.Dropout(),
        norm=nn.BatchNorm1d(3),
        table=nn.Embedding.from_pretrained(10.0 * seeded(4, 3), max_norm=1.0),
    ).train(training)
    for module in (model, model.writes, model.writes.layer):
        module.register_forward_hook(lambda *arguments: called.append(arguments))
    before, random = copy.deepcopy(model.state_dict()), torch.random.get_rng_state()
    inputs = seeded(2, 3).requires_grad_()
    numbers = inputs.detach().clone()
    assert read(model, example_inputs=inputs).traced
    assert torch.equal(inputs, numbers)
    assert inputs.grad is None
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert torch.equal(torch.random.get_rng_state(), random)
    assert model.training is training
    assert not called
    assert model.writes.calls == 0
    assert not hasattr(model.writes, "last")
    assert all(parameter.grad is None for parameter in model.parameters())
    assert "forward" not in vars(model.writes.layer)


def test_a_model_that_writes_over_its_parameters_is_not_run_further():
    def forward(self, x):
        self.layer.weight.clamp_(-0.01, 0.01)
        return self.layer(x)

    model = Calls(forward, layer=nn.Linear(4, 4))
    before = model.layer.weight.detach().clone()
    with pytest.raises(EocError, match="writes over its own parameters"):
        read(model, example_inputs=seeded(2, 4))
    assert torch.equal(model.layer.weight, before)


def test_inputs_that_do_not_fit_are_refused_in_words():
    with pytest.raises(EocError, match=r"cannot be run on the example inputs: RuntimeError: mat1 and mat2"):
        read(Functional(), example_inputs=seeded(2, 5))
    with pytest.raises(EocError, match="unexpected keyword argument"):
        read(Functional(), example_inputs={"y": seeded(2, 4)})


def test_a_batch_of_one_is_enough_also_where_normalisations_need_two():
    model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.ReLU()).train()
    assert named(steps_of(model, seeded(1, 4)), Kind.NORM) == ["1"]
    assert model.training


def test_devices_and_precisions_are_those_of_the_model():
    with torch.device("meta"):
        empty = Transformer("buffer")
    expected = shape_of(read(Transformer("buffer"), example_inputs=IDS))
    for model in (empty, Transformer("buffer").half(), Transformer("buffer").double()):
        assert shape_of(read(model, example_inputs=IDS)) == expected


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
@pytest.mark.parametrize("wrap", [torch.compile, nn.DataParallel], ids=["compile", "DataParallel"])
def test_wrapped_models_are_run_as_they_are_inside(wrap):
    inner = wrap(nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 1)))
    for model in (inner, nn.Sequential(nn.Linear(3, 3), inner)):
        for step in steps_of(model, seeded(2, 3)):
            assert step.affine is None or step.affine.weight_name == f"{step.name}.weight"
            assert step.affine is None or step.affine.weight_name in dict(model.named_parameters())


class Norm(nn.BatchNorm2d):
    """A normalisation with an activation, as timm has."""

    def __init__(self, width):
        super().__init__(width)
        self.act = nn.SiLU()

    def forward(self, x):
        x = F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, self.training, 0.1, self.eps)
        return self.act(x)


def test_functional_normalisations_belong_to_their_module():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), Norm(4), nn.Conv2d(4, 2, 1))
    steps = steps_of(model, seeded(2, 3, 8, 8))
    assert [str(step.kind) for step in steps] == ["input", "layer", "normalisation", "activation", "layer", "output"]
    assert steps[2].module is model[1]
    assert steps[2].over_batch
    assert steps[3].activation.name == "silu"
    assert not steps_of(model.eval(), seeded(2, 3, 8, 8))[2].over_batch


def test_tensors_that_are_the_same_one_are_followed_apart():
    def forward(self, x):
        h = F.dropout(x, 0.1, training=False)  # is x itself
        return self.layer(h.contiguous()) + x

    steps = steps_of(Calls(forward, layer=nn.Linear(4, 4)), seeded(2, 4))
    assert [step.inputs for step in steps] == [(), (0,), (1,), (2, 0), (3,)]


def test_what_is_written_into_a_tensor_is_part_of_it():
    def forward(self, x):
        out = torch.zeros(len(x), 8)
        out[:, :4] = torch.relu(self.layer(x))
        out[:, 4:] = x
        return self.head(out)

    steps = steps_of(Calls(forward, layer=nn.Linear(4, 4), head=nn.Linear(8, 2)), seeded(2, 4))
    beside = [step for step in steps if step.kind is Kind.CONCATENATE][-1]
    assert {steps[at].kind for at in beside.inputs} == {Kind.CONCATENATE, Kind.INPUT}
    assert np.prod(beside.shape) == 16
