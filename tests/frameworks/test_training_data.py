"""Data sets: those that are published as files are read from small files of the same formats, and damage is named."""

from __future__ import annotations

import gzip
import os
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eoc.errors import EocError
from eoc.training import Dataset, dataset

RNG = np.random.default_rng(1)
MNIST_FILES = {"train": (RNG.integers(0, 256, (30, 28, 28), np.uint8), RNG.integers(0, 10, 30, np.uint8))}
MNIST_FILES["t10k"] = (RNG.integers(0, 256, (7, 28, 28), np.uint8), RNG.integers(0, 10, 7, np.uint8))
BATCHES = {
    name: (RNG.integers(0, 256, (4, 3072), np.uint8), RNG.integers(0, 10, 4, np.uint8))
    for name in (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch")
}


def idx(array: np.ndarray) -> bytes:
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes()


def write_mnist(folder: Path, name: str = "{part}-{what}-idx{dims}-ubyte", packed: bool = False) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for part, (images, labels) in MNIST_FILES.items():
        for what, array in (("images", images), ("labels", labels)):
            path = folder / (name.format(part=part, what=what, dims=array.ndim) + ".gz" * packed)
            path.write_bytes(gzip.compress(idx(array)) if packed else idx(array))


def write_binary(folder: Path) -> None:
    for name, (pixels, labels) in BATCHES.items():
        (folder / f"{name}.bin").write_bytes(np.column_stack([labels, pixels]).tobytes())


def write_pickles(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, (pixels, labels) in BATCHES.items():
        batch = {b"batch_label": name.encode(), b"labels": labels.tolist(), b"data": pixels, b"filenames": [b"a.png"]}
        (folder / name).write_bytes(pickle.dumps(batch, protocol=2))


def write_python_2_pickles(folder: Path) -> None:
    """As numpy on Python 2 wrote them, opcode by opcode: that is what is published."""
    for name, (pixels, labels) in BATCHES.items():
        kind = b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        data = b"T" + pixels.nbytes.to_bytes(4, "little") + pixels.tobytes()
        shape = b"(K\x04M\x00\x0ct"
        array = (
            b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tU\x01btR"
            b"(K\x01" + shape + kind + b"\x89" + data + b"tb"
        )
        numbers = b"](" + b"".join(b"K" + bytes([label]) for label in labels.tolist()) + b"e"
        (folder / name).write_bytes(b"\x80\x02}(U\x04data" + array + b"U\x06labels" + numbers + b"u.")


def assert_holds(found: Dataset, train: tuple[np.ndarray, np.ndarray], test: tuple[np.ndarray, np.ndarray]) -> None:
    pixels = train[0].reshape(len(train[0]), -1).astype(float)
    scale = np.sqrt(pixels.var(0).mean())
    for inputs, given in ((found.train_inputs, train), (found.test_inputs, test)):
        expected = (given[0].reshape(len(given[0]), -1) - pixels.mean(0)) / scale
        np.testing.assert_allclose(inputs, expected, atol=1e-5)
    assert found.train_labels.tolist() == train[1].tolist()
    assert found.test_labels.tolist() == test[1].tolist()


def all_batches() -> tuple[np.ndarray, np.ndarray]:
    train = [BATCHES[f"data_batch_{i}"] for i in range(1, 6)]
    return np.concatenate([pixels for pixels, _ in train]), np.concatenate([labels for _, labels in train])


def test_digits_are_those_of_scikit_learn_split_once() -> None:
    found = dataset("digits")
    np.testing.assert_allclose(found.train_inputs.mean(0), 0.0, atol=1e-6)
    assert float((found.train_inputs.astype(float) ** 2).mean()) == pytest.approx(1.0, abs=1e-6)
    assert np.bincount(found.test_labels, minlength=10).min() > 20  # every digit is tested
    together = np.concatenate([found.train_inputs, found.test_inputs])
    assert len(np.unique(together, axis=0)) == 1797


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("inside", ["", "MNIST/raw"])
def test_mnist(tmp_path: Path, packed: bool, inside: str) -> None:
    write_mnist(tmp_path / inside, packed=packed)
    assert_holds(dataset("mnist", tmp_path), MNIST_FILES["train"], MNIST_FILES["t10k"])


def test_mnist_with_dots_in_its_names(tmp_path: Path) -> None:
    write_mnist(tmp_path, "{part}-{what}.idx{dims}-ubyte")
    assert_holds(dataset("mnist", str(tmp_path)), MNIST_FILES["train"], MNIST_FILES["t10k"])


@pytest.mark.parametrize("write", [write_binary, write_pickles, write_python_2_pickles])
def test_cifar10(tmp_path: Path, write: Callable[[Path], None]) -> None:
    write(tmp_path)
    assert_holds(dataset("cifar10", tmp_path), all_batches(), BATCHES["test_batch"])


def test_cifar10_in_its_own_folder(tmp_path: Path) -> None:
    write_pickles(tmp_path / "cifar-10-batches-py")
    assert dataset("cifar10", tmp_path).train_inputs.shape == (20, 3072)


IMAGES = "train-images-idx3-ubyte"
WHOLE = idx(MNIST_FILES["train"][0])
DAMAGE = {
    "another format": (IMAGES, b"\x89PNG" + WHOLE[4:], "is no IDX file of bytes in 3 dimensions: it begins with 89 50"),
    "labels instead": (IMAGES, idx(MNIST_FILES["train"][1]), "begins with 00 00 08 01"),
    "empty": (IMAGES, b"", "is no IDX file"),
    "cut in its sizes": (IMAGES, WHOLE[:10], "has 10"),
    "cut off": (IMAGES, WHOLE[:-1], "says that it holds 30 x 28 x 28 bytes, 23536 in all, but has 23535"),
    "too long": (IMAGES, WHOLE + b"\0", "23536 in all, but has 23537"),
    "another number of labels": ("t10k-labels-idx1-ubyte", idx(np.zeros(6, np.uint8)), "7 images, but 6 labels"),
    "a label of 10": ("t10k-labels-idx1-ubyte", idx(np.full(7, 10, np.uint8)), "labels must be 0 to 9, but there is"),
    "another size": ("t10k-images-idx3-ubyte", idx(np.zeros((7, 5, 5), np.uint8)), "have 25 pixels, those of"),
    "no images": (IMAGES, idx(np.zeros((0, 28, 28), np.uint8)), "0 images, but 30 labels"),
    "all the same": (IMAGES, idx(np.zeros((30, 28, 28), np.uint8)), "all images are the same"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_mnist_is_refused_with_the_file(tmp_path: Path, damage: str) -> None:
    write_mnist(tmp_path)
    name, content, message = DAMAGE[damage]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(EocError, match=re.escape(message)) as failure:
        dataset("mnist", tmp_path)
    assert str(tmp_path) in str(failure.value)


@pytest.mark.parametrize("cut", [slice(None, -20), slice(5, None)])
def test_damaged_gzip_is_refused(tmp_path: Path, cut: slice) -> None:
    write_mnist(tmp_path, packed=True)
    path = tmp_path / f"{IMAGES}.gz"
    path.write_bytes(path.read_bytes()[cut])
    with pytest.raises(EocError, match=r"train-images-idx3-ubyte.gz is damaged: "):
        dataset("mnist", tmp_path)


class Malicious:
    """Runs a command when it is unpickled by the usual means."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("where", ["data", "labels", "other"])
def test_nothing_in_a_pickle_is_executed(tmp_path: Path, where: str) -> None:
    write_pickles(tmp_path)
    batch = {"data": np.zeros((4, 3072), np.uint8), "labels": [0, 1, 2, 3]} | {where: Malicious(tmp_path / "made")}
    (tmp_path / "data_batch_3").write_bytes(pickle.dumps(batch, protocol=2))
    with pytest.raises(EocError, match=r"data_batch_3 asks for (posix|nt)\.mkdir: only arrays of numbers"):
        dataset("cifar10", tmp_path)
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (pickle.dumps([1, 2], protocol=2), "is no batch of CIFAR-10"),
        (pickle.dumps({"data": [0], "labels": [0]}, protocol=2), r"data must be an array of bytes, images x 3072"),
        (pickle.dumps({"data": np.zeros((1, 7), np.uint8), "labels": [0]}, protocol=2), r"data must be an array"),
        (pickle.dumps({"data": np.zeros((1, 3072), np.uint8), "labels": ["0"]}, protocol=2), "labels must be a list"),
        (pickle.dumps({"data": np.array([[None]]), "labels": [0]}, protocol=2), "holds an array of object"),
        (pickle.dumps({"data": np.zeros((1, 3072), np.uint8), "labels": [0]}, protocol=2)[:-50], "is damaged"),
        (b"", "is no pickle, or is damaged"),
    ],
)
def test_damaged_pickles_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    write_pickles(tmp_path)
    (tmp_path / "test_batch").write_bytes(content)
    with pytest.raises(EocError, match=message):
        dataset("cifar10", tmp_path)


def test_a_binary_batch_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    write_binary(tmp_path)
    path = tmp_path / "data_batch_5.bin"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(EocError, match=r"data_batch_5.bin has 12291 bytes, which is no multiple of 3073"):
        dataset("cifar10", tmp_path)


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(EocError, match=r"there is no train-images-idx3-ubyte in it"):
        dataset("mnist", tmp_path)
    with pytest.raises(EocError, match=r"nowhere: it is no folder"):
        dataset("cifar10", tmp_path / "nowhere")
    with pytest.raises(EocError, match=r"cifar10 needs the folder with its files"):
        dataset("cifar10")
    with pytest.raises(EocError, match=r"there is no data set 'cifar'; did you mean 'cifar10'"):
        dataset("cifar")
