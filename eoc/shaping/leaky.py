r"""TAT of the ReLU family: the leaky ReLU whose slope keeps inputs apart over the depth of a network.

gamma = (2 / (1 + a^2))^(1/2) makes Q(q) = q for every q and C'(1) = 1, and the slope a is chosen so that two inputs of
correlation 0 end with the correlation eta: C_f(0) = eta, the greatest of the network's and its branches'. Zhang, Botev
and Martens (2022), section 4.2. Of a plain layer f(c) = c + ((1 - a)^2 / (1 + a^2)) (sqrt(1 - c^2) - c arccos c) / pi.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from scipy.optimize import toms748

from eoc.activations import Activation, activation
from eoc.errors import EocError
from eoc.floats import EPS
from eoc.layers import Network
from eoc.layers.words import has_free
from eoc.propagation import propagate
from eoc.shaping.target import branches
from eoc.shaping.written import with_shaped
from eoc.sharing import Memory

__all__ = ["Leaky", "leaky_for"]

_STEP = 1e-5


@dataclass(frozen=True)
class Leaky:
    """gamma (max(x, 0) + slope min(x, 0)), and bounds on the errors of both numbers."""

    slope: float
    gamma: float
    slope_error: float
    gamma_error: float

    @property
    def activation(self) -> Activation:
        """As a formula."""
        return _activation(self.slope)


def _gamma(slope: float) -> float:
    return float((2.0 / (1.0 + slope * slope)) ** 0.5)


def _activation(slope: float) -> Activation:
    return activation(f"{_gamma(slope)!r}*leaky_relu(x, slope={slope!r})")


def leaky_for(network: Network, phi: Activation, depth: int, eta: float) -> Leaky:
    """The leaky ReLU in place of phi with which the greatest C_f(0) of the network and its branches is eta.

    Raises
    ------
    EocError
        If ReLU itself takes correlations less far than eta: then nothing has to be shaped.
    """
    alone = [
        replace(network, series=part, is_free=has_free(part), phi=None, cache=Memory())
        for part in branches(network.series)
    ]

    def reached(slope: float) -> tuple[float, float]:
        new = _activation(float(slope))
        return max(_end(with_shaped(n, phi, new), d) for n, d in ((network, depth), *((one, 1) for one in alone)))

    if reached(0.0)[0] < eta:
        raise EocError(
            f"{depth} layers of ReLU take a correlation of 0 to {reached(0.0)[0]:.3g} only, less than eta = {eta:g}: "
            "they train as they are, or ask for less"
        )
    slope = float(toms748(lambda a: reached(a)[0] - eta, 0.0, 1.0, xtol=1e-16, rtol=4.0 * EPS))
    rise = (reached(slope + _STEP)[0] - reached(slope - _STEP)[0]) / (2.0 * _STEP)
    error = (reached(slope)[1] + EPS) / abs(rise) + 4.0 * EPS
    return Leaky(slope, _gamma(slope), error, error * slope + 2.0 * EPS)


def _end(network: Network, depth: int) -> tuple[float, float]:
    """The correlation at the end of two inputs of correlation 0, and a bound on its error."""
    sigma = (1.0, 0.0) if network.is_free else (None, 0.0)
    run = propagate(network, *sigma, q=1.0, c=0.0, depth=[0, depth])
    return 1.0 - float(run.one_minus_c[-1, 0, 1]), float(run.error[-1, 0, 1])
