"""Where tokens end, as text."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from eoc.reports.writing import number, print_facts, print_headline, print_title

if TYPE_CHECKING:
    from rich.console import Console

    from eoc.layers import Network
    from eoc.maps.tokens import SettledTokens

__all__ = ["write_tokens"]

_MEANS = {
    "ordered": "is ordered: tokens collapse to one direction with depth",
    "chaotic": "is chaotic: close tokens are torn apart with depth",
    "critical": "is critical: distances between close tokens keep their size",
}


def write_tokens(out: Console, found: SettledTokens, network: Network) -> None:
    """What becomes of tokens in words, and its numbers."""
    print_headline(out, f"{found.name} {_MEANS[found.phase]}.")
    print_title(out, network)
    pace = "" if found.exponent == 0.0 else f"; by e in {abs(1.0 / found.exponent):.4g} blocks"
    ratio = number(math.exp(found.exponent), math.exp(found.exponent) * found.exponent_error)
    rows = [
        ("tokens", f"{found.tokens}", "all alike; with infinitely many heads, or with equal weights"),
        ("q*", number(found.q, found.q_error), "second moment that blocks keep"),
        ("lambda_a", number(found.exponent, found.exponent_error), "angle exponent of a block" + pace),
        ("ratio", ratio, "exp(lambda_a): by what a block multiplies 1 - c of close tokens"),
        ("c*", number(found.c_star, found.c_star_error), "correlation of two tokens at infinite depth"),
        ("growth", f"{found.growth:.12g}", "by what a block multiplies squared gradients there, in the long run"),
    ]
    out.print()
    print_facts(out, rows, 10, 18)
