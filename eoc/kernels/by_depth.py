"""What the kernels of data say at several depths: spectra, and how well labels are predicted."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, get_args

import numpy as np
from numpy.typing import ArrayLike

from eoc.errors import EocError
from eoc.floats import FloatArray, IntArray
from eoc.kernels.accuracy import Score, cross_validated
from eoc.kernels.kernel import Progress, kernels
from eoc.kernels.result import Kernel, Which
from eoc.kernels.spectra import Spectrum
from eoc.kernels.wide import checked_depth
from eoc.validation import whole_numbers

__all__ = ["ByDepth", "kernels_by_depth"]


@dataclass(frozen=True, eq=False)
class ByDepth:
    """The kernels of one set of inputs at several depths.

    Attributes
    ----------
    depth
        (n,), blocks.
    last
        Both kernels at the largest depth.
    features
        How many numbers an input has.
    spectra
        By "nngp" and "ntk", one for each depth.
    scores
        The same; empty without labels.
    """

    depth: IntArray
    last: Kernel
    features: int
    spectra: dict[Which, list[Spectrum]]
    scores: dict[Which, list[Score]]

    @property
    def inputs(self) -> int:
        """How many there are."""
        return self.last.nngp.shape[0]

    def condition_numbers(self, which: Which) -> FloatArray:
        """At all depths; infinite for singular matrices."""
        return np.array([one.condition_number for one in self.spectra[which]])

    def to_dict(self) -> dict[str, Any]:
        """Everything but the matrices, by name."""
        return {
            "network": self.last.network,
            "sigma_w": self.last.sigma_w,
            "sigma_b": self.last.sigma_b,
            "inputs": self.inputs,
            "features": self.features,
            "depth": self.depth,
            **{which: self._of(which) for which in get_args(Which)},
        }

    def _of(self, which: Which) -> dict[str, Any]:
        spectra, scores = self.spectra[which], self.scores[which]
        return {
            "condition_number": self.condition_numbers(which),
            "condition_number_error": [one.condition_number_error for one in spectra],
            "largest": [one.eigenvalues[0] for one in spectra],
            "smallest": [one.eigenvalues[-1] for one in spectra],
            "error": [one.error for one in spectra],
            "jitter": [one.jitter for one in spectra],
            "effective_dimension": [one.effective_dimension for one in spectra],
            "eigenvalues": spectra[-1].eigenvalues,
            "score": [asdict(one) for one in scores] or None,
        }


def kernels_by_depth(
    network: object,
    x: ArrayLike,
    *,
    depth: ArrayLike,
    sigma_w: float | None = None,
    sigma_b: float = 0.0,
    labels: ArrayLike | None = None,
    folds: int = 5,
    progress: Progress | None = None,
) -> ByDepth:
    """The spectra of both kernels of inputs at several depths, and with labels what they predict.

    Parameters
    ----------
    network, sigma_w, sigma_b
        As of :func:`eoc.kernel`.
    x
        Vectors as rows, (n, d).
    depth
        Blocks, increasing.
    labels, folds
        As of :func:`eoc.kernels.cross_validated`.
    progress
        Called with how many blocks of all networks are done, and how many there are.

    Raises
    ------
    EocError
        As :func:`eoc.kernel`, and for depths that do not increase.

    Examples
    --------
    >>> found = kernels_by_depth("relu", np.eye(3), depth=[1, 10], sigma_w=2**0.5)
    >>> found.condition_numbers("ntk").round(6).tolist()
    [1.567839, 2.387934]
    """
    depths = np.atleast_1d(whole_numbers("depth", depth)).astype(np.int64)
    if depths.ndim > 1 or depths.size == 0 or (np.diff(depths) <= 0).any():
        raise EocError(f"the depths must increase, got {depth!r}")
    checked_depth(depths[-1])
    spectra: dict[Which, list[Spectrum]] = {"nngp": [], "ntk": []}
    scores: dict[Which, list[Score]] = {"nngp": [], "ntk": []}
    found = kernels(network, x, depths=depths.tolist(), sigma_w=sigma_w, sigma_b=sigma_b, progress=progress)
    for one in found:
        for which, of_one in spectra.items():
            of_one.append(one.spectrum(which))
            if labels is not None:
                scores[which].append(cross_validated(getattr(one, which), labels, folds))
    return ByDepth(depths, found[-1], int(np.shape(x)[1]), spectra, scores)
