"""Every number that commands print has an entry in the glossary, its commands run, and its formulas are right."""

import re
import shlex

import numpy as np
import pytest
from test_cli import run, run_json

import eoc
from eoc.errors import EocError
from eoc.glossary import explain, words

PRINTED = (
    "init tanh --sigma-b 0.2 --fan-in 512",
    "init relu",
    "init gelu",
    "init softplus",
    "init 'polynomial([0, 1, 0, -0.1])' --sigma-b 0.2",
    "init 'residual(tanh, dense, skip=0.8)' --sigma-b 0.1",
    "init sign --backward hardtanh",
    "phase tanh --sigma-w 2.5 --sigma-b 0.3",
    "phase relu --sigma-w 1.4142135623730951",
    "phase 'batchnorm(8), relu, dense(1)'",
    "phase transformer",
    "phase transformer_postnorm",
    "phase sign --sigma-w 1 --sigma-b 0.5 --backward hardtanh",
)
HEADINGS = {"", "fixed point c of f", "f'(c)", "inputs apart by"}  # of columns that say themselves what they are
ROWS = {"init": re.compile(r"  (\S.{7}) \S.{23} \S"), "phase": re.compile(r"  (\S.{9}) \S.{17} ")}


@pytest.mark.parametrize("command", PRINTED)
def test_all_that_is_printed_has_an_entry(command):
    lines = run(*shlex.split(command)).stdout.splitlines()
    row = ROWS[command.split()[0]]
    rows = {found[1].strip() for line in lines if (found := row.match(line))}
    rules = [i for i, line in enumerate(lines) if line.startswith(" ──")]
    columns = {name for i in rules for name in re.split(r"  +", lines[i - 1].strip())}
    assert len(rows) + len(columns) >= 5
    for name in (rows | columns) - HEADINGS:
        assert explain(name.split(" in ")[0])  # alike in float32 from layer


@pytest.mark.parametrize("entry", words().values(), ids=words())
def test_every_name_of_an_entry_leads_to_it(entry):
    assert explain(entry.word) == explain(f" {entry.word.upper()} ") or explain(entry.word.upper()) != entry
    assert explain(entry.word) == entry
    for name in entry.also:
        assert explain(name) == entry
    assert entry.meaning.endswith(".")
    assert bool(entry.formula) == bool(entry.tex)


def test_commands_of_entries_are_commands():
    known = set(re.findall(r"│ (\w+) ", run("--help").stdout))
    for entry in words().values():
        program, command, *_ = shlex.split(entry.command)
        assert program == "eoc"
        assert command in known


def test_the_formulas_of_the_laws_are_those_of_the_package():
    point = eoc.edge_of_chaos("tanh", sigma_b=0.2).best
    found = {name: one.value.item() for name, one in eoc.moments("tanh", point.q, tuple("VDSP")).items()}
    assert point.law.constant == pytest.approx(2.0 * found["D"] / (point.q * found["S"]), rel=1e-12)
    assert point.slope == pytest.approx(point.sigma_w**2 * (found["D"] + found["P"]), rel=1e-12)
    assert point.sigma_w**2 * found["D"] == pytest.approx(1.0, rel=1e-12)
    relu = eoc.CorrelationMap("relu", sigma_w=2**0.5)
    e = 1e-10
    s = (e - relu.one_minus_f(one_minus_c=e).value.item()) / e**1.5
    assert 4.0 / s**2 == pytest.approx(4.5 * np.pi**2, rel=1e-4)


def test_an_unknown_word_is_answered_with_the_nearest():
    done = run("explain", "kapa")
    assert done.returncode == 2
    assert "did you mean 'kappa'?" in done.stderr
    with pytest.raises(EocError, match="'eoc explain' lists all words"):
        explain("@")


def test_the_command_says_what_the_entry_says():
    code, answer = run_json("explain", "depth", "scale")
    assert code == 0
    assert answer == explain("xi").to_dict() | {"also": list(explain("xi").also)}
    code, answer = run_json("explain")
    assert [one["word"] for one in answer["words"]] == list(words())
    assert run("explain", "q").stdout.startswith("q: The variance of the pre-activations of a layer")
