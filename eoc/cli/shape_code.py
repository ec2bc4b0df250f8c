"""The lines of code of a shaped activation and of its initialisation, in a deep-learning framework."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from eoc.cli.framework import Framework

if TYPE_CHECKING:
    from eoc.shaping import Shaping

__all__ = ["shape_code"]

# What frameworks call an activation, with its parameters in the order of eoc; {0} is what it is of.
_NN = "torch.nn.functional."
_WRITTEN: dict[Framework, dict[str, str]] = {
    Framework.TORCH: {
        **{name: f"torch.{name}({{0}})" for name in ("tanh", "sigmoid", "relu", "erf", "sin", "cos", "arctan", "exp")},
        **{name: f"{_NN}{name}({{0}})" for name in ("gelu", "mish", "selu", "softsign", "tanhshrink", "logsigmoid")},
        "gelu_tanh": f'{_NN}gelu({{0}}, approximate="tanh")',
        "silu": f"{_NN}silu({{1}} * ({{0}})) / {{1}}",
        "softplus": f"{_NN}softplus({{0}}, beta={{1}})",
        "elu": f"{_NN}elu({{0}}, alpha={{1}})",
        "celu": f"{_NN}celu({{0}}, alpha={{1}})",
        "leaky_relu": f"{_NN}leaky_relu({{0}}, {{1}})",
    },
    Framework.JAX: {
        **{name: f"jax.nn.{name}({{0}})" for name in ("tanh", "sigmoid", "relu", "mish", "selu")},
        **{name: f"jax.numpy.{name}({{0}})" for name in ("sin", "cos", "arctan", "exp")},
        "softsign": "jax.nn.soft_sign({0})",
        "logsigmoid": "jax.nn.log_sigmoid({0})",
        "erf": "jax.scipy.special.erf({0})",
        "gelu": "jax.nn.gelu({0}, approximate=False)",
        "gelu_tanh": "jax.nn.gelu({0}, approximate=True)",
        "silu": "jax.nn.silu({1} * ({0})) / {1}",
        "softplus": "jax.nn.softplus({1} * ({0})) / {1}",
        "elu": "jax.nn.elu({0}, alpha={1})",
        "celu": "jax.nn.celu({0}, alpha={1})",
        "leaky_relu": "jax.nn.leaky_relu({0}, {1})",
    },
    Framework.KERAS: {
        **{
            name: f"keras.activations.{name}({{0}})" for name in ("tanh", "sigmoid", "relu", "mish", "selu", "softsign")
        },
        **{name: f"keras.ops.{name}({{0}})" for name in ("sin", "cos", "arctan", "exp", "erf")},
        "logsigmoid": "keras.activations.log_sigmoid({0})",
        "gelu": "keras.activations.gelu({0}, approximate=False)",
        "gelu_tanh": "keras.activations.gelu({0}, approximate=True)",
        "silu": "keras.activations.silu({1} * ({0})) / {1}",
        "softplus": "keras.activations.softplus({1} * ({0})) / {1}",
        "elu": "keras.activations.elu({0}, alpha={1})",
        "celu": "keras.activations.celu({0}, alpha={1})",
        "leaky_relu": "keras.activations.leaky_relu({0}, negative_slope={1})",
    },
}
_TORCH = """\
import torch


def shaped_{name}(x):
    return {body}


for m in model.modules():
    if isinstance(m, torch.nn.Linear):
        torch.nn.init.orthogonal_(m.weight, max(1.0, m.out_features / m.in_features) ** 0.5)
    elif isinstance(m, (torch.nn.Conv1d, torch.nn.Conv2d)):
        torch.nn.init.normal_(m.weight, std=m.weight[0].numel() ** -0.5)
    if getattr(m, "bias", None) is not None:
        torch.nn.init.zeros_(m.bias)"""
_JAX = """\
import jax


def shaped_{name}(x):
    return {body}


def kernel_init(key, shape, dtype="float32", **placed):
    if len(shape) == 2:
        return jax.nn.initializers.orthogonal(max(1.0, shape[1] / shape[0]) ** 0.5)(key, shape, dtype)
    return jax.nn.initializers.variance_scaling(1.0, "fan_in", "normal")(key, shape, dtype)


bias_init = jax.nn.initializers.zeros"""
_KERAS = """\
import keras


def shaped_{name}(x):
    return {body}


def kernel_initializer(shape, dtype=None):
    if len(shape) == 2:
        return keras.initializers.Orthogonal(max(1.0, shape[1] / shape[0]) ** 0.5)(shape, dtype)
    return keras.initializers.VarianceScaling(1.0, "fan_in", "untruncated_normal")(shape, dtype)


bias_initializer = "zeros\""""
_TEMPLATE = {Framework.TORCH: _TORCH, Framework.JAX: _JAX, Framework.KERAS: _KERAS}


def shape_code(found: Shaping, framework: Framework) -> str:
    """Lines that need no eoc: the function, and how the layers around it are drawn."""
    if found.negative_slope is not None:
        body = f"{found.gamma!r} * {_phi(framework, 'leaky_relu', 'x', (found.negative_slope,))}"
    else:
        phi = _phi(framework, found.original, f"{found.alpha!r} * x {_plus(found.beta)}", found.parameters)
        body = f"{found.gamma!r} * ({phi} {_plus(found.delta)})"
    lines = _TEMPLATE[framework].format(name=_identifier(found.original), body=body)
    return f"# In place of {found.original} in each of {found.depth} blocks, for inputs of mean square 1.\n{lines}"


def _plus(value: float) -> str:
    return f"{'-' if value < 0.0 else '+'} {abs(value)!r}"


def _phi(framework: Framework, name: str, inner: str, parameters: tuple[float, ...]) -> str:
    """The original activation of an expression; of one that the framework has not, a name to be filled in."""
    written = _WRITTEN[framework].get(name.partition("(")[0])
    if written is None:
        return f"phi({inner})"
    if name == "silu" and parameters == (1.0,):
        written = written.replace("{1} * ({0})", "{0}").removesuffix(" / {1}")
    return written.format(inner, *map(repr, parameters))


def _identifier(name: str) -> str:
    return re.sub(r"\W+", "_", name).strip("_") if len(name) < 20 else "activation"
