"""Kernels of activations as functions of PyTorch and JAX: values, slopes, transformations, and what is refused."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

import eoc.kernels.jax
import eoc.kernels.torch
from eoc.errors import EocError, UnsupportedError
from eoc.gaussian.moments import moments
from eoc.gaussian.pairs import pair_moments

RANGE = (1.0, 2.0)
KINK = "tanh(x) + abs(x)/9"


def pairs(n: int = 400) -> tuple[Any, ...]:
    """Variances and covariances: close and equal inputs, opposite ones, and any; the last are exact 1 - c."""
    rng = np.random.default_rng(0)
    a, b = RANGE[0] * 2.0 ** rng.random((2, n))
    b[: n // 3] = np.clip(a[: n // 3] * (1.0 + 10.0 ** rng.uniform(-12.0, -0.3, n // 3)), *RANGE)
    b[:9] = a[:9]
    e = np.where(rng.random(n) < 0.5, 10.0 ** rng.uniform(-12.0, 0.0, n), 2.0 * rng.random(n))
    e[:3] = 0.0
    k = (1.0 - e) * np.sqrt(a * b)
    k[:3] = a[:3]
    exact = [np.longdouble(x) for x in (a, b, k)]
    e = np.asarray(1.0 - exact[2] / np.sqrt(exact[0] * exact[1]), dtype=float)
    return a, b, k, np.clip(e, 0.0, 2.0)


def one_of(library: str, name: str) -> Any:
    return (eoc.kernels.torch if library == "torch" else eoc.kernels.jax).dual(name, q=RANGE)


def tensors(*arrays: Any) -> list[torch.Tensor]:
    return [torch.tensor(one, dtype=torch.float64, requires_grad=True) for one in arrays]


@pytest.fixture(autouse=True)
def double() -> Any:
    with jax.enable_x64(True):
        yield


@pytest.mark.parametrize("name", ["erf", KINK])
def test_values_are_those_of_pairs(name: str) -> None:
    a, b, k, e = pairs()
    n, q = a.size, np.concatenate([a, b])
    known = pair_moments(name, q, np.arange(n), n + np.arange(n), one_minus_c=e)
    of_torch, of_jax = one_of("torch", name)(*tensors(a, b, k)), one_of("jax", name)(a, b, k)
    m = moments(name, q, ("V", "D"))
    far = 4e-16 * (e > 1.9) / np.sqrt(np.maximum(2.0 - e, 1e-17))  # of a kink: 1 + c was rounded
    for i, (part, at_one) in enumerate((("K", "V"), ("Kd", "D"))):
        size = np.sqrt(m[at_one].value[:n] * m[at_one].value[n:])
        for found in (of_torch[i].detach().numpy(), np.asarray(of_jax[i])):
            assert (np.abs(found - known[part].value) <= 1e-12 * size + far).all()
    assert max(one_of("torch", name).error) < 1e-11


def erf_kernel(a: Any, b: Any, k: Any) -> tuple[Any, Any]:
    """Williams (1997)."""
    scale = torch.sqrt((1.0 + 2.0 * a) * (1.0 + 2.0 * b))
    return 2.0 / torch.pi * torch.asin(2.0 * k / scale), 4.0 / torch.pi / torch.sqrt(scale**2 - 4.0 * k**2)


def relu_kernel(a: Any, b: Any, k: Any) -> tuple[Any, Any]:
    """Cho & Saul (2009)."""
    unit = torch.sqrt(a * b)
    theta = torch.acos(k / unit)
    return (torch.sqrt(a * b - k**2) + k * (torch.pi - theta)) / (2.0 * torch.pi), 0.5 - theta / (2.0 * torch.pi)


def slopes(function: Any, *args: Any) -> tuple[list[Any], list[Any]]:
    """By all arguments, of both parts, and those of what changes Kd."""
    found = function(*args)
    one = [g for part in found for g in torch.autograd.grad(part.sum(), args, create_graph=True)]
    return one, list(torch.autograd.grad(sum(g.sum() for g in one[3:]), args))


@pytest.mark.parametrize(("name", "closed"), [("erf", erf_kernel), ("relu", relu_kernel)])
def test_slopes_are_those_of_closed_forms(name: str, closed: Any) -> None:
    a, b, k, e = pairs()
    apart = np.minimum(e, 2.0 - e) > 1e-2
    args = tensors(*(x[apart] for x in (a, b, k)))
    found, known = slopes(one_of("torch", name), *args), slopes(closed, *args)
    for order, accuracy in ((0, 1e-10), (1, 1e-6)):
        for one, other in zip(found[order], known[order], strict=True):
            assert ((one - other).abs() <= accuracy * (1.0 + other.abs())).all()


@pytest.mark.parametrize("name", ["relu", "erf"])
def test_both_frameworks_have_the_same_slopes(name: str) -> None:
    a, b, k, _ = pairs(60)
    args = tensors(a, b, k)
    found, _ = slopes(one_of("torch", name), *args)
    f = one_of("jax", name)
    both = [jax.grad(lambda *x, i=i: f(*x)[i].sum(), argnums=(0, 1, 2))(a, b, k) for i in range(2)]
    for one, other in zip(found, both[0] + both[1], strict=True):
        assert np.isfinite(np.asarray(other)).all()
        assert np.allclose(one.detach().numpy(), other, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("name", ["relu", "elu", KINK])
def test_slopes_by_k_are_kd_and_by_q_hold_at_equal_inputs(name: str) -> None:
    f = one_of("torch", name)
    a, b, k, _ = pairs()
    args = tensors(a, b, k)
    value, kd = f(*args)
    assert (torch.autograd.grad(value.sum(), args[2])[0] == kd).all()
    # Along equal inputs K is E[phi^2] and Kd is E[phi'^2], functions of q.
    (q,) = tensors(np.linspace(1.1, 1.9, 7))
    h = 1e-3
    for part, at_one in enumerate(("V", "D")):
        (slope,) = torch.autograd.grad(f(q, q, q)[part].sum(), q)
        near = [moments(name, q.detach().numpy() + step * h, (at_one,))[at_one].value for step in (-2, -1, 1, 2)]
        quotient = (near[0] - 8.0 * near[1] + 8.0 * near[2] - near[3]) / (12.0 * h)
        assert np.allclose(slope.numpy(), quotient, rtol=1e-6, atol=1e-7)


@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")  # of torch.func.jvp itself
def test_transformations_of_torch() -> None:
    f = one_of("torch", "erf")
    a, b, k = (x.detach()[:40] for x in tensors(*pairs(60)[:3]))
    value, kd = f(a, b, k)
    every = torch.func.vmap(f)(a, b, k)
    assert all(torch.equal(one, other) for one, other in zip(every, (value, kd), strict=True))
    rows = torch.func.vmap(f, in_dims=(0, None, None))(a, b[:5, None], k[0] * 0.1)
    assert torch.allclose(rows[0], f(a[:, None, None], b[:5, None], k[0] * 0.1)[0])
    slope = torch.func.vmap(torch.func.grad(lambda *x: f(*x)[0], argnums=2))(a, b, k)
    assert torch.allclose(slope, kd, rtol=1e-14)
    _, moved = torch.func.jvp(lambda x: f(a, b, x)[0], (k,), (torch.ones_like(k),))
    assert torch.allclose(moved, kd, rtol=1e-14)
    hessian = torch.func.hessian(lambda x: f(a[9], b[9], x)[0])(k[9] * 0.5)
    assert hessian == pytest.approx(torch.func.grad(lambda x: f(a[9], b[9], x)[1])(k[9] * 0.5).item(), rel=1e-9)


def test_transformations_of_jax() -> None:
    f = one_of("jax", "relu")
    a, b, k = (jnp.asarray(x[:40]) for x in pairs(60)[:3])
    value, kd = f(a, b, k)
    assert all(jnp.allclose(x, y, rtol=1e-14) for x, y in zip(jax.vmap(f)(a, b, k), (value, kd), strict=True))
    assert jnp.allclose(jax.vmap(lambda x: f(x, b, 0.1)[0])(a), f(a[:, None], b, 0.1)[0], rtol=1e-14)
    assert jnp.allclose(jax.jit(jax.vmap(jax.grad(lambda *x: f(*x)[0], argnums=2)))(a, b, k), kd, rtol=1e-14)
    second = jax.grad(lambda x: jax.grad(lambda y: f(2.0, 1.5, y)[0])(x) + f(x, x, x)[1])(1.2)
    other = jax.grad(lambda x: f(2.0, 1.5, x)[1] + f(x, x, x)[1])(1.2)
    assert float(second) == pytest.approx(float(other), rel=1e-12)


def test_many_pairs_come_in_parts() -> None:
    a, b, k, _ = pairs()
    many = [np.tile(x, 170) for x in (a, b, k)]
    for library in ("torch", "jax"):
        f = one_of(library, "relu")
        few, all_of_them = f(*map(np.asarray, (a, b, k))), f(*many)
        for one, other in zip(few, all_of_them, strict=True):
            assert np.allclose(np.tile(np.asarray(one), 170), np.asarray(other), rtol=1e-14, atol=1e-16)


def test_refusals() -> None:
    for library in ("torch", "jax"):
        f = one_of(library, "erf")
        with pytest.raises(EocError, match=r"between 1 and 2 for this kernel of erf, got 3: dual\(\.\.\., q="):
            f(1.0, 3.0, 0.1)
        with pytest.raises(EocError, match=r"at most 1, got 1\.5"):
            f(1.0, 1.0, 1.5)
        with pytest.raises(EocError, match="got nan"):
            f(1.0, float("nan"), 0.1)
        with pytest.raises(UnsupportedError, match="jumps"):
            one_of(library, "sign")
    with pytest.raises(Exception, match=r"between 1 and 2"):
        jax.block_until_ready(jax.jit(one_of("jax", "erf"))(1.0, 3.0, 0.1))
    with pytest.raises(EocError, match="two variances"):
        eoc.kernels.torch.dual("erf", q=(2.0, 1.0))
    with pytest.raises(EocError, match="factor of 16000"):
        eoc.kernels.torch.dual("erf", q=(1e-3, 1e3))
    with jax.enable_x64(False), pytest.raises(EocError, match="jax_enable_x64"):
        one_of("jax", "erf")
