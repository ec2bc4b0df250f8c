"""A plan written into the tensors of a model, or, if anything goes wrong, not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import nn

from eoc.initializers.plan.draws import normal_numbers, orthogonal_matrices
from eoc.initializers.plan.fills import Fill
from eoc.initializers.plan.recurrent import time_scales
from eoc.initializers.torch.draw import draw_normal, draw_orthogonal, put

__all__ = ["undone_on_error", "written"]


@contextmanager
def undone_on_error(module: nn.Module, fills: Sequence[Fill], generator: torch.Generator | None) -> Iterator[None]:
    """Put tensors, and the state of the generator, back as they were if anything inside raises."""
    parameters = dict(module.named_parameters())
    sources = {name for fill in fills if fill.affine is not None for name in fill.affine.sources}
    changed = (*(fill.tensor for fill in fills), *(parameters[name] for name in sources if name in parameters))
    source = torch.default_generator if generator is None else generator
    state = source.get_state()
    before = [(tensor, tensor.detach().clone()) for tensor in changed]
    try:
        yield
    except BaseException:
        with torch.no_grad():
            for tensor, values in before:
                tensor.copy_(values)
        source.set_state(state)
        raise


@torch.no_grad()
def written(fills: Sequence[Fill], generator: torch.Generator | None, seed: int | None = None) -> None:
    """Fill all tensors, in order: from torch's generator, or with the numbers of a seed that all frameworks share."""
    stream = 0
    for fill in fills:
        if fill.tensor.numel():
            _fill(fill, _numbers(fill, stream, seed, generator))
        stream += fill.method in ("normal", "orthogonal")


def _fill(fill: Fill, numbers: Callable[[torch.Tensor], object]) -> None:
    assign = None if fill.affine is None else fill.affine.assign
    tensor = fill.tensor if assign is None else torch.empty_like(fill.tensor)
    turned = fill.affine is not None and fill.affine.transposed and fill.affine.groups == 1
    numbers(tensor.transpose(0, 1) if turned else tensor)  # (outputs, inputs, ...)
    if fill.zero_row is not None:
        tensor[fill.zero_row] = 0.0
    if assign is not None:
        assign(tensor)


def _numbers(
    fill: Fill, stream: int, seed: int | None, generator: torch.Generator | None
) -> Callable[[torch.Tensor], object]:
    """What writes the numbers of a fill over a tensor."""
    groups = 1 if fill.affine is None else fill.affine.groups
    if fill.method == "constant":
        return lambda tensor: tensor.fill_(fill.number)
    if fill.method == "scales":
        return lambda tensor: put(tensor, torch.from_numpy(time_scales(fill.number, tensor.shape[0])))
    if seed is None and fill.method == "orthogonal":
        return lambda tensor: draw_orthogonal(tensor, fill.number, groups, generator)
    if seed is None:
        return lambda tensor: draw_normal(tensor, fill.number, generator)

    def of_seed(tensor: torch.Tensor) -> torch.Tensor:
        shape, wide = tuple(tensor.shape), tensor.dtype == torch.float64
        if fill.method == "orthogonal":
            numbers = orthogonal_matrices(shape, groups, seed, stream, wide=wide)
        else:
            numbers = normal_numbers(shape, seed, stream, wide=wide)
        return put(tensor, torch.from_numpy(numbers).mul_(fill.number))

    return of_seed
