"""One pass forward and one back through a real model, with what its layers hand on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from eoc.diagnose.layers import Layer
from eoc.errors import EocError
from eoc.floats import FloatArray
from eoc.messages import quoted

__all__ = ["Call", "count_samples", "measure"]

_Flat = Callable[[FloatArray], NDArray[np.bool_]]


@dataclass
class Call:
    """What one call of a layer gave.

    Attributes
    ----------
    layer
        Which.
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
        The root mean square over samples of the norm of dL/dh; NaN too where no gradient arrives, which ``reached``
        tells.
    """

    layer: Layer
    sigma_w: float
    sigma_b: float
    gram: FloatArray
    inside: float
    dead: float
    gradient: float = float("nan")
    reached: bool = False


def measure(
    model: Any,
    batch: Any,
    layers: Iterable[Layer],
    flat: Mapping[Any, _Flat],
    loss: Callable[[Any], Any] | None,
    seed: int,
) -> list[Call]:
    """Run a model once forward and once backward, and measure the outputs of its layers.

    Parameters
    ----------
    model
        A ``torch.nn.Module``; its hooks and gradients are left as they were.
    batch
        A tensor, a tuple or list of tensors, or a dict of keyword arguments.
    layers
        What to measure.
    flat
        What tells, for modules among them, at which pre-activations the activation that follows is flat.
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
    watched = {layer.module: layer for layer in layers}
    calls: list[Call] = []
    outputs: list[Any] = []
    recording = [True]  # not while checkpointed parts are computed again for the gradients

    def keep(module: Any, inputs: tuple[Any, ...], keywords: dict[str, Any], output: Any) -> Any:
        x, layer = next(iter((*inputs, *keywords.values())), None), watched[module]
        if not isinstance(output, torch.Tensor) or not output.is_floating_point() or not layer.gives(x, output):
            return output
        if not output.requires_grad:
            output.requires_grad_()
        if recording[0]:
            calls.append(_call(layer, x, output.detach(), samples, flat.get(module)))
            outputs.append(output)
        return output.clone()  # what follows may change it in place

    with _hooked(watched, keep), torch.inference_mode(False), torch.enable_grad():
        try:
            result = model(*given, **named)
        except Exception as error:
            raise EocError(f"the model cannot take this batch: {type(error).__name__}: {error}") from error
        recording[0] = False
        if not calls:
            return []
        total = _linear(result, seed) if loss is None else _scalar(loss(result))
        gradients = torch.autograd.grad(total, outputs, allow_unused=True) if total.requires_grad else ()
    for call, gradient in zip(calls, gradients, strict=False):
        if gradient is not None:
            call.reached = True
            call.gradient = float((gradient.cpu().double().square().sum() / samples).sqrt())
    return calls


@contextmanager
def _hooked(modules: Iterable[Any], hook: Callable[..., Any]) -> Iterator[None]:
    with ExitStack() as stack:
        for module in modules:
            stack.callback(module.register_forward_hook(hook, with_kwargs=True).remove)
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
    """The tensors in nested tuples, lists, dicts and dataclasses."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _tensors(one)
    elif isinstance(value, tuple | list):
        for one in value:
            yield from _tensors(one)
    elif is_dataclass(value):
        for entry in fields(value):
            yield from _tensors(getattr(value, entry.name))


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


def _call(layer: Layer, inputs: Any, output: Any, samples: int, flat: _Flat | None) -> Call:
    h = output.cpu().double()
    batched = h.ndim == len(layer.window) + 2 if layer.window else h.ndim > 1
    apart = batched and len(h) % samples == 0
    x = h.reshape(samples if apart else 1, -1)
    gram = (x @ x.T / max(x.shape[1], 1)).numpy()
    dead = float("nan")
    if flat is not None and batched:
        by_unit = h.movedim(1 if layer.window else -1, 0).reshape(layer.units, -1)
        dead = float(flat(by_unit.numpy()).all(axis=1).mean())
    return Call(layer, *layer.sigmas(), gram, layer.inside(inputs), dead)
