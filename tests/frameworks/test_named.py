"""Every activation that a framework has is named; a new release shows here what is missing."""

from __future__ import annotations

from typing import Any

import jax
import keras
import numpy as np
import pytest
import torch

from eoc import EocError
from eoc.activations import activation
from eoc.activations.named import canonical, named

X = np.concatenate([np.linspace(-8.31, 8.13, 83), [-1e-3, 1e-3]])
OTHER_JAX = {
    "dot_product_attention",
    "get_scaled_dot_general_config",
    "initializers",
    "one_hot",
    "scaled_dot_general",
    "scaled_matmul",
}
UNBOUNDED = {"log1mexp"}  # log(1 - exp(-x)) is of x > 0 only
OTHER_KERAS = {"deserialize", "get", "serialize"}
# What a framework means by the name alone, where it is not what eoc means by it.
DEFAULTS = {
    "keras.leaky_relu": {"slope": 0.2},
    "jax.gelu": {"name": "gelu_tanh"},
    "torch.Threshold": {"threshold": 0.3, "value": 0.1},
}
ARGUMENTS = {"torch.Threshold": (0.3, 0.1), "keras.threshold": (1.0, 0.0)}


def public(module: Any, but: set[str]) -> list[str]:
    return sorted(n for n in dir(module) if not n.startswith("_") and n not in but)


NAMES = [
    *(("torch", name) for name in torch.nn.modules.activation.__all__),
    *(("jax", name) for name in public(jax.nn, OTHER_JAX | UNBOUNDED)),
    *(("keras", name) for name in public(keras.activations, OTHER_KERAS)),
]


def values(family: str, name: str) -> np.ndarray:
    given = ARGUMENTS.get(f"{family}.{name}", ())
    if family == "torch":
        with torch.no_grad():
            module = getattr(torch.nn, name)(*given).double().eval()
            return module(torch.tensor(X)).numpy()
    if family == "jax":
        return np.asarray(getattr(jax.nn, name)(jax.numpy.asarray(X)), dtype=float)
    return np.asarray(getattr(keras.activations, name)(keras.ops.convert_to_tensor(X), *given), dtype=float)


@pytest.mark.parametrize(("family", "name"), NAMES)
def test_every_activation_of_the_frameworks_is_named(family: str, name: str) -> None:
    if canonical(name) is None:  # several inputs for each output: the error says what to use
        with pytest.raises(EocError, match="no activation of each element alone"):
            named(name)
        return
    own = dict(DEFAULTS.get(f"{family}.{name}", {}))
    phi = named(str(own.pop("name", name)), **own)
    if name == "RReLU":  # its slope is random in training, and the mean of the range otherwise
        phi = activation("leaky_relu", slope=(1 / 8 + 1 / 3) / 2)
    assert values(family, name) == pytest.approx(phi(X), rel=3e-6, abs=3e-6)


def test_hardsigmoid_of_every_keras() -> None:
    three = np.asarray(keras.activations.hard_sigmoid(keras.ops.convert_to_tensor(X)), dtype=float)
    assert three == pytest.approx(named("hardsigmoid")(X), abs=1e-6)
    two = np.clip(0.2 * X + 0.5, 0.0, 1.0)
    assert two == pytest.approx(activation("hardsigmoid(slope=0.2)")(X), abs=1e-15)
