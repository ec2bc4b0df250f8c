"""How the way from one signal to another falls into runs that become one step each."""

from __future__ import annotations

from eoc.models.jax.evaluated import between
from eoc.models.jax.operations import REDUCTIONS, SHAPES, is_elementwise
from eoc.models.jax.products import owner
from eoc.models.jax.values import Operation, Signal
from eoc.models.slots import Slot

__all__ = ["module_of", "name_of", "sort_of", "unscaled", "with_softmax"]


def with_softmax(pairs: list[tuple[Signal, Signal]]) -> list[tuple[Signal, Signal]]:
    """With the subtraction of the largest number, exp and the division by the sum as one."""
    found: list[tuple[Signal, Signal]] = []
    for pair in pairs:
        found.append(pair)
        last = [_ends(source, output) for source, output in found[-3:]]
        if last[-2:] == ["exp", "div reduce_sum"]:
            count = 3 if last[0] == "sub reduce_max" and len(last) == 3 else 2
            found[-count:] = [(found[-count][0], pair[1])]
    return found


def _ends(source: Signal, output: Signal) -> str:
    """The last operation between two signals, and the reductions among the others."""
    kinds = [s.operation.kind for s in between(source, output) if s.operation is not None]
    return " ".join([kinds[-1], *sorted(kind for kind in kinds[:-1] if kind in REDUCTIONS)])


def sort_of(source: Signal, output: Signal) -> str:
    """Which of the ways to make steps what lies between two signals is for."""
    steps = between(source, output)
    operations = [s.operation for s in steps if s.operation is not None]
    if all(operation.kind in SHAPES for operation in operations) and len(operations) == 1:
        return "shape"
    plain = all(is_elementwise(operation.kind) for operation in operations)
    fixed = [value for operation in operations for value in operation.fixed]
    if plain and all(value.number is not None for value in fixed):
        return "elements"
    if plain and len(operations) > 1 and all(value.level is not None for value in fixed):
        return "elements"  # with a number for each channel
    if len(operations) == 1 and operations[0].kind == "select_n" and any(v.random for v in operations[0].fixed):
        return "dropped"
    return "other"


def unscaled(output: Signal) -> Signal:
    """What a signal is a multiple of; itself if it is computed in another way."""
    operation = output.operation
    if operation is None or operation.kind not in ("mul", "div") or len(operation.signals) != 1:
        return output
    return operation.signals[0]


def name_of(operation: Operation | None) -> str:
    """What people call an operation."""
    return "" if operation is None else operation.name


def module_of(operation: Operation | None, *parameters: Slot | None) -> str:
    """What people call a module: by the path that it has, or that its parameters have."""
    names = [owner(slot.name) for slot in parameters if slot is not None]
    return next(iter(names), "" if operation is None else operation.module or operation.name)
