"""A Dask cluster: one that is there, or one that is made on this machine."""

from __future__ import annotations

from typing import Any

from eoc.errors import EocError
from eoc.sweeps.batch import Batch
from eoc.sweeps.running.engines.engine import Computed
from eoc.sweeps.running.engines.interrupts import ignoring_interrupts
from eoc.sweeps.running.work import compute

__all__ = ["Dask", "dask_at", "local_dask"]

_TIMEOUT = 30.0  # seconds until a scheduler that does not answer is given up


class Dask:
    """Workers of a Dask cluster. One that dies is replaced by Dask, which tries again what was on it.

    Parameters
    ----------
    client
        A ``distributed.Client``, connected to the cluster.
    own
        What to close when the sweep is over: the client, and the cluster if it was made for the sweep.
    """

    name = "dask"

    def __init__(self, client: Any, *own: Any) -> None:
        self._client, self._own = client, own
        self._executor = client.get_executor(pure=False)
        self._address = client.scheduler.address  # which a client that is closed forgets
        self.workers = sum(client.nthreads().values())
        if not self.workers:
            self.close()
            raise EocError(f"the Dask cluster at {self._address} has no workers: start some (dask worker ADDRESS)")

    def submit(self, batch: Batch, patience: float) -> Computed:
        """Compute the batch on one of the workers."""
        return self._executor.submit(compute, batch, patience)

    def lacks(self) -> str:
        """Workers, where the cluster has lost all of them."""
        try:
            if any(self._client.nthreads().values()):
                return ""
        except OSError as error:
            return f"the Dask scheduler at {self._address} does not answer: {error}"
        return f"the Dask cluster at {self._address} has no workers left: the sweep goes on when there are some"

    def restart(self) -> None:
        """Nothing to do: Dask starts workers again by itself."""

    def close(self) -> None:
        """Cancel what is under way; leave a cluster that others made as it is."""
        self._executor.shutdown(wait=False)
        for own in self._own:
            own.close()


def dask_at(address: str) -> Dask:
    """The cluster whose scheduler is at an address such as tcp://10.0.0.1:8786.

    Raises
    ------
    EocError
        If it does not answer within 30 seconds, or has no workers.
    """
    distributed = _distributed()
    try:
        client = distributed.Client(address, timeout=_TIMEOUT)
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise EocError(f"cannot reach a Dask scheduler at {address}: {reason}; write tcp://HOST:PORT") from None
    return Dask(client, client)


def local_dask(workers: int) -> Dask:
    """A cluster of processes on this machine, which talk over TCP as those of a large one do."""
    import logging

    distributed = _distributed()
    with ignoring_interrupts():
        cluster = distributed.LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            silence_logs=logging.CRITICAL,
        )
    client = distributed.Client(cluster)
    return Dask(client, client, cluster)


def _distributed() -> Any:
    try:
        import distributed
    except ImportError:
        raise EocError('Dask is not installed: pip install "eoc[dask]"') from None
    return distributed
