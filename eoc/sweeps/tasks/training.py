"""The task "training": how well fully connected networks train from where they are drawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import ArrayLike

from eoc.sweeps.task import Output, Parameter, Point, Task, Values
from eoc.sweeps.tasks.common import ACTIVATION, NO_YES, ONE_END, SEED, SIGMA_B, SIGMA_W, Q, along, always, increasing

__all__ = ["TRAINING"]

_SAMPLES = {"digits": (1437, 64), "mnist": (60_000, 784), "cifar10": (50_000, 3072)}  # to train with; inputs
_MOST = 1e6

_PARAMETERS = (
    ACTIVATION,
    SIGMA_W.but(above=True),
    SIGMA_B,
    Q.but(note=ONE_END),
    Parameter("width", "units of a layer", "whole", "N", "units", least=1, most=_MOST, required=True),
    Parameter("depth", "layers with weights", "whole", "L", "layers", least=2, most=_MOST, required=True),
    Parameter(
        "normalisation",
        "what stands between a layer and its activation",
        "text",
        default="none",
        choices=("none", "batch"),
    ),
    Parameter("dataset", "what is learnt", "text", default="digits", choices=tuple(_SAMPLES)),
    Parameter("data_folder", "where the files of mnist and cifar10 are", "text", note="digits needs none"),
    Parameter(
        "learning_rate",
        "what gradients are multiplied by in a step",
        "real",
        r"\eta",
        least=0.0,
        above=True,
        required=True,
    ),
    Parameter("batch_size", "images of a step", "whole", units="images", least=2, most=_MOST, default=64),
    Parameter(
        "epoch",
        "epoch after which is measured; 0 is before training",
        "whole",
        least=0,
        most=_MOST,
        required=True,
        inner=True,
    ),
    SEED,
)
_OUTPUTS = {
    **along(
        "epoch",
        test_accuracy="share of the images kept for testing that are classified right",
        train_accuracy="share of the training images that are classified right",
        train_loss="cross-entropy of the training images; nan once training diverged",
        train_seconds=(
            "processor time of training until then; the only output that is not the same again",
            "time",
            "",
            "s",
        ),
    ),
    "diverged": Output("whether the loss became infinite; accuracies are 1/10 from there on", flags=NO_YES),
    **along(
        gradient_ratio="before training, |dL/dh| of the first layer over that of the last but one; without "
        "normalisation about chi_1^((depth - 2) / 2)",
        first_variance=("variance of the first layer", "q"),
        chi_1=("by which the second moment of gradients grows in a layer at that variance", r"\chi_1"),
    ),
}
_START_SECONDS = 0.3
_FLOPS = 6e10  # a second
_LAYER_SECONDS = 5e-5  # of a step, whatever the width
_BYTES = 3e8  # PyTorch


def _problems(values: Values) -> Iterable[tuple[str, str]]:
    yield from increasing(values, "epoch")
    needing = sorted(set(values.get("dataset", ())) - {"digits"})
    if needing and "data_folder" not in values:
        yield "dataset", f"{needing[0]} needs data_folder, the folder with its files"


def _training(point: Point) -> Mapping[str, ArrayLike]:
    from eoc.gaussian.moments import moments
    from eoc.training import Design, dataset, first_variance, train

    phi, sigma_w, sigma_b = point["activation"], point["sigma_w"], point["sigma_b"]
    q = point["q"] if "q" in point else first_variance(phi, sigma_w, sigma_b)
    design = Design(phi, sigma_w, sigma_b, q, point["width"], point["depth"], point["normalisation"])
    curve = train(
        design,
        dataset(point["dataset"], point.get("data_folder")),
        epochs=[int(epoch) for epoch in point["epoch"]],
        learning_rate=point["learning_rate"],
        batch_size=point["batch_size"],
        seed=point["seed"],
    )
    return {
        "test_accuracy": curve.test_accuracy,
        "train_accuracy": curve.train_accuracy,
        "train_loss": curve.train_loss,
        "train_seconds": curve.seconds,
        "diverged": curve.diverged,
        "gradient_ratio": curve.gradient_ratio,
        "first_variance": q,
        "chi_1": sigma_w**2 * moments(phi, [q], ("D",))["D"].value[0],
    }


def _weights(point: Point) -> float:
    width, inputs = float(point["width"]), _SAMPLES[point["dataset"]][1]
    return width * (inputs + width * (float(point["depth"]) - 2.0) + 10.0)


def _seconds(point: Point) -> float:
    epochs, samples = float(np.max(point["epoch"])), _SAMPLES[point["dataset"]][0]
    steps = samples / float(point["batch_size"])
    each = 6.0 * _weights(point) * samples / _FLOPS + steps * float(point["depth"]) * _LAYER_SECONDS
    return _START_SECONDS + epochs * each


def _bytes(point: Point) -> float:
    """Of weights with their gradients, of a batch and of images that are classified, and of all images, a few times."""
    samples, inputs = _SAMPLES[point["dataset"]]
    units = 1000.0 * float(point["width"]) + 4.0 * float(point["batch_size"]) * float(point["width"] * point["depth"])
    return _BYTES + 4.0 * (3.0 * _weights(point) + units) + 16.0 * samples * inputs


TRAINING = Task(
    name="training",
    about="how well fully connected networks train by stochastic gradient descent from where they are drawn",
    parameters=_PARAMETERS,
    outputs=always(_OUTPUTS),
    run=_training,
    seconds=_seconds,
    bytes=_bytes,
    problems=_problems,
    random=True,
)
