r"""All that is checked of what theory says of blocks of layers: signals on their way up, gradients on their way back.

Networks of finite width differ from theory by terms of order 1/N, which are not known in general: they are measured.
Of networks with N and with N/2 units, 2 mean_N - mean_{N/2} is without them; what is left, of order 1/N^2, is about the
square of what was cancelled, as for a product of many factors 1 + a/N.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import lcm
from typing import Any

import numpy as np

from eoc.errors import EocError
from eoc.floats import FloatArray
from eoc.layers import Input, Network, Signal
from eoc.layers.bounded import Bounded
from eoc.layers.group import heads_of
from eoc.montecarlo.blocks import BlockSample, sample_blocks
from eoc.montecarlo.experiments.comparison import Comparison, by_name
from eoc.montecarlo.experiments.networks import seed_of
from eoc.montecarlo.positions import mean_over_positions, places_of, positions_input, watched_pair
from eoc.montecarlo.running.runner import Progress, share_of
from eoc.propagation.run import kept_variance
from eoc.validation import real_number

__all__ = ["VerifiedNetwork", "network_groups", "verified_network"]

_C = 0.3
_WIDTH, _DEPTH, _NETWORKS = 400, 8, 64
_WIDE = 10_000  # units where there are no matrices
_DEEPEST = 1000  # blocks: rounding and fluctuations grow with them
_SPREAD = 0.5  # of networks, over their mean: beyond, averages are made by a few of them
_ROUNDING = 1e-13


@dataclass(frozen=True)
class VerifiedNetwork:
    """Where a network of blocks is verified.

    Attributes
    ----------
    network, sigma_w, sigma_b
        The network, and what its free ``dense`` has; None and 0 if there is none.
    q, c
        Variances of the two inputs, and their correlation.
    depth
        How many blocks.
    width, networks
        Units where there are weight matrices, and how many random networks.
    """

    network: Network
    sigma_w: float | None = None
    sigma_b: float = 0.0
    q: tuple[float, float] = (1.0, 1.0)
    c: float = _C
    depth: int = _DEPTH
    width: int = _WIDTH
    networks: int = _NETWORKS

    @property
    def source(self) -> Network:
        """The network."""
        return self.network

    @property
    def why(self) -> str:
        """What is compared, and how."""
        places = places_of(self.network)
        two = f"two inputs of {places} positions" if places else "two inputs"
        inputs = two if self.network.group is None else str(self.network.group)
        heads = min(heads_of(self.network.series), default=0)
        mean = (
            ""
            if heads == 0
            else (
                f"; theory is the mean over infinitely many heads, and covariances with {heads} differ from network to "
                f"network, in proportion to 1/sqrt({heads})"
            )
        )
        return (
            f"{inputs} with c = {self.c:g}; networks with half as many units are sampled too, so that terms of order "
            f"1/N cancel{mean}"
        )

    def options(self) -> dict[str, Any]:
        """What of :func:`eoc.verify` leads here again; None for the sigmas of a network without a free ``dense``."""
        sigmas = {"sigma_w": self.sigma_w, "sigma_b": None if self.sigma_w is None else self.sigma_b}
        return {**sigmas, "q": self.q[0], **by_name(self, "depth", "width", "networks")}

    def to_dict(self) -> dict[str, Any]:
        """The network and its inputs, by name."""
        return {**self.network.to_dict(), **self.options(), "c": self.c, "place": self.why}


def verified_network(
    network: Network,
    sigma_w: float | None,
    sigma_b: float | None,
    q: float | None = None,
    *,
    depth: int | None = None,
    width: int | None = None,
    networks: int | None = None,
) -> VerifiedNetwork:
    """Where to verify: both inputs of the variance q; left out: of that which blocks keep, or of 1."""
    sigma_b = 0.0 if sigma_b is None else sigma_b
    if q is not None and not 0.0 < real_number("q", q) < np.inf:
        raise EocError(f"q must be a variance > 0: of inputs without any there is nothing to sample; got {q!r}")
    if q is None:
        try:
            q, _ = kept_variance(network, sigma_w, sigma_b)
        except EocError:
            q = 1.0
    sizes = {
        "depth": _whole("depth", _DEPTH if depth is None else depth, 1, _DEEPEST),
        "width": _whole("width", _WIDTH if width is None else width, 16, _WIDE),
        "networks": _whole("networks", _NETWORKS if networks is None else networks, 8, 10**6),
    }
    return VerifiedNetwork(network, sigma_w, sigma_b, (q, q), **sizes)


def _whole(name: str, value: float, least: int, most: int) -> int:
    number = real_number(name, value)
    if not (least <= number <= most and number == int(number)):
        raise EocError(f"{name} must be a whole number from {least} to {most} to verify a network, got {value!r}")
    return int(number)


def network_groups(
    place: VerifiedNetwork, workers: int, progress: Progress | None = None
) -> list[tuple[str, Callable[..., tuple[Comparison, ...]]]]:
    """The kinds of checks of a network, each with a function of the seed; EocError where theory refuses the network."""
    signals, found = _signals(place), []
    for i, matrices in enumerate((False, True)):
        one, other = (_Sampled(place, signals, matrices, workers, share_of(progress, 2 * i + j, 1, 4)) for j in (0, 1))
        found += [("signal", one.forwards), ("gradient", other.backwards)]
    return found


def _signals(place: VerifiedNetwork) -> list[Signal]:
    """What theory says behind each block."""
    signals: list[Signal] = [_inputs(place)]
    for layer in range(1, place.depth + 1):
        x = place.network.block(place.sigma_w, place.sigma_b, layer, place.depth, surrogates=True)(signals[-1])
        for name in ("q", "m", "G", "chi", *(("T",) if np.isfinite(x.chi.value).all() else ())):
            getattr(x, name)  # now: else every block asks the one before, deeper than Python can
        signals.append(x)
    return signals[1:]


def _inputs(place: VerifiedNetwork) -> Signal:
    """Two inputs, or those that layers mix."""
    group, places = place.network.group, places_of(place.network)
    if places:
        return positions_input(place.q, place.c, places)
    if group is None:
        return Input(place.q, [1.0 - place.c])
    return Input(place.q[:1], [0.0, 1.0 - place.c], group.pairs)


@dataclass(frozen=True)
class _Sampled:
    """Networks with matrices or without, and what theory says of them behind each block."""

    place: VerifiedNetwork
    signals: list[Signal]
    matrices: bool
    workers: int
    progress: Progress | None

    @property
    def width(self) -> int:
        """A number of units of which heads can share half; fewer where many points are mixed: as many measurements."""
        group, places = self.place.network.group, places_of(self.place.network)
        points = 2.0 * max(places, 1) if group is None else group.size
        wide = _WIDE * 2.0 / points
        units, step = self.place.width if self.matrices else max(wide, 2.0 * self.place.width), 2 * self._heads
        return step * max(int(units // step), 1)

    @property
    def _heads(self) -> int:
        """The least number that all numbers of heads divide."""
        return lcm(*heads_of(self.place.network.series))

    def forwards(self, seed: int) -> tuple[Comparison, ...]:
        """q, 1 - c, and means that theory does not know to be 0, behind some blocks."""
        half, full = self._samples(seed, backward=False)
        found: list[Comparison] = []
        for i in _shown(self.place.depth):
            x = self.signals[i]
            second, pair = watched_pair(x) if self.place.network.group is None else (0, -1)
            size, e = float(x.q.value[0]), _at(x.one_minus_c, pair)
            e = e[0], e[1] + _ROUNDING * e[0] ** 0.5  # what rounding of units makes of it
            found += self._compared("q", i + 1, _at(x.q), half.q[:, i, 0], full.q[:, i, 0], size)
            found += self._compared("1 - c", i + 1, e, half.one_minus_c[:, i], full.one_minus_c[:, i], e[0])
            if x.pairs.positions and self.place.network.group is None:  # where positions differ
                found += self._compared("q inside", i + 1, _at(x.q, second), half.q[:, i, 1], full.q[:, i, 1], size)
            if x.m.value[0] != 0.0:
                found += self._compared("mean", i + 1, _at(x.m), half.m[:, i, 0], full.m[:, i, 0], size**0.5)
        return _some(found)

    def backwards(self, seed: int) -> tuple[Comparison, ...]:
        """Squared gradients at the first input, and products of those at both."""
        x = self.signals[-1]
        if not np.isfinite(x.chi.value).all():
            raise EocError("an activation jumps: gradients vanish or are infinite, and theory has them infinite")
        half, full = self._samples(seed, backward=True)
        with_positions = self.place.network.group is None and x.pairs.diagonal
        chi, products = mean_over_positions(x) if with_positions else (_at(x.chi), _at(x.T, -1))
        squares = self._compared("gradient^2", None, chi, half.chi[:, 0], full.chi[:, 0], chi[0])
        if self.place.network.group is not None:  # what T says of tangents pushed forward, no gradients sent back do
            return _some([*squares])
        both = self._compared("gradients' product", None, products, half.T, full.T, chi[0])
        return _some([*squares, *both])

    def _samples(self, seed: int, backward: bool) -> tuple[BlockSample, BlockSample]:
        """Networks of half the width, and of the width."""
        given = by_name(self.place, "network", "sigma_w", "sigma_b", "q", "c", "depth", "networks")
        how = {**given, **by_name(self, "matrices", "workers"), "backward": backward}
        half, full = (
            sample_blocks(**how, width=width, seed=seed_of(seed, i), progress=share_of(self.progress, i, 1, 2))
            for i, width in enumerate((self.width // 2, self.width))
        )
        return half, full

    def _compared(
        self,
        quantity: str,
        layer: int | None,
        theory: tuple[float, float],
        half: FloatArray,
        full: FloatArray,
        size: float,
    ) -> Iterator[Comparison]:
        """The comparison of (M,) networks of both widths, if averages say anything; ``size``: what is usual."""
        value, error = theory
        mean, spread, other = float(full.mean()), float(full.std(ddof=1)), float(half.std(ddof=1))
        if size > 0.0 and other <= _SPREAD * size:
            cancelled = mean - float(half.mean())
            standard = float(np.hypot(2.0 * spread, other) / full.size**0.5)
            truncation = error + cancelled**2 / size + _ROUNDING * size
            name = f"{quantity} of {self.width} units{', matrices' if self.matrices else ''}"
            yield Comparison(name, layer, value, mean + cancelled, standard, truncation)


def _at(found: Bounded, which: int = 0) -> tuple[float, float]:
    return float(found.value[which]), float(found.error[which])


def _shown(depth: int) -> list[int]:
    """The blocks 1, 2, 4, ... and the last one, from 0."""
    return sorted({*(2**k - 1 for k in range(depth.bit_length())), depth - 1})


def _some(found: list[Comparison]) -> tuple[Comparison, ...]:
    if not found:
        raise EocError("networks differ from each other so much that averages say nothing: take fewer blocks")
    return tuple(found)
