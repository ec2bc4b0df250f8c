"""The gallery: pictures and words of figures/README.md, each with its script and what data it writes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

_SECTION = re.compile(r"^## (.*)$", re.MULTILINE)
_FIGURE = re.compile(r"^### `(\w+)\.py`$", re.MULTILINE)
_PICTURE = re.compile(r"!\[(.*)\]\((output/.*)\)")

HEAD = """# Gallery

*Which pictures are there, and how do I draw one?* Every figure of the papers, and some of our own, is one script in
`figures/` that stands alone. `python figures/NAME.py` writes the picture and the data behind it, `NAME_*.csv`;
`--reduced` is a quick look, `--out DIR` another folder. A click leads to what is to be seen and to the script.
"""


def pages(folder: Path) -> Iterator[tuple[str, str]]:
    """The overview and a page for each figure."""
    _, *parts = _SECTION.split((folder / "README.md").read_text(encoding="utf-8"))
    overview = [HEAD]
    names = []
    for title, text in zip(parts[::2], parts[1::2], strict=True):
        _, *figures = _FIGURE.split(text)
        overview += [f"## {title}", "", "::::{container} gallery"]
        for name, words in zip(figures[::2], figures[1::2], strict=True):
            caption = _PICTURE.search(words)
            if caption is None:
                raise ValueError(f"figures/README.md shows no picture of {name}")
            link = f"../../figures/output/{name}.png"
            overview += [f":::{{figure}} {link}", f":target: {name}.html", f":alt: {caption[1]}", caption[1], ":::"]
            names.append(name)
            yield f"gallery/{name}.md", _page(folder, name, caption[1], words, title)
        overview += ["::::", ""]
    yield "gallery/index.md", "\n".join([*overview, "```{toctree}", ":hidden:", "", *names, "```", ""])


def _page(folder: Path, name: str, caption: str, words: str, source: str) -> str:
    shown = _PICTURE.sub(rf"![\1](../../figures/\2)\n\n*{source}*", words)
    tables = [f"| {_link(folder, one)} | {columns} |" for one, columns in _tables(folder) if one.startswith(f"{name}_")]
    return "\n".join(
        [
            f"# {caption}",
            shown,
            "## The data and the script",
            "",
            f"`python figures/{name}.py` writes `{name}.pdf`, `{name}.png` and these tables:",
            "",
            "| file | columns |",
            "|---|---|",
            *tables,
            "",
            f"```{{literalinclude}} ../../figures/{name}.py",
            "```",
            "",
        ]
    )


def _tables(folder: Path) -> list[tuple[str, str]]:
    """Tables and the columns that the tests hold them to, by name."""
    tests = ast.parse((folder.parent / "tests" / "test_figures.py").read_text(encoding="utf-8"))
    (found,) = [node.value for node in tests.body if isinstance(node, ast.Assign) and _name(node) == "TABLES"]
    return sorted((f"{name}.csv", columns) for name, columns in ast.literal_eval(found).items())


def _name(node: ast.Assign) -> str:
    return getattr(node.targets[0], "id", "")


def _link(folder: Path, name: str) -> str:
    """The file where the script has been run, else its name."""
    there = (folder / "output" / name).is_file()
    return f"{{download}}`{name} <../../figures/output/{name}>`" if there else f"`{name}`"
