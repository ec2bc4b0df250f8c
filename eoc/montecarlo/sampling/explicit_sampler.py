r"""Networks with real weight matrices, sampled layer by layer.

1 - c of pre-activations that are there as numbers: for units u = h / |h| of two inputs it is |u_a - u_b|^2 / 2.
Rounding of h changes u by some 1e-16, so for close inputs 1 - c has a relative error of some 1e-16 / sqrt(1 - c): 1e-10
at 1 - c = 1e-12, nothing is left of it at 1e-31.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from eoc.activations.base import Activation
from eoc.errors import EocError
from eoc.floats import FloatArray
from eoc.layers import checked_sigma
from eoc.layers import one_activation as resolve
from eoc.machine import check_memory
from eoc.montecarlo.sampling.inputs import checked_vectors
from eoc.montecarlo.sampling.laws import DTYPES, Dtype, WeightLaw
from eoc.montecarlo.sampling.laws import law as law_of
from eoc.montecarlo.sampling.layer import Layer
from eoc.montecarlo.sampling.weights import backwards, forwards, matrix, product, working_memory
from eoc.montecarlo.settings import checked_widths

__all__ = ["ExplicitSampler", "angles"]

_LARGEST = 1e75  # of a pre-activation, so that its fourth power is a number
_CLOSE = 0.1  # 1 - c below which it is computed from differences


class ExplicitSampler:
    r"""Networks h_l = sigma_w W_l x_{l-1} / sqrt(N_{l-1}) + b_l, x_l = phi(h_l), with entries of W_l of variance 1.

    What is remembered between layers are the activations x_l, (networks, P, N_l). Weights are drawn in blocks, used and
    forgotten; an equal generator draws them again.

    Parameters
    ----------
    activation
        An activation, or whatever :func:`eoc.activation` understands.
    sigma_w, sigma_b
        Standard deviations of the weights (times sqrt(fan-in)) and of the biases, which are Gaussian; >= 0.
    inputs
        x_0: (P, N_0), finite.
    width, depth
        N_l and how many layers; or a list of N_l, one for each layer.
    weights
        Their law, as for :func:`eoc.montecarlo.law`.
    dtype
        ``"float32"`` or ``"float64"``: of weights and their products. All else is in double precision.

    Raises
    ------
    EocError
        For inputs that make no sense, or orthogonal matrices that would not fit into memory.

    Examples
    --------
    >>> sampler = ExplicitSampler("tanh", 2.5, 0.3, inputs=[[1.0, -1.0, 0.5]], width=100, depth=3)
    >>> rng = np.random.default_rng(1)
    >>> state, layer = sampler.step(sampler.start(5, rng), 1, rng)
    >>> state.shape, layer.q.shape, layer.kernel[0].round(4).tolist()
    ((5, 1, 100), (5, 1), [4.7775])
    """

    def __init__(
        self,
        activation: object,
        sigma_w: float,
        sigma_b: float = 0.0,
        *,
        inputs: ArrayLike,
        width: ArrayLike,
        depth: int | None = None,
        weights: object = "gaussian",
        dtype: Dtype = "float64",
    ) -> None:
        self.activation: Activation = resolve(activation)
        self.sigma_w = checked_sigma("sigma_w", sigma_w)
        self.sigma_b = checked_sigma("sigma_b", sigma_b)
        self.inputs = _checked_inputs(inputs)
        self.widths = checked_widths(width, depth)
        self._fans_in = (self.inputs.shape[1], *self.widths[:-1])
        self.law: WeightLaw = law_of(weights)
        if dtype not in DTYPES:
            raise EocError(f"dtype must be one of {', '.join(DTYPES)}, got {dtype!r}")
        self.dtype = dtype
        shapes = zip(self.widths, self._fans_in, strict=True)
        needed = max(working_memory(self.law, shape) for shape in shapes)
        check_memory(f"drawing {self.law.name} weights", needed, "use smaller widths or independent weights")

    def __repr__(self) -> str:
        network = f"{self.activation.name!r}, sigma_w={self.sigma_w!r}, sigma_b={self.sigma_b!r}"
        return f"ExplicitSampler({network}, widths={self.widths}, law={self.law.name!r}, dtype={self.dtype!r})"

    @property
    def depth(self) -> int:
        """How many layers there are."""
        return len(self.widths)

    def start(self, networks: int, rng: np.random.Generator) -> FloatArray:
        """The inputs of every network, (networks, P, N_0); they are not random."""
        return np.broadcast_to(self.inputs, (networks, *self.inputs.shape)).copy()

    def step(self, state: FloatArray, layer: int, rng: np.random.Generator) -> tuple[FloatArray, Layer]:
        """Layer number ``layer`` (from 1), and its activations; EocError names a layer that overflows."""
        h, seen = self.observe(state, layer, rng)
        return self.activate(h), seen

    def observe(
        self, state: FloatArray, layer: int, rng: np.random.Generator, first: int = 0
    ) -> tuple[FloatArray, Layer]:
        """The pre-activations (M, P, N) of a layer, and what is seen of them; ``first`` numbers its first network."""
        with np.errstate(invalid="ignore"):
            x = state * self._scale(layer)
        h = np.stack([self._preactivations(one, layer, rng) for one in x])
        large = ~(np.abs(h).max(axis=(1, 2)) <= _LARGEST)  # nan too
        if large.any():
            raise EocError(
                f"pre-activations of layer {layer} overflow in network {first + int(large.argmax())}: they exceed "
                f"{_LARGEST:g} or are not numbers. Use fewer layers, a smaller sigma_w or smaller inputs"
            )
        return h, _observed(h, np.einsum("mpn,mpn->mp", x, x) + self.sigma_b**2)

    def activate(self, h: FloatArray) -> FloatArray:
        """phi(h); what overflows is left to the next layer to refuse."""
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            return self.activation.phi(h)

    def parameters(self, layer: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
        """Weights (N_l, N_{l-1}) and biases (N_l,) of a layer: those of :meth:`step` for an equal generator.

        A step for several networks draws theirs one after the other.

        Examples
        --------
        >>> sampler = ExplicitSampler("tanh", 2.5, 0.3, inputs=[[1.0, -1.0]], width=4, depth=1)
        >>> _, layer = sampler.step(sampler.start(1, np.random.default_rng(0)), 1, np.random.default_rng(1))
        >>> weights, biases = sampler.parameters(1, np.random.default_rng(1))
        >>> abs(layer.q[0, 0].item() - ((weights @ [1.0, -1.0] + biases) ** 2).mean().item()) < 1e-14
        True
        """
        shape = self.widths[layer - 1], self._fans_in[layer - 1]
        weights = matrix(self.law, shape, self.dtype, rng).astype(float, copy=False)
        return self._scale(layer) * weights, self._biases(layer, rng)

    def pull_back(self, gradient: FloatArray, layer: int, h: FloatArray, rng: np.random.Generator) -> FloatArray:
        """phi'(h) W^T gradient: from the pre-activations of ``layer`` to h (P, N_{l-1}), those of the layer before."""
        back = backwards(gradient * self._scale(layer), self.law, h.shape[1], self.dtype, rng)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            back *= self.activation.dphi(h)
        return back

    def _scale(self, layer: int) -> float:
        return self.sigma_w / self._fans_in[layer - 1] ** 0.5

    def _preactivations(self, x: FloatArray, layer: int, rng: np.random.Generator) -> FloatArray:
        h = forwards(x, self.law, self.widths[layer - 1], self.dtype, rng)
        if self.sigma_b > 0.0:
            h += self._biases(layer, rng)
        return h

    def _biases(self, layer: int, rng: np.random.Generator) -> FloatArray:
        return self.sigma_b * rng.standard_normal(self.widths[layer - 1])


