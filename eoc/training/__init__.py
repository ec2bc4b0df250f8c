"""How well fully connected networks train from different initialisations: data, networks, and the training itself."""

from eoc.frameworks import needs

needs("eoc.training", extra="training", libraries=("torch", "sklearn"))

from eoc.training.data import DATASETS, Dataset, dataset  # noqa: E402
from eoc.training.network import Design, first_variance, network, torch_function  # noqa: E402
from eoc.training.train import Curve, train  # noqa: E402

__all__ = ["DATASETS", "Curve", "Dataset", "Design", "dataset", "first_variance", "network", "torch_function", "train"]
