"""An activation from a formula in x that a user typed."""

from __future__ import annotations

from itertools import pairwise

from eoc.activations.base import Activation
from eoc.activations.formula.checked import Certified
from eoc.activations.formula.growth import growth, parity
from eoc.activations.formula.places import Places
from eoc.activations.formula.poles import without_poles
from eoc.activations.formula.reader import read
from eoc.activations.formula.rewrite import simplified
from eoc.activations.formula.segments import end_limits, reconcile, segments, straightened
from eoc.activations.formula.tree import Node, Trees

__all__ = ["made", "parse"]


def parse(text: str) -> Activation:
    """Read a formula in x as an activation.

    Parameters
    ----------
    text
        For example ``"x*tanh(log(1+exp(x)))"``, ``"max(x, 0.1*x)"`` or ``"x if x > 0 else exp(x) - 1"``.

    Returns
    -------
    Activation
        Its values are right to about 2e-14 of the largest absolute value between -x and x, and likewise phi' and phi''.

    Raises
    ------
    ExpressionError
        If the text is not a formula in x (``column`` says where), or has more than 1000 knots.
    NotPermissibleError
        If phi has a pole or is undefined somewhere.

    Notes
    -----
    Literals mean the nearest double. A knot at which phi, phi' and phi'' agree from both sides stays a knot when the
    formulas on its sides differ, as for ``abs(x)**3``: quadrature needs to know it. One-sided limits that differ by
    rounding only are stored as equal, so that the smoothness class is right.

    Examples
    --------
    >>> phi = parse("max(x, 0.1*x)")
    >>> phi.knots, str(phi.smoothness), phi([-1.0, 2.0]).tolist()
    ((0.0,), 'kink', [-0.1, 2.0])
    """
    trees = Trees(simplified)
    return made(read(text, trees), trees, text)


def made(tree: Node, trees: Trees, text: str) -> Activation:
    """The activation of a tree of x alone; ``text`` is what it is called.

    Raises
    ------
    ExpressionError, NotPermissibleError
        As :func:`parse`.
    """
    places, name = Places(), " ".join(text.split())
    parts, singular = without_poles(segments(tree, trees, places, text), trees, places, name)
    curved, parts = parts, [straightened(part, trees) for part in parts]
    ends = [end_limits(part, places, name) for part in parts]
    for left, right in pairwise(ends):
        reconcile(left, right)
    knots = tuple(p.high for p in parts[:-1])
    bent = [p for p, q in zip(curved, parts, strict=True) if p is q]  # nothing is singular on a straight line
    zones = [z for z in singular if z != 0.0 and any(p.low <= z <= p.high for p in bent)]
    certified = Certified([p.program for p in parts], knots, ends, zones, name)
    return Activation(
        name=name,
        formula=name,
        pieces=tuple(certified.piece(i) for i in range(len(parts))),
        knots=knots,
        growth=growth(parts),
        parity=parity(parts),
        uncertainty=certified.uncertainty,
    )
