"""Numbers that a person may have meant."""

from __future__ import annotations

__all__ = ["simplest"]


def simplest(value: float, tolerance: float) -> float:
    """Return the short decimal or small fraction within ``tolerance`` of value, if that is no accident; else value."""
    if abs(value) <= tolerance:
        return 0.0
    for digits in range(17):
        if 2.0 * tolerance * 10.0**digits > 1e-3:
            break
        short = round(value, digits)
        if abs(short - value) <= tolerance:
            return short
    for denominator in range(3, 25):
        if 2.0 * tolerance * denominator**2 > 1e-3:
            break
        short = round(value * denominator) / denominator
        if abs(short - value) <= tolerance:
            return short
    return value
