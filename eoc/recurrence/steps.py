"""One step of each cell on units of numbers, whatever its pre-activations are made of: matrices, or their law.

A step asks for pre-activations by name, ``field(name, source)`` with the signal that recurrent weights are applied to,
or None where there are none. Numbers may be complex: a tangent t is followed as a small imaginary part.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["FIELDS", "STEPS", "Field", "Numbers", "State"]

Numbers = NDArray[Any]
Field = Callable[[str, Numbers | None], Numbers]
State = tuple[Numbers, ...]  #: h first, then the cell of an LSTM


def _sigmoid(e: Numbers) -> Numbers:
    return np.asarray(0.5 + 0.5 * np.tanh(0.5 * e))


def _minimal(field: Field, state: State) -> State:
    u = _sigmoid(field("u", state[0]))
    return (u * state[0] + (1.0 - u) * field("z", None),)


def _gru(field: Field, state: State) -> State:
    u = _sigmoid(field("u", state[0]))
    r = _sigmoid(field("r", state[0]))
    return (u * state[0] + (1.0 - u) * np.tanh(field("g", r * state[0])),)


def _torch_gru(field: Field, state: State) -> State:
    """As in PyTorch: the reset gate multiplies W h + b, and not h."""
    r = _sigmoid(field("r", state[0]))
    z = _sigmoid(field("z", state[0]))
    return (z * state[0] + (1.0 - z) * np.tanh(field("n", None) + r * field("hn", state[0])),)


def _lstm(field: Field, state: State) -> State:
    i, f, o = (_sigmoid(field(name, state[0])) for name in "ifo")
    cell = f * state[1] + i * np.tanh(field("g", state[0]))
    return o * np.tanh(cell), cell


def _rnn(phi: Callable[[Numbers], Numbers]) -> Callable[[Field, State], State]:
    return lambda field, state: (phi(field("h", state[0])),)


def _relu(e: Numbers) -> Numbers:
    return np.where(e.real > 0.0, e, 0.0)


#: The next state of the field and the state, by name.
STEPS: Mapping[str, Callable[[Field, State], State]] = {
    "rnn tanh": _rnn(np.tanh),
    "rnn relu": _rnn(_relu),
    "minimalrnn": _minimal,
    "gru": _gru,
    "torch gru": _torch_gru,
    "lstm": _lstm,
}
#: The pre-activations that each asks for.
FIELDS: Mapping[str, tuple[str, ...]] = {
    "rnn tanh": ("h",),
    "rnn relu": ("h",),
    "minimalrnn": ("u", "z"),
    "gru": ("u", "r", "g"),
    "torch gru": ("r", "z", "n", "hn"),
    "lstm": ("i", "f", "g", "o"),
}
