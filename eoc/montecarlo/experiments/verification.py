"""All of theory beside simulation: of an activation maps, the edge of chaos, laws and finite networks; of a network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from eoc.activations import activation as resolve
from eoc.activations.base import Activation
from eoc.criticality import nearest_ordered
from eoc.errors import EocError
from eoc.gaussian.moments import moments
from eoc.layers import Network, checked_sigma, is_network
from eoc.layers import network as network_of
from eoc.maps import VarianceMap
from eoc.montecarlo.experiments.checks import groups_of
from eoc.montecarlo.experiments.comparison import Comparison, by_name
from eoc.montecarlo.experiments.network_checks import VerifiedNetwork, network_groups, verified_network
from eoc.montecarlo.experiments.networks import seed_of
from eoc.montecarlo.running.runner import Progress
from eoc.montecarlo.settings import checked_seed
from eoc.operating_point import OperatingPoint, operating_point

__all__ = ["Check", "Skipped", "Verification", "VerifiedPoint", "verified_point", "verify"]

_SOME_BIAS = 0.3  # where there is neither an edge of chaos nor an ordered point
_VARIANCES = (1.0, 0.5, 0.25, 0.1)  # of which the first that is stable there is kept


@dataclass(frozen=True)
class VerifiedPoint:
    """Where an activation is verified.

    Attributes
    ----------
    variance
        phi, sigma_w and sigma_b.
    q
        The variance of the first layer.
    on_edge
        Whether this is a point of the edge of chaos.
    why
        Why it was chosen.
    """

    variance: VarianceMap
    q: float
    on_edge: bool
    why: str

    @property
    def source(self) -> Activation:
        """The activation."""
        return self.variance.activation

    @property
    def sigma_w(self) -> float:
        """The standard deviation of the weights, times sqrt(fan-in)."""
        return self.variance.sigma_w

    @property
    def sigma_b(self) -> float:
        """The standard deviation of the biases."""
        return self.variance.sigma_b

    def options(self) -> dict[str, Any]:
        """What of :func:`verify` leads here again."""
        return by_name(self, "sigma_w", "sigma_b", "q")

    def to_dict(self) -> dict[str, Any]:
        """The activation and the place, by name."""
        named = by_name(self, "sigma_w", "sigma_b", "q", "on_edge")
        return {**self.variance.activation.to_dict(), **named, "place": self.why}


@dataclass(frozen=True)
class Check:
    """One line: what kind of check, and the comparison."""

    kind: str
    comparison: Comparison


@dataclass(frozen=True)
class Skipped:
    """What could not be checked, and why; how many groups of checks share that."""

    kind: str
    why: str
    groups: int = 1


@dataclass(frozen=True)
class Verification:
    """Theory beside simulation, one check a line.

    Attributes
    ----------
    place
        Where.
    seed
        Of all random numbers.
    checks
        What was compared.
    skipped
        What was not, and why.
    """

    place: VerifiedPoint | VerifiedNetwork
    seed: int
    checks: tuple[Check, ...]
    skipped: tuple[Skipped, ...]

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks with |z| > 4."""
        return tuple(check for check in self.checks if not check.comparison.agrees)

    @property
    def rms_z(self) -> float:
        """Root mean square of z: about 1 where standard errors decide, less where truncations do."""
        return float(np.sqrt(np.mean([check.comparison.z**2 for check in self.checks])))

    def to_dict(self) -> dict[str, Any]:
        """Where it was verified, every check, and what was skipped, by name."""
        return {
            **self.place.to_dict(),
            **by_name(self, "seed", "rms_z"),
            "checks": [{"kind": check.kind, **check.comparison.to_dict()} for check in self.checks],
            "skipped": [asdict(skipped) for skipped in self.skipped],
            "failed": len(self.failed),
        }


