"""The activation that a configuration names, made once in each process, and what tells one function from another."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from eoc.errors import EocError
from eoc.sharing import once

if TYPE_CHECKING:
    from eoc.activations import Activation

__all__ = ["FAILS", "OtherFunctionError", "activation_of", "described", "fingerprint"]

FAILS = "fails: "  #: how the fingerprint of a function begins that has none


class OtherFunctionError(EocError):
    """A worker has loaded another function than the process that leads the run."""


@once(256)
def activation_of(text: str, folder: str, expected: str = "") -> Activation:
    """The activation meant by a text, the same object for the same text, so that its tables are made once.

    Parameters
    ----------
    text
        A name, a formula in x, ``module:function`` or ``file.py:function``.
    folder
        Where modules and files are looked for first.
    expected
        The fingerprint that a function is to have; "" if it does not matter. One that has none is not called.

    Returns
    -------
    Activation
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

    if expected.startswith(FAILS):
        raise EocError(expected.removeprefix(FAILS))
    phi = from_source(text, folder)
    if expected and _digest(phi) != expected:
        raise OtherFunctionError(
            f"a worker has another {text}: it was changed while workers or this process had it loaded, or differs from "
            "one machine to the other; start them anew with the same files"
        )
    return phi


def fingerprint(text: str, folder: str) -> str:
    """A digest of what a function computes, loaded anew, or why it cannot be loaded.

    Examples
    --------
    >>> fingerprint("numpy:tanh", "") == fingerprint("numpy:tanh", "") != fingerprint("numpy:sin", "")
    True
    >>> fingerprint("numpy:tahn", "")
    "fails: numpy has no 'tahn'"
    """
    from eoc.activations.imported import from_source

    try:
        return _digest(from_source(text, folder))
    except (Exception, SystemExit) as error:  # its points fail, not the others
        return FAILS + described(error)


def described(failure: BaseException) -> str:
    """What went wrong, whatever a user's function raises.

    Examples
    --------
    >>> described(EocError("no")), described(KeyError("x"))
    ('no', "KeyError: 'x'")
    """
    try:
        return str(failure) if isinstance(failure, EocError) else f"{type(failure).__name__}: {failure}"
    except Exception:  # in its __str__
        return type(failure).__name__


def _digest(phi: Activation) -> str:
    from eoc.montecarlo.running.checkpoint import fingerprint_of

    return hashlib.sha256(json.dumps(fingerprint_of(phi)).encode()).hexdigest()[:32]
