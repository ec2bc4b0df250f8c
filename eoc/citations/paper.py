"""A paper, and its entry in BibTeX."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Paper"]


@dataclass(frozen=True)
class Paper:
    """What is needed to cite a paper.

    Attributes
    ----------
    key
        Its key in BibTeX.
    authors
        "Given Family and Given Family", accents as in TeX.
    title, year
        As published; capitals that have to stay are in braces.
    where
        The conference or journal; empty for a preprint.
    arxiv
        The number there; empty where there is none.
    kind
        The kind of entry: "inproceedings", "article", "book" or "misc".
    """

    key: str
    authors: str
    title: str
    year: int
    where: str = ""
    arxiv: str = ""
    kind: str = "inproceedings"

    def bibtex(self) -> str:
        """The entry.

        Examples
        --------
        >>> from eoc.citations import PAPERS
        >>> print(PAPERS["poole2016"].bibtex())
        @inproceedings{poole2016,
          author = {Ben Poole and Subhaneil Lahiri and Maithra Raghu and Jascha Sohl-Dickstein and Surya Ganguli},
          title = {Exponential expressivity in deep neural networks through transient chaos},
          booktitle = {Advances in Neural Information Processing Systems},
          year = {2016},
          eprint = {1606.05340},
          archivePrefix = {arXiv},
        }
        """
        place = {"inproceedings": "booktitle", "article": "journal", "book": "publisher"}.get(self.kind, "note")
        preprint = {"eprint": self.arxiv, "archivePrefix": "arXiv"} if self.arxiv else {}
        fields = {"author": self.authors, "title": self.title, place: self.where, "year": str(self.year)} | preprint
        lines = [f"  {name} = {{{text}}}," for name, text in fields.items() if text]
        return "\n".join([f"@{self.kind}{{{self.key},", *lines, "}"])
