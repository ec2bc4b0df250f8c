"""What a diagnosis is made of: a row for every layer, and the stretches that the theory of deep networks holds for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from eoc.activations import Activation
from eoc.criticality import EdgeOfChaos
from eoc.phase import Phase

__all__ = ["LayerRow", "Stretch", "Values"]


@dataclass(frozen=True)
class Values:
    """What is said of one layer; NaN where nothing can be said.

    Attributes
    ----------
    q
        Mean square of the pre-activations, over samples, units and positions.
    one_minus_c
        1 - c, c the correlation of the pre-activations of two samples, on average over all pairs.
    gradient
        Root mean square, over samples, of the norm of the gradient with respect to the pre-activations.
    """

    q: float
    one_minus_c: float
    gradient: float

    @property
    def c(self) -> float:
        """The correlation."""
        return 1.0 - self.one_minus_c

    def to_dict(self) -> dict[str, float]:
        """The numbers by name."""
        return {"q": self.q, "c": self.c, "one_minus_c": self.one_minus_c, "gradient": self.gradient}


@dataclass(frozen=True)
class LayerRow:
    """One call of one layer.

    Attributes
    ----------
    name, layer
        The module's qualified name, and what it is: "Linear 300 -> 10", "Conv2d 3 -> 16, 3x3".
    activation
        The name of the activation that follows; "" if none does.
    sigma_w, sigma_b
        sqrt(fan_in mean W^2) and sqrt(mean b^2) of its parameters.
    inside
        Which share of the terms that a unit of a convolution sums are not padding; 1 for other layers.
    measured
        What the model does.
    expected
        What the maps say, from what was measured one layer before (for gradients: one behind).
    predicted
        What the maps say from the first layer on (for gradients: from the last one back).
    spread, gradient_spread
        By how much ``expected`` q, and the squared gradient, may be off at this width: relative standard deviations,
        upper bounds where samples or positions are averaged; NaN where nothing, or zero, is expected.
    dead
        Which share of its units the activation maps to a constant for the whole batch; NaN where it is flat nowhere.
    reached
        Whether a gradient arrives; one that is not a number does.
    weight_gradient
        The norm of the gradient by the weight; NaN where none is taken.
    why, gradient_why
        Why nothing is expected; "" if something is.
    neglected, gradient_neglected
        What was taken for what it is not; () where what is expected is exact in wide layers.
    """

    name: str
    layer: str
    activation: str
    sigma_w: float
    sigma_b: float
    inside: float
    measured: Values
    expected: Values
    predicted: Values
    spread: float
    gradient_spread: float
    dead: float
    reached: bool
    weight_gradient: float
    why: str
    gradient_why: str
    neglected: tuple[str, ...]
    gradient_neglected: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """As numbers, texts and dicts."""
        sides = {
            side: {"q": values.q, "c": values.c, "one_minus_c": values.one_minus_c, "gradient": values.gradient}
            for side, values in (
                ("measured", self.measured),
                ("expected", self.expected),
                ("predicted", self.predicted),
            )
        }
        plain = {name: value for name, value in vars(self).items() if name not in sides}
        lists = {name: list(value) for name, value in plain.items() if isinstance(value, tuple)}
        return plain | lists | sides


@dataclass(frozen=True)
class Stretch:
    """Layers one after the other with the same activation behind each and nothing else, and weights of one size.

    The first may have weights of any size: no gradient passes through them. A head, which no such activation follows,
    is not among them.

    Attributes
    ----------
    rows
        Their indices, two or more.
    activation
        phi.
    sigma_w, sigma_b, inside
        Medians (of sigma_b^2 for the second) over the layers after the first.
    factor, expected_factor
        By what the norm of gradients is multiplied from a layer to the one before it, measured and by the maps at the
        measured variances: geometric means. NaN where a gradient is zero or not finite.
    phase
        What an infinitely deep network of such layers with independent weights does; None if that cannot be told, for
        the reason ``why``.
    edge
        The edge of chaos at this sigma_b.
    """

    rows: tuple[int, ...]
    activation: Activation
    sigma_w: float
    sigma_b: float
    inside: float
    factor: float
    expected_factor: float
    phase: Phase | None
    edge: EdgeOfChaos | None
    why: str = ""

    @property
    def steps(self) -> int:
        """How many times phi is applied."""
        return len(self.rows) - 1

    def to_dict(self) -> dict[str, Any]:
        """As numbers, texts and lists."""
        phase, edge = self.phase, self.edge
        critical = edge.best.sigma_w if edge is not None and edge.reason is None else None
        return {
            "layers": list(self.rows),
            "activation": self.activation.name,
            "sigma_w": self.sigma_w,
            "sigma_b": self.sigma_b,
            "inside": self.inside,
            "factor": self.factor,
            "expected_factor": self.expected_factor,
            "phase": None if phase is None else phase.phase,
            "chi_1": None if phase is None else phase.chi_1,
            "q": None if phase is None else phase.q,
            "xi_c": None if phase is None else phase.xi_c,
            "critical_sigma_w": critical,
            "why": self.why,
        }
