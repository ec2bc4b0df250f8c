"""The examples in configs/: each runs, here at reduced size, and shows what its comment says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import eoc
from eoc.cli import app
from eoc.sweeps import read_sweep

CONFIGS = Path(__file__).parents[1] / "configs"
NAMES = sorted(path.stem for path in CONFIGS.glob("*.yaml"))
REDUCED = {
    "convergence_rates": ["axes.activation=[relu, tanh]", "axes.sigma_b=[0.0, 1.0]", "axes.depth=[10, 1000000]"],
    "eoc_curves": ["axes.activation=[tanh, gelu, shifted_softplus]", "axes.sigma_b.num=5"],
    "initialisation_table": ["axes.activation=[relu, tanh, gelu, sign]"],
    "length_process": [
        "axes.width.num=3",
        "axes.width.stop=256",
        "axes.networks={grid: linspace, start: 200, stop: 100, num: 3}",
    ],
    "poole_grid": ["axes.sigma_b.num=3", "axes.sigma_w.num=9"],
    "schoenholz_phase_diagram": ["axes.sigma_b.num=3", "axes.sigma_w.num=20"],
}


def commands(name):
    """The commands in the comment of a configuration, without ``eoc``."""
    text = (CONFIGS / f"{name}.yaml").read_text(encoding="utf-8")
    return [shlex.split(line)[1:] for line in re.findall(r"^#   (eoc .*)$", text, re.MULTILINE)]


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    """All of them at reduced size, by name."""
    folder = tmp_path_factory.mktemp("configs")
    for name in NAMES:
        summary = eoc.run_sweep(read_sweep(CONFIGS / f"{name}.yaml", REDUCED[name]), folder / f"{name}.zarr", workers=1)
        assert summary.done == summary.points
    return {name: eoc.open_sweep(folder / f"{name}.zarr") for name in NAMES}, folder


@pytest.mark.parametrize("name", NAMES)
def test_the_commands_in_its_comment_work(stores, name, monkeypatch):
    monkeypatch.chdir(stores[1])
    first, *others = commands(name)
    assert first == ["sweep", "run", f"configs/{name}.yaml"]
    assert others
    for command in others:
        done = CliRunner().invoke(app, command)
        assert done.exit_code == 0, done.output
    pictures = sum(command[1] == "plot" for command in others)
    assert len(list(stores[1].glob(f"{name}*.png"))) == pictures


def test_the_configuration_in_the_documentation_runs(tmp_path):
    (text,) = re.findall(r"```yaml\n(.*?)```", (CONFIGS.parent / "docs" / "sweeps.md").read_text(), re.DOTALL)
    (tmp_path / "rates.yaml").write_text(text)
    sweep = read_sweep(tmp_path / "rates.yaml", ["axes.sigma_b.num=2"])
    assert eoc.run_sweep(sweep, tmp_path / "rates.zarr", workers=1).done == 8


def test_what_their_comments_promise(stores):
    found, _ = stores
    curves, gelu = found["eoc_curves"], eoc.edge_of_chaos("gelu", sigma_b=2.0).best
    np.testing.assert_allclose(curves.sigma_w.sel(activation="gelu", sigma_b=2.0), gelu.sigma_w, rtol=1e-13)
    assert np.isnan(curves.sigma_w.sel(activation="shifted_softplus")).all()
    assert np.isnan(curves.sigma_w.sel(activation="gelu", sigma_b=0.01))

    rates = found["convergence_rates"].isel(depth=-1)
    np.testing.assert_allclose(rates.measured_exponent, [2.0, 1.0], rtol=1e-3)
    assert rates.constant[0] == pytest.approx(9 * np.pi**2 / 2)

    poole = found["poole_grid"].sel(sigma_b=0.0)
    assert poole.c_star.sel(sigma_w=5.0) == 0.0  # tanh without biases: at a right angle
    table = found["initialisation_table"]
    assert table.sigma_w.sel(activation="relu") == pytest.approx(2**0.5)
    assert np.isnan(table.sigma_w.sel(activation="sign"))
    xi = found["schoenholz_phase_diagram"].xi_c
    assert (xi.max("sigma_w") > 10.0 * xi.min("sigma_w")).all()
    lengths = found["length_process"]
    assert (lengths.agrees == 1).all()
    assert lengths.width.values.tolist() == [16, 64, 256]
