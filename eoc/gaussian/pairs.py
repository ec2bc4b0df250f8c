r"""Gaussian expectations of an activation at many pairs of inputs, each with a variance of its own, with error bounds.

With u, v Gaussian of variances q_a, q_b and correlation c, these are K = E[phi(u) phi(v)], Kd = E[phi'(u) phi'(v)] and
G = E[(phi(u) - phi(v))^2] / 2, as of :mod:`eoc.gaussian.bivariate`. They come from tables in the larger variance and in
coordinates in which they are analytic up to equal inputs (:mod:`eoc.gaussian.pair_tables`). What these do not resolve
is integrated pair by pair (:mod:`eoc.gaussian.unequal`).
"""

from __future__ import annotations

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
from eoc.gaussian.pair_tables import PairTables, pair_tables
from eoc.gaussian.sources import refuse_singularities
from eoc.gaussian.unequal import by_plane, homogeneous

__all__ = ["NAMES", "PARITY", "pair_moments"]

NAMES = ("K", "Kd", "G")
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
    nanoseconds. Where phi jumps or changes on very many scales, pairs are integrated one by one.

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
    if phi.is_positively_homogeneous:
        parts = [homogeneous(phi, name, variances[a], variances[b], e) for name in names]
        return {name: Estimate(*part) for name, part in zip(names, parts, strict=True)}
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
    values, errors = np.full((3, e.size), np.nan), np.full((3, e.size), np.inf)
    v = moments(phi, q, ("V",))["V"]
    above = q[first] >= q[second]
    larger, smaller = np.where(above, first, second), np.where(above, second, first)
    served = q[larger] <= LARGEST * q[smaller]
    order = np.flatnonzero(served)[np.argsort(larger[served], kind="stable")]
    octaves = np.frexp(q)[1] - 1
    for octave in np.unique(octaves[larger[served]]):
        tables = pair_tables(phi, int(octave))
        if tables is not None:
            here = order[octaves[larger[order]] == octave]
            values[:, here], errors[:, here] = _of_octave(tables, q, v, larger[here], smaller[here], e[here])
    return values, errors


def _of_octave(
    tables: PairTables, q: FloatArray, v: Estimate, larger: IntArray, smaller: IntArray, e: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """The same for pairs sorted by their larger variances, all of one octave."""
    rows, start = np.unique(larger, return_index=True)
    start, leaves = np.append(start, e.size), np.empty(e.size, np.int64)
    values, errors = np.full((3, e.size), np.nan), np.full((3, e.size), np.inf)
    inputs = (q, v.value, v.error)
    parity = PARITY[tables.phi.parity]
    while kernels.evaluate_pairs(
        tables.boxes, tables.low, parity, start, rows, smaller, e, inputs, values, errors, leaves
    ):
        tables.build(leaves[leaves >= 0])
    return values, errors
