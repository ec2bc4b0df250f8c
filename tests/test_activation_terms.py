"""Activations that are written as in the code of a framework, without one."""

from __future__ import annotations

import subprocess
import sys

import pytest
from typer.testing import CliRunner

import eoc
from eoc.activations.argument.terms import families, known_names, term
from eoc.cli import app
from eoc.errors import EocError


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("torch.nn.GELU", "gelu"),
        ("nn.GELU()", "gelu"),
        ('nn.GELU("tanh")', "gelu_tanh"),
        ("torch.nn.GELU(approximate='tanh')", "gelu_tanh"),
        ("F.gelu", "gelu"),
        ("torch.tanh", "tanh"),
        ("torch.nn.functional.leaky_relu(x, 0.2)", "leaky_relu(slope=0.2)"),
        ("F.leaky_relu(x, negative_slope=0.2, inplace=True)", "leaky_relu(slope=0.2)"),
        ("nn.ReLU(inplace=True)", "relu"),
        ("nn.PReLU()", "leaky_relu(slope=0.25)"),
        ("nn.LeakyReLU(0.2)(x)", "leaky_relu(slope=0.2)"),
        ("nn.ELU(0.5, True)", "elu(alpha=0.5)"),
        ("nn.Hardtanh(0, 6)", "relu6"),
        ("jax.nn.gelu", "gelu_tanh"),
        ("jax.nn.gelu(x, approximate=False)", "gelu"),
        ("flax.linen.gelu", "gelu_tanh"),
        ("nn.swish", "silu"),
        ("jnp.sin", "sin"),
        ("keras.activations.gelu", "gelu"),
        ("keras.activations.leaky_relu", "leaky_relu(slope=0.2)"),
        ("keras.layers.LeakyReLU", "leaky_relu(slope=0.3)"),
        ("keras.layers.LeakyReLU(0.2)", "leaky_relu(slope=0.2)"),
        ("tf.keras.layers.LeakyReLU(alpha=0.2)", "leaky_relu(slope=0.2)"),
        ("keras.layers.Activation('elu', name='a')", "elu"),
        (" nn . Tanh ( ) ".replace(" . ", "."), "tanh"),
    ],
)
def test_a_text_of_a_framework_is_looked_up(text, name):
    assert eoc.activation(text) is eoc.activation(name)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nn.GeLU", r"did you mean .*nn\.GELU"),
        ("jax.nn.leaky_rely", r"did you mean jax\.nn\.leaky_relu"),
        ("nn.Softmax(-1)", "of that element alone"),
        ("F.softmax(x, dim=-1)", "of that element alone"),
        ("np.tanh", "did you mean 'tanh'.* numpy:tanh"),
        ("tf.nn.gelu", "did you mean 'gelu'"),
        ("mylib.acts.foo", "mylib.acts:foo"),
        ("nn.ELU(beta=2)", "no such parameters"),
        ("nn.Threshold", "or lacks one"),
        ("nn.ReLU(6)", "no such parameters"),
        ("nn.LeakyReLU('a')", "no such parameters"),
        ("keras.layers.LeakyReLU(negative_slope=None)", "no such parameters"),
        ("nn.GELU('foo')", "'none' or 'tanh', got 'foo'"),
        ("nn.Hardtanh(2, 1)", "below max_val"),
        ("nn.ELU(0.5)(2)", "numbers only"),
        ("nn.ELU(0.5)(x)(x)", "numbers only"),
        ("nn.ELU(__import__('os').getcwd())", "numbers only"),
        ("nn.ELU(**{'alpha': 2})", "numbers only"),
        ("torch.tanh(x)*x", "dot"),
        ("0.5*torch.tanh(x)", "dot"),
    ],
)
def test_what_is_none_says_what_to_type(text, message):
    with pytest.raises(EocError, match=message):
        eoc.activation(text)


def test_looking_up_imports_no_framework():
    code = (
        "import sys, eoc; print(eoc.activation('torch.nn.GELU()').name, eoc.activation('jax.nn.gelu').name, "
        "eoc.activation(lambda x: x).name, sorted({'torch', 'jax', 'keras'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "gelu gelu_tanh callable []"


@pytest.mark.parametrize("family", families())
def test_every_term_is_an_activation(family):
    for name in known_names(family):
        needed = {"threshold": 0.5, "value": -1.0, "default_value": -1.0, "activation": "tanh"}
        text = term(family, name) or next(
            found for found in (term(family, name, (), {k: needed[k] for k in keys}) for keys in _NEEDED) if found
        )
        assert eoc.activation(text)(0.3) == pytest.approx(float(eoc.activation(text)([0.3])[0]))


_NEEDED = [("threshold", "value"), ("threshold", "default_value"), ("activation",)]


def test_parameters_that_are_no_numbers_are_none_that_are_known():
    assert term("torch", "leaky_relu", ([0.1, 0.2],)) is None
    assert term("torch", "clamp", (), {"min": object()}) is None


def test_the_command_line_takes_them():
    run = CliRunner().invoke(app, ["describe", "keras.layers.LeakyReLU(0.2)"])
    assert run.exit_code == 0
    assert run.stdout.startswith("leaky_relu(slope=0.2)")
