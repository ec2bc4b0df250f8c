"""Weights that are no parameters themselves: how they are set, or why not."""

from __future__ import annotations

import warnings

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations, parametrize, prune

from eoc.models.steps import Kind
from eoc.models.torch.read import read
from tests.frameworks.reading import Calls, named, seeded, steps_of


def old(function, module):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecated, and in use
        return function(module)


def layer_of(model, *inputs):
    return next(step for step in steps_of(model, *inputs) if step.kind is Kind.LAYER)


class Symmetric(nn.Module):
    def forward(self, x):
        return x.triu() + x.triu(1).mT

    def right_inverse(self, x):
        return x.triu()


class Doubled(nn.Module):
    def forward(self, x):
        return 2.0 * x


class Exponential(nn.Module):
    def forward(self, x):
        return x.exp()

    def right_inverse(self, x):
        return x.log()


# --- parametrisations -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        lambda: parametrizations.weight_norm(nn.Linear(4, 6)),
        lambda: parametrizations.weight_norm(nn.Conv1d(4, 6, 3), dim=None),
        lambda: old(nn.utils.weight_norm, nn.Linear(4, 6)),
        lambda: old(lambda module: nn.utils.weight_norm(module, dim=1), nn.ConvTranspose1d(4, 6, 3)),
    ],
)
def test_weights_are_set_through_what_computes_them(make):
    model = nn.Sequential(make(), nn.Tanh())
    x = seeded(2, 4) if isinstance(model[0], nn.Linear) else seeded(2, 4, 8)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    for reading in (read(model).steps, steps_of(model, x)):
        affine = reading[1].affine
        assert reading[1].kind is Kind.LAYER
        assert affine.fixed == ""
        assert affine.weight_name == affine.sources[0]
        assert set(affine.sources) < set(dict(model.named_parameters()))
        assert len(affine.sources) == 2
        assert torch.allclose(affine.weight, model[0].weight)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    wanted = seeded(*affine.weight.shape, seed=3)
    affine.assign(wanted)
    model(x)
    assert torch.allclose(model[0].weight, wanted, rtol=1e-5)
    assert all(parameter.requires_grad for parameter in model.parameters())


@pytest.mark.parametrize(
    ("make", "by"),
    [
        (lambda: parametrizations.spectral_norm(nn.Linear(4, 6)), "SpectralNorm"),
        (lambda: old(nn.utils.spectral_norm, nn.Linear(4, 6)), "SpectralNorm"),
        (lambda: parametrizations.orthogonal(nn.Linear(4, 6)), "Orthogonal"),
        (lambda: prune.l1_unstructured(nn.Linear(4, 6), "weight", 0.5), "L1Unstructured"),
    ],
)
def test_weights_of_a_size_that_is_kept_say_so(make, by):
    model = nn.Sequential(make(), nn.Tanh()).eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    step = read(model).steps[1]
    model(seeded(1, 4))  # in evaluation: an old norm computes its weight then
    assert step.kind is Kind.LAYER
    assert step.affine.assign is None
    assert step.affine.fixed == f"its size is kept by {by}"
    assert step.note == f"its weight cannot be set: {step.affine.fixed}"
    assert torch.allclose(step.affine.weight, model[0].weight, rtol=1e-4)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize(("rule", "set_to"), [(Symmetric, None), (Doubled, None), (Exponential, 2.0)])
def test_parametrisations_of_ones_own_are_tried(rule, set_to):
    layer = nn.Linear(4, 4)
    layer.weight.data = layer.weight.data.abs() + 0.1
    parametrize.register_parametrization(layer, "weight", rule())
    affine = layer_of(nn.Sequential(layer, nn.Tanh()), seeded(2, 4)).affine
    assert affine.fixed == f"its size is kept by {rule.__name__}"  # of any numbers, none keeps all of them
    assert affine.assign is None


# --- weights that a forward computes ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("weight", "factor"),
    [
        (lambda w: 0.5 * w, 2.0),
        (lambda w: w / torch.tensor([[1.0], [2.0], [3.0], [4.0]]), torch.tensor([[1.0], [2.0], [3.0], [4.0]])),
        (lambda w: w.T.mul(0.25).T, 4.0),
    ],
)
def test_multiples_of_a_parameter_are_set_by_it(weight, factor):
    model = Calls(lambda self, x: F.linear(x, weight(self.w)), w=nn.Parameter(seeded(4, 4)))
    for reading in (read(model), read(model, example_inputs=seeded(2, 4))):
        affine = reading.steps[1].affine
        wanted = seeded(4, 4, seed=1)
        affine.assign(wanted)
        assert torch.allclose(model.w, wanted * factor)
        assert affine.weight_name == "w"


