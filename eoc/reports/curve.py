"""What a whole edge of chaos looks like as text: its ends with asymptotics, where it is stable, and where it turns."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from eoc.reports.writing import number, print_headline, print_paragraph, print_title, subject

if TYPE_CHECKING:
    from rich.console import Console

    from eoc.criticality import Approach, End, EocCurve

__all__ = ["write_curve"]

_HEAD = 12


def write_curve(out: Console, c: EocCurve) -> None:
    """What the curve is in one sentence, its ends, its stretches, and its turning points."""
    print_headline(out, _in_words(c), "bold" if c.reason is None and c.kind != "none" else "yellow")
    print_title(out, subject(c.network))
    if c.kind == "none":
        return
    for begin, finish in c.ends:
        _line(out, "begins", _end(begin))
        _line(out, "ends", _end(finish))
    for s in c.stretches:
        low, high = (f"{b:.9g}" for b in s.sigma_b)
        _line(out, s.stability, f"sigma_b = {low} ... {high}, q = {s.q[0]:.9g} ... {s.q[1]:.9g}")
    for t in c.transitions:
        text = f"sigma_w = {t.sigma_w:.9g}, sigma_b = {t.sigma_b:.9g}, q = {t.q:.9g}: {t.becomes} beyond"
        _line(out, "F'(q) = 1", text)
    for p in c.turning_points:
        b, w = number(p.sigma_b, p.sigma_b_error), number(p.sigma_w, p.sigma_w_error)
        place = f"sigma_w = {w} at sigma_b = {b}" if p.quantity == "sigma_w" else f"sigma_b = {b} at sigma_w = {w}"
        _line(out, p.extremum, f"{place}, q = {number(p.q, p.q_error)}")
    if c.kind == "curve" and not c.ends:
        print_paragraph(
            out, "  along sigma_w: ", "a norm decides the variance; ends and turning points are not known", 17
        )


def _in_words(c: EocCurve) -> str:
    """What the edge of chaos is, in one sentence."""
    if c.kind == "none":
        return f"no edge of chaos: {c.message}"
    if c.reason is not None:
        return f"no usable point: {c.message}"
    if c.kind == "point":
        place = f"sigma_w = {c.pieces[0].sigma_w[0]:.12g}, sigma_b = 0"
        return f"the edge of chaos of {c.activation} is one point, {place}: it keeps every variance q."
    low, high = zip(*(s.sigma_b for s in c.stretches if s.stability == "stable"), strict=True)
    if max(high) == 0.0:
        return f"the edge of chaos of {c.activation} is the line sigma_b = 0: every sigma_w is critical."
    ends = f"sigma_b = {min(low):.9g} ... {max(high):.9g}"
    return f"the edge of chaos of {c.activation} is a curve, stable at {ends}."


def _line(out: Console, head: str, text: str) -> None:
    print_paragraph(out, f"  {head:<{_HEAD - 3}} ", text, 2 + len(head))


def _end(end: End) -> str:
    """The limits and how they are approached."""
    if end.q == 0.0 or math.isinf(end.q):
        place, variable = f"q -> {end.q:g}", "q"
    else:
        place = f"q -> {end.q:.9g}"
        variable = f"|q - {end.q:.6g}|"
    limits = f"sigma_w -> {end.sigma_w:.9g}, sigma_b -> {end.sigma_b:.9g}"
    laws = [_law("sigma_w^2", end.squared_weight, variable), _law("sigma_b^2", end.squared_bias, variable)]
    return f"{place}: {limits}; {', '.join(laws)}"


def _law(name: str, a: Approach, variable: str) -> str:
    finite = a.limit != 0.0 and math.isfinite(a.limit)
    left = f"{name} - {number(a.limit, a.limit_error, 9)}" if finite else name
    if a.law == "faster":
        return f"{left} goes faster than any power"
    if a.law == "unknown":
        return f"{left} follows no power law that was found"
    power = "" if a.exponent == 0.0 else variable if a.exponent == 1.0 else f"{variable}^{a.exponent:g}"
    constant = number(a.constant, a.constant_error, 9)
    return f"{left} ~ {power}" if constant == "1" and power else f"{left} ~ {constant} {power}"
