r"""How correlations converge with depth: the law, derived from the map, beside what the iterated map does.

On the edge of chaos 1 - f(1 - e) = e - s e^{3/2} - a e^2 + b e^{5/2} + d e^3 + ..., the coefficients given by the
activation (:attr:`eoc.CorrelationMap.expansion`); :mod:`eoc.rates` has the first constants from moments
at one point. For e_l = 1 - c_l let

- phi have kinks (s > 0): lambda = (2/s) e^{-1/2}, so that e = kappa / lambda^2 with kappa = 4/s^2,
  s = sigma_w^2 (sqrt(2) / (3 pi)) sum_k Delta_k^2 exp(-k^2 / 2 q); for ReLU kappa = 9 pi^2 / 2;
- phi be C^1 (s = 0): lambda = 1/(a e), so that e = beta_q / lambda with beta_q = 1/a = 2/f''(1).

Inserting the expansion, one layer adds 1 + O(lambda^{-1/2}) to lambda, and summing over layers

.. math:: \lambda_l = l + R \sqrt l + A \log l + C + o(1)

where C depends on the inputs and, for kinks, R = 0 and A = 3/2 + 2 a/s^2 (ReLU: a = 0); for C^1, R = -2 b a^{-3/2} and
A = 1 - d/a^2 - b^2/a^3. R vanishes if phi is C^2: where phi'' jumps by J_k (ELU), b = sigma_w^2 q (2 sqrt(2) / 15 pi)
sum_k J_k^2 exp(-k^2 / 2 q), which is why ELU approaches its law so slowly. Off the edge of chaos |c_l - c*| falls like
exp(-l / xi_c), xi_c = -1/log f'(c*). Sources: Hayou et al. (2019) for 1/l and for ReLU; the rest is derived here.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np

from eoc.errors import EocError
from eoc.floats import EPS, FloatArray
from eoc.maps import CorrelationMap, Term
from eoc.rates import e_folding
from eoc.validation import real_number

__all__ = ["Convergence", "ConvergenceLaw", "Measured", "convergence_law", "convergence_of"]

Law = Literal["1/l", "1/l^2", "exponential", "constant"]

_C0 = 0.1  # correlation of the inputs, where none is given
_EARLY = 1e-3  # of the depth of the crossover
_NODES = 6  # depths l, l/2, ... from which exponent and constant are extrapolated
_WINDOW = 0.003  # of a depth: the layers over which growth is measured there
_DOUBT = 10.0  # times what higher degrees change
_SETTLED = 1e-6  # of |c - c*|: the error of c at which the exponential rate is read off


@dataclass(frozen=True)
class ConvergenceLaw:
    """What the correlation of two inputs does at large depth l.

    Attributes
    ----------
    law
        "1/l" or "1/l^2" (edge of chaos), "exponential" (off it), "constant" (f is the identity).
    constant, error
        beta_q, kappa or xi_c, and a bound on its error; infinite for "constant".
    limit
        c*, the correlation at infinite depth; NaN for "constant".
    root, log
        R and A of the next orders, lambda = l + R sqrt(l) + A log(l) + C; 0 off the edge of chaos.
    crossover, across
        Where phi has kinks and curvature, 1 - c_l ~ beta / l up to a depth of about ``crossover`` = a/s^2, and the
        kinks decide only beyond it (kappa / l^2): deep down if they lie far out. ``across`` is the constant on the
        other side of it; both 0 where there is no crossover.
    """

    law: Law
    constant: float
    error: float
    limit: float
    root: float = 0.0
    log: float = 0.0
    crossover: float = 0.0
    across: float = 0.0

    def linear(self, one_minus_c: FloatArray) -> FloatArray:
        """What grows by 1 a layer, lambda = beta_q / (1 - c), or sqrt(kappa / (1 - c)); on the edge of chaos."""
        ratio = self.constant / one_minus_c
        return np.asarray(np.sqrt(ratio) if self.law == "1/l^2" else ratio)

    def leading(self, depths: FloatArray) -> FloatArray:
        """beta_q / l or kappa / l^2; on the edge of chaos."""
        with np.errstate(divide="ignore"):
            return np.asarray(self.constant / depths ** (2.0 if self.law == "1/l^2" else 1.0))

    def refined(self, depths: FloatArray, at: float, one_minus_c: float) -> FloatArray:
        """The law with its next orders, C fixed by 1 - c at one depth; on the edge of chaos."""
        own = self.linear(np.array([one_minus_c]))[0]
        orders = [d + self.root * np.sqrt(d) + self.log * np.log(d) for d in (depths, at)]
        return self.leading(np.maximum(own + orders[0] - orders[1], EPS))


def convergence_law(f: CorrelationMap, depth: float = float("inf")) -> ConvergenceLaw:
    """The law that a correlation map obeys, from its expansion at c = 1 or its slope at c*.

    Parameters
    ----------
    f
        The correlation map.
    depth
        Up to which depth the law is to be used: where kinks lie so far out that they take over only beyond 1000 times
        this depth, the law is the one before.

    Raises
    ------
    EocError
        If the expansion is not known well enough, or the depth is no number > 0.

    Examples
    --------
    >>> law = convergence_law(CorrelationMap("relu", sigma_w=2**0.5))
    >>> law.law, round(law.constant, 8), round(law.log, 8)  # 9 pi^2 / 2, 3/2
    ('1/l^2', 44.4132198, 1.5)
    >>> convergence_law(CorrelationMap("tanh", sigma_w=2.5, sigma_b=0.3)).law
    'exponential'
    """
    if not real_number("depth", depth) > 0.0:
        raise EocError(f"depth must be a number of layers > 0, got {depth!r}")
    if f.is_identity:
        return ConvergenceLaw("constant", float("inf"), 0.0, float("nan"))
    if f.chi_1 != 1.0:
        return _exponential(f)
    terms = {term.power: term for term in f.expansion}
    if 1.5 not in terms:
        return _of_curvature(f, terms)
    late = _of_kinks(terms)
    if depth < _EARLY * late.crossover:
        own = _of_curvature(f, terms)
        spread = own.error + own.constant * (depth / late.crossover) ** 0.5
        return replace(own, error=spread, crossover=late.crossover, across=late.constant)
    return late


def _exponential(f: CorrelationMap) -> ConvergenceLaw:
    end = f.stable_point
    xi, error = e_folding(end.slope, end.one_minus_slope, end.slope_error)
    return ConvergenceLaw("exponential", float(xi), float(error), end.c)


def _of_kinks(terms: dict[float, Term]) -> ConvergenceLaw:
    """From 1 - f = e - s e^{3/2} - a e^2 + ..."""
    s, s_error = -terms[1.5].coefficient, terms[1.5].error
    a = -terms[2.0].coefficient if 2.0 in terms else 0.0
    kappa = 4.0 / s**2
    crossover, across = (a / s**2, 1.0 / a) if a > 0.0 else (0.0, 0.0)
    error = 2.0 * kappa * s_error / s
    return ConvergenceLaw("1/l^2", kappa, error, 1.0, log=1.5 + 2.0 * a / s**2, crossover=crossover, across=across)


def _of_curvature(f: CorrelationMap, terms: dict[float, Term]) -> ConvergenceLaw:
    """From 1 - f = e - a e^2 + b e^{5/2} + d e^3 + ..."""
    if 2.0 not in terms:
        raise EocError(f"{f!r} has no quadratic term at c = 1 that is larger than its error: its law is not known")
    a, a_error = -terms[2.0].coefficient, terms[2.0].error
    b, d = (terms[p].coefficient if p in terms else 0.0 for p in (2.5, 3.0))
    root, log = -2.0 * b / a**1.5, 1.0 - d / a**2 - b**2 / a**3
    return ConvergenceLaw("1/l", 1.0 / a, a_error / a**2, 1.0, root, log)


@dataclass(frozen=True)
class Measured:
    """A constant or exponent read off the iterated map, extrapolated in depth, with an estimate of its error."""

    value: float
    error: float


@dataclass(frozen=True)
class Convergence:
    """Correlations at some depths beside the law.

    Attributes
    ----------
    law
        What the theory predicts.
    c0
        Correlation of the inputs.
    depths, one_minus_c, error
        1 - c_l at the depths, with bounds on the absolute errors.
    exponent, constant
        Measured from how fast 1 - c_l falls at the largest depth and fractions of it, not using the prediction: p and
        constant in 1 - c ~ constant / l^p, or xi_c with the exponent None; both None for "constant". None too where
        the error would exceed the value: the depth is too small, or in the middle of a crossover.
    """

    law: ConvergenceLaw
    c0: float
    depths: FloatArray
    one_minus_c: FloatArray
    error: FloatArray
    exponent: Measured | None
    constant: Measured | None

    @property
    def anchor(self) -> float:
        """The depth whose 1 - c_l fixes C of the next orders: in the middle, so that the deeper ones test the law."""
        return float(self.depths[self.depths.size // 2])

    @property
    def offset(self) -> float:
        """C of lambda_l = l + R sqrt(l) + A log(l) + C; on the edge of chaos."""
        law, depth, own = self.law, self.anchor, self.law.linear(self.one_minus_c)[self.depths.size // 2]
        return float(own - depth - law.root * np.sqrt(depth) - law.log * np.log(depth))

    @property
    def leading(self) -> FloatArray:
        """The law at the depths; on the edge of chaos."""
        return self.law.leading(self.depths)

    @property
    def refined(self) -> FloatArray:
        """The law with its next orders at the depths; on the edge of chaos."""
        return self.law.refined(self.depths, self.anchor, float(self.one_minus_c[self.depths.size // 2]))

    def to_dict(self) -> dict[str, Any]:
        """Everything by name; None for what only the edge of chaos has, or was not measured."""
        on_edge = self.law.law in ("1/l", "1/l^2")
        orders = {"offset": self.offset, "offset_depth": self.anchor} if on_edge else {}
        measured = {"exponent": self.exponent, "constant": self.constant}
        return {
            "law": {**asdict(self.law), "offset": None, "offset_depth": None, **orders},
            "measured": {name: None if found is None else asdict(found) for name, found in measured.items()},
            "c0": self.c0,
            "depths": self.depths,
            "one_minus_c": self.one_minus_c,
            "error": self.error,
            "leading": self.leading if on_edge else None,
            "refined": self.refined if on_edge else None,
        }


def convergence_of(f: CorrelationMap, depth: float = 1e6, c0: float = _C0) -> Convergence:
    """Follow two inputs to a depth and compare with the law.

    Parameters
    ----------
    f
        The correlation map.
    depth
        Up to which depth: a whole number >= 10.
    c0
        Correlation of the inputs, in [-1, 1).

    Returns
    -------
    Convergence
        At depths 1, 10, 100, ... and ``depth``.

    Raises
    ------
    EocError
        For a depth or c0 out of range, or a map whose q is not kept by a layer.

    Examples
    --------
    >>> found = convergence_of(CorrelationMap("relu", sigma_w=2**0.5), 1e6)
    >>> round(found.exponent.value, 4), round(found.constant.value, 4)
    (2.0, 44.4132)
    """
    depth, c0 = real_number("depth", depth), real_number("c0", c0)
    if not (10.0 <= depth <= 1e300 and depth == np.floor(depth)):
        raise EocError(f"depth must be a whole number of layers from 10 to 1e300, got {depth!r}")
    if not -1.0 <= c0 < 1.0:
        raise EocError(f"c0 must lie in [-1, 1): two different inputs; got {c0!r}")
    depths = np.unique(np.append(10.0 ** np.arange(np.floor(np.log10(depth)) + 1), depth))
    found = f.iterate(depths, c=c0)
    after = found.value[0]  # one layer
    if after in (0.0, 2.0) and not f.is_identity:
        become = "become the same in one layer" if after == 0.0 else "stay opposite for ever"
        raise EocError(f"inputs with c0 = {c0:g} {become} in {f!r}: nothing converges; take another c0")
    law = convergence_law(f, depth)
    exponent: Measured | None = None
    constant: Measured | None = None
    if law.law == "exponential":
        constant = _measured_scale(f, c0)
    elif law.law != "constant":
        exponent, constant = _measured_law(f, law, depth, c0)
    return Convergence(law, c0, depths, found.value, found.error, exponent, constant)


def _measured_law(
    f: CorrelationMap, law: ConvergenceLaw, depth: float, c0: float
) -> tuple[Measured | None, Measured | None]:
    """Exponent and constant from how fast 1 - c = e falls at depths l, l/2, l/4, ..., extrapolated to e = 0.

    How much e^{-1/p} grows in a layer is a power series in e^{1/2}, wherever the inputs started.
    """
    late = np.unique(np.floor(depth * 0.5 ** np.arange(_NODES)))
    late = late[late >= 1.0][::-1]
    width = np.maximum(np.floor(_WINDOW * late), 1.0)
    found = f.iterate([late - width, late], c=c0)
    if not (found.value > 0.0).all():  # underflow
        return None, None
    (e_before, e), (before_noise, noise) = found.value, found.error / found.value + EPS
    root = (e_before * e) ** 0.25  # e^{1/2} in the middle
    p = 2.0 if law.law == "1/l^2" else 1.0
    rate, relative = _growth(e_before, e, before_noise + noise, width, p)
    limit = _extrapolated(root, rate, relative * rate)
    constant = None if limit is None else _power(limit, -p)
    # If e ~ l^{-p}, then 1/e grows by a multiple of e^{1/p - 1} in a layer.
    rate, relative = _growth(e_before, e, before_noise + noise, width, 1.0)
    apart = 2.0 * np.log(root[:-1] / root[1:])
    if not (apart < 0.0).all():
        return None, constant
    slopes = np.log(rate[:-1] / rate[1:]) / apart
    inverse = _extrapolated((root[:-1] * root[1:]) ** 0.5, 1.0 + slopes, (relative[:-1] + relative[1:]) / -apart)
    return None if inverse is None else _power(inverse, -1.0), constant


def _growth(
    before: FloatArray, after: FloatArray, noise: FloatArray, width: FloatArray, p: float
) -> tuple[FloatArray, FloatArray]:
    """The growth of e^{-1/p} in a layer, and a bound on its relative error."""
    share = np.expm1(np.log(before / after) / p)  # of before^{-1/p}
    with np.errstate(divide="ignore", invalid="ignore"):
        return before ** (-1.0 / p) * share / width, (1.0 + share) * noise / p / share + noise


def _extrapolated(root: FloatArray, values: FloatArray, noise: FloatArray) -> Measured | None:
    """The value at root = 0 of a power series, the first of the values the closest to it; None if it is not known.

    By polynomials through more and more of them; the error of one is judged by what the next two change, and the noise.
    Where a degree more changes half as much as the one before, nothing is settled.
    """
    if root.size < _NODES - 1 or not (np.diff(root) > 0.0).all() or not np.isfinite(values).all():
        return None
    limits, blurs = [], []
    for n in range(1, root.size + 1):
        h = root[:n]
        weights = np.array([np.prod([b / (b - a) for b in h if b != a]) for a in h])
        limits.append(float(weights @ values[:n]))
        blurs.append(float(np.abs(weights) @ noise[:n]))
    changes = np.abs(np.diff(limits))  # by one degree more
    unsettled = (changes[1:-1] > 0.5 * changes[:-2]) & (changes[:-2] > blurs[2:-1])
    errors = _DOUBT * np.maximum(changes[1:-1], changes[2:]) + blurs[1:-2]
    errors[unsettled] = np.inf
    best = int(np.argmin(errors))
    return Measured(limits[best + 1], float(errors[best])) if errors[best] < abs(limits[best + 1]) else None


def _power(m: Measured, p: float) -> Measured | None:
    """The p-th power, p < 0; None if the error exceeds the value."""
    value = m.value**p if m.value > 0.0 else 0.0
    error = (m.value - m.error) ** p - value if m.value > m.error else np.inf
    return Measured(float(value), float(error)) if error < value else None


def _measured_scale(f: CorrelationMap, c0: float) -> Measured | None:
    """xi_c from how |c - c*| falls between two depths, where it has become small but is still far above rounding."""
    end = f.stable_point
    depths = np.unique(np.round(np.geomspace(1.0, 1e18, 1000)))
    found = f.iterate(depths, c=c0)
    away = np.abs(found.value - end.one_minus_c)
    good = np.flatnonzero((away > 1e-280) & (away * _SETTLED > found.error + end.error))
    if good.size == 0 or depths[good[-1]] < 4.0:
        return None
    last = depths[good[-1]]
    step = np.ceil(last / 10.0)
    three = f.iterate([last - 2.0 * step, last - step, last], c=c0)
    distance = np.abs(three.value - end.one_minus_c)
    before, rate = np.log(distance[:-1] / distance[1:]) / step
    noise = ((three.error + end.error) / distance + 4.0 * EPS).sum() / step
    # The rates differ from their limit by a multiple of the distance, which falls by this factor in a step.
    factor = np.exp(-rate * step)
    uncertainty = 2.0 * (abs(rate - before) * factor / (1.0 - factor) + noise)
    return Measured(float(1.0 / rate), float(uncertainty / rate**2))
