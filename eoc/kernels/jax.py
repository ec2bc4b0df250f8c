"""The kernel of an activation as a function of JAX, to build kernels of networks in one's own code."""

from __future__ import annotations

from typing import Any

import numpy as np

from eoc.activations import activation as resolve
from eoc.errors import EocError
from eoc.frameworks import needs
from eoc.kernels.duals.checks import RANGE, Range, refuse
from eoc.kernels.duals.evaluation import MOST, Arrays, Slopes, is_covered, slopes, values
from eoc.kernels.duals.tables import DualTables, dual_tables

needs("eoc.kernels.jax", extra="jax", libraries=("jax",))

import jax  # noqa: E402  only once it is known to be there
import jax.numpy as jnp  # noqa: E402

__all__ = ["Dual", "dual"]

_Array = Any


def dual(activation: object, q: Range = RANGE) -> Dual:
    """The kernel of an activation, (q_a, q_b, k) -> (K, Kd), as a function of JAX.

    For Gaussian u, v of variances q_a, q_b and covariance k these are K = E[phi(u) phi(v)] and Kd = E[phi'(u) phi'(v)],
    which is dK/dk.

    Parameters
    ----------
    activation
        An activation, or whatever :func:`eoc.activation` understands: a name, a formula, a Python function.
    q
        The least and the largest variance, for which tables are made; at most a factor of 16 000 apart. Positively
        homogeneous activations, as relu, take any.

    Returns
    -------
    Dual
        The function. It can be differentiated, vectorised and compiled.

    Raises
    ------
    EocError
        Where JAX computes in single precision, and for a range that is none.
    UnsupportedError
        Where phi jumps.
    AccuracyError
        Where phi cannot be tabulated to 1e-10.

    Examples
    --------
    >>> with jax.enable_x64(True):
    ...     erf = dual("erf", q=(1.0, 2.0))
    ...     found = [part.item() for part in erf(1.0, 2.0, 0.5)]
    ...     slope = jax.grad(lambda k: erf(1.0, 2.0, k)[0])(0.5).item()
    >>> [round(part, 12) for part in found]  # the first is (2/pi) arcsin(2 k / sqrt((1 + 2 q_a) (1 + 2 q_b)))
    [0.166257971481, 0.340287581978]
    >>> slope == found[1]
    True
    """
    if not jax.config.jax_enable_x64:
        raise EocError(
            'dual computes in double precision: say jax.config.update("jax_enable_x64", True) before anything else'
        )
    return Dual(dual_tables(resolve(activation), *(float(end) for end in q)))


class Dual:
    """K and Kd by variances and covariances: call it with arrays, which are broadcast.

    Arrays are faster than ``vmap`` over their elements. Slopes are those of K and Kd to about 1e-11; where kinks make
    the slope of Kd infinite at equal inputs it is kept at its value at 1 - c = 5e-15. Variances outside the range and
    covariances above sqrt(q_a q_b) raise an :class:`EocError`, in compiled functions JAX's own error with its text.

    Attributes
    ----------
    q
        The least and the largest variance.
    error
        Bounds on the errors of K relative to sqrt(E[phi(u)^2] E[phi(v)^2]), and of Kd relative to the same of phi'.
    """

    def __init__(self, tables: DualTables) -> None:
        self.q = (tables.low, tables.high)
        self.error = tables.error
        self._tables = tables
        self._pair = _differentiable(tables, self._check)

    def __repr__(self) -> str:
        return f"dual({self._tables.name!r}, q={self.q})"

    def __call__(self, q_a: _Array, q_b: _Array, k: _Array) -> tuple[_Array, _Array]:
        """K and Kd."""
        args = jnp.broadcast_arrays(*(jnp.asarray(one, dtype=jnp.float64) for one in (q_a, q_b, k)))
        if not any(isinstance(one, jax.core.Tracer) for one in args):
            self._check(*args)
        found: tuple[_Array, _Array] = self._pair(*args)
        return found

    def _check(self, *args: _Array) -> None:
        refuse(self._tables, *(np.asarray(one).ravel() for one in args))


def _differentiable(tables: DualTables, check: Any) -> Any:
    """The function of arrays of one shape, with its rule of differentiation; what is not covered is checked later."""

    def parts(*args: _Array) -> tuple[_Array, _Array]:
        t = _arrays(tables)
        good = jnp.all(is_covered(t, *args))
        jax.lax.cond(good, lambda *_: None, lambda *found: jax.debug.callback(check, *found), *args)
        return values(t, *args)

    def all_slopes(*args: _Array) -> Slopes:
        return slopes(_arrays(tables), *args)

    slopes_of = jax.custom_jvp(_elementwise(all_slopes))
    slopes_of.defjvp(lambda primals, tangents: jax.jvp(_in_parts(all_slopes), primals, tangents))
    pair = jax.custom_jvp(_elementwise(parts))

    def rule(primals: tuple[_Array, ...], tangents: tuple[_Array, ...]) -> tuple[Any, Any]:
        (k, kd), by = pair(*primals), slopes_of(*primals)
        first, second, covariance = tangents
        moved = by.k_by_first * first + by.k_by_second * second + kd * covariance
        slope_moved = by.kd_by_first * first + by.kd_by_second * second + by.kd_by_k * covariance
        return (k, kd), (moved, slope_moved)

    pair.defjvp(rule)
    return pair


def _elementwise(function: Any) -> Any:
    """The same, of any shape; ``vmap`` hands it all elements at once."""
    whole = jax.custom_batching.custom_vmap(_in_parts(function))

    def batched(size: int, is_batched: list[bool], *args: _Array) -> tuple[Any, Any]:
        full = [
            x if there else jnp.broadcast_to(x, (size, *x.shape)) for x, there in zip(args, is_batched, strict=True)
        ]
        found = whole(*full)
        return found, jax.tree_util.tree_map(lambda _: True, found)

    whole.def_vmap(batched)
    return whole


def _in_parts(function: Any) -> Any:
    """The same, of arrays of any shape: no more than MOST pairs at a time."""

    def whole(*args: _Array) -> Any:
        shape, size = args[0].shape, args[0].size
        flat = [x.reshape(-1) for x in args]
        if size <= MOST:
            found = function(*flat)
        else:
            count = -(-size // MOST)
            flat = [jnp.pad(x, (0, count * MOST - size), mode="edge").reshape(count, MOST) for x in flat]
            found = jax.lax.map(lambda part: function(*part), tuple(flat))
        return jax.tree_util.tree_map(lambda x: x.reshape(-1)[:size].reshape(shape), found)

    return jax.jit(whole)


def _blocks() -> int | None:
    """How many blocks are summed together: of a processor one stays in its cache."""
    return None if jax.default_backend() == "cpu" else MOST


def _arrays(tables: DualTables) -> Arrays:
    return Arrays(
        of=tables,
        xp=jnp,
        arange=jnp.arange,
        leading=lambda x: jax.lax.reduce_precision(x, 11, 25),
        constant=jax.lax.stop_gradient,
        for_blocks=lambda function, arrays: jax.lax.map(lambda one: function(*one), arrays, batch_size=_blocks()),
        **{name: jnp.asarray(getattr(tables, name)) for name in ("roots", "tree", "at", "spans", "ends", "series")},
    )
