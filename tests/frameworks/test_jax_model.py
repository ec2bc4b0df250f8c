"""Whole models of Flax, Equinox and plain JAX, initialised."""

from __future__ import annotations

from importlib.util import find_spec
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from flax import linen, nnx

from eoc.errors import EocError, InitializationWarning
from eoc.initializers.jax import initialize
from eoc.initializers.torch import initialize_
from eoc.operating_point import operating_point

KEY = jax.random.key(0)


class Mlp(linen.Module):
    widths: tuple[int, ...]

    @linen.compact
    def __call__(self, x):
        for at, width in enumerate(self.widths[:-1]):
            x = jnp.tanh(linen.Dense(width, name=f"layer{at}")(x))
        return linen.Dense(self.widths[-1], name="head")(x)


class Cnn(linen.Module):
    @linen.compact
    def __call__(self, x, train=False):
        x = linen.Conv(16, (3, 3), name="conv")(x)
        x = linen.relu(linen.BatchNorm(use_running_average=not train, name="norm")(x))
        x = linen.relu(linen.Conv(32, (4, 4), padding="VALID", feature_group_count=2, name="grouped")(x))
        return linen.Dense(10, name="head")(x.reshape(len(x), -1))


def torch_mlp(widths, inputs):
    sizes = [inputs, *widths]
    layers = [torch.nn.Linear(a, b) for a, b in pairwise(sizes)]
    return torch.nn.Sequential(*(each for layer in layers for each in (layer, torch.nn.Tanh())))[:-1]


