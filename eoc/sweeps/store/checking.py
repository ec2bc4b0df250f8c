"""Whether the result of a point is what its task promises."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eoc.sweeps.plan import Plan, Result

__all__ = ["checked"]

_BESIDES = "sigma_w_used"  # comes with the outputs wherever there is a sigma_w


def checked(
    plan: Plan, shapes: Mapping[str, tuple[int, ...]], result: Result
) -> tuple[Mapping[str, NDArray[Any]], str]:
    """The outputs of a point and why it failed, which it also did if outputs are not those of the task.

    Parameters
    ----------
    plan
        The sweep.
    shapes
        Of all variables of one point, by name.
    result
        What a worker has computed.
    """
    if result.error:
        return {}, result.error.encode(errors="replace").decode()  # not every text is Unicode
    everything = {
        name: _filled(plan, name, np.asarray(values), shapes.get(name, ())) for name, values in result.outputs.items()
    }
    found = {name: array for name, array in everything.items() if name != _BESIDES}
    had = {name: array.shape for name, array in found.items()}
    if had != {name: shapes[name] for name in plan.outputs}:
        return {}, f"the task {plan.task.name} returned outputs of other names or shapes: {had}"
    for name, array in found.items():
        dtype = plan.outputs[name].dtype
        if not np.can_cast(array.dtype, dtype, "same_kind"):
            return {}, f"the task {plan.task.name} returned {name} as {array.dtype}, not {dtype}"
    return everything, ""


def _filled(plan: Plan, name: str, array: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """An output in all layers of the sweep, where the networks of a point have only the first of them."""
    if name not in plan.outputs or array.shape == shape or array.ndim != len(shape):
        return array
    output = plan.outputs[name]
    for dim, have, size in zip(output.dims, array.shape, shape, strict=True):
        if have > size or (have < size and dim in plan.inner):
            return array
    filled = np.full(shape, output.missing, array.dtype)
    filled[tuple(slice(have) for have in array.shape)] = array
    return filled
