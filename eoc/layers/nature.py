r"""What holds of a signal at every variance of the input at once: how it scales, its symmetry, where it ends up.

With x(t u) the signal of t times the inputs, t > 0: its *degree* d where x(t u) = t^d x(u), which is 1 for ReLU layers
without biases and 0 behind a normalisation; its *parity* where x(-u) = x(u) or -x(u); and, as the variance q_0 of the
inputs grows, q ~ factor q_0^power with E[x] ~ mean q_0^{power/2}.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from eoc.activations.base import Activation
from eoc.floats import FloatArray

__all__ = ["OF_INPUTS", "Nature", "mixed"]

_NORMAL = (2.0 * np.pi) ** -0.5  # E[max(Z, 0)]
_PARITY = {"even": 1, "odd": -1, None: 0}


@dataclass(frozen=True)
class Nature:
    """See the module; ``power``, ``factor`` and ``mean`` may be arrays (P,).

    Attributes
    ----------
    degree
        None where the signal does not scale.
    parity
        1, -1, or 0 for neither.
    power, factor, mean
        NaN where they are not known.
    """

    degree: float | None
    parity: int
    power: FloatArray
    factor: FloatArray
    mean: FloatArray

    def dense(self, weight: FloatArray, bias: FloatArray) -> Nature:
        """Behind W x + b, of variances ``weight`` and ``bias``."""
        biased, constant = bool(np.any(bias)), self.degree == 0.0
        lost = (weight == 0.0) | (self.power == 0.0)
        with np.errstate(invalid="ignore"):
            factor = np.where(weight == 0.0, bias, weight * self.factor + np.where(lost, bias, 0.0))
        return Nature(
            degree=self.degree if constant or not biased else None,
            parity=self.parity if self.parity == 1 or not biased else 0,
            power=np.where(weight == 0.0, 0.0, self.power),
            factor=factor,
            mean=np.zeros(factor.shape),
        )

    def times(self, factor: float) -> Nature:
        """Multiplied by a number."""
        return replace(self, factor=factor**2 * self.factor, mean=factor * self.mean)

    def through(self, phi: Activation) -> Nature:
        """Behind an activation, this being Gaussian."""
        growth = phi.growth
        scales = phi.is_positively_homogeneous and self.degree is not None
        rate = {"bounded": 0.0, "polynomial": growth.rate}.get(growth.kind, np.inf)
        with np.errstate(invalid="ignore"):
            power = np.where(self.power == 0.0, 0.0, self.power * rate)
        factor, mean = np.full(power.shape, np.nan), np.full(power.shape, np.nan)
        if rate == 1.0:
            left, right = phi.asymptotic_slopes
            grows = self.power > 0.0
            factor = np.where(grows, 0.5 * (left**2 + right**2) * self.factor, np.nan)
            mean = np.where(grows, (right - left) * _NORMAL * np.sqrt(self.factor), np.nan)
        own = _PARITY[phi.parity]
        return Nature(
            degree=self.degree if scales or self.degree == 0.0 else None,
            parity=1 if own == 1 or self.parity == 1 else own * abs(self.parity),
            power=power,
            factor=factor,
            mean=mean,
        )

    def plus(self, other: Nature) -> Nature:
        """Added to an independent signal."""
        first, second = self.power > other.power, self.power < other.power
        both = self.factor + other.factor + 2.0 * self.mean * other.mean
        return Nature(
            degree=self.degree if self.degree == other.degree else None,
            parity=self.parity if self.parity == other.parity else 0,
            power=np.maximum(self.power, other.power),
            factor=np.where(first, self.factor, np.where(second, other.factor, both)),
            mean=np.where(first, self.mean, np.where(second, other.mean, self.mean + other.mean)),
        )

    def by(self, other: Nature) -> Nature:
        """Multiplied by an independent signal."""
        known = self.degree is not None and other.degree is not None
        return Nature(
            degree=(self.degree or 0.0) + (other.degree or 0.0) if known else None,
            parity=self.parity * other.parity,
            power=self.power + other.power,
            factor=self.factor * other.factor,
            mean=self.mean * other.mean,
        )

    def normalised(self, *, centred: bool, eps: float) -> Nature:
        """Divided by its size, for all variances alike."""
        known = self.degree is not None and eps == 0.0
        with np.errstate(divide="ignore", invalid="ignore"):
            spread = self.factor - self.mean**2 if centred else self.factor
            grows = self.power > 0.0
            mean = np.zeros(spread.shape) if centred else np.where(grows, self.mean / np.sqrt(spread), np.nan)
        return Nature(
            degree=0.0 if known else None,
            parity=self.parity,
            power=np.zeros(self.power.shape),
            factor=np.where(grows, 1.0, np.nan),
            mean=mean,
        )

    def growth(self) -> FloatArray:
        """The limit of (q - q_0)/q_0 as q_0 grows; NaN where it is not known."""
        return np.where(self.power < 1.0, -1.0, np.where(self.power == 1.0, self.factor - 1.0, np.inf))


def mixed(parts: Sequence[Nature], shares: Sequence[float]) -> Nature:
    """Of units of several kinds side by side, in these shares."""
    first, power = parts[0], np.max([one.power for one in parts], axis=0)

    def mean(name: str) -> FloatArray:
        """Over those that grow fastest, as the others do not matter."""
        terms = [np.where(p.power == power, s * getattr(p, name), 0.0) for p, s in zip(parts, shares, strict=True)]
        return np.asarray(np.sum(terms, axis=0))

    return Nature(
        degree=first.degree if all(one.degree == first.degree for one in parts) else None,
        parity=first.parity if all(one.parity == first.parity for one in parts) else 0,
        power=power,
        factor=mean("factor"),
        mean=mean("mean"),
    )


def _inputs() -> Nature:
    one = np.ones(1)
    return Nature(1.0, -1, one, one, np.zeros(1))


OF_INPUTS = _inputs()  #: of the inputs themselves
