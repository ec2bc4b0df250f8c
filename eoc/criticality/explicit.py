r"""The edge of chaos as a curve parametrised by q, and where it changes its stability.

Both conditions, F(q) = q and chi_1(q) = 1, are linear in sigma_w^2 and sigma_b^2, for a plain layer and for every block
in which only sums, scales and further dense layers follow the free one, chi = a + sigma_w^2 b:

.. math:: \sigma_w^{-2} = D = \frac{b}{1 - a}, \qquad \sigma_b^2 = \frac{gap}{D}, \qquad F'(q) = 1 + \frac{P}{D}.

Of a plain layer D = E[phi'^2], gap = q D - E[phi^2] and P = E[phi phi'']; of blocks they come from the algebra.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eoc.errors import EocError, UnsupportedError
from eoc.floats import EPS, FloatArray
from eoc.gaussian.moments import Estimate, moments
from eoc.layers import Network, understood
from eoc.layers.bounded import Bounded, exact
from eoc.layers.unsolved import parts_of
from eoc.maps import Stability, VarianceMap
from eoc.scan import all_roots, decades

__all__ = [
    "FIRM",
    "Curve",
    "Residual",
    "bias_residual",
    "curve",
    "edge_moments",
    "explicit_network",
    "only_scales",
    "solvable_network",
    "squared_bias",
    "transitions",
    "variances",
]

Residual = Callable[[FloatArray], tuple[FloatArray, FloatArray]]
IsFar = Callable[[FloatArray], NDArray[np.bool_]]

_Q_MAX = 1e8
_FIRST_STEP = 1e4
FIRM = 0.98  # |F'| up to which a variance is held firmly: errors fall by e in 50 layers


@dataclass(frozen=True, kw_only=True)
class Curve:
    """The edge of chaos at given variances: arrays of the shape of q; NaN where sigma_b^2 would be negative."""

    q: FloatArray
    sigma_w: FloatArray
    sigma_b: FloatArray
    slope: FloatArray

    def __getitem__(self, keep: NDArray[Any]) -> Curve:
        return Curve(q=self.q[keep], sigma_w=self.sigma_w[keep], sigma_b=self.sigma_b[keep], slope=self.slope[keep])


def curve(activation: object, q: ArrayLike) -> Curve:
    """sigma_b(q), sigma_w(q) and F'(q) along the edge of chaos, at given variances.

    Parameters
    ----------
    activation
        An activation, or whatever :func:`eoc.activation` understands; or a network, see :func:`eoc.eoc_curve`.
    q
        Variances > 0, scalar or array of any shape; ``np.geomspace(1e-6, 1e3, 400)`` suits a plot of most activations.

    Returns
    -------
    Curve
        Arrays of the shape of q. A point is usable where ``slope < 1``. Accurate to about 1e-14 relative; the bounds
        are in :func:`edge_of_chaos` with ``q=``.

    Raises
    ------
    EocError
        For a q that is no variance, and for a network that is not explicit in q.

    Examples
    --------
    >>> erf = curve("erf", np.array([1.0]))  # sigma_w^2 = (pi/4) sqrt(1 + 4 q)
    >>> bool(abs(erf.sigma_w[0] ** 2 - np.pi / 4 * 5**0.5) < 1e-14)
    True
    """
    network = explicit_network(activation)
    q = np.asarray(q, dtype=float)
    m = edge_moments(network, q, ("D", "P", "gap"))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        d = np.where((m["D"].value > 0.0) & (m["D"].value < np.inf), m["D"].value, np.nan)
        squared = m["gap"].value / d
        sigma_b = np.sqrt(np.where(squared >= 0.0, squared, np.nan))
        return Curve(q=q, sigma_w=d**-0.5, sigma_b=sigma_b, slope=1.0 + m["P"].value / d)


def transitions(activation: object) -> tuple[tuple[float, float, Stability], ...]:
    """Where the edge of chaos changes its stability as q grows: (sigma_b, q, what it becomes).

    The roots of P(q) = E[phi phi''], because F'(q) = 1 + P/D; F' = -1 cannot occur, since F' >= -1/2 at every fixed
    point.

    Parameters
    ----------
    activation
        An activation, or whatever :func:`eoc.activation` understands; or a network, see :func:`eoc.eoc_curve`.

    Returns
    -------
    tuple of (sigma_b, q, stability)
        By increasing q, from q = 1e-12 to 1e8; sigma_b and q to about 1e-12 relative.

    Examples
    --------
    >>> [(round(b, 8), name) for b, q, name in transitions("gelu")]
    [(0.41583938, 'stable')]
    """
    network = explicit_network(activation)

    def relative_slope(q: FloatArray) -> tuple[FloatArray, FloatArray]:
        m = edge_moments(network, q, ("D", "P"))
        with np.errstate(divide="ignore", invalid="ignore"):
            return m["P"].value / m["D"].value, m["P"].error / m["D"].value

    roots, signs = all_roots(relative_slope, variances(network, 1e-12))
    out: list[tuple[float, float, Stability]] = []
    for q, sign in zip(roots, signs[1:], strict=True):
        squared = float(squared_bias(network, np.array([q])).value[0])
        if squared > 0.0:
            out.append((squared**0.5, float(q), "stable" if sign < 0.0 else "unstable"))
    return tuple(out)


def solvable_network(source: object) -> Network:
    """A network with a free dense layer, whose blocks are all the same.

    Raises
    ------
    EocError
        For others.
    UnsupportedError
        Where gradients see surrogates.
    """
    network = understood(source)
    if network.has_surrogates:
        raise UnsupportedError(
            f"gradients do not see the slopes of {network.name!r}, so that keeping them is not keeping differences "
            "between inputs: there is no edge of chaos, eoc.gradient_critical gives the sigma_w that keep gradients"
        )
    network.check_alone()
    if not network.is_free:
        raise EocError(
            f"{network.name!r} has no dense without numbers to be solved for: leave the numbers of one out; "
            "eoc.phase_of (eoc phase) says what it does as it stands"
        )
    if network.varies:
        raise EocError(f"the blocks of {network.name!r} differ from layer to layer: no single one is critical")
    return network


def explicit_network(source: object) -> Network:
    """One whose edge of chaos is explicit in q.

    Raises
    ------
    EocError
        As :func:`solvable_network`.
    UnsupportedError
        Where more than sums, scales and dense layers follows what is free, or phi grows like exp(a x^2) in a network.
    """
    network = solvable_network(source)
    if network.phi is None and not (network.free_is_last and network.q_max > 0.0):
        raise UnsupportedError(
            f"an activation follows the dense without numbers of {network.name!r}, or a norm that does not decide its "
            "variance alone, so that the edge of chaos is not explicit: give that one numbers, and leave those of the "
            "last dense out"
        )
    return network


def only_scales(network: Network) -> bool:
    """Whether variances are only multiplied by a number where there are no biases, as by relu."""
    phi = network.phi
    return phi.is_positively_homogeneous if phi is not None else VarianceMap(network, 1.0).scales


def edge_moments(
    network: Network, q: FloatArray, names: tuple[str, ...], *, surrogates: bool = False
) -> dict[str, Estimate]:
    """D, gap and P, those of them that are named, at variances of any shape; see the module. NaN where undefined.

    With ``surrogates`` chi is what gradients' second moment is multiplied by.
    """
    if network.phi is not None and not surrogates:
        return moments(network.phi, q, names, strict=False)
    y, one = network.unsolved(q.ravel(), surrogates=surrogates), exact(np.ones(q.size))
    chi, own, _ = parts_of(y.chi)
    d = own / (one - chi)
    parts = {"D": d}
    if "gap" in names:
        fixed, weight, bias = parts_of(y.gap)
        parts["gap"] = (fixed * d + weight) / (bias * -1.0)
    if "P" in names:
        fixed, weight, _ = parts_of(y.dq)
        parts["P"] = (fixed - chi) * d + (weight - own)
    known = (d.value > 0.0) & np.isfinite(d.error)
    return {name: _where(known, parts[name], q.shape) for name in names}


def _where(known: NDArray[np.bool_], one: Bounded, shape: tuple[int, ...]) -> Estimate:
    value, error = np.where(known, one.value, np.nan), np.where(known, one.error, np.inf)
    return Estimate(value.reshape(shape), error.reshape(shape))


def squared_bias(network: Network, q: FloatArray, *, surrogates: bool = False) -> Estimate:
    """sigma_b^2(q) = gap/D at the variances q (n,); NaN where D = 0. ``surrogates`` as for :func:`edge_moments`."""
    m = edge_moments(network, q, ("D", "gap"), surrogates=surrogates)
    d, gap = m["D"], m["gap"]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        value = np.where(d.value > 0.0, gap.value / d.value, np.nan)
        error = gap.error / d.value + np.abs(value) * d.error / d.value + 4.0 * EPS * np.abs(value)
    return Estimate(value, error)


def bias_residual(network: Network, sigma_b: float, *, surrogates: bool = False) -> Residual:
    """(sigma_b^2(q) - sigma_b^2)/q with its error, of order one where the curve is far from that sigma_b."""

    def residual(q: FloatArray) -> tuple[FloatArray, FloatArray]:
        squared = squared_bias(network, q, surrogates=surrogates)
        return (squared.value - sigma_b**2) / q, squared.error / q

    return residual


def variances(network: Network, low: float, is_far: IsFar | None = None) -> FloatArray:
    """Variances from low to 1e8, or to where sigma_b^2(q) is far beyond what is looked for and still growing.

    What oscillates without end, such as snake, is scanned as far as quadrature is cheap, about q = 1e5.
    """
    high = min(_Q_MAX, network.easy_variance)
    grid = decades(low, min(high, max(_FIRST_STEP, 1e4 * low)))
    while grid[-1] < high:
        squared = squared_bias(network, grid[-3:]).value
        if np.isnan(squared[-1]):
            break
        if is_far is not None and is_far(squared).all() and (np.diff(squared) > 0.0).all():
            break
        grid = np.append(grid, decades(grid[-1], min(1e2 * grid[-1], high))[1:])
    return grid
