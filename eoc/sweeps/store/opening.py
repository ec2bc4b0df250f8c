"""Opening a store to write to it: the one that is there, if it is of the same sweep, or a new one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from eoc.errors import EocError
from eoc.files import resolved
from eoc.sweeps.functions import FAILS
from eoc.sweeps.plan import VERSION, Plan
from eoc.sweeps.store.creating import create, damaged, empty_store, leftover, lost, repair
from eoc.sweeps.store.header import check_format, differences, header, json_of, unwritable
from eoc.sweeps.store.layout import Layout
from eoc.sweeps.store.lock import locked
from eoc.sweeps.store.store import Store

__all__ = ["open_store"]


@contextmanager
def open_store(
    path: Path,
    plan: Plan,
    config: Mapping[str, Any],
    *,
    functions: Mapping[str, str] | None = None,
    new: bool = False,
    about: Mapping[str, str] | None = None,
) -> Iterator[Store]:
    """A store to write results to: the one that is there, to go on with it, or a new one.

    Until the end of the ``with`` statement no other run can write to it.

    Parameters
    ----------
    path
        The folder, which exists only if a run has written it.
    plan, config, functions, about
        What it is made of, see :class:`~eoc.sweeps.store.layout.Layout`. A store with another ``config`` or other
        ``functions`` is refused; ``about`` may change from run to run, the first one stays.
    new
        Begin a new store. The one that is there is set aside, see :attr:`Store.set_aside`.

    Raises
    ------
    EocError
        If the store is of another configuration (with the differences), of another version or in use, is damaged or
        no store at all, or cannot be written.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from eoc.sweeps.plan import Axis
    >>> from eoc.sweeps.tasks import task
    >>> from eoc.sweeps.plan import Result
    >>> plan = Plan(task("edge_of_chaos"), {"activation": "tanh"}, (Axis({"sigma_b": (0.1, 0.2)}),))
    >>> with TemporaryDirectory() as folder, open_store(Path(folder, "tanh.zarr"), plan, {"task": "..."}) as store:
    ...     store.put([Result(0, 1.5, {}, "no luck")])
    ...     store.pending().tolist(), store.pending(retry_failed=True).tolist()
    ([1], [0, 1])
    """
    place = resolved(path) if path.is_symlink() or not path.name else path  # a link stays what it is
    if place.exists() and place.samefile(resolved(Path())):
        raise EocError(f"{path} is the current folder: give the name of a folder for the store")
    with locked(place):
        try:
            store = _opened(place, Layout(plan, config, functions or {}, about or {}), new)
        except OSError as error:
            raise unwritable(place, error) from None
        yield store


def _opened(path: Path, layout: Layout, new: bool) -> Store:
    leftover(path)
    aside = None
    if new and not _free(path):
        header(path)  # only what is a store is moved
        aside = _aside(path)
    if aside or _free(path):
        create(path, layout, aside)
    else:
        gone = lost(path)
        if not gone:
            _check(path, layout)
        if (names := damaged(path, layout)) or gone:
            with empty_store(path, layout) as right:
                repair(path, layout, right, names)
    return Store(path, layout, aside)


def _free(path: Path) -> bool:
    """Whether nothing is there, or an empty folder."""
    return not path.exists() or (path.is_dir() and not any(path.iterdir()))


def _aside(path: Path) -> Path:
    """Where a store can go."""
    names = (path.with_name(f"{path.stem}-{number}{path.suffix}") for number in count(1))
    return next(name for name in names if not name.exists())


def _check(path: Path, layout: Layout) -> None:
    """Refuse to go on with a store of another version or another configuration."""
    found = header(path)
    check_format(path, found)
    if found.get("eoc_version") != VERSION:
        raise EocError(
            f"the store {path} was begun by eoc {found.get('eoc_version')}, and this is eoc {VERSION}, whose numbers "
            "may differ: go on with that version, or start over with --new (new=True) or another store"
        )
    had = {text: digest for text, digest in json_of(path, found, "functions").items() if not digest.startswith(FAILS)}
    have = {
        text: digest for text, digest in layout.functions.items() if text in had
    }  # one that failed can have been mended
    now_given = json.loads(json.dumps({**layout.config, "functions": have}))
    if different := differences({**json_of(path, found, "config"), "functions": had}, now_given):
        raise EocError(
            f"the store {path} is of another configuration:\n{different}\n"
            "give that configuration again, or another store, or start over with --new (new=True)"
        )
