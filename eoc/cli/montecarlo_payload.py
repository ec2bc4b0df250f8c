"""What ``eoc montecarlo`` says in JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from eoc.montecarlo.experiments.comparison import Comparison
    from eoc.montecarlo.experiments.divergence import Divergence
    from eoc.montecarlo.experiments.gaussianity import Gaussianity
    from eoc.montecarlo.experiments.lengths import LengthProcess
    from eoc.montecarlo.experiments.options import Networks
    from eoc.montecarlo.experiments.scaling import LengthScaling

__all__ = ["comparison_rows", "counterexamples_payload", "gaussianity_payload", "lengths_payload"]

_LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)


def comparison_rows(found: Iterable[Comparison]) -> list[dict[str, Any]]:
    """Comparisons as JSON shows them."""
    return [
        {
            "quantity": one.quantity,
            "layer": one.layer,
            "theory": one.theory,
            "measured": one.measured,
            "standard_error": one.standard_error,
            "truncation": one.truncation,
            "z": one.z,
            "agrees": one.agrees,
        }
        for one in found
    ]


def _network_payload(networks: Networks) -> dict[str, Any]:
    return {
        "activation": networks.activation.name,
        "formula": networks.activation.formula,
        "class": str(networks.activation.smoothness),
        "sigma_w": networks.sigma_w,
        "sigma_b": networks.sigma_b,
        "q": networks.q,
        "weights": networks.weights,
        "networks": networks.count,
    }


def lengths_payload(runs: tuple[LengthProcess, ...], scaling: LengthScaling | None) -> dict[str, Any]:
    """The runs of one width each, and their power law if there are several."""
    return {
        **_network_payload(runs[0].networks),
        "seed": runs[0].networks.seed if scaling is None else scaling.seed,
        "runs": [_run_payload(run) for run in runs],
        "scaling": None
        if scaling is None
        else {
            "exponent": scaling.measured.exponent,
            "exponent_error": scaling.measured.exponent_error,
            "predicted_exponent": scaling.predicted.exponent,
            "constant": scaling.measured.constant,
            "constant_error": scaling.measured.constant_error,
            "predicted_constant": scaling.predicted.constant,
            "comparisons": comparison_rows(scaling.comparisons),
        },
    }


def _run_payload(run: LengthProcess) -> dict[str, Any]:
    low, high = run.beyond.interval()
    ever_low, ever_high = run.ever_beyond.interval()
    return {
        "widths": run.widths,
        "seed": run.networks.seed,
        "q_infinite": run.theory.q.value,
        "q_infinite_error": run.theory.q.error,
        "mean": run.difference.mean,
        "mean_error": run.difference.standard_error,
        "variance": run.difference.variance,
        "variance_error": run.difference.variance_error,
        "predicted_variance": run.theory.variance.value,
        "rms": run.rms,
        "rms_error": run.rms_error,
        "predicted_rms": run.predicted_rms,
        "quantiles": {str(p): run.quantiles.quantile(p).value for p in _LEVELS},
        "eps": run.eps,
        "beyond": run.beyond.proportion,
        "beyond_low": low,
        "beyond_high": high,
        "predicted_beyond": run.predicted_beyond,
        "ever_beyond": run.ever_beyond.proportion,
        "ever_beyond_low": ever_low,
        "ever_beyond_high": ever_high,
        "comparisons": comparison_rows(run.comparisons),
    }


def gaussianity_payload(found: Gaussianity) -> dict[str, Any]:
    """The excess kurtosis of all layers."""
    return {
        **_network_payload(found.networks),
        "seed": found.networks.seed,
        "widths": found.networks.widths,
        "predicted": found.theory.kurtosis,
        "truncation": found.truncation,
        "units": found.units.value,
        "units_error": found.units.error,
        "kernel": found.kernel.value,
        "kernel_error": found.kernel.error,
        "comparisons": comparison_rows(found.comparisons),
    }


def counterexamples_payload(
    cauchy: Mapping[int, Sequence[Comparison]], growing: Divergence, dependent: Mapping[str, Sequence[Comparison]]
) -> dict[str, Any]:
    """1/x by width, exp(x^2/2), and dependent units by activation."""
    return {
        "reciprocal": [{"width": n, "comparisons": comparison_rows(found)} for n, found in cauchy.items()],
        "exponential": {
            "a": growing.a,
            "q": growing.q,
            "reason": growing.reason,
            "widths": growing.widths,
            "median": growing.median,
            "low": growing.low,
            "high": growing.high,
            "scale": growing.scale,
            "exponent": growing.exponent,
            "predicted_exponent": growing.predicted_exponent,
            "limiting_exponent": growing.limiting_exponent,
            "comparisons": comparison_rows(growing.comparisons),
        },
        "dependent": [{"activation": name, "comparisons": comparison_rows(found)} for name, found in dependent.items()],
    }
