"""Pictures name what they show, say what their colours mean, and are not flattened by what is large."""

import numpy as np
import pytest

from eoc.activations import activation
from eoc.convergence import convergence_of
from eoc.criticality import eoc_curve
from eoc.maps import CorrelationMap
from eoc.montecarlo.experiments.correlations import correlation_process
from eoc.montecarlo.experiments.lengths import length_process
from eoc.phase import phase_diagram
from eoc.plotting import (
    activation_figure,
    convergence_figure,
    correlation_process_figure,
    diagram_figure,
    length_figure,
    trajectory_figure,
)
from eoc.plotting.style import key_columns, shown_name
from eoc.propagation import propagate

TANH = ("tanh", 1.2, 0.2)
NAME = r"tanh, $\sigma_w = 1.2$, $\sigma_b = 0.2$"


def drawn(figure):
    """The figure, after everything was drawn: warnings are errors."""
    figure.canvas.draw()
    return figure


def key(figure):
    return [text.get_text() for text in drawn(figure).axes[0].get_legend().get_texts()]


def test_titles_name_activation_and_sigmas_in_this_order():
    settings = {"width": 20, "depth": 3, "networks": 20, "seed": 1}
    figures = [
        trajectory_figure(propagate(*TANH, q=1.0, c=0.1, depth=5)),
        convergence_figure(convergence_of(CorrelationMap(*TANH), 100)),
    ]
    assert [drawn(figure).get_suptitle() for figure in figures] == [NAME, NAME]
    with_width = [
        length_figure(length_process(*TANH, q=0.5, **settings)),
        correlation_process_figure(correlation_process(*TANH, c=0.1, **settings)),
    ]
    assert [drawn(figure).get_suptitle() for figure in with_width] == [f"{NAME}, $N = 20$"] * 2


def test_long_names_are_cut_and_dollars_are_no_mathematics():
    assert len(shown_name("x*sigmoid(1.702*x) + " * 5)) == 28
    figure = activation_figure(activation("x*sigmoid(1.702*x) + 0.001*tanh(x) + 0.002*sin(x)"))
    assert drawn(figure).get_suptitle().endswith("\N{HORIZONTAL ELLIPSIS}")
    assert shown_name("a$b.py:phi") == r"a\$b.py:phi"


@pytest.mark.parametrize("formula", ["sqrt(abs(x))", "tanh(1000*x)"])
def test_a_steep_slope_does_not_flatten_the_activation(formula):
    ax = drawn(activation_figure(activation(formula))).axes[0]
    low, high = ax.get_ylim()
    phi = ax.lines[0].get_ydata()
    assert high - low < 10.0 * np.ptp(phi)
    assert low <= phi.min() <= phi.max() <= high


def test_kinks_and_jumps_have_a_name():
    assert key(activation_figure(activation("relu6")))[-1] == "kinks"
    assert key(activation_figure(activation("sign")))[-1] == "jumps"


def test_grey_says_why():
    found = phase_diagram("gelu", np.linspace(1.0, 2.0, 5), np.linspace(0.0, 1.0, 4))
    edge = eoc_curve("gelu", sigma_b_max=1.0)
    assert key(diagram_figure(found, "q", edge)) == ["variances diverge or 0", "edge of chaos", "not stable"]
    assert key(diagram_figure(found, "chi_1", edge)) == ["edge of chaos", "not stable"]
    linear = phase_diagram("tanh", [1.0, 2.0], [0.0, 0.1])  # at (1, 0) every correlation is kept
    assert key(diagram_figure(linear, "xi_c")) == ["infinite"]
    assert key(diagram_figure(linear, "c_star")) == ["not defined"]


def test_a_point_is_the_edge_of_chaos():
    found = phase_diagram("relu", [1.0, 2.0], [0.0, 0.1])
    assert key(diagram_figure(found, "phase", eoc_curve("relu")))[-1] == "edge of chaos"


def test_keys_are_not_wider_than_the_axes():
    assert key_columns(["ordered", "chaotic"]) >= 2
    assert key_columns(["a", "b", "c"]) == 3
    assert key_columns(["variances diverge or infinite", "edge of chaos", "not stable"]) == 1
