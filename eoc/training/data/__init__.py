"""Images with labels: the digits that scikit-learn brings, and MNIST and CIFAR-10 from files of the user."""

from eoc.training.data.dataset import Dataset
from eoc.training.data.named import DATASETS, dataset

__all__ = ["DATASETS", "Dataset", "dataset"]
