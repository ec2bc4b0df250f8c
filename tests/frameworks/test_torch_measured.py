"""Weights corrected by a batch, what is said of a model that cannot be mended, and nothing half written."""

import math

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

import eoc  # noqa: E402
from eoc.errors import EocError, InitializationWarning  # noqa: E402
from eoc.initializers.torch import initialize_  # noqa: E402

pytestmark = pytest.mark.frameworks


def seeded(seed: int = 0) -> "torch.Generator":
    return torch.Generator().manual_seed(seed)


def power(model: nn.Module, x: "torch.Tensor") -> float:
    with torch.no_grad():
        return float(model(x).square().mean())


def mlp(depth: int = 5, width: int = 64) -> nn.Sequential:
    parts = [part for _ in range(depth) for part in (nn.Linear(width, width), nn.Tanh())]
    return nn.Sequential(*parts, nn.Linear(width, 8))


class Pooled(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(3 if i == 0 else 32, 32, 3, padding=1) for i in range(4))
        self.head = nn.Linear(32, 10)

    def forward(self, x):
        for conv in self.convs:
            x = functional.max_pool2d(functional.relu(conv(x)), 2)
        return self.head(x.flatten(1))


class Gated(nn.Module):
    def __init__(self, depth: int, width: int = 64, bias: bool = True) -> None:
        super().__init__()
        self.up = nn.ModuleList(nn.Linear(width, width, bias) for _ in range(depth))
        self.gate = nn.ModuleList(nn.Linear(width, width, bias) for _ in range(depth))

    def forward(self, x):
        for up, gate in zip(self.up, self.gate, strict=True):
            x = functional.silu(gate(x)) * up(x)
        return x


def test_padding_and_pooling_are_measured_and_the_output_has_the_variance_asked_for():
    model, x = Pooled(), torch.randn(64, 3, 16, 16, generator=seeded(1))
    report = initialize_(model, batch=x, output_variance=2.0, generator=seeded())
    assert power(model, x) == pytest.approx(2.0, rel=1e-3)
    rows = [row for row in report.rows if row.measured is not None]
    assert [row.parameter for row in rows] == [f"convs.{i}.weight" for i in range(4)] + ["head.weight"]
    for row in rows:  # what is written in the report is what the weights are
        weight = model.get_parameter(row.parameter)
        assert float(weight.detach().square().mean().sqrt()) == pytest.approx(row.std, rel=0.1)
    assert "measured" in str(report)
    report.assert_healthy()


def test_where_theory_is_exact_weights_stay_as_they_were_drawn():
    x, with_batch, without = torch.randn(256, 64, generator=seeded(1)), mlp(), mlp()
    report = initialize_(with_batch, batch=x, generator=seeded())
    initialize_(without, generator=seeded())
    assert all(map(torch.equal, with_batch[:-1].parameters(), without[:-1].parameters()))
    assert power(with_batch, x) == pytest.approx(1.0, rel=0.05)  # the head is as asked for
    assert all(row.measured == pytest.approx(row.power, rel=0.2) for row in report.rows if row.measured is not None)


@pytest.mark.parametrize("batch", [torch.zeros(0, 64), {"input": torch.full((4, 64), math.nan)}])
def test_batches_that_nothing_can_be_measured_on_are_refused_before_anything_is_written(batch):
    model = mlp()
    before = [parameter.clone() for parameter in model.parameters()]
    with pytest.raises(EocError, match="batch holds"):
        initialize_(model, batch=batch)
    assert all(map(torch.equal, before, model.parameters()))


def test_inputs_of_another_size_scale_the_first_layer_alone():
    x, with_batch, without = 30.0 * torch.randn(256, 64, generator=seeded(1)), mlp(), mlp()
    initialize_(with_batch, batch=x, generator=seeded())
    initialize_(without, generator=seeded())
    assert float((without[0].weight.norm() / with_batch[0].weight.norm()).detach()) == pytest.approx(30.0, rel=0.05)
    assert torch.equal(with_batch[2].weight, without[2].weight)


