"""Activations from Python functions, which can only be called.

``calls`` makes any function one of float64 arrays, ``noise`` measures its rounding errors, and ``fits`` interpolates it
on panels. ``breakpoints`` finds the kinks and jumps, where panels fail, and refuses what is unbounded, ``derivatives``
differentiates interpolants with bounds on the errors, ``pieces`` puts these together, and ``growth`` looks far out.
"""

from eoc.activations.function.build import from_callable

__all__ = ["from_callable"]
