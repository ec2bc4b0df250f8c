"""Derivatives by the parameters of activations, beside differences of 50 digits."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import Any

import mpmath
import numpy as np
import pytest

import eoc
from eoc.activations import Activation, activation
from eoc.cli import main
from eoc.errors import EocError, UnsupportedError
from eoc.maps import VarianceMap
from eoc.sensitivities import Sensitivity, sensitivity

MP = mpmath.MPContext()
MP.dps = 50
STEP = MP.mpf(10) ** -16  # of differences: of second order, off by its square
Jet = Callable[..., tuple[Any, Any, Any]]


@dataclass(frozen=True)
class Family:
    """Activations with parameters drawn from ranges: phi, phi', phi'' by mpmath, and where they are not smooth."""

    make: Callable[..., Activation]
    jet: Jet
    ranges: dict[str, tuple[float, float]]
    knots: Callable[..., list[Any]] = lambda **_: []
    has_edge: bool = True
    curved: bool = True  # phi is C^1: the law is 1/l
    called: dict[str, str] = field(default_factory=dict)  # what parameters are called there


def expm1_jet(x: Any, alpha: Any) -> tuple[Any, Any, Any]:
    e = MP.exp(x)
    return (x, 1, 0) if x > 0 else (alpha * (e - 1), alpha * e, alpha * e)


def celu_jet(x: Any, alpha: Any) -> tuple[Any, Any, Any]:
    e = MP.exp(x / alpha)
    return (x, 1, 0) if x > 0 else (alpha * (e - 1), e, e / alpha)


def silu_jet(x: Any, beta: Any) -> tuple[Any, Any, Any]:
    s = 1 / (1 + MP.exp(-beta * x))
    d = beta * s * (1 - s)
    return x * s, s + x * d, 2 * d + x * beta * d * (1 - 2 * s)


def softplus_jet(x: Any, beta: Any) -> tuple[Any, Any, Any]:
    s = 1 / (1 + MP.exp(-beta * x))
    return MP.log(1 + MP.exp(beta * x)) / beta, s, beta * s * (1 - s)


def snake_jet(x: Any, a: Any) -> tuple[Any, Any, Any]:
    return x + MP.sin(a * x) ** 2 / a, 1 + MP.sin(2 * a * x), 2 * a * MP.cos(2 * a * x)


def squareplus_jet(x: Any, b: Any) -> tuple[Any, Any, Any]:
    h = MP.sqrt(x * x + b)
    return (x + h) / 2, (1 + x / h) / 2, b / (2 * h**3)


def tanh_jet(x: Any, a: Any, b: Any) -> tuple[Any, Any, Any]:
    t = MP.tanh(b * x)
    return a * t, a * b * (1 - t * t), -2 * a * b * b * t * (1 - t * t)


def star_jet(x: Any, scale: Any, bias: Any) -> tuple[Any, Any, Any]:
    return (scale * x * x + bias, 2 * scale * x, 2 * scale) if x > 0 else (bias, 0, 0)


def shrink_jet(x: Any, threshold: Any) -> tuple[Any, Any, Any]:
    return (MP.sign(x) * (abs(x) - threshold), 1, 0) if abs(x) > threshold else (0, 0, 0)


def hard_jet(x: Any, slope: Any) -> tuple[Any, Any, Any]:
    y = slope * x + MP.mpf(0.5)
    return (y, slope, 0) if 0 < y < 1 else (MP.mpf(y > 0), 0, 0)


def smooth_clip_jet(x: Any, t: Any) -> tuple[Any, Any, Any]:
    """x up to t, and then by a parabola to a constant: a jump of phi'' that moves."""
    if x <= t:
        return x, 1, 0
    return (x - (x - t) ** 2 / 2, 1 - (x - t), -1) if x < t + 1 else (t + MP.mpf(0.5), 0, 0)


def era_jet(x: Any, a: Any, b: Any, c: Any, d: Any, e: Any, f: Any) -> tuple[Any, Any, Any]:
    n, z, h = c * x + d, x - e, (x - e) ** 2 + f**2
    first = (c - 2 * z * n / h) / h
    return a * x + b + n / h, a + first, (-4 * z * first - 2 * n / h) / h


