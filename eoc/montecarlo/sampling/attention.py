"""What attention makes of values in a network of finite width, head by head, and gradients on their way back."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from eoc.errors import EocError
from eoc.floats import FloatArray
from eoc.layers.attention import Attention
from eoc.machine import check_memory

__all__ = ["attended", "checked_heads"]

_SCORES = 2**21  # at a time
_ARRAYS = 3  # of weights, in memory at once

_Back = Callable[[FloatArray], tuple[FloatArray, ...]]


def checked_heads(op: Attention, x: FloatArray) -> int:
    """How many heads share the units of tokens x, (..., T, N).

    Raises
    ------
    EocError
        If units cannot be shared by the heads, or there is another number of tokens.
    """
    tokens, units = x.shape[-2:]
    if tokens != op.tokens:
        raise EocError(f"this attention is among {op.tokens:g} tokens, but inputs have {tokens}")
    heads = int(op.heads) or units
    if units % heads:
        raise EocError(f"{units} units cannot be shared by {heads} heads: take a width that is a multiple of {heads}")
    return heads


def attended(op: Attention, given: tuple[FloatArray, ...], rng: np.random.Generator) -> tuple[FloatArray, _Back]:
    """Values behind the attention, and of gradients by them those by each of what is given.

    Given are values, queries and keys, all (..., T, N), of ``heads`` heads with N/heads units of each; or values and
    tokens. Then scores have no spread; or every unit of the values is a head, and scores have the law of infinitely
    many units: beta L Z L^T, L L^T = x x^T / N and Z Gaussian, and there is no way back.
    """
    heads, shape = checked_heads(op, given[0]), given[0].shape
    if op.beta == 0.0:
        return np.asarray(op.uniform @ given[0]), lambda g: (np.asarray(op.uniform.T @ g), np.zeros(shape))
    inputs = given[0].size // (shape[-1] * shape[-2])
    check_memory(
        "the weights of all heads", 8.0 * _ARRAYS * inputs * heads * shape[-2] ** 2, "take fewer units or tokens"
    )
    parts = [_by_head(one, heads) for one in given]
    if op.heads:
        scale = op.beta / parts[1].shape[-1] ** 0.5
        weights = _softmax(op, scale * parts[1] @ _turned(parts[2]))
    else:
        scale, weights = 0.0, _drawn(op, given[1].reshape(-1, *shape[-2:]), rng)

    def back(g: FloatArray) -> tuple[FloatArray, ...]:
        if not op.heads:
            raise EocError("gradients through scores need queries and keys: give attention a number of heads")
        by_head = _by_head(g, heads)
        by_weights = weights * (by_head @ _turned(parts[0]))
        scores = scale * (by_weights - weights * by_weights.sum(axis=-1, keepdims=True))
        found = _turned(weights) @ by_head, scores @ parts[2], _turned(scores) @ parts[1]
        return tuple(_together(one, shape) for one in found)

    return _together(weights @ parts[0], shape), back


def _by_head(x: FloatArray, heads: int) -> FloatArray:
    """(inputs, heads, T, N/heads)."""
    tokens, units = x.shape[-2:]
    return x.reshape(-1, tokens, heads, units // heads).transpose(0, 2, 1, 3)


def _together(x: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    return x.transpose(0, 2, 1, 3).reshape(shape)


def _turned(x: FloatArray) -> FloatArray:
    return np.swapaxes(x, -1, -2)


def _softmax(op: Attention, scores: FloatArray) -> FloatArray:
    seen = scores + np.where(op.uniform > 0.0, 0.0, -np.inf)
    weights = np.exp(seen - seen.max(axis=-1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))


def _drawn(op: Attention, x: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Weights of as many heads as there are units, (inputs, N, T, T)."""
    tokens, units = x.shape[1:]
    size, found = max(1, _SCORES // tokens**2), np.empty((len(x), units, tokens, tokens))
    for own, rows in zip(found, x, strict=True):
        values, vectors = np.linalg.eigh(rows @ rows.T / units)
        root = vectors * np.sqrt(np.maximum(values, 0.0))
        for start in range(0, units, size):
            fresh = rng.standard_normal(own[start : start + size].shape)
            own[start : start + size] = _softmax(op, op.beta * (root @ fresh @ root.T))
    return found
