r"""Correlations of two inputs in many networks of finite width, layer by layer, beside what infinite width predicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eoc.errors import EocError
from eoc.floats import FloatArray, IntArray
from eoc.maps import VarianceMap
from eoc.montecarlo.experiments.comparison import Comparison, by_layer, by_name
from eoc.montecarlo.experiments.fits import Fit, FittedConstant, fits_of, fitted
from eoc.montecarlo.experiments.networks import Networks, bounded_map, networks_of
from eoc.montecarlo.running.quantiles import QUANTILES
from eoc.montecarlo.running.runner import Progress, RunSettings
from eoc.montecarlo.sampling.inputs import first_inputs, vectors_of
from eoc.montecarlo.sampling.layer import Layer
from eoc.montecarlo.settings import checked_count, checked_depth, checked_seed, generator
from eoc.montecarlo.theory.correlations import CorrelationTheory, correlation_theory
from eoc.validation import real_numbers

__all__ = ["CorrelationProcess", "correlation_process"]

_C0 = 0.1  # correlation of the inputs, where none is given, as for eoc.convergence_of


@dataclass(frozen=True, eq=False)
class CorrelationProcess:
    """1 - c_l = e_l of two inputs in M networks of N units and L layers.

    Attributes
    ----------
    sampled
        What was sampled: activation, sigma_w, sigma_b, q, widths, weights, count, seed.
    expected
        Theory: the infinite-width trajectory, its law, and the noise of finite width.
    log_ratio, log_ratio_error : (L,)
        Mean over networks of log(e_l / e~_l), with its standard error; e~ is the infinite-width trajectory.
    spread, spread_error : (L,)
        Standard deviation over networks of log e_l, with its standard error.
    c, c_error : (L,)
        Mean correlation, with its standard error.
    quantiles : (5, L)
        Of e_l over networks, at the shares 0.05, 0.25, 0.5, 0.75 and 0.95; to 0.2 %.
    reads
        Constants fitted to the networks within the reliable depth.
    """

    sampled: Networks = field(repr=False)
    expected: CorrelationTheory = field(repr=False)
    log_ratio: FloatArray
    log_ratio_error: FloatArray
    spread: FloatArray
    spread_error: FloatArray
    c: FloatArray
    c_error: FloatArray
    quantiles: FloatArray
    reads: tuple[FittedConstant, ...]

    @property
    def activation(self) -> str:
        """The name of phi."""
        return self.sampled.activation.name

    @property
    def sigma_w(self) -> float:
        """Standard deviation of the weights, times sqrt(fan-in)."""
        return self.sampled.sigma_w

    @property
    def sigma_b(self) -> float:
        """Standard deviation of the biases."""
        return self.sampled.sigma_b

    @property
    def width(self) -> int:
        """N."""
        return int(self.sampled.widths[0])

    @property
    def networks(self) -> int:
        """M."""
        return self.sampled.count

    @property
    def layers(self) -> IntArray:
        """1 .. L: layer 1 holds the first pre-activations, the layer 0 of :func:`eoc.propagate`."""
        return np.arange(1, self.log_ratio.size + 1)

    @property
    def predicted_spread(self) -> FloatArray | None:
        """What theory says of ``spread``, to order 1/N, (L,); None where it does not know."""
        return None if self.expected.pairs is None else self.expected.pairs.spread

    @property
    def departure_depth(self) -> float:
        """Where the spread of log e_l reaches 1, 3N/s on the edge of chaos (sooner for inputs that start close).

        From there on single networks no longer follow the law. Infinite where they always do, or theory does not know.
        """
        return self.expected.departure_depth

    @property
    def reliable_depth(self) -> float:
        """Up to which layer finite width does not dominate: spread below 10 %, bias below 1 %."""
        return self.expected.reliable_depth

    @property
    def comparisons(self) -> tuple[Comparison, ...]:
        """Theory beside measurement: mean and spread in some layers before the departure depth, fitted constants."""
        constants = tuple(one for read in self.reads for one in read.comparisons)
        theory, pairs = self.expected, self.expected.pairs
        if pairs is None:
            return constants
        # few networks underestimate their own fluctuations: errors are at least those of theory
        of_ratio = np.maximum(self.log_ratio_error, pairs.spread / np.sqrt(self.networks))
        of_spread = np.maximum(self.spread_error, pairs.spread / np.sqrt(2.0 * (self.networks - 1)))
        ratio = self.log_ratio, of_ratio, pairs.shift_truncation + theory.error / theory.one_minus_c
        spread = self.spread, of_spread, pairs.spread_truncation
        layers = _some(int(min(self.spread.size, self.departure_depth)))
        return (
            *by_layer("mean log(e_l / e~_l)", pairs.mean_log_ratio, *ratio, layers),
            *by_layer("spread of log e_l", pairs.spread, *spread, layers),
            *constants,
        )

    def to_dict(self) -> dict[str, Any]:
        """Everything by name; ``q`` is where variances end."""
        theory = self.expected
        return {
            **self.sampled.to_dict(),
            **by_name(theory.phase, "q", "phase"),
            "seed": self.sampled.seed,
            "law": None if theory.law is None else asdict(theory.law),
            "one_minus_c_infinite": theory.one_minus_c,
            **by_name(self, "width", "departure_depth", "reliable_depth", "layers", "log_ratio", "log_ratio_error"),
            **by_name(self, "spread", "spread_error", "predicted_spread", "c", "c_error", "comparisons"),
            "quantiles": {str(p): row for p, row in zip(QUANTILES, self.quantiles, strict=True)},
            "reads": [asdict(read) for read in self.reads],
        }


def correlation_process(
    activation: object,
    sigma_w: float,
    sigma_b: float = 0.0,
    *,
    width: int,
    depth: int,
    networks: int,
    seed: int,
    q: ArrayLike | None = None,
    c: float | None = None,
    one_minus_c: float | None = None,
    weights: object = "gaussian",
    workers: int = 1,
    checkpoint: str | Path | None = None,
    interval: float = 10.0,
    progress: Progress | None = None,
) -> CorrelationProcess:
    r"""Follow two inputs through many networks of finite width, and compare with infinite width.

    Parameters
    ----------
    activation
        An activation, or whatever :func:`eoc.activation` understands: a name, a formula, a Python function.
    sigma_w, sigma_b
        Standard deviations of the weights (times sqrt(fan-in)) and of the biases, >= 0.
    width, depth
        N, the units of every layer, and L >= 2, the number of layers.
    networks
        M >= 2.
    seed
        A whole number >= 0; the same seed gives the same numbers, for any number of workers.
    q, c, one_minus_c
        Variance (or two) of the first layer, and the correlation of the inputs there or 1 minus it, as for
        :func:`eoc.propagate`, whose layer 0 is layer 1 here. Left out: q is what layers keep, c = 0.1.
    weights
        "gaussian" or "orthogonal" (Haar matrices), sampled without matrices; or any other law that
        :func:`eoc.montecarlo.law` knows, with real matrices, for which the spread is not predicted.
    workers, checkpoint, interval, progress
        As for :func:`eoc.montecarlo.run`.

    Returns
    -------
    CorrelationProcess
        All layers, constants fitted to single networks, and comparisons with theory.

    Raises
    ------
    EocError
        For a problem that makes no sense, a layer that overflows, and inputs that coincide to the last digit in some
        network (or die, in narrow ReLU networks): it names the layer.

    Notes
    -----
    On the edge of chaos every network gives a constant, from the slope of (1 - c_l)^{-1/p} on the law's
    l + R sqrt(l) + A log(l) over the last four fifths of the reliable depths, and an exponent. Its ``noiseless``
    is the same fit of the noiseless trajectory, and ``systematic`` says from fits at half the depths how far that may
    still be from the constant. In the ordered phase the rate 1/xi_c is fitted, in the chaotic phase c_l is averaged
    once it has settled. Where theory predicts the spread, standard errors in comparisons are at least those that follow
    from it: few networks alone say little of it.

    Examples
    --------
    >>> found = correlation_process("relu", 2**0.5, width=10_000, depth=20, networks=20, seed=1, one_minus_c=0.01)
    >>> found.departure_depth, all(seen.agrees for seen in found.comparisons)
    (3750.0, True)
    """
    variance = bounded_map(activation, sigma_w, sigma_b)
    if c is None and one_minus_c is None:
        c = _C0
    sampled = _two_inputs(variance, width, depth, networks, seed, q, c, one_minus_c, weights)
    theory = correlation_theory(
        variance, np.asarray(sampled.q), c, one_minus_c, width=width, depth=depth, weights=sampled.weights
    )
    if not (theory.one_minus_c > 0.0).all():
        raise EocError(
            f"the inputs are the same from layer {int((theory.one_minus_c > 0.0).argmin()) + 1} on, to the last digit: "
            "give other inputs (c, one_minus_c) or a smaller depth"
        )
    return _measured(sampled, theory, RunSettings(workers, checkpoint, interval, progress))


def _two_inputs(
    variance: VarianceMap,
    width: int,
    depth: int,
    networks: int,
    seed: int,
    q: ArrayLike | None,
    c: float | None,
    one_minus_c: float | None,
    weights: object,
) -> Networks:
    """The networks that a user asks for; where there are real matrices, inputs have random directions."""
    width, depth, seed = checked_count("width", width), checked_depth(depth), checked_seed(seed)
    if width < 2:
        raise EocError(f"width must be at least 2, got {width}: a single unit knows no angles but 0 and 180 degrees")
    if depth < 2:
        raise EocError(f"depth must be at least 2, got {depth}: the correlation of the first layer is given")
    inputs = first_inputs(variance, q, c, one_minus_c)
    if inputs.count != 2:
        raise EocError(f"there are two inputs, got {inputs.count} variances q: give one for both, or two")
    vectors = partial(vectors_of, inputs, width, generator(seed))
    first = np.broadcast_to(real_numbers("q", variance.kept if q is None else q), 2)
    given = {"c": c, "one_minus_c": one_minus_c, "width": width}
    return networks_of(variance, first, inputs, vectors, (width,) * depth, networks, seed, weights, given)


def _measured(sampled: Networks, theory: CorrelationTheory, settings: RunSettings) -> CorrelationProcess:
    fits = fits_of(theory)
    conclude = partial(_conclude, fits=fits, one_minus_c=theory.one_minus_c)
    summary = sampled.run("correlation process", _observe, settings, ("1 - c",), conclude)
    ratio, e, spread = summary.moments["log ratio"], summary.moments["1 - c"], summary.moments["log ratio"].std
    return CorrelationProcess(
        sampled=sampled,
        expected=theory,
        log_ratio=ratio.mean,
        log_ratio_error=ratio.standard_error,
        spread=spread,
        spread_error=np.divide(ratio.variance_error, 2.0 * spread, out=np.zeros_like(spread), where=spread > 0.0),
        c=1.0 - e.mean,
        c_error=e.standard_error,
        quantiles=np.stack([summary.quantiles["1 - c"].quantile(p).value for p in QUANTILES]),
        reads=tuple(fitted(fit, theory, summary) for fit in fits),
    )


def _observe(layer: int, seen: Layer) -> Mapping[str, ArrayLike]:
    e = seen.one_minus_c[:, 0, 1]
    if not (e > 0.0).all():  # NaN too
        raise EocError(
            f"in a network the two inputs coincide in layer {layer}, or all its units are 0: go to depth {layer - 1} "
            "at most, take more units or inputs that are farther apart"
        )
    return {"1 - c": e}


def _conclude(
    observed: Mapping[str, NDArray[Any]], fits: tuple[Fit, ...], one_minus_c: FloatArray
) -> Mapping[str, NDArray[Any]]:
    """Of 1 - c (M, L): the same, the logarithm of its ratio to infinite width, and what is fitted to each network."""
    e = observed["1 - c"]
    return {"1 - c": e, "log ratio": np.log(e / one_minus_c), **{fit.quantity: fit.sums(e) for fit in fits}}


def _some(last: int) -> list[int]:
    """Layers 2, 4, 8, ... and the last one."""
    return sorted({2**k for k in range(1, last.bit_length())} | {last}) if last >= 2 else []
