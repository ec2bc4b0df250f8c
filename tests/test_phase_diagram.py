"""Phase diagrams: every cell is what direct evaluation says of that place, and published grids come out."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray
from hypothesis import given, settings
from hypothesis import strategies as st
from test_cli import run
from truth import MP, error

import eoc.phase.diagram as diagram_module
from eoc.activations import activation
from eoc.criticality import edge_of_chaos
from eoc.errors import AccuracyError, AccuracyWarning, EocError
from eoc.files import replacing
from eoc.gaussian.moments import moments
from eoc.maps import CorrelationMap, VarianceMap
from eoc.phase import phase_diagram, phases
from eoc.phase.grid import PHASES
from eoc.plotting import DRAWN, diagram_figure, plot_diagram

FIELDS = ("q", "slope", "chi_1", "c_star", "xi_q", "xi_c", "xi_grad")
SCALES = ("xi_q", "xi_c", "xi_grad")
RNG = np.random.default_rng(20261121)


def assert_cell_is_right(found: xarray.Dataset, name: str, i: int, j: int, tolerance: float = 1e-10) -> None:
    """The cell (i, j) against direct evaluation; depth scales also within what rounding of chi_1 leaves of them."""
    sigma_b, sigma_w = float(found.sigma_b[i]), float(found.sigma_w[j])
    direct = phases(name, sigma_w, sigma_b)
    assert int(found.ends[i, j]) == len(direct)
    label = PHASES[int(found.phase[i, j])]
    assert label == (direct[0].phase if len(direct) == 1 else "several")
    for field in FIELDS:
        got, error = float(found[field][i, j]), float(found[field + "_error"][i, j])
        true, true_error = getattr(direct[0], field), getattr(direct[0], field + "_error")
        where = f"{field} of {name} at sigma_b = {sigma_b!r}, sigma_w = {sigma_w!r}: {got!r}, directly {true!r}"
        if math.isnan(true):
            assert math.isnan(got), where
        elif got != true:
            allowed = tolerance * abs(true)
            if field in SCALES:
                allowed = max(allowed, 2e-15 * true**2)  # 9 roundings of chi_1: which they are differs by machine
            assert abs(got - true) <= allowed, where
            assert abs(got - true) <= error + true_error, where


def places_around_the_edge(name: str) -> tuple[list[float], list[float]]:
    """sigma_b and sigma_w of edge-of-chaos points, on both sides and at distances down to 1e-9."""
    points = [edge_of_chaos(name, sigma_b=b).points for b in (0.05, 0.4, 1.3)]
    on_edge = [(p.sigma_b, p.sigma_w) for found in points for p in found]
    sigma_w = [w * (1.0 + d) for _, w in on_edge for d in (-1e-3, -1e-6, -1e-9, 1e-9, 1e-6, 1e-3)]
    return [b for b, _ in on_edge], sigma_w


@pytest.mark.parametrize("name", ["tanh", "erf", "gelu", "relu", "elu", "hardtanh"])
def test_random_cells_agree_with_direct_evaluation(name: str) -> None:
    near_b, near_w = places_around_the_edge(name)
    if name == "relu":
        near_w = [2**0.5 * (1.0 + d) for d in (-1e-6, -1e-9, 1e-9, 1e-6)]
    sigma_b = np.unique([*RNG.uniform(0.0, 3.0, 60), *near_b])
    sigma_w = np.unique([*RNG.uniform(0.2, 4.0, 60), *near_w])
    found = phase_diagram(name, sigma_w, sigma_b)
    cells = {(int(RNG.integers(sigma_b.size)), int(RNG.integers(sigma_w.size))) for _ in range(170)}
    cells |= {(int(np.searchsorted(sigma_b, b)), int(np.searchsorted(sigma_w, w))) for b in near_b for w in near_w}
    assert len(cells) >= 165
    for i, j in cells:
        assert_cell_is_right(found, name, i, j)


@pytest.mark.parametrize(
    "name", ["silu", "sign", "heaviside", "softplus", "sin(x)", "x**2", "exp(-x**2)", "selu", "leaky_relu", "relu6"]
)
def test_other_kinds_of_activations_agree_with_direct_evaluation(name: str) -> None:
    sigma_b, sigma_w = np.array([0.0, 0.07, 0.3, 1.1]), np.array([0.3, 0.9, 1.3, 1.55, 2.6])
    found = phase_diagram(name, sigma_w, sigma_b)
    for i in range(sigma_b.size):
        for j in range(sigma_w.size):
            assert_cell_is_right(found, name, i, j)


class Closed:
    """V, E[phi(u) phi(v)] and E[phi'(u) phi'(v)] in closed form, and a cell from them, in 40 digits."""

    def __init__(self, kernel: Callable[[Any, Any], Any], slopes: Callable[[Any, Any], Any]) -> None:
        self.kernel, self.slopes = kernel, slopes

    def cell(self, sigma_w: float, sigma_b: float, q: float, c: float) -> dict[str, Any]:
        """The fields, by Newton's method from approximate q and c."""
        w, b = MP.mpf(sigma_w) ** 2, MP.mpf(sigma_b) ** 2
        q = MP.findroot(lambda x: b + w * self.kernel(x, 1) - x, MP.mpf(q), tol=1e-60)
        chi_1, at_c = w * self.slopes(q, 1), w * self.slopes(q, 1)
        if chi_1 > 1:
            if c > 0.0:
                c = MP.findroot(lambda x: (b + w * self.kernel(q, x)) / q - x, MP.mpf(c), tol=1e-60)
            at_c = w * self.slopes(q, c)
        return {"q": q, "chi_1": chi_1, "c_star": c, "xi_c": -1 / MP.log(at_c), "xi_grad": -1 / MP.log(chi_1)}


