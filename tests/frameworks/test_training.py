"""The trainability experiment: networks start where theory says, and training shows the published ordering."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sweeps import assert_same

import eoc
from eoc.errors import EocError
from eoc.sweeps import sweep_of
from eoc.training import Curve, Design, dataset, first_variance, network, torch_function, train
from frameworks.statistics import Z, forward_z

CHANCE = 0.1
UNSTABLE = {"sigma_w": 1.82877650272719, "sigma_b": 0.2, "q": 1.18903555401}  # shifted softplus, as published
NAMES = ["abs", "arctan", "celu(alpha=0.5)", "cos", "elu", "elu(alpha=0.5)", "erf", "gelu", "gelu_tanh", "hardswish"]
NAMES += ["hardtanh", "identity", "leaky_relu(slope=0.1)", "mish", "relu", "selu", "shifted_softplus", "sigmoid"]
NAMES += ["silu", "silu(beta=2.0)", "sin", "softplus(beta=2.0)", "softsign", "tanh", "x_plus_half_tanh"]


def on_edge(activation: str, sigma_b: float, **sizes: Any) -> Design:
    point = eoc.edge_of_chaos(activation, sigma_b=sigma_b).best
    return Design(eoc.activation(activation), point.sigma_w, point.sigma_b, point.q, **sizes)


def ordered(activation: str, **sizes: Any) -> Design:
    phi = eoc.activation(activation)
    return Design(phi, 1.0, 1.0, first_variance(phi, 1.0, 1.0), **sizes)


def trained(design: Design, epochs: tuple[int, ...], learning_rate: float = 0.01, seed: int = 0) -> Curve:
    return train(design, dataset("digits"), epochs=epochs, learning_rate=learning_rate, batch_size=64, seed=seed)


@pytest.mark.parametrize("name", NAMES)
def test_activations_are_those_of_eoc(name: str) -> None:
    phi = eoc.activation(name)
    x = torch.linspace(-8.0, 8.0, 1001, dtype=torch.float64, requires_grad=True)
    y = torch_function(phi)(x)
    (slope,) = torch.autograd.grad(y.sum(), x)
    away = np.abs(x.detach().numpy()[:, None] - np.array([*phi.knots, -50.0])).min(1) > 1e-3  # at kinks any slope is
    np.testing.assert_allclose(y.detach(), phi(x.detach().numpy()), rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(slope[away], phi.dphi(x.detach().numpy())[away], rtol=1e-6, atol=1e-9)


def test_other_activations_are_refused() -> None:
    with pytest.raises(EocError, match=r"networks with sign cannot be trained; there are abs, arctan"):
        torch_function(eoc.activation("sign"))


@pytest.mark.parametrize(("activation", "sigma_b"), [("tanh", 0.2), ("relu", 0.0), ("elu", 0.2)])
def test_layers_follow_the_maps(activation: str, sigma_b: float) -> None:
    design = on_edge(activation, sigma_b, width=500, depth=12)
    model = network(design, 64, 10, torch.Generator().manual_seed(3))
    x = design.input_scale * torch.randn(2, 64, generator=torch.Generator().manual_seed(4))
    layers = []
    with torch.no_grad():
        for step in model[:-1]:
            x = step(x)
            if isinstance(step, torch.nn.Linear):
                layers.append(x.numpy())
    z = forward_z(design.activation, design.sigma_w, design.sigma_b, layers)
    assert all(abs(one) < Z for one in z.values()), z


def test_inputs_have_the_variance_q_in_the_first_layer() -> None:
    data = dataset("digits")
    for design in (on_edge("tanh", 0.2, width=2000, depth=2), ordered("relu", width=2000, depth=2)):
        layer = network(design, 64, 10, torch.Generator().manual_seed(0))[0]
        with torch.no_grad():
            h = layer(design.input_scale * torch.from_numpy(data.train_inputs))
        assert float((h**2).mean()) == pytest.approx(design.q, rel=0.1)  # 2000 units, correlated over images


def test_gradients_at_the_start_are_those_of_theory() -> None:
    depth = 30
    for seed in range(2):
        for design in (on_edge("tanh", 0.2, width=200, depth=depth), on_edge("elu", 0.2, width=200, depth=depth)):
            assert 0.5 < trained(design, (0,), seed=seed).gradient_ratio < 2.0
        chi_1 = eoc.phase_of("tanh", 1.0, 1.0).chi_1
        measured = trained(ordered("tanh", width=200, depth=depth), (0,), seed=seed).gradient_ratio
        assert math.log(measured) == pytest.approx(0.5 * (depth - 2) * math.log(chi_1), rel=0.1)


def test_the_edge_of_chaos_trains_and_the_ordered_phase_does_not() -> None:
    sizes = {"width": 60, "depth": 30}
    relu, elu, tanh = (
        trained(on_edge(name, sigma_b, **sizes), (0, 6)).test_accuracy[-1]
        for name, sigma_b in (("relu", 0.0), ("elu", 0.2), ("tanh", 0.2))
    )
    assert min(elu, tanh) > max(0.7, relu + 0.2)  # smooth activations learn faster
    for name in ("elu", "tanh"):
        curve = trained(ordered(name, **sizes), (0, 6))
        assert np.abs(curve.test_accuracy - CHANCE).max() < 0.05
        assert not curve.diverged


def test_shifted_softplus_diverges_at_its_published_point() -> None:
    design = Design(eoc.activation("shifted_softplus"), **UNSTABLE, width=60, depth=60)
    curve = trained(design, (0, 1, 2), learning_rate=0.003)
    assert curve.diverged
    assert curve.test_accuracy[1:].tolist() == [CHANCE, CHANCE]
    assert np.isnan(curve.train_loss[1:]).all()


def test_batch_normalisation_makes_gradients_explode() -> None:
    """By pi / (pi - 1) a layer for ReLU, in the limit of large batches (Yang et al. 2019)."""
    curve = trained(on_edge("relu", 0.0, width=300, depth=20, normalisation="batch"), (0,))
    assert curve.gradient_ratio == pytest.approx((np.pi / (np.pi - 1.0)) ** 9, rel=0.5)


def test_training_is_the_same_again_and_depends_on_the_seed() -> None:
    design = on_edge("tanh", 0.2, width=30, depth=5)
    state = torch.get_rng_state()
    first, second, other = (trained(design, (0, 1, 3), seed=seed) for seed in (7, 7, 8))
    assert torch.equal(torch.get_rng_state(), state)  # the global generator is not touched
    for name in ("epochs", "train_loss", "train_accuracy", "test_accuracy"):
        assert getattr(first, name).tobytes() == getattr(second, name).tobytes()
    assert first.gradient_ratio == second.gradient_ratio != other.gradient_ratio
    assert first.train_loss[0] != other.train_loss[0]
    assert (np.diff(first.seconds) > 0.0).all()
    assert first.train_loss[0] > first.train_loss[2]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": (0, 2, 1)}, r"epochs must be whole numbers >= 0 that increase, got \[0, 2, 1\]"),
        ({"epochs": ()}, "epochs must be"),
        ({"learning_rate": 0.0}, "learning_rate must be a number > 0"),
        ({"batch_size": 0}, "batch_size must be a whole number >= 1"),
    ],
)
def test_what_is_no_training_is_refused(changes: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {"epochs": (1,), "learning_rate": 0.1, "batch_size": 64, "seed": 0} | changes
    with pytest.raises(EocError, match=message):
        train(on_edge("tanh", 0.2, width=10, depth=3), dataset("digits"), **given)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"sigma_w": 1.0, "sigma_b": 0.1, "q": 1.0, "depth": 1}, "width >= 1 and depth >= 2, got 10 and 1"),
        (
            {"sigma_w": 1.0, "sigma_b": 0.1, "q": 1.0, "normalisation": "layer"},
            "must be 'none' or 'batch', got 'layer'",
        ),
        ({"sigma_w": 0.0, "sigma_b": 0.1, "q": 1.0}, "sigma_w must be larger than 0"),
        ({"sigma_w": 1.0, "sigma_b": 1.0, "q": 1.0}, r"q = 1 must be larger than sigma_b\^2 = 1"),
    ],
)
def test_networks_that_there_are_not_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(EocError, match=message):
        Design(eoc.activation("tanh"), **{"width": 10, "depth": 3} | values)


def test_first_variance_where_there_is_none() -> None:
    with pytest.raises(EocError, match=r"variances decay to 0 at sigma_w = 0\.5, sigma_b = 0: give q"):
        first_variance(eoc.activation("tanh"), 0.5, 0.0)


SWEEP = {
    "schema": 1,
    "task": "training",
    "axes": {
        "activation": ["tanh", "relu"],
        "sigma_w": "eoc",
        "sigma_b": [0.2, 0.0],
        "q": [0.51207850, 1.0],
        "width": 20,
        "depth": [3, 6],
        "normalisation": "batch",
        "learning_rate": 0.01,
        "epoch": [0, 2],
    },
    "zip": [["activation", "sigma_b", "q"]],
}


def test_sweeps_train_the_same_networks_in_one_process_and_in_two(tmp_path: Path) -> None:
    found = []
    for workers in (1, 2):
        store = tmp_path / f"{workers}.zarr"
        assert eoc.run_sweep(sweep_of(SWEEP), store, workers=workers).done == 4
        found.append(eoc.open_sweep(store).load())
    assert_same(*(one.drop_vars("train_seconds") for one in found))
    last = found[0].isel(epoch=-1)
    assert (last.test_accuracy > 1.5 * CHANCE).all()
    assert (last.train_loss < found[0].train_loss.isel(epoch=0)).all()
    np.testing.assert_allclose(found[0].chi_1, 1.0, rtol=1e-7)


def test_a_point_of_a_sweep_is_what_train_gives(tmp_path: Path) -> None:
    axes = {"activation": "tanh", "sigma_w": 1.0, "sigma_b": 1.0, "width": 20, "depth": 4}
    axes |= {"learning_rate": 0.01, "epoch": [1]}
    eoc.run_sweep(sweep_of({"schema": 1, "task": "training", "axes": axes}), tmp_path / "one.zarr", workers=1)
    found = eoc.open_sweep(tmp_path / "one.zarr").load()
    curve = trained(ordered("tanh", width=20, depth=4), (1,), seed=int(found.random_seed))
    assert found.train_loss.values.tobytes() == curve.train_loss.tobytes()
    assert float(found.gradient_ratio) == curve.gradient_ratio
    assert float(found.first_variance) == pytest.approx(1.46385089)


def test_a_sweep_says_what_is_missing() -> None:
    axes = {"activation": "tanh", "sigma_w": 1.0, "width": 20, "depth": 4, "learning_rate": 0.01, "epoch": [1]}
    with pytest.raises(EocError, match="mnist needs data_folder, the folder with its files"):
        sweep_of({"schema": 1, "task": "training", "axes": axes | {"dataset": "mnist"}})


def test_numpy_computes_as_before_after_training() -> None:
    trained(on_edge("tanh", 0.2, width=10, depth=2), (0,))
    assert np.float64(5e-324) * np.float64(1.0) > 0.0  # subnormal numbers are there again
