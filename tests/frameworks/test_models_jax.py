"""Models of Flax, Equinox and plain JAX, read off their jaxprs."""

from __future__ import annotations

from importlib.util import find_spec

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen, nnx

import eoc
from eoc.errors import EocError
from eoc.models.jax.models import model_of
from eoc.models.jax.read import read
from eoc.models.steps import Kind

KEY = jax.random.key(0)


def linen_steps(module, *inputs, **options):
    """The steps of a function of linen's layers."""

    class Model(linen.Module):
        @linen.compact
        def __call__(self, *inputs):
            return module(*inputs)

    shapes = jax.eval_shape(Model().init, {"params": KEY, "dropout": KEY}, *inputs)
    return reading(Model(), shapes, tuple(inputs), **options).steps


def reading(*given, **options):
    return model_of(*given, **options).read()


def shown(steps):
    return [(step.kind.value, step.inputs) for step in steps]


def one(steps, kind):
    (found,) = (step for step in steps if step.kind is kind)
    return found


def of_kind(steps, kind):
    return [step for step in steps if step.kind is kind]


# --- linen ------------------------------------------------------------------------------------------------------------


def test_a_chain_has_its_layers_with_their_names_and_layouts():
    steps = linen_steps(lambda x: linen.Dense(3)(jnp.tanh(linen.Dense(5)(x))), jnp.ones((2, 4)))
    assert shown(steps) == [
        ("input", ()),
        ("layer", (0,)),
        ("activation", (1,)),
        ("layer", (2,)),
        ("output", (3,)),
    ]
    affine = steps[1].affine
    assert (steps[1].name, affine.weight_name, affine.bias_name) == (
        "Dense_1",
        "params/Dense_1/kernel",
        "params/Dense_1/bias",
    )
    assert (affine.weight.shape, affine.fan_in, affine.bias.shape) == ((5, 4), 4.0, (5,))
    assert steps[2].activation.name == "tanh"


@pytest.mark.parametrize(
    ("phi", "name"),
    [
        (linen.gelu, "gelu_tanh"),
        (lambda x: linen.gelu(x, approximate=False), "gelu"),
        (linen.silu, "silu"),
        (linen.relu, "relu"),
        (linen.elu, "elu"),
        (linen.selu, "selu"),
        (linen.softplus, "softplus"),
        (lambda x: linen.leaky_relu(x, 0.2), "leaky_relu(slope=0.2)"),
        (lambda x: x * jax.nn.sigmoid(x), "silu"),
        (lambda x: jnp.tanh(7.0 * x), "tanh((7.0 * x))"),
        (lambda x: jnp.where(x > 0, x, 0.0), "relu"),
    ],
)
def test_activations_are_known_by_their_values_whatever_they_are_made_of(phi, name):
    step = one(linen_steps(lambda x: linen.Dense(3)(phi(linen.Dense(5)(x))), jnp.ones((2, 4))), Kind.ACTIVATION)
    assert step.activation is eoc.activation(name)


def test_learned_numbers_of_an_activation_are_taken_as_they_are():
    def model(p, x):
        return jnp.tanh(jnp.exp(p["a"]) * (x @ p["w"])) @ p["v"]

    given = {"a": jnp.log(3.0), "w": jnp.ones((4, 5)), "v": jnp.ones((5, 2))}
    found = reading(model, given, jnp.ones((2, 4)))
    x = np.linspace(-2.0, 2.0, 9)
    np.testing.assert_allclose(one(found.steps, Kind.ACTIVATION).activation(x), np.tanh(3.0 * x), rtol=1e-6)
    assert "activation" in found.uses["a"]


