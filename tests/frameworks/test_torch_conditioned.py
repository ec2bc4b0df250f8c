"""initialize_ on models whose sums and products are no residual branches, or branches with gates."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from eoc.errors import EocError
from eoc.initializers.torch import Report, initialize_
from eoc.operating_point import operating_point


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def rules(report: Report) -> dict[str, str]:
    return {row.parameter.removesuffix(".weight"): str(row.rule) for row in report.rows if "weight" in row.parameter}


def stds(report: Report) -> dict[str, float | None]:
    return {row.parameter: row.std for row in report.rows}


# --- conditioning -----------------------------------------------------------------------------------------------------


class Conditioned(nn.Module):
    """relu(f(x) + g(c)) in every layer, or the other way round."""

    def __init__(self, first: str, width: int = 200, depth: int = 6) -> None:
        super().__init__()
        self.stem, self.first = nn.Linear(20, width), first
        self.f = nn.ModuleList(nn.Linear(width, width) for _ in range(depth))
        self.g = nn.ModuleList(nn.Linear(10, width) for _ in range(depth))

    def forward(self, x, c):
        x = torch.relu(self.stem(x))
        for f, g in zip(self.f, self.g, strict=True):
            h = f(x) + g(c) if self.first == "x" else g(c) + f(x)
            x = torch.relu(h)
        return h


@pytest.mark.parametrize("first", ["x", "c"])
def test_what_a_conditioning_signal_adds_is_no_trunk(first):
    model = Conditioned(first)
    assert "branch" not in rules(initialize_(model, generator=seeded())).values()
    with torch.no_grad():
        h = model(torch.randn(50, 20, generator=seeded(1)), torch.randn(50, 10, generator=seeded(2)))
    assert float(h.square().mean()) == pytest.approx(operating_point("relu").q, rel=0.4)


class Film(nn.Module):
    def __init__(self, depth: int = 3) -> None:
        super().__init__()
        self.stem, self.head = nn.Linear(8, 16), nn.Linear(16, 1)
        self.f = nn.ModuleList(nn.Linear(16, 16) for _ in range(depth))
        self.g = nn.ModuleList(nn.Linear(4, 32) for _ in range(depth))

    def forward(self, x, c):
        x = self.stem(x)
        for f, g in zip(self.f, self.g, strict=True):
            scale, shift = g(c).chunk(2, -1)
            x = torch.relu(f(x) * (1 + scale) + shift)
        return self.head(x)


def test_scales_and_shifts_by_a_conditioning_signal_are_no_trunk():
    assert set(rules(initialize_(Film(), generator=seeded())).values()) == {"gate", "linear", "head"}


class Diffusion(nn.Module):
    """The first blocks of a diffusion U-Net."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.GroupNorm(2, inputs), nn.GroupNorm(2, outputs)
        self.conv1, self.conv2 = nn.Conv2d(inputs, outputs, 3), nn.Conv2d(outputs, outputs, 1)
        self.time = nn.Linear(16, outputs)
        self.skip = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1)

    def forward(self, x, t):
        h = self.conv1(functional.silu(self.norm1(x)))
        h = h + self.time(functional.silu(t))[:, :, None, None]
        return self.skip(x[:, :, 1:-1, 1:-1]) + self.conv2(functional.silu(self.norm2(h)))


class Unet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 1)
        self.embed = nn.Sequential(nn.Linear(4, 16), nn.SiLU(), nn.Linear(16, 16))
        self.blocks = nn.ModuleList([Diffusion(8, 8), Diffusion(8, 12), Diffusion(12, 12)])
        self.head = nn.Conv2d(12, 3, 1)

    def forward(self, x, t):
        x, t = self.stem(x), self.embed(t)
        for block in self.blocks:
            x = block(x, t)
        return self.head(x)


def test_branches_with_a_time_embedding_are_branches_and_the_embedding_is_no_trunk():
    found = rules(initialize_(Unet(), generator=seeded()))
    assert {name for name, rule in found.items() if rule == "branch"} == {f"blocks.{at}.conv2" for at in range(3)}
    assert {found[f"blocks.{at}.{part}"] for at in range(3) for part in ("conv1", "time")} == {"normalised"}


