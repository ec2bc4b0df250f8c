"""``eoc doctor``: whether this installation is sound."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from eoc.cli.common import AsJson, print_json
from eoc.cli.exit_codes import ExitCode
from eoc.cli.tables import console, print_next
from eoc.cli.words import duration, size
from eoc.reports.writing import new_table, print_headline, print_paragraph

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from eoc.doctor import Check, Environment

__all__ = ["command"]


def command(as_json: AsJson = False) -> None:
    """Print versions, threads, the cache and optional parts, and compute a few numbers whose values are known.

    Takes some seconds, more where nothing is compiled yet. Exit code 1 if a number is wrong.
    """
    from eoc.doctor import environment, self_test

    checks = list(self_test())
    here = environment()  # now, with what the tests have loaded and compiled
    sound = all(one.passed for one in checks)
    if as_json:
        print_json({"sound": sound, **here.to_dict(), "checks": [one.to_dict() for one in checks]})
    else:
        _print(here, checks)
    if not sound:
        raise typer.Exit(ExitCode.FAILED)


def _print(here: Environment, checks: Sequence[Check]) -> None:
    out = console()
    wrong = [one for one in checks if not one.passed]
    seconds = duration(sum(one.seconds for one in checks))
    if wrong:
        print_headline(out, f"{len(wrong)} of {len(checks)} numbers are wrong: {wrong[0].name}.", "red")
    else:
        print_headline(out, f"all {len(checks)} numbers are right, in {seconds}: this installation of eoc is sound.")
    _print_environment(out, here)
    listing = new_table(out, ("check", "value", "expected", "off by", ""))
    for one in checks:
        off = f"{abs(one.value / one.expected - 1.0):.1g}"
        listing.add_row(one.name, f"{one.value:.15g}", f"{one.expected:.15g}", off, "PASS" if one.passed else "FAIL")
    out.print(listing)
    for one in wrong:
        why = one.problem or f"{one.value!r} is off by more than {one.tolerance:g}"
        print_paragraph(out, f"{one.name}: ", why, indent=2)
    if wrong:
        print_next(out, "eoc doctor --json", "prints what a report of this problem should contain")
    else:
        print_next(out, "eoc init gelu", "says how to initialise a network")


def _print_environment(out: Console, here: Environment) -> None:
    missing = {name: here.extras[name] for name, number in here.optional.items() if not number}
    there = {name: number for name, number in here.optional.items() if number}
    state = "writable" if here.cache_writable else "NOT writable: every process compiles anew"
    rows = (
        ("versions", _listed(here.versions)),
        ("system", f"{here.system}, Python {here.python}"),
        ("optional", _listed(there) or "none"),
        ("not there", ", ".join(f'{name} (pip install "eoc[{extra}]")' for name, extra in missing.items()) or "none"),
        ("threads", f"{here.cores} cores; {_listed(here.threads)}"),
        ("cache", f"{here.cache}, {size(here.cache_bytes)}, {state}"),
        ("variables", ", ".join(f"{name}={value}" for name, value in here.variables.items()) or "none set"),
    )
    for name, text in rows:
        print_paragraph(out, f"  {name:<10} ", text, 2 + len(name))


def _listed(numbers: dict[str, str] | dict[str, int]) -> str:
    return ", ".join(f"{name} {number}" for name, number in numbers.items())
