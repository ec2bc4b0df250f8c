"""From a function of JAX and its parameters to the steps that it computes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from eoc.errors import EocError
from eoc.models.jax.builder import Builder
from eoc.models.jax.graph import Graph
from eoc.models.jax.interpreter import Interpreter
from eoc.models.jax.parameters import Parameters
from eoc.models.jax.values import Fixed, Signal, Value
from eoc.models.jax.views import whole
from eoc.models.steps import Kind, Reading, needed

__all__ = ["Leaf", "Traced", "leaves_of", "read", "traced"]


@dataclass(frozen=True)
class Leaf:
    """One array of a tree.

    Attributes
    ----------
    name
        Its path, ``params/Dense_0/kernel``.
    value
        The array, or what only says of which shape and type it is.
    """

    name: str
    value: Any


@dataclass(frozen=True)
class Traced:
    """A function that was traced and read.

    Attributes
    ----------
    jaxpr
        What JAX made of it.
    reading
        Its steps.
    products
        Where the weights of layers are used first: by the name of the parameter and the ranges of its part, which of
        the products and convolutions it is, and which side of it is the signal.
    """

    jaxpr: Any
    reading: Reading
    products: Mapping[tuple[str, Any], tuple[int, int]]


def read(function: Callable[..., Any], parameters: Any, inputs: Sequence[Any], state: Any = None) -> Reading:
    """What a function computes, as a list of steps.

    It is traced as by ``jax.make_jaxpr``: no numbers are computed, and nothing is changed.

    Parameters
    ----------
    function
        Called with the parameters, the state where one is given, and the inputs. What it returns is the output; state
        that it returns as well should be left out.
    parameters
        A tree of arrays, or of ``jax.ShapeDtypeStruct``: what is learned.
    inputs
        The other arguments, trees of arrays or of ``jax.ShapeDtypeStruct``: data, keys of random numbers.
    state
        Numbers that are kept beside the parameters and are not learned: running means.

    Returns
    -------
    Reading
        The steps that the output depends on. Weights are :class:`eoc.models.slots.Slot` s of the leaves of the tree,
        which have the names of their paths.

    Raises
    ------
    EocError
        If the function cannot be traced with these arguments.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> weights = {"hidden": jnp.zeros((3, 8)), "bias": jnp.zeros(8), "head": jnp.zeros((8, 2))}
    >>> def model(p, x):
    ...     return jnp.tanh(x @ p["hidden"] + p["bias"]) @ p["head"]
    >>> for step in read(model, weights, [jnp.zeros((4, 3))]).steps:
    ...     print(step.name, step.kind, step.inputs, step.activation and step.activation.name)
    input input () None
    hidden layer (0,) None
    tanh activation (1,) tanh
    head layer (2,) None
    output output (3,) None
    """
    return traced(function, parameters, inputs, state).reading


def traced(function: Callable[..., Any], parameters: Any, inputs: Sequence[Any], state: Any = None) -> Traced:
    """The same, with what is needed to compute it step by step."""
    trees = (parameters, *(() if state is None else (state,)), *inputs)
    try:
        closed = jax.make_jaxpr(function)(*trees)
    except Exception as error:  # whatever the model's own code raises
        lines = str(error).strip().splitlines() or [""]
        raise EocError(
            f"the model cannot be traced with these inputs ({type(error).__name__}: {lines[0]}): give example inputs "
            "as it is called with"
        ) from error
    learned, kept = leaves_of(parameters), leaves_of(state)
    known = {leaf.name: leaf.value for leaf in learned if not isinstance(leaf.value, jax.ShapeDtypeStruct)}
    shapes = {leaf.name: tuple(map(int, leaf.value.shape)) for leaf in learned}
    builder = Builder(Parameters(shapes, known))
    values: list[Value] = [_leaf(leaf) for leaf in learned]
    values += [_state(leaf) for leaf in kept]
    values += list(_inputs(builder, inputs))
    outputs = Interpreter(Graph(builder)).outputs(closed.jaxpr, closed.consts, values)
    signals = [value for value in outputs if isinstance(value, Signal)]
    if not signals:
        raise EocError("nothing that the model returns depends on its inputs")
    ends = list(dict.fromkeys(builder.index(signal) for signal in signals))
    builder.add("output", Kind.OUTPUT, ends, signals[0].shape)
    products = {(slot.name, slot.ranges): place for slot, place in builder.products.items()}
    return Traced(closed, Reading(needed(builder.steps), True, uses=builder.uses), products)


def leaves_of(tree: Any) -> list[Leaf]:
    """The arrays of a tree and their paths."""
    return [Leaf("/".join(map(_key, path)), value) for path, value in jax.tree_util.tree_flatten_with_path(tree)[0]]


def _key(entry: Any) -> str:
    """One part of a path: a key, an index, or the name of an attribute."""
    for attribute in ("key", "idx", "name"):
        if hasattr(entry, attribute):
            return str(getattr(entry, attribute))
    return str(entry)


def _leaf(leaf: Leaf) -> Fixed:
    shape = tuple(map(int, leaf.value.shape))
    known = None if isinstance(leaf.value, jax.ShapeDtypeStruct) else lambda: leaf.value
    return Fixed(shape, known, int(np.prod(shape)) == 1, frozenset([leaf.name]), whole(shape), chosen=True)


def _state(leaf: Leaf) -> Fixed:
    shape = tuple(map(int, leaf.value.shape))
    known = None if isinstance(leaf.value, jax.ShapeDtypeStruct) else lambda: leaf.value
    return Fixed(shape, known, int(np.prod(shape)) == 1, state=True, random=_is_key(leaf.value))


def _inputs(builder: Builder, inputs: Sequence[Any]) -> Iterator[Value]:
    """Steps for data; keys of random numbers are none."""
    for at, tree in enumerate(inputs):
        for leaf in leaves_of(tree):
            shape = tuple(map(int, np.shape(leaf.value)))
            if _is_key(leaf.value):
                yield Fixed(shape, random=True)
                continue
            name = "/".join(filter(None, ["input" if at == 0 else f"input_{at + 1}", leaf.name]))
            yield builder.add(name, Kind.INPUT, (), shape)


def _is_key(value: Any) -> bool:
    """Whether it is a key of random numbers, new or raw."""
    dtype = str(getattr(value, "dtype", ""))
    return "key<" in dtype or (dtype == "uint32" and tuple(value.shape[-1:]) in ((2,), (4,)))
