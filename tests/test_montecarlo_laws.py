"""Laws of weights: moments, orthogonality, names, refusals."""

from __future__ import annotations

import pickle
import sys
from typing import Any

import numpy as np
import pytest

from eoc.errors import EocError
from eoc.montecarlo.samples import explicit_networks
from eoc.montecarlo.sampling.inputs import hypercube
from eoc.montecarlo.sampling.laws import DTYPES, WeightLaw, law

SHAPE = (400, 500)
KURTOSIS = {  # E[w^4]
    "gaussian": 3.0,
    "rademacher": 1.0,
    "uniform": 9.0 / 5.0,
    "laplace": 6.0,
    "student_t(9)": 3.0 + 6.0 / 5.0,
    "sparse(0.25)": 12.0,
    "pruned(0.5)": 3.4565385167518955,
    "levels(4)": 1.64,
}
EIGHTH = {  # E[w^8]: what the fourth moment's standard error needs
    "gaussian": 105.0,
    "rademacher": 1.0,
    "uniform": 9.0,
    "laplace": 2520.0,
    "student_t(9)": 7.0**4 * 105.0 / (7.0 * 5.0 * 3.0 * 1.0),
    "sparse(0.25)": 105.0 * 64.0,
    "pruned(0.5)": 105.0 / 0.9286740822557406**4,  # at most
    "levels(4)": (0.2**4 + 1.8**4) / 2.0,
}


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(seed))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", KURTOSIS)
def test_moments_within_five_standard_errors(name: str, dtype: Any) -> None:
    weights = law(name).draw(rng(), SHAPE, dtype)
    assert weights.shape == SHAPE
    assert weights.dtype == dtype
    w, n = weights.astype(float), weights.size
    assert abs(w.mean()) <= 5.0 / n**0.5
    assert abs((w**2).mean() - 1.0) <= 5.0 * ((KURTOSIS[name] - 1.0) / n) ** 0.5 + 1e-6
    assert law(name).kurtosis == pytest.approx(KURTOSIS[name], rel=1e-14)
    assert abs((w**4).mean() - KURTOSIS[name]) <= 5.0 * ((EIGHTH[name] - KURTOSIS[name] ** 2) / n) ** 0.5 + 1e-6


@pytest.mark.parametrize("name", KURTOSIS)
def test_entries_are_uncorrelated(name: str) -> None:
    """Neighbours in a row and in a column, within five standard errors."""
    w = law(name).draw(rng(2), SHAPE, "float64")
    for a, b in ((w[:, 1:], w[:, :-1]), (w[1:], w[:-1])):
        assert abs((a * b).mean()) <= 5.0 / a.size**0.5


def test_values_of_the_discrete_laws() -> None:
    assert set(np.unique(law("rademacher").draw(rng(), (7, 11), "float32"))) == {-1.0, 1.0}
    sparse = law("sparse(0.1)").draw(rng(), SHAPE, "float64")
    assert abs((sparse != 0.0).mean() - 0.1) <= 5.0 * (0.09 / sparse.size) ** 0.5
    uniform = law("uniform").draw(rng(), SHAPE, "float64")
    assert np.abs(uniform).max() <= 3.0**0.5


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(60, 60), (90, 40), (40, 90), (1, 5), (5, 1)])
def test_orthogonal_matrices(shape: tuple[int, int], dtype: Any) -> None:
    one = law("orthogonal")
    assert one.whole
    w = one.draw(rng(), shape, dtype)
    assert w.dtype == dtype
    units = w.astype(float) / max(shape) ** 0.5
    short = units.T @ units if shape[0] >= shape[1] else units @ units.T
    np.testing.assert_allclose(short, np.eye(min(shape)), atol=1e-13 if dtype == "float64" else 1e-6)


def test_orthogonal_matrices_are_haar_distributed() -> None:
    """Traces of powers have E|tr Q^k|^2 = 1 and mean 0 or 1 (k even) on O(n); without the right signs they do not."""
    drawn = [law("orthogonal").draw(rng(seed), (8, 8), "float64") / 8**0.5 for seed in range(3000)]
    first, second = (np.array([np.trace(np.linalg.matrix_power(q, k)) for q in drawn]) for k in (1, 2))
    assert abs(first.mean()) <= 5.0 / 3000**0.5
    assert abs(first.var() - 1.0) <= 5.0 * (2.0 / 3000) ** 0.5
    assert abs(second.mean() - 1.0) <= 5.0 * (2.0 / 3000) ** 0.5


