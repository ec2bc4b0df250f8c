"""Weights that are computed from other parameters, and how they are set all the same."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.nn.utils import parametrize

from eoc.models.torch.builder import Builder, Weight
from eoc.models.torch.values import Fixed

__all__ = ["computed_by", "weight_of"]

_CLOSE = 1e-3  # also in half precision
_FEW = 2  # weights of an output
_TRIED = 5003  # numbers, in steps that rarely fit those of an axis


def weight_of(builder: Builder, module: nn.Module) -> Weight | None:
    """The weight of a module whose parametrisations compute it; None where it is not known how.

    ``torch.nn.utils.parametrize`` and what is registered by it, and the hooks of the older ``weight_norm``,
    ``spectral_norm`` and ``prune``.
    """
    if parametrize.is_parametrized(module, "weight"):
        by: Any = module.parametrizations["weight"]
        return _tried(builder, module, list(by.parameters()), [type(each).__name__.lstrip("_") for each in by])
    for hook in module._forward_pre_hooks.values():
        if getattr(hook, "name", getattr(hook, "_tensor_name", None)) == "weight":
            own = [p for name, p in module._parameters.items() if name.startswith("weight_") and p is not None]
            return _tried(builder, module, own, [type(hook).__name__])
    return None


def computed_by(builder: Builder, weight: Fixed) -> Weight:
    """A weight that a forward computes, or that is no parameter."""
    tensor = weight.values.detach()
    if not weight.sources:
        return Weight(tensor, (weight.name,), None, "it is no parameter")
    sources = tuple(sorted(weight.sources, key=lambda name: -builder.parameter(name).numel()))
    for name in sources:
        inverse = _inverse(builder, weight, name)
        if inverse is not None:
            return Weight(tensor, sources, _into(builder.parameter(name), inverse), "")
    gain = next((name for name in reversed(sources) if _is_gain(builder, weight, name)), None)
    assign = None if gain is None else _scaling(builder.parameter(gain), weight)
    fixed = "" if assign else f"it is computed from {' and '.join(sources)}"
    return Weight(tensor, sources, assign, fixed, _is_centred(tensor))


def _is_gain(builder: Builder, weight: Fixed, name: str) -> bool:
    """Whether a weight is proportional to a parameter, as a standardised one is to its gain."""
    parameter = builder.parameter(name)
    if weight.again is None or parameter.is_meta or not bool(weight.tensor.any()):
        return False
    with torch.no_grad():
        return all(_alike(weight.again({name: c * parameter}), c * weight.tensor) for c in (2.0, -3.0))


def _scaling(gain: torch.Tensor, weight: Fixed) -> Callable[[torch.Tensor], None]:
    """What gives a weight the size of a value, by its gain."""

    def assign(value: torch.Tensor) -> None:
        with torch.no_grad():
            assert weight.again is not None
            gain.mul_(value.square().mean().sqrt() / weight.again({}).square().mean().sqrt())

    return assign


def _is_centred(tensor: torch.Tensor) -> bool:
    """Whether the weights of each output add up to 0."""
    if tensor.is_meta or tensor.dim() < 2 or tensor[0].numel() < _FEW:
        return False
    rows = tensor.double().flatten(1)
    return bool((rows.sum(1).abs() <= _CLOSE * rows.abs().sum(1)).all())


def _inverse(builder: Builder, weight: Fixed, name: str) -> Callable[[torch.Tensor], torch.Tensor] | None:
    """What a parameter W has to be where the weight is c W or its transpose, c numbers; None for anything else."""
    parameter = builder.parameter(name)
    if weight.again is None or parameter.is_meta or sorted(weight.tensor.shape) != sorted(parameter.shape):
        return None
    with torch.no_grad():
        twice = weight.again({name: 2.0 * parameter})
        if not _alike(twice, 2.0 * weight.tensor):  # most often
            return None
        drawn = _drawn(parameter)
        factor: torch.Tensor = weight.again({name: torch.ones_like(parameter)}).clone()
        made = weight.again({name: drawn})
    if bool((factor == 0.0).any()):
        return None
    for turned in (False, True)[: 1 + (parameter.dim() == 2)]:
        own = drawn.mT if turned else drawn
        if made.shape == own.shape and _alike(made, factor * own):
            return partial(_over, factor, turned)
    return None


def _over(factor: torch.Tensor, turned: bool, value: torch.Tensor) -> torch.Tensor:
    return (value / factor).mT if turned else value / factor


def _into(parameter: torch.Tensor, inverse: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[torch.Tensor], None]:
    def assign(value: torch.Tensor) -> None:
        with torch.no_grad():
            parameter.copy_(inverse(value))

    return assign


def _tried(builder: Builder, module: nn.Module, parameters: list[Any], by: list[str]) -> Weight | None:
    """The weight of a module, which can be set if a copy of the module keeps what it is set to."""
    sources = [builder.name_of(each) for each in sorted(parameters, key=lambda each: -each.numel())]
    names = tuple(name for name in sources if name is not None)
    if not names or len(names) < len(sources):
        return None
    made = {id(value): None for value in vars(module).values() if isinstance(value, torch.Tensor)}
    twin = copy.deepcopy(module, made).eval()  # without what a hook has left in it, which cannot be copied
    with torch.no_grad():
        tensor = _weight(twin)
        keeps = False
        if not tensor.is_meta:
            drawn = _drawn(tensor)
            try:
                _set(twin, drawn)
                keeps = _alike(_weight(twin), drawn)
            except (NotImplementedError, RuntimeError, ValueError):  # no right inverse, or not of this
                keeps = False
    fixed = "" if keeps else f"its size is kept by {' and '.join(by)}"
    return Weight(tensor, names, (lambda value: _set(module, value)) if keeps else None, fixed)


def _weight(module: Any) -> torch.Tensor:
    """What a module computes with now."""
    if parametrize.is_parametrized(module, "weight"):
        return module.weight.detach()
    for hook in module._forward_pre_hooks.values():
        with torch.no_grad():
            hook(module, ())
    return module.weight.detach()


def _set(module: Any, value: torch.Tensor) -> None:
    """Set the weight of a module through what computes it."""
    own = module._parameters
    with torch.no_grad():
        if parametrize.is_parametrized(module, "weight"):
            module.weight = value
        elif own.get("weight_g") is not None:
            hook: Any = next(hook for hook in module._forward_pre_hooks.values() if type(hook).__name__ == "WeightNorm")
            own["weight_v"].copy_(value)
            own["weight_g"].copy_(torch.norm_except_dim(value, 2, hook.dim))
            vars(module)["weight"] = hook.compute_weight(module)
        else:
            own["weight_orig"].copy_(value)


def _alike(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Whether some thousands of their numbers are the same."""
    step = max(1, a.numel() // _TRIED)
    return torch.allclose(a.flatten()[::step], b.flatten()[::step], rtol=_CLOSE, atol=_CLOSE)


def _drawn(tensor: torch.Tensor) -> torch.Tensor:
    """Numbers like those of a weight, always the same ones."""
    generator = torch.Generator().manual_seed(0)
    return torch.randn(tensor.shape, generator=generator).to(tensor.device, tensor.dtype)
