"""Spectra of the input-output Jacobian of wide random networks: moments, edge, atoms, density; dynamical isometry.

``slopes`` is the law of phi'^2 (``steepest`` its supremum and its atoms), from which ``series`` has the moments,
``edge`` the largest value and ``density`` the density; ``spectrum`` joins them at a ``place``. ``isometry`` says where
the largest value stays small, and ``sampled`` has networks with weight matrices beside the theory.
"""

from eoc.jacobians.isometry import Isometry, isometric_depth, isometry
from eoc.jacobians.sampled import SampledJacobians, sample_jacobians
from eoc.jacobians.spectrum import Atom, JacobianSpectrum, Weights, jacobian

__all__ = [
    "Atom",
    "Isometry",
    "JacobianSpectrum",
    "SampledJacobians",
    "Weights",
    "isometric_depth",
    "isometry",
    "jacobian",
    "sample_jacobians",
]
