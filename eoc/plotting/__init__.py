"""Pictures with Matplotlib: Axes in, Axes out; ``*_figure`` makes a figure of column width."""

from eoc.plotting.activation import activation_figure, plot_activation, shown_range
from eoc.plotting.comparison import comparison_figure, plot_comparison
from eoc.plotting.depth import (
    convergence_figure,
    plot_convergence,
    plot_trajectory,
    plot_variances,
    trajectory_figure,
)
from eoc.plotting.diagnosis import diagnosis_figure, plot_diagnosis
from eoc.plotting.diagram import DRAWN, diagram_figure, plot_diagram
from eoc.plotting.edge import eoc_figure, plot_eoc
from eoc.plotting.finite_width import (
    correlation_process_figure,
    plot_correlation_process,
    plot_correlation_spread,
)
from eoc.plotting.initialisation import initialisation_figure, plot_layers, plot_place
from eoc.plotting.jacobian import jacobian_figure, plot_isometry, plot_jacobian
from eoc.plotting.kernel import kernel_figure, kernel_picture, plot_condition_numbers, plot_kernel, plot_spectrum
from eoc.plotting.lengths import (
    gaussianity_figure,
    length_figure,
    plot_kurtosis,
    plot_length_mean,
    plot_length_rms,
    plot_length_scaling,
    scaling_figure,
)
from eoc.plotting.maps import (
    expectations_figure,
    maps_figure,
    plot_correlation_map,
    plot_expectations,
    plot_variance_map,
)
from eoc.plotting.phase import phase_figure, plot_phase, plot_two_inputs
from eoc.plotting.regions import (
    plane_figure,
    plot_breakpoints,
    plot_kinks,
    plot_plane,
    regions_figure,
    segment_figure,
)
from eoc.plotting.style import COLUMN, DIVERGING, WIDE, network_name, paper_style, row_figure, stacked_figure
from eoc.plotting.sweep import plot_sweep, sweep_figure
from eoc.plotting.verification import plot_verification, verification_figure

__all__ = [
    "COLUMN",
    "DIVERGING",
    "DRAWN",
    "WIDE",
    "activation_figure",
    "comparison_figure",
    "convergence_figure",
    "correlation_process_figure",
    "diagnosis_figure",
    "diagram_figure",
    "eoc_figure",
    "expectations_figure",
    "gaussianity_figure",
    "initialisation_figure",
    "jacobian_figure",
    "kernel_figure",
    "kernel_picture",
    "length_figure",
    "maps_figure",
    "network_name",
    "paper_style",
    "phase_figure",
    "plane_figure",
    "plot_activation",
    "plot_breakpoints",
    "plot_comparison",
    "plot_condition_numbers",
    "plot_convergence",
    "plot_correlation_map",
    "plot_correlation_process",
    "plot_correlation_spread",
    "plot_diagnosis",
    "plot_diagram",
    "plot_eoc",
    "plot_expectations",
    "plot_isometry",
    "plot_jacobian",
    "plot_kernel",
    "plot_kinks",
    "plot_kurtosis",
    "plot_layers",
    "plot_length_mean",
    "plot_length_rms",
    "plot_length_scaling",
    "plot_phase",
    "plot_place",
    "plot_plane",
    "plot_spectrum",
    "plot_sweep",
    "plot_trajectory",
    "plot_two_inputs",
    "plot_variance_map",
    "plot_variances",
    "plot_verification",
    "regions_figure",
    "row_figure",
    "scaling_figure",
    "segment_figure",
    "shown_range",
    "stacked_figure",
    "sweep_figure",
    "trajectory_figure",
    "verification_figure",
]
