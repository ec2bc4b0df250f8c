"""The figure scripts run, and the numbers that they draw are those of the papers and of the theory."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from training import NEEDS_TRAINING, marked

FIGURES = Path(__file__).parents[1] / "figures"
SCRIPTS = [marked(name) for name in sorted(path.stem for path in FIGURES.glob("*.py")) if not name.startswith("_")]

# The tables of every figure and the first columns that they promise.
TABLES = {
    "correlation_convergence_curves": "activation layer one_minus_c leading_law refined_law sigma_w sigma_b",
    "correlation_convergence_laws": "activation law constant measured_constant measured_exponent",
    "correlation_maps_distances": "activation sigma_b sup_distance",
    "correlation_maps_maps": "activation sigma_b sigma_w q c f",
    "correlation_process_networks": "activation width departure_depth layer infinite_width median low high spread "
    "spread_error predicted_spread sigma_w sigma_b",
    "eoc_curves_curves": "activation q sigma_b sigma_w slope",
    "eoc_curves_transitions": "activation sigma_b sigma_w q",
    "gaussianity_layers": "activation width layer q_infinite predicted truncation kernel kernel_error units "
    "units_error",
    "gaussianity_tanh": "activation width layer q_infinite predicted truncation kernel kernel_error units units_error",
    "hardtanh_correlation_maps": "sigma_b sigma_w fixed_q c f",
    "hardtanh_edge": "sigma_b sigma_w q slope",
    "hardtanh_variance_maps": "sigma_b sigma_w fixed_q q F",
    "length_process_beyond": "width eps share low high worst_layer sum_of_layers",
    "length_process_exponents": "activation weights layer exponent exponent_error predicted_exponent",
    "length_process_rms": "activation weights sigma_w_squared sigma_b_squared width layer q_infinite mean mean_error "
    "predicted_mean scaled_rms scaled_rms_error predicted_scaled_rms",
    "long_sedghi_all": "width x density cauchy fitted_variance gaussian",
    "long_sedghi_single": "network x density kernel_over_width gaussian",
    "long_sedghi_tests": "width median median_error z_median z_units z_kernels",
    "network_outputs_cuts": "phase activation sigma_w sigma_b x_1 x_2 output",
    "network_outputs_surfaces": "phase activation sigma_w sigma_b x_1 x_2 output",
    "network_outputs_theory": "phase activation sigma_w sigma_b q chi_1 c_star q_network c_network",
    "poole_correlation_dynamics": "sigma_w sigma_b c_0 layer c",
    "poole_correlation_fixed_points": "sigma_b sigma_w c_star chi_1",
    "poole_correlation_maps": "sigma_w sigma_b c_star chi_1 c f",
    "poole_curvature_autocorrelation": "sigma_w layer autocorrelation angle predicted",
    "poole_curvature_components": "sigma_w layer component_1 component_2",
    "poole_curvature_layers": "sigma_w sigma_b q_star chi_1 chi_2 layer metric curvature curvature_limit "
    "q_network metric_network curvature_network",
    "poole_diagram_grid": "sigma_b sigma_w q chi_1 c_star xi_c",
    "poole_variance_dynamics": "sigma_w sigma_b q_0 layer q",
    "poole_variance_fixed_points": "sigma_b sigma_w q_star layers",
    "poole_variance_maps": "sigma_w sigma_b q_star q F",
    "region_kinks_layers": "activation phase sigma_w sigma_b layer kinks counted counted_error",
    "region_planes_counts": "when accuracy cells patterns maps",
    "schoenholz_depths_critical": "sigma_b_squared sigma_w_squared",
    "schoenholz_depths_depths": "sigma_b_squared sigma_w_squared xi_q xi_c",
    "schoenholz_diagram_critical": "sigma_b_squared sigma_w_squared",
    "schoenholz_diagram_crossing": "sigma_b_squared sigma_w_squared",
    "schoenholz_diagram_depths": "sigma_b_squared sigma_w_squared xi_c xi_q chi_1",
    "slope_correlations_curves": "activation q c Kd",
    "stability_published": "activation sigma_b q slope",
    "spurious_minimum_around": "direction step loss_above",
    "spurious_minimum_functions": "x minimum better",
    "spurious_minimum_way": "t to_better factor in_valley",
    "stability_settled": "activation sigma_b settled_q chi_1",
    "stability_slopes": "activation sigma_b sigma_w q slope",
    "stability_thresholds": "activation sigma_b q",
    "trainability_curves": "activation regime seed epoch seconds test_accuracy",
    "trainability_starts": "activation regime seed sigma_b sigma_w q chi_1 gradient_ratio diverged",
    "trainable_depth_accuracies": "sigma_w_squared depth epoch train_accuracy",
    "trainable_depth_limit": "sigma_w_squared depth",
    "tropical_angles_pairs": "network when accuracy input_cosine cosine",
    "tropical_angles_theory": "input_cosine cosine",
    "variance_trajectories_trajectories": "activation sigma_w sigma_b first_q layer q",
}

Table = np.ndarray
Read = Callable[..., Table]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Runs a script, once, as from the command line and at reduced size; the folder that it wrote to."""
    out = tmp_path_factory.mktemp("figures")
    done: set[str] = set()

    def draw(script: str) -> Path:
        if script not in done:
            with pytest.MonkeyPatch.context() as patch:
                patch.syspath_prepend(str(FIGURES))  # as python does for a script
                patch.setattr(sys, "argv", [script, "--reduced", "--out", str(out)])
                runpy.run_path(str(FIGURES / f"{script}.py"), run_name="__main__")
            done.add(script)
        return out

    return draw


