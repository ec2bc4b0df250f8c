"""The jitted core: plain arrays in, plain arrays out, nothing imported but NumPy and Numba.

Compiled once for all activations, because no kernel ever calls an activation: it sees only values at nodes. Numba takes
long to import, so a kernel is loaded when it is first asked for, as an attribute of this package.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from eoc.gaussian.kernels.sizes import COEFFICIENTS, NODES, TERMS

if TYPE_CHECKING:
    from eoc.gaussian.kernels.angle import MapTerms, apply_map, evaluate_series, iterate_map
    from eoc.gaussian.kernels.integrals import average_series, integrate_lines
    from eoc.gaussian.kernels.polynomials import evaluate
    from eoc.gaussian.kernels.surface import evaluate_surface, solve_surface

_WHERE = {
    "angle": ("MapTerms", "apply_map", "evaluate_series", "iterate_map"),
    "integrals": ("average_series", "integrate_lines"),
    "polynomials": ("evaluate",),
    "surface": ("evaluate_surface", "solve_surface"),
}
_MODULE = {name: module for module, names in _WHERE.items() for name in names}

__all__ = [
    "COEFFICIENTS",
    "NODES",
    "TERMS",
    "MapTerms",
    "apply_map",
    "average_series",
    "evaluate",
    "evaluate_series",
    "evaluate_surface",
    "integrate_lines",
    "iterate_map",
    "loaded",
    "solve_surface",
]


def loaded(name: str) -> bool:
    """Whether a kernel is there already."""
    return name in globals()


def __getattr__(name: str) -> object:
    if name not in _MODULE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(import_module(f"{__name__}.{_MODULE[name]}"), name)
    globals()[name] = found
    return found
