"""Tables, pictures and files of a sweep show what is in it, and say what is not."""

import csv

import numpy as np
import pytest
import xarray

from eoc.errors import EocError
from eoc.plotting import sweep_figure
from eoc.sweeps import export
from eoc.sweeps.export import export_sweep, to_frame
from eoc.sweeps.selection import constants_of, counts, failures_of, one_of_each, outputs_of, parameters_at, points_at

LAWS = {"flag_values": [0, 1, 2], "flag_meanings": "1/l 1/l^2 constant"}
STATES = {"flag_values": [0, 1, 2], "flag_meanings": "pending done failed"}
NAMES = ["tanh", "relu"]
SIGMA_B = np.array([0.1, 0.2, 1.0 / 3.0])


@pytest.fixture
def sweep():
    """Two activations at three sigma_b, three layers each; the last point is pending, the one before failed."""
    dims = ("activation", "sigma_b")
    status = np.array([[1, 1, 1], [1, 2, 0]], np.int8)
    done = status == 1
    xi = np.where(done, [[3.0, 1.0, np.pi], [5.0, 0.0, 0.0]], np.nan)
    chi = np.where(done[..., None], np.arange(18.0).reshape(2, 3, 3) + 0.1, np.nan)
    return xarray.Dataset(
        {
            "xi_c": (dims, xi, {"symbol": "\\xi_c", "units": "layers"}),
            "xi_c_error": (dims, 0.2 * xi),
            "law": (dims, np.where(done, [[0, 1, 0], [1, 1, 1]], -1).astype(np.int8), LAWS),
            "points": (dims, np.where(done, [[1, 2, -1], [3, 0, 0]], -1)),
            "chi": ((*dims, "layer"), chi, {"symbol": "\\chi"}),
            "status": (dims, status, STATES),
            "error": (dims, np.array([["", "", ""], ["", "sigma_b = 0.2 is\nno good", ""]], object)),
            "seconds": (dims, np.where(status, 0.5, np.nan)),
        },
        {
            "activation": np.array(NAMES, object),
            "sigma_b": ("sigma_b", SIGMA_B, {"symbol": "\\sigma_b"}),
            "layer": [1, 2, 3],
            "depth": 10,
        },
        {"task": "rates"},
    )


@pytest.fixture
def zipped():
    """Two parameters that move together."""
    dim = "sigma_b_and_sigma_w"
    return xarray.Dataset(
        {
            "q": ((dim, "seed"), np.arange(6.0).reshape(3, 2)),
            "status": ((dim, "seed"), np.ones((3, 2), np.int8), STATES),
        },
        {"sigma_b": (dim, [0.3, 0.1, 0.2]), "sigma_w": (dim, [1.0, 2.0, 1.0]), "seed": [0, 1]},
    )


def curves(ax):
    """The lines that join values."""
    return [line for line in ax.get_lines() if len(line.get_xdata()) and line.get_marker() != "_"]


def drawn(figure):
    """The first axes, after everything was drawn: warnings are errors."""
    figure.canvas.draw()
    return figure.axes[0]


def test_outputs_and_constants_are_told_apart(sweep):
    assert outputs_of(sweep) == ["xi_c", "xi_c_error", "law", "points", "chi"]
    assert outputs_of(sweep.assign_attrs(variables="status chi gone law"))[:2] == ["chi", "law"]
    assert constants_of(sweep) == {"depth": 10}
    assert counts(sweep) == {"pending": 1, "done": 4, "failed": 1}


def test_a_value_is_found_by_its_digits_or_its_text(sweep):
    part = points_at(sweep, {"sigma_b": ["0.3333333333"], "activation": ["tanh"], "layer": [2], "depth": ["1e1"]})
    assert constants_of(part) == {"activation": "tanh", "sigma_b": SIGMA_B[2], "layer": 2, "depth": 10}
    assert part.xi_c.item() == np.pi
    assert points_at(sweep, {"sigma_b": ["0.2", "0.1"]}).sigma_b.values.tolist() == [0.1, 0.2]