def test_attention_by_torch_is_measured():
    layer = nn.TransformerEncoderLayer(64, 4, 128, dropout=0.0, batch_first=True, norm_first=True)
    model, x = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False), torch.randn(16, 20, 64, generator=seeded(1))
    report = initialize_(model, batch=x, generator=seeded())
    end = next(row for row in report.rows if row.parameter == "layers.0.self_attn.out_proj.weight")
    assert "as measured" in end.note  # 20 tokens, nearly averaged
    first = model.layers[0]
    with torch.no_grad():
        h = first.norm1(x)
        added = first.self_attn(h, h, h, need_weights=False)[0]
    assert float(added.square().mean()) == pytest.approx(1.0 / 4.0, rel=0.05)  # four branches


@pytest.mark.parametrize("depth", [5, 10])
def test_gates_in_series_are_warned_of_before_anything_is_written_and_are_found_unhealthy(depth):
    with pytest.warns(InitializationWarning, match=f"{depth} gates follow each other"):
        report = initialize_(Gated(depth, bias=False), generator=seeded())
    with pytest.raises(EocError, match="gates follow each other"):
        report.assert_healthy()


def test_biases_keep_the_variance_of_gates_in_series():
    silu = eoc.moments("silu", 1.0, ("V", "D", "P"))
    reacts = float((silu["D"].value + silu["P"].value) / silu["V"].value)
    report = initialize_(model := Gated(8, width=512), output_variance=None, generator=seeded())
    report.assert_healthy()
    for row in report.rows:  # by so much less relative changes of variances react, as of layers without biases
        if row.parameter.endswith("weight") and not row.parameter.startswith("up.0"):
            assert row.power * row.fan_in * row.std**2 == pytest.approx(math.exp(-1 / 8) / (1.0 + reacts))
    x = torch.randn(64, 512, generator=seeded(1))
    typical = float(model(x).detach().square().mean(1).median())
    assert 0.3 * float(silu["V"].value) < typical < float(silu["V"].value)  # the mean is that of a few large ones


def test_a_few_gates_keep_their_variance():
    model = Gated(3, width=1024)
    initialize_(model, output_variance=None, generator=seeded()).assert_healthy()
    silu = float(eoc.moments("silu", 1.0, ("V",))["V"].value)
    assert 0.5 * silu < power(model, torch.randn(64, 1024, generator=seeded(1))) < 2.0 * silu


def test_vanishing_gradients_are_unhealthy():
    report = initialize_(mlp(30), sigma_w=0.9, sigma_b=0.5, batch=torch.randn(32, 64, generator=seeded(1)))
    assert any("gradients vanish" in problem for problem in report.problems)


@pytest.mark.parametrize("batch", [torch.randn(4, 63), {"x": torch.randn(4, 64)}, torch.ones(4, 64, dtype=torch.bool)])
def test_a_wrong_batch_leaves_the_model_and_the_generator_as_they_were(batch):
    model, generator = mlp(), seeded()
    before = [parameter.clone() for parameter in model.parameters()]
    with pytest.raises(EocError, match="cannot be run on the example inputs"):
        initialize_(model, batch=batch, generator=generator)
    with pytest.raises(EocError, match="cannot be run on this batch"):
        initialize_(model, example_inputs=torch.randn(4, 64), batch=batch, generator=generator)
    assert all(map(torch.equal, before, model.parameters()))
    assert torch.equal(generator.get_state(), seeded().get_state())


def test_measuring_leaves_buffers_modes_gradients_and_random_numbers_alone():
    model = nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 2))
    state, buffers = torch.get_rng_state(), [buffer.clone() for buffer in model.buffers()]
    initialize_(model, batch=torch.randn(16, 8, generator=seeded(1)), generator=seeded())
    assert torch.equal(state, torch.get_rng_state())
    assert all(map(torch.equal, buffers, model.buffers()))
    assert model.training
    assert all(parameter.grad is None for parameter in model.parameters())


