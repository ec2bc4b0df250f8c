"""Inputs for models that cannot be traced, where none are given: those that a model offers, or that its layers take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

__all__ = ["offered"]

_IMAGES = (32, 64, 224)
_TOKENS = 8


def offered(model: nn.Module) -> Iterator[tuple[Any, bool]]:
    """Inputs to try, the likely ones first, and whether their values may decide what is computed.

    The ``dummy_inputs`` that models of Hugging Face have, then numbers of the shape that the first layer takes.
    """
    dummy = getattr(model, "dummy_inputs", None)
    if isinstance(dummy, dict):
        yield dummy, True
    generator = torch.Generator().manual_seed(0)
    for module in model.modules():
        shapes = list(_shapes(module))
        for shape in shapes:
            yield torch.randn(shape, generator=generator), False
        if isinstance(module, nn.Embedding | nn.EmbeddingBag):
            yield torch.randint(module.num_embeddings, (2, _TOKENS), generator=generator), False
            return
        if shapes:
            return


def _shapes(module: nn.Module) -> Iterator[tuple[int, ...]]:
    """Of what a layer takes, which may be one of the model's own."""
    if isinstance(module, nn.modules.conv._ConvNd):
        dimensions = len(module.kernel_size)
        for length in _IMAGES if dimensions == 2 else _IMAGES[:1]:
            yield 2, module.in_channels, *[length] * dimensions
        return
    weight = module._parameters.get("weight")
    if weight is None or weight.dim() != 2 or isinstance(module, nn.Embedding | nn.EmbeddingBag):
        return
    for width in (weight.shape[1], weight.shape[0])[: 1 if isinstance(module, nn.Linear) else 2]:
        yield 2, width
        yield 2, _TOKENS, width