def verify(
    activation: object,
    sigma_w: float | None = None,
    sigma_b: float | None = None,
    *,
    q: float | None = None,
    depth: int | None = None,
    width: int | None = None,
    networks: int | None = None,
    seed: int = 0,
    workers: int = 1,
    progress: Progress | None = None,
) -> Verification:
    """Compare what theory says of an activation, or of a network, with simulations: half a minute to two minutes.

    Parameters
    ----------
    activation
        An activation, or whatever :func:`eoc.activation` understands: a name, a formula, a Python function; or a
        network, as :func:`eoc.network` makes it, or its text.
    sigma_w, sigma_b, q
        Where, as for :func:`verified_point`. Of a network those of its free ``dense``, if there is one, and the
        variance of two inputs with c = 0.3; left out: that which blocks keep, or 1.
    depth, width, networks
        Of a network how many blocks (8), how many units where there are weight matrices (400; from 16 to 10 000), and
        how many random networks (64). What is checked of an activation has sizes of its own.
    seed
        A whole number >= 0. All of them should pass; |z| <= 4 is broken by chance once in 16 000 checks.
    workers
        Threads; they do not change the result.
    progress
        Called with the number of groups of checks that are done, and their number.

    Returns
    -------
    Verification
        Every check, and what was skipped.

    Raises
    ------
    EocError
        If the activation cannot be used there. What single checks cannot do is in ``skipped``.

    Notes
    -----
    Of an activation:

    - Maps: E[phi^2], E[phi'^2] and F' at q/2, q and 2q, 1 - f(c) at three c, by plain Monte Carlo with NumPy.
    - Gradients through networks with real weight matrices: chi_1.
    - Wide networks keep q; narrow ones have the mean, the fluctuations and the kurtosis of theory to order 1/N.
    - Correlations: on the edge of chaos law and constant, in the ordered phase xi_c, in the chaotic phase c*.

    Of a network, without weight matrices (10 000 units) and with them: q, 1 - c and means behind some blocks, squares
    and products of the gradients of both inputs, sent back through all of them. Measured in networks of the full and
    of half the width, so that terms of order 1/N cancel (:mod:`eoc.montecarlo.experiments.network_checks`).

    Examples
    --------
    >>> found = verify("residual(relu, dense(sqrt(2)))", depth=2, width=100, networks=50, seed=1)
    >>> len(found.checks), len(found.failed), found.rms_z < 2.0
    (12, 0, True)
    """
    seed = checked_seed(seed)
    if isinstance(activation, Network) or (isinstance(activation, str) and is_network(activation)):
        net = verified_network(network_of(activation), sigma_w, sigma_b, q, depth=depth, width=width, networks=networks)
        return _verified(net, network_groups(net, workers, progress), seed, progress)
    sizes = {"depth": depth, "width": width, "networks": networks}
    if any(size is not None for size in sizes.values()):
        given = ", ".join(name for name, size in sizes.items() if size is not None)
        raise EocError(
            f"{given}: what is checked of an activation has sizes of its own; write a network, 'tanh, dense'"
        )
    place = verified_point(resolve(activation), sigma_w, sigma_b, q)
    return _verified(place, groups_of(place.variance, place.q, workers), seed, progress)


def _verified(
    place: VerifiedPoint | VerifiedNetwork,
    groups: Sequence[tuple[str, Callable[..., tuple[Comparison, ...]]]],
    seed: int,
    progress: Progress | None,
) -> Verification:
    """What comes of all groups of checks."""
    checks: list[Check] = []
    why: Counter[tuple[str, str]] = Counter()
    for index, (kind, group) in enumerate(groups):
        if progress is not None:
            progress(index, len(groups))
        try:
            checks += [Check(kind, one) for one in group(seed=seed_of(seed, index))]
        except EocError as error:
            why[kind, str(error)] += 1
    if progress is not None:
        progress(len(groups), len(groups))
    if not checks:
        raise EocError(f"nothing of {place.source.name!r} can be checked there: {next(iter(why))[1]}")
    skipped = tuple(Skipped(*reason, count) for reason, count in why.items())
    return Verification(place, seed, tuple(checks), skipped)


def verified_point(
    phi: Activation, sigma_w: float | None, sigma_b: float | None, q: float | None = None
) -> VerifiedPoint:
    """Where to verify.

    With ``sigma_w``: there, and at the q that layers keep (1 where they keep none). Without: on the edge of chaos, at
    ``sigma_b`` or where it is recommended. Where there is none: in the ordered phase, as close to the edge as is stable
    (:func:`eoc.nearest_ordered`); and where there is none either, with sigma_b = 0.3 and the sigma_w that keeps q = 1,
    or the largest of 0.5, 0.25 and 0.1 that is stable.
    """
    if q is not None and not q > 0.0:
        raise EocError(f"q must be a variance > 0: of inputs without any there is nothing to sample; got {q!r}")
    if sigma_w is not None:
        at = operating_point(phi, sigma_w=sigma_w, sigma_b=sigma_b or 0.0, q=q)
        return _there(at, "off the edge of chaos", q)
    try:
        at = operating_point(phi, sigma_b=sigma_b, q=q)
        return _there(at, "not on the edge of chaos: as recommended", None)
    except EocError as error:
        why = f"not on the edge of chaos: {error}"
    for bias in (0.0, _SOME_BIAS) if sigma_b is None else (sigma_b,):
        ordered = nearest_ordered(phi, bias)
        if ordered is not None:
            return VerifiedPoint(VarianceMap(phi, ordered.sigma_w, ordered.sigma_b), ordered.q, False, why)
    return _kept(phi, checked_sigma("sigma_b", _SOME_BIAS if sigma_b is None else sigma_b), why)


def _there(at: OperatingPoint, off: str, q: float | None) -> VerifiedPoint:
    variance = VarianceMap(at.activation, at.sigma_w, at.sigma_b)
    if at.point is not None and at.q > 0.0:  # at the limit q = 0 there is nothing to sample
        return VerifiedPoint(variance, at.q, True, "on the edge of chaos")
    if q is None:
        q = at.q if 0.0 < at.q < np.inf else 1.0
    return VerifiedPoint(variance, q, False, off)


def _kept(phi: Activation, sigma_b: float, why: str) -> VerifiedPoint:
    found: list[VerifiedPoint] = []
    for q in (q for q in _VARIANCES if q > sigma_b**2):
        v = float(moments(phi, q, ("V",))["V"].value)
        variance = VarianceMap(phi, float(np.sqrt((q - sigma_b**2) / v)), sigma_b)
        found.append(VerifiedPoint(variance, q, False, why))
        if abs(float(variance.slope(q).value)) < 1.0:
            return found[-1]
    if not found:
        raise EocError(f"sigma_b = {sigma_b:g} is too large for a variance of at most 1: give sigma_w too")
    return found[0]
