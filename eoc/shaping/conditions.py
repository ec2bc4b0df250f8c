r"""What is asked of phi_hat(x) = gamma (phi(alpha x + beta) + delta), as two equations for alpha and beta.

With psi(z) = phi(alpha z + beta), Q the variance map and C the correlation map at variance 1 of a layer with
sigma_w = 1 and sigma_b = 0:

- *TAT*, Zhang, Botev and Martens (2022): Q(1) = 1, Q'(1) = 1, C'(1) = 1, C''(1) = kappa. So gamma^-2 = E psi'^2, the
  mean of psi + delta is eta = +-(E psi'^2 - Var psi)^(1/2), kappa = E psi''^2 / E psi'^2, E[(psi + delta) psi''] = 0;
- *DKS*, Martens et al. (2021): Q(1) = 1, Q'(1) = 1, C(0) = 0, C'(1) = 1 + eps. So gamma^-2 = Var psi, delta = -E psi,
  eps = (E psi'^2 - Var psi) / Var psi, and E psi'^2 - Var psi + Cov(psi, psi'') = 0.

Each equation is divided by what is asked for, so that 1e-12 left of it is 1e-12 of that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from eoc.layers.bounded import Bounded, exact
from eoc.shaping.means import Means

__all__ = ["Conditions", "Method"]

Method = Literal["tat", "dks"]


@dataclass(frozen=True)
class Conditions:
    """The equations of a method.

    Attributes
    ----------
    method
        "tat" or "dks".
    goal
        kappa = C''(1) of TAT, eps = C'(1) - 1 of DKS: small and > 0.
    sign
        Of the mean of phi_hat, for TAT.
    """

    method: Method
    goal: float
    sign: float = 1.0

    @property
    def equations(self) -> Callable[[Means], tuple[Bounded, Bounded]]:
        """What has to be 0."""
        return self._of_tat if self.method == "tat" else self._of_dks

    def _of_tat(self, m: Means) -> tuple[Bounded, Bounded]:
        assert m.bend is not None
        scale = m.slope * self.goal
        flat = m.a * m.skew + m.mixed - m.dr_dr + (self._mean(m) - m.r) * m.tilt
        return m.bend / scale - 1.0, flat / scale

    def _of_dks(self, m: Means) -> tuple[Bounded, Bounded]:
        scale = m.spread * self.goal
        flat = m.a * m.skew + m.mixed - m.spread_of_r - m.r * m.tilt
        return m.excess / scale - 1.0, flat / scale

    def _mean(self, m: Means) -> Bounded:
        """E psi + delta."""
        return m.excess.root() * self.sign if self.method == "tat" else m.r * 0.0

    def gamma(self, m: Means) -> Bounded:
        """The factor that makes Q(1) = 1 (and C'(1) = 1 of TAT)."""
        root = (m.slope if self.method == "tat" else m.spread).root()
        return exact(1.0) / root

    def delta(self, m: Means) -> Bounded:
        """What is added before that."""
        return self._mean(m) - m.r - m.start
