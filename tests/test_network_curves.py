"""The edge of chaos of networks as a curve, and what is recommended on it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import eoc
from eoc.criticality import EocCurve, NoPoint, eoc_curve
from eoc.errors import EocError, UnsupportedError
from eoc.layers import Input, Network, Pairs, network
from eoc.layers.unsolved import parts_of
from eoc.maps import VarianceMap

SKIP = 0.8
LAM = (1.0 - SKIP**2) ** 0.5
#: Blocks whose curve is that of tanh at the same q: sigma_w and sigma_b times so much.
SCALED = {
    f"residual(tanh, dense, skip={SKIP})": (LAM, LAM),
    f"residual(scale(0.5), tanh(2*x), dense, skip={SKIP})": (LAM, LAM),
    "tanh, dropout(0.19), dense": (0.9, 1.0),
    "tanh, dense, scale(-2)": (0.5, 0.5),
}
EXPLICIT = (
    "gate(dense(1), (dense(1), tanh)), dense",
    "residual(gelu, dense, skip=0.9)",
    "mlp_layernorm",
    "relu, layernorm, dense",
    "tanh, dense(1), residual(relu, dense, skip=0.5), dense(0.7, 0.1)",
)
FORCED = ("postln", "dense, layernorm, tanh", "postnorm(dense, tanh, dense)")


def known(found: Any) -> Any:
    at = np.flatnonzero(np.isfinite(found.q.ravel()))
    return [(float(found.q.flat[i]), float(found.sigma_w.flat[i]), float(found.sigma_b.flat[i])) for i in at]


@pytest.mark.parametrize("name", ["tanh", "gelu", "elu", "hardtanh", "sigmoid"])
def test_the_curve_of_a_plain_network_is_that_of_its_activation(name: str) -> None:
    one, two = eoc_curve(name), eoc_curve(f"{name}, dense")
    assert [c.becomes for c in one.transitions] == [c.becomes for c in two.transitions]
    assert [(c.quantity, c.extremum) for c in one.turning_points] == [
        (c.quantity, c.extremum) for c in two.turning_points
    ]
    for mine, other in zip(one.turning_points, two.turning_points, strict=True):
        assert abs(mine.q - other.q) <= mine.q_error + other.q_error
    for mine, other in zip(one.ends[0], two.ends[0], strict=True):
        assert (mine.q, mine.sigma_b) == (other.q, pytest.approx(other.sigma_b, rel=1e-12))
        for law in ("squared_bias", "squared_weight"):
            a, b = getattr(mine, law), getattr(other, law)
            assert (a.law, a.exponent) == (b.law, b.exponent) or np.isnan([a.exponent, b.exponent]).all()
            assert (
                abs(a.limit - b.limit) <= a.limit_error + b.limit_error if np.isfinite(a.limit) else a.limit == b.limit
            )
            if a.law == "power":
                assert abs(a.constant - b.constant) <= a.constant_error + b.constant_error
    targets = [1e-6, 0.01, 0.3, 1.5]
    for given in ("sigma_b", "sigma_w"):
        np.testing.assert_allclose(one.at(**{given: targets}).q, two.at(**{given: targets}).q, rtol=1e-12)


@pytest.mark.parametrize("text", SCALED)
def test_what_only_scales_a_layer_scales_its_curve_to_the_last_digits(text: str) -> None:
    of_w, of_b = SCALED[text]
    plain, block = eoc_curve("tanh"), eoc_curve(text)
    sigma_b = np.array([1e-9, 1e-6, 1e-3, 0.2, 2.0])  # sigma_b^2 is q^3: 1e-18 of 1e-6
    mine, theirs = block.at(sigma_b=sigma_b * of_b), plain.at(sigma_b=sigma_b)
    np.testing.assert_allclose(mine.q, theirs.q, rtol=4e-14)
    np.testing.assert_allclose(mine.sigma_w, theirs.sigma_w * of_w, rtol=4e-14)
    points = [eoc.edge_of_chaos(text, q=q).best for q in (1e-12, 1e-4, 1.0)]
    for p in points:
        other = eoc.edge_of_chaos("tanh", q=p.q).best
        assert abs(p.sigma_b - of_b * other.sigma_b) <= p.sigma_b_error + of_b * other.sigma_b_error
        assert p.sigma_b_error <= 1e-12 * p.sigma_b
    (start, _), (wanted, _) = block.ends[0], plain.ends[0]
    assert start.squared_bias.constant == pytest.approx(of_b**2 * wanted.squared_bias.constant, rel=1e-9)


@pytest.mark.parametrize("text", [*EXPLICIT, *FORCED])
def test_on_the_curve_blocks_keep_their_variance_and_gradients(text: str) -> None:
    found = eoc_curve(text, points=30)
    assert found.kind == "curve"
    points = [*known(found.at(sigma_b=[0.15, 0.4])), *known(found.at(sigma_w=[0.9, 1.6]))]
    pieces = [point for piece in found.pieces for point in known(piece)]
    assert len(points) >= 2
    for q, w, b in [*points, *pieces[1:-1:7]]:
        block = VarianceMap(text, w, b)
        assert float(block.F(q).value) == pytest.approx(q, rel=1e-11)
        assert float(block.chi_1(q).value) == pytest.approx(1.0, abs=1e-10)


def test_a_fixed_bias_behind_what_is_free_ends_the_curve() -> None:
    """sigma_w^2 = 4/D and sigma_b^2 = 4 (q - V/D - 0.09)."""
    found, plain = eoc_curve("tanh, dense, dense(0.5, 0.3)"), eoc_curve("tanh")
    (start, _) = found.ends[0]
    (wanted,) = plain.at(sigma_b=0.3).q
    assert (start.q, start.sigma_b) == (pytest.approx(wanted, rel=1e-13), 0.0)
    assert start.squared_bias.exponent == 1.0
    (q,) = found.at(sigma_b=0.8).q  # (0.4^2 + 0.09)^(1/2) = 0.5
    assert q == pytest.approx(float(plain.at(sigma_b=0.5).q[0]), rel=1e-13)


def test_where_a_norm_decides_the_curve_is_a_ray() -> None:
    """What a norm is behind of does not know how large it is: sigma_b^2/sigma_w^2 = E[tanh'^2] - E[tanh^2]."""
    m = eoc.moments("tanh", 1.0, ("V", "D"))
    ratio = float(m["D"].value - m["V"].value) ** 0.5
    for text in ("layernorm, tanh, dense", "tanh, dense, layernorm"):
        for piece in eoc_curve(text, points=40).pieces:
            inner = piece.sigma_w > 0.0
            np.testing.assert_allclose(piece.sigma_b[inner] / piece.sigma_w[inner], ratio, rtol=1e-11)
            assert (piece.sigma_b <= 2.0).all()
            assert piece.sigma_b.max() == pytest.approx(2.0, rel=1e-12)
            assert (piece.slope == 0.0).all()


def test_where_every_sigma_w_is_critical_the_curve_is_a_line() -> None:
    found = eoc_curve("postnorm(relu, dense)")
    assert all((piece.sigma_b == 0.0).all() for piece in found.pieces)
    assert found.at(sigma_w=[0.3, 3.0]).sigma_b.tolist() == [[0.0, 0.0]]
    assert found.at(sigma_b=0.1).q.size == 0


@pytest.mark.parametrize(
    ("text", "words"), [("resnet", "multiplies"), ("preln", "adds about"), ("sign, dense", "jumps")]
)
def test_where_there_is_no_curve_it_says_why(text: str, words: str) -> None:
    found = eoc_curve(text)
    assert (found.kind, found.pieces) == ("none", ())
    assert found.reason in (NoPoint.NO_SOLUTION, NoPoint.INFINITE_CHI_1)
    assert words in found.message
    assert np.isnan(found.at(sigma_b=[0.1, 0.2]).q).all()


def test_a_block_that_scales_has_a_point() -> None:
    found = eoc_curve("residual(relu, dense, skip=0.5)")
    assert found.kind == "point"
    (piece,) = found.pieces
    assert piece.sigma_w[0] ** 2 == pytest.approx(2.0 * 0.75, rel=1e-15)
    assert found.sigma_b(piece.sigma_w).tolist() == [[0.0]]
    assert eoc.edge_of_chaos("residual(relu, dense, skip=0.5)", sigma_b=0.1).reason is NoPoint.HOMOGENEOUS


def test_what_has_no_curve_to_follow_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="an activation follows the dense without numbers"):
        eoc_curve("dense, tanh, dense(1)")
    for text in ("tanh, dense(1)", "residual(tanh, dense, scale=1/l)"):
        for function in (eoc_curve, eoc.recommend):
            with pytest.raises(EocError, match=r"no dense without numbers|differ from layer to layer"):
                function(text)


