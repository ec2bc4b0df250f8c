"""What users of PyTorch give as an activation."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from eoc.activations import Activation
from eoc.activations import activation as resolve
from eoc.errors import EocError
from eoc.models.elementwise import as_activation
from eoc.models.evaluated import evaluated
from eoc.models.functions import plain_name
from eoc.models.recognised import recognised_function, recognised_module
from eoc.models.steps import Kind

__all__ = ["given"]


def given(source: object) -> Activation | None:
    """The activation meant by an argument ``activation=`` of what is for PyTorch.

    Parameters
    ----------
    source
        - what :func:`eoc.activation` understands: a name, a formula, an activation, a Python function of an array or
          of a number;
        - a module such as ``nn.GELU("tanh")``, with its present parameters, or its class where that needs none;
        - a function of torch such as ``F.gelu``, also in a ``functools.partial``, with its defaults;
        - a Python function of tensors, evaluated in double precision.

    Returns
    -------
    Activation
        None for None.

    Raises
    ------
    EocError
        For what is no function of each element alone, cannot be called, or is no activation.

    Examples
    --------
    >>> given(nn.ELU(0.5)).name, given(nn.Tanh).name, given(torch.nn.functional.leaky_relu).name
    ('elu(alpha=0.5)', 'tanh', 'leaky_relu')
    >>> float(given(lambda x: torch.relu(x) ** 2)(3.0))
    9.0
    """
    if source is None:
        return None
    if isinstance(source, type) and issubclass(source, nn.Module):
        source = _built(source)
    if isinstance(source, nn.Module):
        return _of_module(source)
    if not callable(source) or isinstance(source, Activation):
        return resolve(source)
    return _recognised(source) or _of_function(source)


def _built(kind: type[nn.Module]) -> nn.Module:
    try:
        return kind()
    except Exception as error:  # whatever its own code raises
        raise EocError(
            f"{kind.__name__} is a class that cannot be built without arguments ({error}): give a module, "
            f"{kind.__name__}(...)"
        ) from error


def _of_module(module: nn.Module) -> Activation:
    known = recognised_module(module)
    if known is not None:
        return known[0]
    if isinstance(module, nn.Identity):
        return resolve("identity")
    return _of_tensors(copy.deepcopy(module).cpu().double().eval(), type(module).__name__)


def _recognised(function: Callable[..., Any]) -> Activation | None:
    """The activation that is a function of torch with its defaults, or with those that a ``partial`` gives it."""
    keywords: dict[str, Any] = {}
    if isinstance(function, partial) and not function.args:
        keywords, function = function.keywords, function.func
    owner = getattr(function, "__module__", None) or ""
    if owner.partition(".")[0] != "torch":
        return None
    try:
        return recognised_function(plain_name(function), (), keywords)
    except TypeError:  # it needs more arguments
        return None


def _of_function(function: Callable[..., Any]) -> Activation:
    """Of a function of arrays or numbers, as everywhere in eoc, if it takes them; else of tensors."""
    if _takes(function, np.array([-0.5, 0.0, 2.0])) or _takes(function, 0.5):
        return resolve(function)
    return _of_tensors(function, getattr(function, "__name__", type(function).__name__).replace("<lambda>", "callable"))


def _takes(function: Callable[..., Any], x: Any) -> bool:
    try:
        with np.errstate(all="ignore"):
            function(x)
    except Exception:  # whatever it raises
        return False
    return True


def _of_tensors(function: Callable[[torch.Tensor], torch.Tensor], name: str) -> Activation:
    def apart(x: torch.Tensor) -> torch.Tensor:
        return function(x.clone())  # it may write over it

    try:
        with torch.no_grad():
            apart(torch.ones(2, 6, 4, 4, dtype=torch.float64))
    except Exception as error:  # whatever it raises
        raise EocError(f"{name} cannot be computed as an activation: {error}") from error
    if evaluated(_Calling(apart)) is not Kind.ACTIVATION:
        raise EocError(f"{name} is no activation: it has to change each element by a function of that element alone")
    return as_activation(apart, name)


class _Calling(nn.Module):
    """A module that calls a function and has no parts."""

    def __init__(self, function: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self._function = function

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self._function(x)
