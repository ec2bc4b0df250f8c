r"""Weights that are pruned or quantised: what is left of their moments.

At infinite width only the second moment of weights counts, at width N their kurtosis too, in terms of order 1/N. Of
Gaussian weights of variance 1 pruning to the share kappa leaves

- by magnitude, with t = sqrt(2) erfinv(1 - kappa) the size of the smallest that is left,

  .. math:: E[w^2] = \kappa + \sqrt{2/\pi} \, t \, e^{-t^2/2}, \qquad
            E[w^4] = 3 \kappa + \sqrt{2/\pi} \, (t^3 + 3 t) e^{-t^2/2};

- at random E[w^2] = kappa and E[w^4] = 3 kappa.

Weights that are multiplied by E[w^2]^(-1/2) afterwards are of variance 1 again: the rescaling of Hayou et al. (2021),
which brings pruned networks back to the edge of chaos. N levels at equal distances, all as likely, have the kurtosis
3 (3 N^2 - 7) / (5 (N^2 - 1)).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from scipy.special import erfinv, ndtri

from eoc.errors import EocError

__all__ = ["GAUSSIAN", "WeightMoments", "low_rank", "pruned", "quantised"]

By = Literal["magnitude", "random"]

_LEAST_KEPT = 1e-12
_MOST_LEVELS = 2.0**32


@dataclass(frozen=True)
class WeightMoments:
    """What is known of the law of weights that had variance 1.

    Attributes
    ----------
    keep
        The share of weights that are left; 1 where none are pruned.
    second_moment
        E[w^2] of all weights, those that are 0 included: what sigma_w^2 is multiplied by.
    kurtosis
        E[w^4] / E[w^2]^2: 3 for Gaussian weights.
    threshold
        The size of the smallest weight that is left, in standard deviations; 0 where size does not decide.
    law
        Their law for :func:`eoc.montecarlo.law`, which has them rescaled to variance 1.
    """

    keep: float
    second_moment: float
    kurtosis: float
    threshold: float = 0.0
    law: str = "gaussian"

    @property
    def rescale(self) -> float:
        """What weights are multiplied by to have variance 1 again; a critical sigma_w becomes rescale times as large.

        Examples
        --------
        >>> import eoc
        >>> tanh = eoc.edge_of_chaos("tanh", sigma_b=0.2).best.sigma_w
        >>> round(tanh * pruned(0.1).rescale, 6)  # what to draw with, if 90 % of the weights are pruned afterwards
        1.967671
        """
        return self.second_moment**-0.5


GAUSSIAN = WeightMoments(1.0, 1.0, 3.0)  #: weights of which none are pruned


def pruned(keep: float, by: By = "magnitude") -> WeightMoments:
    """Gaussian weights of which a share is left.

    Parameters
    ----------
    keep
        The share that is left, from 1e-12 to 1.
    by
        "magnitude": the largest ones are left; "random": any.

    Raises
    ------
    EocError
        For a share out of range, or another way.

    Examples
    --------
    >>> found = pruned(0.1)
    >>> round(found.second_moment, 6), round(found.rescale, 6), round(found.kurtosis, 4)  # 10 % hold 44 % of it
    (0.439286, 1.508781, 11.5862)
    >>> pruned(0.1, by="random").second_moment
    0.1
    """
    if by not in get_args(By):
        raise EocError(f"weights are pruned by 'magnitude' or by 'random' choice, got {by!r}")
    if not (isinstance(keep, int | float) and _LEAST_KEPT <= keep <= 1.0):
        raise EocError(f"the share of weights that are left must be from {_LEAST_KEPT:g} to 1, got {keep!r}")
    share = float(keep)
    if by == "random":
        return WeightMoments(share, share, 3.0 / share, law=f"sparse({share!r})")
    t = float(2.0**0.5 * erfinv(1.0 - share)) if share > 0.5 else float(-ndtri(0.5 * share))
    tail = (2.0 / math.pi) ** 0.5 * t * math.exp(-0.5 * t * t)
    second = share + tail
    kurtosis = (3.0 * share + tail * (t * t + 3.0)) / second**2
    return WeightMoments(share, second, kurtosis, t, f"pruned({share!r})")


def quantised(levels: float) -> WeightMoments:
    """Weights of so many levels at equal distances around 0, all as likely, of variance 1.

    Parameters
    ----------
    levels
        A whole number >= 2: 2 for signs, 3 for -a, 0, a, 16 for four bits.

    Raises
    ------
    EocError
        For any other number.

    Examples
    --------
    >>> quantised(2).kurtosis, round(quantised(4).kurtosis, 12), round(quantised(256).kurtosis, 4)
    (1.0, 1.64, 1.8)
    """
    if not (isinstance(levels, int | float) and 2 <= levels <= _MOST_LEVELS and levels == int(levels)):
        raise EocError(f"quantised weights have a whole number of levels >= 2, got {levels!r}")
    square = float(levels) ** 2
    kurtosis = 3.0 * (3.0 * square - 7.0) / (5.0 * (square - 1.0))
    return WeightMoments(1.0, 1.0, kurtosis, law=f"levels({int(levels)})")


def low_rank(share: float) -> WeightMoments:
    """Products of two Gaussian matrices, of a rank that is a share of the width, and of variance 1.

    At infinite width they are as good as Gaussian ones, whatever the share: what they hand on are sums over many again.
    Their entries are not independent, and their kurtosis says nothing.

    Raises
    ------
    EocError
        For a share that is not from 1e-12 to 1.
    """
    if not (isinstance(share, int | float) and _LEAST_KEPT <= share <= 1.0):
        raise EocError(f"the rank, as a share of the width, must be from {_LEAST_KEPT:g} to 1, got {share!r}")
    return WeightMoments(1.0, 1.0, math.nan, law=f"low_rank({float(share)!r})")
