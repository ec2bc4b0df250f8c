"""What the program ends with."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["ExitCode"]


class ExitCode(IntEnum):
    """All of them; ``docs/command-line.md`` has the same list for users."""

    DONE = 0
    FAILED = 1  #: ``eoc verify`` or ``eoc doctor`` found something wrong, or a point of ``eoc sweep run`` failed
    REFUSED = 2  #: the input cannot be used, or needs more memory than there is: a message is on standard error
    NO_POINT = 3  #: the question is fine but there is no usable point; the reason and an alternative are printed
    OUTPUT_LOST = 74  #: standard output cannot be written: EX_IOERR of sysexits.h
    INTERRUPTED = 130
    READER_GONE = 141  #: who read standard output has seen enough: 128 + SIGPIPE, as shells report it
