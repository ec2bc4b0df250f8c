"""Networks of Flax with the initialisers for JAX follow the maps.

They have depth 50 and two inputs, dense ones width 1024, convolutions 128 channels of 6 x 6 pixels around a torus;
what is checked, and with which confidence, is in ``statistics``.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen

import eoc
from eoc.initializers.jax import eoc_bias, eoc_normal
from eoc.operating_point import operating_point
from frameworks.statistics import Z, backward_z, forward_z

DEPTH = 50
KEY = jax.random.key(20240607)
DENSE = (partial(linen.Dense, 1024), (1024,))
CONV = (partial(linen.Conv, 128, (3, 3), padding="CIRCULAR"), (6, 6, 128))
GELU = partial(jax.nn.gelu, approximate=False)
NETWORKS = [  # all but the last at stable points of the edge of chaos
    ("tanh", jnp.tanh, {"sigma_b": 0.2}, DENSE),
    ("relu", jax.nn.relu, {}, DENSE),
    ("elu", jax.nn.elu, {"sigma_b": 0.2}, DENSE),
    ("gelu", GELU, {"sigma_b": 0.62}, DENSE),
    ("relu", jax.nn.relu, {}, CONV),
    ("elu", jax.nn.elu, {"sigma_b": 0.2}, CONV),
    ("tanh", jnp.tanh, {"sigma_w": 2.0, "sigma_b": 0.3}, DENSE),  # chaotic
]


def stack(layer, phi, shape):
    """Layers h -> W phi(h) + b by linen.scan: a function that draws their parameters, and one of these and inputs.

    Probes are added to the pre-activations, so that derivatives by them are those by pre-activations.
    """

    class Layer(linen.Module):
        @linen.compact
        def __call__(self, h, probe):
            after = layer()(phi(h)) + probe
            return after, after

    scanned = linen.scan(Layer, variable_axes={"params": 0}, split_rngs={"params": True}, length=DEPTH)()
    draw = jax.jit(lambda key: scanned.init(key, jnp.zeros((2, *shape)), jnp.zeros((DEPTH, 2, *shape))))
    return draw, lambda parameters, h, probes: scanned.apply(parameters, h, probes)[1]


def correlated(q, shape):
    """Two inputs with correlation 1/2."""
    u, v = np.random.default_rng(1).standard_normal((2, *shape), dtype=np.float32)
    return np.float32(np.sqrt(q)) * np.stack([u, 0.5 * u + np.float32(np.sqrt(0.75)) * v])


@pytest.mark.parametrize(("name", "phi", "given", "kind"), NETWORKS)
def test_networks_follow_the_maps_forward_and_backward(name, phi, given, kind):
    layer, shape = kind
    p = operating_point(name, **given)
    draw, run = stack(
        partial(layer, kernel_init=eoc_normal(name, **given), bias_init=eoc_bias(name, **given)), phi, shape
    )
    inputs, readout = correlated(p.q, shape), correlated(1.0, shape)[1]

    def loss(probes, parameters):
        layers = run(parameters, inputs, probes)
        return jnp.sum(readout * layers[-1, 0]), layers

    gradients, layers = jax.jit(jax.grad(loss, has_aux=True))(jnp.zeros((DEPTH, 2, *shape)), draw(KEY))
    layers = [np.moveaxis(h, -1, 1).reshape(2, shape[-1], -1).squeeze() for h in (inputs, *np.asarray(layers))]
    activation = eoc.activation(name)
    z = forward_z(activation, p.sigma_w, p.sigma_b, layers)
    z["backward"] = backward_z(activation, p.sigma_w, layers[1:], np.asarray(gradients))
    assert max(map(abs, z.values())) < Z, z

    norms = np.sqrt(np.sum(np.asarray(gradients)[:, 0].reshape(DEPTH, -1) ** 2, axis=1))
    grown = np.log(norms[0] / norms[-1])
    if p.chi_1 == 1.0:
        assert abs(grown) < np.log(2.0)
    else:
        assert grown == pytest.approx(0.5 * (DEPTH - 1) * np.log(p.chi_1), rel=0.1)
