r"""How the scale of a layer acts on its training: effective learning rates, and powers of the width.

A layer y = s W x with trained W is the layer of s W, trained otherwise: gradients by W are s times those by s W, and a
step of W is s times as large a one of s W. With learning rate eta and weight decay lambda, s W is trained as if with

==========================  ==================  =======================
optimizer                   learning rate       weight decay
==========================  ==================  =======================
SGD, momentum               s^2 eta             lambda / s^2
Adam, decay in gradients    abs(s) eta          lambda / s^2
AdamW, sign, Lion           abs(s) eta          lambda / abs(s)
==========================  ==================  =======================

exactly for SGD and momentum, for the others as eps -> 0. In the abc form (Yang & Hu 2021) weights are n^-a w with
w ~ N(0, n^-2b) and learning rate eta n^-c, n the width: a shift by t of s = n^-t is (a + t, b - t, c - 2t) for SGD and
(a + t, b - t, c - t) for Adam: the same training.

The schedule published as Cooling ("How to keep cool while training") is not known to us, and not here;
:mod:`eoc.calibration` has the temperature of logits and a step that cools the last layer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import Literal

from eoc.errors import EocError
from eoc.messages import did_you_mean

__all__ = ["PARAMETERIZATIONS", "Abc", "EffectiveRate", "effective_rate"]

Number = float | Fraction
Kind = Literal["input", "hidden", "output"]

#: By optimizer: the powers of abs(s) that learning rate and weight decay are multiplied by.
_POWERS: Mapping[str, tuple[int, int]] = MappingProxyType(
    {
        "sgd": (2, -2),
        "momentum": (2, -2),
        "adam": (1, -2),
        "adamw": (1, -1),
        "sign": (1, -1),
        "lion": (1, -1),
    }
)


@dataclass(frozen=True)
class EffectiveRate:
    """Learning rate and weight decay that s W is trained with."""

    rate: Number
    weight_decay: Number


def effective_rate(scale: Number, optimizer: str = "sgd", rate: Number = 1, weight_decay: Number = 0) -> EffectiveRate:
    """With what learning rate and weight decay the product s W is trained, where W is.

    Parameters
    ----------
    scale
        s != 0. The NTK parameterisation has s = sigma_w / sqrt(fan_in).
    optimizer
        "sgd", "momentum", "adam", "adamw", "sign" or "lion".
    rate, weight_decay
        Those of W, >= 0.

    Raises
    ------
    EocError
        For a scale of 0, negative numbers, and other optimizers.

    Examples
    --------
    >>> effective_rate(3, "sgd", rate=Fraction(1, 100))
    EffectiveRate(rate=Fraction(9, 100), weight_decay=Fraction(0, 1))
    >>> effective_rate(0.5, "adamw", rate=0.25, weight_decay=0.125)
    EffectiveRate(rate=0.125, weight_decay=0.25)
    """
    if not scale or rate < 0 or weight_decay < 0:
        raise EocError(f"scale must not be 0, rate and weight_decay >= 0; got {scale!r}, {rate!r}, {weight_decay!r}")
    of_rate, of_decay = _POWERS[_known(optimizer)]
    size = Fraction(abs(scale)) if isinstance(scale, int | Fraction) else abs(scale)
    return EffectiveRate(rate * size**of_rate, weight_decay * size**of_decay)


def _known(optimizer: str) -> str:
    if optimizer not in _POWERS:
        raise EocError(f"unknown optimizer {optimizer!r}: {did_you_mean(str(optimizer), list(_POWERS))}")
    return optimizer


@dataclass(frozen=True)
class Abc:
    """Powers of the width: weights n^-a w, w ~ N(0, n^-2b), learning rate eta n^-c.

    Examples
    --------
    >>> ntk = PARAMETERIZATIONS["ntk"]["hidden"]
    >>> ntk.plain("sgd")  # the same network and training, with the weights themselves trained
    Abc(a=Fraction(0, 1), b=Fraction(1, 2), c=Fraction(1, 1))
    """

    a: Fraction
    b: Fraction
    c: Fraction

    def shifted(self, t: Fraction | int, optimizer: str = "sgd") -> Abc:
        """The same training with a further n^-t in front of smaller weights."""
        return Abc(self.a + t, self.b - t, self.c - _POWERS[_known(optimizer)][0] * t)

    def plain(self, optimizer: str = "sgd") -> Abc:
        """The same training without a factor in front: n^-b is then the standard deviation of what stands there."""
        return self.shifted(-self.a, optimizer)

    def is_same(self, other: Abc, optimizer: str = "sgd") -> bool:
        """Whether both train alike."""
        return self.plain(optimizer) == other.plain(optimizer)

    def at(self, width: Number) -> tuple[float, float, float]:
        """The factor, the standard deviation of w, and what the learning rate is multiplied by."""
        if not width >= 1:
            raise EocError(f"width must be >= 1, got {width!r}")
        return tuple(float(width) ** -float(power) for power in (self.a, self.b, self.c))


def _abc(a: str, b: str, c: str) -> Abc:
    return Abc(Fraction(a), Fraction(b), Fraction(c))


def _layers(*powers: tuple[str, str, str]) -> Mapping[Kind, Abc]:
    kinds: tuple[Kind, ...] = ("input", "hidden", "output")
    return MappingProxyType({kind: _abc(*one) for kind, one in zip(kinds, powers, strict=True)})


#: Parameterisations by name and layer, for SGD (Yang & Hu 2021, table 1).
PARAMETERIZATIONS: Mapping[str, Mapping[Kind, Abc]] = MappingProxyType(
    {
        "standard": _layers(("0", "0", "0"), ("0", "1/2", "0"), ("0", "1/2", "0")),
        "ntk": _layers(("0", "0", "0"), ("1/2", "0", "0"), ("1/2", "0", "0")),
        "mup": _layers(("-1/2", "1/2", "0"), ("0", "1/2", "0"), ("1/2", "1/2", "0")),
    }
)
