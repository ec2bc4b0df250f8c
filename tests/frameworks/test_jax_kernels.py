"""Single kernels and biases by the initialisers for JAX: which law they have, for which axes, types and layers."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen, nnx

from eoc.errors import EocError
from eoc.initializers.jax import eoc_bias, eoc_normal, eoc_orthogonal
from eoc.operating_point import operating_point

pytestmark = pytest.mark.usefixtures("quick_compilation")

KEY = jax.random.key(20240607)
SHAPE = (8, 12, 20)


def test_kernels_are_those_of_variance_scaling():
    drawn = eoc_normal("tanh", sigma_b=0.2)(KEY, SHAPE)
    theirs = jax.nn.initializers.variance_scaling(operating_point("tanh", sigma_b=0.2).sigma_w ** 2, "fan_in", "normal")
    assert (drawn == theirs(KEY, SHAPE)).all()


@pytest.mark.parametrize(
    ("axes", "fan_in", "inputs"),
    [
        ({}, 96, 12),  # a convolution over 8 positions
        ({"in_axis": (0, 1), "out_axis": 2}, 96, 96),  # heads joined
        ({"in_axis": 0, "out_axis": (1, 2)}, 8, 8),  # heads parted
        ({"batch_axis": 0}, 12, 12),  # eight layers
        ({"in_axis": -1, "out_axis": -2}, 160, 20),  # a transposed convolution
    ],
)
def test_the_axes_say_over_what_a_layer_sums(axes, fan_in, inputs):
    normal = np.asarray(eoc_normal("relu", **axes)(KEY, SHAPE))
    assert fan_in * np.mean(normal**2) == pytest.approx(2.0, rel=4.5 * np.sqrt(2.0 / normal.size))
    orthogonal = np.asarray(eoc_orthogonal("relu", **axes)(KEY, SHAPE))
    assert orthogonal.shape == SHAPE
    assert inputs * np.mean(orthogonal[orthogonal != 0.0] ** 2) == pytest.approx(2.0, rel=1e-5)
    assert np.mean(orthogonal != 0.0) == inputs / fan_in  # the centre of a window only


@pytest.mark.parametrize("shape", [(9, 4), (4, 9)])
def test_orthogonal_kernels_have_orthonormal_rows_or_columns(shape):
    inputs, outputs = shape
    w = np.asarray(eoc_orthogonal("relu")(KEY, shape), dtype=float)
    gram = w.T @ w if outputs <= inputs else w @ w.T * inputs / outputs
    assert gram == pytest.approx(2.0 * np.eye(min(shape)), abs=2e-6)


def test_delta_orthogonal_convolutions_look_at_their_own_pixel_only():
    conv = nnx.Conv(6, 6, (2, 3), padding="SAME", kernel_init=eoc_orthogonal("relu"), rngs=nnx.Rngs(0))
    x = np.random.default_rng(0).standard_normal((2, 4, 4, 6), dtype=np.float32)
    assert np.linalg.norm(conv(x), axis=-1) == pytest.approx(np.sqrt(2.0) * np.linalg.norm(x, axis=-1), rel=1e-5)


@pytest.mark.parametrize(("given", "shape"), [({"groups": 3}, (1, 4, 12)), ({"batch_axis": 0}, (3, 4, 4))])
def test_each_group_of_a_convolution_and_each_index_of_a_batch_has_a_matrix_of_its_own(given, shape):
    kernel = np.asarray(eoc_orthogonal("relu", **given)(KEY, shape), dtype=float)
    matrices = kernel.reshape(4, 3, 4).swapaxes(0, 1) if "groups" in given else kernel
    assert np.swapaxes(matrices, 1, 2) @ matrices == pytest.approx(2.0 * np.stack([np.eye(4)] * 3), abs=2e-6)
    assert abs(matrices[0] - matrices[1]).max() > 0.1


@pytest.mark.parametrize("initialiser", [eoc_normal, eoc_orthogonal, eoc_bias])
def test_under_jit_and_vmap(initialiser):
    init = initialiser("tanh", sigma_b=0.2)
    keys = jax.random.split(KEY, 3)
    each = jax.jit(jax.vmap(lambda key: init(key, SHAPE)))(keys)
    for key, kernel in zip(keys, np.asarray(each), strict=True):
        assert kernel == pytest.approx(np.asarray(init(key, SHAPE)), abs=1e-6)


def test_in_the_layers_of_flax():
    kernel, bias = eoc_normal("tanh", sigma_b=0.2), eoc_bias("tanh", sigma_b=0.2)
    given = {"kernel_init": kernel, "bias_init": bias}
    p = operating_point("tanh", sigma_b=0.2)
    attention = linen.MultiHeadDotProductAttention(num_heads=4, **given).init(KEY, jnp.zeros((1, 3, 64)))["params"]
    linear = nnx.Linear(64, 64, rngs=nnx.Rngs(0), **given)
    general = nnx.LinearGeneral((4, 16), 64, axis=(-2, -1), rngs=nnx.Rngs(1), **given)
    for w in (linear.kernel[...], general.kernel[...], *(attention[to]["kernel"] for to in ("query", "out"))):
        assert 64 * np.mean(w**2) == pytest.approx(p.sigma_w**2, rel=4.5 * np.sqrt(2.0 / w.size))
    for b in (linear.bias[...], general.bias[...], attention["query"]["bias"]):
        assert np.mean(b**2) == pytest.approx(p.sigma_b**2, rel=4.5 * np.sqrt(2.0 / b.size))


@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16, "float16"])
@pytest.mark.parametrize("initialiser", [eoc_normal, eoc_orthogonal, eoc_bias])
def test_half_precision_is_the_same_draw_rounded(initialiser, dtype):
    full = initialiser("tanh", sigma_b=0.2)(KEY, SHAPE)
    half = initialiser("tanh", sigma_b=0.2, dtype=dtype)(KEY, SHAPE)
    assert half.dtype == dtype
    assert (half == full.astype(dtype)).all()
    assert initialiser("tanh", sigma_b=0.2, dtype=dtype)(KEY, SHAPE, jnp.float32).dtype == jnp.float32


@pytest.mark.parametrize("initialiser", [eoc_normal, eoc_orthogonal, eoc_bias])
def test_empty_kernels_stay_empty(initialiser):
    assert initialiser("tanh")(KEY, (0, 3)).shape == (0, 3)


def test_a_point_that_is_none_is_refused_when_the_initialiser_is_made():
    with pytest.raises(EocError, match="is unstable"):
        eoc_normal("gelu", sigma_b=0.2)
    with pytest.raises(EocError, match="groups must be a whole number >= 1, got 0"):
        eoc_orthogonal("tanh", groups=0)


@pytest.mark.parametrize(
    ("initialiser", "shape", "dtype", "words"),
    [
        (eoc_normal("tanh"), (5,), None, "biases are for eoc_bias"),
        (eoc_normal("tanh", in_axis=-1), (5, 5), None, "must be different axes"),
        (eoc_orthogonal("tanh", batch_axis=2), (5, 5), None, "must be different axes"),
        (eoc_orthogonal("tanh", groups=3), (5, 5), None, "a divisor of the number of outputs, 5"),
        (eoc_normal("tanh"), (5, 5), jnp.int32, "real floating type"),
        (eoc_bias("tanh"), (5,), jnp.complex64, "real floating type"),
        (eoc_orthogonal("tanh"), (5, 5), "half a float", "got 'half a float'"),
    ],
)
def test_bad_shapes_and_types_are_refused(initialiser, shape, dtype, words):
    with pytest.raises(EocError, match=words):
        initialiser(KEY, shape, dtype)


@pytest.mark.skipif(not hasattr(jax.sharding, "AxisType"), reason="initialisers of this JAX take no sharding")
def test_a_sharding_is_handed_on():
    mesh = jax.make_mesh((1,), ("device",), axis_types=(jax.sharding.AxisType.Explicit,))
    sharding = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("device", None))
    assert eoc_normal("tanh")(KEY, (4, 4), out_sharding=sharding).sharding == sharding
    assert eoc_bias("tanh")(KEY, (4, 4), out_sharding=sharding).sharding == sharding
    with pytest.raises(EocError, match=r"jax\.device_put"):
        eoc_orthogonal("tanh")(KEY, (4, 4), out_sharding=sharding)
