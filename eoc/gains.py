r"""What PyTorch calls a gain: weights are drawn with the standard deviation gain / sqrt(fan_in).

So a gain is what the papers call sigma_w. ``torch.nn.init.kaiming_normal_`` draws like this, and ``xavier_normal_``
with sqrt((fan_in + fan_out) / 2) in place of sqrt(fan_in), which is the same where layers have equal widths.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, nan, sqrt

from eoc.activations.base import Activation, Smoothness
from eoc.criticality.recommended import checked_depth
from eoc.errors import EocError
from eoc.gaussian.bivariate import bivariate
from eoc.gaussian.moments import moments
from eoc.layers import one_activation as resolve
from eoc.recommendation import recommend

__all__ = ["Gain", "gain", "he_gain", "torch_gain"]


@dataclass(frozen=True)
class Gain:
    """Gains for the weights before and after an activation.

    Attributes
    ----------
    activation
        Name of the activation phi.
    second_moment, second_moment_error
        1 / sqrt(E phi(Z)^2), Z ~ N(0, 1), and a bound on its error: with it and without biases layers keep variance 1.
        Infinite if phi is 0 almost everywhere.
    std, std_error
        1 / std(phi(Z)), what phi is multiplied by to have variance 1 (Brock et al. 2021, for weights whose rows sum to
        0), and a bound on its error. Infinite if phi is constant almost everywhere.
    chi_1
        By how much a layer with the gain ``second_moment`` multiplies the second moment of gradients at variance 1:
        1 is what depth needs. Infinite if phi jumps.
    torch
        ``torch.nn.init.calculate_gain``; None where PyTorch has none and raises.
    sigma_w, sigma_b, q
        The recommended place (:func:`eoc.recommend`): sigma_w is the gain of the weights, sigma_b the standard
        deviation of the biases that belongs to it, q the variance that layers keep. NaN if there is none.
    reason
        Why no place is recommended; "".
    advice
        What to do in a network of this depth, in one sentence, as of :func:`eoc.recommend`; "" if there is no place.

    References
    ----------
    He et al. (2015), arXiv:1502.01852; Brock et al. (2021), arXiv:2101.08692, section 4.2.
    """

    activation: str
    second_moment: float
    second_moment_error: float
    std: float
    std_error: float
    chi_1: float
    torch: float | None
    sigma_w: float
    sigma_b: float
    q: float
    reason: str
    advice: str


def gain(activation: object, depth: float | None = None) -> Gain:
    """The gains of an activation: weights are drawn with the standard deviation gain / sqrt(fan_in).

    Parameters
    ----------
    activation
        An activation, or whatever :func:`eoc.activation` understands.
    depth
        Layers of the network, for the recommended place; as for :func:`eoc.recommend`.

    Returns
    -------
    Gain
        Exact to about 1e-14.

    Raises
    ------
    EocError
        For what is no activation, one whose second moment is infinite at variance 1, and a depth out of range.

    Examples
    --------
    >>> found = gain("tanh")
    >>> round(found.second_moment, 8), found.torch == 5 / 3
    (1.59253742, True)
    >>> round(gain("relu").second_moment ** 2, 12), gain("gelu").torch is None
    (2.0, True)
    """
    phi, layers = resolve(activation), checked_depth(depth)
    v, g = moments(phi, 1.0, ("V",))["V"], bivariate(phi, 1.0, 0.0, ("G",))["G"]  # V - (E phi)^2, without a difference
    second, second_error = _inverse_root(float(v.value), float(v.error))
    std, std_error = _inverse_root(float(g.value), float(g.error))
    slopes = inf if phi.smoothness is Smoothness.JUMP else float(moments(phi, 1.0, ("D",))["D"].value)
    try:
        place = recommend(phi, layers)
        told = (place.sigma_w, place.sigma_b, place.q, "", place.advice)
    except EocError as error:
        told = (nan, nan, nan, str(error), "")
    return Gain(phi.name, second, second_error, std, std_error, second * second * slopes, torch_gain(phi), *told)


def _inverse_root(value: float, error: float) -> tuple[float, float]:
    """1 / sqrt(value) and a bound on its error."""
    if value <= error:
        return inf, inf if error > 0.0 else 0.0
    found = 1.0 / sqrt(value)
    return found, found * (0.5 * error / (value - error) + 4e-16)


def torch_gain(phi: Activation) -> float | None:
    """What ``torch.nn.init.calculate_gain`` returns for an activation; None where it raises.

    Its table is in the documentation of ``torch.nn.init``.

    Examples
    --------
    >>> [torch_gain(resolve(name)) for name in ("selu", "sigmoid", "gelu")]
    [0.75, 1.0, None]
    """
    slope = phi.parameters.get("slope") if phi.name.partition("(")[0] == "leaky_relu" else None
    return _TORCH.get(phi.name) if slope is None else sqrt(2.0 / (1.0 + float(str(slope)) ** 2))


_TORCH = {"identity": 1.0, "sigmoid": 1.0, "tanh": 5.0 / 3.0, "relu": sqrt(2.0), "selu": 0.75}


def he_gain(phi: Activation) -> tuple[float, str]:
    """The gain of ``kaiming_normal_`` as it is used, and how it is written: that of ReLU for all but leaky ones.

    Examples
    --------
    >>> he_gain(resolve("leaky_relu(slope=0.2)"))[1], he_gain(resolve("gelu"))
    ('sqrt(2/(1+0.2^2))', (1.4142135623730951, 'sqrt(2)'))
    """
    slope = -float(phi(-1.0)) if phi.is_positively_homogeneous and phi(1.0) == 1.0 else 0.0
    return sqrt(2.0 / (1.0 + slope * slope)), f"sqrt(2/(1+{slope:g}^2))" if slope else "sqrt(2)"
