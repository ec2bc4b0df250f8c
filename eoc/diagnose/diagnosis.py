"""What :func:`eoc.diagnose.torch` returns: the records of a diagnosis, with the words for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from eoc.diagnose.records import LayerRow, Stretch
from eoc.diagnose.summary import sentences
from eoc.diagnose.table import table
from eoc.diagnose.verdict import remedy, verdict
from eoc.sharing import cached_property

__all__ = ["Diagnosis"]


@dataclass(frozen=True)
class Diagnosis:
    """What :func:`eoc.diagnose.torch` returns; ``print`` shows the verdict, the table and the words.

    Attributes
    ----------
    rows
        One for each call of each layer, in the order in which they ran.
    stretches
        Where the theory of deep networks applies.
    samples
        Size of the batch.
    notes
        What else a reader should know.
    """

    rows: tuple[LayerRow, ...]
    stretches: tuple[Stretch, ...]
    samples: int
    notes: tuple[str, ...] = ()

    @cached_property
    def words(self) -> tuple[str, ...]:
        """What is to be seen, in plain sentences."""
        return sentences(self.rows, self.stretches, self.samples, self.notes)

    @cached_property
    def verdict(self) -> str:
        """Whether signals and gradients get through the model, in one sentence."""
        return verdict(self.rows)

    @cached_property
    def remedy(self) -> str:
        """The line of code that mends it."""
        return remedy(self.rows, self.stretches)

    def __str__(self) -> str:
        return "\n".join([self.verdict, "", table(self.rows), "", *self.words, self.remedy])

    def to_dict(self) -> dict[str, Any]:
        """Everything as numbers, texts, lists and dicts; NaN and infinities are left as they are."""
        return {
            "verdict": self.verdict,
            "samples": self.samples,
            "layers": [row.to_dict() for row in self.rows],
            "stretches": [one.to_dict() for one in self.stretches],
            "words": list(self.words),
            "remedy": self.remedy,
        }
