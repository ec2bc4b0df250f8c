"""The task "montecarlo/verify": all of theory beside simulation."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from numpy.typing import ArrayLike

from eoc.sweeps.task import Output, Task
from eoc.sweeps.tasks.common import ACTIVATION, NO_YES, SEED, SIGMA_B, SIGMA_W, Q, always, flag, optional
from eoc.sweeps.tasks.montecarlo.common import COMPARED, asked, compared

__all__ = ["VERIFY"]

_ARGUMENTS = (
    optional(SIGMA_W, note="left out: on the edge of chaos, or in the ordered phase close to it"),
    optional(SIGMA_B, note="left out: as recommended, or 0 with sigma_w"),
    dataclasses.replace(Q, note="left out: what layers keep, or 1"),
    SEED,
)
_OUTPUTS = {
    "checks": Output("numbers of theory that were compared with simulations", kind="whole"),
    "failed": Output("checks with |z| > 4", kind="whole"),
    "skipped": Output("groups of checks that were not possible", kind="whole"),
    "rms_z": Output("root mean square of z over all checks", symbol=r"\mathrm{rms}(z)"),
    "verified_sigma_w": Output(f"{SIGMA_W.about}, where it was verified", symbol=SIGMA_W.symbol),
    "verified_sigma_b": Output(f"{SIGMA_B.about}, where it was verified", symbol=SIGMA_B.symbol),
    "verified_q": Output("variance of the first layer, where it was verified", symbol="q"),
    "on_edge": Output("whether this is a point of the edge of chaos", flags=NO_YES),
    **COMPARED,
}
_SECONDS = 60.0
_BYTES = 5e7


def _compute(point: Mapping[str, Any]) -> Mapping[str, ArrayLike]:
    from eoc.montecarlo import verify

    arguments = asked(point, (parameter.name for parameter in _ARGUMENTS))
    found = verify(point["activation"], **arguments, workers=1)
    place = found.place
    return {
        "checks": len(found.checks),
        "failed": len(found.failed),
        "skipped": sum(one.groups for one in found.skipped),
        "rms_z": found.rms_z,
        "verified_sigma_w": place.variance.sigma_w,
        "verified_sigma_b": place.variance.sigma_b,
        "verified_q": place.q,
        "on_edge": flag(place.on_edge, NO_YES),
        **compared(check.comparison for check in found.checks),
    }


VERIFY = Task(
    name="montecarlo/verify",
    about="all of theory beside simulation: maps, gradients, networks of finite width",
    parameters=(ACTIVATION, *_ARGUMENTS),
    outputs=always(_OUTPUTS),
    compute=_compute,
    seconds=always(_SECONDS),
    bytes=always(_BYTES),
    random=True,
)
