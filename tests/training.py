"""The examples that train networks, and what they need."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

TRAINING = ("trainability", "trainable_depth", "tropical_angles")
NEEDS_TRAINING = pytest.mark.skipif(
    any(find_spec(library) is None for library in ("torch", "sklearn")), reason="needs PyTorch and scikit-learn"
)


def marked(name):
    """The name of an example as a parameter of a test, marked if it needs more than others."""
    return pytest.param(name, marks=[pytest.mark.frameworks, NEEDS_TRAINING] if name in TRAINING else [])
