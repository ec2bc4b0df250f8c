"""The examples in configs/: each runs, here at reduced size, and shows what its comment says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from training import NEEDS_TRAINING, TRAINING, marked
from typer.testing import CliRunner

import eoc
from eoc.cli import app
from eoc.sweeps import read_sweep

CONFIGS = Path(__file__).parents[1] / "configs"
FULL = "trainability_full"  # takes days, and files that are not here
NAMES = [marked(name) for name in sorted(path.stem for path in CONFIGS.glob("*.yaml")) if name != FULL]
REDUCED = {
    "convergence_rates": ["axes.activation=[relu, tanh]", "axes.sigma_b=[0.0, 1.0]", "axes.depth=[10, 1000000]"],
    "critical_blocks": ["axes.sigma_b=[0.3, 1.0]"],
    "eoc_curves": ["axes.activation=[tanh, gelu, shifted_softplus]", "axes.sigma_b.num=5"],
    "initialisation_table": ["axes.activation=[relu, tanh, gelu, sign]"],
    "length_process": [
        "axes.width.num=3",
        "axes.width.stop=256",
        "axes.networks={grid: linspace, start: 200, stop: 100, num: 3}",
    ],
    "poole_grid": ["axes.sigma_b.num=3", "axes.sigma_w.num=9"],
    "schoenholz_phase_diagram": ["axes.sigma_b.num=3", "axes.sigma_w.num=20"],
    "trainability": ["axes.width=40", "axes.depth=20", "axes.learning_rate=0.01", "axes.epoch=[0, 3]", "axes.seed=0"],
    "trainable_depth": [
        "axes.sigma_w=[1.0, 1.3]",
        "axes.depth=[5, 30]",
        "axes.width=50",
        "axes.learning_rate=0.01",
        "axes.epoch=[0, 20]",
    ],
}


def commands(name):
    """The commands in the comment of a configuration, without ``eoc``."""
    text = (CONFIGS / f"{name}.yaml").read_text(encoding="utf-8").replace("\\\n#", "")
    return [shlex.split(line)[1:] for line in re.findall(r"^#   (eoc .*)$", text, re.MULTILINE)]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Runs one of them at reduced size, once; its data set, in a folder that is the same for all."""
    folder = tmp_path_factory.mktemp("configs")

    def run(name):
        path = folder / f"{name}.zarr"
        if not path.exists():
            summary = eoc.run_sweep(read_sweep(CONFIGS / f"{name}.yaml", REDUCED[name]), path, workers=1)
            assert summary.done == summary.points
        return path

    return run


@pytest.mark.parametrize("name", NAMES)
def test_the_commands_in_its_comment_work(store, name, monkeypatch):
    folder = store(name).parent
    monkeypatch.chdir(folder)
    first, *others = commands(name)
    assert first == ["sweep", "run", f"configs/{name}.yaml"]
    assert others
    for command in others:
        done = CliRunner().invoke(app, command)
        assert done.exit_code == 0, done.output
    pictures = sum(command[1] == "plot" for command in others)
    assert len(list(folder.glob(f"{name}-*.png"))) == pictures


def test_the_full_size_of_the_trainability_experiment_is_right():
    for _, _, path, *changes in commands(FULL):
        done = CliRunner().invoke(app, ["sweep", "check", str(CONFIGS.parent / path), *changes])
        assert done.exit_code == 0, done.output
        assert "width = 300" in done.output
        assert "depth = 200" in done.output


def test_the_configuration_in_the_documentation_runs(tmp_path):
    (text,) = re.findall(r"```yaml\n(.*?)```", (CONFIGS.parent / "docs" / "sweeps.md").read_text(), re.DOTALL)
    (tmp_path / "rates.yaml").write_text(text)
    sweep = read_sweep(tmp_path / "rates.yaml", ["axes.sigma_b.num=2"])
    assert eoc.run_sweep(sweep, tmp_path / "rates.zarr", workers=1).done == 8


def test_what_their_comments_promise(store):
    found = {name: eoc.open_sweep(store(name)) for name in REDUCED if name not in TRAINING}
    curves, gelu = found["eoc_curves"], eoc.edge_of_chaos("gelu", sigma_b=2.0).best
    np.testing.assert_allclose(curves.sigma_w.sel(activation="gelu", sigma_b=2.0), gelu.sigma_w, rtol=1e-13)
    assert np.isnan(curves.sigma_w.sel(activation="shifted_softplus")).all()
    assert np.isnan(curves.sigma_w.sel(activation="gelu", sigma_b=0.01))

    rates = found["convergence_rates"].isel(depth=-1)
    np.testing.assert_allclose(rates.measured_exponent, [2.0, 1.0], rtol=1e-3)
    assert rates.constant[0] == pytest.approx(9 * np.pi**2 / 2)

    blocks = found["critical_blocks"].isel(sigma_b=0)
    regimes, laws = (blocks[name].attrs["flag_meanings"].split() for name in ("regime", "law"))
    assert [regimes[int(i)] for i in blocks.regime[1:]] == ["settles", "forced", "settles", "grows", "diverges"]
    assert np.isnan(blocks.sigma_w.sel(activation=["preln", "resnet"])).all()
    assert laws[int(blocks.law.sel(activation="mlp_dropout"))] == "exponential"

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


@pytest.mark.frameworks
@NEEDS_TRAINING
def test_networks_train_on_the_edge_of_chaos_and_where_they_are_shallow(store):
    found = eoc.open_sweep(store("trainability"))
    last = found.test_accuracy.isel(epoch=-1).values.reshape(3, 4)  # initialisation, activation
    _, elu, tanh, _ = last[0]
    assert min(elu, tanh) > 0.4
    assert (np.abs(last[2] - 0.1) < 0.05).all()
    deep = eoc.open_sweep(store("trainable_depth")).train_accuracy.isel(epoch=-1)
    assert (deep.sel(depth=5) > 0.8).all()
    assert deep.sel(depth=30, sigma_w=1.3) > deep.sel(depth=30, sigma_w=1.0) + 0.3  # 6 xi_c = 22 layers at 1.0
