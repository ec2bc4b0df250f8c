"""What is seen twice or not at all, models that cannot be traced, and that reading leaves no trace."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from eoc.errors import EocError
from eoc.models.steps import Kind
from eoc.models.torch.read import read
from tests.frameworks.reading import named, shown, unseen
from tests.frameworks.reading_models import Transformer, Writes

# --- what is seen once, twice or not at all ---------------------------------------------------------------------------


class Shared(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.extra, self.scale = nn.Linear(4, 4), nn.Linear(4, 4), nn.Parameter(torch.ones(4, 4))

    def forward(self, x, y):
        both = torch.tanh(torch.cat([self.layer(x), self.layer(y)], -1))
        return {"both": both, "more": (x * self.scale[0], None)}


def test_shared_modules_are_seen_twice_and_unused_ones_not_at_all():
    model = Shared()
    reading = read(model)
    assert shown(reading) == [
        "x: input",
        "y: input",
        "layer: layer of x",
        "layer: layer of y",
        "cat: concatenation of layer, layer",
        "tanh: activation tanh of cat",
        "mul: scaling identity of x",
        "output: output of tanh, mul",
    ]
    assert unseen(model, reading) == {"extra.weight", "extra.bias", "scale"}


def test_what_cannot_be_known_says_why():
    model = nn.Sequential(nn.Conv1d(4, 4, 1), nn.LocalResponseNorm(2), nn.Softmax(-1))
    assert [step.kind for step in read(model).steps[2:-1]] == [Kind.UNKNOWN] * 2
    assert read(nn.Bilinear(3, 4, 2)).steps[-2].kind is Kind.UNKNOWN


class Autograd(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * torch.sigmoid(x)

    @staticmethod
    def backward(ctx, gradient):
        return gradient


class OwnFunction(nn.Module):
    def forward(self, x):
        return Autograd.apply(x)


class Sorted(nn.Module):
    """Not a function of each element, and its control flow depends on the data."""

    def forward(self, x):
        return x if x.sum() > 0 else -x


def test_an_activation_of_ones_own_is_seen_by_calling_it_or_named_by_the_user():
    model = nn.Sequential(nn.Linear(2, 2), OwnFunction(), nn.Linear(2, 2), Sorted(), nn.Linear(2, 2))
    steps = read(model).steps
    assert float(steps[2].activation(1.0)) == pytest.approx(1.0 / (1.0 + math.exp(-1.0)), abs=1e-15)
    assert steps[4].kind is Kind.UNKNOWN
    named = read(model, activation="selu").steps
    assert named[4].activation.name == "selu"
    assert named[4].note == "Sorted is taken for selu, as asked"
    assert named[2].activation.name == "silu"


class DropPath(nn.Module):
    def forward(self, x):
        if not self.training:
            return x
        return x / 0.9 * x.new_empty(x.shape[0], *[1] * (x.ndim - 1)).bernoulli_(0.9)


def test_random_paths_are_dropout():
    assert shown(read(nn.Sequential(nn.Linear(2, 2), DropPath())))[2] == "1: dropout of 0"


class Careful(nn.Module):
    """Checks shapes, and has learned queries."""

    def __init__(self):
        super().__init__()
        self.w, self.b = nn.Parameter(torch.randn(4, 8)), nn.Parameter(torch.zeros(8))
        self.queries, self.attention = nn.Parameter(torch.randn(1, 3, 8)), nn.MultiheadAttention(8, 2)

    def forward(self, x, padding):
        assert x.shape[-1] == 4, "four features"
        if x.dim() > 3:
            raise ValueError("too many dimensions")
        if x.size(1) % 2:
            x = F.pad(x, (0, 0, 0, 1))
        h = torch.tanh(x @ self.w + self.b)
        return self.attention(self.queries.expand(h.shape[0], -1, -1), h, h, key_padding_mask=padding)[0]


def test_questions_about_shapes_and_learned_queries_are_no_obstacle():
    model = Careful()
    reading = read(model)
    assert reading.traced, reading.problem
    lines = shown(reading)
    assert "tanh: activation tanh of w" in lines
    assert "attention.q: layer of queries" in lines
    assert "attention.k: layer of tanh" in lines
    assert "attention.v: layer of tanh" in lines
    assert next(step for step in reading.steps if step.name == "w").affine.bias is model.b
    assert not unseen(model, reading)


def test_spectral_norms_do_not_go_on_iterating():
    model = nn.Sequential(nn.utils.parametrizations.spectral_norm(nn.Linear(4, 4)))
    before = copy.deepcopy(model.state_dict())
    read(model)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


# --- module order -----------------------------------------------------------------------------------------------------


class Untraceable(nn.Module):
    def __init__(self, *activations: nn.Module) -> None:
        super().__init__()
        self.fc1, self.norm, self.fc2 = nn.Linear(4, 4), nn.LayerNorm(4), nn.Linear(4, 4)
        self.fc3 = nn.Linear(4, 4)
        self.activations = nn.ModuleList(activations)

    def forward(self, x):
        return self.fc3(x) if x.sum() > 0 else self.fc2(x)


def test_without_a_trace_modules_come_in_order_and_no_activation_is_guessed():
    model = Untraceable(nn.Tanh())
    reading = read(model)
    assert not reading.traced
    assert "control flow" in reading.problem
    assert "\n" not in reading.problem
    assert shown(reading) == [
        "input: input",
        "fc1: layer of input",
        "norm: normalisation of fc1",
        "fc2: layer of norm",
        "fc3: layer of fc2",
        "output: output of fc3",
    ]
    assert not unseen(model, reading)


class Projections(Untraceable):
    def __init__(self):
        super().__init__()
        self.q_proj, self.out, self.last = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 4)


def test_without_a_trace_the_activation_that_is_asked_for_follows_hidden_layers_but_those_of_attention():
    assert named(read(Untraceable()).steps, Kind.ACTIVATION) == []
    asked = read(Untraceable(), activation="gelu")
    assert [step.activation.name for step in asked.steps if step.activation] == ["gelu", "gelu"]
    steps = read(Projections(), activation="gelu").steps
    after = [steps[step.inputs[0]].name for step in steps if step.kind is Kind.ACTIVATION]
    assert after == ["norm", "fc2", "fc3"]


class UntraceableChain(nn.Sequential):
    def forward(self, x):
        return super().forward(x) if x.sum() > 0 else x


def test_without_a_trace_a_chain_is_still_a_chain():
    layers = [nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4), nn.Sigmoid()]
    ordered, traced = read(UntraceableChain(*layers)), read(nn.Sequential(*layers))
    assert not ordered.traced
    assert shown(ordered) == shown(traced)


# --- the model stays as it is -----------------------------------------------------------------------------------------


def test_reading_leaves_no_trace():
    called = []
    model = nn.Sequential(Writes(), nn.Dropout(), nn.BatchNorm1d(3)).eval()
    for module in (model, model[0], model[0].layer):
        module.register_forward_hook(lambda *arguments: called.append(arguments))
    before, random = copy.deepcopy(model.state_dict()), torch.random.get_rng_state()
    assert read(model).traced
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert torch.equal(torch.random.get_rng_state(), random)
    assert not model.training
    assert not called
    assert model[0].calls == 0
    assert not model[0].seen
    assert not hasattr(model[0], "last")


def test_precision_and_devices_do_not_matter():
    model = Transformer("buffer")
    with torch.device("meta"):
        empty = Transformer("buffer")
    assert shown(read(empty)) == shown(read(model)) == shown(read(model.half()))
    assert shown(read(model.double())) == shown(read(empty))


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # of PyTorch's own, where compile is imported
@pytest.mark.parametrize("wrap", [torch.compile, nn.DataParallel], ids=["compile", "DataParallel"])
def test_wrapped_models_are_named_as_their_parameters(wrap):
    model = wrap(nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 1)))
    inside = nn.Sequential(nn.Linear(3, 3), model)
    for each in (model, inside):
        reading = read(each)
        assert reading.traced
        assert not unseen(each, reading)
        for step in reading.steps:
            assert step.affine is None or step.affine.weight_name == f"{step.name}.weight"


def test_what_cannot_be_read_is_refused_with_what_to_do():
    with pytest.raises(EocError, match=r"torch\.nn\.Module, got <function relu"):
        read(F.relu)
    with pytest.raises(EocError, match="run one batch through the model first"):
        read(nn.Sequential(nn.LazyLinear(3)))
    with (
        pytest.warns(DeprecationWarning, match="jit"),
        pytest.raises(EocError, match="the module that it was made from"),
    ):
        read(torch.jit.script(nn.Linear(2, 2)))
    with torch.device("meta"):
        slopes = nn.Sequential(nn.Linear(3, 3), nn.PReLU())
    with pytest.raises(EocError, match="materialise the model first"):
        read(slopes)
    with pytest.raises(EocError, match="did you mean"):
        read(nn.Linear(2, 2), activation="rleu")
