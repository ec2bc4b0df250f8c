"""The cells of recurrent networks: their numbers, and their steps as blocks of layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from types import MappingProxyType

from eoc.activations import activation as resolve
from eoc.errors import EocError
from eoc.layers.reading import Layer, read
from eoc.layers.words import LAYERS
from eoc.messages import did_you_mean, quoted
from eoc.validation import real_number

__all__ = ["CELLS", "Cell", "cell_of"]

_RANGES = {"c": (-1.0, 1.0), "R": (0.0, 1e50), "mu": (-100.0, 100.0)}
_INPUTS = {"sigma_b": 0.0, "R": 1.0, "c": 1.0}

#: What each cell computes, and its numbers with their defaults.
CELLS: Mapping[str, Layer] = MappingProxyType(
    {
        "rnn": Layer("h' = phi(W h + V s + b)", {"sigma_w": 1.0, "sigma_v": 1.0, **_INPUTS}),
        "minimalrnn": Layer("h' = u h + (1 - u) z, u = sigmoid(W h + V s + b + mu)", LAYERS["minimalrnn"].numbers),
        "gru": Layer("h' = u h + (1 - u) tanh(W (r h) + V s + b), gates u and r", LAYERS["gru"].numbers),
        "lstm": Layer(
            "c' = f c + i g, h' = o tanh(c'), g = tanh(W h + V s + b), gates f, i and o",
            {"sigma_w": 1.0, "sigma_v": 1.0, "mu_f": 0.0, "mu_i": 0.0, "mu_o": 0.0, **_INPUTS},
        ),
    }
)


@dataclass(frozen=True)
class Cell:
    """A cell with its numbers.

    Attributes
    ----------
    name
        One of :data:`CELLS`.
    numbers
        All of them, by name.
    activation
        Of an "rnn": phi; "" of others.
    """

    name: str
    numbers: Mapping[str, float]
    activation: str = ""

    @property
    def written(self) -> str:
        """As it is written, for example "gru(sigma_w=2, ...)"."""
        numbers = ", ".join(f"{name}={value!r}" for name, value in self.numbers.items())
        return f"{self.name}({numbers})"

    @property
    def text(self) -> str:
        """One step as a network; EocError for an LSTM, whose state is no second moment."""
        n = self.numbers
        if self.name == "rnn":
            fed = f"{n['sigma_v'] ** 2 * n['R']!r}, {n['c']!r}"
            return f"{self.activation!r}, dense({n['sigma_w']!r}, {n['sigma_b']!r}), input({fed})"
        if self.name == "lstm":
            raise EocError("the step of an LSTM is no network of layers: its state is more than a second moment")
        return self.written

    def but(self, name: str, value: float) -> Cell:
        """The same with another number."""
        return Cell(self.name, {**self.numbers, name: value}, self.activation)


def cell_of(cell: object, activation: object = None, numbers: Mapping[str, object] | None = None) -> Cell:
    """The cell that is meant.

    Parameters
    ----------
    cell
        A name of :data:`CELLS`, perhaps with numbers, "gru(sigma_w=2)"; or a Cell.
    activation
        Of an "rnn": whatever has a name; None: tanh.
    numbers
        By name.

    Raises
    ------
    EocError
        For a cell or number that is not known, or out of range.
    """
    if isinstance(cell, Cell):
        name, found, phi = cell.name, dict(cell.numbers), cell.activation or "tanh"
    elif isinstance(cell, str):
        name, found = _read(cell)
        phi = "tanh"
    else:
        raise EocError(f"a cell is a text such as 'gru' or 'lstm(mu_f=1)', got {quoted(cell)}")
    if activation is not None and name != "rnn":
        raise EocError(f"an activation is that of an 'rnn', the functions of {name!r} are its own")
    known = CELLS[name].numbers
    for key, value in (numbers or {}).items():
        if key not in known:
            raise EocError(f"{key!r} is no number of {name!r}; {did_you_mean(key, list(known))}")
        found[key] = real_number(key, value)  # type: ignore[arg-type]
    for key, number in found.items():
        _check(key, number)
    return Cell(name, found, resolve(phi if activation is None else activation).name if name == "rnn" else "")


def _read(text: str) -> tuple[str, dict[str, float]]:
    name = text.partition("(")[0].strip()
    if name not in CELLS:
        raise EocError(f"unknown cell {quoted(text)}; {did_you_mean(name, list(CELLS))}")
    series, varies = read(text.strip(), CELLS)
    if varies or len(series) != 1:
        raise EocError(f"one cell is a name with its numbers, such as 'gru(sigma_w=2)', got {quoted(text)}")
    return series[0].name, {name: number({}) for name, number in series[0].numbers.items()}


def _check(name: str, value: float) -> None:
    low, high = _RANGES.get(name.partition("_")[0], (0.0, 1e20))
    if not (isfinite(value) and low <= value <= high):
        raise EocError(f"{name} must be from {low:g} to {high:g}, got {value:g}")
