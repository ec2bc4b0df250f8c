"""What a nonlinearity is: smooth pieces glued at knots.

Every activation is a tuple of smooth :class:`Piece` s and the increasing ``knots`` between them. Kinks, jumps, the
smoothness class and the closed-form delta terms all follow from the one-sided limits of the pieces at the knots, so
none of them is ever stated by hand.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Literal, ParamSpec, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from eoc.errors import EocError
from eoc.floats import EPS, FloatArray
from eoc.sharing import Memory, cached_property

__all__ = ["Activation", "Breakpoint", "Growth", "Parity", "Piece", "Smoothness"]

Function = Callable[[FloatArray], FloatArray]
Parity = Literal["odd", "even"]
P = ParamSpec("P")
T = TypeVar("T")

_STEEPEST = 1e100  # so that squares of slopes, times any variance, stay within double precision
_FEW = 4  # knots
_USUAL = np.linspace(-3.9, 4.1, 41)
_ROUGH = 1e-9
_FAR = 2.0 ** np.arange(4.0, 101.0)  # the last one is far enough for phi(x)/x to have reached its limit


class Smoothness(StrEnum):
    """How smooth phi is. It alone decides how fast correlations converge on the edge of chaos (Hayou et al. 2019)."""

    JUMP = "jump"  #: phi jumps: chi_1 is infinite, there is no edge of chaos
    KINK = "kink"  #: phi' jumps: 1 - c_l ~ kappa / l^2
    C1 = "C1"  #: phi is C^1 with piecewise C^2: 1 - c_l ~ beta_q / l, next term O(l^{-3/2})
    SMOOTH = "smooth"  #: phi is C^2: 1 - c_l ~ beta_q / l, next term O(log l / l^2)


@dataclass(frozen=True)
class Growth:
    """How |phi| grows at infinity.

    ``kind`` and the meaning of ``rate``: ``"bounded"`` (0), ``"polynomial"`` (degree p in |x|^p), ``"exponential"``
    (b in exp(b |x|)), ``"gaussian"`` (a in exp(a x^2)), ``"faster"`` (infinite).

    Examples
    --------
    >>> Growth("gaussian", 0.5).q_max
    0.5
    """

    kind: Literal["bounded", "polynomial", "exponential", "gaussian", "faster"]
    rate: float

    @property
    def q_max(self) -> float:
        """E[phi(sqrt(q) Z)^2] is finite exactly for q < q_max = 1 / (4 a) (Long & Sedghi 2019, condition b)."""
        if self.kind == "gaussian":
            return 1.0 / (4.0 * self.rate)
        return 0.0 if self.kind == "faster" else float("inf")


@dataclass(frozen=True)
class Piece:
    """phi, phi' and phi'' between two knots: functions of a float64 array, smooth up to (and beyond) both ends."""

    phi: Function
    dphi: Function
    ddphi: Function


@dataclass(frozen=True)
class Breakpoint:
    """A knot with the limits (phi, phi', phi'') from its left and from its right, and phi'(x+) - phi'(x-), bounded."""

    x: float
    left: tuple[float, float, float]
    right: tuple[float, float, float]
    kink: float = 0.0
    kink_error: float = 0.0

    @property
    def jump(self) -> float:
        """phi(x+) - phi(x-)."""
        return self.right[0] - self.left[0]


