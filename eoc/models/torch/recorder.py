"""What a model calls while it is run becomes a graph: what is called is seen by modes of torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import fx, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from eoc.errors import EocError
from eoc.models.torch.copied import tensors_of
from eoc.models.torch.evaluated import Own
from eoc.models.torch.functions import is_in_place, plain_name
from eoc.models.torch.masks import masks_causally
from eoc.models.torch.structures import mapped, tensors_in

__all__ = ["DecidedError", "Recorder", "Unseen"]


class DecidedError(EocError):
    """The values of the inputs decide what is computed."""


class Recorder(TorchFunctionMode):
    """Sees the functions that are called, and makes the graph of them."""

    def __init__(self, model: nn.Module, kinds: dict[str, Own | None], decides: bool) -> None:
        super().__init__()
        self.graph, self.kinds, self.inside = fx.Graph(), kinds, False
        self._decides = decides
        self._names = {id(tensor): name for name, tensor in reversed(tensors_of(model).items())}
        self._storages = {_storage(parameter) for parameter in model.parameters()}
        # Tensors are kept, so that no other one gets the identity of one that is gone.
        self._nodes: dict[int, tuple[torch.Tensor, fx.Node]] = {}
        self._data: set[fx.Node] = set()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return self.called(func, args, kwargs or {})

    def called(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call a function and record that."""
        if self.inside:
            return func(*args, **kwargs)
        name = _name_of(func)
        self._check(name, args, kwargs)
        version = args[0]._version if args and isinstance(args[0], torch.Tensor) else 0
        with self.within():
            out = func(*args, **kwargs)
        if name == "setitem":
            self._seen(args[0], self._node("call_function", func, name, args, kwargs))
            return out
        written = bool(args) and out is args[0] and isinstance(out, torch.Tensor) and out._version != version
        return self._result("call_function", func, name, args, kwargs, out, written)

    def module(self, target: str, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> Any:
        """Record the call of a leaf."""
        written = bool(getattr(module, "inplace", False))
        return self._result("call_module", target, target.replace(".", "_"), args, kwargs, out, written)

    def placed(self, name: str, value: Any) -> Any:
        """Inputs with placeholders for their tensors."""
        if isinstance(value, torch.Tensor):
            value = value.view_as(value)  # one tensor may be given twice
            node = self.graph.create_node("placeholder", name, name=name.lstrip("*"))
            self._data.add(node)
            self._seen(value, node)
            return value
        if isinstance(value, Mapping):
            return type(value)(**{key: self.placed(f"{name}_{key}", each) for key, each in value.items()})
        if isinstance(value, tuple | list) and not hasattr(value, "_fields"):
            return type(value)(self.placed(f"{name}_{k}", each) for k, each in enumerate(value))
        return value

    def finish(self, out: Any) -> None:
        """The output, which may be nested."""
        nodes = [node for tensor in tensors_in(out) if (node := self._of(tensor)) in self._data]
        self.graph.create_node("output", "output", (tuple(nodes),))

    def knows(self, structure: Any) -> bool:
        """Whether there is a tensor in a structure that is recorded."""
        return any(self._of(tensor) is not None for tensor in tensors_in(structure))

    @contextmanager
    def within(self) -> Iterator[None]:
        """Meanwhile nothing is recorded."""
        before, self.inside = self.inside, True
        try:
            yield
        finally:
            self.inside = before

    def _check(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Refuse what would change a parameter, and decisions by the values of inputs that mean nothing."""
        first = args[0] if args and isinstance(args[0], torch.Tensor) else None
        writes = name == "setitem" or is_in_place(name, kwargs)
        if first is not None and writes and _storage(first) in self._storages:
            raise EocError(f"the model writes over its own parameters ({name})")
        if not self._decides and name in _DECISIONS and first is not None and self._of(first) in self._data:
            raise DecidedError("what it computes depends on the values of its inputs: give example_inputs")

    def _result(self, op: str, target: Any, name: str, args: Any, kwargs: Any, out: Any, written: bool) -> Any:
        if not any(True for _ in tensors_in(out)) or (op == "call_function" and not self.knows((args, kwargs))):
            return out
        node = self._node(op, target, name, args, kwargs)
        if written and isinstance(out, torch.Tensor):
            self._seen(out, node)
            return out
        return self._returned(out, node, {id(tensor) for tensor in tensors_in((args, kwargs))})

    def _node(self, op: str, target: Any, name: str, args: Any, kwargs: Any) -> fx.Node:
        before = [self._of(tensor) for tensor in tensors_in((args, kwargs))]
        taken, named = mapped(args, self._argument), mapped(kwargs, self._argument)
        node = self.graph.create_node(op, target, taken, named, name=plain_name(name) if op != "call_module" else name)
        node.meta["name"] = name
        node.meta["causal"] = masks_causally(plain_name(name), args, kwargs)
        if any(each in self._data for each in before):
            self._data.add(node)
        return node

    def _returned(self, out: Any, node: fx.Node, given: set[int]) -> Any:
        """What is returned, with a node for every tensor in it."""
        if isinstance(out, torch.Tensor):
            if id(out) in given:
                with self.within():
                    out = out.view_as(out)  # what was given keeps its own node
            self._seen(out, node)
            return out
        if isinstance(out, tuple | list):
            parts = [self._part(each, node, k, given) for k, each in enumerate(out)]
            return out if hasattr(out, "_fields") or type(out) not in (tuple, list) else type(out)(parts)
        if isinstance(out, dict):
            for key in out:
                out[key] = self._part(out[key], node, key, given)
        return out

    def _part(self, each: Any, node: fx.Node, key: Any, given: set[int]) -> Any:
        if not any(True for _ in tensors_in(each)):
            return each
        part = self.graph.create_node("call_function", _getitem, (node, key), name="getitem")
        part.meta["name"] = "getitem"
        if node in self._data:
            self._data.add(part)
        return self._returned(each, part, given)

    def _seen(self, tensor: torch.Tensor, node: fx.Node) -> None:
        node.meta["shape"] = tuple(tensor.shape)
        node.meta["floating"] = tensor.is_floating_point() or tensor.is_complex()
        self._nodes[id(tensor)] = tensor, node

    def _of(self, tensor: torch.Tensor) -> fx.Node | None:
        """The node of a tensor; None for what was computed of no input and no parameter."""
        found = self._nodes.get(id(tensor))
        if found is not None:
            return found[1]
        name = self._names.get(id(tensor))
        if name is None:
            return None
        node = self.graph.create_node("get_attr", name, name=name.replace(".", "_"))
        self._seen(tensor, node)
        return node

    def _argument(self, leaf: Any) -> Any:
        if not isinstance(leaf, torch.Tensor):
            return leaf
        node = self._of(leaf)
        if node is None:
            node = self.graph.create_node("get_attr", "constant", name="constant")
            node.meta["tensor"] = leaf
            self._seen(leaf, node)
        return node


class Unseen(TorchDispatchMode):
    """Sees the operations of what the recorder does not see, and has it record them."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self._recorder = recorder

    @classmethod
    def _should_skip_dynamo(cls) -> bool:  # which would be imported for nothing
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if self._recorder.inside or not self._recorder.knows((args, kwargs)):
            return func(*args, **(kwargs or {}))
        return self._recorder.called(func, args, kwargs or {})


# What makes a number of Python of a tensor.
_DECISIONS = frozenset(
    ("bool", "__bool__", "item", "tolist", "int", "float", "index", "is_nonzero", "equal", "allclose")
)


def _getitem(structure: Any, key: Any) -> Any:
    return structure[key]


def _storage(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage()._cdata if not tensor.is_meta else id(tensor)


def _name_of(func: Any) -> str:
    """Of a function, a method, a property or an operation of ATen."""
    if isinstance(func, torch._ops.OpOverload):
        return str(func.overloadpacket.__name__)
    name = str(getattr(func, "__name__", func))
    if name == "__get__":
        name = str(func.__self__.__name__)
    return name.strip("_") if name.startswith("__") else name
