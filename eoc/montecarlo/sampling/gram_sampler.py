r"""Random networks sampled exactly without any weight matrix.

Given the activations of layer l - 1 for P inputs, the N rows of pre-activations of layer l are independent Gaussian
vectors with the covariance sigma_w^2 x . x' / N' + sigma_b^2. So the Gram matrix is a Markov chain that can be sampled
exactly in distribution with O(N P^2) operations a layer, instead of the O(N N' P) of multiplying by weights. With Haar
distributed orthogonal weights the rows are those of a random orthonormal basis (:mod:`eoc.montecarlo.sampling.haar`).

What is remembered is not the Gram matrix but a factor of it, computed by orthogonal transformations of the activations,
in the basis of a tree of differences (:mod:`eoc.montecarlo.sampling.tree`). Equal inputs therefore stay exactly equal,
inputs with 1 - c = 1e-30 keep the digits of it, and matrices of deficient rank need no special treatment.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from eoc.activations.base import Activation
from eoc.errors import EocError
from eoc.floats import FloatArray
from eoc.maps import VarianceMap
from eoc.montecarlo.sampling.haar import haar_rows
from eoc.montecarlo.sampling.inputs import Inputs
from eoc.montecarlo.sampling.layer import Layer, check_stopped
from eoc.montecarlo.sampling.tree import increments, one_minus_c
from eoc.montecarlo.settings import Weights, checked_weights

__all__ = ["GramSampler", "gram_sampler"]

_BLOCK = (
    2**14
)  # numbers in an array of a block: 128 KiB stay in the cache, and malloc keeps them instead of returning them
_TINY = 1e-280  # a variance, so that its square root times a rounding error is still a number
_DUST = 1e-13  # of its difference: a shorter input is what rounding left of one whose units are all off
_TALL = 8  # rows a column from which a Gaussian matrix is so well conditioned that its Gram matrix loses no digits


@dataclass(frozen=True, eq=False)
class GramSampler:
    """Networks of given widths, sampled layer by layer (a :class:`eoc.montecarlo.sampling.layer.Sampler`).

    Attributes
    ----------
    phi, sigma_w, sigma_b
        Activation and standard deviations of weights (times sqrt(fan-in)) and biases.
    inputs
        The inputs; they give the first layer's covariances.
    widths : (L,)
        Units of each layer.
    weights
        Gaussian, or Haar orthogonal scaled to the same variance of each entry.
    """

    phi: Activation
    sigma_w: float
    sigma_b: float
    inputs: Inputs
    widths: tuple[int, ...]
    weights: Weights = "gaussian"

    @property
    def depth(self) -> int:
        """How many layers there are."""
        return len(self.widths)

    def start(self, networks: int, rng: np.random.Generator) -> FloatArray:
        """The factor of the inputs, the same in all networks: (M, P, k)."""
        return np.broadcast_to(self.inputs.factor, (networks, *self.inputs.factor.shape))

    def step(self, state: FloatArray, layer: int, rng: np.random.Generator) -> tuple[FloatArray, Layer]:
        """Layer number ``layer``, and the factor (M, P, k) of its activations: factor @ factor^T = x . x' / N."""
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            factor, seen = self._step(state, layer, rng)
        if ((seen.kernel > 0.0) & (seen.kernel < _TINY)).any():
            raise EocError(self._message(layer, "underflows", f"a variance falls to {np.nanmin(seen.kernel):.3g}"))
        if not (np.isfinite(factor).all() and np.isfinite(seen.q).all() and np.isfinite(seen.fourth).all()):
            raise EocError(self._message(layer, "overflows", f"variances reach {np.nanmax(seen.kernel):.3g}"))
        return factor, seen

    def _message(self, layer: int, what: str, how: str) -> str:
        network = f"{self.phi.name} at sigma_w = {self.sigma_w:g}, sigma_b = {self.sigma_b:g}"
        depth = f"go to depth {layer - 1} at most, or take" if layer > 1 else "take"
        return f"layer {layer} {what}: {how} there, in networks of {network}; {depth} other variances of the inputs"

    def _step(self, state: FloatArray, layer: int, rng: np.random.Generator) -> tuple[FloatArray, Layer]:
        tree, width = self.inputs.tree, self.widths[layer - 1]
        mixing = self._mixing(state)
        zero = _length(tree.inputs(mixing)) <= _DUST * _length(mixing)
        z_factors, x_factors = [], []
        fourth = np.zeros((len(state), self.inputs.count))
        for z in self._blocks(rng, len(state), mixing.shape[-1], layer):
            check_stopped()
            z_factors.append(_factor(z))
            differences = tree.cleared(mixing @ z, zero)
            h = tree.inputs(differences)
            squares = h * h
            fourth += np.einsum("mpn,mpn->mp", squares, squares)
            x_factors.append(_rows_factor(self._activated(h, differences)))
        drawn = tree.cleared(mixing @ _joined(z_factors, width), zero)
        seen = Layer(
            kernel=_length(tree.inputs(tree.cleared(mixing, zero))) ** 2,
            q=_length(tree.inputs(drawn)) ** 2,
            fourth=fourth / width,
            one_minus_c=self._turned_back(one_minus_c(tree, drawn)),
        )
        return _joined(x_factors, width), seen

    def _mixing(self, state: FloatArray) -> FloatArray:
        """What unit Gaussians (and Haar columns) are multiplied by: root and differences of h, (M, P, k)."""
        mixing = self.sigma_w * state
        if self.sigma_b == 0.0:
            return mixing
        bias = np.zeros((*state.shape[:-1], 1))
        bias[:, self.inputs.tree.root] = self.sigma_b  # which differences do not feel
        mixing = np.concatenate([mixing, bias], axis=-1)
        return _rows_factor(mixing) if self.weights == "gaussian" else mixing

    def _blocks(self, rng: np.random.Generator, networks: int, columns: int, layer: int) -> Iterator[FloatArray]:
        """Unit Gaussians or Haar columns for all units of the layer, in blocks (M, k, n)."""
        width = self.widths[layer - 1]
        most = max(_BLOCK // (networks * self.inputs.count), 8 * self.inputs.count)
        sizes = [min(most, width - start) for start in range(0, width, most)]
        if self.weights == "gaussian":
            for size in sizes:
                yield rng.standard_normal((networks, columns, size))
            return
        biased = self.sigma_b != 0.0
        rows = max(width, self._fan_in(layer))
        for size, z in zip(sizes, haar_rows(rng, networks, columns - biased, rows, iter(sizes)), strict=True):
            yield np.concatenate([z, rng.standard_normal((networks, 1, size))], axis=1) if biased else z

    def _fan_in(self, layer: int) -> int:
        if layer > 1:
            return self.widths[layer - 2]
        return self.inputs.dimension or max(self.widths[0], self.inputs.count)

    def _activated(self, h: FloatArray, differences: FloatArray) -> FloatArray:
        """The root and the differences of phi(h), without cancellation."""
        tree = self.inputs.tree
        out = np.empty_like(h)
        values = np.empty_like(h)
        out[:, tree.root] = values[:, tree.root] = self.phi.phi(h[:, tree.root])
        parents = set(tree.parent)
        for i in tree.order[1:]:
            p = tree.parent[i]
            out[:, i] = increments(self.phi, h[:, p], differences[:, i], values[:, p])
            if i in parents:
                values[:, i] = values[:, p] + out[:, i]
        return out

    def _turned_back(self, e: FloatArray) -> FloatArray:
        opposite = np.not_equal.outer(self.inputs.flipped, self.inputs.flipped)
        return np.where(opposite, 2.0 - e, e)


def gram_sampler(variance: VarianceMap, inputs: Inputs, widths: tuple[int, ...], weights: Weights) -> GramSampler:
    """The sampler without weight matrices."""
    law = checked_weights(weights)
    return GramSampler(variance.activation, variance.sigma_w, variance.sigma_b, inputs, widths, law)


def _length(rows: FloatArray) -> FloatArray:
    return np.sqrt((rows * rows).sum(axis=-1))


def _factor(z: FloatArray) -> FloatArray:
    """(M, k, k) or (M, k, n) with the inner products of unit Gaussians (M, k, n)."""
    if z.shape[-1] < _TALL * z.shape[-2]:
        return _rows_factor(z)
    return np.asarray(np.linalg.cholesky(z @ np.swapaxes(z, -1, -2)))


def _rows_factor(rows: FloatArray) -> FloatArray:
    """Shorter rows (M, P, min(P, n)) with the inner products of rows (M, P, n), each to its own precision.

    With a diagonal >= 0 they are unique, and depend on the rows continuously.
    """
    triangle = np.linalg.qr(np.swapaxes(rows, -1, -2), mode="r")
    signs = np.where(np.diagonal(triangle, axis1=-2, axis2=-1) < 0.0, -1.0, 1.0)
    return np.swapaxes(signs[..., None] * triangle, -1, -2)


def _joined(factors: list[FloatArray], width: int) -> FloatArray:
    """The factor of all blocks together, per unit."""
    whole = factors[0] if len(factors) == 1 else _rows_factor(np.concatenate(factors, axis=-1))
    return whole / np.sqrt(width)
