r"""The laws by which condition numbers of kernels change with depth, in the three phases.

For m inputs of one variance q and one correlation c_l, kappa = m / r - (m - 1) with r = 1 - c_l for the NNGP and
r = 1 - Theta_12 / Theta_11 for the NTK. With the expansion 1 - f = chi e - s e^{3/2} - a e^2 of the correlation map,
e = 1 - c (:mod:`eoc.maps.laws`), s > 0 where phi has kinks:

- *edge of chaos*: e ~ beta_q / l or kappa_q / l^2, and Theta_12 / Theta_11 -> 1/(1 + p), hence kappa(Theta) ->
  (m + p)/p with p = 2 for a smooth phi and p = 3 with kinks; both with relative corrections O(log l / l);
- *ordered*, e ~ A chi^l: kappa(K) ~ m / (A chi^l). For a smooth phi kappa(Theta) ~ m / (l A chi^l (1 - chi + 2 a/chi)),
  with corrections O(1/l); with kinks another law, kappa(Theta) ~ m (sqrt(chi) - chi) / (3/2 s sqrt(A chi^l)), with
  corrections O(chi^{l/2});
- *chaotic*: kappa(K) -> 1 + m c* / (1 - c*), and kappa(Theta) - 1 ~ m c* (chi - 1) / ((1 - f'(c*)) chi^{l+1}), where
  l activations are l + 1 layers.

Xiao, Pennington & Schoenholz (2020) for the orders, but of kinked activations in the ordered phase; Hayou et al. (2019)
for the ratios on the edge; constants derived here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from eoc.errors import EocError
from eoc.floats import FloatArray
from eoc.maps import CorrelationMap, convergence_law

__all__ = ["ConditionLaw", "Phase", "condition_law"]

Phase = Literal["ordered", "edge", "chaotic", "constant"]

_SMALL = 1e-12  # 1 - c at which the law has come, in the ordered phase
_DEEPEST = 1e12


@dataclass(frozen=True)
class ConditionLaw:
    """What condition numbers do at large depth.

    Attributes
    ----------
    phase
        "ordered", "edge" (of chaos), "chaotic", or "constant" where correlations do not change (a linear phi without
        bias).
    has_kinks
        Whether the law is that of an activation with kinks.
    inputs
        m.
    scale
        beta_q or kappa_q on the edge; A in the ordered phase; Theta_12/q in the limit, c*/(1 - f'(c*)), in the chaotic
        one.
    chi
        chi_1.
    bend
        What else enters, in the ordered phase: 1 - chi + 2 a/chi, or 3/2 s/(sqrt(chi) - chi) with kinks.
    limit
        c*, of the chaotic phase; 1 elsewhere.
    """

    phase: Phase
    has_kinks: bool
    inputs: int
    scale: float
    chi: float
    bend: float
    limit: float

    @property
    def ratio(self) -> float:
        """Theta_12 / Theta_11 in the limit: 1/4 or 1/3 on the edge of chaos, 1 in the ordered phase, 0 in the other."""
        if self.phase == "edge":
            return 0.25 if self.has_kinks else 1.0 / 3.0
        return {"ordered": 1.0, "chaotic": 0.0}.get(self.phase, float("nan"))

    def nngp(self, depth: FloatArray) -> FloatArray:
        """The condition number of the NNGP at depths (n,), to leading order."""
        m = self.inputs
        with np.errstate(divide="ignore", over="ignore"):
            if self.phase == "edge":
                return np.asarray(m / self.scale * depth ** (2.0 if self.has_kinks else 1.0))
            if self.phase == "ordered":
                return np.asarray(m / self.scale * self._grown(depth))
        return np.full(np.shape(depth), 1.0 + m * self.limit / (1.0 - self.limit) if self.limit < 1.0 else np.nan)

    def ntk(self, depth: FloatArray) -> FloatArray:
        """The condition number of the NTK at depths (n,), to leading order."""
        m = self.inputs
        with np.errstate(divide="ignore", over="ignore"):
            if self.phase == "edge":
                return np.full(np.shape(depth), (m + 3.0) / 3.0 if self.has_kinks else (m + 2.0) / 2.0)
            if self.phase == "ordered" and self.has_kinks:
                return np.asarray(m / (self.bend * self.scale**0.5) * np.sqrt(self._grown(depth)))
            if self.phase == "ordered":
                return np.asarray(m / (self.bend * self.scale * depth) * self._grown(depth))
            if self.phase == "chaotic":
                return np.asarray(1.0 + m * self.scale * (self.chi - 1.0) / self.chi * self._grown(depth))
        return np.full(np.shape(depth), np.nan)

    def _grown(self, depth: FloatArray) -> FloatArray:
        """chi^-l."""
        return np.asarray(np.exp(-np.log(self.chi) * depth))


def condition_law(f: CorrelationMap, inputs: int, one_minus_c: float) -> ConditionLaw:
    """The law for a correlation map, as many inputs, and the 1 - c > 0 that they begin with.

    Raises
    ------
    EocError
        If the expansion of the map at c = 1 is not known.

    Examples
    --------
    >>> law = condition_law(CorrelationMap("relu", 2**0.5), 10, 0.7)
    >>> law.phase, law.ratio, law.ntk(np.array([1e6])).round(6).tolist()  # (m + 3)/3
    ('edge', 0.25, [4.333333])
    """
    if f.is_identity:
        return ConditionLaw("constant", False, inputs, float("nan"), 1.0, float("nan"), 1.0)
    if f.chi_1 == 1.0:
        law = convergence_law(f)
        return ConditionLaw("edge", law.law == "1/l^2", inputs, law.constant, 1.0, float("nan"), 1.0)
    if f.chi_1 > 1.0:
        end = f.stable_point
        scale = end.c / end.one_minus_slope
        return ConditionLaw("chaotic", False, inputs, scale, f.chi_1, float("nan"), end.c)
    terms = {term.power: term.coefficient for term in f.expansion}
    s, a, chi = -terms.get(1.5, 0.0), -terms.get(2.0, 0.0), f.chi_1
    bend = 1.5 * s / (chi**0.5 - chi) if s > 0.0 else 1.0 - chi + 2.0 * a / chi
    return ConditionLaw("ordered", s > 0.0, inputs, _prefactor(f, one_minus_c), chi, bend, 1.0)


def _prefactor(f: CorrelationMap, one_minus_c: float) -> float:
    """A of e_l ~ A chi^l."""
    depth = f.depth_until(_SMALL * _SMALL, one_minus_c=one_minus_c)
    if not depth <= _DEEPEST:
        raise EocError(f"chi_1 = {f.chi_1:.17g} is too close to 1: correlations follow no law of the ordered phase")
    e = float(f.iterate(depth, one_minus_c=one_minus_c).value)
    return float(np.exp(np.log(e) - depth * np.log(f.chi_1)))
