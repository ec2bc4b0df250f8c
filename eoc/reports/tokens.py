"""Where tokens end, as text."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from eoc.reports.writing import Row, number, print_facts, print_headline, print_title

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


def write_tokens(out: Console, found: SettledTokens, network: Network | None = None) -> None:
    """What becomes of tokens in words, and its numbers; with ``network`` its text as well."""
    print_headline(out, f"{found.name} {_in_words(found)}.")
    if network is None:
        out.print(found.name, markup=False)
    else:
        print_title(out, network)
    tokens = "tokens", f"{found.tokens}", "all alike; with infinitely many heads, or with equal weights"
    out.print()
    print_facts(out, [tokens, *(_growing if found.phase == "divergent" else _settled)(found)], 10, 18)


def _in_words(found: SettledTokens) -> str:
    if found.phase != "divergent":
        return _MEANS[found.phase]
    what = "come together" if found.power < 0.0 else "are torn apart" if found.power > 0.0 else "keep their distances"
    return f"diverges: second moments of tokens grow by {found.amount:.6g} a block, and close tokens {what} slowly"


def _growing(found: SettledTokens) -> list[Row]:
    c_star = "unknown" if math.isnan(found.c_star) else f"{found.c_star:g}"
    return [
        ("amount", f"{found.amount:.10g}", "by what a block raises the second moment q"),
        ("power", f"{found.power:.8g}", "like which power of q 1 - c of close tokens goes"),
        ("c*", c_star, "correlation of two tokens at infinite depth"),
        ("gradients", f"{found.gradient_power:.8g}", "like which power of q squared gradients go"),
    ]


def _settled(found: SettledTokens) -> list[Row]:
    pace = "" if found.exponent == 0.0 else f"; by e in {abs(1.0 / found.exponent):.4g} blocks"
    ratio = number(math.exp(found.exponent), math.exp(found.exponent) * found.exponent_error)
    return [
        ("q*", number(found.q, found.q_error), "second moment that blocks keep"),
        ("lambda_a", number(found.exponent, found.exponent_error), "angle exponent of a block" + pace),
        ("ratio", ratio, "exp(lambda_a): by what a block multiplies 1 - c of close tokens"),
        ("c*", number(found.c_star, found.c_star_error), "correlation of two tokens at infinite depth"),
        ("growth", f"{found.growth:.12g}", "by what a block multiplies squared gradients there, in the long run"),
    ]
