"""The explorer as a file of the site; it is computed again when its code has changed."""

from __future__ import annotations

from pathlib import Path

import eoc.explorer

ACTIVATIONS = ("tanh", "relu", "gelu", "silu", "elu", "sign")


def write(folder: Path) -> None:
    """Write ``explore.html`` into the folder, unless one is there that is younger than the explorer's code."""
    page = folder / "explore.html"
    sources = Path(eoc.explorer.__file__).parent.iterdir()
    if page.is_file() and page.stat().st_mtime > max(source.stat().st_mtime for source in sources):
        return
    folder.mkdir(parents=True, exist_ok=True)
    page.write_text(eoc.explorer.explorer_page(ACTIVATIONS), encoding="utf-8")
