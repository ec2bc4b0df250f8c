"""What a module of the user's own does, found out by calling a copy of it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import nn

from eoc.activations import Activation
from eoc.models.steps import Kind
from eoc.models.torch.elementwise import as_activation

__all__ = ["Own", "evaluated", "own_activation"]

_CLOSE = 1e-9
_SCALE = 8.0  # by which the input of a normalisation may be multiplied without an effect


class Own(NamedTuple):
    """What a module does.

    Of a normalisation also whether it takes away the mean, and, where its weight does not multiply what is normalised,
    as of one that adds 1 to it, the root mean square that it has now.
    """

    kind: Kind
    centred: bool = True
    size: float | None = None


def evaluated(module: nn.Module) -> Own | None:
    """What a module without children does.

    Parameters
    ----------
    module
        Any module; it is not called, a copy in double precision and in evaluation mode is.

    Returns
    -------
    Own
        ``ACTIVATION`` for a function of each element without parameters, ``SAME`` if that is the identity, ``DROPOUT``
        if it is the identity in evaluation only; ``NORM`` for what has mean square 1 however large its input is, with
        its parameters "weight" at 1 and others at 0. None for anything else.

    Examples
    --------
    >>> class Swish(nn.Module):
    ...     def forward(self, x):
    ...         return x * torch.sigmoid(x)
    >>> str(evaluated(Swish()).kind), evaluated(nn.Linear(2, 2))
    ('activation', None)
    """
    if next(module.children(), None) is not None or any(p.dim() > 1 for p in module.parameters()):
        return None
    try:
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            return _elementwise(module) if next(module.parameters(), None) is None else _normalisation(module)
    except Exception:  # whatever the user's code raises: it does something else
        return None


def own_activation(
    module: nn.Module, own: Own | None, given: Activation | None = None
) -> tuple[Activation, str] | None:
    """The activation that a module of the user's own computes, and a note.

    Parameters
    ----------
    module, own
        The module and what :func:`evaluated` says about it.
    given
        What a module without parameters is taken for if it computes none that can be seen; None for nothing.

    Raises
    ------
    EocError
        Where it is elementwise and no activation, such as 1/x.
    """
    name = type(module).__name__
    if own is not None and own.kind is Kind.ACTIVATION:
        return as_activation(_double(module), name), ""
    bare = next(module.children(), None) is None and next(module.parameters(), None) is None
    if given is None or not bare or own is not None:
        return None
    return given, f"{name} is taken for {given.name}, as asked"


def _double(module: nn.Module) -> Callable[[torch.Tensor], torch.Tensor]:
    """A module without parameters as a function of tensors in double precision, in evaluation mode, without hooks."""
    twin = _twin(module)
    return lambda x: type(twin).forward(twin, x.clone())


def _elementwise(module: nn.Module) -> Own | None:
    function = _double(module)
    x = 3.0 * _drawn(2, 6, 4, 4)
    y = function(x)
    turned = function(x.flip(0, 1, 2, 3)).flip(0, 1, 2, 3)
    part = function(x[:1, 2:5, 1:, 1:])
    if y.shape != x.shape or not _same(y, turned) or not _same(y[:1, 2:5, 1:, 1:], part):
        return _normalisation(module)
    if not _same(y, x):
        return Own(Kind.ACTIVATION)
    twin = _twin(module).train()
    return Own(Kind.SAME if _same(type(twin).forward(twin, x.clone()), x) else Kind.DROPOUT)


def _normalisation(module: nn.Module) -> Own | None:
    width = max((p.numel() for p in module.parameters()), default=64)
    for weight in (1.0, 0.0):
        twin = _twin(module)
        for name, parameter in twin.named_parameters():
            parameter.fill_(weight if name in _WEIGHTS else 0.0)
        for shape in ((3, 5, width), (3, width, 4, 4)):
            if (centred := _normalises(twin, shape)) is not None:
                return Own(Kind.NORM, centred, None if weight else _size(module, shape))
    return None


def _size(module: nn.Module, shape: tuple[int, ...]) -> float:
    """The root mean square of what it makes of numbers of mean square 1, with the weight that it has now."""
    if any(parameter.is_meta for parameter in module.parameters()):
        return 1.0
    twin = _twin(module)
    signs = torch.sign(_drawn(*shape))
    return float(type(twin).forward(twin, signs).square().mean().sqrt())


_WEIGHTS = ("weight", "gamma", "scale", "g", "gain")


def _normalises(twin: Any, shape: tuple[int, ...]) -> bool | None:
    """Whether a normalisation takes away the mean; None for what is none."""
    x = _drawn(*shape)
    try:
        y, larger, moved = (type(twin).forward(twin, each) for each in (x.clone(), _SCALE * x, x + _SCALE))
    except Exception:  # the shape is of another kind of input
        return None
    unit = abs(float(y.square().mean()) - 1.0) < 1e-2
    if y.shape != x.shape or not unit or not torch.allclose(y, larger, rtol=1e-2, atol=1e-2):
        return None
    return bool(torch.allclose(y, moved, rtol=1e-2, atol=1e-2))


def _twin(module: nn.Module) -> Any:
    """A copy in double precision on the CPU, in evaluation mode."""
    meta = any(parameter.is_meta for parameter in module.parameters())
    twin = copy.deepcopy(module)
    return (twin.to_empty(device="cpu") if meta else twin.cpu()).double().eval()


def _drawn(*shape: int) -> torch.Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def _same(a: torch.Tensor, b: torch.Tensor) -> bool:
    return a.shape == b.shape and bool(torch.allclose(a, b, rtol=_CLOSE, atol=_CLOSE, equal_nan=True))
