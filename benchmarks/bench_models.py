"""How models start: as their library draws them, as ``initialize_`` does, and as AnyInit does.

    python benchmarks/bench_models.py results.csv --against anyinit
    python benchmarks/models_table.py results.csv

Needs torchvision, timm and transformers, nothing is loaded; a library that is missing leaves out its group. Every way
begins from the same model of the same seed, and sees one batch; what it made is measured on another
(models_measure.py). Results are written cell by cell, and a further run adds what is missing; ``--again eoc`` measures
that way anew.
"""

from __future__ import annotations

import argparse
import signal
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from models_losses import BATCH, loss_after
from models_measure import measured, without_dropout
from models_rows import Row, known, write
from models_ways import OTHERS, WAYS
from models_zoo import GROUPS, Architecture, architectures
from torch import nn

SEEDS = {"torchvision": (1,), "timm": (1,), "transformers": (1, 2, 3), "own": (1, 2, 3)}
TRAINED = (1,)  # seeds of which some models are trained for a few steps
LIMIT = 60  # seconds of the processor for one way, of a model whose forward pass takes a fraction of one


class TooSlow(Exception):
    pass


@contextmanager
def limited(seconds: int) -> Iterator[None]:
    """Stop what takes more of the processor's time."""

    def stop(*_: Any) -> None:
        raise TooSlow(f"more than {seconds} s")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def cell(architecture: Architecture, ways: Sequence[str], seed: int) -> Iterator[Row]:
    """What each way makes of one model of one seed."""
    began = time.perf_counter()
    torch.manual_seed(seed)
    model = without_dropout(architecture.build())
    build = time.perf_counter() - began
    torch.manual_seed(1000 + seed)
    seen, measure_on = (architecture.inputs(architecture.batch) for _ in range(2))
    learned = architecture.inputs(BATCH)
    for way in ways:
        row: Row = {"group": architecture.group, "model": architecture.name, "way": way, "seed": seed, "build": build}
        started = deepcopy(model)
        try:
            with limited(LIMIT):
                began = time.perf_counter()
                row["alarm"] = WAYS[way](started, seen, seed)
                row["seconds"] = time.perf_counter() - began
                row |= asdict(measured(deepcopy(started).train(), measure_on))
                if architecture.trains and seed in TRAINED:
                    row["loss"] = loss_after(started.train(), learned)
        except Exception as error:
            row["problem"] = f"{type(error).__name__}: {' '.join(str(error).split())}"[:300]
            row["changed"] = differs(model, started)
        yield {key: f"{value:.4g}" if isinstance(value, float) else value for key, value in row.items()}


def differs(model: nn.Module, other: nn.Module) -> bool:
    """Whether any parameter or buffer is another number now."""
    return any(not torch.equal(a, b) for a, b in zip(model.parameters(), other.parameters(), strict=True))


def run(path: Path, chosen: Sequence[Architecture], ways: Sequence[str], seeds: Sequence[int] | None) -> None:
    """Measure what is not in the file yet."""
    there = {(r["group"], r["model"], r["way"], int(r["seed"])) for r in known(path)}
    for architecture in chosen:
        began = time.perf_counter()
        name = (architecture.group, architecture.name)
        for seed in seeds or SEEDS[architecture.group]:
            missing = [way for way in ways if (*name, way, seed) not in there]
            if missing:
                write(path, rows := list(cell(architecture, missing, seed)))
                for row in rows:
                    if row.get("problem"):
                        print(*name, row["way"], row["problem"], flush=True)
        print(*name, f"{time.perf_counter() - began:.1f} s", flush=True)


def forget(path: Path, ways: Sequence[str], names: Sequence[str] | None) -> None:
    """Leave out of the file what is to be measured again."""
    kept = [row for row in known(path) if row["way"] not in ways or (names and row["model"] not in names)]
    write(path, kept, "w")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    parser.add_argument("--groups", nargs="+", choices=tuple(GROUPS), default=tuple(GROUPS))
    parser.add_argument("--only", nargs="+", help="names of models")
    parser.add_argument("--against", nargs="*", choices=tuple(OTHERS), default=(), help="other packages")
    parser.add_argument("--seeds", nargs="+", type=int, help="else 1 to 3 of the small models, 1 of the others")
    parser.add_argument("--again", nargs="+", choices=tuple(WAYS), default=(), help="ways to measure anew")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    left_out = {way for name, ways in OTHERS.items() if name not in asked.against for way in ways}
    if asked.again:
        forget(asked.results, asked.again, asked.only)
    every = [one for group in asked.groups for one in architectures(group)]
    chosen = [one for one in every if not asked.only or one.name in asked.only]
    run(asked.results, chosen, [way for way in WAYS if way not in left_out], asked.seeds)


if __name__ == "__main__":
    main()
