"""How well networks of shaped activations train, beside the recommended place and the usual initialisations.

    python benchmarks/shaping.py results.csv --widths 64 --depths 30 60 100
    python benchmarks/shaping_table.py results.csv

As benchmarks/recommendation.py: digits, batch 64, 160 steps, three learning rates, three seeds, cell by cell into a
file that a further run completes. TAT and DKS of an activation (eoc.shape) are trained with orthogonal weights, TAT
with Gaussian ones too.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from itertools import product
from pathlib import Path

import torch
from recommendation import DATA, Cell, Start, append, at_place, known, recommended, train, usual
from torch.nn import functional

import eoc
from eoc.training.network import torch_function

ACTIVATIONS = ("gelu", "silu", "mish", "softplus", "sigmoid", "relu", "tanh")
DEPTHS = (30, 60, 100)
OPTIMISERS = ("sgd", "adam")
RATES = {
    ("sgd", 30): (0.001, 0.003, 0.01),
    ("sgd", 60): (0.0003, 0.001, 0.003),
    ("sgd", 100): (0.0003, 0.001, 0.003),
    ("adam", 30): (0.0003, 0.001, 0.003),
    ("adam", 60): (0.0001, 0.0003, 0.001),
    ("adam", 100): (0.0001, 0.0003, 0.001),
}
USUAL = ("he", "lecun", "torch")


Function = Callable[[torch.Tensor], torch.Tensor]
Way = tuple[Function | None, list[Start]]  # another function than the cell's, if there is one


def shaped(cell: Cell, method: str, kinds: Sequence[bool]) -> Way | None:
    """The shaped activation of a cell and its starts, orthogonal or not; None where there is none."""
    try:
        found = eoc.shape(cell.activation, cell.depth, method=method)
    except eoc.EocError:
        return None
    start = partial(at_place, activation=found.activation.name, sigma_w=1.0, sigma_b=0.0, q=1.0)
    starts = [start(method if kind else f"{method}, Gaussian", orthogonal=kind) for kind in kinds]
    return function_of(found), starts


def function_of(found: eoc.Shaping) -> Function:
    """The shaped activation as PyTorch computes it."""
    if found.negative_slope is not None:
        return lambda x: found.gamma * functional.leaky_relu(x, found.negative_slope)
    phi = torch_function(eoc.activation(found.original))
    return lambda x: found.gamma * (phi(found.alpha * x + found.beta) + found.delta)


def as_it_is(cell: Cell) -> Way:
    """The activation itself, from He, LeCun and PyTorch's default."""
    return None, [start for start in usual(cell.activation) if start.name in USUAL]


def from_here(cell: Cell) -> Way | None:
    """The activation itself, from the recommended place with orthogonal weights."""
    try:
        return None, recommended(cell)[0][:1]
    except eoc.EocError:
        return None


WAYS: dict[str, Callable[[Cell], Way | None]] = {
    "tat": partial(shaped, method="tat", kinds=(True, False)),
    "dks": partial(shaped, method="dks", kinds=(True,)),
    "ours": from_here,
    "usual": as_it_is,
}


def run(path: Path, cells: Sequence[Cell], ways: Sequence[str]) -> None:
    """Train what is not in the file yet."""
    there = {(r["start"], Cell(r["activation"], int(r["depth"]), r["optimiser"], int(r["width"]))) for r in known(path)}
    for cell, way in product(cells, ways):
        found = WAYS[way](cell)
        if found is None or all((start.name, cell) in there for start in found[1]):
            continue
        began = time.thread_time()
        phi, starts = found
        rows = train(cell, starts, DATA["digits"](), RATES[cell.optimiser, cell.depth], phi)
        fixed = {"data": "digits", **asdict(cell)}
        append(path, [{**fixed, "start": s, "rate": r, "seed": k, "loss": x, "accuracy": a} for s, r, k, x, a in rows])
        print(*asdict(cell).values(), way, f"{time.thread_time() - began:.1f} s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    for name, values in (
        ("activations", ACTIVATIONS),
        ("depths", DEPTHS),
        ("optimisers", OPTIMISERS),
        ("widths", (64, 128)),
        ("ways", tuple(WAYS)),
    ):
        parser.add_argument(f"--{name}", nargs="+", type=type(values[0]), default=values)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    cells = [
        Cell(a, d, o, w) for w, d, a, o in product(asked.widths, asked.depths, asked.activations, asked.optimisers)
    ]
    run(asked.results, cells, asked.ways)


if __name__ == "__main__":
    main()
