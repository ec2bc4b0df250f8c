"""Networks as text: "residual(layernorm, dense(1.4), gelu, dense(1), scale=0.1)".

Items in sequence, separated by commas. An item is a layer of :data:`LAYERS`, an activation (a name, or a formula in x),
or a sequence in brackets. Numbers may be written with ``sqrt``, ``pi`` and, in blocks that are repeated, with the
number ``l`` = 1, 2, ... of the block and the number ``L`` of blocks: ``scale=1/sqrt(L)``. A ``dense`` without numbers
is free. The text is parsed, never executed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from eoc.errors import EocError, ExpressionError
from eoc.layers.affine import Dense, Scale
from eoc.layers.elementwise import Elementwise
from eoc.layers.graph import Graph, Op, Repeat, gate, residual, serial
from eoc.layers.norms import Noise, Norm
from eoc.layers.reading import Item, Layer, Numbers, Series, read

__all__ = ["LAYERS", "PRESETS", "Network", "is_network", "network"]

_MOST_BLOCKS = 20_000  # of repeats, those inside of each other counted as often as they run
_NEEDED = float("nan")
_WAYS = {"skip": 1.0, "scale": 1.0}

#: What can be written besides activations.
LAYERS: Mapping[str, Layer] = MappingProxyType(
    {
        "dense": Layer("W x + b; without numbers it is free", {"sigma_w": _NEEDED, "sigma_b": 0.0}, optional=True),
        "scale": Layer("factor x", {"factor": _NEEDED}),
        "layernorm": Layer("(x - mean) / standard deviation, over units", {"eps": 0.0}),
        "rmsnorm": Layer("x / root mean square, over units", {"eps": 0.0}),
        "dropout": Layer("units are 0 with this probability, others scaled up; a mask for each input", {"rate": 0.5}),
        "noise": Layer("units times noise of mean 1 and second moment mu2, fresh for each input", {"mu2": _NEEDED}),
        "residual": Layer("skip x + scale branch(x)", _WAYS, "series"),
        "prenorm": Layer("skip x + scale branch(layernorm(x))", _WAYS, "series"),
        "postnorm": Layer("layernorm(skip x + scale branch(x))", _WAYS, "series"),
        "gate": Layer("the product of its branches, unit by unit", {}, "branches"),
        "repeat": Layer("the items so many times", {"times": _NEEDED}, "series"),
    }
)

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
        "mlp_dropout": ("tanh, dropout(0.1), dense", "fully connected with dropout"),
    }
)


def network(source: object) -> Network:
    """The network of a text, or the preset of that name (:data:`PRESETS`).

    Parameters
    ----------
    source
        A text, or a Network, which is returned as it is.

    Raises
    ------
    EocError
        With the column of the first thing that is wrong.

    Examples
    --------
    >>> block = network("residual(layernorm, dense(1.4), gelu, dense(1), scale=0.1)")
    >>> block.is_free, block.varies
    (False, False)
    >>> network("preln").is_free
    True
    """
    if isinstance(source, Network):
        return source
    if not isinstance(source, str):
        raise EocError(f"a network is a text such as 'tanh, dense(1.2)' or the name of a preset; got {source!r}")
    text = PRESETS[source.strip()][0] if source.strip() in PRESETS else source
    series, varies = read(text, LAYERS)
    return Network(source.strip(), text, _has_free(series), varies, series)


def is_network(text: str) -> bool:
    """Whether a text is meant as a network: a preset, a text with a word of :data:`LAYERS`, or commas outside brackets.

    Examples
    --------
    >>> is_network("tanh, dense"), is_network("preln"), is_network("max(x, 0)")
    (True, True, False)
    """
    outside = text
    while (shorter := re.sub(r"\([^()]*\)", "", outside)) != outside:
        outside = shorter
    words = re.findall(r"[A-Za-z_]\w*(?![\w\s]*=)", text)  # but for the names of parameters
    return text.strip() in PRESETS or not _WORDS.isdisjoint(words) or "," in outside


_WORDS = frozenset(LAYERS)


def _has_free(series: Series) -> bool:
    return any((one.name == "dense" and not one.numbers) or any(map(_has_free, one.inside)) for one in series)


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
    """

    name: str
    text: str
    is_free: bool
    varies: bool
    series: Series = field(repr=False)

    def __str__(self) -> str:
        return self.name

    def to_dict(self) -> dict[str, str]:
        """Name and text, by the names that they have in JSON."""
        return {"network": self.name, "text": self.text}

    def block(self, sigma_w: float | None = None, sigma_b: float = 0.0, layer: int = 1, layers: int = 1) -> Graph:
        """The ops of the block number ``layer`` of ``layers``, with sigma_w and sigma_b in its free ``dense``.

        Raises
        ------
        EocError
            If there is a free ``dense`` and no sigma_w, or a sigma_w and nothing free.

        Examples
        --------
        >>> from eoc.layers.signal import Input
        >>> network("resnet").block(sigma_w=2**0.5)(Input([1.0])).q.value.round(12).tolist()
        [2.0]
        """
        if self.is_free and sigma_w is None:
            raise EocError(f"{self.name!r} has a dense without numbers: give sigma_w")
        if not self.is_free and sigma_w is not None:
            raise EocError(f"{self.name!r} has no dense without numbers that sigma_w = {sigma_w:g} could be of")
        given = {"l": float(layer), "L": float(layers)}
        if sigma_w is not None:
            given |= {"sigma_w": sigma_w, "sigma_b": sigma_b}
        return _graph(self.series, given)