def pade_jet(version: str) -> Jet:
    """Of the versions: A has a kink at 0, B and C have kinks that move, where what is between bars vanishes."""

    def jet(x: Any, a: Sequence[Any], b: Sequence[Any]) -> tuple[Any, Any, Any]:
        inner = b if version == "C" else (0, *b)
        below = [c if version == "N" else abs(c) * MP.sign(x) ** k if k else c for k, c in enumerate(inner)]
        if version in "BC":
            below = [MP.sign(polynomial(inner, x)) * c for c in inner]
        below[0] += MP.mpf(1) / 10 if version == "C" else 1
        p, q = ([polynomial(differentiated(row, k), x) for k in range(3)] for row in (a, below))
        g = p[0] / q[0]
        g1 = (p[1] - g * q[1]) / q[0]
        return g, g1, (p[2] - 2 * g1 * q[1] - g * q[2]) / q[0]

    return lambda x, **k: jet(x, *(tuple(v for n, v in k.items() if n[0] == one) for one in "ab"))


def polynomial(c: Sequence[Any], x: Any) -> Any:
    return sum(value * x**k for k, value in enumerate(c))


def differentiated(c: Sequence[Any], order: int) -> list[Any]:
    for _ in range(order):
        c = [k * value for k, value in enumerate(c)][1:]
    return list(c)


def fourier_jet(x: Any, b: Any, a: Any, w: Any) -> tuple[Any, Any, Any]:
    s, c = MP.sin(w * x), MP.cos(2 * w * x)
    s1, c1 = w * MP.cos(w * x), -2 * w * MP.sin(2 * w * x)
    return b * s + a * c, b * s1 + a * c1, -w * w * b * s - 4 * w * w * a * c


def cubic_jet(x: Any, c1: Any, c2: Any, c3: Any) -> tuple[Any, Any, Any]:
    return (
        (c1 - c2 * 0) * x + c2 * (x * x - 1) + c3 * (x**3 - 3 * x),
        c1 + 2 * c2 * x + c3 * (3 * x * x - 3),
        (2 * c2 + 6 * c3 * x),
    )


def spline_jet(x: Any, k: Any, s0: Any, s1: Any) -> tuple[Any, Any, Any]:
    """Slopes s0, 1 and s1 around the knots k and 1, through the origin, k < 0."""
    if x < k:
        return k + s0 * (x - k), s0, 0
    return (x, 1, 0) if x < 1 else (1 + s1 * (x - 1), s1, 0)


SMOOTH_CLIP = "x if x < t else (x - (x - t)^2 / 2 if x < t + 1 else t + 1/2)"


def of_era(**k: float) -> Activation:
    return activation("era", **{n: (v,) if n in "cdef" else v for n, v in k.items()})


def of_pade(version: str) -> Callable[..., Activation]:
    def made(**k: float) -> Activation:
        a, b = (tuple(v for n, v in k.items() if n[0] == one) for one in "ab")
        return activation("rational", numerator=a, denominator=b, version=version)

    return made


def of_fourier(b: float, a: float, w: float) -> Activation:
    return activation("fourier", sines=(b,), cosines=(0.0, a), frequencies=w)


def of_hermite(c1: float, c2: float, c3: float) -> Activation:
    return activation("polynomial", coefficients=(0.0, c1, c2, c3), basis="hermite")


def of_spline(k: float, s0: float, s1: float) -> Activation:
    return activation("spline", knots=(k, 1.0), slopes=(s0, 1.0, s1))


def pade(version: str, ranges: dict[str, list[tuple[float, float]]], knots: Any = lambda **_: []) -> Family:
    """By a0, a1, ... of the numerator and b0, b1, ... of the denominator."""
    words = {"a": "numerator", "b": "denominator"}
    each = {f"{n}{i}": (f"{words[n]}_{i}", ends) for n, several in ranges.items() for i, ends in enumerate(several)}
    return Family(
        of_pade(version),
        pade_jet(version),
        {name: ends for name, (_, ends) in each.items()},
        knots,
        curved=version == "N",
        called={name: own for name, (own, _) in each.items()},
    )


