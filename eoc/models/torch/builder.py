"""Steps are collected here, one after the other, with the parameters that they use."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor, nn

from eoc.activations import activation
from eoc.models.steps import Affine, Kind, Step

__all__ = ["Builder", "Weight", "count_terms"]


@dataclass(frozen=True)
class Weight:
    """A weight that is no parameter.

    Attributes
    ----------
    tensor
        What it is now.
    sources
        The names of the parameters that it is computed from, the largest first.
    assign, fixed, centred
        See :class:`eoc.models.steps.Affine`.
    """

    tensor: Any
    sources: tuple[str, ...]
    assign: Callable[[Any], None] | None
    fixed: str
    centred: bool = False


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
        self.packed: set[int] = set()  # steps that are packed sequences
        self._model = model
        self._parameters = dict(model.named_parameters())
        self._names = {id(parameter): name for name, parameter in self._parameters.items()}

    def add(self, name: str, kind: Kind, inputs: Sequence[int], **details: Any) -> int:
        """Append a step and return its index."""
        # A model that is a leaf itself has no name in itself.
        name = name or type(details["module"]).__name__.lower()
        step = Step(name, kind, tuple(inputs), **details)
        self.steps.append(step if step.shape else replace(step, shape=self._shape(step)))
        return len(self.steps) - 1

    def _shape(self, step: Step) -> tuple[int, ...]:
        """Of a step inside a module, whose parts keep all shapes but the widths of layers."""
        if step.kind not in _KEEPING or not step.inputs:
            return ()
        shape = self.steps[step.inputs[0]].shape
        if step.affine is None or not shape:
            return shape
        return (*shape[:-1], int(step.affine.weight.shape[0])) if step.affine.weight.dim() == 2 else ()

    def scaled(self, name: str, at: int, factor: float) -> int:
        """A step times a number."""
        shape, phi = self.steps[at].shape, activation(f"{factor!r} * x")
        return self.add(name, Kind.SCALE, (at,), activation=phi, shape=shape)

    def learns(self, at: int) -> bool:
        """Whether there is a layer behind a step."""
        waiting, seen = [at], {at}
        while waiting:
            step = self.steps[waiting.pop()]
            if step.kind is Kind.LAYER:
                return True
            waiting += [each for each in step.inputs if each not in seen]
            seen.update(step.inputs)
        return False

    def name_of(self, tensor: Any) -> str | None:
        """The name of a parameter of the model; None for any other tensor."""
        return self._names.get(id(tensor))

    def parameter(self, name: str) -> Any:
        """The parameter of a name."""
        return self._parameters[name]

    def owner(self, tensor: Any) -> Any:
        """The module that a parameter is of; None for other tensors."""
        name = self.name_of(tensor)
        return None if name is None else self._model.get_submodule(name.rpartition(".")[0])

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
        weight_name, part = self._named(weight, rows)
        bias_name = "" if bias is None else self._named(bias, rows)[0]
        if weight_name is None or bias_name is None:
            return None
        return Affine(
            _rows(weight, rows),
            _rows(bias, bias_rows or rows),
            weight_name,
            bias_name,
            part,
            count_terms(weight, transposed=transposed, groups=groups, stride=stride),
            groups,
            transposed,
        )

    def affine_by(
        self, weight: Weight, bias: Any, *, transposed: bool = False, groups: int = 1, stride: Sequence[int] = ()
    ) -> Affine:
        """The affine map of a weight that is computed from parameters, or is none."""
        for name in weight.sources[1:]:
            self.uses.setdefault(name, f"a weight is computed from it and {weight.sources[0]}")
        return Affine(
            weight.tensor,
            bias,
            weight.sources[0],
            "" if bias is None else self.name_of(bias) or "",
            "",
            count_terms(weight.tensor, transposed=transposed, groups=groups, stride=stride),
            groups,
            transposed,
            weight.assign,
            weight.fixed,
            weight.sources,
            weight.centred,
        )

    def _named(self, tensor: Any, rows: tuple[int, int] | None) -> tuple[str | None, str]:
        """The name of the parameter that a tensor is or is part of, and which part."""
        name = self.name_of(tensor)
        if name is not None:
            return name, "" if rows is None else f"rows {rows[0]} to {rows[1] - 1}"
        base = tensor._base
        name = self.name_of(base)
        if name is None or tensor.shape == base.shape:
            return name, ""
        if tensor.shape[1:] != base.shape[1:] or tensor.stride() != base.stride():
            return name, "a part" if tensor.numel() < base.numel() else ""
        first = (tensor.storage_offset() - base.storage_offset()) // base.stride(0)
        return name, f"rows {first} to {first + len(tensor) - 1}"

    def layer(self, name: str, inputs: Sequence[int], affine: Affine | None, **details: Any) -> int:
        """A layer, or an unknown step where its parameters are not the model's own."""
        if affine is None:
            note = "its weight is computed from other parameters in a way that is not known"
            return self.add(name, Kind.UNKNOWN, inputs, note=note, **details)
        note = f"its weight cannot be set: {affine.fixed}" if affine.fixed else ""
        return self.add(name, Kind.LAYER, inputs, affine=affine, note=note, **details)


_KEEPING = (Kind.LAYER, Kind.ACTIVATION, Kind.SCALE, Kind.NORM, Kind.ADD, Kind.MULTIPLY, Kind.DROPOUT, Kind.ATTENTION)


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
