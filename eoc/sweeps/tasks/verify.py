"""The task "montecarlo/verify": all of theory beside simulation."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

from eoc.sweeps.task import Output, Point, Task
from eoc.sweeps.tasks.common import NETWORK, NO_YES, SEED, SIGMA_B, SIGMA_W, Q, along, always, sigma_problems
from eoc.sweeps.tasks.montecarlo import arguments, compared

if TYPE_CHECKING:
    from eoc.montecarlo import Verification

__all__ = ["VERIFY"]

_ARGUMENTS = (
    SIGMA_W.but(required=False, note="left out: on the edge of chaos, or in the ordered phase close to it"),
    SIGMA_B.but(default=None, note="left out: as recommended, or 0 with sigma_w"),
    Q.but(note="left out: what layers keep, or 1"),
    SEED,
)


def _first_variance(found: Verification) -> float:
    return float(found.place.options()["q"])


_OUTPUTS = {
    "checks": Output(
        "numbers of theory that were compared with simulations", read=lambda found: len(found.checks), kind="whole"
    ),
    "failed": Output("checks with |z| > 4", read=lambda found: len(found.failed), kind="whole"),
    "skipped": Output(
        "groups of checks that were not possible",
        read=lambda found: sum(one.groups for one in found.skipped),
        kind="whole",
    ),
    **along(
        rms_z=("root mean square of z over all checks", r"\mathrm{rms}(z)"),
        verified_sigma_w=(f"{SIGMA_W.about}, where it was verified", SIGMA_W.symbol, "place.sigma_w"),
        verified_sigma_b=(f"{SIGMA_B.about}, where it was verified", SIGMA_B.symbol, "place.sigma_b"),
        verified_q=("variance of the first layer, where it was verified", "q", _first_variance),
    ),
    "on_edge": Output(
        "whether this is a point of the edge of chaos; of an activation",
        read=lambda found: getattr(found.place, "on_edge", None),
        flags=NO_YES,
    ),
    **compared(lambda found: [check.comparison for check in found.checks]),
}
_SECONDS = 60.0  # of two points in every network
_BYTES = 5e7


def _seconds(point: Point) -> float:
    """In proportion to the points that go through every network: inputs, their positions, tokens or a batch."""
    from eoc.layers import understood
    from eoc.montecarlo.positions import places_of

    network = understood(point["activation"])
    together = 2.0 * places_of(network) if network.group is None else network.group.size
    return _SECONDS * max(together / 2.0, 1.0) if isfinite(together) else 0.0


def _verify(point: Point) -> Verification:
    from eoc.montecarlo import verify

    return verify(point["activation"], **arguments(point, _ARGUMENTS), workers=1)


VERIFY = Task(
    name="montecarlo/verify",
    about="all of theory beside simulation: maps, gradients, networks of finite width",
    parameters=(NETWORK, *_ARGUMENTS),
    outputs=always(_OUTPUTS),
    run=_verify,
    seconds=_seconds,
    bytes=always(_BYTES),
    problems=lambda values: sigma_problems(values, needed=False),
    random=True,
)
