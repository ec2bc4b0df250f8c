"""The text that ``eoc montecarlo correlations`` prints."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from eoc.cli.montecarlo_report import shown_layers, verdict
from eoc.cli.rates_report import law_in_words
from eoc.cli.tables import NARROW, console, layer, print_headline, print_next, print_paragraph, print_table, print_title
from eoc.cli.words import command_line

if TYPE_CHECKING:
    from rich.console import Console

    from eoc.activations import Activation
    from eoc.montecarlo.experiments.correlations import CorrelationProcess

__all__ = ["print_correlations"]


def print_correlations(source: str, phi: Activation, found: CorrelationProcess, weights: str, seed: int) -> None:
    """The law, how far networks follow it, a table of layers, and the constants fitted to networks."""
    out, law = console(), found.expected.law
    words = f"; {verdict(found.comparisons)}" if found.comparisons else ""
    print_headline(out, f"{_reach(found)}{words}.")
    print_title(out, phi)
    out.print(f"sigma_w = {found.sigma_w:.12g}, sigma_b = {found.sigma_b:.12g}")
    depth = found.layers[-1]
    out.print(f"{found.networks} networks with {weights} weights, {depth} layers of {found.width} units, seed {seed}")
    if law is not None:
        print_paragraph(out, "infinite width: ", law_in_words(law, str(phi.smoothness)), 15, indent=2)
    _print_layers(out, found)
    if found.reads:
        _print_reads(out, found)
    print_next(out, command_line("verify", source), "checks all that theory says of it")


def _reach(found: CorrelationProcess) -> str:
    """Up to which depth networks follow the law."""
    if found.predicted_spread is None:
        return "theory does not say how far networks stray; distances of c_l from c* are of order N^(-1/2)"
    if found.expected.noise is None:
        percent = 100.0 * found.predicted_spread[-1]
        return f"1 - c_l goes on spreading about its limit, by {percent:.2g} % in the last layer; of order N^(-1/2)"
    if math.isinf(found.departure_depth):
        return "networks follow infinite width at any depth"
    return (
        f"1 - c_l spreads by 10 % at layer {layer(found.reliable_depth)}; networks leave the law at about layer "
        f"{layer(found.departure_depth)}, where log(1 - c_l) spreads by 1"
    )


def _print_layers(out: Console, found: CorrelationProcess) -> None:
    """The trajectory of infinite width beside what networks do."""
    predicted = found.predicted_spread

    def rows(digits: int) -> list[list[str]]:
        table = []
        for i in shown_layers(int(found.layers[-1])):
            k = i - 1
            spread = [] if predicted is None else [f"{predicted[k]:.3g}"]
            cells = [f"{found.expected.one_minus_c[k]:.{min(digits, 6)}g}", f"{found.quantiles[2, k]:.4g}"]
            ratio = [f"{found.log_ratio[k]:.2g}", f"{found.log_ratio_error[k]:.1g}"]
            measured = [f"{found.spread[k]:.3g}", f"{found.spread_error[k]:.1g}"]
            table.append([str(i), *cells, *ratio, *spread, *measured])
        return table

    theory = () if predicted is None else ("theory",)
    text = (
        "1 - c_l at infinite width and its median over networks; the mean of the logarithm of their ratio, and its "
        f"spread over networks{', by theory and measured' * len(theory)}"
    )
    print_paragraph(out, "layers: ", text, 6, indent=2)
    columns = ("layer", "N = inf", "median", "log ratio", "+-", *theory, "spread", "+-")
    print_table(out, columns, rows, most=NARROW)


def _print_reads(out: Console, found: CorrelationProcess) -> None:
    z = {one.quantity: f"{one.z:.2f}" for one in found.comparisons}

    def rows(digits: int) -> list[list[str]]:
        return [
            [
                read.quantity,
                f"{read.first}-{read.last}",
                f"{read.theory:.5g}",
                z.get(read.quantity, ""),
                f"{read.noiseless:.5g}",
                z[f"{read.quantity}, same fit"],
                f"{read.measured:.5g}",
                f"{read.standard_error:.2g}",
            ]
            for read in found.reads
        ]

    print_table(out, ("fitted", "layers", "theory", "z", "N = inf", "z", "measured", "+-"), rows, most=NARROW)
