"""What is wrong with a model: what is off by more than a decade, not finite, dead, or the same for all inputs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from eoc.diagnose.records import LayerRow, Values

__all__ = ["DEAD", "KEPT", "broken", "change", "factor", "gradient_ratio", "layers_named", "named", "problems"]

KEPT = 9.0  #: by which outputs may differ from 1, and gradients: a decade, less what another batch changes
DEAD = 0.9  #: share of the units of a layer
_SAME = 0.01  # relative changes of gradients in a layer that are called none
_ALIKE = 1e-3  # of 1 - c at the first layer, below which inputs have become alike
_MOST = 5  # layers that are listed


def problems(rows: Sequence[LayerRow], output: Values) -> tuple[str, ...]:
    """What is wrong, the worst first; () for a model that is fit to be trained.

    Zeros count only where they keep signals or gradients from going through the model: residual branches and heads
    often begin with weights that are 0.
    """
    return (*_faults(rows, output), *_gradients(rows, output), *_output(output), *_alike(rows, output), *_dead(rows))


def _faults(rows: Sequence[LayerRow], output: Values) -> Iterator[str]:
    first = rows[0]
    cut = output.q == 0.0 or first.sigma_w == 0.0 or first.measured.gradient == 0.0 or not first.reached
    for fault in broken(rows):
        if cut or "not finite" in fault:
            yield fault.removesuffix(".")


def _output(output: Values) -> Iterator[str]:
    root = output.q**0.5 if output.q >= 0.0 else math.nan
    if _is_off(root):
        yield f"outputs have a root mean square of {root:.2g}"


def _gradients(rows: Sequence[LayerRow], output: Values) -> Iterator[str]:
    """Where all signals shrink alike, so do gradients, and those of weights stay alike: then outputs are off."""
    by_weight, through = weight_ratio(rows), gradient_ratio(rows)
    if not _is_off(by_weight) and not (_is_off(through) and any(_output(output))):
        return
    over = f"over {len(rows)} layers"
    if _is_off(through) and (not _is_off(by_weight) or (through < 1.0) == (by_weight < 1.0)):
        if through < 1.0:
            yield f"gradients vanish {over}: of that at the last {through:.2g} arrives at the first"
        else:
            yield f"gradients explode {over}: that at the first is {through:.2g} times that at the last"
    else:
        what = "vanish" if by_weight < 1.0 else "explode"
        yield f"gradients {what} {over}: that by the first weight is {by_weight:.2g} times that by the last"


def _is_off(ratio: float) -> bool:
    return 0.0 < ratio < 1.0 / KEPT or KEPT < ratio < math.inf


def weight_ratio(rows: Sequence[LayerRow]) -> float:
    """The gradient by the first weight over that by the last; 1 where either is not known."""
    return _ratio([row.weight_gradient for row in rows])


def gradient_ratio(rows: Sequence[LayerRow]) -> float:
    """The same of gradients by what these layers hand on."""
    return _ratio([row.measured.gradient for row in rows])


def _ratio(sizes: Sequence[float]) -> float:
    known = [size for size in sizes if not math.isnan(size)]
    return known[0] / known[-1] if len(known) > 1 and 0.0 < known[-1] < math.inf and known[0] < math.inf else 1.0


def _alike(rows: Sequence[LayerRow], output: Values) -> Iterator[str]:
    known = [one for one in (*(row.measured.one_minus_c for row in rows), output.one_minus_c) if not math.isnan(one)]
    if not known:
        return
    first, last = known[0], known[-1]
    if last < _ALIKE * first:
        where = next((at for at, row in enumerate(rows) if row.measured.one_minus_c < _ALIKE * first), len(rows) - 1)
        yield f"different inputs come out alike, 1 - c = {max(last, 0.0):.2g}, from layer {named(where, rows)} on"


def _dead(rows: Sequence[LayerRow]) -> Iterator[str]:
    where = [at for at, row in enumerate(rows) if row.dead >= DEAD]
    if where:
        yield f"{layers_named(where, rows)}: {rows[where[0]].activation} is flat at nearly all units"


def broken(rows: Sequence[LayerRow]) -> list[str]:
    """Zeros and overflows."""
    tests: list[tuple[str, Callable[[LayerRow], bool]]] = [
        ("weights are all zero", lambda row: row.sigma_w == 0.0),
        ("pre-activations are not finite", lambda row: not math.isfinite(row.measured.q)),
        ("pre-activations are all zero", lambda row: row.measured.q == 0.0),
        ("no gradient arrives", lambda row: not row.reached),
        ("gradients are not finite", lambda row: row.reached and not math.isfinite(row.measured.gradient)),
        ("gradients are exactly zero", lambda row: row.measured.gradient == 0.0),
    ]
    out = []
    for what, test in tests:
        where = [index for index, row in enumerate(rows) if test(row)]
        if where:
            out.append(f"{layers_named(where, rows)}: {what}.")
    return out


def change(ratio: float) -> str:
    """By what gradients change: "shrink by 0.5"."""
    if abs(ratio - 1.0) < _SAME:
        return f"keep their size, times {factor(ratio)}"
    return f"{'shrink' if ratio < 1.0 else 'grow'} by {factor(ratio)}"


def factor(value: float) -> str:
    """Three digits, or three behind the point close to 1."""
    return f"{value:.3f}" if abs(value - 1.0) < _SAME else f"{value:.3g}"


def layers_named(where: Sequence[int], rows: Sequence[LayerRow]) -> str:
    """For example "layer 3 (fc2)", "layers 1 to 30 (fc0 to fc29)" or "layers 2, 5 and 7"."""
    if len(where) == 1:
        return f"layer {named(where[0], rows)}"
    if where[-1] - where[0] == len(where) - 1:
        return f"layers {where[0] + 1} to {where[-1] + 1} ({rows[where[0]].name} to {rows[where[-1]].name})"
    few = [str(index + 1) for index in where[:_MOST]]
    rest = len(where) - len(few)
    return f"layers {', '.join(few[:-1])} and {few[-1]}" if not rest else f"layers {', '.join(few)} and {rest} more"


def named(index: int, rows: Sequence[LayerRow]) -> str:
    """For example "3 (fc2)"."""
    return f"{index + 1} ({rows[index].name})" if rows[index].name else str(index + 1)