def test_texts_that_are_numbers_are_found_as_numbers(sweep):
    mixed = sweep.assign_coords(activation=np.array(["eoc", "1.0"], object))
    assert points_at(mixed, {"activation": ["1"]}).activation.item() == "1.0"


@pytest.mark.parametrize(
    ("at", "message"),
    [
        ({"sigma_b": ["0.21"]}, r"no point has sigma_b = 0.21: this sweep has 0.1, 0.2, 0.33.*nearest is 0.2"),
        ({"sigma_b": ["x"]}, "no point has sigma_b = x"),
        ({"sigma_b": ["nan"]}, "no point has sigma_b = nan"),
        ({"sigmab": ["0.2"]}, "there is no parameter 'sigmab', did you mean 'sigma_b'"),
        ({"xi_c": ["3"]}, "there is no parameter 'xi_c'"),
        ({"depth": ["11"]}, "no point has depth = 11: this sweep has 10"),
        ({"activation": ["tan"]}, "no point has activation = tan: this sweep has tanh, relu"),
    ],
)
def test_a_value_that_is_not_there_is_an_error(sweep, at, message):
    with pytest.raises(EocError, match=message):
        points_at(sweep, at)


def test_the_nearest_of_close_values_is_found(sweep):
    close = sweep.assign_coords(sigma_b=[0.1, 0.1 + 1e-9, 0.31622776601683794])
    assert points_at(close, {"sigma_b": ["0.1"]}).xi_c.values.tolist() == [3.0, 5.0]
    assert points_at(close, {"sigma_b": ["0.31622777"]}).xi_c.values[0] == np.pi
    for value in ("0.316227", "inf"):
        with pytest.raises(EocError, match="no point has sigma_b"):
            points_at(close, {"sigma_b": [value]})


def test_a_value_for_each_dimension_that_is_left(sweep, zipped):
    assert one_of_each(sweep, ["layer", "activation", "sigma_b"]) == {"layer": 3, "activation": "tanh", "sigma_b": 0.2}
    assert one_of_each(zipped, ["sigma_b_and_sigma_w"]) == {"sigma_b": 0.1}


def test_errors_that_differ_by_numbers_are_one(sweep):
    errors = np.array([["", "sigma_b = 0.1 is", "x"], ["sigma_b = 0.3 is", "", "sigma_b = 1e-3\nis"]], object)
    failed = sweep.assign(error=(("activation", "sigma_b"), errors), status=sweep.status * 0 + 2 * (errors != ""))
    first, second = failures_of(failed)
    assert (first.error, first.places) == ("sigma_b = 0.1 is", [1, 3, 5])
    assert (second.error, second.places) == ("x", [2])
    assert parameters_at(failed, 3) == {"activation": "relu", "sigma_b": 0.1}


def test_parameters_that_move_together_are_found_by_either(zipped):
    part = points_at(zipped, {"sigma_b": [0.1]})
    assert part.sigma_w.item() == 2.0
    assert points_at(zipped, {"sigma_w": [1.0]}).sigma_b.values.tolist() == [0.3, 0.2]


def test_a_table_has_a_row_for_each_point_that_is_not_pending(sweep):
    frame = to_frame(sweep, ["xi_c", "law", "points"])
    assert frame.activation.tolist() == ["tanh"] * 3 + ["relu"] * 2
    assert frame.sigma_b.tolist() == [*SIGMA_B, 0.1, 0.2]
    assert frame.law.tolist()[:4] == ["1/l", "1/l^2", "1/l", "1/l^2"]
    assert frame.status.tolist() == ["done"] * 4 + ["failed"]
    assert frame.points.isna().tolist() == [False, False, True, False, True]
    assert frame.depth.tolist() == [10] * 5
    assert "chi" not in frame


def test_outputs_with_layers_have_a_row_for_each_layer(sweep):
    frame = to_frame(sweep)
    assert len(frame) == 15
    assert frame.layer.tolist() == [1, 2, 3] * 5
    assert np.array_equal(frame.chi[:12], sweep.chi.values.ravel()[:12])
    assert frame.xi_c.tolist()[:4] == [3.0, 3.0, 3.0, 1.0]


