"""Tables of benchmarks/*.md, as the scripts there have written them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

NAMES = {"README.md": "timings.md"}  # others keep theirs


def pages(folder: Path) -> Iterator[tuple[str, str]]:
    """Every page of the folder, links to others as they are called here."""
    for path in sorted(folder.glob("*.md")):
        text = path.read_text(encoding="utf-8")
        for name, new in NAMES.items():
            text = text.replace(f"see `{name}`", f"see [here]({new})").replace(f"]({name})", f"]({new})")
        yield f"benchmarks/{NAMES.get(path.name, path.name)}", text.replace("](../docs/", "](../")
