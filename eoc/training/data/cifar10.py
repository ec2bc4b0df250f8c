"""CIFAR-10, from the files that it is published in: the binary version, or the Python version."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from eoc.errors import EocError
from eoc.training.data.dataset import Dataset, Images, standardised
from eoc.training.data.files import found, read
from eoc.training.data.pickled import unpickled

__all__ = ["cifar10"]

_PIXELS = 3 * 32 * 32
_TRAIN = tuple(f"data_batch_{number}" for number in range(1, 6))
_FOLDERS = ("cifar-10-batches-bin", "cifar-10-batches-py")


def cifar10(folder: Path) -> Dataset:
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
    return standardised(train, _batch(folder, "test_batch"))


def _batch(folder: Path, name: str) -> Images:
    path = found(folder, (f"{name}.bin", name), _FOLDERS)
    return _of_binary(path) if path.suffix == ".bin" else _of_pickle(path)


def _of_binary(path: Path) -> Images:
    """Records of one byte for the label and 3072 for the pixels."""
    data, record = read(path), 1 + _PIXELS
    if len(data) % record:
        raise EocError(
            f"{path} has {len(data)} bytes, which is no multiple of {record}, the bytes of one image: cut off?"
        )
    records = np.frombuffer(data, np.uint8).reshape(-1, record)
    return Images(records[:, 1:], records[:, 0], str(path))


def _of_pickle(path: Path) -> Images:
    """A dictionary with ``data``, an array of bytes, and ``labels``, a list; its keys are bytes, as of Python 2."""
    batch = unpickled(path)
    if not isinstance(batch, dict):
        raise EocError(f"{path} is no batch of CIFAR-10: a dictionary with data and labels is expected")
    pixels, labels = (batch.get(name.encode(), batch.get(name)) for name in ("data", "labels"))
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.shape[1:] != (_PIXELS,):
        raise EocError(f"{path}: data must be an array of bytes, images x {_PIXELS}")
    if not isinstance(labels, list) or not all(isinstance(label, int) for label in labels):
        raise EocError(f"{path}: labels must be a list of whole numbers")
    return Images(pixels, np.array(labels), str(path))
