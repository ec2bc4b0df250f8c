"""Whom to cite: every part and command has its papers, entries are whole, and CITATION.cff agrees with them."""

import re
from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML
from test_cli import run, run_json

import eoc
from eoc.activations import names
from eoc.citations import PAPERS, citation
from eoc.citations.topics import OF_PARTS, OF_WORDS
from eoc.cli import app
from eoc.errors import EocError
from eoc.layers import LAYERS, PRESETS
from eoc.recurrence import CELLS
from eoc.sweeps.tasks import TASKS

ROOT = Path(__file__).parent.parent


def keys(found):
    return {paper.key for paper in found.papers}


RESULTS = {
    "edge": (lambda: eoc.edge_of_chaos("gelu", sigma_b=0.5), {"hayou2019", "hendrycks2016"}),
    "map": (lambda: eoc.VarianceMap("mish", 1.5, 0.2), {"poole2016", "misra2020"}),
    "law": (lambda: eoc.convergence_law(eoc.CorrelationMap("relu", 2**0.5)), {"hayou2019"}),
    "kernel": (lambda: eoc.kernel("elu", np.eye(2), depth=1, sigma_w=1.0, sigma_b=0.1), {"jacot2018", "clevert2016"}),
    "conditions": (lambda: eoc.condition_numbers("tanh", 1.0, inputs=3, c=0.3, depth=[2]), {"xiao2020"}),
    "jacobian": (lambda: eoc.jacobian("tanh", sigma_b=0.1, depth=2), {"pennington2017"}),
    "network": (
        lambda: eoc.propagate("residual(silu, dense(1))", q=1.0, c=0.1, depth=2),
        {"yang2017", "schoenholz2017"},
    ),
    "compared": (lambda: eoc.compare("selu", depth=2), {"he2015", "glorot2010", "klambauer2017"}),
    "phase of blocks": (lambda: eoc.phase_of("residual(selu, dense(1), skip=0.5)"), {"yang2017", "klambauer2017"}),
    "edge of blocks": (lambda: eoc.edge_of_chaos("residual(selu, dense, skip=0.9)"), {"yang2017", "klambauer2017"}),
    "diagram of blocks": (
        lambda: eoc.phase_diagram("residual(selu, dense)", [1.0], [0.1]),
        {"schoenholz2017", "yang2017", "klambauer2017"},
    ),
    "diagram": (lambda: eoc.phase_diagram("elu", [1.0, 1.5], [0.1, 0.2]), {"schoenholz2017", "clevert2016"}),
    "none": (lambda: None, {"poole2016", "schoenholz2017", "hayou2019", "long2019"}),
}


@pytest.mark.parametrize(("result", "some"), RESULTS.values(), ids=RESULTS)
def test_results_have_their_papers(result, some):
    assert some <= keys(citation(result()))


def test_what_eoc_does_not_make_has_none():
    with pytest.raises(EocError, match="give what a function of eoc returned"):
        citation(np.eye(2))


def test_all_that_is_cited_is_there_and_all_that_is_there_is_cited():
    assert set().union(*OF_PARTS.values(), *OF_WORDS.values()) == set(PAPERS)
    for paper in PAPERS.values():
        assert re.fullmatch(r"[a-z]+(19|20)\d\d", paper.key)
        assert paper.key.endswith(str(paper.year))
        assert paper.where or paper.arxiv
        assert paper.bibtex().count("{") == paper.bibtex().count("}")
        assert re.fullmatch(r"(\d{4}\.\d{5})?", paper.arxiv)


def test_every_part_with_results_has_an_entry():
    for part in OF_PARTS:
        assert (ROOT / part.replace(".", "/")).is_dir() or (ROOT / f"{part.replace('.', '/')}.py").is_file()


def test_a_sweep_is_cited_by_its_task_and_its_activations(tmp_path):
    edge = {"schema": 1, "task": "edge_of_chaos", "axes": {"activation": ["tanh", "gelu"], "sigma_b": [1.0]}}
    path = eoc.run_sweep(edge, tmp_path / "edge.zarr", workers=1).path
    code, answer = run_json("cite", str(path))
    assert code == 0
    assert {one["key"] for one in answer["papers"]} == {"hayou2019", "poole2016", "schoenholz2017", "hendrycks2016"}


def test_the_command_prints_bibtex():
    done = run("cite", "rates", "gelu", "tanh")
    assert done.returncode == 0
    assert done.stdout.startswith("@misc{eoc,")
    assert set(re.findall(r"^@\w+{(\w+),", done.stdout, re.MULTILINE)) == {"eoc", "hayou2019", "hendrycks2016"}
    assert eoc.__version__ in done.stdout
    wrong = run("cite", "rats")
    assert wrong.returncode == 2
    assert "did you mean 'rates'?" in wrong.stderr


def test_every_word_is_a_command_a_task_an_activation_or_a_layer():
    commands = {str(command.name) for command in app.registered_commands} | {"montecarlo"}
    others = {*TASKS, *names(), *LAYERS, *PRESETS, *CELLS, "swish"}
    assert set(OF_WORDS) <= commands | others
    assert {"init", "phase", "rates", "curve", "kernel", "jacobian", "propagate", "shape", "verify"} <= set(OF_WORDS)


def test_citation_cff_has_this_version_and_papers_that_are_known():
    found = YAML(typ="safe").load(ROOT / "CITATION.cff")
    assert found["version"] == eoc.__version__
    numbers = {one["identifiers"][0]["value"].removeprefix("arXiv:") for one in found["references"]}
    assert numbers <= {paper.arxiv for paper in PAPERS.values()}
    assert keys(citation()) == {key for key, paper in PAPERS.items() if paper.arxiv in numbers}
