"""What takes long, said to whoever listens: the progress line of a command, which stands far above what computes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["listening", "notice"]

_listener: ContextVar[Callable[[str], None] | None] = ContextVar("listener", default=None)


def notice(text: str) -> None:
    """Say what is being done, in the words of a user; nothing happens if nobody listens.

    Examples
    --------
    >>> notice("resolving the oscillations of sin(exp(x))")
    >>> with listening(print):
    ...     notice("resolving the oscillations of sin(exp(x))")
    resolving the oscillations of sin(exp(x))
    """
    listener = _listener.get()
    if listener is not None:
        listener(text)


@contextmanager
def listening(listener: Callable[[str], None]) -> Iterator[None]:
    """Have ``listener`` called with every notice of what runs inside, in this thread."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)
