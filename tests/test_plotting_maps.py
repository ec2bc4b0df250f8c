"""Pictures of the maps and of a phase show the fixed points, the scales and the laws, and name their network."""

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from typer.testing import CliRunner

from eoc.activations import activation
from eoc.cli import app
from eoc.errors import EocError
from eoc.maps import CorrelationMap, VarianceMap
from eoc.phase import phases
from eoc.plotting import (
    expectations_figure,
    maps_figure,
    phase_figure,
    plot_correlation_map,
    plot_expectations,
    plot_two_inputs,
    plot_variance_map,
)

TWO_VARIANCES = ("0.5*tanh(4*x) + tanh(x**3/30)*3", 1.3, 0.1)  # settles at 0.38 or 4.30, chaotic at both


def drawn(figure):
    """The axes, after everything was drawn: warnings are errors."""
    figure.canvas.draw()
    return figure.axes


def names(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def dots(ax):
    """Where the fixed points are, by how they are filled."""
    marks = [line for line in ax.lines if line.get_marker() == "o"]
    return sorted((float(line.get_xdata()[0]), line.get_fillstyle()) for line in marks)


def phase_axes(*network):
    return drawn(phase_figure(phases(*network)))


@pytest.mark.parametrize("network", [("silu", 1.6, 0.2), ("tanh", 1.0, 0.0), ("relu", 2.0, 0.0), TWO_VARIANCES])
def test_every_finite_fixed_point_of_the_variance_map_has_a_dot(network):
    variance = VarianceMap(*network)
    ax = plot_variance_map(variance, Figure().subplots())
    fills = {"stable": "full", "unstable": "none", "marginal": "left"}
    assert dots(ax) == [(p.q, fills[p.stability]) for p in variance.fixed_points if not p.diverges]
    q, values = ax.lines[0].get_data()
    np.testing.assert_array_equal(values, variance(q))
    assert all(q[0] <= at <= q[-1] for at, _ in dots(ax))


@pytest.mark.parametrize("network", [("tanh", 2.5, 0.3), ("sin", 3.0, 0.3), ("sign", 1.0, 0.1)])
def test_every_fixed_point_of_the_correlation_map_has_a_dot(network):
    f = CorrelationMap(*network)
    ax = plot_correlation_map(f, Figure().subplots())
    assert dots(ax) == [(p.c, "full" if p.stable else "none") for p in f.fixed_points]
    c, values = ax.lines[0].get_data()
    np.testing.assert_allclose(values, f(c), atol=1e-12)


def test_maps_that_are_the_identity_say_so():
    f, c, e = phase_axes("identity", 1.0, 0.0)
    assert names(f) == ["every $q$ is kept"]
    assert names(c) == ["every $c$ is kept"]
    assert names(e) == ["$c_0 = 0.1$", "$c_0 = 0.999$"]


def test_where_variances_diverge_the_variance_map_is_alone():
    (ax,) = phase_axes("gelu", 1.9, 0.3)
    assert names(ax) == ["variances diverge"]


def test_off_the_edge_the_depth_scale_is_marked_and_layers_go_to_six_of_it():
    (p,) = phases("tanh", 1.0, 0.3)
    ax = plot_two_inputs(p, Figure().subplots())
    (mark,) = (line for line in ax.lines if str(line.get_label()).startswith(r"$\xi_c"))
    assert set(mark.get_xdata()) == {p.xi_c}
    assert ax.get_xlim()[1] == np.ceil(6.0 * p.xi_c)
    layers, e = ax.lines[0].get_data()
    np.testing.assert_allclose(e, p.correlation.iterate(layers, c=0.1).value, rtol=1e-9)


def test_on_the_edge_the_law_is_drawn():
    (p,) = phases("relu", 2.0**0.5, 0.0)
    ax = plot_two_inputs(p, Figure().subplots())
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert names(ax)[-1] == r"$\kappa / \ell^2$, $\kappa = 44.41$"
    layers, law = ax.lines[-1].get_data()
    np.testing.assert_allclose(law * layers**2, 4.5 * np.pi**2)


def test_several_ends_have_a_colour_each_and_are_told_apart():
    f, c, e = phase_axes(*TWO_VARIANCES)
    assert f.get_xscale() == "linear"
    assert names(c)[:2] == ["$q = 0.38$", "$q = 4.3$"]
    assert sum(name.startswith("$q = ") for name in names(e)) == 4  # xi_c and c* of both
    assert [line.get_color() for line in e.lines] == ["C0"] * 4 + ["C1"] * 4


def test_fixed_points_far_apart_are_on_logarithmic_axes():
    ax = plot_variance_map(VarianceMap("x*sigmoid(1.702*x)", 1.5, 0.1), Figure().subplots())
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert dots(ax)[-1][0] > 30.0 * dots(ax)[0][0]


def test_titles_name_the_network():
    figure = maps_figure(VarianceMap("gelu", 1.45, 0.2), [])
    assert figure.get_suptitle() == r"gelu, $\sigma_w = 1.45$, $\sigma_b = 0.2$"
    assert len(drawn(figure)) == 1


def test_colours_are_those_of_the_house_when_a_picture_is_saved(tmp_path):
    from matplotlib import color_sequences, image

    figure = maps_figure(VarianceMap("tanh", 1.5, 0.2), [])
    figure.savefig(tmp_path / "a.png", dpi=100)
    pixels = {to_hex(p) for p in image.imread(tmp_path / "a.png")[..., :3].reshape(-1, 3)}
    assert to_hex(color_sequences["petroff10"][0]) in pixels
    assert to_hex(color_sequences["tab10"][0]) not in pixels  # Matplotlib's own, which the dots would have


def test_expectations_that_change_sign_are_dashed_where_they_are_negative():
    (ax,) = drawn(expectations_figure(activation("gelu"), [0.1, 1.0, 10.0]))
    assert names(ax)[-1] == "negative"
    assert r"$\mathrm{E}[\phi^2]$" in names(ax)
    positive, negative, given = ax.lines[-3:]  # of E[phi phi''], which is negative at large q
    assert np.isnan(positive.get_ydata()[-1])
    assert np.isnan(negative.get_ydata()[0])
    assert given.get_xdata().tolist() == [0.1, 1.0, 10.0]


@pytest.mark.parametrize(
    "command",
    [("phase", "tanh", "--sigma-w", "1.0", "--sigma-b", "0.3"), ("maps", "tanh"), ("maps", "relu", "--sigma-w", "1.2")],
)
def test_commands_write_pictures(command, tmp_path):
    picture = tmp_path / "picture.svg"
    done = CliRunner().invoke(app, [*command, "--plot", str(picture)])
    assert done.exit_code == 0, done.output
    assert picture.read_text().startswith("<?xml")


def test_expectations_at_no_variance_make_no_picture() -> None:
    with pytest.raises(EocError, match="needs a variance q > 0"):
        plot_expectations(activation("erf"), [0.0], Figure().subplots())
