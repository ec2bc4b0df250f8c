r"""Units of an infinitely wide cell with the same weights at every step: a law of whole histories, sampled.

With one W for all steps the pre-activations :math:`e_t = W h_{t-1} + V s_t + b` of a unit are a Gaussian process,

.. math:: E[e_t e_{t'}] = \sigma_w^2 E[h_{t-1} h_{t'-1}] + \sigma_v^2 E[s_t s_{t'}] + \sigma_b^2,

independent from unit to unit and from gate to gate, also for two inputs at once (Yang 2019, arXiv 1910.12478, tensor
programs). The means over units on the right are those of K sampled ones: each step draws e_t given the history, a row
of a Cholesky factor, so that no matrix is made. Gates and states depend on each other as in real cells; what is left
of chance is that of one network of width K. Tangents are a process of the same kind, uncorrelated with the signals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular

from eoc.floats import FloatArray
from eoc.recurrence.steps import FIELDS, STEPS, Numbers

__all__ = ["History", "Weights", "histories"]

_TANGENT = 1e-30  # size of imaginary parts: their squares vanish beside 1
_JITTER = 1e-12  # of a variance, below which a history leaves nothing open


@dataclass(frozen=True)
class Weights:
    """What a pre-activation is made of.

    Attributes
    ----------
    recurrent, inputs
        sigma_w^2 and sigma_v^2.
    biases
        Values that the biases of units are drawn from, each as likely: one unit has those of one place in all gates.
    """

    recurrent: float
    inputs: float
    biases: FloatArray


@dataclass(frozen=True, eq=False)
class History:
    """What K units did.

    Attributes
    ----------
    gram
        E[h_t h_t'] of all times and inputs, (T, P, T, P).
    mean
        E[h_t], (T, P).
    tangents
        E[t_t t_t'] of tangents of h where those of inputs are independent, of mean square 1 at every time, (T, T); of
        the first input.
    gains
        E[t_t^2] of tangents where those of inputs are as given, (T,); of the last input.
    cell
        E[c_t^2] of the cell of an LSTM, (T, P); () for others.
    """

    gram: FloatArray
    mean: FloatArray
    tangents: FloatArray
    gains: FloatArray
    cell: FloatArray


class _Process:
    """A Gaussian process over units, drawn time by time."""

    def __init__(self, units: int, longest: int, rng: np.random.Generator) -> None:
        self._factor, self._noise = np.zeros((longest, longest)), np.empty((longest, units))
        self._count, self._rng = 0, rng

    def drawn(self, covariance: FloatArray) -> FloatArray:
        """The next one, of these covariances with all before and, last, with itself."""
        n = self._count
        row = np.zeros(n + 1)
        if n:
            row[:n] = solve_triangular(self._factor[:n, :n], covariance[:n], lower=True, check_finite=False)
        left = covariance[n] - row[:n] @ row[:n]
        row[n] = np.sqrt(max(left, _JITTER * max(covariance[n], 1e-280)))
        self._factor[n, : n + 1] = row
        self._noise[n] = self._rng.standard_normal(self._noise.shape[1])
        self._count = n + 1
        return np.asarray(row @ self._noise[: n + 1])


class _Fields:
    """The pre-activations of a gate, and tangents of the first and the last input."""

    def __init__(
        self,
        weights: Weights,
        places: FloatArray,
        inputs: FloatArray,
        tangents: Sequence[FloatArray],
        sequences: Numbers | None,
        rng: np.random.Generator,
    ) -> None:
        (times, points), units = inputs.shape[:2], places.size
        self._weights, self._sequences = weights, sequences
        if sequences is None:
            self._inputs = weights.inputs * inputs.reshape(times * points, times * points)
            self._given = [weights.inputs * of for of in tangents]
        else:  # what they add is not drawn together with the rest
            self._inputs, self._given = np.zeros((times * points,) * 2), [np.zeros_like(of) for of in tangents]
            features = sequences.shape[2]
            self._rows = (weights.inputs / features) ** 0.5 * rng.standard_normal((units, features))
        self._signals = _Process(units, times * points, rng)
        ends = sorted({0, points - 1})
        self._tangents = [(p, of, _Process(units, times, rng)) for p, of in zip(ends, self._given, strict=False)]
        self._sources = np.zeros((times, points, units), complex)
        self._bias = weights.biases[(places * weights.biases.size).astype(int)]
        self._time = 0

    def __call__(self, source: Numbers | None) -> Numbers:
        t, (_, points, units) = self._time, self._sources.shape
        self._sources[t] = 0.0 if source is None else source
        values = self._sources[: t + 1].real.reshape(-1, units)
        found = np.empty((points, units), complex)
        for p in range(points):
            n = t * points + p
            own = self._weights.recurrent * (values[: n + 1] @ values[n]) / units
            found[p] = self._signals.drawn(own + self._inputs[n, : n + 1]) + self._bias
        for p, of, process in self._tangents:
            tangents = self._sources[: t + 1, p].imag / _TANGENT
            own = self._weights.recurrent * (tangents @ tangents[t]) / units
            found[p] += 1j * _TANGENT * process.drawn(own + of[t, : t + 1])
        if self._sequences is not None:
            found += self._sequences[t] @ self._rows.T
        self._time = t + 1
        return found


def histories(
    kind: str,
    weights: Mapping[str, Weights],
    inputs: FloatArray,
    units: int,
    seed: int,
    *,
    start: Sequence[float] = (),
    tangents: FloatArray | None = None,
    features: int | None = None,
) -> History:
    """What the units of a cell do from a state of zeros on.

    Parameters
    ----------
    kind
        One of :data:`eoc.recurrence.steps.STEPS`.
    weights
        Of each of its fields.
    inputs
        E[s_t s_t'] of all times and inputs, (T, P, T, P).
    units
        K.
    seed
        Of the random numbers.
    start
        The variance of the state at first, Gaussian, of h and for an LSTM of its cell; left out: 0.
    tangents
        E[t_t t_t'] of tangents of the last input, (T, T); left out: as those of the first.
    features
        How many numbers an input has at each time: then weights on them are drawn, and gates of a unit that see the
        same few are not independent. None: infinitely many.

    Examples
    --------
    >>> fresh = np.eye(20).reshape(20, 1, 20, 1)
    >>> one = Weights(1.0, 1.0, np.zeros(1))
    >>> found = histories("rnn tanh", {"h": one}, fresh, units=4000, seed=1)
    >>> float(found.gram[-1, 0, -1, 0]).__round__(1)  # E[tanh^2] at the variance that is kept
    0.5
    """
    times, points = inputs.shape[:2]
    rng = np.random.default_rng(seed)
    given = (np.eye(times), np.eye(times) if tangents is None else tangents)
    places = rng.permutation((np.arange(units) + 0.5) / units)  # of a unit among the biases of all gates
    sequences = None if features is None else _sequences(inputs, given, features, rng)
    fields = {name: _Fields(weights[name], places, inputs, given, sequences, rng) for name in FIELDS[kind]}
    sizes = [*start, 0.0, 0.0][: 2 if kind == "lstm" else 1]
    state = tuple(size**0.5 * rng.standard_normal((points, units)).astype(complex) for size in sizes)
    seen, cells = np.empty((times, points, units), complex), np.empty((times, points))
    for t in range(times):
        state = STEPS[kind](lambda name, source: fields[name](source), state)
        seen[t], cells[t] = state[0], (state[-1].real ** 2).mean(axis=1)
    flat = seen.real.reshape(times * points, units)
    first, last = (seen[:, p].imag / _TANGENT for p in (0, points - 1))
    return History(
        gram=(flat @ flat.T / units).reshape(inputs.shape),
        mean=seen.real.mean(axis=2),
        tangents=first @ first.T / units,
        gains=(last**2).mean(axis=1),
        cell=cells if kind == "lstm" else np.empty(0),
    )


def _sequences(inputs: FloatArray, tangents: Sequence[FloatArray], features: int, rng: np.random.Generator) -> Numbers:
    """Gaussian inputs (T, P, features) of these second moments on average, each sequence as large as it is to be."""
    times, points = inputs.shape[:2]
    root = _root(inputs.reshape(times * points, times * points))
    found = (root @ rng.standard_normal((times * points, features))).reshape(times, points, features)
    meant = np.einsum("tptp->p", inputs) / times
    found *= np.sqrt(meant / np.maximum((found**2).mean(axis=(0, 2)), 1e-300))[:, None]
    out = found.astype(complex)
    for p, of in zip(sorted({0, points - 1}), tangents, strict=False):
        out[:, p] += 1j * _TANGENT * (_root(of) @ rng.standard_normal((times, features)))
    return out


def _root(gram: FloatArray) -> FloatArray:
    """A matrix whose rows have these products."""
    values, vectors = np.linalg.eigh(gram)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))
