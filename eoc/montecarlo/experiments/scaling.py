"""How fast q_l comes to the variance map with growing width: the rate that Long & Sedghi's theorem 2 leaves open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eoc.errors import EocError
from eoc.floats import FloatArray
from eoc.montecarlo.experiments.comparison import Comparison, by_layer, by_name
from eoc.montecarlo.experiments.lengths import LengthProcess, measured_lengths
from eoc.montecarlo.experiments.networks import one_input, seed_of
from eoc.montecarlo.running.runner import Progress, RunSettings, checkpoint_path, share_of
from eoc.montecarlo.settings import checked_count
from eoc.validation import real_numbers

__all__ = ["LengthScaling", "PowerLaw", "length_scaling"]

_STILL = 1e-7  # of q~_l: below it sqrt(N) rms is the root of a rounding error


@dataclass(frozen=True, eq=False)
class PowerLaw:
    """The rms of q_l - q~_l over networks of several widths, as constant * N^exponent, for the layers l = 1 .. L.

    Attributes
    ----------
    exponent, exponent_error : (L,)
        The slope of log rms against log N by weighted least squares; its standard error, or what theory may be off.
    constant, constant_error : (L,)
        sqrt(N) rms, the weighted geometric mean over widths.

    Notes
    -----
    All are NaN in layers where q_l is not random: the first one of orthogonal networks without biases.
    """

    exponent: FloatArray
    exponent_error: FloatArray
    constant: FloatArray
    constant_error: FloatArray


@dataclass(frozen=True, eq=False)
class LengthScaling:
    """Networks of several widths, each with all its layers of one width.

    Attributes
    ----------
    seed
        What all runs were drawn from, each with a seed of its own that follows from it.
    runs
        One for each width, in the order given.
    measured
        The power law of what was measured.
    predicted
        That of theory at these widths: where it knows more than the leading order, as for ReLU, its exponent is not
        quite -1/2. Its errors are what theory may be off.
    """

    seed: int
    runs: tuple[LengthProcess, ...]
    measured: PowerLaw
    predicted: PowerLaw

    @property
    def widths(self) -> NDArray[np.int64]:
        """N of each run, (W,)."""
        return np.array([run.widths[0] for run in self.runs])

    @property
    def comparisons(self) -> tuple[Comparison, ...]:
        """Exponent and constant of every layer where q_l is random, beside theory."""
        if not all(run.networks.has_theory for run in self.runs):
            return ()
        theory, seen = self.predicted, self.measured
        exponents = theory.exponent, seen.exponent, seen.exponent_error, theory.exponent_error
        constants = theory.constant, seen.constant, seen.constant_error, theory.constant_error
        random = [1 + i for i in np.flatnonzero(~np.isnan(theory.exponent)).tolist()]
        return (
            *by_layer("exponent of N in the rms of q_l - q~_l", *exponents, random),
            *by_layer("sqrt(N) rms of q_l - q~_l", *constants, random),
        )

    def to_dict(self) -> dict[str, Any]:
        """The power laws, measured and predicted, and the comparisons, by name; each run has its own."""
        return {
            **by_name(self.measured, "exponent", "exponent_error", "constant", "constant_error"),
            "predicted_exponent": self.predicted.exponent,
            "predicted_constant": self.predicted.constant,
            **by_name(self, "comparisons"),
        }


def length_scaling(
    activation: object,
    sigma_w: float,
    sigma_b: float = 0.0,
    *,
    widths: ArrayLike,
    depth: int,
    networks: int,
    seed: int,
    q: float | None = None,
    eps: ArrayLike | None = None,
    weights: object = "gaussian",
    workers: int = 1,
    checkpoint: str | Path | None = None,
    interval: float = 10.0,
    progress: Progress | None = None,
) -> LengthScaling:
    """Sample networks of several widths, and fit how fast q_l comes to the variance map.

    Parameters
    ----------
    activation, sigma_w, sigma_b, networks, q, weights, workers, interval, progress
        As for :func:`length_process`; there are so many networks of each width.
    widths
        At least two different ones, (W,): all layers of a network have one width.
    depth
        How many layers.
    seed
        A whole number >= 0; every width has random numbers of its own.
    eps
        Distances to count networks beyond, the same at all widths. Left out: those of the narrowest network.
    checkpoint
        A file name; each width has a file of its own, its number added to the name: run.npz becomes run-256.npz.

    Returns
    -------
    LengthScaling
        All runs, and the power laws measured and predicted.

    Raises
    ------
    EocError
        As :func:`length_process`, and for fewer than two different widths.

    Examples
    --------
    >>> found = length_scaling("tanh", 1.5**0.5, 0.1**0.5, widths=[30, 300], depth=3, networks=2000, seed=1, q=1.6)
    >>> found.measured.exponent.round(1).tolist(), found.predicted.exponent.round(4).tolist()
    ([-0.5, -0.5, -0.5], [-0.5, -0.5, -0.5])
    """
    sizes = [checked_count("widths", width) for width in real_numbers("widths", widths).reshape(-1).tolist()]
    if len(set(sizes)) < len(sizes) or len(sizes) < 2:
        raise EocError(f"widths must be at least two different ones, to see how errors depend on them; got {widths!r}")
    total = float(sum(sizes))
    runs: dict[int, LengthProcess] = {}
    for width in sorted(sizes):
        part = share_of(progress, float(sum(runs)), width, total)
        sampled = one_input(activation, sigma_w, sigma_b, width, depth, networks, seed_of(seed, width), q, weights)
        kept = None if checkpoint is None else _own_file(checkpoint_path(checkpoint), width)
        runs[width] = measured_lengths(sampled, eps, RunSettings(workers, kept, interval, part))
        eps = runs[width].eps
    ordered = tuple(runs[width] for width in sizes)
    return LengthScaling(seed, ordered, *_power_laws(ordered))


def _own_file(path: Path, width: int) -> Path:
    return path.with_name(f"{path.stem}-{width}{path.suffix}")


def _power_laws(runs: tuple[LengthProcess, ...]) -> tuple[PowerLaw, PowerLaw]:
    """Measured and predicted, with the weights of the measurement in both, so that they can be compared."""
    logs = np.log([run.widths[0] for run in runs])[:, None]
    scaled, predicted = (np.array([getattr(run, name) for run in runs]) for name in ("rms", "predicted_rms"))
    still = (predicted <= _STILL * runs[0].theory.q.value).any(axis=0)
    scaled[:, still] = predicted[:, still] = np.nan
    relative = np.array([run.rms_error for run in runs]) / scaled
    doubt = np.array([run.rms_truncation for run in runs]) / predicted
    weights = relative**-2.0 / (relative**-2.0).sum(axis=0)
    away = logs - (weights * logs).sum(axis=0)
    slopes = weights * away / (weights * away**2).sum(axis=0)  # times log rms they give its slope
    return (
        _power_law(scaled, weights, slopes, lambda share: np.sqrt(((share * relative) ** 2).sum(axis=0))),
        _power_law(predicted, weights, slopes, lambda share: (np.abs(share) * doubt).sum(axis=0)),
    )


def _power_law(
    scaled: FloatArray, weights: FloatArray, slopes: FloatArray, error_of: Callable[[FloatArray], FloatArray]
) -> PowerLaw:
    """From sqrt(N) rms, (W, L)."""
    constant = np.exp((weights * np.log(scaled)).sum(axis=0))
    return PowerLaw(
        -0.5 + (slopes * np.log(scaled)).sum(axis=0), error_of(slopes), constant, constant * error_of(weights)
    )
