"""A whole model of Keras on the edge of chaos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from eoc.errors import EocError
from eoc.initializers.plan.draws import checked_seed
from eoc.initializers.plan.report import Report
from eoc.initializers.plan.settings import checked_settings
from eoc.initializers.slotted import Array, Measure, SlotParameters, filled, patterns
from eoc.models.keras.names import variables_by_name
from eoc.models.keras.read import read

__all__ = ["initialize_"]


def initialize_(
    model: keras.Model,
    *,
    sigma_w: float | None = None,
    sigma_b: float | None = None,
    q: float | None = None,
    depth: int | None = None,
    weights: str = "recommended",
    input_variance: float = 1.0,
    output_variance: float | None = 1.0,
    residual: str | Sequence[str] = (),
    points: Mapping[str, Mapping[str, float]] | None = None,
    only: str | Sequence[str] = (),
    skip: str | Sequence[str] = (),
    ends: str = "stable",
    heads: str = "variance",
    embeddings: str = "draw",
    example_inputs: Any = None,
    batch: Any = None,
    seed: int = 0,
) -> Report:
    """Draw all weights and biases of a model anew, on the edge of chaos of its own activations.

    The rules are those of :func:`eoc.initializers.torch.initialize_`, and so is the report; see there.

    Parameters
    ----------
    model
        A functional or a sequential model, on any backend. Models that are written as classes, and models with layers
        of the user's own, are traced where the backend is JAX; they need their weights: call them on a batch first.
    sigma_w, sigma_b, q, depth, weights, input_variance, output_variance, residual, points, only, skip, ends, heads
        As there. Names are those of the report, the paths of variables, or of layers: "dense_1" for dense_1/kernel.
    embeddings
        As there.
    example_inputs
        What a model that is written as a class is called with: an array, a tuple of arguments, or a dictionary of
        those with names.
    batch
        The same of data, on JAX: where theory is approximate or unknown, the weights are scaled until each layer of
        this batch hands on what was planned; gradients are measured. The report has what was measured beside what was
        predicted.
    seed
        A whole number >= 0: the same weights in PyTorch, JAX and Keras, on any backend.

    Returns
    -------
    Report
        What was set, by which rule, and what was left alone and why: every weight of the model. ``print`` it.

    Raises
    ------
    EocError
        Before anything is changed: for what is no model or cannot be read, if it has no layer, if an activation has
        no usable point; for values out of range.

    Examples
    --------
    >>> from keras import Input, Sequential, layers
    >>> hidden = [layers.Dense(512, "tanh", name="first"), layers.Dense(512, "tanh", name="second")]
    >>> model = Sequential([Input((64,)), *hidden, layers.Dense(10, name="head")])
    >>> report = initialize_(model, sigma_b=0.2)
    >>> for row in report.set:
    ...     print(f"{row.parameter.partition('/')[2]:13} {row.rule:7} {row.std or row.value:.5f} {row.activation}")
    first/kernel  hidden  0.08588 tanh
    first/bias    hidden  0.20000
    second/kernel hidden  0.05764 tanh
    second/bias   hidden  0.20000
    head/kernel   head    0.08388
    head/bias     head    0.00000
    """
    settings = checked_settings(
        sigma_w=sigma_w,
        sigma_b=sigma_b,
        q=q,
        depth=depth,
        weights=weights,
        input_variance=input_variance,
        output_variance=output_variance,
        residual=residual,
        points=points,
        only=patterns(only),
        skip=patterns(skip),
        ends=ends,
        heads=heads,
        embeddings=embeddings,
    )
    number = checked_seed(seed)
    reading = read(model, example_inputs if batch is None else batch)
    measure = None if batch is None else _measure(model, batch)
    variables = variables_by_name(model)
    frozen = [name for name, variable in variables.items() if not variable.trainable]
    before = {name: np.asarray(keras.ops.convert_to_numpy(variable.value)) for name, variable in variables.items()}
    values, report = filled(reading, SlotParameters(before, frozen), settings, number, measure)
    _assign(variables, values, before)
    return report


def _measure(model: keras.Model, batch: Any) -> Measure:
    """What measures a model on a batch."""
    if keras.backend.backend() != "jax":
        raise EocError("a batch can be measured where Keras runs on JAX: set KERAS_BACKEND=jax, or leave out batch")
    from eoc.initializers.jax.measured import Batch
    from eoc.models.keras.traced import as_function

    found = as_function(model, batch)
    return Batch(found.function, found.parameters, found.others, found.traced()).measure


def _assign(variables: Mapping[str, Any], values: Mapping[str, Array], before: Mapping[str, Array]) -> None:
    """Write all values, or none."""
    try:
        for name, value in values.items():
            variables[name].assign(value)
    except BaseException:
        for name in values:
            variables[name].assign(before[name])
        raise
