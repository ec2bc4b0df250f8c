"""Single kernels and biases by the initialisers for Keras: their law, their seeds, and how models keep them."""

from __future__ import annotations

import inspect
import json

import keras
import numpy as np
import pytest

import eoc
from eoc.errors import EocError
from eoc.initializers.keras import EocBias, EocNormal, EocOrthogonal
from eoc.operating_point import operating_point

pytestmark = pytest.mark.usefixtures("quick_compilation")

ALL = [EocNormal, EocOrthogonal, EocBias]
SHAPE = (8, 12, 20)


def drawn(initialiser, shape, dtype=None):
    return keras.ops.convert_to_numpy(initialiser(shape, dtype))


def square(kernel):
    return float(np.mean(np.asarray(kernel, dtype=float) ** 2))


@pytest.mark.parametrize(
    ("axes", "fan_in"),
    [
        ({}, 96),  # a convolution over 8 positions
        ({"input_axes": (0, 1), "output_axes": (2,)}, 96),  # heads joined
        ({"input_axes": (0,), "output_axes": (1, 2)}, 8),  # heads parted
        ({"input_axes": (0,), "output_axes": (2,)}, 8),  # depthwise
    ],
)
def test_the_axes_say_over_what_a_layer_sums(axes, fan_in):
    kernel = drawn(EocNormal("relu", seed=1, **axes), SHAPE)
    assert fan_in * square(kernel) == pytest.approx(2.0, rel=4.5 * np.sqrt(2.0 / kernel.size))


@pytest.mark.parametrize(
    ("shape", "axes", "inputs"),
    [
        ((9, 4), {}, 9),
        ((4, 9), {}, 4),
        ((2, 3, 8), {"input_axes": (0, 1), "output_axes": (2,)}, 6),
        ((8, 2, 3), {"input_axes": (1, 2), "output_axes": (0,)}, 6),
    ],
)
def test_orthogonal_kernels_have_orthonormal_rows_or_columns(shape, axes, inputs):
    kernel = drawn(EocOrthogonal("relu", seed=1, **axes), shape)
    w = kernel.reshape(8, 6).T if shape[0] == 8 else kernel.reshape(inputs, -1)
    gram = w.T @ w if w.shape[1] <= inputs else w @ w.T * inputs / w.shape[1]
    assert gram == pytest.approx(2.0 * np.eye(len(gram)), abs=2e-6)


def test_orthogonal_kernels_are_haar_distributed():
    groups = 4000
    q = drawn(EocOrthogonal("relu", seed=1, groups=groups), (3, 3 * groups)).reshape(3, groups, 3) / np.sqrt(2.0)
    trace, size = np.einsum("igi->g", q), 1.0 / np.sqrt(groups)
    assert abs(np.mean(trace)) < 4.5 * size  # E tr Q = 0, E (tr Q)^2 = 1; without signs tr Q leans to one side
    assert abs(np.mean(trace**2) - 1.0) < 4.5 * size * np.sqrt(3.0)
    assert abs(np.mean(np.linalg.det(q.swapaxes(0, 1)))) < 4.5 * size  # as many reflections as rotations


def test_delta_orthogonal_convolutions_look_at_their_own_pixel_only():
    conv = keras.layers.Conv2D(6, (2, 3), padding="same", kernel_initializer=EocOrthogonal("relu"))
    x = np.random.default_rng(0).standard_normal((2, 4, 4, 6), dtype=np.float32)
    y = keras.ops.convert_to_numpy(conv(x))
    assert np.linalg.norm(y, axis=-1) == pytest.approx(np.sqrt(2.0) * np.linalg.norm(x, axis=-1), rel=1e-5)


@pytest.mark.skipif(
    "input_axes" not in inspect.signature(keras.initializers.VarianceScaling).parameters,
    reason="layers of this Keras tell no initialiser their axes",
)
def test_attention_tells_its_axes():
    p = operating_point("tanh", sigma_b=0.2)
    kernel, bias = EocNormal("tanh", sigma_b=0.2, seed=1), EocBias("tanh", sigma_b=0.2, seed=2)
    attention = keras.layers.MultiHeadAttention(4, 16, kernel_initializer=kernel, bias_initializer=bias)
    attention.build((1, 3, 64), (1, 3, 64))
    for dense in (attention.query_dense, attention.output_dense):
        assert 64 * square(dense.kernel) == pytest.approx(p.sigma_w**2, rel=4.5 * np.sqrt(2.0 / 64**2))
        assert square(dense.bias) == pytest.approx(p.sigma_b**2, rel=4.5 * np.sqrt(2.0 / 64))


