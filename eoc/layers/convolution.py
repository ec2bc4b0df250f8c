r"""Convolutions with random weights.

Of h_i(a) = sum_{j,d} w_ij(d) x_j(s a + d) + b_i with w_ij(d) of variance sigma_w^2 v_d / C, sum_d v_d = 1, b_i of
variance sigma_b^2, and C channels without bound,

.. math:: \Sigma'(a, b) = \sigma_b^2 + \sigma_w^2 \sum_d v_d \, E[x(s a + d) x(s b + d)], \qquad
          G'(a, b) = \sigma_w^2 \sum_d v_d \, G(s a + d, s b + d), \qquad
          T'(a, b) = \sigma_w^2 \sum_d v_d \, T(s a + d, s b + d),

where a padding of zeros is a point x = 0, at the half squared distance q/2 from every other. Pairs of equal positions
need no others. Xiao et al. (2018). Where all positions are alike, as with circular padding of such inputs, this is a
dense layer. One tap, v = (0, 1, 0), is the delta-orthogonal initialisation, whose orthogonal weights have the same
limit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce

import numpy as np

from eoc.errors import EocError, UnsupportedError
from eoc.floats import EPS, FloatArray
from eoc.layers.affine import Dense, checked_sigma
from eoc.layers.bounded import Bounded, exact
from eoc.layers.mixing import Positional
from eoc.layers.nature import Nature
from eoc.layers.offsets import thinned
from eoc.layers.pairs import Layout
from eoc.layers.signal import Products, Signal, fresh_source
from eoc.layers.taps import Taps, checked_pad, over_taps, taps
from eoc.sharing import cached_property

__all__ = ["Conv", "checked_profile", "uniform"]

_LARGEST = 1000  # taps along an axis


def uniform(kernel: float) -> FloatArray:
    """The profile of a kernel of this size whose taps all have the same variance."""
    if not (1 <= kernel <= _LARGEST and kernel == int(kernel)):
        raise EocError(f"kernel must be a whole number of taps from 1 to {_LARGEST}, got {kernel!r}")
    return np.full(int(kernel), 1.0 / int(kernel))


def checked_profile(profile: FloatArray) -> FloatArray:
    """Shares of the variance of the taps, >= 0, that add up to 1; of numbers that do not, in their proportions."""
    found = np.asarray(profile, dtype=float)
    total = float(found.sum()) if found.size else 0.0
    if found.ndim == 0 or not (np.isfinite(total) and total > 0.0 and (found >= 0.0).all()):
        raise EocError(f"profile must be variances >= 0 of the taps, not all of them 0; got {profile!r}")
    if max(found.shape) > _LARGEST:
        raise EocError(f"kernel must have at most {_LARGEST} taps along an axis, got {max(found.shape)}")
    return found / total


@dataclass(frozen=True, eq=False)
class Conv:
    """See the module.

    Attributes
    ----------
    profile
        v_d, an array of as many axes as positions have; or (k,), which is meant along every axis.
    sigma_w, sigma_b
        Of the weights, times sqrt(fan-in), and of the biases; arrays as of a dense layer, where positions are alike.
    pad
        "circular", "reflect", "replicate", "zero" or "none", which leaves out what would see beyond the edges.
    stride
        By how many positions the kernel moves.

    Examples
    --------
    >>> from eoc.layers.inputs import Input
    >>> from eoc.layers.pairs import Pairs
    >>> x = Input(np.ones(4), np.zeros(4), Pairs.aligned(1, (4,)))
    >>> Conv(uniform(3), 1.5**0.5, pad="zero")(x).q.value.round(12).tolist()
    [1.0, 1.5, 1.5, 1.0]
    """

    profile: FloatArray
    sigma_w: float | FloatArray
    sigma_b: float | FloatArray = 0.0
    pad: str = "circular"
    stride: float = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "profile", checked_profile(self.profile))
        for name, value in (("sigma_w", self.sigma_w), ("sigma_b", self.sigma_b)):
            if not isinstance(value, np.ndarray):
                checked_sigma(name, value)
        checked_pad(self.pad)
        if not (self.stride >= 1 and self.stride == int(self.stride)):
            raise EocError(f"stride must be a whole number of positions >= 1, got {self.stride!r}")

    def over(self, positions: tuple[int, ...]) -> tuple[FloatArray, Taps]:
        """The profile over positions of this shape, and its taps."""
        same = self.profile.ndim == 1 < len(positions)
        profile = reduce(np.multiply.outer, [self.profile] * len(positions)) if same else self.profile
        return profile, taps(positions, profile.shape, self.pad, int(self.stride))

    def __call__(self, x: Signal) -> Signal:
        """The signal behind it."""
        pairs = x.pairs
        if not pairs.positions or pairs.layout in (Layout.OFFSETS, Layout.TOKENS):
            return self._of_alike(x)
        return _Convolved(x, *self.over(pairs.positions), float(self.sigma_w) ** 2, float(self.sigma_b) ** 2)

    def _of_alike(self, x: Signal) -> Signal:
        """Where all positions are alike, and are so behind it."""
        if self.pad == "zero" or (x.pairs.positions and self.pad != "circular"):
            raise UnsupportedError(
                f"near the edges a convolution with pad={self.pad!r} makes positions differ: give inputs with their "
                "positions (eoc images, eoc.propagate_positions; eoc.padded_edge is where such networks are critical), "
                "draw such networks (eoc verify), or take pad='circular'"
            )
        same = Dense(self.sigma_w, self.sigma_b)(x)
        if not x.pairs.positions or self.stride == 1:
            return same
        if x.pairs.layout is Layout.OFFSETS:
            return thinned(same, int(self.stride))
        raise UnsupportedError("a stride leaves some positions only: give inputs with their positions")


class _Convolved(Positional):
    is_gaussian = True

    def __init__(self, x: Signal, profile: FloatArray, of: Taps, weight: float, bias: float) -> None:
        self._inputs = x.q.value.size // of.places
        super().__init__(x.pairs.arranged(of.shape, self._inputs), frozenset([fresh_source()]))
        self._x, self._profile, self._taps, self._weight, self._bias = x, profile, of, weight, bias

    def _of_points(self, one: Bounded, profile: FloatArray) -> Bounded:
        """Summed over taps at the positions of every input, or of every pair of inputs."""
        return _weighted(one, profile, lambda part: self._over_rows(part, profile))

    def _over_rows(self, part: FloatArray, profile: FloatArray) -> FloatArray:
        rows = np.pad(part.reshape(-1, self._taps.places), ((0, 0), (0, 1)))  # with a position of zeros
        total = np.zeros((len(rows), len(self._taps.seen)))
        for share, where in zip(profile.ravel(), self._taps.seen.T, strict=True):
            if share > 0.0:
                total += share * rows[:, where]
        return total.ravel()

    def _of_pairs(self, one: Bounded, profile: FloatArray, padded: Bounded | None = None) -> Bounded:
        """Summed over taps; ``padded``: what pairs of each point with a padded one have, 0 where it is left out."""
        if self._x.pairs.layout is Layout.ALIGNED:
            return self._of_points(one, profile)
        matrix = over_taps(self._x.pairs, self.pairs, self._taps, profile)
        edge = exact(np.zeros(self._x.q.value.size)) if padded is None else padded
        parts = zip((one.value, one.error), (edge.value, edge.error), strict=True)
        whole = Bounded(*(np.concatenate([*part, [0.0]]) for part in parts))
        return _weighted(whole, profile, matrix.dot)

    @cached_property
    def q(self) -> Bounded:
        return self._of_points(self._x.q, self._profile) * self._weight + self._bias

    @cached_property
    def m(self) -> Bounded:
        return exact(np.zeros(self.q.value.shape))

    @cached_property
    def G(self) -> Bounded:
        found = self._of_pairs(self._x.G, self._profile, self._x.q * 0.5) * self._weight
        alike = self.pairs.alike
        return Bounded(np.where(alike, 0.0, found.value), np.where(alike, 0.0, found.error))

    @cached_property
    def chi(self) -> Bounded:
        return self._of_points(self._x.chi, self._profile) * self._weight

    def pushed(self, of: Products) -> Bounded:
        return self._of_pairs(of(self._x), self._profile) * self._weight

    @cached_property
    def dq(self) -> Bounded:
        """Where the variances of all positions change as they do in x."""
        return self._of_points(self._x.dq, self._profile) * self._weight

    @cached_property
    def ntk(self) -> Bounded:
        """That of all before it, and of its own: sigma_w^2 times the sum for the weights, sigma_b^2 for the biases."""
        return super().ntk + self.k

    @cached_property
    def by_weights(self) -> Bounded:
        """That of all before it, and of its own, over the fan-in: the mean over taps."""
        mean = np.full(self._profile.shape, 1.0 / self._profile.size)
        return super().by_weights + self._of_pairs(self._x.k, mean)

    @cached_property
    def by_biases(self) -> Bounded:
        """That of all before it, and of its own."""
        return super().by_biases + 1.0

    @cached_property
    def dm(self) -> Bounded:
        return exact(np.zeros(self.q.value.shape))

    @cached_property
    def nature(self) -> Nature:
        return self._of_unknown_size(self._x.nature.dense(np.asarray(self._weight), np.asarray(self._bias)))


def _weighted(one: Bounded, profile: FloatArray, by: Callable[[FloatArray], FloatArray]) -> Bounded:
    """A sum with weights >= 0, by which errors are added up too."""
    rounding = EPS * (2 + np.count_nonzero(profile))
    return Bounded(by(one.value), by(one.error + rounding * np.abs(one.value)))
