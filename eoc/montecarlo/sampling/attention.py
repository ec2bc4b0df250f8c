"""What attention makes of values in a network of finite width: means over tokens, head by head."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from eoc.errors import EocError
from eoc.floats import FloatArray
from eoc.layers.attention import Attention

__all__ = ["attended"]

_SCORES = 2**21  # at a time


def attended(
    op: Attention, x: FloatArray, values: FloatArray, project: Callable[[], FloatArray], rng: np.random.Generator
) -> FloatArray:
    """Values behind the attention of tokens x, both (..., T, N).

    With ``heads``, queries and keys are drawn by ``project``, (..., T, N), and every head has N/heads units of each.
    Without, every unit of the values is a head, and scores have the law that they have with infinitely many units:
    beta L Z L^T, L L^T = x x^T / N and Z Gaussian.

    Raises
    ------
    EocError
        If units cannot be shared by the heads, or there is another number of tokens.
    """
    tokens, units = int(op.tokens), x.shape[-1]
    if x.shape[-2] != tokens:
        raise EocError(f"this attention is among {tokens} tokens, but inputs have {x.shape[-2]}")
    heads = int(op.heads) or units
    if units % heads:
        raise EocError(f"{units} units cannot be shared by {heads} heads: take a width that is a multiple of {heads}")
    if op.beta == 0.0:
        return np.asarray(op.uniform @ values)
    rows, given = (one.reshape(-1, tokens, units) for one in (values, x))
    made = (_projected if op.heads else _drawn)(op, given, project, rng)
    seen = np.where(op.uniform > 0.0, 0.0, -np.inf)
    out = np.empty(rows.shape)
    for number, part, scores in made:
        weights = np.exp(scores + seen - (scores + seen).max(axis=2, keepdims=True))
        own = rows[number].reshape(tokens, heads, -1)[:, part].transpose(1, 0, 2)
        mixed = (weights / weights.sum(axis=2, keepdims=True)) @ own
        out[number].reshape(tokens, heads, -1)[:, part] = mixed.transpose(1, 0, 2)
    return out.reshape(x.shape)


_Scores = Iterator[tuple[int, slice, FloatArray]]  # of an input and some heads, (H, T, T)


def _parts(heads: int, tokens: int) -> Iterator[slice]:
    size = max(1, _SCORES // tokens**2)
    return (slice(start, min(start + size, heads)) for start in range(0, heads, size))


def _drawn(op: Attention, x: FloatArray, _: object, rng: np.random.Generator) -> _Scores:
    tokens, units = x.shape[1:]
    for number, rows in enumerate(x):
        values, vectors = np.linalg.eigh(rows @ rows.T / units)
        root = vectors * np.sqrt(np.maximum(values, 0.0))
        for part in _parts(units, tokens):
            fresh = rng.standard_normal((part.stop - part.start, tokens, tokens))
            yield number, part, op.beta * (root @ fresh @ root.T)


def _projected(op: Attention, x: FloatArray, project: Callable[[], FloatArray], _: object) -> _Scores:
    tokens, units = x.shape[1:]
    heads = int(op.heads)
    queries, keys = (project().reshape(-1, tokens, heads, units // heads).transpose(0, 2, 1, 3) for _ in range(2))
    scale = op.beta / (units // heads) ** 0.5
    for number in range(len(x)):
        for part in _parts(heads, tokens):
            yield number, part, scale * (queries[number, part] @ keys[number, part].transpose(0, 2, 1))
