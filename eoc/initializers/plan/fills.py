"""What a parameter, or a part of one, is filled with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from eoc.models.steps import Affine

__all__ = ["Fill", "Method"]

Method = Literal["normal", "orthogonal", "constant", "scales"]


@dataclass(frozen=True)
class Fill:
    """One tensor and what it is filled with.

    Attributes
    ----------
    name
        Of the parameter.
    tensor
        The parameter, or a view of a part of it.
    method
        How.
    number
        The standard deviation, sigma_w of an orthogonal matrix, the constant, or the largest of time scales, see
        :func:`eoc.initializers.plan.recurrent.time_scales`.
    affine
        The affine map that it is the weight of: its groups, its layout, how it is set; None for other numbers.
    zero_row
        A row that stays zero, the padding of an embedding; None for none.
    """

    name: str
    tensor: Any
    method: Method
    number: float
    affine: Affine | None = None
    zero_row: int | None = None
