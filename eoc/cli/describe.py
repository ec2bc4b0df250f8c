"""``eoc describe``: what the package knows, or has found out, about an activation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eoc.cli.common import AsJson, Name, Plot, find_activation, print_json, save_picture
from eoc.cli.tables import console, print_next
from eoc.cli.words import command_line
from eoc.reports.writing import number, print_headline, print_paragraph, print_table

if TYPE_CHECKING:
    from rich.console import Console

    from eoc.activations import Activation
    from eoc.activations.base import Breakpoint
    from eoc.gaussian.moments import Estimate

__all__ = ["command"]

_VARIANCES = (0.01, 0.1, 1.0, 10.0, 100.0)
_LAW = {
    "jump": "chi_1 is infinite: no edge of chaos",
    "kink": "on the edge of chaos 1 - c_l ~ kappa / l^2",
    "C1": "on the edge of chaos 1 - c_l ~ beta_q / l",
    "smooth": "on the edge of chaos 1 - c_l ~ beta_q / l",
}
_CLASS = {"jump": "discontinuous", "kink": "continuous with kinks", "C1": "once differentiable", "smooth": "smooth"}
_MOST_KNOTS = 12
_WIDTH, _HEIGHT = 64, 16


def command(
    activation: Name,
    plot: Plot = None,
    as_json: AsJson = False,
) -> None:
    """Show class, kinks, growth, permissibility and expectations of an activation, with a small plot."""
    import numpy as np

    from eoc.gaussian.moments import moments

    phi = find_activation(activation)
    variances = [q for q in _VARIANCES if q < phi.growth.q_max]
    found = moments(phi, np.array(variances), strict=False)
    if as_json:
        print_json(_payload(phi, variances, found))
    else:
        out = console()
        _print(out, phi, variances, found)
        print_next(out, command_line("init", activation), "says how to initialise a network with it")
    if plot is not None:
        from eoc.plotting import activation_figure

        save_picture(activation_figure(phi), plot)


def _payload(phi: Activation, q: list[float], found: dict[str, Estimate]) -> dict[str, Any]:
    knots = [{"x": b.x, "left": b.left, "right": b.right, "jump": b.jump, "kink": b.kink} for b in phi.breakpoints]
    return {
        "activation": phi.name,
        "formula": phi.formula,
        "parameters": dict(phi.parameters),
        "class": str(phi.smoothness),
        "knots": knots,
        "parity": phi.parity,
        "positively_homogeneous": phi.is_positively_homogeneous,
        "growth": {"kind": phi.growth.kind, "rate": phi.growth.rate, "q_max": phi.growth.q_max},
        "permissible": phi.growth.q_max == float("inf"),
        "q": q,
        "moments": {name: {"value": e.value, "error": e.error} for name, e in found.items()},
    }


def _print(out: Console, phi: Activation, q: list[float], found: dict[str, Estimate]) -> None:
    print_headline(out, f"{phi.name} is {_in_words(phi)}.")
    facts = {
        "formula": phi.formula,
        "class": f"{phi.smoothness}: {_LAW[str(phi.smoothness)]}",
        "growth": _growth(phi),
        "parity": phi.parity or "neither odd nor even",
        "permissible": _permissible(phi),
    }
    if phi.is_positively_homogeneous:
        facts["homogeneous"] = "phi(t x) = t phi(x) for t > 0, so the edge of chaos is one point and keeps every q"
    for name, value in facts.items():
        print_paragraph(out, f"  {name:<12} ", value)
    _print_knots(out, phi)
    _print_moments(out, q, list(found.values()))
    out.print(_sketch(phi), markup=False, soft_wrap=True)


def _in_words(phi: Activation) -> str:
    """Class, growth and permissibility, as a predicate."""
    growth = "is bounded" if phi.growth.kind == "bounded" else f"grows {_growth(phi)}"
    permissible = "permissible" if phi.growth.q_max == float("inf") else "not permissible"
    return f"{_CLASS[str(phi.smoothness)]}, {growth} and is {permissible}"


def _print_moments(out: Console, q: list[float], found: list[Estimate]) -> None:
    def rows(digits: int) -> list[list[str]]:
        return [
            [f"{variance:g}", *(number(float(e.value[i]), float(e.error[i]), digits) for e in found)]
            for i, variance in enumerate(q)
        ]

    print_table(out, ("q", "E[phi]", "E[phi^2]", "E[phi'^2]", "E[phi''^2]", "E[phi phi'']"), rows)


def _growth(phi: Activation) -> str:
    rate = f"{phi.growth.rate:g}"
    return {
        "bounded": "bounded",
        "polynomial": f"like |x|^{rate}",
        "exponential": f"like exp({rate} |x|)",
        "gaussian": f"like exp({rate} x^2)",
        "faster": "faster than exp(a x^2) for every a",
    }[phi.growth.kind]


def _permissible(phi: Activation) -> str:
    """The conditions of Long & Sedghi (2019); (a) and (c) hold for everything that could be constructed."""
    q_max = phi.growth.q_max
    if q_max == float("inf"):
        return "yes (Long & Sedghi 2019: bounded on finite intervals, exp(o(x^2)), measurable)"
    return f"no: |phi(x)| is not exp(o(x^2)), so E[phi^2] is finite only for q < {q_max:.6g}"


def _print_knots(out: Console, phi: Activation) -> None:
    if not phi.breakpoints:
        return
    shown = phi.breakpoints[:_MOST_KNOTS]
    columns = ("knot x", "kind", "phi(x-)", "phi(x+)", "phi'(x-)", "phi'(x+)", "phi''(x-)", "phi''(x+)")
    print_table(out, columns, lambda digits: [_knot(b, digits) for b in shown])
    if len(phi.breakpoints) > len(shown):
        out.print(f"  and {len(phi.breakpoints) - len(shown)} more knots")


def _knot(b: Breakpoint, digits: int) -> list[str]:
    kind = "jump" if b.jump else "kink" if b.kink else "jump of phi''" if b.left[2] != b.right[2] else "none"
    limits = (v + 0.0 for pair in zip(b.left, b.right, strict=True) for v in pair)
    return [
        repr(b.x) if digits >= 12 else number(b.x, 0.0, digits),
        kind,
        *(f"{v:.{min(digits, 10)}g}" for v in limits),
    ]


def _sketch(phi: Activation) -> str:
    """A drawing of phi in characters."""
    import numpy as np

    from eoc.plotting import shown_range

    left, right = shown_range(phi)
    x = np.linspace(left, right, _WIDTH + 1)
    y = np.clip(phi(x), -1e3, 1e3)
    low, high = min(float(y.min()), 0.0), max(float(y.max()), 0.0)
    if high == low:
        high = low + 1.0
    rows = np.rint((high - y) / (high - low) * (_HEIGHT - 1)).astype(int)
    zero, origin = round(high / (high - low) * (_HEIGHT - 1)), round(-left / (right - left) * _WIDTH)
    canvas = [["-" if i == zero else " "] * (_WIDTH + 1) for i in range(_HEIGHT)]
    for i in range(_HEIGHT):
        canvas[i][origin] = "|"
    for j, i in enumerate(rows):
        canvas[i][j] = "*"
    labels = {0: f"{high:.3g}", _HEIGHT - 1: f"{low:.3g}"}
    lines = [f"{labels.get(i, ''):>8} {''.join(row).rstrip()}" for i, row in enumerate(canvas)]
    start, end = f"{left:.3g}", f"{right:.3g}"
    axis = f"{'':8} {start:<{origin}}0"
    return "\n".join([*lines, f"{axis}{end:>{_WIDTH + 9 - len(axis) + 1}}"])
