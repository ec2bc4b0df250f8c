"""Activations that are given in Keras's own terms."""

from __future__ import annotations

from functools import partial

import keras
import numpy as np
import pytest

import eoc
from eoc.activations.argument.computed import in_double
from eoc.errors import EocError
from eoc.initializers.keras import EocBias, EocNormal, EocOrthogonal

pytestmark = pytest.mark.usefixtures("quick_compilation")

X = np.linspace(-18.0, 18.0, 1441) + 1e-3
# What depends on several elements or has to be given parameters, and what is no activation.
OTHERS = {"deserialize", "get", "glu", "log_softmax", "serialize", "softmax", "sparsemax", "threshold"}
NAMES = [name for name in dir(keras.activations) if name[0] != "_" and name not in OTHERS]


def agree(phi, function):
    theirs = in_double("keras", function)(X)  # some functions of Keras are single precision whatever they are given
    return np.allclose(phi(X), theirs, rtol=1e-12, atol=1e-12 if theirs.dtype == float else 1e-6)


@pytest.mark.parametrize(
    "function",
    [
        *(getattr(keras.activations, name) for name in NAMES),
        partial(keras.activations.gelu, approximate=True),
        partial(keras.activations.leaky_relu, negative_slope=0.1),
        partial(keras.activations.relu, negative_slope=0.3),
        partial(keras.activations.relu, max_value=6),
        partial(keras.activations.relu, negative_slope=0.3, max_value=4.0, threshold=1.5),
        partial(keras.activations.threshold, threshold=0.5, default_value=-1.0),
        partial(keras.activations.soft_shrink, threshold=0.2),
    ],
)
def test_each_activation_of_keras_is_the_one_it_is_taken_for(function):
    phi = eoc.activation(function)
    assert phi is eoc.activation(phi.name), "a new activation of Keras: give its counterpart, or list it above"
    assert agree(phi, function)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "leaky_relu"])
def test_names_of_both_mean_the_same_but_for_one(name):
    try:
        ours = eoc.activation(name)
    except EocError:
        return  # a name of Keras only
    assert agree(ours, getattr(keras.activations, name))


def test_a_function_of_keras_is_saved_by_what_eoc_calls_it():
    function = partial(keras.activations.leaky_relu, negative_slope=0.1)
    saved = EocNormal(function).get_config()
    assert saved["activation"] == "leaky_relu(slope=0.1)"
    assert EocNormal.from_config(saved).sigma_w == EocNormal(function).sigma_w


def test_leaky_relu_has_the_slope_of_who_names_it():
    assert EocNormal("leaky_relu").sigma_w == pytest.approx(np.sqrt(2.0 / (1.0 + 0.01**2)))
    assert EocNormal(keras.activations.leaky_relu).sigma_w == pytest.approx(np.sqrt(2.0 / (1.0 + 0.2**2)))


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda x: x * keras.ops.sigmoid(x), X / (1.0 + np.exp(-X))),
        (lambda x: np.tanh(x) + x, np.tanh(X) + X),
    ],
)
def test_other_functions_are_computed_in_double_precision(function, expected):
    assert np.allclose(eoc.activation(function)(X), expected, rtol=1e-12, atol=1e-12)


def test_what_depends_on_several_elements_is_refused():
    with pytest.raises(EocError, match="of that element alone"):
        eoc.activation(keras.activations.log_softmax)


@pytest.mark.parametrize("initialiser", [EocNormal, EocOrthogonal, EocBias])
def test_without_an_activation_both_sigmas_are_meant_as_they_are(initialiser):
    made = initialiser(sigma_w=1.5, sigma_b=0.5, seed=1)
    same = initialiser("erf", sigma_w=1.5, sigma_b=0.5, seed=1)
    again = initialiser.from_config(made.get_config())
    for other in (same, again):
        assert (keras.ops.convert_to_numpy(made((20, 20))) == keras.ops.convert_to_numpy(other((20, 20)))).all()
    with pytest.raises(EocError, match="which activation"):
        initialiser()


# Softmax depends on several elements; what is not built yet has the values that it begins with.
LAYERS = [
    keras.layers.LeakyReLU(),
    keras.layers.LeakyReLU(0.2),
    keras.layers.ReLU(),
    keras.layers.ReLU(max_value=6),
    keras.layers.ReLU(max_value=3, negative_slope=0.1, threshold=0.5),
    keras.layers.ELU(alpha=0.5),
    keras.layers.PReLU(),
    keras.layers.PReLU(alpha_initializer=keras.initializers.Constant(0.25)),
    keras.layers.Activation("gelu"),
    keras.layers.Activation(keras.activations.hard_silu),
    keras.layers.Identity(),
]


@pytest.mark.parametrize("layer", LAYERS, ids=[f"{i}-{layer.name}" for i, layer in enumerate(LAYERS)])
def test_each_activation_layer_of_keras_is_the_one_it_is_taken_for(layer):
    phi = eoc.activation(layer)
    assert phi is eoc.activation(phi.name)
    theirs = keras.ops.convert_to_numpy(layer(X.astype("float32")[None]))[0]
    assert np.allclose(phi(X.astype("float32")), theirs, rtol=1e-5, atol=1e-6)


def test_no_activation_layer_of_keras_is_forgotten():
    inside = [each for each in vars(keras.layers).values() if "layers.activations" in getattr(each, "__module__", "")]
    assert {each.__name__ for each in inside} - {"Softmax"} <= {type(layer).__name__ for layer in LAYERS}
    with pytest.raises(EocError, match="of that element alone"):
        eoc.activation(keras.layers.Softmax())


def test_initialisers_take_layers_and_their_classes():
    assert EocNormal(keras.layers.LeakyReLU(negative_slope=0.2)).sigma_w == pytest.approx(1.38675, abs=1e-5)
    assert EocNormal(keras.layers.LeakyReLU).sigma_w == EocNormal("leaky_relu(slope=0.3)").sigma_w


def test_a_layer_of_ones_own_is_computed_in_double_precision():
    class Swish(keras.layers.Layer):
        def call(self, x):
            return x * keras.ops.sigmoid(x)

    assert eoc.activation(Swish()) is eoc.activation("silu")


def test_functions_of_keras_in_single_precision_are_meant_as_formulas():
    def own(x):
        return x - 0.5 * keras.ops.tanh(x)  # of float32 whatever it is given

    for source in (own, keras.layers.Activation(own)):
        assert eoc.activation(source) is eoc.activation("x - (0.5 * tanh(x))")
