"""What a phase looks like as text: in words, its numbers, the fixed points of f and when close inputs become one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from eoc.reports.convergence import law_in_words
from eoc.reports.writing import (
    layer,
    number,
    print_facts,
    print_headline,
    print_paragraph,
    print_table,
    print_title,
    subject,
)

if TYPE_CHECKING:
    from rich.console import Console

    from eoc.maps import CorrelationFixedPoint
    from eoc.phase import Phase

__all__ = ["write_phase", "write_phases"]

_DISTANCES = (0.1, 0.01, 0.001)
_FORMATS = ("float32", "float64")
_MEANS = {
    "ordered": "is ordered: inputs come to look alike and gradients vanish with depth",
    "chaotic": "is chaotic: close inputs are torn apart and gradients explode with depth",
    "critical": "is on the edge of chaos: gradients neither vanish nor explode",
    "divergent": "diverges: variances grow without bound with depth",
}
_BATCHES = {
    "ordered": "all pairs of a batch end at one correlation, and gradients vanish with depth",
    "chaotic": "all pairs of a batch end at one correlation, and gradients explode with depth",
    "critical": "all pairs of a batch end at one correlation, and gradients keep their size",
    "divergent": "variances grow with every block, and gradients like a power of them",
}
_FORWARD = {
    "ordered": "is ordered: inputs come to look alike with depth",
    "chaotic": "is chaotic: close inputs are torn apart with depth",
    "critical": "is on the edge of chaos: small differences between inputs keep their size",
}
_DEEP = 1e6  # layers: a sigma_w that was typed has so many digits
_STYLE = {"ordered": "cyan", "chaotic": "magenta", "critical": "green", "divergent": "red"}


def write_phase(out: Console, p: Phase) -> None:
    """One phase."""
    write_phases(out, [p])


def write_phases(out: Console, found: Sequence[Phase], note: str = "") -> None:
    """Every phase of one place: in words, its numbers, the fixed points of f and when close inputs become one.

    ``note`` says why the place is on the edge of chaos although its phases are not.
    """
    variance = found[0].variance
    phi, backward = subject(variance.network), _has_surrogates(found)
    sigma_w, sigma_b = variance.sigma_w, variance.sigma_b
    at = "" if math.isnan(sigma_w) else f" at sigma_w = {sigma_w:.12g}, sigma_b = {sigma_b:.12g}"
    print_headline(out, f"{phi.name}{at} {_in_words(found, note, backward)}.")
    print_title(out, phi)
    if note:
        print_paragraph(out, "", note, indent=2)
    if len(found) > 1:
        out.print("where signals end depends on the variance of the first layer:")
    for p in found:
        _print_phase(out, p, len(found) > 1)
        if p.correlation is not None or (p.batch is not None and p.phase != "divergent"):
            _print_numbers(out, p)
        if p.correlation is not None:
            _print_fixed_points(out, p)
            _print_merging(out, p)


def _has_surrogates(found: Sequence[Phase]) -> bool:
    """Whether gradients see other slopes than those of the activations."""
    return any(p.correlation is not None and p.correlation.network.has_surrogates for p in found)


def _in_words(found: Sequence[Phase], note: str, backward: bool) -> str:
    """The phase and what it means for inputs and gradients, as a predicate; with a note it is on the edge of chaos."""
    names = dict.fromkeys(p.phase for p in found)
    if note and "critical" not in names:
        return f"is on the edge of chaos, but its q is not stable: networks end {' or '.join(names)}"
    if len(names) > 1:
        return f"is {' or '.join(names)}, by the variance of the first layer"
    if backward and names != {"divergent": None}:
        return f"{_FORWARD[found[0].phase]}; gradients {_fate(found[0])}"
    if found[0].batch is not None:
        return f"normalises over a batch: {_BATCHES[found[0].phase]}"
    return _MEANS[found[0].phase]


def _fate(p: Phase) -> str:
    if abs(p.xi_grad) > _DEEP:
        return "keep their size"
    return "explode" if p.chi_backward > 1.0 else "vanish"


def _print_phase(out: Console, p: Phase, one_of_many: bool) -> None:
    start = f", for variances {p.basin[0]:.8g} ... {p.basin[1]:.8g} of the first layer" if one_of_many else ""
    out.print(f"\n[bold {_STYLE[p.phase]}]{p.phase}[/]{start}")
    for name, text in (
        ("variances", _variances(p)),
        ("correlations", _correlations(p)),
        ("gradients", _gradients(p)),
    ):
        print_paragraph(out, f"  {name:<13} ", text, 2 + len(name))


def _variances(p: Phase) -> str:
    if p.phase == "divergent" and p.batch is not None:
        return "grow by the same amount in every block"
    if p.phase == "divergent":
        is_block = p.variance.network.phi is None
        remedy = "normalise, or scale the branch by 1/sqrt(L)" if is_block else "take a smaller sigma_w"
        return f"diverge: they grow without bound from layer to layer; {remedy}"
    if p.correlation is not None and p.correlation.variance.is_identity:
        return "are kept, whatever they are"
    pace = f", by e in {p.xi_q:.4g} layers" if 0.0 < p.xi_q < math.inf else " slowly" if p.xi_q > 0.0 else " at once"
    return f"{'decay to 0' if p.q == 0.0 else f'settle at q* = {p.q:.8g}'}{pace}"


def _correlations(p: Phase) -> str:
    f = p.correlation
    if p.batch is not None:
        pace = "" if p.phase == "divergent" else _pace(p.xi_c)
        return f"two inputs of a batch of {p.batch:g} end at c* = {_correlation(p):.8g}, all alike{pace}"
    if f is None:
        return _without_map(p)
    if f.is_identity:
        return "are kept: f is the identity" + (" in the limit q = 0" if p.q == 0.0 else "")
    if p.c_star < 1.0:
        text = (
            f"end at c* = {_correlation(p):.8g}, {math.degrees(p.angle):.4g} degrees, however close the two inputs are"
        )
        return f"{text}{_pace(p.xi_c)}"
    if 0.0 <= p.xi_c < math.inf:
        return f"all inputs come to look alike: c -> 1{_pace(p.xi_c)}"
    from eoc.maps import convergence_law

    return f"all inputs come to look alike, slowly: {law_in_words(convergence_law(f), f.network.phi)}"


def _correlation(p: Phase) -> float:
    """c*, 0 where it cannot be told from that."""
    return 0.0 if abs(p.c_star) <= p.c_star_error else p.c_star


def _without_map(p: Phase) -> str:
    if p.q == 0.0:
        return "have no limit map: signals vanish faster than in proportion; see eoc propagate"
    phi = p.variance.network.phi
    if phi is not None and phi.is_positively_homogeneous:
        return "converge all the same if there is no bias: see eoc rates"
    return "no map is applied again and again while variances grow: see eoc propagate"


def _pace(xi: float) -> str:
    return f"; the distance falls by e in {xi:.4g} layers" if xi > 0.0 else "; at once"


def _gradients(p: Phase) -> str:
    chi, name = p.chi_backward, "chi_backward" if _has_surrogates([p]) else "chi_1"
    if p.phase == "divergent" and chi == 1.0 and p.variance.network.phi is None:
        power = "a power" if p.batch is None else f"the power {p.power:.6g}"
        return f"grow like {power} of the variance, by less and less a block: chi_1 -> 1"
    if math.isinf(chi):
        return f"have an infinite second moment: {name} is infinite" + (" because phi jumps" if p.q < math.inf else "")
    if math.isnan(chi):
        return f"{name} cannot be computed"
    if chi == 1.0:
        return f"keep their second moment, {name} = 1: they neither vanish nor explode"
    if chi == 0.0:
        return f"vanish: {name} = 0"
    what = "explode" if chi > 1.0 else "vanish"
    change = "grows" if chi > 1.0 else "shrinks"
    return f"{what}: their second moment {change} by {chi:.6g} a layer, by e in {abs(p.xi_grad):.4g} layers"


def _print_numbers(out: Console, p: Phase) -> None:
    any_q = p.correlation is not None and p.correlation.variance.is_identity
    backward, gradients = _has_surrogates([p]), "the second moment of gradients grows"
    what = "small differences between inputs grow" if backward else gradients
    back = number(p.chi_backward, p.chi_backward_error), f"factor by which {gradients}, with the slopes that they see"
    seen = [("chi_back", *back)] if backward else []
    jumps = math.isinf(p.chi_1) and not math.isnan(p.activity)
    active = [("activity", number(p.activity), "share of units with phi > 0")] if jumps else []
    c_star = "every c" if math.isnan(p.c_star) else number(p.c_star, p.c_star_error)
    angle = "" if math.isnan(p.angle) else f"arccos(c*) = {math.degrees(p.angle):.8g} degrees"
    rows = [
        ("q*", "any" if any_q else number(p.q, p.q_error), "variance that layers keep"),
        ("F'(q*)", number(p.slope, p.slope_error), "factor by which distances from q* shrink in a layer"),
        ("chi_1", number(p.chi_1, p.chi_1_error), f"factor by which {what} in a layer"),
        *seen,
        ("c*", c_star, "correlation at infinite depth"),
        ("angle", "any" if math.isnan(p.angle) else f"{p.angle:.10g}", angle),
        ("xi_q", number(p.xi_q, p.xi_q_error), "layers in which distances from q* fall by e"),
        ("xi_c", number(p.xi_c, p.xi_c_error), "layers in which distances from c* fall by e"),
        ("6 xi_c", number(p.trainable_depth, 6.0 * p.xi_c_error), "depth up to which networks train (Schoenholz 2017)"),
        ("xi_grad", number(p.xi_grad, p.xi_grad_error), _xi_grad(p)),
        *active,
        *([] if p.correlation is None else [("D_phi,corr", "yes" if p.in_domain else "no", _domain(p))]),
    ]
    out.print()
    print_facts(out, rows, 10, 18)


def _xi_grad(p: Phase) -> str:
    return "layers in which gradients' second moment falls by e" + (", negative: it grows" if p.xi_grad < 0.0 else "")


def _domain(p: Phase) -> str:
    if p.in_domain:
        within = "every input" if p.variance_domain == math.inf else f"inputs with q_1 <= {p.variance_domain:.8g}"
        return f"{within}: one variance, and correlation 1 in the end (Hayou et al. 2019)"
    if p.correlation is not None and p.correlation.variance.is_identity:
        return "variances are kept: they do not come to one q (Hayou et al. 2019)"
    if not p.all_pairs_merge:
        return "not every pair of inputs comes to correlation 1 (Hayou et al. 2019)"
    return "small variances do not come to this q* (Hayou et al. 2019)"


def _print_fixed_points(out: Console, p: Phase) -> None:
    f = p.correlation
    if f is None or f.is_identity:
        return
    print_table(
        out,
        ("fixed point c of f", "1 - c", "f'(c)", "order", ""),
        lambda digits: [_fixed_point(point, digits) for point in f.fixed_points],
    )


def _fixed_point(c: CorrelationFixedPoint, digits: int) -> tuple[str, ...]:
    values = (c.c, c.c_error), (c.one_minus_c, c.error), (c.slope, c.slope_error)
    return *(number(*pair, digits) for pair in values), f"{c.order:g}", "stable" if c.stable else "unstable"


def _print_merging(out: Console, p: Phase) -> None:
    depths = [[p.merging_depth(distance, name) for name in _FORMATS] for distance in _DISTANCES]
    if all(math.isinf(d) for row in depths for d in row):
        print_paragraph(out, "", "inputs that differ stay distinguishable in floating point at every depth")
        return
    print_table(
        out,
        ("inputs apart by", *(f"alike in {name} from layer" for name in _FORMATS)),
        lambda _: [
            [f"{distance:g}", *("never" if math.isinf(d) else layer(d) for d in row)]
            for distance, row in zip(_DISTANCES, depths, strict=True)
        ],
    )
