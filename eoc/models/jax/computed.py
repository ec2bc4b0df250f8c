"""A traced function computed step by step, where what layers hand on can be seen and changed on the way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from eoc.models.jax.interpreter import called_by
from eoc.models.jax.operations import PRODUCTS

__all__ = ["computed"]

Seen = Callable[[int, Sequence[Any], Any], Any]


def computed(jaxpr: Any, arrays: Sequence[Any], seen: Seen) -> list[Any]:
    """What a traced function returns.

    Parameters
    ----------
    jaxpr
        What ``jax.make_jaxpr`` returned.
    arrays
        The leaves of its arguments.
    seen
        Of each product and convolution: which it is, counted from 1 as in
        :attr:`eoc.models.jax.values.Operation.product`, its arguments, and what it returns; what to go on with.
    """
    return _Run(seen).outputs(jaxpr.jaxpr, jaxpr.consts, arrays)


class _Run:
    """Goes through operations as :class:`eoc.models.jax.interpreter.Interpreter` does; loops are one operation."""

    def __init__(self, seen: Seen) -> None:
        self._seen, self._products = seen, 0

    def outputs(self, jaxpr: Any, consts: Sequence[Any], arrays: Sequence[Any]) -> list[Any]:
        known: dict[Any, Any] = dict(zip(jaxpr.invars, arrays, strict=True))
        known |= zip(jaxpr.constvars, consts, strict=True)
        for equation in jaxpr.eqns:
            given = [atom.val if hasattr(atom, "val") else known[atom] for atom in equation.invars]
            known |= zip(equation.outvars, self._equation(equation, given), strict=True)
        return [atom.val if hasattr(atom, "val") else known[atom] for atom in jaxpr.outvars]

    def _equation(self, equation: Any, given: list[Any]) -> Sequence[Any]:
        inside = called_by(equation)
        if inside is not None:
            return self.outputs(*inside, given)
        found = equation.primitive.bind(*given, **equation.params)
        if equation.primitive.multiple_results:
            return list(found)
        if equation.primitive.name not in PRODUCTS:
            return [found]
        self._products += 1
        return [self._seen(self._products, given, found)]
