"""How models of Flax (linen and nnx), of Equinox and of plain JAX hold their parameters, and how they are called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from eoc.errors import EocError
from eoc.messages import shortened
from eoc.models.jax.read import Traced, leaves_of, traced
from eoc.models.steps import Reading

__all__ = ["Arguments", "JaxModel", "arguments_of", "model_of"]


@dataclass(frozen=True)
class JaxModel:
    """A model as a function of its parameters.

    Attributes
    ----------
    parameters
        By the names of their paths, in the order of the model.
    state
        What is kept beside them and not learned: a tree, or None.
    inputs
        The arrays that it is called with.
    function
        Its output, for parameters, state and inputs like these.
    rebuilt
        What users keep, with other parameters: a tree of variables for linen and plain functions, a new module for
        Equinox; for nnx the module itself, which is changed.
    """

    parameters: Mapping[str, Any]
    state: Any
    inputs: tuple[Any, ...]
    function: Callable[..., Any]
    rebuilt: Callable[[Mapping[str, Any]], Any]

    def traced(self) -> Traced:
        """What it computes."""
        return traced(self.function, dict(self.parameters), self.inputs, self.others[0])

    @property
    def others(self) -> tuple[Any, ...]:
        """What the function takes besides parameters."""
        return ({} if self.state is None else self.state, *self.inputs)

    def read(self) -> Reading:
        """The steps that it computes."""
        return self.traced().reading


def model_of(model: Any, parameters: Any, inputs: Any, apply: Callable[..., Any] | None = None) -> JaxModel:
    """A model of any of the libraries, as it is called with example inputs.

    Parameters
    ----------
    model
        A module of ``flax.linen``, ``flax.nnx`` or Equinox, or a function of parameters and inputs.
    parameters
        Of linen: the variables that ``init`` returned, or the keys of random numbers to call it with. Of a function:
        its parameters. None for modules that hold their own.
    inputs
        An array; a tuple of arguments, or a dictionary of those with names. What is no array, such as ``train=True``,
        is handed on as it is.
    apply
        Calls the model: a function of the variables, module or parameters, and the inputs; None to call it as usual.

    Raises
    ------
    EocError
        For what is none of these.
    """
    arguments = arguments_of(inputs)
    library = _library(model)
    if library == "linen":
        return _linen(model, parameters, arguments, apply)
    if library in ("nnx", "equinox"):
        if parameters is not None:
            raise EocError(f"a module of {library} holds its own parameters: leave out variables, or give None")
        return (_nnx if library == "nnx" else _tree)(model, arguments, apply)
    if not callable(model) or isinstance(model, type):
        raise EocError(
            "the model must be a module of flax.linen, flax.nnx or Equinox, or a function of parameters and inputs, "
            f"got {shortened(repr(model))}"
        )
    if parameters is None:
        raise EocError("a function needs its parameters: a tree of arrays")
    return _tree(parameters, arguments, apply or model)


@dataclass(frozen=True)
class Arguments:
    """Arguments of a call.

    Attributes
    ----------
    arrays
        Those that are arrays.
    call
        Calls a function with arrays like these and with what is none.
    """

    arrays: tuple[Any, ...]
    call: Callable[..., Any]


def arguments_of(inputs: Any) -> Arguments:
    """What a model is called with: an array, a tuple of arguments or a dictionary of those with names."""
    given = ((), dict(inputs)) if isinstance(inputs, Mapping) else (_as_tuple(inputs), {})
    leaves, tree = jax.tree_util.tree_flatten(given)
    places = [at for at, leaf in enumerate(leaves) if _is_array(leaf)]

    def call(function: Callable[..., Any], *arrays: Any) -> Any:
        filled = list(leaves)
        for at, array in zip(places, arrays, strict=True):
            filled[at] = array
        args, kwargs = jax.tree_util.tree_unflatten(tree, filled)
        return function(*args, **kwargs)

    return Arguments(tuple(leaves[at] for at in places), call)


def _as_tuple(inputs: Any) -> tuple[Any, ...]:
    return tuple(inputs) if isinstance(inputs, tuple) else (inputs,)


def _is_array(leaf: Any) -> bool:
    return isinstance(leaf, jax.Array | np.ndarray | jax.ShapeDtypeStruct)


def _library(model: Any) -> str:
    """Whose module it is: "linen", "nnx", "equinox" or ""."""
    for kind in type(model).__mro__:
        for library, name in (("linen", "flax.linen"), ("nnx", "flax.nnx"), ("equinox", "equinox")):
            if str(kind.__module__).startswith(name) and kind.__name__ == "Module":
                return library
    return ""


def _linen(model: Any, variables: Any, arguments: Arguments, apply: Callable[..., Any] | None) -> JaxModel:
    if not (isinstance(variables, Mapping) and "params" in variables and not _are_keys(variables)):
        if variables is None or not _are_keys(variables):
            raise EocError(
                "a module of flax.linen needs its variables, module.init(key, inputs), or the key to make them with"
            )
        variables = _made(model, variables, arguments)
    kept = {name: tree for name, tree in variables.items() if name != "params"}
    learned, tree = _flat({"params": variables["params"]})
    keys = {name: jax.random.key(0) for name in ("dropout", "params")}

    def function(values: Mapping[str, Any], state: Any, *arrays: Any) -> Any:
        together = {**state, **_unflat(tree, values)}
        if apply is not None:
            return arguments.call(lambda *args, **kwargs: apply(together, *args, **kwargs), *arrays)

        def call(*args: Any, **kwargs: Any) -> Any:
            return model.apply(together, *args, mutable=list(kept) or False, rngs=keys, **kwargs)

        found = arguments.call(call, *arrays)
        return found[0] if kept else found

    def rebuilt(values: Mapping[str, Any]) -> Any:
        return {**kept, **_unflat(tree, values)}

    return JaxModel(learned, kept, arguments.arrays, function, rebuilt)


def _made(model: Any, keys: Any, arguments: Arguments) -> Any:
    """The variables of a module of linen; compiled as a whole, which takes less time than one array after the other."""

    def init(keys: Any, *arrays: Any) -> Any:
        return arguments.call(lambda *args, **kwargs: model.init(keys, *args, **kwargs), *arrays)

    return jax.jit(init)(keys, *arguments.arrays)


def _are_keys(variables: Any) -> bool:
    """Whether these are keys of random numbers."""
    leaves = jax.tree_util.tree_leaves(variables)
    return bool(leaves) and all("key<" in str(getattr(x, "dtype", "")) or _is_raw_key(x) for x in leaves)


def _is_raw_key(leaf: Any) -> bool:
    return str(getattr(leaf, "dtype", "")) == "uint32" and tuple(leaf.shape) == (2,)


def _nnx(model: Any, arguments: Arguments, apply: Callable[..., Any] | None) -> JaxModel:
    from flax import nnx

    definition, parameters, rest = nnx.split(model, nnx.Param, ...)
    learned, tree = _flat(parameters, "/value")

    def function(values: Mapping[str, Any], state: Any, *arrays: Any) -> Any:
        own = nnx.merge(definition, _unflat(tree, values), state)
        called = own if apply is None else lambda *args, **kwargs: apply(own, *args, **kwargs)
        return arguments.call(called, *arrays)

    def rebuilt(values: Mapping[str, Any]) -> Any:
        nnx.update(model, _unflat(tree, values))
        return model

    return JaxModel(learned, rest, arguments.arrays, function, rebuilt)


def _tree(model: Any, arguments: Arguments, apply: Callable[..., Any] | None) -> JaxModel:
    """A tree whose arrays of floating-point numbers are learned: a module of Equinox, the parameters of a function."""
    learned, tree = _flat(model)
    fixed = {name: leaf for name, leaf in learned.items() if not _is_learned(leaf)}
    own = {name: leaf for name, leaf in learned.items() if name not in fixed}

    def function(values: Mapping[str, Any], state: Any, *arrays: Any) -> Any:
        called = _unflat(tree, {**fixed, **values})
        whole = called if apply is None else lambda *args, **kwargs: apply(called, *args, **kwargs)
        return arguments.call(whole, *arrays)

    return JaxModel(own, None, arguments.arrays, function, lambda values: _unflat(tree, {**fixed, **values}))


def _is_learned(leaf: Any) -> bool:
    return _is_array(leaf) and jax.numpy.issubdtype(leaf.dtype, jax.numpy.inexact)


def _flat(tree: Any, suffix: str = "") -> tuple[dict[str, Any], tuple[Any, tuple[str, ...]]]:
    """The leaves of a tree by name, and what puts them back; names go without an ending that all have."""
    named = {leaf.name.removesuffix(suffix): leaf.value for leaf in leaves_of(tree)}
    return named, (jax.tree_util.tree_structure(tree), tuple(named))


def _unflat(tree: tuple[Any, tuple[str, ...]], values: Mapping[str, Any]) -> Any:
    structure, names = tree
    return jax.tree_util.tree_unflatten(structure, [values[name] for name in names])