def test_a_sweep_of_one_point_is_a_table_of_one_row(sweep):
    frame = to_frame(points_at(sweep, {"activation": ["tanh"], "sigma_b": ["0.1"], "layer": ["1"]}))
    assert len(frame) == 1
    assert frame.activation[0] == "tanh"


def test_parameters_that_move_together_are_columns(zipped):
    frame = to_frame(zipped)
    assert frame[["sigma_b", "sigma_w", "seed", "q"]].values.tolist()[1] == [0.3, 1.0, 1.0, 1.0]
    assert "sigma_b_and_sigma_w" not in frame


def test_all_numbers_come_back_from_csv(sweep, tmp_path):
    export_sweep(sweep, tmp_path / "sweep.csv", "csv")
    with open(tmp_path / "sweep.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    frame = to_frame(sweep)
    for name in ("sigma_b", "xi_c", "chi"):
        assert np.array_equal([float(row[name] or "nan") for row in rows], frame[name], equal_nan=True)
    assert {row["law"] for row in rows} == {"1/l", "1/l^2", ""}
    assert rows[-1]["error"] == "sigma_b = 0.2 is\nno good"


def test_all_comes_back_from_parquet(sweep, tmp_path):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    export_sweep(sweep, tmp_path / "sweep.parquet", "parquet")
    pandas.testing.assert_frame_equal(pandas.read_parquet(tmp_path / "sweep.parquet"), to_frame(sweep))


def test_all_comes_back_from_netcdf(sweep, tmp_path):
    pytest.importorskip("h5netcdf")
    pytest.importorskip("h5py")
    export_sweep(sweep, tmp_path / "sweep.nc", "netcdf")
    with xarray.open_dataset(tmp_path / "sweep.nc", engine="h5netcdf") as found:
        xarray.testing.assert_identical(found.load(), sweep)
    export_sweep(sweep, tmp_path / "sweep.nc", "netcdf", ["law"])
    with xarray.open_dataset(tmp_path / "sweep.nc", engine="h5netcdf") as found:
        assert outputs_of(found) == ["law"]


def test_a_library_that_is_missing_is_named(sweep, tmp_path, monkeypatch):
    monkeypatch.setattr(export, "find_spec", lambda name: None)
    with pytest.raises(EocError, match=r'needs the library pyarrow.*pip install "eoc\[export\]"'):
        export_sweep(sweep, tmp_path / "sweep.parquet", "parquet")
    export_sweep(sweep, tmp_path / "sweep.csv", "csv")


def test_what_cannot_be_exported_leaves_nothing(sweep, tmp_path):
    (tmp_path / "sweep.csv").write_text("old")
    with pytest.raises(EocError, match="there is no output 'chii', did you mean 'chi'"):
        export_sweep(sweep, tmp_path / "sweep.csv", "csv", ["chii"])
    with pytest.raises(EocError, match="there is no format 'excel'"):
        export_sweep(sweep, tmp_path / "sweep.xls", "excel")
    with pytest.raises(EocError, match="cannot write the sweep to"):
        export_sweep(sweep, tmp_path / "nowhere" / "sweep.csv", "csv")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_lines_are_the_numbers(sweep):
    ax = drawn(sweep_figure(sweep, "sigma_b", "xi_c", line="activation", log="y"))
    tanh, relu = curves(ax)
    assert np.array_equal(tanh.get_xydata(), np.column_stack([SIGMA_B, [3.0, 1.0, np.pi]]))
    assert np.isnan(relu.get_ydata()).tolist() == [False, True, True]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("$\\sigma_b$", "$\\xi_c$ (layers)")
    assert ax.get_yscale() == "log"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == NAMES
    assert ax.get_title() == "depth = 10"
    assert len(ax.collections) == 2  # errors of 20 % are seen


def test_the_key_hides_no_line(sweep):
    for names, rows in ((NAMES, 1), ([f"a_long_name_of_number_{i}" for i in range(10)], 10)):
        many = sweep.isel(activation=np.arange(len(names)) % 2).assign_coords(activation=np.array(names, object))
        figure = sweep_figure(many, "sigma_b", "xi_c", line="activation")
        ax = drawn(figure)
        key, axis = ax.get_legend().get_window_extent(), ax.xaxis.get_tightbbox()
        assert key.y1 <= axis.y0 < axis.y1 <= ax.bbox.y0 + 1.0
        assert 0.0 <= key.x0 < key.x1 <= figure.bbox.width
        assert key.y0 >= 0.0
        assert figure.get_figheight() == pytest.approx(2.8 + key.height / figure.dpi)
        assert key.height >= rows * 8.0
        looks = {(line.get_color(), str(line._dash_pattern), line.get_marker()) for line in curves(ax)}
        assert len(looks) == len(names)


def test_lines_that_coincide_are_both_seen(sweep):
    same = sweep.assign(xi_c=sweep.xi_c * 0.0 + 1.0)
    below, above = curves(drawn(sweep_figure(same, "sigma_b", "xi_c", line="activation")))
    assert not below.is_dashed()
    assert above.is_dashed()
    assert {line.get_fillstyle() for line in (below, above)} == {"none"}


def test_theory_is_dashed_in_the_colour_of_its_line(sweep):
    both = sweep.assign(theory=(sweep.xi_c.dims, 1.1 * sweep.xi_c.values, sweep.xi_c.attrs))
    ax = drawn(sweep_figure(both, "sigma_b", ["xi_c", "theory"], line="activation"))
    tanh, tanh_theory, relu, relu_theory = curves(ax)
    assert tanh_theory.get_ydata() == pytest.approx(1.1 * tanh.get_ydata())
    assert [line.is_dashed() for line in (tanh, tanh_theory, relu, relu_theory)] == [False, True, False, True]
    assert (tanh.get_color(), relu.get_color()) == (tanh_theory.get_color(), relu_theory.get_color())
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [*NAMES, "xi_c", "theory"]
    assert ax.get_ylabel() == "$\\xi_c$ (layers)"
    one = points_at(both, {"activation": ["tanh"]})
    ax = drawn(sweep_figure(one, "sigma_b", ["xi_c", "points"]))
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["xi_c", "points"]
    assert ax.get_ylabel() == "$\\xi_c$ (layers), points"


def test_ticks_are_of_one_kind():
    def shown(values, **options):
        widths = xarray.Dataset({"y": ("x", np.asarray(values))}, {"x": [16, 32, 64]})
        ax = drawn(sweep_figure(widths, "x", "y", **options))
        for axis, (low, high) in ((ax.xaxis, ax.get_xlim()), (ax.yaxis, ax.get_ylim())):
            assert not any(label.get_text() for label in axis.get_minorticklabels())
            labels = zip(axis.get_majorticklocs(), axis.get_majorticklabels(), strict=True)
            yield [text.get_text() for place, text in labels if low <= place <= high]

    powers, numbers = shown([0.2, 0.4, 0.9], log="xy")
    assert powers == [rf"$\mathdefault{{2^{{{power}}}}}$" for power in (4, 5, 6)]
    assert numbers == ["0.2", "0.3", "0.5"]
    assert list(shown([1.2, 1.5, 2.0], log="y"))[1] == ["1.2", "1.4", "1.6", "1.8", "2"]
    assert list(shown([0.7, 3.0, 40.0], log="y"))[1] == ["1", "2", "5", "10", "20"]
    assert list(shown([1.0, 2.0, 3.0]))[1] == ["1", "2", "3"]


def test_the_title_names_what_matters_in_the_order_of_the_sweep(sweep):
    more = sweep.assign_coords(seed=1, networks=50, weights="gaussian", sigma_w=2.0).assign_attrs(
        config='{"axes": {"sigma_w": 2.0, "depth": 10, "seed": 1}}'
    )
    assert list(constants_of(more)) == ["sigma_w", "depth", "seed", "networks", "weights"]
    ax = drawn(sweep_figure(more, "sigma_b", "xi_c", line="activation"))
    assert ax.get_title() == "sigma_w = 2, depth = 10"
    ax = drawn(sweep_figure(more.assign_coords(weights="haar"), "sigma_b", "xi_c", line="activation"))
    assert ax.get_title() == "sigma_w = 2, depth = 10, weights = haar"


def test_errors_that_cannot_be_seen_are_not_drawn(sweep):
    part = points_at(sweep, {"activation": ["tanh"]})
    part["xi_c_error"] *= 1e-6
    ax = drawn(sweep_figure(part, "sigma_b", "xi_c"))
    assert not ax.collections
    assert ax.get_title() == "tanh, depth = 10"
    part["xi_c_error"] *= np.inf
    assert not drawn(sweep_figure(part, "sigma_b", "xi_c")).collections


def test_a_constant_is_drawn_as_one(sweep):
    part = points_at(sweep, {"activation": ["tanh"]})
    part["xi_c"] = part.xi_c * 0.0 + np.array([1.0, 1.0 + 1e-14, 1.0])
    part["xi_c_error"] = part.xi_c * 1e-14
    ax = drawn(sweep_figure(part, "sigma_b", "xi_c"))
    assert ax.get_ylim() == pytest.approx((0.5, 1.5))


def test_values_are_joined_in_increasing_order(zipped):
    ax = drawn(sweep_figure(points_at(zipped, {"seed": [1]}), "sigma_b", "q"))
    assert ax.get_lines()[0].get_xydata().tolist() == [[0.1, 3.0], [0.2, 5.0], [0.3, 1.0]]


def test_lines_of_one_name_are_told_apart_by_what_moves_together_with_it():
    coords = {"activation": ("run", ["tanh", "relu", "tanh"]), "sigma_b": ("run", [0.1, 0.1, 0.2]), "seed": [0, 1]}
    runs = xarray.Dataset(
        {"q": (("run", "seed"), np.arange(6.0).reshape(3, 2)), "status": (("run", "seed"), np.ones((3, 2)), STATES)},
        coords,
    )
    key = drawn(sweep_figure(runs, "seed", "q", line="activation")).get_legend()
    assert [text.get_text() for text in key.get_texts()] == [
        "tanh, sigma_b = 0.1",
        "relu, sigma_b = 0.1",
        "tanh, sigma_b = 0.2",
    ]


def test_one_output_is_drawn_against_another(sweep):
    ax = drawn(sweep_figure(points_at(sweep, {"layer": [1]}), "chi", "xi_c", line="activation"))
    assert ax.get_lines()[0].get_xdata().tolist() == sweep.chi.values[0, :, 0].tolist()


def test_words_are_categories(sweep):
    ax = drawn(sweep_figure(sweep, "sigma_b", "law", line="activation"))
    assert [label.get_text() for label in ax.get_yticklabels()] == ["1/l", "1/l^2", "constant"]
    ax = drawn(sweep_figure(points_at(sweep, {"sigma_b": [0.1]}), "activation", "xi_c"))
    assert [label.get_text() for label in ax.get_xticklabels()] == NAMES
    assert ax.get_lines()[0].get_linestyle() == "None"


def test_a_map_has_its_cells_where_they_belong(sweep):
    shuffled = sweep.isel(sigma_b=[2, 0, 1])
    figure = sweep_figure(shuffled, "sigma_b", "activation", color="xi_c", log="x")
    ax = drawn(figure)
    mesh = ax.collections[0]
    assert mesh.get_array()[0].tolist() == [3.0, 1.0, np.pi]
    assert mesh.get_array().mask[1].tolist() == [False, True, True]
    edges = np.asarray(mesh.get_coordinates())[0, :, 0]
    assert edges[1:3] == pytest.approx(np.sqrt(SIGMA_B[:2] * SIGMA_B[1:]))
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["no value"]
    (bar,) = ax.child_axes
    assert bar.get_ylabel() == "$\\xi_c$ (layers)"
    assert bar.bbox.height == pytest.approx(ax.bbox.height)


def test_few_cells_are_not_stretched(sweep):
    figure = sweep_figure(sweep, "sigma_b", "activation", color="xi_c")
    ax = drawn(figure)
    assert ax.bbox.height / 2 == pytest.approx(ax.bbox.width / 3)
    assert figure.get_figheight() < 2.7  # 2.8 and the key, were it not lower


def test_a_map_of_words_has_a_key(sweep):
    ax = drawn(sweep_figure(sweep, "sigma_b", "activation", color="law"))
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["1/l", "1/l^2", "no value"]


def test_many_lines_have_a_colour_bar():
    x, w = np.linspace(0.0, 1.0, 60), np.geomspace(1.0, 1e3, 12)
    sweep = xarray.Dataset({"q": (("width", "x"), w[:, None] * x)}, {"x": x, "width": w})
    figure = sweep_figure(sweep, "x", "q", line="width")
    ax = drawn(figure)
    assert ax.get_legend() is None
    assert figure.axes[1].get_yscale() == "log"
    assert len({tuple(line.get_color()) for line in ax.get_lines()}) == 12


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"x": "sigma_b", "y": "xi_c"},
            r"xi_c also depends on activation; .*: points_at\(sweep, {'activation': \['tanh'\]}\), .*line='activation'",
        ),
        ({"x": "sigma_b", "y": "xi_c"}, "or a map: x='sigma_b', y='activation', color='xi_c'"),
        ({"x": "sigma_b", "y": "chi"}, "also depends on activation and layer; .*{'activation': .*, 'layer': .3.}"),
        ({"x": "sigma_b", "y": "chi", "line": "activation"}, "chi also depends on layer; .*{'layer': .3.}.$"),
        ({"x": "sigma_b", "y": "activation", "color": "chi"}, "chi also depends on layer; .*{'layer': .3.}.$"),
        ({"x": "sigma_b", "y": ["xi_c", "points"], "color": "law"}, "one y for a map, got xi_c, points"),
        ({"x": "sigma_b", "y": []}, "one y, got none"),
        ({"x": "sigma_b", "y": ["xi_c", "law"], "line": "activation"}, "xi_c and law cannot share an axis"),
        ({"x": "sigma", "y": "xi_c"}, "there is no output or parameter 'sigma', did you mean 'sigma_b'"),
        ({"x": "sigma_b", "y": "xi_c", "line": "law"}, "there is no parameter with several values 'law'"),
        ({"x": "sigma_b", "y": "xi_c", "line": "depth"}, "depth is 10 in all that is drawn"),
        ({"x": "depth", "y": "xi_c", "line": "activation"}, "depth has one value, 10, in all that is drawn"),
        ({"x": "sigma_b", "y": "xi_c", "line": "activation", "color": "law"}, "exclude each other"),
        ({"x": "sigma_b", "y": "sigma_b"}, "must differ"),
        ({"x": "sigma_b", "y": "xi_c", "log": "z"}, "log must be made of"),
        ({"x": "activation", "y": "xi_c", "line": "sigma_b", "log": "x"}, "no logarithmic scale: its values are words"),
        ({"x": "sigma_b", "y": "error", "line": "activation"}, "error is text"),
    ],
)
def test_what_cannot_be_drawn_says_why(sweep, options, message):
    with pytest.raises(EocError, match=message):
        sweep_figure(sweep, **options)


def test_what_moves_together_is_no_map_and_no_lines(zipped):
    for options in ({"y": "sigma_w", "color": "q"}, {"y": "q", "line": "sigma_w"}):
        with pytest.raises(EocError, match="move together"):
            sweep_figure(points_at(zipped, {"seed": [0]}), "sigma_b", **options)


def test_nothing_to_draw_is_an_error(sweep):
    with pytest.raises(EocError, match="no finished point has a finite xi_c"):
        sweep_figure(sweep.isel(sigma_b=[1], activation=1), "sigma_b", "xi_c")
    with pytest.raises(EocError, match="nothing to draw: no finished point has a finite xi_c on a logarithmic scale"):
        sweep_figure(sweep.assign(xi_c=-sweep.xi_c), "sigma_b", "xi_c", line="activation", log="y")
