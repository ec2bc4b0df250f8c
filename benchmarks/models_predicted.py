"""What ``eoc.predict.torch`` says of the models of benchmarks/bench_models.py, beside what is measured.

    python benchmarks/models_predicted.py predicted.csv
    python benchmarks/models_table.py results.csv --predicted predicted.csv

For every layer the mean square of what it hands on, as means over seeds of models that ``initialize_`` filled, on the
inputs that the prediction is told of. A layer agrees if both are within a tenth of each other, or within three standard
errors of the mean over the seeds, which narrow networks need; else the prediction has to say what it neglected.
"""

from __future__ import annotations

import argparse
import csv
import math
import time
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import torch
from bench_models import limited
from models_measure import called, first_tensor, weights_of, without_dropout
from models_rows import known
from models_ways import WAYS
from models_zoo import GROUPS, Architecture, Inputs, architectures
from torch import nn

import eoc.predict

COLUMNS = ("group", "model", "layer", "predicted", "measured", "error", "known", "why", "verdict")
TENTH, ERRORS, LIMIT = 0.1, 3.0, 60
Row = dict[str, Any]


def one_seed(architecture: Architecture, way: str, seed: int) -> dict[str, tuple[float, float, str, str]]:
    """Of each layer that both know: predicted, measured, what is known of it and why no more is."""
    torch.manual_seed(seed)
    model = without_dropout(architecture.build())
    torch.manual_seed(1000 + seed)
    inputs = architecture.inputs(architecture.batch)
    WAYS[way](model, inputs, seed)
    rows = eoc.predict.torch(model, inputs).rows
    seen = mean_squares(model.train(), inputs)
    found: dict[str, tuple[float, float, str, str]] = {}
    for row in rows:
        if row.kind == "layer" and row.name in seen:
            found.setdefault(row.name, (row.mean_square, seen[row.name], str(row.known), row.why))
    return found


@torch.no_grad()
def mean_squares(model: nn.Module, inputs: Inputs) -> dict[str, float]:
    """Of what each layer hands on when it is run first, by its name."""
    seen: dict[str, float] = {}

    def watch(name: str, module: nn.Module) -> Any:
        def record(_: nn.Module, __: Any, out: Any) -> None:
            seen.setdefault(name, float(first_tensor(out).double().square().mean()))

        return module.register_forward_hook(record)

    handles = [watch(name, module) for name, module in model.named_modules() if weights_of(module)]
    try:
        torch.manual_seed(0)
        called(model, inputs)
    finally:
        for handle in handles:
            handle.remove()
    return seen


def compared(architecture: Architecture, way: str, seeds: Sequence[int]) -> Iterator[Row]:
    """A row for each layer, or one that says why there is none."""
    fixed = {"group": architecture.group, "model": architecture.name}
    try:
        with limited(LIMIT):
            draws = [one_seed(architecture, way, seed) for seed in seeds]
    except Exception as error:
        yield {**fixed, "layer": "", "why": f"{type(error).__name__}: {error}"[:200], "verdict": "failed"}
        return
    for layer, (_, _, how, why) in draws[0].items():
        pairs = [draw[layer][:2] for draw in draws if layer in draw]
        predicted, measured = (fmean(column) for column in zip(*pairs, strict=True))
        ratios = [m / p for p, m in pairs if p > 0.0 and math.isfinite(m / p)]  # unknown ones are NaN
        error = stdev(ratios) / len(ratios) ** 0.5 if len(ratios) > 1 else 0.0
        verdict = _verdict(predicted, measured, error, how)
        numbers = {"predicted": f"{predicted:.4g}", "measured": f"{measured:.4g}", "error": f"{error:.2g}"}
        yield {**fixed, "layer": layer, **numbers, "known": how, "why": why[:200], "verdict": verdict}


def _verdict(predicted: float, measured: float, error: float, how: str) -> str:
    gap = abs(measured / predicted - 1.0) if predicted > 0.0 else abs(measured)
    if gap <= TENTH:
        return "a tenth"
    if gap <= ERRORS * error:
        return "noise"
    return "off" if how == "exact" else "said"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    parser.add_argument("--groups", nargs="+", choices=tuple(GROUPS), default=tuple(GROUPS))
    parser.add_argument("--only", nargs="+", help="names of models")
    parser.add_argument("--way", choices=tuple(WAYS), default="eoc", help="how the models are initialised")
    parser.add_argument("--seeds", nargs="+", type=int, default=(1, 2, 3, 4, 5))
    asked = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    there = {(row["group"], row["model"]) for row in known(asked.results)}
    for one in (one for group in asked.groups for one in architectures(group)):
        if (one.group, one.name) in there or (asked.only and one.name not in asked.only):
            continue
        began = time.process_time()
        rows = list(compared(one, asked.way, asked.seeds))
        new = not asked.results.exists()
        with asked.results.open("a", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            if new:
                writer.writeheader()
            writer.writerows(rows)
        counts = {verdict: sum(row["verdict"] == verdict for row in rows) for verdict in {r["verdict"] for r in rows}}
        print(one.group, one.name, counts, f"{time.process_time() - began:.1f} s", flush=True)


if __name__ == "__main__":
    main()
