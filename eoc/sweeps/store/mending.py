"""What describes a store, written again where it is damaged: the plan of the sweep knows all of it."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

from eoc.errors import EocError
from eoc.sweeps.plan import Plan
from eoc.sweeps.store.header import entry, header
from eoc.sweeps.store.layout import coordinate_file, coordinates, variables

__all__ = ["damaged", "lost", "mend"]

_ABOUT = "zarr.json"  # what describes an array, or the whole


def lost(path: Path) -> bool:
    """Whether nobody can tell any more what sweep a store is of."""
    try:
        found = header(path)
        for name in ("config", "functions", "runs"):
            entry(path, found, name)
    except EocError:
        return True
    return False


def damaged(path: Path, plan: Plan) -> list[str]:
    """The arrays of which what describes them is not what it was.

    The whole has copies: where the two differ, one of them is damaged.
    """
    copies = _read(path).get("consolidated_metadata")
    known = copies.get("metadata") if isinstance(copies, dict) else None
    return [
        name
        for name in (*variables(plan), *coordinates(plan))
        if not isinstance(known, dict) or not known.get(name) or known[name] != _read(path / name)
    ]


def mend(path: Path, plan: Plan, right: Path, names: list[str]) -> None:
    """Describe the store as a new one is described, with all its numbers where they are.

    Parameters
    ----------
    path
        The store.
    plan
        Its points.
    right
        A new store of the same points; files are moved from there.
    names
        The arrays to look at.

    Raises
    ------
    EocError
        If the whole is lost, and the parameters that the store has on disk are not those of the plan.
    """
    import zarr
    from zarr.errors import ZarrUserWarning

    if lost(path):
        if not _same_parameters(path, plan, right):
            header(path)
            raise EocError(f"{path} is damaged, and its parameters are not those of this sweep: give another store")
        (right / _ABOUT).replace(path / _ABOUT)
    for name in names:
        if _read(path / name) != _read(right / name):
            (path / name).mkdir(exist_ok=True)
            (right / name / _ABOUT).replace(path / name / _ABOUT)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ZarrUserWarning)
        zarr.consolidate_metadata(path)


def _same_parameters(path: Path, plan: Plan, right: Path) -> bool:
    """Whether all values of all parameters are in the files that a new store has.

    Where functions of a user are among them, nobody can tell whether they still compute the same.
    """
    if not path.is_dir() or any(":" in str(text) for text in plan.values.get("activation", ())):
        return False
    there, wanted = ({one.name for one in folder.iterdir() if one.is_dir()} for folder in (path, right))
    files = [coordinate_file(path, name, values.ndim) for name, (_, values) in coordinates(plan).items()]
    return there == wanted and all(
        file.is_file() and file.read_bytes() == (right / file.relative_to(path)).read_bytes() for file in files
    )


def _read(folder: Path) -> dict[str, Any]:
    """What describes an array or the whole; nothing if that cannot be read."""
    try:
        found = json.loads((folder / _ABOUT).read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