@pytest.mark.parametrize(
    ("norm", "centred", "over_batch"),
    [
        (linen.LayerNorm, True, False),
        (lambda: linen.LayerNorm(use_fast_variance=False), True, False),
        (linen.RMSNorm, False, False),
        (lambda: linen.GroupNorm(2), True, False),
        (linen.InstanceNorm, True, False),
        (lambda: linen.BatchNorm(use_running_average=False), True, True),
    ],
)
def test_normalisations_are_known_by_what_they_do(norm, centred, over_batch):
    steps = linen_steps(lambda x: linen.relu(norm()(linen.Conv(8, (3, 3))(x))), jnp.ones((3, 6, 6, 3)))
    step = one(steps, Kind.NORM)
    assert (step.centred, step.over_batch) == (centred, over_batch)
    assert step.module.weight.name.endswith("/scale")
    assert step.module.weight.shape == (8,)
    assert (step.module.bias is None) == (norm is linen.RMSNorm)
    assert shown(steps)[3] == ("activation", (2,))


def test_batch_norm_by_its_running_means_is_one_too():
    steps = linen_steps(
        lambda x: linen.BatchNorm(use_running_average=True)(linen.Dense(8)(x)),
        jnp.ones((3, 4)),
    )
    step = one(steps, Kind.NORM)
    assert (step.module.weight.name, step.module.bias.name) == ("params/BatchNorm_0/scale", "params/BatchNorm_0/bias")


def test_a_scale_that_begins_at_zero_is_one_plus_its_parameter():
    def model(p, x):
        h = x @ p["w"]
        return h * jax.lax.rsqrt(jnp.mean(h**2, -1, keepdims=True) + 1e-6) * (1.0 + p["scale"])

    steps = reading(model, {"w": jnp.ones((4, 5)), "scale": jnp.zeros(5)}, jnp.ones((2, 4))).steps
    slot = one(steps, Kind.NORM).module.weight
    assert (slot.name, slot.added) == ("scale", 1.0)
    np.testing.assert_array_equal(slot.placed(np.zeros(5), np.full(5, 3.0)), np.full(5, 2.0))


def test_convolutions_count_what_they_sum():
    def model(x):
        x = linen.Conv(8, (3, 3), use_bias=False)(x)
        x = linen.Conv(16, (3, 3), strides=2, feature_group_count=4)(x)
        return linen.ConvTranspose(6, (4, 4), strides=(2, 2))(x)

    first, grouped, transposed = (
        step.affine for step in of_kind(linen_steps(model, jnp.ones((1, 8, 8, 3))), Kind.LAYER)
    )
    assert (first.weight.shape, first.fan_in, first.bias) == ((8, 3, 3, 3), 27.0, None)
    assert (grouped.weight.shape, grouped.fan_in, grouped.groups) == ((16, 2, 3, 3), 18.0, 4)
    assert (transposed.weight.shape, transposed.fan_in, transposed.transposed) == ((6, 16, 4, 4), 64.0, True)


def test_pooling_counts_its_positions_and_dropout_keeps_no_scale():
    def model(x):
        x = linen.max_pool(linen.Conv(4, (1, 1))(x), (2, 2), (2, 2))
        x = linen.avg_pool(x, (3, 3), (1, 1), "SAME")
        return linen.Dropout(0.5, deterministic=False)(x).mean((1, 2))

    steps = linen_steps(model, jnp.ones((1, 8, 8, 3)))
    assert [step.kind.value for step in steps[2:]] == ["pooling", "pooling", "dropout", "pooling", "output"]
    assert [(step.terms, step.largest) for step in of_kind(steps, Kind.POOL)] == [(4, True), (9, False), (16, False)]


def test_attention_takes_its_projections_and_the_mask_does_not_matter():
    def model(x):
        mask = linen.make_causal_mask(jnp.ones((2, 6)))
        return x + linen.MultiHeadDotProductAttention(2)(linen.LayerNorm()(x), mask=mask)

    steps = linen_steps(model, jnp.ones((2, 6, 8)))
    step = one(steps, Kind.ATTENTION)
    assert [steps[at].name.rpartition("/")[2] for at in step.inputs] == ["query", "key", "value"]
    assert step.terms == 6
    assert not of_kind(steps, Kind.UNKNOWN)
    assert steps[-2].kind is Kind.ADD
    projection = steps[step.inputs[0]].affine
    assert (projection.weight.shape, projection.bias.shape, projection.fan_in) == ((8, 8), (8,), 8.0)


