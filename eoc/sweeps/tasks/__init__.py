"""The tasks by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from eoc.errors import EocError
from eoc.messages import closest
from eoc.sweeps.task import Task
from eoc.sweeps.tasks.conditions import CONDITIONS
from eoc.sweeps.tasks.correlations import CORRELATION_PROCESS
from eoc.sweeps.tasks.counterexamples import DIVERGENCE, SECOND_LAYER
from eoc.sweeps.tasks.edge_of_chaos import CURVE, EDGE_OF_CHAOS
from eoc.sweeps.tasks.kernel import KERNEL
from eoc.sweeps.tasks.kinks import KINKS
from eoc.sweeps.tasks.lengths import GAUSSIANITY, LENGTH_PROCESS, LENGTH_SCALING
from eoc.sweeps.tasks.phase import PHASE, PHASE_DIAGRAM
from eoc.sweeps.tasks.propagation import PROPAGATION
from eoc.sweeps.tasks.rates import RATES
from eoc.sweeps.tasks.training import TRAINING
from eoc.sweeps.tasks.verify import VERIFY

__all__ = ["FAMILIES", "TASKS", "task"]

_ALL = (
    EDGE_OF_CHAOS,
    CURVE,
    PHASE_DIAGRAM,
    PHASE,
    PROPAGATION,
    RATES,
    CONDITIONS,
    KERNEL,
    KINKS,
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

#: What configurations write as ``task``.
FAMILIES = tuple(dict.fromkeys(one.family for one in _ALL))


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
