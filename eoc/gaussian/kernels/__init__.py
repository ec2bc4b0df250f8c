"""The jitted core: plain arrays in, plain arrays out, nothing imported but NumPy and Numba.

Compiled once for all activations, because no kernel ever calls an activation: it sees only values at nodes.
"""

from eoc.gaussian.kernels.angle import COEFFICIENTS, MapTerms, apply_map, evaluate_series, iterate_map
from eoc.gaussian.kernels.integrals import NODES, average_series, integrate, integrate_lines
from eoc.gaussian.kernels.polynomials import TERMS, evaluate
from eoc.gaussian.kernels.surface import evaluate_surface, solve_surface

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
    "integrate",
    "integrate_lines",
    "iterate_map",
    "solve_surface",
]
