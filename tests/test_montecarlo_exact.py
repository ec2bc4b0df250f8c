"""The exact sampler: the same law as real weight matrices, degenerate inputs, relative precision, blocks."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from eoc import propagate
from eoc.activations import Activation, activation
from eoc.activations.base import Piece
from eoc.errors import EocError
from eoc.maps import VarianceMap
from eoc.montecarlo.samples import sample_networks
from eoc.montecarlo.sampling import gram_sampler
from eoc.montecarlo.sampling.haar import haar_rows, positive_qr
from eoc.montecarlo.sampling.inputs import first_inputs, from_vectors, hypercube, vectors_of
from eoc.montecarlo.sampling.tree import increments, one_minus_c, shortest_tree
from eoc.montecarlo.settings import generator

NUMBERS = st.floats(-3.0, 3.0).map(lambda x: round(x, 9))  # none so small that its square underflows
SIGNIFICANT = 1e-5  # of some 200 two-sample tests, none may be less likely than that


def with_matrices(phi, sigma_w, sigma_b, inputs, widths, orthogonal, networks, seed):
    """Plain networks: q (M, 2), 1 - c (M,) and fourth moments (M, 2) of each layer."""
    rng = np.random.default_rng(seed)
    x = np.broadcast_to(inputs, (networks, *inputs.shape))
    for width in widths:
        fan_in = x.shape[-1]
        if orthogonal:
            large = max(width, fan_in)
            q, _ = positive_qr(rng.standard_normal((networks, large, large)))
            weights = q[:, :width, :fan_in] * np.sqrt(large / fan_in)
        else:
            weights = rng.standard_normal((networks, width, fan_in)) / np.sqrt(fan_in)
        h = sigma_w * np.einsum("mij,mpj->mpi", weights, x)
        h += sigma_b * rng.standard_normal((networks, 1, width))
        q = (h * h).mean(axis=-1)
        with np.errstate(invalid="ignore"):
            yield q, 1.0 - (h[:, 0] * h[:, 1]).mean(axis=-1) / np.sqrt(q.prod(axis=-1)), (h**4).mean(axis=-1)
        x = phi.phi(h)


@pytest.mark.parametrize("orthogonal", [False, True], ids=["gaussian", "orthogonal"])
@pytest.mark.parametrize(
    ("name", "sigma_w", "sigma_b", "widths"),
    [
        ("tanh", 1.5, 0.3, (4,) * 5),
        ("relu", 2**0.5, 0.1, (16,) * 4),
        ("gelu", 1.7, 0.0, (64,) * 3),
        ("tanh", 2.0, 0.0, (6, 2, 9, 4)),
        ("elu", 1.2, 0.2, (16, 8, 12, 1, 5)),
        ("sign", 1.0, 0.5, (16,) * 3),
    ],
)
def test_same_law_as_weight_matrices(name, sigma_w, sigma_b, widths, orthogonal):
    phi = activation(name)
    networks = 2000 if max(widths) > 60 else 10_000
    x = np.random.default_rng(2).standard_normal((2, 20 if widths[0] == 16 else 5))
    x[1] = 0.8 * x[0] + 0.6 * x[1]
    run = sample_networks(
        phi,
        sigma_w,
        sigma_b,
        width=widths,
        networks=networks,
        inputs=x,
        seed=3,
        weights="orthogonal" if orthogonal else "gaussian",
    )
    plain = with_matrices(phi, sigma_w, sigma_b, x, widths, orthogonal, networks, seed=4)
    for i, (q, e, fourth) in enumerate(plain):
        pairs = [(q[:, a], run.q[:, i, a]) for a in (0, 1)]
        pairs += [(e, run.one_minus_c[:, i, 0, 1]), (fourth[:, 1], run.fourth[:, i, 1])]
        pairs += [(q[:, 0] - fourth[:, 1] * e, run.q[:, i, 0] - run.fourth[:, i, 1] * run.one_minus_c[:, i, 0, 1])]
        for theirs, ours in pairs:
            there = [np.round(a[np.isfinite(a)], 9) for a in (theirs, ours)]  # equal up to rounding: ties
            assert abs(there[0].size - there[1].size) < 0.02 * networks  # networks whose units are all off
            assert stats.ks_2samp(*there).pvalue > SIGNIFICANT


@pytest.mark.parametrize("weights", ["gaussian", "orthogonal"])
def test_blocks_have_the_law_of_the_whole(weights, monkeypatch):
    options = {"width": 24, "depth": 3, "networks": 4000, "c": 0.5, "q": 1.0, "weights": weights}
    whole = sample_networks("tanh", 1.5, 0.3, seed=1, **options)
    monkeypatch.setattr(gram_sampler, "_BLOCK", 1)  # the least: 8 units for each input
    cut = sample_networks("tanh", 1.5, 0.3, seed=2, **options)
    for name in ("q", "fourth"):
        a, b = (getattr(run, name)[:, -1, 0] for run in (whole, cut))
        assert stats.ks_2samp(a, b).pvalue > SIGNIFICANT
    assert stats.ks_2samp(whole.one_minus_c[:, -1, 0, 1], cut.one_minus_c[:, -1, 0, 1]).pvalue > SIGNIFICANT


def test_many_networks_follow_the_maps():
    """At width 4000 the mean over 400 networks is that of infinite width, to 4 standard errors and the order 1/N."""
    run = sample_networks("tanh", 1.5, 0.3, width=4000, depth=8, networks=400, q=[1.0, 2.0, 1.5], c=0.3, seed=5)
    limit = propagate("tanh", 1.5, 0.3, q=[1.0, 2.0, 1.5], c=0.3, depth=7)
    for ours, theirs in ((run.q, limit.q), (run.one_minus_c, limit.one_minus_c)):
        spread = ours.std(axis=0) / 20.0
        assert (np.abs(ours.mean(axis=0) - theirs) <= 4.0 * spread + 3.0 / 4000.0 * theirs).all()


@pytest.mark.parametrize("weights", ["gaussian", "orthogonal"])
@pytest.mark.parametrize(("name", "sigma_b"), [("tanh", 0.2), ("relu", 0.0), ("gelu", 0.2), ("sign", 0.2)])
def test_equal_inputs_stay_exactly_equal(name, sigma_b, weights):
    run = sample_networks(
        name, 1.6, sigma_b, width=50, depth=60, networks=3, gram=np.ones((3, 3)), seed=1, weights=weights
    )
    assert (run.one_minus_c == 0.0).all()
    assert (run.q == run.q[:, :, :1]).all()


def test_opposite_inputs_of_an_odd_network_stay_exactly_opposite():
    """In the chaotic phase, where a rounding error would grow to order 1 within 60 layers."""
    x = np.array([[1.0, 2.0, -0.5], [-1.0, -2.0, 0.5], [0.3, 0.1, 1.0]])
    run = sample_networks("tanh", 3.0, width=100, depth=100, networks=2, inputs=x, seed=1)
    assert (run.one_minus_c[:, :, 0, 1] == 2.0).all()
    assert run.one_minus_c[:, :, 0, 2] + run.one_minus_c[:, :, 1, 2] == pytest.approx(2.0, abs=1e-13)


def test_opposite_inputs_of_a_network_with_bias_come_together():
    run = sample_networks(
        "tanh", 1.0, 0.5, width=1000, depth=40, networks=5, q=1.0, c=[[1.0, -0.5], [-0.5, 1.0]], seed=1
    )
    assert run.one_minus_c[:, -1, 0, 1].max() < 1e-3


def test_collinear_inputs_of_a_homogeneous_network_stay_so():
    x = np.outer([1.0, 2.0, 1e-3], [0.5, -1.0, 2.0])
    run = sample_networks("relu", 2**0.5, width=100, depth=30, networks=4, inputs=x, seed=1)
    assert run.q / run.q[:, :, :1] == pytest.approx(np.broadcast_to([1.0, 4.0, 1e-6], run.q.shape), rel=1e-12)
    assert run.one_minus_c.max() < 1e-20  # the squared rounding of a difference 1000 times as long as an input


@pytest.mark.parametrize("weights", ["gaussian", "orthogonal"])
def test_more_inputs_than_dimensions(weights):
    """Seven inputs in two dimensions, layers of three units: linear maps keep the rank, so the Gram matrix has it."""
    x = np.random.default_rng(1).standard_normal((7, 2))
    run = sample_networks("identity", 1.0, width=(3, 5, 2), inputs=x, networks=20, seed=1, weights=weights)
    gram = (1.0 - run.one_minus_c) * np.sqrt(run.q[..., None] * run.q[..., None, :])
    values = np.linalg.eigvalsh(gram)
    assert np.abs(values[..., :-2]).max() < 1e-13 * values.max()
    assert values[..., -2].min() > 1e-6


@pytest.mark.parametrize("name", ["tanh", "relu", "gelu", "elu"])
@pytest.mark.parametrize("e", [1e-6, 1e-12, 1e-30, 1e-100])
def test_close_inputs_keep_their_relative_precision(name, e):
    """However close they start, 1 - c grows by the same factors: those of the derivative of the network."""
    options = {"width": 3000, "depth": 6, "networks": 3, "q": 1.0, "seed": 9}
    close, reference = (
        sample_networks(name, 1.5, 0.1, one_minus_c=x, **options).one_minus_c[..., 0, 1] for x in (e, 1e-20)
    )
    assert close / e == pytest.approx(reference / 1e-20, rel=1e-7 + 15.0 * e**0.5)


def test_precise_start():
    run = sample_networks("tanh", 1.3, 0.2, width=10**6, depth=1, q=1.0, one_minus_c=1e-12, seed=1)
    assert run.one_minus_c[0, 0, 0, 1] == pytest.approx(1e-12, rel=6e-3)  # 4 / sqrt(N/2)
    gram = np.array([[2.0, 2.0 - 1e-9], [2.0 - 1e-9, 2.0]])
    run = sample_networks("tanh", 1.3, 0.2, width=10**6, depth=1, gram=gram, seed=1)
    assert run.one_minus_c[0, 0, 0, 1] == pytest.approx(5e-10, rel=6e-3)


def test_orthogonal_layers_keep_lengths_and_angles():
    x = np.random.default_rng(1).standard_normal((3, 40))
    run = sample_networks("identity", 1.0, width=40, depth=30, inputs=x, networks=2, seed=1, weights="orthogonal")
    assert run.q == pytest.approx(np.broadcast_to((x * x).mean(axis=1), run.q.shape), rel=1e-12)
    cosines = x @ x.T / np.sqrt(np.outer(*[(x * x).sum(axis=1)] * 2))
    assert 1.0 - run.one_minus_c == pytest.approx(np.broadcast_to(cosines, run.one_minus_c.shape), abs=1e-12)


def test_kernel_is_the_variance_of_the_units():
    """E[q_l | K_l] = K_l with variance 2 K_l^2 / N, and E[h^4 | K_l] = 3 K_l^2."""
    run = sample_networks("tanh", 1.5, 0.3, width=10, depth=4, networks=20_000, q=1.0, seed=1)
    ratio = (run.q / run.kernel)[..., 0]
    assert np.abs(ratio.mean(axis=0) - 1.0).max() < 4.0 * (0.2 / 20_000) ** 0.5
    assert np.abs(ratio.var(axis=0) - 0.2).max() < 0.01
    assert np.abs((run.fourth / run.kernel**2)[..., 0].mean(axis=0) - 3.0).max() < 4.0 * (9.6 / 20_000) ** 0.5
    assert np.ptp(run.kernel[:, 0]) < 1e-15


def test_first_layer_is_what_was_asked_for():
    run = sample_networks("tanh", 1.5, 0.3, width=8, depth=1, networks=3, q=[1.0, 2.0], c=0.25, seed=1)
    assert run.kernel[:, 0] == pytest.approx(np.array([[1.0, 2.0]] * 3), rel=1e-14)
    x = hypercube(2, 100, seed=1)
    run = sample_networks("tanh", 1.5, 0.3, width=8, depth=1, inputs=x, seed=1)
    assert run.kernel[0, 0] == pytest.approx([2.34, 2.34], rel=1e-14)


def test_the_same_seed_gives_the_same_numbers():
    runs = [sample_networks("relu", 1.4, 0.1, width=100, depth=5, networks=300, c=0.5, seed=s) for s in (7, 7, 8)]
    assert (runs[0].q == runs[1].q).all()
    assert (runs[0].one_minus_c == runs[1].one_minus_c).all()
    assert (runs[0].q != runs[2].q).all()


def test_units_that_are_all_off_have_no_angle():
    run = sample_networks("relu", 1.0, width=1, depth=3, networks=50, q=1.0, c=0.5, seed=1)
    dead = run.q[:, -1].min(axis=-1) == 0.0
    assert 0 < dead.sum() < 50
    assert np.isnan(run.one_minus_c[dead, -1, 0, 1]).all()
    assert np.isfinite(run.one_minus_c[~dead, -1]).all()


@pytest.mark.parametrize("weights", ["gaussian", "orthogonal"])
def test_inputs_die_as_often_as_with_matrices(weights):
    """In narrow ReLU networks without biases an input may turn all units off: its q is then exactly 0, and c NaN."""
    x = np.array([[1.0, 0.2, -0.3, 0.1], [0.1, 0.9, 0.5, -0.4]])
    networks, widths = 8000, (4,) * 5
    run = sample_networks("relu", 2**0.5, width=widths, networks=networks, inputs=x, seed=1, weights=weights)
    plain = list(with_matrices(activation("relu"), 2**0.5, 0.0, x, widths, weights == "orthogonal", networks, seed=2))
    for i, (q, e, _) in enumerate(plain):
        for a in (0, 1):
            off = (run.q[:, i, a] == 0.0), (q[:, a] == 0.0)
            assert abs(off[0].mean() - off[1].mean()) <= 4.5 * (2.0 * off[1].mean() / networks) ** 0.5
        ours, theirs = run.one_minus_c[:, i, 0, 1], e
        assert np.isnan(ours[(run.q[:, i] == 0.0).any(axis=1)]).all()
        there = [np.round(v[np.isfinite(v)], 9) for v in (ours, theirs)]
        assert stats.ks_2samp(*there).pvalue > SIGNIFICANT


def test_an_input_of_zeros_has_no_angle():
    x = [[1.0, 2.0, 3.0, 0.0], [-1.0, -2.0, -3.0, 0.0], [0.0, 0.0, 0.0, 0.0]]
    run = sample_networks("relu", 1.5, width=[6, 3, 9], networks=500, inputs=x, seed=1)
    assert (run.q[..., 2] == 0.0).all()
    assert np.isnan(run.one_minus_c[..., 2, :2]).all()
    assert np.nanmin(run.one_minus_c) >= 0.0
    assert np.nanmax(run.one_minus_c) <= 2.0


@pytest.mark.parametrize("ratio", [1e-6, 1e-14, 1e-28, 1e-60, 1e-150])
@pytest.mark.parametrize("order", [1, -1])
def test_inputs_of_very_different_lengths(ratio, order):
    """ReLU without bias scales: the angles are those of inputs of one length."""
    equal, unequal = (
        sample_networks("relu", 2**0.5, width=200, depth=3, networks=300, q=q, c=0.5, seed=5)
        for q in ([1.0, 1.0], [1.0, ratio][::order])
    )
    assert unequal.kernel[:, 0] == pytest.approx(np.array([[1.0, ratio][::order]] * 300), rel=1e-12)
    a, b = (run.one_minus_c[:, -1, 0, 1] for run in (equal, unequal))
    assert abs(a.mean() - b.mean()) < 4.5 * np.hypot(a.std(), b.std()) / 300**0.5
    x = np.array([[1.0, 0.0], [0.5, 0.75**0.5]]) * np.sqrt([[1.0], [ratio]])
    run = sample_networks("relu", 2**0.5, width=200, depth=3, networks=300, inputs=x[::order], seed=6)
    c = run.one_minus_c[:, -1, 0, 1]
    assert abs(a.mean() - c.mean()) < 4.5 * np.hypot(a.std(), c.std()) / 300**0.5


def test_haar_rows_are_uniform_on_the_sphere():
    """Coordinates squared have the beta law, also of the last rows, which are drawn after all the others."""
    rows = np.concatenate(list(haar_rows(generator(1, 0), 4000, 2, 12, iter([5, 4, 3]))), axis=-1) / 12**0.5
    assert np.einsum("mpn,mqn->mpq", rows, rows) == pytest.approx(np.broadcast_to(np.eye(2), (4000, 2, 2)), abs=1e-13)
    for p in range(2):
        for i in (0, 4, 5, 8, 9, 11):
            assert stats.kstest(rows[:, p, i] ** 2, stats.beta(0.5, 5.5).cdf).pvalue > SIGNIFICANT
            assert abs((rows[:, p, i] > 0.0).mean() - 0.5) < 4.5 * 0.5 / 4000**0.5
    alike = rows[:, 0, 1] * rows[:, 1, 7]
    assert abs(alike.mean()) < 4.5 * alike.std() / 4000**0.5


@pytest.mark.parametrize("d", [1e-2, 1e-4, 1e-7, 1e-20])
@pytest.mark.parametrize("name", ["tanh", "elu", "gelu", "sigmoid"])
def test_increments_against_many_digits(name, d):
    import mpmath

    truth = {
        "tanh": mpmath.tanh,
        "elu": lambda x: x if x > 0 else mpmath.expm1(x),
        "gelu": lambda x: x * mpmath.ncdf(x),
        "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    }[name]
    phi, u = activation(name), np.linspace(-3.0, 3.0, 25)[None]
    step = np.full_like(u, d)
    ours = increments(phi, u, step, phi.phi(u))[0]
    with mpmath.workdps(60):
        exactly = [float(truth(mpmath.mpf(x) + mpmath.mpf(d)) - truth(mpmath.mpf(x))) for x in u[0].tolist()]
    rounding = 4e-16 * np.maximum(np.abs(phi.phi(u)[0]), 1.0) if d > 1e-5 else 0.0
    assert (np.abs(ours - exactly) <= 1e-13 * np.abs(exactly) + rounding).all()


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 6).flatmap(
        lambda p: st.lists(
            st.lists(st.floats(-3.0, 3.0).map(lambda x: round(x, 9)), min_size=4, max_size=4), min_size=p, max_size=p
        )
    ),
    st.booleans(),
)
def test_inputs_keep_their_inner_products(rows, odd):
    x = np.array(rows)
    inputs = from_vectors(x, odd)
    again = vectors_of(inputs, 9, generator(1, 0))
    assert again @ again.T / 9.0 == pytest.approx(x @ x.T / 4.0, abs=1e-12)


def test_shortest_tree_has_the_nearest_neighbours():
    points = np.array([0.0, 10.0, 1.0, 11.0, 2.5])
    tree = shortest_tree(np.abs(np.subtract.outer(points, points)), root=0)
    assert tree.parent == (0, 4, 0, 1, 2)
    factor = tree.differences(np.stack([np.ones(5), points], axis=-1))
    e = one_minus_c(tree, factor)
    vectors = np.stack([np.ones(5), points])
    lengths = np.sqrt((vectors**2).sum(axis=0))
    assert e == pytest.approx(1.0 - vectors.T @ vectors / np.outer(lengths, lengths), abs=1e-14)


BAD = [
    ({"width": 0, "depth": 3}, "width must be a whole number >= 1"),
    ({"width": [3, 0]}, "width must be a whole number >= 1"),
    ({"width": 2.5, "depth": 3}, "got 2.5"),
    ({"width": [3, 4], "depth": 3}, "depth is 3, but width lists 2 layers"),
    ({"width": 3}, "give the depth"),
    ({"width": 3, "depth": 0}, "depth must be a whole number"),
    ({"width": [], "depth": 0}, "width is one number or a list"),
    ({"networks": 0}, "networks must be a whole number"),
    ({"seed": -1}, "seed must be a whole number >= 0"),
    ({"seed": 1.5}, "seed must be a whole number >= 0"),
    ({"q": 0.01}, "at least sigma_b"),
    ({"q": -1.0}, "must be finite and > 0"),
    ({"q": np.inf}, "must be finite and > 0"),
    ({"q": [1.0, 2.0]}, "without correlations"),
    ({"q": 1.0, "c": -1.0}, "positive semidefinite"),
    ({"gram": [[1.0, 2.0], [2.0, 1.0]]}, "semidefinite"),
    ({"gram": [[1.0, 0.9, 0.0], [0.9, 1.0, 0.9], [0.0, 0.9, 1.0]]}, "eigenvalue"),
    ({"gram": [[1.0, 0.5, 0.5]]}, "square"),
    ({"gram": np.eye(2), "q": 1.0}, "give inputs, or gram, or q"),
    ({"inputs": [1.0, 2.0]}, "an array"),
    ({"inputs": [[1.0, np.nan]]}, "finite, got nan"),
    ({"inputs": [[1e200, 1.0]]}, "overflows"),
    ({"weights": "rademacher", "q": 1.0}, "gaussian"),
    ({"networks": 10**9, "depth": 1000}, "would take"),
]


@pytest.mark.parametrize(("options", "message"), BAD, ids=[m for _, m in BAD])
def test_bad_input_is_named(options, message):
    full = {"width": 10, "depth": 3, "seed": 1} | options
    if "width" in options and "depth" not in options:
        del full["depth"]
    with pytest.raises(EocError, match=message):
        sample_networks("tanh", 1.5, 0.3, **full)


def test_overflow_names_its_layer():
    """ReLU at sigma_w = 100: q grows by 5000 a layer, and h^4 overflows when it reaches 1e154."""
    layer = 2 + int(0.5 * np.log(np.finfo(float).max / 10.0) / np.log(5000.0))
    with pytest.raises(EocError, match=f"layer {layer} overflows: variances reach .*e.155 there") as caught:
        sample_networks("relu", 100.0, width=1000, depth=100, q=1.0, seed=1)
    assert f"depth {layer - 1} at most" in str(caught.value)
    with pytest.raises(EocError, match="layer 1 overflows"):
        sample_networks("exp(x**2)", 1.0, width=1000, depth=3, q=1e4, seed=1)


def test_expectations_that_do_not_exist_can_be_sampled():
    """phi = 1/x: second-layer units of every width are Cauchy distributed (Long & Sedghi 2019)."""
    piece = Piece(lambda x: 1.0 / x, lambda x: -1.0 / x**2, lambda x: 2.0 / x**3)
    reciprocal = Activation("1/x", "1/x", (piece, piece), knots=(0.0,), parity="odd")
    run = sample_networks(reciprocal, 1.0, width=100, depth=2, networks=4000, q=1.0, seed=1)
    unit = np.sqrt(run.kernel[:, 1, 0]) * np.random.default_rng(1).standard_normal(4000) / 100**0.5
    assert stats.kstest(unit, stats.cauchy.cdf).pvalue > 0.001


@pytest.mark.parametrize("weights", ["gaussian", "orthogonal"])
def test_memory_is_that_of_a_block(weights):
    """A layer of a million units with two inputs would take 16 MB."""
    tracemalloc.start()
    sample_networks("tanh", 1.5, 0.3, width=10**6, depth=2, q=1.0, c=0.5, seed=1, weights=weights)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4e6


def test_default_is_the_variance_that_layers_keep():
    run = sample_networks("tanh", 1.5, 0.3, width=10, depth=2, seed=1)
    assert run.kernel[0, 0, 0] == pytest.approx(VarianceMap("tanh", 1.5, 0.3).kept, rel=1e-14)
    with pytest.raises(EocError, match="keep no variance but 0"):
        first_inputs(VarianceMap("tanh", 0.9, 0.0))


def test_shared_biases_leave_no_room():
    """With q = sigma_b^2 the inputs reach nothing, so that all correlations of the first layer are 1."""
    for q in (1.0, [1.0, 2.0]):
        with pytest.raises(EocError, match="semidefinite"):
            sample_networks("tanh", 1.0, 1.0, width=100, depth=2, q=q, c=0.3, seed=1)
    run = sample_networks("tanh", 1.0, 1.0, width=100, depth=2, q=1.0, c=1.0, seed=1)
    assert (run.one_minus_c == 0.0).all()


def test_an_asymmetric_gram_is_refused():
    with pytest.raises(EocError, match="symmetric"):
        sample_networks("tanh", 1.0, width=100, depth=2, gram=[[1.0, 0.5], [0.4, 1.0]], seed=1)


def test_underflow_names_its_layer():
    """Variances shrink by 0.09 a layer: to 1e-280 in 268 layers of infinite width."""
    with pytest.raises(EocError, match=r"layer 2[67]\d underflows"):
        sample_networks("tanh", 0.3, width=100, depth=400, q=1.0, c=0.3, seed=1)
    with pytest.raises(EocError, match="squared length of input 1 underflows"):
        sample_networks("tanh", 1.0, width=10, depth=2, inputs=[[1.0, 0.0], [1e-200, 0.0]], seed=1)
