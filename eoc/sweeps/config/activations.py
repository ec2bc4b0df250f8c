"""Texts of activations and of networks of layers: what is wrong with them, found without running anything."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from eoc.errors import EocError, ExpressionError
from eoc.messages import quoted, shortened
from eoc.sweeps.config.problems import Fault
from eoc.sweeps.task import Parameter
from eoc.sweeps.tasks import TASKS

__all__ = ["activation_faults"]


def activation_faults(parameter: Parameter, given: Any, folder: str) -> Iterator[Fault]:
    """What is wrong with the texts of activations and networks, as far as that is known without running anything.

    Names, their parameters and the spelling of formulas are checked, tables are read, and files are looked for;
    modules and files are not imported.
    """
    texts = dict(enumerate(given)) if isinstance(given, list) else {None: given}
    for i, text in texts.items():
        if isinstance(text, str) and text.strip() and text.strip() not in parameter.choices:
            message = _problem(parameter, text, folder)
            place = ("axes", parameter.name)
            if message:
                yield Fault(place if i is None else (*place, i), message)


def _problem(parameter: Parameter, text: str, folder: str) -> str:
    problem, parts = _problem_of_one(parameter, text, folder), _parts(text)
    if not problem or len(parts) == 1 or not all(part.count("(") == part.count(")") for part in parts):
        return problem
    if _is_network(text) and any(_problem_of_one(parameter, part, folder) for part in parts):
        return problem
    listed = ", ".join(f'"{part}"' if "," in part else part for part in parts)
    return f"{quoted(text)} is no activation: a list is written [{shortened(listed)}]"


def _parts(text: str) -> list[str]:
    """What commas outside of brackets separate."""
    return [part.strip() for part in re.split(r",(?![^(]*\))", text)]


def _is_network(text: str) -> bool:
    """Whether it has layers: a sequence of activations alone is rather a list without its brackets."""
    from eoc.layers import is_network

    return any(is_network(part) for part in _parts(text))


def _problem_of_one(parameter: Parameter, text: str, folder: str) -> str:
    try:
        if _is_network(text):
            _check_network(parameter, text)
        else:
            _check_activation(text, folder)
    except ExpressionError as error:
        cut = ": text with a comma in a list must be in quotes" if text.count("(") != text.count(")") else ""
        return f"column {error.column} of {quoted(text)}: {error.problem}{cut}"
    except EocError as error:
        return str(error)
    return ""


def _check_network(parameter: Parameter, text: str) -> None:
    from eoc.layers import network

    if parameter.networks == "no":
        those = [name for name, task in TASKS.items() if any(one.networks != "no" for one in task.parameters)]
        raise EocError(
            f"{quoted(text)} is a network of layers, and this task takes activations only; networks are taken by "
            f"{', '.join(those)}"
        )
    found = network(text)
    if not found.varies:
        found.block(1.0 if found.is_free else None)  # whose layers check their numbers
    elif parameter.networks == "same":
        raise EocError(
            f"the layers of {quoted(text)} differ from block to block, by l or L, and this task is about one that is "
            "applied again and again: write numbers, or take the task propagation"
        )


def _check_activation(text: str, folder: str) -> None:
    from eoc.activations.imported import own_function
    from eoc.activations.resolve import check_text
    from eoc.activations.table_file import from_table, is_table

    own = own_function(text)
    if is_table(text):
        from_table(text, folder)
    elif own is None:
        check_text(text)
    elif own[0].endswith(".py") and not _is_file(folder, own[0]):
        raise EocError(f"there is no file {quoted(own[0])}" + (f" in {folder}" if folder else ""))


def _is_file(folder: str, name: str) -> bool:
    try:
        return (Path(folder) / Path(name).expanduser()).is_file()
    except (OSError, RuntimeError, ValueError):  # a name that is too long, or the home of nobody
        return False
