"""The whole edge of chaos of an activation or a network: every piece, its ends, where it turns, and its inversion."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from eoc.criticality.asymptotics import End, ends
from eoc.criticality.branches import Branch, TurningPoint, branches, squared_bias_value, weight_moment
from eoc.criticality.curve_sampling import sampled
from eoc.criticality.explicit import Curve, edge_moments, explicit_network, only_scales, solvable_network
from eoc.criticality.forced import forced_at, forced_pieces, forced_stretches
from eoc.criticality.no_solution import explained
from eoc.criticality.point import point_at
from eoc.criticality.regimes import regime_of
from eoc.criticality.results import EdgeOfChaos, NoPoint, Regime
from eoc.criticality.solve import edge_of_chaos
from eoc.criticality.stability import StabilityRange, Transition, stretches, transition_points
from eoc.errors import EocError
from eoc.floats import FloatArray
from eoc.inversion import inverse
from eoc.layers import Network
from eoc.sharing import cached
from eoc.validation import copied_within, real_number, real_numbers

__all__ = ["EocCurve", "eoc_curve"]

_POINTS = (8, 10**6)
_WINDOW = (1e-50, 1e50)
_SIGMA_MIN, _SIGMA_MAX = 1e-60, 1e50
_ROUNDING = 1e-15
_NEAR = 1e-4  # of sigma_w: a copy from print is never further off


@dataclass(frozen=True, eq=False)
class EocCurve:
    """The edge of chaos of an activation or a network.

    Attributes
    ----------
    activation
        Its name.
    kind
        "curve"; "point" for what only scales variances, such as relu: sigma_b = 0 with one sigma_w keeps every q;
        "none".
    reason, message
        Why there is none, or none that is stable, and what to do; None and "" if there is a usable point.
    sigma_b_max
        The window.
    pieces
        The curve in the window, ready to be plotted: each a connected stretch of q with sigma_b <= sigma_b_max. Ends,
        transitions and turning points are among its points. A curve that leaves the window and comes back has several.
        For a "point" one piece with that point, whose q = 1 stands for every q.
    transitions
        Where F' = 1, by increasing q, over all q.
    stretches
        What is stable and what is not, over all q.
    turning_points
        Where sigma_b or sigma_w has an extremum, by increasing q, over all q.
    ends
        The two ends of each connected stretch, over all q, with asymptotics.

    Notes
    -----
    "All q" are those from 1e-20 to 1e8, or as far as double precision can compute; for a phi that oscillates without
    end, such as snake or sin, as far as quadrature is cheap (about 1e5).

    Where a norm behind the free dense layer of a network decides the variance, the curve is followed along sigma_w
    from 1e-3 to 1e3 instead: ``turning_points`` and ``ends`` are then not known, and empty.
    """

    activation: str
    kind: Literal["curve", "point", "none"]
    reason: NoPoint | None
    message: str
    sigma_b_max: float
    pieces: tuple[Curve, ...] = field(repr=False)
    transitions: tuple[Transition, ...]
    stretches: tuple[StabilityRange, ...]
    turning_points: tuple[TurningPoint, ...]
    ends: tuple[tuple[End, End], ...]
    _network: Network = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Everything by name but the activation, whose :meth:`eoc.activations.Activation.to_dict` says more."""
        return {
            "kind": self.kind,
            "reason": None if self.reason is None else str(self.reason),
            "message": self.message,
            "sigma_b_max": self.sigma_b_max,
            "ends": [[asdict(end) for end in pair] for pair in self.ends],
            "stretches": [asdict(stretch) for stretch in self.stretches],
            "transitions": [asdict(transition) for transition in self.transitions],
            "turning_points": [asdict(point) for point in self.turning_points],
            "pieces": [{**asdict(piece), "stable": piece.slope < 1.0} for piece in self.pieces],
        }

    def at(self, *, sigma_b: ArrayLike | None = None, sigma_w: ArrayLike | None = None) -> Curve:
        """Every point of the curve with the given sigma_b, or with the given sigma_w; the window does not matter.

        Parameters
        ----------
        sigma_b, sigma_w
            One of them: a scalar or an array of any shape, sigma_b >= 0, sigma_w > 0.

        Returns
        -------
        Curve
            Arrays of shape (n, *shape). Between its turning points the curve has each value once: row i is that stretch
            of it, by increasing q, and NaN where it does not reach the value. sigma_b = 0 is the limit q = 0 where
            there is one. A "point" has one row with q = 1, which stands for every q.

        Raises
        ------
        EocError
            If both or none are given, or one is out of range.

        Notes
        -----
        Accuracy: about 1e-14 relative in q and in the other sigma, also at sigma_b = 1e-8; next to a turning point of
        the given quantity, or where it is almost constant, as the conditioning allows. After the first call a value
        costs less than a microsecond.

        Examples
        --------
        >>> found = eoc_curve("tanh").at(sigma_b=[0.05, 0.2])
        >>> found.sigma_w.round(8).tolist()
        [[1.122539, 1.30414584]]
        >>> eoc_curve("gelu").at(sigma_w=1.4).sigma_b.round(8).tolist()  # on both sides of its minimum
        [0.49712174, 0.68620506]
        """
        if (sigma_b is None) == (sigma_w is None):
            given = "both" if sigma_w is not None else "none"
            raise EocError(f"give either sigma_b or sigma_w, one or many numbers; got {given}")
        name: Literal["sigma_b", "sigma_w"] = "sigma_b" if sigma_w is None else "sigma_w"
        targets = _checked(name, sigma_b if sigma_w is None else sigma_w)
        if self.kind == "curve" and not self._network.free_is_last:
            return forced_at(self._network, name, targets)
        return self._points(self._solved(name, targets), targets, name)

    def sigma_w(self, sigma_b: ArrayLike) -> FloatArray:
        """sigma_w of every point with the given sigma_b; shape (n, *shape), see :meth:`at`.

        Examples
        --------
        >>> eoc_curve("relu").sigma_w([0.0, 0.1]).tolist()
        [[1.4142135623730951, nan]]
        """
        return self.at(sigma_b=sigma_b).sigma_w

    def sigma_b(self, sigma_w: ArrayLike) -> FloatArray:
        """sigma_b of every point with the given sigma_w; shape (n, *shape), see :meth:`at`.

        Examples
        --------
        >>> eoc_curve("tanh").sigma_b(1.30414584005651143).round(12).tolist()
        [0.2]
        """
        return self.at(sigma_w=sigma_w).sigma_b

    def _solved(self, name: Literal["sigma_b", "sigma_w"], targets: FloatArray) -> FloatArray:
        """Every q at which sigma_b or sigma_w is equal to the targets."""
        network = self._network
        if self.kind != "curve":
            kept = np.where(self._is_the_point(name, targets), 1.0, np.nan)
            return kept[None] if self.kind == "point" else kept[None][:0]
        if name == "sigma_b":
            parts = [piece for branch in branches(network) for piece in branch.bias]
            return inverse(lambda q: squared_bias_value(network, q), parts, targets**2)
        parts = [piece for branch in branches(network) for piece in branch.weight]
        with np.errstate(over="ignore"):
            return inverse(lambda q: weight_moment(network, q), parts, targets**-2.0)

    def _is_the_point(self, name: str, targets: FloatArray) -> FloatArray:
        if name == "sigma_b":
            return np.asarray(targets == 0.0)
        (sigma_w,) = self.pieces[0].sigma_w.tolist() if self.pieces else (np.nan,)
        off = np.abs(targets / sigma_w - 1.0)
        within = [copied_within(w)[0] / sigma_w + _ROUNDING for w in targets[off <= _NEAR].tolist()]
        found = np.zeros(targets.shape, bool)
        found[off <= _NEAR] = off[off <= _NEAR] <= within
        return found

    def _points(self, q: FloatArray, targets: FloatArray, name: str) -> Curve:
        """The points at these q, with what was asked for put back exactly."""
        flat = q.reshape(-1)
        known = np.flatnonzero(np.isfinite(flat))
        weight, slope, bias = (np.full(flat.shape, np.nan) for _ in range(3))
        m = edge_moments(self._network, flat[known], ("D", "P"))
        weight[known], slope[known] = m["D"].value ** -0.5, 1.0 + m["P"].value / m["D"].value
        given = np.where(np.isfinite(q), targets, np.nan)
        if name == "sigma_b":
            return Curve(q=q, sigma_w=weight.reshape(q.shape), sigma_b=given, slope=slope.reshape(q.shape))
        bias[known] = np.sqrt(np.maximum(squared_bias_value(self._network, flat[known]), 0.0))
        return Curve(q=q, sigma_w=given, sigma_b=bias.reshape(q.shape), slope=slope.reshape(q.shape))


