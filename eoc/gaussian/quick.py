r"""Half squared distances behind an activation at many variances, to five digits: from tables in variance and angle.

The layers of a real model all have variances of their own, and functions of the angle cost milliseconds at each new
one (:mod:`eoc.gaussian.angular`). With e = 1 - cos(theta),

.. math:: E[(\phi(u) - \phi(v))^2] / (2 e E[\phi^2])

is smooth in theta down to 0 and analytic in log q like every Gaussian integral, the closest singularities i pi away.
So polynomials in theta at six variances, half an octave apart and shared by all layers, give it everywhere, and what is
small stays small. At large variances it tends to that of a homogeneous function.
"""

from __future__ import annotations

import warnings

import numpy as np

from eoc.activations.base import Activation
from eoc.errors import AccuracyWarning, EocError
from eoc.floats import FloatArray
from eoc.gaussian.angle import angle_of
from eoc.gaussian.bivariate import bivariate
from eoc.gaussian.common import suits
from eoc.gaussian.moments import Estimate, moments
from eoc.gaussian.nodes import chebyshev_nodes, to_chebyshev
from eoc.sharing import cached

__all__ = ["quick_half_distances"]

_PER_OCTAVE = 2
_OFFSETS = np.arange(-2.0, 4.0)  # of the variances that are interpolated between, around the next one below
_LAST = 16  # q = 256, from where on phi is taken for what it is far out, which saves seconds
_TERMS = 48  # in theta
_NODES, _TO_SERIES = chebyshev_nodes(_TERMS), to_chebyshev(_TERMS)
_REACH, _LATTICE = 6.0, 181  # of a sum over the plane, in standard deviations, and how many values a side
_FEW, _LEAST, _ROUGH = 32, 1e-12, 1e-2
_DOUBT = 4.0  # times what two variances fewer change
_TAIL, _RESOLVED = 3, 1e-6  # coefficients that tell whether a series has converged, relative to the largest


def quick_half_distances(phi: Activation, q: float, one_minus_c: FloatArray) -> Estimate:
    """E[(phi(u) - phi(v))^2] / 2 of pairs of one variance q > 0 and correlations (N,), to about 1e-5 relative.

    Where tables do not serve, as where it jumps, turns too fast or diverges close to q, that at q itself is computed.

    Examples
    --------
    >>> from eoc.activations import activation
    >>> e, tanh = np.array([1e-9, 0.1, 1.3]), activation("tanh")
    >>> found, exact = quick_half_distances(tanh, 1.7, e), bivariate(tanh, 1.7, one_minus_c=e)["G"]
    >>> bool((abs(found.value / exact.value - 1.0) < 1e-5).all())
    True
    """
    at = _PER_OCTAVE * float(np.log2(q))
    beyond, at = at > _LAST, min(at, float(_LAST))
    below = int(np.floor(at))
    tables = [] if phi.is_positively_homogeneous else [_table(phi, below + int(offset)) for offset in _OFFSETS]
    known = [one for one in tables if one is not None]
    if len(known) < len(_OFFSETS):
        return _alone(phi, q, one_minus_c)
    weights = [_lagrange(at - below, _OFFSETS), np.pad(_lagrange(at - below, _OFFSETS[1:-1]), 1)]  # of six, of four
    x = 2.0 / np.pi * angle_of(one_minus_c=one_minus_c).theta - 1.0
    value, rough = np.polynomial.chebyshev.chebval(x, (np.array(weights) @ known).T)
    if beyond:  # the limit is near, and how near tells an octave
        rough = np.polynomial.chebyshev.chebval(x, known[0])
    rough, value = rough / value, value * one_minus_c * float(moments(phi, q, ("V",))["V"].value)
    return Estimate(value, (_DOUBT * np.abs(1.0 - rough).max(initial=0.0) + _RESOLVED) * np.abs(value))


@cached(256)
def _table(phi: Activation, index: int) -> FloatArray | None:
    """The Chebyshev series in theta at the variance of this index; None where it does not converge."""
    q, e = 2.0 ** (index / _PER_OCTAVE), 1.0 - np.cos(0.5 * np.pi * (1.0 + _NODES))
    if phi.jumps:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", AccuracyWarning)
            v = float(moments(phi, q, ("V",))["V"].value)
            ratio = _exact(phi, q, e).value / (e * v) if v > 0.0 else e * np.nan
    except (EocError, AccuracyWarning):
        return None
    series = np.asarray(_TO_SERIES @ ratio)
    return series if np.abs(series[-_TAIL:]).max() <= _RESOLVED * np.abs(series).max() else None


def _alone(phi: Activation, q: float, one_minus_c: FloatArray) -> Estimate:
    """At one variance; where values are costly, a few of them are interpolated between, on logarithmic scales."""
    if not suits(phi, q) or one_minus_c.size <= _FEW:
        return _exact(phi, q, one_minus_c)
    at = np.unique(np.quantile(np.maximum(one_minus_c, _LEAST), np.linspace(0.0, 1.0, _FEW)))
    value = np.interp(np.log(np.maximum(one_minus_c, _LEAST)), np.log(at), _exact(phi, q, at).value)
    return Estimate(value, _ROUGH * value)


def _exact(phi: Activation, q: float, e: FloatArray) -> Estimate:
    """To all digits, but for what oscillates fast, which is summed over a lattice to two or more."""
    if not suits(phi, q):
        return bivariate(phi, q, one_minus_c=e, names=("G",))["G"]
    z = np.linspace(-_REACH, _REACH, _LATTICE)
    weights = np.exp(-0.5 * z**2)
    weights /= weights.sum()
    value = np.empty(e.shape)
    for at, one in enumerate(e):
        shared, own = np.sqrt(q * (1.0 - 0.5 * one)) * z[:, None], np.sqrt(0.5 * q * one) * z
        value[at] = 0.5 * weights @ (phi(shared + own) - phi(shared - own)) ** 2 @ weights
    return Estimate(value, _ROUGH * value)


def _lagrange(x: float, nodes: FloatArray) -> FloatArray:
    """What the values at the nodes count at x."""
    apart = np.where(np.eye(nodes.size, dtype=bool), 1.0, np.subtract.outer(nodes, nodes))
    others = np.where(np.eye(nodes.size, dtype=bool), 1.0, x - nodes)
    return np.asarray((others / apart).prod(axis=1))
