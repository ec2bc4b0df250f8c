"""What a phase is: where variances and correlations end, and in how many layers."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from math import degrees
from typing import TYPE_CHECKING, Any, Literal

from eoc.errors import EocError
from eoc.maps import CorrelationMap, VarianceMap
from eoc.shown import Drawn, Shown
from eoc.validation import real_number

if TYPE_CHECKING:
    import pandas
    import xarray

__all__ = ["Phase", "PhaseName"]

_TRAINABLE = 6.0
_SPACING = {"float16": 2.0**-10, "float32": 2.0**-23, "float64": 2.0**-52}
PhaseName = Literal["ordered", "chaotic", "critical", "divergent"]


@dataclass(frozen=True)
class Phase(Shown, Drawn, report="phase.write_phase", panel="plot_phase", figure="phase_figure"):
    """What layers do to signals whose variance settles at ``q``.

    Attributes
    ----------
    variance
        The variance map, which knows the network and its place.
    phase
        "ordered" (chi_1 < 1), "chaotic" (chi_1 > 1), "critical" (chi_1 = 1 to within its error), or "divergent": the
        variance grows without bound.
    q, q_error, slope, slope_error
        The variance that layers keep and F'(q). Where every variance is kept (a linear or ReLU-like phi at its critical
        sigma_w) 1 stands for all.
    basin
        The variances of the first layer that end at q.
    chi_1, chi_1_error
        By what small differences grow in a layer, and gradients' second moment; infinite if phi jumps.
    chi_backward, chi_backward_error
        By what gradients' second moment grows where they see the slope of a surrogate (``backward``); else as chi_1.
    c_star, c_star_error
        The correlation at which two different inputs end; NaN if every correlation is kept.
    angle
        arccos(c_star).
    xi_q, xi_c, xi_grad, xi_q_error, xi_c_error, xi_grad_error
        Numbers of layers in which distances from q, distances from c* and the second moment of gradients fall by e, and
        bounds on their errors. Infinite where they do not fall exponentially (with an infinite error where F'(q) cannot
        be told from 1); xi_grad is negative where gradients grow.
    correlation
        The correlation map; None in the divergent phase, and where variances vanish faster than in proportion (at q = 0
        if phi has no slope there): then c_star is NaN.
    all_pairs_merge
        Whether c -> 1 for every pair of inputs: with ``variance_domain`` (sigma_b, sigma_w) lies in D_phi,corr.
    variance_domain
        K of D_phi,var and D_phi,corr (Hayou et al. 2019): all inputs with 0 < q_1 <= K come to this q; None if small
        ones do not.
    batch
        How many inputs the batch has that layers normalise over, all alike: then ``c_star`` is of two of them, and
        ``chi_1`` the growth of gradients through the whole batch; there is no correlation map. None: there is none.
    power
        Where variances of such a batch grow without bound: the power of q that gradients grow like.
    """

    variance: VarianceMap = field(repr=False)
    phase: PhaseName
    q: float
    q_error: float
    slope: float
    slope_error: float
    basin: tuple[float, float]
    chi_1: float
    chi_1_error: float
    chi_backward: float
    chi_backward_error: float
    c_star: float
    c_star_error: float
    angle: float
    xi_q: float
    xi_c: float
    xi_grad: float
    xi_q_error: float
    xi_c_error: float
    xi_grad_error: float
    correlation: CorrelationMap | None = field(repr=False)
    all_pairs_merge: bool
    variance_domain: float | None
    batch: float | None = None
    power: float = 0.0

    @property
    def trainable_depth(self) -> float:
        """6 xi_c."""
        return _TRAINABLE * self.xi_c

    @property
    def activity(self) -> float:
        """P(phi(h) > 0), the share of active units: of +1 behind a sign; NaN for networks and where there is no map."""
        if self.correlation is None or self.q == 0.0:
            return float("nan")
        try:
            return float(self.correlation.variance.activity(self.q).value)
        except EocError:  # of a network, or of an activation that crosses 0 again and again
            return float("nan")

    @property
    def in_domain(self) -> bool:
        """Whether (sigma_b, sigma_w) lies in D_phi,corr: one variance and one correlation, 1, for all small inputs."""
        return self.all_pairs_merge and self.variance_domain is not None

    def to_dict(self) -> dict[str, Any]:
        """Everything by name; of the correlation map its fixed points."""
        own = {name: value for name, value in vars(self).items() if name not in ("variance", "correlation")}
        return own | {
            "angle_degrees": degrees(self.angle),
            "trainable_depth": self.trainable_depth,
            "activity": self.activity,
            "in_domain": self.in_domain,
            "fixed_points": [] if self.correlation is None else [asdict(p) for p in self.correlation.fixed_points],
        }

    def to_xarray(self) -> xarray.Dataset:
        """Every number by name, with the network and its place as attributes."""
        import xarray

        numbers = {name: value for name, value in self.to_dict().items() if isinstance(value, (int, float))}
        place = {
            "network": self.variance.network.name,
            "sigma_w": self.variance.sigma_w,
            "sigma_b": self.variance.sigma_b,
        }
        return xarray.Dataset(numbers, attrs={**place, "phase": self.phase})

    def to_dataframe(self) -> pandas.DataFrame:
        """One row, with the network and its place: what ``pandas.concat`` makes tables of.

        Examples
        --------
        >>> from eoc.phase import phase_of
        >>> phase_of("tanh", sigma_w=2.5, sigma_b=0.3).to_dataframe()[["network", "phase"]].values.tolist()
        [['tanh', 'chaotic']]
        """
        import pandas as pd

        found = self.to_xarray()
        return pd.DataFrame([{**found.attrs, **{str(name): value.item() for name, value in found.items()}}])

    def merging_depth(self, distance: float, dtype: str = "float32") -> float:
        """The layers after which two inputs look the same in a floating-point format; inf if never.

        Parameters
        ----------
        distance
            Of the pre-activations of the first layer, |h - h'| / |h| with |h| = |h'|, in (0, 2]: that of the inputs
            themselves if there is no bias.
        dtype
            "float16", "float32" or "float64": the distance of neighbouring numbers is 2^-10, 2^-23, 2^-52.

        Returns
        -------
        float
            The first layer with 1 - c <= 2^-(2p)/2 for a spacing 2^-p; NaN where variances diverge.

        Raises
        ------
        EocError
            For a distance or format that is not one of these.

        Examples
        --------
        >>> from eoc.phase import phase_of
        >>> phase_of("tanh", sigma_w=1.0, sigma_b=0.3).merging_depth(0.1)
        77.0
        """
        distance = real_number("distance", distance)
        if not isinstance(dtype, str) or dtype not in _SPACING:
            raise EocError(f"dtype must be one of {', '.join(_SPACING)}; got {dtype!r}")
        if not 0.0 < distance <= 2.0:
            raise EocError(f"the distance |h - h'|/|h| must lie in (0, 2], got {distance!r}")
        if self.correlation is None:
            return float("nan")
        return self.correlation.depth_until(0.5 * _SPACING[dtype] ** 2, one_minus_c=0.5 * distance**2)
