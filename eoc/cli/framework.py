"""The lines of code that draw a network at a place, in a deep-learning framework."""

from __future__ import annotations

from enum import StrEnum
from math import isclose
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eoc.activations import Activation
    from eoc.cli.answer import Answer
    from eoc.recommendation import Recommendation

__all__ = ["Framework", "code"]


class Framework(StrEnum):
    """Whose code to print."""

    TORCH = "torch"
    JAX = "jax"
    KERAS = "keras"


_ALL = """\
# {plan}
# Left out are residual branches, normalisations, gates and embeddings{by}.
"""
_TORCH = """\
import torch

layers = [m for m in model.modules() if isinstance(m, (torch.nn.Linear, torch.nn.Conv1d, torch.nn.Conv2d))]
for m in layers:
    last = m is layers[-1]
    gain = {first!r} if m is layers[0] else {last!r} if last else {sigma_w!r}
    fan_in = m.weight[0].numel()
    if isinstance(m, torch.nn.Linear):
        {dense}
    else:
        torch.nn.init.normal_(m.weight, std=gain / fan_in**0.5)
    if m.bias is not None:
        torch.nn.init.normal_(m.bias, std=0.0 if last else {sigma_b!r})"""
_JAX = """\
import jax
import math


def kernel(gain):
    def init(key, shape, dtype="float32", **placed):
        fan_in = math.prod(shape[:-1])
        if len(shape) == 2:
            {dense}
        return jax.nn.initializers.variance_scaling(gain**2, "fan_in", "normal")(key, shape, dtype)

    return init


first_kernel_init, kernel_init, last_kernel_init = kernel({first!r}), kernel({sigma_w!r}), kernel({last!r})
bias_init, last_bias_init = jax.nn.initializers.normal({sigma_b!r}), jax.nn.initializers.zeros"""
_KERAS = """\
import keras
import math


def kernel(gain):
    def init(shape, dtype=None):
        fan_in = math.prod(shape[:-1])
        if len(shape) == 2:
            {dense}
        return keras.initializers.VarianceScaling(gain**2, "fan_in", "untruncated_normal")(shape, dtype)

    return init


def bias_initializer(shape, dtype=None):
    return keras.random.normal(shape, stddev={sigma_b!r}, dtype=dtype)


first_kernel_initializer, kernel_initializer, last_kernel_initializer = (
    kernel({first!r}), kernel({sigma_w!r}), kernel({last!r})
)
last_bias_initializer = "zeros\""""
_TEMPLATE = {Framework.TORCH: _TORCH, Framework.JAX: _JAX, Framework.KERAS: _KERAS}
_ORTHOGONAL = {
    Framework.TORCH: "torch.nn.init.orthogonal_(m.weight, gain * max(1.0, len(m.weight) / fan_in) ** 0.5)",
    Framework.JAX: """\
scale = gain * max(1.0, shape[-1] / fan_in) ** 0.5
            return jax.nn.initializers.orthogonal(scale)(key, shape, dtype)""",
    Framework.KERAS: """\
scale = gain * max(1.0, shape[-1] / fan_in) ** 0.5
            return keras.initializers.Orthogonal(scale)(shape, dtype)""",
}
_GAUSSIAN = {
    Framework.TORCH: "torch.nn.init.normal_(m.weight, std=gain / fan_in**0.5)",
    Framework.JAX: 'return jax.nn.initializers.variance_scaling(gain**2, "fan_in", "normal")(key, shape, dtype)',
    Framework.KERAS: (
        'return keras.initializers.VarianceScaling(gain**2, "fan_in", "untruncated_normal")(shape, dtype)'
    ),
}
_BY_EOC = {
    Framework.TORCH: "from eoc.initializers.torch import initialize_; print(initialize_(model, {0}))",
    Framework.JAX: "from eoc.initializers.jax import eoc_bias, eoc_{1}; eoc_{1}({0}), eoc_bias({0})",
    Framework.KERAS: "from eoc.initializers.keras import EocBias, Eoc{2}; Eoc{2}({0}), EocBias({0})",
}


def code(answer: Answer, framework: Framework) -> str:
    """Lines that need no eoc, after comments: those that do, what is drawn, and if it is not what was asked for."""
    at = answer.place
    if at is None:
        return ""
    warning = "" if answer.fits else f"# NOT the point that was asked for: sigma_b = {at.sigma_b:.10g}\n"
    law = "orthogonal" if at.weights == "orthogonal" else "normal"
    by_eoc = _BY_EOC[framework].format(_arguments(answer, at), law, law.capitalize())
    hidden = "" if framework is Framework.TORCH else "  # hidden layers"
    by = ", which initialize_ knows" if framework is Framework.TORCH else ""
    first, last = answer.gains or (at.sigma_w, at.sigma_w)
    dense = (_ORTHOGONAL if at.weights == "orthogonal" else _GAUSSIAN)[framework]
    lines = _TEMPLATE[framework].format(first=first, last=last, sigma_w=at.sigma_w, sigma_b=at.sigma_b, dense=dense)
    return f"{warning}# or by eoc: {by_eoc}{hidden}\n{_ALL.format(plan=_plan(answer, at), by=by)}{lines}"


def _plan(answer: Answer, at: Recommendation) -> str:
    if answer.gains is None:
        return "Variances decay towards 0, whatever the first one is: all layers are drawn alike"
    return (
        f"Inputs of mean square 1: the first layer brings them to q = {at.q:.6g}, hidden ones keep it, outputs begin "
        "with variance 1"
    )


def _arguments(answer: Answer, at: Recommendation) -> str:
    """What an initialiser of eoc is called with: the depth of a recommendation, sigma_b, or q, or both sigmas."""
    from eoc.criticality import edge_of_chaos

    phi, p = answer.activation, at.point
    name = _named(phi)
    if not answer.found.given or not answer.fits:
        return f"{name}, depth={at.depth}"
    if p is None or not p.usable:
        return f"{name}, sigma_w={at.sigma_w!r}, sigma_b={at.sigma_b!r}"
    found = edge_of_chaos(phi, sigma_b=p.sigma_b)
    same = found.reason is None and isclose(found.best.sigma_w, p.sigma_w)
    return f"{name}, " + (f"sigma_b={p.sigma_b!r}" if same else f"q={p.q!r}")


def _named(phi: Activation) -> str:
    """As it is written in Python: a text, or the name of a function."""
    from eoc.activations import activation
    from eoc.errors import EocError

    try:
        return f'"{phi.name}"' if activation(phi.name) is phi else phi.name
    except EocError:
        return phi.name