class TorchCnn(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.norm = torch.nn.Conv2d(3, 16, 3, padding=1), torch.nn.BatchNorm2d(16)
        self.grouped = torch.nn.Conv2d(16, 32, 4, groups=2)
        self.head = torch.nn.Linear(32, 10)

    def forward(self, x):
        x = torch.relu(self.norm(self.conv(x)))
        return self.head(torch.relu(self.grouped(x)).flatten(1))


def test_one_seed_gives_the_weights_of_torch():
    model = torch_mlp((32, 24, 5), 12)
    initialize_(model, sigma_b=0.2, seed=7)
    found, report = initialize(Mlp((32, 24, 5)), KEY, jnp.ones((1, 12)), sigma_b=0.2, seed=7)
    assert len(report.set) == 6
    for name, layer in zip(("layer0", "layer1", "head"), model[::2], strict=True):
        ours = found["params"][name]
        np.testing.assert_array_equal(ours["kernel"], layer.weight.detach().numpy().T)
        np.testing.assert_array_equal(ours["bias"], layer.bias.detach().numpy())


def test_one_seed_gives_the_convolutions_of_torch():
    model = TorchCnn()
    expected = initialize_(model, seed=3, example_inputs=torch.ones(2, 3, 4, 4))
    found, report = initialize(Cnn(), KEY, {"x": jnp.ones((2, 4, 4, 3)), "train": True}, seed=3)
    assert sorted(row.rule for row in report.rows) == sorted(row.rule for row in expected.rows)
    for name in ("conv", "grouped"):
        kernel = np.transpose(found["params"][name]["kernel"], (3, 2, 0, 1))
        np.testing.assert_array_equal(kernel, getattr(model, name).weight.detach().numpy())
    np.testing.assert_array_equal(found["params"]["head"]["kernel"], model.head.weight.detach().numpy().T)
    assert set(found) == {"params", "batch_stats"}


def test_orthogonal_weights_are_those_of_torch_too():
    model = torch_mlp((32, 24, 5), 12)
    initialize_(model, weights="orthogonal", seed=7)
    found, _ = initialize(Mlp((32, 24, 5)), KEY, jnp.ones((1, 12)), weights="orthogonal", seed=7)
    kernel = np.asarray(found["params"]["layer1"]["kernel"])
    np.testing.assert_array_equal(kernel, model[2].weight.detach().numpy().T)
    gram = kernel.T @ kernel
    np.testing.assert_allclose(gram, gram[0, 0] * np.eye(24), atol=1e-5)


def test_a_deep_network_keeps_its_variance_and_its_gradients():
    depth, width = 50, 256
    model = Mlp((width,) * depth + (10,))
    x = jax.random.normal(jax.random.key(1), (32, 64))
    found, report = initialize(model, KEY, x, sigma_b=0.2, weights="gaussian")
    q = operating_point("tanh", sigma_b=0.2).q
    assert all(row.is_set for row in report.rows)

    seen = model.apply(found, x, capture_intermediates=True)[1]["intermediates"]
    for at in (0, 10, 25, 49):  # pre-activations: 32 x 256 numbers, but at most 10 inputs worth of them are independent
        variance = float(jnp.mean(seen[f"layer{at}"]["__call__"][0] ** 2))
        assert variance == pytest.approx(q, rel=0.35)
    gradient = jax.grad(lambda v: jnp.sum(model.apply(v, x) * jax.random.normal(KEY, (32, 10))))(found)["params"]
    first, last = (float(jnp.linalg.norm(gradient[name]["kernel"])) for name in ("layer1", "layer49"))
    assert 0.2 < first / last < 5.0


def test_residual_transformers_are_set_as_a_whole():
    class Transformer(linen.Module):
        @linen.compact
        def __call__(self, tokens):
            x = linen.Embed(17, 32)(tokens) + self.param("positions", linen.initializers.normal(0.002), (6, 32))
            for _ in range(3):
                h = linen.LayerNorm()(x)
                x = x + linen.MultiHeadDotProductAttention(4)(h)
                h = linen.gelu(linen.Dense(64)(linen.LayerNorm()(x)))
                x = x + linen.Dense(32)(h)
            return linen.Dense(17)(linen.LayerNorm()(x))

    tokens = jnp.ones((2, 6), jnp.int32)
    variables = Transformer().init(KEY, tokens)
    found, report = initialize(Transformer(), variables, tokens)
    assert jax.tree.structure(found) == jax.tree.structure(variables)
    rules = {row.parameter: row.rule for row in report.rows}
    assert len(rules) == len(jax.tree.leaves(variables))
    assert rules["params/MultiHeadDotProductAttention_0/out/kernel"] == "branch"
    assert rules["params/MultiHeadDotProductAttention_0/query/kernel"] == "linear"
    assert rules["params/Dense_0/kernel"] == "once"
    assert rules["params/Dense_1/kernel"] == "branch"
    assert [row.parameter for row in report.left] == ["params/positions"]
    assert any("positions is hardly seen" in note for note in report.notes)
    variance = float(jnp.mean(Transformer().apply(found, jax.random.randint(KEY, (2, 6), 0, 17)) ** 2))
    assert variance == pytest.approx(1.0, rel=0.7)  # 204 numbers of few independent tokens


class Net(nnx.Module):
    def __init__(self, rngs):
        self.first = nnx.Linear(6, 32, rngs=rngs)
        self.norm = nnx.BatchNorm(32, rngs=rngs)
        self.head = nnx.Linear(32, 3, rngs=rngs)

    def __call__(self, x):
        return self.head(nnx.relu(self.norm(self.first(x))))


def test_modules_of_nnx_are_changed_and_returned():
    model = Net(nnx.Rngs(0))
    mean = np.asarray(model.norm.mean[...])
    found, report = initialize(model, example_inputs=jnp.ones((4, 6)), seed=5)
    assert found is model
    assert len(report.rows) == 6
    again, _ = initialize(Net(nnx.Rngs(1)), example_inputs=jnp.ones((4, 6)), seed=5)
    np.testing.assert_array_equal(model.first.kernel[...], again.first.kernel[...])
    np.testing.assert_array_equal(model.norm.mean[...], mean)


def test_modules_of_nnx_stay_as_they_are_on_errors():
    model = Net(nnx.Rngs(0))
    before = np.asarray(model.first.kernel[...])
    with pytest.raises(EocError, match="no activation 'tanh'"):
        initialize(model, example_inputs=jnp.ones((4, 6)), points={"tanh": {"sigma_w": 1.0, "sigma_b": 0.0}})
    np.testing.assert_array_equal(model.first.kernel[...], before)


@pytest.mark.skipif(find_spec("equinox") is None, reason="Equinox is not installed")
def test_modules_of_equinox_are_made_anew():
    import equinox

    model = equinox.nn.MLP(12, 5, 32, 2, activation=jnp.tanh, key=KEY)
    found, report = initialize(model, example_inputs=jnp.ones(12), sigma_b=0.2, seed=7)
    assert [row.fan_in for row in report.rows if row.fan_in] == [12.0, 32.0, 32.0]
    expected = torch_mlp((32, 32, 5), 12)
    initialize_(expected, sigma_b=0.2, seed=7)
    for ours, theirs in zip(found.layers, expected[::2], strict=True):
        np.testing.assert_array_equal(ours.weight, theirs.weight.detach().numpy())
    assert found(jnp.ones(12)).shape == (5,)
    assert not np.array_equal(model.layers[0].weight, found.layers[0].weight)


def test_layers_can_be_left_out_and_options_are_those_of_torch():
    variables = Mlp((32, 24, 5)).init(KEY, jnp.ones((1, 12)))
    found, report = initialize(Mlp((32, 24, 5)), variables, jnp.ones((1, 12)), skip="layer1", heads="zero")
    np.testing.assert_array_equal(found["params"]["layer1"]["kernel"], variables["params"]["layer1"]["kernel"])
    assert {row.parameter for row in report.left} == {"params/layer1/kernel", "params/layer1/bias"}
    assert not np.any(found["params"]["head"]["kernel"])


def test_half_precision_is_that_of_single_rounded():
    class Half(linen.Module):
        @linen.compact
        def __call__(self, x):
            kwargs = {"param_dtype": jnp.bfloat16}
            return linen.Dense(3, **kwargs)(jnp.tanh(linen.Dense(16, **kwargs)(x)))

    x = jnp.ones((1, 8), jnp.bfloat16)
    found, _ = initialize(Half(), KEY, x, seed=2, sigma_b=0.2)
    kernel = found["params"]["Dense_1"]["kernel"]
    assert kernel.dtype == jnp.bfloat16
    single, _ = initialize(Mlp((16, 3)), KEY, jnp.ones((1, 8)), seed=2, sigma_b=0.2)
    np.testing.assert_array_equal(kernel, single["params"]["layer0"]["kernel"].astype(jnp.bfloat16))


def test_keys_are_seeds():
    one, _ = initialize(Mlp((8, 3)), KEY, jnp.ones((1, 4)), seed=jax.random.key(1))
    same, _ = initialize(Mlp((8, 3)), KEY, jnp.ones((1, 4)), seed=jax.random.key(1))
    other, _ = initialize(Mlp((8, 3)), KEY, jnp.ones((1, 4)), seed=jax.random.key(2))
    kernel = [np.asarray(each["params"]["layer0"]["kernel"]) for each in (one, same, other)]
    np.testing.assert_array_equal(kernel[0], kernel[1])
    assert not np.array_equal(kernel[0], kernel[2])
    with pytest.raises(EocError, match="seed must be"):
        initialize(Mlp((8, 3)), KEY, jnp.ones((1, 4)), seed=-1)


def test_what_no_initialisation_mends_is_warned_of():
    class Gates(linen.Module):
        @linen.compact
        def __call__(self, x):
            for _ in range(6):
                x = linen.Dense(16, use_bias=False)(x) * linen.silu(linen.Dense(16, use_bias=False)(x))
            return linen.Dense(3)(x)

    with pytest.warns(InitializationWarning, match="gates follow each other"):
        _, report = initialize(Gates(), KEY, jnp.ones((1, 8)))
    with pytest.raises(EocError, match="gates"):
        report.assert_healthy()


def test_without_inputs_or_layers_nothing_is_done():
    with pytest.raises(EocError, match="example_inputs"):
        initialize(Mlp((8, 3)), KEY)
    with pytest.raises(EocError, match="no dense or convolutional layer"):
        initialize(lambda p, x: jnp.tanh(p * x), jnp.ones(()), jnp.ones((2, 3)))


class Pooled(linen.Module):
    @linen.compact
    def __call__(self, x):
        x = linen.max_pool(linen.relu(linen.Conv(32, (3, 3), name="one")(x)), (2, 2), (2, 2))
        x = linen.relu(linen.Conv(32, (3, 3), name="two")(x)).max((1, 2))
        return linen.Dense(10, name="head")(x)


def test_a_batch_makes_what_is_measured_what_was_planned():
    batch = 3.0 * jax.random.normal(KEY, (64, 16, 16, 3))
    found, report = initialize(Pooled(), KEY, batch=batch)
    report.assert_healthy()
    output, seen = Pooled().apply(found, batch, capture_intermediates=True)
    assert float(jnp.mean(output**2)) == pytest.approx(1.0, rel=0.03)
    for name in ("one", "two"):
        assert float(jnp.mean(seen["intermediates"][name]["__call__"][0] ** 2)) == pytest.approx(1.0, rel=0.03)
    rows = {row.parameter: row for row in report.rows}
    assert rows["params/one/kernel"].measured == pytest.approx(float(jnp.mean(batch**2)), rel=1e-3)
    assert "as measured" in rows["params/one/kernel"].note
    drawn, _ = initialize(Pooled(), KEY, batch)
    ratio = np.asarray(found["params"]["one"]["kernel"]) / np.asarray(drawn["params"]["one"]["kernel"])
    np.testing.assert_allclose(ratio, 1.0 / 3.0, rtol=0.1)
    np.testing.assert_allclose(ratio, ratio.flat[0], rtol=1e-5)


def test_a_batch_shows_gradients_that_explode():
    def model(p, x):
        for w in p["hidden"]:
            x = jnp.tanh(x @ w)
        return x @ p["head"]

    given = {"hidden": [jnp.zeros((64, 64))] * 40, "head": jnp.zeros((64, 5))}
    batch = jax.random.normal(KEY, (16, 64))
    _, report = initialize(model, given, batch=batch, sigma_w=2.5, sigma_b=0.0)
    assert any("explode" in problem for problem in report.problems)
