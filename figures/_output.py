"""What the figure scripts share: their command line, figures in the house style, and what they write."""

from __future__ import annotations

import argparse
import csv
import logging
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from string import ascii_lowercase
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from eoc.plotting import WIDE, network_name

__all__ = ["COLOURS", "NAMES", "WIDE", "Piece", "caption", "letters", "network", "new_figure", "run", "save", "shades"]

Piece = dict[str, Any]  #: columns that broadcast: one curve of a figure, with the parameters it belongs to

#: What activations are called in print, and their colours in all figures (of the petroff10 cycle).
NAMES = {
    "tanh": "tanh",
    "relu": "ReLU",
    "elu": "ELU",
    "silu": "Swish",
    "gelu": "GELU",
    "mish": "Mish",
    "shifted_softplus": "shifted softplus",
}
COLOURS = dict(zip(NAMES, ("C0", "C2", "C1", "C4", "C6", "C8", "C5"), strict=True))


def run(main: Callable[[Path, bool], None]) -> None:
    """Call ``main(out, reduced)`` with what the command line says."""
    parser = argparse.ArgumentParser(description="Draw one figure: NAME.pdf, NAME.png and the data as NAME_*.csv.")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "output", help="folder to write to")
    parser.add_argument("--reduced", action="store_true", help="small sizes, for a quick test")
    options = parser.parse_args()
    main(options.out, options.reduced)


def new_figure(width: float, height: float) -> Figure:
    """An empty figure that belongs to no window."""
    return Figure(figsize=(width, height), layout="constrained")


def letters(axes: Iterable[Axes], x: float = 0.0) -> None:
    """Name the panels (a), (b), ...; ``x`` left of 0 leaves room for a key."""
    for letter, ax in zip(ascii_lowercase, axes, strict=False):
        ax.set_title(f"({letter})", loc="left", x=x, fontsize=8.0, pad=4.0)


def caption(ax: Axes, text: str) -> None:
    """Say above a panel, on the right, which network it shows."""
    ax.set_title(text, loc="right", fontsize=8.0, pad=4.0)


def network(activation: str, sigma_w: float, sigma_b: float) -> str:
    """What a network is called in print."""
    return network_name(NAMES.get(activation, activation), sigma_w, sigma_b)


def shades(count: int) -> list[tuple[float, ...]]:
    """Colours from dark to light for increasing values of a parameter, none too light for print."""
    return [colormaps["cividis"](x) for x in np.linspace(0.0, 0.85, count)]


def save(figure: Figure, tables: Mapping[str, Iterable[Piece]], out: Path, name: str) -> None:
    """Write ``name``.pdf and .png, and ``name``_TABLE.csv for every table; the same bytes at every call."""
    logging.getLogger("fontTools").setLevel(logging.ERROR)  # it wonders about the dates of Matplotlib's own fonts
    out.mkdir(parents=True, exist_ok=True)
    figure.savefig(out / f"{name}.pdf", metadata={"CreationDate": None})
    figure.set_layout_engine("none")  # the picture has the same one: finding it takes as long as drawing
    figure.savefig(out / f"{name}.png", dpi=200)
    for table, pieces in tables.items():
        _write(out / f"{name}_{table}.csv", pieces)


def _write(path: Path, pieces: Iterable[Piece]) -> None:
    """One row for each element; numbers so that reading them gives the same doubles."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        for index, piece in enumerate(pieces):
            if index == 0:
                writer.writerow(piece)
            columns = np.broadcast_arrays(*(np.atleast_1d(np.asarray(column)) for column in piece.values()))
            writer.writerows(zip(*(column.reshape(-1).tolist() for column in columns), strict=True))
