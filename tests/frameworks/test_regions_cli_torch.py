"""``eoc regions`` of a PyTorch model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_cli import run

BUILD = """
import torch
from torch import nn


def build():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(10, 20), nn.ReLU(), nn.Linear(20, 20), nn.Hardtanh(), nn.Linear(20, 3))
"""


def answered(*arguments: str, cwd: Path) -> Any:
    done = run("regions", *arguments, "--json", cwd=cwd)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "model.py").write_text(BUILD)
    rng = np.random.default_rng(0)
    for name in "abc":
        np.save(tmp_path / f"{name}.npy", rng.normal(size=10))
    return tmp_path


def test_kinks_on_a_segment_and_regions_in_a_plane(folder: Path) -> None:
    done = run("regions", "model.py:build", "--segment", "a.npy", "b.npy", "--plot", "a.png", cwd=folder)
    assert done.returncode == 0, done.stderr
    answer = answered("model.py:build", "--segment", "a.npy", "b.npy", cwd=folder)
    assert len(answer["t"]) == sum(answer["per_layer"]) > 5
    assert done.stdout.startswith(f"model.py:build has {answer['regions']} linear regions on the segment, from ")
    done = run("regions", "model.py:build", "--plane", "a.npy", "b.npy", "c.npy", "--plot", "p.png", cwd=folder)
    answer = answered("model.py:build", "--plane", "a.npy", "b.npy", "c.npy", cwd=folder)
    assert done.stdout.startswith(f"model.py:build has {answer['cells']} linear regions in the disc of radius 1, with ")
    assert len(answer["polygons"]) == answer["cells"]
    assert sum(answer["areas"]) == pytest.approx(np.pi, rel=1e-10)
    assert (folder / "p.png").stat().st_size > 5000


def test_bad_input_is_refused_with_a_sentence(folder: Path) -> None:
    both = ("--segment", "a.npy", "b.npy", "--plane", "a.npy", "b.npy", "c.npy")
    for options, words in (
        (both, "not both"),
        (("--segment", "a.npy", "nothing.npy"), "cannot read nothing.npy"),
        (("--segment", "a.npy", "a.npy"), "length zero"),
    ):
        done = run("regions", "model.py:build", *options, cwd=folder)
        assert (done.returncode, "Traceback" in done.stderr) == (2, False)
        assert words in done.stderr