def named(name: str) -> Callable[..., Activation]:
    return lambda **parameters: activation(name, **parameters)


FAMILIES = {
    "elu": Family(named("elu"), expm1_jet, {"alpha": (0.3, 2.0)}, lambda **_: [0], curved=False),
    "celu": Family(named("celu"), celu_jet, {"alpha": (0.3, 2.0)}, lambda **_: [0]),
    "leaky_relu": Family(
        named("leaky_relu"),
        lambda x, slope: (x, 1, 0) if x > 0 else (slope * x, slope, 0),
        {"slope": (-0.5, 0.9)},
        lambda **_: [0],
        has_edge=False,
        curved=False,
    ),
    "silu": Family(named("silu"), silu_jet, {"beta": (0.5, 2.0)}),
    "softplus": Family(named("softplus"), softplus_jet, {"beta": (0.5, 2.0)}, has_edge=False),
    "snake": Family(named("snake"), snake_jet, {"a": (0.3, 1.5)}),
    "squareplus": Family(named("squareplus"), squareplus_jet, {"b": (0.5, 4.0)}, has_edge=False),
    "star_relu": Family(
        named("star_relu"), star_jet, {"scale": (0.3, 0.5), "bias": (-0.6, -0.2)}, lambda **_: [0], has_edge=False
    ),
    "softshrink": Family(
        named("softshrink"),
        shrink_jet,
        {"threshold": (0.1, 0.8)},
        lambda threshold: [-threshold, threshold],
        curved=False,
    ),
    "hardsigmoid": Family(
        named("hardsigmoid"),
        hard_jet,
        {"slope": (0.1, 0.6)},
        lambda slope: [-1 / (2 * slope), 1 / (2 * slope)],
        has_edge=False,
        curved=False,
    ),
    "a formula": Family(
        lambda **parameters: activation("a * tanh(b*x)", **parameters), tanh_jet, {"a": (0.5, 2.0), "b": (0.5, 2.0)}
    ),
    "moving curvature": Family(
        lambda **parameters: activation(SMOOTH_CLIP, **parameters),
        smooth_clip_jet,
        {"t": (-0.5, 1.0)},
        lambda t: [t, t + 1],
    ),
    "era": Family(
        of_era,
        era_jet,
        {"a": (0.3, 1.0), "b": (-0.5, 0.5), "c": (-1.0, 1.0), "d": (-2.0, 2.0), "e": (-0.5, 0.5), "f": (0.8, 2.0)},
        called={n: f"{n}_0" for n in "cdef"},
    ),
    "pade A": pade("A", {"a": [(0.2, 0.4), (0.5, 1.0), (0.1, 0.5)], "b": [(0.3, 0.8), (0.1, 0.4)]}, lambda **_: [0]),
    "pade B": pade(
        "B",
        {"a": [(-0.2, 0.2), (0.5, 1.0), (0.1, 0.5)], "b": [(0.3, 0.8), (0.1, 0.4)]},
        lambda b0, b1, **_: [0, -b0 / b1],
    ),
    "pade C": pade(
        "C",
        {"a": [(-0.2, 0.2), (0.5, 1.0)], "b": [(-0.06, -0.04), (-0.1, 0.1), (0.4, 0.6)]},
        lambda b0, b1, b2, **_: [(-b1 + side * MP.sqrt(b1 * b1 - 4 * b0 * b2)) / (2 * b2) for side in (-1, 1)],
    ),
    "pade N": pade("N", {"a": [(-0.2, 0.2), (0.5, 1.0), (0.1, 0.5)], "b": [(-0.3, 0.3), (0.4, 0.6)]}),
    "fourier": Family(
        of_fourier,
        fourier_jet,
        {"b": (0.5, 1.5), "a": (-0.3, 0.3), "w": (0.5, 1.5)},
        called={"b": "sines_0", "a": "cosines_1", "w": "frequencies"},
    ),
    "hermite": Family(
        of_hermite,
        cubic_jet,
        {"c1": (0.7, 1.0), "c2": (-0.1, 0.1), "c3": (-0.05, -0.02)},
        called={f"c{i}": f"coefficients_{i}" for i in (1, 2, 3)},
    ),
    "spline": Family(
        of_spline,
        spline_jet,
        {"k": (-1.5, -0.5), "s0": (0.0, 0.5), "s1": (0.0, 0.5)},
        lambda k, **_: [k, 1],
        curved=False,
        called={"k": "knots_0", "s0": "slopes_0", "s1": "slopes_2"},
    ),
}


