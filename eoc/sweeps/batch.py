"""What goes to a worker, and what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from eoc.machine import version

__all__ = ["VERSION", "Batch", "Result"]

VERSION = version("eoc")  #: of this process


@dataclass(frozen=True)
class Batch:
    """Some points of a sweep, and all that is needed to compute them anywhere.

    Attributes
    ----------
    task
        The name of the task.
    folder
        Where modules with activations are looked for first.
    inner
        Parameters that every point takes as a whole.
    points
        By number, the other parameters of each, with its random seed as "random_seed" if the task is random.
    functions
        Fingerprints of the activations that are functions of a user, as they were when the run began.
    version
        Of eoc, where the batch was made: other versions may compute other numbers.
    """

    task: str
    folder: str
    inner: Mapping[str, tuple[Any, ...]]
    points: Mapping[int, Mapping[str, Any]]
    functions: Mapping[str, str] = field(default_factory=dict)
    version: str = VERSION


@dataclass(frozen=True)
class Result:
    """What became of one point.

    Attributes
    ----------
    index
        Its number.
    seconds
        How long it took.
    outputs
        What was computed; empty if that failed.
    error
        Why it failed, "" if it did not.
    """

    index: int
    seconds: float
    outputs: Mapping[str, NDArray[Any]]
    error: str = ""
