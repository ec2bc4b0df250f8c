r"""How recurrent layers are drawn: the rules as numbers.

Gates see inputs of variance 1, and recurrent weights are orthogonal, one matrix a gate, which keeps what it multiplies.
Biases decide for how long a unit remembers: with a forget or update gate sigmoid(b) it forgets by e in about 1 + exp(b)
steps. Where sequences have a known length T, those of the units are spread evenly from 2 to T,

.. math:: b_k = \log\bigl(1 + (T - 2)(k + \tfrac12)/n\bigr), \qquad k = 0, \ldots, n - 1,

and the input gates of an LSTM have -b_k, so that what is added to a cell is the smaller, the longer it stays (Tallec
and Ollivier 2018, arXiv 1804.11188). Without a length forget gates get 1, as is customary (Jozefowicz et al. 2015), and
update gates of a GRU, too. A plain cell is drawn on its edge of chaos: inputs add a small share to its pre-activations,
and sigma_w is where chi = 1 with them (:func:`eoc.critical_recurrent`). With relu, whose second moments at its edge,
sqrt(2), differ much from network to network, it is 1, where nothing can grow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from eoc.floats import FloatArray
from eoc.models.steps import Recurrence
from eoc.recurrence import critical_recurrent

__all__ = ["Drawn", "drawn", "time_scales"]

_SHARE = 0.05  # of variance that inputs add to the pre-activations of a plain cell
_SHORTEST = 4  # steps
_CUSTOMARY = 1.0
_KEEPING = {"lstm": "f", "torch gru": "z"}  # the gates that decide how much stays


@dataclass(frozen=True)
class Drawn:
    """How the numbers of one gate are drawn.

    Attributes
    ----------
    inputs, recurrent
        The variance of V s, and sigma_w.
    bias
        Of all units; or, where there are ``scales``, of each its own.
    scales
        The largest time scale of the biases, in steps; negative where biases are minus those. 0 for one bias for all.
    """

    inputs: float
    recurrent: float
    bias: float = 0.0
    scales: float = 0.0


def drawn(own: Recurrence) -> Mapping[str, Drawn]:
    """How the gates of a layer are drawn, by name."""
    gates = [gate.name for gate in own.directions[0]]
    if own.cell not in _KEEPING:
        return {"h": Drawn(1.0, 1.0) if own.cell == "rnn relu" else Drawn(_SHARE, _critical())}
    known = own.times is not None and own.times >= _SHORTEST
    scales = float(own.times or 0) if known else 0.0
    keeping = Drawn(1.0, 1.0, scales=scales) if known else Drawn(1.0, 1.0, bias=_CUSTOMARY)
    found = {name: keeping if name == _KEEPING[own.cell] else Drawn(1.0, 1.0) for name in gates}
    return found | ({"i": Drawn(1.0, 1.0, scales=-scales)} if own.cell == "lstm" and known else {})


def time_scales(scales: float, units: int) -> FloatArray:
    """Biases whose gates forget within 2 to abs(scales) steps, one for each unit.

    Examples
    --------
    >>> time_scales(10.0, 4).round(2).tolist()
    [0.69, 1.39, 1.79, 2.08]
    """
    shares = (np.arange(units) + 0.5) / max(units, 1)
    return np.asarray(np.sign(scales) * np.log1p((abs(scales) - 2.0) * shares))


@cache
def _critical() -> float:
    """The sigma_w at which squared gradients of a tanh cell keep their size."""
    return critical_recurrent("rnn", "sigma_w", sigma_v=_SHARE**0.5)[0].numbers["sigma_w"]
