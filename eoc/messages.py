"""How messages quote what was given, and suggest what may have been meant."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

__all__ = ["closest", "did_you_mean", "is_text", "quoted", "shortened", "visible"]

_LONGEST = 60  # characters of a value that a message quotes
_DIGITS = 40  # of a whole number, beyond which it is not turned into text
_FEW = 12  # names that a message lists


def quoted(value: object) -> str:
    """A value in a message: not longer than about 60 characters, in one line.

    Examples
    --------
    >>> quoted("tanh"), quoted(True), quoted(None), quoted([1.0, "eoc"])
    ("'tanh'", 'true', 'nothing', "[1.0, 'eoc']")
    """
    if value is None or isinstance(value, bool):
        return "nothing" if value is None else str(value).lower()
    if isinstance(value, str):
        return repr(shortened(value))
    if isinstance(value, int) and abs(value) >= 10**_DIGITS:
        return f"a whole number of more than {_DIGITS} digits"
    if isinstance(value, list):
        return shortened(f"[{', '.join(map(quoted, value[:_FEW]))}{', ...' if len(value) > _FEW else ''}]")
    if isinstance(value, dict):
        inside = (f"{shortened(str(key))}: {quoted(value[key])}" for key in list(value)[:_FEW])
        return shortened("{" + ", ".join(inside) + "}")
    return shortened(repr(value))


def closest(name: str, known: Sequence[str]) -> str | None:
    """The known name that is most like this one; None if none is."""
    plain = {key.lower().replace("-", "_"): key for key in known}
    close = difflib.get_close_matches(name[:_LONGEST].lower().replace("-", "_").replace(" ", "_"), plain, n=1)
    return plain[close[0]] if close else None


def did_you_mean(name: str, known: Sequence[str]) -> str:
    """A suggestion: the known name that is most like this one, or all of them.

    Examples
    --------
    >>> did_you_mean("sigmab", ["sigma_b", "sigma_w"]), did_you_mean("foo", ["num", "step"])
    ("did you mean 'sigma_b'?", 'allowed: num, step')
    """
    close = closest(name, known)
    if close is not None:
        return f"did you mean {close!r}?"
    return f"allowed: {', '.join(known)}" if known else "none is allowed"


def is_text(text: str) -> bool:
    r"""Whether a text can be written: one with half a surrogate pair cannot.

    Examples
    --------
    >>> is_text("\u03c6"), is_text("\ud800")
    (True, False)
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def shortened(text: str) -> str:
    """The beginning of a text that is long."""
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "..."


def visible(text: str) -> str:
    r"""The text in one line, with escapes for what is not seen or cannot be written.

    Examples
    --------
    >>> visible("sigma\u200b_b\n")
    'sigma\\u200b_b\\n'
    """
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)
