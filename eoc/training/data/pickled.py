"""Pickles that hold data and nothing else: whatever they ask to import or to call is refused."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from eoc.errors import EocError
from eoc.training.data.files import read

__all__ = ["unpickled"]


def unpickled(path: Path) -> Any:
    """What a pickle holds, if that is arrays of numbers, bytes, texts, numbers, lists and dictionaries.

    Raises
    ------
    EocError
        If it asks for anything else, or is damaged.
    """
    try:
        return _Unpickler(io.BytesIO(read(path)), encoding="bytes").load()
    except EocError as error:
        raise EocError(f"{path} {error}") from None
    except Exception as error:  # a damaged pickle raises anything
        raise EocError(f"{path} is no pickle, or is damaged: {str(error) or type(error).__name__}") from None


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """What a pickle may call: how arrays and, in new pickles of the old protocol, bytes are made."""
        if (module, name) in _ALLOWED:
            return _ALLOWED[module, name]
        raise EocError(f"asks for {module}.{name}: only arrays of numbers are taken from pickles")


def _empty_array(kind: object, shape: object, code: object) -> Any:
    """What numpy's own function is called for: an array whose state, size and type follow."""
    return np.ndarray((0,), np.uint8)


def _dtype(text: bytes | str, *flags: object) -> Any:
    """A type of numbers; those of objects could hold anything."""
    kind: np.dtype[Any] = np.dtype(text.decode("ascii") if isinstance(text, bytes) else text, copy=True)
    if kind.kind not in "biuf":
        raise EocError(f"holds an array of {kind}: only arrays of numbers are taken from pickles")
    return kind


def _bytes(text: str, encoding: str) -> bytes:
    return text.encode("latin1")


_ALLOWED = {
    ("numpy", "ndarray"): "an array",  # named as what is to be made, never called
    ("numpy", "dtype"): _dtype,
    ("numpy.core.multiarray", "_reconstruct"): _empty_array,
    ("numpy._core.multiarray", "_reconstruct"): _empty_array,
    ("_codecs", "encode"): _bytes,
}
