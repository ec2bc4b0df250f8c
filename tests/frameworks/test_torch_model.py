"""initialize_ on whole models, layer by layer against the documented rules."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

import eoc
from eoc.errors import EocError
from eoc.initializers.torch import Report, initialize_
from eoc.operating_point import operating_point
from frameworks.statistics import Z

TANH = operating_point("tanh", sigma_b=0.2)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def checked(model: nn.Module, **options: object) -> tuple[Report, dict[str, tuple[str, float | None]]]:
    """Initialise, and compare what the report says with the weights; (rule, std or constant) of each parameter."""
    before = {name: p.detach().clone() for name, p in model.named_parameters(remove_duplicate=False)}
    report = initialize_(model, generator=seeded(), **options)
    after = dict(model.named_parameters(remove_duplicate=False))
    assert [row.parameter for row in report.rows] == list(after)
    for row in report.rows:
        x = after[row.parameter].detach().double()
        if row.method == "normal":
            drawn = x[(x != 0.0).any(-1)] if x.dim() == 2 else x
            assert abs(float(drawn.square().mean() / row.std**2 - 1.0)) < Z * math.sqrt(2.0 / drawn.numel())
            assert abs(float(drawn.mean() / row.std)) < Z / math.sqrt(drawn.numel())
        elif row.method == "orthogonal":
            gram = x @ x.mT if x.shape[0] <= x.shape[1] else x.mT @ x
            size = row.std**2 * max(x.shape)
            assert torch.allclose(gram, size * torch.eye(min(x.shape)).double(), atol=1e-5 * size)
        elif row.method == "constant":
            assert torch.allclose(x, torch.full_like(x, row.value))
        elif not row.note.startswith("tied"):
            assert torch.equal(x, before[row.parameter])
    set_ = {row.parameter: (str(row.rule), row.value if row.std is None else row.std) for row in report.rows}
    return report, set_


def mlp(activation: type[nn.Module] = nn.Tanh, width: int = 300) -> nn.Sequential:
    hidden = [nn.Linear(width, width), activation(), nn.Linear(width, width), activation()]
    return nn.Sequential(nn.Linear(100, width), activation(), *hidden, nn.Linear(width, 10))


class PreNorm(nn.Module):
    """A block of a transformer."""

    def __init__(self, width: int, heads: int = 4) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        h = self.norm1(x)
        x = x + self.attention(h, h, h, need_weights=False)[0]
        return x + self.down(functional.gelu(self.up(self.norm2(x))))


class Language(nn.Module):
    """A small language model with a tied head and learned positions."""

    def __init__(self, width: int = 128, blocks: int = 3) -> None:
        super().__init__()
        self.tokens = nn.Embedding(200, width, padding_idx=0)
        self.positions = nn.Parameter(torch.zeros(12, width))
        self.blocks = nn.Sequential(*(PreNorm(width) for _ in range(blocks)))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, 200, bias=False)
        self.head.weight = self.tokens.weight

    def forward(self, tokens):
        return self.head(self.norm(self.blocks(self.tokens(tokens) + self.positions)))


class Basic(nn.Module):
    """A block of a ResNet."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
        self.downsample = shortcut if stride > 1 else None

    def forward(self, x):
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        out += x if self.downsample is None else self.downsample(x)
        return self.relu(out)


def resnet() -> nn.Sequential:
    stem = [nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10)]
    return nn.Sequential(*stem, Basic(16, 16), Basic(16, 32, stride=2), Basic(32, 32), *head)


class Residual(nn.Module):
    """A block without normalisation, before or after its activation."""

    def __init__(self, width: int, scale: float = 1.0) -> None:
        super().__init__()
        self.first, self.second, self.scale = nn.Linear(width, width), nn.Linear(width, width), scale

    def forward(self, x):
        return functional.relu(x + self.scale * self.second(functional.relu(self.first(x))))


class Untraceable(nn.Module):
    """Decides by its data."""

    def __init__(self, activation: bool = True) -> None:
        super().__init__()
        self.stem = nn.Linear(20, 100)
        self.up, self.down = nn.Linear(100, 100), nn.Linear(100, 100)
        self.activation = nn.ReLU() if activation else torch.relu
        self.head = nn.Linear(100, 5)

    def forward(self, x):
        x = self.stem(x)
        for _ in range(int(x.sum() > 0.0) + 1):
            x = x + self.down(self.activation(self.up(x)))
        return self.head(x)


