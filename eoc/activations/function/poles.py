"""Whether a function that can only be called has a pole near some point."""

from __future__ import annotations

import numpy as np

from eoc.activations.base import Function
from eoc.activations.simplest import simplest
from eoc.activations.unbounded import unbounded
from eoc.errors import EocError

__all__ = ["refuse_pole"]

_NEAREST = 2.0**-12
_ZOOMS = 9  # by 8 each, towards a pole


def refuse_pole(f: Function, name: str, x: float) -> None:
    """Raise if |f| grows without bound towards a point near x."""
    half = 2.0**-8 * max(abs(x), _NEAREST)
    tops: list[float] = []
    for _ in range(_ZOOMS):
        points = np.linspace(x - 0.97 * half, x + 1.03 * half, 128)
        values = np.abs(f(points))
        x = float(points[int(np.argmax(values))])
        finite = np.sort(values[np.isfinite(values)])
        if finite.size < 3:
            raise EocError(f"{name} has no finite values near x = {x:.6g}; it has to be finite but for single points")
        tops.append(float(finite[-3]))  # one may hit the pole
        half /= 8.0
    ratios = np.array(tops[1:]) / np.maximum(tops[:-1], 1e-300)
    if (ratios > 1.001).all():
        slow = bool(np.median(ratios) <= 2.7)  # sqrt(8): |x|^(-1/2)
        raise unbounded(name, f"{simplest(x, 64.0 * half):.12g}", square_integrable=slow)
