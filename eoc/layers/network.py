"""Networks as text: "residual(layernorm, dense(1.4), gelu, dense(1), scale=0.1)".

Items in sequence, separated by commas. An item is a layer of :data:`LAYERS`, an activation (a name, or a formula in x),
or a sequence in brackets. Numbers may be written with ``sqrt``, ``pi`` and, in blocks that are repeated, with the
number ``l`` = 1, 2, ... of the block and the number ``L`` of blocks: ``scale=1/sqrt(L)``. A ``dense`` without numbers
is free. The text is parsed, never executed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from eoc.activations.algebra import tangents
from eoc.activations.base import Activation, Smoothness
from eoc.activations.table_file import is_table
from eoc.errors import EocError, UnsupportedError
from eoc.floats import FloatArray
from eoc.gaussian.integrands import easy_variance
from eoc.layers.affine import Dense, unsolved_dense
from eoc.layers.elementwise import Elementwise
from eoc.layers.graph import Graph, Op, serial
from eoc.layers.group import Group, group_of, largest_kernel
from eoc.layers.inputs import Input
from eoc.layers.pairs import Pairs
from eoc.layers.reading import Numbers, Series, read
from eoc.layers.signal import Signal
from eoc.layers.words import LAYERS, Given, free_is_last, graph_of, has_free
from eoc.sharing import Memory, cached_property

__all__ = ["PRESETS", "Network", "is_network", "network"]

#: Networks by name: their text, and what they are.
PRESETS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "plain": ("relu, dense", "fully connected, from pre-activations to pre-activations"),
        "resnet": ("residual(relu, dense)", "residual, activations before weights (ResNet v2), one layer a branch"),
        "resnet2": ("residual(relu, dense(sqrt(2)), relu, dense)", "the same with two layers a branch"),
        "preln": ("prenorm(dense(1), gelu, dense)", "the MLP block of a transformer, normalised before (GPT)"),
        "postln": ("postnorm(dense(1), gelu, dense)", "the same, normalised after (BERT)"),
        "swiglu": ("residual(rmsnorm, gate(dense(1), (dense(1), silu)), dense)", "the gated MLP block of LLaMA"),
        "mlp_layernorm": ("layernorm, tanh, dense", "fully connected, normalised before the activation"),
        "transformer": (
            "prenorm(attention(64)), prenorm(dense(1), gelu, dense(1))",
            "a block of a transformer, normalised before: attention among 64 tokens, and the MLP (GPT)",
        ),
        "transformer_postnorm": (
            "postnorm(attention(64)), postnorm(dense(1), gelu, dense(1))",
            "the same, normalised after (BERT)",
        ),
        "transformer_swiglu": (
            "residual(rmsnorm, attention(64)), residual(rmsnorm, gate(dense(1), (dense(1), silu)), dense(1))",
            "the same with the gated MLP of LLaMA",
        ),
        "mlp_dropout": ("tanh, dropout(0.1), dense", "fully connected with dropout"),
    }
)


def network(source: object) -> Network:
    """The network of a text, or the preset of that name (:data:`eoc.layers.PRESETS`).

    Parameters
    ----------
    source
        A text, or a Network, which is returned as it is. ``ste(sign, hardtanh)`` alone has a free ``dense`` behind it.

    Raises
    ------
    EocError
        With the column of the first thing that is wrong.

    Examples
    --------
    >>> block = network("residual(layernorm, dense(1.4), gelu, dense(1), scale=0.1)")
    >>> block.is_free, block.varies
    (False, False)
    >>> network("preln").is_free, network("ste(sign, hardtanh)").text
    (True, 'ste(sign, hardtanh), dense')
    """
    if isinstance(source, Network):
        return source
    if not isinstance(source, str):
        raise EocError(f"a network is a text such as 'tanh, dense(1.2)' or the name of a preset; got {source!r}")
    text = PRESETS[source.strip()][0] if source.strip() in PRESETS else source
    series, varies = read(text, LAYERS)
    if len(series) == 1 and series[0].backward is not None:  # the name of a layer, as that of an activation is
        return replace(network(f"{text}, dense"), name=source.strip())
    return Network(source.strip(), text, has_free(series), varies, series)


def is_network(text: str) -> bool:
    """Whether a text is meant as a network: a preset, a text with a word of :data:`LAYERS`, or commas outside brackets.

    Examples
    --------
    >>> is_network("tanh, dense"), is_network("preln"), is_network("max(x, 0)"), is_network("my.scale:phi")
    (True, True, False, False)
    """
    if ":" in text or is_table(text):  # where a function is
        return False
    outside = text
    while (shorter := re.sub(r"\([^()]*\)", "", outside)) != outside:
        outside = shorter
    words = re.findall(r"[A-Za-z_]\w*(?![\w\s]*=)", text)  # but for the names of parameters
    return text.strip() in PRESETS or not _WORDS.isdisjoint(words) or "," in outside


_WORDS = frozenset(LAYERS)


@dataclass(frozen=True)
class Network:
    """A network as it was written.

    Attributes
    ----------
    name, text
        What was typed, and its text, which differ for a preset.
    is_free
        Whether it has a ``dense`` without numbers.
    varies
        Whether its numbers depend on the layer, l, or on the number of layers, L.
    phi
        The activation of a plain network; None for what was written as a network.
    cache
        What other floors have computed about it and keep for the next call.
    again
        What makes it once more, and of what, for pickle; None: :func:`network` of its name.
    """

    name: str
    text: str
    is_free: bool
    varies: bool
    series: Series = field(repr=False)
    phi: Activation | None = None
    cache: Memory = field(default_factory=Memory, repr=False, compare=False)
    again: tuple[Callable[..., Network], tuple[object, ...]] | None = field(default=None, repr=False, compare=False)

    def __reduce__(self) -> tuple[Callable[..., Network], tuple[object, ...]]:
        return (network, (self.name,)) if self.again is None else self.again

    def __str__(self) -> str:
        return self.name

    def to_dict(self) -> dict[str, str]:
        """Name and text, by the names that they have in JSON."""
        return {"network": self.name, "text": self.text}

    def check_free(self, sigma_w: object, sigma_b: object = 0.0) -> None:
        """Refuse a sigma_w where there is nothing free, and none where there is."""
        free = "dense or conv without sigma_w" if self.largest_kernel else "dense without numbers"
        if self.is_free and sigma_w is None:
            raise EocError(f"sigma_w must be a number, got None: {self.name!r} has a {free}, give sigma_w")
        if not self.is_free and (sigma_w is not None or sigma_b != 0.0):
            given = f"sigma_b = {sigma_b}" if sigma_w is None else f"sigma_w = {sigma_w}"
            raise EocError(f"{self.name!r} has no {free} that {given} could be of")

    def check_alone(self) -> None:
        """Refuse one that mixes tokens or a batch, where the question is what its numbers do to single points."""
        if self.group is not None:
            end = "eoc.settled_tokens" if self.group.tokens is not None else "eoc.phase_of"
            raise UnsupportedError(
                f"{self.name!r} mixes {self.group}, so that variances and gradients depend on what the points share, "
                f"whatever sigma_w and sigma_b are: {end} (eoc phase) says where they end, eoc.propagate follows them"
            )

    def block(
        self,
        sigma_w: float | FloatArray | None = None,
        sigma_b: float | FloatArray = 0.0,
        layer: int = 1,
        layers: int = 1,
        *,
        surrogates: bool = False,
    ) -> Graph:
        """The ops of the block number ``layer`` of ``layers``, with sigma_w and sigma_b in its free ``dense``.

        Both may be arrays, one number for every point. Tangents are those of the maps, pushed forward, or with
        ``surrogates`` what gradients see: the slopes of the surrogates of ``ste``.

        Raises
        ------
        EocError
            If there is a free ``dense`` and no sigma_w, or a sigma_w and nothing free.

        Examples
        --------
        >>> from eoc.layers.inputs import Input
        >>> network("resnet").block(sigma_w=2**0.5)(Input([1.0])).q.value.round(12).tolist()
        [2.0]
        """
        if self.is_free == (sigma_w is None):
            self.check_free(sigma_w)
        free = Dense(0.0) if sigma_w is None else Dense(sigma_w, sigma_b)
        return self._graph(free, {"l": float(layer), "L": float(layers)}, surrogates=surrogates)

    def unsolved(self, q: FloatArray, *, surrogates: bool = False) -> Signal:
        """The signal behind a block with inputs of variances q (n,), affine in sigma_w^2 and sigma_b^2 of what is free.

        Only where :attr:`free_is_last`. What cannot be computed is NaN. ``surrogates`` as in :meth:`block`.

        Examples
        --------
        >>> import numpy as np
        >>> chi = network("residual(relu, dense, skip=0.5)").unsolved(np.ones(1)).chi
        >>> chi.fixed.value.tolist(), chi.weight.value.tolist()
        ([0.25], [0.5])
        """
        block = self._graph(unsolved_dense, {"l": 1.0, "L": 1.0}, surrogates=surrogates)
        return block(Input(q, pairs=Pairs.none(strict=False)))

    def _graph(self, free: Op, numbers: Numbers, *, surrogates: bool) -> Graph:
        if self.phi is not None:
            own = Elementwise(self.phi, self.series[0].backward if surrogates else None)
            return serial([own, free], [self.phi.name, "dense"])
        return graph_of(self.series, Given(numbers, free, surrogates=surrogates))

    def activations(self) -> tuple[Activation, ...]:
        """All that it is made of."""
        return (self.phi,) if self.phi is not None else _activations(self.series)

    @cached_property
    def has_surrogates(self) -> bool:
        """Whether gradients see other slopes than those of the activations."""
        return _has_surrogates(self.series)

    @cached_property
    def group(self) -> Group | None:
        """The points that its layers mix with each other; None if every input is on its own.

        Raises
        ------
        EocError
            If layers disagree about them.

        Examples
        --------
        >>> str(network("transformer").group), network("preln").group
        ('64 tokens', None)
        """
        return group_of(self.series, self.name)

    @cached_property
    def largest_kernel(self) -> int:
        """The largest number of neighbouring positions that a layer takes together; 0 where inputs have none."""
        return largest_kernel(self.series)

    @property
    def jumps(self) -> bool:
        """Whether one of its activations does."""
        return any(phi.smoothness is Smoothness.JUMP for phi in self.activations())

    @property
    def free_is_last(self) -> bool:
        """Whether only sums, scales and further dense layers follow what is free: then all is affine in its sigma^2."""
        return self.phi is not None or free_is_last(self.series)

    @property
    def activation(self) -> Activation:
        """The activation of a plain layer; UnsupportedError for other networks."""
        if self.phi is None:
            raise UnsupportedError(f"{self.name!r} is a network of several layers: this needs an activation")
        return self.phi

    def tangents(self) -> Network:
        """What it looks like to inputs of variances near 0: with the tangents of its activations at 0."""
        return replace(self, series=_tangents(self.series), cache=Memory(), again=(Network.tangents, (self,)))

    @property
    def batch(self) -> float | None:
        """How many inputs the batch has that it normalises over; None if it does not; EocError as of ``group``."""
        return None if self.group is None else self.group.batch

    @property
    def q_max(self) -> float:
        """Below which variance of the inputs all moments are finite.

        Raises
        ------
        UnsupportedError
            If an activation in a network of several layers has a bound: that of the inputs is then not known.
        """
        if self.phi is not None:
            return self.phi.growth.q_max
        for phi in self.activations():
            if phi.growth.q_max < float("inf"):
                raise UnsupportedError(
                    f"{phi.name} grows like exp(a x^2): which variances a network with it can take is not known; use "
                    "another activation, or follow given inputs with eoc.propagate"
                )
        return float("inf")

    @property
    def easy_variance(self) -> float:
        """How far the variances of inputs are scanned: quadrature of activations that oscillate costs more and more."""
        return min((easy_variance(phi) for phi in self.activations()), default=float("inf"))


def _activations(series: Series) -> tuple[Activation, ...]:
    own = [one.phi for one in series if one.phi is not None]
    return (*own, *(phi for one in series for inside in one.inside for phi in _activations(inside)))


def _has_surrogates(series: Series) -> bool:
    return any(one.backward is not None or any(map(_has_surrogates, one.inside)) for one in series)


def _tangents(series: Series) -> Series:
    return tuple(
        replace(
            one,
            phi=None if one.phi is None else tangents(one.phi),
            inside=tuple(_tangents(part) for part in one.inside),
        )
        for one in series
    )
