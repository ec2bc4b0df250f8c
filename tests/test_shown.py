"""Results that show themselves: print, notebooks, pictures, tables."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from typer.testing import CliRunner

import eoc
from eoc.cli import app

INPUTS = np.random.default_rng(5).normal(size=(8, 3))
RESULTS: dict[str, Any] = {
    "phase": lambda: eoc.phase_of("tanh", 2.5, 0.3),
    "diverging": lambda: eoc.phase_of("relu", 2.0, 0.1),
    "trajectory": lambda: eoc.propagate("tanh", 2.5, 0.3, q=[1.0, 2.0], c=0.9, depth=20),
    "convergence": lambda: eoc.convergence_of(eoc.CorrelationMap("relu", 2**0.5), 1e4),
    "exponential": lambda: eoc.convergence_of(eoc.CorrelationMap("tanh", 1.0, 0.3), 100),
    "curve": lambda: eoc.eoc_curve("gelu"),
    "no curve": lambda: eoc.eoc_curve("sign"),
    "kernel": lambda: eoc.kernel("relu", INPUTS, depth=3, sigma_w=2**0.5),
    "edge": lambda: eoc.edge_of_chaos("tanh", sigma_b=0.2),
    "no edge": lambda: eoc.edge_of_chaos("gelu", sigma_b=0.2),
    "point": lambda: eoc.edge_of_chaos("silu", q=2.0).points[0],
    "recommendation": lambda: eoc.recommend("tanh"),
    "tokens": lambda: eoc.settled_tokens("transformer_postnorm"),
}
DRAWN = ("phase", "diverging", "trajectory", "convergence", "exponential", "curve", "kernel")
FIRST = {
    "phase": "tanh at sigma_w = 2.5, sigma_b = 0.3 is chaotic",
    "diverging": "diverges",
    "trajectory": "after 20 layers the two inputs have 1 - c = 0.8",
    "convergence": "slowly, like 1/l^2",
    "exponential": "exponentially",
    "curve": "stable at sigma_b = 0.4158",
    "no curve": "no edge of chaos",
    "kernel": "NNGP and NTK of 8 inputs through 3 blocks of relu",
    "edge": "sigma_w = 1.30415, sigma_b = 0.2",
    "no edge": "no usable point",
    "point": "on the edge of chaos at sigma_w",
    "recommendation": "30 layers train as they are",
    "tokens": "transformer_postnorm is ordered: tokens collapse",
}


class Text(HTMLParser):
    """The text of a page, and what tags are open."""

    def __init__(self) -> None:
        super().__init__()
        self.text, self.open = "", list[str]()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("name", RESULTS)
def test_print_answers_first_and_a_notebook_shows_the_same(name: str) -> None:
    result = RESULTS[name]()
    text = str(result)
    assert FIRST[name] in " ".join(text.split("\n\n", maxsplit=1)[0].split())
    assert max(map(len, text.splitlines())) <= 100
    page = Text()
    page.feed(result._repr_html_())
    assert page.open == []
    assert page.text.split() == text.split()


@pytest.mark.parametrize("name", RESULTS)
def test_repr_is_short(name: str) -> None:
    assert "array(" not in repr(RESULTS[name]())
    assert "\n" not in repr(RESULTS[name]())


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("phase", "phase tanh --sigma-w 2.5 --sigma-b 0.3"),
        ("curve", "curve gelu --sigma-b 0.5"),
        ("convergence", "rates relu --depth 1e4"),
    ],
)
def test_print_gives_the_tables_of_the_command_line(name: str, command: str) -> None:
    typed = CliRunner().invoke(app, command.split(), env={"COLUMNS": "100"}).stdout.splitlines()
    own = [line.rstrip() for line in str(RESULTS[name]()).splitlines() if "block: " not in line]
    missing = [line for line in own if line not in [one.rstrip() for one in typed]]
    assert not missing


@pytest.mark.parametrize("name", DRAWN)
def test_results_draw_themselves_with_a_title(name: str) -> None:
    result = RESULTS[name]()
    figure = result.plot()
    assert isinstance(figure, Figure)
    assert name == "curve" or "sigma_w" in figure.get_suptitle() or "relu" in figure.get_suptitle()
    assert figure._repr_png_()[:4] == b"\x89PNG"
    own = Figure()
    assert result.plot(own.subplots()) is own
    assert own.axes[0].has_data()


@pytest.mark.parametrize("name", DRAWN)
def test_results_become_tables_and_datasets(name: str) -> None:
    result = RESULTS[name]()
    table, data = result.to_dataframe(), result.to_xarray()
    assert len(table) >= 1
    assert table.columns.is_unique
    assert data.attrs.keys() >= {"sigma_w", "sigma_b"} or name == "curve"


def test_tables_have_the_numbers_of_the_results() -> None:
    run = RESULTS["trajectory"]()
    np.testing.assert_array_equal(run.to_dataframe()["one_minus_c_0_1"], run.one_minus_c[:, 0, 1])
    np.testing.assert_array_equal(run.to_xarray()["q"].sel(layer=20.0), run.q[-1])
    curve = RESULTS["curve"]()
    assert len(curve.to_dataframe()) == sum(piece.q.size for piece in curve.pieces)
    np.testing.assert_array_equal(curve.to_xarray()["sigma_w"][: curve.pieces[0].q.size], curve.pieces[0].sigma_w)
    phase = RESULTS["phase"]()
    assert phase.to_dataframe()["chi_1"].item() == phase.chi_1
    kernel = RESULTS["kernel"]()
    table = kernel.to_dataframe()
    assert table[(table["input"] == 2) & (table["input2"] == 5)]["ntk"].item() == kernel.ntk[2, 5]
    assert RESULTS["no curve"]().to_dataframe().empty
