"""Second moments of what a layer hands on to a batch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from eoc.floats import FloatArray
from eoc.predict.inputs import SAMPLES, distances, grouped
from eoc.predict.state import State, Unknown, begin

__all__ = ["NO_SIGNAL", "Moments", "moments_of"]

NO_SIGNAL = "what the layer before hands on is zero or not finite for some sample"
_BLOCK = 2**18  # numbers of a sample that are looked at together


@dataclass(frozen=True)
class Moments:
    """Means over units and positions.

    Attributes
    ----------
    q
        Mean squares of all samples, (B,), or of all together, (1,), where they cannot be told apart.
    one_minus_c
        1 - c of pairs of the first samples, c the correlation; NaN of single numbers.
    places
        1 - c of two positions of one sample; 1 where there is one.
    units
        Outputs, or channels.
    """

    q: FloatArray
    one_minus_c: FloatArray
    places: float
    units: int

    @classmethod
    def nothing(cls) -> Moments:
        """Before anything is measured."""
        return cls(np.full(1, np.nan), np.empty(0), 1.0, 1)

    @property
    def mean_square(self) -> float:
        """Over the whole batch."""
        return float(self.q.mean())

    @property
    def distance(self) -> float:
        """The mean of 1 - c over the pairs; NaN if there is none, or a sample is all zero."""
        return float(self.one_minus_c.mean()) if self.one_minus_c.size else float("nan")

    @property
    def state(self) -> State | Unknown:
        """The same as a Gaussian signal."""
        if not (np.isfinite(self.q).all() and (self.q > 0.0).all()):
            return Unknown(NO_SIGNAL)
        return begin(grouped(self.q), self.one_minus_c, self.places)


def moments_of(h: torch.Tensor, axis: int, samples: int) -> Moments:
    """Of an output whose units lie along an axis; samples come first, perhaps together with positions."""
    apart = h.ndim > 1 and axis > 0 and len(h) % samples == 0
    x = h.reshape(samples if apart else 1, -1)
    q = np.array([float(row.double().square().mean()) for row in x])
    few = x[:SAMPLES]
    gram = np.zeros((len(few), len(few)))
    for start in range(0, x.shape[1], _BLOCK):
        block = few[:, start : start + _BLOCK].cpu().double()
        gram += (block @ block.T).numpy()
    pairs = distances(gram / max(x.shape[1], 1))
    if x.shape[1] == 1:  # one number has a sign and no direction
        pairs = np.full(pairs.shape, np.nan)
    return Moments(q, pairs, _between_places(h, axis), int(h.shape[axis]) if h.ndim else 1)


def _between_places(h: torch.Tensor, axis: int) -> float:
    """N (q - M) / ((n - 1) q), with M the mean square of means over the n positions of a sample."""
    if h.ndim < 3 or axis == 0:
        return 1.0
    over = [at for at in range(1, h.ndim) if at != axis]
    n = int(np.prod([h.shape[at] for at in over]))
    q, means = float(h.double().square().mean()), float(h.double().mean(dim=over).square().mean())
    return float(np.clip(n * (q - means) / ((n - 1) * q), 0.0, 2.0)) if n > 1 and 0.0 < q < np.inf else 1.0
