"""The data of ``eoc kernel``: inputs and labels from files, and how they are prepared."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from eoc.errors import EocError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from eoc.floats import FloatArray

__all__ = ["PREPARED", "Data", "prepared", "read_data"]

#: How inputs may be prepared.
PREPARED = ("unit", "standard", "raw")

_ENDINGS = (".npy", ".npz", ".csv")
_BY_ITSELF = "x"  # the array of inputs in an .npz


class Data(NamedTuple):
    """Inputs (n, d), and labels (n,) or None."""

    x: FloatArray
    labels: NDArray[Any] | None


def read_data(source: str, labels: str | None, most: int) -> Data:
    """Inputs and their labels, at most so many: as many rows, evenly over all.

    Parameters
    ----------
    source
        A file (.npy, .npz, .csv), or "digits".
    labels
        A file, the name of an array of the .npz, or that of a column of the .csv, which is then no feature. The digits
        have their own.

    Raises
    ------
    EocError
        For what cannot be read, or does not fit.
    """
    import numpy as np

    found = _digits() if source == "digits" else _from_file(Path(source), labels)
    if labels is not None and (found.labels is None or source == "digits"):
        found = Data(found.x, _labels(Path(labels)))
    x = found.x.reshape(len(found.x), -1) if found.x.ndim > 1 else found.x
    if x.ndim != 2 or x.dtype.kind not in "iufb":
        raise EocError(f"{source} must hold one row of numbers an input, got shape {x.shape} of {x.dtype}")
    if found.labels is not None and found.labels.shape != (len(x),):
        raise EocError(f"there are {len(x)} inputs, and labels of shape {found.labels.shape}")
    rows = np.arange(len(x)) if len(x) <= most else np.linspace(0.0, len(x) - 1.0, most).astype(np.int64)
    return Data(x[rows].astype(float), None if found.labels is None else found.labels[rows])


def prepared(x: FloatArray, how: str) -> FloatArray:
    """Every input scaled to mean square 1 ("unit"); features less their means, and all by one number ("standard")."""
    import numpy as np

    if how == "raw":
        return x
    if how == "standard":
        centred = x - x.mean(axis=0)
        size = float(np.sqrt(np.mean(centred * centred)))
        if size == 0.0:
            raise EocError("all inputs are the same: they cannot be scaled to mean square 1")
        return np.asarray(centred / size)
    if how != "unit":
        raise EocError(f"--prepare takes one of {', '.join(PREPARED)}, got {how!r}")
    sizes = np.sqrt(np.mean(x * x, axis=1, keepdims=True))
    zero = np.flatnonzero(sizes == 0.0)
    if zero.size:
        raise EocError(f"input {zero[0]} is zero and cannot be scaled: use --prepare standard, or raw with a --sigma-b")
    return np.asarray(x / sizes)


def _digits() -> Data:
    from eoc.frameworks import needs

    needs("the data set digits", extra="sklearn", libraries=("sklearn",))
    from sklearn.datasets import load_digits

    return Data(*load_digits(return_X_y=True))


def _from_file(path: Path, labels: str | None) -> Data:
    import numpy as np

    if path.suffix.lower() not in _ENDINGS or not path.is_file():
        raise EocError(f"there is no file {path}: DATA is a file ending in {', '.join(_ENDINGS)}, or digits")
    try:
        if path.suffix.lower() == ".csv":
            return _from_csv(path, labels)
        with path.open("rb") as file:
            found = np.load(file, allow_pickle=False)
            return Data(found, None) if isinstance(found, np.ndarray) else _from_npz(path, dict(found), labels)
    except (ValueError, OSError, EOFError) as error:
        raise EocError(f"cannot read {path}: {error}") from None


def _from_npz(path: Path, arrays: dict[str, NDArray[Any]], labels: str | None) -> Data:
    names = [name for name in arrays if name != labels]
    inputs = _BY_ITSELF if _BY_ITSELF in arrays else names[0] if len(names) == 1 else None
    if inputs is None:
        raise EocError(f"{path} must hold the inputs as an array x, it has {', '.join(arrays) or 'none'}")
    return Data(arrays[inputs], arrays.get(labels) if labels is not None else None)


def _from_csv(path: Path, labels: str | None) -> Data:
    import numpy as np

    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = [row for row in csv.reader(file) if row and not row[0].startswith("#")]
    if not rows:
        raise ValueError("it is empty")
    header = None if all(map(_is_number, rows[0])) else rows.pop(0)
    lengths = {len(row) for row in rows}
    if len(lengths) != 1:
        raise ValueError("its rows differ in length" if rows else "it has no rows of numbers")
    cells = np.array(rows)
    column = header.index(labels) if header is not None and labels in header else None
    own = None if column is None else _plain(cells[:, column])
    return Data((cells if column is None else np.delete(cells, column, axis=1)).astype(float), own)


def _labels(path: Path) -> NDArray[Any]:
    """Labels of their own, one a row."""
    import numpy as np

    if not path.is_file():
        raise EocError(f"--labels {path}: there is no such file, nor an array or a column of that name in the data")
    try:
        if path.suffix.lower() == ".npy":
            found: NDArray[Any] = np.load(path, allow_pickle=False)
            return found
        lines = path.read_text(encoding="utf-8-sig").split()
    except (ValueError, OSError) as error:
        raise EocError(f"cannot read {path}: {error}") from None
    return _plain(np.array(lines))


def _plain(cells: NDArray[Any]) -> NDArray[Any]:
    """As numbers where they are."""
    return cells.astype(float) if all(map(_is_number, cells.tolist())) else cells


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
