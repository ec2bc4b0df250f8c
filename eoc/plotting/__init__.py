"""Pictures with Matplotlib: Axes in, Axes out; ``*_figure`` makes a figure of column width."""

from eoc.plotting.activation import activation_figure, plot_activation, shown_range
from eoc.plotting.depth import (
    convergence_figure,
    plot_convergence,
    plot_trajectory,
    plot_variances,
    trajectory_figure,
)
from eoc.plotting.style import COLUMN, paper_style, stacked_figure

__all__ = [
    "COLUMN",
    "activation_figure",
    "convergence_figure",
    "paper_style",
    "plot_activation",
    "plot_convergence",
    "plot_trajectory",
    "plot_variances",
    "shown_range",
    "stacked_figure",
    "trajectory_figure",
]
