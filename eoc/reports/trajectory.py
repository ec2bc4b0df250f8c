"""What a trajectory looks like as text: a table of some of its layers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from eoc.reports.writing import layer, number, print_headline, print_table, print_title

if TYPE_CHECKING:
    from rich.console import Console

    from eoc.activations import Activation
    from eoc.layers import Network
    from eoc.propagation import Trajectory

__all__ = ["write_trajectory"]

_FIRST = 6  # layers that are always shown
_STEPS = (1.0, 2.0, 3.0, 5.0, 7.0)  # then these times powers of ten
_ALL_DECADES = 1000.0  # beyond, as many rows evenly on a log scale
_ROWS = 20


def write_trajectory(out: Console, run: Trajectory, source: Activation | Network | None = None) -> None:
    """The first two inputs layer by layer; with ``source`` its formula as well."""
    group = getattr(source, "group", None)
    print_headline(out, f"{_in_words(run, 'inputs' if group is None or group.tokens is None else 'tokens')}.")
    if source is None:
        out.print(run.activation, markup=False)
    else:
        print_title(out, source)
    if not math.isnan(run.sigma_w):
        out.print(f"sigma_w = {run.sigma_w:.12g}, sigma_b = {run.sigma_b:.12g}")
    alike = bool((run.q[:, 0] == run.q[:, 1]).all())
    inputs = (0,) if alike else (0, 1)
    names = ("",) if alike else ("_a", "_b")

    def rows(digits: int) -> list[list[str]]:
        table = []
        for i in _shown(run):
            e, error = float(run.one_minus_c[i, 0, 1]), float(run.error[i, 0, 1])
            table.append(
                [
                    layer(run.layers[i]),
                    *(number(float(run.q[i, a]), float(run.q_error[i, a]), digits) for a in inputs),
                    number(1.0 - e, error, digits),
                    number(e, error, digits),
                    f"{error:.1g}",
                    *(_exponential(float(run.log_gradient[i, a]), min(digits, 6)) for a in inputs),
                ]
            )
        return table

    columns = *(f"q{n}" for n in names), "c", "1 - c", "+-", *(f"gradient{n}" for n in names)
    print_table(out, ("layer", *columns), rows)
    out.print("gradient: its second moment over that of the last layer")


def _in_words(run: Trajectory, points: str) -> str:
    """What is left of two inputs, or tokens, and of gradients, in one sentence."""
    apart, ratios = float(run.one_minus_c[-1, 0, 1]), [_exponential(float(g), 3) for g in run.log_gradient[0]]
    sizes = " and ".join(dict.fromkeys(ratios))
    return (
        f"after {layer(run.layers[-1])} layers the two {points} have 1 - c = {apart:.3g}; squared gradients at the "
        f"first layer are {sizes} times those at the last"
    )


def _exponential(log: float, digits: int) -> str:
    """exp(log), also where that overflows."""
    if math.isnan(log):
        return "unknown"
    if abs(log) < 700.0 or math.isinf(log):
        return f"{math.exp(log):.{digits}g}"
    exponent = math.floor(log / math.log(10.0))
    return f"{math.exp(log - exponent * math.log(10.0)):.3g}e{exponent:+d}"


def _shown(run: Trajectory) -> list[int]:
    """Which recorded layers the text shows: the first ones, round numbers or an even spread, and the last."""
    import numpy as np

    last = float(run.layers[-1])
    if last <= _ALL_DECADES:
        wanted = [s * 10.0**k for k in range(1 + round(np.log10(_ALL_DECADES))) for s in _STEPS if s * 10.0**k < last]
    else:
        wanted = np.geomspace(_FIRST, last, _ROWS - _FIRST).tolist()
    later = [w for w in wanted if w >= _FIRST]
    nearest = np.abs(run.layers[:, None] - np.array([*range(_FIRST), *later, last])).argmin(axis=0)
    return sorted({int(i) for i in nearest})