# --- the four kinds of model ------------------------------------------------------------------------------------------


def test_every_layer_of_an_mlp():
    _, rows = checked(mlp(), sigma_b=0.2)
    chain = TANH.sigma_w / math.sqrt(300)
    assert rows == {
        "0.weight": ("hidden", pytest.approx(math.sqrt(TANH.q - 0.04) / 10.0)),
        "0.bias": ("hidden", 0.2),
        "2.weight": ("hidden", pytest.approx(chain, rel=1e-15)),
        "2.bias": ("hidden", 0.2),
        "4.weight": ("hidden", pytest.approx(chain, rel=1e-15)),
        "4.bias": ("hidden", 0.2),
        "6.weight": ("head", pytest.approx(1.0 / math.sqrt(300 * TANH.power))),
        "6.bias": ("head", 0.0),
    }


def test_every_layer_of_a_plain_cnn():
    model = nn.Sequential(
        nn.Conv2d(3, 16, 3), nn.ReLU(), nn.Conv2d(16, 32, 3, groups=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Dropout(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10),
    )  # fmt: skip
    report, rows = checked(model)
    # Positions of the second convolution are correlated by 1/pi, as those of a ReLU before it have a mean.
    shared, own = torch.randn(400_000, 1, generator=seeded()), torch.randn(400_000, 4, generator=seeded(1))
    fields = math.sqrt(1 / math.pi) * shared + math.sqrt(1 - 1 / math.pi) * own
    largest = float(fields.amax(1).relu().square().mean())
    assert rows == {
        "0.weight": ("hidden", pytest.approx(math.sqrt(1 / 27))),  # q = 1 from inputs of variance 1
        "0.bias": ("hidden", 0.0),
        "2.weight": ("hidden", pytest.approx(math.sqrt(2 / 72))),
        "2.bias": ("hidden", 0.0),
        "7.weight": ("hidden", pytest.approx(math.sqrt(1 / (128 * largest)), rel=5e-3)),
        "7.bias": ("hidden", 0.0),
        "9.weight": ("head", pytest.approx(math.sqrt(2 / 64))),
        "9.bias": ("head", 0.0),
    }
    assert any("dropout" in note for note in report.notes)
    assert any("pooling" in note for note in report.notes)


def test_every_layer_of_a_pre_norm_transformer():
    report, rows = checked(Language())
    assert report.depth is None  # no map is iterated: the branches begin with normalisations
    power = eoc.moments(eoc.activation("gelu"), 1.0, ("V",))["V"].value
    trunk = 1 / 128  # the embedding is tied to the head
    assert rows["tokens.weight"] == ("embedding", pytest.approx(128**-0.5))
    assert rows["positions"] == ("left", None)
    assert rows["head.weight"] == ("left", None)
    assert report.rows[-1].note == "tied to tokens.weight"
    for block in range(3):
        name = f"blocks.{block}"
        assert rows[f"{name}.norm1.weight"] == rows[f"{name}.norm2.weight"] == ("normalisation", 1.0)
        assert rows[f"{name}.norm1.bias"] == rows[f"{name}.norm2.bias"] == ("normalisation", 0.0)
        assert rows[f"{name}.attention.in_proj_weight"] == ("linear", pytest.approx(128**-0.5))
        assert rows[f"{name}.attention.in_proj_bias"] == ("linear", 0.0)
        assert rows[f"{name}.attention.out_proj.weight"] == ("branch", pytest.approx(math.sqrt(trunk / 6 / 128)))
        trunk *= 7 / 6
        assert rows[f"{name}.up.weight"] == ("once", pytest.approx(math.sqrt(1.0 / 128)))
        assert rows[f"{name}.up.bias"] == ("once", 0.0)
        down = ("branch", pytest.approx(math.sqrt(trunk / 6 / (power * 512))))
        assert rows[f"{name}.down.weight"] == down
        assert rows[f"{name}.down.bias"] == ("branch", 0.0)
        trunk *= 7 / 6
    assert rows["norm.weight"] == ("normalisation", 1.0)


def test_every_layer_of_a_resnet():
    report, rows = checked(resnet())
    assert rows["0.weight"] == ("normalised", pytest.approx(27**-0.5))
    assert rows["1.weight"] == ("normalisation", 1.0)
    trunk = 0.5
    for block in ("3", "4", "5"):
        stem = next(row.power for row in report.rows if row.parameter == f"{block}.conv1.weight")
        assert rows[f"{block}.conv1.weight"][0] == "normalised"
        assert rows[f"{block}.bn1.weight"] == ("normalisation", 1.0)
        assert rows[f"{block}.conv2.weight"][0] == "normalised"
        assert trunk <= stem < math.e * 0.5
        start = 1.0 if block == "4" else stem  # after the projection of block 4 and its normalisation
        assert rows[f"{block}.bn2.weight"] == ("branch", pytest.approx(math.sqrt(start / 3)))
        assert rows[f"{block}.bn2.bias"] == ("branch", 0.0)
        trunk = stem
    assert rows["4.downsample.0.weight"] == ("normalised", pytest.approx(math.sqrt(1 / (16 * trunk)), rel=0.2))
    assert rows["4.downsample.1.weight"] == ("normalisation", 1.0)
    assert rows["8.weight"][0] == "head"
    assert not report.left


# --- the principle ----------------------------------------------------------------------------------------------------


def test_every_pre_activation_has_the_variance_of_the_activation_that_follows():
    kinds = {nn.ReLU: "relu", nn.Tanh: "tanh", nn.GELU: "gelu", nn.ELU: "elu", nn.Sigmoid: "sigmoid"}
    modules: list[nn.Module] = [nn.Linear(1000, 1000)]
    for kind in (*kinds, *reversed(kinds)):
        modules += [kind(), nn.Linear(1000, 1000)]
    model = nn.Sequential(*modules)
    initialize_(model, depth=30, input_variance=4.0, output_variance=0.25, generator=seeded())
    x = 2.0 * torch.randn(4, 1000, generator=seeded(1))
    with torch.no_grad():
        for at, module in enumerate(model):
            x = module(x)
            if isinstance(module, nn.Linear):
                q = operating_point(kinds[type(model[at + 1])]).q if at + 1 < len(model) else 0.25
                # the variance of a mean of 1000 neurons, and what the layers before were off by
                assert float(x.square().mean(1)[0]) == pytest.approx(q, rel=0.25)


def test_the_trunk_of_a_network_without_normalisation_grows_by_less_than_e():
    model = nn.Sequential(nn.Linear(50, 400), nn.ReLU(), *(Residual(400) for _ in range(20)), nn.Linear(400, 10))
    report = initialize_(model, generator=seeded())
    trunk = [row.power for row in report.rows if row.parameter.endswith("first.weight")]
    x = torch.randn(200, 50, generator=seeded(1))
    with torch.no_grad():
        x = model[1](model[0](x))
        for block, power in zip(model[2:-1], trunk, strict=True):
            assert float(x.square().mean()) == pytest.approx(power, rel=0.2)
            x = block(x)
    assert 0.5 < float(x.square().mean()) < 0.5 * math.e


def test_branches_beside_a_projection_add_their_part_of_what_it_hands_on():
    class Projected(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Linear(64, 128), nn.Linear(128, 128)
            self.shortcut = nn.Linear(64, 128)

        def forward(self, x):
            return torch.tanh(self.second(torch.tanh(self.first(x))) + self.shortcut(x))

    _, rows = checked(nn.Sequential(Projected(), nn.Linear(128, 2)), sigma_b=0.2)
    assert rows["0.shortcut.weight"] == ("hidden", pytest.approx(math.sqrt(TANH.q - 0.04) / 8))
    assert rows["0.second.weight"] == ("branch", pytest.approx(math.sqrt(TANH.q / TANH.power / 128)))


@pytest.mark.parametrize(("scale", "larger"), [(2.0, 0.5), (0.1, 2.0), (0.0, 2.0)])
def test_scaled_branches_add_no_more_and_stay_small_where_the_model_wants_it(scale, larger):
    def stack(scale: float) -> nn.Sequential:
        return nn.Sequential(nn.Linear(9, 9), nn.ReLU(), *(Residual(9, scale) for _ in range(4)), nn.Linear(9, 1))

    plain, scaled = stack(1.0), stack(scale)
    initialize_(plain, generator=seeded())
    initialize_(scaled, generator=seeded())
    assert torch.allclose(scaled[2].second.weight, larger * plain[2].second.weight)


def test_a_scaling_before_the_activation_is_allowed_for_and_one_of_queries_is_kept():
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.queries, self.keys, self.values = (nn.Linear(64, 64) for _ in range(3))
            self.up, self.head = nn.Linear(64, 64), nn.Linear(64, 1)

        def forward(self, x):
            weights = torch.softmax((self.queries(x) * 0.125) @ self.keys(x).transpose(-1, -2), -1)
            return self.head(torch.tanh((0.1 * self.up(weights @ self.values(x))).view(-1, 64)))

    _, rows = checked(Scaled(), sigma_b=0.2)
    assert rows["queries.weight"] == rows["keys.weight"] == ("linear", pytest.approx(1 / 8))
    assert rows["up.weight"] == ("hidden", pytest.approx(10.0 * math.sqrt((TANH.q - 0.04) / 64)))
    assert rows["up.bias"] == ("hidden", pytest.approx(2.0))


def test_layers_that_are_summed_share_the_variance():
    class Sum(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b, self.head = nn.Linear(50, 100), nn.Linear(50, 100), nn.Linear(100, 2)

        def forward(self, x, y):
            return self.head(torch.tanh(self.a(x) + self.b(y)))

    _, rows = checked(Sum(), sigma_b=0.2)
    for name in ("a", "b"):
        assert rows[f"{name}.weight"] == ("hidden", pytest.approx(math.sqrt((TANH.q - 0.04) / 2 / 50)))
        assert rows[f"{name}.bias"] == ("hidden", pytest.approx(0.2 / math.sqrt(2)))
    assert rows["head.weight"] == ("head", pytest.approx(1.0 / math.sqrt(100 * TANH.power)))


def test_gates_keep_the_power():
    class Gated(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gate, self.up, self.down = nn.Linear(64, 256), nn.Linear(64, 256), nn.Linear(256, 8)

        def forward(self, x):
            return self.down(functional.silu(self.gate(x)) * self.up(x))

    _, rows = checked(Gated())
    silu = eoc.moments(eoc.activation("silu"), 1.0, ("V",))["V"].value
    assert rows["gate.weight"] == ("gate", pytest.approx(1 / 8))
    assert rows["up.weight"] == ("gate", pytest.approx(1 / 8))
    assert rows["down.weight"] == ("head", pytest.approx((256 * silu) ** -0.5))


def test_a_sigmoid_at_the_end_belongs_to_the_output():
    model = nn.Sequential(nn.Linear(50, 100), nn.ReLU(), nn.Linear(100, 2), nn.Sigmoid())
    _, rows = checked(model, output_variance=0.01)
    assert rows["2.weight"] == ("head", pytest.approx(0.1 * math.sqrt(2 / 100)))


def test_the_head_can_be_drawn_like_the_layers_before():
    _, rows = checked(mlp(), sigma_b=0.2, output_variance=None)
    assert rows["6.weight"] == ("head", pytest.approx(TANH.sigma_w / math.sqrt(300)))
    assert rows["6.bias"] == ("head", 0.2)


@pytest.mark.parametrize(
    ("activation", "sigma_w", "sigma_b"),
    [(nn.Tanh, 2.0, 0.5), (nn.ReLU, 1.0, 0.0), (nn.ReLU, 1.6, 0.0), (nn.Tanh, 1.0, 0.0)],
)
def test_off_the_edge_hidden_layers_have_exactly_these_sigmas(activation, sigma_w, sigma_b):
    _, rows = checked(mlp(activation), sigma_w=sigma_w, sigma_b=sigma_b)
    assert rows["2.weight"] == rows["4.weight"] == ("hidden", pytest.approx(sigma_w / math.sqrt(300), rel=1e-9))
    assert rows["2.bias"] == ("hidden", sigma_b)


# --- methods, types and generators ------------------------------------------------------------------------------------


def test_orthogonal_layers_have_the_same_scale():
    model = nn.Sequential(nn.Conv2d(8, 16, 3), nn.Tanh(), nn.Flatten(), nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 4))
    initialize_(model, sigma_b=0.2, weights="orthogonal", generator=seeded())
    kernel, matrix = model[0].weight[:, :, 1, 1], model[3].weight
    assert torch.allclose(kernel.T @ kernel, (TANH.q - 0.04) * 2.0 * torch.eye(8), atol=1e-5)
    assert torch.allclose(matrix @ matrix.T, TANH.sigma_w**2 * torch.eye(32), atol=1e-5)


def test_transposed_convolutions_count_the_taps_that_meet():
    model = nn.Sequential(nn.ConvTranspose2d(64, 32, 4, stride=2), nn.ReLU(), nn.Conv2d(32, 3, 1))
    _, rows = checked(model, weights="gaussian")
    assert rows["0.weight"] == ("hidden", pytest.approx((64 * 16 / 4) ** -0.5))
    report = initialize_(model, weights="orthogonal", generator=seeded())
    assert report.rows[0].method == "normal"


@pytest.mark.parametrize("build", [mlp, resnet, Language])
def test_the_same_generator_gives_identical_weights(build):
    models = [build() for _ in range(3)]
    for model, seed in zip(models, (5, 5, 6), strict=True):
        initialize_(model, generator=seeded(seed))
    first, again, other = (torch.cat([p.flatten() for p in model.parameters()]) for model in models)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    torch.manual_seed(5)
    initialize_(models[2])
    assert torch.equal(first, torch.cat([p.flatten() for p in models[2].parameters()]))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_rounded_single_precision(dtype):
    single, half = mlp(), mlp().to(dtype)
    initialize_(single, generator=seeded())
    initialize_(half, generator=seeded())
    assert all(torch.equal(a.to(dtype), b) for a, b in zip(single.parameters(), half.parameters(), strict=True))


def test_frozen_tied_and_shared_weights():
    shared = nn.Linear(64, 64)
    model = nn.Sequential(nn.Linear(64, 64), nn.Tanh(), shared, nn.Tanh(), shared, nn.Tanh(), nn.Linear(64, 64))
    model[6].weight = model[0].weight
    nn.init.constant_(model[2].weight, 0.01)
    shared.weight.requires_grad_(False)
    report, rows = checked(model, sigma_b=0.2)
    notes = {row.parameter: row.note for row in report.left}
    assert notes == {
        "2.weight": "frozen: it is not trained",
        "4.weight": "tied to 2.weight",
        "4.bias": "tied to 2.bias",
        "6.weight": "tied to 0.weight",
    }
    assert rows["2.bias"] == ("hidden", 0.2)


# --- what cannot be traced, or not be done ----------------------------------------------------------------------------


def test_a_model_that_cannot_be_traced_is_taken_in_module_order():
    report, rows = checked(Untraceable(), activation="relu", residual="d*wn")
    assert rows["up.weight"][0] == "hidden"
    assert rows["down.weight"] == ("branch", pytest.approx((100 * 1.0) ** -0.5))  # keeps the power, of one branch
    assert any("not traced" in note for note in report.notes)


def test_no_activation_is_filled_in_after_a_layer_that_ends_a_branch():
    report, _ = checked(Untraceable(activation=False), activation="relu", residual="down")
    rows = {row.parameter: row for row in report.rows}
    assert rows["down.weight"].activation == ""
    assert rows["head.weight"].power == pytest.approx(rows["down.weight"].power)


def test_a_layer_without_a_visible_activation_needs_one_named():
    model = Untraceable(activation=False)
    with pytest.raises(EocError, match="activation="):
        initialize_(model)
    report = initialize_(model, "relu")
    assert {row.activation for row in report.rows if row.rule == "hidden" and row.fan_in} == {"relu"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"activation": "tanhh"}, "tanh"),
        ({"sigma_b": 3.0, "sigma_w": 0.1, "q": -1.0}, "q"),
        ({"weights": "ortogonal"}, "orthogonal"),
        ({"input_variance": 0.0}, "input_variance"),
        ({"output_variance": math.inf}, "output_variance"),
        ({"residual": "block*"}, "residual"),
        ({"residual": 5}, "a pattern .* or a list of them; got 5"),
        ({"residual": [3]}, r"a list of them; got \[3\]"),
        ({"residual": None}, "a list of them; got None"),
        ({"weights": None}, "'orthogonal'; got None"),
        ({"generator": 3}, "manual_seed"),
    ],
)
def test_bad_arguments_leave_the_model_as_it_is(options, message):
    model = mlp()
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(EocError, match=message):
        initialize_(model, **options)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_an_activation_without_a_point_is_named_with_its_layer_before_anything_is_written():
    phi = (nn.Tanh(), nn.Hardshrink(), nn.Tanh())
    model = nn.Sequential(*(part for one in phi for part in (nn.Linear(8, 8), one)), nn.Linear(8, 1))
    before = model[0].weight.detach().clone()
    with pytest.raises(EocError, match=r"layer '2': hardshrink jumps"):
        initialize_(model)
    assert torch.equal(model[0].weight, before)


