"""PyTorch's recurrent layers and cells as steps: one for each layer, with the parts of parameters that gates are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from eoc.models.steps import Affine, Gate, Kind, Recurrence
from eoc.models.torch.builder import Builder

__all__ = ["RECURRENT", "add_recurrent"]

#: Layers and cells.
RECURRENT = (nn.RNN, nn.GRU, nn.LSTM, nn.RNNCell, nn.GRUCell, nn.LSTMCell)
_GATES = {"lstm": "ifgo", "torch gru": "rzn"}  # in the order of PyTorch
_COMPUTED = "recurrent, with weights that are computed from other parameters in a way that is not known"


def add_recurrent(builder: Builder, name: str, module: Any, inputs: Sequence[int]) -> int:
    """Append the layers of a recurrent module and return the last one.

    Parameters
    ----------
    builder
        The steps so far.
    name, module
        The module and its name in the model; one of :data:`RECURRENT`.
    inputs
        The steps that it is called with: the sequence, and states that it begins with.
    """
    at, states = inputs[0], tuple(inputs[1:])
    layers, shape = getattr(module, "num_layers", 1), _shape_of(builder, at)
    for layer in range(layers):
        own = name if layers == 1 else ".".join(filter(None, (name, f"l{layer}")))
        found = _recurrence(builder, module, layer, shape, begun=bool(states))
        if found is None:
            at = builder.add(own, Kind.UNKNOWN, (at, *states), module=module, note=_COMPUTED)
            continue
        width = len(found.directions) * found.hidden
        behind = (*shape[:-1], width) if shape else ()
        at = builder.add(own, Kind.RECURRENT, (at, *states), module=module, recurrence=found, shape=behind)
    return at


def _recurrence(builder: Builder, module: Any, layer: int, shape: tuple[int, ...], *, begun: bool) -> Recurrence | None:
    """What a layer is made of; None where parameters of it are not the model's own."""
    is_cell = isinstance(module, nn.RNNCellBase)
    ends = [""] if is_cell else [f"_l{layer}", f"_l{layer}_reverse"][: 1 + module.bidirectional]
    cell, own = _cell(module), module._parameters
    if any(f"weight_{of}{end}" not in own for of in ("ih", "hh") for end in ends):
        return None
    projected = getattr(module, "proj_size", 0)
    with torch.enable_grad():  # so that views of the rows of a trainable weight are trainable also under no_grad
        directions = [_gates(builder, own, end, cell, module.hidden_size) for end in ends]
        projections = [builder.affine(own[f"weight_hr{end}"], None) for end in ends] if projected else []
    known = tuple(gate for way in directions for gate in way)
    if not all(isinstance(gate, Gate) for gate in known) or None in projections:
        return None
    first = bool(getattr(module, "batch_first", True))
    last = layer == getattr(module, "num_layers", 1) - 1
    return Recurrence(
        cell=cell,
        directions=tuple(tuple(gate for gate in way if gate is not None) for way in directions),
        projections=tuple(one for one in projections if one is not None),
        hidden=projected or module.hidden_size,
        times=1 if is_cell else _times(shape, first=first),
        first=first,
        dropout=float(getattr(module, "dropout", 0.0)) if module.training and not last else 0.0,
        state=1 if is_cell and begun else None,
    )


def _shape_of(builder: Builder, at: int) -> tuple[int, ...]:
    """Of a packed sequence that of what was packed."""
    step = builder.steps[at]
    return builder.steps[step.inputs[0]].shape if at in builder.packed else step.shape


def _cell(module: Any) -> str:
    if isinstance(module, nn.LSTM | nn.LSTMCell):
        return "lstm"
    return "torch gru" if isinstance(module, nn.GRU | nn.GRUCell) else f"rnn {module.nonlinearity}"


def _times(shape: tuple[int, ...], *, first: bool) -> int | None:
    """The length of sequences, (batch, time, units) or (time, batch, units); of one without a batch, (time, units)."""
    return None if len(shape) < 2 else shape[1 if first and len(shape) > 2 else 0]


def _gates(builder: Builder, own: Any, end: str, cell: str, hidden: int) -> tuple[Gate | None, ...]:
    """The gates of one way through the sequence."""
    found: list[Gate | None] = []
    for k, name in enumerate(_GATES.get(cell, "h")):
        rows = (k * hidden, (k + 1) * hidden) if cell in _GATES else None
        inputs, recurrent = (
            builder.affine(own[f"weight_{of}{end}"], own.get(f"bias_{of}{end}"), rows=rows) for of in ("ih", "hh")
        )
        known = isinstance(inputs, Affine) and isinstance(recurrent, Affine)
        found.append(Gate(name, inputs, recurrent) if known and inputs and recurrent else None)
    return tuple(found)
