"""A tree made ready to run: fast in double precision, carefully so, or right to twenty digits at one point.

The mpmath run is repeated at a higher precision until more than 64 of its bits have survived cancellation.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from eoc.activations.formula.doubles import DOUBLES
from eoc.activations.formula.multiprecision import ONE_AT_A_TIME, multiprecision
from eoc.activations.formula.pairs import PAIRS, Pair
from eoc.activations.formula.rules import Jet, OutOfReach, Undefined, apply
from eoc.activations.formula.tree import Node, postorder
from eoc.floats import FloatArray

__all__ = ["Program"]

_PRECISIONS = (160, 480, 1500)
_GUARD = 70  # bits that must survive cancellation
_NOTHING_BITS = 900  # from the second precision to the third: nothing but rounding errors falls by so much
_NUDGE_BITS, _NUDGE_PRECISION = 130, 900  # a removable singularity is evaluated at distance 2^-130

_FARTHER_BITS, _TENDS = 100, 0.95  # x^0.01 falls to 0.81 in between, a jump does not
_ROOT_PRECISION, _ROOT_BITS = 320, 200  # a root is computed with so many bits, and more of them than these are right
_NEAR_BITS, _STEPS, _LAST_BITS = (
    30,
    6,
    120,
)  # how close it is to the double for it; Newton's steps, and that of the last


class Program:
    """A tree ready to run.

    Examples
    --------
    >>> import numpy as np
    >>> from eoc.activations.formula.reader import read
    >>> from eoc.activations.formula.rewrite import simplified
    >>> from eoc.activations.formula.tree import Trees
    >>> Program(read("x**3", Trees(simplified))).fast(np.array([2.0]))[:, 0].tolist()
    [8.0, 12.0, 12.0]
    """

    def __init__(self, *roots: Node) -> None:
        self._order = postorder(*roots)
        index = {n: i for i, n in enumerate(self._order)}
        self._steps = [(n.op, [index[a] for a in n.args], n.value, n.constant is not None) for n in self._order]
        self._outputs = [index[r] for r in roots]
        self._constants: dict[object, Jet] = {}  # in double precision
        self._paired: dict[object, Jet] = {}  # as pairs

    def _run(self, m: Any, x: Any, constants: dict[object, Jet]) -> list[Jet]:
        jets: list[Jet] = []
        for node, (op, where, value, constant) in zip(self._order, self._steps, strict=True):
            if op == "x":
                jets.append((x, 1, 0))
            elif constant and node in constants:
                jets.append(constants[node])
            else:
                if op == "num":
                    jet = (m.number(value), 0, 0)
                elif op in ("pi", "e"):
                    jet = (getattr(m, op), 0, 0)
                else:
                    jet = apply(m, op, [jets[i] for i in where], value)
                if constant:
                    constants[node] = jet
                jets.append(jet)
        return [jets[i] for i in self._outputs]

    def fast_all(self, x: FloatArray) -> FloatArray:
        """Return the jets of all roots in double precision, shape (roots, 3, n); not finite where this fails."""
        out = np.empty((len(self._outputs), 3, x.size))
        with np.errstate(all="ignore"):
            for i, jet in enumerate(self._run(DOUBLES, x, self._constants)):
                for j in range(3):
                    out[i, j] = jet[j]
        return out

    def fast(self, x: FloatArray) -> FloatArray:
        """(phi, phi', phi'') in double precision, shape (3, n); not finite where this fails."""
        return np.asarray(self.fast_all(x)[0])

    def paired(self, x: FloatArray) -> FloatArray:
        """The same with rounding carried along (:mod:`eoc.activations.formula.pairs`), some ten times slower."""
        with np.errstate(all="ignore"):
            jet = self._run(PAIRS, Pair(x, np.zeros_like(x)), self._paired)[0]
        return np.stack([np.broadcast_to(v.high if isinstance(v, Pair) else v, x.shape).astype(float) for v in jet])

    def exact(self, x: float, side: int = 0) -> Jet:
        """(phi, phi', phi'') at one point as mpmath numbers, right to at least 20 digits.

        Where the formula reads 0/0 or the like, its limit is taken (from one side if ``side`` is -1 or +1).

        Raises
        ------
        Undefined
            If phi has no finite real value there.
        """
        if math.isinf(x) or math.isnan(x):
            raise Undefined
        with ONE_AT_A_TIME:
            return self._exact(x, side)

    def _exact(self, x: float, side: int) -> Jet:
        before: Jet | None = None
        for precision in _PRECISIONS:
            m, jet = self._attempt(x, precision)
            if jet is None or m.lost <= precision - _GUARD:
                break
            if precision == _PRECISIONS[-1] and before is not None:
                jet = tuple(_without_nothing(m, a, b) for a, b in zip(before, jet, strict=True))
            before = jet
        return self._settled(m, jet, x, side)

    def _settled(self, m: Any, jet: Jet | None, x: Any, side: int) -> Jet:
        """What was found at x, or the limit where that is nothing."""
        if jet is not None and not any(map(m.c.isnan, jet)) and not (m.pole and abs(jet[0]) == m.c.inf):
            return jet
        limit = self._limit(x, side)
        if jet is not None and side and self._tends_to(jet[0], limit[0], x, side):
            return jet[0], *limit[1:]  # a root: only its derivatives are not numbers at the point itself
        return limit

    def root(self, x: float) -> Any:
        """The place near x at which the function is 0, simply or not, as an mpmath number; x where it is that itself.

        Newton's method for u/u', which has simple roots only. Where there is no such place, x as well.
        """
        near = max(abs(x), 1.0) * 2.0**-_NEAR_BITS
        with ONE_AT_A_TIME:
            root: Any = x
            for _ in range(_STEPS):
                m, jet = self._attempt(root, _ROOT_PRECISION)
                if jet is None or not all(map(m.c.isfinite, jet)):
                    return x
                u, u1, u2 = jet
                if u == 0:
                    return root
                slope = u1 * u1 - u * u2
                if slope == 0 or not abs(step := u * u1 / slope) < near:
                    return x
                root = m.c.mpf(root) - step
                if m.magnitude(step) < -_LAST_BITS:
                    return root
        return x

    def limit(self, place: Any, side: int) -> Jet:
        """(phi, phi', phi'') on one side of a double, or of a root, and next to it.

        Raises
        ------
        Undefined
            If phi has no finite real value there.
        """
        if isinstance(place, float):
            return self.exact(place, side)
        with ONE_AT_A_TIME:
            m, jet = self._attempt(place, _ROOT_PRECISION, nothing=_ROOT_BITS)
            return self._settled(m, jet, place, side)

    def _tends_to(self, value: Any, near: Any, x: Any, side: int) -> bool:
        """Whether phi, ``near`` at distance 2^-130, is on its way to a finite value at x, compared with 2^-100."""
        m, jet = self._attempt(x, _NUDGE_PRECISION, side, _FARTHER_BITS)
        if jet is None or not m.c.isfinite(value):
            return False
        return bool(abs(near - value) <= _TENDS * abs(jet[0] - value))

    def exact_beside(self, x: Any, side: int, bits: int) -> Jet:
        """(phi, phi', phi'') at distance 2^-bits max(1, |x|) from a double or a root, closer than doubles come.

        Raises
        ------
        Undefined
            If phi has no finite real value there.
        """
        with ONE_AT_A_TIME:
            for precision in _PRECISIONS[1:]:
                m, jet = self._attempt(x, precision, side, bits)
                if jet is None or m.lost <= precision - _GUARD:
                    break
        if jet is None or any(map(m.c.isnan, jet)):
            raise Undefined
        return jet

    def _attempt(
        self, x: Any, precision: int, nudge: int = 0, bits: int = _NUDGE_BITS, nothing: float = math.inf
    ) -> tuple[Any, Jet | None]:
        m = multiprecision(precision)
        m.lost, m.pole, m.nothing = 0, False, nothing
        if len(m.constants) > 2000:
            m.constants.clear()
        point = m.c.mpf(x)
        if nudge:
            point += nudge * m.c.ldexp(max(abs(x), 1.0), -bits)
        try:
            return m, self._run(m, point, m.constants)[0]
        except OutOfReach:
            raise
        except (Undefined, ZeroDivisionError, OverflowError, ValueError):
            return m, None

    def _limit(self, x: Any, side: int) -> Jet:
        found: list[Jet] = []
        for nudge in (side,) if side else (1, -1):
            m, jet = self._attempt(x, _NUDGE_PRECISION, nudge)
            if jet is not None and not any(map(m.c.isnan, jet)) and m.magnitude(jet[0]) < _NUDGE_BITS // 3:
                found.append(tuple(m.c.convert(c) for c in jet))
        if not found:
            raise Undefined
        if len(found) == 2 and abs(found[0][0] - found[1][0]) <= 1e-9 * (abs(found[0][0]) + abs(found[1][0])):
            return tuple((a + b) / 2 for a, b in zip(*found, strict=True))
        return found[0]


def _without_nothing(m: Any, before: Any, now: Any) -> Any:
    """Return 0 for what cancels completely: what is left of it shrinks with every bit of precision."""
    return m.c.zero if m.magnitude(now) < m.magnitude(before) - _NOTHING_BITS else now
