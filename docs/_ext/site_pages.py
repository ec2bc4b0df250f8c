"""Pages that are made from what stands elsewhere: the glossary, the gallery, tables of benchmarks, the reference."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.ext.autodoc.mock import mock

sys.path.insert(0, str(Path(__file__).parent))

import explorer_file
import pages_benchmarks
import pages_gallery
import pages_glossary
import pages_reference

DOCS = Path(__file__).parents[1]
MADE = ("gallery", "reference", "benchmarks")  # folders that are made whole


def pages() -> Iterator[tuple[str, str]]:
    """Paths below ``docs`` and their text."""
    root = DOCS.parent
    yield "concepts/glossary.md", pages_glossary.page()
    yield from pages_gallery.pages(root / "figures")
    yield from pages_benchmarks.pages(root / "benchmarks")
    yield from pages_reference.pages(DOCS / "reference.toml")


def write(app: Sphinx, config: Config) -> None:
    """Write what has changed, so that only this is built again, and remove what is made no more."""
    with mock(config.autodoc_mock_imports):
        made = {DOCS / path: text for path, text in pages()}
    for path, text in made.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
    for folder in MADE:
        for path in (DOCS / folder).glob("*.*"):
            if path not in made:
                path.unlink()
    explorer_file.write(DOCS / "_build" / "extra")
    names = DOCS / "reference" / "names"
    with mock(config.autodoc_mock_imports):
        public = {f"{name}.rst" for name in pages_reference.with_pages(DOCS / "reference.toml")}
    for path in names.glob("*.rst"):
        if path.name not in public:
            path.unlink()
    config.autosummary_generate = [path for path in map(str, sorted(made)) if path.endswith(".rst")]


def setup(app: Sphinx) -> dict[str, bool]:
    """Write the pages before anything is read."""
    app.connect("config-inited", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