def test_one_seed_gives_the_same_weights_whatever_the_type_and_the_generator():
    one, two = mlp(), mlp()
    initialize_(one, seed=3)
    torch.manual_seed(7)
    initialize_(two, seed=3)
    assert all(map(torch.equal, one.parameters(), two.parameters()))
    half = mlp().half()
    initialize_(half, seed=3)
    assert torch.equal(half[0].weight, one[0].weight.half())
    square = float(one[2].weight.detach().square().mean()) * 64
    assert math.isclose(square, float(mlp_sigma_w()) ** 2, rel_tol=1e-5)  # orthogonal: exactly so
    with pytest.raises(EocError, match="not both"):
        initialize_(one, seed=3, generator=seeded())
    with pytest.raises(EocError, match="whole number"):
        initialize_(one, seed=-1)


def mlp_sigma_w() -> float:
    report = initialize_(mlp(), seed=0)
    return report.points[0].sigma_w


def test_layers_are_left_out_and_others_drawn_to_go_with_them():
    model = mlp()
    with torch.no_grad():
        model[2].weight.mul_(3.0)
    kept = model[2].weight.clone()
    report = initialize_(model, skip="2", generator=seeded())
    assert torch.equal(model[2].weight, kept)
    assert {row.parameter: row.note for row in report.left} == {
        "2.weight": "left out: as asked",
        "2.bias": "left out: as asked",
    }
    other = mlp()
    report = initialize_(other, only=["0", "4.*"], generator=seeded())
    assert {row.parameter for row in report.set} == {"0.weight", "0.bias", "4.weight", "4.bias"}


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(32, 32), nn.Linear(32, 32)

    def forward(self, x):
        return x + self.two(torch.relu(self.one(x)))


def test_ends_and_heads_as_asked():
    def model() -> nn.Sequential:
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(8, 32), Residual(), Residual(), nn.ReLU(), nn.Linear(32, 4))

    found = model()
    initialize_(found, ends="zero", heads="mup", generator=seeded())
    assert not found[1].two.weight.any()
    assert float(found[4].weight.detach().square().mean()) * 32**2 == pytest.approx(2.0, rel=0.2)  # power 1/2
    found, asis = model(), model()
    initialize_(found, ends="keep", heads="keep", generator=seeded())
    assert torch.equal(found[1].two.weight, asis[1].two.weight)
    assert torch.equal(found[4].weight, asis[4].weight)
    assert not torch.equal(found[1].one.weight, asis[1].one.weight)
    initialize_(found, heads="zero", generator=seeded())
    assert not found[4].weight.any()
    for wrong in ({"ends": "none"}, {"heads": 3}, {"embeddings": "x"}, {"only": 3}):
        with pytest.raises(EocError, match=next(iter(wrong))):
            initialize_(found, **wrong)


def test_the_first_layer_of_a_siren_has_its_frequencies():
    class Sine(nn.Module):
        def forward(self, x):
            return torch.sin(30.0 * x)

    model = nn.Sequential(nn.Linear(2, 256), Sine(), nn.Linear(256, 256), Sine(), nn.Linear(256, 1))
    report = initialize_(model, generator=seeded())
    first = report.rows[0]
    assert (first.rule, first.std) == ("first", pytest.approx(1.0 / (math.sqrt(3.0) * 2.0)))
    assert 30.0 * float(model[2].weight.detach().std()) * 16.0 == pytest.approx(
        30.0 * report.rows[2].std * 16.0, rel=0.1
    )


@pytest.mark.parametrize("features", [1, 3])
def test_coordinates_share_the_variance_with_the_biases(features):
    phi = (part for _ in range(2) for part in (nn.Linear(400, 400), nn.Tanh()))
    model = nn.Sequential(nn.Linear(features, 400), nn.Tanh(), *phi, nn.Linear(400, 1))
    report = initialize_(model, input_variance=0.25, generator=seeded())
    weight, bias = report.rows[:2]
    assert (weight.rule, bias.rule) == ("first", "first")
    assert 0.25 * features * weight.std**2 == pytest.approx(features / (features + 1))
    assert bias.std**2 == pytest.approx(1.0 / (features + 1))
    assert [row.rule for row in report.rows[2:]] == ["hidden", "hidden", "once", "once", "head", "head"]


def test_selu_with_alpha_dropout_has_the_point_that_its_noise_is_made_for():
    parts = [part for _ in range(4) for part in (nn.Linear(64, 64), nn.SELU(), nn.AlphaDropout(0.1))]
    report = initialize_(nn.Sequential(*parts, nn.Linear(64, 2)), generator=seeded())
    assert (report.points[0].sigma_w, report.points[0].sigma_b, report.points[0].q) == (1.0, 0.0, pytest.approx(1.0))


