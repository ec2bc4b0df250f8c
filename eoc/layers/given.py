"""Signals that are given by their numbers: inputs as data, and what was computed before."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from eoc.errors import UnsupportedError
from eoc.floats import EPS, FloatArray
from eoc.layers.bounded import Bounded
from eoc.layers.inputs import Input
from eoc.layers.pairs import Layout, Pairs
from eoc.layers.signal import Signal

__all__ = ["Given", "given_array"]


class Given(Input):
    """A signal of these second moments.

    Parameters
    ----------
    q, G
        Second moments (P,) and half squared distances of pairs (N,).
    pairs
        Which pairs.
    known
        ``m``, ``chi``, ``dq``, ``T`` and ``ntk``, where they are not those of Gaussian inputs.
    is_gaussian
        Whether units are Gaussian of mean 0; of others only what is given here is known.
    """

    def __init__(
        self, q: Bounded, G: Bounded, pairs: Pairs, known: Mapping[str, Bounded], *, is_gaussian: bool = True
    ) -> None:
        super().__init__(q, pairs=pairs)
        self._half, self._numbers, self.is_gaussian = G, known, is_gaussian
        self.is_input = "chi" not in known

    @property
    def G(self) -> Bounded:
        """As given."""
        return self._half

    one_minus_c = Signal.one_minus_c

    @property
    def m(self) -> Bounded:
        """As given."""
        return self._numbers["m"] if "m" in self._numbers else super().m

    @property
    def chi(self) -> Bounded:
        """As given."""
        return self._numbers["chi"] if "chi" in self._numbers else super().chi

    @property
    def dq(self) -> Bounded:
        """As given."""
        return self._numbers["dq"] if "dq" in self._numbers else super().dq

    @property
    def T(self) -> Bounded:
        """As given."""
        if "chi" in self._numbers and "T" not in self._numbers:
            raise UnsupportedError("of the tangents of this signal only their squares are known")
        return self._numbers["T"] if "T" in self._numbers else super().T

    @property
    def ntk(self) -> Bounded:
        """As given."""
        return self._numbers["ntk"] if "ntk" in self._numbers else super().ntk


def given_array(x: FloatArray, *, aligned: bool = False) -> Given:
    """Inputs as data, (inputs, channels, ...positions): what a first layer sees of them.

    Distances are sums of squared differences, so that inputs and positions that are close keep their digits.

    Parameters
    ----------
    x
        Finite numbers.
    aligned
        Only pairs of equal positions.

    Raises
    ------
    EocError
        If the pairs do not fit into memory.

    Examples
    --------
    >>> image = np.array([[[1.0, 2.0, 2.0], [1.0, 0.0, 0.0]]])  # two channels, three positions
    >>> given_array(image).q.value.tolist(), given_array(image).G.value.tolist()
    ([1.0, 2.0, 2.0], [0.0, 0.5, 0.5, 0.0, 0.0, 0.0])
    """
    inputs, channels, positions = len(x), x.shape[1], x.shape[2:]
    rounding = EPS * (channels + 3)
    units = np.moveaxis(x.reshape(inputs, channels, -1), 1, 2)
    rows = np.ascontiguousarray(units.reshape(-1, channels))
    pairs = (Pairs.aligned if aligned else Pairs.every)(inputs, positions)
    if pairs.layout is Layout.EVERY:
        parts = [_half(rows[i:] - rows[i]) for i in range(len(rows))]
    else:
        parts = [_half(units[n] - units[m]).ravel() for n, m in zip(*np.triu_indices(inputs), strict=True)]
    half, q = np.concatenate(parts), 2.0 * _half(rows)
    m = Bounded(rows.mean(axis=1), rounding * np.abs(rows).mean(axis=1))
    return Given(Bounded(q, rounding * q), Bounded(half, rounding * half), pairs, {"m": m}, is_gaussian=False)


def _half(rows: FloatArray) -> FloatArray:
    """Half the mean square of rows."""
    return np.asarray(0.5 * np.einsum("...i,...i->...", rows, rows) / rows.shape[-1])
