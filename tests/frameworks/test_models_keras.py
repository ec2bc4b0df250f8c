"""Models of Keras, read off their operations; JAX is below it."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers, ops

from eoc.errors import EocError
from eoc.models.keras.read import read
from eoc.models.keras.traced import as_function
from eoc.models.padding import inside
from eoc.models.steps import Kind


def steps_of(function, *shapes, **options):
    """The steps of a functional model."""
    inputs = [keras.Input(shape, **options) for shape in shapes]
    return read(keras.Model(inputs, function(*inputs))).steps


def kinds(steps):
    return [step.kind.value for step in steps]


def one(steps, kind):
    (found,) = (step for step in steps if step.kind is kind)
    return found


def of_kind(steps, kind):
    return [step for step in steps if step.kind is kind]


def test_a_chain_has_its_layers_and_their_activations():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(5, "tanh", name="first"), layers.Dense(3, name="head")])
    steps = read(model).steps
    assert [(step.kind.value, step.inputs) for step in steps] == [
        ("input", ()),
        ("layer", (0,)),
        ("activation", (1,)),
        ("layer", (2,)),
        ("output", (3,)),
    ]
    affine = steps[1].affine
    assert (steps[1].name, affine.weight_name.rpartition("/")[2]) == ("first", "kernel")
    assert (affine.weight.shape, affine.fan_in, affine.bias.shape) == ((5, 4), 4.0, (5,))
    assert (steps[2].name, steps[2].activation.name, steps[2].shape) == ("first/tanh", "tanh", (1, 5))


@pytest.mark.parametrize(
    ("layer", "name"),
    [
        (layers.LeakyReLU(0.2), "leaky_relu(slope=0.2)"),
        (layers.ReLU(max_value=6.0), "relu6"),
        (layers.ELU(alpha=0.5), "elu(alpha=0.5)"),
        (layers.PReLU(), "relu"),
        (layers.Activation("gelu"), "gelu"),
        (layers.Activation(keras.activations.silu), "silu"),
    ],
)
def test_activations_are_layers_or_arguments_of_layers(layer, name):
    as_layer = steps_of(lambda x: layer(layers.Dense(5)(x)), (4,))
    as_argument = steps_of(layers.Dense(5, activation=layer), (4,))
    for steps in (as_layer, as_argument):
        assert kinds(steps) == ["input", "layer", "activation", "output"]
        assert one(steps, Kind.ACTIVATION).activation.name == name


def test_functions_of_keras_that_belong_together_are_one_activation():
    steps = steps_of(lambda x: layers.Dense(2)((h := layers.Dense(5)(x)) * ops.sigmoid(h)), (4,))
    assert kinds(steps) == ["input", "layer", "activation", "layer", "output"]
    assert steps[2].activation.name == "silu"


def test_layers_count_what_they_sum():
    zeros = {"kernel_initializer": "zeros"}  # nothing that JAX has to compile

    def model(x):
        x = layers.Conv2D(8, 3, use_bias=False, **zeros)(x)
        x = layers.Conv2D(16, 3, strides=2, groups=4, **zeros)(x)
        x = layers.Conv2DTranspose(6, 4, strides=2, **zeros)(x)
        x = layers.DepthwiseConv2D(3, depth_multiplier=2, depthwise_initializer="zeros")(x)
        x = layers.SeparableConv2D(5, 3, depthwise_initializer="zeros", pointwise_initializer="zeros")(x)
        return layers.EinsumDense("abcd,de->abce", (None, None, 7), bias_axes="e", **zeros)(x)

    affines = [step.affine for step in of_kind(steps_of(model, (20, 20, 3)), Kind.LAYER)]
    assert [affine.weight.shape for affine in affines] == [
        (8, 3, 3, 3),
        (16, 2, 3, 3),
        (6, 16, 4, 4),
        (12, 1, 3, 3),
        (12, 1, 3, 3),
        (5, 12, 1, 1),
        (7, 5),
    ]
    assert [affine.fan_in for affine in affines] == [27.0, 18.0, 64.0, 9.0, 9.0, 12.0, 5.0]
    assert [affine.groups for affine in affines] == [1, 4, 1, 6, 12, 1, 1]
    assert [affine.bias is None for affine in affines] == [True, False, False, False, True, False, False]
    assert affines[2].transposed


@pytest.mark.parametrize(
    "layer",
    [
        layers.Conv2D(2, 3, padding="same", kernel_initializer="zeros"),
        layers.Conv2D(2, 4, strides=3, padding="same", kernel_initializer="zeros"),
        layers.Conv1D(2, 3, padding="same", dilation_rate=2, kernel_initializer="zeros"),
        layers.Conv2D(2, 2, kernel_initializer="zeros"),
        layers.Conv2DTranspose(2, 4, strides=2, padding="same", kernel_initializer="zeros"),
        layers.Conv2DTranspose(2, 3, strides=2, kernel_initializer="zeros"),
    ],
)
def test_padding_is_that_of_what_jax_computes(layer):
    x = keras.Input((*(7, 7)[: len(layer.kernel_size)], 2))
    model = keras.Model(x, layer(x))
    shares = []
    for steps in (read(model).steps, as_function(model, None).read().steps):
        step = one(steps, Kind.LAYER)
        shares.append(inside(step, steps[step.inputs[0]]))
    assert shares[0] == shares[1]
    assert (shares[0] == 1.0) == (layer.padding == "valid" and type(layer) is layers.Conv2D)


def test_a_depthwise_kernel_is_placed_by_channel():
    step = one(steps_of(layers.DepthwiseConv2D(3, depth_multiplier=2), (8, 8, 4)), Kind.LAYER)
    kernel = np.arange(72.0).reshape(3, 3, 4, 2)
    weight = step.affine.weight.taken(kernel)
    np.testing.assert_array_equal(weight[5, 0], kernel[:, :, 2, 1])
    np.testing.assert_array_equal(step.affine.weight.placed(np.zeros_like(kernel), weight), kernel)


@pytest.mark.parametrize(
    ("layer", "centred", "over_batch"),
    [
        (layers.LayerNormalization(), True, False),
        (layers.RMSNormalization(), False, False),
        (layers.GroupNormalization(2), True, False),
        (layers.BatchNormalization(), True, True),
    ],
)
def test_normalisations_are_known_and_what_jax_computes_is_the_same(layer, centred, over_batch):
    x = keras.Input((6, 6, 3))
    model = keras.Model(x, layers.ReLU()(layer(layers.Conv2D(8, 3)(x))))
    for steps in (read(model).steps, as_function(model, None).read().steps):
        step = one(steps, Kind.NORM)
        assert (step.centred, step.over_batch) == (centred, over_batch)
        assert step.module.weight.shape == (8,)
        assert (step.module.bias is None) == isinstance(layer, layers.RMSNormalization)


def test_pooling_counts_its_positions():
    def model(x):
        x = layers.MaxPooling2D(2)(x)
        x = layers.AveragePooling2D(2, strides=1, padding="same")(x)
        return layers.GlobalAveragePooling2D()(x), ops.max(x, axis=(1, 2)), layers.GlobalMaxPooling2D()(x)

    pools = of_kind(steps_of(model, (8, 8, 3)), Kind.POOL)
    assert sorted((step.terms, step.largest) for step in pools) == [
        (4, False),
        (4, True),
        (16, False),
        (16, True),
        (16, True),
    ]


def test_attention_takes_its_projections():
    def model(tokens):
        x = layers.Embedding(11, 8)(tokens)
        h = layers.LayerNormalization()(x)
        return layers.Add()([x, layers.MultiHeadAttention(2, 4, name="mix")(h, h, use_causal_mask=True)])

    steps = steps_of(model, (6,), dtype="int32")
    assert one(steps, Kind.EMBEDDING).module.weight.shape == (11, 8)
    step = one(steps, Kind.ATTENTION)
    assert [steps[at].name for at in step.inputs] == ["mix/query", "mix/key", "mix/value"]
    assert step.terms == 6
    assert [layer.affine.weight.shape for layer in of_kind(steps, Kind.LAYER)] == [(8, 8)] * 4
    assert kinds(steps)[-2:] == ["addition", "output"]


def test_attention_by_functions_is_attention_too():
    def model(x):
        q, k, v = (layers.Dense(8, name=name)(x) for name in ("q", "k", "v"))
        scores = ops.matmul(q, ops.transpose(k, (0, 2, 1))) / 8.0**0.5
        return ops.matmul(ops.softmax(scores), v)

    steps = steps_of(model, (6, 8))
    step = one(steps, Kind.ATTENTION)
    assert steps[step.inputs[0]].name == "q"
    assert (steps[step.inputs[2]].name, step.terms) == ("v", 6)


def test_gates_sums_and_pieces():
    def model(x):
        a, b = ops.split(layers.Dense(8)(x), 2, axis=-1)
        gated = a * ops.gelu(b)
        return layers.Concatenate()([gated, layers.Average()([gated, x[:, :4]])])

    steps = steps_of(model, (8,))
    assert [step.piece for step in of_kind(steps, Kind.SAME)] == [0, 1, 0]
    assert one(steps, Kind.MULTIPLY).inputs == (2, 4)
    assert one(steps, Kind.SCALE).slope == 0.5
    assert kinds(steps)[-2:] == ["concatenation", "output"]


def test_models_in_models_are_looked_into_and_used_again():
    inner = keras.Sequential([keras.Input((5,)), layers.Dense(5, "tanh", name="shared")], name="inner")
    steps = steps_of(lambda x: inner(inner(layers.Dense(5)(x))), (4,))
    first, second, third = of_kind(steps, Kind.LAYER)
    assert second.affine.weight == third.affine.weight
    assert first.affine.weight != second.affine.weight
    assert kinds(steps)[2:6] == ["layer", "activation", "layer", "activation"]


class Own(layers.Layer):
    def build(self, shape):
        self.w = self.add_weight(shape=(shape[-1], 4), name="w")

    def call(self, x):
        return ops.tanh(x @ self.w)


class Written(keras.Model):
    def __init__(self):
        super().__init__()
        self.first, self.norm = layers.Dense(4), layers.BatchNormalization()
        self.dropout, self.head = layers.Dropout(0.1), layers.Dense(2)

    def call(self, x, training=False):
        h = ops.relu(self.norm(self.first(x), training=training))
        return self.head(self.dropout(h, training=training))


def test_layers_of_ones_own_are_traced_on_jax():
    steps = read(keras.Sequential([keras.Input((6,)), layers.Dense(3), layers.ReLU(), Own(), layers.Dense(2)])).steps
    assert kinds(steps) == ["input", "layer", "activation", "layer", "activation", "layer", "output"]
    assert steps[3].affine.weight_name.endswith("own/w")
    assert steps[4].activation.name == "tanh"


def test_models_written_as_classes_are_traced_on_jax():
    model = Written()
    with pytest.raises(EocError, match="no weights yet"):
        read(model)
    x = np.ones((3, 5), "float32")
    model(x)
    before = [np.asarray(variable.value) for variable in model.variables]
    steps = read(model, x).steps
    assert kinds(steps) == ["input", "layer", "normalisation", "activation", "dropout", "layer", "output"]
    with pytest.raises(EocError, match="give example_inputs"):
        read(model)
    for variable, value in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(np.asarray(variable.value), value)


def test_models_written_as_classes_are_refused_elsewhere(monkeypatch):
    model = Written()
    model(np.ones((3, 5), "float32"))
    monkeypatch.setattr(keras.backend, "backend", lambda: "tensorflow")
    with pytest.raises(EocError, match=r"keras\.Model\(inputs, outputs\)"):
        read(model)


def test_what_is_not_known_is_said():
    steps = steps_of(lambda x: layers.Dense(2)(layers.LSTM(4)(x)), (5, 3))
    assert "recurrent" in one(steps, Kind.UNKNOWN).note
    with pytest.raises(EocError, match=r"must be a keras\.Model"):
        read(layers.Dense(3))
