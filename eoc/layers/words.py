"""The words that networks are written with besides activations: what each of them makes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType

import numpy as np

from eoc.activations.base import Activation
from eoc.errors import EocError, ExpressionError
from eoc.layers.affine import Dense, Scale
from eoc.layers.attention import Attention
from eoc.layers.batches import BatchNorm
from eoc.layers.convolution import Conv, uniform
from eoc.layers.elementwise import Elementwise
from eoc.layers.graph import Graph, Op, Repeat, joined, residual, serial
from eoc.layers.joined import Product, Sum
from eoc.layers.maxima import MaxPool
from eoc.layers.mixture import Mixture
from eoc.layers.norms import Noise, Norm
from eoc.layers.pooling import AveragePool, Flatten, Window
from eoc.layers.reading import Item, Layer, Numbers, Series
from eoc.layers.recurrent import Outside, gru, minimal_rnn
from eoc.layers.taps import PADS
from eoc.layers.weights import GAUSSIAN, WeightMoments, low_rank, pruned, quantised

__all__ = ["LAYERS", "Given", "free_is_last", "graph_of", "has_free"]

_MOST_BLOCKS = 20_000  # of repeats, those inside of each other counted as often as they run
_NEEDED = float("nan")
_SIGMAS = {"sigma_w": _NEEDED, "sigma_b": 0.0}
_LAWS = {"pruned": 1.0, "sparse": 1.0, "levels": 0.0, "rank": 1.0}  # with what makes them Gaussian
_OF_LAW: Mapping[str, Callable[[float], WeightMoments]] = {
    "pruned": pruned,
    "sparse": partial(pruned, by="random"),
    "levels": quantised,
    "rank": low_rank,
}
_WINDOW = {"size": _NEEDED, "stride": 0.0}  # 0: as large as the window
_WAYS = {"skip": 1.0, "scale": 1.0}
_ATTENTION = {"tokens": _NEEDED, "sigma_w": 1.0, "beta": 0.0, "heads": 0.0}
_INPUTS = {"sigma_b": 0.0, "R": 1.0, "c": 1.0}
_MINIMAL = {"sigma_w": 1.0, "sigma_v": 1.0, "mu": 0.0, **_INPUTS}
_GRU = {"sigma_w": 1.0, "sigma_v": 1.0, "sigma_u": 1.0, "mu_u": 0.0, "sigma_r": 1.0, "mu_r": 0.0, **_INPUTS}

_WEIGHTS, _ADDING = frozenset({"dense", "conv"}), frozenset({"residual", "prenorm", "sum"})
_LINEAR = _WEIGHTS | {"dropout", "noise", "scale", "avgpool", "flatten"}

#: What can be written besides activations.
LAYERS: Mapping[str, Layer] = MappingProxyType(
    {
        "dense": Layer(
            "W x + b; without sigma_w it is free. Weights may be pruned to a share of the largest or (sparse) of any, "
            "have so many levels, or a rank that is a share of the width",
            {**_SIGMAS, **_LAWS},
            optional=tuple(_SIGMAS),
        ),
        "conv": Layer(
            "a convolution of so many taps along each axis, their variances as in profile; without sigma_w it is free",
            {"kernel": _NEEDED, **_SIGMAS, "stride": 1.0},
            optional=tuple(_SIGMAS),
            choices={"pad": tuple(PADS)},
            lists=("profile",),
        ),
        "avgpool": Layer(
            "the mean over windows of positions, by their size or a stride apart; without numbers over all positions",
            _WINDOW,
            optional=tuple(_WINDOW),
            choices={"pad": ("none", "zero", "circular")},
        ),
        "maxpool": Layer(
            "the largest of windows of positions, by their size or a stride apart",
            {"size": _NEEDED, "stride": 0.0},
            choices={"pad": ("none",)},
        ),
        "flatten": Layer("the units of all positions side by side"),
        "scale": Layer("factor x", {"factor": _NEEDED}),
        "layernorm": Layer("(x - mean) / standard deviation, over units", {"eps": 0.0}),
        "rmsnorm": Layer("x / root mean square, over units", {"eps": 0.0}),
        "batchnorm": Layer(
            "(x - mean) / standard deviation, over a batch of inputs that are all alike; infinite if left out",
            {"batch": float("inf")},
        ),
        "dropout": Layer("units are 0 with this probability, others scaled up; a mask for each input", {"rate": 0.5}),
        "noise": Layer("units times noise of mean 1 and second moment mu2, fresh for each input", {"mu2": _NEEDED}),
        "residual": Layer("skip x + scale branch(x)", _WAYS, "series"),
        "prenorm": Layer("skip x + scale branch(layernorm(x))", _WAYS, "series"),
        "postnorm": Layer("layernorm(skip x + scale branch(x))", _WAYS, "series"),
        "sum": Layer("the sum of its branches, unit by unit; scale(1) is a branch that does nothing", {}, "branches"),
        "ste": Layer("phi of every unit; gradients see the slope of g in place of that of phi", {}, "surrogate"),
        "mixture": Layer("units of several kinds side by side, as many of each branch: channels", {}, "branches"),
        "gate": Layer("the product of its branches, unit by unit", {}, "branches"),
        "input": Layer(
            "plus an independent input of variance q, whose correlation at two points is c", {"q": _NEEDED, "c": 1.0}
        ),
        "minimalrnn": Layer(
            "a step of a minimalRNN with fresh weights; inputs of second moment R, correlation c", _MINIMAL
        ),
        "gru": Layer("a step of a GRU, the same way; gates u and r", _GRU),
        "attention": Layer(
            "attention among so many tokens; sigma_w = sigma_V sigma_O, beta = sigma_Q sigma_K, 0 for equal weights",
            _ATTENTION,
            choices={"mask": ("none", "causal")},
        ),
        "repeat": Layer("the items so many times", {"times": _NEEDED}, "series"),
    }
)


def has_free(series: Series) -> bool:
    """Whether there is a ``dense`` or a ``conv`` without sigma_w."""
    return any(_is_free(one) or any(map(has_free, one.inside)) for one in series)


def _is_free(item: Item) -> bool:
    return item.name in _WEIGHTS and "sigma_w" not in item.numbers


def free_is_last(series: Series) -> bool:
    """Whether only sums, scales and further dense layers follow it."""
    for i, one in enumerate(series):
        if not has_free((one,)):
            continue
        own = one.name in _WEIGHTS or (one.name in _ADDING and all(map(free_is_last, filter(has_free, one.inside))))
        linear = (later.phi is None and later.name in _LINEAR and not has_free((later,)) for later in series[i + 1 :])
        return own and all(linear)
    return False


@dataclass(frozen=True)
class Given:
    """The numbers that texts may contain, the op of what is free, and what makes that of an activation.

    Gradients see ``surrogates`` or not.
    """

    numbers: Numbers
    free: Op
    elementwise: Callable[[Activation, Activation | None], Op] = Elementwise
    surrogates: bool = False


def graph_of(series: Series, given: Given) -> Graph:
    """The ops of items."""
    return serial([_op(item, given) for item in series], [item.name for item in series])


def _op(item: Item, given: Given) -> Op:
    if item.phi is not None:
        return given.elementwise(item.phi, item.backward if given.surrogates else None)
    numbers = {name: number(given.numbers) for name, number in item.numbers.items()}
    try:
        return _MAKERS[item.name](numbers, item, given)
    except ExpressionError:
        raise
    except EocError as error:
        raise item.fail(str(error)) from None


_Maker = Callable[[Numbers, Item, Given], Op]


def _dense(numbers: Numbers, item: Item, given: Given) -> Op:
    weights = _weights(numbers)
    if not _is_free(item):
        return Dense(numbers["sigma_w"], numbers["sigma_b"], weights)
    free = given.free
    if isinstance(free, Dense):
        return replace(free, weights=weights)
    return free if weights.keep == 1.0 else serial([Scale(weights.second_moment**0.5), free])


def _weights(numbers: Numbers) -> WeightMoments:
    """What the weights are, if not Gaussian; one of the ways alone."""
    chosen = [name for name, usual in _LAWS.items() if numbers.get(name, usual) != usual]
    if len(chosen) > 1:
        raise EocError(f"weights are of one kind: give {' or '.join(chosen)}")
    return _OF_LAW[chosen[0]](numbers[chosen[0]]) if chosen else GAUSSIAN


def _conv(numbers: Numbers, item: Item, given: Given) -> Op:
    profile = np.array([one(given.numbers) for one in item.lists["profile"]] or uniform(numbers["kernel"]))
    if profile.size != numbers["kernel"]:
        raise EocError(f"profile has {profile.size} numbers, but the kernel has {numbers['kernel']:g} taps")
    where = item.choices["pad"], numbers["stride"]
    if not _is_free(item):
        return Conv(profile, numbers["sigma_w"], numbers["sigma_b"], *where)
    free = given.free
    if isinstance(free, Dense):
        return Conv(profile, free.sigma_w, free.sigma_b, *where)
    alone = Conv(profile, 1.0, 0.0, *where)  # which refuses what positions are not alike behind
    return alone if alone.pad == "zero" else free


def _window(numbers: Numbers, item: Item) -> Window:
    return Window(numbers["size"], numbers["stride"] or numbers["size"], item.choices["pad"])


def _dropout(numbers: Numbers, *_: object) -> Op:
    if not 0.0 <= numbers["rate"] < 1.0:
        raise EocError(f"the rate of dropout must be in [0, 1), got {numbers['rate']:g}")
    return Noise(1.0 / (1.0 - numbers["rate"]))


def _norm(numbers: Numbers, centred: bool) -> Op:
    if not numbers["eps"] >= 0.0:
        raise EocError(f"eps must be >= 0, got {numbers['eps']:g}")
    return Norm(centred, numbers["eps"])


def _residual(numbers: Numbers, item: Item, given: Given) -> Op:
    return residual(graph_of(item.inside[0], given), numbers["skip"], numbers["scale"])


def _prenorm(numbers: Numbers, item: Item, given: Given) -> Op:
    branch = serial([Norm(centred=True), graph_of(item.inside[0], given)])
    return residual(branch, numbers["skip"], numbers["scale"])


def _postnorm(numbers: Numbers, item: Item, given: Given) -> Op:
    return serial([_residual(numbers, item, given), Norm(centred=True)])


def _mixture(numbers: Numbers, item: Item, given: Given) -> Op:
    shares = tuple(numbers.values()) or (1.0 / len(item.inside),) * len(item.inside)
    return joined(Mixture(shares), [graph_of(one, given) for one in item.inside])


def _repeat(numbers: Numbers, item: Item, given: Given) -> Op:
    times = numbers["times"]
    if not (times >= 1 and times == int(times)):
        raise EocError(f"a block is repeated a whole number of times >= 1, got {times:g}")
    blocks = given.numbers.get("blocks", 1.0) * times
    if blocks > _MOST_BLOCKS:
        raise EocError(f"{blocks:g} blocks are repeated in all; at most {_MOST_BLOCKS} are allowed")

    def one(layer: int) -> Graph:
        numbers = {**given.numbers, "blocks": blocks, "l": float(layer), "L": times}
        return graph_of(item.inside[0], replace(given, numbers=numbers))

    return Repeat(one, int(times))


_MAKERS: Mapping[str, _Maker] = {
    "dense": _dense,
    "conv": _conv,
    "avgpool": lambda numbers, item, _: AveragePool(_window(numbers, item) if numbers else None),
    "maxpool": lambda numbers, item, _: MaxPool(_window(numbers, item)),
    "flatten": lambda *_: Flatten(),
    "scale": lambda numbers, *_: Scale(numbers["factor"]),
    "layernorm": lambda numbers, *_: _norm(numbers, centred=True),
    "rmsnorm": lambda numbers, *_: _norm(numbers, centred=False),
    "batchnorm": lambda numbers, *_: BatchNorm(numbers["batch"]),
    "dropout": _dropout,
    "noise": lambda numbers, *_: Noise(numbers["mu2"]),
    "residual": _residual,
    "prenorm": _prenorm,
    "postnorm": _postnorm,
    "sum": lambda _, item, given: joined(Sum(), [graph_of(one, given) for one in item.inside]),
    "mixture": _mixture,
    "gate": lambda _, item, given: joined(Product(), [graph_of(one, given) for one in item.inside]),
    "input": lambda numbers, *_: joined(Sum(), [Scale(1.0), Outside(numbers["q"], numbers["c"])]),
    "minimalrnn": lambda numbers, *_: minimal_rnn(**numbers),
    "gru": lambda numbers, *_: gru(**numbers),
    "attention": lambda numbers, item, _: Attention(**numbers, causal=item.choices["mask"] == "causal"),
    "repeat": _repeat,
}