@pytest.fixture
def read(drawn: Callable[[str], Path]) -> Read:
    """Gives a table of a figure as a structured array, or its rows with given values: read(script, table, q=1)."""

    def rows(script: str, table: str, **where: object) -> Table:
        found = load(drawn(script) / f"{script}_{table}.csv")
        for name, value in where.items():
            found = found[found[name] == value]
        assert found.size
        return found

    return rows


def load(path: Path) -> Table:
    return np.atleast_1d(np.genfromtxt(path, delimiter=",", names=True, dtype=None, encoding="utf-8"))


@pytest.mark.parametrize("script", SCRIPTS)
def test_script_writes_pictures_and_finite_tables(script: str, drawn: Callable[[str], Path]) -> None:
    out = drawn(script)
    assert (out / f"{script}.pdf").read_bytes().startswith(b"%PDF")
    assert (out / f"{script}.png").read_bytes().startswith(b"\x89PNG")
    tables = sorted(out.glob(f"{script}_*.csv"))
    assert tables
    for path in tables:
        found = load(path)
        assert found.size
        assert path.stem in TABLES, "say above which columns the new table has"
        assert path.read_text().splitlines()[0] == ",".join(TABLES[path.stem].split())
        for name in found.dtype.names:
            assert found[name].dtype.kind in "ifU"
            assert found[name].dtype.kind == "U" or np.isfinite(found[name]).all()


@pytest.mark.parametrize("script", SCRIPTS)
def test_readme_shows_the_picture(script: str) -> None:
    text = (FIGURES / "README.md").read_text()
    assert f"`{script}.py`" in text
    assert f"](output/{script}.png)" in text
    assert (FIGURES / "output" / f"{script}.png").is_file()


def test_pictures_are_the_same_at_every_call(drawn: Callable[[str], Path], tmp_path: Path) -> None:
    script = "schoenholz_depths"
    first = drawn(script)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FIGURES))
        runpy.run_path(str(FIGURES / f"{script}.py"))["main"](tmp_path, reduced=True)
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (first / path.name).read_bytes()