@cache
def rule() -> list[tuple[Any, Any]]:
    """Nodes and weights of Gauss and Legendre on [-1, 1], 40 of them."""
    n, found = 40, []
    for x in np.polynomial.legendre.leggauss(n)[0]:
        root = MP.findroot(lambda t: MP.legendre(n, t), MP.mpf(float(x)))
        slope = n * (root * MP.legendre(n, root) - MP.legendre(n - 1, root)) / (root * root - 1)
        found.append((root, 2 / ((1 - root * root) * slope**2)))
    return found


def moments(family: Family, parameters: dict[str, Any], q: Any) -> tuple[Any, Any, Any]:
    """E phi^2, E phi'^2 and E phi''^2 without deltas, to some 20 digits."""
    s = MP.sqrt(q)
    inside = [k / s for k in family.knots(**parameters) if abs(k / s) < 12]
    ends = sorted({MP.mpf(z) for z in range(-12, 13, 2)} | set(inside))
    sums = [MP.mpf(0)] * 3
    for low, high in pairwise(ends):
        half, middle = (high - low) / 2, (high + low) / 2
        for node, weight in rule():
            z = middle + half * node
            density = weight * half * MP.npdf(z)
            for i, value in enumerate(family.jet(s * z, **parameters)):
                sums[i] += density * value * value
    return tuple(sums)  # type: ignore[return-value]


def squared_bias(family: Family, parameters: dict[str, Any], q: Any) -> Any:
    v, d, _ = moments(family, parameters, q)
    return q - v / d


def root(f: Callable[[Any], Any], start: Any) -> Any:
    """A root of f by chords whose slope is that of doubles' differences: 1e-14, 1e-24, 1e-34, 1e-44."""
    h = start * MP.mpf(10) ** -10
    slope = (f(start + h) - f(start - h)) / (2 * h)
    for _ in range(3):
        start = start - f(start) / slope
    return start


def followed(family: Family, parameters: dict[str, Any], at: Sensitivity, *, whole: bool = True) -> dict[str, Any]:
    """The place, its moments and its law where parameters have these values, and what stays is as in ``at``.

    Unless ``whole``, nothing is solved for: only what is said at one q.
    """
    q0, sigma_w, sigma_b = (MP.mpf(x) for x in (at.q, at.sigma_w, at.sigma_b))

    def kept(q: Any) -> Any:
        return sigma_b**2 + sigma_w**2 * moments(family, parameters, q)[0] - q

    v, d, _ = moments(family, parameters, q0)
    found = {"V": v, "D": d}
    if not whole and at.given != "q":
        return found
    scales = family.jet is FAMILIES["leaky_relu"].jet
    follows = whole and np.isfinite(list(at.values["chi_1"].values())).all()  # F'(q) is not 1
    still = root(kept, q0) if follows and not scales else q0
    if follows:
        found["chi_1"] = sigma_w**2 * moments(family, parameters, still)[1]
    if at.given == "sigma_b":
        q = root(lambda q: squared_bias(family, parameters, q) - sigma_b**2, q0)
    elif at.given == "sigma_w":
        q = root(lambda q: sigma_w**2 * moments(family, parameters, q)[1] - 1, q0)
    else:
        q = q0 if at.given == "q" else still
    v, d, s = moments(family, parameters, q)
    found["q"] = q
    off_edge = at.given == "sigma_w and sigma_b"
    found["sigma_w"] = sigma_w if off_edge else 1 / MP.sqrt(d)
    found["sigma_b"] = sigma_b if off_edge or scales else MP.sqrt(q - v / d)
    if family.curved:
        found["rate"] = 2 * d / (q * s)
    else:
        kinks = [(k, bend(family, parameters, k)) for k in family.knots(**parameters)]
        found["rate"] = 18 * MP.pi**2 * (d / sum(k**2 * MP.exp(-x * x / (2 * q)) for x, k in kinks)) ** 2
    return found


