"""The graph of what a model computes, recorded while it is run on example inputs.

A copy of the model is run, which shares its parameters and has buffers of its own. Every function of torch that it
calls on its input, its parameters or what came of them becomes a node (a mode of ``torch.overrides`` sees them), and
modules that are leaves become nodes of their own, as in a graph of torch.fx. What neither sees, such as functions in
TorchScript, is seen as the operations of ATen that it consists of.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import fx, nn

from eoc.models.torch.copied import twin
from eoc.models.torch.evaluated import Own, evaluated
from eoc.models.torch.modules import is_leaf
from eoc.models.torch.recorder import DecidedError, Recorder, Unseen
from eoc.models.torch.structures import mapped
from eoc.models.torch.unwrapped import unwrapped

__all__ = ["record"]


def record(model: nn.Module, inputs: Any, decides: bool = True) -> tuple[fx.Graph, Mapping[str, Own | None]]:
    """The graph of a model run on inputs, and by name what its modules that are nodes do.

    Nodes have the tensors that they made in ``meta``: "shape" and "floating"; those that stand for what was computed of
    no input and no parameter have it as "tensor".

    Parameters
    ----------
    model
        A module that is no leaf, see :func:`eoc.models.torch.modules.is_leaf`.
    inputs
        A tensor, a tuple of arguments, or a dictionary of them by name. They are brought to the device and to the
        floating type of the parameters.
    decides
        Whether the values of the inputs may decide what is computed.

    Raises
    ------
    Exception
        Whatever the model's own code raises; an EocError where it would write over a parameter.
    """
    args, kwargs = _arguments(model, inputs)
    kinds: dict[str, Own | None] = {}
    try:
        return _run(_prepared(model), args, kwargs, kinds, decides)
    except DecidedError:
        raise
    except Exception:
        if not model.training:
            raise
    # A batch of one is too small for a normalisation in training.
    return _run(_prepared(model).eval(), args, kwargs, kinds, decides)


def _run(
    model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], kinds: dict[str, Own | None], decides: bool
) -> tuple[fx.Graph, Mapping[str, Own | None]]:
    recorder = Recorder(model, kinds, decides)
    devices = sorted({p.device.index or 0 for p in model.parameters() if p.is_cuda})
    with torch.random.fork_rng(devices=devices), torch.no_grad(), _eager():
        torch.manual_seed(0)
        signature = inspect.signature(model.forward)
        names = list(signature.bind_partial(*args, **kwargs).arguments) if signature.parameters else []
        args = tuple(
            recorder.placed(name, value) for name, value in zip([*names, *["x"] * len(args)], args, strict=False)
        )
        kwargs = {name: recorder.placed(name, value) for name, value in kwargs.items()}
        with _forwards(model, recorder), Unseen(recorder), recorder:
            out = model(*args, **kwargs)
        recorder.finish(out)
    return recorder.graph, kinds


def _arguments(model: nn.Module, inputs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Positional and named arguments on the device and in the type of the model."""
    parameters = [p for p in model.parameters() if p.is_floating_point()]
    dtypes, devices = {p.dtype for p in parameters}, {p.device for p in model.parameters()}

    def moved(tensor: Any) -> Any:
        if not isinstance(tensor, torch.Tensor):
            return tensor
        dtype = next(iter(dtypes)) if len(dtypes) == 1 and tensor.is_floating_point() else tensor.dtype
        return tensor.detach().to(next(iter(devices)) if len(devices) == 1 else tensor.device, dtype)

    found = mapped(dict(inputs) if isinstance(inputs, Mapping) else inputs, moved)
    if isinstance(found, dict):
        return (), found
    return (tuple(found) if isinstance(found, tuple | list) else (found,)), {}


def _prepared(model: nn.Module) -> nn.Module:
    """A copy without hooks that shares the parameters, and not the buffers."""
    copied = twin(model, {id(parameter): parameter for parameter in model.parameters()})
    for module in copied.modules():
        for hooks in ("_forward_hooks", "_forward_pre_hooks"):
            getattr(module, hooks).clear()
        if isinstance(module, nn.Embedding | nn.EmbeddingBag):
            module.max_norm = None  # which would be imposed on the table
    return copied


@contextmanager
def _forwards(model: nn.Module, recorder: Recorder) -> Iterator[None]:
    """Meanwhile the forwards of leaves are recorded; the model is a copy."""
    for name, module in model.named_modules():
        inner = unwrapped(module)[0]
        if inner is not module:
            module.forward = inner.__call__
        elif name:
            module.forward = _recorded(recorder, name, module, module.forward)
    yield


def _recorded(recorder: Recorder, name: str, module: nn.Module, forward: Callable[..., Any]) -> Callable[..., Any]:
    def called(*args: Any, **kwargs: Any) -> Any:
        if recorder.inside or not _is_node(recorder, name, module):
            return forward(*args, **kwargs)
        with recorder.within():
            out = forward(*args, **kwargs)
        return recorder.module(name, module, args, kwargs, out)

    return called


def _is_node(recorder: Recorder, name: str, module: nn.Module) -> bool:
    if is_leaf(module):
        return True
    if name not in recorder.kinds:
        with recorder.within():
            recorder.kinds[name] = evaluated(module)
    return recorder.kinds[name] is not None


def _eager() -> AbstractContextManager[Any]:
    """What is compiled runs as it was written."""
    return torch.compiler.set_stance("force_eager") if "torch._dynamo" in sys.modules else nullcontext()
