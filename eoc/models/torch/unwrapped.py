"""Models inside the wrappers that PyTorch puts around them."""

from __future__ import annotations

from typing import Any

__all__ = ["unwrapped"]

# By name, since importing torch._dynamo or torch.distributed takes longer than reading a model.
_INSIDE = {"OptimizedModule": "_orig_mod", "DataParallel": "module", "DistributedDataParallel": "module"}


def unwrapped(model: Any) -> tuple[Any, str]:
    """The model in torch.compile, DataParallel or DistributedDataParallel, and what they put before its names.

    Examples
    --------
    >>> from torch import nn
    >>> inner, prefix = unwrapped(nn.DataParallel(nn.Linear(2, 1)))
    >>> type(inner).__name__, prefix
    ('Linear', 'module.')
    """
    prefix = ""
    while (attribute := _INSIDE.get(type(model).__name__)) and type(model).__module__.startswith("torch."):
        model, prefix = getattr(model, attribute), f"{prefix}{attribute}."
    return model, prefix
