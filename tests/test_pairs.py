"""Formulas in pairs of doubles: what rounding takes on the way to an argument is carried along."""

from __future__ import annotations

import numpy as np
import pytest
from truth import MP, error

from eoc.activations.formula import parse
from eoc.activations.formula.functions import PRIMITIVES
from eoc.activations.formula.multiprecision import to_float
from eoc.activations.formula.program import Program
from eoc.activations.formula.reader import read
from eoc.activations.formula.rewrite import simplified
from eoc.activations.formula.tree import Trees
from eoc.gaussian.moments import moments

X = np.array([-7.3, -1.9, -0.41, -0.013, 0.02, 0.37, 0.83, 1.7, 5.1, 26.3])
_INSIDE = dict.fromkeys(("arcsin", "arccos", "asin", "acos", "tan"), "0.01*x")
_POSITIVE = dict.fromkeys(("log", "ln", "sqrt", "log1p"), "x*x+0.3")
OPERATIONS = [f"{name}(pi*({(_INSIDE | _POSITIVE).get(name, 'x')}))" for name in PRIMITIVES]
OPERATIONS += ["x/(1+x*x)/3", "(0.1*x-0.3)**3", "(1+x*x)**-2", "(0.1+x*x)**0.7", "where(x>0.1,x*x/3,-x/7)", "e*x-pi"]


@pytest.mark.parametrize("text", OPERATIONS)
def test_every_operation_is_as_good_as_its_functions(text: str) -> None:
    program = Program(read(text, Trees(simplified)))
    found = program.paired(X)
    exact = np.array([[to_float(v) for v in program.exact(float(x))] for x in X]).T
    plain = np.abs(program.fast(X) - exact)
    assert (np.abs(found - exact) <= 8.0 * np.spacing(np.abs(exact)) + 2.0 * plain + 1e-300).all()


@pytest.mark.parametrize("text", ["sin(30*x)", "cos(pi*x)", "sin((abs(x)+1)*x)", "sin(x**3/7)", "tanh(sin(20*x)/3)"])
def test_fast_oscillations_keep_their_digits(text: str) -> None:
    program = Program(read(text, Trees(simplified)))
    x = np.array([97.3, 412.9, 1013.7])
    exact = np.array([[to_float(v) for v in program.exact(float(one))] for one in x]).T
    misses = np.abs(program.paired(x) - exact) / np.abs(exact).max(axis=1, keepdims=True)
    assert misses.max() <= 5e-15 < (np.abs(program.fast(x) - exact) / np.abs(exact).max(axis=1, keepdims=True)).max()


def test_what_oscillates_is_not_left_to_multiprecision(monkeypatch: pytest.MonkeyPatch) -> None:
    """sin(30*x) took 65 seconds where sin takes two: every node beyond x = 2 was computed by mpmath."""
    calls = []
    exact = Program._exact
    monkeypatch.setattr(Program, "_exact", lambda self, x, side: calls.append(x) or exact(self, x, side))
    q = np.geomspace(1e-3, 100.0, 11)
    found = moments(parse("sin(30*x)"), q, ("V", "D"))
    assert len(calls) < 2000
    for i, one in enumerate(q):
        decay = MP.exp(-1800 * MP.mpf(float(one)))
        assert error(found["V"].value[i], (1 - decay) / 2) <= found["V"].error[i] <= 1e-12
        assert error(found["D"].value[i], 450 * (1 + decay)) <= found["D"].error[i] <= 1e-12 * 450
