"""Recurrent cells in the long run: values, bounds, the law of an LSTM, critical values, and what is refused."""

import numpy as np
import pytest

import eoc
from eoc.errors import EocError, UnsupportedError
from eoc.recurrence.lstm_law import CellLaw, Gates
from eoc.recurrence.units import Weights, histories


@pytest.mark.parametrize(
    ("cell", "numbers", "q", "chi", "c"),
    [
        ("minimalrnn", {"c": 0.5}, 0.44039575070106252, 0.36454518095437693, 0.43326731893779618),
        (
            "rnn",
            {"sigma_w": 1.5**0.5, "sigma_v": 0.5**0.5, "c": 0.5},
            1.123212798303546,
            0.66583664044458,
            0.463689787559,
        ),
    ],
)
def test_values(cell, numbers, q, chi, c):
    found = eoc.recurrent(cell, **numbers)
    assert found.q == pytest.approx(q, rel=1e-11)
    assert found.chi == pytest.approx(chi, rel=1e-11)
    assert found.c_star == pytest.approx(c, rel=1e-11)
    assert found.q_error < 1e-12
    assert found.chi_error < 1e-12
    assert found.c_star_error < 1e-11
    assert found.xi_grad == pytest.approx(-1.0 / np.log(chi), rel=1e-11)
    assert set(found.to_dict()) >= {"q", "chi", "c_star", "xi_grad", "numbers", "verdict"}
    assert f"{found.xi_grad:.4g} steps" in found.verdict


def test_moments_of_a_cell():
    found = eoc.lstm_moments(mu_f=1.0, v_f=0.5, mu_i=0.0, v_i=0.5, v_g=1.0, steps=20)
    for value, error, true in (
        (found.second, found.second_error, 0.22832429052658816),
        (found.fourth, found.fourth_error, 0.15001146901166046),
        (found.second_limit, found.second_limit_error, 0.22832485632765110),
    ):
        assert abs(value - true) <= error < 1e-13
    many = eoc.lstm_moments(mu_f=1.0, v_f=0.5, mu_i=0.0, v_i=0.5, v_g=1.0, steps=2000, second=3.0, fourth=30.0)
    assert many.second == pytest.approx(found.second_limit, rel=1e-13)
    assert many.fourth == pytest.approx(found.fourth_limit, rel=1e-13)
    with pytest.raises(EocError, match="fourth >= second"):
        eoc.lstm_moments(steps=1, second=2.0, fourth=1.0)
    with pytest.raises(EocError, match="whole number from 0"):
        eoc.lstm_moments(steps=-1)


def test_the_law_of_a_cell():
    """Against samples of one cell, and its second moment against the exact one; finer grids change nothing."""
    law = CellLaw(Gates(1.0, 0.3, -0.2, 0.8), 96)
    rng, c = np.random.default_rng(1), np.zeros(200_000)

    def gate(mu):
        return 1.0 / (1.0 + np.exp(-mu - 0.8**0.5 * rng.standard_normal(c.size)))

    for _ in range(40):
        c = gate(1.0) * c + gate(0.3) * np.tanh(0.8**0.5 * rng.standard_normal(c.size))
    seen, hidden = np.tanh(c) ** 2, (gate(-0.2) * np.tanh(c)) ** 2
    for value, sample in ((law.seen, seen), (law.hidden, hidden)):
        assert abs(value - sample.mean()) < 4.0 * sample.std() / c.size**0.5
    finer = CellLaw(Gates(1.0, 0.3, -0.2, 0.8), 160)
    assert finer.hidden == pytest.approx(law.hidden, rel=1e-12)
    assert finer.chi(1.3) == pytest.approx(law.chi(1.3), rel=1e-11)


def test_an_lstm_without_recurrent_weights_forgets_by_its_gate_alone():
    found = eoc.recurrent("lstm", sigma_w=0.0, mu_f=2.0, sigma_b=0.5)
    gate = eoc.moments("sigmoid(x + 2)", 1.25, ("V",))["V"].value
    assert found.chi == pytest.approx(gate, rel=1e-11)
    assert found.q == pytest.approx(eoc.lstm_moments(2.0, 1.25, 0.0, 1.25, 1.25, steps=0).second_limit, rel=1e-13)
    assert found.fourth > found.q**2


