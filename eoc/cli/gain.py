"""``eoc gain``: what PyTorch calls gains, of one activation or several."""

from __future__ import annotations

import dataclasses
from math import isnan
from typing import TYPE_CHECKING

from eoc.cli.common import AsJson, Depth, Names, find_activation, print_json
from eoc.cli.tables import console, print_next
from eoc.cli.words import command_line
from eoc.reports.writing import number, print_headline, print_paragraph, print_table

if TYPE_CHECKING:
    from eoc.gains import Gain

__all__ = ["command"]

_COLUMNS = ("activation", "1/rms", "chi_1", "1/std", "recommended", "with sigma_b", "torch")
_LEGEND = (
    ("1/rms", "1 / sqrt(E phi(Z)^2): layers without biases keep variance 1, and multiply gradients by chi_1"),
    ("1/std", "1 / std(phi(Z)): what phi is multiplied by to have variance 1, for weights that are centred"),
    (
        "recommended",
        "sigma_w of eoc init, on the edge of chaos (chi_1 = 1) where that is of use; its biases belong to it",
    ),
    ("torch", "torch.nn.init.calculate_gain, none where it raises"),
)


def command(
    activations: Names,
    depth: Depth = None,
    as_json: AsJson = False,
) -> None:
    """Print gains for kaiming_normal_ and xavier_normal_: weights are drawn with the std gain / sqrt(fan_in)."""
    from eoc.gains import gain

    found = [gain(find_activation(source), depth) for source in activations]
    if as_json:
        print_json({"gains": [dataclasses.asdict(one) for one in found]})
        return
    out = console()
    first = found[0]
    none = isnan(first.sigma_w)
    told = "none is recommended" if none else f"{number(first.sigma_w)}, with biases of std {number(first.sigma_b)}"
    print_headline(out, f"gain of {first.activation}: {told}")
    print_table(out, _COLUMNS, lambda digits: [_cells(one, digits) for one in found])
    for head, text in _LEGEND:
        print_paragraph(out, f"{head:{len(_COLUMNS[5])}}  ", text)
    if none:
        print_paragraph(out, "", f"eoc has no gain to recommend: {first.reason}.", indent=2)
        print_next(out, command_line("init", activations[0]), "says what else there is to do")
        return
    print_paragraph(out, "", f"{first.advice}.", indent=2)
    print_paragraph(out, "", f"std = {first.sigma_w:.6g} / sqrt(fan_in), as kaiming_normal_ has it", indent=2)
    layers = None if depth is None else f"{depth:.0f}"
    print_next(out, command_line("init", activations[0], depth=layers, framework="torch"), "prints the code")


def _cells(one: Gain, digits: int) -> list[str]:
    def shown(value: float, error: float = 0.0) -> str:
        return "none" if isnan(value) else number(value, error, digits)

    return [
        one.activation,
        shown(one.second_moment, one.second_moment_error),
        shown(one.chi_1),
        shown(one.std, one.std_error),
        shown(one.sigma_w),
        shown(one.sigma_b),
        "none" if one.torch is None else number(one.torch, digits=digits),
    ]
