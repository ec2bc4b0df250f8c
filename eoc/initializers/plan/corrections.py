"""What is done about weights whose layers hand on something else than was planned, as a batch shows."""

from __future__ import annotations

from dataclasses import replace

from eoc.initializers.plan.report import Row

__all__ = ["ALIKE", "MOST", "NEAR", "with_measured"]

ALIKE = 0.2  #: how far an exact theory may be off by chance: then the weight is left as drawn
NEAR = 0.02  #: how far any may be off
MOST = 1e3  #: by which a weight is scaled


def with_measured(row: Row, taken: float | None, factor: float) -> Row:
    """A row of the report, with the mean square that its layer takes in and what its weight was multiplied by."""
    if row.std is None:
        return row
    note = "" if factor == 1.0 else f"scaled by {factor:.3g}, as measured"
    together = "; ".join(filter(None, [row.note, note]))
    return replace(row, measured=taken, std=row.std * factor, note=together)
