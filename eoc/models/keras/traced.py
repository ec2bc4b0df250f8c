"""Models of Keras on JAX that show nothing before they are called: read as functions of JAX."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from eoc.errors import EocError
from eoc.models.jax.models import JaxModel, arguments_of
from eoc.models.keras.names import learned_variables, variables_by_name

__all__ = ["as_function"]


def as_function(model: Any, example_inputs: Any) -> JaxModel:
    """Any model of Keras as a function of JAX, as it is called in training.

    Parameters
    ----------
    model
        With weights: one that has been built.
    example_inputs
        What it is called with: an array, a tuple of arguments or a dictionary of those with names. None for a
        functional model, which knows.

    Raises
    ------
    EocError
        For a model that is written as a class, without example inputs.
    """
    arguments = arguments_of(_inputs_of(model) if example_inputs is None else example_inputs)
    names, learned = variables_by_name(model), learned_variables(model)
    mode = {"training": True} if "training" in inspect.signature(model.call).parameters else {}
    kept = [variable for variable in model.variables if not any(variable is one for one in learned)]

    def function(parameters: Mapping[str, Any], state: Any, *arrays: Any) -> Any:
        values = {id(variable): parameters[name] for name, variable in names.items()}
        values |= {id(variable): value for variable, value in zip(kept, state, strict=True)}
        trained = [values[id(variable)] for variable in model.trainable_variables]
        others = [values[id(variable)] for variable in model.non_trainable_variables]

        def call(*args: Any, **kwargs: Any) -> Any:
            return model.stateless_call(trained, others, *args, **mode, **kwargs)[0]

        return arguments.call(call, *arrays)

    parameters = {name: variable.value for name, variable in names.items()}
    return JaxModel(
        parameters, [variable.value for variable in kept], arguments.arrays, function, lambda values: values
    )


def _inputs_of(model: Any) -> Any:
    """Arrays of the shapes that a functional model takes; two of them, and 64 for lengths that it does not know."""
    inputs = getattr(model, "inputs", None)
    if not inputs:
        raise EocError(
            "the model is written as a class and shows its layers only when it is called: give example_inputs, what it "
            "is called with"
        )
    arrays = [_zeros(each.shape, each.dtype) for each in inputs]
    structure = getattr(model, "_inputs_struct", None)
    return arrays[0] if structure is None else (keras.tree.pack_sequence_as(structure, arrays),)


def _zeros(shape: Any, dtype: Any) -> Any:
    lengths = [2 if shape[0] is None else shape[0], *(64 if length is None else length for length in shape[1:])]
    return np.zeros(lengths, keras.backend.standardize_dtype(dtype))
