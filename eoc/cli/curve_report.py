"""The text that ``eoc curve`` prints."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

from eoc.cli.common import number
from eoc.cli.tables import console, print_headline, print_paragraph, print_table, print_title

if TYPE_CHECKING:
    from rich.console import Console

    from eoc.activations import Activation
    from eoc.criticality import Approach, Curve, End, EocCurve

__all__ = ["Row", "print_curve", "rows"]

_SURE = 1e-13  # relative accuracy of what is printed, and of F' - 1
_HEAD = 12


@dataclasses.dataclass(frozen=True)
class Row:
    """One point of the curve, with the law of 1 - c_l and its constant."""

    sigma_w: float
    sigma_b: float
    q: float
    slope: float
    stability: str
    law: str
    constant: float


def rows(phi: Activation, c: EocCurve, asked: tuple[Curve, ...]) -> list[Row]:
    """The points that were asked for, by increasing value, then by increasing q."""
    import numpy as np

    from eoc.maps import stability_of
    from eoc.rates import rate_law

    out = []
    for found in asked:
        columns = (found.sigma_w, found.sigma_b, found.q, found.slope)
        for sigma_w, sigma_b, q, slope in zip(*(np.asarray(x).T.ravel().tolist() for x in columns), strict=True):
            if math.isnan(q):
                continue
            law = rate_law(phi, q)
            stability = stability_of(slope, _SURE)
            out.append(
                Row(sigma_w, sigma_b, math.inf if c.kind == "point" else q, slope, stability, law.law, law.constant)
            )
    return out


def print_curve(
    phi: Activation, c: EocCurve, asked: tuple[Curve, ...], missing: tuple[str, ...], *, first: bool
) -> None:
    """Print what the curve is, a table of points, and what was asked for and has none."""
    out = console()
    if not first:
        out.print()
    print_headline(out, _in_words(phi, c), "bold" if c.reason is None and c.kind != "none" else "yellow")
    print_title(out, phi)
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
    points = rows(phi, c, asked)
    if points:
        _print_rows(out, points)
    if missing:
        text = f"{', '.join(missing)}: not on the curve, as far as it can be computed (q from 1e-20 to 1e8 at most)"
        print_paragraph(out, "no point with ", text, 13, "yellow", indent=2)


def _in_words(phi: Activation, c: EocCurve) -> str:
    """What the edge of chaos is, in one sentence."""
    if c.kind == "none":
        return f"no edge of chaos: {c.message}"
    if c.reason is not None:
        return f"no usable point: {c.message}"
    if c.kind == "point":
        place = f"sigma_w = {c.pieces[0].sigma_w[0]:.12g}, sigma_b = 0"
        return f"the edge of chaos of {phi.name} is one point, {place}: it keeps every variance q."
    low, high = zip(*(s.sigma_b for s in c.stretches if s.stability == "stable"), strict=True)
    ends = f"sigma_b = {min(low):.9g} ... {max(high):.9g}"
    return f"the edge of chaos of {phi.name} is a curve, stable at {ends}."


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


def _print_rows(out: Console, points: list[Row]) -> None:
    print_table(
        out,
        ("sigma_w", "sigma_b", "q", "F'(q)", "", "law", "constant"),
        lambda digits: [_cells(p, min(digits, 9)) for p in points],
        dim=[i for i, p in enumerate(points) if p.stability == "unstable"],
    )


def _cells(p: Row, digits: int) -> tuple[str, ...]:
    q = "any" if math.isinf(p.q) else number(p.q, _SURE * p.q, digits)
    stability = "stable" if p.stability == "stable" else p.stability.upper()
    values = (number(x, _SURE * x, digits) for x in (p.sigma_w, p.sigma_b))
    return *values, q, number(p.slope, _SURE, min(digits, 7)), stability, p.law, f"{p.constant:.6g}"
