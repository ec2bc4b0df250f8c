"""Activations from formulas in x that a user typed.

``screen`` and ``reader`` turn text into a ``tree`` (of the ``functions`` that may be named), in which ``rewrite``
replaces what overflows or cancels. A ``program`` runs a tree and its first two derivatives by one set of ``rules``, in
``doubles`` or in ``multiprecision``. ``roots`` finds sign changes, at which ``segments`` cuts the tree into smooth
ones, with limits at their ends; ``poles`` refuses what is unbounded or undefined, ``growth`` looks far out. ``checked``
evaluates each segment: in double precision where that was checked, in ``high_precision`` (and an ``interpolant`` of it)
elsewhere.

>>> phi = parse("x*tanh(log(1+exp(x)))")
>>> phi([800.0, -800.0]).tolist()
[800.0, 0.0]
"""

from eoc.activations.formula.build import parse

__all__ = ["parse"]