def expanded() -> nn.Parameter:
    return nn.Parameter(torch.zeros(1, 8).expand(8, 8))


def inferred() -> nn.Parameter:
    with torch.inference_mode():
        return nn.Parameter(torch.zeros(8, 8))


def frozen() -> nn.Parameter:
    return nn.Parameter(torch.full((8, 8), math.nan), requires_grad=False)


@pytest.mark.parametrize(
    ("weight", "message"), [(expanded, "2.weight is exp"), (inferred, "2.weight was"), (frozen, "2.weight is frozen")]
)
def test_weights_that_cannot_be_written_or_are_no_numbers_are_found_before_any_is_changed(weight, message):
    model = nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 1))
    before = model[0].weight.detach().clone()
    model[2].weight = weight()
    with pytest.raises(EocError, match=message):
        initialize_(model)
    assert torch.equal(model[0].weight, before)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (nn.Sequential(nn.Linear(3, 3, device="meta"), nn.ReLU(), nn.Linear(3, 3)), "to_empty"),
        (nn.Sequential(nn.LazyLinear(3), nn.ReLU()), "run one batch"),
        (nn.Sequential(nn.ReLU()), "no linear, convolutional or recurrent layer"),
        (torch.empty(3, 3), "torch.nn.Module"),
    ],
)
def test_models_that_cannot_be_initialised_are_refused(model, message):
    with pytest.raises(EocError, match=message):
        initialize_(model)


