"""One pass forward and one back through a real model, with what its layers hand on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from eoc.errors import EocError
from eoc.wording import quoted

__all__ = ["LAYERS", "Call", "count_samples", "measure"]

FloatArray = NDArray[np.float64]
_Dead = Callable[[FloatArray], NDArray[np.bool_]]

_CONVOLUTIONS: dict[type, Callable[..., Any]] = {
    nn.Conv1d: functional.conv1d,
    nn.Conv2d: functional.conv2d,
    nn.Conv3d: functional.conv3d,
    nn.ConvTranspose1d: functional.conv_transpose1d,
    nn.ConvTranspose2d: functional.conv_transpose2d,
    nn.ConvTranspose3d: functional.conv_transpose3d,
}
LAYERS = (nn.Linear, *_CONVOLUTIONS)  #: the modules whose outputs are measured


@dataclass
class Call:
    """What one call of a layer gave.

    Attributes
    ----------
    module
        The layer.
    units
        Outputs of a Linear layer, channels of a convolution.
    sigma_w, sigma_b
        sqrt(fan_in mean W^2) and sqrt(mean b^2) of what it computes with, also where that is made of other parameters.
    gram
        (B, B): means over units and positions of the products of the pre-activations of two samples; (1, 1), the mean
        square alone, where samples cannot be told apart.
    inside
        Which share of the terms that a unit sums are not padding.
    dead
        Which share of the units the activation maps to a constant for the whole batch; NaN if that was not asked.
    gradient
        The root mean square over samples of the norm of dL/dh; NaN where no gradient arrives.
    """

    module: Any
    units: int
    sigma_w: float
    sigma_b: float
    gram: FloatArray
    inside: float
    dead: float
    gradient: float = field(default=float("nan"))


def measure(
    model: Any, batch: Any, layers: dict[Any, _Dead | None], loss: Callable[[Any], Any] | None, seed: int
) -> list[Call]:
    """Run a model once forward and once backward, and measure the outputs of its layers.

    Parameters
    ----------
    model
        A ``torch.nn.Module``; its hooks and gradients are left as they were.
    batch
        A tensor, a tuple or list of tensors, or a dict of keyword arguments.
    layers
        The modules to measure, each with what tells which pre-activations its activation is flat at, or None.
    loss
        A scalar function of the output; None: a random linear function of it with N(0, 1) coefficients.
    seed
        Of the coefficients.

    Returns
    -------
    list of Call
        One for each call of each layer, in the order in which they ran.
    """
    given, named = _arguments(batch)
    samples = count_samples(batch)
    calls: list[Call] = []
    outputs: list[Any] = []
    recording = [True]  # not while checkpointed parts are computed again for the gradients

    def keep(module: Any, inputs: tuple[Any, ...], output: Any) -> Any:
        if not isinstance(output, torch.Tensor) or not output.is_floating_point():
            return output
        if not output.requires_grad:
            output.requires_grad_()
        if recording[0]:
            calls.append(_call(module, inputs[0], output.detach(), samples, layers[module]))
            outputs.append(output)
        return output.clone()  # what follows may change it in place

    with _hooked(layers, keep), torch.inference_mode(False), torch.enable_grad():
        try:
            result = model(*given, **named)
        except Exception as error:
            raise EocError(f"the model cannot take this batch: {type(error).__name__}: {error}") from error
        recording[0] = False
        if not calls:
            raise EocError("no Linear layer or convolution ran, so there is nothing to measure")
        total = _linear(result, seed) if loss is None else _scalar(loss(result))
        gradients = torch.autograd.grad(total, outputs, allow_unused=True) if total.requires_grad else ()
    for call, gradient in zip(calls, gradients, strict=False):
        if gradient is not None:
            call.gradient = float((gradient.cpu().double().square().sum() / samples).sqrt())
    return calls


@contextmanager
def _hooked(modules: Iterable[Any], hook: Callable[..., Any]) -> Iterator[None]:
    with ExitStack() as stack:
        for module in modules:
            stack.callback(module.register_forward_hook(hook).remove)
        yield


def _arguments(batch: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if isinstance(batch, torch.Tensor):
        return (batch,), {}
    if isinstance(batch, dict) and batch:
        return (), batch
    if isinstance(batch, tuple | list) and batch and isinstance(batch[0], torch.Tensor):
        return tuple(batch), {}
    raise EocError(
        f"batch must be a tensor, a tuple of tensors or a dict of keyword arguments, got {quoted(batch)}: "
        "torch.from_numpy makes a tensor of an array"
    )


def count_samples(batch: Any) -> int:
    """The length of the first tensor in a batch."""
    first = next(_tensors(batch), None)
    if first is None or first.ndim == 0 or len(first) == 0:
        raise EocError("batch holds no tensor with at least one sample along its first dimension")
    return len(first)


def _tensors(value: Any) -> Iterator[Any]:
    """The tensors in nested tuples, lists and dicts."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _tensors(one)
    elif isinstance(value, tuple | list):
        for one in value:
            yield from _tensors(one)


