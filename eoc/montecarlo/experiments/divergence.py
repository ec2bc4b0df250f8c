r"""What a network does whose variance map does not exist: phi = exp(a x^2) at q >= 1/(4a) (Long & Sedghi 2019).

There phi(h)^2 = exp(2 a q z^2) has no mean: P(phi^2 > y) ~ y^{-alpha} / sqrt(pi alpha log y) with
alpha = 1/(4 a q) <= 1. The largest of N such numbers is about b_N, with N P(phi^2 > b_N) = 1, and what is seen of their
mean is that of what lies below. So K_2 has no limit, but grows like

.. math:: k_N = \sigma_w^2 E[\min(\phi(h_1)^2, b_N)] \sim \text{const} \cdot N^{4aq-1} (\log N)^{-2aq},

where K_2 / k_N comes to a one-sided stable law of order alpha. At alpha = 1 k_N grows like sqrt(log N).

The law is reached so slowly, with errors of order 1/log N, that a growth exponent of medians has no honest error. What
is known exactly at every N is the Laplace transform

.. math:: E[e^{-s (K_2 - \sigma_b^2)}] = \Big(E[e^{-s \sigma_w^2 \phi(h_1)^2 / N}]\Big)^N,

an expectation of numbers between 0 and 1, which can be compared with the average over networks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from eoc.activations import activation
from eoc.errors import EocError, NotPermissibleError
from eoc.floats import FloatArray
from eoc.machine import check_memory
from eoc.maps import VarianceMap
from eoc.montecarlo.experiments.comparison import Comparison, by_name
from eoc.montecarlo.experiments.networks import seed_of
from eoc.montecarlo.experiments.second_layer import SecondLayer, second_layer
from eoc.montecarlo.running.quantiles import Quantiles
from eoc.montecarlo.running.runner import Progress, share_of
from eoc.montecarlo.settings import checked_count
from eoc.validation import real_number, real_numbers

__all__ = ["Divergence", "divergence"]

_TAIL = 40.0  # standard deviations beyond which a Gaussian is 0
_ACCURACY = 1e-9  # of the quadrature, relative
_COPIES = 6  # of the variances of one width, where quantiles are counted
_LEAST_WIDTH = 10  # of which the largest term says something


@dataclass(frozen=True, eq=False)
class Divergence:
    """Second layers of networks with phi = exp(a x^2) of several widths.

    Attributes
    ----------
    a, q
        The activation's, and the variance of the first layer.
    reason
        Why the variance map does not exist, in the words of :meth:`eoc.VarianceMap.F`.
    layers
        One :class:`SecondLayer` for each width.
    median : (W,)
        Of K_2 - sigma_b^2 over networks.
    low, high : (W,)
        A 95 % confidence interval of it; of few networks, from 0 to infinity.
    scale : (W,)
        k_N, how large theory says that K_2 - sigma_b^2 is.
    """

    a: float
    q: float
    reason: str
    layers: tuple[SecondLayer, ...] = field(repr=False)
    median: FloatArray
    low: FloatArray
    high: FloatArray
    scale: FloatArray

    @property
    def widths(self) -> NDArray[np.int64]:
        """N, (W,)."""
        return np.array([layer.width for layer in self.layers])

    @property
    def exponent(self) -> float:
        """Of N in the growth of the median over these widths, by least squares."""
        return self._slope(self.median)

    @property
    def predicted_exponent(self) -> float:
        """The same for k_N, which includes powers of log N; what else there is at finite N has no error estimate."""
        return self._slope(self.scale)

    @property
    def limiting_exponent(self) -> float:
        """4 a q - 1, where both end as N grows; at 4 a q = 1 K_2 grows like sqrt(log N)."""
        return 4.0 * self.a * self.q - 1.0

    @property
    def comparisons(self) -> tuple[Comparison, ...]:
        """E[exp(-(K_2 - sigma_b^2) / k_N)] of every width beside its exact value."""
        found = []
        for layer, scale in zip(self.layers, self.scale, strict=True):
            seen = np.exp(-(layer.kernel - layer.sigma_b**2) / scale)
            rate = layer.sigma_w**2 / layer.width / scale
            theory = _laplace(self.a, self.q, layer.width, rate)
            square = _laplace(self.a, self.q, layer.width, 2.0 * rate)
            error = float(np.sqrt((square - theory**2) / seen.size))  # as theory says: few networks do not know theirs
            name = f"E exp(-K_2/k_N), N = {layer.width}"
            doubt = _ACCURACY * theory * abs(np.log(theory))
            found.append(Comparison(name, 2, theory, float(seen.mean()), error, doubt))
        return tuple(found)

    def to_dict(self) -> dict[str, Any]:
        """Everything but the networks themselves, by name."""
        exponents = by_name(self, "exponent", "predicted_exponent", "limiting_exponent")
        return by_name(self, "a", "q", "reason", "widths", "median", "low", "high", "scale", "comparisons") | exponents

    def _slope(self, values: FloatArray) -> float:
        return float(np.polyfit(np.log(self.widths), np.log(values), 1)[0])


def divergence(
    a: float = 0.5,
    sigma_w: float = 1.0,
    sigma_b: float = 0.0,
    *,
    widths: ArrayLike = (10, 100, 1000, 10_000),
    networks: int = 1000,
    seed: int,
    q: float | None = None,
    progress: Progress | None = None,
) -> Divergence:
    """Sample K_2 of networks with phi = exp(a x^2) where the variance map does not exist.

    Parameters
    ----------
    a
        > 0.
    sigma_w, sigma_b
        Standard deviations of the weights (times sqrt(fan-in)) and of the biases.
    widths
        N, at least two different ones >= 10, (W,).
    networks
        M, of each width.
    seed
        A whole number >= 0.
    q
        K_1 >= 1/(4a). Left out: sigma_w^2 + sigma_b^2, as for inputs in {-1, 1}^N.
    progress
        Called with the share of the units that is done, and 1.

    Returns
    -------
    Divergence
        Medians, their growth, and the exact comparison.

    Raises
    ------
    EocError
        For a q < 1/(4a), where the variance map exists, and numbers that make no sense or overflow.

    Examples
    --------
    >>> found = divergence(0.5, widths=[10, 1000], networks=1000, seed=1)
    >>> found.limiting_exponent, [one.agrees for one in found.comparisons]
    (1.0, [True, True])
    >>> print(found.reason)
    exp(0.5*x**2) grows like exp(a x^2) or faster, so condition (b) of Long & Sedghi (2019), ...
    """
    rate, sizes = real_number("a", a), real_numbers("widths", widths).reshape(-1)
    if not 0.0 < rate < np.inf:
        raise EocError(f"a of exp(a x^2) must be finite and > 0, got {a!r}")
    if np.unique(sizes).size < 2 or sizes.min() < _LEAST_WIDTH:
        raise EocError(f"widths must be at least two different ones >= {_LEAST_WIDTH}, got {widths!r}")
    phi = activation(f"exp({rate!r}*x**2)")
    kept = 8.0 * checked_count("networks", networks) * (2.0 * sizes.size + _COPIES)
    check_memory("second layers of these networks", kept, "draw fewer networks, or of fewer widths")
    layers = tuple(
        second_layer(
            phi,
            sigma_w,
            sigma_b,
            width=checked_count("width", n),
            networks=networks,
            seed=seed_of(seed, int(n)),
            q=q,
            progress=share_of(progress, before, n, sizes.sum()),
        )
        for n, before in zip(sizes.tolist(), (sizes.cumsum() - sizes).tolist(), strict=True)
    )
    start = layers[0].q
    try:
        VarianceMap(phi, sigma_w, sigma_b).F(start)
    except NotPermissibleError as error:
        reason = str(error)
    else:
        raise EocError(f"at q = {start:g} < 1/(4a) = {0.25 / rate:g} the variance map of {phi.name} exists: raise q")
    sketches = [Quantiles.of(layer.kernel[:, None] - layer.sigma_b**2) for layer in layers]
    bounds = np.array([sketch.interval(0.5) for sketch in sketches])[..., 0]
    median = np.array([float(np.median(layer.kernel)) - layer.sigma_b**2 for layer in layers])
    scale = sigma_w**2 * np.array([_seen_mean(rate, start, n) for n in sizes])
    low = np.maximum(bounds[:, 0], 0.0)
    return Divergence(rate, start, reason, layers, median, low, bounds[:, 1], scale)


def _seen_mean(a: float, q: float, width: float) -> float:
    """E[min(exp(2 a q z^2), b_N)]: b_N = exp(2 a q t^2) with P(|z| > t) = 1/N."""
    t = -special.ndtri(0.5 / width)
    root = np.sqrt(max(2.0 * a * q - 0.5, 0.0))
    below = special.erfi(root * t) / (np.sqrt(2.0) * root) if root > 0.0 else t * np.sqrt(2.0 / np.pi)
    return float(below + np.exp(2.0 * a * q * t**2) / width)


def _laplace(a: float, q: float, width: int, rate: float) -> float:
    """E[exp(-rate sum of N exp(2 a q z^2))]."""
    from scipy import integrate  # slow to import, and nothing else here needs it

    def lost(z: float) -> float:  # 1 - exp(-rate exp(2 a q z^2)), in which small rates lose nothing
        log = min(2.0 * a * q * z * z + np.log(rate), 700.0)
        return float(-special.expm1(-np.exp(log)) * np.exp(-0.5 * z * z) * np.sqrt(2.0 / np.pi))

    knee = np.sqrt(max(-np.log(rate), 1.0) / (2.0 * a * q))  # where the exponent comes to 1
    parts = [
        integrate.quad(lost, low, high, epsrel=_ACCURACY, epsabs=0.0, limit=200)[0]
        for low, high in ((0.0, knee), (knee, knee + 4.0), (knee + 4.0, _TAIL))
    ]
    return float(np.exp(width * np.log1p(-sum(parts))))
