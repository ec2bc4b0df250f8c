"""Fingerprints of functions that users wrote, taken in a process of their own.

There a function that ends its process, or was changed after this process imported it, does no harm.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

from eoc.sweeps.activation import FAILS, fingerprint
from eoc.sweeps.plan import Plan

__all__ = ["fingerprints"]

_HERE = "from eoc.sweeps.fingerprints import answer; answer()"


def fingerprints(plan: Plan) -> dict[str, str]:
    """Digests of what those activations compute that are functions in a module or file of a user.

    A name or an expression says all; a function can be changed where it is defined.
    """
    asked = [text for text in plan.values.get("activation", ()) if ":" in text]
    found: dict[str, str] = {}
    while len(found) < len(asked):
        found |= _asked(asked[len(found) :], plan.folder)
        if len(found) < len(asked):  # the process ended with the next one
            found[asked[len(found)]] = f"{FAILS}it ends the process that calls it"
    return found


def _asked(texts: list[str], folder: str) -> dict[str, str]:
    """What another process says before it ends."""
    question = json.dumps([texts, folder, sys.path])
    done = subprocess.run([sys.executable, "-c", _HERE], input=question, stdout=subprocess.PIPE, text=True, check=False)
    return dict(json.loads(line) for line in done.stdout.splitlines())


def answer() -> None:
    """What the other process does: a line of JSON for each function, and nothing else on standard output."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what functions print is no answer
    texts, folder, sys.path[:] = json.load(sys.stdin)
    for text in texts:
        print(json.dumps([text, fingerprint(text, folder)]), file=out, flush=True)
