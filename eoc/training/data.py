"""Images with labels, as networks take them: the digits that scikit-learn brings, and MNIST and CIFAR-10 from files."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from eoc.errors import EocError
from eoc.messages import did_you_mean, quoted
from eoc.training.image_files import Images, cifar10, mnist

__all__ = ["DATASETS", "Dataset", "dataset", "standardised"]

_TESTED = 360  # of the 1797 digits
_SEED = 0
_IN_FOLDERS = {"mnist": mnist, "cifar10": cifar10}

#: The data sets that there are.
DATASETS = ("digits", *_IN_FOLDERS)


@dataclass(frozen=True)
class Dataset:
    """Inputs and labels, to train with and to test with.

    Attributes
    ----------
    train_inputs, test_inputs
        float32, (samples, inputs). Over the training samples every input has mean 0, and the mean square of all is 1.
    train_labels, test_labels
        int64, (samples,), from 0 to 9.
    """

    train_inputs: NDArray[np.float32]
    train_labels: NDArray[np.int64]
    test_inputs: NDArray[np.float32]
    test_labels: NDArray[np.int64]


def standardised(train: Images, test: Images) -> Dataset:
    """Every pixel less its mean over the training images, all over one number that makes their mean square 1.

    Raises
    ------
    EocError
        If images to train and to test with differ in size, or all training images are the same.

    Examples
    --------
    >>> images = Images(np.array([[0, 255], [255, 255]]), np.array([0, 1]), "two images")
    >>> found = standardised(images, images)
    >>> found.train_inputs.tolist(), found.train_inputs.dtype.name
    ([[-1.4142135, 0.0], [1.4142135, 0.0]], 'float32')
    """
    if train.pixels.shape[1] != test.pixels.shape[1]:
        raise EocError(
            f"{test.source}: images have {test.pixels.shape[1]} pixels, those of {train.source} {train.pixels.shape[1]}"
        )
    mean = train.pixels.mean(0).astype(np.float32)
    inputs = [images.pixels.astype(np.float32) - mean for images in (train, test)]
    scale = np.sqrt(np.mean(np.square(inputs[0]), dtype=np.float64)).astype(np.float32)
    if scale == 0.0:
        raise EocError(f"{train.source}: all images are the same")
    return Dataset(inputs[0] / scale, train.labels.astype(np.int64), inputs[1] / scale, test.labels.astype(np.int64))


@lru_cache(maxsize=1)  # a sweep trains many networks on one of them
def dataset(name: str, folder: str | Path | None = None) -> Dataset:
    """The data set of that name.

    Parameters
    ----------
    name
        "digits": 1797 images of 8 x 8 pixels, which scikit-learn brings; "mnist" or "cifar10": from files.
    folder
        Where the files are, of "mnist" and "cifar10", with ~ for the home folder; nothing is downloaded.

    Raises
    ------
    EocError
        For another name, without a folder where one is needed, and for files that are missing or damaged.

    Examples
    --------
    >>> found = dataset("digits")
    >>> found.train_inputs.shape, found.test_inputs.shape
    ((1437, 64), (360, 64))
    >>> dataset("mnist")
    Traceback (most recent call last):
        ...
    eoc.errors.EocError: mnist needs the folder with its files
    """
    if name == "digits":
        return standardised(*_digits())
    if name not in _IN_FOLDERS:
        raise EocError(f"there is no data set {quoted(name)}; {did_you_mean(name, DATASETS)}")
    if folder is None:
        raise EocError(f"{name} needs the folder with its files")
    return standardised(*_IN_FOLDERS[name](Path(folder).expanduser()))


def _digits() -> tuple[Images, Images]:
    """1437 images to train with and 360 to test with, always the same ones, drawn once at random."""
    pixels, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(_SEED).permutation(len(labels))
    train, test = order[_TESTED:], order[:_TESTED]
    source = "the digits of scikit-learn"
    return Images(pixels[train], labels[train], source), Images(pixels[test], labels[test], source)
