"""``eoc sweep tasks``: what a sweep can compute."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from eoc.cli.common import AsJson, print_json
from eoc.cli.tables import console, print_next
from eoc.reports.writing import new_table, print_paragraph

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rich.console import Console

    from eoc.sweeps.task import Output, Parameter, Task

__all__ = ["command"]

Which = Annotated[
    str | None,
    typer.Argument(
        metavar="[TASK]",
        help="One of them: its parameters and outputs; or montecarlo, for its experiments.",
        show_default=False,
    ),
]


def command(name: Which = None, as_json: AsJson = False) -> None:
    """List what a sweep can compute, or the parameters and outputs of one task.

    For example: eoc sweep tasks rates, or eoc sweep tasks montecarlo/length_process
    """
    chosen = _chosen(name)
    if as_json:
        print_json({"tasks": [_payload(one) for one in chosen]})
    elif len(chosen) > 1:
        _print_rows(console(), ("task", "computes"), [(one.name, one.about) for one in chosen])
        print_next(console(), f"eoc sweep tasks {chosen[0].name}", "lists the parameters and outputs of one")
    else:
        _print_task(console(), chosen[0])
        print_next(console(), "eoc sweep check FILE.yaml", "checks a configuration of it")


def _chosen(name: str | None) -> Sequence[Task]:
    """All tasks, those of a kind such as montecarlo, or one."""
    from eoc.sweeps.tasks import TASKS, task

    family = [one for one in TASKS.values() if name in (None, one.family)]
    return family or [task(str(name))]


def _outputs(task: Task) -> Mapping[str, Output]:
    """All that a point can have; outputs that are given as parameters are left out of a sweep."""
    inner = [parameter.name for parameter in task.parameters if parameter.inner]
    return task.outputs(inner[:1])


def _kind(parameter: Parameter) -> str:
    """What it may be, and what it is if it is not given."""
    from eoc.sweeps.config.values import allowed

    if parameter.required:
        return f"{allowed(parameter)}; required"
    return allowed(parameter) + ("" if parameter.default is None else f"; default {parameter.default}")


def _print_task(out: Console, task: Task) -> None:
    print_paragraph(out, f"{task.name}: ", task.about, len(task.name))
    out.print(f"task: {task.family}" + (f", experiment: {task.experiment}" if task.experiment else ""))
    if task.rule:
        print_paragraph(out, "give ", task.rule, len("give"))
    rows = [(one.name, _kind(one), "; ".join(_said(one))) for one in task.parameters]
    _print_rows(out, ("parameter", "is", ""), rows)
    _print_rows(
        out, ("output", "along", ""), [(name, ", ".join(o.dims), _about(o)) for name, o in _outputs(task).items()]
    )


def _said(parameter: Parameter) -> Iterator[str]:
    """What there is to say of it, besides what it may be."""
    yield parameter.about
    if parameter.inner:
        yield "a point takes all its values"
    if parameter.note:
        yield parameter.note


def _about(output: Output) -> str:
    if output.flags:
        return f"{output.about}: {', '.join(output.flags)}"
    return output.about + ("" if output.units == "1" else f" ({output.units})")


def _print_rows(out: Console, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    from rich.markup import escape

    listing = new_table(out, columns)
    for i, column in enumerate(listing.columns):
        column.justify = "left"
        column.no_wrap = i == 0
    for row in rows:
        listing.add_row(*map(escape, row))
    out.print(listing)


def _payload(task: Task) -> dict[str, Any]:
    return {
        "name": task.name,
        "about": task.about,
        "rule": task.rule,
        "parameters": [
            {
                "name": one.name,
                "about": one.about,
                "note": one.note,
                "is": _kind(one),
                "required": one.required,
                "default": one.default,
                "inner": one.inner,
                "units": one.units,
            }
            for one in task.parameters
        ],
        "outputs": [
            {"name": name, "about": one.about, "along": one.dims, "units": one.units, "words": one.flags}
            for name, one in _outputs(task).items()
        ],
    }