def test_the_report_can_be_read():
    text = str(initialize_(resnet(), generator=seeded()))
    for part in ("normalised", "3.bn2.weight", "branch", "takes in", "26 set, 0 left"):
        assert part in text
    assert "pooling" in text


def test_the_report_has_the_points_and_the_rules_that_were_used():
    model = nn.Sequential(nn.Linear(5, 5), nn.Tanh(), nn.Linear(5, 1))
    assert "tanh: sigma_w = 1.30415, sigma_b = 0.2, q = 0.512079, on the edge" in str(initialize_(model, sigma_b=0.2))
    text = str(initialize_(model, sigma_w=1.0, sigma_b=1.0))
    assert "off the edge of chaos: chi_1 = 0.3989" in text
    assert "trunk" not in text


def test_numbers_are_numbers():
    model = nn.Sequential(nn.Linear(5, 5), nn.Tanh(), nn.Linear(5, 1))
    assert initialize_(model, sigma_b=np.array(0.2)).points == initialize_(model, sigma_b=0.2).points
    for given in ({"sigma_w": "1.3", "sigma_b": "0.2"}, {"sigma_b": True}, {"q": [1.0, 2.0]}):
        with pytest.raises(EocError, match="must be"):
            initialize_(model, **given)
    with pytest.raises(EocError, match=r"make one of it, Linear\(\.\.\.\)"):
        initialize_(nn.Linear)


def test_long_notes_and_names_do_not_make_the_table_wide():
    phi = (nn.LeakyReLU(0.123456789), nn.GELU(), nn.GELU())
    layers = [part for one in phi for part in (nn.Linear(5, 5, bias=False), one)]
    report = initialize_(nn.Sequential(*layers, nn.utils.parametrizations.spectral_norm(nn.Linear(5, 1))))
    table = str(report).split("\n\n")[2].splitlines()
    assert max(map(len, table)) <= 112
    assert any(line.endswith("  (1)") for line in table)
    assert "\n(1) has no bias" in str(report)
    assert "1 of 4 layers were left as they are: they are not on the edge of chaos" in report.notes


def test_the_report_says_what_becomes_of_single_parameters():
    class Vision(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.start, self.places = nn.Parameter(torch.zeros(1, 1, 8)), nn.Parameter(torch.zeros(4, 8))
            self.layer = nn.Linear(8, 2)

        def forward(self, x):
            return self.layer(torch.cat([self.start.expand(x.shape[0], -1, -1), x], 1) + self.places)

    left = {row.parameter: row.note for row in initialize_(Vision(), generator=seeded()).left}
    assert left == {"start": "stands beside a signal", "places": "is added to a signal"}
