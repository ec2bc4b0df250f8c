r"""Gaussian expectations of an activation at many pairs of inputs, each with a variance of its own, with error bounds.

With u, v Gaussian of variances q_a, q_b and correlation c, these are K = E[phi(u) phi(v)], Kd = E[phi'(u) phi'(v)] and
G = E[(phi(u) - phi(v))^2] / 2, as of :mod:`eoc.gaussian.bivariate`. They come from tables in the larger variance and in
coordinates in which they are analytic up to equal inputs (:mod:`eoc.gaussian.pair_tables`). What these do not resolve
is integrated pair by pair (:mod:`eoc.gaussian.unequal`).
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from eoc.activations import activation as resolve
from eoc.activations.base import Activation
from eoc.errors import EocError
from eoc.floats import FloatArray, IntArray
from eoc.gaussian import kernels
from eoc.gaussian.angle import angle_of
from eoc.gaussian.charts import LARGEST
from eoc.gaussian.moments import Estimate, check_names, checked_variances, moments
from eoc.gaussian.pair_tables import pair_tables
from eoc.gaussian.sources import refuse_singularities
from eoc.gaussian.unequal import by_plane, in_closed_form

__all__ = ["NAMES", "PARITY", "pair_moments"]

NAMES = ("K", "Kd", "G")
_RANK = np.int16
PARITY = {"even": 1, "odd": -1, None: 0}  #: as kernels know it


def pair_moments(
    activation: object,
    q: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    c: ArrayLike | None = None,
    names: tuple[str, ...] = NAMES,
    *,
    one_minus_c: ArrayLike | None = None,
) -> dict[str, Estimate]:
    """Expectations at pairs of n inputs.

    Parameters
    ----------
    activation
        An activation, or whatever :func:`eoc.activation` understands: a name, a formula, a Python function.
    q
        Variances > 0 of the inputs, (n,).
    first, second
        Which two inputs each pair is, (N,): indices from 0 to n - 1.
    c, one_minus_c
        Exactly one of: correlations of the pairs in [-1, 1], or 1 minus them in [0, 2], (N,).
    names
        Which ones: any of "K", "Kd", "G" (see the top of this module).

    Returns
    -------
    dict
        An :class:`Estimate` for each name: values and bounds on their absolute errors, (N,).

    Raises
    ------
    EocError
        For variances, correlations or indices outside their range.
    NotPermissibleError
        Where E[phi^2] or E[phi'^2] is infinite.
    AccuracyError
        Where double precision overflows or the integrand cannot be resolved.

    Notes
    -----
    Accuracy: about 1e-14 E[phi^2] for K, 1e-14 E[phi'^2] for Kd, and for G 1e-12 relative however close the inputs,
    where q E[phi'^2] is not much smaller than E[phi^2]; the bounds are some ten times larger. Tables are built for each
    octave of the larger variance when it is met first, in some tenths of a second; then a pair costs some hundred
    nanoseconds. Where phi jumps, but for steps, or changes on very many scales, pairs are integrated one by one.
    Kd is E[phi'(u) phi'(v)] almost everywhere: what jumps add to the slope of K by the covariance is not in it.

    Examples
    --------
    >>> found = pair_moments("erf", [0.5, 1.0, 2.0], [0, 0, 1], [1, 2, 2], [0.3, -0.2, 0.9])
    >>> found["K"].value.round(12).tolist()  # (2/pi) arcsin(2 k / sqrt((1 + 2 q_a) (1 + 2 q_b))), Williams (1997)
    [0.110824686604, -0.080743038339, 0.456575283285]
    """
    check_names(names, NAMES)
    phi, variances = resolve(activation), np.atleast_1d(checked_variances(q))
    e = np.atleast_1d(angle_of(c, one_minus_c=one_minus_c).e)
    a, b = (_indices(which, variances.size) for which in (first, second))
    if not a.shape == b.shape == e.shape == (e.size,):
        raise EocError(
            f"pairs need as many first as second inputs and correlations, got {a.size}, {b.size} and {e.size}"
        )
    if (variances == 0.0).any():
        raise EocError("q must be > 0 for two correlated inputs, got 0")
    parts = in_closed_form(phi, names, variances[a], variances[b], e)
    if parts is not None:
        return {name: Estimate(*part) for name, part in parts.items()}
    refuse_singularities(phi)
    values, errors = _tabulated(phi, variances, e, a, b)
    rows = [NAMES.index(name) for name in names]
    left = ~np.isfinite(errors[rows]).all(axis=0)
    for k in np.flatnonzero(left):
        for row in rows:
            pair = float(variances[a[k]]), float(variances[b[k]]), float(e[k])
            values[row, k], errors[row, k] = by_plane(phi, NAMES[row], *pair)
    return {name: Estimate(values[row], errors[row]) for name, row in zip(names, rows, strict=True)}


def _indices(which: ArrayLike, n: int) -> IntArray:
    found = np.atleast_1d(np.asarray(which))
    if not np.issubdtype(found.dtype, np.integer):
        raise EocError(f"pairs are given by whole numbers, got {found.dtype}")
    if found.size and not (found.min() >= 0 and found.max() < n):
        bad = found[(found < 0) | (found >= n)].flat[0]
        raise EocError(f"pairs must be of inputs 0 to {n - 1}, got {bad}")
    return found.astype(np.int64)


def _tabulated(
    phi: Activation, q: FloatArray, e: FloatArray, first: IntArray, second: IntArray
) -> tuple[FloatArray, FloatArray]:
    """K, Kd and G, and bounds on the errors, (3, N): infinite where tables do not serve."""
    falling = np.argsort(-q, kind="stable")
    rank = np.empty(q.size, _RANK if q.size <= np.iinfo(_RANK).max else np.int64)  # short: sorted fast
    rank[falling] = np.arange(q.size)
    a, b = rank[first], rank[second]
    larger, smaller = np.minimum(a, b), np.maximum(a, b)
    order = None if (larger[1:] >= larger[:-1]).all() else np.argsort(larger, kind="stable")
    larger, smaller, e = (one if order is None else one[order] for one in (larger, smaller, e))
    q = q[falling]
    v = moments(phi, q, ("V",))["V"]
    ends = np.searchsorted(larger, np.append(0, np.flatnonzero(np.diff(np.frexp(q)[1])) + 1))  # of octaves
    parts = [
        _of_octave(phi, q, v, larger[start:stop].astype(np.int64), smaller[start:stop].astype(np.int64), e[start:stop])
        for start, stop in pairwise([*ends.tolist(), e.size])
        if start < stop
    ]
    values, errors = parts[0] if len(parts) == 1 else (np.concatenate(of, axis=1) for of in zip(*parts, strict=True))
    if order is None:
        return values, errors
    found = np.empty_like(values), np.empty_like(errors)
    for into, one in zip(found, (values, errors), strict=True):
        into[:, order] = one
    return found


def _of_octave(
    phi: Activation, q: FloatArray, v: Estimate, larger: IntArray, smaller: IntArray, e: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """The same for pairs sorted by their larger variances, all of one octave."""
    values, errors = np.full((3, e.size), np.nan), np.full((3, e.size), np.inf)
    tables = pair_tables(phi, int(np.frexp(q[larger[0]])[1]) - 1)
    served = slice(None) if q[0] <= LARGEST * q[-1] else q[larger] <= LARGEST * q[smaller]
    if tables is None or not e[served].size:
        return values, errors
    e = e[served]
    rows, start = np.unique(larger[served], return_index=True)
    start, leaves = np.append(start, e.size), np.empty(e.size, np.int64)
    found = [np.ascontiguousarray(one[:, served]) for one in (values, errors)]  # these themselves if all are
    inputs, parity = (q, v.value, v.error), PARITY[phi.parity]
    while kernels.evaluate_pairs(
        tables.boxes, tables.low, parity, start, rows, smaller[served], e, inputs, *found, leaves
    ):
        tables.build(leaves[leaves >= 0])
    values[:, served], errors[:, served] = found
    return values, errors
