"""Mean-field theory of wide networks at initialisation: variance maps and the edge of chaos, to the last digit.

Everything here is imported on first use, so ``import eoc`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eoc.activations import Activation, activation
    from eoc.criticality import Curve, EdgeOfChaos, EocPoint, NoPoint, curve, edge_of_chaos, transitions
    from eoc.errors import AccuracyError, EocError, ExpressionError, NotPermissibleError
    from eoc.gaussian.moments import Estimate, moments
    from eoc.maps import FixedPoint, VarianceMap

__version__ = "0.1.0"

_WHERE = {
    "eoc.activations": ("Activation", "activation"),
    "eoc.criticality": ("Curve", "EdgeOfChaos", "EocPoint", "NoPoint", "curve", "edge_of_chaos", "transitions"),
    "eoc.errors": ("AccuracyError", "EocError", "ExpressionError", "NotPermissibleError"),
    "eoc.gaussian.moments": ("Estimate", "moments"),
    "eoc.maps": ("FixedPoint", "VarianceMap"),
}
_MODULE = {name: module for module, names in _WHERE.items() for name in names}

__all__ = [
    "AccuracyError",
    "Activation",
    "Curve",
    "EdgeOfChaos",
    "EocError",
    "EocPoint",
    "Estimate",
    "ExpressionError",
    "FixedPoint",
    "NoPoint",
    "NotPermissibleError",
    "VarianceMap",
    "activation",
    "curve",
    "edge_of_chaos",
    "moments",
    "transitions",
]


def __getattr__(name: str) -> object:
    if name not in _MODULE:
        raise AttributeError(f"module 'eoc' has no attribute {name!r}")
    value = getattr(import_module(_MODULE[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
