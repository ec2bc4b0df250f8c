"""A number that theory predicts beside the one that was measured."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from eoc.errors import EocError
from eoc.floats import FloatArray
from eoc.gaussian.moments import Estimate
from eoc.validation import real_number

__all__ = ["LIMIT", "Comparison", "by_layer", "by_name"]


LIMIT = 4.0
"""|z| up to which theory and measurement agree: beyond it is one normal number in 16 000 (two-sided 6.3e-5)."""


@dataclass(frozen=True)
class Comparison:
    r"""Theory against measurement, in units of what either may be off.

    .. math:: z = \frac{\text{measured} - \text{theory}}{\sqrt{\text{standard error}^2 + \text{truncation}^2}}

    Attributes
    ----------
    quantity
        What is compared, as a formula: "mean q_l - q~_l".
    layer
        Of which layer (from 1); None if of none in particular.
    theory, measured
        The two numbers.
    standard_error
        Of ``measured``, >= 0.
    truncation
        What ``theory`` itself may be off, >= 0: orders of 1/N left out and errors of quadrature.

    Raises
    ------
    EocError
        If one of them is no real number, infinite or NaN, or an error is negative.

    Examples
    --------
    >>> seen = Comparison("rms", 5, theory=0.90, measured=0.92, standard_error=0.01)
    >>> round(seen.z, 3), seen.agrees
    (2.0, True)
    """

    quantity: str
    layer: int | None
    theory: float
    measured: float
    standard_error: float
    truncation: float = 0.0

    def __post_init__(self) -> None:
        for name in ("theory", "measured", "standard_error", "truncation"):
            real_number(f"{self._where}: {name}", getattr(self, name))
        for name in ("theory", "measured"):
            if not math.isfinite(getattr(self, name)):
                raise EocError(f"{self._where}: {name} must be a finite number, got {getattr(self, name)!r}")
        for name in ("standard_error", "truncation"):
            if not 0.0 <= getattr(self, name) < math.inf:
                raise EocError(f"{self._where}: {name} must be a number >= 0, got {getattr(self, name)!r}")

    @property
    def z(self) -> float:
        """The difference in units of its error; 0 where nothing differs, infinite where no error explains it."""
        difference = self.measured - self.theory
        error = math.hypot(self.standard_error, self.truncation)
        if error == 0.0:
            return math.copysign(math.inf, difference) if difference else 0.0
        return difference / error

    @property
    def agrees(self) -> bool:
        """|z| <= 4: chance alone breaks it once in 16 000 comparisons."""
        return abs(self.z) <= LIMIT

    def to_dict(self) -> dict[str, Any]:
        """The numbers, z and whether they agree, by name."""
        return {**asdict(self), "z": self.z, "agrees": self.agrees}

    @property
    def _where(self) -> str:
        return self.quantity if self.layer is None else f"{self.quantity} of layer {self.layer}"


def by_layer(
    quantity: str,
    theory: FloatArray,
    measured: FloatArray,
    standard_error: FloatArray,
    truncation: FloatArray,
    layers: Sequence[int] | None = None,
) -> tuple[Comparison, ...]:
    """Comparisons of one quantity in some layers, or in all of them, from columns (L,) for the layers 1 .. L."""
    columns = np.array([theory, measured, standard_error, truncation]).T.tolist()
    wanted = range(1, len(columns) + 1) if layers is None else layers
    return tuple(Comparison(quantity, layer, *columns[layer - 1]) for layer in wanted)


def by_name(result: object, *names: str) -> dict[str, Any]:
    """Attributes of a result by their names: an estimate with its error, comparisons as dictionaries.

    Examples
    --------
    >>> by_name(Comparison("rms", 5, theory=0.90, measured=0.92, standard_error=0.01), "layer", "theory")
    {'layer': 5, 'theory': 0.9}
    """
    out: dict[str, Any] = {}
    for name in names:
        value = getattr(result, name)
        if isinstance(value, Estimate):
            out |= {name: value.value, f"{name}_error": value.error}
        else:
            out[name] = [one.to_dict() for one in value] if name == "comparisons" else value
    return out
