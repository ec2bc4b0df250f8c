"""Where a network is: at the sigmas that are given, or on the edge of chaos where there is no --sigma-w."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING

import typer

from eoc.cli.answer import answered
from eoc.cli.common import print_json
from eoc.cli.exit_codes import ExitCode
from eoc.cli.init import print_answer
from eoc.cli.words import command_line

if TYPE_CHECKING:
    from eoc.activations import Activation
    from eoc.operating_point import OperatingPoint

__all__ = ["network", "operating_at", "recognised"]


def operating_at(
    source: str, phi: Activation, sigma_w: float | None, sigma_b: float | None, q: float | None, as_json: bool
) -> OperatingPoint:
    """The point that options mean; without sigma_w on the edge of chaos, or as recommended if nothing is given.

    Where the edge has no usable point, that is said as by ``eoc init``, and the command ends with exit code 3.
    ``source`` is what was typed for phi.
    """
    from eoc.operating_point import NoPointError, operating_point

    if sigma_w is not None and sigma_b is None:
        sigma_b = 0.0
    try:
        return operating_point(phi, sigma_w=sigma_w, sigma_b=sigma_b, q=q)
    except NoPointError as error:
        answer = answered(phi, error.edge)
    if as_json:
        print_json(answer.to_dict())
    else:
        print_answer(answer, command=command_line("init", source, framework="torch"))
    raise typer.Exit(ExitCode.NO_POINT)


def network(
    source: str, phi: Activation, sigma_w: float | None, sigma_b: float | None, q: float | None, as_json: bool
) -> tuple[float, float, float | None]:
    """The sigma_w and sigma_b that options mean, and the variance of the first layer; None where that must be given.

    That a pair was recognised as a copy from print is said on standard error.
    """
    at = operating_at(source, phi, sigma_w, sigma_b, q, as_json)
    _say(at)
    if q is None and 0.0 < at.q < math.inf:
        q = at.q
    return at.sigma_w, at.sigma_b, q


def recognised(phi: Activation, sigma_w: float, sigma_b: float) -> float:
    """The critical sigma_w that the given one was copied from, which is said on standard error; else the given one."""
    from eoc.operating_point import critical_point

    at = critical_point(phi, sigma_w, sigma_b)
    if at is None:
        return sigma_w
    _say(at)
    return at.sigma_w


def _say(at: OperatingPoint) -> None:
    if at.note:
        print(f"note: {at.note}", file=sys.stderr)
