r"""What the page knows of an activation: Chebyshev series of its Gaussian expectations, checked where they are used.

With V, D, P those of :mod:`eoc.gaussian.moments`, e = 1 - c and theta = arccos(c), what is kept is, for every octave
of sqrt(q) from 2^-6 to 2^4,

.. math:: V(q),\quad D(q),\quad P(q),\qquad H(q, \theta) = \frac{E[(\phi(u) - \phi(v))^2]}{2 q e},

polynomials in log q, H in theta as well; where phi jumps, H has the chord :math:`y = 2 \sin(\theta/2)` in place of q e.
All else follows on the page: 1 - f(c) = sigma_w^2 e H at a q that layers keep, and the slope f' = sigma_w^2 (H + e
dH/dtheta / sin(theta)), so that close inputs keep their digits.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass

import numpy as np
from numpy.polynomial.chebyshev import chebvander

from eoc.activations.base import Activation, Smoothness
from eoc.criticality import eoc_curve
from eoc.errors import AccuracyError, EocError
from eoc.floats import FloatArray
from eoc.gaussian.bivariate import bivariate
from eoc.gaussian.moments import moments
from eoc.gaussian.nodes import chebyshev_nodes, to_chebyshev
from eoc.recommendation import recommend

__all__ = ["FIRST", "LAST", "ExportedActivation", "exported"]

FIRST, LAST = -6, 4  #: octaves of sqrt(q)
_IN_Q, _IN_ANGLE = 18, 256  # terms in log q, and in theta at most
_LEFT_OUT = 1e-13
_CHECKED = 2, 30  # variances an octave, and angles at each, at which series are compared with what they stand for
_SEED = 20
_SIGMA_B = 2.0  # of the phase diagram
_POINTS = 400
_SAMPLES, _REACH = 2001, 40.0  # of phi itself, which only the random network needs


@dataclass(frozen=True, eq=False)
class ExportedActivation:
    """One activation as the page has it.

    Attributes
    ----------
    activation
        The activation.
    octaves
        How many octaves of sqrt(q) there are from 2^FIRST: fewer where its expectations end.
    moments
        Coefficients of V, D and P, (octaves, terms); D and P are NaN where phi jumps.
    pairs
        Coefficients of H, (octaves, terms in log q, terms in theta).
    accuracy
        The largest relative error that was found at random places.
    """

    activation: Activation
    octaves: int
    moments: dict[str, FloatArray]
    pairs: FloatArray
    accuracy: float

    @property
    def jumps(self) -> bool:
        """Whether phi jumps."""
        return self.activation.smoothness is Smoothness.JUMP

    def to_dict(self) -> dict[str, object]:
        """For JSON: numbers as base64 of little-endian doubles."""
        curve = eoc_curve(self.activation, sigma_b_max=_SIGMA_B, points=_POINTS)
        x = np.linspace(-_REACH, _REACH, _SAMPLES)
        columns = ("q", "sigma_b", "sigma_w", "slope")
        pieces = [{name: _packed(getattr(piece, name)) for name in columns} for piece in curve.pieces]
        return {
            "name": self.activation.name,
            "formula": self.activation.formula,
            "kind": str(self.activation.smoothness),
            "jumps": self.jumps,
            "homogeneous": self.activation.is_positively_homogeneous,
            "first": FIRST,
            "octaves": self.octaves,
            "termsInQ": _IN_Q,
            "termsInAngle": self.pairs.shape[2],
            "accuracy": self.accuracy,
            "moments": {name: _packed(values) for name, values in self.moments.items()},
            "pairs": _packed(self.pairs),
            "curve": {"kind": curve.kind, "message": curve.message, "pieces": pieces},
            "start": _start(self.activation),
            "phi": {"reach": _REACH, "values": _packed(np.clip(self.activation(x), -1e100, 1e100))},
        }


def exported(phi: Activation) -> ExportedActivation:
    """The series of an activation.

    Raises
    ------
    EocError
        If its expectations are not to be had at any variance of these.

    Examples
    --------
    >>> from eoc.activations import activation
    >>> found = exported(activation("relu"))
    >>> found.octaves, found.pairs.shape[:2], found.accuracy < 1e-10
    (10, (10, 18), True)
    """
    octaves = LAST - FIRST
    while octaves and 4.0 ** (FIRST + octaves) >= phi.growth.q_max:
        octaves -= 1
    if octaves == 0:
        raise EocError(f"{phi.name} has no expectations from q = 4^{FIRST} on: its page would be empty")
    q = _variances(octaves)
    known = moments(phi, q, ("V", "D", "P"), strict=False)
    singles = {name: known[name].value @ to_chebyshev(_IN_Q).T for name in ("V", "D", "P")}
    pairs = _needed(_pairs(phi, q))
    return ExportedActivation(phi, octaves, singles, pairs, _accuracy(phi, singles["V"], pairs))


def _variances(octaves: int) -> FloatArray:
    """The nodes of every octave, (octaves, terms)."""
    return np.asarray(4.0 ** (FIRST + np.arange(octaves)[:, None] + 0.5 * (1.0 + chebyshev_nodes(_IN_Q))))


def _pairs(phi: Activation, q: FloatArray) -> FloatArray:
    """The coefficients of H, (octaves, terms in log q, terms in theta)."""
    values = _h(phi, q[:, :, None], 0.5 * np.pi * (1.0 + chebyshev_nodes(_IN_ANGLE)))
    return np.asarray(np.einsum("kq,oqt,lt->okl", to_chebyshev(_IN_Q), values, to_chebyshev(_IN_ANGLE)))


def _needed(pairs: FloatArray) -> FloatArray:
    """Without the terms in theta that add nothing."""
    sizes = np.abs(pairs).max(axis=1) / np.abs(pairs[:, 0, :1])
    left_out = np.cumsum(sizes[:, ::-1], axis=1)[:, ::-1].max(axis=0)  # from each term on
    return pairs[:, :, : max(1, int((left_out > _LEFT_OUT).sum()))]


def _h(phi: Activation, q: FloatArray, theta: FloatArray) -> FloatArray:
    distances = bivariate(phi, q, angle=theta, names=("G",))["G"].value
    chord = 2.0 * np.sin(0.5 * theta)
    jumps = phi.smoothness is Smoothness.JUMP
    return np.asarray(distances / (chord if jumps else 0.5 * q * chord**2))


def _accuracy(phi: Activation, second_moments: FloatArray, pairs: FloatArray) -> float:
    """The largest relative error of the series of V and H at random places."""
    rng = np.random.default_rng(_SEED)
    worst, (variances, angles) = 0.0, _CHECKED
    for octave, (of_v, of_h) in enumerate(zip(second_moments, pairs, strict=True)):
        t, x = rng.uniform(-1.0, 1.0, variances), rng.uniform(-1.0, 1.0, angles)
        q, theta = 4.0 ** (FIRST + octave + 0.5 * (1.0 + t)), 0.5 * np.pi * (1.0 + x)
        true = _h(phi, q[:, None], theta)
        in_q, in_angle = (chebvander(z, n - 1) for z, n in zip((t, x), of_h.shape, strict=True))
        off = in_q @ of_h @ in_angle.T - true
        singles = moments(phi, q, ("V",), strict=False)["V"].value
        alone = in_q @ of_v - singles
        worst = max(worst, float(np.abs(off / true.max()).max()), float(np.abs(alone / singles).max()))
    if not worst < 1.0:
        raise AccuracyError(f"the expectations of {phi.name} are not smooth enough for a page")
    return worst


def _start(phi: Activation) -> dict[str, float] | None:
    """The recommended place; None where there is none, or none that the page can show."""
    try:
        at = recommend(phi)
    except EocError:
        return None
    return {"sigma_w": at.sigma_w, "sigma_b": at.sigma_b, "q": at.q} if 4.0**FIRST < at.q < 4.0**LAST else None


def _packed(values: FloatArray) -> str:
    return base64.b64encode(np.ascontiguousarray(values, "<f8").tobytes()).decode()
