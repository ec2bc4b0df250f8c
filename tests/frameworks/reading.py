"""What tests of reading models look at."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from eoc.models.steps import Kind, Reading, Step
from eoc.models.torch.read import read

__all__ = ["Calls", "kinds", "named", "seeded", "shape_of", "steps_of"]


class Calls(nn.Module):
    """A model whose forward is a function of itself and its input, with these parts."""

    def __init__(self, forward: Any, **parts: Any) -> None:
        super().__init__()
        self.function = forward
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, x: Any) -> Any:
        return self.function(self, x)


def seeded(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def steps_of(model: nn.Module, *inputs: Any) -> tuple[Step, ...]:
    """The steps of a model that is run on inputs."""
    reading = read(model, example_inputs=inputs)
    assert reading.traced
    return reading.steps


def kinds(reading: Reading) -> list[str]:
    return [str(step.kind) for step in reading.steps]


def named(steps: tuple[Step, ...], kind: Kind) -> list[str]:
    return [step.name for step in steps if step.kind is kind]


def shape_of(reading: Reading) -> list[tuple[Any, ...]]:
    """What a model computes, whatever its functions are called."""
    return [(step.kind, step.inputs, step.affine and step.affine.weight_name) for step in reading.steps]
