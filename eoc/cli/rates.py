"""``eoc rates``: how fast correlations converge with depth, beside what the iterated map does."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eoc.cli.common import AsJson, Name, Plot, find_activation, print_json, save_picture
from eoc.cli.edge import operating_at
from eoc.cli.init_answer import point_payload
from eoc.cli.rates_report import Rates, print_rates

if TYPE_CHECKING:
    from eoc.convergence import Convergence

__all__ = ["command"]

_DOTS = 40
_DEEPEST = 1e200  # layers in a picture: an axis that ends at 1e300 overflows
_DECAYED = 36.0  # depth scales after which an exponential has come to rounding


def command(
    activation: Name,
    sigma_w: Annotated[
        float | None, typer.Option(help="Std of the weights times sqrt(fan_in); left out: on the edge of chaos.")
    ] = None,
    sigma_b: Annotated[float | None, typer.Option(help="Standard deviation of the biases.")] = None,
    q: Annotated[
        float | None, typer.Option(help="Variance to keep; with --sigma-w that of the first layer, where it matters.")
    ] = None,
    depth: Annotated[float, typer.Option(help="Layers to go, a whole number >= 10: 1e6, 1e12, ...")] = 1e6,
    c0: Annotated[float, typer.Option(help="Correlation of the two inputs, in [-1, 1).")] = 0.1,
    plot: Plot = None,
    as_json: AsJson = False,
) -> None:
    """Print the law of 1 - c_l with its constant, derived from the map, beside what the iterated map does.

    Without --sigma-w: on the edge of chaos, or where recommended; exit code 3 if there is no usable point.
    """
    from eoc.convergence import convergence_of

    phi = find_activation(activation)
    at = operating_at(activation, phi, sigma_w, sigma_b, q, as_json)
    rates = Rates(at, c0, convergence_of(at.f, depth, c0))
    if as_json:
        print_json(_payload(rates))
    else:
        print_rates(activation, rates)
    if plot is not None:
        from eoc.plotting import convergence_figure, network_name

        name = network_name(phi.name, at.sigma_w, at.sigma_b)
        save_picture(convergence_figure(_with_more_depths(rates), name), plot)


def _with_more_depths(rates: Rates) -> Convergence:
    """The same convergence at depths that make a picture."""
    import numpy as np

    found, last = rates.found, min(float(rates.found.depths[-1]), _DEEPEST)
    if found.law.law == "exponential":
        last = min(last, max(float(math.ceil(_DECAYED * found.law.constant)), 10.0))
        depths = np.unique(np.round(np.linspace(0.0, last, _DOTS)))
    else:
        depths = np.unique(np.round(np.geomspace(1.0, last, _DOTS)))
    at = rates.at.f.iterate(depths, c=rates.c0)
    return dataclasses.replace(found, depths=depths, one_minus_c=at.value, error=at.error)


def _payload(r: Rates) -> dict[str, Any]:
    found, law, place = r.found, r.found.law, r.at
    on_edge = law.law in ("1/l", "1/l^2")
    at, e = float(found.depths[r.anchor]), float(found.one_minus_c[r.anchor])
    return {
        **place.activation.to_dict(),
        "on_edge": place.point is not None,
        "point": point_payload(place.point),
        "edge": [point_payload(p) for p in place.edge.points if p.usable],
        "reason": None if place.edge.reason is None else str(place.edge.reason),
        "message": place.edge.message,
        "note": place.note,
        "sigma_w": place.sigma_w,
        "sigma_b": place.sigma_b,
        "q": place.q,
        "chi_1": place.chi_1,
        "law": dataclasses.asdict(law)
        | {"offset": r.offset if on_edge else None, "offset_depth": at if on_edge else None},
        "measured": {
            "exponent": None if found.exponent is None else dataclasses.asdict(found.exponent),
            "constant": None if found.constant is None else dataclasses.asdict(found.constant),
        },
        "c0": r.c0,
        "depths": found.depths,
        "one_minus_c": found.one_minus_c,
        "error": found.error,
        "leading": law.leading(found.depths) if on_edge else None,
        "refined": law.refined(found.depths, at, e) if on_edge else None,
    }
