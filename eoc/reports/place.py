"""What places of the edge of chaos look like as text: their numbers and what they mean for a network."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from eoc.reports.writing import number, print_facts, print_headline, print_paragraph, print_table

if TYPE_CHECKING:
    from rich.console import Console

    from eoc.criticality import EdgeOfChaos, EocPoint
    from eoc.recommendation import Recommendation
    from eoc.reports.writing import Row

__all__ = [
    "place_rows",
    "point_rows",
    "write_edge",
    "write_meaning",
    "write_point",
    "write_points",
    "write_recommendation",
]

_GAIN = "gain: weights have std gain / sqrt(fan_in); kaiming_normal_ has 1.414 for relu"
_FREE = "gain of the free dense: weights have std gain / sqrt(fan_in)"
_KEPT = "gradients and small differences neither grow nor shrink"


def write_recommendation(out: Console, at: Recommendation) -> None:
    """What to do, what it means for a network of this depth, and the numbers."""
    print_headline(out, f"{at.advice}.")
    out.print(at.activation, style="bold", markup=False)
    write_meaning(out, at)
    print_paragraph(out, "recommended: ", at.reason, indent=2)
    out.print()
    print_facts(out, place_rows(at))


def write_point(out: Console, p: EocPoint) -> None:
    """The numbers of a point, with what they mean."""
    use = "" if p.usable else ": not usable, variances leave q"
    print_headline(out, f"on the edge of chaos at sigma_w = {p.sigma_w:.6g}, sigma_b = {p.sigma_b:.6g}{use}.")
    print_facts(out, point_rows(p))


def write_edge(out: Console, found: EdgeOfChaos) -> None:
    """The best point, or why there is none, and all points."""
    if found.reason is None:
        write_point(out, found.best)
    else:
        print_paragraph(out, "no usable point: ", found.message, 15, "yellow", indent=2)
    if found.points:
        asked = ", ".join(f"{name} = {value:g}" for name, value in found.given.items())
        write_points(out, f"{found.activation}, all points{asked and f' with {asked}'}", found.points)


def write_meaning(out: Console, at: Recommendation, what: str = "layer") -> None:
    """What a network at this place does to inputs and gradients."""
    from eoc.recommendation import APART, C0

    apart = (
        f"two inputs of correlation c = {C0:g} end with 1 - c = {at.one_minus_c:.2g}, of which it takes about "
        f"{APART:g} to train"
    )
    size = "as large as" if at.gradient_ratio == 1.0 else f"{at.gradient_ratio:.3g} times"
    print_paragraph(out, "  ", f"{apart}; squared gradients at the first {what} are {size} those at the last.")


def place_rows(at: Recommendation, fan_in: int | None = None, gains: tuple[float, float] | None = None) -> list[Row]:
    """The numbers of a place of a plain network; also the weights' std for ``fan_in``, and ``gains`` of both ends."""
    p = at.point
    rows = [("sigma_w", number(at.sigma_w, at.sigma_w_error), _GAIN)]
    if fan_in:
        std, error = (value / math.sqrt(fan_in) for value in (at.sigma_w, at.sigma_w_error))
        rows.append(("weights", number(std, error), f"their std for fan_in = {fan_in}"))
    rows.append(("sigma_b", number(at.sigma_b, at.sigma_b_error), "std of the biases"))
    any_q = p is not None and p.any_q
    q = "any" if any_q else number(at.q, p.q_error if p is not None else 0.0)
    rows.append(("q", q, "every variance is kept" if any_q else "variance of the pre-activations that layers keep"))
    if gains is not None:
        first, last = gains
        rows.append(("first", number(first), "gain of the first layer, for inputs of mean square 1: brings them to q"))
        rows.append(("last", number(last), "gain of the last layer, for outputs of variance 1; its biases are 0"))
    rows += [("chi_1", *_gradients(at)), ("F'(q)", number(at.slope, at.slope_error), _variances(at))]
    return rows if p is None else [*rows, ("rate", *_law(p, "layer")), *_overflow(p)]


