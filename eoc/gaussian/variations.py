r"""How the moments of an activation change with parameters of it, and with the variance.

With psi the derivative of phi by a parameter, X = sqrt(q) Z with the density p, and knots k that move with k',

.. math:: \partial V = 2 E[\phi \psi] + \sum_k p(k) k' (\phi(k^-)^2 - \phi(k^+)^2),

and likewise D = E[phi'^2] by psi' and S = E[phi''^2] by psi'': derivatives by parameters are Gaussian integrals
themselves. Those by q are, for every function g,

.. math:: \partial_q E[g(\sqrt q Z)] = E[(Z^2 - 1) g(\sqrt q Z)] / 2q.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from eoc.activations.base import Activation
from eoc.activations.formula.varied import Varied
from eoc.errors import AccuracyError
from eoc.floats import EPS, FloatArray
from eoc.gaussian.divergence import vertical
from eoc.gaussian.moments import Estimate
from eoc.gaussian.panels import integrate_table, tabulate
from eoc.gaussian.tangent import resolved_radius

__all__ = ["Variations", "variations"]

_USELESS = 1e-6  # relative error of an integral that is refused


@dataclass(frozen=True)
class Variations:
    """Derivatives at one variance.

    Attributes
    ----------
    V, D, S
        By each of P parameters, with bounds, (P,).
    D_q, S_q
        Of D and S by the variance, ().
    """

    V: Estimate
    D: Estimate
    S: Estimate
    D_q: Estimate
    S_q: Estimate


def variations(phi: Activation, by: Sequence[Varied], q: float) -> Variations:
    """The derivatives of V, D and S by parameters, and of D and S by the variance q > 0.

    Raises
    ------
    AccuracyError
        Where double precision overflows or an integrand cannot be resolved. What is infinite because phi has kinks, S,
        is meaningless here.

    Examples
    --------
    >>> from eoc.activations import activation
    >>> from eoc.activations.formula.varied import varied
    >>> phi = activation("leaky_relu", slope=0.5)  # V = D q, D = (1 + slope^2) / 2
    >>> found = variations(phi, [varied(phi.template, (("slope", 0.5),), "slope", phi.knots)], 2.0)
    >>> found.V.value.round(12).tolist(), found.D.value.round(12).tolist()
    ([1.0], [0.5])
    """
    count = len(by)
    radii = [resolved_radius(one) for one in (phi, *(v.psi for v in by))]
    graded = np.concatenate([r * 2.0 ** np.arange(64.0) for r in radii if r > 0.0] or [np.empty(0)])
    graded = graded[graded < 40.0 * q**0.5]
    knots = np.concatenate([np.asarray(one.knots, dtype=float) for one in (phi, *(v.psi for v in by))])
    table = tabulate(
        partial(_integrands, phi, by, q),
        np.unique(np.concatenate([knots, graded, -graded])),
        np.array([q**0.5]),
        half_line=False,
        roots=vertical(phi),
        name=phi.name,
    )
    value, error, size = (part[0] for part in integrate_table(table, np.array([q])))
    bad = ~(error[: 2 * count] <= _USELESS * size[: 2 * count] + _FLOOR)
    if bad.any():
        raise AccuracyError(f"how {phi.name} changes with its parameters cannot be integrated at q = {q:g}")
    parts = [_with_knots(phi, by, q, order, value, error) for order in range(3)]
    by_q = [Estimate(value[3 * count + i] / (2.0 * q), error[3 * count + i] / (2.0 * q)) for i in range(2)]
    return Variations(*parts, *by_q)


_FLOOR = 1e-300


def _integrands(phi: Activation, by: Sequence[Varied], q: float, x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """2 phi psi of every parameter, 2 phi' psi', 2 phi'' psi'', then (Z^2 - 1) phi'^2 and phi''^2; with bounds."""
    own = [phi.derivative(order, x) for order in range(3)]
    values, errors = [], []
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        for order, (f, f_off) in enumerate(own):
            for one in by:
                g, g_off = one.psi.derivative(order, x)
                values.append(2.0 * f * g)
                errors.append(2.0 * (np.abs(f) * g_off + np.abs(g) * f_off + f_off * g_off))
        weight, weight_off = x * x / q - 1.0, 4.0 * EPS * (x * x / q + 1.0)
        for f, f_off in own[1:]:
            values.append(weight * f * f)
            errors.append(np.abs(weight) * (2.0 * np.abs(f) + f_off) * f_off + weight_off * f * f)
    return np.stack(values), np.stack(errors)


def _with_knots(
    phi: Activation, by: Sequence[Varied], q: float, order: int, value: FloatArray, error: FloatArray
) -> Estimate:
    """The integrals of one order, and what moving knots add to them."""
    here = slice(order * len(by), (order + 1) * len(by))
    total, off = value[here].copy(), error[here].copy()
    for i, one in enumerate(by):
        for b in phi.breakpoints:
            drop = b.left[order] ** 2 - b.right[order] ** 2
            exponent = b.x**2 / (2.0 * q)
            added = one.motion.get(b.x, 0.0) * drop * np.exp(-exponent) / np.sqrt(2.0 * np.pi * q)
            total[i] += added
            off[i] += EPS * (16.0 + exponent) * abs(added)
    return Estimate(total, off)
