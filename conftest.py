"""Tests that need a deep-learning framework or a browser are marked so, and left out where it is not installed."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

import pytest

os.environ.setdefault("KERAS_BACKEND", "jax")
for _size in ("COLUMNS", "LINES"):  # of the terminal, as readline leaves them to the processes of pytest-xdist
    os.environ.pop(_size, None)

ROOT = Path(__file__).parent
# What each part of the repository imports, the longest path that fits counting.
NEEDS = {
    "benchmarks/bench_initializers": ("torch", "sklearn"),
    "eoc/diagnose": ("torch",),
    "eoc/initializers/jax": ("jax",),
    "eoc/initializers/keras": ("keras",),
    "eoc/initializers/torch": ("torch",),
    "eoc/kernels/jax": ("jax",),
    "eoc/kernels/sklearn": ("sklearn",),
    "eoc/kernels/torch": ("torch",),
    "eoc/models": ("torch",),
    "eoc/models/jax": ("jax",),
    "eoc/models/keras": ("keras", "jax"),
    "eoc/predict/__init__": ("torch",),
    "eoc/predict/whole": ("torch",),
    "eoc/training": ("torch", "sklearn"),
    "tests/browser": ("selenium", "axe_core_python"),
    "tests/frameworks": ("torch", "sklearn"),
    "tests/frameworks/test_jax": ("jax", "flax"),
    "tests/frameworks/test_jax_model": ("jax", "flax", "torch"),
    "tests/frameworks/test_keras": ("keras", "jax"),
    "tests/frameworks/test_keras_model": ("keras", "jax", "flax", "torch"),
    "tests/frameworks/test_kernels_dual": ("jax", "torch"),
    "tests/frameworks/test_kernels_sklearn": ("sklearn",),
    "tests/frameworks/test_models_jax": ("jax", "flax"),
    "tests/frameworks/test_models_keras": ("keras", "jax"),
}


def _needs(path: Path) -> tuple[str, ...]:
    inside = path.relative_to(ROOT).with_suffix("").as_posix() if path.is_relative_to(ROOT) else ""
    fits = [part for part in NEEDS if inside == part or inside.startswith((f"{part}/", f"{part}_"))]
    return NEEDS[max(fits, key=len)] if fits else ()


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out what imports a library that is missing; what else decides is not overruled."""
    missing = collection_path.suffix == ".py" and any(find_spec(name) is None for name in _needs(collection_path))
    return True if missing else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the others."""
    for item in items:
        needed = _needs(item.path)
        if needed:
            item.add_marker(pytest.mark.browser if "selenium" in needed else pytest.mark.frameworks)
