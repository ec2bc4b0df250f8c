r"""A circle that goes through a random tanh network: how its length and its extrinsic curvature change.

Source: Poole et al. (2016), figures 3 and 4: one network with N = 1000, 40 layers and sigma_b = 0.3 for each of
sigma_w = 1.3, 2.5, 4, and 500 points on the circle.

The circle h(t) = sqrt(N q*) (u cos t + v sin t) of the first layer has the squared speed g_0 = N q* and the curvature
kappa_0^2 = 1/q* (times 1/N, left out here and below). Mean-field theory, with chi_2 = sigma_w^2 E[phi''^2]:

    g_l = chi_1 g_{l-1},    kappa_l^2 = 3 chi_2 / chi_1^2 + kappa_{l-1}^2 / chi_1,

so that chaotic networks come to kappa^2 = 3 chi_2 / (chi_1 (chi_1 - 1)): 3.867710 at sigma_w = 2.5. In the network,
velocity and acceleration h', h'' are propagated exactly: h' -> W (phi' h'), h'' -> W (phi'' h'^2 + phi' h'').

What to see: (a)-(c) the two largest principal components of the curve in layer 7: an oval, then ever more of a tangle.
(d) The autocorrelation along the curve falls at sigma_w = 2.5 as the correlation map says, c_l(t) = f(f(...f(cos t))).
(e) The length grows by sqrt(chi_1) a layer and (f) the curvature stays bounded where chi_1 > 1: the curve folds into
ever more dimensions. Where chi_1 < 1 it shrinks as a whole, so that its curvature grows as fast as its size falls.

Dots are means over the curve in ONE network, lines are theory without a free parameter. They compare as networks of
finite width do: from layer 5 on kappa^2 lies 3 % above theory at sigma_w = 2.5 and 4 (in the mean over six networks
17 % at N = 200 and 10 % at N = 400: the excess is about 35/N), the metric within 7 %, the variance within 4 %. At
sigma_w = 1.3 all points of the curve come to one place, so that nothing averages over it: up to 41 % in kappa^2, 24 %
in the metric.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from _output import WIDE, Piece, caption, letters, network, new_figure, run, save, shades
from matplotlib.figure import Figure
from numpy.typing import NDArray

import eoc
from eoc.plotting import paper_style

FloatArray = NDArray[np.float64]

SEED = 1
SIGMA_W, SIGMA_B = (1.3, 2.5, 4.0), 0.3
PICTURED = 7  # the layer of the principal components
SHOWN = (1, 3, 5, 10, 20)  # the layers of the autocorrelation
CORRELATED = 2.5  # sigma_w there


def circle(width: int, angles: int, q: float, rng: np.random.Generator) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Positions, velocities and accelerations (width, angles) on a circle in a random plane; |h|^2 = width q."""
    plane, _ = np.linalg.qr(rng.standard_normal((width, 2)))
    t = 2.0 * np.pi * np.arange(angles) / angles
    radius = (width * q) ** 0.5
    h, dh = (radius * plane @ np.stack(pair) for pair in ((np.cos(t), np.sin(t)), (-np.sin(t), np.cos(t))))
    return h, dh, -h


