r"""The Gram matrix by which the hidden layer of a two-layer network learns, and what smoothness says of it.

For inputs x_i and hidden weights w ~ N(0, I), without biases,

.. math:: G_{ij} = E[\phi'(w \cdot x_i) \phi'(w \cdot x_j)] \, x_i \cdot x_j.

Gradient descent fits all data in a time of about log(1/loss) / lambda_min(G) (Panigrahi, Shetty & Goyal 2020). Of n
equally spaced points on the unit circle the eigenvalues are n times aliased Fourier coefficients of kappa(theta) =
cos(theta) E[phi'(u) phi'(v)]. If the r-th derivative of phi is the first that jumps, by J_k at x_k, then kappa behaves
like |theta|^{2r-1} at 0 and at pi, hence

.. math:: a_m \simeq \frac{(2r-1)!}{2 \pi^2 (2r-1)!!} \, \frac{W - (-1)^{m+r} U}{m^{2r}}, \qquad
          W = \sum_k J_k^2 e^{-x_k^2/2}, \quad U = \sum_{x_k = -x_l} J_k J_l e^{-x_k^2/2},

and with h(x) = sum over all j of |x + j|^{-2r} (W - (-1)^j |U|) the smallest eigenvalue is that factor, times the least
h(x), times n^{1-2r}, for odd n; for even n, where antipodal points meet, (W - |U|) stands before the sum. For n = 33
points and relu it is 1/(4 n) to 2 %. Of a smooth phi it falls faster than any such power. Derived here; exponents as in
the paper.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import comb, exp, factorial, prod
from operator import attrgetter

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize_scalar
from scipy.special import zeta

from eoc.activations import activation as resolve
from eoc.activations.base import Smoothness
from eoc.errors import UnsupportedError
from eoc.floats import FloatArray
from eoc.kernels.inputs import points_of
from eoc.kernels.spectra import Spectrum, spectrum_of
from eoc.layers import Input, Pairs
from eoc.layers.bounded import Bounded
from eoc.layers.elementwise import Elementwise
from eoc.machine import check_memory
from eoc.validation import whole_numbers

__all__ = ["SmoothnessLaw", "TwoLayerGram", "smoothness_law", "two_layer_gram"]

_SMOOTHER = 3  # derivatives from which on jumps are not known
_GRID = 2001
_ARRAYS = 10  # of the size of the matrix, in memory at once


@dataclass(frozen=True)
class SmoothnessLaw:
    """How the smallest eigenvalue falls with the number of inputs.

    Attributes
    ----------
    order
        r: the first derivative of phi that jumps, 1 (kinks) or 2; None where it is a later one, or none.
    weight, mirrored
        W and U.
    powers
        Which powers c^k the kernel has, of a phi that is known to be a polynomial: the rank is then bounded.
    """

    order: int | None
    weight: float
    mirrored: float
    powers: tuple[int, ...] = ()

    @property
    def exponent(self) -> float:
        """The p of lambda_min ~ n^-p on the circle; infinite for what is smoother than that, or has a bounded rank.

        Of points on any sphere it is delta^p, delta their smallest distance.
        """
        return float("inf") if self.order is None else 2.0 * self.order - 1.0

    def on_circle(self, points: int) -> float:
        """The leading term for n equally spaced points on the unit circle.

        It is off by O(1/n), or O(n^-2/3) where W = |U| and phi is not piecewise linear (ELU: by half of what is there
        at n = 200). 0 where the term vanishes: for activations smoother than these orders, and for even n where all
        kinks meet their mirror images, such as those at 0.
        """
        n = int(whole_numbers("points", points, 1.0))
        if self.order is None:
            return 0.0
        s = 2 * self.order
        factor = factorial(s - 1) / (2.0 * np.pi**2 * prod(range(1, s, 2)))
        least = _least(self.weight, abs(self.mirrored), s) if n % 2 else (self.weight - abs(self.mirrored)) * _even(s)
        return factor * least * float(n) ** (1 - s)

    def rank(self, features: int) -> float:
        """A bound on the rank of the matrix of any number of inputs; infinite where none is known.

        c^k is spanned by the polynomials of degree k in ``features`` numbers, and on a sphere those of degree k - 2 are
        among them.
        """
        d = int(whole_numbers("features", features, 1.0))
        if not self.powers:
            return float("inf")
        highest = [max(k for k in self.powers if k % 2 == parity) for parity in {k % 2 for k in self.powers}]
        return float(sum(comb(d + k - 1, k) for k in highest))


@dataclass(frozen=True, eq=False)
class TwoLayerGram:
    """The Gram matrix of the training of a two-layer network.

    Attributes
    ----------
    activation
        Its name.
    matrix, error
        G (n, n), and bounds on the errors of its entries.
    law
        What the smoothness of the activation says about its smallest eigenvalue.
    """

    activation: str
    matrix: FloatArray
    error: FloatArray
    law: SmoothnessLaw

    def spectrum(self) -> Spectrum:
        """Its eigenvalues; singular where the smallest cannot be told from 0, and the data then cannot be fitted."""
        return spectrum_of(self.matrix, self.error)


def two_layer_gram(activation: object, x: ArrayLike) -> TwoLayerGram:
    """The Gram matrix by which a wide two-layer network learns the inputs, with bounds.

    Parameters
    ----------
    activation
        An activation, or whatever :func:`eoc.activation` understands; one that does not jump.
    x
        Vectors as rows, (n, d), of length 1 in the paper. Biases of the hidden layer are a feature that is 1.

    Returns
    -------
    TwoLayerGram

    Raises
    ------
    UnsupportedError
        For activations that jump: their slope has no product at two points.
    EocError
        For what are no vectors.

    Examples
    --------
    >>> import numpy as np
    >>> angles = 2.0 * np.pi * np.arange(5) / 5
    >>> found = two_layer_gram("relu", np.stack([np.cos(angles), np.sin(angles)], axis=1))
    >>> found.spectrum().eigenvalues[-1].round(12)
    np.float64(0.3)
    >>> found.law.exponent  # about 1/(4 n) for odd n
    1.0
    """
    phi = resolve(activation)
    points = points_of(x, None, None, None, None)
    size = points.q.size
    check_memory(f"a Gram matrix of {size} inputs", 8.0 * _ARRAYS * size**2, "use fewer inputs")
    pairs = Pairs.with_diagonal(size)
    assert points.features is not None
    q = points.q * points.features
    inputs = Input(Bounded(q, points.q_error * q), _upper(points.one_minus_c, points.error, pairs), pairs)
    found = Elementwise(phi)(inputs).pushed(attrgetter("k"))
    matrix, error = (np.empty((size, size)) for _ in range(2))
    for into, of in ((matrix, found.value), (error, found.error)):
        into[pairs.first, pairs.second] = into[pairs.second, pairs.first] = of
    return TwoLayerGram(phi.name, matrix, error, smoothness_law(phi))


def smoothness_law(activation: object) -> SmoothnessLaw:
    """What the smoothness of an activation says about the smallest eigenvalue of its Gram matrices.

    Parameters
    ----------
    activation
        An activation, or whatever :func:`eoc.activation` understands; one that does not jump.

    Examples
    --------
    >>> smoothness_law("relu").on_circle(101) * 4 * 101  # lambda_min = 1 / (4 n)
    1.0
    >>> smoothness_law("elu").exponent, smoothness_law("polynomial(coefficients=(0, 0, 1))").rank(2)
    (3.0, 3.0)
    """
    phi = resolve(activation)
    if phi.smoothness is Smoothness.JUMP:
        raise UnsupportedError(f"{phi.name} jumps: gradient descent sees no slope of it")
    if phi.powers is not None:
        coefficients = _hermite(phi.powers)
        return SmoothnessLaw(None, 0.0, 0.0, tuple(k + 1 for k, a in enumerate(coefficients) if a != 0.0))
    for order in range(1, _SMOOTHER):
        jumps = {b.x: b.right[order] - b.left[order] for b in phi.breakpoints}
        weight = sum(j**2 * exp(-(x**2) / 2.0) for x, j in jumps.items())
        if weight > 0.0:
            mirrored = sum(j * jumps.get(-x, 0.0) * exp(-(x**2) / 2.0) for x, j in jumps.items())
            return SmoothnessLaw(order, weight, mirrored)
    return SmoothnessLaw(None, 0.0, 0.0)


def _least(weight: float, mirrored: float, s: int) -> float:
    """The least sum over all j of |x + j|^-s (W - (-1)^j |U|), 0 < x <= 1/2."""

    def total(x: FloatArray | float) -> FloatArray:
        plain = zeta(s, 1.0 + x) + zeta(s, 1.0 - x)
        turned = -_alternating(s, 1.0 + x) - _alternating(s, 1.0 - x)
        first = (weight - mirrored) * x ** -float(s) if weight > mirrored else 0.0
        return np.asarray(first + weight * plain - mirrored * turned)

    x = np.linspace(0.0, 0.5, _GRID)[weight > mirrored :]
    i = int(total(x).argmin())
    if i in (0, x.size - 1):
        return float(total(x)[i])
    return float(minimize_scalar(total, bounds=(x[i - 1], x[i + 1]), method="bounded").fun)


def _alternating(s: int, a: FloatArray | float) -> FloatArray:
    """The sum of (-1)^j (a + j)^-s over j >= 0."""
    return np.asarray(2.0**-s * (zeta(s, 0.5 * a) - zeta(s, 0.5 * (a + 1.0))))


def _even(s: int) -> float:
    """The sum over all j of |1/2 + j|^-s."""
    return float(2.0 * zeta(s, 0.5))


def _hermite(powers: tuple[float, ...]) -> FloatArray:
    """Hermite coefficients of phi', of phi with these coefficients of 1, x, x^2, ..."""
    slope = np.polynomial.Polynomial(powers).deriv()
    return np.asarray(np.polynomial.hermite_e.poly2herme(slope.coef))


def _upper(value: FloatArray, error: FloatArray, pairs: Pairs) -> Bounded:
    return Bounded(value[pairs.first, pairs.second], error[pairs.first, pairs.second])
