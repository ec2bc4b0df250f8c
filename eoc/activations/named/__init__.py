"""The activations that have a name.

:mod:`eoc.activations.definitions` says what each is, as a formula. ``registry`` finds one by name. Some are evaluated
as that formula; for the others a module below has functions: ``smooth`` and ``rectifiers`` one for all x, ``piecewise``
with kinks, jumps or steps in phi''; ``splines``, ``polynomials``, ``trigonometric``, ``era``, ``pade`` and
``gaussian_process`` families with any number of parameters.
All are made of the ``building_blocks``, which also check parameters and see to it that equal ones give the same object.
"""

from eoc.activations.named.gaussian_process import gp_activation
from eoc.activations.named.pade import pau, rational
from eoc.activations.named.polynomials import polynomial
from eoc.activations.named.registry import FAMILIES, STANDARD, canonical, named, names, parameters_of
from eoc.activations.named.splines import spline
from eoc.activations.named.trigonometric import fourier

__all__ = [
    "FAMILIES",
    "STANDARD",
    "canonical",
    "fourier",
    "gp_activation",
    "named",
    "names",
    "parameters_of",
    "pau",
    "polynomial",
    "rational",
    "spline",
]
