"""Scales corrected by what a batch shows, where theory is approximate or unknown.

The model is computed once, and as each weight is met what its layer hands on is measured; the weight is scaled until
that has the mean square that was planned, and the run goes on with it, as in :mod:`eoc.initializers.torch.measured`.
Then the gradients of a random linear loss are measured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from eoc.initializers.plan.corrections import ALIKE, MOST, NEAR
from eoc.initializers.plan.fills import Fill
from eoc.initializers.plan.plan import Aim
from eoc.initializers.slotted import Array, Key, Measured
from eoc.models.jax.computed import computed
from eoc.models.jax.read import Traced

__all__ = ["Batch"]


@dataclass(frozen=True)
class Batch:
    """A model and a batch to measure it on.

    Attributes
    ----------
    function
        The model: of its parameters, state and inputs.
    parameters
        All of them, by name.
    others
        The state and the inputs.
    traced
        The function, traced with these.
    """

    function: Callable[..., Any]
    parameters: Mapping[str, Any]
    others: tuple[Any, ...]
    traced: Traced

    def measure(self, values: Mapping[str, Array], aims: Mapping[Key, Aim], fills: Sequence[Fill]) -> Measured:
        """See :class:`eoc.initializers.slotted.Measured`; weights that are used in loops are left as they are."""
        drawn = {**self.parameters, **values}
        taken, factors = self._corrected({name: jnp.asarray(value) for name, value in drawn.items()}, aims)
        found = Measured(taken, factors, float("nan"), {})
        scaled = {**drawn, **found.scaled({**values}, fills)}
        names = dict.fromkeys(fill.name for fill in fills)
        output, gradients = _linear_loss(self.function, scaled, self.others, list(names))
        return replace(found, output=output, gradients=gradients)

    def _corrected(self, drawn: Mapping[str, Any], aims: Mapping[Key, Aim]) -> list[dict[Key, float]]:
        """What each weight is applied to, and what it is to be multiplied by."""
        products = {key: self.traced.products[key] for key in aims if key in self.traced.products}
        wanted = {product: (side, aims[key]) for key, (product, side) in products.items()}

        def run(arrays: Sequence[Any]) -> tuple[dict[int, Any], dict[int, Any]]:
            taken: dict[int, Any] = {}
            factors: dict[int, Any] = {}

            def seen(product: int, given: Sequence[Any], found: Any) -> Any:
                if product not in wanted:
                    return found
                side, aim = wanted[product]
                taken[product], factors[product] = _mean_square(given[side]), _factor(_mean_square(found), aim)
                return (found * factors[product]).astype(found.dtype)

            computed(self.traced.jaxpr, arrays, seen)
            return taken, factors

        found = jax.jit(run)(jax.tree_util.tree_leaves((dict(drawn), *self.others)))
        return [{key: float(part[product]) for key, (product, _) in products.items()} for part in found]


def _linear_loss(
    function: Callable[..., Any], parameters: Mapping[str, Any], others: Sequence[Any], names: Sequence[str]
) -> tuple[float, dict[str, float]]:
    """The mean square of what a model returns, and |dL/dW| of weights for a random linear loss L.

    Parameters
    ----------
    function
        Of the parameters and the other arguments.
    parameters, others
        What it is called with.
    names
        Of the weights.
    """

    def loss(parameters: Mapping[str, Any]) -> tuple[Any, Any]:
        outputs = [y for y in jax.tree_util.tree_leaves(function(parameters, *others)) if _is_real(y)]
        keys = jax.random.split(jax.random.key(0), max(len(outputs), 1))
        whole = [jnp.sum(y * jax.random.normal(key, y.shape, y.dtype)) for key, y in zip(keys, outputs, strict=False)]
        size = sum(y.size for y in outputs)
        return sum(whole), sum(jnp.sum(jnp.square(y.astype("float32"))) for y in outputs) / max(size, 1)

    gradients, output = jax.jit(jax.grad(loss, has_aux=True))(dict(parameters))
    sizes = {name: float(jnp.linalg.norm(gradients[name])) for name in names}
    return float(output), sizes


def _is_real(y: Any) -> bool:
    return hasattr(y, "dtype") and bool(jnp.issubdtype(y.dtype, jnp.floating))


def _mean_square(x: Any) -> Any:
    return jnp.mean(jnp.square(x.astype("float32")))


def _factor(have: Any, aim: Aim) -> Any:
    if not (aim.weights > 0.0 and np.isfinite(aim.weights)):
        return jnp.ones(())
    factor = jnp.clip(jnp.sqrt(aim.weights / have), 1.0 / MOST, MOST)
    moved = jnp.abs(factor - 1.0) > (ALIKE if aim.is_exact else NEAR)
    return jnp.where(moved & (have > 0.0) & jnp.isfinite(have), factor, 1.0)
