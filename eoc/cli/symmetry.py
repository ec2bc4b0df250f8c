"""``eoc symmetry``: whether two-layer networks are one function, and how many neurons they need."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eoc.cli.common import AsJson, print_json
from eoc.cli.tables import console, print_next
from eoc.errors import EocError
from eoc.reports.writing import print_headline, print_paragraph, print_table

if TYPE_CHECKING:
    from eoc.regions import Equivalence, Fewest, TwoLayer

__all__ = ["command"]

_ARRAYS = ("W", "b", "V", "c")


def command(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FIRST.npz [SECOND.npz]",
            help="One network or two: arrays W (neurons, inputs) and b of the hidden layer, V (outputs, neurons) and c "
            "of the output layer, biases left out for 0.",
            show_default=False,
        ),
    ],
    activation: Annotated[str, typer.Option(help="ReLU or another with one kink, at 0.")] = "relu",
    tolerance: Annotated[float, typer.Option(help="Relative, for what is the same.")] = 1e-9,
    as_json: AsJson = False,
) -> None:
    """Decide whether two networks with one hidden layer compute the same function, and with how few neurons.

    Permutations, scales, parallel, opposite and dead neurons make no difference.
    """
    from eoc.regions import canonical, equivalent, fewest

    if not 1 <= len(files) <= 2 or not 0.0 < tolerance < 1.0:
        raise EocError(f"give one or two files, and a tolerance between 0 and 1; got {len(files)} and {tolerance:g}")
    nets = [_read(path, activation) for path in files]
    bends = [len(canonical(net, tolerance).kappa) for net in nets]
    least = [fewest(net, tolerance) for net in nets]
    same = equivalent(nets[0], nets[1], tolerance) if len(nets) == 2 else None
    if as_json:
        print_json(_dict(files, nets, bends, least, same))
        return
    out = console()
    print_headline(out, _in_words(nets[0], least[0], same))
    rows = [
        [str(path), *map(str, (net.neurons, bend, one.neurons)), "yes" if one.is_proved else "perhaps fewer"]
        for path, net, bend, one in zip(files, nets, bends, least, strict=True)
    ]
    print_table(out, ("network", "neurons", "hyperplanes", "fewest", "proved"), lambda _: rows)
    print_paragraph(out, "hyperplanes  ", "on which the function bends")
    print_next(out, f"eoc regions {activation} --depth 1", "says how many kinks random networks have")


def _read(path: Path, activation: str) -> TwoLayer:
    import numpy as np

    from eoc.regions import two_layer

    try:
        with np.load(path, allow_pickle=False) as found:
            arrays = {name: found[name] for name in _ARRAYS if name in found.files}
    except (OSError, ValueError, EOFError, TypeError) as error:
        raise EocError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from None
    missing = [name for name in ("W", "V") if name not in arrays]
    if missing:
        raise EocError(f"{path} must hold arrays W and V, and b and c where there are biases: {missing[0]} is missing")
    return two_layer(arrays["W"], arrays.get("b"), arrays["V"], arrays.get("c"), activation)


def _in_words(net: TwoLayer, least: Fewest, same: Equivalence | None) -> str:
    if same is None:
        needed = f"{least.neurons} of its {net.neurons} neurons" if least.neurons < net.neurons else "all its neurons"
        return f"the network needs {needed}."
    return f"both are the same function: {same.reason}." if same else f"they are different functions: {same.reason}."


def _dict(
    files: list[Path], nets: list[TwoLayer], bends: list[int], least: list[Fewest], same: Equivalence | None
) -> dict[str, Any]:
    networks = [
        {
            "file": str(path),
            "neurons": net.neurons,
            "hyperplanes": bend,
            "fewest": one.neurons,
            "is_proved": one.is_proved,
        }
        for path, net, bend, one in zip(files, nets, bends, least, strict=True)
    ]
    compared = {} if same is None else {"same": same.same, "reason": same.reason}
    return {**compared, "networks": networks}
