"""What a module of torch.nn does, as one step or, for attention and transformers, as several."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import torch
from torch import nn

from eoc.models.steps import Affine, Kind
from eoc.models.torch.builder import Builder
from eoc.models.torch.elementwise import recognised_function, recognised_module
from eoc.models.torch.evaluated import Own, evaluated, own_activation
from eoc.models.torch.weights import weight_of

__all__ = ["CONTAINERS", "add_activation", "add_module", "affine_of", "is_foreign", "is_layer", "is_leaf"]

_LINEAR = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
_UNIT = 1e-3  # how close to 1 normalised signals are
#: Modules that hold others.
CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict, nn.ParameterList, nn.ParameterDict)
_KINDS: tuple[tuple[Kind, tuple[Any, ...]], ...] = (
    (Kind.EMBEDDING, (nn.Embedding, nn.EmbeddingBag)),
    (
        Kind.NORM,
        (
            nn.modules.batchnorm._NormBase,  # batch and instance normalisation
            nn.LayerNorm,
            nn.GroupNorm,
            nn.RMSNorm,
        ),
    ),
    (Kind.DROPOUT, (nn.modules.dropout._DropoutNd,)),
    (
        Kind.POOL,
        (
            nn.modules.pooling._MaxPoolNd,
            nn.modules.pooling._AvgPoolNd,
            nn.modules.pooling._AdaptiveAvgPoolNd,
            nn.modules.pooling._AdaptiveMaxPoolNd,
            nn.FractionalMaxPool2d,
            nn.FractionalMaxPool3d,
        ),
    ),
    (
        Kind.SAME,
        (
            nn.Identity,
            nn.Flatten,
            nn.Unflatten,
            nn.PixelShuffle,
            nn.PixelUnshuffle,
            nn.ChannelShuffle,
            nn.Upsample,
            nn.Fold,
            nn.Unfold,
            nn.modules.padding._ConstantPadNd,
            nn.modules.padding._ReflectionPadNd,
            nn.modules.padding._ReplicationPadNd,
            nn.modules.padding._CircularPadNd,
        ),
    ),
)


def is_leaf(module: nn.Module) -> bool:
    """Whether a module is one step (or a few that are known): its forward is PyTorch's own, or compiled."""
    if isinstance(module, torch.jit.ScriptModule):
        return True
    owner = next(cls for cls in type(module).__mro__ if "forward" in vars(cls))
    torchs = owner.__module__.startswith(("torch.nn.modules", "torch.ao.nn", "torch.nn.quantized"))
    return torchs and owner is not nn.Module and not isinstance(module, CONTAINERS)


def is_layer(module: nn.Module) -> bool:
    """Whether a module is an affine map of torch.nn."""
    return isinstance(module, (*_LINEAR, *_TRANSPOSED)) and not is_foreign(module)


def add_module(builder: Builder, name: str, module: nn.Module, inputs: Sequence[int], own: Own | None = None) -> int:
    """Append what a module does that is no activation of the user's own.

    Parameters
    ----------
    builder
        The steps so far.
    name
        The module's name in the model.
    module
        A leaf, see :func:`is_leaf`, or one of the user's own.
    inputs
        The steps that it is called with.
    own
        Of one of the user's own: what :func:`eoc.models.torch.evaluated.evaluated` says.

    Returns
    -------
    int
        The step that is its output.
    """
    if is_layer(module):
        return _add_layer(builder, name, module, inputs)
    found = recognised_module(module)
    if found is not None:
        return builder.add(name, Kind.ACTIVATION, inputs, module=module, activation=found[0], note=found[1])
    for kind, classes in _KINDS:
        if isinstance(module, classes) and not is_foreign(module):
            at = builder.add(name, kind, inputs, module=module, **_details(builder, kind, module, inputs))
            return _add_bag(builder, name, module, at) if isinstance(module, nn.EmbeddingBag) else at
    if own is not None:
        return _add_own(builder, name, module, inputs, own)
    return builder.add(name, Kind.UNKNOWN, inputs, module=module, note=_why_unknown(module))