def test_networks_do_what_theory_says(read: Read) -> None:
    rows = read("network_outputs", "theory")
    ordered, edge, chaotic, relu = rows
    assert ordered["chi_1"] == pytest.approx(0.39887901, abs=1e-8)
    assert (chaotic["chi_1"], chaotic["c_star"]) == pytest.approx((1.32707039, 0.26389479), abs=1e-8)
    assert (edge["chi_1"], relu["chi_1"]) == (1.0, 1.0)
    assert ordered["c_network"] > 1.0 - 1e-6  # two orthogonal inputs
    assert chaotic["c_network"] == pytest.approx(chaotic["c_star"], abs=0.2)
    spread = [np.ptp(read("network_outputs", "surfaces", sigma_w=row["sigma_w"])["output"]) for row in rows[:3]]
    assert spread[0] < 1e-3
    assert 0.5 < spread[1] < spread[2]


def test_relu_output_is_homogeneous(read: Read) -> None:
    cut = read("network_outputs", "cuts", activation="relu")
    x, y = cut["x_1"], cut["output"]
    for side in (x < 0.0, x > 0.0):
        np.testing.assert_allclose(y[side] / x[side], y[side][0] / x[side][0], rtol=1e-9)


def test_convergence_laws(read: Read) -> None:
    rows = {row["activation"]: row for row in read("correlation_convergence", "laws")}
    constants = {"relu": 4.5 * np.pi**2, "elu": 14.8149, "tanh": 7.083738}
    for activation, constant in constants.items():
        assert rows[activation]["constant"] == pytest.approx(constant, rel=4e-6)
        assert rows[activation]["measured_constant"] == pytest.approx(constant, rel=4e-6)
        assert rows[activation]["measured_exponent"] == pytest.approx(2.0 if activation == "relu" else 1.0, abs=1e-6)
        last = read("correlation_convergence", "curves", activation=activation)[-1]
        assert last["one_minus_c"] / last["leading_law"] == pytest.approx(1.0, abs=0.02)  # 10^5 layers


def test_distances_from_the_identity(read: Read) -> None:
    published = {
        "tanh": (0.18969011, 0.07811302, 0.03658971, 0.01626631),
        "silu": (0.25900, 0.14974, 0.08624, 0.04641),
    }
    for activation, values in published.items():
        for sigma_b, value in zip((0.5, 0.2, 0.1, 0.05), values, strict=True):
            f = read("correlation_maps", "maps", activation=activation, sigma_b=sigma_b)
            assert f["f"][0] == pytest.approx(value, abs=6e-6)
            assert np.abs(f["f"] - f["c"]).max() == f["f"][0]
            assert f["f"][-1] == 1.0
        sups = read("correlation_maps", "distances", activation=activation)
        assert (np.diff(sups["sup_distance"]) > 0.0).all()


def test_slope_correlations(read: Read) -> None:
    relu = read("slope_correlations", "curves", activation="relu")
    np.testing.assert_allclose(relu["Kd"], (np.pi - np.arccos(relu["c"])) / (2.0 * np.pi), atol=1e-14)
    tanh = read("slope_correlations", "curves", activation="tanh")
    for q in np.unique(tanh["q"]):
        even = tanh["Kd"][tanh["q"] == q]
        np.testing.assert_allclose(even, even[::-1], rtol=1e-12)
        assert even.max() == pytest.approx(even[-1], rel=1e-14)


def test_hardtanh_agrees_with_its_closed_forms(read: Read) -> None:
    from scipy.special import erf, erfc

    along = read("hardtanh", "edge")
    q = along["q"]
    d = erf(1.0 / np.sqrt(2.0 * q))
    v = q * d - np.sqrt(2.0 * q / np.pi) * np.exp(-0.5 / q) + erfc(1.0 / np.sqrt(2.0 * q))
    np.testing.assert_allclose(along["sigma_w"], d**-0.5, rtol=1e-13)
    np.testing.assert_allclose(along["sigma_b"] ** 2, q - v / d, atol=1e-14)
    assert (along["slope"] < 1.0).all()
    maps = read("hardtanh", "correlation_maps")
    assert (maps["f"] >= maps["c"] - 1e-15).all()


