"""``eoc sweep check``, ``schema`` and ``run``: from a YAML file to results."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eoc.cli.common import AsJson, print_json
from eoc.cli.exit_codes import ExitCode
from eoc.cli.progress import progress
from eoc.cli.tables import console, print_next
from eoc.cli.words import duration, size, values_in_words
from eoc.errors import EocError
from eoc.reports.writing import print_paragraph

if TYPE_CHECKING:
    from eoc.sweeps.config.sweep import Sweep
    from eoc.sweeps.estimate import Estimate
    from eoc.sweeps.running.run import Summary

__all__ = ["app", "check", "run", "schema"]


_PATIENCE = 0.4  # seconds without a word: imports alone can take a second

app = typer.Typer(
    help="Compute many points from one YAML file, keep them whatever happens, and look at them.\n\n"
    "A FILE has the lines 'schema: 1', 'task: rates' and 'axes: {activation: \\[tanh, relu], sigma_b: [0.1, 0.2], "
    "sigma_w: eoc, depth: 1000}': for each parameter one value or several. 'eoc sweep tasks' lists the tasks, "
    "'eoc sweep tasks rates' the parameters and outputs of one.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

File = Annotated[Path, typer.Argument(metavar="FILE", help="A configuration (.yaml).", show_default=False)]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Another value for a key of the file, as axes.sigma_b.num=50. Repeat it for more.",
        show_default=False,
    ),
]
Workers = Annotated[int | None, typer.Option(min=1, help="Points at a time.", show_default="all cores")]


def check(file: File, overrides: Set = None, workers: Workers = None, as_json: AsJson = False) -> None:
    """Check a configuration without running it: every mistake at once, with its line, and what it would cost.

    For example: eoc sweep check sweep.yaml --set axes.sigma_b.num=50
    """
    sweep = _read(file, overrides, as_json)
    from eoc.machine import cores
    from eoc.sweeps.estimate import estimate

    count = workers or cores()
    expected = estimate(sweep.plan, count)
    if not as_json:
        _print_check(file, overrides or (), sweep, expected, count)
        return
    print_json(
        {
            "file": str(file),
            "name": sweep.name,
            "description": sweep.description,
            "points": sweep.plan.size,
            "axes": {axis.dim: axis.values for axis in sweep.plan.axes},
            "inner": sweep.plan.inner,
            "constants": sweep.plan.constants,
            "workers": count,
            "seconds": expected.seconds,
            "bytes_memory": expected.bytes_memory,
            "bytes_store": expected.bytes_store,
            "config": sweep.config,
        }
    )


def schema() -> None:
    """Print the JSON Schema of configurations, by which an editor completes and checks them.

    Write it to a file with eoc sweep schema > eoc-sweep.json, and begin configurations with the line
    "# yaml-language-server: $schema=eoc-sweep.json" (VS Code with the YAML extension, Neovim, Emacs), or name it under
    Languages & Frameworks > Schemas and DTDs in PyCharm.
    """
    from eoc.sweeps.config.schema import json_schema

    print_json(json_schema())


def run(
    file: File,
    store: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Folder for the results.", show_default="NAME.zarr in the current folder"),
    ] = None,
    workers: Workers = None,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="A Dask scheduler: tcp://HOST:PORT.", show_default=False)
    ] = None,
    dask: Annotated[
        str | None, typer.Option(metavar="local", help="A Dask cluster on this machine.", show_default=False)
    ] = None,
    overrides: Set = None,
    new: Annotated[
        bool, typer.Option("--new", help="Begin anew; the store that is there is set aside, not deleted.")
    ] = False,
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Stop at the first point that fails.")] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Compute points again that failed before.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Compute every point of a sweep that its store does not hold yet.

    For example: eoc sweep run sweep.yaml --workers 2. After Ctrl-C or a crash the same command goes on,
    with the same numbers to the last bit. A point that fails does not stop the others; exit code 1 then.
    """
    executor = _executor(scheduler, dask)
    report = progress()
    report.expect(f"reading {file}", patience=_PATIENCE)
    sweep = _read(file, overrides, as_json)
    from eoc.machine import cores
    from eoc.sweeps.estimate import estimate

    report.expect("points", estimate(sweep.plan, workers or cores()).seconds, _PATIENCE)
    from eoc.cli.sweep_status import failures
    from eoc.sweeps.running.run import default_store, run_sweep
    from eoc.sweeps.store.reading import open_sweep

    path = default_store(file) if store is None else store
    try:
        summary = run_sweep(
            sweep,
            path,
            workers=workers,
            executor=executor,
            new=new,
            fail_fast=fail_fast,
            retry_failed=retry_failed,
            progress=lambda done, failed, total: report(done + failed, total, f"{failed} failed" if failed else ""),
        )
    except KeyboardInterrupt:
        _say_interrupted(path)
        raise
    found = failures(open_sweep(path, ("error",))) if summary.failed else []
    if as_json:
        print_json({**vars(summary), "errors": found})
    else:
        _print_summary(file, summary, found)
    if summary.failed:
        raise typer.Exit(ExitCode.FAILED)


