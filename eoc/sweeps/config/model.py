"""The keys of a configuration as a pydantic model, and what pydantic finds wrong in the words of this package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from eoc.errors import EocError
from eoc.sweeps.config.problems import Fault, Place
from eoc.sweeps.config.values import whole_number
from eoc.wording import closest, did_you_mean, quoted, shortened

__all__ = ["SCHEMA", "Config", "faults_of", "key_names"]

SCHEMA = 1  #: the version of configurations

_MEANT = {"title": "name", "version": "schema", "parameters": "axes"}  # what people write

_WANTED = {
    "dict_type": "a mapping with one key a line",
    "list_type": "a list in brackets",
    "string_type": "text, in quotes if need be",
    "model_type": "a mapping with one key a line",
}


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


def key_names(model: type[BaseModel]) -> dict[str, str]:
    """The keys of a mapping that is such a model, and what they are.

    Examples
    --------
    >>> list(key_names(Config))
    ['schema', 'task', 'experiment', 'name', 'description', 'axes', 'zip']
    """
    return {field.alias or name: field.description or "" for name, field in model.model_fields.items()}


def faults_of(model: type[BaseModel], given: Mapping[str, Any], place: Place = ()) -> list[Fault]:
    """What keeps a mapping from being the model.

    Examples
    --------
    >>> [fault.message for fault in faults_of(Config, {"schema": 1, "task": "phase", "axis": {}, "zip": 3})]
    ['must be a list in brackets, got 3', "unknown key 'axis'; did you mean 'axes'?"]
    """
    known = key_names(model)
    free = [key for key in known if key not in given]
    meant = [_meant(key, free) for key in given if key not in known]
    try:
        model.model_validate(given)
    except ValidationError as error:
        errors = [
            one for one in error.errors(include_url=False) if one["type"] != "missing" or one["loc"][0] not in meant
        ]
        return [_fault(dict(one), known, place) for one in errors]
    return []


def _meant(key: str, known: Sequence[str]) -> str | None:
    return _MEANT[key] if _MEANT.get(key) in known else closest(key, known)


def _fault(error: Mapping[str, Any], known: Mapping[str, str], place: Place) -> Fault:
    kind, where, value = error["type"], (*place, *error["loc"]), error["input"]
    name = str(where[-1]) if where else ""
    if kind == "missing":
        return Fault(place, f"{name} is missing: {known[name][:1].lower()}{known[name][1:].rstrip('.')}", key=True)
    if kind == "extra_forbidden":
        hint = did_you_mean(_meant(name, list(known)) or name, list(known))
        return Fault(where, f"unknown key {quoted(name)}; {hint}", key=True)
    if kind == "value_error":
        return Fault(where, str(error["ctx"]["error"]))
    if kind == "literal_error":
        return Fault(where, f"must be {error['ctx']['expected']}, got {quoted(value)}")
    return Fault(where, f"must be {_WANTED[kind]}, got {quoted(value)}")
