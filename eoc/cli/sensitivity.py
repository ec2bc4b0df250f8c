"""``eoc sensitivity``: how the place of a network moves with the parameters of its activation."""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING, Annotated

import typer

from eoc.cli.common import AsJson, Name, find_activation, print_json
from eoc.cli.edge import operating_at
from eoc.cli.tables import console, print_next
from eoc.cli.words import command_line
from eoc.errors import EocError
from eoc.reports.writing import number, print_headline, print_paragraph, print_table, print_title

if TYPE_CHECKING:
    from eoc.activations import Activation
    from eoc.sensitivities import Sensitivity

__all__ = ["command"]

_COLUMNS = {"V": "E[phi^2]", "D": "E[phi'^2]"}
_LEGEND = (
    ("E[phi^2], E[phi'^2]", "at this q"),
    ("chi_1", "with sigma_w and sigma_b as they are, and the variance that layers then keep"),
    ("q, sigma_w, sigma_b", "what follows; 0 of what is given"),
    ("rate", "the constant of the law by which correlations converge; - where a change makes it another law"),
)


def command(
    activation: Name,
    sigma_w: Annotated[float | None, typer.Option(help="Gain: std of the weights times sqrt(fan_in).")] = None,
    sigma_b: Annotated[float | None, typer.Option(help="Standard deviation of the biases.")] = None,
    q: Annotated[float | None, typer.Option(help="Variance of the pre-activations.")] = None,
    values: Annotated[
        str | None, typer.Option("--with", metavar="NAME=VALUE,...", help="Parameters that a formula names.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print derivatives of moments, of chi_1 and of the place by the parameters of an activation.

    With one of --sigma-w, --sigma-b and --q along the edge of chaos, with both sigmas of that network, and with nothing
    at the recommended place, for its q. The parameters are those of a name, as in "elu(alpha=1.2)", or of a formula
    with --with: "a * tanh(b*x)" --with a=1.2,b=0.7.
    """
    from eoc.sensitivities import sensitivity

    phi = find_activation(activation) if values is None else _with(activation, values)
    if sigma_w is sigma_b is q is None:
        at = operating_at(activation, phi, None, None, None, as_json)
        sigma_w, sigma_b, q = (at.sigma_w, at.sigma_b, None) if at.point is None else (None, None, at.q)
    found = sensitivity(phi, q=q, sigma_b=sigma_b, sigma_w=sigma_w)
    if as_json:
        print_json({**phi.to_dict(), **found.to_dict()})
    else:
        _print(activation, phi, found)


def _with(formula: str, values: str) -> Activation:
    """A formula with the values of its parameters."""
    from eoc.activations import activation

    given: dict[str, float] = {}
    for part in values.split(","):
        name, is_given, value = (one.strip() for one in part.partition("="))
        try:
            given[name] = float(value)
        except ValueError:
            raise EocError(f"--with takes parameters such as a=1.2,b=0.7, got {part.strip()!r}") from None
        if not is_given or not name:
            raise EocError(f"--with takes parameters such as a=1.2,b=0.7, got {part.strip()!r}")
    return activation(formula, **given)


def _derivative(value: float, error: float, digits: int) -> str:
    return "-" if isnan(value) else number(value, error, digits)


def _print(source: str, phi: Activation, found: Sensitivity) -> None:
    out = console()
    where = f"sigma_w = {found.sigma_w:.8g}, sigma_b = {found.sigma_b:.8g}, q = {found.q:.8g}"
    on_edge = "" if found.given == "sigma_w and sigma_b" else "the edge of chaos at "
    print_headline(out, f"derivatives by the parameters of {phi.name}, for {on_edge}{where}; {found.given} as given.")
    print_title(out, phi)
    names = tuple(found.values)
    print_table(
        out,
        ("parameter", "value", *(_COLUMNS.get(name, name) for name in names)),
        lambda digits: [
            [
                parameter,
                f"{value:.6g}",
                *(_derivative(found.values[n][parameter], found.errors[n][parameter], digits) for n in names),
            ]
            for parameter, value in found.parameters.items()
        ],
    )
    for head, text in _LEGEND:
        print_paragraph(out, f"{head:{len(_LEGEND[0][0])}}  ", text)
    at = {"sigma_w": found.sigma_w, "sigma_b": found.sigma_b}
    if phi.name == source:
        print_next(out, command_line("phase", source, **at), "says what depth does there")
