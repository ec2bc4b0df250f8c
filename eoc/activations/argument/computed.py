"""Functions of a framework's arrays that have no name: called in double precision."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import numpy as np

from eoc.activations.argument.by_values import GRID, activation_with_values
from eoc.activations.argument.jaxprs import formula_of_jax
from eoc.activations.argument.objects import home, instance, is_torch_module
from eoc.activations.argument.symbolic import formula_of
from eoc.activations.base import Activation
from eoc.activations.function import from_callable
from eoc.errors import EocError
from eoc.floats import FloatArray
from eoc.sharing import once

__all__ = ["Function", "computed", "formula_in", "in_double", "sampled"]

Function = Callable[..., Any]

Read = Callable[[str], Activation]

_SAME, _SAME_IN_SINGLE = 1e-9, 1e-5
_TRIAL = np.array([-0.5, 0.0, 2.0])


def computed(source: Function, parameters: Mapping[str, Any], read: Read) -> Activation | None:
    """The activation that a function, module or layer of a framework computes.

    Parameters
    ----------
    source
        A module or layer, its class, or a Python function of the arrays of a framework that has been imported.
    parameters
        Those of :func:`eoc.activation` for a function: what they say is not looked for.
    read
        Makes an activation of a formula.

    Returns
    -------
    Activation
        The same object for what says and does the same; that of the name, where the values are those of one. None for
        a function of NumPy's arrays or of numbers.

    Raises
    ------
    EocError
        For what is no function of each element alone, cannot be called, or shows single precision only.
    """
    source = instance(source)
    framework = _framework(source)
    if framework is None:
        return None
    function, name = in_double(framework, source), _name(source)
    _check(function, name)
    if parameters:
        slope = parameters.get("derivative")
        told = {} if slope is None else {"derivative": in_double(framework, slope)}
        return from_callable(function, **{"name": name, **parameters, **told})
    try:
        return sampled(function, name, formula_in(framework, source, read), strict=True)
    except EocError as error:
        error.add_note(_NAME_IT)
        raise


_NAME_IT = "Give it as a text, by a name or a formula in x, which is computed to all digits."


def sampled(
    function: Callable[[FloatArray], FloatArray], name: str, formula: Activation | None = None, strict: bool = False
) -> Activation:
    """A function of NumPy's arrays as an activation: the same object for functions that say and do the same.

    Parameters
    ----------
    function, name
        What is called, and what it is called.
    formula
        What it is by its operations: taken if its values are those of the function. What is known by name comes first.
    strict
        Whether to refuse what is neither and shows single precision only.

    Raises
    ------
    EocError
        Where it is no activation: not a number somewhere, unbounded.
    """
    values, single = _values(function, name), _is_single(function)
    known = activation_with_values(values.astype(np.float32) if single else values)
    if known is not None:
        return known
    if formula is not None and _agree(formula, values, _SAME_IN_SINGLE if single else _SAME):
        return formula
    if single and strict:
        raise EocError(f"{name} is in single precision, also when called in double: too few digits")
    return _activation(_Sampled((name, values.tobytes()), function))


def formula_in(framework: str, source: Any, read: Read) -> Activation | None:
    """The formula that the operations of a function, module or layer spell; None if there is none.

    Parameters
    ----------
    framework, source
        As for :func:`in_double`.
    read
        Makes an activation of a formula.
    """
    if framework == "torch":
        text = formula_of(_of_tensors(source))
    elif "jax" in sys.modules:
        text = _with_double(formula_of_jax)(_keras_function(source) if framework == "keras" else source)
    else:
        text = None
    try:
        return None if text is None else read(text)
    except EocError:  # it is no activation, or not read: the function may be
        return None


def _agree(activation: Activation, values: FloatArray, to: float) -> bool:
    """Whether a formula has the values that a function has, to what cancellation in either leaves."""
    with np.errstate(all="ignore"):
        return bool(np.allclose(activation.phi(GRID), values, rtol=to, atol=to))


def _values(function: Callable[[FloatArray], FloatArray], name: str) -> FloatArray:
    try:
        with np.errstate(all="ignore"):
            return function(GRID)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever the function raises
        raise EocError(f"{name} cannot be computed: {error}") from error


@dataclass(frozen=True)
class _Sampled:
    """A function that is told from others by its name and its values."""

    key: Hashable
    function: Callable[[FloatArray], FloatArray] = field(compare=False)


@once(256)
def _activation(sampled: _Sampled) -> Activation:
    return from_callable(sampled.function, name=sampled.key[0])  # type: ignore[index]


def _name(source: Any) -> str:
    return str(getattr(source, "__name__", type(source).__name__)).replace("<lambda>", "callable")


def _is_single(function: Function) -> bool:
    """Whether its values have the rounding errors of single precision, as those of some functions of Keras have.

    Third differences over small steps: of a smooth function in double precision they are some 1e-15.
    """
    x = np.array([[0.31], [-0.73], [1.37], [-1.91], [2.63]]) + 1e-6 * np.arange(4.0)
    with np.errstate(all="ignore"):
        y = np.asarray(function(x.ravel()), dtype=float).reshape(x.shape)
        noise = np.abs(np.diff(y, 3, axis=1)[:, 0]) / (np.abs(y[:, 0]) + 1e-300)
    return bool(np.sum(noise > 1e-9) >= 2)


def _check(function: Function, name: str) -> None:
    """Refuse what is no function of each element alone."""
    x = 3.0 * np.random.default_rng(0).standard_normal((2, 6, 4, 4))
    try:
        whole = function(x)
    except KeyboardInterrupt:
        raise
    except BaseException:  # some take one row only
        x = x[0, 0]
        whole = _called(function, name, x)
    part = (slice(1, None),) * x.ndim
    alone = whole.shape == x.shape and _close(whole[part], _called(function, name, x[part]))
    if not alone or not _close(whole, np.flip(_called(function, name, np.flip(x).copy()))):
        raise EocError(f"{name} is no activation: it has to change each element by a function of that element alone")


def _called(function: Function, name: str, x: FloatArray) -> FloatArray:
    try:
        return function(x)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever it raises
        raise EocError(f"{name} cannot be computed as an activation: {error}") from error


def _close(a: FloatArray, b: FloatArray) -> bool:
    return a.shape == b.shape and np.allclose(a, b, rtol=1e-3, atol=1e-9, equal_nan=True)


# --- frameworks -------------------------------------------------------------------------------------------------------


def _framework(source: Any) -> str | None:
    """Whose arrays it takes: by what it is, by what it returns, or by trying."""
    if is_torch_module(source):
        return "torch"
    owner = next((found for kind in type(source).__mro__ if (found := _root(kind)) in _IN_DOUBLE), None)
    owner = owner or home(source)
    if owner is not None:
        return "jax" if owner == "flax" else owner
    for x in (_TRIAL, 0.5):
        answer = _answer(source, x)
        if answer is not None:
            return {"torch": "torch", "jax": "jax", "jaxlib": "jax", "tensorflow": "keras"}.get(_root(type(answer)))
    return next((name for name in _IN_DOUBLE if name in sys.modules and _takes(name, source)), None)


def _root(kind: type) -> str:
    return str(kind.__module__).partition(".")[0]


def _answer(function: Function, x: Any) -> Any:
    try:
        with np.errstate(all="ignore"):
            return function(x)
    except KeyboardInterrupt:
        raise
    except BaseException:  # whatever it raises
        return None


def _takes(framework: str, function: Function) -> bool:
    try:
        in_double(framework, function)(_TRIAL)
    except KeyboardInterrupt:
        raise
    except BaseException:  # whatever it raises
        return False
    return True


def in_double(framework: str, source: Any) -> Callable[[FloatArray], FloatArray]:
    """A function, module or layer of a framework as a function of NumPy's arrays in double precision.

    Parameters
    ----------
    framework
        "torch", "jax" or "keras", which has been imported.
    source
        What is called; a module of torch is copied, and the copy is in evaluation mode and in double precision.
    """
    return _IN_DOUBLE[framework](source)


def _torch(source: Any) -> Callable[[FloatArray], FloatArray]:
    torch: Any = sys.modules["torch"]
    function = _of_tensors(source)

    def of_arrays(x: FloatArray) -> FloatArray:
        with torch.no_grad(), np.errstate(all="ignore"):
            y = function(torch.tensor(x, dtype=torch.float64))  # a copy: it may write over it
        return (y if y.dtype in (torch.float64, torch.float32) else y.to(torch.float64)).numpy()

    return of_arrays


def _of_tensors(source: Any) -> Function:
    """A module as a copy of it in double precision and evaluation mode."""
    return copy.deepcopy(source).cpu().double().eval() if is_torch_module(source) else source


def _jax(source: Any) -> Callable[[FloatArray], FloatArray]:
    import jax

    return _with_double(lambda x: np.asarray(source(jax.numpy.asarray(x, dtype="float64"))))


def _keras(source: Any) -> Callable[[FloatArray], FloatArray]:
    keras: Any = sys.modules["keras"]
    function = _keras_function(source)

    def of_arrays(x: FloatArray) -> FloatArray:
        return keras.ops.convert_to_numpy(function(keras.ops.convert_to_tensor(x, dtype="float64")))

    return _with_double(of_arrays) if keras.backend.backend() == "jax" else of_arrays


def _keras_function(source: Any) -> Function:
    """What a layer without weights calls: that does not cast to the type of the layer."""
    layer = isinstance(source, sys.modules["keras"].layers.Layer) and not source.weights
    return source.call if layer else source


def _with_double(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """With double precision in JAX, for one thread and for the call, and also while other functions are traced."""
    import jax

    new = hasattr(jax, "enable_x64")
    enable_x64 = jax.enable_x64 if new else import_module("jax.experimental").enable_x64

    def called(x: Any) -> Any:
        with jax.ensure_compile_time_eval(), enable_x64(True):
            return function(x)

    return called


_IN_DOUBLE = {"torch": _torch, "jax": _jax, "keras": _keras}
