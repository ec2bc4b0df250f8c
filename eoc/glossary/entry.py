"""What is said of a word."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["Entry"]


@dataclass(frozen=True)
class Entry:
    r"""A word of the field, as the commands print it.

    Attributes
    ----------
    word
        The word.
    meaning
        What it means, in sentences.
    formula
        The same as a formula, to be read in a terminal; empty where there is none.
    tex
        The formula for print.
    page
        The page of the documentation that says more, without its ending.
    command
        A command that shows it.
    also
        Other spellings and names.

    Examples
    --------
    >>> from eoc.glossary import explain
    >>> explain("chi1").word, explain("xi").formula
    ('chi_1', '1 - c_l ~ exp(-l / xi_c)')
    """

    word: str
    meaning: str
    formula: str
    tex: str
    page: str
    command: str
    also: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """What ``--json`` prints."""
        return asdict(self)
