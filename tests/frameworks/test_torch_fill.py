"""eoc_normal_, eoc_orthogonal_ and eoc_bias_ on single tensors."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from eoc.errors import EocError
from eoc.initializers.torch import eoc_bias_, eoc_normal_, eoc_orthogonal_
from eoc.operating_point import operating_point
from frameworks.statistics import Z

FILLS = [eoc_normal_, eoc_orthogonal_]
PLAIN = {"sigma_w": 1.5, "sigma_b": 0.5}


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def z_of_variance(x: torch.Tensor, variance: float) -> float:
    return float((x.double().square().mean() / variance - 1.0) / math.sqrt(2.0 / x.numel()))


@pytest.mark.parametrize("shape", [(300, 200), (64, 32, 5), (64, 16, 3, 3), (16, 8, 3, 3, 3)])
def test_normal_weights_have_variance_sigma_w_squared_over_fan_in(shape):
    weight = nn.Parameter(torch.empty(shape))
    assert eoc_normal_(weight, "tanh", sigma_b=0.2, generator=seeded()) is weight
    assert weight.requires_grad
    assert weight.grad_fn is None
    std = operating_point("tanh", sigma_b=0.2).sigma_w / math.sqrt(math.prod(shape[1:]))
    assert abs(z_of_variance(weight.detach(), std**2)) < Z
    assert abs(float(weight.detach().mean()) / std * math.sqrt(weight.numel())) < Z


def test_weights_and_biases_are_normal():
    weight = eoc_normal_(torch.empty(500, 400), **PLAIN, generator=seeded())
    bias = eoc_bias_(torch.empty(200_000), **PLAIN, generator=seeded(1))
    for x, std in ((weight.flatten() * 20.0, 1.5), (bias, 0.5)):
        cumulated = torch.special.ndtr(x.double().sort().values / std)
        distance = (cumulated - torch.linspace(0, 1, x.numel(), dtype=torch.float64)).abs().max()
        assert float(distance) * math.sqrt(x.numel()) < 2.4  # Kolmogorov: once in 50 000


@pytest.mark.parametrize("shape", [(40, 60), (60, 40), (50, 50)])
def test_orthogonal_matrices_are_exact(shape):
    weight = eoc_orthogonal_(torch.empty(shape, dtype=torch.float64), **PLAIN, generator=seeded())
    rows, columns = shape
    small = weight @ weight.T if rows <= columns else weight.T @ weight
    expected = 1.5**2 * max(1.0, rows / columns) * torch.eye(min(shape), dtype=torch.float64)
    assert torch.allclose(small, expected, rtol=0.0, atol=1e-12)
    assert float(weight.square().mean()) == pytest.approx(1.5**2 / columns, rel=1e-12)


def test_orthogonal_matrices_are_uniformly_distributed():
    """Moments of the entries of a Haar matrix: E u^2 = 1/n, E u^4 = 3/(n(n+2)), E tr = 0, E tr^2 = 1."""
    n, draws, source = 4, 20_000, seeded()
    weight = eoc_orthogonal_(torch.empty(draws * n, n), sigma_w=1.0, sigma_b=0.0, groups=draws, generator=source)
    u = weight.double().view(draws, n, n)
    traces = u.diagonal(dim1=1, dim2=2).sum(1)
    for sample, mean in (
        (u[:, 0, 0], 0.0),
        (u[:, 0, 0] ** 2, 1 / n),
        (u[:, -1, -1] ** 4, 3 / (n * (n + 2))),
        (traces, 0.0),
        (traces**2, 1.0),
        (torch.linalg.det(u), 0.0),
    ):
        assert abs(float((sample.mean() - mean) / sample.std())) * math.sqrt(draws) < Z


@pytest.mark.parametrize(("groups", "kernel"), [(1, (3, 3)), (4, (5,)), (2, (4, 3)), (8, (3,))])
def test_convolutions_are_delta_orthogonal_in_each_group(groups, kernel):
    weight = eoc_orthogonal_(torch.empty(16, 8 // groups, *kernel), **PLAIN, groups=groups, generator=seeded())
    at = tuple(k // 2 for k in kernel)
    centre = weight[(slice(None), slice(None), *at)]
    assert int((weight != 0.0).sum()) == centre.numel()
    rows, columns = 16 // groups, 8 // groups
    for matrix in centre.split(rows):
        assert torch.allclose(matrix.T @ matrix, 1.5**2 * rows / columns * torch.eye(columns), atol=1e-5)


def test_delta_orthogonal_convolutions_keep_the_norm_of_images():
    weight = eoc_orthogonal_(torch.empty(8, 8, 3, 3), sigma_w=1.0, sigma_b=0.0, generator=seeded())
    x = torch.randn(2, 8, 5, 5, generator=seeded(1))
    y = nn.functional.conv2d(x, weight, padding=1)
    assert torch.allclose(y.norm(dim=1), x.norm(dim=1), rtol=1e-5)


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_gets_the_rounded_draw_of_single_precision(fill, dtype):
    single = fill(torch.empty(30, 20), "relu", generator=seeded())
    half = fill(torch.empty(30, 20, dtype=dtype), "relu", generator=seeded())
    assert torch.equal(half, single.to(dtype))


@pytest.mark.parametrize("fill", [*FILLS, eoc_bias_])
def test_the_same_seed_gives_the_same_draw_whatever_the_layout(fill):
    torch.manual_seed(3)
    first = fill(torch.empty(20, 30), **PLAIN)
    assert torch.equal(fill(torch.empty(30, 20).T, **PLAIN, generator=seeded(3)), first)
    assert not torch.equal(fill(torch.empty(20, 30), **PLAIN), first)


@pytest.mark.parametrize("fill", [*FILLS, eoc_bias_])
@pytest.mark.parametrize(
    ("tensor", "message"),
    [
        (torch.empty(3, 3, device="meta"), "to_empty"),
        (torch.empty(3, 3, dtype=torch.int32), "floating-point"),
        (torch.empty(3, 3, dtype=torch.complex64), "floating-point"),
        (torch.eye(3).to_sparse(), "sparse"),
        (nn.UninitializedParameter(), "run one batch"),
        ([[1.0]], "torch.Tensor"),
    ],
)
def test_what_cannot_be_filled_is_refused(fill, tensor, message):
    with pytest.raises(EocError, match=message):
        fill(tensor, "tanh")


@pytest.mark.parametrize("fill", FILLS)
def test_vectors_are_for_the_bias(fill):
    with pytest.raises(EocError, match="eoc_bias_"):
        fill(torch.empty(3), "tanh")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "which activation"),
        ({"sigma_w": 1.0}, "which activation"),
        ({"sigma_w": -1.0, "sigma_b": 0.0}, "sigma_w"),
        ({"sigma_w": 1.0, "sigma_b": math.nan}, "sigma_b"),
        ({"activation": "tanhh"}, "tanh"),
        ({"activation": "sign"}, "sign jumps"),
        ({"activation": "tanh", "generator": 0}, "manual_seed"),
        ({"sigma_w": 1e-9, "sigma_b": 1e-9}, "float32"),
    ],
)
@pytest.mark.parametrize("fill", [*FILLS, eoc_bias_])
def test_bad_arguments_are_named_and_change_nothing(fill, options, message):
    tensor = torch.ones(4, 4, dtype=torch.float16)
    with pytest.raises(EocError, match=message):
        fill(tensor, **options)
    assert torch.equal(tensor, torch.ones_like(tensor))


@pytest.mark.parametrize("groups", [0, 3, True, 2.0])
def test_groups_have_to_divide_the_outputs(groups):
    with pytest.raises(EocError, match="groups"):
        eoc_orthogonal_(torch.empty(4, 4), "tanh", groups=groups)


@pytest.mark.parametrize("fill", FILLS)
def test_empty_weights_come_back(fill):
    assert fill(torch.empty(0, 4), "tanh").shape == (0, 4)
    assert fill(torch.empty(4, 0), "tanh").shape == (4, 0)
