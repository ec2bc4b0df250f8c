"""What the experiments share: how networks are given, layers, quantiles, comparisons with theory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from eoc.errors import EocError
from eoc.floats import FloatArray
from eoc.sweeps.task import Coordinate, Output, Parameter, Point, Values
from eoc.sweeps.tasks.common import ACTIVATION, NO_YES, SEED, SIGMA_B, SIGMA_W, Q

if TYPE_CHECKING:
    from eoc.montecarlo import Comparison

__all__ = [
    "COMPARED",
    "DEPTH",
    "NETWORKS",
    "OF_SIGNS",
    "ONE_INPUT",
    "QUANTILE",
    "QUANTILES",
    "WEIGHTS",
    "WIDTH",
    "arguments",
    "compared",
    "different_widths",
    "layers",
    "layers_and_quantiles",
    "networks_bytes",
    "networks_seconds",
    "weights_problems",
    "z_by_layer",
]

_MOST = 2.0**33
_DEEPEST = 1e6
_EXACT = ("gaussian", "orthogonal")
_UNIT_SECONDS = 3e-8
_LAYER_SECONDS = 3e-7
_MATRIX_SECONDS = 1e-8  # an entry
_SET_UP_SECONDS = 0.02
_BYTES = 2e6
_LAYER_BYTES = 50.0  # of a network
_AT_A_TIME = 2000.0

#: Of the networks: their median, and what 50 % and 90 % of them lie between.
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
QUANTILE = Coordinate(np.array(QUANTILES), "share of the networks below", symbol="p")

WIDTH = Parameter("width", "units of a layer", "whole", "N", "units", least=1, most=_MOST, required=True)
DEPTH = Parameter("depth", "layers", "whole", "L", "layers", least=1, most=_DEEPEST, required=True)
NETWORKS = Parameter("networks", "independent networks", "whole", "M", least=2, most=_MOST, required=True)
WEIGHTS = Parameter(
    "weights",
    "law of the weights",
    "text",
    default="gaussian",
    note="gaussian or orthogonal, sampled without matrices; rademacher, uniform, laplace, student_t(df), sparse(p), "
    "pruned(p), levels(n) or low_rank(p)",
)

#: What q is in experiments that may have no variance that layers keep.
OF_SIGNS = "left out: sigma_w^2 + sigma_b^2, as for inputs of -1 and 1"

#: What networks with one input are given by.
ONE_INPUT = (ACTIVATION, SIGMA_W, SIGMA_B, Q, WIDTH, DEPTH, NETWORKS, WEIGHTS, SEED)


def compared(comparisons: Callable[[Any], Iterable[Comparison]]) -> dict[str, Output]:
    """What is said of all comparisons of a result with theory; nothing where theory knows too little."""

    def worst(found: Any) -> float | None:
        return max((abs(one.z) for one in comparisons(found)), default=None)

    def agrees(found: Any) -> bool | None:
        from eoc.montecarlo.experiments.comparison import LIMIT

        z = worst(found)
        return None if z is None else z <= LIMIT

    return {
        "worst_z": Output("largest |z| of theory beside measurement", "|z|", worst),
        "agrees": Output("whether all |z| <= 4", read=agrees, flags=NO_YES),
    }


#: Of results that have all their comparisons.
COMPARED = compared(attrgetter("comparisons"))


def arguments(point: Point, parameters: Iterable[Parameter]) -> dict[str, Any]:
    """Those of the parameters that the point gives, by name: what a function of :mod:`eoc.montecarlo` takes."""
    return {parameter.name: point[parameter.name] for parameter in parameters if parameter.name in point}


def layers(values: Values) -> Mapping[str, Coordinate]:
    """The layers of the deepest networks; shallower ones have nothing in the last of them."""
    return {"layer": Coordinate(np.arange(1, int(max(values["depth"])) + 1), "layer, from 1", "l", "layers")}


def layers_and_quantiles(values: Values) -> Mapping[str, Coordinate]:
    """The layers, and the quantiles over networks."""
    return {**layers(values), "quantile": QUANTILE}


def z_by_layer(quantity: str, like: str) -> Callable[[Any], FloatArray]:
    """Reads z of one quantity in every layer from a result, NaN where it is not compared; ``like`` has all layers."""

    def read(found: Any) -> FloatArray:
        out = np.full(np.shape(attrgetter(like)(found)), np.nan)
        for one in found.comparisons:
            if one.quantity == quantity and one.layer is not None:
                out[one.layer - 1] = one.z
        return out

    return read


def weights_problems(values: Values) -> Iterable[tuple[str, str]]:
    """Laws of weights that do not exist."""
    for name in values.get("weights", ()):
        if name not in _EXACT:
            from eoc.montecarlo.sampling.laws import law

            try:
                law(name)
            except EocError as error:
                yield "weights", str(error)


def different_widths(values: Values) -> Iterable[tuple[str, str]]:
    """Widths that show no growth: fewer than two, or the same twice."""
    widths = values.get("width", ())
    if len(set(widths)) < max(len(widths), 2):
        yield "width", f"give at least two different widths, to see how results depend on them; got {list(widths)}"


def networks_seconds(point: Point, inputs: int = 1) -> float:
    """How long it takes to sample the networks of a point."""
    width, count = float(point["width"]), float(point["networks"]) * float(point["depth"])
    each = inputs * (width * _UNIT_SECONDS + _LAYER_SECONDS)
    if point["weights"] not in _EXACT:
        each += width * width * _MATRIX_SECONDS
    return _SET_UP_SECONDS + count * each


def networks_bytes(point: Point) -> float:
    """How much memory the statistics of a point take; networks are sampled piece by piece, however wide."""
    return _BYTES + _LAYER_BYTES * float(point["depth"]) * min(float(point["networks"]), _AT_A_TIME)
