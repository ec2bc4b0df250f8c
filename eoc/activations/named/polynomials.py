"""Polynomials, in powers of x or in orthogonal polynomials, each standardised or not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import isqrt
from typing import Any

import numpy as np

from eoc.activations.base import Activation, Growth, Parity
from eoc.activations.definitions import shown
from eoc.activations.named.building_blocks import Numbers, factory, numbers, parameters, polynomial_text
from eoc.activations.named.summed import Summed
from eoc.errors import EocError
from eoc.floats import FloatArray

__all__ = ["polynomial"]

_HIGHEST_DEGREE = 64
_FEW = 8  # degree up to which no more than a digit cancels in an orthogonal polynomial
_ROOT_BITS = 400  # of the square of a standard deviation

_Exact = list[Fraction]
# How the next of these polynomials follows: p_{k+1} = a_k x p_k - b_k p_{k-1}.
_RECURRENCES: dict[str, Callable[[int], tuple[Fraction, Fraction]]] = {
    "monomial": lambda k: (Fraction(1), Fraction(0)),
    "hermite": lambda k: (Fraction(1), Fraction(k)),
    "legendre": lambda k: (Fraction(2 * k + 1, k + 1), Fraction(k, k + 1)),
    "chebyshev": lambda k: (Fraction(2 if k else 1), Fraction(1 if k else 0)),
}


@factory
def polynomial(
    coefficients: Numbers = (0.0, 0.0, 1.0), basis: str = "monomial", *, normalised: bool = False
) -> Activation:
    """The sum of c_k p_k(x) over powers or orthogonal polynomials p_k of degree k.

    Parameters
    ----------
    coefficients
        c_0, c_1, ...: from 2 to 65 numbers, one beyond c_0 not 0.
    basis
        "monomial": x^k. "hermite": He_k of probability theory, He_2 = x^2 - 1. "legendre": P_k and "chebyshev": T_k,
        for all x, not only between -1 and 1.
    normalised
        Whether each p_k, k > 0, is standardised for a standard Gaussian: less its mean, over its standard deviation.
        He_k becomes He_k / sqrt(k!); x^3 becomes x^3 / sqrt(15), x^2 becomes (x^2 - 1) / sqrt(2).

    Returns
    -------
    Activation
        Smooth; it grows like its highest power. The default is x^2.

    Raises
    ------
    EocError
        For a constant polynomial, which hands on nothing of its input, a degree above 64, or another basis.

    Notes
    -----
    SLAF (Goyal et al. 2019, "Learning activation functions: a new paradigm for understanding neural networks")
    normalises every power by statistics of its batch. At those of a Gaussian of variance q this is the function here of
    x / sqrt(q), so the network is ``layernorm, polynomial(..., normalised=True), dense``; what real
    batches add, of which all members are alike, is left out.

    A variance map of degree 2k in sqrt(q) grows faster than q: beyond its largest fixed point variances diverge, and
    inputs overflow after few layers. The points of the edge of chaos tell how far inputs may go (``q_max``).

    Coefficients of other bases are converted exactly, and where powers of x cancel, rounding is carried along.

    Examples
    --------
    >>> from eoc.activations.named import named
    >>> named("polynomial", coefficients=(0, 1, 0, -1 / 6))([0.0, 1.0]).round(12).tolist()
    [0.0, 0.833333333333]
    >>> named("polynomial", coefficients=(0, 0, 1), basis="hermite").formula
    '(-1) + x^2'
    """
    given = numbers("coefficients", coefficients)
    if basis not in _RECURRENCES:
        raise EocError(f"basis must be one of {', '.join(_RECURRENCES)}, got {basis!r}")
    if not isinstance(normalised, bool):
        raise EocError(f"normalised must be True or False, got {normalised!r}")
    degree = max((i for i, c in enumerate(given) if c), default=0)
    if degree > _HIGHEST_DEGREE:
        raise EocError(f"coefficients must not go beyond x^{_HIGHEST_DEGREE}, got x^{degree}")
    if degree == 0:
        raise EocError(
            f"a polynomial of degree 0 is the constant {given[0]:g}, which hands on nothing of its input: give a "
            "coefficient of x or of a higher power that is not 0"
        )
    powers = _in_powers(given[: degree + 1], basis, normalised)
    c = tuple(float(a) for a in powers)
    summed = _summed([powers, _derivative(powers), _derivative(_derivative(powers))])
    return Activation(
        "polynomial",
        polynomial_text(c),
        (summed.piece,),
        growth=Growth("polynomial", float(degree)),
        parity=_parity(c),
        uncertainty=summed.errors,
        error_of=summed.error,
        powers=c,
        parameters=parameters(coefficients=given, basis=basis, normalised=normalised),
        template=_template(len(given), basis, normalised),
    )


def _template(count: int, basis: str, normalised: bool) -> str:
    """The sum of all terms; none where rounding their own coefficients would spoil sums that cancel."""
    terms = []
    for k in range(count):
        p = _in_powers([*(0.0,) * k, 1.0], basis, normalised=False)
        over = ""
        if normalised and k:
            root = p[-1] / _standardised(p)[-1]
            p, over = [p[0] - _mean(p), *p[1:]], f" / {shown(float(root))}"
        if k > _FEW and any(Fraction(float(c)) != c for c in p):
            return ""
        terms.append(f"coefficients_{k} * ({polynomial_text(tuple(map(float, p)))}){over}")
    return " + ".join(terms)


def _parity(c: Numbers) -> Parity | None:
    return "odd" if not any(c[::2]) else "even" if not any(c[1::2]) else None


# --- exact coefficients -----------------------------------------------------------------------------------------------


def _in_powers(coefficients: Sequence[float], basis: str, normalised: bool) -> _Exact:
    """The coefficients of 1, x, x^2, ..., exact but for the square roots of standard deviations, to 1e-60."""
    total = [Fraction(0)] * len(coefficients)
    before, here = [Fraction(0)], [Fraction(1)]
    for k, c in enumerate(coefficients):
        one = _standardised(here) if normalised and k else here
        for i, part in enumerate(one):
            total[i] += Fraction(c) * part
        a, b = _RECURRENCES[basis](k)
        longer = [Fraction(0), *(a * p for p in here)]
        for i, p in enumerate(before):
            longer[i] -= b * p
        before, here = here, longer
    return total


def _standardised(p: _Exact) -> _Exact:
    """Less the mean, over the standard deviation, of p of a standard Gaussian."""
    centred = [p[0] - _mean(p), *p[1:]]
    square = [Fraction(0)] * (2 * len(p) - 1)
    for i, a in enumerate(centred):
        for j, b in enumerate(centred):
            square[i + j] += a * b
    variance = _mean(square)
    root = Fraction(isqrt((variance.numerator << _ROOT_BITS) // variance.denominator), 1 << _ROOT_BITS // 2)
    return [a / root for a in centred]


def _mean(p: _Exact) -> Fraction:
    """E[p(Z)]: E[Z^2m] = (2m - 1)!!."""
    total, moment = Fraction(0), 1
    for m, c in enumerate(p[::2]):
        moment *= max(2 * m - 1, 1)
        total += c * moment
    return total


def _derivative(p: _Exact) -> _Exact:
    return [i * a for i, a in enumerate(p)][1:]


# --- values -----------------------------------------------------------------------------------------------------------


def _summed(exactly: Sequence[_Exact]) -> Summed:
    """phi, phi' and phi'' by Horner's rule; infinite where they overflow."""
    pairs = [tuple((float(c), float(c - Fraction(float(c)))) for c in p) for p in exactly]
    roundings = 4.0 * (len(exactly[0]) - 1)

    def function(ops: Any, order: int, x: Any) -> Any:
        total = x * 0.0
        for high, low in reversed(pairs[order]):
            total = total * x + ops.number(high)
            if low:
                total = total + ops.number(low)
        return total

    def sizes(order: int, x: FloatArray) -> FloatArray:
        total, at = np.zeros_like(x), np.abs(x)
        for high, _ in reversed(pairs[order]):
            total = total * at + abs(high)
        return roundings * total

    return Summed(function, sizes)