# --- what it rests on ------------------------------------------------------------------------------------------------

BLOCKS = (
    *SCALED,
    *EXPLICIT,
    "residual(layernorm, dense(1), gelu, dense, skip=0.5)",
    "rmsnorm(0.1), relu, dense",
    "residual(noise(1.5), gate((dense(1.2), silu), dense(0.8, 0.2)), dense, skip=0.7), dropout(0.3)",
)


def behind(text: str, q: np.ndarray[Any, Any], w: float, b: float) -> Any:
    return network(text).block(w, b)(Input(q, pairs=Pairs.none()))


@pytest.mark.parametrize("text", BLOCKS)
def test_one_evaluation_tells_all_places(text: str) -> None:
    q = np.array([0.01, 0.5, 7.0])
    y = network(text).unsolved(q)
    for w, b in ((0.3, 0.0), (1.7, 0.4)):
        wanted = behind(text, q, w, b)
        for name in ("q", "chi", "dq", "gap"):
            fixed, weight, bias = parts_of(getattr(y, name))
            mine, theirs = fixed + weight * w**2 + bias * b**2, getattr(wanted, name)
            assert (np.abs(mine.value - theirs.value) <= mine.error + theirs.error).all(), name


@pytest.mark.parametrize("text", [*BLOCKS, "postln", "swiglu", "dense, tanh, layernorm, gelu(x), dense(1, 0.3)"])
def test_the_gap_is_what_tangents_are_ahead_of_the_signal(text: str) -> None:
    q = np.array([1e-3, 0.5, 7.0]) if "layernorm, gelu" not in text else np.array([0.5])
    y = behind(text, q, 0.9, 0.2)
    direct = y.chi.value * q - y.q.value
    assert (np.abs(y.gap.value - direct) <= y.gap.error + y.chi.error * q + y.q.error + 4e-16 * np.abs(y.q.value)).all()
    assert (y.gap.error <= 1e-12 * np.maximum(y.q.value, y.chi.value * q)).all()


