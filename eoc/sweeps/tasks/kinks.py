"""The task "kinks": linear regions of random networks along a segment of inputs, expected and counted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from eoc.floats import FloatArray
from eoc.sweeps.task import Parameter, Point, Task, Values
from eoc.sweeps.tasks.common import ACTIVATION, SEED, SIGMA_B, SIGMA_W, C, along, always
from eoc.sweeps.tasks.montecarlo import layers

__all__ = ["KINKS"]

_DEPTH = Parameter("depth", "hidden layers", "whole", "L", "layers", least=1, most=2000, required=True)
_Q = Parameter(
    "mean_square", "abs(x)^2 over the number of inputs, of both ends", symbol="q_0", least=0.0, most=1e100, above=True
)
_WIDTH = Parameter(
    "width", "units of a layer of the networks that are counted", "whole", "N", "units", least=1, most=1e5
)
_NETWORKS = Parameter("networks", "networks that are counted", "whole", least=0, most=1e6, default=0)
_OUTPUTS = along(
    "layer",
    kinks=("kinks of a unit on the segment at infinite width; nan beyond the last layer", "K"),
    kinks_error="bound on the absolute error of kinks",
    counted=("the same counted in networks, the mean; nan without any", "K"),
    counted_error="standard error of counted",
)
_SECONDS = 0.05
_FLOPS = 1e9  # a second


def _problems(values: Values) -> Iterable[tuple[str, str]]:
    from eoc.activations import activation
    from eoc.errors import EocError
    from eoc.regions import straight_pieces

    for name in values.get("activation", ()):
        phi = activation(name)
        if phi.jumps or not phi.kinks:
            yield "activation", f"{phi.name} has no kinks: there are no linear regions to count"
        elif max(values.get("networks", (0,))) > 0:
            try:
                straight_pieces(phi)
            except EocError as error:
                yield "activation", str(error)


def _kinks(point: Point) -> Mapping[str, FloatArray]:
    from eoc.regions import count_kinks, expected

    own = point["activation"], float(point["sigma_w"]), float(point["sigma_b"])
    q, depth = float(point["mean_square"]), int(point["depth"])
    segment = (q, q, float(point["c"]))
    found = expected(*own, depth=depth, segment=segment)
    out = {
        "kinks": found.per_neuron,
        "kinks_error": np.array([sum(layer.error) for layer in found.layers]),
    }
    networks = int(point["networks"])
    if networks:
        counted = count_kinks(
            *own,
            depth=depth,
            width=int(point["width"]),
            networks=networks,
            segment=segment,
            seed=int(point["seed"]),
        )
        return {**out, "counted": counted.per_neuron, "counted_error": counted.standard_error}
    none = np.full(depth, np.nan)
    return {**out, "counted": none, "counted_error": none}


def _seconds(point: Point) -> float:
    width, depth = float(point["width"]), float(point["depth"])
    return _SECONDS * depth + float(point["networks"]) * 2.0 * width**3 * depth**2 / _FLOPS


KINKS = Task(
    name="kinks",
    about="linear regions of random networks on a segment of inputs, expected and counted",
    parameters=(
        ACTIVATION,
        SIGMA_W,
        SIGMA_B,
        _Q.but(default=1.0),
        C.but(about="cosine of the angle between the ends of the segment", default=0.0),
        _DEPTH,
        _WIDTH.but(default=100),
        _NETWORKS,
        SEED,
    ),
    outputs=always(_OUTPUTS),
    run=_kinks,
    seconds=_seconds,
    problems=_problems,
    coordinates=layers,
    random=True,
)
