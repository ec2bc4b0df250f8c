"""Steps are collected here, one after the other, with the parameters that they use."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from torch import Tensor, nn

from eoc.models.steps import Affine, Kind, Step

__all__ = ["Builder", "count_terms"]


class Builder:
    """The steps found so far.

    Parameters
    ----------
    model
        The whole model: parameters are named as in its ``named_parameters()``.
    """

    def __init__(self, model: nn.Module) -> None:
        self.steps: list[Step] = []
        self.uses: dict[str, str] = {}  # see Reading
        self._names = {id(parameter): name for name, parameter in model.named_parameters()}

    def add(self, name: str, kind: Kind, inputs: Sequence[int], **details: Any) -> int:
        """Append a step and return its index."""
        # A model that is a leaf itself has no name in itself.
        name = name or type(details["module"]).__name__.lower()
        self.steps.append(Step(name, kind, tuple(inputs), **details))
        return len(self.steps) - 1

    def needed(self) -> tuple[Step, ...]:
        """The steps that the last one depends on."""
        used = {len(self.steps) - 1}
        for at in range(len(self.steps) - 1, -1, -1):
            used |= set(self.steps[at].inputs) if at in used else set()
        places = {at: place for place, at in enumerate(sorted(used))}
        steps = (self.steps[at] for at in sorted(used))
        return tuple(replace(step, inputs=tuple(places[at] for at in step.inputs)) for step in steps)

    def name_of(self, tensor: Any) -> str | None:
        """The name of a parameter of the model; None for any other tensor."""
        return self._names.get(id(tensor))

    def affine(
        self,
        weight: Any,
        bias: Any,
        *,
        rows: tuple[int, int] | None = None,
        bias_rows: tuple[int, int] | None = None,
        transposed: bool = False,
        groups: int = 1,
        stride: Sequence[int] = (),
    ) -> Affine | None:
        """The affine map of these parameters; None if one of them is not a parameter of the model.

        Parameters
        ----------
        weight, bias
            Tensors; the bias may be None.
        rows, bias_rows
            Which rows are meant, first and one after the last; None for all, ``bias_rows`` for the same.
        transposed, groups, stride
            Of a convolution; ``stride`` counts only where it is transposed.
        """
        weight_name, bias_name = self.name_of(weight), "" if bias is None else self.name_of(bias)
        if weight_name is None or bias_name is None:
            return None
        fan_in = count_terms(weight, transposed=transposed, groups=groups, stride=stride)
        part = "" if rows is None else f"rows {rows[0]} to {rows[1] - 1}"
        return Affine(
            _rows(weight, rows),
            _rows(bias, bias_rows or rows),
            weight_name,
            bias_name,
            part,
            fan_in,
            groups,
            transposed,
        )

    def layer(self, name: str, inputs: Sequence[int], affine: Affine | None, **details: Any) -> int:
        """A layer, or an unknown step where its parameters are not the model's own."""
        if affine is None:
            note = "its weight is computed from other parameters (parametrize, weight_norm, pruning, ...)"
            return self.add(name, Kind.UNKNOWN, inputs, note=note, **details)
        return self.add(name, Kind.LAYER, inputs, affine=affine, **details)


def count_terms(weight: Any, *, transposed: bool, groups: int, stride: Sequence[int]) -> float:
    """The fan-in: how many terms each output sums, with the arguments of :meth:`Builder.affine`.

    Examples
    --------
    >>> layer = nn.ConvTranspose1d(8, 6, kernel_size=4, stride=2)
    >>> count_terms(layer.weight, transposed=True, groups=layer.groups, stride=layer.stride)
    16.0
    """
    shape = tuple(weight.shape)
    if transposed:
        return shape[0] / groups * math.prod(shape[2:]) / math.prod(stride)
    return float(math.prod(shape[1:]))


def _rows(tensor: Tensor | None, rows: tuple[int, int] | None) -> Tensor | None:
    return tensor if tensor is None or rows is None else tensor[rows[0] : rows[1]]
