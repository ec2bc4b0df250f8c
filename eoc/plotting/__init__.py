"""Pictures with Matplotlib: Axes in, Axes out; ``*_figure`` makes a figure of column width."""

from eoc.plotting.activation import activation_figure, plot_activation, shown_range
from eoc.plotting.depth import (
    convergence_figure,
    plot_convergence,
    plot_trajectory,
    plot_variances,
    trajectory_figure,
)
from eoc.plotting.diagram import DRAWN, diagram_figure, plot_diagram
from eoc.plotting.edge import eoc_figure, plot_eoc
from eoc.plotting.style import COLUMN, paper_style, stacked_figure

__all__ = [
    "COLUMN",
    "DRAWN",
    "activation_figure",
    "convergence_figure",
    "diagram_figure",
    "eoc_figure",
    "paper_style",
    "plot_activation",
    "plot_convergence",
    "plot_diagram",
    "plot_eoc",
    "plot_trajectory",
    "plot_variances",
    "shown_range",
    "stacked_figure",
    "trajectory_figure",
]
