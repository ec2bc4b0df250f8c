"""Whom to cite: the papers behind a result, a command or an activation, and the software itself, as BibTeX."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from eoc._version import __version__
from eoc.citations.paper import Paper
from eoc.citations.papers import PAPERS
from eoc.citations.topics import OF_PARTS, OF_WORDS
from eoc.errors import EocError

__all__ = ["PAPERS", "Citation", "Paper", "citation", "citation_of_words"]

_WORD = re.compile(r"[A-Za-z]\w*")
_OF_DATA = {"task": "phase_diagram", "activation": "", "text": ""}  # of a data set, and what is left out
_NAMES = ("activation", "network", "original", "variance", "name", "text")  # attributes that say what a result is of
_SOFTWARE = f"""@misc{{eoc,
  author = {{{{The eoc maintainers}}}},
  title = {{eoc: mean-field maps and the edge of chaos of wide random networks at initialisation}},
  note = {{Version {__version__}}},
}}"""


@dataclass(frozen=True)
class Citation:
    """What to cite; ``print`` shows BibTeX.

    Attributes
    ----------
    papers
        The papers, by the year.
    """

    papers: tuple[Paper, ...]

    @property
    def bibtex(self) -> str:
        """Entries of the software and of all papers."""
        return "\n\n".join([_SOFTWARE, *(paper.bibtex() for paper in self.papers)])

    def __str__(self) -> str:
        return self.bibtex

    def to_dict(self) -> dict[str, object]:
        """What ``--json`` prints."""
        papers = [{"key": one.key, "authors": one.authors, "title": one.title, "year": one.year} for one in self.papers]
        return {"papers": papers, "bibtex": self.bibtex}


def citation(result: object = None) -> Citation:
    """The papers behind a result, and the software.

    Parameters
    ----------
    result
        What a function of eoc returned: a point, a curve, a phase, a trajectory, a kernel, a diagram, an open sweep; an
        activation or a network; or their text. None: the papers on which the whole stands.

    Returns
    -------
    Citation
        ``print`` shows BibTeX; ``.papers`` are those of the theory and of the activations and layers that take part.

    Raises
    ------
    EocError
        For what eoc does not make.

    Examples
    --------
    >>> import eoc
    >>> [paper.key for paper in eoc.citation(eoc.phase_of("gelu", sigma_w=1.4, sigma_b=0.5)).papers]
    ['hendrycks2016', 'poole2016', 'schoenholz2017']
    >>> [paper.key for paper in eoc.citation("residual(selu, dense(1))").papers]
    ['klambauer2017', 'yang2017', 'hayou2021']
    """
    if result is None:
        return _citation(("poole2016", "schoenholz2017", "hayou2019", "long2019"))
    if isinstance(result, str):
        return citation_of_words(_WORD.findall(result))
    parts = [part for part in OF_PARTS if f"{type(result).__module__}.".startswith(f"{part}.")]
    names = list(_names(result))
    attributes = getattr(result, "attrs", {})  # of an xarray data set
    if not (parts or names or "task" in attributes or str(attributes.get("source", "")).startswith("eoc ")):
        raise EocError(f"nothing is known to cite for {type(result).__name__}: give what a function of eoc returned")
    if attributes:
        names += [str(attributes.get(name, usual)) for name, usual in _OF_DATA.items()]
        names += map(str, _coordinates(result))
    keys = OF_PARTS[max(parts, key=len)] if parts else ()
    return _citation((*keys, *_keys(word for name in names for word in _WORD.findall(name))))


def citation_of_words(words: Iterable[str]) -> Citation:
    """What to cite for commands, activations and layers; words that have no papers are left out."""
    return _citation(_keys(words))


def _keys(words: Iterable[str]) -> list[str]:
    return [key for word in words for key in OF_WORDS.get(word.lower(), ())]


def _citation(keys: Iterable[str]) -> Citation:
    found = {key: PAPERS[key] for key in keys}
    return Citation(tuple(sorted(found.values(), key=lambda paper: (paper.year, paper.key))))


def _names(result: object) -> Iterator[str]:
    """What activations and networks a result is of, as they are called."""
    for attribute in _NAMES:
        value = _attribute(result, attribute) if type(result).__module__.startswith("eoc.") else None
        if isinstance(value, str):
            yield value
        elif value is not None:
            yield from _names(value)


def _attribute(result: object, name: str) -> object:
    """None as well where it has no answer, as there is no single activation of several layers."""
    try:
        return getattr(result, name, None)
    except EocError:
        return None


def _coordinates(data: object) -> list[object]:
    """The activations of a data set."""
    found = getattr(data, "coords", {}).get("activation")
    return [] if found is None else list(found.values.reshape(-1))
