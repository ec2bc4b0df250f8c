"""What may be written in a configuration: its keys, and the JSON Schema by which editors complete and check them."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from eoc.errors import EocError
from eoc.messages import shortened
from eoc.sweeps.config.grids import GRIDS, Grid
from eoc.sweeps.config.values import allowed, whole_number
from eoc.sweeps.task import EOC, Parameter, Task
from eoc.sweeps.tasks import FAMILIES, TASKS

__all__ = ["SCHEMA", "Config", "json_schema"]

SCHEMA = 1  #: the version of configurations

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def _groups(given: object) -> object:
    """A group alone is no list of groups."""
    if isinstance(given, list) and given and all(isinstance(name, str) for name in given):
        raise EocError(f"must be a list of groups, each in brackets: write zip: [[{', '.join(map(shortened, given))}]]")
    return given


class Config(BaseModel):
    """What a configuration has; what its axes may be depends on the task."""

    model_config = ConfigDict(extra="forbid", strict=True)

    version: Annotated[Literal[1], BeforeValidator(whole_number)] = Field(
        alias="schema", description=f"The version of the configuration: {SCHEMA}."
    )
    task: str = Field(description="What is computed at every point.")
    experiment: str | None = Field(None, description="Which one, of the task montecarlo.")
    name: str = Field("", description="The title of the data set.")
    description: str = Field("", description="More about it, in your own words.")
    axes: dict[str, Any] = Field(description="The parameters: each a value, a list of values or a grid.")
    zip: Annotated[list[list[str]], BeforeValidator(_groups)] = Field(
        [], description="Groups of axes that move together; all others are crossed."
    )


def json_schema() -> dict[str, Any]:
    """The JSON Schema of configurations: one alternative for each task.

    Examples
    --------
    >>> found = json_schema()
    >>> sorted(found["properties"])
    ['axes', 'description', 'experiment', 'name', 'schema', 'task', 'zip']
    >>> [one["properties"]["task"]["const"] for one in found["oneOf"]][:2]
    ['edge_of_chaos', 'curve']
    """
    top = Config.model_json_schema()
    top["properties"]["task"]["enum"] = list(FAMILIES)
    experiment = {"type": "string", "description": Config.model_fields["experiment"].description}
    return {
        **top,
        "$schema": _DIALECT,
        "title": "A sweep of eoc",
        "properties": {**top["properties"], "experiment": experiment},
        "oneOf": [_alternative(task) for task in TASKS.values()],
        "$defs": {name: _grid(grid) for name, grid in GRIDS.items()},
    }


def _alternative(task: Task) -> dict[str, Any]:
    """What a configuration of this task is."""
    axes = {
        "type": "object",
        "properties": {parameter.name: _parameter(parameter) for parameter in task.parameters},
        "required": [parameter.name for parameter in task.parameters if parameter.required],
        "additionalProperties": False,
    }
    return {
        "title": task.name,
        "description": "; ".join(filter(None, (task.about, task.rule))),
        "properties": {
            "task": {"const": task.family},
            "experiment": {"const": task.experiment} if task.experiment else False,
            "axes": axes,
        },
        "required": ["experiment"] if task.experiment else [],
    }


def _parameter(parameter: Parameter) -> dict[str, Any]:
    """A value, a list of values, or a grid."""
    value = _value(parameter)
    listed = {"type": "array", "items": value, "minItems": 1}
    grids = [{"$ref": f"#/$defs/{name}"} for name in GRIDS] if parameter.kind in ("real", "whole") else []
    found: dict[str, Any] = {
        "description": "; ".join(filter(None, (f"{parameter.about}: {allowed(parameter)}", parameter.note))),
        "anyOf": [value, listed, *grids],
    }
    if parameter.default is not None:
        found["default"] = parameter.default
    return found


def _grid(grid: type[Grid]) -> dict[str, Any]:
    """A grid, described by its docstring without the examples."""
    found = grid.model_json_schema()
    required = [key for key in found["required"] if key not in grid.if_whole]
    return {**found, "description": found["description"].partition("\n")[0], "required": required}


def _value(parameter: Parameter) -> dict[str, Any]:
    if parameter.kind == "activation":
        return {"type": "string", "minLength": 1}
    if parameter.kind == "text":
        return {"type": "string", **({"enum": list(parameter.choices)} if parameter.choices else {})}
    found: dict[str, Any] = {"type": "integer" if parameter.kind == "whole" else "number"}
    if parameter.least > -math.inf:
        found["exclusiveMinimum" if parameter.above else "minimum"] = parameter.least
    if parameter.most < math.inf:
        found["maximum"] = parameter.most
    return {"anyOf": [found, {"const": EOC}]} if parameter.eoc else found
