r"""Edge-of-chaos points at which the variance does not stay: F'(q) > 1 for Swish, GELU, Mish and shifted softplus.

Source: ours. Hayou, Doucet & Rousseau (2019) state F'(q) ~ 1 for Swish, and train and draw it at sigma_b = 0.2.

What to see: (a) F'(q) = 1 + sigma_w^2 E[phi phi''] along the edge of chaos. Below sigma_b = 0.745 (Swish), 0.416
(GELU) and 0.307 (Mish), marked, it exceeds 1, and for shifted softplus everywhere: q is an unstable fixed point of the
variance map, and by the authors' own definition the point is not on the edge of chaos. The cross is the published one.
(b) chi_1 at the variance at which small inputs really settle: 1 only beyond the threshold; left of it the network is
in the ordered phase.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from _output import COLOURS, NAMES, Piece, letters, new_figure, run, save
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

import eoc
from eoc.plotting import COLUMN, paper_style

STYLES = {"silu": "-", "gelu": "--", "mish": "-.", "shifted_softplus": ":"}
PUBLISHED = (("silu", 0.2),)
LOWEST, HIGHEST = 0.01, 2.0  # sigma_b


def slopes(activation: str, points: int) -> Piece:
    """F'(q) along the edge of chaos."""
    along = eoc.curve(activation, np.geomspace(1e-3, 1e5, points))
    shown = (along.sigma_b >= 0.5 * LOWEST) & (along.sigma_b <= 2.0 * HIGHEST)
    columns = {name: getattr(along, name)[shown] for name in ("sigma_b", "sigma_w", "q", "slope")}
    return {"activation": activation} | columns


def settled(activation: str, points: int) -> Piece:
    """chi_1 at the stable variance that small inputs come to, for (sigma_b, sigma_w) on the curve."""
    rows = []
    ends = [sigma_b for sigma_b, _, _ in eoc.transitions(activation)]
    for sigma_b in np.union1d(np.geomspace(LOWEST, HIGHEST, points), ends):
        (point,) = eoc.edge_of_chaos(activation, sigma_b=sigma_b).points
        lowest = eoc.VarianceMap(activation, point.sigma_w, sigma_b).fixed_points[0]
        rows.append((sigma_b, lowest.q, lowest.chi_1))
    return {"activation": activation} | dict(zip(("sigma_b", "settled_q", "chi_1"), np.array(rows).T, strict=True))


def thresholds() -> list[Piece]:
    """Where the curve becomes stable."""
    return [
        {"activation": activation, "sigma_b": sigma_b, "q": q}
        for activation in STYLES
        for sigma_b, q, _ in eoc.transitions(activation)
    ]


def published() -> list[Piece]:
    """The published points, with their F'(q)."""
    rows = []
    for activation, sigma_b in PUBLISHED:
        (point,) = eoc.edge_of_chaos(activation, sigma_b=sigma_b).points
        rows.append({"activation": activation, "sigma_b": sigma_b, "q": point.q, "slope": point.slope})
    return rows


def draw(curves: list[Piece], ends: list[Piece], marks: list[Piece], points: list[Piece]) -> Figure:
    figure = new_figure(COLUMN, 4.2)
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    for piece, end in zip(curves, ends, strict=True):
        name = piece["activation"]
        style = {"color": COLOURS[name], "linestyle": STYLES[name]}
        top.semilogx(piece["sigma_b"], piece["slope"], label=NAMES[name], **style)
        bottom.semilogx(end["sigma_b"], end["chi_1"], **style)
    for ax in (top, bottom):
        ax.axhline(1.0, color="0.4", linewidth=0.6, zorder=0)
    for mark in marks:
        top.plot(mark["sigma_b"], 1.0, "o", color=COLOURS[mark["activation"]], markersize=4.0, zorder=3)
        bottom.plot(mark["sigma_b"], 1.0, "o", color=COLOURS[mark["activation"]], markersize=4.0, zorder=3)
    for point in points:
        top.plot(
            point["sigma_b"], point["slope"], "x", color="black", markersize=6.0, zorder=4, label="Swish, as published"
        )
    top.set(ylabel="$F'(q)$", ylim=(0.95, 1.19))
    top.legend(frameon=False, loc="upper left", ncols=2)
    bottom.set(xlabel=r"$\sigma_b$", ylabel=r"$\chi_1$ at settled $q$", xlim=(LOWEST, HIGHEST))
    bottom.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    letters([top, bottom])
    return figure


@paper_style()
def main(out: Path, reduced: bool = False) -> None:
    curves = [slopes(activation, 41 if reduced else 801) for activation in STYLES]
    ends = [settled(activation, 6 if reduced else 60) for activation in STYLES]
    marks, points = thresholds(), published()
    tables = {"slopes": curves, "settled": ends, "thresholds": marks, "published": points}
    save(draw(curves, ends, marks, points), tables, out, "stability")


if __name__ == "__main__":
    run(main)
