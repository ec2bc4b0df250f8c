"""Modules and layers whose parameters differ by channel: an activation for every channel, and how many have it.

A parameter with an axis as long as there are channels is cut to one entry of it, in a copy of the module, whose values
have to be those of the channel. What is left is a module with numbers for parameters, as any other one.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eoc.activations.argument.computed import in_double
from eoc.activations.argument.objects import home, instance, is_torch_module, own_slopes
from eoc.activations.argument.terms import leaky_text
from eoc.activations.base import Activation
from eoc.errors import EocError

__all__ = ["channels"]

Parts = tuple[tuple[Activation, ...], tuple[float, ...]]
Array = NDArray[np.generic]

_MOST = 4096  # channels
_ALIKE = 1e-5  # relative: a layer may compute in single precision
_SHAPES = ((2, 0), (2, 0, 3), (2, 0, 3, 3), (2, 3, 0), (2, 3, 3, 0))  # 0 stands for channels


def channels(source: object, make: Callable[[object], Activation]) -> Parts | None:
    """The activations of the channels of a module or layer, and the shares of channels that have them.

    Parameters
    ----------
    source
        Anything that can be called.
    make
        Makes an activation of what is left for one channel.

    Returns
    -------
    tuple
        None for what has no parameters of channels, and where it is not known what a channel does. Slopes of a PReLU
        enter second moments by their mean and their mean square alone: two slopes stand for any number of them.
    """
    source = instance(source)
    slopes = own_slopes(source)
    if slopes is not None:
        return _of_slopes(np.asarray(slopes), make)
    found = _sliced(source)
    if found is None:
        return None
    parts, counts = zip(*found, strict=True)
    total = sum(counts)
    return tuple(make(one) for one in parts), tuple(count / total for count in counts)


def _of_slopes(slopes: Array, make: Callable[[object], Activation]) -> Parts | None:
    mean, spread = float(slopes.mean()), float(slopes.std())
    if spread == 0.0:
        return None
    return (make(leaky_text(mean - spread)), make(leaky_text(mean + spread))), (0.5, 0.5)


def _sliced(source: Any) -> list[tuple[Any, int]] | None:
    """What is left of a module for each kind of channel, and how many there are of it."""
    kind = _kind(source)
    if kind is None:
        return None
    parameters = dict(_PARAMETERS[kind](source))
    lengths = {n for value in parameters.values() for n in value.shape if 1 < n <= _MOST}
    for length in sorted(lengths, reverse=True):
        cut = {name: axis for name, value in parameters.items() if (axis := _axis(value, length)) is not None}
        kinds = _kinds({name: np.moveaxis(parameters[name], axis, 0) for name, axis in cut.items()}, length)
        parts = [(_COPIES[kind](source, cut, j), count) for j, count in kinds]
        if any(_agree(kind, source, parts, [j for j, _ in kinds], shape, length) for shape in _SHAPES):
            return parts
    return None


def _kind(source: Any) -> str | None:
    """Whose module it is; None for what has no parameters that can be cut."""
    if is_torch_module(source):
        return "torch"
    owners = {home(kind) for kind in type(source).__mro__}
    if "flax" in owners and "flax.nnx" in sys.modules:
        return "jax"
    return "keras" if "keras" in owners and hasattr(source, "weights") else None


def _axis(value: Array, length: int) -> int | None:
    return next((i for i, n in enumerate(value.shape) if n == length), None)


def _kinds(by_channel: dict[str, Array], length: int) -> list[tuple[int, int]]:
    """A channel of each kind, and how many there are: those with the same parameters are of one kind."""
    seen: dict[tuple[bytes, ...], list[int]] = {}
    for j in range(length):
        seen.setdefault(tuple(value[j].tobytes() for value in by_channel.values()), []).append(j)
    return [(own[0], len(own)) for own in seen.values()]


def _agree(
    kind: str, source: Any, parts: list[tuple[Any, int]], at: list[int], shape: tuple[int, ...], length: int
) -> bool:
    """Whether channels along one axis of an input of this shape are what is left of the module for each of them."""
    axis = shape.index(0)
    x = 2.0 * np.random.default_rng(0).standard_normal([length if n == 0 else n for n in shape])
    try:
        whole = in_double(kind, source)(x)
        if whole.shape != x.shape:
            return False
        for (part, _), j in zip(parts, at, strict=True):
            own = np.take(x, [j], axis)
            alone = in_double("jax" if kind == "keras" and "jax" in sys.modules else kind, part)(own)
            if not np.allclose(alone, np.take(whole, [j], axis), rtol=_ALIKE, atol=_ALIKE):
                return False
    except KeyboardInterrupt:
        raise
    except BaseException:  # whatever its own code raises for inputs that it does not take
        return False
    return True


# --- frameworks -------------------------------------------------------------------------------------------------------


def _of_torch(module: Any) -> Iterator[tuple[str, Array]]:
    for name, value in (*module.named_parameters(), *module.named_buffers()):
        if value.is_meta:
            raise EocError(f"{name} on the meta device has no values yet: materialise the model first")
        yield name, value.detach().cpu().numpy()


def _torch_copy(module: Any, cut: dict[str, int], channel: int) -> Any:
    torch: Any = sys.modules["torch"]
    found = copy.deepcopy(module)
    for name, axis in cut.items():
        path, _, own = name.rpartition(".")
        owner = found.get_submodule(path)
        kept = getattr(owner, own).detach().narrow(axis, channel, 1)
        if own in owner._parameters:
            owner._parameters[own] = torch.nn.Parameter(kept, requires_grad=False)
        else:
            owner._buffers[own] = kept
    return found


def _of_flax(module: Any) -> Iterator[tuple[str, Array]]:
    for name, variable in vars(module).items():
        if isinstance(variable, sys.modules["flax.nnx"].Variable):
            value = _value(variable)
            if hasattr(value, "shape"):
                yield name, np.asarray(value)


def _value(variable: Any) -> Any:
    return variable.get_value() if hasattr(variable, "get_value") else variable.value


def _flax_copy(module: Any, cut: dict[str, int], channel: int) -> Any:
    found = copy.deepcopy(module)
    for name, axis in cut.items():
        variable = getattr(found, name)
        setattr(found, name, type(variable)(np.take(np.asarray(_value(variable)), [channel], axis)))
    return found


def _of_keras(layer: Any) -> Iterator[tuple[str, Array]]:
    """Of a layer whose weights are attributes of it."""
    for name, value in vars(layer).items():
        if any(value is weight for weight in layer.weights):
            yield name, np.asarray(sys.modules["keras"].ops.convert_to_numpy(value.value))


def _keras_copy(layer: Any, cut: dict[str, int], channel: int) -> Any:
    """What the layer calls, with arrays for its weights."""
    found = object.__new__(type(layer))  # a copy would be built anew
    values = {name: np.asarray(value, dtype=float) for name, value in _of_keras(layer)}
    kept = {name: np.take(value, [channel], cut[name]) if name in cut else value for name, value in values.items()}
    vars(found).update(vars(layer) | kept)
    return partial(type(layer).call, found)


_PARAMETERS = {"torch": _of_torch, "jax": _of_flax, "keras": _of_keras}
_COPIES = {"torch": _torch_copy, "jax": _flax_copy, "keras": _keras_copy}