def test_transposed_multiples_too():
    model = Calls(lambda self, x: x @ (self.w * 2.0).T, w=nn.Parameter(seeded(6, 4)))
    affine = layer_of(model, seeded(2, 4)).affine
    assert (affine.fan_in, affine.transposed, tuple(affine.weight.shape)) == (4, True, (4, 6))
    wanted = seeded(4, 6, seed=1)
    affine.assign(wanted)
    assert torch.allclose((model.w * 2.0).T, wanted)


class Standardised(nn.Conv2d):
    """As of networks without normalisation (timm's ScaledStdConv2d)."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.gain = nn.Parameter(torch.ones(self.out_channels, 1, 1, 1))

    def forward(self, x):
        flat = self.weight.reshape(1, self.out_channels, -1)
        scale = (self.gain * flat.shape[-1] ** -0.5).view(-1)
        weight = F.batch_norm(flat, None, None, weight=scale, training=True, momentum=0.0).reshape_as(self.weight)
        return F.conv2d(x, weight, self.bias, self.stride, self.padding)


def test_standardised_weights_have_the_size_that_their_gain_gives_them():
    model = nn.Sequential(Standardised(8, 6, 3), nn.ReLU())
    for reading in (read(model), read(model, example_inputs=seeded(2, 8, 5, 5))):
        step = reading.steps[1]
        assert step.kind is Kind.LAYER
        assert step.name == "0"
        assert (step.affine.fixed, step.affine.centred) == ("", True)
        assert float(step.affine.weight.square().mean()) == pytest.approx(1 / 72, rel=1e-2)
        assert step.affine.bias is model[0].bias
        filters = model[0].weight.detach().clone()
        step.affine.assign(torch.full((6, 8, 3, 3), 0.3))
        assert torch.equal(model[0].weight, filters)
        assert float(read(model).steps[1].affine.weight.square().mean()) == pytest.approx(0.09, rel=1e-5)
        step.affine.assign(torch.full((6, 8, 3, 3), 72**-0.5))


def test_low_rank_adapters_are_branches_beside_a_frozen_layer():
    def forward(self, x):
        return torch.relu(self.base(x) + self.b(self.a(x)) * 0.5)

    parts = {"base": nn.Linear(8, 8).requires_grad_(False), "a": nn.Linear(8, 2, bias=False)}
    steps = steps_of(Calls(forward, b=nn.Linear(2, 8, bias=False), **parts), seeded(2, 8))
    assert named(steps, Kind.LAYER) == ["base", "a", "b"]
    added = next(step for step in steps if step.kind is Kind.ADD)
    assert [steps[at].kind for at in added.inputs] == [Kind.LAYER, Kind.SCALE]
    merged = Calls(lambda self, x: F.linear(x, self.w + self.b @ self.a), w=nn.Parameter(seeded(8, 8)))
    merged.a, merged.b = nn.Parameter(seeded(2, 8)), nn.Parameter(seeded(8, 2))
    assert layer_of(merged, seeded(2, 8)).affine.fixed == "it is computed from w and b and a"


def test_fixed_matrices_are_layers_that_stay():
    model = Calls(lambda self, x: self.layer(torch.sin(x @ self.frequencies)), layer=nn.Linear(16, 2))
    model.register_buffer("frequencies", seeded(4, 16))
    affine = layer_of(model, seeded(2, 4)).affine
    assert affine.fixed == "it is no parameter"
    assert (affine.weight_name, affine.fan_in, affine.transposed) == ("frequencies", 4, True)


# --- parameters used in other ways ------------------------------------------------------------------------------------


def test_parts_of_a_parameter_are_views_of_it():
    def forward(self, x):
        q, k, v = self.packed.chunk(3)
        return F.linear(x, q) * torch.sigmoid(F.linear(x, k)) + x @ self.packed[16:].T + F.linear(x, v)

    model = Calls(forward, packed=nn.Parameter(seeded(24, 8)))
    for reading in (read(model), read(model, example_inputs=seeded(2, 8))):
        affines = [step.affine for step in reading.steps if step.affine]
        assert [affine.weight_name for affine in affines] == ["packed"] * 4
        assert [affine.part for affine in affines][:2] == ["rows 0 to 7", "rows 8 to 15"]
        assert affines[3].part == "rows 16 to 23"
        assert all(affine.fan_in == 8 for affine in affines)
        assert affines[1].weight.data_ptr() == model.packed[8:].data_ptr()
        assert all(affine.weight.requires_grad and not affine.fixed for affine in affines)


@pytest.mark.parametrize(
    ("function", "shape", "fan_in", "transposed"),
    [
        (lambda w, x: torch.einsum("btc,cd->btd", x, w), (8, 6), 8, True),
        (lambda w, x: torch.einsum("btc,dc->btd", x, w), (6, 8), 8, False),
        (lambda w, x: torch.einsum("btc,chd->bthd", x, w), (8, 2, 3), 8, True),
        (lambda w, x: torch.einsum("hdc, btc -> bhtd", w, x), (2, 3, 8), 8, False),
        (lambda w, x: torch.einsum("bthd,hdc->btc", x.reshape(2, 5, 2, 4), w), (2, 4, 6), 8, True),
        (lambda w, x: x @ w, (8, 6), 8, True),
        (torch.matmul, (7, 5), 5, False),
        (lambda w, x: torch.bmm(x, w), (2, 8, 6), 8, True),
        (lambda w, x: torch.addmm(torch.ones(6), x[0], w), (8, 6), 8, True),
    ],
)
def test_products_with_a_parameter_count_what_they_sum_over(function, shape, fan_in, transposed):
    model = Calls(lambda self, x: function(self.w, x), w=nn.Parameter(seeded(*shape)))
    step = layer_of(model, seeded(2, 5, 8))
    assert step.affine.weight is model.w
    assert (step.affine.fan_in, step.affine.transposed) == (fan_in, transposed)


class Conv1D(nn.Module):
    """As in GPT-2: the weight has its inputs first."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.weight, self.bias = nn.Parameter(seeded(inputs, outputs)), nn.Parameter(torch.zeros(outputs))

    def forward(self, x):
        shape = (*x.size()[:-1], self.weight.shape[1])
        return torch.addmm(self.bias, x.view(-1, x.size(-1)), self.weight).view(shape)


