r"""The correlation map f: the correlation of two inputs after a layer, as a function of the one before.

For inputs of the same variance q, with F the variance map,

.. math:: f(c) = \frac{\sigma_b^2 + \sigma_w^2 K(q, c)}{F(q)}, \qquad
          1 - f(c) = \frac{\sigma_w^2 G(q, c)}{F(q)}, \qquad
          f'(c) = \frac{\sigma_w^2}{F(q)} \frac{dK}{dc}, \qquad
          f''(c) = \frac{\sigma_w^2}{F(q)} \frac{d^2K}{dc^2},

(Poole et al. 2016; F(q) = q at a fixed point, where layers stay). f is a power series in c with coefficients >= 0
that sum to 1: it increases and is convex on [0, 1], so that there f has at most one fixed point besides c = 1, and it
has none in (-1, 0): f(-x) = -x would need the odd part of f to exceed its even part by x, but the odd part is at most x
times the sum of the odd coefficients.
"""

from __future__ import annotations

from numpy.typing import ArrayLike

from eoc.errors import EocError
from eoc.gaussian.angle import Angle, angle_of
from eoc.gaussian.moments import Estimate
from eoc.maps.correlation_fixed_points import CorrelationFixedPoint, convex_from, fixed_points, stable_point
from eoc.maps.correlation_layer import CorrelationLayer
from eoc.maps.depth_flow import at_depths, layers_until
from eoc.maps.expansion import Term, expansion_at_one
from eoc.sharing import cached_property
from eoc.validation import real_number

__all__ = ["CorrelationMap"]

_KEPT = 1e-9  # relative change of q in a layer that still counts as a fixed point


