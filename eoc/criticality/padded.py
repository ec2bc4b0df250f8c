r"""Where convolutional networks that are padded by zeros are critical: at a larger sigma_w than without edges.

Near the edges some taps see nothing, so that variances settle at a profile q*(a) over positions, and small differences,
and the squares of gradients, are multiplied in each block by a matrix over positions, for layers phi, conv

.. math:: q^* = \sigma_b^2 + \sigma_w^2 A V(q^*), \qquad
          M = \sigma_w^2 A \, \mathrm{diag} \, E[\phi'(\sqrt{q^*(a)} Z)^2],

A the mean over taps. They neither vanish nor explode where the largest eigenvalue of M is 1. Without biases, where
variances vanish, that is sigma_w^2 = 1/(phi'(0)^2 lambda_max(A)); for ReLU 2/lambda_max(A), for any biases.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eoc.errors import EocError, UnsupportedError
from eoc.floats import EPS, FloatArray
from eoc.layers import Network, Pairs, Signal, checked_sigma, network
from eoc.layers.bounded import exact
from eoc.layers.given import Given
from eoc.layers.modes import checked_positions
from eoc.machine import check_memory

__all__ = ["PaddedEdge", "padded_edge"]

_DENSE = 200  # positions up to which all eigenvalues are computed
_LOW, _HIGH, _STEP = 1e-3, 1e3, 1.2  # of sigma_w, and the ratio of those that are tried
_LARGEST = 1e12  # of a variance: beyond, it grows without bound, and slopes are those at infinity
_SETTLED = 4.0 * EPS
_ROUNDING = 1e-13  # of an eigenvalue, and of the variances that it is taken at
_ITERATIONS, _NEWTON = 30, 60
_CROSSED = 1e-9  # of the logarithm of an eigenvalue that is 1: otherwise it jumps there


@dataclass(frozen=True)
class PaddedEdge:
    """A critical place of a network whose positions differ.

    Attributes
    ----------
    sigma_w, sigma_w_error, sigma_b
        The place, and a bound on the error of sigma_w.
    q
        The variances that layers keep, of the shape of the positions; 0 where they vanish, infinite where they grow in
        proportion to depth or faster.
    gradients
        The eigenvector: by how much more differences at one position count than at another, of mean 1.
    """

    sigma_w: float
    sigma_w_error: float
    sigma_b: float
    q: FloatArray
    gradients: FloatArray


def padded_edge(source: object, sigma_b: float = 0.0, *, positions: int | tuple[int, ...]) -> PaddedEdge:
    """The smallest sigma_w at which gradients and differences between inputs neither vanish nor explode at depth.

    Parameters
    ----------
    source
        An :func:`eoc.network`, or its text, with a ``conv`` without sigma_w, which keeps the positions: "tanh, conv(3,
        pad='zero')". Only equal positions of inputs may meet in it.
    sigma_b
        Of that ``conv``, >= 0.
    positions
        How many, or their shape.

    Returns
    -------
    PaddedEdge

    Raises
    ------
    EocError
        If there is none, or for numbers that make no sense.

    Notes
    -----
    A matrix over positions is made: 32 x 32 of them take some seconds.

    Examples
    --------
    >>> padded_edge("relu, conv(3, pad='zero')", positions=8).sigma_w ** 2  # 6/(1 + 2 cos(pi/9))  # doctest: +NUMBER
    2.08377813
    >>> padded_edge(
    ...     "tanh, conv(3, pad='zero')", 0.2, positions=8
    ... ).sigma_w  # without edges 1.30414584  # doctest: +NUMBER
    1.33740033
    """
    block, shape = network(source), checked_positions(positions)
    if not block.is_free:
        raise EocError(f"{block.name!r} has nothing free: write conv(3, pad='zero') for a convolution to be solved for")
    own = _Padded(block, checked_sigma("sigma_b", sigma_b), shape)
    return own.without_variance() if own.vanishes else own.edge()


class _Padded:
    """A block at one sigma_b, over positions of one shape."""

    def __init__(self, block: Network, sigma_b: float, shape: tuple[int, ...]) -> None:
        self._block, self._sigma_b, self._shape = block, sigma_b, shape
        self._places = int(np.prod(shape))
        check_memory("a matrix over positions", 100.0 * self._places**2, "use fewer positions")
        zero = self._behind(1.0, np.zeros(self._places))
        if zero.pairs.positions != shape:
            raise UnsupportedError(
                f"of positions {shape} the network leaves {zero.pairs.positions}: it has to keep them"
            )
        self.vanishes = not zero.q.value.any()  #: whether no variance is kept as none
        self._start = np.ones(self._places)

    def _behind(self, sigma_w: float, q: FloatArray) -> Signal:
        """What is behind a block of so many inputs (n, S), each a unit of change of one position if there are S."""
        rows = np.atleast_2d(q)
        inputs = len(rows)
        unit = exact(np.eye(self._places).ravel() if inputs == self._places else np.ones(rows.size))
        pairs = Pairs.none_of(self._shape)
        none = exact(np.zeros(0))
        return self._block.block(sigma_w, self._sigma_b)(
            Given(exact(rows.ravel()), none, pairs, {"chi": unit, "dq": unit})
        )

    def _changes(self, sigma_w: float, q: FloatArray) -> Signal:
        """The same with a change of each position alone."""
        return self._behind(sigma_w, np.tile(q, (self._places, 1)))

    def _matrix(self, found: FloatArray) -> FloatArray:
        return found.reshape(self._places, self._places).T

    def settled(self, sigma_w: float) -> FloatArray:
        """The variances that are kept, by iteration and then by Newton's method."""
        q = self._start
        for _ in range(_ITERATIONS):
            q = self._behind(sigma_w, q).q.value
        for _ in range(_NEWTON):
            if not q.max() < _LARGEST:
                return q
            growth = self._behind(sigma_w, q).q.value - q
            if np.abs(growth).max() <= _SETTLED * q.max():
                break
            slopes = self._matrix(self._changes(sigma_w, q).dq.value)
            step = np.linalg.solve(np.eye(self._places) - slopes, growth)
            q = np.where(q + step > 0.0, q + step, q + growth)
        self._start = q
        return q

    def growth(self, sigma_w: float) -> float:
        """The logarithm of the largest eigenvalue of M."""
        return float(np.log(self._largest(sigma_w, self.settled(sigma_w))[0]))

    def _largest(self, sigma_w: float, q: FloatArray) -> tuple[float, FloatArray]:
        """The largest eigenvalue of M, and its eigenvector of mean 1: that of gradients, on their way back."""
        back = self._matrix(self._changes(sigma_w, q).chi.value).T
        if self._places <= _DENSE:
            values, vectors = np.linalg.eig(back)
            first = int(values.real.argmax())
            value, vector = values[first], vectors[:, first]
        else:
            from scipy.sparse.linalg import eigs

            found, whole = eigs(back, 1, which="LR", v0=np.ones(self._places))
            value, vector = found[0], whole[:, 0]
        size = np.abs(vector)
        return float(value.real), size / size.mean()

    def without_variance(self) -> PaddedEdge:
        """Where no variance stops being kept: M grows in proportion to sigma_w^2."""
        zero = np.zeros(self._places)
        value, vector = self._largest(1.0, zero)
        if not (0.0 < value < np.inf):
            raise EocError(f"{self._block.name!r} has no slope at 0, and no variance is kept without biases")
        return self._found(value**-0.5, 4.0 * EPS * self._places**0.5, zero, vector)

    def edge(self) -> PaddedEdge:
        """Where the largest eigenvalue is 1, at the variances that are kept."""
        low, name = _LOW, repr(self._block.name)
        if not self.growth(low) < 0.0:
            raise EocError(f"gradients of {name} explode for every sigma_w: there is nothing to be critical")
        while self.growth(low * _STEP) < 0.0:
            low *= _STEP
            if low > _HIGH:
                raise EocError(f"gradients of {name} vanish for every sigma_w up to {_HIGH:g}")
        from scipy.optimize import brentq

        sigma_w = float(brentq(self.growth, low, low * _STEP, xtol=EPS * low, rtol=4.0 * EPS))
        if not abs(self.growth(sigma_w)) < _CROSSED:
            raise EocError(
                f"variances of {name} run away at sigma_w = {sigma_w:.6g}, before gradients stop vanishing: there is "
                "no critical place with this sigma_b; take a larger one"
            )
        slope = (self.growth(sigma_w * (1.0 + 1e-6)) - self.growth(sigma_w * (1.0 - 1e-6))) / 2e-6
        q = self.settled(sigma_w)
        chi = self._behind(sigma_w, q).chi
        relative = float((chi.error / chi.value).max()) + _ROUNDING
        vector = self._largest(sigma_w, q)[1]
        return self._found(sigma_w, relative / abs(slope), q, vector)

    def _found(self, sigma_w: float, relative: float, q: FloatArray, vector: FloatArray) -> PaddedEdge:
        at_end = np.where(q < _LARGEST, q, np.inf)
        parts = (part.reshape(self._shape) for part in (at_end, vector))
        return PaddedEdge(sigma_w, relative * sigma_w, self._sigma_b, *parts)
