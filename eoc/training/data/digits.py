"""Handwritten digits of 8 x 8 pixels, which come with scikit-learn."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_digits

from eoc.training.data.dataset import Dataset, Images, standardised

__all__ = ["digits"]

_TESTED = 360  # of 1797
_SEED = 0


def digits() -> Dataset:
    """1437 images to train with and 360 to test with, always the same ones, drawn once at random."""
    pixels, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(_SEED).permutation(len(labels))
    train, test = order[_TESTED:], order[:_TESTED]
    source = "the digits of scikit-learn"
    return standardised(Images(pixels[train], labels[train], source), Images(pixels[test], labels[test], source))