def next_layer(
    h: FloatArray, dh: FloatArray, ddh: FloatArray, sigma_w: float, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Positions, velocities and accelerations one random layer on."""
    width, phi = h.shape[0], eoc.activation("tanh")
    weights = rng.standard_normal((width, width)) * sigma_w / width**0.5
    slope = phi.dphi(h)
    positions = weights @ phi(h) + SIGMA_B * rng.standard_normal((width, 1))
    return positions, weights @ (slope * dh), weights @ (phi.ddphi(h) * dh**2 + slope * ddh)


def geometry(h: FloatArray, dh: FloatArray, ddh: FloatArray) -> tuple[float, float, float]:
    """Means over the curve of |h|^2/N, |h'|^2/N and N kappa^2."""
    width = h.shape[0]
    q, speed, square, along = ((x * y).sum(axis=0) for x, y in ((h, h), (dh, dh), (ddh, ddh), (dh, ddh)))
    curvature = width * (square * speed - along**2) / speed**3
    return q.mean() / width, speed.mean() / width, curvature.mean()


def autocorrelation(h: FloatArray) -> FloatArray:
    """The mean correlation of points that are 0, 1, ... steps apart on the curve, up to half a turn."""
    unit = h / np.linalg.norm(h, axis=0)
    cosines = unit.T @ unit
    angles = np.arange(h.shape[1])
    return np.array([cosines[angles, (angles + k) % angles.size].mean() for k in range(angles.size // 2 + 1)])


def simulated(sigma_w: float, width: int, angles: int, depth: int) -> tuple[Piece, list[Piece], Piece]:
    """One network: a row for each layer; autocorrelations of some layers; principal components of one."""
    rng = np.random.default_rng(SEED)
    h, dh, ddh = circle(width, angles, eoc.VarianceMap("tanh", sigma_w, SIGMA_B).kept, rng)
    rows, curves, components = [geometry(h, dh, ddh)], [], {}
    for layer in range(1, depth + 1):
        h, dh, ddh = next_layer(h, dh, ddh, sigma_w, rng)
        rows.append(geometry(h, dh, ddh))
        if layer in SHOWN:
            curves.append({"sigma_w": sigma_w, "layer": layer, "autocorrelation": autocorrelation(h)})
        if layer == PICTURED:
            components = {"sigma_w": sigma_w, "layer": layer} | principal_components(h)
    q, metric, curvature = np.array(rows).T
    return {"q_network": q, "metric_network": metric, "curvature_network": curvature}, curves, components


def principal_components(h: FloatArray) -> Piece:
    """The curve in the plane of its two largest principal components, a unit of a pre-activation being its scale."""
    centred = h - h.mean(axis=1, keepdims=True)
    _, sizes, axes = np.linalg.svd(centred, full_matrices=False)
    first, second = (sizes[:2, None] * axes[:2]) / h.shape[0] ** 0.5
    return {"component_1": first, "component_2": second}


def theory(sigma_w: float, depth: int) -> Piece:
    """Metric and squared curvature of every layer, and the limit of the latter (0 in the ordered phase: none)."""
    variance = eoc.VarianceMap("tanh", sigma_w, SIGMA_B)
    q, chi_1 = variance.kept, float(variance.chi_1(variance.kept).value)
    chi_2 = sigma_w**2 * float(eoc.moments("tanh", q, ("S",))["S"].value)
    metric, curvature = [q], [1.0 / q]
    for _ in range(depth):
        metric.append(chi_1 * metric[-1])
        curvature.append(3.0 * chi_2 / chi_1**2 + curvature[-1] / chi_1)
    limit = 3.0 * chi_2 / (chi_1 * (chi_1 - 1.0)) if chi_1 > 1.0 else 0.0
    network = {"sigma_w": sigma_w, "sigma_b": SIGMA_B, "q_star": q, "chi_1": chi_1, "chi_2": chi_2}
    rows = {"layer": np.arange(depth + 1.0), "metric": metric, "curvature": curvature, "curvature_limit": limit}
    return network | rows


def with_theory(curve: Piece, angles: int) -> Piece:
    """An autocorrelation beside the iterated correlation map."""
    f = eoc.CorrelationMap("tanh", curve["sigma_w"], SIGMA_B)
    t = 2.0 * np.pi * np.arange(angles // 2 + 1) / angles
    predicted = np.cos(t)
    for _ in range(curve["layer"]):
        predicted = f(predicted)
    return {**curve, "angle": t, "predicted": predicted}


def draw(layers: list[Piece], curves: list[Piece], components: list[Piece]) -> Figure:
    figure = new_figure(WIDE, 4.6)
    axes = figure.subplots(2, 3)
    correlation, metric, curvature = axes[1]
    for ax, piece, colour in zip(axes[0], components, ("C0", "C1", "C2"), strict=True):
        closed = [np.append(piece[name], piece[name][0]) for name in ("component_1", "component_2")]
        ax.plot(*closed, color=colour, linewidth=0.7)
        caption(ax, network("tanh", piece["sigma_w"], SIGMA_B))
        ax.set(xlabel="component 1", ylabel="component 2")
        ax.set_aspect("equal", adjustable="datalim")
    for piece, shade in zip(curves, shades(len(curves)), strict=True):
        every = max(1, piece["angle"].size // 12)
        correlation.plot(piece["angle"] / np.pi, piece["predicted"], color=shade, label=f"{piece['layer']}")
        correlation.plot(
            piece["angle"] / np.pi, piece["autocorrelation"], "o", color=shade, markersize=2.5, markevery=every
        )
    for piece, colour in zip(layers, ("C0", "C1", "C2"), strict=True):
        for ax, name in ((metric, "metric"), (curvature, "curvature")):
            ax.semilogy(piece["layer"], piece[name], color=colour, label=f"{piece['sigma_w']:g}")
            ax.semilogy(piece["layer"], piece[name + "_network"], "o", color=colour, markersize=2.5, markevery=2)
    correlation.set(xlabel=r"$\Delta t \,/\, \pi$", ylabel=r"$c_\ell(\Delta t)$", xlim=(0, 1), ylim=(-1, 1))
    correlation.set(xticks=(0, 0.5, 1), yticks=(-1, 0, 1))
    correlation.legend(frameon=False, title=r"layer $\ell$", loc="lower left", labelspacing=0.25)
    metric.set(xlabel=r"layer $\ell$", ylabel=r"$g_\ell \,/\, N$")
    curvature.set(xlabel=r"layer $\ell$", ylabel=r"$N \kappa_\ell^2$")
    metric.legend(frameon=False, title=r"$\sigma_w$", loc="upper left")
    caption(correlation, network("tanh", CORRELATED, SIGMA_B))
    for ax in (metric, curvature):
        caption(ax, rf"tanh, $\sigma_b = {SIGMA_B}$")
    letters(axes.flat)
    return figure


@paper_style()
def main(out: Path, reduced: bool = False) -> None:
    width, angles, depth = (200, 60, 20) if reduced else (1000, 500, 40)
    layers, curves, components = [], [], []
    for sigma_w in SIGMA_W:
        rows, seen, pictured = simulated(sigma_w, width, angles, depth)
        layers.append({**theory(sigma_w, depth), **rows})
        components.append(pictured)
        if sigma_w == CORRELATED:
            curves = [with_theory(curve, angles) for curve in seen]
    tables = {"layers": layers, "autocorrelation": curves, "components": components}
    save(draw(layers, curves, components), tables, out, "poole_curvature")


if __name__ == "__main__":
    run(main)
