"""Activations from files with tables: what is read, what is refused and where, and who takes them."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from eoc.activations import activation
from eoc.activations.imported import from_source
from eoc.activations.table_file import from_table
from eoc.cli import app
from eoc.criticality import edge_of_chaos
from eoc.errors import EocError
from eoc.layers import network
from eoc.sweeps import open_sweep, run_sweep

HARDTANH = "-2,-1\n-1,-1\n1,1\n2,1\n"
numbers = st.floats(-50, 50).map(lambda v: round(v, 3))


def written(folder: Path, text: str, name: str = "learned.csv") -> str:
    (folder / name).write_text(text)
    return str(folder / name)


@pytest.mark.parametrize(
    "text",
    [
        HARDTANH,
        "x,phi\n" + HARDTANH,
        "# of a network\n\nx, phi(x)\n" + HARDTANH.replace("\n", "\n\n"),
        HARDTANH.replace(",", ";"),
        HARDTANH.replace(",", " \t "),
        "\ufeff" + HARDTANH.replace("\n", "\r\n"),
    ],
)
def test_tables_are_read_with_and_without_a_header(text: str, tmp_path: Path) -> None:
    phi, same = from_table(written(tmp_path, text)), activation("hardtanh")
    x = np.linspace(-4, 4, 33)
    assert phi(x).tolist() == same(x).tolist()
    assert [b.x for b in phi.kinks] == [-1.0, 1.0]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(points=st.dictionaries(numbers, numbers, min_size=2, max_size=40))
def test_a_table_is_the_spline_through_its_points(points: dict[float, float], tmp_path: Path) -> None:
    ordered = sorted(points.items())
    phi = activation(written(tmp_path, "\n".join(f"{x!r},{y!r}" for x, y in ordered)))
    assert phi([x for x, _ in ordered]).tolist() == [y for _, y in ordered]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["no rows", "two points or more"]),
        ("x,phi\n0,1\n", ["one row", "two points or more"]),
        ("x,phi\n0,1\n1,nan\n", ["line 3, column 2", "nan is not finite"]),
        ("0,1\n-inf,2\n", ["line 2, column 1", "-inf is not finite"]),
        ("0,1\n1,a\n", ["line 2, column 2", "'a' is no number"]),
        ("x,1\n1,2\n2,3\n", ["line 1, column 1", "'x' is no number"]),  # half a header
        ("0,1\n1,\n", ["line 2, column 2", "'' is no number"]),
        ("0,1\n1,2,3\n", ["line 2", "two columns", "got 3"]),
        ("0\n1\n", ["line 1", "two columns", "got 1"]),
        ("0,1\n# here\n1,2\n1,3\n", ["line 4, column 1", "x = 1 is there twice, in line 3 already"]),
        ("0,1\n2,2\n1,3\n", ["line 3, column 1", "x = 1 comes after 2", "sort the rows"]),
        ("0,0\n1e-9,1\n", ["slope between knots 0.0 and 1e-09"]),
        ("\n".join(f"{x},0" for x in range(2001)), ["2001 rows", "at most 2000"]),
    ],
)
def test_what_is_wrong_is_named_with_its_place(text: str, words: list[str], tmp_path: Path) -> None:
    with pytest.raises(EocError) as error:
        from_table(written(tmp_path, text))
    assert all(word in str(error.value) for word in ["learned.csv", *words]), str(error.value)


def test_files_that_are_not_there_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(EocError, match=r"there is no file nowhere\.csv in "):
        from_table("nowhere.csv", str(tmp_path))
    (tmp_path / "picture.csv").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(EocError, match=r"picture\.csv cannot be read"):
        from_table("picture.csv", str(tmp_path))


def test_tables_can_be_pickled_without_their_files(tmp_path: Path) -> None:
    name = written(tmp_path, HARDTANH)
    sent = pickle.dumps(from_table(name))
    Path(name).unlink()
    assert pickle.loads(sent)([0.5, 3.0]).tolist() == [0.5, 1.0]


def test_tables_are_found_beside_what_names_them(tmp_path: Path) -> None:
    written(tmp_path, HARDTANH)
    assert from_source("learned.csv", str(tmp_path)).name == "learned.csv"


def test_tables_in_networks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also if they are called as a layer is."""
    monkeypatch.chdir(tmp_path)
    written(tmp_path, HARDTANH, "dense.csv")
    assert network("residual(dense.csv, dense(0.5)), dense").name == "residual(dense.csv, dense(0.5)), dense"
    found = CliRunner().invoke(app, ["init", "dense.csv", "--sigma-b", "0.5"])
    assert found.exit_code == 0, found.output
    same = CliRunner().invoke(app, ["init", "hardtanh", "--sigma-b", "0.5"])
    assert [line for line in found.output.splitlines() if "sigma_w  " in line] == [
        line for line in same.output.splitlines() if "sigma_w  " in line
    ]


def test_commands_name_the_place_of_an_error(tmp_path: Path) -> None:
    found = CliRunner().invoke(app, ["describe", written(tmp_path, "0,1\n1,nan\n")])
    assert "line 2, column 2: nan is not finite" in str(found.exception)


SWEEP = """\
schema: 1
task: edge_of_chaos
axes:
  activation:
    [learned.csv, "era(target=x*tanh(x))", "polynomial([0, 1, 0, -0.2], basis=hermite)", "pau(published=tanh)"]
  sigma_b: [0.1, 0.5]
"""


def test_sweeps_take_tables_and_families(tmp_path: Path) -> None:
    written(tmp_path, HARDTANH)
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    run_sweep(tmp_path / "sweep.yaml", store=tmp_path / "out.zarr", workers=1)
    data = open_sweep(tmp_path / "out.zarr")
    found = data["sigma_w"].sel(activation="learned.csv").to_numpy()
    alone = [edge_of_chaos("hardtanh", sigma_b=b).best.sigma_w for b in (0.1, 0.5)]
    assert found == pytest.approx(alone, rel=1e-13)
    assert np.isfinite(data["sigma_w"].sel(activation="pau(published=tanh)")).all()


def test_sweeps_refuse_bad_tables_before_they_run(tmp_path: Path) -> None:
    written(tmp_path, "0,1\n0,2\n")
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    with pytest.raises(EocError, match=r"learned\.csv, line 2, column 1: x = 0 is there twice"):
        run_sweep(tmp_path / "sweep.yaml", store=tmp_path / "out.zarr")
