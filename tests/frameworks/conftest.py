"""What tests of several frameworks share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture
def quick_compilation() -> Iterator[None]:
    """JAX compiles without optimising, for tests that run what they compile once."""
    import jax

    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)
