"""Sums, products and compositions of activations, as activations: x + relu(x), x sigmoid(x), tanh(2 relu(x)).

Of objects, not of formulas: whatever :func:`eoc.activation` understands can be combined, a Python function too. Kinks
and jumps are those of the parts, for a composition with their preimages; error bounds follow those of the parts.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import partial, wraps
from itertools import pairwise
from math import comb

import numpy as np

from eoc.activations.base import Activation, Growth, Parity, Piece
from eoc.activations.growth import BOUNDED, FASTER, fastest
from eoc.errors import EocError
from eoc.floats import EPS, FloatArray

__all__ = ["affine", "composed", "product", "tangents", "total"]

_Jets = list[list[FloatArray]]  # of each part: phi, phi', ... up to an order
_Combined = Callable[[int, _Jets], FloatArray]
_Errors = Callable[[int, _Jets, _Jets], FloatArray]

_NEAR, _FAR = np.linspace(-20.0, 20.0, 4001), np.geomspace(20.0, 1e8, 400)[1:]
_GRID = np.concatenate([-_FAR[::-1], _NEAR, _FAR])  # where preimages of knots are looked for
_MOST = 200  # knots of a composition


_Function = Callable[[int, FloatArray], FloatArray]
_evaluation = threading.local()


def _once(function: _Function) -> _Function:
    """Let a function be computed once for an array, within one evaluation of what it is a part of.

    What is added to itself again and again, x + phi(x), would otherwise cost twice as much each time.
    """

    @wraps(function)
    def remembered(order: int, x: FloatArray) -> FloatArray:
        known = getattr(_evaluation, "known", None)
        if known is None:
            _evaluation.known = {}
            try:
                return function(order, x)
            finally:
                _evaluation.known = None
        key = (remembered, order, id(x))
        if key not in known:
            known[key] = x, function(order, x)  # the array too: while it is there, no other one has its id
        return np.asarray(known[key][1])

    return remembered


def affine(phi: Activation, factor: float, offset: float = 0.0) -> Activation:
    """The activation factor * phi(x) + offset.

    Examples
    --------
    >>> from eoc.activations import activation
    >>> affine(activation("tanh"), 2.0, 1.0)([0.0]).tolist()
    [1.0]
    """
    name = f"{factor:.12g}*{phi.name}" + (f" + {offset:.12g}" if offset else "")

    def value(order: int, jets: _Jets) -> FloatArray:
        return factor * jets[0][order] + (offset if order == 0 else 0.0)

    def error(order: int, jets: _Jets, off: _Jets) -> FloatArray:
        size = np.abs(factor * jets[0][order]) + (abs(offset) if order == 0 else 0.0)
        return np.asarray(abs(factor) * off[0][order] + 2.0 * EPS * size)

    parity = phi.parity if not offset or phi.parity == "even" else None
    return _pointwise(name, (phi,), value, error, phi.growth if factor else BOUNDED, parity)


def total(*terms: Activation) -> Activation:
    """The sum of several activations.

    Examples
    --------
    >>> from eoc.activations import activation
    >>> total(activation("identity"), activation("relu"))([-1.0, 2.0]).tolist()
    [-1.0, 4.0]
    """

    def value(order: int, jets: _Jets) -> FloatArray:
        return np.sum([jet[order] for jet in jets], axis=0)

    def error(order: int, jets: _Jets, off: _Jets) -> FloatArray:
        size = np.sum([np.abs(jet[order]) for jet in jets], axis=0)
        return np.asarray(np.sum([e[order] for e in off], axis=0) + len(jets) * EPS * size)

    growth = fastest(*(phi.growth for phi in terms))
    return _pointwise(" + ".join(_bracketed(t) for t in terms), terms, value, error, growth, _common(terms))


def product(first: Activation, second: Activation) -> Activation:
    """The product of two activations.

    Examples
    --------
    >>> from eoc.activations import activation
    >>> swish = product(activation("identity"), activation("sigmoid"))
    >>> bool(abs(swish(1.3) - activation("silu")(1.3)) < 1e-15)
    True
    """

    def value(order: int, jets: _Jets) -> FloatArray:
        f, g = jets
        return np.asarray(sum(comb(order, k) * f[k] * g[order - k] for k in range(order + 1)))

    def error(order: int, jets: _Jets, off: _Jets) -> FloatArray:
        f, g = ([np.abs(part) for part in jet] for jet in jets)
        ef, eg = off
        return np.asarray(
            sum(
                comb(order, k)
                * (
                    f[k] * eg[order - k]
                    + g[order - k] * ef[k]
                    + ef[k] * eg[order - k]
                    + 4.0 * EPS * f[k] * g[order - k]
                )
                for k in range(order + 1)
            )
        )

    parity: Parity | None = None
    if first.parity and second.parity:
        parity = "even" if first.parity == second.parity else "odd"
    name = f"{_bracketed(first)} * {_bracketed(second)}"
    return _pointwise(name, (first, second), value, error, _of_product(first.growth, second.growth), parity)


def composed(outer: Activation, inner: Activation) -> Activation:
    """outer(inner(x)).

    Raises
    ------
    EocError
        If the kinks of ``outer`` are met too often, as by an inner function that oscillates.

    Examples
    --------
    >>> from eoc.activations import activation
    >>> both = composed(activation("tanh"), activation("relu"))
    >>> both.knots, str(both.smoothness), both([-1.0, 0.0]).tolist()
    ((0.0,), 'kink', [0.0, 0.0])
    """
    met = {x: k for k in outer.knots for x in _preimages(inner, k)}
    knots = sorted({*inner.knots, *met})
    if len(knots) > _MOST:
        raise EocError(f"{outer.name} of {inner.name} has more than {_MOST} kinks: take a simpler activation")
    pieces = []
    for x in _inside(tuple(knots)):
        f = inner.pieces[int(np.searchsorted(inner.knots, x, side="right"))]
        g = outer.pieces[int(np.searchsorted(outer.knots, float(f.phi(np.array([x]))[0]), side="right"))]
        pieces.append(_after(g, f, met))
    parity: Parity | None = None
    if inner.parity == "even" or (inner.parity == "odd" and outer.parity is not None):
        parity = "even" if inner.parity == "even" else outer.parity
    growth = _of_composition(outer.growth, inner.growth)

    @_once
    def error_of(order: int, x: FloatArray) -> FloatArray:
        return _error_after(outer, inner, order, x)

    name = f"{outer.name}({inner.name})"
    return _activation(name, pieces, tuple(knots), growth, parity, error_of)


def tangents(phi: Activation) -> Activation:
    """What phi looks like near 0, as long as phi(0) = 0: its one-sided tangents."""
    left, right = phi.slopes_at_zero
    if not phi.vanishes_at_zero or phi.kappa == 0.0:
        raise EocError(f"{phi.name} has no correlation map at q = 0: phi(0) must be 0, with a slope; give a q > 0")
    pieces = (_line(left),) if left == right else (_line(left), _line(right))
    parity: Parity | None = "odd" if left == right else None
    knots = () if left == right else (0.0,)
    turns = ((phi.at_zero.kink, phi.at_zero.kink_error),)
    return Activation(f"tangents of {phi.name}", "", pieces, knots, Growth("polynomial", 1.0), parity, turns=turns)


def _line(slope: float) -> Piece:
    return Piece(lambda x: slope * x, lambda x: np.full(x.shape, slope), lambda x: np.zeros(x.shape))


def _activation(
    name: str,
    pieces: list[Piece],
    knots: tuple[float, ...],
    growth: Growth,
    parity: Parity | None,
    error_of: Callable[[int, FloatArray], FloatArray],
) -> Activation:
    def uncertainty(x: FloatArray) -> FloatArray:
        return np.stack([error_of(order, x) for order in range(3)])

    return Activation(name, "", tuple(pieces), knots, growth, parity, uncertainty=uncertainty, error_of=error_of)


def _pointwise(
    name: str,
    parts: tuple[Activation, ...],
    value: _Combined,
    error: _Errors,
    growth: Growth,
    parity: Parity | None,
) -> Activation:
    """What is computed from the values and derivatives of the parts at the same x."""
    knots = tuple(sorted({k for part in parts for k in part.knots}))
    pieces = []
    for x in _inside(knots):
        own = [part.pieces[int(np.searchsorted(part.knots, x, side="right"))] for part in parts]
        pieces.append(_piece(own, value))

    @_once
    def error_of(order: int, x: FloatArray) -> FloatArray:
        found = [[part.derivative(k, x) for k in range(order + 1)] for part in parts]
        return error(order, [[v for v, _ in one] for one in found], [[e for _, e in one] for one in found])

    return _activation(name, pieces, knots, growth, parity, error_of)


def _piece(parts: list[Piece], value: _Combined) -> Piece:
    @_once
    def at(order: int, x: FloatArray) -> FloatArray:
        return value(order, [[f(x) for f in (p.phi, p.dphi, p.ddphi)[: order + 1]] for p in parts])

    return Piece(partial(at, 0), partial(at, 1), partial(at, 2))


def _after(g: Piece, f: Piece, met: Mapping[float, float]) -> Piece:
    """``met`` says where f meets which knot of g: there exactly, or a kink would be a jump of its rounding."""
    places, values = np.array(list(met)), np.array(list(met.values()))

    @_once
    def inner(_: int, x: FloatArray) -> FloatArray:
        out = f.phi(x)
        for i in np.flatnonzero(np.isin(places, x)):
            out = np.where(x == places[i], values[i], out)
        return out

    @_once
    def at(order: int, x: FloatArray) -> FloatArray:
        inside = inner(0, x)
        if order == 0:
            return g.phi(inside)
        if order == 1:
            return np.asarray(g.dphi(inside) * f.dphi(x))
        return np.asarray(g.ddphi(inside) * f.dphi(x) ** 2 + g.dphi(inside) * f.ddphi(x))

    return Piece(partial(at, 0), partial(at, 1), partial(at, 2))


def _error_after(outer: Activation, inner: Activation, order: int, x: FloatArray) -> FloatArray:
    """The errors of both: what the inner one is off by is followed by evaluating the outer one there."""
    inside, off = inner.derivative(0, x)

    def of_outer(k: int) -> tuple[FloatArray, FloatArray]:
        values, own = outer.derivative(k, inside)
        function = (outer.phi, outer.dphi, outer.ddphi)[k]
        moved = [np.abs(function(inside + side * off) - values) for side in (-1.0, 1.0)]
        return np.abs(values), own + np.maximum(*moved) + 4.0 * EPS * np.abs(values)

    if order == 0:
        return of_outer(0)[1]
    dg, edg = of_outer(1)
    df, edf = inner.derivative(1, x)
    df = np.abs(df)
    if order == 1:
        return np.asarray(edg * df + dg * edf + edg * edf)
    ddg, eddg = of_outer(2)
    ddf, eddf = inner.derivative(2, x)
    return np.asarray(eddg * df**2 + ddg * (2.0 * df + edf) * edf + edg * np.abs(ddf) + dg * eddf + edg * eddf)


def _inside(knots: tuple[float, ...]) -> list[float]:
    """A point of every interval between knots."""
    if not knots:
        return [0.0]
    return [knots[0] - 1.0, *(0.5 * (a + b) for a, b in pairwise(knots)), knots[-1] + 1.0]


def _preimages(phi: Activation, value: float) -> list[float]:
    """Where phi crosses a value inside one of its pieces."""
    ends = (-np.inf, *phi.knots, np.inf)
    return [
        x for piece, between in zip(phi.pieces, pairwise(ends), strict=True) for x in _crossings(piece, value, *between)
    ]


def _crossings(piece: Piece, value: float, low: float, high: float) -> list[float]:
    from scipy.optimize import brentq

    def off(x: float) -> float:
        return float(piece.phi(np.array([x]))[0]) - value

    ends = [x for x in (low, high) if np.isfinite(x)]
    grid = np.sort(np.concatenate([ends, _GRID[(low < _GRID) & (high > _GRID)]]))
    with np.errstate(all="ignore"):
        signs = np.sign(piece.phi(grid) - value)
    there = np.flatnonzero(signs[:-1] * signs[1:] < 0.0)
    on_grid = grid[1:-1][(signs[1:-1] == 0.0) & (signs[:-2] * signs[2:] < 0.0)]
    exactly = {"xtol": 1e-300, "rtol": 4.0 * EPS, "maxiter": 2000}  # by halves down to 0
    return [*(float(brentq(off, grid[i], grid[i + 1], **exactly)) for i in there), *on_grid.tolist()]


def _of_product(a: Growth, b: Growth) -> Growth:
    return Growth(a.kind, a.rate + b.rate) if a.kind == b.kind else fastest(a, b)


def _of_composition(outer: Growth, inner: Growth) -> Growth:
    if "bounded" in (outer.kind, inner.kind):
        return BOUNDED
    if outer.kind == "polynomial":
        return Growth(inner.kind, outer.rate * inner.rate)
    if inner.kind == "polynomial" and inner.rate <= 1.0:
        return outer if inner.rate == 1.0 or outer.kind != "gaussian" else Growth("exponential", 0.0)
    return FASTER


def _common(terms: tuple[Activation, ...]) -> Parity | None:
    parities = {phi.parity for phi in terms}
    return parities.pop() if len(parities) == 1 else None


def _bracketed(phi: Activation) -> str:
    return f"({phi.name})" if " " in phi.name else phi.name
