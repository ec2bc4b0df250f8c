"""The jitted core: plain arrays in, plain arrays out, nothing imported but NumPy and Numba.

Compiled once for all activations, because no kernel ever calls an activation: it sees only values at nodes. Numba takes
long to import, so a kernel is loaded when it is first asked for, as an attribute of this package, and little work is
done without it, see :func:`worth`.
"""

from collections import Counter
from importlib import import_module
from typing import TYPE_CHECKING

from eoc.gaussian.kernels.plain import (
    COEFFICIENTS,
    NODES,
    PAIR_COUNTS,
    PAIR_TERMS,
    TERMS,
    HeatPanels,
    MapTerms,
    PairBoxes,
    iterate_listed,
    series_at,
)

if TYPE_CHECKING:
    from eoc.gaussian.kernels.angle import apply_map, evaluate_series, iterate_map
    from eoc.gaussian.kernels.heat import common_means
    from eoc.gaussian.kernels.matrices import evaluate_matrix, mirror
    from eoc.gaussian.kernels.pairs import evaluate_pairs
    from eoc.gaussian.kernels.polynomials import evaluate
    from eoc.gaussian.kernels.surface import evaluate_surface, solve_surface

_WHERE = {
    "angle": ("apply_map", "evaluate_series", "iterate_map"),
    "heat": ("common_means",),
    "matrices": ("evaluate_matrix", "mirror"),
    "pairs": ("evaluate_pairs",),
    "polynomials": ("evaluate",),
    "surface": ("evaluate_surface", "solve_surface"),
}
_MODULE = {name: module for module, names in _WHERE.items() for name in names}
_CALL, _ENOUGH = 100, 200_000  # values: what a call of NumPy costs, and what may be done without a kernel
_without: Counter[str] = Counter()  # values so far, of each kernel

__all__ = [
    "COEFFICIENTS",
    "NODES",
    "PAIR_COUNTS",
    "PAIR_TERMS",
    "TERMS",
    "HeatPanels",
    "MapTerms",
    "PairBoxes",
    "apply_map",
    "common_means",
    "evaluate",
    "evaluate_matrix",
    "evaluate_pairs",
    "evaluate_series",
    "evaluate_surface",
    "iterate_listed",
    "iterate_map",
    "mirror",
    "series_at",
    "solve_surface",
    "worth",
]


def worth(name: str, values: int) -> bool:
    """Whether a kernel is to be used for so many values: from some work on, which is what Numba takes to import.

    For kernels that round every operation as it is written only: NumPy gives the same bits.
    """
    if name in globals():
        return True
    _without[name] += _CALL + values
    return _without[name] > _ENOUGH


def __getattr__(name: str) -> object:
    if name not in _MODULE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(import_module(f"{__name__}.{_MODULE[name]}"), name)
    globals()[name] = found
    return found
