"""Networks of Keras with the initialisers for Keras follow the maps; JAX is below it and differentiates.

They have depth 50 and two inputs, dense ones width 1024, convolutions 128 channels of 6 x 6 pixels around a torus;
what is checked, and with which confidence, is in ``statistics``.
"""

from __future__ import annotations

from functools import partial

import jax
import keras
import numpy as np
import pytest

import eoc
from eoc.initializers.keras import EocBias, EocNormal
from eoc.operating_point import operating_point
from frameworks.statistics import Z, backward_z, forward_z

DEPTH = 50
DENSE = (partial(keras.layers.Dense, 1024), (1024,), lambda x: x)
CONV = (
    partial(keras.layers.Conv2D, 128, 3),
    (6, 6, 128),
    lambda x: keras.ops.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)], mode="wrap"),
)
GELU = partial(keras.activations.gelu, approximate=False)
NETWORKS = [  # all but the last at stable points of the edge of chaos
    ("tanh", keras.activations.tanh, {"sigma_b": 0.2}, DENSE),
    ("relu", keras.activations.relu, {}, DENSE),
    ("elu", keras.activations.elu, {"sigma_b": 0.2}, DENSE),
    ("gelu", GELU, {"sigma_b": 0.62}, DENSE),
    ("tanh", keras.activations.tanh, {"sigma_b": 0.2}, CONV),
    ("gelu", GELU, {"sigma_b": 0.62}, CONV),
    ("tanh", keras.activations.tanh, {"sigma_w": 1.0, "sigma_b": 0.3}, DENSE),  # ordered
]


def correlated(q, shape):
    """Two inputs with correlation 1/2."""
    u, v = np.random.default_rng(1).standard_normal((2, *shape), dtype=np.float32)
    return np.float32(np.sqrt(q)) * np.stack([u, 0.5 * u + np.float32(np.sqrt(0.75)) * v])


@pytest.mark.parametrize(("name", "phi", "given", "kind"), NETWORKS)
def test_networks_follow_the_maps_forward_and_backward(name, phi, given, kind):
    layer, shape, padded = kind
    p = operating_point(name, **given)
    seed = keras.random.SeedGenerator(20240607)
    kernel, bias = EocNormal(name, seed=seed, **given), EocBias(name, seed=seed, **given)
    stack = [layer(kernel_initializer=kernel, bias_initializer=bias) for _ in range(DEPTH)]
    inputs, readout = correlated(p.q, shape), correlated(1.0, shape)[1]

    def loss(probes):  # added to the pre-activations, so that derivatives by them are those by pre-activations
        h, layers = inputs, []
        for apply, probe in zip(stack, probes, strict=True):
            h = apply(padded(phi(h))) + probe
            layers.append(h)
        return keras.ops.sum(readout * h[0]), layers

    gradients, layers = jax.grad(loss, has_aux=True)([np.zeros((2, *shape), np.float32)] * DEPTH)
    layers = [np.moveaxis(h, -1, 1).reshape(2, shape[-1], -1).squeeze() for h in map(np.asarray, (inputs, *layers))]
    gradients = [np.asarray(g) for g in gradients]
    activation = eoc.activation(name)
    z = forward_z(activation, p.sigma_w, p.sigma_b, layers)
    z["backward"] = backward_z(activation, p.sigma_w, layers[1:], gradients)
    assert max(map(abs, z.values())) < Z, z

    grown = np.log(np.linalg.norm(gradients[0][0]) / np.linalg.norm(gradients[-1][0]))
    if p.chi_1 == 1.0:
        assert abs(grown) < np.log(2.0)
    else:
        assert grown == pytest.approx(0.5 * (DEPTH - 1) * np.log(p.chi_1), rel=0.1)
