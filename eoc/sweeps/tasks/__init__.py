"""The tasks by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from eoc.errors import EocError
from eoc.sweeps.task import Task
from eoc.sweeps.tasks.curve import CURVE
from eoc.sweeps.tasks.edge_of_chaos import EDGE_OF_CHAOS
from eoc.sweeps.tasks.montecarlo.correlation_process import CORRELATION_PROCESS
from eoc.sweeps.tasks.montecarlo.divergence import DIVERGENCE
from eoc.sweeps.tasks.montecarlo.gaussianity import GAUSSIANITY
from eoc.sweeps.tasks.montecarlo.length_process import LENGTH_PROCESS
from eoc.sweeps.tasks.montecarlo.length_scaling import LENGTH_SCALING
from eoc.sweeps.tasks.montecarlo.second_layer import SECOND_LAYER
from eoc.sweeps.tasks.montecarlo.verify import VERIFY
from eoc.sweeps.tasks.phase import PHASE, PHASE_DIAGRAM
from eoc.sweeps.tasks.propagation import PROPAGATION
from eoc.sweeps.tasks.rates import RATES
from eoc.sweeps.tasks.training import TRAINING
from eoc.wording import closest

__all__ = ["TASKS", "task"]

_ALL = (
    EDGE_OF_CHAOS,
    CURVE,
    PHASE_DIAGRAM,
    PHASE,
    PROPAGATION,
    RATES,
    LENGTH_PROCESS,
    LENGTH_SCALING,
    GAUSSIANITY,
    CORRELATION_PROCESS,
    SECOND_LAYER,
    DIVERGENCE,
    VERIFY,
    TRAINING,
)

#: All tasks, by name.
TASKS: Mapping[str, Task] = MappingProxyType({one.name: one for one in _ALL})


def task(name: str) -> Task:
    """The task of that name.

    Raises
    ------
    EocError
        For an unknown name.

    Examples
    --------
    >>> task("edge_of_chaos").about
    'the best point of the edge of chaos with one given quantity, or the recommended one'
    """
    if name in TASKS:
        return TASKS[name]
    close = closest(name, list(TASKS))
    hint = f", did you mean {close!r}" if close else ""
    raise EocError(f"there is no task {name!r}{hint}; there are {', '.join(TASKS)}")