def add_activation(builder: Builder, name: str, activation: Any, x: int) -> int:
    """Append the activation of a transformer layer, which is a module or a function of torch."""
    if isinstance(activation, nn.Module):
        own = None if is_leaf(activation) else evaluated(activation)
        found = own_activation(activation, own)
        if found is None:
            return add_module(builder, name, activation, (x,), own)
        return builder.add(name, Kind.ACTIVATION, (x,), module=activation, activation=found[0])
    known = recognised_function(activation.__name__, (), {})
    if known is None:
        return builder.add(name, Kind.UNKNOWN, (x,), note=f"the function {activation.__name__}")
    return builder.add(name, Kind.ACTIVATION, (x,), activation=known)


def is_foreign(module: nn.Module) -> bool:
    """Whether its forward is not one of torch.nn's."""
    owner = next(cls for cls in type(module).__mro__ if "forward" in vars(cls))
    return not owner.__module__.startswith("torch.nn.modules")


def _add_bag(builder: Builder, name: str, module: nn.EmbeddingBag, rows: int) -> int:
    """The mean, sum or largest of the rows that were looked up, as many as there are places in a bag."""
    before = builder.steps[builder.steps[rows].inputs[0]].shape
    terms = before[-1] if len(before) == 2 else None
    at = builder.add(name, Kind.POOL, (rows,), terms=terms, largest=module.mode == "max")
    return builder.scaled(name, at, float(terms)) if module.mode == "sum" and terms is not None else at


def _add_own(builder: Builder, name: str, module: nn.Module, inputs: Sequence[int], own: Own) -> int:
    """A module of the user's own; a weight that does not multiply what is normalised is no weight of the step."""
    if own.size is None:
        return builder.add(name, own.kind, inputs, module=module, centred=own.centred)
    for parameter in module.parameters():
        builder.uses.setdefault(builder.name_of(parameter) or "", "scales a normalisation in a way of its own")
    at = builder.add(name, own.kind, inputs, centred=own.centred)
    return at if abs(own.size - 1.0) < _UNIT else builder.scaled(name, at, own.size)


def _add_layer(builder: Builder, name: str, module: Any, inputs: Sequence[int]) -> int:
    transposed = isinstance(module, _TRANSPOSED)
    affine = affine_of(
        builder,
        module,
        transposed=transposed,
        groups=getattr(module, "groups", 1),
        stride=module.stride if transposed else (),
    )
    return builder.layer(name, inputs, affine, module=module)


def affine_of(builder: Builder, module: nn.Module, **details: Any) -> Affine | None:
    """The weight and bias of a module; None if it is not known how one of them is computed from other parameters."""
    own = module._parameters  # module.weight may be computed anew, and a spectral norm would go on with its iteration
    bias = own.get("bias")
    if "bias" not in own and getattr(module, "bias", None) is not None:
        return None
    if "weight" in own:
        return builder.affine(own["weight"], bias, **details)
    found = weight_of(builder, module)
    return None if found is None else builder.affine_by(found, bias, **details)


def _details(builder: Builder, kind: Kind, module: Any, inputs: Sequence[int]) -> dict[str, Any]:
    """What else is known of a step."""
    if kind is Kind.NORM:
        of_batch = isinstance(module, nn.modules.batchnorm._BatchNorm)
        over_batch = of_batch and (module.training or module.running_mean is None)
        return {"centred": not isinstance(module, nn.RMSNorm), "over_batch": over_batch}
    if kind is Kind.POOL:
        name = type(module).__name__
        return {"largest": "Max" in name, "terms": _window(module, builder.steps[inputs[0]].shape)}
    return {}


def _window(module: Any, shape: Sequence[int]) -> int | None:
    """How many positions each output of a pooling is made of."""
    dimensions = int(type(module).__name__[-2])
    size = getattr(module, "kernel_size", None)
    if size is not None:
        return int(size**dimensions) if isinstance(size, int) else prod(size)
    made = module.output_size
    made = (made,) * dimensions if isinstance(made, int | None) else made
    before = shape[-dimensions:]
    if all(length == 1 for length in made) and not before:
        return None
    return prod(n // (m or n) for n, m in zip(before, made, strict=True)) if len(before) == dimensions else None


def _why_unknown(module: nn.Module) -> str:
    if isinstance(module, torch.jit.ScriptModule):
        return "TorchScript: what it computes cannot be seen"
    if isinstance(module, nn.Bilinear):
        return "a product of two inputs with a weight"
    if "quantized" in type(module).__module__:
        return "quantised: its weights are no numbers that could be drawn"
    if is_foreign(module):
        return f"what {type(module).__name__} computes cannot be seen"
    return f"{type(module).__name__} is neither a layer nor elementwise"
