"""The lines of code that set a point in a deep-learning framework."""

from __future__ import annotations

from enum import StrEnum
from math import isclose
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eoc.activations import Activation
    from eoc.criticality import EocPoint

__all__ = ["Framework", "code"]


class Framework(StrEnum):
    """Whose code to print."""

    TORCH = "torch"
    JAX = "jax"
    KERAS = "keras"


_TORCH = """\
import torch

for m in model.modules():
    if isinstance(m, (torch.nn.Linear, torch.nn.Conv1d, torch.nn.Conv2d)):
        fan_in = m.weight[0].numel()
        torch.nn.init.normal_(m.weight, std={sigma_w!r} / fan_in**0.5)
        if m.bias is not None:
            torch.nn.init.normal_(m.bias, std={sigma_b!r})"""
_JAX = """\
import jax

kernel_init = jax.nn.initializers.variance_scaling({squared!r}, "fan_in", "normal")
bias_init = jax.nn.initializers.normal({sigma_b!r})"""
_KERAS = """\
import keras

kernel_initializer = keras.initializers.VarianceScaling({squared!r}, "fan_in", "untruncated_normal")
bias_initializer = keras.initializers.RandomNormal(stddev={sigma_b!r})"""
_TEMPLATE = {Framework.TORCH: _TORCH, Framework.JAX: _JAX, Framework.KERAS: _KERAS}
_BY_EOC = {
    Framework.TORCH: "from eoc.initializers.torch import initialize_; initialize_(model, {0})",
    Framework.JAX: "from eoc.initializers.jax import eoc_bias, eoc_normal; eoc_normal({0}), eoc_bias({0})",
    Framework.KERAS: "from eoc.initializers.keras import EocBias, EocNormal; EocNormal({0}), EocBias({0})",
}


def code(phi: Activation, p: EocPoint, framework: Framework, asked: bool = True) -> str:
    """Lines that need no eoc, after a comment with those that do, and a warning if another point was asked for."""
    warning = "" if asked else f"# NOT the point that was asked for: sigma_b = {p.sigma_b:.10g}\n"
    lines = _TEMPLATE[framework].format(sigma_w=p.sigma_w, squared=p.sigma_w**2, sigma_b=p.sigma_b)
    by_eoc = f"# or by eoc: {_BY_EOC[framework].format(_arguments(phi, p))}\n" if p.usable else ""
    return f"{warning}{by_eoc}{lines}"


def _arguments(phi: Activation, p: EocPoint) -> str:
    """What an initialiser of eoc is called with: nothing if recommended, else sigma_b, or q if others share that."""
    from eoc.criticality import edge_of_chaos

    if edge_of_chaos(phi).points == (p,):
        return _named(phi)
    found = edge_of_chaos(phi, sigma_b=p.sigma_b)
    same = found.reason is None and isclose(found.best.sigma_w, p.sigma_w)
    return f"{_named(phi)}, " + (f"sigma_b={p.sigma_b!r}" if same else f"q={p.q!r}")


def _named(phi: Activation) -> str:
    """As it is written in Python: a text, or the name of a function."""
    from eoc.activations import activation
    from eoc.errors import EocError

    try:
        return f'"{phi.name}"' if activation(phi.name) is phi else phi.name
    except EocError:
        return phi.name
