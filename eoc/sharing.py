"""What threads share: locks that survive a fork, and values that are computed once however many ask for them.

Tables grow while they are used, so whatever several threads may reach is either built under a lock and then published
whole, by one assignment of something that never changes again, or kept by one of the two decorators below. Locks are
taken from the top of the house downwards only: those of :func:`once`, then that of an activation
(:func:`cached`), then those of its pieces, and last that of mpmath.
"""

from __future__ import annotations

import functools
import os
import threading
import weakref
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeVar

__all__ = ["Lock", "Memory", "cached", "cached_property", "once"]

P = ParamSpec("P")
T = TypeVar("T")
W = TypeVar("W", bound="_WithCache")

_MISSING = object()


class Lock:
    """A reentrant lock. A forked child finds it open if another thread held it, and a copy or a pickle is a new one.

    Examples
    --------
    >>> import copy
    >>> lock = Lock()
    >>> with lock, lock:
    ...     print(copy.deepcopy(lock) is lock)
    False
    """

    def __init__(self) -> None:
        self._lock: Any = threading.RLock()
        _LOCKS.add(self)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def __reduce__(self) -> tuple[type[Lock], tuple[()]]:
        return Lock, ()


_LOCKS: weakref.WeakSet[Lock] = weakref.WeakSet()


def _open_in_child() -> None:
    """The threads that held them are not there; what they were building was not published yet."""
    for lock in list(_LOCKS):
        if not lock._lock._is_owned():
            lock._lock = threading.RLock()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_open_in_child)


class Memory:
    """Values by key, each computed once; what is known already is read without a lock.

    Attributes
    ----------
    lock
        Held while a value is computed.

    Examples
    --------
    >>> memory = Memory()
    >>> memory.get(("square", 3), lambda: 9), memory.get(("square", 3), lambda: 1 / 0)
    (9, 9)
    """

    def __init__(self) -> None:
        self.lock = Lock()
        self._known: dict[tuple[Hashable, ...], Any] = {}

    def get(self, key: tuple[Hashable, ...], make: Callable[[], T], most: int | None = None) -> T:
        """The value kept, or what ``make`` returns; of keys that begin alike only the ``most`` newest stay."""
        found: Any = self._known.get(key, _MISSING)
        if found is _MISSING:
            with self.lock:
                found = self._known.get(key, _MISSING)
                if found is _MISSING:
                    found = make()
                    if most is not None:
                        self._drop(key[0], most - 1)
                    self._known[key] = found
        return found

    def _drop(self, first: Hashable, most: int) -> None:
        alike = [key for key in self._known if key[0] == first]
        for key in alike[: len(alike) - most]:
            del self._known[key]

    def __reduce__(self) -> tuple[type[Memory], tuple[()]]:
        return Memory, ()


def once(most: int | None = None) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """``functools.lru_cache`` whose values are computed once, also where many threads ask for one at the same time.

    So equal arguments give the same object always. With ``most``, only that many values are kept.

    Examples
    --------
    >>> @once()
    ... def drawn(n):
    ...     return object()
    >>> drawn(1) is drawn(1), drawn(1) is drawn(2)
    (True, False)
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        memory = Memory()

        @functools.wraps(function)
        def remembered(*args: P.args, **kwargs: P.kwargs) -> T:
            key = (None, args, tuple(kwargs.items()))
            return memory.get(key, lambda: function(*args, **kwargs), most)

        return remembered

    return decorate


class _WithCache(Protocol):
    @property
    def cache(self) -> Memory: ...


def cached(most: int | None = None) -> Callable[[Callable[Concatenate[W, P], T]], Callable[Concatenate[W, P], T]]:
    """Let a function of an object that has a ``cache``, and of hashable arguments after it, compute each value once.

    The value stays with the object and is computed under its lock: threads that ask for it at the same time get the
    same one. With ``most``, only that many values stay.
    """

    def decorate(function: Callable[Concatenate[W, P], T]) -> Callable[Concatenate[W, P], T]:
        @functools.wraps(function)
        def remembered(at: W, /, *args: P.args, **kwargs: P.kwargs) -> T:
            return at.cache.get((function, *args), lambda: function(at, *args, **kwargs), most)

        return remembered

    return decorate


class cached_property(functools.cached_property[T]):  # as the one of functools, which it is
    """That of functools without the lock over all instances that Python 3.11's has: two of them could wait in a ring.

    A value may be computed twice, so it must follow from the instance alone.
    """

    if not TYPE_CHECKING:  # typed as that of functools, and a third of its time

        def __get__(self, instance, owner=None):
            if instance is None:
                return self
            found = instance.__dict__[self.attrname] = self.func(instance)
            return found
