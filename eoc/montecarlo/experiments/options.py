"""What the experiments share: from what a user asks to a sampler, its fingerprint and the seeds of several runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eoc.activations.base import Activation
from eoc.activations.unbounded import unbounded
from eoc.errors import EocError
from eoc.floats import FloatArray
from eoc.maps import VarianceMap
from eoc.montecarlo.exact.inputs import Inputs, first_inputs, hypercube
from eoc.montecarlo.exact.sampler import exact_sampler
from eoc.montecarlo.explicit.laws import law
from eoc.montecarlo.explicit.sampler import ExplicitSampler
from eoc.montecarlo.layer import Sampler
from eoc.montecarlo.running.checkpoint import digest, fingerprint_of
from eoc.montecarlo.running.study import batch_size
from eoc.montecarlo.settings import Weights, checked_count, checked_seed, checked_widths, generator
from eoc.montecarlo.theory.lengths import LengthTheory, length_theory

__all__ = ["Networks", "check_bounded", "named_law", "networks_of", "sampler_of", "seed_of", "variance_error"]

_PROBE = (16, 16)  # shape of the weights that tell one law from another


@dataclass(frozen=True, eq=False)
class Networks:
    """Random networks with one input.

    Attributes
    ----------
    activation
        phi.
    sigma_w, sigma_b
        Standard deviations of the weights (times sqrt(fan-in)) and of the biases.
    q
        K_1, the variance of the units of the first layer.
    widths : (L,)
        Units of the layers, numbered from 1.
    weights
        The name of their law.
    count
        How many networks there are.
    seed
        What they are drawn from.
    sampler
        How they are sampled.
    fingerprint
        All this as plain numbers and strings.
    """

    activation: Activation
    sigma_w: float
    sigma_b: float
    q: float
    widths: NDArray[np.int64]
    weights: str
    count: int
    seed: int
    sampler: Sampler
    fingerprint: dict[str, object]

    @property
    def batch(self) -> int:
        """How many are sampled at once."""
        return batch_size(self.count, self.widths, 1, self.widths.size)

    @property
    def has_theory(self) -> bool:
        """Whether theory knows the moments of these weights to the order 1/N, as it does for Gaussian and Haar ones."""
        return self.weights in get_args(Weights)

    @property
    def theory(self) -> LengthTheory:
        """Theory of these networks; that of Gaussian weights where it knows no other."""
        return length_theory(
            self.activation,
            self.sigma_w,
            self.sigma_b,
            q=self.q,
            widths=self.widths,
            weights="orthogonal" if self.weights == "orthogonal" else "gaussian",
        )


def networks_of(
    activation: object,
    sigma_w: float,
    sigma_b: float,
    *,
    width: ArrayLike,
    depth: int | None,
    networks: int,
    seed: int,
    q: float | None,
    weights: object,
) -> Networks:
    """The networks that a user asks for; EocError says what makes no sense.

    Gaussian and orthogonal weights are sampled exactly without matrices. With any other law of
    :func:`eoc.montecarlo.law` there are real matrices, and an input drawn from a hypercube {-a, a}^N_1, with the a that
    gives the first layer the variance q.
    """
    variance = VarianceMap(activation, sigma_w, sigma_b)
    phi, sigma_w, sigma_b = variance.activation, variance.sigma_w, variance.sigma_b
    check_bounded(phi)
    inputs = first_inputs(variance, q)
    start = float(variance.kept if q is None else q)
    widths, seed, count = checked_widths(width, depth), checked_seed(seed), checked_count("networks", networks)
    if count < 2:
        raise EocError("fluctuations are seen in at least 2 networks, got 1: ask for more networks")
    name, law_print = named_law(weights)

    def vectors() -> FloatArray:
        return np.sqrt(max(start - sigma_b**2, 0.0)) / sigma_w * hypercube(1, widths[0], seed)

    sampler = sampler_of(variance, inputs, widths, name, weights, vectors)
    fingerprint: dict[str, object] = {
        **fingerprint_of(phi),
        "sigma_w": sigma_w,
        "sigma_b": sigma_b,
        "q": start,
        "widths": list(widths),
        "weights": law_print,
    }
    return Networks(phi, sigma_w, sigma_b, start, np.array(widths), name, count, seed, sampler, fingerprint)


def sampler_of(
    variance: VarianceMap,
    inputs: Inputs,
    widths: tuple[int, ...],
    name: str,
    weights: object,
    vectors: Callable[[], FloatArray],
) -> Sampler:
    """The sampler without matrices, if ``name``, that of the law, allows it; else one with them, of given vectors."""
    if name in get_args(Weights):
        return exact_sampler(variance, inputs, widths, cast(Weights, name))
    phi, sigma_w, sigma_b = variance.activation, variance.sigma_w, variance.sigma_b
    return ExplicitSampler(phi, sigma_w, sigma_b, inputs=vectors(), width=widths, weights=weights)


def check_bounded(phi: Activation) -> None:
    """Refuse an activation with a pole: E[phi^2] is infinite, and theory has nothing to compare with."""
    with np.errstate(divide="ignore", invalid="ignore"):
        points = phi.breakpoints
    for b in points:
        if not np.isfinite([b.left[0], b.right[0]]).all():
            raise unbounded(phi.name, f"{b.x:g}", square_integrable=False)


def named_law(weights: object) -> tuple[str, str]:
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
