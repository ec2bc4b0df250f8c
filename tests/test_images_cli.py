"""``eoc images``: tables, JSON and files of inputs with positions; what is refused."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eoc.cli import main
from eoc.propagation import propagate_positions

TEXT = "conv(3, 1.4, 0.1, pad='zero'), relu, avgpool(2), conv(3, pad='zero'), relu, avgpool, dense(1)"


@pytest.fixture
def images(tmp_path: Path) -> Path:
    path = tmp_path / "images.npy"
    np.save(path, np.random.default_rng(0).standard_normal((3, 2, 4, 6)))
    return path


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    def called(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["eoc", "images", *arguments])
        with pytest.raises(SystemExit) as left:
            main()
        return int(left.value.code or 0)  # type: ignore[arg-type]

    return called


def test_it_prints_what_the_function_computes(
    run: Callable[..., int], images: Path, capsys: Any, tmp_path: Path
) -> None:
    saved = tmp_path / "run.npz"
    assert run(TEXT, str(images), "--sigma-w", "1.3", "--save", str(saved)) == 0
    found = propagate_positions(TEXT, np.load(images)[:2], sigma_w=1.3, kernels=True)
    lines = capsys.readouterr().out.splitlines()
    said = f"behind 7 layers 2 inputs of 4 x 6 positions have E[x^2] = {found.q.mean():.4g}"
    assert lines[0].startswith(said)
    assert any(line.split()[:6] == ["item", "3,", "avgpool", "2", "x", "3"] for line in lines)
    arrays = np.load(saved)
    for name in ("covariance", "covariance_error", "one_minus_c", "ntk", "ntk_error"):
        assert arrays[name].tolist() == getattr(found, name).tolist()


def test_json_has_everything(run: Callable[..., int], images: Path, capsys: Any) -> None:
    assert run(TEXT, str(images), "--sigma-w", "1.3", "--json", "--inputs", "3") == 0
    answer, found = json.loads(capsys.readouterr().out), propagate_positions(TEXT, np.load(images), sigma_w=1.3)
    assert answer["covariance"] == found.covariance.tolist()
    assert [layer["place"] for layer in answer["layers"]] == [step.place for step in found.steps]
    assert answer["layers"][2]["chi"] == found.steps[2].chi.tolist()
    assert run("conv(3, 1), relu", str(images), "--json", "--aligned", "--depth", "2") == 0
    answer = json.loads(capsys.readouterr().out)
    assert (len(answer["layers"]), "covariance" in answer) == (5, False)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("relu, conv(3, 1)", "{}"), "relu acts on a signal that is neither Gaussian"),
        (("conv(9, 1)", "{}"), "larger than the input"),
        (("conv(3)", "{}"), "give sigma_w"),
        (("conv(3, 1), avgpool", "{}", "--aligned"), "every pair of them has to be known"),
        (("conv(3, 1)", "{}", "--inputs", "0"), "--inputs must be at least 1"),
        (("conv(3, 1)", "{}", "--depth", "0"), "depth must be a whole number"),
        (("conv(3, 1)", "{}", "--save", "x.txt"), "must end in one of npz"),
        (("conv(3, 1)", "missing.npy"), "cannot read the inputs missing.npy"),
    ],
)
def test_what_is_refused(
    run: Callable[..., int], images: Path, capsys: Any, arguments: tuple[str, ...], words: str
) -> None:
    assert run(*(one.format(images) for one in arguments)) == 2
    assert words in " ".join(capsys.readouterr().err.split())


def test_files_that_hold_no_inputs(run: Callable[..., int], tmp_path: Path, capsys: Any) -> None:
    text, words = tmp_path / "text.npy", tmp_path / "words.npy"
    text.write_text("1 2 3")
    np.save(words, np.array(["a", "b"]))
    for path, said in ((text, "cannot read the inputs"), (words, "must hold one array of numbers")):
        assert run("conv(3, 1)", str(path)) == 2
        assert said in " ".join(capsys.readouterr().err.split())
