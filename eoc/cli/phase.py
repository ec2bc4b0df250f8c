"""``eoc phase``: what layers do to variances, correlations and gradients at one (sigma_w, sigma_b)."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eoc.cli.common import AsJson, Name, Plot, find_activation, print_json, save_picture
from eoc.cli.phase_report import print_phases

if TYPE_CHECKING:
    from eoc.activations import Activation
    from eoc.phase import Phase

__all__ = ["DISTANCES", "FORMATS", "command"]

DISTANCES = (0.1, 0.01, 0.001)
FORMATS = ("float32", "float64")


def command(
    activation: Name,
    sigma_w: Annotated[float, typer.Option(help="Standard deviation of the weights times sqrt(fan_in).")],
    sigma_b: Annotated[float, typer.Option(help="Standard deviation of the biases.")] = 0.0,
    q: Annotated[
        float | None, typer.Option(help="Variance of the first layer: show only the phase in which it ends.")
    ] = None,
    plot: Plot = None,
    as_json: AsJson = False,
) -> None:
    """Print the phase, its fixed points and depth scales, and when close inputs can no longer be told apart.

    --plot draws the variance map, the correlation map and two inputs layer by layer.
    """
    from eoc.operating_point import critical_point
    from eoc.phase import phase_of, phases

    phi = find_activation(activation)
    critical = critical_point(phi, sigma_w, sigma_b)
    if critical is not None:
        sigma_w = critical.sigma_w
    found = phases(phi, sigma_w, sigma_b) if q is None else (phase_of(phi, sigma_w, sigma_b, q),)
    note = "" if critical is None else critical.note
    if as_json:
        print_json(_payload(phi, sigma_w, sigma_b, note, found))
    else:
        print_phases(activation, phi, sigma_w, sigma_b, note, found, DISTANCES, FORMATS)
    if plot is not None:
        from eoc.maps import VarianceMap
        from eoc.plotting import phase_figure

        save_picture(phase_figure(VarianceMap(phi, sigma_w, sigma_b), found), plot)


def _payload(phi: Activation, sigma_w: float, sigma_b: float, note: str, found: tuple[Phase, ...]) -> dict[str, Any]:
    return {
        **phi.to_dict(),
        "sigma_w": sigma_w,
        "sigma_b": sigma_b,
        "note": note,
        "phases": [_phase(p) for p in found],
    }


def _phase(p: Phase) -> dict[str, Any]:
    from eoc.convergence import convergence_law

    own = {field.name: getattr(p, field.name) for field in dataclasses.fields(p) if field.name != "correlation"}
    f = p.correlation
    return own | {
        "angle_degrees": math.degrees(p.angle),
        "trainable_depth": p.trainable_depth,
        "in_domain": p.in_domain,
        "law": None if f is None else dataclasses.asdict(convergence_law(f)),
        "fixed_points": [] if f is None else [dataclasses.asdict(point) for point in f.fixed_points],
        "merging_depth": {name: {str(d): p.merging_depth(d, name) for d in DISTANCES} for name in FORMATS},
    }
