"""The reference: a page for each group of docs/reference.toml, and one for each public name."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from importlib import import_module
from inspect import isclass, isroutine
from pathlib import Path
from typing import Any, get_args

from sphinx.pycode import ModuleAnalyzer

HEAD = """Reference
=========

*What does a name do, how exact is it, and where does it come from?* Every public name has a page with its formula, its
parameters and their ranges, what it returns, raises and cites, and an example that the tests run. What is not listed
here may change without notice.

"""


def groups(path: Path) -> list[dict[str, Any]]:
    """The groups of the file."""
    listed = tomllib.loads(path.read_text(encoding="utf-8"))["group"]
    known = {name for one in listed if one.get("module") == "eoc" for name in one["names"]}
    further = [name for name in import_module("eoc").__all__ if name not in known]
    return [*listed, {"title": "Further", "about": "New.", "module": "eoc", "names": further}] if further else listed


def with_pages(path: Path) -> list[str]:
    """Full names of all that has a page of its own."""
    return [name for group in groups(path) for name in names(group) if _is_code(name)]


def names(group: dict[str, Any]) -> list[str]:
    """Full names of a group; of modules all that is neither in the package itself nor in one before."""
    if "names" in group:
        return [f"{group['module']}.{name}" for name in group["names"]]
    package = import_module("eoc")
    seen = [getattr(package, name) for name in package.__all__]
    out = []
    for module in group["modules"]:
        for name in import_module(module).__all__:
            value = getattr(import_module(module), name)
            if not any(value is one for one in seen):
                seen.append(value)
                out.append(f"{module}.{name}")
    return out


def pages(path: Path) -> Iterator[tuple[str, str]]:
    """The overview and the groups."""
    found = groups(path)
    listed = "\n".join(f"   {_slug(one['title'])}" for one in found)
    said = "\n".join(f":doc:`{_slug(one['title'])}`\n   {one['about']}" for one in found)
    yield "reference/index.rst", f"{HEAD}{said}\n\n.. toctree::\n   :hidden:\n\n{listed}\n"
    for group in found:
        yield f"reference/{_slug(group['title'])}.rst", _page(group)


def _slug(title: str) -> str:
    return title.lower().replace(" ", "-").replace(",", "")


def _page(group: dict[str, Any]) -> str:
    title = group["title"]
    modules = group.get("modules", [group.get("module")])
    out = [title, "=" * len(title), "", group["about"], ""]
    for module in modules:
        if len(modules) > 1:
            out += [module, "-" * len(module), "", _first(import_module(module).__doc__), ""]
        mine = [name for name in names(group) if name.rpartition(".")[0] == module]
        data = [name for name in mine if not _is_code(name)]
        out += [f".. currentmodule:: {module}", "", *map(_data, data)]
        mine = [name for name in mine if name not in data]
        for template, some in _kinds(module, mine):
            if some:
                out += [".. autosummary::", "   :toctree: names", f"   :template: {template}.rst", ""]
                out += [*(f"   {name.rpartition('.')[2]}" for name in some), ""]
    return "\n".join(out)


def _kinds(module: str, full: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Classes, and all others."""
    found = import_module(module)
    kinds = {name: isclass(getattr(found, name.rpartition(".")[2])) for name in full}
    yield "base", [name for name, is_class in kinds.items() if not is_class]
    yield "class", [name for name, is_class in kinds.items() if is_class]


def _value(full: str) -> object:
    module, _, name = full.rpartition(".")
    return getattr(import_module(module), name)


def _is_code(full: str) -> bool:
    return isclass(_value(full)) or isroutine(_value(full))


def _data(full: str) -> str:
    """What is neither a class nor a function: what its comment says where it is made, or the values of an alias."""
    module, _, name = full.rpartition(".")
    home = _home(module, name)
    comment = ModuleAnalyzer.for_module(home).find_attr_docs().get(("", name))
    value = _value(full)
    text = " ".join(comment).strip() if comment else f"One of {', '.join(f'``{one!r}``' for one in get_args(value))}."
    if isinstance(value, str | float):
        text = f"``{value!r}``: {text}"
    return f".. py:data:: {name}\n\n   {text}\n"


def _home(module: str, name: str) -> str:
    """Where a package has a name from."""
    tree = ast.parse(Path(str(import_module(module).__file__)).read_text(encoding="utf-8"))
    made = [one for one in tree.body if isinstance(one, ast.ImportFrom) and name in {each.name for each in one.names}]
    return str(made[0].module) if made else module


def _first(text: str | None) -> str:
    return (text or "").strip().partition("\n")[0]
