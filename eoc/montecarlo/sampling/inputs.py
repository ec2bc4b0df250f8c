"""The inputs of a network, as its sampler needs them: an exact factor of the Gram matrix of their tree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eoc.errors import EocError
from eoc.floats import EPS, FloatArray
from eoc.gaussian.angle import Angle, angle_of
from eoc.machine import check_memory
from eoc.maps import VarianceMap
from eoc.montecarlo.sampling.haar import haar_rows
from eoc.montecarlo.sampling.tree import Tree, shortest_tree
from eoc.montecarlo.settings import checked_count, checked_seed
from eoc.propagation.inputs import checked_inputs, from_gram
from eoc.validation import real_number, real_numbers

__all__ = ["Inputs", "checked_vectors", "first_inputs", "from_variances", "from_vectors", "hypercube", "vectors_of"]

_INDEFINITE = 1e-9  # how negative rounding may make an eigenvalue of correlations
_TINY = 1e-280
_LONG = 100.0  # times the squared length of the root
_RANK = 16.0 * EPS  # times P: below it an eigenvalue of rounded correlations says nothing


@dataclass(frozen=True, eq=False)
class Inputs:
    """P inputs x_a of one dimension n.

    Attributes
    ----------
    tree
        Which differences stand for them.
    factor : (P, k)
        Rows with the inner products of the root and the differences: factor @ factor.T = x . x' / n.
    flipped : (P,)
        Which inputs stand for their negatives; only for networks that are odd functions.
    dimension
        n, or None where only inner products are known.
    """

    tree: Tree
    factor: FloatArray
    flipped: NDArray[np.bool_]
    dimension: int | None = None

    @property
    def count(self) -> int:
        """P, how many they are."""
        return len(self.factor)


def hypercube(inputs: int, dimension: int, seed: int) -> FloatArray:
    """Inputs drawn evenly from {-1, 1}^N, shape (inputs, dimension), as those of Long & Sedghi (2019).

    EocError unless both are whole numbers >= 1, the seed one >= 0, and all fits into memory.

    Examples
    --------
    >>> hypercube(2, 5, seed=1).tolist()
    [[-1.0, 1.0, 1.0, 1.0, -1.0], [-1.0, 1.0, 1.0, -1.0, -1.0]]
    """
    shape, seed = (checked_count("inputs", inputs), checked_count("dimension", dimension)), checked_seed(seed)
    check_memory("the inputs", 16.0 * shape[0] * shape[1], "use fewer inputs, or a smaller dimension")
    return np.random.default_rng(seed).choice([-1.0, 1.0], size=shape)


def checked_vectors(x: ArrayLike) -> FloatArray:
    """The inputs x_0 as an array (P, N_0) of finite numbers; EocError if they are not."""
    vectors = real_numbers("inputs", x)
    if vectors.ndim != 2 or 0 in vectors.shape:
        raise EocError(f"inputs are P vectors of dimension N_0, an array (P, N_0), got shape {vectors.shape}")
    if not np.isfinite(vectors).all():
        raise EocError(f"inputs must be finite, got {vectors[~np.isfinite(vectors)][0]}")
    return vectors


def from_vectors(x: ArrayLike, odd: bool) -> Inputs:
    """Inputs given as vectors (P, n). ``odd``: whether the network is an odd function, so that signs do not matter."""
    vectors = checked_vectors(x)
    scaled = vectors / np.sqrt(vectors.shape[1])
    with np.errstate(over="ignore"):
        squares = (scaled * scaled).sum(axis=1)
    if not np.isfinite(squares).all():
        raise EocError(f"the squared length of input {int((~np.isfinite(squares)).argmax())} overflows: scale it down")
    if (small := (squares < _TINY) & vectors.any(axis=1)).any():
        raise EocError(f"the squared length of input {int(small.argmax())} underflows: scale it up, or take zeros")
    near, far = (_distances(scaled, sign) for sign in (1.0, -1.0))
    tree, flipped = _tree(squares, near, far, odd)
    scaled[flipped] *= -1.0
    return Inputs(tree, _lower_factor(tree.differences(scaled)), flipped, vectors.shape[1])


def _distances(x: FloatArray, sign: float) -> FloatArray:
    return np.array([((x - sign * row) ** 2).sum(axis=1) for row in x])


def _lower_factor(rows: FloatArray) -> FloatArray:
    """Shorter rows (P, min(P, n)) with the same inner products as rows (P, n); zero rows stay exactly zero."""
    triangle = np.asarray(np.linalg.qr(rows.T, mode="r"))
    return np.ascontiguousarray(triangle.T)


def from_variances(q: FloatArray, at: Angle, sigma_w: float, sigma_b: float, odd: bool) -> Inputs:
    """Inputs that give the first layer's pre-activations these variances (P,) and angles (P, P)."""
    if sigma_w == 0.0:
        raise EocError("with sigma_w = 0 no input reaches the first layer: give a sigma_w > 0")
    rest = q - sigma_b**2
    if (rest < -4.0 * EPS * q).any():
        raise EocError(f"the variance of the first layer is at least sigma_b^2 = {sigma_b**2:.12g}, got {q.min():.12g}")
    roots = np.sqrt(q)
    unequal, product = np.subtract.outer(roots, roots) ** 2, np.multiply.outer(roots, roots)
    near = (unequal + 2.0 * product * at.e) / sigma_w**2
    far = (unequal + 2.0 * product * at.rest) / sigma_w**2
    squares = np.maximum(rest, 0.0) / sigma_w**2
    tree, flipped = _tree(squares, near, far, odd)
    turned = np.not_equal.outer(flipped, flipped)
    between = np.where(turned, far, near)
    np.fill_diagonal(between, 0.0)
    cosines = np.where(turned, -0.5, 0.5) * (at.rest - at.e)
    with_root = (product * cosines)[tree.root] / sigma_w**2 - (sigma_b / sigma_w) ** 2
    return Inputs(tree, _factor_of(_gram(tree, squares, between, with_root)), flipped)


