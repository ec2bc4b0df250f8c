"""Sums of sines and cosines: Fourier series, and any other frequencies."""

from __future__ import annotations

from functools import partial

import numpy as np

from eoc.activations.base import Activation, Parity, Piece
from eoc.activations.definitions import shown
from eoc.activations.named.building_blocks import BOUNDED, MOST_WRITTEN, Numbers, factory, number, numbers, parameters
from eoc.errors import EocError
from eoc.floats import EPS, FloatArray

__all__ = ["fourier"]

_MOST_TERMS = 256
_LOW, _HIGH = 1e-3, 1e3  # frequencies
_FAR = 1e290  # beyond, nothing is left of the digits that rounding takes

_Terms = list[tuple[float, float, float]]  # of each frequency: itself, the coefficients of the sine and the cosine


@factory
def fourier(
    sines: Numbers = (1.0,), cosines: Numbers = (), frequencies: Numbers | float = 1.0, *, constant: float = 0.0
) -> Activation:
    """The sum of b_k sin(w_k x) + a_k cos(w_k x), and a constant.

    Parameters
    ----------
    sines, cosines
        b_1, b_2, ... and a_1, a_2, ...; what is missing is 0. At most 256.
    frequencies
        w_1, w_2, ..., one for each coefficient, from 1e-3 to 1e3; or one number w, for the series with w_k = k w.
    constant
        What is added.

    Returns
    -------
    Activation
        Smooth and bounded. The default is sin(x).

    Raises
    ------
    EocError
        If all coefficients are 0, or for a frequency outside its range or too few of them.

    Notes
    -----
    The rounding of w_k x is carried along, so that fast oscillations lose no digits. ``fourier(sines=(1,),
    frequencies=30)`` is the activation of SIREN (Sitzmann et al. 2020). On the edge of chaos sin(w x) has F'(q) =
    1 - tanh(w^2 q), stable at every sigma_b, and cos(w x) has 1 - coth(w^2 q).

    Examples
    --------
    >>> from eoc.activations.named import named
    >>> wave = named("fourier", sines=(1, 0, 0.5), cosines=(0.25,))
    >>> wave.formula
    'sin(x) + 0.25 * cos(x) + 0.5 * sin(3 * x)'
    >>> wave([0.0]).tolist()
    [0.25]
    """
    sines = numbers("sines", sines, 0, _MOST_TERMS)
    cosines = numbers("cosines", cosines, 0, _MOST_TERMS)
    count = max(len(sines), len(cosines))
    waves = _frequencies(frequencies, count)
    b, a = (row + (0.0,) * (count - len(row)) for row in (sines, cosines))
    terms = [term for term in zip(waves, b, a, strict=True) if term[1] or term[2]]
    if not terms:
        raise EocError("fourier needs a coefficient in sines or cosines that is not 0: else phi is a constant")
    constant = number("constant", constant)
    return Activation(
        "fourier",
        _text(terms, constant),
        (Piece(*(partial(_sum, terms, constant, order) for order in range(3))),),
        growth=BOUNDED,
        parity=_parity(terms, constant),
        uncertainty=partial(_errors, terms, constant),
        parameters=parameters(
            sines=sines,
            cosines=cosines,
            frequencies=waves if isinstance(frequencies, tuple) else waves[0],
            constant=constant,
        ),
        template=_template(count, len(sines), len(cosines), not isinstance(frequencies, tuple))
        if count <= MOST_WRITTEN
        else "",
    )


def _template(count: int, sines: int, cosines: int, alone: bool) -> str:
    """Of a series with one frequency alone, or one for each coefficient."""
    waves = [f"{k + 1} * frequencies" if alone else f"frequencies_{k}" for k in range(count)]
    terms = [f"sines_{k} * sin({waves[k]} * x)" for k in range(sines)]
    return " + ".join([*terms, *(f"cosines_{k} * cos({waves[k]} * x)" for k in range(cosines)), "constant"])


def _frequencies(frequencies: object, count: int) -> Numbers:
    if not isinstance(frequencies, tuple):
        first = number("frequencies", frequencies, _LOW, _HIGH)
        return tuple(number(f"frequency {k}", k * first, _LOW, _HIGH) for k in range(1, count + 1))
    for i, w in enumerate(numbers("frequencies", frequencies, 0)):
        number(f"frequencies[{i}]", w, _LOW, _HIGH)
    if len(frequencies) != count:
        raise EocError(f"frequencies must be {count} numbers, one for each of the coefficients, got {len(frequencies)}")
    return numbers("frequencies", frequencies, 0)


def _parity(terms: _Terms, constant: float) -> Parity | None:
    if not constant and not any(a for _, _, a in terms):
        return "odd"
    return None if any(b for _, b, _ in terms) else "even"


def _text(terms: _Terms, constant: float) -> str:
    if len(terms) > MOST_WRITTEN:
        return f"sum of b_k * sin(w_k * x) + a_k * cos(w_k * x), {len(terms)} terms"
    parts = [shown(constant)] if constant else []
    for w, b, a in terms:
        inside = "x" if w == 1.0 else f"{shown(w)} * x"
        parts += [f"{shown(c)} * {name}({inside})".removeprefix("1 * ") for c, name in ((b, "sin"), (a, "cos")) if c]
    return " + ".join(parts)


def _sum(terms: _Terms, constant: float, order: int, x: FloatArray) -> FloatArray:
    """phi, phi' or phi''."""
    total = np.full_like(x, constant if order == 0 else 0.0)
    for w, b, a in terms:
        s, c = _wave(w, x)
        if order == 0:
            total = total + (b * s + a * c)
        elif order == 1:
            total = total + w * (b * c - a * s)
        else:
            total = total - w * w * (b * s + a * c)
    return total


def _wave(w: float, x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """sin(w x) and cos(w x), with what rounding takes from w x."""
    from eoc.activations.formula.pairs import Pair

    far = np.abs(x) > _FAR
    at = Pair(np.where(far, 0.0, x), np.zeros_like(x)) * w
    high = np.where(far, w * x, at.high)
    s, c = np.sin(high), np.cos(high)
    return s + c * at.low, c - s * at.low


def _errors(terms: _Terms, constant: float, x: FloatArray) -> FloatArray:
    """A few roundings of each term."""
    sizes = np.stack([np.full_like(x, abs(constant)), np.zeros_like(x), np.zeros_like(x)])
    for w, b, a in terms:
        s, c = _wave(w, x)
        even, odd = np.abs(b * s) + np.abs(a * c), np.abs(b * c) + np.abs(a * s)
        rest = (abs(a) + abs(b)) * EPS * np.abs(w * x)  # of the rounding that is carried along
        sizes += np.stack([even + rest, w * (odd + rest), w * w * (even + rest)])
    return (4.0 + len(terms)) * EPS * sizes
