"""Computing points: what a worker does, in this process or in another one."""

from __future__ import annotations

import time
import warnings
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eoc.errors import AccuracyWarning, EocError
from eoc.sweeps.functions import OtherFunctionError, activation_of, error_text
from eoc.sweeps.plan import VERSION, Batch, Result
from eoc.sweeps.task import EOC
from eoc.sweeps.tasks import task

if TYPE_CHECKING:
    from eoc.activations import Activation
    from eoc.criticality import EocPoint
    from eoc.layers import Network
    from eoc.operating_point import OperatingPoint

__all__ = ["compute"]

_in_use = Lock()  # workers of a cluster may have several threads, and warnings and tables belong to a process


def compute(batch: Batch, patience: float) -> list[Result]:
    """The results of the first points of a batch: of all, or of those that are done when patience (seconds) is over.

    One thread, whatever numerical libraries would like to use: how they share sums among threads changes last digits.

    Raises
    ------
    EocError
        If the batch was made by another version of eoc, or with another function of a user. A point that fails is a
        result with an error.

    Examples
    --------
    >>> batch = Batch("edge_of_chaos", "", {}, {7: {"activation": "tanh", "sigma_b": 0.2}, 8: {"activation": "tahn"}})
    >>> [(result.index, result.error) for result in compute(batch, patience=60.0)]
    [(7, ''), (8, "unknown activation 'tahn'; did you mean 'tanh' or 'arctan'?")]
    """
    import scipy.linalg  # noqa: F401  # loaded before its threads are limited
    from threadpoolctl import threadpool_limits

    if batch.version != VERSION:
        raise EocError(f"a worker has eoc {VERSION}, the sweep runs with {batch.version}: install the same version")
    results: list[Result] = []
    with _in_use, threadpool_limits(1):
        start = began = time.perf_counter()
        for index, point in batch.points.items():
            try:
                outputs, error = _outputs(batch, dict(point)), ""
            except OtherFunctionError:
                raise
            except (Exception, SystemExit) as failure:  # a sweep goes on whatever a user's function does
                outputs, error = {}, error_text(failure)
            ended = time.perf_counter()
            results.append(Result(index, ended - began, outputs, error))
            began = ended
            if began - start > patience:
                break
    return results


def _outputs(batch: Batch, point: dict[str, Any]) -> dict[str, NDArray[Any]]:
    """The outputs of one point; "eoc" is replaced by what it stands for."""
    of = task(batch.task)
    found: dict[str, ArrayLike] = {}
    text = point.get("activation")
    if text is not None and text not in of.parameter("activation").choices:
        point["activation"] = activation_of(text, batch.folder, batch.functions.get(text, ""))
    if "random_seed" in point:
        point["seed"] = point.pop("random_seed")
    if point.get("sigma_w") == EOC:
        best = _best_point(point["activation"], point.get("sigma_b", 0.0))
        point["sigma_w"] = best.sigma_w
        if "q" not in point and best.q > 0.0:  # no input has the variance 0
            point["q"] = best.q
    if "sigma_w" in point:
        found["sigma_w_used"] = point["sigma_w"]
    for name, values in batch.inner.items():
        point[name] = np.array(values)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AccuracyWarning)  # the error bound of an output says the same
        found.update(of.compute(point))
    return {name: np.asarray(value) for name, value in found.items()}


def _best_point(source: Activation | Network, sigma_b: float) -> OperatingPoint | EocPoint:
    """What "eoc" stands for."""
    from eoc.criticality import edge_of_chaos
    from eoc.layers import Network
    from eoc.operating_point import operating_point

    if isinstance(source, Network):
        return edge_of_chaos(source, sigma_b=sigma_b).best
    return operating_point(source, sigma_b=sigma_b)
