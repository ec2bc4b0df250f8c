"""What recurrent cells look like as text: what they settle at, and real cells beside it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rich.markup import escape

from eoc.reports.writing import number, print_headline, print_paragraph, print_table

if TYPE_CHECKING:
    from rich.console import Console

    from eoc.montecarlo import RecurrentSample
    from eoc.recurrence import Recurrent

__all__ = ["write_recurrent", "write_recurrent_sample"]


def write_recurrent(out: Console, found: Recurrent) -> None:
    """How long a cell remembers, and its numbers."""
    print_headline(out, f"{found.verdict}.")
    _write_theory(out, found)


def write_recurrent_sample(out: Console, seen: RecurrentSample) -> None:
    """Where theory is off, or what it says; its numbers, and those of real cells."""
    print_headline(out, f"{seen.theory.verdict if seen.agrees else seen.verdict}.")
    _write_theory(out, seen.theory)
    kind = "the same weights at every step" if seen.tied else "fresh weights at every step"
    cells = f"{seen.networks} cells of {seen.width} units with {kind}, {seen.steps} steps, seed {seen.seed}"
    print_paragraph(out, "sample: ", cells, 6)
    print_table(out, ("", "theory", "measured", "+-", "z"), lambda digits: _compared(seen, min(digits, 5)))


def _write_theory(out: Console, found: Recurrent) -> None:
    of = f" of {found.activation}" if found.activation else ""
    numbers = ", ".join(f"{name} = {value:.10g}" for name, value in found.numbers.items())
    print_paragraph(out, f"{found.cell}{of}: ", numbers, len(found.cell))
    print_table(out, ("", "fresh weights at every step"), lambda digits: _rows(found, digits))
    if found.tied_is_exact:
        print_paragraph(out, "", "With the same weights at every step it is the same.")


def _compared(seen: RecurrentSample, digits: int) -> list[list[str]]:
    return [
        [
            escape(one.quantity),
            f"{one.theory:.{digits}g}",
            f"{one.measured:.{digits}g}",
            f"{one.standard_error:.1g}",
            f"{one.z:.1f}",
        ]
        for one in seen.comparisons
    ]


def _rows(found: Recurrent, digits: int) -> list[list[str]]:
    names = {"rnn": ("variance of pre-activations", "E[h^2]"), "lstm": ("E[c^2] of the cell", "E[h^2]")}
    first, second = names.get(found.cell, ("E[h^2]", ""))
    rows = [
        (first, found.q, found.q_error),
        (second, found.hidden, found.hidden_error),
        ("E[c^4] of the cell", found.fourth, found.fourth_error),
        ("chi, of squared gradients a step", found.chi, found.chi_error),
        ("xi_grad, steps", found.xi_grad, found.xi_grad_error),
        ("c*, of two input sequences", found.c_star, found.c_star_error),
        ("slope at c*", found.slope, found.slope_error),
        ("xi_c, steps", found.xi_c, found.xi_c_error),
    ]
    return [
        [escape(name), number(value, error, digits)] for name, value, error in rows if name and not math.isnan(value)
    ]