def eoc_curve(activation: object, *, sigma_b_max: float = 2.0, points: int = 400) -> EocCurve:
    r"""The whole edge of chaos of an activation, or of a network.

    The curve is explicit in the variance, sigma_w^2 = 1/D and sigma_b^2 = q - V/D with V = E[phi^2], D = E[phi'^2], so
    it is followed in q, and what is asked of it are roots of functions of one variable: its ends of sigma_b^2, its
    transitions of F' - 1 = E[phi phi'']/D, its turning points of the derivatives of sigma_b^2 and of D. So it is for
    every network in which only sums, scales and further dense layers follow the free one
    (:mod:`eoc.criticality.explicit`); where a norm does, and decides the variance, it is followed along sigma_w.

    Parameters
    ----------
    activation
        An activation, or whatever :func:`eoc.activation` understands: a name, a formula, a Python function. Or an
        :func:`eoc.network` or its text, with a ``dense`` without numbers.
    sigma_b_max
        Width > 0 of the window in which the curve is sampled.
    points
        About how many samples, from 8 to 10^6: evenly along the curve in the (sigma_w, sigma_b) plane of the window,
        closer where it bends.

    Returns
    -------
    EocCurve
        The samples, and what holds over all q: ends, transitions, turning points, and :meth:`EocCurve.at`, which gives
        every point with a given sigma_b or sigma_w. That there is no curve is not an error: see ``kind``.

    Raises
    ------
    EocError
        For a window or a number of points out of range; for a network without a free dense layer, or whose blocks
        differ.
    UnsupportedError
        Where an activation follows the free dense layer of a network, and no norm decides the variance.

    Notes
    -----
    Accuracy: samples about 1e-14 relative; transitions and turning points to some 1e-12 and 1e-10 in q. The constants
    of ``ends`` are measured, with error estimates; so are, for networks, their limits.

    Examples
    --------
    >>> silu = eoc_curve("silu")
    >>> [(round(t.sigma_b, 8), t.becomes) for t in silu.transitions]
    [(0.7450793, 'stable')]
    >>> [(t.quantity, t.extremum, round(t.sigma_b, 6), round(t.sigma_w, 6)) for t in silu.turning_points]
    [('sigma_w', 'minimum', 1.019929, 1.402493)]
    >>> start, _ = eoc_curve("tanh").ends[0]
    >>> start.sigma_w, start.squared_bias.exponent, round(start.squared_bias.constant, 9)  # sigma_b^2 ~ (4/3) q^3
    (1.0, 3.0, 1.333333333)
    >>> block = eoc_curve("residual(tanh, dense, skip=0.8)")
    >>> block.at(sigma_b=0.1).sigma_w.round(8).tolist()
    [0.76206437]
    """
    network = solvable_network(activation)
    window, count = _checked_window(sigma_b_max), _checked_points(points)
    if network.jumps or only_scales(network):
        return _isolated(edge_of_chaos(network), window, network)
    regime = None if network.phi is not None else regime_of(network, 1.0)
    if regime is Regime.FORCED and not network.free_is_last:
        return _forced(network, window, count)
    parts = branches(explicit_network(network))
    if not parts:
        return _isolated(explained(network, {}, (), regime), window, network)
    facts = _followed(network, regime)
    return EocCurve(
        activation=network.name,
        kind="curve",
        reason=facts.reason,
        message=facts.message,
        sigma_b_max=window,
        pieces=sampled(network, parts, [t.q for t in facts.transitions], window, count),
        transitions=facts.transitions,
        stretches=facts.stretches,
        turning_points=tuple(t for branch in parts for t in branch.turning_points),
        ends=facts.ends,
        _network=network,
    )


