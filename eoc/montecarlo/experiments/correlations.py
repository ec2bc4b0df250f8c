r"""Correlations of two inputs in many networks of finite width, layer by layer, beside what infinite width predicts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eoc.checks import real_numbers
from eoc.errors import EocError
from eoc.floats import FloatArray
from eoc.maps import VarianceMap
from eoc.montecarlo.exact.inputs import first_inputs, vectors_of
from eoc.montecarlo.experiments.comparison import Comparison, by_layer
from eoc.montecarlo.experiments.options import check_bounded, named_law, sampler_of
from eoc.montecarlo.experiments.readings import Reading, read_average, read_constant, read_exponent, read_rate
from eoc.montecarlo.layer import Layer
from eoc.montecarlo.running.checkpoint import fingerprint_of
from eoc.montecarlo.running.runner import Progress, run
from eoc.montecarlo.running.study import Study, batch_size
from eoc.montecarlo.running.summary import Summary
from eoc.montecarlo.settings import checked_count, checked_depth, checked_seed, generator
from eoc.montecarlo.theory.correlations import Expected, expected

__all__ = ["QUANTILES", "CorrelationProcess", "Read", "correlation_process"]


#: Of the networks: their median, and what 50 % and 90 % of them lie between.
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)

_C0 = 0.1  # correlation of the inputs, where none is given, as for eoc.convergence_of
_EARLY = 0.2  # of the window's last layer: its first, so that orders beyond those removed are small
_SMALL = 0.01  # 1 - c from which an exponential is fitted
_LATE = 0.25  # 1 - c from which on laws of the edge of chaos can be told from what precedes them
_BEYOND = 0.01  # of a depth: a crossover between two laws that lies behind
_FAR = 10.0  # of log e
_ARRIVED = 1e-3  # of c*: distance from which c_l counts as settled


@dataclass(frozen=True)
class Read:
    """A constant read off every network by one fit, averaged over the networks.

    Attributes
    ----------
    quantity
        What it is.
    first, last
        The layers that are fitted.
    theory
        Its value at infinite width and depth.
    noiseless
        What the same fit makes of the infinite-width trajectory.
    systematic
        What the fit may be off at these depths, from what it changes when the trajectory is fitted at half of them.
        Infinite where these are too few, 1 - c has not become small, or the law has not taken over from another yet.
    measured, standard_error
        The mean over networks.
    truncation
        What terms of order l/N that theory leaves out may change.
    """

    quantity: str
    first: int
    last: int
    theory: float
    noiseless: float
    systematic: float
    measured: float
    standard_error: float
    truncation: float


@dataclass(frozen=True, eq=False)
class CorrelationProcess:
    """1 - c_l = e_l of two inputs in M networks of N units and L layers.

    Attributes
    ----------
    activation, sigma_w, sigma_b, width, networks
        What was sampled.
    layers : (L,)
        1 .. L: layer 1 holds the first pre-activations, the layer 0 of :func:`eoc.propagate`.
    expected
        Theory: the infinite-width trajectory, its law, and the noise of finite width.
    log_ratio, log_ratio_error : (L,)
        Mean over networks of log(e_l / e~_l), with its standard error; e~ is the infinite-width trajectory.
    spread, spread_error : (L,)
        Standard deviation over networks of log e_l, with its standard error.
    predicted_spread : (L,) or None
        What theory says of it, to order 1/N; None where it does not know.
    c, c_error : (L,)
        Mean correlation, with its standard error.
    quantiles : (5, L)
        Of e_l over networks, at :data:`QUANTILES`; to 0.2 %.
    departure_depth
        Where the spread of log e_l reaches 1, 3N/s on the edge of chaos (sooner for inputs that start close): from
        there on single networks no longer follow the law. Infinite where they always do, or theory does not know.
    reliable_depth
        Up to which layer finite width does not dominate: spread below 10 %, bias below 1 %.
    reads
        Constants fitted to the networks within the reliable depth.
    comparisons
        Theory beside what was measured.
    """

    activation: str
    sigma_w: float
    sigma_b: float
    width: int
    networks: int
    layers: NDArray[np.int64]
    expected: Expected
    log_ratio: FloatArray
    log_ratio_error: FloatArray
    spread: FloatArray
    spread_error: FloatArray
    predicted_spread: FloatArray | None
    c: FloatArray
    c_error: FloatArray
    quantiles: FloatArray
    departure_depth: float
    reliable_depth: float
    reads: tuple[Read, ...]
    comparisons: tuple[Comparison, ...]


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
    l + R sqrt(l) + A log(l) over the last four fifths of the reliable depths, and an exponent. ``Read.noiseless`` is
    the same fit of the noiseless trajectory, and ``Read.systematic`` says from fits at half the depths how far that may
    still be from the constant. In the ordered phase the rate 1/xi_c is fitted, in the
    chaotic phase c_l is averaged once it has settled. Where theory predicts the spread, standard errors in comparisons
    are at least those that follow from it: few networks alone say little of it.

    Examples
    --------
    >>> found = correlation_process("relu", 2**0.5, width=10_000, depth=20, networks=20, seed=1, one_minus_c=0.01)
    >>> found.departure_depth, all(seen.agrees for seen in found.comparisons)
    (3750.0, True)
    """
    variance = VarianceMap(activation, sigma_w, sigma_b)
    check_bounded(variance.activation)
    if c is None and one_minus_c is None:
        c = _C0
    width, depth = checked_count("width", width), checked_depth(depth)
    networks, seed = checked_count("networks", networks), checked_seed(seed)
    _check_sizes(width, depth, networks)
    law_name, law_digest = named_law(weights)
    inputs = first_inputs(variance, q, c, one_minus_c)
    if inputs.count != 2:
        raise EocError(f"there are two inputs, got {inputs.count} variances q: give one for both, or two")
    vectors = partial(vectors_of, inputs, width, generator(seed))
    sampler = sampler_of(variance, inputs, (width,) * depth, law_name, weights, vectors)
    first = np.broadcast_to(real_numbers("q", variance.kept if q is None else q), 2)
    theory = expected(variance, first, c, one_minus_c, width=width, depth=depth, weights=law_name)
    if not (theory.one_minus_c > 0.0).all():
        raise EocError(
            f"the inputs are the same from layer {int((theory.one_minus_c > 0.0).argmin()) + 1} on, to the last digit: "
            "give other inputs (c, one_minus_c) or a smaller depth"
        )
    readings = _readings(theory)
    study = Study(
        sampler,
        _observe,
        networks,
        seed,
        batch_size(networks, width, 2, depth),
        quantiles=("1 - c",),
        conclude=partial(_conclude, readings=readings, one_minus_c=theory.one_minus_c),
    )
    fingerprint = {
        "experiment": "correlation process",
        **fingerprint_of(variance.activation),
        "sigma_w": variance.sigma_w,
        "sigma_b": variance.sigma_b,
        "q": first,
        "c": c,
        "one_minus_c": one_minus_c,
        "width": width,
        "weights": law_digest,
    }
    summary = run(
        study, workers=workers, checkpoint=checkpoint, interval=interval, fingerprint=fingerprint, progress=progress
    )
    return _assembled(variance, theory, readings, summary, width)