def test_two_cells_of_an_lstm():
    """Of one sequence they come together; without memory they correlate as after one step, by quadrature."""
    assert eoc.recurrent("lstm").c_star == 1.0
    found = eoc.recurrent("lstm", sigma_w=0.0, mu_f=-40.0, c=0.5)  # h = o tanh(i tanh(e))
    z = np.linspace(-8.0, 8.0, 41)
    weights = np.exp(-0.5 * z * z)
    weights = weights / weights.sum()
    a, b = z[:, None], 0.5 * z[:, None] + 0.75**0.5 * z
    both = np.outer(weights, weights)
    sigmoid = eoc.activation("sigmoid")

    def of_gates(f):
        """E over the input gates of the product of f(i_a, g_a) f(i_b, g_b), and over the candidates."""
        i, g = (sigmoid(a), sigmoid(b)), (np.tanh(a), np.tanh(b))
        left = f(i[0][:, :, None, None], g[0][None, None])
        right = f(i[1][:, :, None, None], g[1][None, None])
        return np.einsum("ijkl,ij,kl->", left * right, both, both)

    opened = (both * sigmoid(a) * sigmoid(b)).sum()
    together = opened * of_gates(lambda i, g: np.tanh(i * g))
    assert found.c_star == pytest.approx(together / found.hidden, rel=3e-7)
    assert found.c_star_error < 1e-9


def test_an_lstm_without_inputs_sleeps_or_runs_by_itself():
    assert eoc.recurrent("lstm", sigma_v=0.0).hidden == 0.0
    awake = eoc.recurrent("lstm", sigma_v=0.0, sigma_w=4.0, mu_f=2.0, mu_i=2.0, mu_o=2.0)
    assert awake.hidden > 0.1
    assert awake.chi > 1.0


def test_critical_values():
    (found,) = eoc.critical_recurrent("rnn", "sigma_w")
    assert abs(found.chi - 1.0) <= found.chi_error
    below, above = (eoc.recurrent("rnn", sigma_w=found.numbers["sigma_w"] + d).chi for d in (-0.05, 0.05))
    assert below < 1.0 < above
    (slow,) = eoc.critical_recurrent("rnn", "sigma_w", chi=np.exp(-1.0 / 20.0))
    assert slow.xi_grad == pytest.approx(20.0, rel=1e-8)


def test_what_is_refused():
    with pytest.raises(UnsupportedError, match="two times"):
        eoc.recurrent("gru", tied=True)
    assert eoc.recurrent("rnn", tied=True).tied_is_exact
    for arguments, said in (
        (("grru",), "did you mean 'gru'"),
        (("gru(mu_u=1, sigma=2)",), "sigma is no number of gru"),
        (("lstm(mu_f=200)",), "from -100 to 100"),
        ((3,), "a cell is a text"),
    ):
        with pytest.raises(EocError, match=said):
            eoc.recurrent(*arguments)
    with pytest.raises(EocError, match="functions of 'gru' are its own"):
        eoc.recurrent("gru", activation="relu")
    with pytest.raises(EocError, match="sigma_w must be a real number"):
        eoc.recurrent("gru", sigma_w="1")
    with pytest.raises(EocError, match="no number of 'gru'"):
        eoc.critical_recurrent("gru", "mu_f")
    with pytest.raises(EocError, match="smaller one first"):
        eoc.critical_recurrent("gru", "mu_u", between=(1.0, 0.0))


# the same weights at every step


def fresh_inputs(times, c=0.5):
    return np.einsum("ts,pq->tpsq", np.eye(times), np.array([[1.0, c], [c, 1.0]]))


def test_tied_weights_of_a_plain_cell_change_nothing():
    one = Weights(1.5, 0.5, np.zeros(1))
    found = histories("rnn tanh", {"h": one}, fresh_inputs(30), 6000, seed=1)
    theory = eoc.recurrent("rnn", sigma_w=1.5**0.5, sigma_v=0.5**0.5, c=0.5)
    assert np.einsum("tptp->tp", found.gram)[10:].mean() == pytest.approx(theory.hidden, rel=0.01)
    grows = found.tangents.diagonal()  # of a step: 0.5 E[phi'^2], and chi times what was there
    chi, own = theory.chi, theory.chi * 0.5 / 1.5
    assert grows[-1] == pytest.approx(own / (1.0 - chi), rel=0.04)


def test_tied_weights_of_gates_change_much():
    """A GRU at strong recurrence: explicit networks of 1000 units gave 0.4423 +- 0.0046, fresh weights 0.0803."""
    weights = {name: Weights(16.0 if name == "g" else 1.0, 0.05, np.zeros(1)) for name in "urg"}
    found = histories("gru", weights, fresh_inputs(40), 3000, seed=2)
    assert found.gram[39, 0, 39, 0] == pytest.approx(0.4423, rel=0.09)
    assert eoc.recurrent("gru", sigma_w=4.0, sigma_v=0.05**0.5).q == pytest.approx(0.0803, rel=1e-3)
