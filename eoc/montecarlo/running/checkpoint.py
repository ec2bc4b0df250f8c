"""A run on disk, from which it can go on: NumPy arrays in one file, and nothing that is executed.

A fingerprint, what a result depends on as plain numbers and strings, tells the files of different problems apart.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eoc.activations.base import Activation
from eoc.errors import EocError
from eoc.files import replacing
from eoc.messages import shortened
from eoc.montecarlo.running.study import Reached
from eoc.montecarlo.running.summary import Summary

__all__ = ["Snapshot", "digest", "fingerprint_of", "load", "save"]

_FORMAT = "eoc checkpoint 1"
_PROBES = np.concatenate(
    [np.linspace(-30.0, 30.0, 2401), np.geomspace(1e-12, 1e3, 151), -np.geomspace(1e-12, 1e3, 151)]
)


@dataclass(frozen=True)
class Snapshot:
    """A run at one moment.

    Attributes
    ----------
    merged
        How many chunks, from the first on, are in ``total``.
    total
        Their statistics; None of no chunk.
    finished
        Statistics of chunks beyond them.
    under_way
        Where other chunks are.
    """

    merged: int = 0
    total: Summary | None = None
    finished: Mapping[int, Summary] = field(default_factory=dict)
    under_way: Mapping[int, Reached] = field(default_factory=dict)


def save(path: Path, fingerprint: Mapping[str, object], snapshot: Snapshot) -> None:
    """Write the snapshot of the problem that the fingerprint describes; a file of that name is replaced.

    Raises
    ------
    EocError
        If it cannot be written.
    """
    header = {
        "format": _FORMAT,
        "fingerprint": fingerprint,
        "merged": snapshot.merged,
        "finished": list(snapshot.finished),
        "under way": {number: reached.layer for number, reached in snapshot.under_way.items()},
    }
    arrays = {"header": np.array(json.dumps(header))}
    summaries = {"total": snapshot.total} if snapshot.total else {}
    summaries |= {f"finished {number}": summary for number, summary in snapshot.finished.items()}
    for place, summary in summaries.items():
        arrays |= {f"{place}/{key}": array for key, array in summary.to_arrays().items()}
    for number, reached in snapshot.under_way.items():
        arrays[f"state {number}"] = reached.state
        arrays |= {f"observed {number}/{name}": values for name, values in reached.observed.items()}
    with replacing(path, "the checkpoint") as part, part.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]  # a parameter of later versions is no array


def load(path: Path, fingerprint: Mapping[str, object]) -> Snapshot | None:
    """The snapshot in a file; None if there is no such file.

    Raises
    ------
    EocError
        If the file cannot be read, is no checkpoint or that of another problem, with the differences.
    """
    if not path.exists():
        return None
    if not path.is_file():
        raise EocError(f"cannot keep the checkpoint in {path}: it is no file; give the name of a file or of a new one")
    arrays = _arrays(path)
    try:
        header = json.loads(str(arrays.pop("header")))
        if header["format"] != _FORMAT:
            raise ValueError(header["format"])
        found = header["fingerprint"]
        snapshot = _snapshot(header, arrays)
    except Exception as error:  # whatever a file of another origin leads to
        raise _foreign(path) from error
    if different := _differences(found, fingerprint):
        raise EocError(
            f"the checkpoint {path} is of another problem:\n{different}\n"
            "give the same problem again, or another file, or delete this one"
        )
    return snapshot


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    try:
        with path.open("rb") as file:
            try:
                with np.load(file, allow_pickle=False) as arrays:  # checksums are verified
                    return dict(arrays)
            except Exception as error:  # of zipfile, zlib, struct, ... whatever damage leads to
                raise _foreign(path) from error
    except OSError as error:
        raise EocError(f"cannot read the checkpoint {path}: {error.strerror or error}") from None


def _foreign(path: Path) -> EocError:
    return EocError(f"{path} is no checkpoint of this version of eoc, or it is damaged: delete it or give another file")


def _snapshot(header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Snapshot:
    def under(place: str) -> dict[str, NDArray[Any]]:
        return {key.removeprefix(place): array for key, array in arrays.items() if key.startswith(place)}

    return Snapshot(
        header["merged"],
        Summary.from_arrays(under("total/")) if header["merged"] else None,
        {number: Summary.from_arrays(under(f"finished {number}/")) for number in header["finished"]},
        {
            int(number): Reached(layer, arrays[f"state {number}"], under(f"observed {number}/"))
            for number, layer in header["under way"].items()
        },
    )


def _differences(found: Mapping[str, object], wanted: Mapping[str, object]) -> str:
    """One line for each entry that differs."""
    then, now = ({key: json.dumps(value) for key, value in side.items()} for side in (found, wanted))
    return "\n".join(
        f"  {key}: {shortened(then.get(key, 'absent'))} in the file, {shortened(now.get(key, 'absent'))} now"
        for key in {**now, **then}
        if then.get(key) != now.get(key)
    )


def fingerprint_of(phi: Activation) -> dict[str, object]:
    """Name, formula, parameters and knots of an activation, and a digest of what it computes, to the last bit.

    Examples
    --------
    >>> from eoc.activations import activation
    >>> fingerprint_of(activation("elu"))["parameters"]
    {'alpha': '1.0'}
    """
    with np.errstate(all="ignore"):  # exp(1000)
        values = phi(_PROBES)
    return {
        "activation": phi.name,
        "formula": phi.formula,
        "parameters": {name: repr(value) for name, value in phi.parameters.items()},
        "knots": list(phi.knots),
        "phi": digest(values),
    }


def digest(array: NDArray[np.generic]) -> str:
    """A string that two arrays share only if their types, shapes and bits are the same.

    Examples
    --------
    >>> digest(np.zeros(3)) == digest(np.zeros(3)), digest(np.zeros(3)) == digest(-np.zeros(3))
    (True, False)
    """
    parts = repr((array.dtype.str, array.shape)).encode() + np.ascontiguousarray(array).tobytes()
    return hashlib.sha256(parts).hexdigest()[:32]
