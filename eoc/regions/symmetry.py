r"""Which parameters of a two-layer network give the same function.

With phi(x) = mu abs(x) + lambda x (ReLU: both 1/2), a network sum_i v_i phi(w_i x + b_i) + c is

.. math:: f(x) = \sum_H \kappa_H \, |h_H(x)| + A x + B,

one term for every hyperplane H on which it bends, h_H scaled to have 1 as its first weight that is not 0: a neuron
with (w, b) = s h adds mu abs(s) v to kappa_H, lambda v w to A and lambda v b to B; one with w = 0 adds v phi(b) to B.
What has kappa = 0 is dropped. Two networks are the same function exactly if these data are the same, since functions
abs(h_H) of different hyperplanes and affine functions are linearly independent. Derived here; after Petzka, Trimmel &
Sminchisescu, "Notes on the symmetries of 2-layer ReLU-networks" (2020).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eoc.errors import EocError
from eoc.regions.model import Array
from eoc.regions.subsets import subsets
from eoc.regions.two_layer import TwoLayer

__all__ = ["Canonical", "Equivalence", "Hyperplane", "canonical", "equivalent", "flipped", "flips", "hyperplanes"]

_CLOSE = 1e-9  # relative: what is one in doubles, unless another tolerance is given


@dataclass(frozen=True, eq=False)
class Canonical:
    """What a network is as a function, see the module.

    Attributes
    ----------
    hyperplanes
        The weights and the constant of each h, (H, d + 1), sorted; the first weight that is not 0 is 1.
    kappa
        (H, k).
    A, B
        (k, d), (k,).
    """

    hyperplanes: Array
    kappa: Array
    A: Array
    B: Array


def canonical(net: TwoLayer, tolerance: float = _CLOSE) -> Canonical:
    """The canonical form: the same for all parameters of one function.

    Parameters
    ----------
    net
        The network.
    tolerance
        In doubles: relative difference of hyperplanes that are one, and size of kinks that are none. Fractions are
        compared exactly.

    Examples
    --------
    >>> from eoc.regions import two_layer
    >>> found = canonical(two_layer([[1, 0], [3, 0], [0, 2]], ["1", "3", "-1"], [[2, 1, 1]]))
    >>> [[str(x) for x in row] for row in found.hyperplanes], [str(x) for x in found.kappa.ravel()]
    ([['0', '1', '-1/2'], ['1', '0', '1']], ['1', '5/2'])
    """
    d, k = net.W.shape[1], net.V.shape[0]
    bends = hyperplanes(net, 0.0 if net.is_exact else tolerance)
    planes = np.array([one.plane for one in bends], net.W.dtype).reshape(-1, d + 1)
    kappas = np.array([one.kappa for one in bends], net.W.dtype).reshape(-1, k)
    bent = np.asarray(net.W != 0).any(axis=1)
    height = np.where(bent, net.shift * net.b, net.mu * np.abs(net.b) + net.shift * net.b)
    return Canonical(planes, kappas, net.shift * (net.V @ net.W), net.V @ height + net.c)


@dataclass(frozen=True)
class Hyperplane:
    """Where the function of a network bends.

    Attributes
    ----------
    plane, kappa
        The coefficients of h, and by how much of abs(h) it bends.
    size
        The sum of the sizes of what all its neurons add to that.
    signs
        Of the factors by which its neurons' (w, b) differ from h.
    """

    plane: Array
    kappa: Array
    size: float
    signs: frozenset[int]


def hyperplanes(net: TwoLayer, within: float) -> list[Hyperplane]:
    """All of them, sorted; those are one that are closer than ``within``."""
    sizes = np.abs(net.W)
    bent = np.flatnonzero(np.asarray(sizes.max(axis=1, initial=0) > 0))
    first = np.argmax(np.asarray(sizes > within * sizes.max(axis=1, keepdims=True, initial=0)), axis=1)
    factor = net.W[bent, first[bent]]
    planes = np.concatenate([net.W[bent], net.b[bent, None]], axis=1) / factor[:, None]
    kappas = (net.V[:, bent] * (net.mu * np.abs(factor))).T
    groups: dict[int, Hyperplane] = {}
    for at, which in enumerate(_same(planes, within)):
        own = Hyperplane(
            planes[at], kappas[at], _steepness(planes[at], kappas[at]), frozenset([1 if factor[at] > 0 else -1])
        )
        one = groups.get(which)
        if one is not None:
            own = Hyperplane(one.plane, one.kappa + own.kappa, one.size + own.size, one.signs | own.signs)
        groups[which] = own
    live = [one for one in groups.values() if _steepness(one.plane, one.kappa) > within * one.size]
    return sorted(live, key=lambda one: tuple(one.plane))


def _steepness(plane: Array, kappa: Array) -> float:
    return float(np.abs(kappa).max() * np.abs(plane[:-1]).max())


def _same(planes: Array, within: float) -> list[int]:
    """For every hyperplane the first that is the same; of doubles whatever its sign and scale."""
    if not within:
        seen: dict[tuple[object, ...], int] = {}
        return [seen.setdefault(tuple(plane), at) for at, plane in enumerate(planes)]
    unit = planes / np.linalg.norm(planes[:, :-1], axis=1, keepdims=True)
    out = list(range(len(unit)))
    for at, plane in enumerate(unit):
        before = unit[:at]
        turned = before * np.sign(before[:, :-1] @ plane[:-1])[:, None]
        off = np.abs(turned - plane)
        same = (off[:, :-1].max(axis=1, initial=0.0) <= within) & (off[:, -1] <= within * (1.0 + abs(plane[-1])))
        if same.any():
            out[at] = out[int(np.argmax(same))]
    return out


@dataclass(frozen=True)
class Equivalence:
    """Whether two networks are the same function, and why not; true where they are."""

    same: bool
    reason: str

    def __bool__(self) -> bool:
        return self.same


def equivalent(first: TwoLayer, second: TwoLayer, tolerance: float = _CLOSE) -> Equivalence:
    """Whether two networks compute the same function of all inputs.

    The data of the module are compared: those of the network that is their difference have to vanish.

    Parameters
    ----------
    first, second
        Networks with as many inputs and outputs.
    tolerance
        Of doubles, relative to the sum of the sizes of what cancels. Two networks of fractions are compared exactly.

    Examples
    --------
    >>> from eoc.regions import two_layer
    >>> net = two_layer([[1, 0], [0, 1], [-1, -1]], [1, 2, "-1/2"], [[1, 1, 1]])
    >>> turned = two_layer([[-1, 0], [0, -1], [1, 1]], [-1, -2, "1/2"], [[1, 1, 1]], ["5/2"])
    >>> bool(equivalent(net, turned))
    True
    """
    if first.W.shape[1] != second.W.shape[1] or first.V.shape[0] != second.V.shape[0]:
        return Equivalence(False, "they have different numbers of inputs or outputs")
    within = 0.0 if first.is_exact and second.is_exact else tolerance
    a, b = (net if within == 0.0 else _floats(net) for net in (first, second))
    for one in hyperplanes(_difference(a, b), within):
        return Equivalence(
            False, f"they bend differently where h = {_written(one.plane)} = 0, by {_shown(one.kappa)} |h|"
        )
    slope, height = _difference_of_rest(a, b)
    sizes = [abs(net.shift) * (np.abs(net.V) @ np.abs(net.W)) for net in (a, b)]
    if not _is_zero(slope, sizes[0] + sizes[1], within):
        return Equivalence(False, f"their linear parts differ by {_shown(slope.ravel())}")
    heights = [np.abs(net.V) @ np.abs(net.b) + np.abs(net.c) for net in (a, b)]
    if not _is_zero(height, heights[0] + heights[1], within):
        return Equivalence(False, f"they differ by the constant {_shown(height)}")
    return Equivalence(True, "the same kinks, slopes and constants")


def _floats(net: TwoLayer) -> TwoLayer:
    W, b, V, c = (one.astype(float) for one in (net.W, net.b, net.V, net.c))
    return TwoLayer(W, b, V, c, float(net.mu), float(net.shift))


def _difference(a: TwoLayer, b: TwoLayer) -> TwoLayer:
    """The first less the second, as far as kinks go: with mu in the output weights."""
    outputs = np.concatenate([a.V * a.mu, -b.V * b.mu], axis=1)
    return TwoLayer(np.concatenate([a.W, b.W]), np.concatenate([a.b, b.b]), outputs, a.c - b.c, 1, 0)


def _difference_of_rest(a: TwoLayer, b: TwoLayer) -> tuple[Array, Array]:
    first, second = canonical(a), canonical(b)
    return first.A - second.A, first.B - second.B


def _is_zero(value: Array, size: Array, within: float) -> bool:
    return bool((np.abs(value) <= within * size).all()) if within else not value.any()


def _written(plane: Array) -> str:
    terms = [f"{_number(w)} x{i}" for i, w in enumerate(plane[:-1]) if w]
    return " + ".join([*terms[:4], *(["..."] if len(terms) > 4 else []), _number(plane[-1])])


def _shown(values: Array) -> str:
    text = ", ".join(map(_number, values[:4]))
    return f"({text}{', ...' if len(values) > 4 else ''})" if len(values) > 1 else text


def _number(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def flips(net: TwoLayer, tolerance: float = _CLOSE) -> list[tuple[int, ...]]:
    """Sets of neurons whose (w, b) may all change their sign, with another output bias, and nothing else.

    Those with sum of v_i w_i^T = 0 over the set; the output bias then grows by 2 lambda times the sum of v_i b_i.

    Parameters
    ----------
    net
        A network of at most 40 neurons.
    tolerance
        Of doubles, relative to the sum of the sizes.

    Examples
    --------
    >>> from eoc.regions import two_layer
    >>> flips(two_layer([[1, 0], [0, 1], [-1, -1]], None, [[1, 1, 1]]))
    [(), (0, 1, 2)]
    """
    products = (net.shift * net.V.T[:, :, None] * net.W[:, None, :]).reshape(net.neurons, -1)
    within = 0.0 if net.is_exact else tolerance * float(np.abs(products).sum(axis=0).max(initial=0.0))
    return sorted(subsets(products, products[:0].sum(axis=0), within), key=lambda one: (len(one), one))


def flipped(net: TwoLayer, neurons: tuple[int, ...]) -> TwoLayer:
    """The same function with the signs of these neurons changed, one of the sets of :func:`flips`.

    Raises
    ------
    EocError
        If it is no such set.
    """
    some = list(neurons)
    sign = np.ones(net.neurons, int)
    sign[some] = -1
    height = 2 * net.shift * (net.V[:, some] @ net.b[some])
    found = TwoLayer(net.W * sign[:, None], net.b * sign, net.V, net.c + height, net.mu, net.shift)
    if not equivalent(net, found):
        raise EocError(f"changing the signs of the neurons {neurons} is no symmetry: {equivalent(net, found).reason}")
    return found
