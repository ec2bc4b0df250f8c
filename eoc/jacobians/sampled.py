"""Jacobians of explicit random networks, beside the theory of their singular values."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from scipy.linalg import svdvals
from scipy.stats import ortho_group

from eoc.errors import EocError
from eoc.floats import FloatArray
from eoc.jacobians.spectrum import JacobianSpectrum
from eoc.validation import whole_numbers

__all__ = ["SampledJacobians", "sample_jacobians"]


@dataclass(frozen=True, eq=False)
class SampledJacobians:
    """Squared singular values of random networks of two widths, and their moments without what is of order 1/width.

    Attributes
    ----------
    spectrum
        The theory.
    width, networks
        n, and how many networks of n and of 2 n units there are.
    squared
        (networks, 2 n), those of the wider ones, each network in decreasing order.
    moments, moments_error
        (4,), 2 m_k(2 n) - m_k(n), and their standard errors.
    z
        (4,), how many of these the theory is away; beyond the largest variance of s^8, few networks say little of m_4.
    """

    spectrum: JacobianSpectrum
    width: int
    networks: int
    squared: FloatArray
    moments: FloatArray
    moments_error: FloatArray
    z: FloatArray

    def to_dict(self) -> dict[str, Any]:
        """Everything by name but the singular values; of the theory its moments."""
        names = ("width", "networks", "moments", "moments_error", "z")
        return {name: getattr(self, name) for name in names} | {"theory": self.spectrum.moments}


def sample_jacobians(
    spectrum: JacobianSpectrum, width: int = 100, networks: int = 20, seed: int = 0
) -> SampledJacobians:
    """Draw networks with weight matrices, and compare the moments of their singular values with the theory.

    The first pre-activations are Gaussian of variance q; slopes are those of the units, as weights make them.

    Parameters
    ----------
    spectrum
        The theory, of :func:`eoc.jacobian`; of a depth up to some tens.
    width
        Units n of a layer, from 10 on; as many networks have 2 n.
    networks
        Of each width, from 2 on.
    seed
        Of the generator.

    Raises
    ------
    EocError
        For numbers out of range, and where no sigma_b keeps the variance of the theory.

    Examples
    --------
    >>> from eoc.jacobians import jacobian
    >>> found = sample_jacobians(jacobian("tanh", sigma_b=0.3, depth=3, weights="orthogonal"), 50, 10)
    >>> bool((abs(found.z) < 4).all())
    True
    """
    if np.isnan(spectrum.sigma_b):
        raise EocError(f"no sigma_b keeps q = {spectrum.q:g} at sigma_w = {spectrum.sigma_w:g}: give another q")
    units, count = int(whole_numbers("width", width, 10.0)), int(whole_numbers("networks", networks, 2.0))
    rng = np.random.default_rng(seed)
    one, two = (np.stack([_squared(spectrum, n, rng) for _ in range(count)]) for n in (units, 2 * units))
    powers = np.arange(1.0, 5.0)
    (mean, variance), (wide, wide_variance) = (_powers(values, powers) for values in (one, two))
    moments, error = 2.0 * wide - mean, np.sqrt((4.0 * wide_variance + variance) / count)
    known = np.where(error > 0.0, error, np.inf)
    return SampledJacobians(spectrum, units, count, two, moments, error, (moments - spectrum.moments) / known)


def _powers(squared: FloatArray, powers: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Moments, averaged over networks, and their variances between networks."""
    each = np.array([(squared**k).mean(axis=1) for k in powers])
    return each.mean(axis=1), each.var(axis=1, ddof=1)


def _squared(spectrum: JacobianSpectrum, units: int, rng: np.random.Generator) -> FloatArray:
    """Squared singular values of the Jacobian of one network."""
    phi = spectrum.slopes.phi
    h = sqrt(spectrum.q) * rng.standard_normal(units)
    product = np.eye(units)
    for _ in range(spectrum.depth):
        weights = spectrum.sigma_w * _drawn(spectrum.weights, units, rng)
        product = weights @ (phi.dphi(h)[:, None] * product)
        h = weights @ phi.phi(h) + spectrum.sigma_b * rng.standard_normal(units)
    return np.asarray(svdvals(product) ** 2)


def _drawn(weights: str, units: int, rng: np.random.Generator) -> FloatArray:
    if weights == "orthogonal":
        return np.asarray(ortho_group.rvs(units, random_state=rng))
    return rng.standard_normal((units, units)) / sqrt(units)