def test_embeddings_positions_and_a_table_that_is_the_head_too():
    class Model(linen.Module):
        @linen.compact
        def __call__(self, tokens):
            table = linen.Embed(11, 8)
            positions = self.param("positions", linen.initializers.normal(0.02), (5, 8))
            return table.attend(jnp.tanh(linen.Dense(8)(table(tokens) + positions)))

    tokens = jnp.ones((2, 5), jnp.int32)
    steps = reading(Model(), jax.eval_shape(Model().init, KEY, tokens), tokens).steps
    table, learned = one(steps, Kind.EMBEDDING), one(steps, Kind.PARAMETER)
    assert (table.module.weight.shape, learned.tensor.name) == ((11, 8), "params/positions")
    assert steps[-2].affine.weight is table.module.weight
    assert shown(steps)[3] == ("addition", (1, 2))


def test_gates_are_products_of_pieces():
    def model(x):
        a, b = jnp.split(linen.Dense(8)(x), 2, -1)
        return a * linen.sigmoid(b)

    steps = linen_steps(model, jnp.ones((2, 4)))
    assert [step.piece for step in of_kind(steps, Kind.SAME)] == [0, 1]
    product = one(steps, Kind.MULTIPLY)
    assert [steps[at].kind for at in product.inputs] == [Kind.SAME, Kind.ACTIVATION]


def test_sums_of_a_signal_and_its_own_normalisation_are_sums():
    steps = linen_steps(lambda x: (h := linen.Dense(8)(x)) + linen.LayerNorm()(h), jnp.ones((2, 4)))
    assert [step.kind.value for step in steps] == ["input", "layer", "normalisation", "addition", "output"]


def test_layers_of_a_scan_are_parts_of_stacked_parameters():
    class Layer(linen.Module):
        @linen.compact
        def __call__(self, h, _):
            return jnp.tanh(linen.Dense(8)(h)), None

    class Model(linen.Module):
        @linen.compact
        def __call__(self, x):
            stack = linen.scan(Layer, variable_axes={"params": 0}, split_rngs={"params": True}, length=3)
            return stack()(x, None)[0]

    x = jnp.ones((2, 8))
    layers = of_kind(reading(Model(), jax.eval_shape(Model().init, KEY, x), x).steps, Kind.LAYER)
    assert [layer.affine.part for layer in layers] == ["axis 0: 0", "axis 0: 1", "axis 0: 2"]
    parameter = np.arange(3.0 * 64.0).reshape(3, 8, 8)
    slot = layers[1].affine.weight
    np.testing.assert_array_equal(slot.taken(parameter), parameter[1].T)
    changed = slot.placed(parameter, np.zeros((8, 8)))
    assert (changed[1] == 0.0).all()
    np.testing.assert_array_equal(changed[[0, 2]], parameter[[0, 2]])


def test_what_is_not_known_is_said():
    def model(p, x):
        return jnp.sort(x @ (p["v"] / jnp.linalg.norm(p["v"], axis=0)) @ p["w"], -1)

    found = reading(model, {"v": jnp.ones((4, 5)), "w": jnp.ones((5, 3))}, jnp.ones((2, 4)))
    notes = [step.note for step in of_kind(found.steps, Kind.UNKNOWN)]
    assert notes == ["its weight is computed from v", "the function sort"]
    assert "computed" in found.uses["v"]


def test_recurrent_cells_are_one_step_that_is_not_known():
    cell = linen.LSTMCell(8)
    steps = linen_steps(lambda x: linen.RNN(cell)(x).sum(1), jnp.ones((2, 5, 4)))
    assert "recurrent" in of_kind(steps, Kind.UNKNOWN)[-1].note


