"""The activations that have a name.

:mod:`eoc.activations.definitions` says what each is, as a formula. ``registry`` finds one by name. Some are evaluated
as that formula; for the others a module below has functions: ``smooth`` and ``rectifiers`` one for all x, ``piecewise``
with kinks, jumps or steps in phi'', ``families`` from any number of parameters.
All are made of the ``building_blocks``, which also check parameters and see to it that equal ones give the same object.
"""

from eoc.activations.named.registry import STANDARD, canonical, named, names, parameters_of

__all__ = ["STANDARD", "canonical", "named", "names", "parameters_of"]