def test_variances_settle_or_diverge(read: Read) -> None:
    for activation, limit, tolerance in (("tanh", 1.46385089, 1e-2), ("relu", 2.0, 0.1)):
        rows = read("variance_trajectories", "trajectories", activation=activation)
        np.testing.assert_allclose(rows["q"][rows["layer"] == rows["layer"].max()], limit, rtol=tolerance)
    swish = read("variance_trajectories", "trajectories", activation="silu", layer=60.0)
    below, unstable, above = swish["q"]
    assert below == pytest.approx(0.194, abs=2e-3)
    assert unstable == pytest.approx(0.68945250, abs=1e-6)
    assert above == pytest.approx(2.4e5, rel=0.02)


POOLE = (  # sigma_w, q*, chi_1, c*
    (1.3, 0.60704679, 0.93980743, 1.0),
    (2.5, 4.07912388, 1.58522477, 0.12210375),
    (4.0, 12.60414950, 2.36726104, 0.02969592),
)


@pytest.mark.parametrize(("sigma_w", "q_star", "chi_1", "c_star"), POOLE)
def test_poole_fixed_points(sigma_w: float, q_star: float, chi_1: float, c_star: float, read: Read) -> None:
    f = read("poole_variance", "maps", sigma_w=sigma_w)
    assert f["q_star"][0] == pytest.approx(q_star, abs=1e-8)
    assert np.interp(q_star, f["q"], f["F"]) == pytest.approx(q_star, rel=0.02)
    dynamics = read("poole_variance", "dynamics", sigma_w=sigma_w, layer=8.0)
    np.testing.assert_allclose(dynamics["q"], q_star, rtol=0.01)
    (row,) = read("poole_variance", "fixed_points", sigma_w=sigma_w, sigma_b=0.3)
    assert row["q_star"] == pytest.approx(q_star, abs=1e-8)
    g = read("poole_correlation", "maps", sigma_w=sigma_w)
    assert (g["chi_1"][0], g["c_star"][0]) == pytest.approx((chi_1, c_star), abs=1e-8)
    (row,) = read("poole_correlation", "fixed_points", sigma_w=np.clip(sigma_w, 2.5, 4.0), sigma_b=0.3)
    assert (row["c_star"] == 1.0) == (row["chi_1"] <= 1.0)


def test_layers_to_settle(read: Read) -> None:
    """From the slowest initial variance in [0, 15], counted here by iterating F in its table."""
    for sigma_w, _, _, _ in POOLE[1:]:
        f = read("poole_variance", "maps", sigma_w=sigma_w)
        (row,) = read("poole_variance", "fixed_points", sigma_w=sigma_w, sigma_b=0.3)
        q, layers = 15.0, 0
        while abs(q / row["q_star"] - 1.0) > 0.01:
            q, layers = float(np.interp(q, f["q"], f["F"])), layers + 1
        assert layers <= row["layers"] <= 10


def test_c_star_leaves_one_where_chi_1_does(read: Read) -> None:
    rows = read("poole_correlation", "fixed_points")
    assert ((rows["c_star"] == 1.0) == (rows["chi_1"] <= 1.0)).all()


def test_curvature_theory(read: Read) -> None:
    rows = read("poole_curvature", "layers", sigma_w=2.5)
    assert rows["chi_2"][0] == pytest.approx(1.19604129, abs=1e-8)
    assert rows["curvature_limit"][0] == pytest.approx(3.867710, abs=1e-6)
    assert rows["curvature"][-1] == pytest.approx(3.867710, rel=2e-3)  # after 20 layers, by 1/chi_1 = 0.63 each
    np.testing.assert_allclose(np.diff(np.log(rows["metric"])), np.log(1.58522477), rtol=1e-8)
    assert read("poole_curvature", "layers", sigma_w=1.3)["chi_2"][0] == pytest.approx(0.54347202, abs=1e-8)


