"""Pages of the documentation, and what of them can be tried: commands beside what they print, sessions."""

import doctest
import re
import shlex
from pathlib import Path

import pytest
from test_cli import run

ROOT = Path(__file__).parent.parent
MADE = ("_build", "benchmarks", "gallery", "reference")  # of the site, which is made of pages and docstrings
PAGES = [
    ROOT / "README.md",
    *(
        path
        for path in sorted((ROOT / "docs").rglob("*.md"))
        if path.relative_to(ROOT / "docs").parts[0] not in MADE and path.stem != "glossary"
    ),
]
SAMPLE = re.compile(r"```console\n\$ (eoc [^\n]*)\n(.*?)```", re.DOTALL)
NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?")
ESTIMATE = re.compile(r"0*\.?0*[1-9](e[-+]\d+)?")  # one digit: an error, which rounding may change
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
FRAMEWORKS = re.compile(r"^ *(>>> )?(import|from) (torch|jax|keras|flax|sklearn)", re.MULTILINE)


def name_of(page):
    return page.relative_to(ROOT).as_posix()


def text_of(page):
    return page.read_text(encoding="utf-8")


def needs_frameworks(page):
    """Whether its sessions cannot be tried without PyTorch, JAX, Keras or scikit-learn."""
    return bool(FRAMEWORKS.search(text_of(page)))


def samples(frameworks):
    """Commands with what pages show of them, each once; those that need frameworks, or the others."""
    found = {sample: f"{name_of(page)}: {sample[0]}" for page in PAGES for sample in SAMPLE.findall(text_of(page))}
    return {name: sample for sample, name in found.items() if (" digits" in sample[0]) == frameworks}


def sessions(frameworks):
    """Pages with Python sessions; those that need frameworks, or the others."""
    found = {name_of(page): page for page in PAGES if re.search("^ *>>> ", text_of(page), re.MULTILINE)}
    return {name: page for name, page in found.items() if needs_frameworks(page) == frameworks}


def check_session(page, folder):
    """Run the sessions of a page, in a folder that they may write to."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        found = doctest.testfile(str(page), module_relative=False, optionflags=FLAGS, encoding="utf-8")
    assert found.attempted > 0
    assert found.failed == 0


def lines(text):
    """The lines without their numbers, spacing and rules, and the numbers."""
    kept = [line.rstrip() for line in text.strip().splitlines()]
    words = [" ".join(NUMBER.sub("#", re.sub("─+", "-", line)).split()) for line in kept]
    return words, NUMBER.findall("\n".join(kept))


def check_sample(command, shown):
    """Compare what a command prints with what is shown: all of it, or the beginning where the last line is "..."."""
    done = run(*shlex.split(command)[1:])
    printed = done.stdout
    if shown.endswith("\n...\n"):
        shown = shown.removesuffix("...\n")
        printed = "\n".join(printed.splitlines()[: shown.count("\n")])
    (words, numbers), (shown_words, shown_numbers) = lines(printed), lines(shown)
    assert words == shown_words
    assert len(numbers) == len(shown_numbers)
    for number, expected in zip(numbers, shown_numbers, strict=True):
        if ESTIMATE.fullmatch(expected) and number != expected:
            assert 0.1 <= float(number) / float(expected) <= 10.0
        else:
            assert float(number) == pytest.approx(float(expected), rel=1e-9)
