"""What the commands that sample networks share: options, what they expect to take, how they are interrupted."""

from __future__ import annotations

import glob
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Protocol

import typer

from eoc.cli.common import check_file, checked_by, print_json, save_picture
from eoc.cli.progress import progress

__all__ = [
    "Checkpoint",
    "Count",
    "Depth",
    "FirstQ",
    "Interval",
    "Seed",
    "SigmaB",
    "SigmaW",
    "Weights",
    "Workers",
    "sampling",
    "show",
    "threads",
]

SigmaW = Annotated[
    float | None,
    typer.Option(help="Std of the weights times sqrt(fan_in); left out: on the edge of chaos.", show_default=False),
]
SigmaB = Annotated[float | None, typer.Option(help="Standard deviation of the biases.", show_default=False)]
FirstQ = Annotated[
    float | None,
    typer.Option(help="Variance of the first layer's units. Left out: what layers keep.", show_default=False),
]
Depth = Annotated[int, typer.Option(help="How many layers.")]
Count = Annotated[int, typer.Option("--networks", help="How many random networks.")]
Seed = Annotated[int, typer.Option(help="Of all random numbers; the same one gives the same result.")]
Weights = Annotated[
    str,
    typer.Option(
        help="gaussian or orthogonal, sampled without matrices; with real ones rademacher, uniform, laplace, "
        "student_t(df), sparse(p), pruned(p), levels(n) or low_rank(p)."
    ),
]
Workers = Annotated[int | None, typer.Option(help="Threads; they do not change the result.", show_default="all cores")]
Checkpoint = Annotated[
    Path | None,
    typer.Option(
        help="A file (.npz) to keep the run in, and to go on from if it exists: nothing but the last seconds is lost, "
        "and the result is the same.",
        show_default=False,
        callback=checked_by(lambda path: check_file(path, "the checkpoint", ("npz",))),
    ),
]
Interval = Annotated[float, typer.Option(help="Seconds between two writings of the checkpoint.")]


class Result(Protocol):
    """What an experiment returns."""

    def to_dict(self) -> dict[str, Any]:
        """Everything by name."""


@contextmanager
def sampling(
    experiment: str,
    workers: int | None,
    checkpoint: Path | None,
    interval: float,
    **point: Any,
) -> Iterator[dict[str, Any]]:
    """How networks are run, as arguments of an experiment; it is said what it takes, and if interrupted how to go on.

    Parameters
    ----------
    experiment
        Its name among the tasks of sweeps, which know what it costs.
    workers, checkpoint, interval
        As they were given.
    point
        The networks, as the task takes them.
    """
    how = threads(workers, "layers", experiment, **point)
    try:
        yield {**how, "checkpoint": checkpoint, "interval": interval}
    except KeyboardInterrupt:
        if checkpoint is not None:
            several = isinstance(point["width"], list)  # each width has a file of its own
            name = f"{glob.escape(checkpoint.stem)}{'-*' * several}{checkpoint.suffix}"
            for path in sorted(checkpoint.parent.glob(name)):
                print(f"interrupted: {path} keeps what was done; the same command goes on from it", file=sys.stderr)
        raise


def threads(workers: int | None, counted: str, experiment: str, **point: Any) -> dict[str, Any]:
    """Threads, and progress, of an experiment that counts something when it says how far it is."""
    from eoc.machine import cores

    count = cores() if workers is None else workers
    report = progress()
    report.expect(counted, _seconds(experiment, point) / max(count, 1))
    return {"workers": count, "progress": report}


def _seconds(experiment: str, point: dict[str, Any]) -> float:
    """What one worker takes; 0 for numbers that make no sense, which the experiment itself refuses."""
    from eoc.sweeps.tasks import task

    try:
        return task(f"montecarlo/{experiment}").seconds(point)
    except (OverflowError, TypeError):
        return 0.0


def show(found: Result, text: Callable[[Any], None], figure: str, plot: Path | None, as_json: bool) -> None:
    """Print a result, as JSON or as ``text`` prints it, and draw the figure of that name in :mod:`eoc.plotting`."""
    if as_json:
        print_json(found.to_dict())
    else:
        text(found)
    if plot is not None:
        from eoc import plotting

        save_picture(getattr(plotting, figure)(found), plot)
