r"""How the variances of finite networks come to the variance map as the width grows.

Source: Long & Sedghi (2019), theorem 2: in networks that are wide enough, |q_l - q~_l| <= eps in all layers l <= L with
probability >= 1 - delta. The theorem gives no rate; their experiments find about N^{-1/2}.

What to see: (a) the rms of q_5 - q~_5 falls like N^{-1/2}; with orthogonal weights it is smaller. (b) sqrt(N) rms by
layer: 0.89 in layer 5 of tanh (published: 0.85 to 0.94), 9.38 for ReLU in wide networks (published: about 9), where it
grows with depth. (c) How many networks are farther than eps from the variance map in any of 5 layers, with 95 %
intervals; bands lie between a Gaussian's share in the worst layer and its sum over layers, where it has to be.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from _output import COLOURS, WIDE, Piece, caption, letters, new_figure, run, save
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from eoc.montecarlo import LengthScaling, length_scaling
from eoc.plotting import paper_style

# activation, sigma_w^2, sigma_b^2, weights; inputs are those of the paper, in {-1, 1}^N: q = sigma_w^2 + sigma_b^2
NETWORKS = (("tanh", 1.5, 0.1, "gaussian"), ("tanh", 1.5, 0.1, "orthogonal"), ("relu", 2.0, 0.0, "gaussian"))
LABELS = {"gaussian": "", "orthogonal": ", orthogonal"}
DEPTH = 5
EPS = (0.05, 0.1, 0.2)
SEED = 1


def measured(reduced: bool) -> list[LengthScaling]:
    widths, networks = ((10, 30, 100), 200) if reduced else ((10, 30, 100, 300, 1000, 3000), 4000)
    return [
        length_scaling(
            phi,
            w**0.5,
            b**0.5,
            widths=widths,
            depth=DEPTH,
            networks=networks,
            seed=SEED,
            q=w + b,
            eps=EPS,
            weights=weights,
            workers=2,
        )
        for phi, w, b, weights in NETWORKS
    ]


def rms_table(found: list[LengthScaling]) -> list[Piece]:
    return [
        {
            "activation": phi,
            "weights": weights,
            "sigma_w_squared": w,
            "sigma_b_squared": b,
            "width": one.widths[0],
            "layer": np.arange(1, DEPTH + 1),
            "q_infinite": one.theory.q.value,
            "mean": one.difference.mean,
            "mean_error": one.difference.standard_error,
            "predicted_mean": one.theory.shift.value,
            "scaled_rms": one.rms,
            "scaled_rms_error": one.rms_error,
            "predicted_scaled_rms": one.predicted_rms,
        }
        for (phi, w, b, weights), scaling in zip(NETWORKS, found, strict=True)
        for one in scaling.runs
    ]


def exponent_table(found: list[LengthScaling]) -> list[Piece]:
    return [
        {
            "activation": phi,
            "weights": weights,
            "layer": np.arange(1, DEPTH + 1),
            "exponent": scaling.measured.exponent,
            "exponent_error": scaling.measured.exponent_error,
            "predicted_exponent": scaling.predicted.exponent,
        }
        for (phi, _, _, weights), scaling in zip(NETWORKS, found, strict=True)
    ]


def beyond_table(scaling: LengthScaling) -> list[Piece]:
    table = []
    for one in scaling.runs:
        low, high = one.ever_beyond.interval()
        worst, together = one.predicted_ever_beyond
        table.append(
            {
                "width": one.widths[0],
                "eps": one.eps,
                "share": one.ever_beyond.proportion,
                "low": low,
                "high": high,
                "worst_layer": worst,
                "sum_of_layers": together,
            }
        )
    return table


def draw(found: list[LengthScaling]) -> Figure:
    figure = new_figure(WIDE, 2.5)
    axes = figure.subplots(1, 3)
    for (phi, _, _, weights), scaling in zip(NETWORKS, found, strict=True):
        style = {"color": COLOURS[phi], "markerfacecolor": "none" if weights == "orthogonal" else COLOURS[phi]}
        label = f"{'ReLU' if phi == 'relu' else phi}{LABELS[weights]}"
        draw_rms(axes[0], scaling, label, style)
        draw_layers(axes[1], scaling, style)
    axes[0].legend(frameon=False, loc="lower left", bbox_to_anchor=(-0.02, -0.03), handletextpad=0.3)
    axes[0].set(xlabel="width $N$", ylabel=r"$\mathrm{rms}(q_5 - \tilde q_5)$", ylim=(2e-3, None))
    axes[1].axhspan(0.85, 0.94, color="0.85", zorder=0, label="published, tanh")
    axes[1].plot([], [], color="0.3", label="theory")
    axes[1].legend(frameon=False, loc="upper right", bbox_to_anchor=(1.0, 0.67))
    axes[1].set(xlabel=r"layer $\ell$", ylabel=r"$\sqrt{N}\,\mathrm{rms}(q_\ell - \tilde q_\ell)$", ylim=(0.4, 15.0))
    draw_beyond(axes[2], found[0])
    caption(axes[1], rf"$N = {found[0].widths[-1]}$")
    caption(axes[2], "tanh")
    letters(axes)
    return figure


def draw_rms(ax: Axes, scaling: LengthScaling, label: str, style: dict[str, str]) -> None:
    root = np.sqrt(scaling.widths)
    rms, error, theory = (
        np.array([getattr(one, name)[-1] for one in scaling.runs]) / root
        for name in ("rms", "rms_error", "predicted_rms")
    )
    ax.loglog(scaling.widths, theory, "-", color=style["color"])
    ax.errorbar(scaling.widths, rms, 2.0 * error, fmt="o", markersize=3.5, label=label, **style)


def draw_layers(ax: Axes, scaling: LengthScaling, style: dict[str, str]) -> None:
    widest, layers = scaling.runs[-1], np.arange(1, DEPTH + 1)
    ax.semilogy(layers, widest.predicted_rms, "-", color=style["color"])
    ax.errorbar(layers, widest.rms, 2.0 * widest.rms_error, fmt="o", markersize=3.5, **style)
    ax.set_yticks([0.5, 1.0, 2.0, 5.0, 10.0], ["0.5", "1", "2", "5", "10"])
    ax.minorticks_off()


def draw_beyond(ax: Axes, scaling: LengthScaling) -> None:
    rows = beyond_table(scaling)
    for k, eps in enumerate(EPS):
        share, low, high, worst, together = (
            np.array([row[name][k] for row in rows])
            for name in ("share", "low", "high", "worst_layer", "sum_of_layers")
        )
        ax.fill_between(scaling.widths, worst, together, color=f"C{k}", alpha=0.3, linewidth=0.8)
        seen = share > 0.0
        bars = np.array([share - low, high - share])[:, seen]
        ax.errorbar(scaling.widths[seen], share[seen], bars, fmt="o", markersize=3.0, color=f"C{k}", label=f"{eps:g}")
    ax.set(xscale="log", yscale="log", xlabel="width $N$", ylim=(1e-4, 1.5))
    ax.set_ylabel(r"$P(\max_\ell |q_\ell - \tilde q_\ell| > \epsilon)$")
    ax.legend(frameon=False, title=r"$\epsilon$", loc="lower left", handletextpad=0.3)


@paper_style()
def main(out: Path, reduced: bool = False) -> None:
    found = measured(reduced)
    tables = {"rms": rms_table(found), "exponents": exponent_table(found), "beyond": beyond_table(found[0])}
    save(draw(found), tables, out, "length_process")


if __name__ == "__main__":
    run(main)