def _graph(series: Series, given: Numbers) -> Graph:
    return serial([_op(item, given) for item in series], [item.name for item in series])


def _op(item: Item, given: Numbers) -> Op:
    if item.phi is not None:
        return Elementwise(item.phi)
    numbers = {name: number(given) for name, number in item.numbers.items()}
    try:
        return _MAKERS[item.name](numbers, item.inside, given)
    except ExpressionError:
        raise
    except EocError as error:
        raise item.fail(str(error)) from None


_Maker = Callable[[Numbers, tuple[Series, ...], Numbers], Op]


def _dense(numbers: Numbers, _: tuple[Series, ...], given: Numbers) -> Op:
    sigmas = numbers or given
    return Dense(sigmas["sigma_w"], sigmas["sigma_b"])


def _dropout(numbers: Numbers, *_: object) -> Op:
    if not 0.0 <= numbers["rate"] < 1.0:
        raise EocError(f"the rate of dropout must be in [0, 1), got {numbers['rate']:g}")
    return Noise(1.0 / (1.0 - numbers["rate"]))


def _norm(numbers: Numbers, centred: bool) -> Op:
    if not numbers["eps"] >= 0.0:
        raise EocError(f"eps must be >= 0, got {numbers['eps']:g}")
    return Norm(centred, numbers["eps"])


def _residual(numbers: Numbers, inside: tuple[Series, ...], given: Numbers) -> Op:
    return residual(_graph(inside[0], given), numbers["skip"], numbers["scale"])


def _prenorm(numbers: Numbers, inside: tuple[Series, ...], given: Numbers) -> Op:
    branch = serial([Norm(centred=True), _graph(inside[0], given)])
    return residual(branch, numbers["skip"], numbers["scale"])


def _postnorm(numbers: Numbers, inside: tuple[Series, ...], given: Numbers) -> Op:
    return serial([_residual(numbers, inside, given), Norm(centred=True)])


def _repeat(numbers: Numbers, inside: tuple[Series, ...], given: Numbers) -> Op:
    times = numbers["times"]
    if not (times >= 1 and times == int(times)):
        raise EocError(f"a block is repeated a whole number of times >= 1, got {times:g}")
    blocks = given.get("blocks", 1.0) * times
    if blocks > _MOST_BLOCKS:
        raise EocError(f"{blocks:g} blocks are repeated in all; at most {_MOST_BLOCKS} are allowed")
    return Repeat(
        lambda layer: _graph(inside[0], {**given, "blocks": blocks, "l": float(layer), "L": times}), int(times)
    )


_MAKERS: Mapping[str, _Maker] = {
    "dense": _dense,
    "scale": lambda numbers, *_: Scale(numbers["factor"]),
    "layernorm": lambda numbers, *_: _norm(numbers, centred=True),
    "rmsnorm": lambda numbers, *_: _norm(numbers, centred=False),
    "dropout": _dropout,
    "noise": lambda numbers, *_: Noise(numbers["mu2"]),
    "residual": _residual,
    "prenorm": _prenorm,
    "postnorm": _postnorm,
    "gate": lambda _, inside, given: gate([_graph(one, given) for one in inside]),
    "repeat": _repeat,
}
