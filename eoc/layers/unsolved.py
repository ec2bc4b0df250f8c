r"""Numbers that are affine in what is solved for: a + sigma_w^2 b + sigma_b^2 c, of the free dense layer.

So are second moments and tangents behind that layer, as long as only sums, scales and further dense layers follow. One
evaluation of the block gives all three parts, each with digits of its own: nothing is a difference of two evaluations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

from eoc.errors import UnsupportedError
from eoc.layers.bounded import Bounded

__all__ = ["Unsolved", "parts_of", "unsolved"]


@dataclass(frozen=True, eq=False)
class Unsolved(Bounded):
    """A :class:`Bounded` that is ``fixed`` + sigma_w^2 ``weight`` + sigma_b^2 ``bias``; as a value it is their sum.

    Examples
    --------
    >>> from eoc.layers.bounded import exact
    >>> weight = unsolved(exact(0.0), exact(1.0), exact(0.0))
    >>> half = exact(3.0) * weight * 0.5 + 2.0
    >>> float(half.fixed.value), float(half.weight.value), float(half.bias.value)
    (2.0, 1.5, 0.0)
    """

    fixed: Bounded
    weight: Bounded
    bias: Bounded

    def __mul__(self, other: Bounded | float) -> Unsolved:
        if isinstance(other, Unsolved):
            _refuse()
        return unsolved(self.fixed * other, self.weight * other, self.bias * other)

    __rmul__ = __mul__

    def __add__(self, other: Bounded | float) -> Unsolved:
        if isinstance(other, Unsolved):
            return unsolved(self.fixed + other.fixed, self.weight + other.weight, self.bias + other.bias)
        return unsolved(self.fixed + other, self.weight, self.bias)

    __radd__ = __add__

    def __sub__(self, other: Bounded | float) -> Unsolved:
        return self + other * -1.0

    def __rsub__(self, other: Bounded | float) -> Unsolved:
        return self * -1.0 + other

    def __truediv__(self, other: Bounded) -> Unsolved:
        if isinstance(other, Unsolved):
            _refuse()
        return unsolved(self.fixed / other, self.weight / other, self.bias / other)

    def __rtruediv__(self, other: Bounded) -> NoReturn:
        _refuse()

    def root(self) -> NoReturn:
        """Refused: roots are not affine."""
        _refuse()


def unsolved(fixed: Bounded, weight: Bounded, bias: Bounded) -> Unsolved:
    """The number with these parts."""
    whole = fixed + weight + bias
    return Unsolved(whole.value, whole.error, fixed, weight, bias)


def parts_of(one: Bounded) -> tuple[Bounded, Bounded, Bounded]:
    """What is fixed, and what goes with sigma_w^2 and sigma_b^2, of a number behind what is free."""
    assert isinstance(one, Unsolved)
    return one.fixed, one.weight, one.bias


def _refuse() -> NoReturn:
    raise UnsupportedError("what follows the dense without numbers is not affine in its sigma_w^2 and sigma_b^2")
