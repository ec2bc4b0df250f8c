"""What experiments sample: networks from what a user asks, their runs and fingerprints, the seeds of several runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast, get_args

import numpy as np
from numpy.typing import ArrayLike

from eoc.activations.base import Activation
from eoc.activations.unbounded import unbounded
from eoc.errors import EocError
from eoc.floats import FloatArray, IntArray
from eoc.maps import VarianceMap
from eoc.montecarlo.experiments.comparison import by_name
from eoc.montecarlo.running.checkpoint import digest, fingerprint_of
from eoc.montecarlo.running.runner import RunSettings, run_study
from eoc.montecarlo.running.study import Conclude, Observe, Study, batch_size
from eoc.montecarlo.running.summary import Summary
from eoc.montecarlo.sampling.explicit_sampler import ExplicitSampler
from eoc.montecarlo.sampling.gram_sampler import gram_sampler
from eoc.montecarlo.sampling.inputs import Inputs, first_inputs, hypercube
from eoc.montecarlo.sampling.laws import WeightLaw, law
from eoc.montecarlo.sampling.layer import Sampler
from eoc.montecarlo.settings import Weights, checked_count, checked_seed, checked_widths, generator

__all__ = ["Networks", "bounded_map", "networks_of", "one_input", "seed_of", "variance_error"]

_PROBE = (16, 16)  # shape of the weights that tell one law from another


@dataclass(frozen=True, eq=False)
class Networks:
    """Random networks with one input, or two.

    Attributes
    ----------
    activation
        phi.
    sigma_w, sigma_b
        Standard deviations of the weights (times sqrt(fan-in)) and of the biases.
    q : float, or (2,) for two inputs
        K_1, the variance of the units of the first layer.
    widths : (L,)
        Units of the layers, numbered from 1.
    weights
        The name of their law.
    law
        The law.
    count
        How many networks there are.
    seed
        What they are drawn from.
    sampler
        How they are sampled.
    fingerprint
        What they depend on, but for their number and seed, as plain numbers and strings.
    """

    activation: Activation
    sigma_w: float
    sigma_b: float
    q: float | FloatArray
    widths: IntArray
    weights: str
    law: WeightLaw
    count: int
    seed: int
    sampler: Sampler = field(repr=False)
    fingerprint: dict[str, object] = field(repr=False)

    @property
    def has_theory(self) -> bool:
        """Whether theory knows the moments of these weights to the order 1/N: Haar ones, and those with a kurtosis."""
        return self.weights == "orthogonal" or bool(np.isfinite(self.law.kurtosis))

    def run(
        self,
        experiment: str,
        observe: Observe,
        settings: RunSettings,
        quantiles: tuple[str, ...] = (),
        conclude: Conclude | None = None,
        **more: object,
    ) -> Summary:
        """Sample them all; see :class:`Study` for what is kept. ``more`` is what else the result depends on."""
        batch = batch_size(self.count, self.widths, np.size(self.q), self.widths.size)
        study = Study(self.sampler, observe, self.count, self.seed, batch, quantiles, conclude)
        return run_study(study, settings, {"experiment": experiment, **self.fingerprint, **more})

    def to_dict(self) -> dict[str, Any]:
        """What they are, but for widths and seed, by name."""
        given = by_name(self, "sigma_w", "sigma_b", "q", "weights")
        return {**self.activation.to_dict(), **given, "networks": self.count}


def one_input(
    activation: object,
    sigma_w: float,
    sigma_b: float,
    width: ArrayLike,
    depth: int | None,
    networks: int,
    seed: int,
    q: float | None,
    weights: object,
) -> Networks:
    """The networks with one input that a user asks for; EocError says what makes no sense.

    Where there are real matrices, the input is drawn from a hypercube {-a, a}^N_1, with the a that gives the first
    layer the variance q.
    """
    variance = bounded_map(activation, sigma_w, sigma_b)
    inputs = first_inputs(variance, q)
    widths, seed, start = checked_widths(width, depth), checked_seed(seed), float(variance.kept if q is None else q)

    def vectors() -> FloatArray:
        length = np.sqrt(max(start - variance.sigma_b**2, 0.0)) / variance.sigma_w
        return length * hypercube(1, widths[0], seed)

    return networks_of(variance, start, inputs, vectors, widths, networks, seed, weights, {"widths": list(widths)})


def networks_of(
    variance: VarianceMap,
    q: float | FloatArray,
    inputs: Inputs,
    vectors: Callable[[], FloatArray],
    widths: tuple[int, ...],
    networks: int,
    seed: int,
    weights: object,
    given: Mapping[str, object],
) -> Networks:
    """Networks with inputs that give the first layer the variances q; ``given`` are further facts of the fingerprint.

    Gaussian and orthogonal weights are sampled exactly without matrices. With any other law of
    :func:`eoc.montecarlo.law` there are real matrices, and inputs are ``vectors``.
    """
    phi, sigma_w, sigma_b = variance.activation, variance.sigma_w, variance.sigma_b
    seed, count = checked_seed(seed), checked_count("networks", networks)
    if count < 2:
        raise EocError(f"networks must be at least 2, got {count}: fluctuations are seen in at least 2 networks")
    name, law_print = _named_law(weights)
    sampler: Sampler
    if name in get_args(Weights):
        sampler = gram_sampler(variance, inputs, widths, cast(Weights, name))
    else:
        sampler = ExplicitSampler(phi, sigma_w, sigma_b, inputs=vectors(), width=widths, weights=weights)
    sigmas = {"sigma_w": sigma_w, "sigma_b": sigma_b}
    fingerprint = {**fingerprint_of(phi), **sigmas, "q": q, **given, "weights": law_print}
    return Networks(phi, sigma_w, sigma_b, q, np.array(widths), name, law(weights), count, seed, sampler, fingerprint)


def bounded_map(activation: object, sigma_w: float, sigma_b: float) -> VarianceMap:
    """The variance map; EocError for an activation with a pole: E[phi^2] is infinite, there is no theory to compare."""
    variance = VarianceMap(activation, sigma_w, sigma_b)
    with np.errstate(divide="ignore", invalid="ignore"):
        points = variance.activation.breakpoints
    for b in points:
        if not np.isfinite([b.left[0], b.right[0]]).all():
            raise unbounded(variance.activation.name, f"{b.x:g}", square_integrable=False)
    return variance


def _named_law(weights: object) -> tuple[str, str]:
    """The name of a law, and a string that another law of that name does not share."""
    found = law(weights)
    name = found.name
    if name in get_args(Weights) and found != law(name):  # a user's own, of which theory knows nothing
        name = f"{name} (own)"
    probe = found.draw(generator(0), _PROBE, "float64")
    return name, f"{name} {digest(probe)}"


def variance_error(relative: FloatArray, networks: int) -> FloatArray:
    """The relative standard error of a sample variance, of what is positive and fluctuates by many small factors.

    That is log-normal: with w = 1 + ``relative``, the variance over the square of the mean, its excess kurtosis is
    w^4 + 2 w^3 + 3 w^2 - 6. It is 16 times ``relative`` where that is small, and soon more than any number of networks
    makes up for: their moments are then made by networks so rare that none of them has been drawn.
    """
    w = 1.0 + np.minimum(relative, 1e50)
    return np.asarray(np.sqrt((w**4 + 2.0 * w**3 + 3.0 * w**2 - 4.0) / networks))


def seed_of(seed: int, index: int) -> int:
    """The seed of one of several runs that are independent of each other.

    Examples
    --------
    >>> seed_of(1, 0) == seed_of(1, 0), seed_of(1, 0) == seed_of(1, 1)
    (True, False)
    """
    return int(np.random.SeedSequence(checked_seed(seed), spawn_key=(index,)).generate_state(1, np.uint64)[0])
