"""The cross-entropy with which a classifier begins, beside that of logits of its variance, and of guessing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eoc.calibration import expected_loss
from eoc.diagnose.records import LayerRow
from eoc.errors import EocError

__all__ = ["StartLoss", "guessed", "start_loss"]

_MOST = 100_000  # classes
_HOT = 1.1  # times the loss of guessing, from which on it is said


@dataclass(frozen=True)
class StartLoss:
    """The mean cross-entropy of outputs, taken as logits, with labels that are independent of them.

    Attributes
    ----------
    classes
        k: numbers of an output.
    seen
        On this batch.
    expected
        Of independent logits of the variance that theory gives the last layer; NaN where it gives none.
    """

    classes: int
    seen: float
    expected: float

    @property
    def chance(self) -> float:
        """Log k, that of equal probabilities."""
        return math.log(self.classes)

    @property
    def words(self) -> tuple[str, ...]:
        """A sentence where a classifier would begin with more than that of guessing."""
        if not self.seen > _HOT * self.chance:
            return ()
        theory = "" if math.isnan(self.expected) else f", expected {self.expected:.3g}"
        return (
            f"Outputs are large for logits: of {self.classes} classes the loss at the start would be {self.seen:.3g}"
            f"{theory}, where guessing has log {self.classes} = {self.chance:.3g}.",
        )

    def to_dict(self) -> dict[str, float]:
        """The numbers by name."""
        return {"classes": self.classes, "seen": self.seen, "expected": self.expected, "chance": self.chance}


def guessed(outputs: Sequence[Any]) -> tuple[int, float] | None:
    """How many classes the first output is of, and its mean cross-entropy with any labels; None if it is no matrix."""
    first = outputs[0].detach() if outputs else None
    if first is None or first.ndim != 2 or not 2 <= first.shape[1] <= _MOST:
        return None
    logits = first.double()
    return int(first.shape[1]), float((logits.logsumexp(dim=1) - logits.mean(dim=1)).mean())


def start_loss(seen: tuple[int, float] | None, rows: Sequence[LayerRow]) -> StartLoss | None:
    """With what is expected from the last layer."""
    if seen is None:
        return None
    try:
        expected = expected_loss(rows[-1].expected.q, seen[0]).value
    except EocError:  # no variance is expected, or one beyond all that softmax can take
        expected = math.nan
    return StartLoss(*seen, expected)
