"""What README.md and the documentation show is what a user gets: console samples, and the Python example."""

import re
import shlex
from pathlib import Path

import pytest
from test_cli import run

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
SHOWING = ("batch-normalisation.md", "command-line.md", "families.md", "jacobian.md", "weights.md")
DOCS = [(ROOT / "docs" / name).read_text(encoding="utf-8") for name in SHOWING]
PAGES = "".join([README, *DOCS])
SAMPLE = re.compile(r"```console\n\$ (eoc [^\n]*)\n(.*?)```", re.DOTALL)
SAMPLES = SAMPLE.findall(PAGES)
NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?")
ESTIMATE = re.compile(r"0*\.?0*[1-9](e[-+]\d+)?")  # one digit: an error, which rounding may change


def lines(text):
    """The lines without their numbers, spacing and rules, and the numbers."""
    kept = [line.rstrip() for line in text.strip().splitlines()]
    words = [" ".join(NUMBER.sub("#", re.sub("─+", "-", line)).split()) for line in kept]
    return words, NUMBER.findall("\n".join(kept))


@pytest.mark.parametrize(("command", "shown"), SAMPLES, ids=[command for command, _ in SAMPLES])
def test_console_samples_are_what_the_commands_print(command, shown):
    check_sample(command, shown)


def samples_of(page):
    """The commands that a page shows, and what it shows of them."""
    return SAMPLE.findall(page.read_text(encoding="utf-8"))


def check_sample(command, shown):
    """Compare what a command prints with what is shown."""
    done = run(*shlex.split(command)[1:])
    (words, numbers), (shown_words, shown_numbers) = lines(done.stdout), lines(shown)
    assert words == shown_words
    assert len(numbers) == len(shown_numbers)
    for number, expected in zip(numbers, shown_numbers, strict=True):
        if ESTIMATE.fullmatch(expected) and number != expected:
            assert 0.1 <= float(number) / float(expected) <= 10.0
        else:
            assert float(number) == pytest.approx(float(expected), rel=1e-9)


def test_the_python_example_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    names = {}
    exec(compile(example, "README.md", "exec"), names)
    assert names["point"].sigma_w == pytest.approx(1.30414584006, rel=1e-11)
    assert (tmp_path / "run.csv").stat().st_size > 1000
