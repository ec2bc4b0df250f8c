"""MNIST, from the files that it is published in: IDX, plain or gzipped."""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eoc.errors import EocError
from eoc.training.data.dataset import Dataset, Images, standardised
from eoc.training.data.files import found, read

__all__ = ["mnist"]

_BYTES_OF = 8  # the type "unsigned byte" in a magic number


def mnist(folder: Path) -> Dataset:
    """MNIST from ``train-images-idx3-ubyte``, ``train-labels-idx1-ubyte`` and the same with ``t10k``.

    Source: LeCun, Cortes & Burges. Fashion-MNIST and others that come in these files are read as well.

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
    return standardised(_images(folder, "train"), _images(folder, "t10k"))


def _images(folder: Path, part: str) -> Images:
    images, labels = (
        found(folder, (f"{part}-{what}-idx{dims}-ubyte", f"{part}-{what}.idx{dims}-ubyte"), ("MNIST/raw",), (".gz",))
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
    data = read(path)
    if path.suffix != ".gz":
        return data
    try:
        return gzip.decompress(data)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise EocError(f"{path} is damaged: {error}") from None
