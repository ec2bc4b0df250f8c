"""The architectures of benchmarks/bench_models.py: what one is, and the groups of them.

None of them loads weights or anything else. A group whose library is missing is left out by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import nn

CLASSES = 10
Inputs = torch.Tensor | dict[str, torch.Tensor]


@dataclass(frozen=True)
class Architecture:
    """How a model is built, and what it takes: a function of the batch that draws from torch's generator."""

    group: str
    name: str
    build: Callable[[], nn.Module]
    inputs: Callable[[int], Inputs]
    batch: int = 8
    trains: bool = False


def torchvision() -> Iterator[Architecture]:
    from models_zoo_images import torchvision

    return torchvision()


def timm() -> Iterator[Architecture]:
    from models_zoo_images import timm

    return timm()


def transformers() -> Iterator[Architecture]:
    from models_zoo_texts import transformers

    return transformers()


def own() -> Iterator[Architecture]:
    from models_own_attention import ATTENTION
    from models_own_dense import DENSE
    from models_own_images import IMAGES
    from models_own_joined import JOINED

    for name, (build, inputs, trains) in {**DENSE, **JOINED, **IMAGES, **ATTENTION}.items():
        yield Architecture("own", name, build, inputs, batch=16, trains=trains)


GROUPS: dict[str, Callable[[], Iterator[Architecture]]] = {
    "torchvision": torchvision,
    "timm": timm,
    "transformers": transformers,
    "own": own,
}


def architectures(group: str) -> list[Architecture]:
    """Those of a group; none, and a word about it, where its library is missing."""
    try:
        return list(GROUPS[group]())
    except ImportError as missing:
        print(f"{group}: left out, {missing}", flush=True)
        return []
