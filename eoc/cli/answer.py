"""What ``eoc init`` answers, and what other commands answer where the edge of chaos has no usable point."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

from eoc.errors import EocError

if TYPE_CHECKING:
    from eoc.activations import Activation
    from eoc.criticality import EdgeOfChaos, EocPoint
    from eoc.recommendation import Recommendation

__all__ = ["Answer", "answered", "recommended"]

_TABLE = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)


@dataclasses.dataclass(frozen=True)
class Answer:
    """What is printed, as text or as JSON.

    Attributes
    ----------
    activation
        phi.
    found
        What the edge of chaos has to say to the question.
    place
        The place to use, and what it means for a network; None where there is none.
    fits
        Whether it is what was asked for; if not, it is what is recommended instead.
    curve
        A table along the curve, if nothing was asked for.
    fan_in
        Inputs of a layer.
    """

    activation: Activation
    found: EdgeOfChaos
    place: Recommendation | None
    fits: bool
    curve: tuple[EocPoint, ...] = ()
    fan_in: int | None = None

    @property
    def point(self) -> EocPoint | None:
        """The point of the edge of chaos that answers the question."""
        return self.place.point if self.place is not None and self.fits else None

    @property
    def gains(self) -> tuple[float, float] | None:
        """Gains of the first and the last layer: inputs of mean square 1 come to q, outputs to variance 1.

        None where there is no place, or none that keeps a variance > 0.
        """
        from eoc.gaussian.moments import moments

        at = self.place
        if at is None or not 0.0 < at.q < math.inf:
            return None
        power = float(moments(self.activation, [at.q], ("V",))["V"].value[0])
        return math.sqrt(max(at.q - at.sigma_b**2, 0.0)), power**-0.5

    def to_dict(self) -> dict[str, Any]:
        """What ``--json`` prints."""
        found, at = self.found, self.place
        gains = dict(zip(("first_gain", "last_gain"), self.gains or (None, None), strict=True))
        place = None if at is None else {n: v for n, v in dataclasses.asdict(at).items() if n != "point"} | gains
        return {
            **self.activation.to_dict(),
            "given": found.given,
            "place": place,
            "fits": self.fits,
            "point": self._of_point(self.point),
            "points": [self._of_point(p) for p in found.points],
            "reason": None if found.reason is None else str(found.reason),
            "message": found.message,
            "alternative": None if self.fits or at is None else self._of_point(at.point),
            "ordered": None if at is None or at.point is not None else _off_edge(at),
            "curve": [self._of_point(p) for p in self.curve],
        }

    def _of_point(self, point: EocPoint | None) -> dict[str, Any] | None:
        return None if point is None else point.to_dict(self.fan_in)


def _off_edge(at: Recommendation) -> dict[str, float]:
    """A place of the ordered phase."""
    numbers = {name: getattr(at, name) for name in ("sigma_b", "sigma_w", "q", "chi_1", "slope")}
    return numbers | {"xi": -1.0 / math.log(at.chi_1)}


def recommended(phi: Activation, depth: int | None, fan_in: int | None = None) -> Answer:
    """The recommended place for a network of this depth, with a table along the curve."""
    from eoc.criticality import EdgeOfChaos, edge_of_chaos
    from eoc.recommendation import recommend

    try:
        best = recommend(phi, depth)
    except EocError:
        found = edge_of_chaos(phi)
        if found.reason is None:
            raise
        return Answer(phi, found, None, False, fan_in=fan_in)
    if best.point is None:
        return Answer(phi, edge_of_chaos(phi), best, True, fan_in=fan_in)
    found = EdgeOfChaos(phi.name, {}, (best.point,), None, "")
    along = () if best.point.any_q else tuple(p for b in _TABLE for p in edge_of_chaos(phi, sigma_b=b).points)
    return Answer(phi, found, best, True, along, fan_in)


def answered(
    phi: Activation,
    found: EdgeOfChaos,
    depth: int | None = None,
    unstable: bool = False,
    fan_in: int | None = None,
) -> Answer:
    """What to say about the points that were found for a question."""
    from eoc.criticality.recommended import checked_depth
    from eoc.operating_point import held_point
    from eoc.recommendation import judged, recommend

    point = held_point(phi, found, checked_depth(depth))
    if point is None and unstable and found.points:
        point = found.points[0]
    if point is not None:
        return Answer(phi, found, judged(phi, point, depth), True, fan_in=fan_in)
    try:
        return Answer(phi, found, recommend(phi, depth), False, fan_in=fan_in)
    except EocError:
        return Answer(phi, found, None, False, fan_in=fan_in)