# What goes in


def _checked_window(sigma_b_max: float) -> float:
    window, (least, most) = real_number("sigma_b_max", sigma_b_max), _WINDOW
    if not least <= window <= most:
        raise EocError(f"sigma_b_max must be from {least:g} to {most:g}, got {sigma_b_max!r}; 2 suits most pictures")
    return window


def _checked_points(points: int) -> int:
    count, (least, most) = real_number("points", points), _POINTS
    if not (least <= count <= most and count == int(count)):
        raise EocError(f"points must be a whole number from {least} to {most}, got {points!r}; 400 suits most pictures")
    return int(count)


def _checked(name: str, value: ArrayLike | None) -> FloatArray:
    out = real_numbers(name, value if value is not None else ())
    if name == "sigma_b":
        good = (out == 0.0) | ((out >= _SIGMA_MIN) & (out <= _SIGMA_MAX))
        rule = f": 0, or from {_SIGMA_MIN:g} to {_SIGMA_MAX:g}"
    else:
        good, rule = (out > 0.0) & (out <= _SIGMA_MAX), f" > 0, at most {_SIGMA_MAX:g}"
    if not good.all():
        raise EocError(f"{name} must be a standard deviation{rule}; got {float(out[~good].flat[0])!r}")
    return out


# What comes out