def test_softplus_close_to_relu_has_the_variance_of_its_inputs():
    report = initialize_(
        nn.Sequential(*(p for _ in range(2) for p in (nn.Linear(64, 64), nn.Softplus(beta=100))), nn.Linear(64, 64))
    )
    place = report.points[0]
    assert (place.sigma_w, place.sigma_b, place.q) == (pytest.approx(1.414212206, rel=1e-9), 0.0, 1.0)
    assert place.chi_1 == pytest.approx(0.992021, abs=1e-6)


class Patches(nn.Module):
    """A small vision transformer, normalised before."""

    def __init__(self, std: float) -> None:
        super().__init__()
        self.patch, self.token = nn.Conv2d(3, 64, 4, 4), nn.Parameter(torch.zeros(1, 1, 64))
        self.positions = nn.Parameter(std * torch.randn(1, 17, 64, generator=seeded(5)))
        layer = nn.TransformerEncoderLayer(64, 4, 128, 0.0, "gelu", batch_first=True, norm_first=True)
        self.blocks = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.norm, self.head = nn.LayerNorm(64), nn.Linear(64, 10)

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(len(x), -1, -1), x], 1) + self.positions
        return self.head(self.norm(self.blocks(x)[:, 0]))


@pytest.mark.parametrize(("std", "seen"), [(0.02, False), (0.5, True)])
def test_position_embeddings_that_are_too_small_to_be_seen_are_said(std, seen):
    model = Patches(std)
    report = initialize_(model, example_inputs=torch.randn(2, 3, 16, 16), generator=seeded())
    assert any("positions is hardly seen at first" in note for note in report.notes) is not seen
    rows = {row.parameter: row for row in report.rows}
    up, down = (rows[f"blocks.layers.0.linear{i}.weight"] for i in (1, 2))
    assert (up.rule, up.std) == ("once", pytest.approx(1.0 / 8.0))
    assert down.power == pytest.approx(float(eoc.moments("gelu", 1.0, ("V",))["V"].value))
    assert power(model, torch.randn(64, 3, 16, 16, generator=seeded(1))) == pytest.approx(1.0, rel=0.35)


def test_zeros_of_padding_are_no_terms_where_sizes_are_known():
    model = nn.Sequential(
        nn.Conv2d(64, 256, 3, padding=1), nn.ReLU(), nn.Conv2d(256, 256, 3, padding=1), nn.Flatten(), nn.Linear(1024, 4)
    )
    x = torch.randn(64, 64, 2, 2, generator=seeded(1))
    report = initialize_(model, example_inputs=x, generator=seeded())
    assert report.rows[0].fan_in == pytest.approx(64 * 4)  # of the nine taps four meet an image of 2x2
    assert power(model[0], x) == pytest.approx(1.0, rel=0.05)
    assert power(model, x) == pytest.approx(1.0, rel=0.5)
    initialize_(model, generator=seeded())
    assert power(model[0], x) == pytest.approx(4.0 / 9.0, rel=0.05)


class Swish(nn.Module):
    """x sigmoid(beta x), a beta a channel, of three values."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.beta = nn.Parameter(torch.tensor([0.0, 1.0, 6.0]).repeat(width // 3))

    def forward(self, x):
        return x * torch.sigmoid(self.beta * x)


@pytest.mark.parametrize("phi", [Swish(1200), nn.PReLU(1200)])
def test_what_channels_of_several_kinds_hand_on_is_their_mean(phi):
    model = nn.Sequential(nn.Linear(600, 1200), phi, nn.Linear(1200, 4))
    if isinstance(phi, nn.PReLU):
        with torch.no_grad():
            phi.weight.copy_(torch.linspace(-1.0, 1.0, 1200))
    report = initialize_(model, generator=seeded())
    taken = next(row.power for row in report.rows if row.parameter == "2.weight")
    x = torch.randn(256, 600, generator=seeded(1))
    assert power(model[:2], x) == pytest.approx(taken, rel=0.05)
