"""The sessions in the documentation are what Python prints, and commands what they print."""

import doctest
from pathlib import Path

import pytest
from test_readme import check_sample, samples_of

ROOT = Path(__file__).parents[2]
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@pytest.mark.parametrize("page", ["docs/initializers.md", "docs/kernels.md", "README.md"])
def test_sessions_are_what_python_prints(page):
    found = doctest.testfile(str(ROOT / page), module_relative=False, optionflags=FLAGS)
    assert found.attempted > 0
    assert found.failed == 0


@pytest.mark.parametrize(("command", "shown"), samples_of(ROOT / "docs" / "kernels.md"))
def test_commands_print_what_is_shown(command, shown):
    check_sample(command, shown)
