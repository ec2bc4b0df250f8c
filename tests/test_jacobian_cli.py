"""``eoc jacobian`` in a subprocess, and its pictures."""

import math

import pytest
from matplotlib.figure import Figure
from test_cli import run, run_json

import eoc
from eoc.jacobians import sample_jacobians
from eoc.plotting import jacobian_figure, plot_diagram, plot_isometry, plot_jacobian


def test_it_prints_what_the_function_computes(tmp_path):
    picture = tmp_path / "spectrum.png"
    options = ("--sigma-b", "0.1", "--depth", "20", "--below", "4")
    done = run("jacobian", "tanh", *options, "--plot", str(picture))
    assert done.returncode == 0, done.stderr
    found = eoc.jacobian("tanh", sigma_b=0.1, depth=20, weights="orthogonal")
    assert f"reach {found.largest:.4g}, their mean is 1" in done.stdout.splitlines()[0]
    assert f"{found.variance:.9g}" in done.stdout
    assert f"q <= {eoc.isometry('tanh', 4.0, depth=20).point.q:.4g}" in done.stdout
    assert picture.stat().st_size > 5000


def test_json_has_everything():
    code, answer = run_json("jacobian", "hardtanh", "--q", "0.2", "--depth", "10", "--below", "4")
    found = eoc.jacobian("hardtanh", q=0.2, depth=10, weights="orthogonal")
    assert (code, answer["activation"]) == (0, "hardtanh")
    for name in ("weights", "depth", "sigma_w", "sigma_b", "q", "chi_1", "variance", "largest", "largest_error"):
        assert answer[name] == getattr(found, name), name
    assert answer["moments"] == found.moments.tolist()
    assert [atom["value"] for atom in answer["atoms"]] == [0.0, found.largest]
    assert answer["isometry"]["ranges"][0][0] == 0.0
    assert run_json("jacobian", "tanh", "--sigma-w", "3", "--q", "0.1", "--depth", "2")[1]["sigma_b"] == "nan"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("tanh", "--depth", "0"), "depth must be a whole number"),
        (("tanh", "--weights", "dense"), "weights must be 'gaussian' or 'orthogonal'"),
        (("sign", "--sigma-w", "1", "--q", "1"), "jumps"),
        (("tanh", "--below", "-1"), "largest must be > 0"),
        (("tanh", "--sigma-w", "0", "--q", "1"), "sigma_w must be > 0"),
    ],
)
def test_bad_input_is_refused_with_a_sentence(arguments, words):
    done = run("jacobian", *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_pictures_show_densities_atoms_and_networks():
    spectra = [eoc.jacobian("hardtanh", q=0.2, depth=4, weights=weights) for weights in ("orthogonal", "gaussian")]
    networks = sample_jacobians(spectra[0], width=30, networks=5)
    ax = plot_jacobian(spectra, Figure().subplots(), squared=networks.squared)
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert {"networks", "orthogonal, $L = 4$", "gaussian, $L = 4$"} <= set(labels)
    assert ax.get_xlim()[1] > max(one.largest for one in spectra)
    assert jacobian_figure(eoc.jacobian("x*x/4 + x", 1.0, q=0.1, depth=2)).axes
    assert math.isnan(eoc.jacobian("tanh", 3.0, q=0.1, depth=2).sigma_b)


def test_a_phase_diagram_shows_where_the_largest_singular_value_stays_small():
    diagram = eoc.phase_diagram("hardtanh", sigma_w=[0.9, 1.1, 1.3], sigma_b=[0.0, 0.2, 0.4])
    ax = plot_diagram(diagram, "chi_1", Figure().subplots())
    limits = ax.get_xlim(), ax.get_ylim()
    found = eoc.isometry("hardtanh", 4.0, depth=10)
    plot_isometry([found, eoc.isometry("relu", 4.0, depth=2)], ax)
    assert (ax.get_xlim(), ax.get_ylim()) == limits
    (line,) = [one for one in ax.lines if one.get_label().endswith("$L = 10$")]
    assert line.get_xdata()[-1] == pytest.approx(found.point.sigma_b, rel=1e-9)
    assert line.get_ydata()[-1] == pytest.approx(found.point.sigma_w, rel=1e-12)
