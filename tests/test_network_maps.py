"""Maps, phases, laws and edges of networks of several layers: against those of single activations, and closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest

from eoc.convergence import convergence_of
from eoc.criticality import NoPoint, Regime, edge_of_chaos
from eoc.errors import EocError, UnsupportedError
from eoc.layers import CloseInput, Input, network
from eoc.layers.close import Close
from eoc.maps import CorrelationMap, VarianceMap, convergence_law
from eoc.phase import phase_diagram, phase_of, phases
from eoc.propagation import propagate

RELU_KAPPA = 9.0 * math.pi**2 / 2.0
DEPTHS = [1, 10, 1000, 10**6, 10**12]


def relu_map(e: np.ndarray) -> np.ndarray:
    """1 - f of ReLU: (sin(theta) - theta cos(theta)) / pi + e."""
    theta = 2.0 * np.arcsin(np.sqrt(0.5 * e))
    return (theta * np.cos(theta) - np.sin(theta)) / np.pi + e


# --- the plain network -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "sigma_w", "sigma_b"),
    [("tanh", 2.5, 0.3), ("tanh", 0.8, 0.1), ("relu", 2**0.5, 0.0), ("gelu", 1.5, 0.2), ("erf", 1.2, 0.0)],
)
def test_a_network_of_one_layer_has_the_maps_of_its_activation(name: str, sigma_w: float, sigma_b: float) -> None:
    one, two = CorrelationMap(name, sigma_w, sigma_b), CorrelationMap(network(f"{name}, dense"), sigma_w, sigma_b)
    assert abs(one.q - two.q) <= one.q_error + two.q_error
    assert abs(one.chi_1 - two.chi_1) <= one.chi_1_error + two.chi_1_error
    assert [p.stability for p in one.variance.fixed_points] == [p.stability for p in two.variance.fixed_points]
    e = np.array([1e-300, 1e-100, 1e-20, 1e-9, 1e-3, 0.3, 1.0, 1.7])
    for part in ("one_minus_f", "slope", "curvature"):
        a, b = (getattr(f, part)(one_minus_c=e) for f in (one, two))
        known = np.isfinite(a.value) & np.isfinite(b.value)
        assert (np.abs(a.value - b.value) <= a.error + b.error)[known].all(), part
        assert known[1:].all()
    a, b = (f.one_minus_f(one_minus_c=e) for f in (one, two))
    assert (b.error <= 1e-11 * b.value).all()
    a, b = (f.iterate(DEPTHS, c=0.1) for f in (one, two))
    assert (np.abs(a.value - b.value) <= a.error + b.error).all()
    for mine, other in zip(one.expansion, two.expansion, strict=True):
        assert mine.power == other.power
        assert abs(mine.coefficient - other.coefficient) <= mine.error + other.error


# --- laws ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "factor"),
    [
        ("relu, dense(sqrt(2))", 1.0),
        ("residual(relu, dense(1.5))", (1.0 + 2.0 / 1.5**2) ** 2),  # Yang & Schoenholz (2017)
        ("postnorm(relu, dense(1.5))", (1.0 + 2.0 / 1.5**2) ** 2),  # x + W relu(x) has mean 0: the norm is a number
        ("residual(relu, dense(sqrt(2)), skip=0.8, scale=0.6)", 0.6**-4),  # lam^2 + u = 1
        ("residual(relu, dense(sqrt(2)), scale=1e-3)", (1.0 + 1e6) ** 2),
    ],
)
def test_kinked_blocks_converge_as_one_over_depth_squared(text: str, factor: float) -> None:
    law = convergence_law(CorrelationMap(network(text), q=1.0))
    assert law.law == "1/l^2"
    assert law.constant == pytest.approx(RELU_KAPPA * factor, rel=1e-11)
    assert abs(law.constant - RELU_KAPPA * factor) <= law.error + 1e-15 * law.constant


def test_smooth_blocks_converge_as_one_over_depth_with_the_curvature_of_their_branch() -> None:
    """A block that keeps q by lam^2 + u = 1, of a branch on its edge of chaos, has beta_q / u."""
    edge = edge_of_chaos("tanh", sigma_b=0.2).best
    plain = convergence_law(CorrelationMap("tanh", edge.sigma_w, edge.sigma_b, edge.q))
    skip, scale = 0.96, 0.28
    block = network(f"residual(tanh, dense, skip={skip}, scale={scale})")
    law = convergence_law(CorrelationMap(block, edge.sigma_w, edge.sigma_b, edge.q))
    assert law.law == "1/l"
    assert law.constant == pytest.approx(plain.constant / scale**2, rel=1e-10)
    found = convergence_of(CorrelationMap(block, edge.sigma_w, edge.sigma_b, edge.q), 1e9)
    assert found.exponent is not None
    assert found.constant is not None
    assert found.exponent.value == pytest.approx(1.0, abs=1e-6)
    assert abs(found.constant.value - law.constant) <= found.constant.error + law.error


def test_many_blocks_one_by_one_are_those_of_long_double() -> None:
    """x + W relu(x) with W^2 = 1/N, over 10^5 layers: e -> (e + g(e)/2) / (3/2)."""
    f = CorrelationMap(network("residual(relu, dense(1))"), q=1.0)
    half, pi = np.longdouble(0.5), np.arccos(np.longdouble(-1.0))
    e = np.longdouble(0.9)
    for _ in range(10**5):
        theta = 2 * np.arcsin(np.sqrt(half * e))
        e = (e + half * (e - (np.sin(theta) - theta * (1 - e)) / pi)) / (1 + half)
    found = f.iterate(10**5, one_minus_c=0.9)
    assert float(found.value) == pytest.approx(float(e), rel=1e-9)
    assert abs(float(found.value) - float(e)) <= float(found.error)


@pytest.mark.parametrize("text", ["postnorm(dense(1), gelu, dense(1.3))", "gate(dense(1), (dense(1), tanh)), rmsnorm"])
def test_any_depth_follows_the_law_of_the_block(text: str) -> None:
    f = CorrelationMap(network(text))
    deep = f.iterate(DEPTHS, one_minus_c=1e-3)
    if f.chi_1 > 1.0:
        assert deep.value[-1] == pytest.approx(f.stable_point.one_minus_c, rel=1e-12)
    assert f(f.stable_point.c) == pytest.approx(f.stable_point.c, abs=1e-13)
    one = propagate(network(text), q=1.0, one_minus_c=1e-3, depth=[1, 10, 1000]).one_minus_c[:, 0, 1]
    assert one == pytest.approx(deep.value[:3], rel=1e-11)


def test_tiny_distances_keep_their_digits_in_the_maps_of_all_presets_without_noise() -> None:
    for text in (
        "postln",
        "resnet",
        "mlp_layernorm",
        "plain",
        "residual(rmsnorm, gate(dense(1), silu), dense, skip=0.5)",
    ):
        block = network(text)
        f = CorrelationMap(block, 1.1, q=None if VarianceMap(block, 1.1).scales else VarianceMap(block, 1.1).kept)
        found = f.one_minus_f(one_minus_c=1e-100)
        assert float(found.value) == pytest.approx(1e-100 * f.chi_1, rel=1e-12), text
        assert float(found.error) <= 1e-11 * float(found.value), text


# --- variances -------------------------------------------------------------------------------------------------------


def test_growth_of_a_block_that_almost_keeps_its_variance_loses_no_digits() -> None:
    block = VarianceMap(network("residual(relu, dense(sqrt(2)), scale=1e-8)"))
    grown = block.growth(3.0)
    assert float(grown.value) == pytest.approx(3e-16, rel=1e-14)
    assert float(grown.error) <= 1e-14 * 3e-16
    assert block.scales
    assert block.gain == 1.0  # to the last digit


@pytest.mark.parametrize("q", [1e-6, 0.3, 7.0])
def test_slopes_of_blocks_are_those_of_their_variances(q: float) -> None:
    for text in (
        "residual(layernorm, dense(1.4), gelu, dense(1), scale=0.5)",
        "gate(dense(1), (dense(0.7, 0.2), silu))",
    ):
        block, h = VarianceMap(network(text)), 1e-4
        around = block(q * (1.0 + h * np.array([-2.0, -1.0, 1.0, 2.0])))
        slope = float(np.array([1.0, -8.0, 8.0, -1.0]) @ around) / (12.0 * h * q)
        assert float(block.slope(q).value) == pytest.approx(slope, rel=1e-9, abs=1e-15 / (h * q))


def test_inputs_of_different_norms_reach_any_depth() -> None:
    run = propagate(network("postnorm(dense(1), gelu, dense(1.3))"), q=[0.3, 5.0], c=0.2, depth=1e12)
    assert run.q[-1].tolist() == [1.0, 1.0]
    f = CorrelationMap(network("postnorm(dense(1), gelu, dense(1.3))"))
    assert run.c[-1, 0, 1] == pytest.approx(f.stable_point.c, abs=1e-12)
    scaled = propagate(network("residual(relu, dense(1e-7))"), q=[1.0, 4.0], c=0.0, depth=1e6)
    assert scaled.q[-1] == pytest.approx([1.0, 4.0], rel=1e-7)


GROWING = ["prenorm(relu, dense(sqrt(2)))", "residual(rmsnorm, gate(dense(1), (dense(1), silu)), dense(1))"]


@pytest.mark.parametrize("text", GROWING)
def test_growing_blocks_are_their_steps_one_by_one(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"q": 0.7, "one_minus_c": [[0.0, 0.4, 1e-9], [0.4, 0.0, 0.4], [1e-9, 0.4, 0.0]], "depth": [0, 1, 10, 150]}
    law = propagate(network(text), **given)
    monkeypatch.setattr("eoc.propagation.layers._WORTH", 1e300)
    steps = propagate(network(text), **given)
    assert (np.abs(law.one_minus_c - steps.one_minus_c) <= law.error + steps.error).all()
    assert (law.error[1:, 0, 2] <= 1e-11 * law.one_minus_c[1:, 0, 2]).all()
    for name in ("q", "chi", "log_gradient"):
        assert getattr(law, name) == pytest.approx(getattr(steps, name), rel=1e-12, abs=1e-11), name


@pytest.mark.parametrize("text", GROWING)
def test_growing_blocks_flow_as_they_step(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"q": 0.7, "one_minus_c": 0.4, "depth": [30_000, 40_000]}
    flow = propagate(network(text), **given)
    monkeypatch.setattr("eoc.propagation.growing._STEPS", 40_000)
    steps = propagate(network(text), **given)
    off = np.abs(flow.one_minus_c - steps.one_minus_c)[:, 0, 1]
    assert (off <= flow.error[:, 0, 1]).all()
    assert (flow.error[:, 0, 1] <= 2e-9 * flow.one_minus_c[:, 0, 1]).all()


def test_a_deep_pre_norm_network_forgets_its_inputs_like_one_over_log_squared() -> None:
    """Of ReLU 1 - c ~ 4/(s ln q)^2, s = 2 sqrt(2)/(3 pi): the slope of (1 - c)^(-1/2) in ln q comes to s/2 slowly."""
    run = propagate(network("prenorm(relu, dense(sqrt(2)))"), q=1.0, c=0.0, depth=[10**9, 10**12])
    slope = float(np.diff(run.one_minus_c[:, 0, 1] ** -0.5)[0] / np.diff(np.log(run.q[:, 0]))[0])
    assert slope == pytest.approx(math.sqrt(2.0) / (3.0 * math.pi), rel=5e-3)
    assert run.log_gradient[0, 0] == pytest.approx(math.log(1e3), rel=1e-9)


# --- noise -----------------------------------------------------------------------------------------------------------


def test_with_dropout_equal_inputs_end_apart() -> None:
    """tanh with dropout of 10 per cent at (1, 0.1): q and c* by Gauss-Hermite quadrature and plain iteration."""
    x, w = np.polynomial.hermite_e.hermegauss(80)
    w = w / w.sum()
    q, c = 1.0, 0.3
    for _ in range(300):
        q = 0.01 + float(w @ np.tanh(np.sqrt(q) * x) ** 2) / 0.9
    for _ in range(200):
        second = np.tanh(np.sqrt(q) * (c * x[:, None] + np.sqrt(1.0 - c * c) * x))
        c = (0.01 + float((w * np.tanh(np.sqrt(q) * x)) @ second @ w)) / q
    phase = phase_of("mlp_dropout", 1.0, 0.1)
    assert phase.q == pytest.approx(q, rel=1e-13)
    assert phase.c_star == pytest.approx(c, rel=1e-12)
    f = phase.correlation
    assert f is not None
    assert not f.keeps_equal
    assert [p.stable for p in f.fixed_points] == [True]
    assert float(f.iterate(10**9, c=1.0).value) == pytest.approx(1.0 - c, rel=1e-12)
    assert float(f.iterate(1, c=1.0).value) == pytest.approx(float(f.one_minus_f(1.0).value), rel=1e-14)
    assert convergence_law(f).law == "exponential"


@pytest.mark.parametrize("text", ["residual(dense(1), relu)", "tanh, dense(1), relu", "residual(dense(0.5)), relu"])
def test_blocks_that_hand_on_more_than_a_variance_have_no_map(text: str) -> None:
    """The mean of relu meets that of the skip in the next block: F of Gaussian inputs would be wrong from there on."""
    for maps in (VarianceMap, CorrelationMap):
        with pytest.raises(UnsupportedError, match="is not Gaussian, and the next one needs to know more"):
            maps(text)
    with pytest.raises(UnsupportedError, match="is not Gaussian"):
        phases(text)


def test_blocks_that_do_not_end_gaussian_are_followed_as_one_network() -> None:
    text, times = "residual(dense(1), relu)", 6
    run = propagate(text, q=1.0, c=0.3, depth=times)
    deep = network(f"repeat({times}, {text})").block()(Input([1.0, 1.0], [0.7]))
    assert run.q[-1] == pytest.approx(deep.q.value, rel=1e-13)
    assert run.one_minus_c[-1, 0, 1] == pytest.approx(deep.one_minus_c.value[0], rel=1e-12)
    with pytest.raises(EocError, match="do not end Gaussian, are followed one by one"):
        propagate(text, q=1.0, c=0.3, depth=1e6)


def test_what_the_next_block_asks_no_more_of_than_moments_has_maps() -> None:
    text = "dense(1.4), relu, layernorm"
    twice = network(f"repeat(2, {text}), dense(1)").block()(Input([1.0])).q.value[0]
    assert float(VarianceMap(text)(VarianceMap(text)(1.0))) == pytest.approx(twice, rel=1e-14)


def test_odd_blocks_tear_inputs_apart_to_exactly_0() -> None:
    phase = phase_of("residual(tanh, dense, skip=0.8)", 1.5)
    assert (phase.c_star, phase.c_star_error) == (0.0, 0.0)
    assert phase.correlation is not None
    assert [p.c for p in phase.correlation.fixed_points] == [-1.0, 0.0, 1.0]


FIELDS = ("q", "slope", "chi_1", "c_star", "xi_q", "xi_c", "xi_grad")


@pytest.mark.parametrize(
    "text",
    [
        "residual(tanh, dense, skip=0.8)",  # settles, and vanishes without biases
        "residual(gelu, dense, skip=0.9)",  # settles, diverges
        "residual(relu, dense, skip=0.6)",  # scales without biases
        "residual(tanh, dense(1.1), relu, dense, skip=0.6)",  # two activations, one behind the other
        "residual(layernorm, dense(1.4), gelu, dense, scale=0.5, skip=0.9)",
        "postln",  # a norm decides q, and the free dense is not the last
        "mlp_layernorm",
        "tanh, dropout(0.1), dense",  # equal inputs end apart
        "residual(dense(1.2), relu, dropout(0.2), dense, skip=0.7)",
        "gate(dense(1), (dense(1), tanh)), dense",  # vanishes or diverges
        "preln",
        "residual(sign, dense, skip=0.5)",  # jumps: a cell at a time
        "dense, tanh, dense(1)",  # no norm behind what follows the free dense: the same
    ],
)
def test_a_diagram_of_a_network_says_what_its_phases_say(text: str) -> None:
    sigma_w, sigma_b = [0.31, 1.2, 2.9], [0.0, 0.4]
    found = phase_diagram(text, sigma_w, sigma_b)
    names = found.phase.attrs["flag_meanings"].split()
    for i, b in enumerate(sigma_b):
        for j, w in enumerate(sigma_w):
            direct = phases(text, w, b)
            assert int(found.ends[i, j]) == len(direct)
            assert names[int(found.phase[i, j])] == (direct[0].phase if len(direct) == 1 else "several")
            for name in FIELDS:
                got, error = float(found[name][i, j]), float(found[f"{name}_error"][i, j])
                wanted, other = getattr(direct[0], name), getattr(direct[0], f"{name}_error")
                assert got == wanted or math.isnan(got) == math.isnan(wanted), (name, w, b)
                assert got == wanted or math.isnan(got) or abs(got - wanted) <= error + other, (name, w, b)
                if math.isfinite(got) and name != "c_star":  # which is small somewhere
                    assert not error > 1e-9 * abs(got), (name, w, b)
    assert found.attrs["network"] == text


@pytest.mark.parametrize("name", ["tanh", "gelu", "relu"])
def test_the_diagram_of_a_plain_network_is_that_of_its_activation(name: str) -> None:
    grid = np.linspace(0.2, 2.5, 9), [0.0, 0.05, 0.7]
    one, two = phase_diagram(name, *grid), phase_diagram(f"{name}, dense", *grid)
    assert (one.phase == two.phase).all()
    assert (one.ends == two.ends).all()
    for field in FIELDS:
        a, b = one[field].values, two[field].values
        errors, known = one[f"{field}_error"].values + two[f"{field}_error"].values, np.isfinite(a)
        assert np.array_equal(a[~known], b[~known], equal_nan=True), field
        a, b, errors = a[known], b[known], errors[known]
        assert ((a == b) | (np.abs(a - b) <= errors)).all(), field  # at infinite q there are no errors


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("residual(relu, dense, scale=1/l)", "differ from layer to layer"),
        ("residual(dense, relu)", "hands on is not Gaussian"),
        ("relu, dense(1)", "no dense without numbers"),
        ("residual(exp(0.1*x**2), dense)", "grows like exp"),
    ],
)
def test_networks_without_a_map_have_no_diagram(text: str, words: str) -> None:
    with pytest.raises(EocError, match=words):
        phase_diagram(text, [1.0], [0.1])


def test_variances_next_to_a_fold_are_counted_in_diagrams_of_networks() -> None:
    """silu at sigma_b = 0.2: F touches the diagonal at a sigma_w, from which on the lower variance is gone."""
    low, high = 1.6, 2.0
    while high - low > 1e-9:
        middle = 0.5 * (low + high)
        low, high = (middle, high) if int(phase_diagram("silu", [middle], [0.2]).ends[0, 0]) == 2 else (low, middle)
    sigma_w = low + np.array([-0.1, -1e-3, -1e-6, 1e-6, 1e-3, 0.1])
    found = phase_diagram("silu, dense", sigma_w, [0.2])
    assert found.ends.values.tolist() == [[2, 2, 2, 1, 1, 1]]
    assert np.isinf(found.q.values[0, 3:]).all()


def test_pairs_at_many_variances_are_those_of_each() -> None:
    q, w, b = np.array([0.3, 0.9, 1.7, 5.0]), np.array([0.7, 1.1, 1.5, 2.0]), np.array([0.1, 0.2, 0.3, 0.4])
    for text in ("residual(tanh, dense, skip=0.8)", "postln", "swiglu", "residual(relu, dense(1.2), gelu, dense)"):
        block = network(text)
        for e in (1e-30, 1e-5, 0.3, 1.0):
            many = block.block(w, b)(CloseInput(q, np.full(4, e)))
            for i in range(4):
                one = block.block(float(w[i]), float(b[i]))(CloseInput(float(q[i]), np.array([e])))
                for x, y in ((many.G, one.G), (many.T, one.T)):
                    assert abs(x.value[i] - y.value[0]) <= x.error[i] + y.error[0], (text, e)
                    assert isinstance(x, Close)
                    assert isinstance(y, Close)
                    assert abs(x.loss.value[i] - y.loss.value[0]) <= x.loss.error[i] + y.loss.error[0], (text, e)
                    assert x.loss.error[i] <= 1e-11 * x.loss.value[i], (text, e)


# --- phases and edges ------------------------------------------------------------------------------------------------


def test_phases_of_networks() -> None:
    assert [p.phase for p in phases("postnorm(relu, dense(1, 0.1))")] == ["ordered"]
    assert phase_of("postnorm(relu, dense(1))").phase == "critical"
    assert phase_of("postln", 1.0).phase == "chaotic"
    assert [p.phase for p in phases("preln", 1.0)] == ["divergent"]
    with pytest.raises(EocError, match="differ from layer to layer"):
        phases("residual(relu, dense(1), scale=1/l)")
    with pytest.raises(EocError, match="no dense without numbers"):
        phases("tanh, dense(1)", 1.0)


@pytest.mark.parametrize("question", [{"sigma_b": 0.2}, {"sigma_w": 1.30414584005651}, {"q": 0.512078504233897}])
def test_the_edge_of_a_plain_network_is_that_of_its_activation(question: dict[str, float]) -> None:
    one, two = edge_of_chaos("tanh", **question).best, edge_of_chaos("tanh, dense", **question).best
    for name in ("sigma_w", "sigma_b", "q", "slope"):
        errors = getattr(one, f"{name}_error") + getattr(two, f"{name}_error")
        assert abs(getattr(one, name) - getattr(two, name)) <= errors + 1e-15, name
    assert two.law.law == "1/l"
    assert two.law.constant == pytest.approx(one.law.constant, rel=1e-9)
    assert two.sigma_w_error <= 1e-11


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("residual(tanh, dense, skip=0.8)", {"sigma_b": 0.1}),
        ("gate(dense(1), (dense(1), tanh)), dense", {"sigma_b": 0.1}),
        ("postln", {"sigma_b": 0.3}),
        ("mlp_layernorm", {}),
        ("tanh, dropout(0.1), dense", {"sigma_b": 0.3}),
    ],
)
def test_on_the_edge_a_block_keeps_its_variance_and_gradients(text: str, question: dict[str, float]) -> None:
    found = edge_of_chaos(text, **question)
    assert found.reason is None
    for p in found.points:
        block = VarianceMap(text, p.sigma_w, p.sigma_b)
        assert float(block.F(p.q).value) == pytest.approx(p.q, rel=1e-12)
        assert float(block.chi_1(p.q).value) == pytest.approx(1.0, abs=1e-11)
        assert float(block.slope(p.q).value) == pytest.approx(p.slope, abs=1e-11)


@pytest.mark.parametrize(
    ("text", "regime", "words"),
    [
        ("resnet", Regime.SCALES, r"multiplies the variance by 1\.5 .* scale=1/sqrt\(L\)"),
        ("preln", Regime.GROWS, r"adds about 0\.425\d to the variance .* power 1\.07"),
        ("prenorm(relu, dense)", Regime.GROWS, r"adds about 0\.5 to the variance .* power 1, not"),
        ("residual(elu, dense, scale=2)", Regime.DIVERGES, "diverge"),
        ("relu, layernorm, dense", Regime.FORCED, r"by 1\.467 to 1\.467"),  # pi / (pi - 1)
    ],
)
def test_where_no_block_is_critical_the_regime_says_what_follows(text: str, regime: Regime, words: str) -> None:
    found = edge_of_chaos(text, sigma_b=0.0)
    assert (found.regime, found.reason) == (regime, NoPoint.NO_SOLUTION)
    with pytest.raises(EocError, match=words):
        _ = found.best


def test_of_relu_behind_a_sum_that_is_normalised_every_sigma_w_is_critical() -> None:
    p = edge_of_chaos("postnorm(relu, dense)").best
    assert (p.sigma_b, p.q) == (0.0, 1.0)
    assert p.law.constant == pytest.approx(4.0 * RELU_KAPPA, rel=1e-11)


def test_what_cannot_be_solved_for_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="an activation follows the dense without numbers"):
        edge_of_chaos("dense, tanh, dense(1)")
    with pytest.raises(EocError, match="no dense without numbers to be solved for"):
        edge_of_chaos("tanh, dense(1)")
    with pytest.raises(EocError, match="a norm decides the variance"):
        edge_of_chaos("postln", q=2.0)
    with pytest.raises(UnsupportedError, match="grows like exp"):
        phases("residual(exp(0.1*x**2), dense(1))")
