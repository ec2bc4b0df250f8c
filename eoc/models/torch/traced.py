"""The graph of what a model computes, by torch.fx."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import fx, nn

from eoc.errors import EocError
from eoc.models.torch.copied import tensors_of, twin
from eoc.models.torch.evaluated import Own, evaluated
from eoc.models.torch.functions import NUMBERS, plain_name
from eoc.models.torch.modules import is_leaf
from eoc.models.torch.unwrapped import unwrapped

__all__ = ["trace"]


def trace(model: nn.Module) -> tuple[fx.Graph, Mapping[str, Own | None]]:
    """The graph of a model, and by name what its modules that are nodes do.

    See :func:`eoc.models.torch.evaluated.evaluated` for that.

    What its forward asks about shapes is answered with no, or with yes where no leads to an error. What it writes, say
    a counter or the last weights of attention, is written to a copy of the model that shares the tensors with it.

    Parameters
    ----------
    model
        A module that is no leaf, see :func:`eoc.models.torch.modules.is_leaf`.

    Raises
    ------
    Exception
        Whatever the model's own code raises when it meets a stand-in for a tensor.

    Examples
    --------
    >>> [node.op for node in trace(nn.Sequential(nn.Linear(2, 2)))[0].nodes]
    ['placeholder', 'call_module', 'output']
    """
    tensors = tensors_of(model)
    copied = twin(model, {id(tensor): tensor for tensor in tensors.values()})
    names = {id(tensor): name for name, tensor in reversed(tensors.items())}
    answers: list[bool] = []
    kinds: dict[str, Own | None] = {}
    for _ in range(_MOST_TRIES):
        tracer = _Tracer(names, answers, kinds)
        try:
            with torch.random.fork_rng(devices=[]), _creation_traced(tracer):
                graph = tracer.trace(copied, _defaults(copied))
            return _with_constants(graph, copied), kinds
        except Exception:
            answers = (answers + [False] * tracer.asked)[: tracer.asked]
            while answers and answers[-1]:
                answers.pop()
            if not answers:
                raise
            answers[-1] = True
    raise EocError(f"{_MOST_TRIES} ways to answer what it asks about shapes all lead to errors")


_MOST_TRIES = 100


def _with_constants(graph: fx.Graph, copied: nn.Module) -> fx.Graph:
    """With the tensors that forward makes of numbers, which torch.fx gives to the copy."""
    for node in graph.nodes:
        if node.op == "get_attr" and str(node.target).startswith("_tensor_constant"):
            node.meta["tensor"] = getattr(copied, str(node.target))
    return graph


def _of_shapes(node: fx.Node) -> bool:
    """Whether a node is made of the shapes of tensors alone."""
    if node.op in ("placeholder", "get_attr", "call_module"):
        return False
    if plain_name(node.args[1] if node.target is getattr else node.target) in NUMBERS:
        return True
    return bool(node.all_input_nodes) and all(_of_shapes(each) for each in node.all_input_nodes)


class _Tracer(fx.Tracer):
    """Goes into modules whose forward is the user's, and around their hooks."""

    def __init__(self, names: Mapping[int, str], answers: Sequence[bool], kinds: dict[str, Own | None]) -> None:
        super().__init__()
        self._names, self._answers, self._kinds = names, answers, kinds
        self.asked = 0

    def to_bool(self, proxy: fx.Proxy) -> bool:
        """Answer what is asked about shapes, such as whether they fit."""
        if not _of_shapes(proxy.node):
            return bool(super().to_bool(proxy))
        self.asked += 1
        return self._answers[self.asked - 1] if self.asked <= len(self._answers) else False

    def is_leaf_module(self, module: Any, name: str) -> bool:
        if is_leaf(module):
            return True
        if name not in self._kinds:
            self._kinds[name] = evaluated(module)
        return self._kinds[name] is not None

    def call_module(self, module: Any, forward: Any, args: Any, kwargs: Any) -> Any:
        module = unwrapped(module)[0]
        try:
            return super().call_module(module, module.forward, args, kwargs)
        except Exception:
            if next(module.children(), None) is not None or next(module.parameters(), None) is not None:
                raise
            # Perhaps an activation of the user's own: a node that the reader is told about.
            return self.create_proxy("call_module", self.path_of_module(module), args, kwargs)

    def getattr(self, attribute: str, value: Any, cache: dict[str, Any]) -> Any:
        name = self._names.get(id(value)) if isinstance(value, torch.Tensor) else None
        if name is None:
            return value
        if name not in cache:
            cache[name] = _TensorProxy(self.create_proxy("get_attr", name, (), {}).node, self, value)
        return cache[name]


class _TensorProxy(fx.Proxy):
    """Stands for a parameter or a buffer: its shape and type are known."""

    def __init__(self, node: fx.Node, tracer: fx.Tracer, tensor: torch.Tensor) -> None:
        super().__init__(node, tracer)
        self._tensor = tensor
        self.shape, self.ndim, self.dtype, self.device = tensor.shape, tensor.ndim, tensor.dtype, tensor.device
        self.size, self.dim, self.numel = tensor.size, tensor.dim, tensor.numel

    def __len__(self) -> int:
        return len(self._tensor)


_CREATION = ("arange", "empty", "eye", "full", "linspace", "ones", "rand", "randn", "zeros")


@contextmanager
def _creation_traced(tracer: _Tracer) -> Iterator[None]:
    """Meanwhile, functions that make tensors accept stand-ins for the lengths, which fx does not see to."""
    originals = {name: getattr(torch, name) for name in _CREATION}

    def traced(original: Callable[..., Any]) -> Callable[..., Any]:
        def create(*args: Any, **kwargs: Any) -> Any:
            found: list[Any] = []
            fx.node.map_aggregate(
                (args, kwargs), lambda leaf: found.append(leaf) if isinstance(leaf, fx.Proxy) else None
            )
            return tracer.create_proxy("call_function", original, args, kwargs) if found else original(*args, **kwargs)

        return create

    try:
        for name, original in originals.items():
            setattr(torch, name, traced(original))
        yield
    finally:
        for name, original in originals.items():
            setattr(torch, name, original)


def _defaults(model: nn.Module) -> dict[str, Any]:
    """What the optional arguments of forward are taken to be: their defaults."""
    parameters = inspect.signature(type(model).forward).parameters.values()
    return {each.name: each.default for each in parameters if each.default is not each.empty}