def _isolated(answer: EdgeOfChaos, window: float, network: Network) -> EocCurve:
    """The point of relu and its kin, or none for what jumps, is zero, or is critical nowhere."""
    kind: Literal["point", "none"] = "point" if answer.reason is None else "none"
    one = np.ones(1)
    pieces = tuple(
        Curve(q=one * p.q, sigma_w=one * p.sigma_w, sigma_b=one * p.sigma_b, slope=one * p.slope) for p in answer.points
    )
    return EocCurve(network.name, kind, answer.reason, answer.message, window, pieces, (), (), (), (), network)


def _forced(network: Network, window: float, count: int) -> EocCurve:
    """Where a norm behind what is free decides the variance."""
    parts = forced_stretches(network)
    if not parts:
        return _isolated(explained(network, {}, (), Regime.FORCED), window, network)
    pieces = forced_pieces(network, window, count)
    return EocCurve(network.name, "curve", None, "", window, pieces, (), parts, (), (), network)


@dataclass(frozen=True)
class _Facts:
    """What does not depend on the window, and is kept with the activation."""

    reason: NoPoint | None
    message: str
    transitions: tuple[Transition, ...]
    stretches: tuple[StabilityRange, ...]
    ends: tuple[tuple[End, End], ...]


@cached()
def _followed(network: Network, regime: Regime | None) -> _Facts:
    parts, changes = branches(network), transition_points(network)
    limits = tuple(ends(network, branch) for branch in parts)
    between = tuple(
        s for branch, pair in zip(parts, limits, strict=True) for s in stretches(network, branch, pair, changes)
    )
    return _Facts(*_why_unstable(network, parts, between, regime), changes, between, limits)


def _why_unstable(
    network: Network, parts: tuple[Branch, ...], between: tuple[StabilityRange, ...], regime: Regime | None
) -> tuple[NoPoint | None, str]:
    """The reason and the sentence where no stretch is stable, with a point in the middle as the example."""
    if any(s.stability == "stable" for s in between):
        return None, ""
    point = point_at(network, float(parts[0].q[parts[0].q.size // 2]), 0.0)
    answer = explained(network, {}, () if point is None else (point,), regime)
    return answer.reason, answer.message
