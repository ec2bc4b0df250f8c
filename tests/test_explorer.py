"""The page of the explorer: what it is made of; that it works is tested in a browser (tests/browser)."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import numpy as np
import pytest
from numpy.polynomial.chebyshev import chebval, chebval2d
from typer.testing import CliRunner

import eoc
from eoc.cli import app
from eoc.explorer import explorer_page
from eoc.explorer.series import FIRST, exported


@pytest.mark.parametrize("name", ["tanh", "relu", "sign", "tanh(5*x)"])
def test_series_are_as_exact_as_they_say(name: str) -> None:
    phi = eoc.activation(name)
    found = exported(phi)
    assert found.accuracy < 1e-10
    rng = np.random.default_rng(3)
    for octave, t, x in zip(rng.integers(0, found.octaves, 6), *rng.uniform(-1.0, 1.0, (2, 6)), strict=True):
        q, theta = 4.0 ** (FIRST + octave + 0.5 * (1.0 + t)), 0.5 * np.pi * (1.0 + x)
        e = 2.0 * np.sin(0.5 * theta) ** 2
        true = eoc.bivariate(phi, q, angle=theta)["G"].value / (np.sqrt(2.0 * e) if found.jumps else q * e)
        assert chebval2d(t, x, found.pairs[octave]) == pytest.approx(true, rel=1e-9)
        for which, coefficients in found.moments.items():
            exact = eoc.moments(phi, q, (which,), strict=False)[which].value
            if np.isfinite(exact):
                assert chebval(t, coefficients[octave]) == pytest.approx(exact, rel=1e-10, abs=1e-12)


def test_activations_that_end_have_fewer_octaves() -> None:
    found = exported(eoc.activation("exp(x*x/16)"))  # E[phi^2] is finite for q < 4
    assert found.octaves == 6
    with pytest.raises(eoc.EocError, match="no expectations"):
        exported(eoc.activation("exp(1000*x*x)"))


@pytest.fixture(scope="module")
def page() -> str:
    return explorer_page(["relu", "x*sigmoid(x)"])


def test_the_page_needs_nothing_else(page: str) -> None:
    assert len(page) < 6e6
    assert page.startswith("<!doctype html>")
    own = re.sub(r"<script>.*?</script>", "", page, flags=re.S)  # Bokeh's script has addresses in its comments
    assert not re.search(r"""(src|href)\s*=|url\(|@import|https?://""", own)
    data = json.loads(re.search(r'id="data">(.*?)</script>', page, flags=re.S).group(1))
    assert [one["name"] for one in data["activations"]] == ["relu", "x*sigmoid(x)"]
    values = np.frombuffer(base64.b64decode(data["activations"][0]["moments"]["V"]), "<f8").reshape(-1, 18)
    assert values[0, 0] == pytest.approx(exported(eoc.activation("relu")).moments["V"][0, 0])


def test_names_cannot_end_the_script() -> None:
    assert "</script><b>" not in explorer_page([lambda x: np.maximum(x, 0.0)])
    table = explorer_page(["relu"]).split('id="data">')[1]
    assert table.index("</script>") > 10_000


def test_the_command_writes_the_page_and_says_what_to_do(tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    done = CliRunner().invoke(app, ["explore", "relu", "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith(f"open {out}"[:30])
    assert done.stdout.splitlines()[-1].startswith("next: eoc init relu")
    assert "relu" in out.read_text("utf-8")


def test_what_cannot_be_a_page_is_said(tmp_path: Path) -> None:
    with pytest.raises(eoc.EocError, match="at most 12 activations, got 13"):
        explorer_page(["relu"] * 13)
    wrong = CliRunner().invoke(app, ["explore", "relu", "--out", str(tmp_path / "page.pdf")])
    assert isinstance(wrong.exception, eoc.EocError)
    assert "must end in one of html" in str(wrong.exception)
