"""A plan written into the tensors of a model, or, if anything goes wrong, not at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch

from eoc.initializers.plan.fills import Fill
from eoc.initializers.torch.draw import draw_normal, draw_orthogonal

__all__ = ["undone_on_error", "written"]


@contextmanager
def undone_on_error(fills: Sequence[Fill], generator: torch.Generator | None) -> Iterator[None]:
    """Put tensors, and the state of the generator, back as they were if anything inside raises."""
    source = torch.default_generator if generator is None else generator
    state = source.get_state()
    before = [(fill.tensor, fill.tensor.detach().clone()) for fill in fills]
    try:
        yield
    except BaseException:
        with torch.no_grad():
            for tensor, values in before:
                tensor.copy_(values)
        source.set_state(state)
        raise


@torch.no_grad()
def written(fills: Sequence[Fill], generator: torch.Generator | None) -> None:
    """Fill all tensors, in order."""
    for fill in fills:
        if fill.tensor.numel():
            _fill(fill, generator)


def _fill(fill: Fill, generator: torch.Generator | None) -> None:
    assign = None if fill.affine is None else fill.affine.assign
    tensor = fill.tensor if assign is None else torch.empty_like(fill.tensor)
    if fill.method == "constant":
        tensor.fill_(fill.number)
    elif fill.method == "orthogonal":
        affine = fill.affine
        turned = affine is not None and affine.transposed and tensor.dim() == 2
        groups = 1 if affine is None else affine.groups
        draw_orthogonal(tensor.T if turned else tensor, fill.number, groups, generator)
    else:
        draw_normal(tensor, fill.number, generator)
    if fill.zero_row is not None:
        tensor[fill.zero_row] = 0.0
    if assign is not None:
        assign(tensor)
