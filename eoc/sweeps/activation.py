"""The activation that a configuration names, made once in each process."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eoc.activations import Activation

__all__ = ["activation_of"]


@lru_cache(maxsize=256)
def activation_of(text: str, folder: str) -> Activation:
    """The activation meant by a text, the same object for the same text, so that its tables are made once.

    Parameters
    ----------
    text
        A name, a formula in x, ``module:function`` or ``file.py:function``.
    folder
        Where modules and files are looked for first.

    Returns
    -------
    Activation
        What it means.

    Raises
    ------
    EocError
        For a text that means none, or a function that cannot be imported.

    Examples
    --------
    >>> activation_of("tanh", "").name, activation_of("numpy:tanh", "") is activation_of("numpy:tanh", "")
    ('tanh', True)
    """
    from eoc.activations.imported import from_source

    return from_source(text, folder)
