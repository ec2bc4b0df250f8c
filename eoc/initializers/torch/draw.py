"""Random numbers into tensors: normal ones, and orthogonal matrices."""

from __future__ import annotations

from typing import Any

import torch

from eoc.errors import EocError

__all__ = ["check_generator", "check_range", "check_tensor", "draw_normal", "draw_orthogonal", "is_sharded", "put"]

_WIDEST = 16.0  # standard deviations: no draw is ever further out


def check_tensor(tensor: object, name: str, *, dimensions: int) -> None:
    """Refuse what cannot be filled, with what to do instead.

    Raises
    ------
    EocError
        Unless it is a materialised, dense tensor of real floating-point numbers, each in a place of its own, that may
        be written to and has at least so many dimensions.
    """
    if not isinstance(tensor, torch.Tensor):
        raise EocError(f"{name} must be a torch.Tensor, got {type(tensor).__name__}")
    if isinstance(tensor, torch.nn.parameter.UninitializedTensorMixin):
        raise EocError(f"{name} has no shape yet: run one batch through the lazy module first")
    if tensor.is_meta:
        raise EocError(
            f"{name} is on the meta device and holds no numbers: materialise it first, model.to_empty(device=...)"
        )
    if tensor.is_quantized or not tensor.is_floating_point() or tensor.layout != torch.strided:
        kind = "quantised " if tensor.is_quantized else "" if tensor.layout == torch.strided else "sparse "
        raise EocError(f"{name} must be dense and of real floating-point numbers, got a {kind}tensor of {tensor.dtype}")
    if tensor.is_inference() and not torch.is_inference_mode_enabled():
        raise EocError(f"{name} was made in inference mode and cannot be written to outside of it: clone() it")
    if any(step == 0 and length > 1 for step, length in zip(tensor.stride(), tensor.shape, strict=True)):
        raise EocError(f"{name} is expanded, several of its numbers are one in memory: clone() it")
    if tensor.dim() < dimensions:
        raise EocError(
            f"{name} must have at least {dimensions} dimensions, (outputs, inputs, ...), got shape "
            f"{tuple(tensor.shape)}; for biases take eoc_bias_"
        )


def check_generator(generator: object) -> None:
    """Refuse what is not a torch.Generator."""
    if generator is not None and not isinstance(generator, torch.Generator):
        raise EocError(
            f"generator must be a torch.Generator, got {generator!r}; for a seed: torch.Generator().manual_seed(seed)"
        )


def check_range(std: float, dtype: torch.dtype, name: str) -> None:
    """Refuse a standard deviation that numbers of this type cannot hold."""
    limits = torch.finfo(dtype)
    if std != 0.0 and not limits.tiny <= std <= limits.max / _WIDEST:
        raise EocError(
            f"{name} would have the standard deviation {std:.3g}, which {dtype} cannot hold (from {limits.tiny:.3g} to "
            f"{limits.max / _WIDEST:.3g}); initialise in torch.float32 and convert after"
        )


@torch.no_grad()
def draw_normal(tensor: torch.Tensor, std: float, generator: torch.Generator | None) -> torch.Tensor:
    """Fill a tensor with independent N(0, std^2), in place.

    Numbers are drawn in float32, or float64 for that, on the CPU, or the device of the generator, and rounded: the same
    seed gives the same draw in half precision, and on every device.
    """
    return put(tensor, _normal(tuple(tensor.shape), tensor, generator).mul_(std))


@torch.no_grad()
def draw_orthogonal(
    weight: torch.Tensor, sigma_w: float, groups: int, generator: torch.Generator | None
) -> torch.Tensor:
    """Fill a weight with an orthogonal matrix for each group, at the centre tap of a kernel, in place.

    Each matrix is uniformly distributed (Haar measure); its entries have the mean square sigma_w^2 / inputs.
    """
    rows, columns = weight.shape[0] // groups, weight.shape[1]
    gaussian = _normal((groups, max(rows, columns), min(rows, columns)), weight, generator)
    q, r = torch.linalg.qr(gaussian)
    # The signs that make the factorisation unique make q Haar distributed (Mezzadri 2007, arXiv math-ph/0609050).
    q.mul_(torch.where(r.diagonal(dim1=-2, dim2=-1) < 0.0, -1.0, 1.0).unsqueeze(-2))
    matrices = q if rows >= columns else q.mT
    scale = sigma_w * max(1.0, rows / columns) ** 0.5
    values = torch.zeros(tuple(weight.shape), dtype=gaussian.dtype, device=gaussian.device)
    centre = tuple(k // 2 for k in weight.shape[2:])
    values[(slice(None), slice(None), *centre)] = (scale * matrices).reshape(groups * rows, columns)
    return put(weight, values)


@torch.no_grad()
def put(tensor: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """Write values over a tensor on any device, of any type; of a sharded one each process writes its part."""
    if is_sharded(tensor):
        from torch.distributed.tensor import distribute_tensor

        sharded: Any = tensor
        values = distribute_tensor(values.to(tensor.device), sharded.device_mesh, sharded.placements)
    return tensor.copy_(values)


def is_sharded(tensor: Any) -> bool:
    """Whether a tensor is distributed over processes (a DTensor)."""
    return type(tensor.data).__name__ == "DTensor"  # by name, since importing torch.distributed takes long


def _normal(shape: tuple[int, ...], like: torch.Tensor, generator: torch.Generator | None) -> torch.Tensor:
    dtype = torch.float64 if like.dtype == torch.float64 else torch.float32
    device = "cpu" if generator is None else generator.device
    return torch.empty(shape, dtype=dtype, device=device).normal_(generator=generator)
