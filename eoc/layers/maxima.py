r"""Max pooling: the largest unit of a window of positions.

An increasing phi is largest where its Gaussian input is, whose law is known (:mod:`eoc.gaussian.largest`) for

- positions that are all alike, windows of any size: then q', m', and of two windows that do not overlap G', too;
- windows of two positions, of any variances and correlation;
- windows whose positions have one variance and one correlation among each other.

Of other windows the largest of three or more Gaussians has no such law, nor have two windows together: these are
refused. Gradients go back to where the largest is, chi' = sum_i E[phi'(u_i)^2; i is it] chi_i.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from eoc.activations import activation
from eoc.activations.base import Activation
from eoc.errors import UnsupportedError
from eoc.floats import FloatArray, IntArray
from eoc.gaussian.largest import Larger, Largest, larger_of_two, largest_of_alike
from eoc.layers.bounded import Bounded, exact
from eoc.layers.mixing import Positional
from eoc.layers.nature import Nature
from eoc.layers.pairs import Layout
from eoc.layers.pooling import Window
from eoc.layers.signal import Products, Signal
from eoc.layers.taps import Taps
from eoc.sharing import cached_property

__all__ = ["MaxPool"]

_ALIKE = 1e-12  # relative, of variances and correlations in a window that count as one
_SHIFT = 1e-6  # relative, by which slopes are taken
_NEXT_TO_NONE = 1e-30  # of the largest variance, in place of 0


@dataclass(frozen=True)
class MaxPool:
    """The largest unit of windows of positions.

    Examples
    --------
    >>> from eoc.layers.inputs import Input
    >>> from eoc.layers.pairs import Pairs
    >>> x = Input(np.ones(2), np.array([0.0, 1.0, 0.0]), Pairs.every(1, (2,)))  # two independent positions
    >>> y = MaxPool(Window(2, 2))(x)
    >>> bool(abs(y.m.value[0] - np.pi**-0.5) < 1e-14), bool(abs(y.q.value[0] - 1.0) < 1e-14)
    (True, True)
    """

    window: Window

    def __call__(self, x: Signal) -> Signal:
        """The signal behind it."""
        of = self.window.over(x.pairs.positions)
        root, phi = (x, activation("identity")) if x.is_gaussian else (x.root, x.phi)
        if root is None or phi is None:
            raise UnsupportedError(
                "the largest of signals that are neither Gaussian nor functions of Gaussian ones: put it behind a "
                "layer with weights, or behind an activation that follows one"
            )
        if x.backward is not None:
            raise UnsupportedError("the largest of what comes from a straight-through estimator is not followed")
        if x.pairs.layout is Layout.TOKENS:
            if self.window.stride < self.window.size:
                raise UnsupportedError("windows that overlap are not alike: take a stride as large as the window")
            return _OfAlike(x, root, phi, of)
        if x.pairs.layout is Layout.EVERY:
            return _OfWindows(x, root, phi, of)
        raise UnsupportedError(
            "the largest of a window needs every pair of its positions: give inputs with all of them"
        )


class _Largest(Positional):
    """What both kinds have in common."""

    def __init__(self, x: Signal, root: Signal, phi: Activation, of: Taps) -> None:
        alike = x.pairs.layout is Layout.TOKENS
        inputs = x.q.value.size // (1 if alike else of.places)
        super().__init__(x.pairs.arranged(of.shape, inputs), x.sources)
        self._x, self._root, self._phi, self._taps = x, root, phi, of

    @property
    def dm(self) -> Bounded:
        """Refused."""
        self._refuse("the slope of its mean")

    @cached_property
    def nature(self) -> Nature:
        return replace(self._of_unknown_size(self._x.nature), parity=0)

    def pushed(self, of: Products) -> Bounded:
        raise UnsupportedError("where two windows are largest together is not known, nor products of their tangents")


class _OfAlike(_Largest):
    """Of positions that are all alike."""

    @cached_property
    def _found(self) -> list[list[Bounded]]:
        """q, m, G and the slope, for every input."""
        q, other = self._root.q, np.arange(self._root.q.value.size, 2 * self._root.q.value.size)
        e = self._root.one_minus_c[other]
        return [
            _alike(self._phi, q[np.array([i])], e[np.array([i])], self._taps.seen.shape[1]) for i in range(q.value.size)
        ]

    def _part(self, number: int) -> Bounded:
        parts = [one[number] for one in self._found]
        return Bounded(*(np.concatenate(side) for side in zip(*((one.value, one.error) for one in parts), strict=True)))

    @cached_property
    def q(self) -> Bounded:
        return self._part(0)

    @cached_property
    def m(self) -> Bounded:
        return self._part(1)

    @cached_property
    def G(self) -> Bounded:
        apart, none = self._part(2), np.zeros(self.q.value.size)
        return Bounded(np.concatenate([none, apart.value]), np.concatenate([none, apart.error]))

    @cached_property
    def chi(self) -> Bounded:
        return self._root.chi * self._part(3)


class _OfWindows(_Largest):
    """Of windows of which every pair of positions is known."""

    @cached_property
    def _points(self) -> IntArray:
        """The points of every window, (windows of all inputs, taps)."""
        inputs = self._x.q.value.size // self._taps.places
        first = np.arange(inputs)[:, None, None] * self._taps.places
        return np.asarray((first + self._taps.seen).reshape(-1, self._taps.seen.shape[1]))

    @cached_property
    def _found(self) -> tuple[Bounded, Bounded, Bounded]:
        """q, m and chi."""
        points, root = self._points, self._root
        terms = points.shape[1]
        if terms == 1:
            x, own = self._x, points[:, 0]
            return x.q[own], x.m[own], x.chi[own]
        if terms == 2:
            return self._of_two(points)
        q, e = root.q, self._between(points)
        sizes, error = q.value[points], q.error[points]
        apart = np.ptp(sizes, axis=1) > error.max(axis=1) + _ALIKE * sizes.max(axis=1)
        apart |= np.ptp(e.value, axis=1) > e.error.max(axis=1) + _ALIKE
        if apart.any():
            raise UnsupportedError(
                f"the largest of {terms} positions that differ in their variances or correlations has no law that is "
                "known: take windows of two, or positions that are alike; or sample it (eoc.montecarlo)"
            )
        near = np.round(np.stack([sizes.mean(axis=1), e.value.mean(axis=1)], axis=1), 12)
        kinds, which = np.unique(near, axis=0, return_inverse=True)
        found = [
            _alike(self._phi, _with(size, error.max() + 2.0 * _ALIKE), _with(one, e.error.max() + 2.0 * _ALIKE), terms)
            for size, one in kinds
        ]
        of_kind = [
            Bounded(*(np.concatenate([getattr(one[i], part) for one in found]) for part in ("value", "error")))
            for i in (0, 1, 3)
        ]
        each = which.ravel()
        chi = root.chi[points]
        mean = Bounded(chi.value.mean(axis=1), chi.error.mean(axis=1))
        return of_kind[0][each], of_kind[1][each], mean * of_kind[2][each]

    def _between(self, points: IntArray) -> Bounded:
        """1 - c of all pairs within every window."""
        a, b = np.triu_indices(points.shape[1], 1)
        ends = np.sort(np.stack([points[:, a], points[:, b]]), axis=0)
        return self._root.one_minus_c[self._x.pairs.number(ends[0], ends[1])]

    def _of_two(self, points: IntArray) -> tuple[Bounded, Bounded, Bounded]:
        root = self._root
        q = np.maximum(root.q.value, _NEXT_TO_NONE * root.q.value.max())
        first, second = points.T
        e = self._between(points)
        at = [
            Bounded(q[first], root.q.error[first]),
            Bounded(q[second], root.q.error[second]),
            Bounded(e.value[:, 0], e.error[:, 0]),
        ]
        parts = _moved(lambda a, b, c: _parts(larger_of_two(self._phi, a, b, np.clip(c, 0.0, 2.0))), at)
        chi = root.chi
        return parts[0], parts[1], parts[2] * chi[first] + parts[3] * chi[second]

    @property
    def q(self) -> Bounded:
        return self._found[0]

    @property
    def m(self) -> Bounded:
        return self._found[1]

    @property
    def chi(self) -> Bounded:
        return self._found[2]

    @property
    def G(self) -> Bounded:
        if not self.pairs.alike.all():
            raise UnsupportedError(
                "what the largest of two windows have in common is known where all positions are alike"
            )
        return exact(np.zeros(self.pairs.size))


def _with(value: float, error: float) -> Bounded:
    return Bounded(np.array([value]), np.array([error]))


def _parts(found: Larger | Largest) -> list[Bounded]:
    return [Bounded(one.value, one.error) for one in vars(found).values()]


def _alike(phi: Activation, q: Bounded, e: Bounded, terms: int) -> list[Bounded]:
    """q, m, G and the slope of the largest of alike ones, (1,) each."""
    if e.value[0] > 1.0:
        raise UnsupportedError("the largest of positions whose correlation is negative is known for two of them only")

    def of(q: FloatArray, e: FloatArray) -> list[Bounded]:
        return _parts(largest_of_alike(phi, float(q[0]), float(min(e[0], 1.0)), terms))

    return _moved(of, [q, e])


def _moved(of: Callable[..., list[Bounded]], at: list[Bounded]) -> list[Bounded]:
    """What a function finds, with what the errors of its arguments make of it, by differences, twice."""
    found = of(*(one.value for one in at))
    for i, one in enumerate(at):
        if one.error.any():
            with np.errstate(divide="ignore", invalid="ignore"):
                shift = np.where(one.value > 0.0, np.maximum(_SHIFT, one.error / one.value), 0.0)
            step = one.value * shift
            there = of(*(other.value - step * (j == i) for j, other in enumerate(at)))
            share = np.where(step > 0.0, 2.0 * one.error / np.where(step > 0.0, step, 1.0), 0.0)
            found = [
                Bounded(mine.value, mine.error + share * (np.abs(mine.value - moved.value) + mine.error))
                for mine, moved in zip(found, there, strict=True)
            ]
    return found