def _checked_inputs(inputs: ArrayLike) -> FloatArray:
    out = checked_vectors(inputs)
    if np.abs(out).max() > _LARGEST:
        raise EocError(f"inputs must be at most {_LARGEST:g}, got {out.flat[np.abs(out).argmax()]:g}")
    return out.copy()


def _observed(h: FloatArray, kernel: FloatArray) -> Layer:
    """Moments and correlations of finite pre-activations h (M, P, N), with the kernel (M, P) that they came from.

    An input whose pre-activations all vanish has no direction: its 1 - c is NaN.
    """
    squares = h * h
    return Layer(
        kernel=kernel,
        q=squares.mean(axis=-1),
        fourth=np.einsum("mpn,mpn->mp", squares, squares) / h.shape[-1],
        one_minus_c=np.stack([angles(one) for one in h]),
    )


def angles(h: FloatArray) -> FloatArray:
    """1 - c of all pairs of rows of (P, N), (P, P)."""
    with np.errstate(invalid="ignore"):
        units = h / np.abs(h).max(axis=1, keepdims=True)  # squares of h itself may underflow
    units /= np.sqrt(np.einsum("pn,pn->p", units, units))[:, None]
    e = np.triu(1.0 - product(units, units.T), 1)
    close = np.triu(e < _CLOSE, 1)
    for a in np.flatnonzero(close.any(axis=1)):
        apart = units[close[a]] - units[a]
        e[a, close[a]] = 0.5 * np.einsum("bn,bn->b", apart, apart)
    return np.minimum(e + e.T, 2.0)
