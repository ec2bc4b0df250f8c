"""The activations and networks of a configuration, made once in each process, and what tells functions of users apart.

Fingerprints of these are taken in a process of its own, where a function that ends its process, or was changed after
this one imported it, does no harm.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from eoc.errors import EocError
from eoc.sharing import once
from eoc.sweeps.plan import Plan

if TYPE_CHECKING:
    from eoc.activations import Activation
    from eoc.layers import Network

__all__ = ["FAILS", "OtherFunctionError", "activation_of", "error_text", "fingerprints", "print_fingerprints"]

FAILS = "fails: "  #: how the fingerprint of a function begins that has none

_OTHER_PROCESS = "from eoc.sweeps.functions import print_fingerprints; print_fingerprints()"


class OtherFunctionError(EocError):
    """A worker has loaded another function than the process that leads the run."""


@once(256)
def activation_of(text: str, folder: str, expected: str = "") -> Activation | Network:
    """The activation or network meant by a text, the same object for the same text, so that its tables are made once.

    Parameters
    ----------
    text
        A name, a formula in x, ``module:function`` or ``file.py:function``; or what :func:`eoc.network` reads.
    folder
        Where modules and files are looked for first.
    expected
        The fingerprint that a function is to have; "" if it does not matter. One that has none is not called.

    Returns
    -------
    Activation or Network
        What it means.

    Raises
    ------
    EocError
        For a text that means none, or a function that cannot be imported.
    OtherFunctionError
        For a function with another fingerprint: its module was changed after this process imported it, or there is
        another one on this machine.

    Examples
    --------
    >>> activation_of("tanh", "").name, activation_of("numpy:tanh", "") is activation_of("numpy:tanh", "")
    ('tanh', True)
    """
    from eoc.activations.imported import from_source
    from eoc.layers import is_network, network

    if is_network(text):
        return network(text)
    if expected.startswith(FAILS):
        raise EocError(expected.removeprefix(FAILS))
    phi = from_source(text, folder)
    if expected and _digest(phi) != expected:
        raise OtherFunctionError(
            f"a worker has another {text}: it was changed while workers or this process had it loaded, or differs from "
            "one machine to the other; start them anew with the same files"
        )
    return phi


def _fingerprint(text: str, folder: str) -> str:
    """A digest of what a function computes, loaded anew, or why it cannot be loaded.

    Examples
    --------
    >>> _fingerprint("numpy:tanh", "") == _fingerprint("numpy:tanh", "") != _fingerprint("numpy:sin", "")
    True
    >>> _fingerprint("numpy:tahn", "")
    "fails: numpy has no 'tahn'"
    """
    from eoc.activations.imported import from_source

    try:
        return _digest(from_source(text, folder))
    except (Exception, SystemExit) as error:  # its points fail, not the others
        return FAILS + error_text(error)


def fingerprints(plan: Plan) -> dict[str, str]:
    """Digests of what those activations compute that are functions or tables in a module or file of a user.

    A name or an expression says all; a function can be changed where it is defined.
    """
    from eoc.activations.table_file import is_table

    asked = [text for text in plan.values.get("activation", ()) if ":" in text or is_table(text)]
    found: dict[str, str] = {}
    while len(found) < len(asked):
        found |= _asked(asked[len(found) :], plan.folder)
        if len(found) < len(asked):  # the process ended with the next one
            found[asked[len(found)]] = f"{FAILS}it ends the process that calls it"
    return found


def _asked(texts: list[str], folder: str) -> dict[str, str]:
    """What another process says before it ends."""
    question = json.dumps([texts, folder, sys.path])
    done = subprocess.run(
        [sys.executable, "-c", _OTHER_PROCESS], input=question, stdout=subprocess.PIPE, text=True, check=False
    )
    return dict(json.loads(line) for line in done.stdout.splitlines())


def print_fingerprints() -> None:
    """What the other process does: a line of JSON for each function, and nothing else on standard output."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what functions print is no answer
    texts, folder, sys.path[:] = json.load(sys.stdin)
    for text in texts:
        print(json.dumps([text, _fingerprint(text, folder)]), file=out, flush=True)


def error_text(failure: BaseException) -> str:
    """What went wrong, whatever a user's function raises.

    Examples
    --------
    >>> error_text(EocError("no")), error_text(KeyError("x"))
    ('no', "KeyError: 'x'")
    """
    try:
        return str(failure) if isinstance(failure, EocError) else f"{type(failure).__name__}: {failure}"
    except Exception:  # in its __str__
        return type(failure).__name__


def _digest(phi: Activation) -> str:
    from eoc.montecarlo.running.checkpoint import fingerprint_of

    return hashlib.sha256(json.dumps(fingerprint_of(phi)).encode()).hexdigest()[:32]
