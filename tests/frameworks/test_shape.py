"""Whole PyTorch models with shaped activations, and the code that ``eoc shape --framework`` prints."""

from __future__ import annotations

import copy
import io
import pickle
import subprocess
import sys
from dataclasses import replace

import jax
import keras
import numpy as np
import pytest
import torch
from torch import nn

import eoc
from eoc.cli.framework import Framework
from eoc.cli.shape_code import _WRITTEN, shape_code
from eoc.errors import EocError
from eoc.initializers.plan.bending import bending_layers
from eoc.initializers.plan.settings import Settings
from eoc.initializers.torch import initialize_, shape_
from eoc.initializers.torch.parameters import TorchParameters
from eoc.models.steps import Kind
from eoc.models.torch.read import read

X = np.linspace(-3.0, 3.0, 13)
WITHOUT_EOC = """
import io
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "eoc":
            raise ImportError(name)
sys.meta_path.insert(0, Refuse())
import torch
model, x, y = torch.load(io.BytesIO(sys.stdin.buffer.read()), weights_only=False)
assert torch.equal(model(x), y)
"""


def mlp(phi: type[nn.Module], depth: int, width: int = 400) -> nn.Sequential:
    layers = [m for _ in range(depth) for m in (nn.Linear(width, width), phi())]
    return nn.Sequential(*layers, nn.Linear(width, 10))


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("phi", [nn.GELU, nn.ReLU])
def test_a_deep_model_keeps_variances_gradients_and_differences(phi):
    model = mlp(phi, 40)
    report = shape_(model, generator=seeded())
    assert report.depth == 40
    assert report.modules == tuple(str(2 * i + 1) for i in range(40))
    x = torch.randn(2, 400, generator=seeded(1))
    x = x / x.square().mean(1, keepdim=True).sqrt()
    x[1] = 0.3 * x[0] + (1.0 - 0.3**2) ** 0.5 * x[1]
    h = x
    for i, layer in enumerate(model[:-1]):
        h = layer(h)
        if i == len(model) - 3:  # the pre-activations of the last hidden layer
            last = h
    last = last.detach()
    assert last.square().mean(1).tolist() == pytest.approx([1.0, 1.0], abs=0.35)
    apart = 1.0 - float(torch.nn.functional.cosine_similarity(last[:1], last[1:]))
    assert apart == pytest.approx(report.shapings[0].one_minus_c, rel=0.5)
    model(x).square().sum().backward()
    ratio = float(model[2].weight.grad.square().mean() / model[76].weight.grad.square().mean())
    assert 0.2 < ratio < 5.0
    assert float(model[0].weight.detach().std()) * 20.0 == pytest.approx(1.0, rel=0.02)
    assert not any(layer.bias.any() for layer in model[::2])


def test_modules_are_plain():
    model = mlp(nn.Softplus, 3, 16)
    shape_(model, generator=seeded())
    x = torch.randn(5, 16, generator=seeded(1))
    y = model(x).detach()
    assert torch.equal(pickle.loads(pickle.dumps(model))(x), y)
    assert torch.equal(copy.deepcopy(model)(x), y)
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    assert torch.allclose(compiled(x), y)
    file = io.BytesIO()
    torch.save((model, x, y), file)
    subprocess.run([sys.executable, "-c", WITHOUT_EOC], input=file.getvalue(), check=True)
    assert model.double()(x.double()).dtype == torch.float64


def test_one_module_that_is_used_again_and_again_is_replaced_once():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList(nn.Linear(8, 8) for _ in range(5))
            self.act = nn.Tanh()

        def forward(self, x):
            for layer in self.layers:
                x = self.act(layer(x))
            return x

    model = Model()
    report = shape_(model, generator=seeded())
    assert (report.modules, report.depth) == (("act",), 5)
    assert "tanh, shaped by TAT for 5 layers" in str(report)


class Residual(nn.Module):
    def __init__(self, normalised: bool) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(32) if normalised else nn.Identity()
        self.one, self.act, self.two = nn.Linear(32, 32), nn.GELU(), nn.Linear(32, 32)

    def forward(self, x):
        return x + self.two(self.act(self.one(self.norm(x))))


