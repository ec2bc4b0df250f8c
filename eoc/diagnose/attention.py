"""What attention does to its tokens: how evenly it weighs them, and how much power is left of the values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import sqrt
from typing import Any

import torch
from torch.utils.weak import WeakIdKeyDictionary

__all__ = ["Attention", "Attentions"]

_MOST = 2**22  # weights that are looked at
_KEEPING = frozenset(
    (
        *("dropout", "dropout_", "to", "type_as", "type", "float", "half", "bfloat16", "contiguous", "clone"),
        *("reshape", "view", "unflatten", "flatten", "expand", "nan_to_num", "squeeze", "unsqueeze"),
    )
)
_PRODUCTS = frozenset(("matmul", "__matmul__", "bmm", "einsum"))


@dataclass(frozen=True)
class Attention:
    """One call of attention.

    Attributes
    ----------
    name
        Of the module that it is in.
    tokens
        That each query looks at, masked ones too.
    evenness
        The exponential of the entropy of the weights over how many are not 0, on average: 1 where all count alike,
        close to 0 where one counts alone.
    largest
        The largest weight, on average over queries that see more than one token.
    values, output
        Mean squares of the values and of what is handed on.
    """

    name: str
    tokens: int
    evenness: float
    largest: float
    values: float
    output: float

    @property
    def kept(self) -> float:
        """The share of the power of the values that is left."""
        return self.output / self.values if self.values > 0.0 else float("nan")

    def to_dict(self) -> dict[str, Any]:
        """By name."""
        return asdict(self) | {"kept": self.kept}


class Attentions:
    """Sees attention while a model runs: in one function, or written out as softmax and a product."""

    def __init__(self) -> None:
        self.found: list[Attention] = []
        self._weights: Any = WeakIdKeyDictionary()  # what came out of a softmax

    def see(self, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any], out: Any, module: str) -> None:
        """Look at a function that was called in a module of this name."""
        if not isinstance(out, torch.Tensor) or not out.is_floating_point():
            return
        tensors = [x for x in (*args, *kwargs.values()) if isinstance(x, torch.Tensor)]
        if name == "scaled_dot_product_attention":
            self._keep(module, _softmax_of(*args, **kwargs), tensors[2], out)
        elif name == "softmax":
            self._weights[out] = out.detach()
        elif name in _KEEPING and tensors and (weights := self._weights.get(tensors[0])) is not None:
            self._weights[out] = weights
        elif name in _PRODUCTS and len(tensors) == 2:
            weights = self._weights.get(tensors[0])
            if weights is not None and weights.ndim >= 3 and weights.shape[-1] > 1:
                self._keep(module, weights, tensors[1], out)

    def _keep(self, name: str, weights: torch.Tensor | None, values: torch.Tensor, out: torch.Tensor) -> None:
        if weights is None or weights.numel() == 0:
            return
        few = weights.reshape(-1, weights.shape[-1])
        few = few[:: max(1, few.numel() // _MOST)].double()
        seen = (few > 0.0).sum(dim=1)
        several = few[seen > 1]
        if len(several) == 0:
            return
        entropy = -torch.xlogy(several, several).sum(dim=1)
        evenness = float((entropy.exp() / seen[seen > 1]).mean())
        largest = float(several.max(dim=1).values.mean())
        self.found.append(
            Attention(name, int(few.shape[1]), evenness, largest, _mean_square(values), _mean_square(out))
        )


def _mean_square(x: torch.Tensor) -> float:
    return float(x.detach().double().square().mean())


def _softmax_of(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attn_mask: torch.Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> torch.Tensor | None:
    """The weights that scaled_dot_product_attention has computed, of the first samples."""
    if query.ndim < 3 or query.shape[-2] == 0:
        return None
    samples = max(1, _MOST // max(1, query[0].numel() // query.shape[-1] * key.shape[-2]))
    q, k = (x.detach()[:samples].double() for x in (query, key))
    if q.ndim > 3 and k.shape[-3] != q.shape[-3]:
        k = k.repeat_interleave(q.shape[-3] // k.shape[-3], -3)
    scores = q @ k.transpose(-2, -1) * (1.0 / sqrt(q.shape[-1]) if scale is None else scale)
    if is_causal:
        scores = scores.masked_fill(~torch.ones_like(scores, dtype=torch.bool).tril(), float("-inf"))
    if attn_mask is not None:
        mask = attn_mask.detach()
        mask = mask[:samples] if mask.ndim == query.ndim and len(mask) > 1 else mask
        scores = scores.masked_fill(~mask, float("-inf")) if mask.dtype is torch.bool else scores + mask.double()
    return torch.nan_to_num(scores.softmax(dim=-1))
