"""What ``eoc sweep check`` and ``run`` print."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eoc.cli.sweep_status import print_failures
from eoc.cli.tables import console, print_next, print_paragraph
from eoc.cli.words import duration, size, values_in_words

if TYPE_CHECKING:
    from eoc.sweeps.config.sweep import Sweep
    from eoc.sweeps.estimate import Estimate
    from eoc.sweeps.running.run import Summary

__all__ = ["print_check", "print_summary"]


def print_check(file: Path, overrides: Sequence[str], sweep: Sweep, expected: Estimate, workers: int) -> None:
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


def print_summary(file: Path, summary: Summary, errors: Sequence[Mapping[str, Any]]) -> None:
    """What became of a run, the kinds of errors, and what to look at next."""
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