class CorrelationMap(CorrelationLayer):
    """The correlation map of an activation at (sigma_w, sigma_b) and a variance q.

    Parameters
    ----------
    activation
        An activation, or whatever :func:`eoc.activation` understands: a name, a formula, a Python function.
    sigma_w, sigma_b
        Standard deviations of the weights (times sqrt(fan-in)) and of the biases, >= 0.
    q
        The variance of both inputs. Left out: the variance that layers keep (the only stable fixed point of the
        variance map). At q = 0, for sigma_b = 0, the map is the limit q -> 0, that of the tangents of phi at 0.
    q_error
        By how much the variance that is meant may differ from q: it goes into all errors. Where q is left out that is
        the error of the fixed point.
    backward
        The function whose slope gradients see, as of :class:`VarianceMap`: for :meth:`gradient_correlation`.

    Attributes
    ----------
    activation, sigma_w, sigma_b
        What was given.
    variance
        The variance map there, a :class:`VarianceMap`.
    q, q_error, next_q
        The variance, how far the one that is meant may be from it, and F(q), the one after the layer.
    chi_1, chi_1_error
        f'(1) = sigma_w^2 (q / F(q)) E[phi'^2]; infinite if phi jumps. If it is 1 to within rounding it is taken to be
        exactly 1: then (sigma_w, sigma_b) are the doubles nearest to the edge of chaos.
    angular, gain, relative_error
        1 - f is ``gain`` times (V - E[phi(u) phi(v)]) of ``angular``, the activation's functions of the angle; the
        relative error of ``gain``.

    Raises
    ------
    EocError
        If q is left out and variances diverge, or settle at more than one value; if sigma_w, sigma_b or q is out of
        range; if the next layer has no variance at all (sigma_w = sigma_b = 0), or a bias makes it jump from q = 0.
    NotPermissibleError
        Where E[phi^2] or E[phi'^2] is infinite.
    AccuracyError
        Where double precision overflows or the integrand cannot be resolved.

    Warns
    -----
    AccuracyWarning
        If a series in the angle does not converge; the error bounds say how much is lost.

    Examples
    --------
    >>> f = CorrelationMap("tanh", sigma_w=2.5, sigma_b=0.3)  # Poole et al. (2016)
    >>> round(f.chi_1, 8), round(f.stable_point.c, 8)
    (1.58522477, 0.12210375)
    >>> relu = CorrelationMap("relu", sigma_w=2**0.5)
    >>> relu([-1.0, 0.0, 1.0]).round(8).tolist()
    [0.0, 0.31830989, 1.0]
    >>> relu.iterate([10**3, 10**12], one_minus_c=1.0).value.tolist()  # 9 pi^2 / (2 l^2)
    [4.312973e-05, 4.441322e-23]
    """

    @cached_property
    def expansion(self) -> tuple[Term, ...]:
        """1 - f(1 - e) = sum of coefficient * e^power as e -> 0, the first terms: powers 1, 3/2, 2, 5/2, 3.

        From e^{1/2} on if phi jumps; without half-integer powers if phi is C^2. The coefficient of e is chi_1, that of
        e^2 is -f''(1)/2 for a phi that is C^1.
        """
        return expansion_at_one(self)

    @property
    def fixed_points(self) -> tuple[CorrelationFixedPoint, ...]:
        """Every c in [-1, 1] with f(c) = c, in increasing order; empty if f is the identity (:attr:`is_identity`)."""
        return fixed_points(self)

    @property
    def stable_point(self) -> CorrelationFixedPoint:
        """c*, where the correlation of two different inputs ends; EocError if f is the identity."""
        return stable_point(self)

    def iterate(
        self,
        depths: ArrayLike,
        c: float | None = None,
        *,
        one_minus_c: float | None = None,
        angle: float | None = None,
    ) -> Estimate:
        """1 - c_l after l layers for any depths l, 10^300 included; see :mod:`eoc.maps.depth_flow`.

        Parameters
        ----------
        depths
            Numbers of layers >= 0, scalar or array, in any order.
        c, one_minus_c, angle
            Exactly one of: the correlation of the inputs, 1 minus it, or their angle.

        Returns
        -------
        Estimate
            1 - c_l with bounds on the absolute errors, of the shape of ``depths``.

        Raises
        ------
        EocError
            If q is not kept by a layer: then correlations and variances change together (:func:`eoc.propagate`). For a
            depth that is not a whole number >= 0, or a correlation out of range.
        """
        self._check_kept()
        return at_depths(self, depths, _one_pair(angle_of(c, one_minus_c=one_minus_c, angle=angle)))

    def depth_until(
        self, target: float, c: float | None = None, *, one_minus_c: float | None = None, angle: float | None = None
    ) -> float:
        """The number of layers after which 1 - c_l <= target for good; inf if that never happens.

        A target that cannot be told from 1 - c* counts as never reached.

        Parameters
        ----------
        target
            In (0, 2].
        c, one_minus_c, angle
            The inputs, as for :meth:`iterate`.

        Raises
        ------
        EocError
            As :meth:`iterate`, and for a target out of range.

        Examples
        --------
        >>> CorrelationMap("relu", 2**0.5).depth_until(1e-6, c=0.0)
        6647.0
        """
        self._check_kept()
        return layers_until(
            self, _one_pair(angle_of(c, one_minus_c=one_minus_c, angle=angle)), real_number("target", target)
        )

    def _check_kept(self) -> None:
        if abs(self.next_q - self.q) > _KEPT * self.q and not self.variance.scales:
            raise EocError(
                f"q = {self.q!r} becomes {self.next_q!r} after a layer, so this map cannot be applied again and again: "
                "leave q out to take the variance that layers keep, or follow both with eoc.propagate"
            )

    @cached_property
    def convex_from(self) -> float:
        """The smallest c such that f is convex on [c, 1]: at most 0, and -1 if f is convex throughout."""
        return convex_from(self)


def _one_pair(at: Angle) -> Angle:
    """The angle, if it is that of a single pair of inputs."""
    if at.e.ndim:
        raise EocError(f"give the correlation of one pair of inputs, a number; got an array of shape {at.e.shape}")
    return at
