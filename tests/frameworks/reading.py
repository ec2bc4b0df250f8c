"""What tests of reading models look at."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from eoc.models.steps import Kind, Reading, Step
from eoc.models.torch.read import read

__all__ = ["Calls", "fans", "kinds", "named", "seeded", "shape_of", "shown", "steps_of", "unseen"]


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


def shown(reading: Reading) -> list[str]:
    """Each step as "name: kind [activation] of the names of its inputs"."""
    steps = reading.steps
    lines = []
    for step in steps:
        phi = "" if step.activation is None else f" {step.activation.name}"
        inputs = ", ".join(steps[at].name for at in step.inputs)
        lines.append(f"{step.name}: {step.kind}{phi}" + (f" of {inputs}" if inputs else ""))
    return lines


def fans(reading: Reading) -> dict[str, float]:
    return {step.name: step.affine.fan_in for step in reading.steps if step.affine is not None}


def unseen(model: nn.Module, reading: Reading) -> set[str]:
    """The parameters that are in no step."""
    seen: set[str] = set()
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    for step in reading.steps:
        if step.affine is not None:
            seen |= {step.affine.weight_name, step.affine.bias_name, *step.affine.sources}
        elif step.kind is Kind.PARAMETER:
            seen.add(step.name)
        elif step.module is not None:
            seen |= {names[id(parameter)] for parameter in step.module.parameters()}
    return set(names.values()) - seen
