"""``eoc kernel``: data from files, spectra by depth, labels, files that it writes."""

from __future__ import annotations

import numpy as np
import pytest
from test_cli import run, run_json

import eoc
from eoc.cli.kernel_data import prepared, read_data
from eoc.errors import EocError
from eoc.kernels import Kernel, cross_validated, kernels_by_depth
from eoc.plotting import kernel_figure

X = np.random.default_rng(0).standard_normal((12, 3))
Y = (X[:, 0] > 0.0).astype(int)


@pytest.fixture
def folder(tmp_path):
    np.save(tmp_path / "x.npy", X)
    np.savez(tmp_path / "both.npz", x=X, y=Y, other=Y)
    np.save(tmp_path / "y.npy", Y)
    rows = [
        ",".join(map(repr, [*row, f"class {label}"])).replace("'", "") for row, label in zip(X.tolist(), Y, strict=True)
    ]
    (tmp_path / "table.csv").write_text("\n".join(["a,b,c,label", *rows]) + "\n")
    (tmp_path / "labels.txt").write_text("\n".join(map(str, Y)))
    return tmp_path


def test_it_answers_with_the_spectra_of_both_kernels(folder):
    done = run("kernel", "relu", "x.npy", "--depth", "3", "--save", "k.npz", "--plot", "k.png", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("after 3 blocks the NTK of 12 inputs has condition number")
    assert "next: eoc rates relu --sigma-w 1.41421356237" in done.stdout
    saved = Kernel.load(folder / "k.npz")
    unit = X / np.sqrt(np.mean(X * X, axis=1, keepdims=True))
    np.testing.assert_array_equal(saved.ntk, eoc.kernel("relu", unit, depth=3, sigma_w=2**0.5).ntk)
    assert (folder / "k.png").stat().st_size > 1000


def test_its_json_is_complete(folder):
    code, found = run_json(
        "kernel", "erf", str(folder / "both.npz"), "--labels", "y", "--sigma-w", "1.5", "--depth", "2"
    )
    assert code == 0
    assert (found["inputs"], found["features"], found["depth"]) == (12, 3, [1, 2])
    unit = X / np.sqrt(np.mean(X * X, axis=1, keepdims=True))
    exact = eoc.kernel("erf", unit, depth=2, sigma_w=1.5)
    for which in ("nngp", "ntk"):
        spectrum = exact.spectrum(which)
        assert found[which]["condition_number"][1] == pytest.approx(spectrum.condition_number, rel=1e-12)
        assert found[which]["effective_dimension"][1] == pytest.approx(spectrum.effective_dimension)
        assert len(found[which]["eigenvalues"]) == 12
        assert found[which]["score"][1]["value"] == cross_validated(getattr(exact, which), Y).value


@pytest.mark.parametrize(
    ("data", "labels"),
    [
        ("both.npz", "y"),
        ("x.npy", "y.npy"),
        ("x.npy", "labels.txt"),
        ("table.csv", "label"),
    ],
)
def test_labels_come_from_wherever_they_are(folder, data, labels):
    inside = (folder / labels).is_file()
    found = read_data(str(folder / data), str(folder / labels) if inside else labels, 100)
    np.testing.assert_allclose(found.x, X)
    assert [str(one)[-1] if isinstance(one, str) else str(int(one)) for one in found.labels] == [str(y) for y in Y]


def test_rows_are_taken_evenly_and_prepared():
    assert prepared(X, "raw") is X
    np.testing.assert_allclose(np.mean(prepared(X, "unit") ** 2, axis=1), 1.0)
    centred = prepared(X, "standard")
    np.testing.assert_allclose(centred.mean(axis=0), 0.0, atol=1e-15)
    assert np.mean(centred**2) == pytest.approx(1.0)


def test_fewer_inputs_are_asked_for_and_networks_taken(folder):
    code, found = run_json("kernel", "resnet", str(folder / "x.npy"), "--sigma-w", "1", "--depth", "1", "--inputs", "4")
    assert (code, found["inputs"], found["network"]) == (0, 4, "resnet")
    done = run("kernel", "resnet", str(folder / "x.npy"), "--sigma-w", "1", "--depth", "1", "--inputs", "4")
    assert "next: eoc networks" in done.stdout


def test_inputs_that_are_the_same_are_said_to_be(tmp_path):
    np.save(tmp_path / "x.npy", np.ones((3, 2)))
    done = run("kernel", "relu", "x.npy", "--depth", "1", cwd=tmp_path)
    assert "the NTK of 3 inputs is singular: add" in " ".join(done.stdout.split())


def test_numbers_are_predicted_as_numbers(folder):
    scores = cross_validated(X @ X.T, X @ np.array([1.0, -2.0, 0.5]), folds=4)
    assert scores.kind == "R2"
    assert scores.value > 0.8
    (folder / "numbers.txt").write_text("\n".join(map(repr, X[:, 0].tolist())))
    done = run("kernel", "relu", "x.npy", "--labels", "numbers.txt", "--depth", "1", cwd=folder)
    assert "it predicts labels with R2" in " ".join(done.stdout.split())


def test_the_picture_shows_both_kernels():
    figure = kernel_figure(kernels_by_depth("relu", X, depth=[1, 3], sigma_w=1.0, sigma_b=0.1))
    figure.canvas.draw()
    spectrum, condition = figure.axes
    assert [text.get_text() for text in spectrum.get_legend().get_texts()] == ["NNGP", "NTK"]
    assert spectrum.lines[0].get_ydata()[0] == 1.0
    assert condition.lines[0].get_xdata().tolist() == [1, 3]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("relu", "none.npy"), "there is no file none.npy"),
        (("relu", "x.npy", "--prepare", "wrong"), "--prepare takes one of unit, standard, raw"),
        (("relu", "x.npy", "--labels", "nothing"), "no such file"),
        (("relu", "x.npy", "--inputs", "1"), "--inputs must be"),
        (("relu", "x.npy", "--save", "k.csv"), "must end in one of npz"),
        (("relu", "x.npy", "--depth", "-1"), "depth must be"),
        (("relu", "bad.csv"), "its rows differ in length"),
        (("relu", "bad.npy"), "cannot read"),
        (("relu", "unknown.npz"), "as an array x, it has a, b"),
        (("relu, dense(1)", "x.npy", "--sigma-w", "1"), "has no dense without numbers"),
        (("relu", "zero.npy"), "input 0 is zero"),
        (("relu", "x.npy", "--labels", "short.txt"), "12 inputs, and labels of shape (2,)"),
    ],
)
def test_what_cannot_be_used_ends_with_a_sentence(folder, arguments, message):
    (folder / "bad.csv").write_text("1,2\n3\n")
    (folder / "bad.npy").write_text("nothing")
    (folder / "short.txt").write_text("0\n1\n")
    np.savez(folder / "unknown.npz", a=X, b=X)
    np.save(folder / "zero.npy", np.zeros((2, 2)))
    done = run("kernel", *arguments, cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr


@pytest.mark.parametrize(
    ("labels", "folds", "message"),
    [
        (Y[:3], 5, "one for each input"),
        (Y, 1, "folds must be"),
        (np.zeros(12), 5, "all labels are the same"),
        (np.where(Y > 0, np.nan, 0.5), 5, "not finite"),
    ],
)
def test_labels_that_cannot_be_predicted_are_refused(labels, folds, message):
    with pytest.raises(EocError, match=message):
        cross_validated(X @ X.T, labels, folds)


def test_depths_have_to_increase():
    with pytest.raises(EocError, match="increase"):
        kernels_by_depth("relu", X, depth=[3, 1], sigma_w=1.0)