def bend(family: Family, parameters: dict[str, Any], x: Any) -> Any:
    """phi'(x+) - phi'(x-)."""
    right, left = (family.jet(x + side * MP.mpf(10) ** -40, **parameters)[1] for side in (1, -1))
    return right - left


def compared(family: Family, parameters: dict[str, float], question: dict[str, float], *, whole: bool = True) -> float:
    """The largest relative difference between the derivatives and differences; within the bounds, that is."""
    at, worst = sensitivity(family.make(**parameters), **question), 0.0
    for name in parameters:
        sides = []
        for side in (1, -1):
            moved = {k: MP.mpf(v) + side * STEP * (k == name) for k, v in parameters.items()}
            sides.append(followed(family, moved, at, whole=whole))
        for quantity in sides[0]:
            true = (sides[0][quantity] - sides[1][quantity]) / (2 * STEP)
            own = family.called.get(name, name)
            value, error = at.values[quantity][own], at.errors[quantity][own]
            off = float(abs(true - MP.mpf(value)))
            assert off <= error + 1e-13 * abs(value) + 1e-25, (quantity, name, value, true, error)
            worst = max(worst, off / max(float(abs(true)), 1e-3))
    return worst


def questions(family: Family, rng: np.random.Generator, *, whole: bool) -> dict[str, float]:
    """A random place on the edge, or of a network."""
    if family.has_edge and not whole:
        return {"q": rng.uniform(0.3, 3.0)}
    if not family.has_edge or rng.random() < 0.25:
        return {"sigma_w": rng.uniform(0.6, 1.0), "sigma_b": rng.uniform(0.2, 0.6)}
    if rng.random() < 0.5:
        return {"q": rng.uniform(0.3, 3.0)}
    return {"sigma_b": rng.uniform(0.1, 0.5)}


def drawn(family: Family, rng: np.random.Generator, *, whole: bool = True) -> tuple[dict[str, float], dict[str, float]]:
    """Parameters and a question that has an answer."""
    while True:
        parameters = {name: rng.uniform(*ends) for name, ends in family.ranges.items()}
        question = questions(family, rng, whole=whole)
        try:
            sensitivity(family.make(**parameters), **question)
        except EocError:
            continue
        return parameters, question


@pytest.mark.parametrize("name", FAMILIES)
def test_derivatives_are_those_of_differences(name: str) -> None:
    family, rng = FAMILIES[name], np.random.default_rng(7)
    assert compared(family, *drawn(family, rng, whole=False), whole=False) < 1e-9


@pytest.mark.parametrize("name", ["leaky_relu", "celu", "softshrink"])
def test_so_are_those_of_what_follows(name: str) -> None:
    family, rng = FAMILIES[name], np.random.default_rng(7)
    assert compared(family, *drawn(family, rng)) < 1e-9


def test_what_is_given_stays() -> None:
    elu = activation("elu", alpha=1.2)
    for name, value in (("q", 1.0), ("sigma_b", 0.3), ("sigma_w", 1.15)):
        found = sensitivity(elu, **{name: value})
        assert getattr(found, name) == value
        assert found.values[name] == {"alpha": 0.0}
        assert found.chi_1 == 1.0
    both = sensitivity(elu, sigma_w=1.1, sigma_b=0.2)
    assert both.chi_1 == pytest.approx(VarianceMap(elu, 1.1, 0.2).chi_1(both.q).value, rel=1e-12)
    assert both.values["sigma_w"] == both.values["sigma_b"] == {"alpha": 0.0}


def test_parameters_that_scale_do_what_scaling_does() -> None:
    """Of a phi(x): V and D grow by 2/a of themselves, and sigma_w falls by 1/a on the edge."""
    found = sensitivity(activation("a * tanh(x)", a=1.3), sigma_b=0.2)
    assert found.values["sigma_w"]["a"] == pytest.approx(-found.sigma_w / 1.3, rel=1e-13)
    assert abs(found.values["q"]["a"]) <= found.errors["q"]["a"]
    assert abs(found.values["rate"]["a"]) <= found.errors["rate"]["a"]
    m = eoc.moments(activation("a * tanh(x)", a=1.3), found.q, ("V", "D"))
    for name in ("V", "D"):
        assert found.values[name]["a"] == pytest.approx(2.0 / 1.3 * m[name].value, rel=1e-13)


