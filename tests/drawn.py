"""Networks of layers with explicit weights: what each op does to columns of units, drawn anew for every network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eoc.layers.affine import Dense, Scale
from eoc.layers.elementwise import Elementwise
from eoc.layers.graph import Graph, Repeat
from eoc.layers.joined import Product, Sum
from eoc.layers.norms import Noise, Norm

Columns = NDArray[np.float64]

_STEP = 1e-4  # of the tangents, in units of their points


@dataclass
class Drawn:
    """One network; ``points`` says which columns are one input, so that they get the same masks."""

    rng: np.random.Generator
    points: list[int]

    def apply(self, op: Any, *x: Columns) -> Columns:
        """What an op makes of columns of units (N, P)."""
        return np.asarray(getattr(self, type(op).__name__.lower())(op, *x))

    def dense(self, op: Dense, x: Columns) -> Columns:
        units = x.shape[0]
        weights = self.rng.normal(0.0, op.sigma_w / units**0.5, (units, units))
        return np.asarray(weights @ x + self.rng.normal(0.0, op.sigma_b, (units, 1)))

    def scale(self, op: Scale, x: Columns) -> Columns:
        return op.factor * x

    def elementwise(self, op: Elementwise, x: Columns) -> Columns:
        return op.phi(x)

    def norm(self, op: Norm, x: Columns) -> Columns:
        centred = x - x.mean(axis=0) if op.centred else x
        return np.asarray(centred / np.sqrt((centred**2).mean(axis=0) + op.eps))

    def noise(self, op: Noise, x: Columns) -> Columns:
        keep = 1.0 / op.mu2
        masks = self.rng.random((x.shape[0], max(self.points) + 1)) < keep
        return np.asarray(x * masks[:, self.points] / keep)

    def sum(self, op: Sum, *x: Columns) -> Columns:
        return np.asarray(np.sum(x, axis=0))

    def product(self, op: Product, *x: Columns) -> Columns:
        return np.asarray(np.prod(x, axis=0))

    def graph(self, op: Graph, x: Columns) -> Columns:
        values = [x]
        for node in op.nodes:
            values.append(self.apply(node.op, *(values[i] for i in node.inputs)))
        return values[-1]

    def repeat(self, op: Repeat, x: Columns) -> Columns:
        for layer in range(1, op.times + 1):
            x = self.apply(op.block(layer), x)
        return x


def measured(block: Graph, q: tuple[float, float], c: float, units: int, seed: int) -> dict[str, float]:
    """q and chi of the first of two inputs, and G, m and T of the pair, in one network of that width."""
    rng = np.random.default_rng(seed)
    z, t = rng.normal(size=(units, 2)), rng.normal(size=(units, 1))
    # Inputs and tangents of exactly these moments: less noise, the same limit.
    z, _ = np.linalg.qr(np.hstack([z, t]))
    z, t = z[:, :2] * units**0.5, z[:, 2:] * units**0.5
    a = q[0] ** 0.5 * z[:, :1]
    b = q[1] ** 0.5 * (c * z[:, :1] + (1.0 - c * c) ** 0.5 * z[:, 1:])
    columns = np.hstack([a, b, a + _STEP * t, a - _STEP * t, b + _STEP * t, b - _STEP * t])
    y = Drawn(rng, [0, 1, 0, 0, 1, 1]).apply(block, columns)
    ta, tb = (y[:, 2] - y[:, 3]) / (2.0 * _STEP), (y[:, 4] - y[:, 5]) / (2.0 * _STEP)
    return {
        "q": float((y[:, 0] ** 2).mean()),
        "m": float(y[:, 0].mean()),
        "G": float(((y[:, 0] - y[:, 1]) ** 2).mean() / 2.0),
        "chi": float((ta**2).mean()),
        "T": float((ta * tb).mean()),
    }
