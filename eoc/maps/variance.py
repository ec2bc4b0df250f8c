r"""The variance map F(q) = sigma_b^2 + sigma_w^2 E[phi(sqrt(q) Z)^2]: values, slopes, where variances end."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from eoc.errors import AccuracyError, EocError, UnsupportedError
from eoc.floats import EPS, FloatArray
from eoc.gaussian.moments import checked_variances
from eoc.layers import Input, Pairs, Signal, checked_sigma, understood
from eoc.maps.variance_fixed_points import FixedPoint, all_fixed_points
from eoc.maps.variance_layer import VarianceLayer
from eoc.sharing import cached_property

__all__ = ["VarianceMap"]


_ITERATIONS = 10_000
_VAGUE = 1e-6  # relative error of a fixed point beyond which it is not taken for the limit of what lies within it


class VarianceMap(VarianceLayer):
    r"""F(q), the variance after a layer: sigma_b^2 + sigma_w^2 V(q) with V(q) = E[phi(sqrt(q) Z)^2]; or after a block.

    Parameters
    ----------
    activation
        An activation, or whatever :func:`eoc.activation` understands: a name, a formula, a Python function. Or an
        :func:`eoc.network`, or its text: then F is what one of its blocks does.
    sigma_w, sigma_b
        Standard deviations of the weights (times sqrt(fan-in)) and of the biases, >= 0; of a network those of its
        ``dense`` without numbers, and left out if it has none.
    backward
        Where gradients see another slope than that of phi (straight-through estimators): the function whose slope it
        is. ``"hardtanh"`` stands for 1 where abs(x) < 1, ``"identity"`` for 1, ``"bireal"`` for 2 - 2 abs(x) where
        abs(x) < 1. It changes :meth:`chi_backward` and nothing else. Networks have it in their text:
        ``"ste(sign, hardtanh), dense"``.

    Notes
    -----
    The formulas are in :mod:`eoc.layers`. F(q) - q comes without cancellation; its sign decides what attracts what, so
    nothing depends on a step size.

    Examples
    --------
    >>> tanh = VarianceMap("tanh", sigma_w=2.5, sigma_b=0.3)  # Poole et al. (2016)
    >>> [(p.stability, round(p.q, 8), round(p.chi_1, 8)) for p in tanh.fixed_points]
    [('stable', 4.07912388, 1.58522477)]
    >>> critical = VarianceMap("tanh", sigma_w=1.0, sigma_b=0.0)
    >>> [(p.stability, p.q, p.basin) for p in critical.fixed_points]
    [('marginal', 0.0, (0.0, inf))]
    >>> post = VarianceMap("postnorm(dense(1), gelu, dense)", sigma_w=1.0)  # a norm decides
    >>> [(p.q, p.slope) for p in post.fixed_points]
    [(1.0, 0.0)]
    >>> binary = VarianceMap("sign", sigma_w=1.0, backward="hardtanh")  # E[g^2] = P(|h| < 1)
    >>> binary.chi_backward(1.0).value.round(12).item()
    0.682689492137
    """

    def __init__(
        self, activation: object, sigma_w: float | None = None, sigma_b: float = 0.0, *, backward: object = None
    ) -> None:
        network = understood(activation, backward)
        if not network.is_free and isinstance(sigma_w, float) and math.isnan(sigma_w):  # as another map has it
            sigma_w = None
        network.check_free(sigma_w, sigma_b)
        if network.varies:
            raise EocError(
                f"the blocks of {network.name!r} differ from layer to layer, so that no single map describes them: "
                "follow inputs with eoc.propagate"
            )
        self.sigma_w = math.nan if sigma_w is None else checked_sigma("sigma_w", sigma_w)
        self.sigma_b = checked_sigma("sigma_b", sigma_b)
        super().__init__(network, self.sigma_w, self.sigma_b)
        if not self.is_closed:
            raise UnsupportedError(
                f"what a block of {network.name!r} hands on is not Gaussian, and the next one needs to know more of it "
                "than its variance: put a dense layer at the end, or follow inputs with eoc.propagate"
            )

    def __repr__(self) -> str:
        sigma = "" if math.isnan(self.sigma_w) else f", sigma_w={self.sigma_w!r}, sigma_b={self.sigma_b!r}"
        return f"VarianceMap({self.network.name!r}{sigma})"

    def __call__(self, q: ArrayLike) -> FloatArray:
        """F(q), of the shape of q."""
        return self.F(q).value

    @cached_property
    def is_identity(self) -> bool:
        """Whether F(q) = q for every q, to rounding: a positively homogeneous phi at its critical sigma_w."""
        return self.scales and bool(np.abs(self._one.split.less) <= 4.0 * EPS)

    @cached_property
    def scales(self) -> bool:
        """Whether F(q) = gain q, and correlations change alike at every q: positively homogeneous, without biases."""
        return self._one.nature.degree == 1.0

    @property
    def gain(self) -> float:
        """F(q)/q, of a map that scales."""
        return float(self._one.split.gain)

    @cached_property
    def _one(self) -> Signal:
        """The signal behind the block from q = 1."""
        return self.block(*self.places)(Input(1.0, pairs=Pairs.none(strict=False)))

    @cached_property
    def fixed_points(self) -> tuple[FixedPoint, ...]:
        """Every fixed point in increasing order: 0 if F(0) = 0, those in between, and q = inf if variances diverge.

        Empty if F is the identity (:attr:`is_identity`). For a phi that grows like exp(a x^2) the last unstable point
        can lie so close to q_max = 1/(4a) that it is only known to lie there: see its ``q_error``. Found by a scan of
        24 points a decade, with a refinement at every near miss, from sigma_b^2 / 2 (1e-20 if sigma_b = 0) to where F
        has settled to its behaviour at infinity.
        """
        return () if self.is_identity else all_fixed_points(self.network, self.sigma_w, self.sigma_b)

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
        if self.scales:
            return 1.0, 0.0
        finite = [p for p in self.fixed_points if p.basin is not None and not p.diverges]
        if len(finite) == 1:
            return finite[0].q, finite[0].q_error
        if finite:
            raise EocError(f"{self!r} has several stable variances, {[p.q for p in finite]}: give the q you mean")
        what = "take a smaller sigma_w" if self.network.phi is not None else "normalise, or scale what is added"
        raise EocError(f"variances diverge for {self!r}: {what}, or give a q for the map of one layer")

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

    @property
    def diverges_above(self) -> float:
        """The largest finite fixed point, if variances above it grow without end: 0 if all do, inf if none do.

        Where phi grows faster than x, they overflow within a few layers.

        Examples
        --------
        >>> VarianceMap("x - x^3/6", sigma_w=1.19, sigma_b=0.2).diverges_above  # doctest: +NUMBER
        2.0376
        """
        return self._escape[0]

    @property
    def diverges_above_error(self) -> float:
        """A bound on the error of ``diverges_above``."""
        return self._escape[1]

    @cached_property
    def _escape(self) -> tuple[float, float]:
        if self.is_identity or float(self.growth_at_infinity()) <= 0.0 or not self.fixed_points[-1].diverges:
            return math.inf, 0.0
        last = self.fixed_points[-2:-1]
        return (last[0].q, last[0].q_error) if last else (0.0, 0.0)

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
