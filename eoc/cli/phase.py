"""``eoc phase``: what layers do to variances, correlations and gradients at one (sigma_w, sigma_b)."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eoc.cli.common import AsJson, Backward, NetworkName, Plot, find_block, number, print_json, save_picture
from eoc.cli.rates import law_in_words
from eoc.cli.tables import console, layer, print_headline, print_next, print_paragraph, print_table, print_title
from eoc.cli.words import command_line
from eoc.errors import EocError

if TYPE_CHECKING:
    from rich.console import Console

    from eoc.activations import Activation
    from eoc.layers import Network
    from eoc.maps import CorrelationFixedPoint
    from eoc.phase import Phase

    Source = Activation | Network

__all__ = ["command"]

_DISTANCES = (0.1, 0.01, 0.001)
_FORMATS = ("float32", "float64")
_MEANS = {
    "ordered": "is ordered: inputs come to look alike and gradients vanish with depth",
    "chaotic": "is chaotic: close inputs are torn apart and gradients explode with depth",
    "critical": "is on the edge of chaos: gradients neither vanish nor explode",
    "divergent": "diverges: variances grow without bound with depth",
}
_FORWARD = {
    "ordered": "is ordered: inputs come to look alike with depth",
    "chaotic": "is chaotic: close inputs are torn apart with depth",
    "critical": "is on the edge of chaos: small differences between inputs keep their size",
}
_DEEP = 1e6  # layers: a sigma_w that was typed has so many digits
_STYLE = {"ordered": "cyan", "chaotic": "magenta", "critical": "green", "divergent": "red"}


def command(
    activation: NetworkName,
    sigma_w: Annotated[
        float | None,
        typer.Option(help="Standard deviation of the weights times sqrt(fan_in); of a network, of its free dense."),
    ] = None,
    sigma_b: Annotated[float, typer.Option(help="Standard deviation of the biases.")] = 0.0,
    q: Annotated[
        float | None, typer.Option(help="Variance of the first layer: show only the phase in which it ends.")
    ] = None,
    backward: Backward = None,
    plot: Plot = None,
    as_json: AsJson = False,
) -> None:
    """Print the phase, its fixed points and depth scales, and when close inputs can no longer be told apart.

    With --backward gradients are those of a straight-through estimator, as of a sign with the slope of hardtanh.

    --plot draws the variance map, the correlation map and two inputs layer by layer.
    """
    from eoc.activations import Activation
    from eoc.operating_point import critical_point
    from eoc.phase import phase_of, phases

    phi, critical = find_block(activation), None
    if isinstance(phi, Activation):
        if sigma_w is None:
            raise EocError("give --sigma-w, the standard deviation of the weights times sqrt(fan_in)")
        critical = critical_point(phi, sigma_w, sigma_b)
    if critical is not None:
        sigma_w = critical.sigma_w
    if q is None:
        found = phases(phi, sigma_w, sigma_b, backward=backward)
    else:
        found = (phase_of(phi, sigma_w, sigma_b, q, backward=backward),)
    note = "" if critical is None else critical.note
    if as_json:
        place = {"sigma_w": sigma_w, "sigma_b": sigma_b, "note": note}
        print_json({**phi.to_dict(), **place, "backward": backward, "phases": [_payload(p) for p in found]})
    else:
        _print(activation, phi, sigma_w, sigma_b, note, found)
        _print_next(activation, sigma_w, sigma_b, backward, found)
    if plot is not None:
        from eoc.maps import VarianceMap
        from eoc.plotting import phase_figure

        save_picture(phase_figure(VarianceMap(phi, sigma_w, sigma_b), found), plot)


def _payload(p: Phase) -> dict[str, Any]:
    """The phase, with the law by which correlations converge and when close inputs become one."""
    from eoc.maps import convergence_law

    return p.to_dict() | {
        "law": None if p.correlation is None else dataclasses.asdict(convergence_law(p.correlation)),
        "merging_depth": {name: {str(d): p.merging_depth(d, name) for d in _DISTANCES} for name in _FORMATS},
    }


def _print(source: str, phi: Source, sigma_w: float | None, sigma_b: float, note: str, found: Sequence[Phase]) -> None:
    """Print every phase: in words, its numbers, the fixed points of f and when close inputs become one."""
    out, backward = console(), _has_surrogates(found)
    at = "" if sigma_w is None else f" at sigma_w = {sigma_w:.12g}, sigma_b = {sigma_b:.12g}"
    print_headline(out, f"{phi.name}{at} {_in_words(found, note, backward)}.")
    print_title(out, phi)
    if note:
        print_paragraph(out, "", note, indent=2)
    if len(found) > 1:
        out.print("where signals end depends on the variance of the first layer:")
    for p in found:
        _print_phase(out, phi, p, len(found) > 1)
        if p.correlation is not None:
            _print_numbers(out, p)
            _print_fixed_points(out, p)
            _print_merging(out, p)


def _print_next(
    source: str, sigma_w: float | None, sigma_b: float, backward: str | None, found: Sequence[Phase]
) -> None:
    out = console()
    if any(p.phase == "critical" for p in found):
        place = {} if sigma_w is None else {"sigma_w": sigma_w, "sigma_b": sigma_b}
        rates = command_line("rates", source, **place)
        print_next(out, rates, "gives the law by which inputs come to look alike")
    elif sigma_w is None:
        print_next(out, command_line("propagate", source, q=1.0), "follows inputs block by block")
    else:
        print_next(out, command_line("init", source, backward=backward), "gives the place to start from")


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
    return _MEANS[found[0].phase]


def _fate(p: Phase) -> str:
    if abs(p.xi_grad) > _DEEP:
        return "keep their size"
    return "explode" if p.chi_backward > 1.0 else "vanish"


def _print_phase(out: Console, phi: Source, p: Phase, one_of_many: bool) -> None:
    start = f", for variances {p.basin[0]:.8g} ... {p.basin[1]:.8g} of the first layer" if one_of_many else ""
    out.print(f"\n[bold {_STYLE[p.phase]}]{p.phase}[/]{start}")
    for name, text in (
        ("variances", _variances(phi, p)),
        ("correlations", _correlations(phi, p)),
        ("gradients", _gradients(phi, p)),
    ):
        print_paragraph(out, f"  {name:<13} ", text, 2 + len(name))


def _variances(phi: Source, p: Phase) -> str:
    if p.phase == "divergent":
        remedy = "take a smaller sigma_w" if _is_plain(phi) else "normalise, or scale the branch by 1/sqrt(L)"
        return f"diverge: they grow without bound from layer to layer; {remedy}"
    if p.correlation is not None and p.correlation.variance.is_identity:
        return "are kept, whatever they are"
    pace = f", by e in {p.xi_q:.4g} layers" if 0.0 < p.xi_q < math.inf else " slowly" if p.xi_q > 0.0 else " at once"
    return f"{'decay to 0' if p.q == 0.0 else f'settle at q* = {p.q:.8g}'}{pace}"


def _correlations(phi: Source, p: Phase) -> str:
    f = p.correlation
    if f is None:
        return _without_map(phi, p)
    if f.is_identity:
        return "are kept: f is the identity" + (" in the limit q = 0" if p.q == 0.0 else "")
    if p.c_star < 1.0:
        end = 0.0 if abs(p.c_star) <= p.c_star_error else p.c_star
        text = f"end at c* = {end:.8g}, {math.degrees(p.angle):.4g} degrees, however close the two inputs are"
        return f"{text}{_pace(p.xi_c)}"
    if 0.0 <= p.xi_c < math.inf:
        return f"all inputs come to look alike: c -> 1{_pace(p.xi_c)}"
    from eoc.maps import convergence_law

    return f"all inputs come to look alike, slowly: {law_in_words(convergence_law(f), phi)}"


def _without_map(phi: Source, p: Phase) -> str:
    if p.q == 0.0:
        return "have no limit map: signals vanish faster than in proportion; see eoc propagate"
    if getattr(phi, "is_positively_homogeneous", False):
        return "converge all the same if there is no bias: see eoc rates"
    return "no map is applied again and again while variances grow: see eoc propagate"


def _pace(xi: float) -> str:
    return f"; the distance falls by e in {xi:.4g} layers" if xi > 0.0 else "; at once"


def _is_plain(phi: Source) -> bool:
    from eoc.activations import Activation

    return isinstance(phi, Activation)


def _gradients(phi: Source, p: Phase) -> str:
    chi, name = p.chi_backward, "chi_backward" if _has_surrogates([p]) else "chi_1"
    if p.phase == "divergent" and chi == 1.0 and not _is_plain(phi):
        return "grow like a power of the variance, by less and less a block: chi_1 -> 1"
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
        ("D_phi,corr", "yes" if p.in_domain else "no", _domain(p)),
    ]
    out.print()
    for name, value, meaning in rows:
        print_paragraph(out, f"  {name:<10} {value:<18} ", meaning, 2 + len(name))


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
