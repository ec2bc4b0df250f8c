"""The words of the field that the commands print: what they mean, their formulas, and where to read on.

Kept in one place: ``eoc explain``, the glossary of the documentation and the tests of what commands print read it.
"""

from __future__ import annotations

from functools import cache
from types import MappingProxyType

from eoc.errors import EocError
from eoc.glossary.entry import Entry
from eoc.glossary.of_data import OF_DATA
from eoc.glossary.of_depth import OF_DEPTH
from eoc.glossary.of_layers import OF_LAYERS
from eoc.glossary.of_networks import OF_NETWORKS
from eoc.messages import closest, quoted

__all__ = ["Entry", "explain", "words"]


@cache
def words() -> MappingProxyType[str, Entry]:
    """All entries by their word, in the order in which one meets them.

    Examples
    --------
    >>> list(words())[:4]
    ['q', 'sigma_w', 'sigma_b', 'gain']
    """
    return MappingProxyType({entry.word: entry for entry in (*OF_LAYERS, *OF_DEPTH, *OF_NETWORKS, *OF_DATA)})


def explain(word: str) -> Entry:
    """What a word means.

    Parameters
    ----------
    word
        As the commands print it, ``"chi_1"``, ``"F'(q)"``, or as one says it, ``"depth scale"``; capitals, blanks,
        hyphens and underscores make no difference where no other word is spelt so.

    Returns
    -------
    Entry
        Meaning, formula, page and a command.

    Raises
    ------
    EocError
        For a word that has no entry, with the one that is most like it.

    Examples
    --------
    >>> print(explain("beta").formula)
    1 - c_l ~ beta_q / l,  beta_q = 2 E[phi'^2] / (q E[phi''^2])
    >>> explain("Depth-Scale").word, explain("q*").word
    ('depth scale', 'q')
    >>> explain("chi2")
    Traceback (most recent call last):
        ...
    eoc.errors.EocError: 'chi2' has no entry: did you mean 'chi'? 'eoc explain' lists all words
    """
    exact, alike = _spellings()
    found = exact.get(word.strip()) or alike.get(_plain(word))
    if found is not None:
        return found
    near = closest(word, tuple(exact))
    hint = f"did you mean {near!r}? " if near is not None else ""
    raise EocError(f"{quoted(word)} has no entry: {hint}'eoc explain' lists all words")


@cache
def _spellings() -> tuple[dict[str, Entry], dict[str, Entry]]:
    """Entries by all that they are called, as it is written and without what makes no difference; the first has it."""
    exact: dict[str, Entry] = {}
    for names in ((lambda one: (one.word,)), (lambda one: one.also)):
        for entry in words().values():
            for name in names(entry):
                exact.setdefault(name, entry)
    alike: dict[str, Entry] = {}
    for name, entry in exact.items():
        alike.setdefault(_plain(name), entry)
    return exact, alike


def _plain(word: str) -> str:
    return "".join(one for one in word.lower() if one not in " -_\t")
