"""The text that ``eoc montecarlo`` prints."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from eoc.cli.tables import console, print_next
from eoc.cli.words import command_line
from eoc.reports.convergence import law_in_words
from eoc.reports.writing import NARROW, layer, print_headline, print_paragraph, print_table, print_title

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console

    from eoc.floats import FloatArray
    from eoc.montecarlo import Comparison, CorrelationProcess, Divergence, Gaussianity, LengthProcess, LengthScaling
    from eoc.montecarlo.experiments.networks import Networks

__all__ = ["print_correlations", "print_counterexamples", "print_gaussianity", "print_lengths", "print_scaling"]

_FIRST = 5  # layers that are always shown
_ROUND = (7, 10, 15, 20, 30, 50, 70)  # then these times powers of ten
_COMPARED = ("theory", "measured", "+-", "z")


def print_lengths(source: str, run: LengthProcess) -> None:
    """Mean and rms of q_l - q~_l, and how often it is large."""
    out, theory, last = console(), run.theory, run.widths.size
    root, q = float(run.widths[-1]) ** 0.5, float(theory.q.value[-1])
    rms, predicted = float(run.rms[-1]) / root, float(run.predicted_rms[-1]) / root
    text = (
        f"in networks of {run.widths[-1]} units q_{last} is {q:.4g} up to {rms:.2g} ({100.0 * rms / q:.2g} %), theory "
        f"says up to {predicted:.2g}; {_verdict(run.comparisons)}"
    )
    print_headline(out, f"{text}.")
    _print_networks(out, run.networks, f"{run.widths[0]} units", run.networks.seed)
    mean = (theory.shift.value, run.difference.mean, run.difference.standard_error)
    _print_layers(out, "mean of q_l - q~_l", run.comparisons, mean, ("q~_l", _strings(theory.q.value, ".8g")))
    _print_layers(out, "sqrt(N) rms of q_l - q~_l", run.comparisons, (run.predicted_rms, run.rms, run.rms_error))
    _print_beyond(out, run)
    print_next(out, command_line("verify", source), "checks all that theory says of it")


def _print_beyond(out: Console, run: LengthProcess) -> None:
    last = run.widths.size
    low, high = run.ever_beyond.interval()

    rows = [
        [
            f"{eps:.4g}",
            f"{run.predicted_beyond[-1, k]:.4f}",
            f"{run.beyond.proportion[-1, k]:.4f}",
            f"{run.ever_beyond.proportion[k]:.4f}",
            f"{low[k]:.4f} ... {high[k]:.4f}",
        ]
        for k, eps in enumerate(run.eps.tolist())
    ]
    out.print("how many networks are farther than eps from q~_l:")
    _print_rows(out, ("eps", f"layer {last}: Gaussian", "measured", "in any layer", "95 % interval"), rows)


def print_scaling(source: str, found: LengthScaling) -> None:
    """The power law of the rms in N, and how often q_l - q~_l is large at each width."""
    out, measured, predicted = console(), found.measured, found.predicted
    slope, error = float(measured.exponent[-1]), float(measured.exponent_error[-1])
    text = (
        f"q_{measured.exponent.size} comes to the variance map like N^{slope:.3f} (+- {error:.1g}), in wide networks "
        f"like N^(-1/2); {_verdict(found.comparisons)}"
    )
    print_headline(out, f"{text}.")
    widths = ", ".join(map(str, found.widths.tolist()))
    _print_networks(out, found.runs[0].networks, f"{widths} units", found.seed)
    exponents = predicted.exponent, measured.exponent, measured.exponent_error
    _print_layers(out, "exponent of N in the rms of q_l - q~_l", found.comparisons, exponents)
    constants = predicted.constant, measured.constant, measured.constant_error
    _print_layers(out, "sqrt(N) rms of q_l - q~_l", found.comparisons, constants)

    ordered = sorted(found.runs, key=lambda run: int(run.widths[0]))
    shares = [[str(run.widths[0]), *_strings(run.ever_beyond.proportion, ".4f")] for run in ordered]
    out.print("how many networks are farther than eps from q~_l in any layer:")
    _print_rows(out, ("N", *(f"eps = {eps:.3g}" for eps in found.runs[0].eps.tolist())), shares)
    print_next(out, command_line("verify", source), "checks all that theory says of it")


def print_gaussianity(source: str, found: Gaussianity) -> None:
    """The excess kurtosis, from units and from K_l."""
    out, networks, kurtosis = console(), found.networks, found.theory.kurtosis
    text = (
        f"units of layer {kurtosis.size} are not Gaussian over random networks, by an excess kurtosis of "
        f"{kurtosis[-1]:.2g}, which vanishes like 1/N; {_verdict(found.comparisons)}"
    )
    print_headline(out, f"{text}.")
    _print_networks(out, networks, f"{networks.widths[0]} units", networks.seed)
    for name, seen in (("units", found.units), ("K_l", found.kernel)):
        title = f"excess kurtosis from {name}"
        _print_layers(out, title, found.comparisons, (kurtosis, seen.value, seen.error))
    print_next(out, command_line("verify", source), "checks all that theory says of it")


def print_correlations(source: str, found: CorrelationProcess) -> None:
    """The law, how far networks follow it, a table of layers, and the constants fitted to networks."""
    out, law, sampled = console(), found.expected.law, found.sampled
    words = f"; {_verdict(found.comparisons)}" if found.comparisons else ""
    print_headline(out, f"{_reach(found)}{words}.")
    _print_networks(out, sampled, f"{found.width} units", sampled.seed)
    if law is not None:
        print_paragraph(out, "infinite width: ", law_in_words(law, sampled.activation), 15, indent=2)
    _print_trajectory(out, found)
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


def _print_trajectory(out: Console, found: CorrelationProcess) -> None:
    """The trajectory of infinite width beside what networks do."""
    predicted = found.predicted_spread

    def rows(digits: int) -> list[list[str]]:
        table = []
        for i in _shown_layers(int(found.layers[-1])):
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
    rows = [
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
    _print_rows(out, ("fitted", "layers", "theory", "z", "N = inf", "z", "measured", "+-"), rows)


def print_counterexamples(
    networks: int,
    cauchy: Mapping[int, Sequence[Comparison]],
    growing: Divergence,
    dependent: Mapping[str, Sequence[Comparison]],
) -> None:
    """The three examples."""
    out = console()
    everything = [one for found in (*cauchy.values(), growing.comparisons, *dependent.values()) for one in found]
    right = "what theory can say of them, it says rightly: " if all(one.agrees for one in everything) else ""
    print_headline(out, f"{right}{_verdict(everything)}.")
    out.print(f"second layers of {networks} networks, sigma_b = 0, inputs in {{-1, 1}}^N (Long & Sedghi 2019)")

    units = [
        [str(n), f"{found[0].measured:.4f}", f"{found[0].standard_error:.2g}", *(f"{one.z:.2f}" for one in found)]
        for n, found in cauchy.items()  # first of them, the logarithm of the median
    ]
    out.print("\nphi = 1/x, sigma_w = 1: a unit is Cauchy distributed with scale sqrt(N), there is no limit:")
    _print_rows(out, ("N", "log median |h_2|/sqrt(N)", "+-", "z of 0", "z of Cauchy", "z of K_2"), units)
    columns = [_strings(x, ".4g") for x in (growing.median, growing.low, growing.high, growing.scale)]
    kernels = [
        [str(n), *cells, f"{one.z:.2f}"]
        for n, one, *cells in zip(growing.widths, growing.comparisons, *columns, strict=True)
    ]
    out.print(f"phi = exp({growing.a:g} x^2), sigma_w = 1, q = {growing.q:g}: K_2 grows without a limit:")
    _print_rows(out, ("N", "median K_2", "from", "to (95 %)", "k_N", "z of E exp(-K_2/k_N)"), kernels)
    text = (
        f"N^{growing.exponent:.3f} over these widths, k_N like N^{growing.predicted_exponent:.3f}, and in the end like "
        f"N^{growing.limiting_exponent:g} with powers of log N"
    )
    print_paragraph(out, "growth: ", text, 6, indent=2)
    print_paragraph(out, "why: ", growing.reason, 3, indent=2)

    covariances = [
        [
            name,
            one.quantity.rsplit(" ", 1)[-1],
            f"{one.theory:.4g}",
            f"{one.measured:.4g}",
            f"{one.standard_error:.2g}",
            f"{one.z:.2f}",
        ]
        for name, found in dependent.items()
        for one in found
    ]
    out.print("\nunits are not independent, sigma_w^2 = 2, N = 10: cov(h_21^2, h_22^2)")
    _print_rows(out, ("", "from", *_COMPARED), covariances)
    print_next(out, "eoc montecarlo lengths tanh", "shows where the theory holds")


def _verdict(found: Sequence[Comparison]) -> str:
    """All comparisons in one sentence."""
    if not found:
        return "theory does not know these weights to the order 1/N, so that nothing is compared"
    worst, failed = max(found, key=lambda one: abs(one.z)), sum(not one.agrees for one in found)
    if not failed:
        return f"all {len(found)} comparisons agree with theory, the largest |z| is {abs(worst.z):.1f}"
    where = "" if worst.layer is None else f" of layer {worst.layer}"
    return f"{failed} of {len(found)} comparisons DISAGREE with theory, most {worst.quantity}{where}: z = {worst.z:.1f}"


def _shown_layers(last: int) -> list[int]:
    """The numbers of the layers to print: the first ones, round ones and the last one."""
    wanted, scale = list(range(1, _FIRST + 1)), 1
    while wanted[-1] < last:
        wanted += [scale * n for n in _ROUND]
        scale *= 10
    return [*sorted({n for n in wanted if n < last}), last]


def _print_networks(out: Console, networks: Networks, width: str, seed: int) -> None:
    q = f", q_1 = {networks.q:.12g}" if isinstance(networks.q, float) else ""
    print_title(out, networks.activation)
    out.print(f"sigma_w = {networks.sigma_w:.12g}, sigma_b = {networks.sigma_b:.12g}{q}")
    out.print(
        f"{networks.count} networks with {networks.weights} weights, {networks.widths.size} layers of {width}, "
        f"seed {seed}"
    )


def _print_layers(
    out: Console,
    quantity: str,
    found: Sequence[Comparison],
    columns: Sequence[FloatArray],
    *further: tuple[str, Sequence[str]],
) -> None:
    """Theory, measured and its error, (L,) each, and z of the comparisons of that quantity; first further columns."""
    z = {one.layer: f"{one.z:.2f}" for one in found if one.quantity == quantity}
    theory, measured, error = columns
    cells = [text for _, text in further]
    cells += [_strings(theory, ".4g"), _strings(measured, ".4g"), _strings(error, ".2g")]

    rows = [[str(i), *(text[i - 1] for text in cells), z.get(i, "")] for i in _shown_layers(theory.size)]
    out.print(f"{quantity}:")
    _print_rows(out, ("layer", *(name for name, _ in further), *_COMPARED), rows)


def _print_rows(out: Console, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table of numbers that have as many digits as their errors let them."""
    print_table(out, columns, lambda digits: rows, most=NARROW)


def _strings(values: FloatArray, spec: str) -> list[str]:
    return [format(value, spec) for value in values.tolist()]