CLOSED = {
    "erf": Closed(
        lambda q, c: 2 / MP.pi * MP.asin(2 * q * c / (1 + 2 * q)),
        lambda q, c: 4 / MP.pi / MP.sqrt((1 + 2 * q) ** 2 - (2 * q * c) ** 2),
    ),
    "sin": Closed(lambda q, c: MP.exp(-q) * MP.sinh(q * c), lambda q, c: MP.exp(-q) * MP.cosh(q * c)),
}
_NEAR = [1.0 + d for d in (-1e-3, -1e-6, -1e-9, 1e-9, 1e-6, 1e-3)]


@pytest.mark.parametrize("name", CLOSED)
@pytest.mark.parametrize("sigma_b", [0.0, 1e-6, 0.01, 0.3, 1.7])
def test_every_error_is_honest(name: str, sigma_b: float) -> None:
    edge = edge_of_chaos(name, sigma_b=sigma_b).points[0].sigma_w
    sigma_w = np.unique([edge * d for d in _NEAR] + [0.01, 0.7, 1.4, 2.2, 3.5])
    found = phase_diagram(name, sigma_w, [sigma_b])
    for j in range(sigma_w.size):
        cell = {field: (found[field].values[0, j], found[field + "_error"].values[0, j]) for field in FIELDS}
        if cell["q"][0] == 0.0:
            continue
        true = CLOSED[name].cell(float(sigma_w[j]), sigma_b, cell["q"][0], cell["c_star"][0])
        for field, expected in true.items():
            got, bound = cell[field]
            off = error(got, expected)
            where = f"{field} of {name} at {float(sigma_w[j])!r}, {sigma_b!r}: {got!r} +- {bound!r}, true {expected}"
            assert off <= bound + 2e-16 * abs(expected), where
            if abs(true["chi_1"] - 1) > 1e-4:
                assert off <= 1e-10 * abs(expected), where


def test_bounded_activations_hold_any_weights() -> None:
    """erf, large sigma_w: q = sigma_b^2 + sigma_w^2 (2/pi) asin(2q/(1+2q)) < sigma_b^2 + sigma_w^2."""
    sigma_w = np.array([1e2, 1e4, 1e8])
    with pytest.warns(AccuracyWarning, match=r"too many digits cancel where chi_1 is as large as 6\.37e\+07"):
        found = phase_diagram("erf", sigma_w, [1.0])
    for j, w in enumerate(sigma_w):
        q = found.q.values[0, j]
        true = MP.findroot(
            lambda x, w=w: 1 + MP.mpf(w) ** 2 * CLOSED["erf"].kernel(x, 1) - x, MP.mpf(w) ** 2, tol=1e-40
        )
        assert error(q, true) <= min(found.q_error.values[0, j], 1e-13 * w**2)
    assert (found.phase == PHASES.index("chaotic")).all()


