"""The activation that a configuration names, made once in each process, and what tells one function from another."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from eoc.errors import EocError

if TYPE_CHECKING:
    from eoc.activations import Activation

__all__ = ["OtherFunctionError", "activation_of", "fingerprint"]

_FAILS = "fails: "


class OtherFunctionError(EocError):
    """A worker has loaded another function than the process that leads the run."""


@lru_cache(maxsize=256)
def activation_of(text: str, folder: str, expected: str = "") -> Activation:
    """The activation meant by a text, the same object for the same text, so that its tables are made once.

    Parameters
    ----------
    text
        A name, a formula in x, ``module:function`` or ``file.py:function``.
    folder
        Where modules and files are looked for first.
    expected
        The fingerprint that a function is to have; "" if it does not matter.

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

    phi = from_source(text, folder)
    if expected and not expected.startswith(_FAILS) and _digest(phi) != expected:
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
        return f"{_FAILS}{error}"


def _digest(phi: Activation) -> str:
    from eoc.montecarlo.running.fingerprint import fingerprint_of

    return str(fingerprint_of(phi)["phi"])
