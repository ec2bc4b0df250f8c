"""``eoc diagnose`` as its users run it, and the picture of a diagnosis."""

import json

import numpy as np
import pytest
import torch
from test_cli import run
from torch import nn

import eoc.diagnose
from eoc.plotting import diagnosis_figure

MODEL = """
from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from sizes import WIDTH


@dataclass
class Settings:
    width: int = WIDTH


def build():
    print("building")
    torch.manual_seed(0)
    width = Settings().width
    return nn.Sequential(nn.Linear(8, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 3))


def with_batch():
    return build(), torch.ones(5, 8)


def convolution():
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16, 2))


def embedding():
    return nn.Sequential(nn.Embedding(9, 6), nn.Linear(6, 6), nn.Tanh(), nn.Linear(6, 2))


def failing():
    raise RuntimeError("no weights here")


def number():
    return 3


model = build()
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "my_model.py").write_text(MODEL)
    (tmp_path / "sizes.py").write_text("WIDTH = 32\n")
    np.save(tmp_path / "inputs.npy", np.random.default_rng(0).standard_normal((6, 8)))
    np.save(tmp_path / "tokens.npy", np.arange(8).reshape(4, 2))
    np.save(tmp_path / "pixels.npy", np.arange(48, dtype="uint8").reshape(6, 8))
    np.save(tmp_path / "words.npy", np.array(["a", "b"]))
    (tmp_path / "text.npy").write_text("no array")
    return tmp_path


@pytest.mark.parametrize("source", ["my_model.py:build", "my_model.py:model", "my_model.py:with_batch"])
def test_a_model_of_a_file_is_diagnosed(folder, source):
    done = run("diagnose", source, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "all layers: Linear" in done.stdout
    assert "8 -> 32" in done.stdout
    assert "in the ordered phase" in " ".join(done.stdout.split())
    assert "building" in done.stderr
    assert "building" not in done.stdout


def test_json_is_the_diagnosis(folder):
    done = run("diagnose", "my_model.py:build", "--batch", "inputs.npy", "--seed", "3", "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    data = json.loads(done.stdout, parse_constant=pytest.fail)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 3))
    found = eoc.diagnose.torch(model, torch.from_numpy(np.load(folder / "inputs.npy")).float(), seed=3)
    assert [one["measured"]["gradient"] for one in data["layers"]] == [row.measured.gradient for row in found.rows]
    assert data["layers"][0]["expected"]["q"] == found.rows[0].expected.q
    assert data["words"] == list(found.words)


def test_inputs_are_drawn_or_read(folder):
    drawn = run("diagnose", "my_model.py:convolution", "--input-shape", "1,4,4", "--batch-size", "3", cwd=folder)
    assert drawn.returncode == 0, drawn.stderr
    tokens = run("diagnose", "my_model.py:embedding", "--batch", "tokens.npy", cwd=folder)
    assert tokens.returncode == 0, tokens.stderr
    pixels = run("diagnose", "my_model.py:build", "--batch", "pixels.npy", cwd=folder)
    assert pixels.returncode == 0, pixels.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("my_model.py:convolution",), "give --input-shape"),
        (("my_model.py:build", "--input-shape", "8x"), "whole numbers > 0"),
        (("my_model.py:build", "--input-shape", "100000,100000"), "more than 2^28 numbers"),
        (("my_model.py:build", "--input-shape", "9" * 5000), "more than 2^28 numbers"),
        (("my_model.py:build", "--input-shape", "8", "--batch", "inputs.npy"), "not both"),
        (("my_model.py:build", "--input-shape", "9"), "cannot take this batch"),
        (("my_model.py:build", "--batch", "none.npy"), "cannot read none.npy"),
        (("my_model.py:build", "--batch", "text.npy"), "cannot read text.npy"),
        (("my_model.py:build", "--batch", "words.npy"), "one array of numbers"),
        (("my_model.py:failing",), "no weights here"),
        (("my_model.py:number",), "must give a torch.nn.Module"),
        (("my_model.py:missing",), "has no 'missing'"),
        (("my_model.py",), "my_model.py:function"),
        (("tanh",), "my_file.py:build"),
        (("my_model.py:build", "--plot", "picture.docx"), "must end in one of"),
    ],
)
def test_bad_input_is_a_message(folder, arguments, message):
    done = run("diagnose", *arguments, cwd=folder)
    assert done.returncode == 2
    assert message in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_a_picture_is_written(folder):
    done = run("diagnose", "my_model.py:build", "--plot", "picture.png", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert (folder / "picture.png").stat().st_size > 5000


def test_without_pytorch_the_extra_is_named(folder, monkeypatch):
    monkeypatch.setattr("eoc.frameworks.find_spec", lambda name: None)
    done = run("diagnose", "my_model.py:build", cwd=folder)
    assert done.returncode == 2
    assert 'pip install "eoc[torch]"' in done.stderr


@pytest.mark.parametrize("samples", [1, 4])
def test_the_picture_shows_what_was_measured_beside_the_theory(samples):
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(8, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 64))
    found = eoc.diagnose.torch(model, torch.randn(samples, 8))
    figure = diagnosis_figure(found)
    names = ["q", "gradient"] if samples == 1 else ["q", "one_minus_c", "gradient"]
    assert len(figure.axes) == len(names)
    for ax, name in zip(figure.axes, names, strict=True):
        model_line, theory = (line.get_ydata() for line in ax.lines)
        assert model_line.tolist() == [getattr(row.measured, name) for row in found.rows]
        start = -1 if name == "gradient" else 0
        assert theory[start] == model_line[start]
        assert np.isfinite(theory).all()


@pytest.mark.parametrize(
    ("gain", "verdict", "mends"),
    [(0.3, "Gradients vanish over 12 layers", True), (3.0, "explode", True), (1.0, "Gradients get through", False)],
)
def test_the_verdict_comes_first_and_the_code_that_mends_it_last(gain, verdict, mends):
    torch.manual_seed(0)
    layers = [nn.Linear(128, 128, bias=False) for _ in range(12)]
    for layer in layers:
        nn.init.normal_(layer.weight, std=gain / 128**0.5)
    model = nn.Sequential(*(part for layer in layers for part in (layer, nn.Tanh() if gain < 2.0 else nn.Identity())))
    found = eoc.diagnose.torch(model, torch.randn(8, 128))
    first, *_, last = str(found).splitlines()
    assert verdict in first
    assert first == found.verdict == found.to_dict()["verdict"]
    assert last == found.remedy
    assert ("initialize_(model)" in last) == mends
    if mends:
        exec(last.partition(": ")[2], {"model": model})
        share = eoc.diagnose.torch(model, torch.randn(8, 128))
        assert "Gradients get through" in share.verdict


def test_dead_weights_are_the_verdict(tmp_path):
    (tmp_path / "zero.py").write_text(
        "from torch import nn\n\n\ndef build():\n"
        "    model = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 2))\n"
        "    nn.init.zeros_(model[0].weight)\n    return model\n"
    )
    done = run("diagnose", "zero.py:build", cwd=tmp_path)
    first, *_, last = done.stdout.strip().splitlines()
    assert first.startswith("This model cannot train as it is: layer 1 (0): weights are all zero.")
    assert "initialize_(model)" in last
