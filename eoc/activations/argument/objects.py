"""Which activation a function, a module or a layer of a framework is."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import partial
from inspect import Parameter, signature
from typing import Any

from eoc.activations.argument.terms import known_names, leaky_text, term
from eoc.errors import EocError

__all__ = [
    "function_text",
    "home",
    "instance",
    "is_torch_module",
    "module_text",
    "object_term",
    "own_slopes",
    "plain_name",
]


def object_term(source: object) -> str | None:
    """What eoc calls a function, module, layer or class of PyTorch, JAX, Flax or Keras.

    Parameters
    ----------
    source
        Anything; a function also in a ``functools.partial`` with keywords.

    Returns
    -------
    str
        None for what is not one of them, or computes something that has no name.

    Raises
    ------
    EocError
        For a class that cannot be built without arguments, and slopes that do not exist yet (meta device).

    Examples
    --------
    >>> import numpy
    >>> object_term(numpy.tanh), object_term(len)
    (None, None)
    """
    source = instance(source)
    if is_torch_module(source):
        found = module_text(source)
        return None if found is None else found[0]
    framework = home(source)
    if framework == "keras" and _is_layer(source):
        return _layer_text(source)
    if framework == "flax" and not isinstance(source, partial) and type(source).__name__ == "PReLU":
        return leaky_text(_slope_of_flax(source))
    return None if framework is None else _function_text(source, _FAMILY[framework])


_FAMILY = {"torch": "torch", "jax": "jax", "flax": "jax", "keras": "keras"}


def home(source: object) -> str | None:
    """Which framework a function or an object is of: "torch", "jax", "flax", "keras" or None."""
    while isinstance(source, partial):
        source = source.func
    owners = [getattr(source, "__module__", None), getattr(getattr(source, "__objclass__", None), "__module__", None)]
    for owner in owners:
        root = str(owner).partition(".")[0]
        if root in _FAMILY:
            return root
    return None


def instance(source: object) -> Any:
    """A module or layer where its class is given."""
    if not isinstance(source, type) or not any(
        str(kind.__module__).startswith(("torch.nn.modules", "keras.", "flax.")) for kind in source.__mro__
    ):
        return source
    try:
        return source()
    except Exception as error:  # whatever its own code raises
        raise EocError(
            f"{source.__name__} is a class that cannot be built without arguments ({error}): give a module, "
            f"{source.__name__}(...)"
        ) from error


def is_torch_module(source: object) -> bool:
    """Whether it is a ``torch.nn.Module``, and no layer of Keras, which is one too where torch is below."""
    torch = sys.modules.get("torch")
    is_module = torch is not None and hasattr(torch, "nn") and isinstance(source, torch.nn.Module)
    return is_module and not _is_layer(source)


def module_text(module: Any) -> tuple[str, str] | None:
    """What a module of ``torch.nn`` computes, and a note: "" or what was assumed.

    PReLU is taken with its present slopes, several by their root mean square, which layers see in second moments;
    RReLU in training likewise, otherwise with its mean slope, which it has then.

    Returns
    -------
    tuple
        None for what is not one of the elementwise activations of ``torch.nn``.

    Raises
    ------
    EocError
        For a PReLU on the meta device.
    """
    name = type(module).__name__
    if name not in known_names("torch.nn") or not type(module).__module__.startswith("torch.nn.modules"):
        return None
    if name == "PReLU":
        return _learned(module.weight)
    if name == "RReLU":
        text = term("torch", "rrelu", (module.lower, module.upper, module.training))
        which = "root mean square, which keeps the variance" if module.training else "mean, as in evaluation"
        return str(text), f"its slope is random in training; here the {which}"
    text = term("torch.nn", name, (), {key: getattr(module, key) for key in _parameters(known_names("torch.nn")[name])})
    return None if text is None else (text, "")


def _learned(weight: Any) -> tuple[str, str]:
    if weight.is_meta:
        raise EocError("a PReLU on the meta device has no slope yet: materialise the model first")
    slope, several = _one_slope([float(each) for each in weight.detach().double().flatten()])
    return leaky_text(slope), f"its slope is learned; now {slope:g}" + (" in root mean square" if several else "")


def own_slopes(source: Any) -> list[float] | None:
    """The present slopes of a PReLU with one for each channel; None for what is none."""
    if is_torch_module(source) and type(source).__name__ == "PReLU" and not source.weight.is_meta:
        return [float(each) for each in source.weight.detach().double().flatten()]
    if home(source) == "keras" and _is_layer(source) and type(source).__name__ == "PReLU":
        return _slopes_of_keras(source)
    return None


def _one_slope(slopes: list[float]) -> tuple[float, bool]:
    """The slope that gives the second moments of several: E phi^2 = q (1 + E a^2) / 2."""
    if len(set(slopes)) == 1:
        return slopes[0], False
    size = (sum(slope * slope for slope in slopes) / len(slopes)) ** 0.5
    return size if sum(slopes) >= 0.0 else -size, True


def plain_name(function: Any) -> str:
    """The name of a function or method of torch, the same for a function, its operator and its form in place."""
    name = (function if isinstance(function, str) else getattr(function, "__name__", str(function))).strip("_")
    return _OPERATORS.get(name, name)


_OPERATORS = {
    "iadd": "add",
    "isub": "sub",
    "imul": "mul",
    "itruediv": "div",
    "truediv": "div",
    "true_divide": "div",
    "divide": "div",
    "multiply": "mul",
    "subtract": "sub",
    "ipow": "pow",
    "float_power": "pow",
    "imatmul": "matmul",
    "mm": "matmul",
    "bmm": "matmul",
    "special_expit": "sigmoid",
    "max_pool1d_with_indices": "max_pool1d",
    "max_pool2d_with_indices": "max_pool2d",
    "max_pool3d_with_indices": "max_pool3d",
}


def function_text(name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str | None:
    """What a function of torch, or a method of its tensors, computes when called with these arguments besides x.

    Examples
    --------
    >>> (
    ...     function_text("elu", (0.5,), {}),
    ...     function_text("gelu", (), {"approximate": "tanh"}),
    ...     function_text("dot", (), {}),
    ... )
    ('elu(alpha=0.5)', 'gelu_tanh', None)
    """
    return term("torch", plain_name(name), args, {key: value for key, value in kwargs.items() if value is not None})


def _function_text(function: Any, family: str) -> str | None:
    keywords: dict[str, Any] = {}
    if isinstance(function, partial):
        if function.args:
            return None
        keywords, function = function.keywords, function.func
    return term(family, plain_name(function), (), _defaults(function) | keywords)


def _defaults(function: Any) -> dict[str, Any]:
    """As this version of the framework has them; nothing for functions that do not tell."""
    try:
        parameters = signature(function).parameters.values()
    except (TypeError, ValueError):
        return {}
    plain = [p for p in parameters if p.kind in (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)]
    return {p.name: p.default for p in plain if p.default is not Parameter.empty and p.default is not None}


def _parameters(make: Any) -> tuple[str, ...]:
    return tuple(signature(make).parameters)


# --- layers of Keras, modules of Flax ---------------------------------------------------------------------------------


def _is_layer(source: object) -> bool:
    return any(kind.__name__ == "Layer" and kind.__module__.startswith("keras.") for kind in type(source).__mro__)


def _layer_text(layer: Any) -> str | None:
    """What a layer of ``keras.layers`` computes."""
    name = type(layer).__name__
    if name not in known_names("keras.layers"):
        return None
    if name == "Activation":
        return object_term(layer.activation)
    if name == "PReLU":
        return leaky_text(_one_slope(_slopes_of_keras(layer))[0])
    given = {key: getattr(layer, key, None) for key in _parameters(known_names("keras.layers")[name])}
    return term("keras.layers", name, (), given)


def _slopes_of_keras(layer: Any) -> list[float]:
    """Of a PReLU: its present slopes, or those that its initialiser will draw."""
    import numpy as np

    ops = sys.modules["keras"].ops
    slopes = layer.alpha.value if layer.built else layer.alpha_initializer((1024,))
    found: list[float] = np.ravel(ops.convert_to_numpy(slopes)).astype(float).tolist()
    return found


def _slope_of_flax(module: Any) -> float:
    """Of ``nnx.PReLU`` its present slope, of ``linen.PReLU`` that at initialisation."""
    present = getattr(module, "negative_slope", None)
    if present is None:
        return float(module.negative_slope_init)
    return float(str(getattr(present, "value", present)))  # 0.01 and not the single number next to it