class Modulated(nn.Module):
    """A block of a diffusion transformer, without attention."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm, self.modulation = nn.LayerNorm(width, elementwise_affine=False), nn.Linear(width, 3 * width)
        self.up, self.down = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, x, c):
        shift, scale, gate = self.modulation(functional.silu(c)).chunk(3, -1)
        return x + gate * self.down(functional.gelu(self.up(self.norm(x) * (1 + scale) + shift)))


class Diffuser(nn.Module):
    def __init__(self, width: int = 100, depth: int = 8) -> None:
        super().__init__()
        self.stem, self.condition = nn.Linear(20, width), nn.Linear(10, width)
        self.blocks = nn.ModuleList(Modulated(width) for _ in range(depth))

    def forward(self, x, c):
        first, c = self.stem(x), self.condition(c)
        x = first
        for block in self.blocks:
            x = block(x, c)
        return first, x


def test_gated_branches_are_scaled_by_their_own_last_layer_and_the_trunk_grows_by_less_than_e():
    model = Diffuser()
    found = rules(initialize_(model, generator=seeded()))
    assert {name for name, rule in found.items() if rule == "branch"} == {f"blocks.{at}.down" for at in range(8)}
    with torch.no_grad():
        first, last = model(torch.randn(50, 20, generator=seeded(1)), torch.randn(50, 10, generator=seeded(2)))
    # The gates come from small pre-activations, q = 0.05, and scale their branches down themselves.
    assert 1.0 < float(last.square().mean() / first.square().mean()) < math.e * 1.3


# --- layers and weights that are used again ---------------------------------------------------------------------------


class Repeated(nn.Module):
    def __init__(self, activation, times: int = 20, width: int = 300) -> None:
        super().__init__()
        self.layer, self.head, self.activation, self.times = (
            nn.Linear(width, width),
            nn.Linear(width, 1),
            activation,
            times,
        )

    def forward(self, x):
        for _ in range(self.times):
            x = self.activation(self.layer(x))
        return self.head(x)


@pytest.mark.parametrize(("phi", "name"), [(torch.tanh, "tanh"), (functional.gelu, "gelu"), (torch.relu, "relu")])
def test_a_layer_that_is_used_again_and_again_has_the_sigmas_of_its_point(phi, name):
    report = initialize_(Repeated(phi), generator=seeded())
    sigma_w = operating_point(name, depth=report.depth).sigma_w
    assert stds(report)["layer.weight"] == pytest.approx(sigma_w / math.sqrt(300))
    assert report.rows[0].note == "used 20 times, one after the other"


def test_an_encoder_that_is_used_twice_side_by_side_is_drawn_for_its_inputs():
    class Twins(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder, self.head = nn.Sequential(nn.Linear(25, 10), nn.Tanh()), nn.Linear(10, 1)

        def forward(self, x, y):
            return self.head(self.encoder(x) - self.encoder(y))

    report = initialize_(Twins(), generator=seeded())
    assert stds(report)["encoder.0.weight"] == pytest.approx(1.0 / 5.0)
    assert report.rows[0].note == ""


def test_positions_that_are_added_to_a_tied_embedding_have_its_variance():
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.tokens, self.positions, self.kinds = (nn.Embedding(30, 16) for _ in range(3))
            self.other = nn.Embedding(30, 16)
            self.norm, self.head = nn.LayerNorm(16), nn.Linear(16, 30, bias=False)
            self.head.weight = self.tokens.weight

        def forward(self, x):
            places = torch.arange(x.shape[1])
            x = self.tokens(x) + self.positions(places).unsqueeze(0) + self.kinds(x)
            return self.head(self.norm(x)), self.other(places)

    found = stds(initialize_(Tied(), generator=seeded()))
    assert [found[f"{name}.weight"] for name in ("tokens", "positions", "kinds", "other")] == [0.25, 0.25, 0.25, 1.0]


# --- products, shifts and zeros ---------------------------------------------------------------------------------------


class Variational(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.mean, self.log = nn.Linear(20, 50), nn.Linear(50, 8), nn.Linear(50, 8)
        self.decoder, self.head = nn.Linear(8, 50), nn.Linear(50, 20)

    def forward(self, x):
        h = torch.relu(self.encoder(x))
        mean, log = self.mean(h), self.log(h)
        z = mean + torch.exp(0.5 * log) * torch.randn_like(mean)
        return self.head(torch.relu(self.decoder(z)))


def test_what_noise_multiplies_has_variance_1():
    report = initialize_(Variational(), generator=seeded())
    assert rules(report)["log"] == "gate"
    assert stds(report)["log.weight"] == pytest.approx((0.5 * 50) ** -0.5)
    spread = 0.5 + math.exp(0.5)  # E[mean^2] + E[exp(log)], of variances 1/2 and 1
    assert next(row.power for row in report.rows if row.parameter == "decoder.weight") == pytest.approx(
        spread, rel=0.01
    )


def test_a_shift_is_no_activation():
    class Shifted(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Linear(30, 40), nn.Linear(40, 5)

        def forward(self, x):
            return self.b(3 * self.a(x) - 1)

    report = initialize_(Shifted(), generator=seeded())
    assert rules(report) == {"a": "linear", "b": "head"}
    assert stds(report)["b.weight"] == pytest.approx((40 * 10) ** -0.5)  # 3^2 + 1


def test_functions_and_modules_of_gates_are_drawn_alike():
    class Gate(nn.Module):
        def __init__(self, gate) -> None:
            super().__init__()
            self.a, self.b, self.gate = nn.Linear(20, 40), nn.Linear(20, 3), gate

        def forward(self, x):
            return self.b(self.gate(self.a(x)))

    function, module = (initialize_(Gate(gate), generator=seeded()) for gate in (functional.glu, nn.GLU()))
    assert function.rows == module.rows
    assert rules(function)["a"] == "gate"


@pytest.mark.parametrize("alpha", [torch.tensor(0.0), torch.zeros(60)], ids=["ReZero", "LayerScale"])
def test_branches_that_begin_at_zero_are_followed(alpha):
    class Zero(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.up, self.down, self.head = nn.Linear(60, 60), nn.Linear(60, 60), nn.Linear(60, 2)
            self.alpha = nn.Parameter(alpha)

        def forward(self, x):
            return self.head(x + self.alpha * self.down(torch.relu(self.up(x))))

    report = initialize_(Zero(), generator=seeded())
    assert rules(report) == {"up": "hidden", "down": "branch", "head": "head"}
    assert next(row.power for row in report.rows if row.parameter == "head.weight") == 1.0
    assert report.left[0].note == "scales a signal"


# --- points of single activations -------------------------------------------------------------------------------------


def plain(*activations: nn.Module) -> nn.Sequential:
    return nn.Sequential(*(m for phi in activations for m in (nn.Linear(40, 40), phi)), nn.Linear(40, 1))


def test_an_activation_without_a_point_gets_one_and_the_others_keep_theirs():
    model = plain(nn.Tanh(), nn.Softplus(), nn.Softplus())
    with pytest.raises(EocError, match=r"layer '2': softplus .* points=\{'softplus': \{'sigma_w'"):
        initialize_(model, sigma_b=0.2)
    report = initialize_(model, points={"softplus": {"sigma_w": 0.7, "sigma_b": 0.3}}, sigma_b=0.2, generator=seeded())
    assert stds(report)["4.weight"] == pytest.approx(0.7 / math.sqrt(40))
    assert stds(report)["4.bias"] == 0.3
    assert stds(report)["0.bias"] == 0.2


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ({"softpluss": {"sigma_w": 1.0, "sigma_b": 0.0}}, "did you mean 'softplus'"),
        ({"softplus": {"sigma": 1.0}}, "did you mean 'sigma_"),
        ({"softplus": 1.0}, "points must say"),
        ([1.0], "points must say"),
    ],
)
def test_points_that_are_not_understood_are_refused(points, message):
    with pytest.raises(EocError, match=message):
        initialize_(plain(nn.Softplus()), points=points)
