r"""Normalisation and multiplicative noise.

With r = (q - m^2 + eps)^(-1/2), layer normalisation is r (x - m), RMS normalisation the same with m = 0:

.. math:: q' = r^2 (q - m^2), \qquad
          G' = r_a r_b \tilde G + \Delta r \Delta(r \tilde q)/2, \qquad T' = r_a r_b T,

with tilde q = q - m^2 and tilde G = G - (Delta m)^2/2 of the centred signal. A Gaussian signal stays Gaussian; at one
common variance phi(root) becomes an affine function of phi(root), at several a different one at every point.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from eoc.activations import activation
from eoc.activations.algebra import affine
from eoc.errors import EocError
from eoc.layers.bounded import Bounded, exact
from eoc.layers.law import Law
from eoc.layers.nature import Nature
from eoc.layers.signal import Products, Signal, spread
from eoc.layers.split import Split, only_rest
from eoc.sharing import cached_property

__all__ = ["Noise", "Norm"]


@dataclass(frozen=True)
class Norm:
    """Layer normalisation (``centred``), or RMS normalisation."""

    centred: bool
    eps: float = 0.0

    def __call__(self, x: Signal) -> Signal:
        """The signal behind it."""
        return _Normed(x, self.centred, self.eps)


class _Normed(Signal):
    def __init__(self, x: Signal, centred: bool, eps: float) -> None:
        super().__init__(x.pairs, x.sources)
        self._x, self._centred, self._eps = x, centred, eps
        self.is_gaussian, self.has_law = x.is_gaussian, x.has_law
        phi = activation("identity") if x.sphere is not None else x.phi
        if phi is not None and x.q.value.size and (x.q.value == x.q.value[0]).all():
            r, m = float(self._r.value[0]), float(x.m.value[0]) if centred else 0.0
            self.root, self.phi = x if x.sphere is not None else x.root, affine(phi, r, -r * m)
            self.backward = None if x.backward is None else affine(x.backward, r)

    def laws(self, knots: tuple[float, ...]) -> tuple[Law, ...]:
        """Those of x, shifted and scaled."""
        m = self._x.m.value if self._centred else np.zeros(self._r.value.shape)
        numbers = zip(self._x.laws(()), self._r.value, self._r.error, m, strict=True)
        return tuple(law.affine(float(r), -float(r * shift), float(off / r)) for law, r, off, shift in numbers)

    @cached_property
    def _q(self) -> Bounded:
        return self._x.q - self._x.m * self._x.m if self._centred else self._x.q

    @cached_property
    def _dq(self) -> Bounded:
        return self._x.dq - self._x.m * self._x.dm * 2.0 if self._centred else self._x.dq

    @cached_property
    def _known(self) -> NDArray[np.bool_]:
        """Where there is something to be divided by."""
        known = np.isfinite(self._q.value) & ((self._q.value > 0.0) | (self._eps > 0.0))
        if self.pairs.strict and not known.all():
            size = "infinite" if (known | (self._q.value > 0.0)).all() else "0"
            raise EocError(f"the variance before a norm is {size}: change what comes before")
        return known

    @cached_property
    def _r(self) -> Bounded:
        size = (self._q + self._eps).root()
        return exact(np.ones_like(size.value)) / Bounded(np.where(self._known, size.value, np.nan), size.error)

    @cached_property
    def q(self) -> Bounded:
        ones = exact(np.ones_like(self._q.value)) if self._eps == 0.0 else self._q / (self._q + self._eps)
        return Bounded(np.where(self._known, ones.value, np.nan), np.where(self._known, ones.error, np.inf))

    @cached_property
    def m(self) -> Bounded:
        return exact(np.zeros_like(self._q.value)) if self._centred else self._x.m * self._r

    @cached_property
    def G(self) -> Bounded:
        a, b = self.of_pairs(self._r)
        inner = self._x.G - spread(self, self._x.m, self._x.m) * 0.5 if self._centred else self._x.G
        return a * b * inner + spread(self, self._r, self._r * self._q) * 0.5

    @cached_property
    def chi(self) -> Bounded:
        return self._r * self._r * self._x.chi

    def pushed(self, of: Products) -> Bounded:
        a, b = self.of_pairs(self._r)
        return a * b * of(self._x)

    @cached_property
    def dq(self) -> Bounded:
        if self._eps == 0.0:
            return exact(np.zeros_like(self._q.value))
        return self._dq * self._eps / ((self._q + self._eps) * (self._q + self._eps))

    @cached_property
    def dm(self) -> Bounded:
        if self._centred:
            return exact(np.zeros_like(self._q.value))
        cube = self._r * self._r * self._r
        return self._x.dm * self._r - self._x.m * cube * self._dq * 0.5

    @cached_property
    def gap(self) -> Bounded:
        whole = self._x.gap + self._x.m * self._x.m if self._centred else self._x.gap
        return self._r * self._r * whole

    @cached_property
    def split(self) -> Split:
        return only_rest(self.q)

    @cached_property
    def nature(self) -> Nature:
        return self._x.nature.normalised(centred=self._centred, eps=self._eps)


@dataclass(frozen=True)
class Noise:
    """y = eps x with independent eps of mean 1 and second moment mu2.

    q' = mu2 q; for masks of their own G' = G + (mu2 - 1) (q_a + q_b)/2, and T' = T of pairs; for one mask for all
    points (``shared``) mu2 G and mu2 T.

    Dropout that keeps a share p: mu2 = 1/p. Schoenholz et al. (2017), Pretorius et al. (2018).
    """

    mu2: float
    shared: bool = False

    def __post_init__(self) -> None:
        if not self.mu2 >= 1.0:
            raise EocError(f"the second moment of noise of mean 1 must be >= 1, got {self.mu2!r}")

    def __call__(self, x: Signal) -> Signal:
        """The signal behind it."""
        return x if self.mu2 == 1.0 else _Noisy(x, self.mu2, self.shared)


class _Noisy(Signal):
    def __init__(self, x: Signal, mu2: float, shared: bool) -> None:
        super().__init__(x.pairs, x.sources)
        self._x, self._mu2, self._shared = x, mu2, shared

    @cached_property
    def q(self) -> Bounded:
        return self._x.q * self._mu2

    @cached_property
    def m(self) -> Bounded:
        return self._x.m

    @cached_property
    def G(self) -> Bounded:
        if self._shared:
            return self._x.G * self._mu2
        apart = self._x.G + self._x.mean_q * (self._mu2 - 1.0)
        alike = self.pairs.alike
        return Bounded(np.where(alike, 0.0, apart.value), np.where(alike, 0.0, apart.error))

    @property
    def _of_pairs(self) -> Bounded:
        """E[eps_a eps_b]."""
        return exact(np.where(self.pairs.alike | self._shared, self._mu2, 1.0))

    @cached_property
    def chi(self) -> Bounded:
        return self._x.chi * self._mu2

    def pushed(self, of: Products) -> Bounded:
        return of(self._x) * self._of_pairs

    @cached_property
    def dq(self) -> Bounded:
        return self._x.dq * self._mu2

    @cached_property
    def dm(self) -> Bounded:
        return self._x.dm

    @cached_property
    def gap(self) -> Bounded:
        return self._x.gap * self._mu2

    @cached_property
    def split(self) -> Split:
        return self._x.split.affine(self._mu2, 0.0)

    @cached_property
    def nature(self) -> Nature:
        return replace(self._x.nature, factor=self._mu2 * self._x.nature.factor)
