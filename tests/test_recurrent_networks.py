"""Real recurrent cells beside theory: fresh weights agree, tied ones are told apart where they differ."""

import json

import numpy as np
import pytest
from test_cli import run

import eoc
from eoc.errors import EocError

FRESH = [
    ("rnn", {"sigma_w": 1.3, "c": 0.5, "sigma_b": 0.2}),
    ("rnn", {"sigma_w": 1.0, "sigma_v": 0.5, "activation": "relu"}),
    ("minimalrnn", {"sigma_w": 2.0, "mu": 1.0, "c": 0.3}),
    ("gru", {"sigma_w": 2.0, "sigma_u": 1.5, "mu_u": 0.5, "mu_r": -0.5, "c": 0.5}),
    ("lstm", {"sigma_w": 2.0, "mu_f": 1.0, "mu_i": 0.5, "mu_o": -0.5, "sigma_b": 0.3, "c": 0.6}),
]


@pytest.mark.parametrize(("cell", "numbers"), FRESH)
def test_fresh_weights_agree_with_theory(cell, numbers):
    found = eoc.recurrent_networks(cell, tied=False, width=64, networks=6, steps=20, seed=3, **numbers)
    assert len(found.comparisons) == 3
    assert found.agrees, found.verdict
    assert "agree with theory" in found.verdict


def test_tied_weights_agree_where_theory_is_exact_and_are_told_apart_elsewhere():
    plain = eoc.recurrent_networks("rnn", sigma_w=1.3, c=0.5, width=120, networks=8, seed=4)
    assert plain.tied
    assert plain.agrees, plain.verdict
    gru = eoc.recurrent_networks("gru", sigma_w=4.0, sigma_v=0.05**0.5, width=120, networks=8, steps=40, seed=4)
    first = gru.comparisons[0]
    assert first.theory == pytest.approx(0.08027, rel=1e-3)
    assert first.measured == pytest.approx(0.44, rel=0.15)
    assert not gru.agrees
    assert f"and not {first.theory:.4g} as theory of fresh weights says" in gru.verdict


def test_results_print_as_the_command_does():
    found = eoc.recurrent_networks("gru", sigma_w=4.0, sigma_v=0.22, width=48, networks=8)
    assert str(found).replace("\n  ", " ").startswith(f"{found.verdict}.")
    assert "E[h^2]" in str(found)
    text = str(found.theory)
    assert text.startswith(f"{found.theory.verdict}.")
    assert "xi_grad, steps" in text


def test_a_seed_gives_the_same_cells():
    one, two, three = (eoc.recurrent_networks("gru", width=20, networks=3, steps=8, seed=s) for s in (1, 1, 2))
    assert one.comparisons == two.comparisons
    assert one.comparisons != three.comparisons
    assert np.isfinite([c["z"] for c in one.to_dict()["comparisons"]]).all()


def test_what_cannot_be_sampled_is_explained():
    for arguments, said in (
        ({"networks": 2}, "3 networks or more"),
        ({"width": 1}, "width of 2 or more"),
        ({"steps": 2}, "4 or more"),
        ({"seed": -1}, "seed"),
    ):
        with pytest.raises(EocError, match=said):
            eoc.recurrent_networks("gru", **arguments)
    with pytest.raises(EocError, match="tanh or relu can be sampled"):
        eoc.recurrent_networks("rnn", activation="erf")
    with pytest.raises(EocError, match="take a smaller sigma_w"):
        eoc.recurrent_networks("rnn", activation="relu", sigma_w=2.0)


def test_the_command_answers_and_refuses():
    done = run("recurrent", "rnn", "--critical", "sigma_w", "--json")
    found = json.loads(done.stdout)
    assert found["critical"] == pytest.approx([1.8555891011388923])
    assert found["sample"] is None
    assert {"q", "chi", "c_star", "xi_grad", "verdict"} <= set(found)
    for bad, said in (("--sample=no", "tied or fresh"), ("--critical=mu", "no number of 'rnn'")):
        refused = run("recurrent", "rnn", bad)
        assert refused.returncode == 2
        assert said in refused.stderr
