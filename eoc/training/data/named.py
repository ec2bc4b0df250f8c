"""Data sets by name."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from eoc.errors import EocError
from eoc.training.data.cifar10 import cifar10
from eoc.training.data.dataset import Dataset
from eoc.training.data.digits import digits
from eoc.training.data.mnist import mnist
from eoc.wording import did_you_mean, quoted

__all__ = ["DATASETS", "dataset"]

_IN_FOLDERS = {"mnist": mnist, "cifar10": cifar10}

#: The data sets that there are.
DATASETS = ("digits", *_IN_FOLDERS)


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
        return digits()
    if name not in _IN_FOLDERS:
        raise EocError(f"there is no data set {quoted(name)}; {did_you_mean(name, DATASETS)}")
    if folder is None:
        raise EocError(f"{name} needs the folder with its files")
    return _IN_FOLDERS[name](Path(folder).expanduser())