def test_depth_scales_of_tiny_factors() -> None:
    sigma_w = 10.0 ** np.arange(-8.0, 0.0)
    found = phase_diagram("relu", sigma_w, [1.0])
    for field in SCALES:
        for w, got in zip(sigma_w, found[field].values[0], strict=True):
            assert error(got, -1 / MP.log(MP.mpf(w) ** 2 / 2)) <= 1e-15


def test_the_side_of_the_edge_is_known_even_within_rounding_of_chi_1() -> None:
    """sin without bias: chi_1 - 1 = sigma_w^2 (q D - V)/q ~ (4/3) q^2... is 1.3e-14 at sigma_w = 1 + 1e-7."""
    found = phase_diagram("sin", [1.0000001], [0.0])
    assert PHASES[found.phase.item()] == "chaotic"
    assert found.c_star.item() == 0.0


def test_errors_are_below_what_is_claimed_away_from_the_edge() -> None:
    for name in ("tanh", "gelu", "elu", "hardtanh"):
        found = phase_diagram(name, np.linspace(0.5, 4.0, 40), np.linspace(0.05, 2.0, 40))
        away = (np.abs(found.chi_1 - 1.0) > 1e-3).values & np.isfinite(found.q.values)
        for field in FIELDS:
            values, errors = found[field].values[away], found[field + "_error"].values[away]
            assert (errors <= 1e-10 * np.abs(values)).all(), (name, field)


def test_c_star_keeps_its_relative_precision_where_it_is_small() -> None:
    """f(c) = f(0) + f'(0) c + O(c^3) for an odd phi, so c* = f(0) / (1 - f'(0)) as sigma_b -> 0."""
    found = phase_diagram("tanh", [2.0], [1e-7])
    q = found.q.item()
    mean_slope = float(moments(lambda x: 1.0 / np.cosh(x) ** 2, q, ("M",))["M"].value)  # E[phi'(u) phi'(v)] at c = 0
    expected = 1e-14 / q / (1.0 - 4.0 * mean_slope**2)
    assert found.c_star.item() == pytest.approx(expected, rel=1e-11)
    assert found.c_star_error.item() <= 1e-10 * expected


def test_near_the_edge_the_distance_from_one_is_relative() -> None:
    """1 - c* ~ beta_q (chi_1 - 1) from above the edge of chaos, and xi_c = xi_grad to leading order."""
    point = edge_of_chaos("tanh", sigma_b=0.3).best
    found = phase_diagram("tanh", [point.sigma_w * (1.0 + 1e-8)], [0.3])
    excess = found.chi_1.item() - 1.0
    assert found.one_minus_c_star.item() == pytest.approx(point.law.constant * excess, rel=1e-6)
    assert found.xi_c.item() == pytest.approx(-found.xi_grad.item(), rel=1e-6)


def test_poole_grid() -> None:
    """Poole et al. (2016), tanh; q*, chi_1 and c* of theory at sigma_b = 0.3, and structure over their whole grid."""
    sigma_w, sigma_b = np.linspace(1.0, 5.0, 41), np.linspace(0.0, 4.0, 41)
    found = phase_diagram("tanh", sigma_w, sigma_b)
    at = found.sel(sigma_b=0.3, method="nearest")
    for w, q, chi_1, c_star in ((1.3, 0.60704679, 0.93980743, 1.0), (2.5, 4.07912388, 1.58522477, 0.12210375)):
        cell = at.sel(sigma_w=w, method="nearest")
        assert float(cell.sigma_w) == pytest.approx(w)
        assert [float(cell.q), float(cell.chi_1), float(cell.c_star)] == pytest.approx([q, chi_1, c_star], abs=6e-9)
    assert (np.diff(found.q, axis=0)[:, 1:] > 0.0).all()  # more bias, more variance
    assert (np.diff(found.q, axis=1) > 0.0).all()
    chaotic = (found.chi_1 > 1.0).values
    assert ((found.c_star < 1.0).values == chaotic).all()
    assert (np.diff(found.c_star.values[1:], axis=1) <= 0.0).all()  # larger weights, further apart
    assert (found.c_star.values[0, 1:] == 0.0).all()  # no bias: f is odd
    assert np.isnan(found.c_star[0, 0])  # sigma_w = 1, sigma_b = 0: q* = 0, where tanh is the identity
    assert PHASES[int(found.phase[0, 0])] == "critical"  # sigma_w = 1, sigma_b = 0
    assert float(found.q[0, 0]) == 0.0
    for i in range(0, 41, 8):
        for j in range(0, 41, 8):
            assert_cell_is_right(found, "tanh", i, j)


