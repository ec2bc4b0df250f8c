"""Initialisers of single variables for Keras, on any backend.

They go wherever those of ``keras.initializers`` go, and are saved and loaded with a model: import this module before
loading one. The activation is the one that follows the layer. Weights and biases belong together: a kernel by
:class:`EocNormal` or :class:`EocOrthogonal` needs a bias by :class:`EocBias` with the same arguments.

Notes
-----
An initialiser of Keras gives the same values each time it is called, unless its seed is a ``SeedGenerator``. The
layers of a network need values of their own: an initialiser for each, or one generator for all of them.

Examples
--------
>>> import keras
>>> from eoc.initializers.keras import EocBias, EocNormal
>>> seed = keras.random.SeedGenerator(0)
>>> kernel, bias = EocNormal("tanh", sigma_b=0.2, seed=seed), EocBias("tanh", sigma_b=0.2, seed=seed)
>>> layer = keras.layers.Dense(512, "tanh", kernel_initializer=kernel, bias_initializer=bias)
>>> layer.build((1, 512))
>>> round(float(512**0.5 * keras.ops.std(layer.kernel)), 2)  # sigma_w = 1.304
1.3
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import keras

from eoc.activations import Activation
from eoc.activations import activation as resolve
from eoc.errors import EocError
from eoc.messages import quoted
from eoc.operating_point import sigmas

__all__ = ["EocBias", "EocNormal", "EocOrthogonal"]

_REAL = ("float16", "bfloat16", "float32", "float64")


class _AtPoint:
    """What all of them share: which point, in which type, and the configuration."""

    def __init__(
        self,
        activation: object = None,
        *,
        sigma_w: float | None = None,
        sigma_b: float | None = None,
        q: float | None = None,
        depth: int | None = None,
        seed: Any = None,
    ) -> None:
        super().__init__(seed=seed)  # type: ignore[call-arg]  # of the class of Keras that comes next
        phi = None if activation is None else resolve(activation)
        self.sigma_w, self.sigma_b = sigmas(phi, sigma_w=sigma_w, sigma_b=sigma_b, q=q, depth=depth)
        self.activation = activation if isinstance(activation, str) else phi
        self.given = {"sigma_w": sigma_w, "sigma_b": sigma_b, "q": q}
        self.depth = depth

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Any:
        wanted = _real(dtype)
        drawn = "float64" if wanted == "float64" else "float32"  # few bits would make a coarse normal law
        return keras.ops.cast(self._draw(tuple(shape), drawn), wanted)

    def _draw(self, shape: tuple[int, ...], dtype: str) -> Any:
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        values = {name: None if value is None else float(value) for name, value in self.given.items()}
        seed = super().get_config()["seed"]  # type: ignore[misc]  # of the class of Keras that comes next
        return {"activation": _as_text(self.activation), **values, "depth": self.depth, "seed": seed}


class _Kernel(_AtPoint, keras.initializers.VarianceScaling):
    """Of that class because it is to these that layers with kernels of many axes tell their axes (EinsumDense)."""

    def __init__(
        self,
        activation: object = None,
        *,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
        **given: Any,
    ) -> None:
        super().__init__(activation, **given)
        if (input_axes is None) != (output_axes is None):
            raise EocError("give both input_axes and output_axes, or neither")
        self.input_axes = input_axes
        self.output_axes = output_axes

    def _roles(self, shape: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
        """The axes of a kernel: those of its window, inputs and outputs."""
        if self.input_axes is None or self.output_axes is None:
            if len(shape) < 2:
                raise EocError(f"a kernel has two axes or more, got the shape {shape}; biases are for EocBias")
            return tuple(range(len(shape) - 2)), (len(shape) - 2,), (len(shape) - 1,)
        inputs, outputs = tuple(self.input_axes), tuple(self.output_axes)
        if len({*inputs, *outputs} & {*range(len(shape))}) < len(inputs + outputs):
            raise EocError(
                f"input_axes = {self.input_axes} and output_axes = {self.output_axes} must be different axes, from 0, "
                f"of the shape {shape}"
            )
        return (), inputs, outputs

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "input_axes": self.input_axes, "output_axes": self.output_axes}


@keras.saving.register_keras_serializable("eoc")
class EocNormal(_Kernel):
    """Weights N(0, sigma_w^2 / fan_in), with the sigma_w that is critical for the activation that follows.

    Parameters
    ----------
    activation
        Follows the layer: whatever :func:`eoc.activation` understands, such as a function of ``keras.activations`` or
        a layer, ``keras.layers.LeakyReLU(0.2)``; with a Python function that has no name it cannot be saved. None if
        sigma_w and sigma_b are both given. **A text means the activation of eoc:** "leaky_relu" has the slope 0.01
        while that of Keras has 0.2, which is "leaky_relu(slope=0.2)" or ``keras.activations.leaky_relu``. Other names
        of both mean the same.
    sigma_w, sigma_b, q
        One of them: the point of the edge of chaos where it has this value. None of them: the recommended point, as
        by ``eoc init``. Both sigma_w and sigma_b: this place of any phase.
    depth
        Layers of the network, for which the point is recommended; None: the default of :func:`eoc.recommend`.
    seed
        As in ``keras.initializers``: a whole number or None, with which every call gives the same values, or a
        ``keras.random.SeedGenerator``.
    input_axes, output_axes
        The axes over which each output sums, and those of the outputs; ``fan_in`` is the number of elements along
        the former. None: all axes but the last, as the kernels of Dense and Conv have it. ``EinsumDense`` and
        ``MultiHeadAttention`` tell theirs (in versions of Keras that have ``input_axes``). The kernel of
        ``DepthwiseConv2D`` needs ``input_axes=(0, 1), output_axes=(3,)``.

    Raises
    ------
    EocError
        If there is no such point; if called with a shape that lacks an axis or a dtype that is not real and floating.

    Notes
    -----
    The normal law is not truncated. Half precision is drawn in float32 and rounded.

    Examples
    --------
    >>> kernel = EocNormal("relu", seed=0)((3, 3, 64, 128))
    >>> round(float(576 * keras.ops.var(kernel)), 1)  # sigma_w^2
    2.0
    """

    def _draw(self, shape: tuple[int, ...], dtype: str) -> Any:
        window, inputs, _ = self._roles(shape)
        fan_in = math.prod(shape[axis] for axis in window + inputs)
        return keras.random.normal(shape, stddev=self.sigma_w / math.sqrt(max(fan_in, 1)), dtype=dtype, seed=self.seed)


@keras.saving.register_keras_serializable("eoc")
class EocOrthogonal(_Kernel):
    """Haar distributed orthogonal weights, scaled so that variances go as with :class:`EocNormal`.

    The kernel W of ``x @ W`` has orthonormal columns, times sigma_w, where there are no more outputs than inputs;
    otherwise orthonormal rows, times sigma_w sqrt(outputs / inputs). The mean square of its elements is
    sigma_w^2 / inputs in both cases. A convolution is delta-orthogonal: the matrix stands at the centre of the window,
    at element (k - 1) // 2 of k, and all else is 0.

    Parameters
    ----------
    activation, sigma_w, sigma_b, q, depth, seed, input_axes, output_axes
        As for :class:`EocNormal`; where axes are given, no others may be left.
    groups
        Of a grouped convolution: each group has a matrix of its own. Depthwise layers have kernels of another form,
        and no matrices: they are for :class:`EocNormal`.

    Raises
    ------
    EocError
        As :class:`EocNormal`, and if ``groups`` does not divide the number of outputs.

    References
    ----------
    Saxe et al. (2014), arXiv:1312.6120; Xiao et al. (2018), arXiv:1806.05393.

    Examples
    --------
    >>> w = EocOrthogonal("tanh", sigma_b=0.2, seed=0)((6, 4))
    >>> keras.ops.convert_to_numpy(w.T @ w)[0].round(3).tolist()  # sigma_w^2 = 1.701
    [1.701, 0.0, 0.0, 0.0]
    """

    def __init__(self, activation: object = None, *, groups: int = 1, **given: Any) -> None:
        super().__init__(activation, **given)
        if isinstance(groups, bool) or not isinstance(groups, int) or groups < 1:
            raise EocError(f"groups must be a whole number >= 1, got {groups!r}")
        self.groups = groups

    def _draw(self, shape: tuple[int, ...], dtype: str) -> Any:
        roles = self._roles(shape)
        window, inputs, outputs = ([shape[axis] for axis in axes] for axes in roles)
        if len(window + inputs + outputs) < len(shape):
            raise EocError(
                f"input_axes = {self.input_axes} and output_axes = {self.output_axes} must be all axes of an "
                f"orthogonal kernel, got the shape {shape}; depthwise layers are for EocNormal"
            )
        if math.prod(outputs) % self.groups:
            raise EocError(f"groups = {self.groups} must be a divisor of the number of outputs, {math.prod(outputs)}")
        if not math.prod(shape):
            return keras.ops.zeros(shape, dtype)
        matrix = self._matrix(math.prod(inputs), math.prod(outputs), dtype)
        centre = keras.ops.reshape(matrix, (*(1 for _ in window), *inputs, *outputs))
        around = [((k - 1) // 2, k // 2) for k in window]
        whole = keras.ops.pad(centre, [*around, *([(0, 0)] * len(inputs + outputs))])
        order = [axis for axes in roles for axis in axes]
        return keras.ops.transpose(whole, [order.index(axis) for axis in range(len(shape))])

    def _matrix(self, inputs: int, outputs: int, dtype: str) -> Any:
        """The matrices of the groups side by side."""
        each = outputs // self.groups
        tall, narrow = max(inputs, each), min(inputs, each)
        q, r = keras.ops.qr(keras.random.normal((self.groups, tall, narrow), dtype=dtype, seed=self.seed))
        q = q * keras.ops.sign(keras.ops.diagonal(r, axis1=1, axis2=2))[:, None, :]  # only then is it Haar distributed
        blocks = keras.ops.transpose(q, (1, 0, 2) if tall == inputs else (2, 0, 1))
        return self.sigma_w * math.sqrt(tall / inputs) * keras.ops.reshape(blocks, (inputs, outputs))

    def get_config(self) -> dict[str, Any]:
        """What a saved model keeps of it."""
        return {**super().get_config(), "groups": self.groups}


@keras.saving.register_keras_serializable("eoc")
class EocBias(_AtPoint, keras.initializers.RandomNormal):
    """Biases N(0, sigma_b^2), with the sigma_b of the same point as the weights.

    Parameters
    ----------
    activation, sigma_w, sigma_b, q, depth, seed
        As for :class:`EocNormal`, and with the values that the kernel of the same layer has.

    Raises
    ------
    EocError
        As :class:`EocNormal`.

    Examples
    --------
    >>> keras.ops.convert_to_numpy(EocBias("relu")((3,))).tolist()  # the only critical sigma_b of relu is 0
    [0.0, 0.0, 0.0]
    """

    def _draw(self, shape: tuple[int, ...], dtype: str) -> Any:
        return keras.random.normal(shape, stddev=self.sigma_b, dtype=dtype, seed=self.seed)


def _real(dtype: Any) -> str:
    try:
        wanted = keras.backend.standardize_dtype(dtype)
    except ValueError:
        wanted = ""
    if wanted not in _REAL:
        raise EocError(f"dtype must be one of {', '.join(_REAL)}, got {quoted(dtype)}")
    return wanted


def _as_text(activation: str | Activation | None) -> str | None:
    """What :func:`eoc.activation` makes the same activation of."""
    if activation is None or isinstance(activation, str):
        return activation
    with suppress(EocError):
        if resolve(activation.name) is activation:
            return activation.name
    raise EocError(
        f"an initialiser for {quoted(activation.name)} cannot be saved: a Python function cannot be told by a "
        "text; give the activation as a name or a formula in x"
    )
