"""Initialisers of single arrays for JAX and Flax.

Each function returns an initialiser ``init(key, shape, dtype)`` as those of ``jax.nn.initializers`` do, so it goes
wherever they go: as ``kernel_init`` and ``bias_init`` of the layers of Flax, linen and nnx, under ``jit`` and ``vmap``.
The activation is the one that follows the layer. Weights and biases belong together: a kernel by :func:`eoc_normal` or
:func:`eoc_orthogonal` needs a bias by :func:`eoc_bias` with the same arguments.

Examples
--------
A layer of a tanh network in Flax is
``nn.Dense(512, kernel_init=eoc_normal("tanh", sigma_b=0.2), bias_init=eoc_bias("tanh", sigma_b=0.2))``; by hand:

>>> import jax
>>> from eoc.initializers.jax import eoc_bias, eoc_normal
>>> kernel = eoc_normal("tanh", sigma_b=0.2)(jax.random.key(0), (512, 512))
>>> bias = eoc_bias("tanh", sigma_b=0.2)(jax.random.key(1), (512,))
>>> round(float(512**0.5 * kernel.std()), 2)  # sigma_w = 1.304
1.3
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from eoc.errors import EocError
from eoc.messages import quoted
from eoc.operating_point import sigmas

__all__ = ["eoc_bias", "eoc_normal", "eoc_orthogonal"]

Axes = int | Sequence[int]
Initializer = Callable[..., Any]


def eoc_normal(
    activation: object = None,
    *,
    sigma_w: float | None = None,
    sigma_b: float | None = None,
    q: float | None = None,
    depth: int | None = None,
    in_axis: Axes = -2,
    out_axis: Axes = -1,
    batch_axis: Axes = (),
    dtype: Any = None,
) -> Initializer:
    """Weights N(0, sigma_w^2 / fan_in), with the sigma_w that is critical for the activation that follows.

    Parameters
    ----------
    activation
        Follows the layer: whatever :func:`eoc.activation` understands, such as a function of ``jax.nn`` with its own
        defaults (``jax.nn.gelu`` is the approximate one, "gelu" is not). None if sigma_w and sigma_b are both given.
    sigma_w, sigma_b, q
        One of them: the point of the edge of chaos where it has this value. None of them: the recommended point, as
        by ``eoc init``. Both sigma_w and sigma_b: this place of any phase.
    depth
        Layers of the network, for which the point is recommended; None: the default of :func:`eoc.recommend`.
    in_axis, out_axis, batch_axis
        As in ``jax.nn.initializers.variance_scaling``: the axes over which a layer sums, those of its outputs, and
        those over which it does something of its own. Over all other axes, those of a convolution's window, it sums
        too: ``fan_in`` is the number of all elements but those of ``out_axis`` and ``batch_axis``.
    dtype
        What ``init`` returns unless told otherwise: a real floating type; None is JAX's default.

    Returns
    -------
    callable
        ``init(key, shape, dtype=dtype, out_sharding=None)``. The normal law is not truncated. Types of less than 32
        bits are drawn in float32 and rounded.

    Raises
    ------
    EocError
        If there is no such point, now; if a shape lacks an axis or a dtype is not a real floating type, in ``init``.

    Notes
    -----
    The default axes are those of kernels (inputs, outputs), as ``x @ kernel``. Weights of Equinox are (outputs, inputs,
    *window): there give ``in_axis=-1, out_axis=-2`` for matrices, ``in_axis=1, out_axis=0`` for convolutions. With the
    default axes a tanh layer from 1024 to 64 units has sigma_w = 5.23 where 1.304 is meant.

    Examples
    --------
    A 3 x 3 convolution with 64 input channels, each output of which sums 576 terms:

    >>> import jax
    >>> kernel = eoc_normal("relu")(jax.random.key(0), (3, 3, 64, 128))
    >>> round(float(576 * kernel.var()), 1)  # sigma_w^2
    2.0
    """
    width, _ = sigmas(activation, sigma_w=sigma_w, sigma_b=sigma_b, q=q, depth=depth)
    draw = jax.nn.initializers.variance_scaling(width**2, "fan_in", "normal", in_axis, out_axis, batch_axis)

    def kernel(key: Any, shape: tuple[int, ...], dtype: Any, **placed: Any) -> Any:
        _roles(shape, in_axis, out_axis, batch_axis)
        return draw(key, shape, dtype, **placed) if math.prod(shape) else jnp.zeros(shape, dtype)

    return _initializer(kernel, dtype)


def eoc_orthogonal(
    activation: object = None,
    *,
    sigma_w: float | None = None,
    sigma_b: float | None = None,
    q: float | None = None,
    depth: int | None = None,
    in_axis: Axes = -2,
    out_axis: Axes = -1,
    batch_axis: Axes = (),
    groups: int = 1,
    dtype: Any = None,
) -> Initializer:
    """Haar distributed orthogonal weights, scaled so that variances go as with :func:`eoc_normal`.

    The kernel W of ``x @ W`` has orthonormal columns, times sigma_w, where there are no more outputs than inputs;
    otherwise orthonormal rows, times sigma_w sqrt(outputs / inputs). The mean square of its elements is
    sigma_w^2 / inputs in both cases. A convolution is delta-orthogonal: the matrix stands at the centre of the window,
    at element (k - 1) // 2 of k, and all else is 0.

    Parameters
    ----------
    activation, sigma_w, sigma_b, q, depth, in_axis, out_axis, batch_axis, dtype
        As for :func:`eoc_normal`. Each index of ``batch_axis`` has a matrix of its own.
    groups
        ``feature_group_count`` of a grouped convolution: each group has a matrix of its own.

    Returns
    -------
    callable
        ``init(key, shape, dtype=dtype)``. A sharding cannot be asked for, as in ``jax.nn.initializers.orthogonal``.

    Raises
    ------
    EocError
        As :func:`eoc_normal`, and if ``groups`` does not divide the number of outputs.

    References
    ----------
    Saxe et al. (2014), arXiv:1312.6120; Xiao et al. (2018), arXiv:1806.05393.

    Examples
    --------
    >>> import jax
    >>> w = eoc_orthogonal("tanh", sigma_b=0.2)(jax.random.key(0), (6, 4))
    >>> (w.T @ w)[:2, :2].round(3).tolist()  # sigma_w^2 = 1.701
    [[1.701, 0.0], [0.0, 1.701]]
    """
    if isinstance(groups, bool) or not isinstance(groups, int) or groups < 1:
        raise EocError(f"groups must be a whole number >= 1, got {groups!r}")
    width, _ = sigmas(activation, sigma_w=sigma_w, sigma_b=sigma_b, q=q, depth=depth)

    def kernel(key: Any, shape: tuple[int, ...], dtype: Any, **placed: Any) -> Any:
        if placed:
            raise EocError("out_sharding is not available for eoc_orthogonal: move the kernel with jax.device_put")
        roles = _roles(shape, in_axis, out_axis, batch_axis)
        batch, window, inputs, outputs = ([shape[axis] for axis in axes] for axes in roles)
        if math.prod(outputs) % groups:
            raise EocError(f"groups = {groups} must be a divisor of the number of outputs, {math.prod(outputs)}")
        if not math.prod(shape):
            return jnp.zeros(shape, dtype)
        matrices = _orthogonal(key, width, math.prod(batch), groups, math.prod(inputs), math.prod(outputs), dtype)
        centre = matrices.reshape(*batch, *(1 for _ in window), *inputs, *outputs)
        around = [((k - 1) // 2, k // 2) for k in window]
        whole = jnp.pad(centre, [*([(0, 0)] * len(batch)), *around, *([(0, 0)] * len(inputs + outputs))])
        return jnp.moveaxis(whole, range(len(shape)), [axis for axes in roles for axis in axes])

    return _initializer(kernel, dtype)


def eoc_bias(
    activation: object = None,
    *,
    sigma_w: float | None = None,
    sigma_b: float | None = None,
    q: float | None = None,
    depth: int | None = None,
    dtype: Any = None,
) -> Initializer:
    """Biases N(0, sigma_b^2), with the sigma_b of the same point as the weights.

    Parameters
    ----------
    activation, sigma_w, sigma_b, q, depth, dtype
        As for :func:`eoc_normal`, and with the values that the kernel of the same layer has.

    Returns
    -------
    callable
        ``init(key, shape, dtype=dtype, out_sharding=None)``, for any shape.

    Raises
    ------
    EocError
        As :func:`eoc_normal`.

    Examples
    --------
    >>> import jax
    >>> eoc_bias("relu")(jax.random.key(0), (3,)).tolist()  # the only critical sigma_b of relu is 0
    [0.0, 0.0, 0.0]
    """
    _, spread = sigmas(activation, sigma_w=sigma_w, sigma_b=sigma_b, q=q, depth=depth)
    return _initializer(jax.nn.initializers.normal(spread), dtype)


def _initializer(draw: Initializer, default: Any) -> Initializer:
    """``init`` with the type and the sharding that are asked for."""

    def init(key: Any, shape: Sequence[int], dtype: Any = default, out_sharding: Any = None) -> Any:
        wanted = _real(dtype)
        drawn = wanted if wanted.itemsize >= 4 else jnp.dtype("float32")  # few bits would make a coarse normal law
        placed = {} if out_sharding is None else {"out_sharding": out_sharding}
        return draw(key, tuple(shape), drawn, **placed).astype(wanted)

    return init


def _real(dtype: Any) -> Any:
    try:
        wanted = jnp.result_type(float if dtype is None else dtype)
        if jnp.issubdtype(wanted, jnp.floating):
            return wanted
    except TypeError:
        pass
    raise EocError(f"dtype must be a real floating type such as float32 or bfloat16, got {quoted(dtype)}")


def _roles(shape: tuple[int, ...], in_axis: Axes, out_axis: Axes, batch_axis: Axes) -> list[tuple[int, ...]]:
    """The axes of a kernel: those of its batch, window, inputs and outputs."""
    try:
        inputs, outputs, batch = (
            np.lib.array_utils.normalize_axis_tuple(axes, len(shape)) for axes in (in_axis, out_axis, batch_axis)
        )
        if len({*inputs, *outputs, *batch}) < len(inputs + outputs + batch):
            raise ValueError
    except ValueError:  # of which NumPy's AxisError is one
        raise EocError(
            f"a kernel of shape {shape} cannot have in_axis = {in_axis}, out_axis = {out_axis}, batch_axis = "
            f"{batch_axis}: they must be different axes of it; biases are for eoc_bias"
        ) from None
    window = tuple(axis for axis in range(len(shape)) if axis not in inputs + outputs + batch)
    return [batch, window, inputs, outputs]


def _orthogonal(key: Any, sigma: float, batch: int, groups: int, inputs: int, outputs: int, dtype: Any) -> Any:
    """Matrices (batch, inputs, outputs), each made of those of its groups side by side."""
    each = outputs // groups
    haar = jax.nn.initializers.orthogonal(sigma * math.sqrt(max(inputs, each) / inputs))
    blocks = jax.vmap(lambda k: haar(k, (inputs, each), dtype))(jax.random.split(key, batch * groups))
    return jnp.moveaxis(blocks.reshape(batch, groups, inputs, each), 1, 2).reshape(batch, inputs, outputs)
