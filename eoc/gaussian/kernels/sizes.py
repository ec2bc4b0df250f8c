"""Lengths that the kernels know when they are compiled: even, so that loops of them unroll in pairs."""

__all__ = ["COEFFICIENTS", "NODES", "TERMS"]

COEFFICIENTS = 24  #: of each Chebyshev series
NODES = 24  #: of a panel
TERMS = 14  #: of the polynomials in the logarithm of the variance