def _executor(scheduler: str | None, dask: str | None) -> str | None:
    if scheduler is not None and dask is not None:
        raise EocError("give --scheduler or --dask, not both")
    if dask is None:
        return scheduler
    if dask != "local":
        raise EocError(f"--dask takes the word local, got {dask!r}; the address of a cluster goes to --scheduler")
    return "dask"


def _read(file: Path, overrides: list[str] | None, as_json: bool) -> Sweep:
    """The sweep of a file; if anything is wrong with it, all of that is said, and the command ends."""
    from eoc.sweeps.config.problems import ConfigError
    from eoc.sweeps.config.sweep import read_sweep

    if (file / "zarr.json").is_file():
        raise EocError(f"{file} is a store: give the configuration it was made from, or look at it by eoc sweep status")
    try:
        return read_sweep(file, overrides or ())
    except ConfigError as error:
        if as_json:
            print_json({"problems": [vars(problem) for problem in error.problems]})
        else:
            print(error, file=sys.stderr)
    raise typer.Exit(ExitCode.REFUSED)


def _say_interrupted(path: Path) -> None:
    """How much is there, and how to go on."""
    from eoc.sweeps.selection import counts
    from eoc.sweeps.store.reading import open_sweep

    try:
        found = counts(open_sweep(path, ()))
    except EocError:  # before there was a store
        return
    total, pending = sum(found.values()), found["pending"]
    print(f"interrupted: {total - pending} of {total} points are in {path}; the same command goes on", file=sys.stderr)


def _print_check(file: Path, overrides: Sequence[str], sweep: Sweep, expected: Estimate, workers: int) -> None:
    """The axes, and what the sweep would cost."""
    out, plan = console(), sweep.plan
    print_paragraph(out, f"{file}: ", f"{sweep.name or plan.task.about} ({plan.task.name})", len(str(file)), indent=2)
    for axis in plan.axes:
        together = " (together)" if len(axis.values) > 1 else ""
        for name, values in axis.values.items():
            print_paragraph(out, f"{name}{together}: ", values_in_words(values), len(name), indent=2)
    for name, values in plan.inner.items():
        print_paragraph(out, f"{name} (at every point): ", values_in_words(values), len(name), indent=2)
    for name, value in plan.constants.items():
        print_paragraph(out, f"{name} = ", str(value), len(name), indent=2)
    absent = [parameter.name for parameter in plan.task.parameters if parameter.name not in plan.values]
    if absent:
        print_paragraph(out, "not given: ", ", ".join(absent), len("not given"), indent=2)
    factors = f" = {' x '.join(map(str, plan.shape))}" if len(plan.axes) > 1 else ""
    on = "one worker" if workers == 1 else f"{workers} workers"
    text = (
        f"{plan.size} points{factors}, about {duration(expected.seconds)} on {on} with {size(expected.bytes_memory)} "
        f"of memory each, {size(expected.bytes_store)} on disk"
    )
    print_paragraph(out, "", text, indent=2)
    changes = [part for one in overrides for part in ("--set", one)]
    print_next(out, shlex.join(["eoc", "sweep", "run", str(file), *changes]), "computes them")


def _print_summary(file: Path, summary: Summary, errors: Sequence[Mapping[str, Any]]) -> None:
    """What became of a run, the kinds of errors, and what to look at next."""
    from eoc.cli.sweep_status import print_failures

    out = console()
    if summary.set_aside is not None:
        print_paragraph(out, "", f"the store that was there is {summary.set_aside} now", indent=2)
    pending = summary.points - summary.done - summary.failed
    failed = f", {summary.failed} failed, {pending or 'none'} pending" if summary.failed else ""
    text = (
        f"{summary.done} of {summary.points} points are done{failed}; {summary.computed} were computed now, in "
        f"{duration(summary.seconds)}; the store is {summary.path}"
    )
    print_paragraph(out, "", text, indent=2)
    print_failures(out, errors)
    if summary.failed:
        out.print("the same command with --retry-failed computes them again, if the reason is gone", soft_wrap=True)
    print_next(out, shlex.join(["eoc", "sweep", "show", str(summary.path)]), "looks at the results")