def test_schoenholz_depth_scales() -> None:
    """Schoenholz et al. (2017), tanh, sigma_b^2 = 0.05."""
    squared = np.array([1.0, 1.3, 1.7, 2.0, 4.0])
    found = phase_diagram("tanh", np.sqrt(squared), [0.05**0.5])
    assert found.xi_c.values[0] == pytest.approx([3.62698, 7.83407, 74.918, 25.2134, 6.9803], rel=1e-5)
    assert float(found.xi_q[0, 1]) == pytest.approx(1.78524, rel=1e-5)
    edge = edge_of_chaos("tanh", sigma_b=0.05**0.5).best
    assert edge.sigma_w**2 == pytest.approx(1.76095464, abs=5e-9)
    around = phase_diagram("tanh", edge.sigma_w * np.array([1.0 - 1e-12, 1.0 + 1e-12]), [0.05**0.5])
    assert [PHASES[k] for k in around.phase.values[0]] == ["ordered", "chaotic"]


def test_several_ends_and_divergence() -> None:
    found = phase_diagram("silu", [1.2, 1.6, 2.5], [0.2])
    assert [PHASES[k] for k in found.phase.values[0]] == ["ordered", "several", "divergent"]
    assert found.ends.values[0].tolist() == [1, 2, 1]
    assert float(found.q[0, 1]) == pytest.approx(VarianceMap("silu", 1.6, 0.2).fixed_points[0].q, rel=1e-12)
    assert np.isinf(found.q[0, 2])
    assert np.isnan(found.c_star[0, 2])


@pytest.mark.parametrize("distance", [1e-15, 3e-14, 1e-10])
def test_both_variances_next_to_a_fold_are_counted(distance: float) -> None:
    """x^2: F = q touches at sigma_w^2 = 1/(12 sigma_b^2), q = 2 sigma_b^2."""
    name, sigma_b = "x**2", 0.7071067811865476
    found = phase_diagram(name, [0.408248290463863 * (1.0 - distance)], [sigma_b])
    assert found.ends.item() == len(phases(name, found.sigma_w.item(), sigma_b)) == 2


def test_relu_on_its_edge_and_beyond() -> None:
    found = phase_diagram("relu", [1.0, 2**0.5, 1.5], [0.0, 0.5])
    assert [[PHASES[k] for k in row] for row in found.phase.values] == [
        ["ordered", "critical", "divergent"],
        ["ordered", "divergent", "divergent"],
    ]
    assert float(found.q[1, 0]) == pytest.approx(0.25 / (1.0 - 0.5), rel=1e-14)


@settings(deadline=None, max_examples=30)
@given(
    st.sampled_from(["tanh", "gelu", "elu", "relu", "sin(x)"]),
    st.lists(st.floats(0.05, 5.0), min_size=1, max_size=4, unique=True),
    st.lists(st.floats(0.0, 3.0), min_size=1, max_size=4, unique=True),
)
def test_what_holds_everywhere(name: str, sigma_w: list[float], sigma_b: list[float]) -> None:
    sigma_b = [b if b > 1e-6 else 0.0 for b in sigma_b]
    found = phase_diagram(name, sorted(sigma_w), np.unique(sigma_b))
    finite = np.isfinite(found.q.values)
    kept = VarianceMap(name, float(found.sigma_w[0]), float(found.sigma_b[0]))
    if finite[0, 0]:
        assert kept(found.q.values[0, 0]) == pytest.approx(found.q.values[0, 0], rel=1e-12, abs=1e-300)
    assert (found.q.values >= found.sigma_b.values[:, None] ** 2 * (1.0 - 1e-14)).all()
    known = np.isfinite(found.c_star.values)
    assert ((found.c_star.values[known] >= 0.0) & (found.c_star.values[known] <= 1.0)).all()
    assert (found.slope.values[finite] <= 1.0 + found.slope_error.values[finite]).all()
    assert ((found.xi_c.values[known] > 0.0) | (found.chi_1.values[known] == 0.0)).all()