def _check_sizes(width: int, depth: int, networks: int) -> None:
    if width < 2:
        raise EocError(f"width must be at least 2, got {width}: a single unit knows no angles but 0 and 180 degrees")
    if depth < 2:
        raise EocError(f"depth must be at least 2, got {depth}: the correlation of the first layer is given")
    if networks < 2:
        raise EocError(f"networks must be at least 2, got {networks}: one network shows no fluctuations")


def _observe(layer: int, seen: Layer) -> Mapping[str, ArrayLike]:
    e = seen.one_minus_c[:, 0, 1]
    if not (e > 0.0).all():  # NaN too
        raise EocError(
            f"in a network the two inputs coincide in layer {layer}, or all its units are 0: go to depth {layer - 1} "
            "at most, take more units or inputs that are farther apart"
        )
    return {"1 - c": e}


def _conclude(
    observed: Mapping[str, NDArray[Any]], readings: tuple[Reading, ...], one_minus_c: FloatArray
) -> Mapping[str, NDArray[Any]]:
    """Of 1 - c (M, L): the same, the logarithm of its ratio to infinite width, and what is read off each network."""
    e = observed["1 - c"]
    sums = {reading.quantity: reading.sums(e) for reading in readings}
    return {"1 - c": e, "log ratio": np.log(e / one_minus_c), **sums}