# --- what is recommended ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["tanh", "gelu", "elu", "hardtanh"])
@pytest.mark.parametrize("depth", [10, 60])
def test_the_rule_of_a_plain_network_is_that_of_its_activation(name: str, depth: int) -> None:
    one, two = eoc.recommend(name, depth), eoc.recommend(f"{name}, dense", depth)
    assert (one.q, one.trains) == (two.q, two.trains)
    assert two.sigma_w == pytest.approx(one.sigma_w, rel=1e-13)
    assert two.sigma_b == pytest.approx(one.sigma_b, rel=1e-12)
    assert abs(one.one_minus_c - two.one_minus_c) <= one.one_minus_c_error + two.one_minus_c_error


@pytest.mark.parametrize(
    "text", ["residual(tanh, dense, skip=0.8)", "postln", "mlp_layernorm", "residual(gelu, dense, skip=0.9)"]
)
def test_what_is_recommended_keeps_signals_over_the_depth(text: str) -> None:
    for depth in (20, 200):
        at = eoc.recommend(text, depth)
        run = eoc.propagate(text, at.sigma_w, at.sigma_b, q=at.q, c=0.3, depth=[0, depth])
        error = at.one_minus_c_error + float(run.error[-1, 0, 1])
        assert abs(at.one_minus_c - float(run.one_minus_c[-1, 0, 1])) <= error
        assert float(run.gradient[0, 0]) == pytest.approx(1.0, abs=1e-8)
        scattered = eoc.propagate(text, at.sigma_w, at.sigma_b, q=4.0 * at.q, c=0.3, depth=depth)
        assert float(scattered.q[-1, 0]) <= 4.0 * np.e * at.q
        assert at.point is not None
        assert at.point.law.depth <= max(100.0, 2.0 * depth) * (1.0 + 1e-6)
        assert at.trains == (at.one_minus_c >= 0.1)


def test_deeper_networks_get_more_linear_places() -> None:
    q = [eoc.recommend("residual(tanh, dense, skip=0.8)", depth).q for depth in (30, 300, 1000)]
    assert q[0] > q[1] >= q[2] >= 0.05


def test_where_no_block_is_critical_nothing_is_recommended() -> None:
    for text, words in (("preln", "adds about"), ("resnet", r"1/sqrt\(L\)"), ("sign, dense", "jumps")):
        with pytest.raises(EocError, match=words):
            eoc.recommend(text, 30)


def test_curves_are_of_networks_and_texts_alike() -> None:
    block: Network = network("residual(tanh, dense, skip=0.8)")
    one, two = eoc_curve(block), eoc_curve("residual(tanh, dense, skip=0.8)")
    assert isinstance(one, EocCurve)
    assert one.to_dict().keys() == two.to_dict().keys()
    np.testing.assert_array_equal(one.pieces[0].sigma_w, two.pieces[0].sigma_w)
