"""The primitives of JAX that keep a step's numbers apart or bring them together, as functions of NumPy's arrays.

Called in NumPy, an operation is not compiled first, which takes JAX a tenth of a second each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np
from scipy import special

from eoc.models.jax.values import Operation

__all__ = ["CASTS", "PRODUCTS", "RANDOM", "REDUCTIONS", "SHAPES", "apply", "bound", "is_elementwise", "is_local"]

Params = Mapping[str, Any]
_OF_ONE_OR_MORE: Mapping[str, Callable[..., Any]] = {
    "abs": np.abs,
    "acos": np.arccos,
    "acosh": np.arccosh,
    "add": np.add,
    "add_any": np.add,
    "and": np.bitwise_and,
    "asin": np.arcsin,
    "asinh": np.arcsinh,
    "atan": np.arctan,
    "atan2": np.arctan2,
    "atanh": np.arctanh,
    "cbrt": np.cbrt,
    "ceil": np.ceil,
    "clamp": lambda low, x, high: np.minimum(np.maximum(x, low), high),
    "cos": np.cos,
    "cosh": np.cosh,
    "digamma": special.digamma,
    "div": np.divide,
    "eq": np.equal,
    "erf": special.erf,
    "erf_inv": special.erfinv,
    "erfc": special.erfc,
    "exp": np.exp,
    "exp2": np.exp2,
    "expm1": np.expm1,
    "floor": np.floor,
    "ge": np.greater_equal,
    "gt": np.greater,
    "is_finite": np.isfinite,
    "le": np.less_equal,
    "lgamma": special.gammaln,
    "log": np.log,
    "log1p": np.log1p,
    "logaddexp": np.logaddexp,
    "logistic": special.expit,
    "lt": np.less,
    "max": np.maximum,
    "min": np.minimum,
    "mul": np.multiply,
    "ne": np.not_equal,
    "neg": np.negative,
    "not": np.bitwise_not,
    "or": np.bitwise_or,
    "pow": np.power,
    "rem": np.fmod,
    "rsqrt": lambda x: 1.0 / np.sqrt(x),
    "select_n": lambda which, *cases: np.choose(np.asarray(which, dtype=int), cases),
    "sign": np.sign,
    "sin": np.sin,
    "sinh": np.sinh,
    "sqrt": np.sqrt,
    "square": np.square,
    "sub": np.subtract,
    "tan": np.tan,
    "tanh": np.tanh,
    "xor": np.bitwise_xor,
}
_WITH_PARAMETERS: Mapping[str, Callable[[Any, Params], Any]] = {
    "convert_element_type": lambda x, params: np.asarray(x).astype(params["new_dtype"]),
    "copy": lambda x, params: x,
    "copy_p": lambda x, params: x,
    "integer_pow": lambda x, params: np.asarray(x) ** params["y"],
    "reduce_precision": lambda x, params: x,
    "round": lambda x, params: np.rint(x) if int(params["rounding_method"]) else np.trunc(x + np.copysign(0.5, x)),
    "stop_gradient": lambda x, params: x,
}
_SHAPES: Mapping[str, Callable[[Any, Params], Any]] = {
    "broadcast_in_dim": lambda x, params: _broadcast(x, params["shape"], params["broadcast_dimensions"]),
    "expand_dims": lambda x, params: np.expand_dims(x, params["dimensions"]),
    "reshape": lambda x, params: np.reshape(x, params["new_sizes"]),
    "rev": lambda x, params: np.flip(x, params["dimensions"]),
    "squeeze": lambda x, params: np.squeeze(x, tuple(params["dimensions"])),
    "tile": lambda x, params: np.tile(x, params["reps"]),
    "transpose": lambda x, params: np.transpose(x, params["permutation"]),
}
_REDUCTIONS: Mapping[str, Callable[[Any, Params], Any]] = {
    "cummax": lambda x, params: np.maximum.accumulate(x, params["axis"]),
    "cumsum": lambda x, params: np.cumsum(x, params["axis"]),
    "reduce_max": lambda x, params: np.max(x, tuple(params["axes"])),
    "reduce_min": lambda x, params: np.min(x, tuple(params["axes"])),
    "reduce_prod": lambda x, params: np.prod(x, tuple(params["axes"])),
    "reduce_sum": lambda x, params: np.sum(x, tuple(params["axes"])),
}
#: The same numbers in another shape.
SHAPES = frozenset(_SHAPES)
#: What brings positions or units together, which a normalisation spreads again.
REDUCTIONS = frozenset(_REDUCTIONS)
#: What leaves every number as it is, but for rounding.
CASTS = frozenset(("convert_element_type", "copy", "copy_p", "stop_gradient", "reduce_precision"))
#: Products and convolutions.
PRODUCTS = frozenset(("conv_general_dilated", "dot_general"))
#: What makes random numbers.
RANDOM = frozenset(
    ("random_bits", "random_clone", "random_fold_in", "random_gamma", "random_seed", "random_split", "random_unwrap")
) | {"random_wrap", "rng_bit_generator", "rng_uniform", "threefry2x32"}


def is_elementwise(kind: str) -> bool:
    """Whether a primitive changes each element by itself."""
    return kind in _OF_ONE_OR_MORE or kind in _WITH_PARAMETERS


def is_local(kind: str) -> bool:
    """Whether what a primitive makes of a step may belong to one activation or normalisation."""
    return is_elementwise(kind) or kind in SHAPES or kind in REDUCTIONS


def apply(operation: Operation, values: Sequence[Any], double: bool = False) -> Any:
    """What an operation makes of numbers.

    Parameters
    ----------
    operation
        The operation.
    values
        Its arguments.
    double
        Whether what is cast to another floating-point type stays in double precision.
    """
    kind, params = operation.kind, operation.params
    if double and _to_floats(operation):
        return np.asarray(values[0], dtype=float)
    if kind in _OF_ONE_OR_MORE:
        with np.errstate(all="ignore"):
            return _OF_ONE_OR_MORE[kind](*map(np.asarray, values))
    special_one = _WITH_PARAMETERS.get(kind) or _SHAPES.get(kind) or _REDUCTIONS.get(kind)
    if special_one is not None:
        return special_one(np.asarray(values[0]), params)
    return operation.primitive.bind(*map(_array, values), **params)


def bound(operation: Operation, values: Sequence[Any]) -> Any:
    """What an operation makes of JAX's arrays in double precision: for JAX to trace."""
    if _to_floats(operation):
        return jax.numpy.asarray(values[0], dtype="float64")
    return values[0] if operation.kind in CASTS else operation.primitive.bind(*map(_array, values), **operation.params)


def _to_floats(operation: Operation) -> bool:
    return operation.kind == "convert_element_type" and "float" in str(operation.params["new_dtype"])


def _broadcast(x: Any, shape: Sequence[int], places: Sequence[int]) -> Any:
    lengths = [1] * len(shape)
    for axis, place in enumerate(places):
        lengths[place] = x.shape[axis]
    return np.broadcast_to(np.reshape(x, lengths), shape)


def _array(value: Any) -> Any:
    return jax.numpy.asarray(value) if isinstance(value, np.ndarray | np.generic | float | int) else value
