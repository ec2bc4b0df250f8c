"""What the variance of a network of several layers does with depth, and what follows where no block is critical."""

from __future__ import annotations

import numpy as np

from eoc.criticality.results import Regime
from eoc.layers import Network
from eoc.maps import VarianceMap
from eoc.maps.variance_layer import VarianceLayer

__all__ = ["no_edge", "regime_of"]

_FAR = 1e6  # a variance at which growth has settled, and rounding does not matter yet
_PROBES = np.array([1e-4, 1.0, 1e4])
_SIGMAS = np.geomspace(1e-2, 1e2, 97)


def regime_of(network: Network, sigma_w: float | None = None, sigma_b: float = 0.0) -> Regime:
    """The regime of a network at one place.

    Examples
    --------
    >>> from eoc.layers import network
    >>> [str(regime_of(network(name), 1.0)) for name in ("resnet", "preln", "postln", "mlp_dropout")]
    ['scales', 'grows', 'forced', 'settles']
    """
    variance = VarianceMap(network, sigma_w if network.is_free else None, sigma_b)
    if variance.scales:
        return Regime.SCALES
    after = variance.F(_PROBES, strict=False)
    if (np.ptp(after.value) <= 2.0 * after.error.max()) and np.isfinite(after.error).all():
        return Regime.FORCED
    if any(p.basin is not None and not p.diverges for p in variance.fixed_points):
        return Regime.SETTLES
    return Regime.GROWS if float(variance.growth_at_infinity()) == 0.0 else Regime.DIVERGES


def no_edge(network: Network, question: dict[str, float], regime: Regime, covered: str) -> str:
    """Why there is no point, and what to do: a sentence. ``covered`` says where there are others, or is ""."""
    name, sigma_w, sigma_b = network.name, question.get("sigma_w", 1.0), question.get("sigma_b", 0.0)
    variance = VarianceMap(network, sigma_w, sigma_b)
    at = f"at sigma_w = {sigma_w:g}"
    if regime is Regime.SCALES:
        gain, chi = variance.gain, float(variance.chi_1(1.0).value)
        return (
            f"every block of {name} multiplies the variance by {gain:.6g} and the second moment of gradients by "
            f"{chi:.6g} {at}, whatever it is: no block is critical alone; with scale=1/sqrt(L) on the branch both stay "
            "of order one in a network of L blocks, at every sigma_w"
        )
    if regime is Regime.GROWS:
        amount = float(variance.growth(_FAR).value)
        r = _FAR * (float(variance.chi_1(_FAR).value) - 1.0) / amount
        return (
            f"every block of {name} adds about {amount:.4g} to the variance {at}, so that no block is critical alone; "
            f"gradients grow like the variance to the power {r:.3g}, not exponentially: such networks train at every "
            "sigma_w, best with scale=1/sqrt(L) on the branch"
        )
    if regime is Regime.DIVERGES:
        return (
            f"variances of {name} diverge {at}: what a block adds grows faster than its input; normalise before the "
            "branch, or scale the branch by 1/sqrt(L)"
        )
    layer = VarianceLayer(network, _SIGMAS, np.full(_SIGMAS.shape, sigma_b))
    ones = np.ones(_SIGMAS.shape)
    factors = layer.chi_1(ones if regime is Regime.SETTLES else layer.F(ones, strict=False).value, strict=False).value
    low, high = float(np.nanmin(factors)), float(np.nanmax(factors))
    side = "explode" if low > 1.0 else "vanish" if high < 1.0 else "explode or vanish"
    return (
        f"{name} has no critical block with sigma_b = {sigma_b:g}: a block multiplies the second moment of gradients "
        f"by {low:.4g} to {high:.4g} for sigma_w from {_SIGMAS[0]:g} to {_SIGMAS[-1]:g}, so that they {side} with "
        f"depth; {covered or 'put the block into a residual branch, or take another activation'}"
    )
