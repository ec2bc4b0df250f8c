"""Images with labels, as networks take them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eoc.errors import EocError

__all__ = ["CLASSES", "Dataset", "Images", "standardised"]

CLASSES = 10  #: of all data sets


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
