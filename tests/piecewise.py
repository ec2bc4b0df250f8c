"""Piecewise linear networks that tests of their geometry are about."""

from __future__ import annotations

import json
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from eoc.regions import PiecewiseLinear, dense
from eoc.regions.model import Affine, Bend, Largest, Total
from eoc.regions.pieces import straight_pieces
from eoc.regions.windows import by_channel, convolution, filled, positions

RECORDS = list(map(json.loads, (Path(__file__).parent / "reference" / "geometry.jsonl").read_text().splitlines()))
TINY = next(r["value"] for r in RECORDS if r["quantity"] == "weights")


def tiny(*, exact: bool = True) -> PiecewiseLinear:
    """The published network 2-3-2-2 with rational weights, in fractions or doubles."""
    if exact:
        return dense(TINY["W"], TINY["b"])
    weights, biases = ([np.vectorize(lambda x: float(Fraction(x)))(one) for one in TINY[part]] for part in "Wb")
    return dense(weights, biases)


def drawn(
    rng: np.random.Generator, phi: str, sigma_w: float, sigma_b: float, width: int, depth: int, features: int
) -> PiecewiseLinear:
    """A random network with two outputs."""
    sizes = [features, *[width] * depth, 2]
    weights = [rng.normal(0, sigma_w / np.sqrt(m), (n, m)) for m, n in pairwise(sizes)]
    return dense(weights, [rng.normal(0, sigma_b, n) for n in sizes[1:]], phi)


def pooled(rng: np.random.Generator) -> PiecewiseLinear:
    """A convolution, max pooling that overlaps, and a residual sum."""
    places = positions((6, 6), (3, 3), (1, 1), [(1, 1)] * 2, (1, 1))
    windows = by_channel(positions((6, 6), (3, 3), (2, 2), [(1, 1)] * 2, (1, 1)), 2, 36)
    return PiecewiseLinear(
        36,
        (
            Affine((0,), convolution(rng.normal(size=(2, 1, 9)), places, 36), rng.normal(size=72)),
            Bend((1,), straight_pieces("relu"), 72),
            Largest((2,), filled(windows)),
            Affine((3,), rng.normal(size=(18, 18)) / 3, rng.normal(size=18)),
            Bend((4,), straight_pieces("leaky_relu(slope=0.2)"), 18),
            Total((3, 5), 18),
            Affine((6,), rng.normal(size=(2, 18)), np.zeros(2)),
        ),
        (1, 6, 6),
    )


def pattern(net: PiecewiseLinear, x: Any) -> Any:
    """The pieces of all units at inputs as rows."""
    values, pieces = {0: net.rows(x)}, []
    for at, node in enumerate(net.nodes, 1):
        taken = [values[earlier] for earlier in node.inputs]
        if isinstance(node, Bend | Largest):
            pieces.append(node.pieces.index(taken[0]) if isinstance(node, Bend) else node.index(taken[0]))
        values[at] = node(*taken)
    return np.concatenate(pieces, axis=1)
