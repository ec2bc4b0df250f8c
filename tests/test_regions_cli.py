"""``eoc regions`` and ``eoc symmetry`` in a subprocess, and their pictures."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure
from piecewise import drawn
from test_cli import run, run_json

from eoc.errors import EocError
from eoc.plotting import plane_figure, plot_breakpoints, plot_kinks, plot_plane, regions_figure, segment_figure
from eoc.regions import along, dense, expected, plane


def test_it_prints_what_is_expected(tmp_path):
    picture = tmp_path / "kinks.png"
    done = run("regions", "hardtanh", "--sigma-w", "2.5", "--sigma-b", "0.3", "--width", "100", "--plot", str(picture))
    assert done.returncode == 0, done.stderr
    found = expected("hardtanh", 2.5, 0.3, depth=10, circle=1.0)
    assert f"{found.layers[2].kinks[0]:.12g}"[:10] in done.stdout
    assert f"regions: {found.regions(100):.6g} with 100 units in every layer" in done.stdout
    assert picture.stat().st_size > 5000
    code, answer = run_json("regions", "relu, dense(1.4, 0.1)", "--between", "1,2,0.5", "--depth", "3", "--width", "7")
    same = expected("relu, dense(1.4, 0.1)", depth=3, segment=(1.0, 2.0, 0.5))
    assert (code, answer["curve"], answer["sigma_w"]) == (0, "segment", None)
    assert answer["layers"] == same.to_dict()["layers"]
    assert answer["regions"] == same.regions(7)


def test_two_networks_are_compared(tmp_path):
    rng = np.random.default_rng(0)
    W, b, V = rng.normal(size=(6, 3)), rng.normal(size=6), rng.normal(size=(2, 6))
    np.savez(tmp_path / "a.npz", W=W, b=b, V=V)
    np.savez(tmp_path / "b.npz", W=2 * W[::-1], b=2 * b[::-1], V=V[:, ::-1] / 2, c=np.zeros(2))
    np.savez(tmp_path / "c.npz", W=np.repeat(W, 2, 0), b=np.repeat(b, 2), V=np.repeat(V, 2, 1) / 2, c=np.ones(2))
    done = run("symmetry", "a.npz", "b.npz", cwd=tmp_path)
    assert done.stdout.startswith("both are the same function: the same kinks, slopes and constants.")
    assert "differ by the constant" in run("symmetry", "a.npz", "c.npz", cwd=tmp_path).stdout
    assert run("symmetry", "c.npz", cwd=tmp_path).stdout.startswith("the network needs 6 of its 12 neurons.")
    code, answer = run_json("symmetry", str(tmp_path / "a.npz"), str(tmp_path / "c.npz"))
    assert (code, answer["same"]) == (0, False)
    assert [one["fewest"] for one in answer["networks"]] == [6, 6]
    assert [one["neurons"] for one in answer["networks"]] == [6, 12]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("regions", "tanh", "--sigma-w", "1"), "has no kinks"),
        (("regions", "relu", "--circle", "1", "--between", "1,1,0"), "not both"),
        (("regions", "relu", "--between", "1,1"), "must be (q_a, q_b, c)"),
        (("regions", "relu", "--depth", "0"), "depth"),
        (("regions", "relu", "--width", "0"), "widths must be"),
        (("symmetry", "nothing.npz"), "cannot read nothing.npz"),
        (("symmetry", "a.npz", "b.npz", "c.npz"), "one or two files"),
    ],
)
def test_bad_input_is_refused_with_a_sentence(arguments, words):
    done = run(*arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_without_weights_is_refused(tmp_path):
    np.savez(tmp_path / "a.npz", W=np.eye(2))
    done = run("symmetry", "a.npz", cwd=tmp_path)
    assert (done.returncode, "V is missing" in done.stderr) == (2, True)


def test_pictures(tmp_path):
    several = [expected("relu", 2**0.5, b, depth=4, circle=1.0) for b in (0.0, 0.5)]
    ax = plot_kinks(several, Figure().subplots(), counted=[None, several[1].per_neuron])
    assert len(ax.get_legend().get_texts()) == 2
    assert len(ax.lines) == 3
    net = drawn(np.random.default_rng(0), "relu", 1.5, 0.5, 8, 2, 2)
    segment = along(net, [-1, -1], [1, 1])
    drawn_lines = plot_breakpoints(segment, Figure().subplots()).lines
    assert [line.get_ydata()[-1] for line in drawn_lines] == segment.per_layer.tolist()
    cells = plane(net, [0, 0], [1, 0], [0, 1])
    for colour in ("output", "map", "area"):
        (polygons,) = plot_plane(cells, Figure().subplots(), colour).collections
        assert len(polygons.get_paths()) == cells.cells
    with pytest.raises(EocError, match="'output', 'map' or 'area'"):
        plot_plane(cells, Figure().subplots(), "grey")
    exact = plane(dense([[["1", 0], [0, 1]], [[1, 1]]]), [0, 0], [1, 0], [0, 1], shape="square")
    for figure in (regions_figure(several[0]), segment_figure(segment), plane_figure(cells), plane_figure(exact)):
        figure.savefig(tmp_path / "one.png")
