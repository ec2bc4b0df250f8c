"""Do real networks follow the maps? Tests of layers, forward and backward, in Monte Carlo errors.

Given layer l, the units of layer l + 1 are independent normal numbers with the covariance of the inputs
K_{l+1} = sigma_b^2 + sigma_w^2 mean phi(h_l) phi(h_l)^T, if weights and biases are N(0, sigma_w^2 / fan_in) and
N(0, sigma_b^2). So there are two exact statements a layer: the second moments of h_{l+1} are K_{l+1} up to a known
variance (that tests the initialiser), and K_{l+1} is the map of K_l up to a known variance (that tests the theory for
the framework's activation). Gradients shrink by chi_1(K_l) up to a known variance and a bias of order 1/N.

Every statement is a number of standard errors z for each layer; the sum over layers divided by sqrt(layers) is one too.
Pixels of convolutions are averaged, which makes variances only smaller; with P of them z is at most what it should be.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

import eoc
from eoc.gaussian.moments import moments

FloatArray = NDArray[np.float64]

Z = 4.5  # standard errors: a correct network is refused once in 150 000 checks


def kernels(phi: eoc.Activation, sigma_w: float, sigma_b: float, layers: Sequence[FloatArray]) -> FloatArray:
    """K_{l+1} of two inputs after each layer; layers are (2, units) or (2, channels, pixels) pre-activations."""
    out = []
    for h in layers:
        x = phi(np.asarray(h, dtype=float)).reshape(2, -1)
        out.append(sigma_b**2 + sigma_w**2 * (x @ x.T) / x.shape[1])
    return np.array(out)


def forward_z(phi: eoc.Activation, sigma_w: float, sigma_b: float, layers: Sequence[FloatArray]) -> dict[str, float]:
    """How many standard errors real layers are off: "drawn" against K, "variance" and "covariance" against the maps."""
    k = kernels(phi, sigma_w, sigma_b, layers)
    drawn, variance, covariance = [], [], []
    for at in range(len(layers) - 1):
        drawn += _drawn(np.asarray(layers[at + 1], dtype=float), k[at])
        if at + 1 < len(layers) - 1:
            variance.append(_variance(phi, sigma_w, sigma_b, k[at], k[at + 1], layers[at + 1].shape[1]))
            covariance.append(_covariance(phi, sigma_w, sigma_b, k[at], k[at + 1], layers[at + 1].shape[1]))
    return {name: _total(z) for name, z in (("drawn", drawn), ("variance", variance), ("covariance", covariance))}


def backward_z(
    phi: eoc.Activation, sigma_w: float, layers: Sequence[FloatArray], gradients: Sequence[FloatArray]
) -> float:
    """Standard errors between the fall of log |dL/dh_l|^2 from layer to layer and chi_1, for the first input.

    The bias of a layer, of order 1/N, is allowed for with 3/N.
    """
    z = []
    for h, below, above in zip(layers, gradients, gradients[1:], strict=False):
        units = h.shape[1]
        q = float(np.mean(np.asarray(h[0], dtype=float) ** 2))
        d = float(moments(phi, [q], ("D",))["D"].value[0])
        fourth = float(np.mean(phi.dphi(np.asarray(h[0], dtype=float)) ** 4))
        spread = np.sqrt(max(3.0 * fourth / d**2 - 1.0, 0.0) / units)
        fall = np.log(_square(below) / _square(above)) + 0.5 * spread**2
        off = fall - np.log(sigma_w**2 * d)
        z.append((abs(off) - min(abs(off), 3.0 / units)) * np.sign(off) / spread)
    return _total(z)


def _square(gradient: FloatArray) -> float:
    return float(np.sum(np.asarray(gradient[0], dtype=float) ** 2))


def _total(z: Sequence[float]) -> float:
    return float(np.sum(z) / np.sqrt(len(z)))


def _drawn(h: FloatArray, k: FloatArray) -> list[float]:
    """Second moments of N(0, K): Var(mean h_a h_b) = (K_aa K_bb + K_ab^2) / N. The first input, and the second without
    what it shares with the first."""
    units = h.shape[1]
    shared = k[0, 1] / k[0, 0]
    rest, left = h[1] - shared * h[0], k[1, 1] - shared * k[0, 1]
    return [
        float((np.mean(h[0] ** 2) / k[0, 0] - 1.0) / np.sqrt(2.0 / units)),
        float((np.mean(rest**2) / left - 1.0) / np.sqrt(2.0 / units)),
        float(np.mean(rest * h[0]) / np.sqrt(left * k[0, 0] / units)),
    ]


def _variance(
    phi: eoc.Activation, sigma_w: float, sigma_b: float, k: FloatArray, after: FloatArray, units: int
) -> float:
    x2 = phi(np.sqrt(k[0, 0]) * _GAUSS) ** 2
    spread = sigma_w**2 * np.sqrt(np.var(x2) / units)
    return float((after[0, 0] - sigma_b**2 - sigma_w**2 * _v(phi, k[0, 0])) / spread)


def _covariance(
    phi: eoc.Activation, sigma_w: float, sigma_b: float, k: FloatArray, after: FloatArray, units: int
) -> float:
    """Of sigma_w^2 mean (phi(u) - phi(v))^2 / 2, which has digits of its own where both inputs look alike."""
    u = np.sqrt(k[0, 0]) * _GAUSS
    shared = k[0, 1] / k[0, 0]
    v = shared * u + np.sqrt(k[1, 1] - shared * k[0, 1]) * _OTHER
    half = 0.5 * (phi(u) - phi(v)) ** 2
    expected = sigma_w**2 * np.mean(half)
    own = np.var(half) / _GAUSS.size  # of the expectation, which is itself a mean over many draws
    spread = sigma_w**2 * np.sqrt(np.var(half) / units + own)
    return float((0.5 * (after[0, 0] + after[1, 1]) - after[0, 1] - expected) / spread)


def _v(phi: eoc.Activation, q: float) -> float:
    return float(moments(phi, [q], ("V",))["V"].value[0])


_DRAWS = np.random.default_rng(20240607)
_GAUSS, _OTHER = _DRAWS.standard_normal((2, 400_000))
