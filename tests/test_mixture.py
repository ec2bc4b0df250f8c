"""Units of several kinds side by side, as of channels with parameters of their own."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import eoc
from eoc.errors import EocError, ExpressionError
from eoc.layers import Input, mixture, network, understood
from eoc.layers.mixture import Mixture
from eoc.maps import CorrelationMap, VarianceMap
from eoc.montecarlo.blocks import sample_blocks
from eoc.phase import phase_of, phases
from eoc.propagation import propagate

KINDS, SHARES = ("relu", "tanh", "elu(alpha=0.5)"), (0.5, 0.25, 0.25)


def mean(values: list[Any]) -> Any:
    return sum(share * value for share, value in zip(SHARES, values, strict=True))


def test_moments_are_means_over_units() -> None:
    q = np.array([0.3, 1.0, 4.0])
    layer = VarianceMap(mixture(KINDS, SHARES), 1.2, 0.1)
    m = [eoc.moments(kind, q, ("V", "D", "P")) for kind in KINDS]
    for found, true in (
        (layer.F(q), 0.01 + 1.44 * mean([one["V"].value for one in m])),
        (layer.chi_1(q), 1.44 * mean([one["D"].value for one in m])),
        (layer.slope(q), 1.44 * mean([one["D"].value + one["P"].value for one in m])),
    ):
        np.testing.assert_allclose(found.value, true, rtol=1e-13)
        assert (found.error < 1e-12).all()


def test_correlation_maps_are_means_over_units() -> None:
    f = CorrelationMap(mixture(KINDS, SHARES), 1.2, 0.1, q=1.5)
    c = np.array([-0.5, 0.2, 0.9])
    k = mean([eoc.bivariate(kind, 1.5, c, ("K",))["K"].value for kind in KINDS])
    kd = mean([eoc.bivariate(kind, 1.5, c, ("Kd",))["Kd"].value for kind in KINDS])
    np.testing.assert_allclose(f(c), (0.01 + 1.44 * k) / f.next_q, rtol=1e-12)
    np.testing.assert_allclose(f.slope(c).value, 1.44 * 1.5 * kd / f.next_q, rtol=1e-11)
    np.testing.assert_allclose(f.gradient_correlation(c).value, 1.44 * kd, rtol=1e-12)


def test_one_kind_in_two_parts_is_one_kind() -> None:
    both, one = phase_of(mixture(["tanh", "tanh"]), 2.5, 0.3), phase_of("tanh", 2.5, 0.3)
    for name in ("q", "slope", "chi_1", "c_star", "xi_c", "xi_q", "xi_grad"):
        assert getattr(both, name) == pytest.approx(getattr(one, name), rel=1e-9), name
    edge, alone = eoc.edge_of_chaos(mixture(["tanh", "tanh"]), sigma_b=0.2), eoc.edge_of_chaos("tanh", sigma_b=0.2)
    assert edge.best.sigma_w == pytest.approx(alone.best.sigma_w, rel=1e-12)
    assert edge.best.law.constant == pytest.approx(alone.best.law.constant, rel=1e-9)


def test_text_and_functions_say_the_same() -> None:
    written, made = network("mixture(relu, tanh), dense"), mixture(["relu", "tanh"])
    assert str(made) == str(written)
    assert understood("mixture(relu, (tanh, scale(2))), dense").activations() == written.activations()
    assert phase_of(written, 1.3, 0.2).q == phase_of(made, 1.3, 0.2).q
    uneven = mixture(["relu", "tanh"], [0.25, 0.75])
    again = pickle.loads(pickle.dumps(uneven))
    assert phase_of(again, 1.3, 0.2).q == phase_of(uneven, 1.3, 0.2).q != phase_of(made, 1.3, 0.2).q


def test_where_variances_end_is_decided_by_what_grows_fastest() -> None:
    grows = phases(mixture(["relu", "tanh"]), 2.1, 0.1)
    assert [p.phase for p in grows] == ["divergent"]  # 2.1^2 / 4 > 1
    settles = phases(mixture(["relu", "tanh"]), 1.9, 0.1)
    assert len(settles) == 1
    assert np.isfinite(settles[0].q)
    slopes = [0.1, 0.2, -0.3, 0.5]
    he = eoc.edge_of_chaos(mixture([f"leaky_relu(slope={s})" for s in slopes])).best
    assert he.sigma_w == pytest.approx((2.0 / (1.0 + np.mean(np.square(slopes)))) ** 0.5, rel=1e-12)
    assert he.any_q


def test_two_slopes_stand_for_any_number_of_them() -> None:
    """Second moments of leaky ReLUs are quadratic in the slope."""
    slopes = np.array([0.1, 0.2, -0.3, 0.5, 0.9])
    many = mixture([f"leaky_relu(slope={s})" for s in slopes])
    low, high = slopes.mean() - slopes.std(), slopes.mean() + slopes.std()
    two = mixture([f"leaky_relu(slope={s!r})" for s in (float(low), float(high))])
    c = np.linspace(-0.9, 0.9, 7)
    one, other = (CorrelationMap(each, 1.2, 0.3, q=1.0) for each in (many, two))
    np.testing.assert_allclose(one(c), other(c), rtol=1e-13)
    assert one.chi_1 == pytest.approx(other.chi_1, rel=1e-14)
    rms = CorrelationMap(f"leaky_relu(slope={np.mean(slopes**2) ** 0.5})", 1.2, 0.3, q=1.0)
    assert rms.chi_1 == pytest.approx(one.chi_1, rel=1e-14)  # gradients do not tell them apart
    assert abs(rms(0.0) - one(0.0)) > 0.01  # inputs do


def test_kinds_of_units_go_through_further_layers() -> None:
    block = network("mixture(tanh, relu), layernorm, dense").block(1.3)(Input([2.0]))
    v, d = (np.mean([eoc.moments(k, 2.0, (n,))[n].value for k in ("tanh", "relu")]) for n in ("V", "D"))
    m = eoc.moments("relu", 2.0, ("M",))["M"].value / 2.0
    assert block.q.value[0] == pytest.approx(1.69, rel=1e-13)
    assert block.chi.value[0] == pytest.approx(1.69 * d / (v - m**2), rel=1e-12)
    bent = network("mixture(tanh, x), relu, dense").block(1.0)(Input([1.0]))
    apart = network("mixture(max(tanh(x), 0), relu), dense").block(1.0)(Input([1.0]))
    assert bent.q.value[0] == pytest.approx(apart.q.value[0], rel=1e-12)
    assert bent.chi.value[0] == pytest.approx(apart.chi.value[0], rel=1e-12)


def test_random_networks_with_these_units() -> None:
    block = mixture(["leaky_relu(slope=0.5)", "tanh"], [0.25, 0.75])
    seen = sample_blocks(block, 1.4, 0.2, q=(1.0, 1.0), c=0.4, depth=3, width=400, networks=60, seed=2, backward=True)
    told = propagate(block, 1.4, 0.2, q=1.0, c=0.4, depth=3)
    for measured, theory in (
        (seen.q[:, -1, 0], told.q[-1, 0]),
        (seen.one_minus_c[:, -1], told.one_minus_c[-1, 0, 1]),
        (seen.chi[:, 0], told.gradient[0, 0]),
    ):
        assert abs(measured.mean() - theory) < 4.5 * measured.std() / len(measured) ** 0.5


@pytest.mark.parametrize(
    ("ask", "kind", "says"),
    [
        (lambda: mixture(["relu"]), EocError, "two activations or more"),
        (lambda: mixture([]), EocError, "two activations or more"),
        (lambda: mixture(["relu", "tanh"], [1.0]), EocError, "a share of each"),
        (lambda: mixture(["relu", "tanh"], [0.5, 0.6]), EocError, "add up to 1"),
        (lambda: Mixture((1.5, -0.5)), EocError, "positive"),
        (lambda: network("mixture(relu), dense"), ExpressionError, "two branches"),
        (lambda: network("mixture(relu, 0.5), dense"), ExpressionError, "does not depend on x"),
    ],
)
def test_what_is_no_mixture_is_refused(ask: Any, kind: type[Exception], says: str) -> None:
    with pytest.raises(kind, match=says):
        ask()
