"""The three ways to name an activation, and what is refused."""

import numpy as np
import pytest

import eoc
from eoc import EocError, ExpressionError, activation


def test_names_formulas_functions_and_activations_are_told_apart():
    assert activation("gelu").name == "gelu"
    assert activation("x").name == "x"
    assert activation(np.tanh).name == "tanh"
    phi = activation("Leaky-ReLU", slope=0.2)
    assert activation(phi) is phi
    assert activation("leaky_relu(slope=0.2)") is phi
    assert activation("spline(knots=(-1, 0.5), values=(0, 2))").knots[-1] == 0.5


def test_the_same_text_is_the_same_object():
    assert activation("x*tanh(x)") is activation("x*tanh(x)")
    assert activation("swish") is activation("silu")


@pytest.mark.parametrize("bad", [None, 3, 1.5, ["gelu"], b"gelu"])
def test_other_things_are_refused(bad):
    with pytest.raises(EocError, match="an activation is a name"):
        activation(bad)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("gelo", "gelu"),
        ("elu(alpha=1e400)", "alpha"),
        ("elu(beta=2)", "alpha"),
        ("elu(alpha=__import__('os'))", "alpha must be a number .* got .__import__"),
        ("elu(alpha=1, alpha=2)", "parameters"),
        ("elu(alpha=" + "(" * 5000 + ")", "parameters"),
        ("", "empty"),
    ],
)
def test_bad_names_and_parameters(text, match):
    with pytest.raises(EocError, match=match):
        activation(text)


def test_a_formula_error_carries_its_column():
    with pytest.raises(ExpressionError) as caught:
        activation("x + foo(x)")
    assert caught.value.column == 5


def test_an_activation_takes_no_parameters_and_a_function_only_its_own():
    with pytest.raises(EocError, match="takes no parameters"):
        activation(activation("tanh"), alpha=1)
    with pytest.raises(EocError, match="alpha"):
        activation(np.tanh, alpha=1)


def test_everything_public_is_importable_from_the_top():
    for name in eoc.__all__:
        assert getattr(eoc, name) is not None
    with pytest.raises(AttributeError, match="no_such_thing"):
        _ = eoc.no_such_thing
    assert set(eoc.__all__) <= set(dir(eoc))
