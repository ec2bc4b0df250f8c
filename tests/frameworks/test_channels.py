"""Modules and layers whose parameters differ by channel: mixtures, and one activation where they do not."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import eoc
from eoc.cli import main
from eoc.errors import EocError
from eoc.initializers.torch import initialize_
from eoc.layers import understood

BETAS = [0.5, 1.0, 1.0, 2.0]


class Swish(nn.Module):
    """With beta for each channel, the second axis."""

    def __init__(self, betas):
        super().__init__()
        self.beta = nn.Parameter(torch.tensor(betas))

    def forward(self, x):
        return x * torch.sigmoid(self.beta.view(1, -1, *[1] * (x.dim() - 2)) * x)


class Snake(nn.Module):
    """For signals (batch, channel, time)."""

    def __init__(self, a):
        super().__init__()
        self.register_buffer("a", torch.tensor(a))

    def forward(self, x):
        return x + torch.sin(self.a[None, :, None] * x) ** 2 / self.a[None, :, None]


class Rational(nn.Module):
    """A row of coefficients for each channel, the last axis; or the same for all, with one row."""

    def __init__(self, above, below):
        super().__init__()
        self.above, self.below = nn.Parameter(torch.tensor(above)), nn.Parameter(torch.tensor(below))

    def forward(self, x):
        p, q = self.above.T, self.below.T
        return (p[0] + p[1] * x + p[2] * x * x) / (1.0 + (q[0] * x) ** 2)


class Era(nn.Module):
    """One for all channels: its six numbers are no channels."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.tensor([0.5, 3.5, 0.25, -51.5, 0.0, 3.75]))

    def forward(self, x):
        a, b, c, d, e, f = self.w
        return a * x + b + (c * x + d) / ((x - e) ** 2 + f**2 + 2.0**-20)


ROWS = [[0.5, 1.0, 0.25], [0.0, 0.5, -0.25], [0.25, 1.5, 0.0]]


def shares_of(network):
    return tuple(number({}) for number in network.series[0].numbers.values())


def test_swish_with_a_beta_for_each_channel():
    found = understood(Swish(BETAS))
    x = np.linspace(-3.0, 3.0, 13)
    assert [phi(x) for phi in found.activations()] == [
        pytest.approx(eoc.activation("silu", beta=beta)(x), rel=1e-14) for beta in (0.5, 1.0, 2.0)
    ]
    assert shares_of(found) == (0.25, 0.5, 0.25)
    q = np.array([0.3, 2.0])
    true = np.mean([eoc.moments(f"silu(beta={beta})", q, ("V",))["V"].value for beta in BETAS], axis=0)
    np.testing.assert_allclose(eoc.VarianceMap(Swish(BETAS), 1.0)(q), true, rtol=1e-13)


@pytest.mark.parametrize(
    ("module", "count"),
    [
        (Snake([0.5, 0.5, 1.5]), 2),
        (Rational(ROWS, [[0.5], [1.0], [0.25]]), 3),
        (nn.Sequential(nn.Tanh(), Swish(BETAS)), 3),
    ],
)
def test_channels_are_cut_out_of_any_module(module, count):
    found = understood(module)
    assert len(found.activations()) == count
    x = np.linspace(-2.0, 2.0, 7)
    shape = (7, 1, 1) if isinstance(module, Snake) else (7, 1)
    channels = 4 if isinstance(module, nn.Sequential) else 3
    spread = np.broadcast_to(x.reshape(shape), (7, channels, *shape[2:]))
    with torch.no_grad():
        values = module.double()(torch.tensor(spread.copy())).numpy().reshape(7, channels)
    for column in values.T:
        assert any(np.allclose(phi(x), column, rtol=1e-7, atol=1e-7) for phi in found.activations())


@pytest.mark.parametrize("module", [Swish([1.5] * 3), Snake([0.75, 0.75]), Rational(ROWS[:1] * 2, [[0.5]] * 2)])
def test_channels_that_are_alike_are_one_activation(module):
    found = understood(module)
    assert found.phi is not None
    assert eoc.activation(module) is found.phi


def test_numbers_of_one_function_are_no_channels():
    phi = understood(Era()).phi
    assert phi is not None
    x = np.linspace(-3.0, 3.0, 7)
    with torch.no_grad():
        np.testing.assert_allclose(phi(x), Era().double()(torch.tensor(x)).numpy(), rtol=1e-13)
    assert eoc.activation(Rational(ROWS[0], [0.5])).name.startswith("(")


