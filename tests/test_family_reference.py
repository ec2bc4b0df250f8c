"""Rational, polynomial, trigonometric and interpolated activations beside all published records of families.jsonl."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from truth import MP, error

from eoc.activations import Activation, activation
from eoc.activations.named import named
from eoc.criticality import EocPoint, edge_of_chaos
from eoc.errors import NotPermissibleError
from eoc.gaussian.bivariate import bivariate
from eoc.gaussian.integrands import integrals
from eoc.gaussian.moments import Estimate, moments
from eoc.maps import CorrelationMap, VarianceMap

TABLE = Path(__file__).parent / "reference" / "families.jsonl"
RECORDS = [json.loads(line) for line in TABLE.read_text().splitlines()]
WITHIN = 1e-12  # relative; bounds are checked without a tolerance

POLYNOMIALS: dict[str, tuple[float | Fraction, ...]] = {
    "quad x+x^2/4": (0, 1, 0.25),
    "cubic x-x^3/6": (0, 1, 0, Fraction(-1, 6)),
    "hermite-quadratic x+(x^2-1)/2": (-0.5, 1, 0.5),
    "slaf4 0.1+x+x^2/2-x^3/10-x^4/50": (0.1, 1, 0.5, -0.1, -0.02),
    "quintic x-x^3/6+x^5/120": (0, 1, 0, Fraction(-1, 6), 0, Fraction(1, 120)),
}
SLAF = "polynomial(coefficients=(0.1, 1, 0.5, 0.25), normalised=True)"


def records(topic: str, *quantities: str) -> list[Any]:
    own = [r for r in RECORDS if r["topic"] == topic and (not quantities or r["quantity"].startswith(quantities))]
    assert own
    return [pytest.param(r, id=f"{r['case']} {r['quantity'][:12]} {r['parameters']}") for r in own]


def number(text: str | float) -> Any:
    """As an mpf, also of a fraction."""
    above, _, below = str(text).partition("/")
    return MP.mpf(above) / MP.mpf(below or 1)


@cache
def of(topic: str, case: str) -> Activation:
    if topic == "slaf":
        return named("polynomial", coefficients=tuple(map(float, POLYNOMIALS[case])))
    own = next(r for r in RECORDS if (r["topic"], r["case"]) == (topic, case))
    found = own["value"]
    if topic == "era":
        c, d, e, f = zip(*(map(float, one) for one in found["fractions_c_d_e_f"]), strict=True)
        return named("era", a=float(found["a"]), b=float(found["b"]), c=c, d=d, e=e, f=f)
    if topic == "pau":
        return named("pau", published=case.removeprefix("pauA-"), version="A")
    if topic == "gp":
        given = own["parameters"]
        points, values = (tuple(float(number(x)) for x in given[k]) for k in ("control_points", "values"))
        return named("gp_activation", points=points, values=values, length_scale=float(given["length_scale"]))
    slopes, knots = [Fraction(found["s0"])], []
    for knot, kink in found["knots"]:
        knots.append(float(knot))
        slopes.append(slopes[-1] + Fraction(kink))
    first = float(Fraction(found["s0"]) * Fraction(found["knots"][0][0]) + Fraction(found["b0"]))
    return named("spline", knots=tuple(knots), slopes=tuple(map(float, slopes)), through=(knots[0], first))


def close(value: float, bound: float, true: Any, within: float = WITHIN) -> None:
    """Right to ``within``, and no farther off than is claimed but for the last digits of the coefficients."""
    off = error(value, true)
    assert off <= max(within * abs(true), 1e-30)
    assert off <= bound + 1e-30 + 4e-16 * abs(true)  # coefficients like 1/6 and 0.1 are no doubles


# --- expectations -----------------------------------------------------------------------------------------------------


def expectations() -> list[Any]:
    topics = ("era", "pau", "slaf", "gp", "spline")
    return [
        r for topic in topics for r in records(topic, "V", "D", "S", "M", "K") if r.values[0]["quantity"] in "VDSMK"
    ]


@pytest.mark.parametrize("r", expectations())
def test_expectations(r: dict[str, Any]) -> None:
    q, name = float(number(r["parameters"]["q"])), r["quantity"]
    phi = of(r["topic"], r["case"])
    if name == "K":
        found = bivariate(phi, q, c=float(number(r["parameters"]["c"])), names=("K",))["K"]
    else:
        found = moments(phi, q, (name,))[name]
    if name == "S" and phi.kinks:  # the record leaves out what makes it infinite, the delta at 0
        assert float(found.value) == math.inf
        value, bound = integrals(phi, np.array([q]), {"ddphi^2"})[0]["ddphi^2"]
        found = Estimate(value[0], bound[0])
    close(float(found.value), float(found.error), number(r["value"]))


@pytest.mark.parametrize("r", [*records("era", "chi_1"), *records("pau", "chi_1")])
def test_slopes_behind_layer_norm(r: dict[str, Any]) -> None:
    phi = of(r["topic"], r["case"])
    m = moments(phi, 1.0, ("V", "D"))
    ratio = float(m["D"].value / m["V"].value)
    assert error(ratio, number(r["value"])) <= ratio * float(m["D"].error / m["D"].value + m["V"].error / m["V"].value)


@pytest.mark.parametrize("r", records("pau", "jump"))
def test_kinks_of_version_a(r: dict[str, Any]) -> None:
    (kink,) = of("pau", r["case"]).kinks
    assert kink.x == 0.0
    assert kink.kink == pytest.approx(float(r["value"]), rel=1e-14)


def test_the_published_version_n_of_gelu_has_a_pole() -> None:
    (r,) = (p.values[0] for p in records("pau", "real pole"))
    with pytest.raises(NotPermissibleError, match=r"near x = -3\.001501907425428, a pole") as refused:
        named(
            "rational", numerator=(1.0,), denominator=tuple(map(float, r["parameters"]["denominator"][1:])), version="N"
        )
    place = float(str(refused.value).partition("x = ")[2].partition(",")[0])
    assert error(place, number(r["value"])) <= 1e-15


@pytest.mark.parametrize("r", records("gp", "weights"))
def test_weights_of_gaussian_processes(r: dict[str, Any]) -> None:
    found = of("gp", r["case"]).parameters["weights"]
    assert isinstance(found, tuple)
    for value, true in zip(found, map(number, r["value"]), strict=True):
        assert error(value, true) <= 2e-16 * abs(true) + 1e-30


# --- the edge of chaos ------------------------------------------------------------------------------------------------


def beside(p: EocPoint, true: dict[str, Any]) -> None:
    law = "kappa" if "kappa" in true else "beta_q"
    found = {
        "sigma_w": (p.sigma_w, p.sigma_w_error),
        "q": (p.q, p.q_error),
        "slope": (p.slope, p.slope_error),
        law: (p.law.constant, p.law.error),
    }
    for name, (value, bound) in found.items():
        if true.get(name) is not None:
            close(value, bound, number(true[name]), 1e-11)
    assert true.get("stability", p.stability) == p.stability


@pytest.mark.parametrize(
    "r", [r for topic in ("era", "pau", "slaf", "gp", "spline") for r in records(topic, "EOC points")]
)
def test_points(r: dict[str, Any]) -> None:
    phi, sigma_b = of(r["topic"], r["case"]), r["parameters"]["sigma_b"]
    points = edge_of_chaos(phi, sigma_b=float(sigma_b)).points
    low, _, high = r["parameters"]["q_range"].partition("..")
    points = tuple(p for p in points if float(low) <= p.q <= float(high))
    assert len(points) == len(r["value"])
    for p, true in zip(points, r["value"], strict=True):
        beside(p, true)


@pytest.mark.parametrize("r", records("fourier"))
def test_points_of_sine_and_cosine(r: dict[str, Any]) -> None:
    given = r["parameters"]
    name = "sines" if r["case"].startswith("sin") else "cosines"
    phi = named("fourier", **{"sines": (), name: (1.0,), "frequencies": float(given["w"])})
    (p,) = (p for p in edge_of_chaos(phi, sigma_b=float(given["sigma_b"])).points if p.q > 0.0)
    beside(p, dict(zip(("sigma_w", "q", "slope", "beta_q"), r["value"], strict=False)))


def test_points_of_quadratics_have_the_closed_form() -> None:
    for r in (p.values[0] for p in records("slaf", "q on the EOC")):
        (p,) = edge_of_chaos(of("slaf", r["case"]), sigma_b=float(number(r["parameters"]["sigma_b"]))).points
        close(p.q, p.q_error, number(r["value"]), 1e-13)


def test_cubics_are_marginal_and_widest_where_the_closed_forms_say() -> None:
    """x - a x^3: F' = 1 at q = 1/(3a), sigma_b^2 = 2/(9a), sigma_w^2 = 1/2; the largest sigma_w^2 is 3/2."""
    (marginal,) = (p.values[0] for p in records("slaf", "marginal"))
    (widest,) = (p.values[0] for p in records("slaf", "largest"))
    q, squared_bias, squared = (float(number(v)) for v in marginal["value"])
    phi = of("slaf", "cubic x-x^3/6")
    (p,) = edge_of_chaos(phi, q=q).points
    assert (p.sigma_b**2, p.sigma_w**2, p.slope) == pytest.approx((squared_bias, squared, 1.0), rel=1e-13)
    (p,) = edge_of_chaos(phi, q=q / 3.0).points
    assert p.sigma_w**2 == pytest.approx(float(number(widest["value"])), rel=1e-13)


