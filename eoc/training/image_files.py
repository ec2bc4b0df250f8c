"""Images with labels from the files that MNIST and CIFAR-10 are published in: IDX, binary records, pickles.

Of a pickle only data are taken: whatever it asks to import or to call is refused.
"""

from __future__ import annotations

import gzip
import io
import math
import pickle
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eoc.errors import EocError

__all__ = ["CLASSES", "Images", "cifar10", "mnist"]

CLASSES = 10  #: of all data sets

_BYTES_OF = 8  # the type "unsigned byte" in the magic number of an IDX file
_PIXELS = 3 * 32 * 32  # of CIFAR-10
_TRAIN = tuple(f"data_batch_{number}" for number in range(1, 6))
_FOLDERS = ("cifar-10-batches-bin", "cifar-10-batches-py")


@dataclass(frozen=True)
class Images:
    """What a file holds.

    Attributes
    ----------
    pixels
        (images, pixels of one), 0 to 255 or another range.
    labels
        (images,), whole numbers from 0 to 9.
    source
        The file, for messages.
    """

    pixels: NDArray[Any]
    labels: NDArray[Any]
    source: str

    def __post_init__(self) -> None:
        if len(self.labels) != len(self.pixels):
            raise EocError(f"{self.source}: {len(self.pixels)} images, but {len(self.labels)} labels")
        if not len(self.labels):
            raise EocError(f"{self.source}: there are no images in it")
        if self.labels.min() < 0 or self.labels.max() >= CLASSES:
            bad = int(self.labels.min() if self.labels.min() < 0 else self.labels.max())
            raise EocError(f"{self.source}: labels must be 0 to {CLASSES - 1}, but there is {bad}")


def mnist(folder: Path) -> tuple[Images, Images]:
    """MNIST, to train with and to test with.

    From ``train-images-idx3-ubyte``, ``train-labels-idx1-ubyte`` and the same with ``t10k``. Source: LeCun, Cortes
    & Burges. Fashion-MNIST and others that come in these files are read as well.

    Parameters
    ----------
    folder
        Where they are, or ``MNIST/raw`` in it. Each may be gzipped (``.gz``), and may have a dot instead of its second
        dash.

    Raises
    ------
    EocError
        If a file is missing, is not of this format, is cut off, or holds more than it says.
    """
    return _images(folder, "train"), _images(folder, "t10k")


def _images(folder: Path, part: str) -> Images:
    images, labels = (
        _found(folder, (f"{part}-{what}-idx{dims}-ubyte", f"{part}-{what}.idx{dims}-ubyte"), ("MNIST/raw",), (".gz",))
        for what, dims in (("images", 3), ("labels", 1))
    )
    pixels = _idx(images, 3)
    return Images(pixels.reshape(len(pixels), math.prod(pixels.shape[1:])), _idx(labels, 1), str(images))


def _idx(path: Path, dims: int) -> NDArray[np.uint8]:
    """The array in an IDX file: two zeros, the type, the number of dimensions, their sizes (big-endian), the bytes."""
    data = _unpacked(path)
    magic, start = bytes([0, 0, _BYTES_OF, dims]), 4 + 4 * dims
    if data[:4] != magic:
        raise EocError(f"{path} is no IDX file of bytes in {dims} dimensions: it begins with {data[:4].hex(' ')}")
    shape = tuple(int.from_bytes(data[at : at + 4], "big") for at in range(4, start, 4))
    expected = start + math.prod(shape)
    if len(data) < start or len(data) != expected:
        sizes = " x ".join(map(str, shape))
        raise EocError(f"{path} says that it holds {sizes} bytes, {expected} in all, but has {len(data)}")
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)


def _unpacked(path: Path) -> bytes:
    data = _read(path)
    if path.suffix != ".gz":
        return data
    try:
        return gzip.decompress(data)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise EocError(f"{path} is damaged: {error}") from None


def cifar10(folder: Path) -> tuple[Images, Images]:
    """CIFAR-10 from ``data_batch_1`` to ``data_batch_5`` and ``test_batch``, with ``.bin`` or without (Python version).

    Source: Krizhevsky (2009). The files of the Python version are pickles: only arrays, bytes, texts, numbers, lists
    and dictionaries are taken from them, and nothing in them is executed.

    Parameters
    ----------
    folder
        Where they are, or ``cifar-10-batches-bin`` or ``cifar-10-batches-py`` in it.

    Raises
    ------
    EocError
        If a file is missing, is not of this format or is cut off.
    """
    batches = [_batch(folder, name) for name in _TRAIN]
    train = Images(
        np.concatenate([batch.pixels for batch in batches]),
        np.concatenate([batch.labels for batch in batches]),
        batches[0].source,
    )
    return train, _batch(folder, "test_batch")


def _batch(folder: Path, name: str) -> Images:
    path = _found(folder, (f"{name}.bin", name), _FOLDERS)
    return _of_binary(path) if path.suffix == ".bin" else _of_pickle(path)


def _of_binary(path: Path) -> Images:
    """Records of one byte for the label and 3072 for the pixels."""
    data, record = _read(path), 1 + _PIXELS
    if len(data) % record:
        raise EocError(
            f"{path} has {len(data)} bytes, which is no multiple of {record}, the bytes of one image: cut off?"
        )
    records = np.frombuffer(data, np.uint8).reshape(-1, record)
    return Images(records[:, 1:], records[:, 0], str(path))


def _of_pickle(path: Path) -> Images:
    """A dictionary with ``data``, an array of bytes, and ``labels``, a list; its keys are bytes, as of Python 2."""
    batch = _unpickled(path)
    if not isinstance(batch, dict):
        raise EocError(f"{path} is no batch of CIFAR-10: a dictionary with data and labels is expected")
    pixels, labels = (batch.get(name.encode(), batch.get(name)) for name in ("data", "labels"))
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.shape[1:] != (_PIXELS,):
        raise EocError(f"{path}: data must be an array of bytes, images x {_PIXELS}")
    if not isinstance(labels, list) or not all(isinstance(label, int) for label in labels):
        raise EocError(f"{path}: labels must be a list of whole numbers")
    return Images(pixels, np.array(labels), str(path))


def _unpickled(path: Path) -> Any:
    """What a pickle holds, if that is arrays of numbers, bytes, texts, numbers, lists and dictionaries."""
    try:
        return _Unpickler(io.BytesIO(_read(path)), encoding="bytes").load()
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


def _found(folder: Path, names: Sequence[str], subfolders: Sequence[str] = (), endings: Sequence[str] = ()) -> Path:
    """The first of some files that is there, in the folder or a subfolder, with or without one of the endings."""
    for inside, name, ending in product(("", *subfolders), names, ("", *endings)):
        path = folder / inside / f"{name}{ending}"
        if path.is_file():
            return path
    what = "it is no folder" if not folder.is_dir() else f"there is no {names[0]} in it"
    raise EocError(f"cannot read a data set from {folder}: {what}")


def _read(path: Path) -> bytes:
    """All bytes of a file; EocError if it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise EocError(f"cannot read {path}: {error.strerror or error}") from None
