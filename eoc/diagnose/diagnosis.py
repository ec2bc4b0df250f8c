"""What :func:`eoc.diagnose.torch` returns: the records of a diagnosis, with the words for them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from eoc.diagnose.attention import Attention
from eoc.diagnose.health import problems
from eoc.diagnose.parts import of_attention, of_sums
from eoc.diagnose.records import LayerRow, Stretch, Values
from eoc.diagnose.residual import Drowned
from eoc.diagnose.start_loss import StartLoss
from eoc.diagnose.summary import sentences
from eoc.diagnose.table import table
from eoc.diagnose.verdict import remedy, verdict
from eoc.errors import EocError
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
    output
        Of the first tensor that the model returns; the gradient is that by all of them.
    attention
        One for each call of attention.
    drowned
        Sums of which one part is too small to be seen.
    notes
        What else a reader should know.
    start
        The loss with which it would begin as a classifier; None for outputs that are no row of numbers a sample.
    """

    rows: tuple[LayerRow, ...]
    stretches: tuple[Stretch, ...]
    samples: int
    output: Values
    attention: tuple[Attention, ...] = ()
    drowned: tuple[Drowned, ...] = ()
    notes: tuple[str, ...] = ()
    start: StartLoss | None = None

    def noting(self, *notes: str) -> Diagnosis:
        """The same with further notes."""
        return replace(self, notes=(*self.notes, *notes))

    @cached_property
    def words(self) -> tuple[str, ...]:
        """What is to be seen, in plain sentences."""
        said = sentences(self.rows, self.stretches)
        hot = () if self.start is None else self.start.words
        more = [*of_attention(self.attention), *of_sums(self.drowned), *hot, *self.notes]
        if self.samples == 1:
            more.append("Correlations need a batch of at least two samples: they were not measured.")
        return (*said, *more)

    @cached_property
    def problems(self) -> tuple[str, ...]:
        """What is off by more than a decade over the model, or not finite, or dead; () where nothing is."""
        return problems(self.rows, self.output)

    @cached_property
    def verdict(self) -> str:
        """Whether signals and gradients get through the model, in one sentence."""
        return verdict(self.rows, self.problems)

    @cached_property
    def remedy(self) -> str:
        """The line of code that mends it."""
        return remedy(self.rows, self.stretches, self.problems)

    def assert_healthy(self) -> None:
        """Nothing, for a model that is fit to be trained.

        Raises
        ------
        EocError
            With the verdict, and the line of code that mends it, where :attr:`problems` has any.
        """
        if self.problems:
            raise EocError(f"{self.verdict} {self.remedy}")

    def __str__(self) -> str:
        return "\n".join([self.verdict, "", table(self.rows), "", *self.words, self.remedy])

    def to_dict(self) -> dict[str, Any]:
        """Everything as numbers, texts, lists and dicts; NaN and infinities are left as they are."""
        return {
            "verdict": self.verdict,
            "problems": list(self.problems),
            "samples": self.samples,
            "output": self.output.to_dict(),
            "layers": [row.to_dict() for row in self.rows],
            "stretches": [one.to_dict() for one in self.stretches],
            "attention": [one.to_dict() for one in self.attention],
            "drowned": [one.to_dict() for one in self.drowned],
            "start": None if self.start is None else self.start.to_dict(),
            "words": list(self.words),
            "remedy": self.remedy,
        }