# --- normalised powers ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("r", records("slaf", "Corr"))
def test_correlations_of_powers(r: dict[str, Any]) -> None:
    """V of the sum of two standardised powers is 2 + 2 rho."""
    i, j = r["parameters"]["i"], r["parameters"]["j"]
    both = tuple(float(k in (i, j)) for k in range(j + 1))
    v = moments(named("polynomial", coefficients=both, normalised=True), 1.0, ("V",))["V"]
    rho = 0.5 * float(v.value) - 1.0
    assert rho**2 == pytest.approx(float(number(r["value"])), rel=1e-13)


@pytest.mark.parametrize("r", records("slaf", "V (any q)", "chi_1 at sigma_b=0", "f(c) at"))
def test_normalised_powers_are_a_polynomial_behind_layer_norm(r: dict[str, Any]) -> None:
    block = f"layernorm, {SLAF}, dense"
    for q in (0.3, 1.0, 7.0):
        variance = VarianceMap(block, 1.0)
        at = variance.F(q)
        if r["quantity"].startswith("V"):
            close(float(at.value), float(at.error), number(r["value"]))
        elif r["quantity"].startswith("chi_1"):
            assert float(variance.chi_1(1.0).value / variance.F(1.0).value) == pytest.approx(
                float(r["value"]), rel=1e-13
            )
        else:
            f = CorrelationMap(block, 1.0, q=float(variance.F(q).value))
            assert float(f(0.5)) == pytest.approx(float(r["value"]), rel=1e-13)


def test_the_mean_of_squared_attentions() -> None:
    """E[sigmoid(Z)^2] of the initialisation of the repository."""
    (r,) = (p.values[0] for p in records("slaf", "E[sigmoid"))
    v = moments(activation("sigmoid"), 1.0, ("V",))["V"]
    close(float(v.value), float(v.error), number(r["value"]))


def test_the_table_is_whole() -> None:
    keys = [json.dumps({k: v for k, v in r.items() if k not in ("value", "digits", "how")}) for r in RECORDS]
    assert len(set(keys)) == len(keys) == 183
