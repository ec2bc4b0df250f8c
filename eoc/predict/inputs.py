"""What is known of the inputs that a model is called with."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from eoc.floats import FloatArray
from eoc.models.steps import Kind, Step
from eoc.predict.state import State, Unknown, begin

__all__ = ["SAMPLES", "distances", "grouped", "inputs_of", "named_inputs"]

_MOST = 8  # groups of inputs of about one variance, which are followed
SAMPLES = 32  #: whose pairs are
_PLACES = 4096  # of an input, that are compared with each other


def named_inputs(model: Any, batch: Any) -> dict[str, Any]:
    """The tensors that a model is called with, by the name of its argument."""
    if isinstance(batch, Mapping):
        return {str(name): value for name, value in batch.items() if hasattr(value, "shape")}
    given = tuple(batch) if isinstance(batch, tuple | list) else (batch,)
    names = [*inspect.signature(model.forward).parameters, *(f"x{at}" for at in range(len(given)))]
    return {name: value for name, value in zip(names, given, strict=False) if hasattr(value, "shape")}


def inputs_of(steps: Sequence[Step], tensors: Mapping[str, Any]) -> dict[int, State | Unknown]:
    """The state of each step that is an input.

    Of tensors of floats the mean square of each, in groups of about one size, and the correlations of the first ones;
    of whole numbers, which tables are looked up by, in how many places two of them have the same.

    Parameters
    ----------
    steps
        Of the model.
    tensors
        What it is called with, by name.
    """
    at = [index for index, step in enumerate(steps) if step.kind is Kind.INPUT]
    left = [name for name in tensors if name not in {steps[index].name for index in at}]
    single = len(at) == 1 == len(tensors)
    found: dict[int, State | Unknown] = {}
    for index in at:
        name = steps[index].name if steps[index].name in tensors else (left[0] if single else "")
        found[index] = _state(tensors[name]) if name in tensors else Unknown(f"{steps[index].name} is not given")
    return found


def _state(tensor: Any) -> State | Unknown:
    rows = tensor.detach().cpu()
    if rows.ndim == 0 or rows.numel() == 0:
        return Unknown("it holds no numbers")
    if not rows.is_floating_point():
        return _of_ids(rows.numpy().reshape(len(rows), -1)[:SAMPLES])
    x = rows.double().numpy().reshape(len(rows), -1)
    q = (x**2).mean(axis=1)
    if not np.isfinite(q).all() or not q.any():
        return Unknown("it is zero or not finite")
    few = x[:SAMPLES]
    return begin(grouped(q), distances(few @ few.T / max(x.shape[1], 1)), _between_places(rows, q.mean()))


def _between_places(rows: Any, q: float) -> float:
    """1 - c of two places of an image, (B, C, H, W) or more axes; 1 for others, whose axes have no known meaning."""
    if rows.ndim < 4 or (places := rows[0, 0].numel()) < 2:
        return 1.0
    mean = rows.double().flatten(2).mean(dim=2)
    return float(np.clip((1.0 - float((mean**2).mean()) / q) * places / (places - 1.0), 0.0, 2.0))


def _of_ids(ids: Any) -> State:
    first, second = np.triu_indices(len(ids), 1)
    between = 1.0 - (ids[first] == ids[second]).mean(axis=1)
    few = ids[:, : int(_PLACES**0.5)]
    alike = np.mean([(row[:, None] == row).mean() for row in few])
    places = few.shape[1]
    within = (1.0 - alike) * places / (places - 1.0) if places > 1 else 1.0
    return begin(1.0, between, float(np.clip(within, 0.0, 1.0)))


def grouped(q: FloatArray) -> FloatArray:
    """The means of groups of inputs of about one mean square, of one size each; of few inputs, each its own."""
    return q if q.size <= _MOST else np.repeat(np.sort(q), _MOST).reshape(_MOST, q.size).mean(axis=1)


def distances(gram: FloatArray) -> FloatArray:
    """1 - c of every pair (a < b), with the digits that it has where c is close to 1.

    Parameters
    ----------
    gram
        Means of products of two inputs, (B, B).
    """
    q = np.diag(gram)
    q = np.where((q > 0.0) & (q < np.inf), q, np.nan)
    roots = np.sqrt(q)
    half = 0.5 * np.add.outer(q, q) - np.where(np.isfinite(gram), gram, np.nan)
    half = half - 0.5 * np.subtract.outer(roots, roots) ** 2
    found = np.clip(half / np.multiply.outer(roots, roots), 0.0, 2.0)
    return np.asarray(found[np.triu_indices(len(gram), 1)])
