"""The sessions in the documentation of the initialisers are what Python prints."""

import doctest
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@pytest.mark.parametrize("page", ["docs/initializers.md", "README.md"])
def test_sessions_are_what_python_prints(page):
    found = doctest.testfile(str(ROOT / page), module_relative=False, optionflags=FLAGS)
    assert found.attempted > 0
    assert found.failed == 0
