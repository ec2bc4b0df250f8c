"""Which tokens attention sees, where a mask of fixed numbers says that."""

from __future__ import annotations

from typing import Any

import torch

from eoc.models.torch.values import Call, Elements, Fixed

__all__ = ["is_causal", "mask_of", "masks_causally"]

_FAR = -1e3  # scores below count as none


def mask_of(call: Call) -> Any:
    """Which scores a call leaves, as a tensor of answers; None where it masks none, or that is not known.

    Sums with scores of minus infinity, ``masked_fill`` and ``where``.
    """
    tensors = [value for value in call.args if isinstance(value, Fixed) and isinstance(value.tensor, torch.Tensor)]
    if not tensors or tensors[0].tensor.is_meta:
        return None
    mask = tensors[0].values
    if call.name == "masked_fill":
        return ~mask if mask.dtype is torch.bool else None
    if call.name == "where":
        first = isinstance(call.args[1], Elements)
        return None if mask.dtype is not torch.bool else mask if first else ~mask
    return mask > _FAR if mask.is_floating_point() and bool((mask <= _FAR).any()) else None


def masks_causally(name: str, args: Any, kwargs: Any) -> bool:
    """Whether a call masks scores so with the tensors that it has, which may depend on the input (padding)."""
    where = _MASKS.get(name)
    if where is None:
        return False
    place, keyword = where
    mask = kwargs.get(keyword, args[place] if len(args) > place else None)
    return is_causal(~mask if name == "masked_fill" and _is_bool(mask) else mask)


def is_causal(mask: Any) -> bool:
    """Whether the last two axes of a mask are those of tokens that see none behind them, and most see some before."""
    if not isinstance(mask, torch.Tensor) or mask.dim() < 2 or mask.is_meta or mask.shape[-1] < 2:
        return False
    if mask.shape[-1] != mask.shape[-2] or not (_is_bool(mask) or mask.is_floating_point()):
        return False
    seen = mask if _is_bool(mask) else mask > _FAR
    return not bool(seen.triu(1).any()) and bool(seen.tril(-1).any())


def _is_bool(mask: Any) -> bool:
    return isinstance(mask, torch.Tensor) and mask.dtype is torch.bool


# Where functions have a mask: its place, and its name.
_MASKS = {
    "scaled_dot_product_attention": (3, "attn_mask"),
    "masked_fill": (1, "mask"),
    "where": (0, "condition"),
    "add": (1, "other"),
}
