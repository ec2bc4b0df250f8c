"""Steps are made of values as late as possible, so that what a forward puts together is one activation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from eoc.activations import Activation
from eoc.errors import EocError
from eoc.models.lines import straight_line
from eoc.models.steps import Kind
from eoc.models.torch.builder import Builder
from eoc.models.torch.elementwise import as_activation
from eoc.models.torch.masks import is_causal, mask_of
from eoc.models.torch.rows import normalised
from eoc.models.torch.units import Units
from eoc.models.torch.values import Call, Elements, Fixed, Value

__all__ = ["ValueBuilder"]

_KEEPING = (Kind.ACTIVATION, Kind.SCALE, Kind.NORM, Kind.ADD, Kind.MULTIPLY, Kind.DROPOUT)
_MOST_KINDS = 12  # of channels, whose parameters differ
_NODES = 32  # that tell which channels hand on more


class ValueBuilder(Builder):
    """Makes steps of values, as late as possible."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__(model)
        self._made: dict[Elements | Fixed, int] = {}
        self.units = Units(self.steps)
        self.functions: dict[int, str] = {}  # of the steps that attention written by hand consists of
        self.slices: dict[int, list[str]] = {}  # of the last axis of steps whose shape is not known
        self.indexing: set[int] = set()  # steps of indices and the like
        self.factors: dict[int, float] = {}  # that products of queries and keys are multiplied by at once
        self.masked: set[int] = set()  # scores that each token has of itself and those before it alone
        self.tuples: set[int] = set()  # steps that return tuples of which the first counts
        self.states: set[int] = set()  # those of recurrent layers: outputs and states, all of one size

    def indices(self, values: Iterable[Any]) -> tuple[int, ...]:
        """The steps that those of the values are that depend on the input."""
        return tuple(self.index(value) for value in values if isinstance(value, Elements))

    def index(self, value: Value) -> int:
        """The step that a value is; of one that does not depend on the input, a parameter."""
        if isinstance(value, Elements) and value.function is None:
            return value.source
        if value not in self._made:
            self._made[value] = self._parameter(value) if isinstance(value, Fixed) else self._make(value)
        return self._made[value]

    def step(
        self, call: Call, kind: Kind, inputs: Sequence[int] | None = None, note: str = "", **details: Any
    ) -> Elements:
        """One step for a call, of the steps that its values are where no others are said."""
        taken = self.indices(call.data) if inputs is None else inputs
        note = note or (f"the function {call.name}" if kind is Kind.UNKNOWN else "")
        return Elements(self.add(call.node, kind, taken, note=note, shape=call.shape, **details))

    def masking(self, call: Call, out: Elements) -> Elements:
        """What a call makes, marked if it leaves of each token's scores those of itself and of those before it."""
        if call.causal or is_causal(mask_of(call)):
            self.masked.add(out.source)
        return out

    def biased(self, value: Elements, fixed: Fixed) -> bool:
        """Make a parameter the bias of a layer that is a matrix product, if it is added to that; whether it is."""
        step = self.steps[value.source]
        affine, name = step.affine, self.name_of(fixed.tensor)
        if value.function is not None or affine is None or affine.bias is not None or name is None:
            return False
        if step.module is not None or affine.weight.dim() != 2 or fixed.tensor.dim() != 1:
            return False
        self.steps[value.source] = replace(step, affine=replace(affine, bias=fixed.tensor, bias_name=name))
        return True

    def _parameter(self, value: Fixed) -> int:
        if value.tensor is None:
            return self.add(value.name, Kind.UNKNOWN, (), note="it does not depend on the input, nor is it a parameter")
        note = "" if value.sources else "no parameter: it stays as it is"
        return self.add(value.name, Kind.PARAMETER, (), tensor=value.tensor, shape=tuple(value.tensor.shape), note=note)

    def width(self, at: int) -> int | None:
        """How many units a step has on its last axis; None where that is not known."""
        step = self.steps[at]
        if step.shape:
            return step.shape[-1]
        if step.affine is not None:
            weight = step.affine.weight
            return int(weight.shape[1 if step.affine.transposed else 0]) if weight.dim() == 2 else None
        return self.width(step.inputs[0]) if step.kind in _KEEPING and step.inputs else None

    def _row(self, value: Elements) -> int:
        """A normalisation that is written by hand, and what it is multiplied by."""
        shape = value.shape or self.steps[value.source].shape
        found = normalised(value, self.width(value.source))
        if found is None:
            note = f"{value.text}: a function of all features"
            return self.add(value.name, Kind.UNKNOWN, (value.source,), note=note, shape=shape)
        at = self.add(value.name, Kind.NORM, (value.source,), centred=found[0], shape=shape)
        return at if found[1] == 1.0 else self.scaled(value.name, at, found[1])

    def _make(self, value: Elements) -> int:
        if value.rows:
            return self._row(value)
        try:
            line = _line(value) if value.by_channel else None
            kinds = _kinds(value) if line is None else ((_on_line(*line), 1.0),)
        except EocError as error:
            note = f"{value.text}: {error}"
            return self.add(
                value.name, Kind.UNKNOWN, (value.source,), module=value.module, shape=value.shape, note=note
            )
        phi, of_channels = _middle(kinds), value.by_channel
        line = straight_line(phi) if len(kinds) == 1 else None
        kind = Kind.ACTIVATION if line is None else Kind.SAME if line == (1.0, 0.0) and not of_channels else Kind.SCALE
        notes = [value.note]
        if line is not None and len(of_channels) == 1:
            notes = [f"times {of_channels[0].name}, of root mean square {abs(line[0]):.4g}"]
        if line is not None and line[1]:
            notes.append(f"adds {line[1]:g}, which is no activation")
        if value.by_channel and _count(value) > _MOST_KINDS:
            notes.append(f"{_MOST_KINDS} of its channels stand for all")
        return self.add(
            value.name,
            kind,
            (value.source,),
            module=value.module,
            activation=None if kind is Kind.SAME else phi,
            mixture=value.mixture or (kinds if len(kinds) > 1 else ()),
            note="; ".join(each for each in notes if each),
            shape=value.shape,
            tensor=of_channels[0].tensor if kind is Kind.SCALE and len(of_channels) == 1 else None,
        )


