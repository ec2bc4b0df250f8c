"""Stochastic gradient descent, and what it comes to."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.functional import cross_entropy

from eoc.errors import EocError
from eoc.messages import quoted
from eoc.training.data import Dataset
from eoc.training.image_files import CLASSES
from eoc.training.network import Design, network

__all__ = ["Curve", "train"]

_AT_A_TIME = 1000  # images that are classified


@dataclass(frozen=True)
class Curve:
    """How training went.

    Attributes
    ----------
    epochs
        After how many epochs the others are taken.
    train_loss
        Cross-entropy of the training data; NaN from where it is not finite any more.
    train_accuracy, test_accuracy
        Share that is classified right; 1/10, as by chance, from where training diverged.
    seconds
        That the processor trained until then, without what measuring took. The only numbers that are not the same
        again.
    diverged
        Whether the loss became infinite or NaN; training ended there.
    gradient_ratio
        Before training, |dL/dh| of the first layer over that of the last but one, for the first batch; about
        chi_1^((depth - 2) / 2) without normalisation. NaN if a gradient is 0 or not finite.
    """

    epochs: NDArray[np.int64]
    train_loss: NDArray[np.float64]
    train_accuracy: NDArray[np.float64]
    test_accuracy: NDArray[np.float64]
    seconds: NDArray[np.float64]
    diverged: bool
    gradient_ratio: float


def train(
    design: Design, data: Dataset, *, epochs: Sequence[int], learning_rate: float, batch_size: int, seed: int
) -> Curve:
    """Draw a network and train it by plain stochastic gradient descent on the cross-entropy.

    On one thread; the same seed gives the same numbers to the last bit on processors of one kind.

    Parameters
    ----------
    design
        What the network is like.
    data
        What it learns; its inputs are scaled so that the first layer has the variance ``design.q``.
    epochs
        After which epochs to measure, increasing; 0 is before training. The last one ends it.
    learning_rate
        The step is this times the gradient.
    batch_size
        Images of a step, drawn without replacement; those that are left over at the end of an epoch wait for another.
    seed
        Of the weights and the order of the images.

    Returns
    -------
    Curve
        Loss and accuracies by epoch. A network that diverges is a result too.

    Raises
    ------
    EocError
        For epochs that do not increase, and for a learning rate or a batch size that is no step.

    Examples
    --------
    >>> import eoc
    >>> from eoc.training.data import dataset
    >>> tanh = Design(eoc.activation("tanh"), 1.30414584, 0.2, q=0.51207850, width=50, depth=3)
    >>> curve = train(tanh, dataset("digits"), epochs=[0, 5], learning_rate=0.1, batch_size=64, seed=0)
    >>> bool(curve.test_accuracy[1] > 0.8), curve.diverged
    (True, False)
    """
    _check(epochs, learning_rate, batch_size)
    with _repeatable():
        generator = torch.Generator().manual_seed(seed)
        model = network(design, data.train_inputs.shape[1], CLASSES, generator)
        trained = _tensors(data.train_inputs, data.train_labels, design)
        tested = _tensors(data.test_inputs, data.test_labels, design)
        ratio = _gradient_ratio(model, trained[0][:batch_size], trained[1][:batch_size])
        optimiser = torch.optim.SGD(model.parameters(), learning_rate)
        rows: list[tuple[float, ...]] = []
        seconds, finite = 0.0, True
        for epoch in range(epochs[-1] + 1):
            if epoch > 0 and finite:
                began = time.thread_time()
                finite = _epoch(model, optimiser, *trained, batch_size, generator)
                seconds += time.thread_time() - began
            if epoch in epochs:
                rows.append((*_measured(model, trained, tested, finite), seconds))
    loss, train_accuracy, test_accuracy, taken = np.array(rows).T
    return Curve(np.array(epochs), loss, train_accuracy, test_accuracy, taken, not finite, ratio)


def _check(epochs: Sequence[int], learning_rate: float, batch_size: int) -> None:
    if not epochs or epochs[0] < 0 or any(after <= before for before, after in pairwise(epochs)):
        raise EocError(f"epochs must be whole numbers >= 0 that increase, got {quoted(list(epochs))}")
    if not 0.0 < learning_rate < math.inf:
        raise EocError(f"learning_rate must be a number > 0, got {learning_rate!r}")
    if batch_size < 1:
        raise EocError(f"batch_size must be a whole number >= 1, got {batch_size!r}")


@contextmanager
def _repeatable() -> Iterator[None]:
    """One thread, since how threads share sums changes last digits; and no subnormal numbers, which take long.

    The gradients of deep ordered networks are of that size, and are nothing beside weights.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
        torch.set_num_threads(threads)


def _tensors(inputs: NDArray[np.float32], labels: NDArray[np.int64], design: Design) -> tuple[Any, Any]:
    return torch.from_numpy(inputs) * design.input_scale, torch.from_numpy(labels)


def _epoch(model: Any, optimiser: Any, inputs: Any, labels: Any, batch_size: int, generator: Any) -> bool:
    """Every image once; whether the loss stayed finite."""
    model.train()
    order = torch.randperm(len(labels), generator=generator)
    for batch in order[: max(len(order) - len(order) % batch_size, batch_size)].split(batch_size):
        loss = cross_entropy(model(inputs[batch]), labels[batch])
        if not math.isfinite(loss.item()):
            return False
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return True


def _measured(model: Any, trained: tuple[Any, Any], tested: tuple[Any, Any], finite: bool) -> tuple[float, ...]:
    """Loss and accuracy on the training data, accuracy on the others."""
    losses = _loss_and_accuracy(model, *trained) if finite else (math.nan, 1.0 / CLASSES)
    if not math.isfinite(losses[0]):
        return math.nan, 1.0 / CLASSES, 1.0 / CLASSES
    return *losses, _loss_and_accuracy(model, *tested)[1]


def _loss_and_accuracy(model: Any, inputs: Any, labels: Any) -> tuple[float, float]:
    model.eval()
    with torch.no_grad():
        outputs = torch.cat([model(some) for some in inputs.split(_AT_A_TIME)])
    return cross_entropy(outputs, labels).item(), (outputs.argmax(1) == labels).double().mean().item()


def _gradient_ratio(model: Any, inputs: Any, labels: Any) -> float:
    """|dL/dh| of the first layer over that of the last but one."""
    hidden: list[Any] = []
    layers = [step for step in model if isinstance(step, nn.Linear)]
    hooks = [step.register_forward_hook(lambda *call: hidden.append(call[-1])) for step in (layers[0], layers[-2])]
    loss = cross_entropy(model(inputs), labels)
    first, last = (gradient.norm().item() for gradient in torch.autograd.grad(loss, hidden))
    for hook in hooks:
        hook.remove()
    return first / last if last > 0.0 and math.isfinite(first) else math.nan