def test_layers_with_their_inputs_first_are_layers():
    model = nn.Sequential(Conv1D(4, 8), nn.GELU(), Conv1D(8, 2))
    for reading in (read(model), read(model, example_inputs=seeded(2, 3, 4))):
        layers = [step for step in reading.steps if step.kind is Kind.LAYER]
        assert [(step.name, step.affine.fan_in, step.affine.transposed) for step in layers] == [
            *(("0", 4, True), ("2", 8, True))
        ]
        assert all(step.affine.bias is not None for step in layers)


def test_biases_that_are_computed_are_added():
    def forward(self, x):
        return F.linear(x, self.w, torch.cat([self.q, torch.zeros(4)]))

    steps = steps_of(Calls(forward, w=nn.Parameter(seeded(8, 4)), q=nn.Parameter(torch.ones(4))), seeded(2, 4))
    assert [str(step.kind) for step in steps] == ["input", "layer", "parameter", "addition", "output"]
    assert steps[1].affine.bias is None
    assert float(steps[2].tensor.square().mean()) == 0.5


def test_shared_layers_are_seen_each_time_and_tied_ones_by_one_name():
    def forward(self, x):
        x = self.table(x)
        for _ in range(2):
            x = torch.tanh(self.layer(x))
        return F.linear(x, self.table.weight)

    steps = steps_of(Calls(forward, table=nn.Embedding(9, 4), layer=nn.Linear(4, 4)), torch.arange(3)[None])
    assert [step.affine.weight_name for step in steps if step.affine] == ["layer.weight"] * 2 + ["table.weight"]


@pytest.mark.parametrize(
    ("mode", "expected"), [("mean", ["pooling"]), ("max", ["pooling"]), ("sum", ["pooling", "scaling"])]
)
def test_bags_of_embeddings_are_means_of_rows(mode, expected):
    model = nn.Sequential(nn.EmbeddingBag(9, 4, mode=mode), nn.Linear(4, 2))
    steps = steps_of(model, torch.arange(6).reshape(2, 3))
    assert [str(step.kind) for step in steps] == ["input", "embedding", *expected, "layer", "output"]
    assert steps[2].terms == 3
    assert steps[2].largest is (mode == "max")


def test_what_has_no_theory_says_so():
    def quantised():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.ao.nn.quantized.dynamic.Linear(4, 4)

    try:
        model = nn.Sequential(nn.Linear(4, 4), quantised())
    except RuntimeError:  # no engine for it on this machine
        pytest.skip("no quantised engine")
    assert "quantised" in read(model).steps[2].note