@pytest.mark.parametrize("initialiser", ALL)
def test_seeds_are_those_of_keras(initialiser):
    same, other, unseeded = (initialiser("tanh", sigma_b=0.2, seed=seed) for seed in (7, 8, None))
    assert (drawn(same, SHAPE) == drawn(same, SHAPE)).all()
    assert (drawn(same, SHAPE) == drawn(initialiser("tanh", sigma_b=0.2, seed=7), SHAPE)).all()
    assert (drawn(same, SHAPE) != drawn(other, SHAPE)).any()
    assert (drawn(unseeded, SHAPE) == drawn(unseeded, SHAPE)).all()
    assert (drawn(unseeded, SHAPE) != drawn(initialiser("tanh", sigma_b=0.2), SHAPE)).any()
    for_all_layers = initialiser("tanh", sigma_b=0.2, seed=keras.random.SeedGenerator(7))
    assert (drawn(for_all_layers, SHAPE) != drawn(for_all_layers, SHAPE)).any()


@pytest.mark.parametrize("initialiser", ALL)
@pytest.mark.parametrize("given", [{"sigma_b": 0.2}, {"q": 1}, {"sigma_w": 1.0, "sigma_b": np.float32(0.5)}, {}])
def test_an_initialiser_comes_back_from_its_configuration(initialiser, given):
    made = initialiser("elu(alpha=0.5)", seed=3, **given)
    again = initialiser.from_config(json.loads(json.dumps(made.get_config())))
    assert again.get_config() == made.get_config()
    assert (drawn(again, SHAPE) == drawn(made, SHAPE)).all()


@pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
)  # Keras's
def test_a_model_is_saved_and_loaded_with_its_initialisers(tmp_path):
    generator = keras.random.SeedGenerator(5)
    bias = EocBias("x*tanh(x)", sigma_b=1.0, seed=generator)
    model = keras.Sequential(
        [
            keras.layers.Input((6, 6, 4)),
            keras.layers.Conv2D(8, 3, kernel_initializer=EocOrthogonal("relu", groups=2, seed=1), groups=2),
            keras.layers.Flatten(),
            keras.layers.Dense(5, kernel_initializer=EocNormal("x*tanh(x)", sigma_b=1.0), bias_initializer=bias),
        ]
    )
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    for ours, theirs in zip(model.weights, loaded.weights, strict=True):
        assert (keras.ops.convert_to_numpy(ours) == keras.ops.convert_to_numpy(theirs)).all()
    conv, _, dense = loaded.layers
    assert (conv.kernel_initializer.groups, conv.kernel_initializer.seed) == (2, 1)
    assert dense.kernel_initializer.get_config() == model.layers[-1].kernel_initializer.get_config()
    assert isinstance(dense.bias_initializer.seed, keras.random.SeedGenerator)


def test_what_stands_for_itself_as_a_text_can_be_saved_and_a_function_cannot():
    for text in ("leaky_relu(slope=0.1)", "x*tanh(x)"):
        assert EocNormal(eoc.activation(text)).get_config()["activation"] == text

    def tanh(x):
        return np.tanh(x)

    own = EocNormal(tanh, sigma_b=0.2)
    assert own.sigma_w == pytest.approx(operating_point("tanh", sigma_b=0.2).sigma_w, rel=1e-9)
    with pytest.raises(EocError, match="cannot be saved"):
        own.get_config()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("initialiser", ALL)
def test_half_precision_is_the_same_draw_rounded(initialiser, dtype):
    made = initialiser("tanh", sigma_b=0.2, seed=1)
    assert keras.backend.standardize_dtype(made(SHAPE, dtype).dtype) == dtype
    assert (drawn(made, SHAPE, dtype) == keras.ops.convert_to_numpy(keras.ops.cast(made(SHAPE), dtype))).all()


@pytest.mark.parametrize("initialiser", ALL)
def test_empty_kernels_stay_empty(initialiser):
    assert drawn(initialiser("tanh"), (0, 3)).shape == (0, 3)


def test_a_point_that_is_none_is_refused_when_the_initialiser_is_made():
    with pytest.raises(EocError, match="is unstable"):
        EocNormal("gelu", sigma_b=0.2)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"groups": 0}, "groups must be a whole number >= 1"),
        ({"input_axes": (0,)}, "both input_axes and output_axes"),
    ],
)
def test_bad_settings_are_refused(given, words):
    with pytest.raises(EocError, match=words):
        EocOrthogonal("tanh", **given)


@pytest.mark.parametrize(
    ("initialiser", "shape", "dtype", "words"),
    [
        (EocNormal("tanh"), (5,), None, "biases are for EocBias"),
        (EocNormal("tanh", input_axes=(0,), output_axes=(2,)), (5, 5), None, "must be different axes"),
        (EocOrthogonal("tanh", input_axes=(0,), output_axes=(1,)), (5, 5, 5), None, "for EocNormal"),
        (EocOrthogonal("tanh", groups=3), (5, 5), None, "a divisor of the number of outputs, 5"),
        (EocNormal("tanh"), (5, 5), "int32", "dtype must be one of"),
        (EocBias("tanh"), (5,), "half a float", "got 'half a float'"),
    ],
)
def test_bad_shapes_and_types_are_refused(initialiser, shape, dtype, words):
    with pytest.raises(EocError, match=words):
        initialiser(shape, dtype)