def test_c_star_is_a_fixed_point_of_the_map() -> None:
    found = phase_diagram("erf", [2.0, 3.0], [0.1, 1.0])
    for i in range(2):
        for j in range(2):
            f = CorrelationMap("erf", float(found.sigma_w[j]), float(found.sigma_b[i]), float(found.q[i, j]))
            c = float(found.c_star[i, j])
            assert f(c) == pytest.approx(c, abs=1e-13)
            assert -1.0 / math.log(float(f.slope(c).value)) == pytest.approx(float(found.xi_c[i, j]), rel=1e-11)


def test_blocks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    sigma_w, sigma_b = np.linspace(0.7, 3.0, 7), np.linspace(0.0, 1.0, 6)
    whole, seen = phase_diagram("gelu", sigma_w, sigma_b), []
    monkeypatch.setattr(diagram_module, "_COLUMNS", 3)
    monkeypatch.setattr(diagram_module, "_CELLS", 6)
    parts = phase_diagram("gelu", sigma_w, sigma_b, progress=lambda done, total: seen.append((done, total)))
    for name in whole.data_vars:
        np.testing.assert_array_equal(parts[name].values, whole[name].values)
    assert seen[-1] == (42, 42)
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})
    assert len(seen) > 5


def test_interrupting_stops_it() -> None:
    def interrupt(done: float, total: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        phase_diagram("tanh", [1.0, 2.0], [0.1], progress=interrupt)


def test_what_cannot_be_computed_is_missing_with_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AccuracyError("it oscillates too fast; use a smaller q")

    monkeypatch.setattr("eoc.phase.correlations.crossing", refuse)
    with pytest.warns(AccuracyWarning, match="are missing in some cells: it oscillates too fast"):
        found = phase_diagram("sin(x)", [3.0], [0.5])
    assert np.isfinite([found[name].item() for name in ("q", "chi_1", "slope", "xi_q", "xi_grad")]).all()
    assert np.isnan([found[name].item() for name in ("c_star", "xi_c")]).all()


@pytest.mark.parametrize(
    ("sigma_w", "sigma_b", "message"),
    [
        ([2.0, 1.0], [0.1], r"sigma_w must increase, but 2.0 is followed by 1.0"),
        ([1.0, 1.0], [0.1], r"sigma_w must increase, but 1.0 is followed by 1.0"),
        ([1.0], [0.2, 0.1], r"sigma_b must increase, but 0.2 is followed by 0.1"),
        ([], [0.1], r"sigma_w must be a list of at least one number, got an array of shape \(0,\)"),
        ([1.0], [[0.1]], r"sigma_b must be a list of at least one number, got an array of shape \(1, 1\)"),
        ([0.0, 1.0], [0.1], r"sigma_w must be > 0 everywhere, got 0.0"),
        ([-1.0, 1.0], [0.1], r"sigma_w must be finite and >= 0 everywhere, got -1.0"),
        ([1.0], [-0.1], r"sigma_b must be finite and >= 0 everywhere, got -0.1"),
        ([1.0, math.nan], [0.1], r"sigma_w must be finite and >= 0 everywhere, got nan"),
        ([1.0], [math.inf], r"sigma_b must be finite and >= 0 everywhere, got inf"),
        ([1e60], [0.1], r"sigma_w must be a standard deviation"),
        (["a"], [0.1], r"sigma_w must be a real number or an array of them"),
        (np.linspace(1.0, 2.0, 40_000), np.linspace(1.0, 2.0, 25_000), r"25000 x 40000 = 1e\+09 cells are more than"),
    ],
)
def test_bad_grids_are_refused(sigma_w: object, sigma_b: object, message: str) -> None:
    with pytest.raises(EocError, match=message):
        phase_diagram("tanh", sigma_w, sigma_b)  # type: ignore[arg-type]


def test_everything_is_labelled_and_can_be_saved(tmp_path: Path) -> None:
    found = phase_diagram("gelu", [1.0, 1.5], [0.1, 0.2, 0.3])
    assert found.sizes == {"sigma_b": 3, "sigma_w": 2}
    assert found.attrs["activation"] == "gelu"
    for name in (*found.data_vars, *found.coords):
        assert found[name].attrs["long_name"]
    assert all(found[name].attrs["units"] == "layers" for name in SCALES)
    found.to_zarr(tmp_path / "a.zarr", consolidated=False)
    found.to_netcdf(tmp_path / "a.nc", engine="scipy")
    xarray.testing.assert_identical(xarray.open_zarr(tmp_path / "a.zarr", consolidated=False).load(), found)
    xarray.testing.assert_equal(xarray.load_dataset(tmp_path / "a.nc", engine="scipy"), found)


# --- pictures and the command ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("field", DRAWN)
def test_every_field_can_be_drawn(field: str) -> None:
    found = phase_diagram("gelu", np.linspace(1.0, 2.0, 6), np.linspace(0.0, 1.0, 5))
    figure = diagram_figure(found, field)
    ax = figure.axes[0]
    (mesh,) = ax.collections
    drawn = np.ma.filled(mesh.get_array(), np.nan).reshape(6, 5)
    expected = np.abs(found[field].values.T) if field == "xi_grad" else found[field].values.T.astype(float)
    shown = np.isfinite(drawn)
    np.testing.assert_array_equal(drawn[shown], expected[shown])
    assert (~np.isfinite(expected[~shown]) | (expected[~shown] == 0.0)).all()
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("$\\sigma_b$", "$\\sigma_w$")


def test_the_edge_is_drawn_where_chi_1_is_one() -> None:
    from matplotlib.figure import Figure

    from eoc.criticality import eoc_curve

    found = phase_diagram("gelu", np.linspace(1.0, 2.0, 6), np.linspace(0.0, 1.0, 5))
    ax = plot_diagram(found, "chi_1", Figure().subplots(), eoc_curve("gelu", sigma_b_max=1.0))
    solid, dashed = ([line for line in ax.lines if (line.get_linestyle() == "-") is kind] for kind in (True, False))
    assert solid
    assert dashed
    assert max(line.get_xdata().max() for line in dashed) == pytest.approx(0.41583938, abs=1e-6)
    assert min(line.get_xdata().min() for line in solid) == pytest.approx(0.41583938, abs=1e-6)


def test_the_order_of_dimensions_does_not_matter() -> None:
    from matplotlib.figure import Figure

    found = phase_diagram("tanh", [1.0, 2.0, 3.0], [0.1, 0.2, 0.3])
    straight, turned = (plot_diagram(d, "q", Figure().subplots()) for d in (found, found.transpose()))
    np.testing.assert_array_equal(straight.collections[0].get_array(), turned.collections[0].get_array())


def test_zeros_on_a_log_scale_are_named() -> None:
    found = phase_diagram("tanh", [1.0, 2.0, 3.0], [0.1, 0.2])
    ax = diagram_figure(found, "one_minus_c_star").axes[0]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["0"]


def test_an_edge_point_outside_the_window_is_not_drawn() -> None:
    from eoc.criticality import eoc_curve

    below, around = (phase_diagram("relu", sigma_w, [0.0, 0.1]) for sigma_w in ([0.5, 1.0], [1.0, 2.0]))
    lines = [diagram_figure(d, "q", eoc_curve("relu")).axes[0].lines for d in (below, around)]
    assert [len(drawn) for drawn in lines] == [0, 1]


def test_what_is_no_diagram_is_refused() -> None:
    from matplotlib.figure import Figure

    from eoc.criticality import eoc_curve

    found, ax = phase_diagram("tanh", [1.0, 2.0], [0.1, 0.2]), Figure().subplots()
    for wrong in ({}, None, found.drop_vars("q")):
        with pytest.raises(EocError, match="a data set with q, sigma_b and sigma_w is needed"):
            plot_diagram(wrong, "q", ax)
    with pytest.raises(EocError, match="the edge of chaos is that of gelu, the diagram that of tanh"):
        plot_diagram(found, "q", ax, eoc_curve("gelu"))
    plot_diagram(found.drop_attrs(), "phase", ax)


def test_what_cannot_be_drawn_is_refused() -> None:
    from matplotlib.figure import Figure

    small = phase_diagram("relu", [2.0, 3.0], [0.1, 0.2])
    ax = Figure().subplots()
    with pytest.raises(EocError, match="xi_c is 0 or has no finite value everywhere"):
        plot_diagram(small, "xi_c", ax)
    with pytest.raises(EocError, match=r"field must be one of phase, q, .*; got 'depth'"):
        plot_diagram(small, "depth", ax)
    with pytest.raises(EocError, match="a map needs at least two values"):
        plot_diagram(phase_diagram("relu", [1.0], [0.1, 0.2]), "q", ax)


def test_command_prints_draws_and_saves(tmp_path: Path) -> None:
    store, picture = tmp_path / "out.zarr", tmp_path / "out.pdf"
    grid = ("--grid", "5x4", "--sigma-b", "0.1:1", "--sigma-w", "1:2")
    for _ in range(2):  # the second replaces the first
        done = run("diagram", "gelu", "--field", "xi_c", *grid, "--plot", str(picture), "--save", str(store))
        assert done.returncode == 0, done.stderr
    assert "ordered" in done.stdout
    assert picture.read_bytes().startswith(b"%PDF")
    saved = xarray.open_zarr(store, consolidated=False).load()
    xarray.testing.assert_identical(saved, phase_diagram("gelu", np.linspace(1, 2, 4), np.linspace(0.1, 1, 5)))
    assert not list(tmp_path.glob("*.part"))
    assert run("diagram", "gelu", *grid, "--save", str(tmp_path / "out.csv")).returncode == 0
    table = np.genfromtxt(tmp_path / "out.csv", delimiter=",", names=True)
    np.testing.assert_array_equal(table["q"], saved.q.values.ravel())


def test_command_as_json() -> None:
    done = run("diagram", "tanh", "--field", "c_star", "--grid", "2x3", "--sigma-w", "1:3", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["sigma_w"] == [1.0, 2.0, 3.0]
    assert found["values"][1] == phase_diagram("tanh", [1.0, 2.0, 3.0], [0.0, 2.0]).c_star.values[1].tolist()
    assert sum(found["cells"].values()) == 6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--grid", "0x5"], "--grid takes two numbers of cells >= 1"),
        (["--grid", "100"], "--grid takes two numbers of cells >= 1"),
        (["--grid", "100000x10000"], "1e+09 cells are more than a diagram may have"),
        (["--sigma-w", "3:1"], "--sigma-w must increase from LOW to HIGH, got '3:1'; write 1:3?"),
        (["--sigma-b", "1:1"], "--sigma-b must increase from LOW to HIGH, got '1:1'"),
        (["--sigma-w", "0:2"], "sigma_w must be > 0 everywhere, got 0.0"),
        (["--sigma-w", "-1:2"], "sigma_w must be finite and >= 0 everywhere, got -1.0"),
        (["--sigma-b", "a:b"], "--sigma-b takes a range LOW:HIGH"),
        (["--sigma-b", "0:inf"], "--sigma-b must have finite ends"),
        (["--field", "depth"], "--field must be one of phase, q"),
        (["--save", "out.hdf5"], "its name must end in one of csv, nc, zarr"),
        (["--plot", "out.doc"], "its name must end in one of"),
    ],
)
def test_command_refuses_bad_input(arguments: list[str], message: str) -> None:
    done = run("diagram", "tanh", *arguments)
    assert done.returncode == 2
    assert message in " ".join(done.stderr.split())
    assert not done.stdout


