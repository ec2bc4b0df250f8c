"""Waves over positions, and critical places of networks that are padded by zeros: reference values and properties."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from truth import rows

import eoc
from eoc.criticality import edge_of_chaos, padded_edge
from eoc.errors import EocError, UnsupportedError
from eoc.layers import mode_factor, padding_eigenvalue
from eoc.phase import mode_decay, phase_of
from eoc.propagation import propagate_positions

RECORDS = rows("convolutions.jsonl")
KERNELS: dict[str, Any] = {"uniform3": 3, "uniform5": 5, "delta": (0, 1, 0)}


def named(case: str) -> list[Any]:
    found = [pytest.param(r, id=f"{r['quantity']} {i}") for i, r in enumerate(RECORDS) if r["case"] == case]
    assert found
    return found


@pytest.mark.parametrize("r", named("mode factor"))
def test_what_convolutions_keep_of_waves(r: dict[str, Any]) -> None:
    found = mode_factor(KERNELS[r["kernel"]], int(r["n"]), int(r["k"]))
    assert found == pytest.approx(float(r["value"]), rel=1e-14)


@pytest.mark.parametrize("r", named("zero padding"))
def test_what_padding_by_zeros_loses(r: dict[str, Any]) -> None:
    n, value = int(r["n"]), float(r["value"])
    if r["quantity"] == "lambda":
        assert padding_eigenvalue(3, n) == pytest.approx(value, rel=1e-14)
        return
    edge = padded_edge("relu, conv(3, pad='zero')", positions=n)
    assert edge.sigma_w**2 == pytest.approx(value, rel=1e-13)
    assert abs(edge.sigma_w**2 - value) <= 2.0 * edge.sigma_w * edge.sigma_w_error + 4e-16 * value
    sines = np.sin(np.pi * np.arange(1, n + 1) / (n + 1))
    assert edge.gradients == pytest.approx(sines / sines.mean(), rel=1e-9)


@pytest.mark.parametrize("r", named("mode decay"))
def test_how_fast_waves_decay(r: dict[str, Any]) -> None:
    sigmas = float(r["sw2"]) ** 0.5, float(r["sb2"]) ** 0.5
    found = mode_decay(f"{r['activation']}, conv(3)", *sigmas, positions=int(r["n"]), mode=int(r["k"]))
    is_rate, true = r["quantity"] == "rate", float(r["value"])
    value, error = (found.rate, found.error) if is_rate else (found.depth_scale, found.depth_scale_error)
    assert value == pytest.approx(true, rel=1e-13)
    assert abs(value - true) <= error + 4e-16 * true


@pytest.mark.parametrize("of", ["correlation", "variance"])
def test_waves_of_covariances_decay_at_that_rate(of: Any) -> None:
    """A small wave on what is kept: correlations of two inputs go by f'(c*), variances by F'(q*), times |A(k)|."""
    n, text, sigmas = 8, "erf, conv(3)", (2.0, 0.3)
    settled, wave = phase_of(text, *sigmas), 1e-4 * np.cos(2.0 * np.pi * np.arange(n) / n)
    assert settled.phase == "chaotic"
    q = settled.q * (1.0 + wave * (of == "variance"))
    across = settled.c_star * np.sqrt(np.outer(q, q)) * np.diag(1.0 + wave * (of == "correlation"))
    own = np.diag(q)
    k = np.block([[own, across], [across, own]]).reshape(2, n, 2, n)
    run = propagate_positions(text, covariance=k, depth=1, sigma_w=sigmas[0], sigma_b=sigmas[1], pairs="aligned")
    after = run.q[0] if of == "variance" else run.covariance[0, 1] / settled.q
    before = q if of == "variance" else settled.c_star * (1.0 + wave)
    kept = abs(np.fft.fft(after)[1]) / abs(np.fft.fft(before)[1])
    assert kept == pytest.approx(mode_decay(text, *sigmas, positions=n, mode=1, of=of).rate, rel=1e-4)


def test_modes_along_several_axes_and_layers() -> None:
    assert mode_factor(3, (8, 6), (1, 2)) == pytest.approx(0.0, abs=1e-15)
    assert mode_factor(3, (8, 8), (1, 3)) == pytest.approx(mode_factor(3, 8, 1) * mode_factor(3, 8, 3), rel=1e-14)
    assert mode_factor(np.ones((3, 3)), (8, 8), (1, 3)) == pytest.approx(mode_factor(3, (8, 8), (1, 3)), rel=1e-14)
    assert mode_factor((1, 2, 0, 5), 7, 0) == 1.0
    two = mode_decay("tanh, conv(3), tanh, conv(5, 1.2)", 1.3, positions=9, mode=1)
    assert two.factor == pytest.approx(mode_factor(3, 9, 1) * mode_factor(5, 9, 1), rel=1e-14)


def test_reflecting_edges_lose_nothing() -> None:
    assert padding_eigenvalue(3, 8, "reflect") == padding_eigenvalue((1, 2, 1), (5, 6), "circular") == 1.0
    assert padding_eigenvalue(3, (8, 5)) == pytest.approx(
        padding_eigenvalue(3, 8) * padding_eigenvalue(3, 5), rel=1e-14
    )
    assert padding_eigenvalue(np.ones((3, 3)), (25, 25)) == pytest.approx(padding_eigenvalue(3, 25) ** 2, rel=1e-13)


@pytest.mark.parametrize("pad", ["circular", "reflect"])
def test_without_zeros_the_edge_is_that_of_dense_layers(pad: str) -> None:
    found, plain = padded_edge(f"tanh, conv(3, pad='{pad}')", 0.2, positions=6), edge_of_chaos("tanh", sigma_b=0.2).best
    assert found.sigma_w == pytest.approx(plain.sigma_w, rel=1e-12)
    assert abs(found.sigma_w - plain.sigma_w) <= found.sigma_w_error + plain.sigma_w_error
    assert found.q == pytest.approx(np.full(6, plain.q), rel=1e-11)


@pytest.mark.parametrize(
    ("text", "sigma_b"), [("erf, conv(3, pad='zero')", 0.3), ("tanh, conv(3, pad='zero', profile=(1, 2, 1))", 0.0)]
)
def test_gradients_keep_their_size_at_the_padded_edge(text: str, sigma_b: float) -> None:
    """Squared derivatives of layer 40 by layer 0, over those of layer 30: 1 to within what is left of other modes."""
    found = padded_edge(text, sigma_b, positions=4)
    start = np.maximum(found.q, 1e-8)
    k = np.einsum("i,ij->ij", start, np.eye(4))[None, :, None, :]
    run = propagate_positions(text, covariance=k, depth=40, sigma_w=found.sigma_w, sigma_b=sigma_b, pairs="aligned")
    late, early = (run.steps[2 * depth].chi.sum() for depth in (40, 30))
    assert late / early == pytest.approx(1.0, abs=1e-5)


def test_relu_is_critical_at_the_same_place_whatever_its_biases() -> None:
    found = padded_edge("relu, conv(3, pad='zero')", 0.5, positions=8)
    assert found.sigma_w**2 == pytest.approx(2.0 / padding_eigenvalue(3, 8), rel=1e-12)
    assert np.isinf(found.q).all()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: mode_factor(3, 8, 1.5), "whole number for each axis"),
        (lambda: mode_factor(3, (8, 8), 1), "whole number for each axis"),
        (lambda: mode_factor(3, 0, 1), "positions must be a whole number >= 1"),
        (lambda: mode_factor(np.ones((3, 3)), 8, 1), "does not go with"),
        (lambda: padding_eigenvalue(3, 8, "none"), "fewer positions"),
        (lambda: padding_eigenvalue(0, 8), "kernel must be"),
        (lambda: mode_decay("tanh, dense", 1.0, positions=8, mode=1), "has no convolution"),
        (lambda: mode_decay("tanh, conv(3)", positions=8, mode=1), "sigma_w must be a number"),
        (lambda: mode_decay("tanh, conv(3)", 1.0, positions=8, mode=1, of="gradient"), "of must be"),  # type: ignore[arg-type]
        (lambda: mode_decay("x^2, conv(3)", 2.0, 1.0, positions=8, mode=1), "settle nowhere"),
        (lambda: padded_edge("tanh, conv(3, 1.2, pad='zero')", positions=8), "nothing free"),
        (lambda: padded_edge("gelu, conv(3, pad='zero')", 0.1, positions=8), "run away"),
        (lambda: padded_edge("residual(tanh, conv(3, pad='zero'))", 0.1, positions=8), "explode for every sigma_w"),
        (lambda: padded_edge("x^2, conv(3, pad='zero')", positions=8), "no slope at 0"),
        (lambda: padded_edge("tanh, conv(30, pad='zero')", 0.1, positions=8), "larger than the input"),
    ],
)
def test_what_is_refused(make: Any, words: str) -> None:
    with pytest.raises(EocError, match=words):
        make()


def test_what_has_no_waves() -> None:
    for text in ("tanh, conv(3, pad='reflect')", "tanh, conv(3, stride=2)"):
        with pytest.raises(UnsupportedError, match="item 2, conv: waves stay waves"):
            mode_decay(text, 1.2, positions=8, mode=1)
    with pytest.raises(UnsupportedError, match="item 1, residual: a convolution in a branch"):
        mode_decay("residual(tanh, conv(3))", 1.2, positions=8, mode=1)
    with pytest.raises(UnsupportedError, match="has to keep them"):
        padded_edge("tanh, conv(3, stride=2)", positions=8)


def test_names_of_the_package() -> None:
    assert eoc.padded_edge is padded_edge
    assert (eoc.mode_decay, eoc.mode_factor, eoc.padding_eigenvalue) == (mode_decay, mode_factor, padding_eigenvalue)
