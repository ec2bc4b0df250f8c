"""What a whole edge of chaos is: its pieces, its ends, where it turns, and its inversion."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from eoc.criticality.asymptotics import End
from eoc.criticality.branches import TurningPoint, branches, squared_bias_value, weight_moment
from eoc.criticality.explicit import Curve, edge_moments
from eoc.criticality.forced import forced_at
from eoc.criticality.results import NoPoint
from eoc.criticality.stability import StabilityRange, Transition
from eoc.errors import EocError
from eoc.floats import FloatArray
from eoc.inversion import inverse
from eoc.layers import Network
from eoc.shown import Drawn, Shown
from eoc.validation import copied_within, real_numbers

if TYPE_CHECKING:
    import pandas
    import xarray

__all__ = ["EocCurve"]

_SIGMA_MIN, _SIGMA_MAX = 1e-60, 1e50
_ROUNDING = 1e-15
_NEAR = 1e-4  # of sigma_w: a copy from print is never further off


@dataclass(frozen=True, eq=False)
class EocCurve(Shown, Drawn, report="curve.write_curve", panel="plot_eoc", figure="eoc_figure"):
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
    network
        What it is the edge of chaos of.

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
    transitions: tuple[Transition, ...] = field(repr=False)
    stretches: tuple[StabilityRange, ...] = field(repr=False)
    turning_points: tuple[TurningPoint, ...] = field(repr=False)
    ends: tuple[tuple[End, End], ...] = field(repr=False)
    network: Network = field(repr=False)

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

    def to_dataframe(self) -> pandas.DataFrame:
        """The curve in the window, a row for each of its points.

        Examples
        --------
        >>> from eoc.criticality import eoc_curve
        >>> eoc_curve("tanh").to_dataframe().columns.tolist()
        ['activation', 'piece', 'q', 'sigma_b', 'sigma_w', 'slope', 'stable']
        """
        import pandas as pd

        sizes = [piece.q.size for piece in self.pieces]
        columns = {
            name: np.concatenate([np.empty(0), *(getattr(piece, name) for piece in self.pieces)])
            for name in ("q", "sigma_b", "sigma_w", "slope")
        }
        table = pd.DataFrame({"piece": np.repeat(np.arange(len(sizes)), sizes), **columns})
        table.insert(0, "activation", self.activation)
        return table.assign(stable=table["slope"] < 1.0)

    def to_xarray(self) -> xarray.Dataset:
        """The same along ``point``."""
        found: xarray.Dataset = self.to_dataframe().drop(columns="activation").rename_axis("point").to_xarray()
        return found.assign_attrs(activation=self.activation, kind=self.kind, sigma_b_max=self.sigma_b_max)

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
        >>> from eoc.criticality import eoc_curve
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
        if self.kind == "curve" and not self.network.free_is_last:
            return forced_at(self.network, name, targets)
        return self._points(self._solved(name, targets), targets, name)

    def sigma_w(self, sigma_b: ArrayLike) -> FloatArray:
        """sigma_w of every point with the given sigma_b; shape (n, *shape), see :meth:`at`.

        Examples
        --------
        >>> from eoc.criticality import eoc_curve
        >>> eoc_curve("relu").sigma_w([0.0, 0.1]).tolist()
        [[1.4142135623730951, nan]]
        """
        return self.at(sigma_b=sigma_b).sigma_w

    def sigma_b(self, sigma_w: ArrayLike) -> FloatArray:
        """sigma_b of every point with the given sigma_w; shape (n, *shape), see :meth:`at`.

        Examples
        --------
        >>> from eoc.criticality import eoc_curve
        >>> eoc_curve("tanh").sigma_b(1.30414584005651143).round(12).tolist()
        [0.2]
        """
        return self.at(sigma_w=sigma_w).sigma_b

    def _solved(self, name: Literal["sigma_b", "sigma_w"], targets: FloatArray) -> FloatArray:
        """Every q at which sigma_b or sigma_w is equal to the targets."""
        network = self.network
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
        m = edge_moments(self.network, flat[known], ("D", "P"))
        weight[known], slope[known] = m["D"].value ** -0.5, 1.0 + m["P"].value / m["D"].value
        given = np.where(np.isfinite(q), targets, np.nan)
        if name == "sigma_b":
            return Curve(q=q, sigma_w=weight.reshape(q.shape), sigma_b=given, slope=slope.reshape(q.shape))
        bias[known] = np.sqrt(np.maximum(squared_bias_value(self.network, flat[known]), 0.0))
        return Curve(q=q, sigma_w=given, sigma_b=bias.reshape(q.shape), slope=slope.reshape(q.shape))


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
