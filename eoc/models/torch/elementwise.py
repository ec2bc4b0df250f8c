"""Functions of tensors as activations of eoc, and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from eoc.activations import Activation
from eoc.activations import activation as resolve
from eoc.activations.argument.computed import formula_in, in_double, sampled
from eoc.activations.argument.objects import function_text, module_text
from eoc.activations.argument.symbolic import called
from eoc.errors import EocError

__all__ = ["as_activation", "as_function", "recognised_function", "recognised_module"]

_LONGEST = 60  # characters of a name


def recognised_module(module: Any) -> tuple[Activation, str] | None:
    """The activation that a module of torch.nn computes, and a note: "" or what was assumed.

    None if it is not one of torch.nn's elementwise activations; the identity is none here.

    Examples
    --------
    >>> recognised_module(torch.nn.LeakyReLU(0.2))[0].name, recognised_module(torch.nn.Softmax(-1))
    ('leaky_relu(slope=0.2)', None)
    """
    found = None if isinstance(module, torch.nn.Identity) else module_text(module)
    return None if found is None else (resolve(found[0]), found[1])


def recognised_function(name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Activation | None:
    """The activation that a function of torch or a method of a tensor computes, called with these besides x.

    None if it is none that eoc has under a name, or if it is called in a way that is not elementwise.
    """
    text = function_text(name, args, kwargs)
    try:
        return None if text is None else resolve(text)
    except EocError:  # numbers that no formula has, such as an infinite limit: its values may tell
        return None


def as_function(activation: Activation) -> Callable[[torch.Tensor], torch.Tensor]:
    """An activation as a function of tensors in double precision, or of a symbol in place of one."""

    def function(x: Any) -> Any:
        return torch.tensor(activation.phi(x.numpy())) if isinstance(x, torch.Tensor) else called(activation.name, x)

    return function


def as_activation(function: Callable[[torch.Tensor], torch.Tensor], text: str) -> Activation:
    """A function of tensors as an activation: the same object for functions that say and do the same.

    Raises
    ------
    EocError
        Where it is no activation: not a number somewhere, unbounded.
    """
    text = text[1:-1] if text.startswith("(") else text
    name = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
    return sampled(in_double("torch", function), name, formula_in("torch", function, resolve))