@dataclass(frozen=True, eq=False)
class Activation:
    """An activation function phi with everything the theory asks about it.

    Parameters
    ----------
    name, formula
        What it is called and what it computes, for people.
    pieces, knots
        ``len(pieces) == len(knots) + 1``; ``pieces[i]`` holds on ``(knots[i-1], knots[i])``. At a knot itself the
        right-hand piece is evaluated (a set of measure zero in every expectation).
    growth
        Growth of |phi| at infinity.
    parity
        ``"odd"``, ``"even"`` or None.
    parameters
        The values of its parameters, e.g. ``{"alpha": 1.0}``.
    powers
        The coefficients of 1, x, x^2, ... if phi is a polynomial: expectations at two points are then closed sums.
    template
        Its formula with these by name, ``"x if x > 0 else alpha * (exp(x) - 1)"``; empty where there is none.
    uncertainty
        None when the three functions are right to a few ulp. Otherwise a function of x, shape (n,), that returns
        bounds on the absolute errors of (phi, phi', phi''), shape (3, n).
    error_of
        The bound of one of the three alone, of (order, x), where that costs less; None where it does not.
    turns
        phi'(x+) - phi'(x-) at every knot, and bounds on their errors, if that is known better than both slopes are.
    remake
        What makes it again in another process, for pickle; None if nothing does.
    cache
        What other floors have computed about this activation and keep for the next call (:func:`eoc.sharing.cached`).

    Notes
    -----
    Two activations are equal only if they are the same object: a copy is the activation itself. Threads may share
    one. A pickle holds no tables but how to make it, so that a process to which many are sent makes it once (unless it
    is a Python function) and then fills tables of its own.

    Examples
    --------
    >>> from eoc.activations import activation
    >>> elu = activation("elu", alpha=1.0)
    >>> elu([-1.0, 2.0]).round(6).tolist()
    [-0.632121, 2.0]
    >>> str(elu.smoothness)
    'C1'
    """

    name: str
    formula: str
    pieces: tuple[Piece, ...] = field(repr=False)
    knots: tuple[float, ...] = ()
    growth: Growth = Growth("polynomial", 1.0)
    parity: Parity | None = None
    parameters: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    template: str = field(default="", repr=False)
    uncertainty: Callable[[FloatArray], FloatArray] | None = field(default=None, repr=False)
    error_of: Callable[[int, FloatArray], FloatArray] | None = field(default=None, repr=False)
    powers: tuple[float, ...] | None = field(default=None, repr=False)
    turns: tuple[tuple[float, float], ...] | None = field(default=None, repr=False)
    remake: Callable[[], Activation] | None = field(default=None, repr=False)
    cache: Memory = field(default_factory=Memory, repr=False, init=False)

    def __post_init__(self) -> None:
        if len(self.pieces) != len(self.knots) + 1:
            raise ValueError(f"{len(self.knots)} knots need {len(self.knots) + 1} pieces, got {len(self.pieces)}")
        if any(b <= a for a, b in zip(self.knots, self.knots[1:], strict=False)):
            raise ValueError(f"knots must increase, got {self.knots}")

    def __copy__(self) -> Activation:
        return self

    def __deepcopy__(self, memo: object) -> Activation:
        return self

    def __reduce__(self) -> tuple[Callable[[], Activation], tuple[()]]:
        if self.remake is None:
            raise TypeError(f"{self.name} cannot be pickled: make the activation in the process that needs it")
        return self.remake, ()

    def __call__(self, x: ArrayLike) -> FloatArray:
        """phi(x)."""
        return self.phi(x)

    def phi(self, x: ArrayLike) -> FloatArray:
        """phi(x) for a scalar or array of any shape."""
        return self._evaluate("phi", x)

    def dphi(self, x: ArrayLike) -> FloatArray:
        """phi'(x), almost everywhere (deltas at jumps are left out)."""
        return self._evaluate("dphi", x)

    def ddphi(self, x: ArrayLike) -> FloatArray:
        """phi''(x), almost everywhere (deltas at kinks are left out)."""
        return self._evaluate("ddphi", x)

    def _evaluate(self, which: str, x: ArrayLike) -> FloatArray:
        x = np.asarray(x, dtype=float)
        functions = [getattr(piece, which) for piece in self.pieces]
        if not self.knots:
            return np.asarray(functions[0](x), dtype=float)
        if len(self.knots) <= _FEW and self.uncertainty is None:
            return self._blended(functions, x)
        index = np.searchsorted(self.knots, x, side="right")
        out = np.empty_like(x)
        for i, function in enumerate(functions):
            inside = index == i
            if inside.any():
                out[inside] = function(x[inside])
        return out

    def _blended(self, functions: Sequence[Function], x: FloatArray) -> FloatArray:
        """Every piece everywhere, then the right ones: for cheap pieces ten times faster than to sort x among them."""
        with np.errstate(all="ignore"):  # beyond its ends, a piece may overflow
            out = np.asarray(functions[0](x), dtype=float)
            for knot, function in zip(self.knots, functions[1:], strict=True):
                out = np.where(x < knot, out, function(x))
        return out

    def errors(self, x: FloatArray) -> FloatArray:
        """Bounds on the absolute errors of phi, phi' and phi'' at x, shape (3, n)."""
        if self.uncertainty is not None:
            return self.uncertainty(x)
        values = np.stack([self.phi(x), self.dphi(x), self.ddphi(x)])
        return 4.0 * EPS * np.abs(values)

    @cached_property
    def is_rough(self) -> bool:
        """Whether phi is only known to some digits, as a Python function that computes in single precision."""
        values = np.abs(self.phi(_USUAL))
        return bool((self.errors(_USUAL)[0] > _ROUGH * values.max()).any())

    def derivative(self, order: int, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The values of phi (order 0), phi' (1) or phi'' (2) at x (n,) and bounds on the absolute errors, both (n,)."""
        values = self._evaluate(("phi", "dphi", "ddphi")[order], x)
        if self.error_of is not None:
            return values, self.error_of(order, x)
        if self.uncertainty is not None:
            return values, self.uncertainty(x)[order]
        return values, 4.0 * EPS * np.abs(values)

    @cached_property
    def breakpoints(self) -> tuple[Breakpoint, ...]:
        """The knots with their one-sided limits."""
        if not self.knots:
            return ()
        off = 2.0 * self.derivative(1, np.array(self.knots))[1]
        return tuple(map(self._breakpoint, range(len(self.knots)), off.tolist()))

    def _breakpoint(self, i: int, off: float) -> Breakpoint:
        x, (left, right) = self.knots[i], (_limits(piece, self.knots[i]) for piece in self.pieces[i : i + 2])
        if self.turns is not None and left[1] != right[1]:
            return Breakpoint(x, left, right, *self.turns[i])
        return Breakpoint(x, left, right, right[1] - left[1], off + 4.0 * EPS * (abs(left[1]) + abs(right[1])))

    @property
    def jumps(self) -> tuple[Breakpoint, ...]:
        """Breakpoints at which phi jumps."""
        return tuple(b for b in self.breakpoints if b.jump != 0.0)

    @property
    def kinks(self) -> tuple[Breakpoint, ...]:
        """Breakpoints at which phi is continuous and phi' jumps."""
        return tuple(b for b in self.breakpoints if b.jump == 0.0 and b.kink != 0.0)

    @cached_property
    def smoothness(self) -> Smoothness:
        """The smoothness class."""
        if self.jumps:
            return Smoothness.JUMP
        if self.kinks:
            return Smoothness.KINK
        if any(b.left[2] != b.right[2] for b in self.breakpoints):
            return Smoothness.C1
        return Smoothness.SMOOTH

    def to_dict(self) -> dict[str, str]:
        """Name, formula and class, by the names that they have in files and JSON."""
        return {"activation": self.name, "formula": self.formula, "class": str(self.smoothness)}

    @cached_property
    def at_zero(self) -> Breakpoint:
        """The one-sided limits of (phi, phi', phi'') at 0, whether or not 0 is a knot."""
        for b in self.breakpoints:
            if b.x == 0.0:
                return b
        piece = self.pieces[int(np.searchsorted(self.knots, 0.0))]
        limits = _limits(piece, 0.0)
        return Breakpoint(0.0, limits, limits)

    @cached_property
    def slopes_at_zero(self) -> tuple[float, float]:
        """phi'(0-) and phi'(0+); both 0 where phi has no tangent at 0, such as sqrt(|x|)."""
        slopes = self.at_zero.left[1], self.at_zero.right[1]
        return slopes if all(map(math.isfinite, slopes)) else (0.0, 0.0)

    @property
    def vanishes_at_zero(self) -> bool:
        """Whether phi(0) = 0, from both sides: then a layer without bias keeps q = 0."""
        return self.at_zero.left[0] == 0.0 == self.at_zero.right[0]

    @property
    def kappa(self) -> float:
        """(phi'(0+)^2 + phi'(0-)^2) / 2, the limit of E[phi'^2] as q -> 0, and of E[phi^2]/q if phi(0) = 0."""
        left, right = self.slopes_at_zero
        if max(abs(left), abs(right)) > _STEEPEST:
            raise EocError(f"{self.name} is too steep at 0, phi' = {max(left, right, key=abs):g}: scale it down")
        return 0.5 * (left**2 + right**2)

    @cached_property
    def asymptotic_slopes(self) -> tuple[float, float]:
        """Limits of phi(x)/x at -infinity and +infinity, for growth that is at most linear.

        Read off at the farthest power of two at which phi does not overflow: a formula like log(1 + exp(x)), taken
        literally, is infinite from x = 710 on.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            left, right = self.phi(-_FAR) / -_FAR, self.phi(_FAR) / _FAR
        return float(left[np.isfinite(left)][-1]), float(right[np.isfinite(right)][-1])

    @cached_property
    def is_positively_homogeneous(self) -> bool:
        """Whether phi(t x) = t phi(x) for t > 0: identity, ReLU, leaky ReLU, abs. Then every q is a fixed point."""
        bends = any(b.x != 0.0 and b.left != b.right for b in self.breakpoints)
        if bends or self.smoothness is Smoothness.JUMP or self.at_zero.right[0] != 0.0:
            return False
        x = np.concatenate([-_PROBE, _PROBE])
        near = x[np.abs(np.log2(np.abs(x))) < 2.0]  # first: far out, some functions are costly, and phi'' more than phi
        return self._doubles(near) and self._doubles(x) and not self.ddphi(x).any()

    def _doubles(self, x: FloatArray) -> bool:
        with np.errstate(over="ignore"):
            return np.allclose(self.phi(2.0 * x), 2.0 * self.phi(x), rtol=8.0 * EPS, atol=0.0)


_PROBE = 2.0 ** np.arange(-30.0, 31.0) * 1.3


def _limits(piece: Piece, x: float) -> tuple[float, float, float]:
    at = np.array([x])
    return float(piece.phi(at)[0]), float(piece.dphi(at)[0]), float(piece.ddphi(at)[0])
