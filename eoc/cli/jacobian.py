"""``eoc jacobian``: the singular values of the input-output Jacobian of a deep network."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

import typer

from eoc.cli.common import AsJson, Name, Plot, find_activation, print_json, save_picture
from eoc.cli.edge import operating_at
from eoc.cli.tables import console, print_next
from eoc.cli.words import command_line
from eoc.reports.writing import number, print_headline, print_paragraph, print_table, print_title

if TYPE_CHECKING:
    from eoc.activations import Activation
    from eoc.jacobians import Isometry, JacobianSpectrum

__all__ = ["command"]


def command(
    activation: Name,
    depth: Annotated[int, typer.Option(help="Layers of the network, from 1 on.")] = 30,
    weights: Annotated[str, typer.Option(help="orthogonal or gaussian.")] = "orthogonal",
    sigma_w: Annotated[
        float | None, typer.Option(help="Std of the weights times sqrt(fan_in); left out: on the edge of chaos.")
    ] = None,
    sigma_b: Annotated[float | None, typer.Option(help="Standard deviation of the biases.")] = None,
    q: Annotated[float | None, typer.Option(help="Variance of the pre-activations, in place of --sigma-b.")] = None,
    below: Annotated[
        float | None,
        typer.Option(help="Also where on the edge of chaos the largest s^2 stays below this number, such as 4."),
    ] = None,
    plot: Plot = None,
    as_json: AsJson = False,
) -> None:
    """Print moments, largest value and atoms of the squared singular values s^2 of a deep network's Jacobian.

    Without --sigma-w: on the edge of chaos, or where recommended; exit code 3 if there is no usable point.
    """
    from eoc.jacobians import isometry, jacobian

    phi = find_activation(activation)
    if q is not None and sigma_b is None:
        found = jacobian(phi, sigma_w, depth=depth, weights=weights, q=q)  # type: ignore[arg-type]
    else:
        f = operating_at(activation, phi, sigma_w, sigma_b, q, as_json).f
        found = jacobian(f, depth=depth, weights=weights)  # type: ignore[arg-type]
    where = None if below is None else isometry(phi, below, depth=depth, weights=found.weights)
    if as_json:
        print_json({**phi.to_dict(), **found.to_dict(), "isometry": None if where is None else where.to_dict()})
    else:
        _print(activation, phi, found, where)
    if plot is not None:
        from eoc.plotting import jacobian_figure

        save_picture(jacobian_figure(found), plot)


def _print(source: str, phi: Activation, found: JacobianSpectrum, where: Isometry | None) -> None:
    out = console()
    print_headline(out, f"{_in_words(found)}.")
    print_title(out, phi)
    q, chi = f"q = {found.q:.12g}", number(found.chi_1, found.chi_1_error)
    bias = "no sigma_b keeps this q" if math.isnan(found.sigma_b) else f"sigma_b = {found.sigma_b:.12g}"
    print_paragraph(out, "layers: ", f"{found.weights}, sigma_w = {found.sigma_w:.12g}, {bias}, {q}, chi_1 = {chi}", 7)
    print_table(out, ("", "of s^2"), lambda digits: _rows(found, digits))
    for atom in found.atoms:
        share = number(atom.mass, atom.mass_error, 8)
        print_paragraph(out, "atom: ", f"a share {share} of all s^2 is {atom.value:.8g}", 5)
    if where is not None:
        print_paragraph(out, "isometry: ", _isometry_in_words(where), 9, indent=2)
    print_next(out, *_next(source, found))


def _in_words(found: JacobianSpectrum) -> str:
    """What the singular values are like, in one sentence."""
    law = found.weights.replace("gaussian", "Gaussian")
    layers = f"{found.depth} {law} layer{'s' if found.depth > 1 else ''} of {found.activation}"
    if math.isinf(found.largest):
        return (
            f"squared singular values of the Jacobian of {layers} have no bound, their mean is {found.moments[0]:.4g}"
        )
    if found.variance <= found.variance_error:
        return f"all squared singular values of the Jacobian of {layers} are {found.largest:.4g}"
    return (
        f"squared singular values of the Jacobian of {layers} reach {found.largest:.4g}, their mean is "
        f"{found.moments[0]:.4g}"
    )


def _rows(found: JacobianSpectrum, digits: int) -> list[list[str]]:
    names = ("mean", "mean square", "mean cube", "mean 4th power")
    moments = zip(names, found.moments, found.moments_error, strict=True)
    return [
        *([name, number(float(m), float(error), digits)] for name, m, error in moments),
        ["variance/mean^2", number(found.variance, found.variance_error, digits)],
        ["largest", number(found.largest, found.largest_error, digits)],
    ]


def _isometry_in_words(where: Isometry) -> str:
    """Where on the edge of chaos the largest value stays below a number."""
    law = where.weights.replace("gaussian", "Gaussian")
    asked = f"s^2 <= {where.largest:g} at {where.depth} {law} layers"
    if not where.ranges:
        if math.isinf(where.least):
            return f"{asked} nowhere: slopes have no bound, or there is no edge of chaos"
        return f"{asked} nowhere on the edge of chaos, where the largest s^2 is at least {where.least:.4g}"
    stretches = " and ".join(f"{f'{low:.4g} <= ' if low > 0.0 else ''}q <= {high:.4g}" for low, high in where.ranges)
    if where.point is None:
        return f"{asked} everywhere on the edge of chaos"
    p = where.point
    return f"{asked} on the edge of chaos for {stretches}, up to sigma_w = {p.sigma_w:.8g}, sigma_b = {p.sigma_b:.8g}"


def _next(source: str, found: JacobianSpectrum) -> tuple[str, str]:
    at = {"sigma_w": found.sigma_w, "sigma_b": found.sigma_b}
    if math.isnan(found.sigma_b):
        return command_line("jacobian", source, depth=found.depth), "gives the same where layers keep their variance"
    if found.weights == "gaussian":
        what = command_line("jacobian", source, depth=found.depth, weights="orthogonal", **at)
        return what, "gives the same for orthogonal weights"
    return command_line("propagate", source, **at, depth=found.depth), "follows variances and gradients, too"
