"""The linear terms of the regions that data lie in: how many, how alike, how well they stand for the network."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eoc.errors import EocError, UnsupportedError
from eoc.floats import FloatArray
from eoc.layers import Input, Pairs, Repeat, checked_sigma, understood
from eoc.layers.bounded import Bounded, exact
from eoc.machine import check_memory
from eoc.regions.model import Array, PiecewiseLinear
from eoc.regions.reading import piecewise_linear
from eoc.regions.tropical import backward, forward, not_tropical
from eoc.validation import real_number, real_numbers, whole_numbers

__all__ = ["LinearTerms", "Terms", "expected_cosines", "linear_terms"]

_DIGITS = 9  # of the largest coefficient, in which terms that are one may differ
_TIE = 1e-12  # relative
_COPIES = 12  # of the terms, in memory at once


@dataclass(frozen=True, eq=False)
class Terms:
    """Affine functions, one for each sample.

    Attributes
    ----------
    bias
        (samples,).
    coefficients
        (samples, features).
    """

    bias: Array
    coefficients: Array

    def __call__(self, x: Array) -> Array:
        """Their values at inputs as rows, (inputs, samples)."""
        return x @ self.coefficients.T + self.bias


Kind = Literal["linear", "positive", "negative"]


@dataclass(frozen=True, eq=False)
class LinearTerms:
    """What :func:`linear_terms` returns.

    Attributes
    ----------
    network
        That they are of.
    logits
        Of the samples, (samples, classes).
    label
        The largest logit of each; (samples,).
    pattern
        The pieces of all units, layer by layer: a list of (samples, units).
    linear
        The affine map of the region, of the logit ``label``.
    problem
        Why there are no positive and negative terms, "" where there are: for activations that are not convex.
    """

    network: PiecewiseLinear = field(repr=False)
    logits: Array = field(repr=False)
    label: NDArray[np.int64] = field(repr=False)
    pattern: list[NDArray[np.int16]] = field(repr=False)
    linear: Terms = field(repr=False)
    problem: str
    _tropical: tuple[Terms, Terms] = field(repr=False)

    @property
    def positive(self) -> Terms:
        """The positive tropical terms, P; UnsupportedError where there are none."""
        return self._both[0]

    @property
    def negative(self) -> Terms:
        """The negative ones, N: ``linear`` is the difference of both."""
        return self._both[1]

    @property
    def _both(self) -> tuple[Terms, Terms]:
        if self.problem:
            raise UnsupportedError(self.problem)
        return self._tropical

    def distinct(self) -> int:
        """How many linear terms there are: regions that the samples lie in. Of doubles, to nine digits."""
        rows = np.concatenate([self.linear.bias[:, None], self.linear.coefficients], axis=1)
        if rows.dtype == object:
            return len(set(map(tuple, rows)))
        size = float(np.abs(rows).max(initial=0.0)) or 1.0
        return int(np.unique(np.round(rows / size, _DIGITS), axis=0).shape[0])

    def cosines(self, kind: Kind = "linear") -> FloatArray:
        """The cosines of the angles between the coefficients of all samples, (samples, samples).

        At initialisation those of ``linear`` are :func:`expected_cosines`. Terms without coefficients have none: NaN.
        """
        if kind not in ("linear", "positive", "negative"):
            raise EocError(f"kind must be 'linear', 'positive' or 'negative', got {kind!r}")
        w = getattr(self, kind).coefficients.astype(float)
        size = np.linalg.norm(w, axis=1)
        with np.errstate(invalid="ignore"):
            unit = w / np.where(size > 0.0, size, np.nan)[:, None]
        return np.asarray(np.clip(unit @ unit.T, -1.0, 1.0))

    def tropical(self, x: ArrayLike) -> FloatArray:
        """The logits of the tropical function that these terms make, (inputs, classes).

        P_j is the largest positive term of the samples with label j, N the largest of all negative ones; -inf for
        classes without a sample.
        """
        rows = self.network.rows(x)
        positive = self.positive(rows).astype(float)
        out = np.full((rows.shape[0], self.logits.shape[1]), -np.inf)
        for label in np.unique(self.label):
            out[:, label] = positive[:, self.label == label].max(axis=1)
        return np.asarray(out - self.negative(rows).astype(float).max(axis=1)[:, None])

    def agreement(self, x: ArrayLike) -> float:
        """On which share of inputs the tropical function has the label of the network."""
        true = np.argmax(self.network(x).astype(float), axis=1)
        return float(np.mean(np.argmax(self.tropical(x), axis=1) == true))

    def cross_share(self, x: ArrayLike) -> float:
        """On which share of inputs no sample has both the largest positive and the largest negative term."""
        rows = self.network.rows(x)
        largest = [_largest(one(rows).astype(float)) for one in (self.positive, self.negative)]
        return float(np.mean(~(largest[0] & largest[1]).any(axis=1)))


def _largest(values: FloatArray) -> NDArray[np.bool_]:
    """Which are the largest of their row, to rounding: terms of many regions are equal."""
    return np.asarray(values >= values.max(axis=1, keepdims=True) - _TIE * np.abs(values).max(axis=1, keepdims=True))


def linear_terms(model: object, x: ArrayLike) -> LinearTerms:
    """The affine map of the region of every sample, and its positive and negative tropical terms.

    Parameters
    ----------
    model
        A network of :func:`eoc.regions.dense`, or a PyTorch model (:func:`eoc.regions.piecewise_linear`). Tropical
        terms need activations that are convex, with slopes >= 0, as ReLU and leaky ReLU.
    x
        Samples along the first axis.

    Returns
    -------
    LinearTerms
        Of the logit that is largest for each sample; in networks of fractions exact.

    Raises
    ------
    EocError
        For models that cannot be read, and samples that do not fit into memory.

    Examples
    --------
    >>> from eoc.regions import dense
    >>> net = dense([[[1, -2], [2, 1]], [[1, -1], [-1, 2]]], [[0, -1], ["1/2", 0]])
    >>> found = linear_terms(net, [[1, 1], [3, 1]])
    >>> found.label.tolist(), [str(b) for b in found.linear.bias]
    ([1, 1], ['-2', '-2'])
    >>> all(found.positive.coefficients.ravel() >= 0), found.distinct()
    (True, 2)
    """
    given = np.asarray(x)
    if given.ndim < 2 or not given.shape[0]:
        raise EocError(f"x must be samples along the first axis, got an array of shape {given.shape}")
    network = piecewise_linear(model, given[0])
    rows = network.rows(given)
    widest = max([network.features, *(node.units for node in network.nodes)])
    check_memory("the terms of all samples", 8.0 * _COPIES * rows.shape[0] * widest, "take fewer samples at once")
    logits, pieces = forward(network, rows)
    label = np.argmax(logits, axis=1)
    bias, coefficients = backward(network, pieces, label, rows)
    linear, positive, negative = (Terms(*one) for one in zip(bias, coefficients, strict=True))
    pattern = [pieces[at] for at in network.bends]
    return LinearTerms(network, logits, label, pattern, linear, not_tropical(network), (positive, negative))


def expected_cosines(
    activation: object,
    sigma_w: float | None = None,
    sigma_b: float = 0.0,
    *,
    depth: int,
    c: ArrayLike,
    mean_square: float = 1.0,
) -> Bounded:
    r"""The cosine of the linear terms of two inputs at initialisation: the null hypothesis of ``cosines``.

    .. math:: \prod_l E[\phi'(u) \phi'(v)]_l / E[\phi'^2]_l

    in the wide limit, as gradients of one logit in two regions are products of the same weights.

    Parameters
    ----------
    activation, sigma_w, sigma_b
        An activation or an :func:`eoc.network`, and what is free of it, as of :func:`eoc.propagate`. A layer with the
        same sigma_w and sigma_b, or (1, 0) where nothing is free, comes first.
    depth
        Blocks: of a plain network hidden layers.
    c
        Cosines of the angles between inputs, in [-1, 1].
    mean_square
        abs(x)^2 / d of both inputs, > 0.

    Returns
    -------
    Bounded
        ``value`` and a bound on its ``error``, of the shape of c.

    Examples
    --------
    >>> expected_cosines("relu", 2**0.5, depth=2, c=0.0).value.round(9).tolist()
    0.301557624
    """
    network = understood(activation)
    network.check_free(sigma_w, sigma_b)
    cosines, q = real_numbers("c", c), real_number("mean_square", mean_square)
    if np.any(np.abs(cosines) > 1.0) or not 0.0 < q < np.inf:
        raise EocError(f"c must be in [-1, 1] and mean_square > 0, got {c!r} and {mean_square!r}")
    blocks = int(whole_numbers("depth", real_number("depth", depth), 1.0))
    weight = 1.0 if sigma_w is None else checked_sigma("sigma_w", sigma_w)
    square, flat = weight**2 * q, cosines.ravel()
    first = square + float(sigma_b) ** 2
    n = flat.size
    start = Input(np.full(2 * n, first), (1.0 - flat) * square / first, Pairs(np.arange(n), np.arange(n, 2 * n)))
    end = Repeat(lambda layer: network.block(sigma_w, sigma_b, layer, blocks), blocks)(start)
    a, b = end.of_pairs(end.chi.root())
    found = end.T / (a * b) if n else exact(flat)
    return Bounded(found.value.reshape(cosines.shape), found.error.reshape(cosines.shape))
