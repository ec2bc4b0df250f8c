"""Recurrent cells as blocks of layers: fixed points, correlations and gradients with fresh weights at every step."""

import numpy as np
import pytest

import eoc
from eoc.errors import EocError, UnsupportedError
from eoc.layers import Input, network
from eoc.montecarlo.sampling.ops import draw

#: Values of theory_architectures 8.2: text, variance that is kept, chi there, correlation that is reached.
CELLS = {
    "minimalrnn(1, 1, 0, c=0.5)": (0.44039575070106252, 0.36454518095437693, 0.43326731893779618),
    "minimalrnn(2, 1, 3, c=0.5)": (0.098112280078625935, 0.89002125246295605, 0.31405817747682131),
    "tanh, dense(sqrt(1.5)), input(0.5, 0.5)": (1.1232127983035460, 0.66583664044458118, 0.46368978755937678),
    "erf, dense(sqrt(3), sqrt(0.05)), input(0.2, 0)": (2.0280960843186107, 1.2653636632423081, 0.10115786816512238),
}
SLOPES = {
    "tanh, dense(sqrt(1.5)), input(0.5, 0.5)": 0.53562560986467702,
    "erf, dense(sqrt(3), sqrt(0.05)), input(0.2, 0)": 0.75795348815921124,
}


@pytest.mark.parametrize("text", CELLS)
def test_what_is_kept(text):
    q, chi, c = CELLS[text]
    kept, f = eoc.VarianceMap(text), eoc.CorrelationMap(text)
    found = kept.chi_1(kept.kept)
    assert kept.kept == pytest.approx(q, rel=1e-13)
    assert abs(kept.kept - q) <= kept.kept_error + 1e-15
    assert abs(found.value - chi) <= 1e-13
    at = f.stable_point
    assert abs(at.c - c) <= at.c_error + 1e-15 <= 1e-11
    if text in SLOPES:
        assert abs(at.slope - SLOPES[text]) <= at.slope_error <= 1e-9


def test_a_gru_from_nothing():
    block, q = network("gru(1, 1)").block(), 0.0
    for _ in range(20):
        x = block(Input([q]))
        q = float(x.q.value[0])
    assert q == pytest.approx(0.17165751004860365, rel=1e-14)
    assert x.chi.value[0] == pytest.approx(0.36490925413430333, rel=1e-14)
    assert x.chi.error[0] < 1e-13


def test_gates_that_stay_open_keep_all_and_others_nothing():
    kept, lost = (network(f"gru(1, 1, mu_u={mu})").block()(Input([0.3])) for mu in (40.0, -40.0))
    assert kept.q.value[0] == pytest.approx(0.3, rel=1e-12)
    assert kept.chi.value[0] == pytest.approx(1.0, rel=1e-12)
    plain = network("gate(scale(1), (dense(1), input(1), sigmoid)), dense(1), input(1), tanh").block()(Input([0.3]))
    assert lost.q.value[0] == pytest.approx(plain.q.value[0], rel=1e-12)


def test_sums_of_products_that_share_a_factor():
    """u h + (1 - u) z has what it should, as z has mean 0; with a z that has not it is refused."""
    x = network("minimalrnn(1.3, 0.7, 0.4, 0.2, R=0.8, c=0.1)").block()(Input([0.5, 1.1], [0.6]))
    gate = eoc.moments("sigmoid(x + 0.4)", 1.69 * np.array([0.5, 1.1]) + 0.49 * 0.8 + 0.04, ("V", "D"))
    rest = eoc.moments("1 - sigmoid(x + 0.4)", 1.69 * np.array([0.5, 1.1]) + 0.49 * 0.8 + 0.04, ("V",))
    q = gate["V"].value * [0.5, 1.1] + 0.8 * rest["V"].value
    chi = gate["V"].value + 1.69 * gate["D"].value * (np.array([0.5, 1.1]) + 0.8)
    np.testing.assert_allclose(x.q.value, q, rtol=1e-13)
    np.testing.assert_allclose(x.chi.value, chi, rtol=1e-13)
    from eoc.layers.affine import Dense
    from eoc.layers.elementwise import Elementwise
    from eoc.layers.joined import Product, Sum

    h, z, e = (Dense(1.0)(Input([1.0])) for _ in range(3))
    relu, u = Elementwise(eoc.activation("relu")), Elementwise(eoc.activation("sigmoid"))(e)
    assert Sum()(Product()(u, h), Product()(u, relu(z))).q.value[0] == pytest.approx(
        float(eoc.moments("sigmoid", 1.0)["V"].value) * 1.5
    )
    with pytest.raises(UnsupportedError, match="share units"):
        Sum()(Product()(u, relu(h)), Product()(u, relu(z)))


def test_depth_laws_and_phases_take_cells():
    phase = eoc.phase_of("gru(4, sqrt(0.05), c=0.5)")
    assert phase.phase == "ordered"
    assert phase.chi_1 == pytest.approx(0.971355, rel=1e-5)
    far = eoc.propagate("gru(4, sqrt(0.05), c=0.5)", q=1.0, c=0.9, depth=300)
    assert far.q[-1, 0] == pytest.approx(phase.q, rel=1e-9)
    assert far.c[-1, 0, 1] == pytest.approx(phase.c_star, rel=1e-9)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("minimalrnn(-1)", "sigma_w must be a standard deviation"),
        ("gru(1, 1, mu_u=101)", "from -100 to 100"),
        ("input(-1)", "from 0 to"),
        ("tanh, input(1, 2)", "from -1 to 1"),
    ],
)
def test_bad_numbers_are_explained(text, said):
    with pytest.raises(EocError, match=said):
        network(text).block()


def test_inputs_of_networks_have_the_correlation_they_are_said_to_have():
    op, rng = network("scale(0), input(2, -0.4)").block(), np.random.default_rng(1)
    y, back = draw(op, (np.zeros((3, 20_000)),), rng, True)
    np.testing.assert_allclose(y @ y.T / 20_000, [[2, -0.8, -0.8], [-0.8, 2, -0.8], [-0.8, -0.8, 2]], atol=0.08)
    assert not back(np.ones_like(y))[0].any()
    with pytest.raises(EocError, match="cannot all have the correlation"):
        draw(network("input(1, -0.6)").block(), (np.zeros((3, 5)),), rng, True)
