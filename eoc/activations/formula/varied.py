"""What a parameter in a formula changes: the derivative of phi by it, as an activation, and where the knots go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from eoc.activations.base import Activation
from eoc.activations.formula.build import made
from eoc.activations.formula.differentiate import derivative, substituted
from eoc.activations.formula.multiprecision import to_float
from eoc.activations.formula.program import Program
from eoc.activations.formula.reader import read
from eoc.activations.formula.rewrite import simplified
from eoc.activations.formula.rules import Undefined
from eoc.activations.formula.tree import Trees, postorder
from eoc.errors import NotPermissibleError, UnsupportedError
from eoc.sharing import once

__all__ = ["Varied", "varied"]

_AT = 1e-12  # how far from a knot, relatively, a condition may change its sign that is the knot's own


@dataclass(frozen=True)
class Varied:
    """What changes with a parameter.

    Attributes
    ----------
    psi
        The derivative of phi by the parameter, almost everywhere.
    motion
        Derivatives of the knots by it, of those that move.
    """

    psi: Activation
    motion: Mapping[float, float]


@once(256)
def varied(text: str, values: tuple[tuple[str, float], ...], name: str, knots: tuple[float, ...]) -> Varied:
    """The derivative of a formula by one of its parameters.

    Parameters
    ----------
    text
        A formula in x and parameters.
    values
        The parameters and their values.
    name
        That of one of them.
    knots
        Where phi is not smooth.

    Raises
    ------
    UnsupportedError
        Where the derivative is no activation, or it is not known where a knot goes.

    Examples
    --------
    >>> found = varied("min(max(x, -a), a)", (("a", 2.0),), "a", (-2.0, 2.0))
    >>> found.psi([-3.0, 0.0, 3.0]).tolist(), found.motion
    ([-1.0, 0.0, 1.0], {-2.0: -1.0, 2.0: 1.0})
    """
    trees = Trees(simplified)
    leaves = {one: trees.parameter(i) for i, (one, _) in enumerate(values)}
    numbers = {leaves[one]: value for one, value in values}
    tree, own = read(text, trees, leaves), leaves[name]
    slope = substituted(derivative(tree, own, trees), numbers, trees)
    try:
        psi = made(slope, trees, f"d/d{name} {text}")
    except NotPermissibleError as error:
        raise UnsupportedError(f"how {text} changes with {name} has no Gaussian expectations: {error}") from None
    conditions = dict.fromkeys(n.args[0] for n in postorder(tree) if n.op == "switch")
    both = [(u, derivative(u, own, trees)) for u in conditions]
    pairs = [tuple(Program(substituted(one, numbers, trees)) for one in pair) for pair in both]
    found = {knot: _motion(knot, pairs, text, name) for knot in knots}
    return Varied(psi, {knot: motion for knot, motion in found.items() if motion != 0.0})


def _motion(knot: float, conditions: list[tuple[Program, ...]], text: str, name: str) -> float:
    """The derivative of a knot: where its condition u(x, theta) vanishes, -u_theta / u_x; 0 where none moves."""
    motions = []
    for condition, change in conditions:
        try:
            value, slope, _ = condition.exact(knot)
            if not abs(value) <= _AT * max(abs(knot), 1.0) * abs(slope) and value != 0:
                continue
            moved = change.exact(knot)[0]
            motions.append(to_float(-moved / slope) if moved != 0 else 0.0)
        except (Undefined, ZeroDivisionError):
            raise UnsupportedError(f"where the kink of {text} at {knot:.6g} goes with {name} is not known") from None
    if motions and max(motions) - min(motions) > _AT * max(map(abs, motions)):
        raise UnsupportedError(f"two kinks of {text} meet at {knot:.6g}, and part as {name} changes")
    return motions[0] if motions else 0.0