@pytest.mark.parametrize("sigma_w", [2.5, 4.0])
def test_curvature_of_a_network(sigma_w: float, read: Read) -> None:
    rows = read("poole_curvature", "layers", sigma_w=sigma_w)
    assert rows["curvature_network"][0] == pytest.approx(rows["curvature"][0], rel=1e-12)  # a circle
    assert rows["metric_network"][0] == pytest.approx(rows["metric"][0], rel=1e-12)
    ratio = rows["curvature_network"][5:] / rows["curvature"][5:]
    assert ratio.mean() == pytest.approx(1.0 + 35.0 / 200.0, abs=0.15)  # N = 200
    np.testing.assert_allclose(np.log(rows["metric_network"] / rows["metric"]), 0.0, atol=0.7)


def test_velocity_and_acceleration_are_those_of_the_curve() -> None:
    """The exact tangents against differences along a fine curve."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FIGURES))
        script = runpy.run_path(str(FIGURES / "poole_curvature.py"))
    rng = np.random.default_rng(0)
    h, dh, ddh = script["circle"](50, 4000, 0.6, rng)
    step = 2.0 * np.pi / 4000
    np.testing.assert_allclose((np.roll(h, -1, 1) - np.roll(h, 1, 1)) / (2.0 * step), dh, atol=1e-5)
    np.testing.assert_allclose((np.roll(dh, -1, 1) - np.roll(dh, 1, 1)) / (2.0 * step), ddh, atol=1e-5)
    layers = [(h, dh, ddh)]
    for _ in range(3):
        layers.append(script["next_layer"](*layers[-1], 2.5, rng))
    h, dh, ddh = layers[-1]
    np.testing.assert_allclose((np.roll(h, -1, 1) - np.roll(h, 1, 1)) / (2.0 * step), dh, atol=2e-3)
    np.testing.assert_allclose((np.roll(dh, -1, 1) - np.roll(dh, 1, 1)) / (2.0 * step), ddh, atol=2e-2)


def test_autocorrelation_follows_the_correlation_map(read: Read) -> None:
    rows = read("poole_curvature", "autocorrelation")
    assert np.abs(rows["autocorrelation"] - rows["predicted"]).max() < 0.15  # N = 200


def test_depth_scales(read: Read) -> None:
    critical = read("schoenholz_depths", "critical")[0]["sigma_w_squared"]
    assert critical == pytest.approx(1.76095464, abs=1e-8)
    published = {1.0: 3.62698, 1.3: 7.83407, 1.7: 74.918, 2.0: 25.2134, 4.0: 6.9803}
    for squared, xi_c in published.items():
        (row,) = read("schoenholz_depths", "depths", sigma_w_squared=squared)
        assert row["xi_c"] == pytest.approx(xi_c, rel=1e-5)
    (row,) = read("schoenholz_depths", "depths", sigma_w_squared=1.3)
    assert row["xi_q"] == pytest.approx(1.78524, abs=1e-5)
    rows = read("schoenholz_depths", "depths")
    assert (rows["xi_q"] < 2.0).all()
    nearest = np.argsort(np.abs(rows["sigma_w_squared"] - critical))[:2]
    assert (rows["xi_c"][nearest] > 1e4).all()


def test_stability(read: Read) -> None:
    found = {row["activation"]: row["sigma_b"] for row in read("stability", "thresholds")}
    assert found == pytest.approx({"silu": 0.74507930, "gelu": 0.41583938, "mish": 0.30744396}, abs=1e-8)
    for activation in ("silu", "gelu", "mish", "shifted_softplus"):
        rows = read("stability", "slopes", activation=activation)
        assert ((rows["slope"] > 1.0) == (rows["sigma_b"] < found.get(activation, np.inf))).all()
        ends = read("stability", "settled", activation=activation)
        assert (ends["chi_1"][ends["sigma_b"] < 0.99 * found.get(activation, np.inf)] < 1.0).all()
        np.testing.assert_allclose(ends["chi_1"][ends["sigma_b"] > 1.01 * found.get(activation, np.inf)], 1.0)
    (swish,) = read("stability", "published")
    assert swish["slope"] == pytest.approx(1.0987278, abs=1e-7)


def test_eoc_curves_begin_and_change_where_they_should(read: Read) -> None:
    starts = {"tanh": 1.0, "erf": np.sqrt(np.pi) / 2.0, "arctan": 1.0, "hardtanh": 1.0, "elu": 1.0, "silu": 2.0}
    for name, sigma_w in starts.items():
        first = read("eoc_curves", "curves", activation=name)[0]
        assert first["sigma_b"] == 0.0
        assert first["sigma_w"] == pytest.approx(sigma_w, rel=1e-14)
    (relu,) = read("eoc_curves", "curves", activation="relu")
    assert [relu["sigma_b"], relu["sigma_w"]] == pytest.approx([0.0, np.sqrt(2.0)], rel=1e-15)
    changes = {row["activation"]: row["sigma_b"] for row in read("eoc_curves", "transitions")}
    assert changes == {"silu": pytest.approx(0.74507930, abs=5e-9), "gelu": pytest.approx(0.41583938, abs=5e-9)}


def test_poole_diagram_is_chaotic_above_the_edge(read: Read) -> None:
    grid = read("poole_diagram", "grid")
    assert ((grid["c_star"] < 1.0) == (grid["chi_1"] > 1.0)).all()
    assert (grid["c_star"][(grid["sigma_b"] == 0.0) & (grid["sigma_w"] > 1.0)] == 0.0).all()
    (cell,) = grid[(grid["sigma_b"] == 0.0) & (grid["sigma_w"] == 2.0)]
    assert cell["q"] == pytest.approx(2.1214736, abs=5e-8)


def test_schoenholz_diagram_has_its_critical_line_at_the_published_place(read: Read) -> None:
    (crossing,) = read("schoenholz_diagram", "crossing")
    assert crossing["sigma_w_squared"] == pytest.approx(1.76095464, abs=5e-9)
    line, cells = read("schoenholz_diagram", "critical"), read("schoenholz_diagram", "depths")
    edge = np.interp(cells["sigma_b_squared"], line["sigma_b_squared"], line["sigma_w_squared"])
    clear = np.abs(cells["sigma_w_squared"] - edge) > 0.05
    assert ((cells["chi_1"] > 1.0) == (cells["sigma_w_squared"] > edge))[clear].all()


def test_lengths_come_to_the_variance_map_like_the_root_of_the_width(read: Read) -> None:
    rows = read("length_process", "exponents")
    z = (rows["exponent"] - rows["predicted_exponent"]) / rows["exponent_error"]
    assert np.abs(z[rows["weights"] == "gaussian"]).max() < 4.0
    rms = read("length_process", "rms", activation="tanh", weights="gaussian", layer=5)
    assert ((rms["predicted_scaled_rms"] > 0.85) & (rms["predicted_scaled_rms"] < 0.94)).all()


def test_second_layers_of_one_over_x_are_cauchy_distributed(read: Read) -> None:
    for name in ("z_median", "z_units", "z_kernels"):
        assert np.abs(read("long_sedghi", "tests")[name]).max() < 4.0
    kernels = np.unique(read("long_sedghi", "single")["kernel_over_width"])
    assert kernels.size == 9
    assert kernels.max() > 100.0 * kernels.min()  # each network has its own


def test_kurtosis_agrees_with_theory(read: Read) -> None:
    for table in ("layers", "tanh"):
        rows = read("gaussianity", table)
        for name in ("kernel", "units"):
            z = (rows[name] - rows["predicted"]) / np.hypot(np.maximum(rows[f"{name}_error"], 1e-9), rows["truncation"])
            assert np.abs(z).max() < 4.0


def test_narrow_networks_leave_the_law_where_theory_says(read: Read) -> None:
    for activation, s in (("relu", 8.0), ("tanh", 3.9188955)):
        rows = read("correlation_process", "networks", activation=activation, width=30)
        assert rows["departure_depth"][0] == pytest.approx(3.0 * 30.0 / s, rel=0.35)
        reached = rows["layer"][np.argmax(rows["spread"] >= 1.0)]
        assert 0.5 < reached / rows["departure_depth"][0] < 2.0
        wide = read("correlation_process", "networks", activation=activation, width=3000)
        assert np.abs(np.log(wide["median"] / wide["infinite_width"])).max() < 4.0 * wide["spread"].max()
        assert (wide["low"] <= wide["median"]).all()


@pytest.mark.frameworks
@NEEDS_TRAINING
def test_smooth_activations_learn_on_the_edge_of_chaos_and_none_in_the_ordered_phase(read: Read) -> None:
    def accuracy(**where: object) -> np.ndarray:
        return read("trainability", "curves", epoch=3, **where)["test_accuracy"]

    for activation in ("elu", "tanh"):
        assert accuracy(activation=activation, regime="EOC").min() > 0.4
        assert accuracy(activation=activation, regime="EOC").mean() > accuracy(activation="relu", regime="EOC").mean()
    assert np.abs(accuracy(regime="ordered") - 0.1).max() < 0.05
    starts = read("trainability", "starts", regime="ordered")
    np.testing.assert_allclose(np.log(starts["gradient_ratio"]), 9.0 * np.log(starts["chi_1"]), rtol=0.2)  # 20 layers


@pytest.mark.frameworks
@NEEDS_TRAINING
def test_the_line_of_trainable_depths_is_six_depth_scales(read: Read) -> None:
    limit = read("trainable_depth", "limit")
    assert limit["depth"][0] == pytest.approx(6.0 * 3.62698, rel=1e-5)


def test_networks_have_the_kinks_that_are_expected(read: Read) -> None:
    relu = read("region_kinks", "layers", activation="relu", sigma_b=0.0)
    np.testing.assert_allclose(relu["kinks"], 2.0, rtol=1e-12)
    np.testing.assert_allclose(relu["counted"][0], 2.0, rtol=1e-12)  # layer 1 is exact at every width
    ordered, edge, chaotic = (
        read("region_kinks", "layers", phase=phase, activation="hardtanh")["kinks"] for phase in PHASES
    )
    assert ordered[-1] < 0.12
    assert edge[-1] == pytest.approx(edge[-2], rel=2e-3)
    assert chaotic[-1] / chaotic[-2] == pytest.approx(4 / 3, rel=1e-3)
    first = read("region_kinks", "layers", layer=1)
    np.testing.assert_allclose(first["counted"], first["kinks"], rtol=0.2)  # of 60 units


PHASES = ("ordered", "edge of chaos", "chaotic")


def test_training_hardly_changes_the_number_of_regions(read: Read) -> None:
    before, after = read("region_planes", "counts")
    assert before["cells"] == 1121
    assert 0.5 < after["cells"] / before["cells"] < 2.0
    assert after["accuracy"] > before["accuracy"]


def test_no_way_leads_down_from_a_spurious_minimum(read: Read) -> None:
    way, around = read("spurious_minimum", "way"), read("spurious_minimum", "around")
    np.testing.assert_allclose(way["in_valley"], way["to_better"][0], rtol=1e-10)
    assert way["to_better"][-1] < 0.1 * way["to_better"][0] < way["to_better"].max()
    assert around["loss_above"].min() > -1e-15


@pytest.mark.frameworks
@NEEDS_TRAINING
def test_training_makes_linear_terms_alike(read: Read) -> None:
    line = read("tropical_angles", "theory")
    for network in ("fully connected", "convolutional"):
        before, after = (
            read("tropical_angles", "pairs", network=network, when=f"{when} training") for when in ("before", "after")
        )
        assert after["cosine"].mean() > before["cosine"].mean() + 0.1
        assert after["accuracy"][0] > 0.5
        if network == "fully connected":
            expected = np.interp(before["input_cosine"], line["input_cosine"], line["cosine"])
            assert before["cosine"].mean() == pytest.approx(expected.mean(), abs=0.15)
