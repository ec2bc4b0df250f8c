"""Quotients of polynomials, as Pade activation units have them: with poles refused, or made safe by absolute values."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from eoc.activations.base import Activation, Growth, Parity, Piece
from eoc.activations.named.building_blocks import BOUNDED, Numbers, factory, numbers, parameters, polynomial_text
from eoc.activations.named.published import PUBLISHED, SOURCE
from eoc.activations.named.quotient import Quotient
from eoc.activations.named.sign_changes import has_root_at, sign_changes, stationary_points
from eoc.activations.unbounded import unbounded
from eoc.errors import EocError, NotPermissibleError
from eoc.floats import FloatArray

__all__ = ["pau", "rational"]

_MOST_NUMBERS = 17  # degree 16
_LEAST = 0.1  # what version C adds to the absolute value
_VERSIONS = {
    "A": "1 + |b_1 x| + |b_2 x^2| + ...",
    "B": "1 + |b_1 x + b_2 x^2 + ...|",
    "C": "0.1 + |b_0 + b_1 x + ...|",
    "D": "1 + |b_1 x + b_2 x^2 + ...|",
    "N": "1 + b_1 x + b_2 x^2 + ...",
}


@factory
def rational(
    numerator: Numbers = (0.0, 1.0, 0.0, 0.5), denominator: Numbers = (0.0, 1.0), version: str = "A"
) -> Activation:
    r"""phi(x) = (a_0 + a_1 x + ...) / Q(x), with the denominators Q of Pade activation units (Molina et al. 2020).

    Parameters
    ----------
    numerator
        a_0, a_1, ...: at most 17 numbers.
    denominator
        b_1, b_2, ...; of version C b_0, b_1, ...: at most 17 numbers.
    version
        - "A": Q = 1 + \|b_1 x\| + \|b_2 x^2\| + ..., the default of rational-activations; a kink at 0 if an odd b_k
          is not 0;
        - "B": Q = 1 + \|b_1 x + b_2 x^2 + ...\|, with kinks at the real roots between the bars;
        - "C": Q = 0.1 + \|b_0 + b_1 x + ...\|, the same;
        - "D": as B, with coefficients that are noisy in training only;
        - "N": Q = 1 + b_1 x + b_2 x^2 + ..., smooth; if it has a real root, a pole of phi, it is refused.

    Returns
    -------
    Activation
        It grows like x to the difference of the degrees. The default, (x + x^3/2) / (1 + x^2), is odd and smooth.

    Raises
    ------
    NotPermissibleError
        If Q has a real root: E[phi^2] is infinite, even if the root is far out where data do not come.
    EocError
        For a constant phi, or another version.

    Notes
    -----
    Kinks are found from exact signs of the polynomial and stand at the nearest double. phi and its derivatives are
    right to a few roundings of their terms for all x: beyond 1 both polynomials are summed in 1/x.

    Version A with degrees m + 1 and m has the same slope a_{m+1} / \|b_m\| at both ends, whatever it imitates between
    -3 and 3.

    Examples
    --------
    >>> from eoc.activations.named import named
    >>> phi = named("rational", numerator=(0, 1), denominator=(1,))  # x / (1 + |x|), softsign
    >>> phi.formula, phi([-1.0, 3.0]).tolist()
    ('x / (1 + abs(x))', [-0.5, 0.75])
    >>> named("rational", numerator=(1,), denominator=(-3, 2), version="N")
    Traceback (most recent call last):
    ...
    eoc.errors.NotPermissibleError: rational is unbounded near x = 0.5, a pole: ...
    """
    a = numbers("numerator", numerator, most=_MOST_NUMBERS)
    b = numbers("denominator", denominator, 0, _MOST_NUMBERS)
    if version not in _VERSIONS:
        raise EocError(f"version must be one of {', '.join(_VERSIONS)}, got {version!r}")
    return _made("rational", a, b, version, {})


@factory
def pau(published: str = "leaky_relu", version: str = "A") -> Activation:
    """A Pade activation unit with published coefficients of degrees 5 and 4.

    Parameters
    ----------
    published
        What it imitates between -3 and 3: "leaky_relu" (slope 0.01), "leaky_relu_0.1", "relu", "tanh", "sigmoid",
        "swish" or "gelu"; not all versions have all.
    version
        "A", "B", "C", "D" or "N", see :func:`eoc.rational`. D has the coefficients of B.

    Returns
    -------
    Activation
        Its parameters hold the numerator, the denominator and their source.

    Raises
    ------
    EocError
        If there are no such coefficients.
    NotPermissibleError
        For the gelu of version N, which has a pole just outside the interval that it was fitted on.

    Notes
    -----
    The coefficients are those of ``rationals_config.json`` in ml-research/rational_activations (MIT licence), where
    ``Rational(approx_func="leaky_relu", version="A")`` starts from them.

    Examples
    --------
    >>> from eoc.activations.named import named
    >>> tanh = named("pau", published="tanh")
    >>> float(abs(tanh(1.0) - np.tanh(1.0)).round(5))
    1e-05
    """
    sets = PUBLISHED.get("B" if version == "D" else version)
    if sets is None:
        raise EocError(f"version must be one of {', '.join(_VERSIONS)}, got {version!r}")
    if published not in sets:
        raise EocError(f"version {version} has published coefficients for {', '.join(sets)}; got {published!r}")
    a, b = sets[published]
    return _made("pau", a, b, version, {"published": published, "source": SOURCE})


def _made(name: str, a: Numbers, b: Numbers, version: str, more: dict[str, str]) -> Activation:
    inner = b if version == "C" else (0.0, *b)
    if not any(a[1:]) and not any(inner[1:]):
        raise EocError(f"numerator and denominator have degree 0, so that phi is a constant: got {a} and {b}")
    if version == "N":
        _refuse_poles(name, (1.0, *b))
    knots = _knots(inner, version)
    least = _LEAST if version == "C" else 1.0
    parts = [Quotient(_trimmed(a), _trimmed(q), knots, least) for q in _denominators(inner, least, version, knots)]
    rise = parts[0].degrees[0] - parts[0].degrees[1]
    error = partial(_error, parts, knots)
    return Activation(
        name,
        _text(a, inner, version),
        tuple(Piece(*(partial(part.derivative, order) for order in range(3))) for part in parts),
        knots,
        growth=Growth("polynomial", float(rise)) if rise > 0 else BOUNDED,
        parity=_parity(a, inner, version),
        uncertainty=lambda x: np.stack([error(order, x) for order in range(3)]),
        error_of=error,
        parameters=parameters(**more, numerator=a, denominator=b, version=version),
        template=_template(a, b, version),
        turns=tuple(right.turn(left, x) for x, left, right in zip(knots, parts, parts[1:], strict=False)),
    )


def _template(a: Numbers, b: Numbers, version: str) -> str:
    """Without what stands between bars alone and is 0: |b x| has no derivative by b there."""
    above = " + ".join(f"numerator_{k} * x^{k}" for k in range(len(a)))
    powers = [k if version == "C" else k + 1 for k in range(len(b))]
    terms = [f"denominator_{i} * x^{k}" for i, k in enumerate(powers)]
    if version == "A":
        terms = [f"abs({term})" for term, c in zip(terms, b, strict=True) if c]
    inner = " + ".join(terms) or "0"
    below = f"{_LEAST if version == 'C' else 1:g} + {f'abs({inner})' if version in 'BCD' else inner}"
    return f"({above}) / ({below})"


def _trimmed(c: Sequence[float]) -> Numbers:
    """Without zeros of the highest powers."""
    degree = max((i for i, value in enumerate(c) if value), default=0)
    return tuple(c[: degree + 1])


def _refuse_poles(name: str, q: Numbers) -> None:
    """Refuse a denominator with a real root, also where it does not change its sign."""
    poles = [*sign_changes(q), *(x for x in stationary_points(q) if has_root_at(q, x))]
    if poles:
        pole = f"{min(poles, key=abs):.16g}, a pole"
        raise NotPermissibleError(
            f"{unbounded(name, pole, square_integrable=False)}; however far out, versions A, B and C have none"
        )


def _knots(inner: Numbers, version: str) -> tuple[float, ...]:
    """Where an absolute value bends."""
    if version == "N":
        return ()
    if version == "A":
        return (0.0,) if any(inner[1::2]) else ()
    return tuple(sign_changes(inner))


def _denominators(inner: Numbers, least: float, version: str, knots: tuple[float, ...]) -> list[Numbers]:
    """Q as a polynomial on each of the intervals between the knots."""
    if version == "N":
        return [(1.0, *inner[1:])]
    if version == "A":
        right = (least, *map(abs, inner[1:]))
        return [tuple(-c if k % 2 else c for k, c in enumerate(right)), right] if knots else [right]
    side = 1.0 if _leading(inner) >= 0.0 else -1.0  # the sign on the right
    signs = [side * (-1.0) ** (len(knots) - i) for i in range(len(knots) + 1)]
    return [(least + s * inner[0], *(s * c for c in inner[1:])) for s in signs]


def _leading(c: Numbers) -> float:
    return _trimmed(c)[-1]


def _parity(a: Numbers, inner: Numbers, version: str) -> Parity | None:
    own: Parity | None = "odd" if not any(a[::2]) else "even" if not any(a[1::2]) else None
    even = version == "A" or not any(inner[1::2]) or (version in "BCD" and not any(inner[::2]))
    return own if even else None


def _text(a: Numbers, inner: Numbers, version: str) -> str:
    above = polynomial_text(a)
    if version == "N":
        below = polynomial_text((1.0, *inner[1:]))
    elif version == "A":
        terms = [polynomial_text((0.0,) * k + (c,)) for k, c in enumerate(inner) if k and c]
        below = " + ".join(["1", *(f"abs({term})" for term in terms)])
    else:
        below = f"{_LEAST if version == 'C' else 1:g} + abs({polynomial_text(inner)})"
    return f"{f'({above})' if ' + ' in above else above} / ({below})" if below != "1" else above


def _error(parts: Sequence[Quotient], knots: tuple[float, ...], order: int, x: FloatArray) -> FloatArray:
    out = np.empty(x.size)
    index = np.searchsorted(knots, x, side="right")
    for i, part in enumerate(parts):
        inside = index == i
        out[inside] = part.error(order, x[inside])
    return out
