"""The ways to initialise that benchmarks/bench_models.py compares; each changes the model and says whether it warns."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from typing import Any

import torch
from models_zoo import Inputs
from torch import nn

from eoc.initializers.torch import initialize_

Way = Callable[[nn.Module, Inputs, int], bool | None]
_TAKES = inspect.signature(initialize_).parameters


def own(model: nn.Module, inputs: Inputs, seed: int) -> bool | None:
    """As the library constructed it."""
    return None


def eoc(model: nn.Module, inputs: Inputs, seed: int, **options: Any) -> bool | None:
    if "example_inputs" in _TAKES and "batch" not in options:
        options["example_inputs"] = inputs
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        report = initialize_(model, generator=torch.Generator().manual_seed(seed), **options)
    return _alarms(report) if hasattr(report, "assert_healthy") else any("eoc" in str(w.category) for w in said)


def eoc_batch(model: nn.Module, inputs: Inputs, seed: int) -> bool | None:
    return eoc(model, inputs, seed, batch=inputs)


def anyinit(model: nn.Module, inputs: Inputs, seed: int, mode: str = "analytic") -> bool | None:
    """With the batch, from which its analytic mode takes shapes and the mean square of the inputs."""
    from anyinit import initialize

    batch: Any = inputs
    if isinstance(inputs, dict):
        model = model if list(inputs) == _positional(model)[: len(inputs)] else _ByName(model, list(inputs))
        batch = list(inputs.values()) if len(inputs) > 1 else next(iter(inputs.values()))
    return _alarms(initialize(model, mode, batch, seed=seed))


def anyinit_empirical(model: nn.Module, inputs: Inputs, seed: int) -> bool | None:
    return anyinit(model, inputs, seed, "empirical")


WAYS: dict[str, Way] = {
    "own": own,
    "eoc": eoc,
    **({"eoc batch": eoc_batch} if "batch" in _TAKES else {}),
    "anyinit": anyinit,
    "anyinit empirical": anyinit_empirical,
}
OTHERS = {"anyinit": ("anyinit", "anyinit empirical")}  # by what `--against` names


class _ByName(nn.Module):
    """A model that takes by position what it takes by name."""

    def __init__(self, model: nn.Module, names: list[str]):
        super().__init__()
        self.model, self.names = model, names

    def forward(self, *inputs: torch.Tensor) -> Any:
        return self.model(**dict(zip(self.names, inputs, strict=True)))


def _positional(model: nn.Module) -> list[str]:
    return list(inspect.signature(model.forward).parameters)


def _alarms(report: Any) -> bool:
    try:
        report.assert_healthy()
    except (AssertionError, ValueError):
        return True
    return False
