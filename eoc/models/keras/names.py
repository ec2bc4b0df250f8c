"""The variables of a model of Keras by name: those that training changes, or would change if it were let."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

__all__ = ["learned_variables", "variables_by_name"]

_KEPT = ("moving_mean", "moving_variance", "seed_generator_state", "iterations")


def learned_variables(model: Any) -> list[Any]:
    """All weights, frozen ones too, without running means and the states of random numbers."""
    return [variable for variable in model.weights if variable.name not in _KEPT and "float" in str(variable.dtype)]


def variables_by_name(model: Any) -> dict[str, Any]:
    """Learned variables by their paths, each by a name of its own."""
    return dict(_named(learned_variables(model)))


def _named(variables: list[Any]) -> Iterator[tuple[str, Any]]:
    counts: dict[str, int] = {}
    for variable in variables:
        path = str(variable.path)
        count = counts[path] = counts.get(path, 0) + 1
        yield (path if count == 1 else f"{path}_{count}"), variable
