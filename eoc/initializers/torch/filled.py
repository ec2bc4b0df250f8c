"""A model that was read, filled as planned: what initialising and shaping a model have in common."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import nn

from eoc.errors import EocError, InitializationWarning
from eoc.initializers.plan.account import notes_of, rows_of
from eoc.initializers.plan.drift import warnings_of
from eoc.initializers.plan.foreseen import gradients_of
from eoc.initializers.plan.health import problems_of, problems_of_gradients
from eoc.initializers.plan.plan import Plan
from eoc.initializers.plan.report import Report
from eoc.initializers.plan.roles import explained
from eoc.initializers.plan.settings import Settings
from eoc.initializers.torch.draw import check_generator, is_sharded
from eoc.initializers.torch.measured import corrected
from eoc.initializers.torch.parameters import TorchParameters
from eoc.initializers.torch.write import undone_on_error, written
from eoc.models.steps import Kind, Reading
from eoc.models.torch.structures import tensors_in

__all__ = ["check_model", "filled"]


def filled(
    module: nn.Module,
    reading: Reading,
    settings: Settings,
    generator: torch.Generator | None,
    *,
    seed: int | None = None,
    batch: Any = None,
) -> Report:
    """Fill all parameters of a model that was read, or change nothing.

    Parameters
    ----------
    module, reading
        The model and its steps.
    settings
        How.
    generator, seed
        Source of random numbers, see :func:`eoc.initializers.torch.initialize_`.
    batch
        What the scales are corrected by; None for theory alone.
    """
    _check_reading(reading)
    _check_batch(batch)
    parameters = TorchParameters(module)
    plan = Plan(parameters, reading, settings)
    problems = warnings_of(plan)
    for problem in problems:
        warnings.warn(problem, InitializationWarning, stacklevel=3)
    if batch is None:
        problems = (*problems, *problems_of_gradients(gradients_of(plan)))
    elif any(is_sharded(fill.tensor) for fill in plan.fills):
        raise EocError("a batch cannot correct weights that are sharded over processes: initialise before fully_shard")
    with undone_on_error(module, plan.fills, generator):
        written(plan.fills, generator, seed)
        found = None if batch is None else corrected(module, batch, plan.fills, plan.aims)
    rows = rows_of(parameters, reading, plan)
    if found is not None:
        rows = tuple(found.seen(row) for row in rows)
        problems = (*problems, *problems_of(found.output, settings.output_variance, found.gradients))
    notes = (*problems, *notes_of(parameters, reading, plan))
    return Report(rows, plan.points, plan.depth, notes, explained({row.rule for row in rows}), problems)


def check_model(module: Any, generator: Any) -> None:
    """Refuse what is no model, and what is no source of random numbers."""
    if isinstance(module, type):
        raise EocError(
            f"module must be a model, got the class {module.__name__}: make one of it, {module.__name__}(...)"
        )
    if not isinstance(module, nn.Module):
        raise EocError(f"module must be a torch.nn.Module, got {type(module).__name__}; for a tensor take eoc_normal_")
    check_generator(generator)


def _check_batch(batch: Any) -> None:
    """Refuse data that nothing can be measured on."""
    tensors = list(tensors_in(batch))
    if tensors and not any(tensor.numel() for tensor in tensors):
        raise EocError(f"the batch holds no numbers, its shape is {tuple(tensors[0].shape)}: give one or more inputs")
    if any(tensor.is_floating_point() and bool(torch.isnan(tensor).any()) for tensor in tensors):
        raise EocError("the batch holds numbers that are NaN: clean the data first")


def _check_reading(reading: Reading) -> None:
    kinds = [step.kind for step in reading.steps]
    if Kind.LAYER not in kinds and Kind.RECURRENT not in kinds:
        raise EocError("the model has no linear, convolutional or recurrent layer whose weights could be set")
    if not reading.traced and kinds.count(Kind.LAYER) > 1 and Kind.ACTIVATION not in kinds:
        raise EocError(
            f"no activation can be seen between the layers ({reading.problem}): say which one follows the hidden "
            "layers, for example activation='relu'"
        )
