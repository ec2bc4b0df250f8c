"""Activations that are given in JAX's own terms."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen, nnx

import eoc
from eoc.activations.argument.computed import in_double
from eoc.activations.argument.jaxprs import formula_of_jax
from eoc.errors import EocError
from eoc.initializers.jax import eoc_bias, eoc_normal, eoc_orthogonal

pytestmark = pytest.mark.usefixtures("quick_compilation")

X = np.linspace(-18.0, 18.0, 1441) + 1e-3
KEY = jax.random.key(0)
# What depends on several elements, or is no activation.
OTHERS = {
    *("dot_product_attention", "glu", "logmeanexp", "log_softmax", "logsumexp", "one_hot", "softmax", "standardize"),
    *("get_scaled_dot_general_config", "log1mexp", "scaled_dot_general", "scaled_matmul"),
}
FUNCTIONS = [getattr(jax.nn, name) for name in sorted(set(dir(jax.nn)) - OTHERS) if callable(getattr(jax.nn, name))]


@pytest.mark.parametrize(
    "function",
    [
        *FUNCTIONS,
        partial(jax.nn.gelu, approximate=False),
        partial(jax.nn.leaky_relu, negative_slope=0.2),
        partial(jax.nn.leaky_relu, negative_slope=0),
        partial(jax.nn.elu, alpha=0.5),
        partial(jax.nn.celu, alpha=2),
        partial(jax.nn.squareplus, b=1.0),
    ],
)
def test_each_activation_of_jax_is_the_one_it_is_taken_for(function):
    phi = eoc.activation(function)
    assert phi is eoc.activation(phi.name), "a new activation of jax: give its counterpart, or list it above"
    assert np.allclose(phi(X), in_double("jax", function)(X), rtol=1e-12, atol=1e-12)


def test_those_of_flax_and_numpy_are_the_same():
    assert eoc.activation(linen.gelu) is eoc.activation(nnx.gelu) is eoc.activation("gelu_tanh")
    assert eoc.activation(jnp.tanh) is eoc.activation(linen.tanh) is eoc.activation("tanh")


def test_functions_of_ones_own_are_computed_in_double_precision_also_where_others_are_traced():
    def swish(x):
        return x * jax.nn.sigmoid(x)

    @jax.jit
    def traced(x):
        return x + eoc.activation(swish)(X)[0]

    traced(1.0)
    phi = eoc.activation(swish)
    assert phi is eoc.activation(swish)
    assert np.allclose(phi(X), X / (1.0 + np.exp(-X)), rtol=1e-12, atol=1e-12)
    assert eoc.activation(lambda x: np.maximum(x, 0.1 * x)).knots == (0.0,)
    assert jnp.ones(1).dtype == jnp.float32


def test_what_is_no_activation_is_refused():
    with pytest.raises(EocError, match="of that element alone"):
        eoc.activation(jax.nn.softmax)
    with pytest.raises(EocError, match="unexpected keyword"):
        eoc.activation(partial(jax.nn.elu, beta=1.0))
    with pytest.raises(EocError, match="an activation is"):
        eoc.activation(7)


def test_what_shows_too_few_digits_is_told_to_be_named_unless_it_is_known():
    with pytest.raises(EocError, match=r"(?s)single precision, also when called in double.* formula in x"):
        eoc.activation(lambda x: jnp.sin(x.astype(jnp.float32)) * 1.7)
    assert eoc.activation(lambda x: jnp.sin(x.astype(jnp.float32))) is eoc.activation("sin")


@pytest.mark.parametrize("initialiser", [eoc_normal, eoc_orthogonal, eoc_bias])
def test_without_an_activation_both_sigmas_are_meant_as_they_are(initialiser):
    ours = initialiser(sigma_w=1.5, sigma_b=0.5)(KEY, (20, 20))
    assert (ours == initialiser("erf", sigma_w=1.5, sigma_b=0.5)(KEY, (20, 20))).all()
    assert (initialiser(jnp.tanh)(KEY, (20, 20)) == initialiser("tanh")(KEY, (20, 20))).all()
    with pytest.raises(EocError, match="which activation"):
        initialiser(sigma_w=1.5)


SPELT = [
    (lambda x: jnp.sin(3 * x) + x, "sin((3.0 * x)) + x"),
    (lambda x: jnp.maximum(x, 0) ** 2 + x, "(max(x, 0.0) ** 2.0) + x"),
    (jax.jit(lambda x: jax.nn.silu(x) / 0.6), "(x * sigmoid(x)) / 0.6"),
    (lambda x: x * jax.nn.softplus(2 * x), "x * softplus((2.0 * x))"),
    (lambda x: jnp.where(x > 0, x, 0.1 * x) + 1.5, "where((x > 0.0), x, (0.1 * x)) + 1.5"),
    (lambda x: jnp.clip(x, -1, 2.5), "min(2.5, max((-1.0), x))"),
    (lambda x: -jnp.exp(-(x**2)), "-exp((-(x ** 2.0)))"),
    (lambda x: x / jnp.sqrt(1 + x * x), "x / sqrt((1.0 + (x * x)))"),
]


@pytest.mark.parametrize(("function", "name"), SPELT, ids=[name for _, name in SPELT])
def test_what_is_made_of_known_functions_is_computed_as_a_formula(function, name, monkeypatch):
    monkeypatch.setattr("eoc.activations.argument.computed.from_callable", None)  # nothing is searched for edges
    phi = eoc.activation(function)
    assert phi.name == name
    assert phi is eoc.activation(name)
    assert np.allclose(phi(X), in_double("jax", function)(X), rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize(
    "function",
    [jnp.cumsum, jnp.sinc, lambda x: jnp.array([1.0, 2.0, 3.0]) * x, jnp.sort, lambda: 1.0],
)
def test_anything_else_has_no_formula(function):
    assert formula_of_jax(function) is None
