"""Models of Keras on JAX that show nothing before they are called: read as functions of JAX."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from eoc.errors import EocError
from eoc.models.jax.models import arguments_of
from eoc.models.jax.read import read as read_function
from eoc.models.keras.names import learned_variables, variables_by_name
from eoc.models.steps import Reading

__all__ = ["read_traced"]


def read_traced(model: Any, example_inputs: Any) -> Reading:
    """The steps of any model of Keras, as it is called in training.

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
        If it cannot be traced.
    """
    if example_inputs is None:
        example_inputs = _inputs_of(model)
    arguments = arguments_of(example_inputs)
    names = variables_by_name(model)
    learned = learned_variables(model)
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
    return read_function(function, parameters, arguments.arrays, [variable.value for variable in kept])


def _inputs_of(model: Any) -> Any:
    """Arrays of the shapes that a functional model takes; lengths that it does not know are 2."""
    inputs = getattr(model, "inputs", None)
    if not inputs:
        raise EocError(
            "the model is written as a class and shows its layers only when it is called: give example_inputs, what it "
            "is called with"
        )
    arrays = [
        np.zeros([2 if n is None else n for n in each.shape], keras.backend.standardize_dtype(each.dtype))
        for each in inputs
    ]
    return (
        (keras.tree.pack_sequence_as(model._inputs_struct, arrays),)
        if hasattr(model, "_inputs_struct")
        else tuple(arrays)
    )
