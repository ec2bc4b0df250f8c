"""The code that ``eoc init --framework`` prints does what ``initialize_`` does for a plain model at the same point."""

from __future__ import annotations

import math
from itertools import pairwise

import jax
import keras
import numpy as np
import pytest
import torch
from torch import nn
from typer.testing import CliRunner

from eoc.cli import app
from eoc.initializers.torch import initialize_
from eoc.operating_point import operating_point
from frameworks.statistics import Z

WIDTHS = (50, 300, 200, 400, 10)
ASKED = {
    ("tanh",): ({"depth": 30}, nn.Tanh),
    ("gelu", "--depth", "12"): ({"depth": 12}, nn.GELU),
    ("relu",): ({"depth": 30}, nn.ReLU),
    ("tanh", "--sigma-b", "0.3"): ({"sigma_b": 0.3}, nn.Tanh),
    ("softplus", "--depth", "5"): ({"depth": 5}, nn.Softplus),
    ("tanh", "--sigma-w", "1"): ({"sigma_w": 1.0, "sigma_b": 0.0}, nn.Tanh),  # q = 0
}


def printed(asked: tuple[str, ...], framework: str) -> str:
    done = CliRunner().invoke(app, ["init", *asked, "--framework", framework], catch_exceptions=False)
    return done.stdout[done.stdout.index("# or by eoc") :]


def mlp(activation: type[nn.Module]) -> nn.Sequential:
    layers = [m for a, b in pairwise(WIDTHS) for m in (nn.Linear(a, b), activation())]
    return nn.Sequential(*layers[:-1])


def of_torch(code: str) -> list[np.ndarray]:
    torch.manual_seed(0)
    model = mlp(nn.Tanh)
    exec(compile(code, "printed", "exec"), {"model": model})
    return [part.detach().numpy() for layer in model[::2] for part in (layer.weight, layer.bias)]


def of_jax(code: str) -> list[np.ndarray]:
    names: dict[str, object] = {}
    exec(compile(code, "printed", "exec"), names)
    out, keys = [], iter(jax.random.split(jax.random.key(0), 2 * len(WIDTHS)))
    for at, (a, b) in enumerate(pairwise(WIDTHS)):
        name = {0: "first_", len(WIDTHS) - 2: "last_"}.get(at, "")
        bias = names["last_bias_init" if name == "last_" else "bias_init"]
        out += [np.asarray(names[f"{name}kernel_init"](next(keys), (a, b))).T, np.asarray(bias(next(keys), (b,)))]
    return out


def of_keras(code: str) -> list[np.ndarray]:
    keras.utils.set_random_seed(0)
    names: dict[str, object] = {}
    exec(compile(code, "printed", "exec"), names)
    model = keras.Sequential([keras.layers.Input((WIDTHS[0],))])
    for at, units in enumerate(WIDTHS[1:]):
        name = {0: "first_", len(WIDTHS) - 2: "last_"}.get(at, "")
        bias = names["last_bias_initializer" if name == "last_" else "bias_initializer"]
        kernel = names[f"{name}kernel_initializer"]
        model.add(keras.layers.Dense(units, kernel_initializer=kernel, bias_initializer=bias))
    return [keras.ops.convert_to_numpy(array.value).T for layer in model.layers for array in layer.weights]


@pytest.mark.parametrize("asked", ASKED, ids=" ".join)
@pytest.mark.parametrize("run", [of_torch, of_jax, of_keras])
def test_the_printed_code_draws_as_initialize_does(run, asked):
    options, activation = ASKED[asked]
    drawn = run(printed(asked, run.__name__[3:]))
    if not {"sigma_w", "sigma_b"} & set(options):  # without a point the last hidden layer has one of its own
        place = operating_point(activation(), **options)
        options = {**options, "sigma_w": place.sigma_w, "sigma_b": place.sigma_b}
    vanishes = options.get("sigma_w") == 1.0  # the printed code does not follow variances that decay: all are alike
    rows = initialize_(mlp(activation), **options, output_variance=None if vanishes else 1.0).rows
    for at, (row, values) in enumerate(zip(rows, drawn, strict=True)):
        if row.method == "constant":
            assert not values.any()
        elif values.ndim == 1:
            assert abs(float(np.mean(values**2)) / row.std**2 - 1.0) < Z * math.sqrt(2.0 / values.size)
        else:
            assert row.method == "orthogonal"
            gram = values @ values.T if values.shape[0] <= values.shape[1] else values.T @ values
            size = row.std**2 * max(values.shape)
            assert np.allclose(gram, size * np.eye(len(gram)), atol=1e-5 * size), (at, row)


def test_kernels_of_convolutions_are_gaussian_in_all_of_them():
    asked, std = ("tanh", "--sigma-b", "0.2"), 1.3041458400565114 / math.sqrt(9 * 64)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 64, 3), nn.Conv2d(64, 128, 3), nn.Conv2d(128, 1, 3))
    exec(compile(printed(asked, "torch"), "printed", "exec"), {"model": model})
    names: dict[str, object] = {}
    exec(compile(printed(asked, "jax"), "printed", "exec"), names)
    of_flax = names["kernel_init"](jax.random.key(0), (3, 3, 64, 128))
    exec(compile(printed(asked, "keras"), "printed", "exec"), names)
    for values in (
        model[1].weight.detach().numpy(),
        np.asarray(of_flax),
        keras.ops.convert_to_numpy(names["kernel_initializer"]((3, 3, 64, 128))),
    ):
        assert abs(np.mean(values**2) / std**2 - 1.0) < Z * math.sqrt(2.0 / values.size)
        assert abs(np.mean(values**4) / (3.0 * std**4) - 1.0) < Z * math.sqrt(96.0 / 9.0 / values.size)


@pytest.mark.parametrize("name", ["tanh", "gelu"])
def test_variances_begin_and_stay_at_q_and_end_at_1(name):
    text = printed((name, "--depth", "20"), "torch")
    torch.manual_seed(0)
    phi = {"tanh": nn.Tanh, "gelu": nn.GELU}[name]
    model = nn.Sequential(*(m for _ in range(19) for m in (nn.Linear(500, 500), phi())), nn.Linear(500, 500))
    exec(compile(text, "printed", "exec"), {"model": model})
    q = float(text.split("q = ")[1].split(",")[0])
    x = torch.randn(50, 500)
    with torch.no_grad():
        for at, module in enumerate(model):
            x = module(x)
            if at in (0, 10, 20):
                assert float(x.square().mean()) == pytest.approx(q, rel=0.25)
    assert float(x.square().mean()) == pytest.approx(1.0, rel=0.6)  # F' > 1 for gelu
