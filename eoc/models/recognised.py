"""PyTorch's activation modules and functions as activations of eoc, with their parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from eoc.activations import Activation
from eoc.activations import activation as resolve
from eoc.errors import EocError
from eoc.sharing import once

__all__ = ["NOT_ELEMENTWISE", "recognised_function", "recognised_module"]

#: What torch.nn counts among its activations although each output depends on several inputs.
NOT_ELEMENTWISE = ("GLU", "LogSoftmax", "MultiheadAttention", "Softmax", "Softmax2d", "Softmin")


def _named(name: str) -> Callable[..., Activation]:
    return lambda: resolve(name)


def _gelu(approximate: str = "none") -> Activation:
    return resolve("gelu_tanh" if approximate == "tanh" else "gelu")


def _hardtanh(min_val: float = -1.0, max_val: float = 1.0) -> Activation:
    if (min_val, max_val) == (0.0, 6.0):
        return resolve("relu6")
    return resolve("hardtanh") if (min_val, max_val) == (-1.0, 1.0) else _clamped(min_val, max_val)


def _clamped(low: float | None, high: float | None) -> Activation:
    """Bounds on x, of which one may be missing."""
    if low == 0.0 and high is None:
        return resolve("relu")
    text = "x" if low is None else f"max(x, {float(low)!r})"
    return resolve(text if high is None else f"min({text}, {float(high)!r})")


def _softplus(beta: float = 1.0, threshold: float = 20.0) -> Activation:
    """PyTorch returns x itself where beta x > threshold; that is off by less than exp(-threshold) / beta."""
    return resolve("softplus", beta=float(beta)) if threshold >= _EXACT else _softplus_then_line(beta, threshold)


_EXACT = 20.0  # exp(-20) / 20 = 1e-10 of phi: below what single precision resolves


@once(64)
def _softplus_then_line(beta: float, threshold: float) -> Activation:
    whole = resolve("softplus", beta=float(beta))
    return resolve(
        lambda x: x if beta * x > threshold else float(whole(x)),
        name=f"softplus(beta={beta:g}, threshold={threshold:g})",
        knots=(threshold / beta,),
    )


def _threshold(threshold: float, value: float) -> Activation:
    if threshold == value == 0.0:
        return resolve("relu")
    return _steps_to_line(float(threshold), float(value))


@once(64)
def _steps_to_line(threshold: float, value: float) -> Activation:
    name = f"threshold(threshold={threshold:g}, value={value:g})"
    return resolve(lambda x: x if x > threshold else value, name=name, knots=(threshold,))


def _shrink(name: str) -> Callable[..., Activation]:
    return lambda lambd=0.5: resolve(name, threshold=float(lambd)) if lambd > 0.0 else resolve("identity")


def _leaky(negative_slope: float = 0.01) -> Activation:
    return resolve("leaky_relu", slope=float(negative_slope)) if negative_slope else resolve("relu")


def _rrelu(lower: float = 1.0 / 8.0, upper: float = 1.0 / 3.0) -> Activation:
    return _leaky(0.5 * (lower + upper))


def _alpha(name: str) -> Callable[..., Activation]:
    return lambda alpha=1.0: resolve(name, alpha=float(alpha))


_Known = tuple[Callable[..., Activation], tuple[str, ...]]

# Functions of torch, torch.nn.functional or Tensor that eoc has under the same name.
_SAME_NAME = (
    "abs",
    "arctan",
    "cos",
    "erf",
    "exp",
    "hardsigmoid",
    "hardswish",
    "mish",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "sign",
    "silu",
    "sin",
    "softsign",
    "tanh",
    "tanhshrink",
)
# And the others, with the parameters that they take after x, in order.
_FUNCTIONS: Mapping[str, _Known] = {name: (_named(name), ()) for name in _SAME_NAME} | {
    "atan": (_named("arctan"), ()),
    "celu": (_alpha("celu"), ("alpha",)),
    "clamp": (_clamped, ("low", "high")),
    "elu": (_alpha("elu"), ("alpha",)),
    "gelu": (_gelu, ("approximate",)),
    "hardshrink": (_shrink("hardshrink"), ("lambd",)),
    "hardtanh": (_hardtanh, ("min_val", "max_val")),
    "leaky_relu": (_leaky, ("negative_slope",)),
    "logsigmoid": (_named("-log(1 + exp(-x))"), ()),
    "log_sigmoid": (_named("-log(1 + exp(-x))"), ()),
    "rrelu": (_rrelu, ("lower", "upper")),
    "softplus": (_softplus, ("beta", "threshold")),
    "softshrink": (_shrink("softshrink"), ("lambd",)),
    "threshold": (_threshold, ("threshold", "value")),
}

# The attributes of a module that are the parameters of the function of the same name.
_MODULES: Mapping[str, str] = {
    "CELU": "celu",
    "ELU": "elu",
    "GELU": "gelu",
    "Hardshrink": "hardshrink",
    "Hardsigmoid": "hardsigmoid",
    "Hardswish": "hardswish",
    "Hardtanh": "hardtanh",
    "LeakyReLU": "leaky_relu",
    "LogSigmoid": "logsigmoid",
    "Mish": "mish",
    "RReLU": "rrelu",
    "ReLU": "relu",
    "ReLU6": "relu6",
    "SELU": "selu",
    "SiLU": "silu",
    "Sigmoid": "sigmoid",
    "Softplus": "softplus",
    "Softshrink": "softshrink",
    "Softsign": "softsign",
    "Tanh": "tanh",
    "Tanhshrink": "tanhshrink",
    "Threshold": "threshold",
}

_SAME_PARAMETER = {"min": "low", "max": "high"}  # of clamp


def recognised_module(module: Any) -> tuple[Activation, str] | None:
    """The activation that a module of torch.nn computes.

    Parameters
    ----------
    module
        Any ``nn.Module``.

    Returns
    -------
    tuple
        The activation and a note: "" or what was assumed. PReLU is taken with the mean of its present slopes, RReLU
        with the mean of its range, as in evaluation. None if it is not one of torch.nn's elementwise activations.

    Raises
    ------
    EocError
        For parameters that eoc cannot use, such as a softplus with beta = 0.

    Examples
    --------
    >>> recognised_module(nn.LeakyReLU(0.2))[0].name, recognised_module(nn.Softmax(-1))
    ('leaky_relu(slope=0.2)', None)
    """
    if isinstance(module, nn.PReLU):
        if module.weight.is_meta:
            raise EocError("a PReLU on the meta device has no slope yet: materialise the model first")
        slope = float(module.weight.detach().double().mean())
        return _leaky(slope), f"its slope is learned; now {slope:g}" + (
            " on average" if module.weight.numel() > 1 else ""
        )
    name = type(module).__name__
    if name not in _MODULES or not type(module).__module__.startswith("torch.nn.modules"):
        return None
    make, parameters = _FUNCTIONS[_MODULES[name]]
    note = "its slope is random in training; here the mean" if name == "RReLU" else ""
    return make(*(getattr(module, parameter) for parameter in parameters)), note


def recognised_function(name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Activation | None:
    """The activation that a function of torch computes.

    Parameters
    ----------
    name
        Of the function or of the method of a tensor: "relu", "leaky_relu_".
    args, kwargs
        What it is called with besides x.

    Returns
    -------
    Activation
        None if it is none that eoc has under a name, or if it is called in a way that is not elementwise.

    Examples
    --------
    >>> recognised_function("elu", (0.5,), {}).name, recognised_function("gelu", (), {"approximate": "tanh"}).name
    ('elu(alpha=0.5)', 'gelu_tanh')
    """
    make, parameters = _FUNCTIONS.get(name.removesuffix("_"), (None, ()))
    if make is None:
        return None
    given = dict(zip(parameters, args, strict=False)) | {_SAME_PARAMETER.get(k, k): v for k, v in kwargs.items()}
    used = {key: value for key, value in given.items() if key in parameters and value is not None}
    if name.startswith("clamp"):
        used = {"low": None, "high": None} | used
    numbers = all(isinstance(value, int | float | str | None) for value in used.values())
    return make(**used) if numbers else None