def _gram(tree: Tree, squares: FloatArray, between: FloatArray, with_root: FloatArray) -> FloatArray:
    """Inner products (P, P) of root and differences: from squared distances (P, P), which keep them relatively exact.

    <x_a - x_p, x_b - x_r> needs no more; <x_a - x_p, x_0> from distances for inputs that are about as long as the root
    x_0, and from inner products (P,) with it where they are much longer.
    """
    parent, root = np.array(tree.parent), tree.root
    gram = 0.5 * (between[:, parent] + between[parent, :] - between - between[np.ix_(parent, parent)])
    apart = 0.5 * (squares - between[root])
    long = np.maximum(squares, squares[parent]) > _LONG * squares[root]
    gram[root, :] = gram[:, root] = np.where(long, with_root - with_root[parent], apart - apart[parent])
    gram[root, root] = squares[root]
    return gram


def _tree(squares: FloatArray, near: FloatArray, far: FloatArray, odd: bool) -> tuple[Tree, NDArray[np.bool_]]:
    """The tree, and which inputs are turned around: those nearer to the negative of their parent, if that is free.

    From squared lengths (P,), and squared lengths of differences ``near`` and of sums ``far``, both (P, P).
    """
    root = int(squares.argmin())
    flipped = np.zeros(len(near), dtype=bool)
    if not odd:
        return shortest_tree(near, root), flipped
    tree = shortest_tree(np.minimum(near, far), root)
    for i in tree.order[1:]:
        p = tree.parent[i]
        flipped[i] = flipped[p] ^ bool(far[i, p] < near[i, p])
    return tree, flipped


def _factor_of(gram: FloatArray) -> FloatArray:
    """Rows (P, P) with these inner products, the rank decided by what rounding leaves certain."""
    lengths = np.sqrt(np.maximum(np.diag(gram), 0.0))
    some = lengths > 0.0
    correlations = gram[np.ix_(some, some)] / np.multiply.outer(lengths[some], lengths[some])
    values, vectors = np.linalg.eigh(correlations)
    lowest = float(values[0]) if values.size else 0.0
    if (np.abs(gram[~some]) > _INDEFINITE * (lengths.max() ** 2)).any():
        lowest = -np.inf  # an input of length 0 that has an inner product
    if lowest < -_INDEFINITE * len(gram):
        raise EocError(
            "no inputs give the first layer these variances and correlations: their matrix must be positive "
            "semidefinite, also when sigma_b^2, which all inputs share, is taken off each entry (for two inputs "
            f"c >= 2 sigma_b^2/q - 1); an eigenvalue of the correlations among them is {lowest:.3g} < 0"
        )
    values = np.where(values > _RANK * len(gram), values, 0.0)
    rows = np.zeros(gram.shape)
    rows[np.ix_(some, some)] = lengths[some, None] * vectors * np.sqrt(values)
    return rows


def vectors_of(inputs: Inputs, dimension: int, rng: np.random.Generator) -> FloatArray:
    """Vectors (P, dimension) with these inner products, per dimension, in random directions."""
    k = inputs.factor.shape[-1]
    if dimension < k:
        raise EocError(f"{k} independent inputs need a dimension of at least {k}, got {dimension}")
    columns = next(haar_rows(rng, 1, k, dimension, iter([dimension])))[0]
    return np.where(inputs.flipped, -1.0, 1.0)[:, None] * inputs.tree.inputs(inputs.factor @ columns)


def first_inputs(
    variance: VarianceMap,
    q: ArrayLike | None = None,
    c: ArrayLike | None = None,
    one_minus_c: ArrayLike | None = None,
    gram: ArrayLike | None = None,
    inputs: ArrayLike | None = None,
) -> Inputs:
    """The inputs, from vectors, from the first layer's covariances, or from its variances and correlations."""
    odd = variance.activation.parity == "odd" and variance.sigma_b == 0.0
    given = [name for name, value in (("inputs", inputs), ("gram", gram)) if value is not None]
    others = [name for name, value in (("q", q), ("c", c), ("one_minus_c", one_minus_c)) if value is not None]
    if len(given) > 1 or (given and others):
        raise EocError(f"give inputs, or gram, or q and correlations; got {' and '.join([*given, *others])}")
    if inputs is not None:
        return from_vectors(inputs, odd)
    if gram is not None:
        variances, e, _ = from_gram(gram)
        variances, at = checked_inputs(variances, angle_of(one_minus_c=e))
    else:
        variances, at = _first_layer(variance, q, c, one_minus_c)
    return from_variances(variances, at, variance.sigma_w, variance.sigma_b, odd)


def _first_layer(
    variance: VarianceMap, q: ArrayLike | None, c: ArrayLike | None, one_minus_c: ArrayLike | None
) -> tuple[FloatArray, Angle]:
    given = variance.kept if q is None else q
    if q is None and given == 0.0:
        raise EocError(f"layers of {variance!r} keep no variance but 0: give q, the variance of the first layer")
    if c is not None or one_minus_c is not None:
        return checked_inputs(given, angle_of(c, one_minus_c=one_minus_c))
    q_one = real_number("q, without correlations c or one_minus_c,", given)
    if not (q_one > 0.0 and np.isfinite(q_one)):
        raise EocError(f"the variances of inputs must be finite and > 0, got {q_one:g}")
    return np.array([q_one]), Angle(np.zeros((1, 1)), np.full((1, 1), 2.0))