def test_a_law_that_becomes_another_one_has_no_derivative() -> None:
    elu = sensitivity(activation("elu", alpha=1.0), q=1.0)  # C^1 for alpha = 1 alone
    assert np.isnan(elu.values["rate"]["alpha"])
    assert elu.values["D"]["alpha"] > 0.0
    marginal = sensitivity(activation("softshrink", threshold=0.5), q=1.0)  # F'(q) = 1
    assert np.isnan(marginal.values["chi_1"]["threshold"])
    assert marginal.errors["chi_1"]["threshold"] == np.inf


def test_everything_by_name() -> None:
    found = sensitivity(activation("a * tanh(b*x)", a=1.2, b=0.7), sigma_b=0.2)
    told = found.to_dict()
    assert told["parameters"] == {"a": 1.2, "b": 0.7}
    assert told["values"]["D"]["b"] == found.values["D"]["b"]
    learned = activation("a * tanh(b*x)", a=1.2, b=0.7)
    assert learned is activation("a * tanh(b*x)", b=0.7, a=1.2) or learned.name == "1.2 * tanh(0.7*x)"
    assert pickle.loads(pickle.dumps(learned)).parameters == learned.parameters
    assert learned([0.3]) == activation("1.2 * tanh(0.7*x)")([0.3])


@pytest.mark.parametrize(
    ("ask", "kind", "says"),
    [
        (lambda: sensitivity("gelu", q=1.0), UnsupportedError, "no formula names"),
        (lambda: sensitivity("elu", q=1.0, sigma_b=0.1), EocError, "got q, sigma_b"),
        (lambda: sensitivity("elu"), EocError, "got nothing"),
        (lambda: sensitivity("shifted_sign", q=1.0), UnsupportedError, "jumps"),
        (lambda: sensitivity("threshold(threshold=0, value=0)", q=1.0), UnsupportedError, "would jump at 0 if"),
        (lambda: sensitivity("softplus", sigma_b=0.1), EocError, "softplus"),
        (lambda: sensitivity("elu, dense", q=1.0), UnsupportedError, "network of layers"),
        (lambda: sensitivity(activation("max(x, a) + abs(x - b)", a=0.0, b=0.0), q=1.0), UnsupportedError, "two kinks"),
        (lambda: activation("a * tanh(x)", x=1.0), EocError, "another meaning"),
        (lambda: activation("a * tanh(x)", b=1.0), EocError, "is not in"),
        (lambda: activation("a * tanh(x)", a="1"), EocError, "must be a number"),
    ],
)
def test_what_has_no_derivative_is_refused_with_what_to_do(ask: Any, kind: type[Exception], says: str) -> None:
    with pytest.raises(kind, match=says):
        ask()


def test_from_the_command_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def told(*words: str) -> str:
        monkeypatch.setattr("sys.argv", ["eoc", "sensitivity", *words])
        with pytest.raises(SystemExit):
            main()
        both = capsys.readouterr()
        return both.out or both.err

    answer = json.loads(told("a * tanh(b*x)", "--with", "a=1.2, b=0.7", "--sigma-b", "0.2", "--json"))
    found = sensitivity(activation("a * tanh(b*x)", a=1.2, b=0.7), sigma_b=0.2)
    assert answer["values"]["sigma_w"]["a"] == found.values["sigma_w"]["a"]
    assert "derivatives by the parameters of elu(alpha=1.2)" in told("elu(alpha=1.2)", "--q", "1")
    recommended = json.loads(told("elu(alpha=1.2)", "--json"))  # where there is no place
    assert (recommended["given"], recommended["q"]) == ("q", eoc.recommend("elu(alpha=1.2)").q)
    held = json.loads(told("softplus", "--json"))
    assert (held["given"], held["sigma_w"]) == ("sigma_w and sigma_b", eoc.recommend("softplus").sigma_w)
    assert "--with takes parameters" in told("a * tanh(x)", "--with", "a", "--q", "1")
