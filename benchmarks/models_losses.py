"""What models learn in a few steps, for benchmarks/bench_models.py: one batch with random labels, by Adam."""

from __future__ import annotations

import math
from copy import deepcopy

import torch
from models_measure import called, first_tensor
from models_zoo import Inputs
from torch import nn
from torch.nn import functional

RATES = (1e-3, 3e-3)
STEPS, BATCH = 40, 16


def loss_after(model: nn.Module, inputs: Inputs) -> float:
    """Mean cross entropy over the steps, at the best of the learning rates: how fast it falls, from where."""
    losses = (trained(deepcopy(model), inputs, rate) for rate in RATES)
    return min((one for one in losses if math.isfinite(one)), default=math.inf)


def trained(model: nn.Module, inputs: Inputs, rate: float) -> float:
    """Labels are uniform over what the last dimension of the output is long."""
    torch.manual_seed(0)
    optimiser = torch.optim.Adam(model.parameters(), rate)
    labels, total = None, 0.0
    for _ in range(STEPS):
        y = first_tensor(called(model, inputs)).flatten(0, -2)
        labels = torch.randint(y.shape[-1], y.shape[:-1]) if labels is None else labels
        loss = functional.cross_entropy(y, labels)
        total += float(loss.detach()) / STEPS
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return total
