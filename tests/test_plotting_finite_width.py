"""Pictures of finite networks show all there is."""

import dataclasses

import numpy as np
import pytest

from eoc.montecarlo.experiments.correlations import correlation_process
from eoc.montecarlo.experiments.gaussianity import gaussianity
from eoc.montecarlo.experiments.lengths import length_process
from eoc.montecarlo.experiments.scaling import length_scaling
from eoc.plotting import correlation_process_figure, gaussianity_figure, length_figure, scaling_figure

TANH = ("tanh", 1.2, 0.2)


def drawn(figure):
    """The axes, after everything was drawn: warnings are errors."""
    figure.canvas.draw()
    return figure.axes


@pytest.fixture(scope="module")
def correlations():
    return correlation_process("tanh", 1.0749134, 0.02377912, width=200, depth=30, networks=20, seed=1, c=0.1)


def test_all_quantiles_are_inside_the_axes(correlations):
    top, _ = drawn(correlation_process_figure(correlations))
    assert top.get_ylabel() == "$c_\\ell$"
    c = 1.0 - correlations.quantiles
    low, high = top.get_ylim()
    assert low < c.min() < c.max() < high
    assert c.max() - c.min() > 0.5 * (high - low)
    outer = top.collections[0].get_datalim(top.transData)
    assert (outer.y0, outer.y1) == pytest.approx((c.min(), c.max()))


def test_one_layer_shows_its_theory():
    run = length_process(*TANH, width=20, depth=1, networks=50, seed=1, q=0.5)
    top, bottom = drawn(length_figure(run))
    for ax in (top, bottom):
        assert ax.get_lines()[-1].get_marker() == "_"
        assert ax.get_xticks().tolist() == [1]
    assert bottom.get_legend() is None
    kurtosis = gaussianity(*TANH, width=20, depth=1, networks=50, seed=1, q=0.5)
    (ax,) = drawn(gaussianity_figure(kurtosis))
    assert ax.get_lines()[-1].get_marker() == "_"


def test_values_of_many_sizes_are_on_a_logarithmic_axis():
    run = length_process("relu", 2.0**0.5, width=100, depth=8, networks=50, seed=1, q=1.0)
    assert [ax.get_yscale() for ax in drawn(length_figure(run))] == ["linear", "linear"]
    deep = length_process("relu", 2.0**0.5, width=100, depth=100, networks=200, seed=1, q=1.0)
    assert [ax.get_yscale() for ax in drawn(length_figure(deep))] == ["log", "symlog"]


def test_theory_of_gaussian_weights_is_called_so():
    settings = {"depth": 3, "networks": 20, "seed": 1, "q": 0.5, "weights": "student_t(1)"}
    top, _ = drawn(length_figure(length_process(*TANH, width=20, **settings)))
    (line,) = (line for line in top.get_lines() if line.get_label() == "Gaussian weights")
    assert (line.get_linestyle(), line.get_color()) == ("--", "0.55")
    (ax,) = drawn(scaling_figure(length_scaling(*TANH, widths=[10, 20], **settings)))
    assert ax.get_legend_handles_labels()[1].count("Gaussian weights") == 1


def test_widths_are_the_ticks_and_do_not_overlap():
    scaling = length_scaling(*TANH, widths=[30, 32, 100, 300], depth=2, networks=20, seed=1, q=0.5)
    (ax,) = drawn(scaling_figure(scaling))
    assert [label.get_text() for label in ax.get_xticklabels()] == ["30", "100", "300"]
    assert not [label for label in ax.get_xticklabels(minor=True) if label.get_text()]
    reordered = dataclasses.replace(scaling, runs=scaling.runs[::-1])
    assert np.array_equal(drawn(scaling_figure(reordered))[0].get_xticks(), ax.get_xticks())