def test_neighbours_of_a_store_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a.ZARR.part").mkdir()
    done = run("diagram", "tanh", "--grid", "2x2", "--save", str(tmp_path / "a.ZARR"))
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.ZARR", "a.ZARR.part"]
    assert xarray.open_zarr(tmp_path / "a.ZARR").sizes == {"sigma_b": 2, "sigma_w": 2}


def test_an_interrupted_write_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "keep.csv"
    target.write_text("precious")

    def interrupted() -> None:
        with replacing(target, "the samples") as part:
            part.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [path.name for path in tmp_path.iterdir()] == ["keep.csv"]
    assert target.read_text() == "precious"


def test_a_folder_that_is_no_store_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "mine.zarr").mkdir()
    (tmp_path / "mine.zarr" / "thesis.txt").write_text("years of work")
    done = run("diagram", "tanh", "--grid", "2x2", "--save", str(tmp_path / "mine.zarr"))
    assert done.returncode == 2
    assert "a folder of that name that is no zarr store" in done.stderr
    assert (tmp_path / "mine.zarr" / "thesis.txt").is_file()


def test_activation_objects_and_functions_work() -> None:
    by_name = phase_diagram("tanh", [2.0], [0.3])
    by_object = phase_diagram(activation("tanh"), [2.0], [0.3])
    by_function = phase_diagram(np.tanh, [2.0], [0.3])
    assert by_object.c_star.item() == by_name.c_star.item()
    assert by_function.c_star.item() == pytest.approx(by_name.c_star.item(), rel=1e-9)