def _linear(result: Any, seed: int) -> Any:
    """A random linear function of all outputs."""
    generator = torch.Generator().manual_seed(seed)
    terms = []
    for output in _tensors(result):
        if output.is_floating_point():
            weights = torch.randn(output.shape, generator=generator, dtype=torch.float64)
            terms.append((output.cpu().double() * weights).sum())
    if not terms:
        raise EocError("the model returns no floating-point tensor: give a loss, a scalar function of what it returns")
    return sum(terms)


def _scalar(value: Any) -> Any:
    if not isinstance(value, torch.Tensor) or value.numel() != 1:
        shape = f" of shape {tuple(value.shape)}" if isinstance(value, torch.Tensor) else ""
        raise EocError(f"loss must return one number, got {quoted(type(value).__name__)}{shape}")
    return value.sum()


def _call(module: Any, inputs: Any, output: Any, samples: int, dead: _Dead | None) -> Call:
    h = output.cpu().double()
    linear = isinstance(module, nn.Linear)
    units = h.shape[-1] if linear else module.out_channels
    batched = h.ndim > 1 if linear else h.ndim == len(module.kernel_size) + 2
    apart = batched and len(h) % samples == 0
    x = h.reshape(samples if apart else 1, -1)
    gram = (x @ x.T / max(x.shape[1], 1)).numpy()
    share = float("nan")
    if dead is not None and batched:
        by_unit = h.movedim(-1 if linear else 1, 0).reshape(units, -1)
        share = float(dead(by_unit.numpy()).all(axis=1).mean())
    sigma_w, sigma_b = _sigmas(module)
    return Call(module, units, sigma_w, sigma_b, gram, 1.0 if linear else _inside(module, inputs), share)


def _sigmas(module: Any) -> tuple[float, float]:
    weight, bias = module.weight, module.bias
    fan_in = weight[0].numel()
    if getattr(module, "transposed", False):
        fan_in = weight[:, 0].numel() / module.groups / np.prod(module.stride)
    return float(fan_in * _mean_square(weight)) ** 0.5, 0.0 if bias is None else _mean_square(bias) ** 0.5


def _mean_square(parameter: Any) -> float:
    return float(parameter.detach().cpu().double().square().mean())


def _inside(module: Any, inputs: Any) -> float:
    """How many of the terms that an output of a convolution sums are not padding, on average over positions."""
    sizes = inputs.shape[-len(module.kernel_size) :]
    if module.padding_mode != "zeros":
        return 1.0
    settings = {"stride": module.stride, "padding": module.padding, "dilation": module.dilation}
    terms = float(np.prod(module.kernel_size))
    if module.transposed:
        settings["output_padding"] = module.output_padding
        terms /= float(np.prod(module.stride))
    function = next(f for kind, f in _CONVOLUTIONS.items() if isinstance(module, kind))
    return float(function(torch.ones(1, 1, *sizes), torch.ones(1, 1, *module.kernel_size), **settings).mean()) / terms