def test_prelu_with_many_slopes_is_exact_with_two():
    layer, slopes = nn.PReLU(64), np.random.default_rng(0).uniform(-0.2, 0.6, 64)
    layer.weight.data = torch.tensor(slopes)
    found = understood(layer)
    assert len(found.activations()) == 2
    f = eoc.CorrelationMap(layer, 1.2, 0.1, q=1.0)
    k = np.mean([eoc.bivariate(f"leaky_relu(slope={s})", 1.0, 0.3, ("K",))["K"].value for s in slopes])
    assert f(0.3) == pytest.approx((0.01 + 1.44 * k) / f.next_q, rel=1e-12)
    he = eoc.edge_of_chaos(layer).best
    assert he.sigma_w == pytest.approx((2.0 / (1.0 + np.mean(slopes**2))) ** 0.5, rel=1e-12)
    assert understood(nn.PReLU(3)).phi is eoc.activation("leaky_relu(slope=0.25)")


def test_several_are_not_taken_for_one():
    with pytest.raises(EocError, match=r"several activations.*as a mixture"):
        eoc.activation(Swish(BETAS))


def test_a_module_in_a_file_is_taken_by_commands(tmp_path, monkeypatch, capsys):
    (tmp_path / "own.py").write_text(
        "import torch\nlayer = torch.nn.PReLU(2)\nlayer.weight.data = torch.tensor([0.0, 0.5])\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["eoc", "phase", "own.py:layer", "--sigma-w", "1.2", "--sigma-b", "0.1"])
    with pytest.raises(SystemExit):
        main()
    assert "mixture(relu, leaky_relu(slope=0.5)), dense at sigma_w = 1.2" in capsys.readouterr().out


def test_modules_of_flax():
    nnx = pytest.importorskip("flax.nnx")
    jax = pytest.importorskip("jax")

    class Own(nnx.Module):
        def __init__(self, betas):
            self.beta = nnx.Param(jax.numpy.array(betas))

        def __call__(self, x):
            return x * jax.nn.sigmoid(self.beta[...] * x)

    found = understood(Own(BETAS))
    assert shares_of(found) == (0.25, 0.5, 0.25)
    assert found.activations()[1] is eoc.activation("silu")


def test_layers_of_keras():
    keras = pytest.importorskip("keras")
    layer = keras.layers.PReLU()
    layer.build((None, 4))
    layer.set_weights([np.array([0.0, 0.5, 0.0, 0.5])])
    assert understood(layer).activations() == understood("mixture(relu, leaky_relu(slope=0.5)), dense").activations()

    class Own(keras.layers.Layer):
        def build(self, shape):
            self.beta = self.add_weight(shape=(shape[-1],), initializer="ones", name="beta")

        def call(self, x):
            return x * keras.ops.sigmoid(self.beta * x)

    own = Own()
    own.build((None, 4))
    assert eoc.activation(own) is eoc.activation("silu")
    own.set_weights([np.array(BETAS)])
    assert shares_of(understood(own)) == (0.25, 0.5, 0.25)


class Adaptive(nn.Module):
    """tanh(exp(a) x), a of every channel."""

    def __init__(self, a):
        super().__init__()
        self.a = nn.Parameter(a)

    def forward(self, x):
        return torch.tanh(self.a.exp() * x)


def test_a_layer_before_channels_that_differ_is_drawn_at_the_point_of_all_of_them():
    a = torch.tensor([0.0, 0.25, 0.5, 1.0]).repeat(64)
    parts = [part for _ in range(3) for part in (nn.Linear(256, 256), Adaptive(a))]
    model = nn.Sequential(*parts, nn.Linear(256, 256))
    expected = eoc.edge_of_chaos(eoc.mixture([f"tanh({float(each)!r}*x)" for each in a[:4].exp()]), sigma_b=0.1).best
    (point,) = initialize_(model, sigma_b=0.1, seed=0).points
    assert np.allclose((point.sigma_w, point.sigma_b, point.q), (expected.sigma_w, 0.1, expected.q), rtol=1e-6)
    x = torch.randn(512, 256, generator=torch.Generator().manual_seed(0))
    assert model(x).square().mean().item() == pytest.approx(1.0, rel=0.1)


def test_many_channels_that_differ_keep_the_power():
    a = torch.randn(512, generator=torch.Generator().manual_seed(0))
    model = nn.Sequential(
        nn.Linear(64, 512), Adaptive(a), nn.Linear(512, 512), Adaptive(a.flip(0)), nn.Linear(512, 256)
    )
    initialize_(model, seed=0)
    x = torch.randn(512, 64, generator=torch.Generator().manual_seed(0))
    assert model(x).square().mean().item() == pytest.approx(1.0, rel=0.1)
