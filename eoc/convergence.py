"""How correlations converge with depth: what the iterated map does, beside the law (:mod:`eoc.maps.laws`)."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from eoc.errors import EocError
from eoc.floats import EPS, FloatArray
from eoc.maps import ConvergenceLaw, CorrelationMap, convergence_law
from eoc.shown import Drawn, Shown
from eoc.validation import real_number

if TYPE_CHECKING:
    import pandas
    import xarray

__all__ = ["Convergence", "Measured", "convergence_of"]

_C0 = 0.1  # correlation of the inputs, where none is given
_NODES = 6  # depths l, l/2, ... from which exponent and constant are extrapolated
_WINDOW = 0.003  # of a depth: the layers over which growth is measured there
_DOUBT = 10.0  # times what higher degrees change
_SETTLED = 1e-6  # of |c - c*|: the error of c at which the exponential rate is read off


_BY_DEPTH = ("one_minus_c", "error", "leading", "refined")


@dataclass(frozen=True)
class Measured:
    """A constant or exponent read off the iterated map, extrapolated in depth, with an estimate of its error."""

    value: float
    error: float


@dataclass(frozen=True)
class Convergence(
    Shown, Drawn, report="convergence.write_convergence", panel="plot_convergence", figure="convergence_figure"
):
    """Correlations at some depths beside the law.

    Attributes
    ----------
    map
        The correlation map, which knows the network and its place.
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

    map: CorrelationMap = field(repr=False)
    law: ConvergenceLaw
    c0: float
    depths: FloatArray = field(repr=False)
    one_minus_c: FloatArray = field(repr=False)
    error: FloatArray = field(repr=False)
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

    def to_xarray(self) -> xarray.Dataset:
        """1 - c_l along ``depth``, with the law on the edge of chaos, and the place as attributes."""
        import xarray

        found = {name: value for name in _BY_DEPTH if (value := self.to_dict()[name]) is not None}
        place = {"network": self.map.network.name, **{name: getattr(self.map, name) for name in ("sigma_w", "sigma_b")}}
        about = {**place, "q": self.map.q, "c0": self.c0, "law": self.law.law, "constant": self.law.constant}
        return xarray.Dataset({name: ("depth", value) for name, value in found.items()}, {"depth": self.depths}, about)

    def to_dataframe(self) -> pandas.DataFrame:
        """A row for each depth.

        Examples
        --------
        >>> convergence_of(CorrelationMap("relu", sigma_w=2**0.5), 100).to_dataframe().columns.tolist()
        ['depth', 'one_minus_c', 'error', 'leading', 'refined']
        """
        return self.to_xarray().to_dataframe().reset_index()

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
    return Convergence(f, law, c0, depths, found.value, found.error, exponent, constant)


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
