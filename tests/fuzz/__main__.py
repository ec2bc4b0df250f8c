"""``python -m tests.fuzz``: tries random inputs, so many or until the time is over, and prints what goes wrong.

With ``--number`` the same inputs are tried on every machine that is fast enough; what the time cut off is said.
"""

from __future__ import annotations

import argparse
import faulthandler
import itertools
import os
import sys
import tempfile
import time
from collections import Counter

from . import commands, configurations, formulas, networks
from .kind import Kind
from .watch import SILENCE

KINDS: tuple[Kind, ...] = (commands.KIND, configurations.KIND, formulas.KIND, networks.KIND)
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
    most = {kind.name: _most(asked, kind.name) for kind in kinds}
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        commands.prepared()  # what is imported and compiled there takes no input's time
        start = time.monotonic()
        while kinds and time.monotonic() - start < asked.seconds:
            kind = min(kinds, key=lambda one: spent[one.name])
            if tried[kind.name] == most[kind.name]:
                kinds.remove(kind)
                continue
            began = time.monotonic()
            problems = _tried(kind, asked.seed, next(numbers[kind.name]))
            tried[kind.name] += 1
            wrong[kind.name] += bool(problems)
            spent[kind.name] += time.monotonic() - began
        os.chdir("/")
    for name, number in most.items():
        cut = f"; the time was over before the {number} asked for" if number and tried[name] < number else ""
        print(f"{name}: {tried[name]} tried, {wrong[name]} went wrong, {spent[name]:.0f} s{cut}")
    return int(any(wrong.values()))


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    names = [kind.name for kind in KINDS]
    parser.add_argument("--seconds", type=float, default=60.0, help="how long (60)")
    parser.add_argument("--seed", type=int, default=1, help="of the inputs (1)")
    parser.add_argument("--only", choices=names, help="one kind of input")
    parser.add_argument("--from", dest="first", type=int, default=0, help="number of the first input (0)")
    parser.add_argument(
        "--number",
        type=int,
        nargs="+",
        help=f"at most so many of each kind: one number or those of {', '.join(names)}",
    )
    parser.add_argument("--silence", type=float, default=1.0, help="seconds of work without a word that are too much")
    asked = parser.parse_args()
    if asked.number is not None and len(asked.number) not in (1, len(names)):
        parser.error(f"--number takes 1 or {len(names)} numbers, got {len(asked.number)}")
    return asked


def _most(asked: argparse.Namespace, name: str) -> int | None:
    """How many inputs of a kind are tried."""
    if asked.number is None or len(asked.number) == 1:
        return asked.number and asked.number[0]
    return dict(zip((kind.name for kind in KINDS), asked.number, strict=True))[name]


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
