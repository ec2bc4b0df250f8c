"""Initialisers that put real models on the edge of chaos, in each framework's own conventions.

``eoc.initializers.torch``, ``eoc.initializers.jax`` and ``eoc.initializers.keras`` are imported on first use, so that
nobody needs a framework but their own: ``pip install "eoc[torch]"``, ``"eoc[jax]"``, ``"eoc[keras]"``. What all three
share, which point is meant, is in :mod:`eoc.operating_point`.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

_FRAMEWORKS = ("jax", "keras", "torch")

__all__ = ["jax", "keras", "torch"]


def __getattr__(name: str) -> ModuleType:
    if name not in _FRAMEWORKS:
        raise AttributeError(f"module 'eoc.initializers' has no attribute {name!r}")
    return import_module(f"eoc.initializers.{name}")


def __dir__() -> list[str]:
    return sorted(__all__)
