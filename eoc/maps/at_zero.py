"""What an activation looks like to signals of vanishing variance."""

from __future__ import annotations

import numpy as np

from eoc.activations.base import Activation, Growth, Parity, Piece
from eoc.errors import EocError

__all__ = ["tangents_of"]


def tangents_of(phi: Activation) -> Activation:
    """What phi looks like near 0, as long as phi(0) = 0: its one-sided tangents."""
    left, right = phi.slopes_at_zero
    if not phi.vanishes_at_zero or phi.kappa == 0.0:
        raise EocError(f"{phi.name} has no correlation map at q = 0: phi(0) must be 0, with a slope; give a q > 0")
    pieces = (_line(left),) if left == right else (_line(left), _line(right))
    parity: Parity | None = "odd" if left == right else None
    knots = () if left == right else (0.0,)
    return Activation(f"tangents of {phi.name}", "", pieces, knots, Growth("polynomial", 1.0), parity)


def _line(slope: float) -> Piece:
    return Piece(lambda x: slope * x, lambda x: np.full(x.shape, slope), lambda x: np.zeros(x.shape))
