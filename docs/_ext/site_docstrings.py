"""Docstrings as reStructuredText, and links in them: to what is public, or to nothing if it exists all the same."""

from __future__ import annotations

import re
from functools import reduce
from importlib import import_module
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

_QUOTED = re.compile(r"(``.*?``|`.*?`)")
_STAR_OR_BAR = re.compile(r"\||(?<=[\w)])\*(?=[\s,.;:)']|$)|(?<![\w*])\*(?=\w+\))")  # |x|, c*, (n, *shape)
_SOURCE = re.compile(r"docstring of ([\w.]+)")


def escape(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Write |x| and c* as they stand in prose: the house knows no substitutions, and stars are those of the field."""
    inside = -1  # indentation of a directive, whose lines stay
    doctest = False
    for i, line in enumerate(lines):
        indent = len(line) - len(line.lstrip())
        doctest = line.lstrip().startswith(">>>") or (doctest and bool(line.strip()))
        if line.lstrip().startswith(".. "):
            inside = indent
        elif line.strip() and indent <= inside:
            inside = -1
        if inside < 0 and not doctest:
            parts = _QUOTED.split(line)
            parts[::2] = [_STAR_OR_BAR.sub(r"\\\g<0>", part) for part in parts[::2]]
            lines[i] = "".join(parts)


def exists(app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.TextElement) -> Any:
    """What a docstring names and the reference has not is no broken link, if there is such a thing."""
    if node.get("refdomain") != "py":
        return None
    found = _SOURCE.search(node.source or (node.parent.source if node.parent is not None else "") or "")
    target = node["reftarget"]
    named = [node.get("py:module") or "eoc", *(_prefixes(found[1]) if found is not None else ())]
    places = [target, *(f"{place}.{target}" for place in named)]
    from_reference = node.get("refdoc", "").startswith("reference/")
    return content if from_reference and any(map(_is_there, places)) else None


def _prefixes(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:k]) for k in range(len(parts), 0, -1)]


def _is_there(name: str) -> bool:
    """Whether something has this full name."""
    for module in _prefixes(name):
        try:
            reduce(getattr, name.split(".")[module.count(".") + 1 :], import_module(module))
        except (ImportError, AttributeError):
            continue
        return True
    return False


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect both."""
    app.connect("autodoc-process-docstring", escape)
    app.connect("missing-reference", exists)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
