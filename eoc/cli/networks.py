"""``eoc networks``: what networks can be written of, and those that have a name."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from eoc.cli.common import AsJson, print_json
from eoc.cli.tables import console, print_next
from eoc.reports.writing import new_table, print_headline, print_paragraph

if TYPE_CHECKING:
    from eoc.layers.reading import Layer

__all__ = ["command"]


def command(as_json: AsJson = False) -> None:
    """List the layers that a network can be written of, and the networks that have a name, with their text."""
    from rich.markup import escape

    from eoc.layers import LAYERS, PRESETS

    if as_json:
        layers = [
            {"name": name, "numbers": dict(one.numbers), "choices": dict(one.choices), "lists": list(one.lists)}
            | {"meaning": one.meaning}
            for name, one in LAYERS.items()
        ]
        presets = [{"name": name, "text": text, "meaning": meaning} for name, (text, meaning) in PRESETS.items()]
        print_json({"layers": layers, "networks": presets})
        return
    out = console()
    words, named = new_table(out, ("layer", "meaning")), new_table(out, ("network", "text", "meaning"))
    for listing in (words, named):
        for column in listing.columns:
            column.justify = "left"
        listing.columns[0].no_wrap = True
    for name, layer in LAYERS.items():
        words.add_row(escape(_call(name, layer)), escape(_meaning(layer)))
    for name, (text, meaning) in PRESETS.items():
        named.add_row(name, escape(text), escape(meaning))
    print_headline(
        out, "A network is a sequence of layers and activations, separated by commas, or one of these names."
    )
    out.print(words)
    print_paragraph(out, "", _GRAMMAR)
    out.print(named)
    example = "eoc propagate 'residual(layernorm, gelu, dense(1))' --q 1"
    print_next(out, example, "says what becomes of two inputs in such blocks")


_GRAMMAR = (
    "A dense without numbers is free, and a conv without sigma_w: --sigma-w and --sigma-b are its. Brackets group "
    "items, as for the branches of a gate. Numbers may use sqrt, pi, and where a block is repeated its number l and "
    "the number of blocks L."
)


def _call(name: str, layer: Layer) -> str:
    """For example "residual(..., skip=1, scale=1)"."""
    inside = {"none": [], "series": ["..."], "branches": ["...", "..."], "surrogate": ["phi", "g"]}[layer.items]
    written = [word if math.isnan(value) else f"{word}={value:g}" for word, value in layer.numbers.items()]
    parts = [*written, *inside] if name == "repeat" else [*inside, *written]
    return f"{name}({', '.join(parts)})" if parts else name


def _meaning(layer: Layer) -> str:
    """What it does, and what may be said in words or lists."""
    words = [f"{name}={' or '.join(map(repr, known))}" for name, known in layer.choices.items()]
    lists = [f"{name}=(1, 2, 1) and the like" for name in layer.lists]
    return "; ".join([layer.meaning, *lists, *words])