_Kinds = tuple[tuple[Activation, float], ...]


def _line(value: Elements) -> tuple[float, float] | None:
    """The a and b of a x + b, their root mean squares over the channels; None for any other function."""
    x = torch.tensor([[0.0], [1.0], [-3.0], [2.5], [0.5]], dtype=torch.float64)
    y = torch.as_tensor(value(x.expand(-1, value.by_channel[0].channels).clone(), slice(None))).double()
    a, b = y[1] - y[0], y[0]
    if not torch.allclose(y, a * x + b, rtol=1e-13, atol=1e-13):
        return None
    return float(a.square().mean().sqrt()), float(b.square().mean().sqrt())


def _on_line(a: float, b: float) -> Activation:
    return as_activation(lambda x: a * x + b if b else a * x, f"{a:g} * x" + (f" + {b:g}" if b else ""))


def _count(value: Elements) -> int:
    """How many kinds of channels there are."""
    return len(set(zip(*(each.numbers.tolist() for each in value.by_channel), strict=True)))


def _kinds(value: Elements) -> _Kinds:
    """The activation of every kind of channel, and the share of channels that have it."""
    if not value.by_channel:
        return ((value.activation or as_activation(value, value.text), 1.0),)
    sizes, seen = _sizes(value), dict[tuple[float, ...], list[int]]()
    for channel, own in enumerate(zip(*(each.numbers.tolist() for each in value.by_channel), strict=True)):
        seen.setdefault(own, []).append(channel)
    kinds = sorted(seen.values(), key=lambda channels: sizes[channels[0]])
    if len(kinds) > _MOST_KINDS:  # the quantiles of what they hand on
        kinds = [kinds[(2 * k + 1) * len(kinds) // (2 * _MOST_KINDS)] for k in range(_MOST_KINDS)]
    found: dict[Activation, float] = {}
    for channels in kinds:
        phi = as_activation(partial(value, channel=channels[0]), value.text)
        found[phi] = found.get(phi, 0.0) + len(channels) / sum(map(len, kinds))
    return tuple(found.items())


def _sizes(value: Elements) -> list[float]:
    """The mean square of what each channel makes of standard Gaussian numbers."""
    x, weights = (torch.from_numpy(each) for each in np.polynomial.hermite_e.hermegauss(_NODES))
    y = torch.as_tensor(value(x[:, None].expand(-1, value.by_channel[0].channels).clone(), slice(None))).double()
    found: list[float] = (weights @ y.square() / weights.sum()).tolist()
    return found


def _middle(kinds: _Kinds) -> Activation:
    """The activation of a channel in the middle."""
    beyond = np.cumsum([share for _, share in kinds])
    return kinds[int(np.argmax(beyond >= 0.5))][0]