# --- nnx, Equinox, functions ------------------------------------------------------------------------------------------


class Block(nnx.Module):
    def __init__(self, rngs):
        self.norm = nnx.BatchNorm(8, rngs=rngs)
        self.first, self.second = (nnx.Linear(8, 8, rngs=rngs) for _ in range(2))
        self.dropout = nnx.Dropout(0.1, rngs=rngs)

    def __call__(self, x):
        return x + self.second(self.dropout(nnx.gelu(self.first(self.norm(x)))))


def test_modules_of_nnx_are_read_and_left_as_they_are():
    model = Block(nnx.Rngs(0))
    before = jax.tree.map(np.asarray, nnx.state(model, (nnx.Param, nnx.BatchStat)))
    steps = reading(model, None, jnp.ones((4, 8))).steps
    kinds = ["input", "normalisation", "layer", "activation", "dropout", "layer", "addition", "output"]
    assert [step.kind.value for step in steps] == kinds
    assert steps[5].affine.weight_name == "second/kernel"
    after = jax.tree.map(np.asarray, nnx.state(model, (nnx.Param, nnx.BatchStat)))
    jax.tree.map(np.testing.assert_array_equal, before, after)


@pytest.mark.skipif(find_spec("equinox") is None, reason="Equinox is not installed")
def test_modules_of_equinox_are_read_for_one_example_and_for_many():
    import equinox

    model = equinox.nn.MLP(4, 3, 8, 2, activation=jnp.tanh, key=KEY)
    single = reading(model, None, jnp.ones(4)).steps
    many = reading(model, None, jnp.ones((5, 4)), apply=lambda model, x: jax.vmap(model)(x)).steps
    for steps in (single, many):
        layers = of_kind(steps, Kind.LAYER)
        assert [layer.affine.weight_name for layer in layers] == [f"layers/{at}/weight" for at in range(3)]
        assert [layer.affine.weight.shape for layer in layers] == [(8, 4), (8, 8), (3, 8)]
        assert all(layer.affine.bias is not None for layer in layers)
        assert {step.activation.name for step in of_kind(steps, Kind.ACTIVATION)} == {"tanh"}


def test_parameters_may_be_shapes_alone():
    given = {"w": jax.ShapeDtypeStruct((4, 5), "float32")}
    steps = read(lambda p, x: jnp.tanh(x @ p["w"]), given, [jax.ShapeDtypeStruct((2, 4), "float32")]).steps
    assert shown(steps) == [("input", ()), ("layer", (0,)), ("activation", (1,)), ("output", (2,))]


def test_models_that_cannot_be_called_so_are_refused():
    with pytest.raises(EocError, match="cannot be traced with these inputs"):
        reading(lambda p, x: x @ p, jnp.ones((4, 5)), jnp.ones((2, 3)))
    with pytest.raises(EocError, match="needs its variables"):
        reading(linen.Dense(3), None, jnp.ones((2, 3)))
    with pytest.raises(EocError, match=r"module of flax\.linen"):
        reading("model", None, jnp.ones((2, 3)))


@pytest.mark.parametrize("name", ["sort", "any", "median", "frexp", "nanmax", "cov", "cumsum", "argmax", "fft.fft"])
def test_whatever_a_model_calls_it_is_read(name):
    function = jnp.fft.fft if name == "fft.fft" else getattr(jnp, name)

    def model(p, x):
        found = jnp.abs(jax.tree.leaves(function(x @ p["w"]))[0]).astype("float32")
        return jnp.tanh(x @ p["w"] + found.sum()) @ p["v"]

    given = {"w": jnp.ones((4, 5)), "v": jnp.ones((5, 2))}
    steps = reading(model, given, jnp.ones((3, 4))).steps
    assert [layer.affine.weight_name for layer in of_kind(steps, Kind.LAYER)][-1] == "v"
