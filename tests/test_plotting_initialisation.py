"""The picture of an initialisation: where it is on the edge of chaos, and what its layers do."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from typer.testing import CliRunner

import eoc
from eoc.cli import app
from eoc.plotting import initialisation_figure, plot_layers, plot_place
from eoc.recommendation import judged


def lines(ax, label):
    return [line for line in ax.lines if line.get_label() == label]


def layers_of(activation, depth):
    place = eoc.recommend(activation, depth)
    return place, plot_layers(eoc.activation(activation), place, Figure().subplots())


def test_layers_show_what_the_recommendation_says_of_the_last_one():
    place, ax = layers_of("gelu", 20)
    (e,) = lines(ax, "$1 - c_\\ell$")
    assert e.get_xdata()[-1] == 20.0
    assert e.get_ydata()[[0, -1]] == pytest.approx([0.7, place.one_minus_c], rel=1e-9)
    (gradient,) = lines(ax, "gradient")
    assert gradient.get_ydata()[0] == pytest.approx(place.gradient_ratio)


def test_variances_start_on_both_sides_of_q_and_follow_the_map():
    place, ax = layers_of("tanh", 10)
    (above,), (below,) = lines(ax, "$q_\\ell / q$"), [line for line in ax.lines if line.get_label() == "_"]
    assert (above.get_ydata()[0], below.get_ydata()[0]) == pytest.approx((2.0, 0.5))
    variance = eoc.VarianceMap("tanh", place.sigma_w, place.sigma_b)
    np.testing.assert_allclose(variance(above.get_ydata()[:-1] * place.q), above.get_ydata()[1:] * place.q, rtol=1e-12)


def test_a_variance_that_runs_away_ends_instead_of_overflowing():
    (point,) = eoc.edge_of_chaos("silu", sigma_b=0.2).points  # unstable
    phi = eoc.activation("silu")
    ax = plot_layers(phi, judged(phi, point, 1000), Figure().subplots())
    (above,) = lines(ax, "$q_\\ell / q$")
    seen = np.isfinite(above.get_ydata())
    assert 100 < seen.sum() < 1000
    assert seen[: seen.sum()].all()


@pytest.mark.parametrize(("activation", "sigma_b_max"), [("tanh", 1.0), ("softplus", 1.0), ("relu", 1.0)])
def test_the_place_is_a_star_inside_the_picture(activation, sigma_b_max):
    place = eoc.recommend(activation)
    ax = plot_place(eoc.eoc_curve(activation, sigma_b_max=sigma_b_max), place, Figure().subplots())
    (star,) = (line for line in ax.lines if line.get_marker() == "*" and line.get_xdata().size)
    assert (star.get_xdata()[0], star.get_ydata()[0]) == (place.sigma_b, place.sigma_w)
    assert ax.get_xlim()[0] <= place.sigma_b <= ax.get_xlim()[1]
    assert ax.get_ylim()[0] <= place.sigma_w <= ax.get_ylim()[1]


def test_the_title_names_the_network_and_its_depth():
    place = eoc.recommend("tanh", 10)
    figure = initialisation_figure(eoc.activation("tanh"), eoc.eoc_curve("tanh", sigma_b_max=1.0), place)
    figure.canvas.draw()
    assert figure.get_suptitle().startswith("tanh, $\\sigma_w = ")
    assert figure.get_suptitle().endswith("10 layers")
    (shaded,) = figure.axes[0].patches
    assert shaded.get_x() == pytest.approx(-1.96 * place.q**0.5)


def test_eoc_init_draws_its_answer(tmp_path):
    picture = tmp_path / "tanh.svg"
    done = CliRunner().invoke(app, ["init", "tanh", "--sigma-b", "0.2", "--depth", "5", "--plot", str(picture)])
    assert done.exit_code == 0, done.output
    assert picture.read_text().startswith("<?xml")


def test_without_a_place_there_is_no_picture_and_that_is_said(tmp_path):
    picture = tmp_path / "sign.png"
    done = CliRunner().invoke(app, ["init", "sign", "--plot", str(picture)])
    assert done.exit_code == 3
    assert "no picture is written" in done.output
    assert not picture.exists()
