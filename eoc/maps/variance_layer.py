r"""One block of layers at variances: F(q), its slope, chi_1 and its growth, for one place or many at once.

.. math:: F(q) = \sigma_b^2 + \sigma_w^2 V(q), \qquad F'(q) = \sigma_w^2 (D + P), \qquad \chi_1 = \sigma_w^2 D

for a plain layer; for other networks they follow from the algebra of :mod:`eoc.layers`. Near criticality F(q) - q is
the difference of almost equal numbers: it is computed from the part of F that is proportional to q and the rest, each
without cancellation (:class:`eoc.layers.split.Split`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from eoc.activations.algebra import composed
from eoc.activations.base import Activation
from eoc.activations.named.building_blocks import constant
from eoc.errors import UnsupportedError
from eoc.floats import FloatArray, all_finite
from eoc.gaussian.moments import Estimate, checked_variances, moments
from eoc.layers import Graph, Input, Pairs, Signal, understood
from eoc.layers.bounded import Bounded
from eoc.layers.inputs import Unknown
from eoc.sharing import Memory, cached, cached_property

__all__ = ["VarianceLayer"]

_STRICT, _LENIENT = Pairs.none(), Pairs.none(strict=False)
_STEP = 1e-3  # relative step of logarithmic slopes
_BEND_STEP = 1e-4


@cached()
def _active(phi: Activation) -> Activation:
    """1 where phi > 0 and else 0: a step that jumps at the least number > 0, for what is 0 is not active."""
    return composed(Activation("active", "", (constant(0.0), constant(1.0)), (float(np.nextafter(0.0, 1.0)),)), phi)


class VarianceLayer:
    """What one block does to variances; sigma_w and sigma_b may be arrays, of a shape that goes with that of q.

    Parameters
    ----------
    source
        A :class:`eoc.layers.Network`, its text, or whatever :func:`eoc.activation` understands: then a plain layer.
    sigma_w, sigma_b
        Standard deviations of the free dense layer; sigma_w is NaN where the network has none.
    backward
        The function whose slope gradients see, as of :func:`eoc.layers.understood`.

    Attributes
    ----------
    network
        What was given.
    """

    def __init__(self, source: object, sigma_w: ArrayLike, sigma_b: ArrayLike, backward: object = None) -> None:
        self.network = understood(source, backward)
        self.places = np.asarray(sigma_w, dtype=float), np.asarray(sigma_b, dtype=float)

    @property
    def activation(self) -> Activation:
        """The activation of a plain layer; UnsupportedError for other networks."""
        return self.network.activation

    @property
    def cache(self) -> Memory:
        """What is kept for the next call."""
        return self.network.cache

    def at(self, q: ArrayLike, *, strict: bool = True, surrogates: bool = False) -> Signal:
        """The signal behind the block at variances q, flat; with ``surrogates`` its tangents are those of gradients."""
        return self._behind(checked_variances(q), strict=strict, surrogates=surrogates)

    def _behind(self, q: FloatArray, *, strict: bool, surrogates: bool = False) -> Signal:
        pairs = _STRICT if strict else _LENIENT
        if self._is_one:
            block = self.block(*self.places, surrogates=True) if surrogates else self._block
            return block(Input(q.ravel(), pairs=pairs))
        shape = np.broadcast_shapes(q.shape, *(part.shape for part in self.places))
        q, w, b = (np.broadcast_to(part, shape).ravel() for part in (q, *self.places))
        return self.block(w, b, surrogates=surrogates)(Input(q, pairs=pairs))

    @cached_property
    def is_closed(self) -> bool:
        """Whether variances and correlations say all that the next block needs to know of this one.

        They do where a block ends Gaussian, as with a dense layer, and where the next one asks for no more.
        """
        if self.network.phi is not None or self._block(Input(1.0)).is_gaussian:
            return True
        try:
            y = self._block(Unknown([1.0, 1.0], 0.5))
            _ = y.q, y.G, y.chi
        except UnsupportedError:
            return False
        return True

    @cached_property
    def _is_one(self) -> bool:
        """Whether this is one place, and not many."""
        return all(part.ndim == 0 for part in self.places)

    @cached_property
    def _block(self) -> Graph:
        return self.block(*self.places)

    def block(self, sigma_w: FloatArray, sigma_b: FloatArray, *, surrogates: bool = False) -> Graph:
        """The ops, with these numbers in what is free; ``surrogates`` as in :meth:`at`."""
        free = (sigma_w, sigma_b) if self.network.is_free else ()
        return self.network.block(*free, surrogates=surrogates)

    def F(self, q: ArrayLike, *, strict: bool = True) -> Estimate:
        """F(q) = sigma_b^2 + sigma_w^2 V(q) with its error bound."""
        q = checked_variances(q)
        return self._shaped(self._behind(q, strict=strict).q, q)

    def slope(self, q: ArrayLike, *, strict: bool = True) -> Estimate:
        """F'(q) = sigma_w^2 (D + P), the deltas of kinks and jumps included; ``strict`` as in :func:`eoc.moments`."""
        q = checked_variances(q)
        return self._shaped(self._behind(q, strict=strict).dq, q)

    def chi_1(self, q: ArrayLike, *, strict: bool = True) -> Estimate:
        """sigma_w^2 D(q), by which small differences grow, and gradients. Infinite if phi jumps and sigma_w > 0."""
        q = checked_variances(q)
        return self._shaped(self._behind(q, strict=strict).chi, q)

    def chi_backward(self, q: ArrayLike, *, strict: bool = True) -> Estimate:
        """sigma_w^2 E[g^2], by which the second moment of gradients grows; g is the slope of the surrogate, or phi'."""
        q = checked_variances(q)
        return self._shaped(self._behind(q, strict=strict, surrogates=True).chi, q)

    def activity(self, q: ArrayLike) -> Estimate:
        """P(phi(h) > 0), the share of units that are active: of +1 behind a sign, which a threshold unbalances.

        Raises
        ------
        UnsupportedError
            For a network of several layers.
        """
        return moments(_active(self.activation), q, ("M",))["M"]

    def growth(self, q: ArrayLike) -> Estimate:
        """F(q) - q without cancellation, with its error bound; the sign tells where q moves. NaN where undefined."""
        variances = checked_variances(q)
        y = self._behind(variances, strict=False)
        before = variances if self._is_one else np.broadcast_to(variances, self._shape(variances))
        return self._shaped(y.split.growth(before.ravel(), y.q), variances)

    def growth_at_infinity(self) -> FloatArray:
        """The limit of (F(q) - q)/q as q grows, of the shape of the places."""
        w, b = np.broadcast_arrays(*self.places)
        nature = self.block(w.ravel(), b.ravel())(Input(np.ones(w.size), pairs=_LENIENT)).nature
        return np.broadcast_to(nature.growth(), w.size).reshape(w.shape)

    def slope_uncertainty(self, q: FloatArray) -> FloatArray:
        """The size of F''(q) for q > 0, to some digits: what errors of q do to the slope."""
        low, high = (self.slope((1.0 + step) * q, strict=False).value for step in (-_BEND_STEP, _BEND_STEP))
        return np.asarray(np.abs(high - low) / (2.0 * _BEND_STEP * q))

    def sensitivity(self, q: ArrayLike, relative_slope: ArrayLike) -> FloatArray:
        """How much faster than q, relatively, 1 - f and f' change, c fixed: twice what V/q, D and q/F(q) tell of it.

        ``relative_slope`` is F'(q) q / F(q).
        """
        unbiased = VarianceLayer(self.network, self.places[0], np.zeros(self.places[1].shape))
        around = [unbiased.at(factor * np.asarray(q), strict=False) for factor in (1.0 - _STEP, 1.0 + _STEP)]
        with np.errstate(divide="ignore", invalid="ignore"):
            v, d = (
                np.log(getattr(around[1], name).value / getattr(around[0], name).value).reshape(np.shape(q))
                / (2.0 * _STEP)
                for name in ("q", "chi")
            )
        changes = np.nanmax([np.abs(v - 1.0), np.abs(d), np.zeros(d.shape)], axis=0)
        return np.asarray(np.abs(1.0 - np.asarray(relative_slope)) + 2.0 * changes)

    def _shape(self, q: FloatArray) -> tuple[int, ...]:
        return q.shape if self._is_one else np.broadcast_shapes(q.shape, *(part.shape for part in self.places))

    def _shaped(self, found: Bounded, q: FloatArray) -> Estimate:
        """As an Estimate of the shape of q and of the places; where the value is infinite it carries no error."""
        value, error, shape = found.value, found.error, self._shape(q)
        if not all_finite(value):
            error = np.where(np.isinf(value), 0.0, error)
        if value.size != error.size:  # exact, whatever q is
            value = np.broadcast_to(value, error.shape)
        return Estimate(value.reshape(shape), error.reshape(shape))