@pytest.mark.parametrize("normalised", [False, True])
@pytest.mark.parametrize("blocks", [1, 4, 30])
def test_residual_models_bend_as_much_as_a_chain_of_fewer_layers(blocks, normalised):
    model = nn.Sequential(nn.Linear(32, 32), *(Residual(normalised) for _ in range(blocks)), nn.Linear(32, 4))
    reading = read(model)
    shaped = {id(step) for step in reading.steps if step.kind is Kind.ACTIVATION}
    found = bending_layers(TorchParameters(model), reading, shaped, Settings())
    # each branch adds 1/n of the trunk: curvatures 1/(n + 1) of its own add up, and the last branch is one more
    assert found == pytest.approx(1.0 + (blocks - 1) / (blocks + 1), rel=1e-3)
    assert shape_(model, generator=seeded()).depth == max(1, round(found))


def test_a_chain_bends_as_much_as_it_has_layers():
    reading = read(mlp(nn.Tanh, 7, 16))
    shaped = {id(step) for step in reading.steps if step.kind is Kind.ACTIVATION}
    assert bending_layers(TorchParameters(mlp(nn.Tanh, 7, 16)), reading, shaped, Settings()) == pytest.approx(
        7.0, rel=1e-3
    )


def test_initialising_with_shape_does_the_same():
    one, other = mlp(nn.GELU, 5, 30), mlp(nn.GELU, 5, 30)
    report, found = initialize_(one, shape=True, generator=seeded()), shape_(other, generator=seeded())
    assert all(map(torch.equal, one.parameters(), other.parameters()))
    assert report.rows == found.initialisation.rows
    assert report.notes[:2] == found.said
    for wrong in ({"sigma_b": 0.1}, {"points": {}}, {"seed": 1}):
        with pytest.raises(EocError, match=f"{next(iter(wrong))} and shape=True do not go together"):
            initialize_(one, shape=True, **wrong)


def test_what_is_refused_changes_nothing():
    class Functional(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two = nn.Linear(8, 8), nn.Linear(8, 8)

        def forward(self, x):
            return self.two(nn.functional.gelu(self.one(x)))

    for model, problem in (
        (Functional(), "is a function in the forward of the model"),
        (nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 8)), "no activation that could be shaped"),
        (mlp(nn.Hardtanh, 2, 8), "meets the four conditions of DKS"),
    ):
        before = copy.deepcopy(model.state_dict())
        with pytest.raises(EocError, match=problem):
            shape_(model)
        assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def values(code: str, framework: Framework) -> np.ndarray:
    names: dict[str, object] = {"model": nn.Sequential(nn.Linear(4, 4), nn.Conv1d(4, 4, 3), nn.Linear(4, 4))}
    exec(compile(code, "printed", "exec"), names)
    function = next(value for name, value in names.items() if name.startswith("shaped_"))
    if framework is Framework.TORCH:
        assert all(not m.bias.any() for m in names["model"])
        return function(torch.from_numpy(X)).numpy()
    if framework is Framework.JAX:
        weight = names["kernel_init"](jax.random.key(0), (6, 4))
        assert np.allclose(weight.T @ weight, np.eye(4), atol=1e-5)
        return np.asarray(function(jax.numpy.asarray(X)))
    weight = keras.ops.convert_to_numpy(names["kernel_initializer"]((6, 4)))
    assert np.allclose(weight.T @ weight, np.eye(4), atol=1e-5)
    return keras.ops.convert_to_numpy(function(keras.ops.convert_to_tensor(X.astype("float32"))))


@pytest.mark.parametrize("framework", list(Framework))
def test_the_code_that_is_printed_computes_the_function(framework):
    """Of all activations that have a name there, with numbers that are not solved for: only the code is tested."""
    found = eoc.shape("tanh", 3, method="dks")
    for name in sorted(_WRITTEN[framework]):
        phi = eoc.activation(name)
        parameters = tuple(float(value) for value in phi.parameters.values())
        own = eoc.shape("relu", 30) if name == "leaky_relu" else replaced(found, name, parameters)
        inner = own.alpha * X + own.beta
        meant = own.activation(X) if name == "leaky_relu" else own.gamma * (phi(inner) + own.delta)
        assert values(shape_code(own, framework), framework) == pytest.approx(meant, rel=2e-5, abs=2e-5)


def replaced(found: eoc.Shaping, name: str, parameters: tuple[float, ...]) -> eoc.Shaping:
    return replace(found, original=name, parameters=parameters, gamma=1.7, alpha=0.8, beta=0.3, delta=-0.2)
