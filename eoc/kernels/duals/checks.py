"""What the functions of both frameworks refuse."""

from __future__ import annotations

import numpy as np

from eoc.errors import EocError
from eoc.floats import FloatArray
from eoc.kernels.duals.tables import DualTables

__all__ = ["RANGE", "Range", "refuse"]

Range = tuple[float, float]
RANGE: Range = (0.125, 8.0)  #: of variances, unless another one is asked for
_ROUNDING = 1e-9


def refuse(tables: DualTables, q_a: FloatArray, q_b: FloatArray, k: FloatArray) -> None:
    """Say which pair is not covered by the tables, if any is not: all (n,)."""
    low, high = tables.low * (1.0 - _ROUNDING), tables.high * (1.0 + _ROUNDING)
    for q in (q_a, q_b):
        outside = ~((q > 0.0) & (q >= low) & (q <= high))
        if outside.any():
            span = "positive" if tables.is_homogeneous else f"between {tables.low:g} and {tables.high:g}"
            rest = "" if tables.is_homogeneous else ": dual(..., q=(low, high)) makes tables for others"
            raise EocError(f"variances must be {span} for this kernel of {tables.name}, got {q[outside][0]:g}{rest}")
    outside = ~(np.abs(k) <= np.sqrt(q_a) * np.sqrt(q_b) * (1.0 + _ROUNDING))
    if outside.any():
        a, b, c = (one[outside][0] for one in (q_a, q_b, k))
        raise EocError(
            f"the covariance of inputs of variances {a:g} and {b:g} is at most {(a * b) ** 0.5:g}, got {c:g}"
        )
