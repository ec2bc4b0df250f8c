"""A model, and torch's random numbers, left exactly as they were."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

__all__ = ["preserved_state"]


@contextmanager
def preserved_state(model: Any, seed: int) -> Iterator[None]:
    """Whatever runs inside leaves no trace: buffers and the state of torch's random numbers are put back at the end.

    Parameters
    ----------
    model
        Its buffers, such as the running statistics of batch normalisation, get their values back, and the module its
        tensors, if some were replaced.
    seed
        Of the random numbers drawn inside, for example by dropout.

    Examples
    --------
    >>> norm = torch.nn.BatchNorm1d(3)
    >>> with preserved_state(norm, seed=0):
    ...     norm(torch.ones(2, 3))
    ...     norm.running_mean.tolist()[0] > 0.0
    tensor(...)
    True
    >>> norm.running_mean.tolist()
    [0.0, 0.0, 0.0]
    """
    generators = [torch.default_generator]
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        generators += torch.cuda.default_generators
    states = [generator.get_state() for generator in generators]
    buffers = [
        (module, name, buffer, buffer.clone())
        for module in model.modules()
        for name, buffer in module.named_buffers(recurse=False)
    ]
    try:
        for generator in generators:
            generator.manual_seed(seed)
        yield
    finally:
        with torch.no_grad():
            for module, name, buffer, value in buffers:
                setattr(module, name, buffer)
                buffer.copy_(value)
        for generator, state in zip(generators, states, strict=True):
            generator.set_state(state)
