"""``python -m tests.fuzz``: tries random inputs until the time is over, and prints those that go wrong."""

from __future__ import annotations

import argparse
import faulthandler
import itertools
import os
import sys
import tempfile
import time
from collections import Counter

from . import commands, configurations, formulas
from .kind import Kind
from .watch import SILENCE

KINDS: tuple[Kind, ...] = (commands.KIND, configurations.KIND, formulas.KIND)
_HANGS = 120.0  # seconds in code that no signal interrupts


def main() -> int:
    """Try inputs of all kinds in turn; the exit code is 1 if one went wrong."""
    asked = _asked()
    SILENCE[0] = asked.silence
    kinds = [kind for kind in KINDS if asked.only in (None, kind.name)]
    tried: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    spent: Counter[str] = Counter()  # each kind gets as much time as the others
    numbers = {kind.name: itertools.count(asked.first) for kind in kinds}
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        commands.prepared()  # what is imported and compiled there takes no input's time
        while kinds and time.monotonic() - start < asked.seconds:
            kind = min(kinds, key=lambda one: spent[one.name])
            if tried[kind.name] == asked.number:
                kinds.remove(kind)
                continue
            began = time.monotonic()
            problems = _tried(kind, asked.seed, next(numbers[kind.name]))
            tried[kind.name] += 1
            wrong[kind.name] += bool(problems)
            spent[kind.name] += time.monotonic() - began
        os.chdir("/")
    for name in tried:
        print(f"{name}: {tried[name]} tried, {wrong[name]} went wrong, {spent[name]:.0f} s")
    return int(any(wrong.values()))


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long (60)")
    parser.add_argument("--seed", type=int, default=1, help="of the inputs (1)")
    parser.add_argument("--only", choices=[kind.name for kind in KINDS], help="one kind of input")
    parser.add_argument("--from", dest="first", type=int, default=0, help="number of the first input (0)")
    parser.add_argument("--number", type=int, help="at most so many inputs of each kind")
    parser.add_argument("--silence", type=float, default=1.0, help="seconds of work without a word that are too much")
    return parser.parse_args()


def _tried(kind: Kind, seed: int, number: int) -> list[str]:
    """What is wrong with an input, which is said."""
    given = kind.input(seed, number)
    faulthandler.dump_traceback_later(_HANGS, exit=True)
    try:
        problems = kind.check(given)
    finally:
        faulthandler.cancel_dump_traceback_later()
    for problem in problems:
        print(f"{kind.name} {number}: {given if given.isprintable() else repr(given)}\n    {problem}", flush=True)
    return problems


if __name__ == "__main__":
    sys.exit(main())
