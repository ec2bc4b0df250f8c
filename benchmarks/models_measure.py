"""What is measured of a model at its start, for benchmarks/bench_models.py.

For inputs of its own draw, in training mode with all dropout off, and the loss sum_i c_i y_i with c_i from N(0, 1):

    output    log10 of the root of the mean square of y
    gradient  log10 |dL/dW_first| / |dL/dW_last|: norms over the weights of the layer that is run first, and of the last
              that has others
    effect    the same of |W| |dL/dW|, what relative changes of weights do: no scaling of units changes it
    spread    standard deviation over layers of log10 of the variance of what they compute

A layer is a module with a weight of two or more dimensions: dense, convolutional, recurrent, attention, and embeddings,
of which the spread takes no notice. Where fewer than two of them are seen, the first and the last parameter of two or
more dimensions are taken for the gradient.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import pstdev
from typing import Any

import torch
from models_zoo import Inputs
from torch import nn

LEAST = 1e-38  # variances below count as this


@dataclass(frozen=True)
class Measures:
    output: float
    gradient: float
    effect: float
    spread: float
    finite: bool
    layers: int


def called(model: nn.Module, inputs: Inputs) -> Any:
    return model(**inputs) if isinstance(inputs, dict) else model(inputs)


def first_tensor(out: Any) -> torch.Tensor:
    """The output that counts: the first tensor of floating point in what a model returns."""
    found = _tensors(out)
    return next(one for one in found if one.is_floating_point())


def _tensors(out: Any) -> Iterator[torch.Tensor]:
    if isinstance(out, torch.Tensor):
        yield out
    elif isinstance(out, dict):
        for one in out.values():
            yield from _tensors(one)
    elif isinstance(out, list | tuple):
        for one in out:
            yield from _tensors(one)


def without_dropout(model: nn.Module) -> nn.Module:
    """Dropout and stochastic depth of probability 0, whatever a library calls them; AlphaDropout stays."""
    for module in model.modules():
        kind = type(module).__name__
        if isinstance(module, nn.AlphaDropout):
            continue
        if ("Drop" in kind or kind == "StochasticDepth") and hasattr(module, "p"):
            module.p = 0.0
        for name, value in vars(module).items():
            if "drop" in name and isinstance(value, float):
                setattr(module, name, 0.0)
    return model.train()


def weights_of(module: nn.Module) -> list[nn.Parameter]:
    """Weights of two or more dimensions of a layer itself, also those behind a parametrisation."""
    if isinstance(module, nn.PReLU | nn.ParameterList | nn.ParameterDict):
        return []
    own = [p for name, p in module.named_parameters(recurse=False) if "weight" in name]
    behind = getattr(module, "parametrizations", {})
    own += list(behind["weight"].parameters()) if "weight" in behind else []
    return [p for p in own if p.ndim >= 2]


@contextmanager
def layers_run(model: nn.Module) -> Iterator[dict[nn.Module, float | None]]:
    """Layers in the order in which they are first run, with the variance of what they compute; None of embeddings, and
    if all weights are 0, as some libraries start the last layers of residual branches and heads."""
    seen: dict[nn.Module, float | None] = {}

    def record(module: nn.Module, _: Any, out: Any) -> None:
        if module in seen:
            return
        y = first_tensor(out).detach()
        silent = isinstance(module, nn.Embedding) or all(not p.any() for p in weights_of(module))
        seen[module] = None if silent or y.numel() < 2 else float(y.double().var())

    handles = [module.register_forward_hook(record) for module in model.modules() if weights_of(module)]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


def measured(model: nn.Module, inputs: Inputs) -> Measures:
    """All of it; running statistics of normalisations move, the parameters do not."""
    torch.manual_seed(0)
    with layers_run(model) as seen:
        y = first_tensor(called(model, inputs))
    model.zero_grad(set_to_none=True)
    (y * torch.randn(y.shape)).sum().backward()
    (first, early), (last, late) = _ends([weights_of(module) for module in seen], model)
    variances = [one for one in seen.values() if one is not None]
    return Measures(
        output=_log(float(y.detach().double().square().mean().sqrt())),
        gradient=_log(first) - _log(last) if last > 0.0 else math.nan,
        effect=_log(early) - _log(late) if late > 0.0 else math.nan,
        spread=_spread(variances),
        finite=bool(y.isfinite().all()) and all(map(math.isfinite, [first, last, *variances])),
        layers=len(seen),
    )


def _ends(layers: Sequence[list[nn.Parameter]], model: nn.Module) -> tuple[tuple[float, float], tuple[float, float]]:
    """Gradients of the first layer, and of the last that has other weights: heads may be tied to embeddings."""
    every = [weights for weights in layers if _gradient(weights)]
    apart = [weights for weights in every if not set(map(id, weights)) & set(map(id, every[0]))]
    if not apart:
        every = apart = [[p] for p in model.parameters() if p.ndim >= 2 and _gradient([p])]
    return _gradient(every[0]), _gradient(apart[-1])


def _gradient(weights: Sequence[nn.Parameter]) -> tuple[float, float] | None:
    """|dL/dW| and |W| |dL/dW| of these weights; None where none of them has a gradient."""
    pairs = [(float(p.grad.double().norm()), float(p.detach().double().norm())) for p in weights if p.grad is not None]
    return (math.hypot(*(g for g, _ in pairs)), math.hypot(*(g * w for g, w in pairs))) if pairs else None


def _log(x: float) -> float:
    if not math.isfinite(x):
        return math.nan
    return math.log10(x) if x > 0.0 else -math.inf


def _spread(variances: Sequence[float]) -> float:
    if not variances or not all(map(math.isfinite, variances)):
        return math.nan
    return pstdev(math.log10(max(one, LEAST)) for one in variances)
