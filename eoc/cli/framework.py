"""The lines of code that set a point in a deep-learning framework."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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


def code(p: EocPoint, framework: Framework, asked: bool = True) -> str:
    """The code, with a warning on top if another point was asked for."""
    warning = "" if asked else f"# NOT the point that was asked for: sigma_b = {p.sigma_b:.10g}\n"
    return warning + _TEMPLATE[framework].format(sigma_w=p.sigma_w, squared=p.sigma_w**2, sigma_b=p.sigma_b)
