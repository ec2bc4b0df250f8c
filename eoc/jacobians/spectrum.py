r"""Squared singular values of the input-output Jacobian of a wide random network.

With D_l diagonal, of phi' at the pre-activations of layer l, whose variance is q in all layers, and weights W_l that
are sigma_w times an orthogonal matrix or have independent Gaussian entries of variance sigma_w^2 / n,

.. math:: J = W_L D_L \cdots W_1 D_1.

At infinite width all factors are free, and the law of J J^T follows from that of phi'(X)^2, X ~ N(0, q): its moments
(:mod:`eoc.jacobians.series`), its edge and atoms (:mod:`eoc.jacobians.edge`) and its density
(:mod:`eoc.jacobians.density`).
Pennington, Schoenholz & Ganguli (2017, 2018).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from eoc.errors import EocError, UnsupportedError
from eoc.floats import EPS, FloatArray
from eoc.gaussian.moments import Estimate
from eoc.jacobians.density import density_at
from eoc.jacobians.edge import largest_squared, shared_values
from eoc.jacobians.place import Place, place_of
from eoc.jacobians.series import relative_moments
from eoc.jacobians.slopes import SlopeLaw, slope_law
from eoc.validation import real_numbers, whole_numbers

__all__ = [
    "DEEPEST",
    "Atom",
    "JacobianSpectrum",
    "Weights",
    "checked_depth",
    "checked_weights",
    "jacobian",
    "spectrum_at",
]

Weights = Literal["gaussian", "orthogonal"]

DEEPEST = 10**6


@dataclass(frozen=True)
class Atom:
    """A squared singular value that a positive share of all singular values has.

    Attributes
    ----------
    value
        It.
    mass, mass_error
        The share, and a bound on its error.
    """

    value: float
    mass: float
    mass_error: float


@dataclass(frozen=True, eq=False)
class JacobianSpectrum:
    """The law of the squared singular values of the Jacobian, at infinite width.

    Attributes
    ----------
    activation, weights, depth
        Its name, "gaussian" or "orthogonal", and the number of layers L.
    sigma_w, sigma_b, q
        How layers are drawn and the variance that they keep.
    chi_1, chi_1_error
        sigma_w^2 E[phi'^2], by which each layer multiplies the mean; exactly 1 on the edge of chaos.
    moments, moments_error
        E[s^2], E[s^4], E[s^6], E[s^8] of singular values s, and bounds on their errors; infinite where phi' has none.
    variance, variance_error
        That of s^2, over its squared mean: L (E[phi'^4] / E[phi'^2]^2 - 1), and L more for Gaussian weights.
    largest, largest_error
        The edge of the spectrum, the largest s^2; infinite where phi' is not bounded.
    atoms
        Values that a share of all s^2 has, in increasing order.
    slopes
        The law of phi'^2.
    """

    activation: str
    weights: Weights
    depth: int
    sigma_w: float
    sigma_b: float
    q: float
    chi_1: float
    chi_1_error: float
    moments: FloatArray
    moments_error: FloatArray
    variance: float
    variance_error: float
    largest: float
    largest_error: float
    atoms: tuple[Atom, ...]
    slopes: SlopeLaw = field(repr=False)

    def density(self, x: ArrayLike) -> Estimate:
        """The density of s^2 beside its atoms at x > 0, of any shape, with bounds on the errors.

        Raises
        ------
        EocError
            For an x that is not > 0.
        UnsupportedError
            For one layer of orthogonal weights, unless phi is piecewise linear: that is the law of phi'^2 itself.

        Examples
        --------
        >>> jacobian("identity", 1.0, depth=2).density(1.0).value.round(12).item()  # Fuss-Catalan
        0.178979127488
        """
        values = real_numbers("x", x)
        if not ((values > 0.0) & (values < np.inf)).all():
            raise EocError(f"x must be > 0, got {float(values[~((values > 0.0) & (values < np.inf))].flat[0])!r}")
        flat, orthogonal = values.reshape(-1), self.weights == "orthogonal"
        found = np.zeros((2, flat.size))
        if orthogonal and self.slopes.is_discrete and (self.depth == 1 or self.slopes.levels.size == 1):
            return Estimate(found[0].reshape(values.shape), found[1].reshape(values.shape))  # only atoms
        if orthogonal and self.depth == 1:
            raise UnsupportedError(
                f"J J^T of one layer with orthogonal weights is sigma_w^2 phi'^2 of {self.activation}, whose density "
                "is infinite wherever phi' turns: take depth >= 2 or Gaussian weights"
            )
        inside = flat < self.largest + self.largest_error
        if inside.any():
            log_error = np.full(int(inside.sum()), self.depth * self._relative_error)
            log_x = np.log(flat[inside]) - self.depth * np.log(self.chi_1)
            at = density_at(self.slopes, log_x, log_error, self.depth, orthogonal)
            found[:, inside] = at.value / flat[inside], at.error / flat[inside]
        return Estimate(found[0].reshape(values.shape), found[1].reshape(values.shape))

    @property
    def _relative_error(self) -> float:
        return self.chi_1_error / self.chi_1 + self.slopes.mean_error / self.slopes.mean

    def to_dict(self) -> dict[str, Any]:
        """Everything by name; the density not among it."""
        own = {name: value for name, value in vars(self).items() if name not in ("atoms", "slopes")}
        return own | {"atoms": [vars(atom) for atom in self.atoms]}


def jacobian(
    activation: object,
    sigma_w: float | None = None,
    sigma_b: float | None = None,
    *,
    depth: int,
    weights: Weights = "gaussian",
    q: float | None = None,
) -> JacobianSpectrum:
    """The law of the squared singular values of the Jacobian of a deep network, at infinite width.

    Parameters
    ----------
    activation
        Whatever :func:`eoc.activation` understands, or a :class:`eoc.CorrelationMap` in place of it and the sigmas. It
        must not jump.
    sigma_w, sigma_b
        Of all layers. Without sigma_w: on the edge of chaos, at this sigma_b, or at this q.
    depth
        L, layers, from 1 to 10^6.
    weights
        "gaussian" or "orthogonal".
    q
        The variance of all pre-activations, > 0, in place of sigma_b, which is then what keeps it. Without: the
        variance that layers keep.

    Returns
    -------
    JacobianSpectrum
        Moments, variance, largest value, atoms, and ``density``.

    Raises
    ------
    UnsupportedError
        For networks of other layers, and activations that jump.
    EocError
        For numbers out of range, and where no variance is kept.

    Examples
    --------
    >>> relu = jacobian("relu", 2**0.5, depth=5, weights="orthogonal")
    >>> relu.largest, relu.moments.round(10).tolist()  # 5^5 / 4^4
    (12.20703125, [1.0, 6.0, 46.0, 396.0])
    >>> relu.atoms[0].value, relu.atoms[0].mass  # units are off
    (0.0, 0.5)
    """
    layers, kind = checked_depth(depth), checked_weights(weights)
    return spectrum_at(place_of(activation, sigma_w, sigma_b, q), layers, kind)


def spectrum_at(place: Place, depth: int, weights: Weights) -> JacobianSpectrum:
    """The spectrum of layers that work at a place."""
    phi, orthogonal = place.phi, weights == "orthogonal"
    law = slope_law(phi, place.q, place.q_error)
    chi = 1.0 if place.is_critical else place.sigma_w**2 * law.mean
    chi_error = 0.0 if place.is_critical else place.sigma_w**2 * law.mean_error + 4.0 * EPS * chi
    relative, off, variance, variance_error = relative_moments(law, depth, orthogonal)
    edge, edge_error = largest_squared(law, depth, orthogonal)
    lost = 0.0 if place.is_critical else np.expm1(depth * (chi_error / chi + 2.0 * EPS))
    scale_lost = np.expm1(depth * (chi_error / chi + law.mean_error / law.mean + 2.0 * EPS))
    powers = np.arange(1.0, 5.0)
    with np.errstate(over="ignore", under="ignore"):
        scales = chi ** (depth * powers)
        moments = relative * scales
        moments_error = off * scales + np.where(np.isinf(moments), 0.0, moments * powers * lost * 1.1)
        largest = edge * chi**depth
        largest_error = 0.0 if np.isinf(largest) else edge_error * chi**depth + largest * scale_lost
        atoms = shared_values(law, depth, orthogonal)
    return JacobianSpectrum(
        phi.name,
        weights,
        depth,
        place.sigma_w,
        place.sigma_b,
        place.q,
        chi,
        chi_error,
        moments,
        moments_error,
        variance,
        variance_error,
        float(largest),
        float(largest_error),
        tuple(Atom(value * chi**depth, mass, error) for value, mass, error in atoms),
        law,
    )


def checked_weights(weights: Weights) -> Weights:
    """The word for the weights, or an EocError."""
    if weights not in ("gaussian", "orthogonal"):
        raise EocError(f"weights must be 'gaussian' or 'orthogonal', got {weights!r}")
    return weights


def checked_depth(depth: int) -> int:
    """The number of layers as an int, or an EocError."""
    whole = whole_numbers("depth", depth, 1.0)
    if whole.ndim or whole > DEEPEST:
        raise EocError(f"depth must be a whole number of layers from 1 to {DEEPEST}, got {depth!r}")
    return int(whole)
