"""Pictures of the edge of chaos in the plane of the two standard deviations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from eoc.plotting.style import shown_name, stacked_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from eoc.criticality import Curve, EocCurve

__all__ = ["eoc_figure", "plot_eoc", "stable_parts"]

_STEEP, _AWAY = 3.0, 0.25  # sigma_w is cut at 3 times its largest value beyond a quarter of the window
_DASHES = (3.5, 1.8)
_MOST = 2  # names that fit beside the curves; more go above the axes
_BESIDE, _LONG = 3, 16
_LIGHT = "0.45"


def plot_eoc(curves: EocCurve | Sequence[EocCurve], ax: Axes) -> Axes:
    r"""Draw sigma_w against sigma_b on the edge of chaos.

    Parameters
    ----------
    curves
        What :func:`eoc.eoc_curve` returns, for one activation or several. Those without an edge of chaos are left out.
    ax
        Where to draw. Lines are solid where the variance is stable and dashed where it is not, F'(q) >= 1; an open
        circle marks where that changes, a dot the isolated point of a positively homogeneous activation. Where sigma_w
        diverges it is cut.

    Returns
    -------
    Axes
        The same ``ax``.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from eoc.criticality import eoc_curve
    >>> ax = plot_eoc([eoc_curve("tanh"), eoc_curve("gelu")], Figure().subplots())
    >>> ax.get_xlabel(), [text.get_text() for text in ax.get_legend().get_texts()]
    ('$\\sigma_b$', ['tanh', 'gelu', 'not stable'])
    """
    several = list(curves) if isinstance(curves, Sequence) else [curves]
    shown = [c for c in several if c.pieces]
    for c in shown:
        _plot_one(c, ax)
    ax.set_xlabel("$\\sigma_b$")
    ax.set_ylabel("$\\sigma_w$")
    if shown:
        ax.set_xlim(0.0, max(c.sigma_b_max for c in shown))
        _cut(shown, ax)
        _legend(shown, ax)
    return ax


def _plot_one(c: EocCurve, ax: Axes) -> None:
    style: dict[str, Any] = {"linestyle": "none"} if c.kind == "point" else {}
    if c.kind == "curve" and c.reason is not None:
        style = {"dashes": _DASHES}
    marker = "o" if c.kind == "point" else None
    (handle,) = ax.plot([], [], marker=marker, markersize=4.5, label=_label(c.activation), **style)
    color = handle.get_color()
    if c.kind == "point":
        for p in c.pieces:
            ax.plot(p.sigma_b, p.sigma_w, "o", color=color, markersize=4.5, clip_on=False, zorder=4)
        return
    changes = [t.q for t in c.transitions]
    for piece in c.pieces:
        for part, stable in _parts(piece, changes):
            style = {} if stable else {"dashes": _DASHES}
            ax.plot(piece.sigma_b[part], piece.sigma_w[part], color=color, **style)
    inside = [t for t in c.transitions if t.sigma_b <= c.sigma_b_max]
    ax.plot(
        [t.sigma_b for t in inside],
        [t.sigma_w for t in inside],
        "o",
        color=color,
        markerfacecolor="white",
        markersize=4.0,
        zorder=3,
    )


def _label(name: str) -> str:
    """A name that fits a legend; one that begins with an underscore would be left out of it."""
    short = shown_name(name)
    return f" {short}" if short.startswith("_") else short


def _parts(piece: Curve, changes: list[float]) -> Iterator[tuple[slice, bool]]:
    """The parts of a piece between transitions, and whether they are stable."""
    edges = [0, *(i for i in np.searchsorted(piece.q, changes).tolist() if 0 < i < piece.q.size - 1), piece.q.size - 1]
    for first, last in pairwise(edges):
        slopes = piece.slope[first : last + 1]
        yield slice(first, last + 1), bool(slopes[np.argmax(np.abs(slopes - 1.0))] < 1.0)


def _cut(shown: list[EocCurve], ax: Axes) -> None:
    """End the vertical axis where a sigma_w that diverges would flatten everything else."""
    tops = [_top(c) for c in shown]
    low = min(float(p.sigma_w.min()) for c in shown for p in c.pieces)
    high, highest = max(top for top, _ in tops), max(largest for _, largest in tops)
    if highest > high:
        margin = 0.05 * (high - low)
        ax.set_ylim(low - margin, high + margin)
    elif highest - low <= 1e-6 * highest:  # a point, or a constant
        ax.set_ylim(0.8 * low, 1.2 * low)


def _top(c: EocCurve) -> tuple[float, float]:
    """The sigma_w up to which a curve is shown, and its largest."""
    sigma_b, sigma_w = (_joined(c, name) for name in ("sigma_b", "sigma_w"))
    largest, away = float(sigma_w.max()), sigma_w[sigma_b >= _AWAY * c.sigma_b_max]
    usual = _STEEP * float(away.max()) if away.size else largest
    return min(largest, usual), largest


def _joined(c: EocCurve, name: str) -> NDArray[np.float64]:
    return np.concatenate([getattr(p, name) for p in c.pieces])


def _legend(shown: list[EocCurve], ax: Axes) -> None:
    """Names if there are several curves, and what dashes mean if there are any."""
    from matplotlib.lines import Line2D

    handles, names = ax.get_legend_handles_labels()
    if len(shown) == 1:
        handles, names = [], []
        ax.set_title(shown_name(shown[0].activation), fontsize="medium")
    if not all(stable for c in shown if c.kind == "curve" for _, _, stable in stable_parts(c)):
        handles.append(Line2D([], [], color=_LIGHT, dashes=_DASHES))
        names.append("not stable")
    if len(handles) > _MOST:
        ax.legend(
            handles,
            names,
            frameon=False,
            handlelength=2.0,
            columnspacing=1.2,
            ncols=_BESIDE if max(map(len, names)) <= _LONG else 2,
            loc="lower center",
            bbox_to_anchor=(0.5, 1.0),
            borderaxespad=0.2,
        )
    elif handles:
        ax.legend(handles, names, frameon=False, handlelength=2.0)


def eoc_figure(curves: EocCurve | Sequence[EocCurve]) -> Figure:
    """A figure of column width with :func:`plot_eoc`, not attached to any window."""
    return stacked_figure(2.6, partial(plot_eoc, curves))


def stable_parts(c: EocCurve) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64], bool]]:
    """The curve cut where its stability changes: sigma_b, sigma_w and whether it is stable."""
    for piece in c.pieces:
        for part, stable in _parts(piece, [t.q for t in c.transitions]):
            yield piece.sigma_b[part], piece.sigma_w[part], stable