def _readings(theory: Expected) -> tuple[Reading, ...]:
    """What can be read off within the reliable depths."""
    law, depth = theory.law, theory.one_minus_c.size
    if law is None or not theory.settled:
        return ()
    last = int(min(depth, theory.reliable_depth))
    first = max(3, int(np.ceil(_EARLY * last)))
    e = theory.one_minus_c
    if law.law in ("1/l", "1/l^2") and theory.noise is not None:
        late = e[min(first, depth) - 1] <= _LATE and law.crossover <= _BEYOND * first
        shallower = [(max(3, first // k), last // k) for k in (2, 4)] if late else []
        makers: tuple[Callable[[int, int], Reading | None], ...] = (
            partial(read_constant, law),
            partial(read_exponent, law, e),
        )
    elif law.law == "exponential" and law.limit == 1.0 and theory.noise is not None:
        close = np.flatnonzero(e <= _SMALL)
        if not (close.size and 0.0 < law.constant < np.inf):
            return ()
        first = max(first, int(close[0]) + 1)
        shallower = [(first, first + (last - first) // k) for k in (2, 4)]
        makers = (partial(read_rate, law.constant),)
    elif law.law == "exponential":
        away = np.abs(e - (1.0 - law.limit)) > _ARRIVED * (1.0 - law.limit)
        first, last = int(np.flatnonzero(away)[-1]) + 2 if away.any() else 1, depth
        shallower = [((first + depth) // 2, depth)]
        makers = (partial(read_average, law.limit),)
    else:
        return ()
    found = [(make(first, last), [make(*window) for window in shallower]) for make in makers]
    return tuple(reading.checked(others, e) for reading, others in found if reading is not None)


def _assembled(
    variance: VarianceMap, theory: Expected, readings: tuple[Reading, ...], summary: Summary, width: int
) -> CorrelationProcess:
    ratio, e, networks = summary.moments["log ratio"], summary.moments["1 - c"], summary.networks
    spread = ratio.std
    error = np.divide(ratio.variance_error, 2.0 * spread, out=np.zeros_like(spread), where=spread > 0.0)
    reads = tuple(_read(reading, theory, summary) for reading in readings)
    predicted = theory.spread
    ratios = _compared_ratios(theory, networks, ratio.mean, ratio.standard_error)
    spreads = () if predicted is None else _compared_spreads(theory, networks, predicted, spread, error)
    return CorrelationProcess(
        activation=variance.activation.name,
        sigma_w=variance.sigma_w,
        sigma_b=variance.sigma_b,
        width=width,
        networks=networks,
        layers=np.arange(1, theory.one_minus_c.size + 1),
        expected=theory,
        log_ratio=ratio.mean,
        log_ratio_error=ratio.standard_error,
        spread=spread,
        spread_error=error,
        predicted_spread=predicted,
        c=1.0 - e.mean,
        c_error=e.standard_error,
        quantiles=np.stack([summary.quantiles["1 - c"].quantile(p).value for p in QUANTILES]),
        departure_depth=theory.departure_depth,
        reliable_depth=theory.reliable_depth,
        reads=reads,
        comparisons=(*ratios, *spreads, *(one for read in reads for one in _compared(read))),
    )


def _read(reading: Reading, theory: Expected, summary: Summary) -> Read:
    sums, e = summary.moments[reading.quantity], summary.moments["1 - c"]
    value, slope = reading.back(float(sums.mean))
    law = theory.law
    assert law is not None  # nothing is read off without one
    v = float(theory.relative_variance[reading.last - 1])
    if reading.quantity == "c*":
        f = theory.phase.correlation
        assert f is not None
        bent = 0.5 * abs(float(f.curvature(law.limit).value))  # E f(c) = f(E c) + f'' Var(c) / 2
        truncation = float(e.variance[reading.first - 1 :].mean()) * bent / (1.0 - float(np.exp(-1.0 / law.constant)))
    elif reading.quantity == "1/xi_c":
        truncation = v / reading.last
    elif reading.quantity == "exponent":
        truncation = v
    else:  # the mean of e^{-1/p} grows by 1.5 v / p or less
        truncation = 1.5 * v * value
    noiseless = reading.of(theory.one_minus_c)
    if theory.pairs is not None:  # the mean of log e strays too
        stray = np.minimum(np.abs(theory.pairs.mean_log_ratio) + theory.pairs.shift_truncation, _FAR)
        truncation += abs(reading.of(theory.one_minus_c * np.exp(stray)) - noiseless)
    error = abs(slope) * max(float(sums.standard_error), _predicted_error(reading, theory, summary.networks))
    return Read(
        quantity=reading.quantity,
        first=reading.first,
        last=reading.last,
        theory=reading.theory,
        noiseless=noiseless,
        systematic=reading.systematic,
        measured=value,
        standard_error=error,
        truncation=truncation,
    )


def _predicted_error(reading: Reading, theory: Expected, networks: int) -> float:
    """Of the mean of a weighted sum, from the spread of log e that theory predicts; 0 where it does not.

    A kick in layer k is still k/l (or, undamped, all) of what it was in layer l: so Cov(log e_k, log e_l) is that much
    of Var log e_k.
    """
    if theory.spread is None or theory.noise is None:
        return 0.0
    window = slice(reading.first - 1, reading.last)
    e = theory.one_minus_c[window]
    step = 1e-6  # of log e, for the derivative of what is summed
    weights = (
        reading.weights * (reading.transform(e * np.exp(step)) - reading.transform(e * np.exp(-step))) / (2 * step)
    )
    passed = np.arange(reading.first, reading.last + 1.0) if theory.noise.damped else np.ones(e.size)
    variances = theory.spread[window] ** 2
    before = np.cumsum(weights * passed * variances) - weights * passed * variances
    total = float((weights**2 * variances + 2.0 * weights / passed * before).sum())
    return float(np.sqrt(max(total, 0.0) / networks))


def _compared(read: Read) -> tuple[Comparison, ...]:
    """With the same fit at infinite width; and with infinite depth, where it is known what the fit is off."""
    error, name = read.standard_error, f"{read.quantity}, same fit"
    same = Comparison(name, None, read.noiseless, read.measured, error, read.truncation)
    if not np.isfinite(read.systematic):
        return (same,)
    lost = read.systematic + read.truncation
    return Comparison(read.quantity, None, read.theory, read.measured, error, lost), same


def _compared_ratios(theory: Expected, networks: int, mean: FloatArray, error: FloatArray) -> tuple[Comparison, ...]:
    """The mean of log(e_l / e~_l) at some layers before the departure depth."""
    if theory.pairs is None:
        return ()
    error = np.maximum(error, theory.pairs.spread / np.sqrt(networks))
    predicted = theory.pairs.mean_log_ratio
    lost = theory.pairs.shift_truncation + theory.error / theory.one_minus_c
    layers = _some(min(mean.size, theory.departure_depth))
    return by_layer("mean log(e_l / e~_l)", predicted, mean, error, lost, layers)


def _compared_spreads(
    theory: Expected, networks: int, predicted: FloatArray, spread: FloatArray, error: FloatArray
) -> tuple[Comparison, ...]:
    """The spread at some layers before the departure depth."""
    lost = theory.spread_truncation
    error = np.maximum(error, predicted / np.sqrt(2.0 * (networks - 1)))
    layers = _some(min(spread.size, theory.departure_depth))
    return by_layer("spread of log e_l", predicted, spread, error, lost, layers)


def _some(last: float) -> list[int]:
    """Layers 2, 4, 8, ... and the last one."""
    last = int(last)
    return sorted(
        {*(2**k for k in range(1, max(last, 1).bit_length()) if 2**k <= last), *([last] if last >= 2 else [])}
    )
