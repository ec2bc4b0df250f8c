"""Gaussian expectations: reference values, closed forms, identities, honest errors, refusals."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from truth import MP, error, expectation

from eoc.activations import activation
from eoc.activations.base import Smoothness
from eoc.activations.named import STANDARD
from eoc.errors import AccuracyError, EocError, NotPermissibleError
from eoc.gaussian import kernels, panels
from eoc.gaussian.moments import NAMES, moments

OSCILLATING = {"sin", "cos", "snake"}  # seconds at q = 1e8
EVERYWHERE = np.logspace(-12, 8, 41)
Q = st.floats(-3.0, 3.0).map(lambda e: 10.0**e)
few = settings(max_examples=10, deadline=None, derandomize=True)


def far(name: str) -> np.ndarray:
    return EVERYWHERE[EVERYWHERE <= 1e5] if name in OSCILLATING else EVERYWHERE


# --- closed forms ----------------------------------------------------------------------------------------------------


def softshrink(q: Any, t: float = 0.5) -> tuple[Any, Any]:
    s, tail = MP.sqrt(q), MP.erfc(t / MP.sqrt(2 * q))
    return (q + t**2) * tail - 2 * t * s * MP.npdf(t / s), tail


def hardtanh(q: Any) -> tuple[Any, Any]:
    inside = MP.erf(1 / MP.sqrt(2 * q))
    return q * inside - MP.sqrt(2 * q / MP.pi) * MP.exp(-1 / (2 * q)) + 1 - inside, inside


def power(n: int) -> Any:
    """x^n: E[X^(2n)] = q^n (2n - 1)!!."""
    return lambda q: (q**n * MP.fac2(2 * n - 1), n**2 * q ** (n - 1) * MP.fac2(2 * n - 3))


CLOSED = {  # q -> (V, D)
    "relu": lambda q: (q / 2, MP.mpf(1) / 2),
    "identity": lambda q: (q, MP.mpf(1)),
    "abs": lambda q: (q, MP.mpf(1)),
    "leaky_relu(slope=0.5)": lambda q: (q * 5 / 8, MP.mpf(5) / 8),
    "erf": lambda q: (2 / MP.pi * MP.asin(2 * q / (1 + 2 * q)), 4 / MP.pi / MP.sqrt(1 + 4 * q)),
    "gaussian": lambda q: (1 / MP.sqrt(1 + 4 * q), 4 * q / MP.sqrt(1 + 4 * q) ** 3),
    "hardtanh": hardtanh,
    "softshrink": softshrink,
    "heaviside": lambda q: (MP.mpf(1) / 2, MP.mpf(0)),
    "sign": lambda q: (MP.mpf(1), MP.mpf(0)),
    "polynomial": power(2),
    "polynomial(coefficients=(0, 0, 0, 2))": lambda q: tuple(4 * x for x in power(3)(q)),
    "polynomial(coefficients=(1, 2, 3))": lambda q: (1 + 10 * q + 27 * q**2, 4 + 36 * q),
}
OSCILLATORY = {
    "sin": lambda q: (-MP.expm1(-2 * q) / 2, (1 + MP.exp(-2 * q)) / 2),
    "cos": lambda q: ((1 + MP.exp(-2 * q)) / 2, -MP.expm1(-2 * q) / 2),
}


def check_closed(name: str, closed: Any, q: np.ndarray, tolerance: float) -> None:
    found = moments(activation(name), q, ("V", "D"))
    with MP.workdps(60):
        true = [closed(MP.mpf(x)) for x in q]
        for k, quantity in enumerate("VD"):
            value, bound = found[quantity].value, found[quantity].error
            off = np.array([error(v, t[k]) for v, t in zip(value, true, strict=True)])
            scale = np.array([float(abs(t[k])) for t in true])
            assert (off <= tolerance * scale + 1e-300).all(), (quantity, q, off / scale)
            assert (off <= bound).all(), (quantity, q[off > bound])


@pytest.mark.parametrize("name", CLOSED)
def test_closed_forms_far_outside_the_reference_range(name: str) -> None:
    check_closed(name, CLOSED[name], EVERYWHERE, 2e-13)


@pytest.mark.parametrize("name", OSCILLATORY)
def test_closed_forms_of_oscillating_functions(name: str) -> None:
    check_closed(name, OSCILLATORY[name], EVERYWHERE[EVERYWHERE <= 2e5], 1e-12)


@pytest.mark.slow
def test_sine_at_huge_variance() -> None:
    check_closed("sin", OSCILLATORY["sin"], np.array([1e8]), 1e-10)


def test_exponential_is_right_until_it_overflows() -> None:
    q = np.logspace(-12, 2, 29)
    check_closed("exp", lambda x: (MP.exp(2 * x), MP.exp(2 * x)), q, 2e-13)
    with pytest.raises(AccuracyError, match="q = 1000"):
        moments(activation("exp"), [1.0, 1000.0])
    scanned = moments(activation("exp"), [1.0, 1000.0], ("V",), strict=False)["V"]
    assert np.isfinite(scanned.value).tolist() == [True, False]
    assert np.isinf(scanned.error[1])


@pytest.mark.filterwarnings("error")
def test_what_overflows_far_out_in_an_octave_is_no_warning() -> None:
    values = moments(activation("arccos(hardtanh(x)) - cosh(x)"), 10.0, ("V",))["V"]
    assert 0.0 < values.error < 1e-10 * values.value


@pytest.mark.parametrize("name", sorted(set(STANDARD) - {"exp"}))
def test_every_activation_is_finite_and_knows_its_error_from_1e_12_to_1e8(name: str) -> None:
    phi, q = activation(name), far(name)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = moments(phi, q, NAMES)
    kinked = phi.smoothness in (Smoothness.JUMP, Smoothness.KINK)
    for quantity, estimate in found.items():
        if quantity == "S" and kinked:
            assert np.isposinf(estimate.value).all()
            continue
        assert np.isfinite(estimate.value).all()
        assert np.isfinite(estimate.error).all()
        if quantity in "VDS":
            assert (estimate.error <= 1e-11 * estimate.value + 1e-299).all(), quantity


# --- identities ------------------------------------------------------------------------------------------------------

IDENTITY_NAMES = [
    "tanh",
    "elu",
    "gelu",
    "selu",
    "relu6",
    "hardswish",
    "softplus",
    "hardshrink",
    "quantiser",
    "gaussian",
    "spline(knots=(-2,-1,0.5,1,3), values=(0,1,0.2,0.3,2))",
]


@pytest.mark.parametrize("name", IDENTITY_NAMES)
@few
@given(q=Q)
def test_slope_of_v_is_d_plus_p(name: str, q: float) -> None:
    phi, h = activation(name), 0.02 * q / (1.0 + 0.5 / q)  # V changes like exp(-k^2/2q) where phi is flat at 0
    v = moments(phi, q + h * np.array([-3, -2, -1, 1, 2, 3]), ("V",))["V"]
    weights = np.array([-1, 9, -45, 45, -9, 1]) / 60.0
    m = moments(phi, q, ("D", "P"))
    noise = np.abs(weights) @ v.error / h
    size = v.value.max() / q + m["D"].value
    assert abs(weights @ v.value / h - (m["D"].value + m["P"].value)) <= 1e-8 * size + 2.0 * noise


@pytest.mark.parametrize("name", IDENTITY_NAMES)
@few
@given(q=Q)
def test_gap_and_excess_agree_with_plain_differences(name: str, q: float) -> None:
    phi = activation(name)
    m = moments(phi, q, ("V", "D", "gap", "excess"))
    kappa = 0.5 * (phi.at_zero.left[1] ** 2 + phi.at_zero.right[1] ** 2)
    rounding = 1e-15 * (q * m["D"].value + m["V"].value + kappa * q)
    noise = q * m["D"].error + m["V"].error + rounding
    assert abs(q * m["D"].value - m["V"].value - m["gap"].value) <= noise + m["gap"].error
    assert abs(m["V"].value - kappa * q - m["excess"].value) <= noise + m["excess"].error


def tanh_gap(q: float) -> Any:
    """q E[tanh'^2] - E[tanh^2] by quadrature in 40 digits, which holds its cancellation."""

    def integrand(x: Any) -> Any:
        square = MP.tanh(x) ** 2
        return q * (1 - square) ** 2 - square

    with MP.workdps(60):
        return expectation(integrand, q)


@pytest.mark.parametrize("q", [1e-12, 1e-8, 1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.1, 1.0])
def test_gap_of_tanh_keeps_its_digits_however_small(q: float) -> None:
    m = moments(activation("tanh"), q, ("gap", "excess"))
    true = tanh_gap(q)
    assert error(m["gap"].value, true) <= max(1e-11 * abs(true), 0)
    assert error(m["gap"].value, true) <= m["gap"].error
    if q <= 1e-8:  # E[tanh^2] = q - 2 q^2 + (17/3) q^3 - ..., E[tanh'^2] = 1 - 2 q + 7 q^2 - ...
        assert m["gap"].value == pytest.approx(4.0 / 3.0 * q**3, rel=1e-6)
        assert m["excess"].value == pytest.approx(-2.0 * q**2, rel=1e-6)


@pytest.mark.parametrize("name", ["elu", "silu", "gelu", "shifted_softplus", "elu(alpha=0.5)", "1 + x + x**2"])
def test_gap_follows_its_law_at_small_variance(name: str) -> None:
    """For phi(0) = 0 = phi'(0+) - phi'(0-), gap ~ q^2 (phi''(0-)^2 + phi''(0+)^2) / 8; otherwise it is what is left."""
    phi, q = activation(name), np.array([1e-14, 1e-13, 1e-12])
    zero = phi.at_zero
    law = -(zero.left[0] ** 2) + q**2 * (zero.left[2] ** 2 + zero.right[2] ** 2) / 8.0
    if name == "elu(alpha=0.5)":  # a kink of size 1/2 besides: the law still holds, as q D - V = 0 for h
        assert phi.smoothness is Smoothness.KINK
    gap = moments(phi, q, ("gap",))["gap"]
    assert gap.value == pytest.approx(law, rel=1e-5)
    assert (gap.error <= 1e-12 * np.abs(gap.value)).all()


@pytest.mark.parametrize("name", ["relu", "identity", "abs", "leaky_relu"])
@few
@given(q=st.floats(-200.0, 200.0).map(lambda e: 10.0**e))
def test_homogeneous_functions_scale(name: str, q: float) -> None:
    phi = activation(name)
    kappa = 0.5 * (phi.at_zero.left[1] ** 2 + phi.at_zero.right[1] ** 2)
    m = moments(phi, q, NAMES)
    assert m["V"].value == pytest.approx(kappa * q, rel=1e-13)
    assert m["D"].value == pytest.approx(kappa, rel=1e-13)
    assert abs(m["P"].value) <= m["P"].error
    assert abs(m["gap"].value) <= m["gap"].error
    assert abs(m["excess"].value) <= m["excess"].error


# --- shapes, batches, limits -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(), (1,), (5,), (2, 3), (2, 0, 3), (0,)])
def test_shape_of_q_is_kept(shape: tuple[int, ...]) -> None:
    q = np.full(shape, 0.7)
    for estimate in moments(activation("gelu"), q, NAMES).values():
        assert estimate.value.shape == estimate.error.shape == shape


@pytest.mark.parametrize("q", [2, 2.0, True + 1, np.float32(2), np.int8(2), [2], (2.0,), np.array(2)])
def test_any_real_number_is_understood(q: Any) -> None:
    assert float(np.squeeze(moments(activation("relu"), q, ("D",))["D"].value)) == 0.5


@few
@given(q=st.lists(Q, min_size=1, max_size=30))
def test_batch_gives_the_same_bits(q: list[float]) -> None:
    for name in ("tanh", "hardshrink"):
        check_batch(name, q)


def test_batch_gives_the_same_bits_where_each_q_gets_its_own_quadrature() -> None:
    check_batch("exp(0.25*x**2)", [0.1, 0.7, 0.8, 1.0, 2.0])


def check_batch(name: str, q: list[float]) -> None:
    phi = activation(name)
    batch = moments(phi, q, NAMES, strict=False)
    for i, one in enumerate(q):
        alone = moments(phi, one, NAMES, strict=False)
        for key in NAMES:
            np.testing.assert_array_equal(alone[key].value, batch[key].value[i])
            np.testing.assert_array_equal(alone[key].error, batch[key].error[i])


@pytest.mark.parametrize("name", ["elu", "hardshrink"])
def test_names_asked_for_do_not_change_the_answers(name: str) -> None:
    q, phi = np.logspace(-4, 4, 9), activation(name)
    together = moments(phi, q, NAMES)
    for one in NAMES:
        np.testing.assert_array_equal(moments(phi, q, (one,))[one].value, together[one].value)


@pytest.mark.parametrize(
    ("name", "limits"),
    [
        ("tanh", {"M": 0, "V": 0, "D": 1, "S": 0, "P": 0, "gap": 0, "excess": 0}),
        ("elu", {"M": 0, "V": 0, "D": 1, "S": 0.5, "P": 0}),
        ("sigmoid", {"M": 0.5, "V": 0.25, "D": 1 / 16, "S": 0, "gap": -0.25, "excess": 0.25}),
        ("relu", {"M": 0, "V": 0, "D": 0.5, "S": np.inf, "P": 0}),
        ("heaviside", {"M": 0.5, "V": 0.5, "D": 0}),
        ("exp", {"M": 1, "V": 1, "D": 1, "S": 1, "P": 1}),
        ("shifted_softplus", {"M": 0, "V": 0, "D": 0.25, "S": 1 / 16, "P": 0}),
        ("max(x, 0) + 1", {"M": 1, "V": 1, "D": 0.5, "P": np.inf}),
    ],
)
def test_limits_at_zero_variance(name: str, limits: dict[str, float]) -> None:
    phi = activation(name)
    at_zero, near = moments(phi, 0.0, tuple(limits)), moments(phi, 1e-14, tuple(limits))
    for key, expected in limits.items():
        assert at_zero[key].value == pytest.approx(expected, abs=1e-15)
        if np.isfinite(expected):
            assert near[key].value == pytest.approx(expected, abs=1e-6)


def test_zero_variance_alone_on_a_new_activation() -> None:
    """Nothing is tabulated yet."""
    from eoc.activations.formula import parse

    assert moments(parse("x + tanh(x)"), 0.0, ("D",))["D"].value == 4.0
    assert moments(parse("x + tanh(x)"), [], ("D",))["D"].value.shape == (0,)


# --- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [-1.0, -1e-300, np.nan, np.inf, -np.inf, 1e300, 1e-290, [1.0, -2.0]])
def test_what_is_no_variance_is_refused_by_its_value(bad: Any) -> None:
    shown = f"{np.ravel(bad)[-1]}".replace("+", r"\+")
    with pytest.raises(EocError, match=rf"q must be a variance.*got {shown}$"):
        moments(activation("tanh"), bad)


@pytest.mark.parametrize("bad", ["1", "abc", None, 1j, [1.0, None], [[1.0], [1.0, 2.0]], object(), {}, {1.0}])
def test_what_is_no_number_is_refused_by_its_value(bad: Any) -> None:
    with pytest.raises(EocError) as caught:
        moments(activation("tanh"), bad)
    assert repr(bad) in str(caught.value)


def test_unknown_expectation_is_refused() -> None:
    with pytest.raises(EocError, match="unknown expectation 'W'; known are M, V"):
        moments(activation("tanh"), 1.0, ("W",))
    with pytest.raises(EocError, match=r"names must be a tuple, as \('D',\); got 'D'"):
        moments(activation("tanh"), 1.0, "D")  # type: ignore[arg-type]


@pytest.mark.parametrize("a", [0.01, 0.25, 7.0])
@pytest.mark.parametrize("fraction", [0.01, 0.5])
def test_gaussian_growth_has_its_closed_form_below_the_bound(a: float, fraction: float) -> None:
    q = fraction / (4.0 * a)
    v = moments(activation(f"exp({a!r}*x**2)"), q, ("V",))["V"]
    true = 1 / MP.sqrt(1 - 4 * MP.mpf(a) * MP.mpf(q))
    assert error(v.value, true) <= 2e-13 * true
    assert error(v.value, true) <= v.error


def test_gaussian_growth_is_refused_at_and_beyond_the_bound() -> None:
    phi = activation("exp(0.25*x**2)")
    for q in (0.9, 0.99, 0.999):
        try:
            v = moments(phi, q, ("V",))["V"]
        except AccuracyError:
            assert q > 0.9  # so close to the bound the tail overflows
        else:
            assert error(v.value, 1 / MP.sqrt(1 - MP.mpf(q))) <= v.error
    for q in (1.0, 1.5, 1e6):
        with pytest.raises(NotPermissibleError, match=r"condition \(b\).*finite only for q < 1/\(4 a\) = 1;"):
            moments(phi, q)
    with pytest.raises(NotPermissibleError, match=r"condition \(b\).*infinite for every q > 0"):
        moments(activation("exp(x**4)"), 0.1)
    scan = moments(phi, [0.5, 1.0, 2.0], ("V",), strict=False)["V"]
    assert np.isnan(scan.value).tolist() == [False, True, True]


@pytest.mark.parametrize("k", [1e6, 1e10, 1e14])
def test_steep_functions_are_resolved(k):
    """D of tanh(k x) at k >> 1 is k int sech^4 / sqrt(2 pi q) = (4/3) k / sqrt(2 pi q), up to order 1/k^2."""
    d = moments(f"tanh({k!r}*x)", 1.0, ("D",))["D"]
    assert float(d.value) == pytest.approx(4.0 / 3.0 * k / np.sqrt(2.0 * np.pi), rel=1e-12 + k**-2)


def test_numpy_and_numba_give_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few values are computed without Numba, whose import takes longer: nobody can tell."""
    q, names = np.geomspace(1e-6, 1e6, 200), ("M", "V", "D", "S", "gap")

    def bits() -> list[bytes]:
        return [part.tobytes() for e in moments("gelu", q, names).values() for part in (e.value, e.error)]

    found = []
    for already in (True, False):
        monkeypatch.setattr(kernels, "worth", lambda *_, already=already: already)
        found.append(bits())
    assert found[0] == found[1]


def test_tables_are_integrated_as_they_stand() -> None:
    rng = np.random.default_rng(1)
    x, weights = rng.uniform(0.0, 8.0, 40_000), rng.uniform(0.1, 1.0, 40_000)
    values = np.stack([x**2, np.sin(x)])
    table = panels.Table(np.array([0.5, 1.0]), x**2, weights, values, np.array([False, True]), np.full((2, 2), 1e-15))
    q = np.array([0.3, 0.9])
    value, error, magnitude = panels.integrate_table(table, q)
    density = weights * np.exp(-(x**2) / (2.0 * q[:, None])) / np.sqrt(2.0 * np.pi * q[:, None])
    assert value == pytest.approx(density @ values.T, rel=1e-12)
    assert magnitude == pytest.approx(density @ np.abs(values).T, rel=1e-12)
    assert error == pytest.approx(1e-15 * magnitude)
