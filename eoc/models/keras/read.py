"""From a model of Keras to its steps."""

from __future__ import annotations

from typing import Any

import keras

from eoc.errors import EocError
from eoc.messages import shortened
from eoc.models.keras.builder import Builder
from eoc.models.keras.graph import add_model, is_graph
from eoc.models.keras.names import variables_by_name
from eoc.models.steps import Kind, Reading, needed

__all__ = ["read"]


def read(model: Any, example_inputs: Any = None) -> Reading:
    """What a model of Keras computes, as a list of steps.

    Functional and sequential models are read on any backend, without being called. What has layers of the user's own,
    or is written as a class, is traced where the backend is JAX.

    Parameters
    ----------
    model
        A ``keras.Model`` that has been built.
    example_inputs
        Of a model that is written as a class: what it is called with.

    Returns
    -------
    Reading
        The steps that the output depends on. Weights are :class:`eoc.models.slots.Slot` s of the variables, which have
        the names of their paths.

    Raises
    ------
    EocError
        For what is no model, has no weights yet, or is written as a class where the backend is not JAX.

    Examples
    --------
    >>> from keras import layers
    >>> model = keras.Sequential([keras.Input((784,)), layers.Dense(300, "tanh"), layers.Dense(10, name="head")])
    >>> for step in read(model).steps:
    ...     print(step.name.partition("/")[2] or step.kind, step.inputs, step.activation and step.activation.name)
    input () None
    layer (0,) None
    tanh (1,) tanh
    layer (2,) None
    output (3,) None
    """
    if not isinstance(model, keras.Model):
        raise EocError(f"the model must be a keras.Model, got {shortened(repr(model))}")
    on_jax = keras.backend.backend() == "jax"
    if not is_graph(model):
        if not model.built:
            raise EocError("the model has no weights yet: call it on a batch first, or model.build(input_shape)")
        if on_jax:
            return _traced(model, example_inputs)
        raise EocError(
            f"{type(model).__name__} is written as a class and shows its layers only when it is called, which can be "
            "followed where Keras runs on JAX: make it with keras.Model(inputs, outputs), or set KERAS_BACKEND=jax"
        )
    builder = Builder(variables_by_name(model))
    inputs = [builder.add(each.name, Kind.INPUT, (), each.shape) for each in model.inputs]
    ends = list(dict.fromkeys(builder.indices(add_model(builder, model, inputs))))
    if builder.unknown and on_jax:
        try:
            return _traced(model, example_inputs)
        except EocError:  # what the operations say is something
            pass
    builder.add("output", Kind.OUTPUT, ends, model.outputs[0].shape)
    return Reading(needed(builder.steps), True, uses=builder.uses)


def _traced(model: Any, example_inputs: Any) -> Reading:
    from eoc.models.keras.traced import as_function

    return as_function(model, example_inputs).read()
