"""``eoc doctor`` says what is there, and finds an installation that computes something wrong."""

import math
from importlib import import_module

from test_cli import run, run_json

import eoc
from eoc.doctor import Check, environment


def test_this_installation_is_sound():
    code, answer = run_json("doctor")
    assert code == 0
    assert answer["sound"]
    assert all(one["passed"] for one in answer["checks"])
    assert answer["versions"]["eoc"] == eoc.__version__
    assert all(answer["versions"].values())
    text = run("doctor").stdout
    assert "this installation of eoc is sound" in text.splitlines()[0]
    assert text.count("PASS") == len(answer["checks"])


def test_a_wrong_number_and_an_error_are_told(monkeypatch):
    def broken():
        raise ImportError("no numba here")

    module = import_module("eoc.doctor.checks")
    monkeypatch.setattr(module, "_CHECKS", {"one": (lambda: 1.0, 2.0, 1e-3), "other": (broken, 1.0, 1e-3)})
    done = run("doctor")
    assert done.returncode == 1
    assert "2 of 2 numbers are wrong: one." in done.stdout
    assert "ImportError: no numba here" in done.stdout
    code, answer = run_json("doctor")
    assert code == 1
    assert not answer["sound"]


def test_what_is_not_a_number_has_not_passed():
    assert not Check("nan", math.nan, 1.0, 1e-3, 0.0).passed
    assert not Check("error", 1.0, 1.0, 1e-3, 0.0, "ValueError: no").passed
    assert Check("right", 1.0, 1.0, 1e-3, 0.0).passed


def test_optional_parts_are_named_with_their_extra(monkeypatch):
    monkeypatch.setattr("eoc.doctor.installed.find_spec", lambda name: None)
    here = environment()
    assert not any(here.optional.values())
    assert here.extras["scikit-learn"] == "sklearn"
    assert 'scikit-learn (pip install "eoc[sklearn]")' in " ".join(run("doctor").stdout.split())


def test_a_cache_that_cannot_be_written_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr("eoc.doctor.installed.os.access", lambda path, mode: False)
    monkeypatch.setattr("numba.config.CACHE_DIR", str(tmp_path / "nowhere"))
    here = environment()
    assert (here.cache, here.cache_bytes, here.cache_writable) == (str(tmp_path / "nowhere"), 0, False)
