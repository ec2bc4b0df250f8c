"""Spectra of the input-output Jacobian of wide random networks: moments, edge, atoms, density; dynamical isometry.

``slopes`` is the law of phi'^2 (``steepest`` its supremum and its atoms), from which ``series`` has the moments,
``edge`` the largest value and ``density`` the density; ``spectrum`` joins them at a ``place``.
"""

from eoc.jacobian.spectrum import Atom, JacobianSpectrum, Weights, jacobian

__all__ = ["Atom", "JacobianSpectrum", "Weights", "jacobian"]