@pytest.mark.parametrize("df", [0.5, 1.0, 2.0])
def test_heavy_tails_stay_as_they_are(df: float) -> None:
    heavy = law(f"student_t({df})")
    assert heavy.variance == np.inf
    w = heavy.draw(rng(), SHAPE, "float64")
    np.testing.assert_array_equal(w, rng().standard_t(df, SHAPE))


def test_a_function_is_a_law() -> None:
    def triangular(generator: np.random.Generator, shape: tuple[int, int]) -> Any:
        return 6.0**0.5 * generator.triangular(-1.0, 0.0, 1.0, shape)

    own = law(triangular)
    assert own.name == "triangular"
    assert own.draw(rng(), (3, 4), "float32").dtype == np.float32
    assert law(own) is own


def test_a_function_that_returns_something_else() -> None:
    with pytest.raises(EocError, match=r"shape \(3, 4\), returned float64 of shape \(4, 3\)"):
        law(lambda generator, shape: generator.random(shape[::-1])).draw(rng(), (3, 4), "float64")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Gaussian", "gaussian"),
        (" normal ", "gaussian"),
        ("student-T ( df = 5 )", "student_t(5)"),
        ("Student t(1e1)", "student_t(10)"),
        ("sparse(p=0.1)", "sparse(0.1)"),
        ("ORTHOGONAL", "orthogonal"),
    ],
)
def test_names(text: str, name: str) -> None:
    assert law(text).name == name
    assert law(name).name == name


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("gausian", "did you mean 'gaussian'"),
        ("cauchy", r"unknown law of weights 'cauchy'; known: .*student_t\(df\)"),
        ("student_t", r"write student_t\(df\)"),
        ("student_t(five)", r"write student_t\(df\)"),
        ("student_t(p=3)", "no parameter 'p'"),
        ("student_t(0)", "df > 0"),
        ("student_t(nan)", "df > 0"),
        ("sparse(1.5)", "0 < p <= 1"),
        ("sparse(0)", "0 < p <= 1"),
        ("gaussian(2)", "has no parameter"),
        ("gaussian()", "has no parameter"),
        ("__import__('os')", "cannot read"),
        ("", "cannot read"),
        ("x" * 1000, "cannot read"),
        (3, "one of gaussian"),
        (None, "one of gaussian"),
    ],
)
def test_refusals(source: object, message: str) -> None:
    with pytest.raises(EocError, match=message):
        law(source)


@pytest.mark.parametrize("name", ["gaussian", "student_t(5)", "sparse(0.5)", "orthogonal"])
def test_laws_travel_between_processes(name: str) -> None:
    there: WeightLaw = pickle.loads(pickle.dumps(law(name)))
    np.testing.assert_array_equal(there.draw(rng(), (4, 5), "float64"), law(name).draw(rng(), (4, 5), "float64"))


def failing(generator: np.random.Generator, shape: tuple[int, int]) -> Any:
    raise ZeroDivisionError("in vain")


def unshaped(generator: np.random.Generator) -> Any:
    return generator.random(3)


def leaving(generator: np.random.Generator, shape: tuple[int, int]) -> Any:
    sys.exit(7)


def undefined(generator: np.random.Generator, shape: tuple[int, int]) -> Any:
    return np.full(shape, np.nan)


@pytest.mark.parametrize(
    ("function", "message", "cause"),
    [
        (failing, r"the law failing failed, .* ZeroDivisionError: in vain", ZeroDivisionError),
        (unshaped, "the law unshaped failed, .* TypeError", TypeError),
        (leaving, "the law leaving failed, .* SystemExit: 7", SystemExit),
        (undefined, "the law undefined must return finite weights, returned nan", None),
    ],
)
def test_a_function_that_fails_is_named(function: Any, message: str, cause: type[BaseException] | None) -> None:
    with pytest.raises(EocError, match=message) as caught:
        law(function).draw(rng(), (3, 4), "float64")
    assert cause is None or isinstance(caught.value.__cause__, cause)
    with pytest.raises(EocError, match=function.__name__):
        explicit_networks("tanh", 1.0, inputs=[[1.0]], width=3, depth=2, weights=function, seed=1)


@pytest.mark.parametrize("arguments", [(-1, 5, 1), (1.5, 5, 1), (1, 5, "a"), (2, 5, -1), (10**6, 10**8, 1)])
def test_inputs_of_a_hypercube_that_make_no_sense(arguments: Any) -> None:
    with pytest.raises(EocError, match=r"inputs|dimension|seed"):
        hypercube(*arguments)
