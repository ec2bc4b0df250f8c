"""Whole models of Keras, initialised; JAX is below it unless said otherwise."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import pairwise

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest
import torch
from flax import linen
from keras import layers, ops

from eoc.errors import EocError
from eoc.initializers.jax import initialize
from eoc.initializers.keras import initialize_
from eoc.initializers.torch import initialize_ as initialize_torch_
from eoc.operating_point import operating_point

SCRIPT = """
import keras, numpy as np
from eoc.initializers.keras import initialize_
from keras import layers
x = keras.Input((12,))
h = layers.Dense(8, "tanh")(layers.Dense(16, "tanh")(x))
model = keras.Model(x, layers.Dense(3)(h))
initialize_(model, sigma_b=0.2, seed=7)
print(keras.backend.backend(), *(float(np.sum(np.abs(keras.ops.convert_to_numpy(w.value)))) for w in model.weights))
"""


def mlp(widths, inputs, **options):
    hidden = [layers.Dense(width, "tanh", **options) for width in widths[:-1]]
    return keras.Sequential([keras.Input((inputs,)), *hidden, layers.Dense(widths[-1], **options)])


def test_one_seed_gives_the_weights_of_torch_and_flax():
    sizes = (12, 32, 24, 5)
    ours = mlp(sizes[1:], 12)
    linears = [torch.nn.Linear(a, b) for a, b in pairwise(sizes)]
    theirs = torch.nn.Sequential(linears[0], torch.nn.Tanh(), linears[1], torch.nn.Tanh(), linears[2])

    class Mlp(linen.Module):
        @linen.compact
        def __call__(self, x):
            for width in sizes[1:-1]:
                x = jnp.tanh(linen.Dense(width)(x))
            return linen.Dense(sizes[-1])(x)

    report = initialize_(ours, sigma_b=0.2, seed=7)
    expected = initialize_torch_(theirs, sigma_b=0.2, seed=7)
    flax, _ = initialize(Mlp(), jax.random.key(0), jnp.ones((1, 12)), sigma_b=0.2, seed=7)
    assert [(row.rule, row.std, row.value) for row in report.rows] == [
        (row.rule, row.std, row.value) for row in expected.rows
    ]
    for at, (dense, linear) in enumerate(zip(ours.layers, linears, strict=True)):
        np.testing.assert_array_equal(np.asarray(dense.kernel), linear.weight.detach().numpy().T)
        np.testing.assert_array_equal(np.asarray(dense.bias), linear.bias.detach().numpy())
        np.testing.assert_array_equal(np.asarray(dense.kernel), flax["params"][f"Dense_{at}"]["kernel"])


def test_one_seed_gives_the_weights_on_another_backend():
    environment = {**os.environ, "KERAS_BACKEND": "torch"}
    command = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    backend, *sums = done.stdout.split()
    model = mlp((16, 8, 3), 12)
    initialize_(model, sigma_b=0.2, seed=7)
    expected = [float(np.sum(np.abs(np.asarray(weight.value)))) for weight in model.weights]
    assert backend == "torch"
    np.testing.assert_allclose([float(each) for each in sums], expected, rtol=1e-6)


def test_one_seed_gives_the_convolutions_of_torch():
    model = keras.Sequential(
        [
            keras.Input((4, 4, 3)),
            layers.Conv2D(16, 3, padding="same"),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Conv2D(32, 4, groups=2, activation="relu"),
            layers.Flatten(),
            layers.Dense(10),
        ]
    )
    theirs = torch.nn.Sequential(
        torch.nn.Conv2d(3, 16, 3, padding=1),
        torch.nn.BatchNorm2d(16),
        torch.nn.ReLU(),
        torch.nn.Conv2d(16, 32, 4, groups=2),
        torch.nn.ReLU(),
        torch.nn.Flatten(),
        torch.nn.Linear(32, 10),
    )
    initialize_(model, seed=3)
    initialize_torch_(theirs, seed=3, example_inputs=torch.ones(2, 3, 4, 4))
    for ours, conv in ((model.layers[0], theirs[0]), (model.layers[3], theirs[3])):
        np.testing.assert_array_equal(np.transpose(np.asarray(ours.kernel), (3, 2, 0, 1)), conv.weight.detach().numpy())
    np.testing.assert_array_equal(np.asarray(model.layers[-1].kernel), theirs[-1].weight.detach().numpy().T)


WIDTH = 16


class TorchBlock(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.norm, self.norm2 = torch.nn.LayerNorm(WIDTH), torch.nn.LayerNorm(WIDTH)
        self.mix = torch.nn.MultiheadAttention(WIDTH, 4, batch_first=True)
        self.up, self.down = torch.nn.Linear(WIDTH, 32), torch.nn.Linear(32, WIDTH)

    def forward(self, x):
        h = self.norm(x)
        x = x + self.mix(h, h, h, need_weights=False)[0]
        return x + self.down(torch.nn.functional.gelu(self.up(self.norm2(x))))


class FlaxBlock(linen.Module):
    @linen.compact
    def __call__(self, x):
        x = x + linen.MultiHeadDotProductAttention(4, name="mix")(linen.LayerNorm()(x))
        h = linen.gelu(linen.Dense(32, name="up")(linen.LayerNorm()(x)), approximate=False)
        return x + linen.Dense(WIDTH, name="down")(h)


def keras_block(x, at):
    h = layers.LayerNormalization()(x)
    x = layers.Add()([x, layers.MultiHeadAttention(4, WIDTH // 4, name=f"mix{at}")(h, h)])
    h = layers.Dense(32, "gelu", name=f"up{at}")(layers.LayerNormalization()(x))
    return layers.Add()([x, layers.Dense(WIDTH, name=f"down{at}")(h)])


def test_one_seed_gives_the_transformers_of_torch_and_flax():
    theirs = torch.nn.Sequential(torch.nn.Embedding(11, WIDTH), TorchBlock(), TorchBlock(), torch.nn.Linear(WIDTH, 11))
    initialize_torch_(theirs, seed=5, example_inputs=torch.zeros(2, 6, dtype=torch.long))

    class Flax(linen.Module):
        @linen.compact
        def __call__(self, tokens):
            x = FlaxBlock(name="b1")(FlaxBlock(name="b0")(linen.Embed(11, WIDTH)(tokens)))
            return linen.Dense(11, name="head")(x)

    tokens = jnp.zeros((2, 6), jnp.int32)
    flax = initialize(Flax(), jax.random.key(0), tokens, seed=5)[0]["params"]
    x = keras.Input((6,), dtype="int32")
    h = keras_block(keras_block(layers.Embedding(11, WIDTH)(x), 0), 1)
    model = keras.Model(x, layers.Dense(11, name="head")(h))
    initialize_(model, seed=5)

    def same(theirs, *ours):
        for one in ours:
            np.testing.assert_array_equal(np.reshape(one, theirs.T.shape), theirs.detach().numpy().T)

    for at, block in enumerate((theirs[1], theirs[2])):
        mix, own = model.get_layer(f"mix{at}"), flax[f"b{at}"]
        packed = block.mix.in_proj_weight.chunk(3)
        for weight, name in zip(packed, ("query", "key", "value"), strict=True):
            same(weight, getattr(mix, f"_{name}_dense").kernel, own["mix"][name]["kernel"])
        same(block.mix.out_proj.weight, mix._output_dense.kernel, own["mix"]["out"]["kernel"])
        same(block.up.weight, model.get_layer(f"up{at}").kernel, own["up"]["kernel"])
        same(block.down.weight, model.get_layer(f"down{at}").kernel, own["down"]["kernel"])
    same(theirs[3].weight, model.get_layer("head").kernel, flax["head"]["kernel"])


def test_a_deep_network_keeps_its_variance():
    depth, width = 50, 256
    model = mlp((width,) * depth + (10,), 64)
    report = initialize_(model, sigma_b=0.2, weights="gaussian", seed=1)
    assert all(row.is_set for row in report.rows)
    q = operating_point("tanh", sigma_b=0.2).q
    h = np.random.default_rng(0).standard_normal((32, 64)).astype("float32")
    for at, layer in enumerate(model.layers):
        before = h @ np.asarray(layer.kernel) + np.asarray(layer.bias)
        h = np.tanh(before)
        if at in (0, 10, 25, 49):  # inputs have become alike: the numbers of few of them are independent
            assert np.mean(before**2) == pytest.approx(q, rel=0.35)


def test_residual_branches_and_reports_are_those_of_torch():
    def block(x, at):
        h = layers.Dense(64, "gelu", name=f"up{at}")(layers.LayerNormalization(name=f"norm{at}")(x))
        return layers.Add()([x, layers.Dense(32, name=f"down{at}")(h)])

    x = keras.Input((32,))
    model = keras.Model(x, layers.Dense(5, name="head")(block(block(x, 0), 1)))
    report = initialize_(model, seed=2)
    rules = {row.parameter: row.rule for row in report.rows}
    assert len(rules) == len(model.weights)
    assert (rules["up0/kernel"], rules["down0/kernel"], rules["norm0/gamma"]) == ("once", "branch", "normalisation")
    assert rules["head/kernel"] == "head"
    assert "2 residual branches" not in str(report)
    assert "branch" in str(report)
    output = np.asarray(model(np.random.default_rng(0).standard_normal((64, 32)).astype("float32")))
    assert np.mean(output**2) == pytest.approx(1.0, rel=0.5)


def test_frozen_layers_and_those_left_out_stay():
    model = mlp((32, 24, 5), 12)
    model.layers[0].trainable = False
    before = [np.asarray(weight.value) for weight in model.weights]
    report = initialize_(model, skip=model.layers[1].name)
    after = [np.asarray(weight.value) for weight in model.weights]
    for old, new in zip(before[:4], after[:4], strict=True):
        np.testing.assert_array_equal(old, new)
    assert not np.array_equal(before[4], after[4])
    assert len(report.left) == 4


def test_running_means_stay_and_are_no_rows():
    model = keras.Sequential([keras.Input((6,)), layers.Dense(8), layers.BatchNormalization(), layers.Dense(3)])
    report = initialize_(model)
    assert len(report.rows) == 6
    np.testing.assert_array_equal(np.asarray(model.layers[1].moving_variance.value), np.ones(8))


def test_models_written_as_classes_are_initialised_on_jax():
    class Written(keras.Model):
        def __init__(self):
            super().__init__()
            self.first, self.head = layers.Dense(32), layers.Dense(3)

        def call(self, x):
            return self.head(ops.tanh(self.first(x)))

    model, x = Written(), np.ones((2, 6), "float32")
    model(x)
    report = initialize_(model, example_inputs=x, sigma_b=0.2)
    assert [row.rule for row in report.rows] == ["hidden", "hidden", "head", "head"]


def test_nothing_is_written_on_errors(monkeypatch):
    model = mlp((32, 24, 5), 12)
    before = [np.asarray(weight.value) for weight in model.weights]
    with pytest.raises(EocError, match="seed must be"):
        initialize_(model, seed=0.5)
    with pytest.raises(EocError, match="sigma_b"):
        initialize_(model, sigma_b=-1.0)
    last = model.weights[-1]
    assign = type(last).assign
    calls = []

    def failing(variable, value):
        calls.append(variable)
        if len(calls) == 4:
            raise MemoryError
        return assign(variable, value)

    monkeypatch.setattr(type(last), "assign", failing)
    with pytest.raises(MemoryError):
        initialize_(model)
    for weight, value in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(np.asarray(weight.value), value)


def test_a_batch_makes_what_is_measured_what_was_planned():
    x = keras.Input((8, 8, 3))
    h = layers.MaxPooling2D(2)(layers.Conv2D(16, 3, activation="relu")(x))
    model = keras.Model(x, layers.Dense(10)(layers.Flatten()(h)))
    batch = 3.0 * np.random.default_rng(0).standard_normal((64, 8, 8, 3)).astype("float32")
    report = initialize_(model, batch=batch)
    report.assert_healthy()
    assert np.mean(np.asarray(model(batch)) ** 2) == pytest.approx(1.0, rel=0.03)
    assert sum("as measured" in row.note for row in report.rows) == 2
    assert report.set[0].measured == pytest.approx(np.mean(batch**2), rel=1e-3)
