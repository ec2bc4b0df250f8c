r"""Batch normalisation: every unit without its mean over the batch, divided by its standard deviation there.

Of a batch of B inputs that are all alike, of one variance q and one product k of any two, the entries of a unit are
Gaussian; normalised they are sqrt(B) times a random direction u orthogonal to (1, ..., 1), whatever q and k are. An
activation behind it makes q' = E[phi(x_1)^2] and G' = E[(phi(x_1) - phi(x_2))^2]/2 of two entries of such a direction
(:mod:`eoc.gaussian.sphere`), so that one layer leads to the batch that all further ones keep. Of tangents only what
differs between inputs is left, chi - T, of which I - 1 1^T/B - u u^T takes a share:

.. math:: \chi' = \frac{B (\chi - T)}{(B - 3) G} E[\phi'(x_1)^2 (1 - \tfrac{1 + x_1^2}{B})], \qquad
          T' = -\frac{B (\chi - T)}{(B - 3) G} E[\phi'(x_1) \phi'(x_2) \tfrac{1 + x_1 x_2}{B}],

with 1/(B - 3) the mean of 1/chi^2 with B - 1 degrees of freedom, G = q - k (Yang et al. 2019; for any phi derived
here). As B grows entries become independent: x is Gaussian with q' = G' = 1, chi' = (chi - T)/G and T' = 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eoc.activations.base import Activation, Smoothness
from eoc.errors import EocError, UnsupportedError
from eoc.floats import EPS
from eoc.gaussian.moments import Estimate
from eoc.gaussian.sphere import SphereMoments, checked_batch, sphere_moments
from eoc.layers.bounded import Bounded, exact
from eoc.layers.nature import Nature
from eoc.layers.pairs import Layout
from eoc.layers.signal import Products, Signal
from eoc.layers.split import Split, only_rest
from eoc.sharing import cached_property

__all__ = ["BatchNorm", "on_sphere"]

_ROUNDING = 64.0 * EPS  # relative, of 1 + 1/(B - 1) at the least correlation that a batch can have


@dataclass(frozen=True)
class BatchNorm:
    """Normalisation over a batch of so many inputs, from 5 on, or infinitely many; of Gaussian signals.

    Examples
    --------
    >>> from eoc.layers.inputs import Input
    >>> from eoc.layers.pairs import Pairs
    >>> x = BatchNorm(8)(Input([2.0], [0.0, 0.7], Pairs.batch()))  # an input with itself, and with another one
    >>> x.q.value.tolist(), x.G.value.round(12).tolist()
    ([1.0], [0.0, 1.142857142857])
    """

    batch: float = np.inf

    def __post_init__(self) -> None:
        checked_batch(self.batch)

    def __call__(self, x: Signal) -> Signal:
        """The signal behind it."""
        if not x.is_gaussian:
            raise UnsupportedError(
                "it normalises what is not Gaussian, such as what comes from an activation: put it behind a dense "
                "layer, or behind sums of these"
            )
        if x.pairs.size and x.pairs.layout is not Layout.BATCH:
            raise UnsupportedError(
                "batch normalisation mixes the inputs of a batch: theory has that where all are alike, of one variance "
                "and one correlation, as they are from the second layer on (eoc.propagate and eoc.phase_of have it); "
                "eoc.sample_batches follows the Gram matrix of any batch"
            )
        return _Normalised(x, self.batch)


class _OverBatch(Signal):
    """A function of the entries of a normalised batch: nothing of it depends on the variance of the inputs."""

    def __init__(self, x: Signal, sources: frozenset[int]) -> None:
        super().__init__(x.pairs, sources)
        self._before = x

    @cached_property
    def dq(self) -> Bounded:
        return self._all(0.0)

    @cached_property
    def dm(self) -> Bounded:
        return self._all(0.0)

    @cached_property
    def split(self) -> Split:
        return only_rest(self.q)

    def _all(self, value: float, error: float = 0.0) -> Bounded:
        """The same for all points."""
        shape = self._before.q.value.shape
        return Bounded(np.full(shape, value), np.full(shape, error))

    def _between(self, value: float, error: float = 0.0) -> Bounded:
        """The same for all pairs but 0 for an input with itself."""
        alike = self.pairs.alike
        return Bounded(np.where(alike, 0.0, value), np.where(alike, 0.0, error))


class _Normalised(_OverBatch):
    """The entries themselves: Gaussian of an infinite batch, else a root of what is on a sphere."""

    def __init__(self, x: Signal, batch: float) -> None:
        super().__init__(x, x.sources)
        self._x, self._batch = x, batch
        self.is_gaussian = bool(np.isinf(batch))
        self.sphere = None if self.is_gaussian else batch

    @cached_property
    def _within(self) -> Bounded:
        """G of two inputs of the batch, (1,)."""
        x, apart = self._x, ~self.pairs.alike
        if not self.pairs.size:
            raise UnsupportedError(
                "gradients through batch normalisation depend on the whole batch, and grow whatever sigma_w and "
                "sigma_b are: eoc.phase_of, eoc.propagate and eoc.verify follow a batch whose inputs are all alike"
            )
        found = x.G[np.flatnonzero(apart)]
        q, g, least = float(x.q.value[0]), float(found.value[0]), 1.0 / (self._batch - 1.0)
        if not g > 0.0:
            raise EocError("all inputs of a batch are equal: batch normalisation would divide 0 by 0")
        if g > q * (1.0 + least) * (1.0 + _ROUNDING) + float(found.error[0]):
            raise EocError(
                f"the inputs of a batch of {self._batch:g} cannot all have the correlation {1.0 - g / q:g} with each "
                f"other: it is at least -1/{self._batch - 1.0:g}"
            )
        return found

    @cached_property
    def _share(self) -> float:
        """B/(B - 3)."""
        return 1.0 if self.is_gaussian else self._batch / (self._batch - 3.0)

    @cached_property
    def q(self) -> Bounded:
        return self._all(1.0)

    @cached_property
    def m(self) -> Bounded:
        return self._all(0.0)

    @cached_property
    def G(self) -> Bounded:
        _ = self._within  # refuses what makes no sense
        return self._between(1.0 + 1.0 / (self._batch - 1.0), EPS)

    @cached_property
    def chi(self) -> Bounded:
        _ = self._within
        apart = np.flatnonzero(~self.pairs.alike)
        return (self._x.chi - self._x.T[apart]) * self._own

    @cached_property
    def _own(self) -> Bounded:
        return self._all(self._share * (1.0 - 2.0 / self._batch), 4.0 * EPS) / self._within

    def pushed(self, of: Products) -> Bounded:
        before, alike = of(self._x), self.pairs.alike
        left = (before[np.flatnonzero(alike)] - before[np.flatnonzero(~alike)]) * self._own
        other = exact(np.where(alike, 1.0, -1.0 / (self._batch - 1.0)))
        return other * left

    @cached_property
    def gap(self) -> Bounded:
        return (self._x.gap + self._x.q) / self._x.chi * self.chi - self.q

    @cached_property
    def nature(self) -> Nature:
        return self._x.nature.normalised(centred=True, eps=0.0)


def on_sphere(root: Signal, phi: Activation, backward: Activation | None, sources: frozenset[int]) -> Signal:
    """A function of the entries of a normalised batch, whose units depend on these sources."""
    return _OnSphere(root, phi, backward, sources)


class _OnSphere(_OverBatch):
    """A function phi of the entries of a normalised batch, whose tangents see the slope of ``backward``."""

    def __init__(self, root: Signal, phi: Activation, backward: Activation | None, sources: frozenset[int]) -> None:
        super().__init__(root, sources)
        self._root, self.root, self.phi, self.backward = root, root, phi, backward
        self._seen = phi if backward is None else backward

    @property
    def _batch(self) -> float:
        assert self._root.sphere is not None
        return self._root.sphere

    @cached_property
    def _moments(self) -> SphereMoments:
        assert self.phi is not None
        return sphere_moments(self.phi, self._batch, self._seen)

    def _estimate(self, found: Estimate, factor: float = 1.0) -> Bounded:
        return self._all(factor * float(found.value), factor * float(found.error))

    @cached_property
    def q(self) -> Bounded:
        return self._estimate(self._moments.V)

    @cached_property
    def m(self) -> Bounded:
        return self._estimate(self._moments.M)

    @cached_property
    def G(self) -> Bounded:
        _ = self._root.G  # refuses what makes no sense
        return self._between(float(self._moments.G.value), float(self._moments.G.error))

    @cached_property
    def chi(self) -> Bounded:
        return self._root.chi * self._own

    @cached_property
    def _own(self) -> Bounded:
        """What is made of chi of the entries themselves, who have (B - 2)/B of what differed."""
        if self._seen.smoothness is Smoothness.JUMP:
            return self._all(np.inf)
        return self._estimate(self._moments.own, self._batch / (self._batch - 2.0))

    def pushed(self, of: Products) -> Bounded:
        if self._seen.smoothness is Smoothness.JUMP:
            raise UnsupportedError(f"{self._seen.name} jumps: the tangents of two inputs have no product behind it")
        before, alike = of(self._root), self.pairs.alike
        other = self._estimate(self._moments.other, self._batch / (self._batch - 2.0))
        factors = Bounded(
            *(np.where(alike, a, b) for a, b in ((self._own.value, other.value), (self._own.error, other.error)))
        )
        return factors * before[np.flatnonzero(alike)]

    @cached_property
    def gap(self) -> Bounded:
        return (self._root.gap + self._root.q) / self._root.chi * self.chi - self.q

    @cached_property
    def nature(self) -> Nature:
        assert self.phi is not None
        return self._root.nature.through(self.phi)
