"""What :func:`eoc.predict.torch` returns: what theory says of a model, step by step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from math import isfinite, isnan, log10, nan
from typing import Any

from eoc.sharing import cached_property

__all__ = ["Known", "PredictedStep", "Prediction"]

_DECADE = 10.0
_HEAD = ("", "step", "is", "mean square", "1 - c", "gradient", "known")
_TEXTS = (1, 2, 6)
_LONGEST = 36  # characters of a name
_MOST = 6  # notes that are printed
_ALIKE = 1e-3  # 1 - c below which inputs have become alike


class Known(StrEnum):
    """How much is known of a step."""

    EXACT = "exact"  #: in wide layers
    APPROXIMATE = "approximate"  #: what was neglected is said
    UNKNOWN = "unknown"  #: why is said


@dataclass(frozen=True)
class PredictedStep:
    """What is behind a step; NaN where it is not known.

    Attributes
    ----------
    name, kind
        As in :class:`eoc.models.steps.Step`: "blocks.0.fc1", "layer".
    mean_square
        Of its numbers, over inputs, units and positions.
    one_minus_c
        1 - c, c the correlation of two inputs, on average over pairs of the example inputs.
    gradient
        The norm of the gradient by it, over that of the gradient by the output.
    known, gradient_known
        Whether both are exact in wide layers.
    why
        What was neglected, or why nothing is known: of the signal, else of the gradient.
    """

    name: str
    kind: str
    mean_square: float
    one_minus_c: float
    gradient: float
    known: Known
    gradient_known: Known
    why: str


@dataclass(frozen=True)
class Prediction:
    """What :func:`eoc.predict.torch` returns; ``print`` shows what changes through the model, and all steps.

    Attributes
    ----------
    rows
        One for each step, inputs first, the output last.
    notes
        What else a reader should know.
    """

    rows: tuple[PredictedStep, ...]
    notes: tuple[str, ...] = ()

    @cached_property
    def problems(self) -> tuple[str, ...]:
        """What is off by more than a decade through the model; () where nothing is."""
        last, early = self.rows[-1], self._first_layer
        found = []
        if isnan(last.mean_square):
            return (f"what comes out is not known: {last.why}",)
        root = last.mean_square**0.5
        if not 1.0 / _DECADE <= root <= _DECADE:
            found.append(f"outputs have a root mean square of {root:.2g}")
        if early is not None and isfinite(early.gradient) and not 1.0 / _DECADE <= early.gradient <= _DECADE:
            what = "vanish" if early.gradient < 1.0 else "explode"
            found.append(f"gradients {what}: at {early.name} they are {early.gradient:.2g} times those at the output")
        most = max((row.one_minus_c for row in self.rows if not isnan(row.one_minus_c)), default=nan)
        if last.one_minus_c < _ALIKE * most:
            found.append(f"different inputs come out alike, 1 - c = {last.one_minus_c:.2g}")
        return tuple(found)

    @property
    def verdict(self) -> str:
        """By how much signals and gradients change through the model, in one sentence."""
        if self.problems:
            return f"{'; '.join(self.problems)}.".capitalize()
        last, early = self.rows[-1], self._first_layer
        said = f"Signals and gradients get through: outputs have a root mean square of {last.mean_square**0.5:.2g}"
        if early is None or isnan(early.gradient):
            return f"{said}; gradients are not known."
        return f"{said}, gradients change by {early.gradient:.2g} on the way back to {early.name}."

    @property
    def remedy(self) -> str:
        """What to do next."""
        if self.problems:
            return "To draw it anew: from eoc.initializers.torch import initialize_; initialize_(model)"
        return "To measure it: import eoc.diagnose; eoc.diagnose.torch(model, batch)"

    @property
    def _first_layer(self) -> PredictedStep | None:
        return next((row for row in self.rows if row.kind == "layer"), None)

    def __str__(self) -> str:
        return "\n".join([self.verdict, "", *_table(self.rows), "", *_reasons(self.rows), *self.notes, self.remedy])

    def to_dict(self) -> dict[str, Any]:
        """Everything as numbers, texts, lists and dicts; NaN is left as it is."""
        return {
            "verdict": self.verdict,
            "problems": list(self.problems),
            "steps": [
                asdict(row) | {"known": str(row.known), "gradient_known": str(row.gradient_known)} for row in self.rows
            ],
            "notes": list(self.notes),
            "remedy": self.remedy,
        }


def _table(rows: Sequence[PredictedStep]) -> list[str]:
    cells = [_HEAD, *(_cells(at, row) for at, row in enumerate(rows))]
    widths = [max(len(line[at]) for line in cells) for at in range(len(_HEAD))]
    return [
        "  ".join(
            cell.ljust(width) if at in _TEXTS else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in cells
    ]


def _cells(at: int, row: PredictedStep) -> tuple[str, ...]:
    name = row.name if len(row.name) <= _LONGEST else f"...{row.name[3 - _LONGEST :]}"
    known = str(row.known) if row.known == row.gradient_known else f"{row.known}, gradient {row.gradient_known}"
    return (str(at), name, row.kind, _number(row.mean_square), _number(row.one_minus_c), _number(row.gradient), known)


def _number(value: float) -> str:
    """Three digits; "-" where nothing is known."""
    if isnan(value):
        return "-"
    plain = value == 0.0 or not isfinite(value) or abs(log10(abs(value))) < 4.0
    return f"{value:.3g}" if plain else f"{value:.2e}".replace("e-0", "e-").replace("e+0", "e+")


def _reasons(rows: Sequence[PredictedStep]) -> list[str]:
    """Each reason once, with the steps that it is of."""
    counted = Counter(part for row in rows for part in row.why.split("; ") if part)
    first = {part: row.name for row in reversed(rows) for part in row.why.split("; ") if part}
    said = [f"From {first[part]} on, {count} steps: {part}." for part, count in counted.most_common(_MOST)]
    rest = len(counted) - len(said)
    return said + ([f"And {rest} more reasons, in the rows."] if rest > 0 else [])
