"""Goes through the operations of a jaxpr, those of the functions that it calls included."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from eoc.models.jax.operations import PRODUCTS, RANDOM, SHAPES, apply, is_elementwise
from eoc.models.jax.values import Fixed, Operation, Signal, Value
from eoc.models.jax.views import moved

__all__ = ["Interpreter", "called_by", "constant"]

_INSIDE = ("jaxpr", "call_jaxpr", "fun_jaxpr")
_CALLS = frozenset(
    ("jit", "pjit", "closed_call", "core_call", "remat2", "checkpoint", "remat", "custom_jvp_call", "custom_vjp_call")
) | {"custom_vjp_call_jaxpr"}
_MOST_UNROLLED = 512
_LARGEST = 2**20  # numbers of what is computed without being asked for


@dataclass(frozen=True)
class Place:
    """Where an operation stands in the code of a model.

    Attributes
    ----------
    module
        The path of the module, by the names that Flax gives, without that of the whole model.
    function
        The function of JAX that is called there.
    """

    module: str = ""
    function: str = ""

    def of(self, equation: Any) -> Place:
        """That of an equation."""
        inner = [part for part in str(equation.source_info.name_stack).split("/")[1:] if _NAME.fullmatch(part)]
        return replace(self, module="/".join([*filter(None, self.module.split("/")), *inner]))

    def calling(self, function: str) -> Place:
        """Within a function; of those that call each other the first one that people know."""
        own = function.strip("_")
        known = _NAME.fullmatch(own) and own not in _HELPERS
        return replace(self, function=self.function or (own if known else ""))


_NAME = re.compile(r"\w+")
_HELPERS = ("lambda", "where", "clip", "einsum", "take", "apply", "call")  # what others are made of
_TOP = Place()


class Interpreter:
    """Finds out what each operation of a jaxpr makes of its arguments.

    Parameters
    ----------
    signal
        Told about each operation that depends on the input of the model; returns its outputs.
    """

    def __init__(self, signal: Callable[[Operation, Sequence[tuple[int, ...]]], list[Value]]) -> None:
        self._signal = signal
        self._products, self._loops = 0, 0

    def outputs(self, jaxpr: Any, consts: Sequence[Any], inputs: Sequence[Value], place: Place = _TOP) -> list[Value]:
        """What a jaxpr returns.

        Parameters
        ----------
        jaxpr, consts
            The operations, and the arrays that they know from elsewhere: numbers or values.
        inputs
            What it is called with.
        place
            The module and the function that it is a part of.
        """
        known: dict[Any, Value] = dict(zip(jaxpr.invars, inputs, strict=True))
        for variable, const in zip(jaxpr.constvars, consts, strict=True):
            known[variable] = const if isinstance(const, Fixed | Signal) else constant(const)

        def read(atom: Any) -> Value:
            return constant(atom.val) if hasattr(atom, "val") else known[atom]

        for equation in jaxpr.eqns:
            found = self._equation(equation, [read(atom) for atom in equation.invars], place)
            known |= zip(equation.outvars, found, strict=True)
        return [read(atom) for atom in jaxpr.outvars]

    def _equation(self, equation: Any, inputs: list[Value], place: Place) -> list[Value]:
        kind, params = equation.primitive.name, equation.params
        inside, here = called_by(equation), place.of(equation)
        if inside is not None:
            return self.outputs(*inside, inputs, here.calling(str(params.get("name", ""))))
        shapes = [tuple(map(int, variable.aval.shape)) for variable in equation.outvars]
        signals = any(isinstance(value, Signal) for value in inputs)
        if kind == "scan" and signals:
            return self._scan(params, inputs, here, equation, shapes)
        product = self._count(kind)
        place_of = (here.module, here.function, _whole(equation), product)
        operation = Operation(equation.primitive, params, tuple(inputs), *place_of)
        if signals:
            return self._signal(operation, shapes)
        fixed = operation.fixed
        return [_fixed(operation, fixed, shape, at, kind in RANDOM) for at, shape in enumerate(shapes)]

    def _count(self, kind: str) -> int:
        if kind not in PRODUCTS or self._loops:
            return 0
        self._products += 1
        return self._products

    def _scan(self, params: Mapping[str, Any], inputs: list[Value], place: Place, equation: Any, shapes: Any) -> Any:
        """Layers one after the other whose parameters are stacked; recurrent cells stay one operation."""
        consts, carried = params["num_consts"], params["num_carry"]
        length, order = params["length"], range(params["length"])
        stacked = inputs[consts + carried :]
        layers = any(isinstance(value, Fixed) and value.leaves for value in stacked)
        if not layers or length > _MOST_UNROLLED or any(isinstance(value, Signal) for value in stacked):
            return self._signal(Operation(equation.primitive, params, tuple(inputs), place.module), shapes)
        carry = list(inputs[consts : consts + carried])
        closed, ys = params["jaxpr"], []
        self._loops += 1
        for at in reversed(order) if params["reverse"] else order:
            taken = [_entry(value, at) for value in stacked if isinstance(value, Fixed)]
            found = self.outputs(closed.jaxpr, closed.consts, [*inputs[:consts], *carry, *taken], place)
            carry = found[:carried]
            ys.append(found[carried:])
        self._loops -= 1
        stacks = zip(zip(*ys, strict=True), shapes[carried:], strict=False)
        return [*carry, *(_last(each, shape) for each, shape in stacks)]


def called_by(equation: Any) -> tuple[Any, Any] | None:
    """The jaxpr and the constants of a function that an equation calls; None where it calls none."""
    inside = next((equation.params[key] for key in _INSIDE if key in equation.params), None)
    if equation.primitive.name not in _CALLS or inside is None:
        return None
    return getattr(inside, "jaxpr", inside), getattr(inside, "consts", ())


def _whole(equation: Any) -> bool:
    return all(np.dtype(variable.aval.dtype).kind in "iub" for variable in equation.outvars if _has_numbers(variable))


def _has_numbers(variable: Any) -> bool:
    return isinstance(getattr(variable.aval, "dtype", None), np.dtype)


def constant(value: Any) -> Fixed:
    """Numbers that are written in the function."""
    shape = tuple(np.shape(value))
    one = int(np.prod(shape)) == 1
    return Fixed(shape, lambda: value, uniform=one, random=_is_key(value))


def _is_key(value: Any) -> bool:
    return "key<" in str(getattr(value, "dtype", ""))


def _fixed(operation: Operation, inputs: list[Fixed], shape: tuple[int, ...], at: int, random: bool) -> Fixed:
    """What an operation makes of what does not depend on the input."""
    kind = operation.kind
    leaves = frozenset[str]().union(*(value.leaves for value in inputs))
    uniform = bool(inputs) and all(value.uniform for value in inputs) and (is_elementwise(kind) or kind in SHAPES)
    first = inputs[0] if inputs else None
    view = moved(first.view, kind, operation.params, shape) if first is not None and _keeps(operation) else None
    chosen = first is not None and first.chosen and (kind in _CHOOSING or kind in SHAPES or _keeps(operation))
    return Fixed(
        shape,
        lambda: _computed(operation, inputs, uniform, at),
        uniform or (int(np.prod(shape)) == 1 and bool(inputs)),
        leaves,
        view,
        chosen,
        any(value.state for value in inputs),
        random or any(value.random for value in inputs),
    )


_CHOOSING = ("gather", "dynamic_slice", "slice", "concatenate", "rev", "select_n")
_CASTS = ("convert_element_type", "copy", "copy_p", "stop_gradient", "reduce_precision", "slice", "sharding_constraint")


def _keeps(operation: Operation) -> bool:
    return operation.kind in SHAPES or operation.kind in _CASTS


def _computed(operation: Operation, inputs: list[Fixed], uniform: bool, at: int) -> Any:
    """The numbers, or the one number, that an operation returns; None where those of an input are not known."""
    values = [value.value for value in inputs]
    if any(value is None for value in values):
        return None
    if uniform and operation.kind in SHAPES:
        return values[0]
    if uniform:
        values = [np.asarray(value).ravel()[0] for value in values]
    else:
        values = [
            _spread(value, one.shape) if one.uniform else value for value, one in zip(values, inputs, strict=True)
        ]
    found = apply(operation, values)
    return found[at] if operation.primitive.multiple_results else found


def _spread(value: Any, shape: tuple[int, ...]) -> Any:
    return value if _is_key(value) else np.broadcast_to(np.asarray(value).ravel()[0], shape)


def _entry(value: Fixed, at: int) -> Fixed:
    """One entry of a stack."""
    shape = value.shape[1:]
    view = None
    if value.view is not None:
        cut = value.view.sliced([at, *(0 for _ in shape)], [at + 1, *shape])
        view = None if cut is None else cut.without([0])
    compute = None if value.compute is None else lambda: value.value if value.uniform else value.value[at]
    return Fixed(shape, compute, value.uniform, value.leaves, view, value.chosen, value.state, value.random)


def _last(values: Sequence[Value], shape: tuple[int, ...]) -> Value:
    """The stack of what all layers return beside the signal: the last stands for all."""
    return values[-1] if isinstance(values[-1], Signal) else Fixed(shape)
