r"""Local minima of the loss that are not global: the construction for piecewise linear networks.

Least squares give the best affine map of the data, x -> C x + e. On a piece of the activation with slope s != 0, around
m, where phi(z) = s z + o, hidden unit j of every layer takes in m + eps (C x + e)_j, all further units the constant m:

.. math:: W_1 = \epsilon C, \; b_1 = m + \epsilon e; \qquad W_l = I/s, \; b_l = m - (s m + o)/s; \qquad
          W_L = I/(s \epsilon), \; b_L = -(s m + o)/(s \epsilon).

All units stay inside the piece for every sample and all nearby parameters, so that the network is affine nearby and its
loss at least that of least squares: a local minimum, for every convex loss. Its Hessian has rank outputs (inputs + 1).
It is spurious where the data are not affine: the network can bend, and do better. He, Wang & Tao, "Piecewise linear
activations substantially shape the loss surfaces of neural networks" (2020); the construction here is simpler.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from eoc.errors import EocError, UnsupportedError
from eoc.regions.derivatives import Loss, least_squares, loss_of
from eoc.regions.model import Array, PiecewiseLinear, dense, exactly
from eoc.regions.pieces import Exact, StraightPieces, straight_pieces
from eoc.regions.subsets import reducing

__all__ = ["Piece", "SpuriousMinimum", "spurious_minimum"]

_ZERO = 1e-10  # relative: what is 0 in doubles
_TRIED = 200  # kinks through the data


@dataclass(frozen=True)
class Piece:
    """A piece of an activation: slope, offset, the middle, and how far from it to go: half its length, or 1."""

    slope: Exact
    offset: Exact
    middle: Exact
    reach: Exact


@dataclass(frozen=True, eq=False)
class SpuriousMinimum:
    """A local minimum of the loss at which the network is the best affine map of the data.

    Attributes
    ----------
    network
        The network there.
    x, y
        The data as rows.
    widths
        Of its hidden layers.
    fit
        The coefficients of the best affine map: rows of inputs, last that of the constant; (inputs + 1, outputs).
    loss
        The mean squared distance of the fit, and of the network.
    piece
        That all units lie in.
    step
        eps: how far from the middle of it units go, by unit of the output.
    """

    network: PiecewiseLinear
    x: Array = field(repr=False)
    y: Array = field(repr=False)
    widths: tuple[int, ...]
    fit: Array = field(repr=False)
    loss: Exact
    piece: Piece
    step: Exact
    _activation: StraightPieces = field(repr=False)

    def derivatives(self) -> Loss:
        """The loss with its gradient, which is 0, and its Hessian, positive semidefinite of :attr:`rank`."""
        return loss_of(self.network, self.x, self.y)

    @property
    def rank(self) -> int:
        """Outputs times (inputs + 1), or the rank of the inputs with a constant, if that is less."""
        ones = np.concatenate([self.x, self.x[:, :1] * 0 + 1], axis=1)
        return int(self.y.shape[1]) * len(reducing(ones, _slack(ones))[1])

    def valley(self, factor: Exact) -> SpuriousMinimum:
        """The point with ``factor`` times the step: another one with the same loss, connected to this one.

        Parameters
        ----------
        factor
            0 < factor < 2: units stay inside the piece.
        """
        if not 0 < factor < 2:
            raise EocError(f"factor must be > 0 and < 2, where units stay inside their piece; got {factor!r}")
        step = self.step * factor
        network = _network(self._activation, self.piece, self.widths, self.fit, step)
        return replace(self, network=network, step=step)

    def better(self, seed: int = 0) -> PiecewiseLinear:
        """A network of the same widths with a smaller loss: one further unit bends between the data.

        Raises
        ------
        EocError
            For widths without a unit to spare, and data that are affine, or to which no bend that was tried adds.
        """
        k = self.y.shape[1]
        if min(self.widths) <= k:
            raise EocError(f"a better point needs hidden widths of {k + 1} and more, got {self.widths}")
        found = min(
            (_bent(self._activation, self.x, self.y, one) for one in _bends(self._activation, self.x, seed)),
            key=lambda one: one[1],
            default=None,
        )
        if found is None or not found[1] < self.loss * (1 - (0 if self.network.is_exact else _ZERO)):
            raise EocError("no better point was found: the data are affine, or the loss is 0")
        (weights, bias), _, coefficients = found
        values = self._activation(self.x @ weights + bias)
        affine = self.x @ coefficients[:-2] + coefficients[-2]
        step, own = (_step(one, self.piece) for one in (affine, values))
        bend = _Bend(weights, bias, coefficients[-1], own)
        return _network(self._activation, self.piece, self.widths, coefficients[:-1], step, bend)


def spurious_minimum(
    widths: int | Sequence[int], activation: object, x: ArrayLike, y: ArrayLike, piece: int | None = None
) -> SpuriousMinimum:
    """A local minimum of the mean squared loss at which the network is affine on all data.

    Parameters
    ----------
    widths
        Of the hidden layers, each at least as many as outputs.
    activation
        One made of straight lines: what :func:`eoc.activation` understands.
    x, y
        Inputs and targets, samples along the first axis. Of fractions, or texts such as "1/3", all is exact.
    piece
        Which piece of the activation units lie in, from 0 at the left. Left out: the first that is not constant.

    Raises
    ------
    EocError
        For widths that are too small, shapes that do not fit, and a piece that is constant.

    Examples
    --------
    >>> found = spurious_minimum(2, "relu", [["-1"], ["0"], ["1"]], [["0"], ["0"], ["1"]])
    >>> str(found.loss), [str(c) for c in found.fit.ravel()], bool(found.derivatives().gradient.any())
    ('1/18', ['1/2', '1/3'], False)
    >>> better = found.better()
    >>> loss_of(better, found.x, found.y).value < found.loss
    True
    """
    pieces = straight_pieces(activation)
    inputs, targets = _data(x), _data(y)
    is_exact = object in (inputs.dtype, targets.dtype)
    inputs, targets = (exactly(one) if is_exact else one.astype(float) for one in (inputs, targets))
    hidden = (widths,) if isinstance(widths, int) else tuple(widths)
    if inputs.shape[0] != targets.shape[0] or not inputs.shape[0]:
        raise EocError(f"x and y must have as many rows, got {inputs.shape} and {targets.shape}")
    if not hidden or min(hidden) < targets.shape[1]:
        raise EocError(f"hidden widths must be at least the number of outputs, {targets.shape[1]}; got {widths!r}")
    own = _piece_of(pieces, piece, is_exact)
    fit, loss = least_squares(np.concatenate([inputs, inputs[:, :1] * 0 + 1], axis=1), targets)
    step = _step(inputs @ fit[:-1] + fit[-1], own)
    network = _network(pieces, own, hidden, fit, step)
    return SpuriousMinimum(network, inputs, targets, hidden, fit, loss, own, step, pieces)


def _data(given: ArrayLike) -> Array:
    out = np.asarray(given)
    out = exactly(given) if out.dtype.kind in "OUS" else out
    return out.reshape(len(out), -1)


def _piece_of(pieces: StraightPieces, which: int | None, is_exact: bool) -> Piece:
    live = [i for i, slope in enumerate(pieces.slopes) if slope]
    chosen = which if which is not None else (live[0] if live else -1)
    if chosen not in live:
        raise UnsupportedError(f"piece must be one of {live}, those that are not constant; got {which!r}")
    knots = pieces.knots
    left, right = (knots[i] if 0 <= i < len(knots) else None for i in (chosen - 1, chosen))
    if left is None or right is None:
        middle: Exact = 0 if left is right is None else (right - 1 if left is None else left + 1)  # type: ignore[operator]
        reach: Exact = 1
    else:
        middle, reach = (left + right) / 2, (right - left) / 2
    numbers = pieces.slopes[chosen], pieces.offsets[chosen], middle, reach
    return Piece(*(Fraction(one) if is_exact else float(one) for one in numbers))


def _step(values: Array, piece: Piece) -> Exact:
    """A power of two such that units stay within half the reach of the piece."""
    most = float(np.abs(values).max()) or 1.0
    exponent = int(np.floor(np.log2(float(piece.reach) / 2.0 / most)))
    return Fraction(2) ** exponent if values.dtype == object else 2.0**exponent


@dataclass(frozen=True)
class _Bend:
    """A unit that bends between the data: phi(weights x + bias), times the outer weights; by what it is carried on."""

    weights: Array
    bias: Exact
    outer: Array
    step: Exact


def _network(
    pieces: StraightPieces, piece: Piece, widths: tuple[int, ...], fit: Array, step: Exact, bend: _Bend | None = None
) -> PiecewiseLinear:
    """The network of the module; a unit that bends stands behind those of the outputs."""
    k, kept, like = fit.shape[1], piece.slope * piece.middle + piece.offset, fit.dtype
    weights, biases = [np.zeros((widths[0], len(fit) - 1), like)], [np.zeros(widths[0], like) + piece.middle]
    weights[0][:k], biases[0][:k] = fit[:-1].T * step, fit[-1] * step + piece.middle
    if bend is not None:
        weights[0][k], biases[0][k] = bend.weights, bend.bias
    through = range(k if bend is None else k + 1)
    for before, width in pairwise(widths):
        weight, bias = np.zeros((width, before), like), np.zeros(width, like) + piece.middle
        weight[through, through], bias[through] = 1 / piece.slope, piece.middle - kept / piece.slope
        if bend is not None and len(weights) == 1:  # from here on it is carried in the piece, as the outputs are
            weight[k, k], bias[k] = bend.step, piece.middle
        weights.append(weight)
        biases.append(bias)
    outer = 1 / (piece.slope * step)
    last, bias = np.zeros((k, widths[-1]), like), np.zeros(k, like) - kept * outer
    last[range(k), range(k)] = outer
    if bend is not None and len(widths) == 1:
        last[:, k] = bend.outer
    elif bend is not None:
        last[:, k] = bend.outer / (piece.slope * bend.step)
        bias = bias - kept * last[:, k]
    return dense([*weights, last], [*biases, bias], pieces)


def _bends(pieces: StraightPieces, x: Array, seed: int) -> list[tuple[Array, Exact]]:
    """Units that meet a knot between samples: along differences of two of them, halfway."""
    rng = np.random.default_rng(seed)
    out = []
    for _ in range(_TRIED):
        i, j = rng.integers(0, len(x), 2)
        w = x[i] - x[j]
        if not w.any():
            continue
        between = w @ (x[i] + x[rng.integers(0, len(x))]) / 2
        knot = pieces.places(x)[0] if pieces.knots else 0
        out.append((w, knot - between))
    return out


def _bent(
    pieces: StraightPieces, x: Array, y: Array, unit: tuple[Array, Exact]
) -> tuple[tuple[Array, Exact], Exact, Array]:
    """The unit, the loss of the best fit with it beside inputs and a constant, and its coefficients."""
    feature = pieces(x @ unit[0] + unit[1])[:, None]
    features = np.concatenate([x, x[:, :1] * 0 + 1, feature], axis=1)
    found, loss = least_squares(features, y)
    return unit, loss, found


def _slack(rows: Array) -> float:
    return 0.0 if rows.dtype == object else _ZERO * float(np.abs(rows).max(initial=0.0))
