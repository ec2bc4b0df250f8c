"""What is said of a function that is unbounded on a finite interval."""

from __future__ import annotations

from eoc.errors import NotPermissibleError

__all__ = ["unbounded"]

_CONDITION = "condition (a) of Long & Sedghi (2019), bounded on finite intervals, fails"


def unbounded(name: str, x: str, *, square_integrable: bool) -> NotPermissibleError:
    """Return the error for a function ``name`` that is unbounded near x; whether its square is integrable there."""
    so = "" if square_integrable else ", so E[phi(sqrt(q) Z)^2] is infinite for every q > 0"
    return NotPermissibleError(f"{name} is unbounded near x = {x}: {_CONDITION}{so}")
