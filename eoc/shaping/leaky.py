r"""TAT of the ReLU family: the leaky ReLU whose slope keeps inputs apart over the depth of a network.

gamma = (2 / (1 + a^2))^(1/2) makes Q(q) = q for every q and C'(1) = 1, and the slope a is chosen so that two inputs of
correlation 0 end with the correlation eta: C_f(0) = eta, the greatest of the network's and its branches'. Zhang, Botev
and Martens (2022), section 4.2. Of a plain layer f(c) = c + ((1 - a)^2 / (1 + a^2)) (sqrt(1 - c^2) - c arccos c) / pi.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eoc.activations import Activation, activation
from eoc.errors import EocError
from eoc.floats import EPS
from eoc.layers import Input, Network, Pairs
from eoc.layers.elementwise import Elementwise
from eoc.layers.graph import Op
from eoc.maps import CorrelationMap
from eoc.shaping.target import Part, greatest_is_one, parts_of, through
from eoc.shaping.written import with_shaped

__all__ = ["Leaky", "leaky_for"]

_STEP = 1e-5
_OFF = 200.0  # roundings a block that correlations may be off by


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
    parts = parts_of(network, depth)

    def share(part: Part, slope: float) -> float:
        return _end(network, part, phi, slope) / eta

    slope = greatest_is_one(parts, share, lambda _: (0.0, 1.0), 0.0)
    if slope is None:
        of_relu = max(share(part, 0.0) for part in parts) * eta
        raise EocError(
            f"{depth} layers of ReLU take a correlation of 0 to {of_relu:.3g} only, less than eta = {eta:g}: "
            "they train as they are, or ask for less"
        )
    most = max(parts, key=lambda part: share(part, slope))
    rise = (share(most, slope + _STEP) - share(most, slope - _STEP)) / (2.0 * _STEP)
    error = _OFF * depth * EPS / abs(rise) + 4.0 * EPS
    return Leaky(slope, _gamma(slope), error, error * slope + 2.0 * EPS)


def _end(network: Network, part: Part, phi: Activation, slope: float) -> float:
    """The correlation behind a part of two inputs of correlation 0."""
    new = _activation(slope)

    def op(one: Activation, backward: Activation | None) -> Op:
        return Elementwise(new if one is phi else one, backward)

    if network.phi is None:
        alone = np.zeros(1, np.int64)
        y, times = through(part, network.varies, op, Input([1.0], np.ones(1), Pairs(alone, alone)))
        if times == 1:
            return 1.0 - float(y.one_minus_c.value[0])
    block = with_shaped(network, phi, new)
    f = CorrelationMap(block, 1.0 if block.is_free else None, q=1.0)
    return 1.0 - float(f.iterate(part[1], c=0.0).value)