def point_rows(p: EocPoint, what: str = "layer") -> list[Row]:
    """The numbers of a point; of a network of blocks its weights are those of the free dense layer."""
    of, whose = (_FREE, "its") if what == "block" else (_GAIN, "the")
    return [
        ("sigma_w", number(p.sigma_w, p.sigma_w_error), of),
        (
            "sigma_b",
            number(p.sigma_b, p.sigma_b_error),
            f"std of {whose} biases",
        ),
        ("q", "any" if p.any_q else number(p.q, p.q_error), f"variance that {what}s keep"),
        ("chi_1", "1", _KEPT),
        ("F'(q)", number(p.slope, p.slope_error), f"of what is left of a distance from q after a {what}"),
        ("rate", *_law(p, what)),
        *_overflow(p),
    ]


def _gradients(at: Recommendation) -> tuple[str, str]:
    if at.point is not None:
        return "1", _KEPT
    pace = -1.0 / math.log(at.chi_1)
    what = "shrink" if pace > 0.0 else "grow"
    meaning = f"squared gradients {what} by this factor a layer, by e in {abs(pace):.3g} layers"
    return number(at.chi_1, at.chi_1_error), meaning


def _variances(at: Recommendation) -> str:
    if at.point is not None and at.point.any_q:
        return "the variance map is the identity"
    size = abs(at.slope)
    pace = f", by e in {1.0 / abs(math.log(size)):.3g} layers" if size not in (0.0, 1.0) else ""
    if size < 1.0:
        return f"stable: variances return to q{pace}"
    if size == 1.0:
        return "marginal: variances decay towards q = 0, like 1/l" if at.q == 0.0 else "marginal: variances drift"
    if at.point is not None and not at.point.usable:
        return f"NOT stable: variances leave q{pace}, do not train {at.depth} layers from here"
    return f"variances leave q slowly{pace}"


def _law(p: EocPoint, what: str) -> tuple[str, str]:
    law = p.law
    if law.law == "constant" or math.isinf(law.constant):
        return "constant", "correlations never change" if p.any_q or p.q > 0.0 else "in the limit q = 0"
    constant = number(law.constant, law.error)
    if law.law == "exponential":
        return f"xi_c = {constant}", "correlations come to c* < 1 exponentially: noise keeps inputs apart"
    name, power = ("beta_q", what) if law.law == "1/l" else ("kappa", f"{what}^2")
    every = ", whatever q is" if p.any_q else ""
    return f"{name} = {constant}", f"correlation c of two inputs: 1 - c falls like {name} / {power}{every}"


def _overflow(point: EocPoint) -> list[Row]:
    """How far variances may go, where phi grows faster than x: a row of what is printed of a point, or none."""
    if math.isinf(point.overflows_above):
        return []
    value = number(point.overflows_above, point.overflows_above_error)
    return [("basin", f"below {value}", "inputs whose first variance is larger overflow within a few layers")]


def write_points(out: Console, title: str, points: Sequence[EocPoint]) -> None:
    """Points of the edge of chaos as a table; what cannot be used is dimmed."""
    out.print(f"\n{title}:")
    print_table(
        out,
        ("sigma_w", "sigma_b", "q", "F'(q)", "", "law", "depth scale"),
        lambda digits: [_cells(p, min(digits, 9)) for p in points],
        dim=[i for i, p in enumerate(points) if not p.usable],
    )


def _cells(p: EocPoint, digits: int) -> tuple[str, ...]:
    pairs = (p.sigma_w, p.sigma_w_error), (p.sigma_b, p.sigma_b_error), (p.q, p.q_error)
    slope = number(p.slope, p.slope_error, min(digits, 7))
    depth = f"{p.law.depth:.4g}" if p.law.law != "constant" else "inf"
    stability = "stable" if p.stability == "stable" else p.stability.upper()
    return *(number(*pair, digits) for pair in pairs), slope, stability, p.law.law, depth
