r"""The variance map F(q) = sigma_b^2 + sigma_w^2 E[phi(sqrt(q) Z)^2]: values, slopes, where variances end."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from eoc.activations import activation as resolve
from eoc.activations.base import Activation
from eoc.errors import AccuracyError, EocError
from eoc.floats import EPS, FloatArray
from eoc.gaussian.moments import Estimate, checked_variances
from eoc.maps import layer
from eoc.maps.variance_fixed_points import FixedPoint, all_fixed_points
from eoc.sharing import cached_property

__all__ = ["VarianceMap", "checked_sigma"]


_SIGMA_RANGE = (1e-130, 1e50)  # so that squares, times any variance, stay within double precision
_ITERATIONS = 10_000
_VAGUE = 1e-6  # relative error of a fixed point beyond which it is not taken for the limit of what lies within it


def checked_sigma(name: str, value: float) -> float:
    """A standard deviation as a float, or an error that names it."""
    try:
        out = float(value)
    except (TypeError, ValueError, OverflowError):
        raise EocError(f"{name} must be a number, got {value!r}") from None
    if not (out == 0.0 or _SIGMA_RANGE[0] <= out <= _SIGMA_RANGE[1]):
        low, high = _SIGMA_RANGE
        raise EocError(f"{name} must be a standard deviation >= 0: 0, or from {low:g} to {high:g}; got {value!r}")
    return out


class VarianceMap:
    r"""F(q) = sigma_b^2 + sigma_w^2 V(q) with V(q) = E[phi(sqrt(q) Z)^2].

    Parameters
    ----------
    activation
        An activation, or whatever :func:`eoc.activation` understands: a name, a formula, a Python function.
    sigma_w, sigma_b
        Standard deviations of the weights (times sqrt(fan-in)) and of the biases, >= 0.

    Notes
    -----
    The formulas are in :mod:`eoc.maps.layer`, for arrays of sigma_w and sigma_b too. F(q) - q comes without
    cancellation; its sign decides what attracts what, so nothing depends on a step size.

    Examples
    --------
    >>> tanh = VarianceMap("tanh", sigma_w=2.5, sigma_b=0.3)  # Poole et al. (2016)
    >>> [(p.stability, round(p.q, 8), round(p.chi_1, 8)) for p in tanh.fixed_points]
    [('stable', 4.07912388, 1.58522477)]
    >>> critical = VarianceMap("tanh", sigma_w=1.0, sigma_b=0.0)
    >>> [(p.stability, p.q, p.basin) for p in critical.fixed_points]
    [('marginal', 0.0, (0.0, inf))]
    """

    def __init__(self, activation: object, sigma_w: float, sigma_b: float = 0.0) -> None:
        self.activation: Activation = resolve(activation)
        self.sigma_w = checked_sigma("sigma_w", sigma_w)
        self.sigma_b = checked_sigma("sigma_b", sigma_b)

    def __repr__(self) -> str:
        return f"VarianceMap({self.activation.name!r}, sigma_w={self.sigma_w!r}, sigma_b={self.sigma_b!r})"

    def __call__(self, q: ArrayLike) -> FloatArray:
        """F(q), of the shape of q."""
        return self.F(q).value

    def F(self, q: ArrayLike) -> Estimate:
        """F(q) = sigma_b^2 + sigma_w^2 V(q) with its error bound."""
        return layer.variance_after(self.activation, self.sigma_w, self.sigma_b, q)

    def slope(self, q: ArrayLike, *, strict: bool = True) -> Estimate:
        """F'(q) = sigma_w^2 (D + P), the deltas of kinks and jumps included; ``strict`` as in :func:`eoc.moments`."""
        return layer.slope(self.activation, self.sigma_w, q, strict=strict)

    def chi_1(self, q: ArrayLike, *, strict: bool = True) -> Estimate:
        """sigma_w^2 D(q): the slope of the correlation map at c = 1. Infinite if phi jumps and sigma_w > 0."""
        return layer.chi_1(self.activation, self.sigma_w, q, strict=strict)

    def growth(self, q: ArrayLike) -> Estimate:
        """F(q) - q without cancellation, with its error bound; the sign tells where q moves. NaN where undefined."""
        return layer.growth(self.activation, self.sigma_w, self.sigma_b, q)

    @cached_property
    def is_identity(self) -> bool:
        """Whether F(q) = q for every q, to rounding: a positively homogeneous phi at its critical sigma_w."""
        gain = self.sigma_w**2 * self.activation.kappa
        critical = abs(gain - 1.0) <= 4.0 * EPS
        return self.activation.is_positively_homogeneous and self.sigma_b == 0.0 and critical

    @cached_property
    def fixed_points(self) -> tuple[FixedPoint, ...]:
        """Every fixed point in increasing order: 0 if F(0) = 0, those in between, and q = inf if variances diverge.

        Empty if F is the identity (:attr:`is_identity`). For a phi that grows like exp(a x^2) the last unstable point
        can lie so close to q_max = 1/(4a) that it is only known to lie there: see its ``q_error``. Found by a scan of
        24 points a decade, with a refinement at every near miss, from sigma_b^2 / 2 (1e-20 if sigma_b = 0) to where F
        has settled to its behaviour at infinity.
        """
        return () if self.is_identity else all_fixed_points(self.activation, self.sigma_w, self.sigma_b)

    @property
    def kept(self) -> float:
        """The only variance that layers settle at; 1 for a homogeneous phi without bias, whose other maps scale.

        Raises
        ------
        EocError
            If variances diverge, or settle at more than one value.
        """
        return self._kept[0]

    @property
    def kept_error(self) -> float:
        """A bound on the error of ``kept``."""
        return self._kept[1]

    @cached_property
    def _kept(self) -> tuple[float, float]:
        if self.activation.is_positively_homogeneous and self.sigma_b == 0.0:
            return 1.0, 0.0
        finite = [p for p in self.fixed_points if p.basin is not None and not p.diverges]
        if len(finite) == 1:
            return finite[0].q, finite[0].q_error
        if finite:
            raise EocError(f"{self!r} has several stable variances, {[p.q for p in finite]}: give the q you mean")
        raise EocError(f"variances diverge for {self!r}: take a smaller sigma_w, or give a q for the map of one layer")

    def limit(self, q: float) -> float:
        """The variance q* that layers reach from the variance q of the first one; inf if it diverges.

        Raises
        ------
        AccuracyError
            If q lies within the error of a badly known fixed point, or comes near none within 10 000 layers.

        Notes
        -----
        It always settles: sqrt(q) V(q) is the integral of phi(x)^2 exp(-x^2/2q), which increases with q, so that F'
        >= -1/2 at every fixed point and there are no cycles.

        Examples
        --------
        >>> VarianceMap("silu", sigma_w=1.679531600691645, sigma_b=0.2).limit(1.0)  # 0.689 is unstable
        inf
        """
        start = float(checked_variances(q))
        start = float(self.F(start).value) if start == 0.0 else start
        if self.is_identity or start == 0.0:
            return float(q)
        for point in self.fixed_points:
            if not point.diverges and abs(start - point.q) <= point.q_error:
                if point.basin is None and point.q_error > _VAGUE * point.q:
                    raise AccuracyError(f"q = {start!r} is too close to {point} to tell where it goes")
                return point.q
        for _ in range(_ITERATIONS):
            for point in self.fixed_points:
                if point.basin is not None and point.basin[0] < start < point.basin[1]:
                    return point.q
            start = float(self.F(start).value)
        raise AccuracyError(f"the variance is still on its way after {_ITERATIONS} layers, at q = {start:g}")

    @cached_property
    def domain(self) -> tuple[float, float] | None:
        """(q, K_var) if (sigma_b, sigma_w) lies in D_phi,var (Hayou et al. 2019), else None.

        D_phi,var: every input with 0 < q_1 <= K comes to the same finite q. K_var is the largest such K. None if small
        inputs diverge, or keep their variance because F is the identity.
        """
        for point in self.fixed_points:
            if point.basin is not None and point.basin[0] == 0.0 and np.isfinite(point.q):
                return point.q, point.basin[1]
        return None
