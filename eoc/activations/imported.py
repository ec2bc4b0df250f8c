"""From a text to an Activation, where the text may also say where a Python function is."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from eoc.activations.base import Activation
from eoc.activations.resolve import activation
from eoc.activations.table_file import from_table, is_table
from eoc.errors import EocError

__all__ = ["from_source", "imported", "own_function"]

_OWN_FUNCTION = re.compile(r"(?P<module>.+\.py|[^\W\d]\w*(\.[^\W\d]\w*)*):(?P<name>[^\W\d]\w*)\Z")


def from_source(text: str, folder: str = "") -> Activation:
    """The activation meant by a name, a formula, ``table.csv``, ``module:function`` or ``file.py:function``.

    A function is imported, which runs its module or file.

    Parameters
    ----------
    text
        What :func:`eoc.activation` understands, or where a function is.
    folder
        Where modules are looked for first, and what a relative path to a file starts from; "" is the current folder.

    Returns
    -------
    Activation
        The same object for the same name or formula; a new one for a function.

    Raises
    ------
    EocError
        As :func:`eoc.activation`, or for a function that cannot be imported, or a table that cannot be read.

    Examples
    --------
    >>> from_source("numpy:tanh").name, from_source("tanh").name
    ('tanh', 'tanh')
    """
    if is_table(text):
        return from_table(text, folder)
    own = own_function(text)
    if own is None:
        return activation(text)
    return activation(imported(*own, folder))


def imported(module: str, name: str, folder: str = "") -> Any:
    """What a module or file calls by a name; importing it runs it.

    Parameters
    ----------
    module, name
        As :func:`own_function` returns them.
    folder
        As for :func:`from_source`.

    Raises
    ------
    EocError
        If there is no such module or name, or importing it fails.

    Examples
    --------
    >>> imported("math", "pi")  # doctest: +NUMBER
    3.14159265
    """
    loaded = _loaded(module, folder)
    if not hasattr(loaded, name):
        raise EocError(f"{module} has no {name!r}")
    return getattr(loaded, name)


def own_function(text: str) -> tuple[str, str] | None:
    """The module or file, and the name in it, if a text says where a Python function is.

    Raises
    ------
    EocError
        For a file without the name of a function.

    Examples
    --------
    >>> own_function("my_file.py:phi"), own_function("package.module:phi"), own_function("tanh")
    (('my_file.py', 'phi'), ('package.module', 'phi'), None)
    """
    own = _OWN_FUNCTION.match(text.strip())
    if own is None and text.strip().endswith(".py"):
        raise EocError(f"{text} looks like a file: write {text.strip()}:function")
    return None if own is None else (own["module"], own["name"])


def _loaded(module: str, folder: str) -> ModuleType:
    """The module of that name or path."""
    import importlib

    try:
        if module.endswith(".py"):
            return _of_file(module, folder)
        if folder not in sys.path[:1]:
            sys.path.insert(0, folder)
        loaded = importlib.import_module(module)
        _check_origin(module, folder, loaded)
        return loaded
    except EocError:
        raise
    except (Exception, SystemExit) as error:
        raise EocError(f"importing {module} failed: {type(error).__name__}: {error}") from error


def _check_origin(module: str, folder: str, loaded: ModuleType) -> None:
    """Refuse a module that was imported earlier in this process from elsewhere, though there is one in the folder."""
    inside, origin = Path(folder, *module.split(".")), loaded.__file__
    for path in (inside.with_suffix(".py"), inside / "__init__.py"):
        if path.is_file() and not (origin and path.samefile(origin)):
            raise EocError(
                f"{module} was imported from {origin or 'Python itself'} before, not from {path}: start Python anew, "
                "or give another name to the file"
            )


def _of_file(module: str, folder: str) -> ModuleType:
    import importlib.util

    path = Path(folder) / Path(module).expanduser()
    if not path.is_file():
        raise EocError(f"there is no file {module}" + (f" in {folder}" if folder else ""))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise EocError(f"{module} cannot be imported")
    loaded = importlib.util.module_from_spec(spec)
    own, before = str(path.parent.resolve()), sys.modules.get(path.stem)
    if own not in sys.path:
        sys.path.append(own)  # for what lies beside the file
    sys.modules[path.stem] = loaded  # where dataclasses look for it
    try:
        spec.loader.exec_module(loaded)
    finally:
        sys.modules.pop(path.stem)
        if before is not None:
            sys.modules[path.stem] = before
    return loaded
