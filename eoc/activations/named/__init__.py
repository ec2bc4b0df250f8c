"""The activations that have a name.

``registry`` lists them and finds one by name, each module below builds some of them: ``smooth`` and ``rectifiers`` by
one formula for all x, ``piecewise`` with kinks, jumps or steps in phi'', ``families`` from any number of parameters.
All are made of the ``parts``, which also check parameters and see to it that equal ones give the same object.
"""

from eoc.activations.named.registry import STANDARD, named, names

__all__ = ["STANDARD", "named", "names"]
